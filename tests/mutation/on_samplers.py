"""Checks of samplers: guesses, rules, what is written back, and decodes."""

from __future__ import annotations

import numpy as np
import test_confidence as confidence
import test_sampled_decodes as decodes
import test_samplers as rules
import test_writing_back as back

from lockstep.models.editing import NotFinished, SequenceEditor
from lockstep.models.engines import available
from lockstep.models.samplers import sampler
from lockstep.models.samplers.noise import Noise
from lockstep.models.sampling import Sampling
from mutation.table import Check

#: What a broken sampler may end with.
REFUSALS = (ValueError, IndexError, NotFinished)


def guesses() -> None:
    for seed in (0, 3, 4, 7):
        for dtype in ("float64", "float32"):
            rules.test_guesses_are_those_of_the_softmax_over_all_tokens(seed, dtype)
        rules.test_chances_are_those_of_the_softmax_over_all_tokens(seed)
    rules.test_float32_logits_lose_no_rank()
    rules.test_entropies_of_certain_rows_are_not_rounded_away()
    confidence.test_noise_is_uniform()


def picks() -> None:
    for text, wanted in rules.PICKS:
        found = rules.picked(text)
        assert found == wanted, f"{text} picks {found}, not {wanted}"
    for text in ("random:2", "blocks:4+random"):
        rules.test_random_rules_draw_from_the_seed(text)
    back.test_how_many_wino_unmasks()


def texts() -> None:
    for text, message in rules.REFUSED:
        try:
            found = sampler(text).text
        except ValueError as refused:
            assert str(refused).startswith(message), f"{refused}"
        else:
            raise AssertionError(f"{text} is read as {found}")
    back.test_rules_that_write_back_come_in_turn()


def written_back() -> None:
    back.test_anchored_tokens_are_the_given_ones()
    back.test_the_largest_chance_to_be_masked_again()
    back.test_what_may_be_masked_again()
    for text, chance in (("cap:0.2", 0.2), ("cap:0.8", 0.5), ("rescale:0.5", 0.25)):
        back.test_how_often_tokens_are_masked_again(text, chance)
    back.test_a_second_look_masks_tokens_again()
    back.test_joint_edits_what_is_sure_of_another_token()
    back.test_what_is_masked_alone()


def anchored() -> None:
    back.test_anchoring_writes_given_tokens_back()


def plain_python() -> None:
    for text in ("threshold:0.9", "top:3,margin", "entropy:1e-5", "blocks:8+top:3"):
        decodes.test_a_decode_is_that_of_plain_python(text)


def every_engine() -> None:
    for text in ("parallel", "random:1", "blocks:3+random:2", "blocks:3+cap:0.2,newest", "joint:0.5:0.1"):
        decodes.test_every_engine_makes_the_same_steps(text)
    decodes.test_temperature_and_noise_are_the_same_in_every_engine()
    if "native" in available():
        decodes.test_the_native_engine_hands_over()


def runs() -> None:
    decodes.test_steps_of_rules_that_are_right(2)
    decodes.test_a_wrong_rule_ends_at_its_first_wrong_token()


def runs_masked_again() -> None:
    back.test_masking_again_in_the_newest_block_is_right("blocks:3+cap:0.2,newest")
    back.test_masking_again_anywhere_is_wrong()
    back.test_an_edit_threshold_repairs_nothing()


def refusals() -> None:
    for process, options in (("arm", {"sampler": "one"}), ("mdm", {"sampler": "one", "order": "random"}),
                             ("mdm", {"sampler": "one", "sample": 0}), ("mdm", {"sampler": "one", "temperature": -1.0}),
                             ("mdm", {"temperature": 2.0}), ("mdm", {"noise": Noise(1, 1.0)})):  # fmt: skip
        try:
            SequenceEditor(np.array([0, 1]), rules.KINDS, 3, process, Sampling(**options))  # type: ignore[arg-type]
        except ValueError:
            continue
        raise AssertionError(f"{process} takes {options}")


CHECKS = (
    Check("guesses of samplers", "token, confidence, margin, entropy, and chances, against the softmax over all tokens", guesses,
          (ValueError, IndexError)),
    Check("picks of samplers", "what each rule picks of six guesses, by hand", picks, REFUSALS),
    Check("texts of samplers", "what is no sampler, with its message; the order of parts", texts),
    Check("what samplers write back", "each rule that writes back, on tokens by hand; tokens that are masked alone", written_back,
          REFUSALS),
    Check("anchored tokens", "a given token that changes during a decode, with and without anchoring", anchored, REFUSALS),
    Check("sampled decodes beside plain Python", "twenty steps of four samplers on a sum, from the softmax over all tokens", plain_python,
          REFUSALS),
    Check("sampled decodes by every engine", "five samplers, and noise, by each engine and by another seed", every_engine, REFUSALS),
    Check("sampled runs beside the machine", "samplers that are right, with their steps; samplers that are wrong", runs, REFUSALS),
    Check("sampled runs that are masked again", "in the newest block and anywhere; edits below and above the flat confidence",
          runs_masked_again, REFUSALS),
    Check("refusals of samplers", "processes, orders and options that contradict a sampler", refusals),
)  # fmt: skip
