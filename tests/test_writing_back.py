"""What samplers write back: on tokens by hand, and in decodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from kit.decoding import residual_stream
from kit.sampled import small, steps_of

from lockstep.models.alone import logits_alone
from lockstep.models.decode import Decoder, decode
from lockstep.models.editing import MaskedAgain
from lockstep.models.samplers import Guesses, State, Written, sampler
from lockstep.models.samplers.remasking import largest_sigma
from lockstep.models.samplers.rule import WritesBack
from lockstep.models.sampling import Sampling
from lockstep.models.sequence import Change
from lockstep.proofs_check.agreement import check_agreement


def written(start: list[int], before: list[int], after: list[int], reach: list[int] | None = None, picked: int = 2, last: int | None = None,
            chances: list[float] | None = None, guesses: Guesses | None = None) -> Written:  # fmt: skip
    """A step on tokens by hand; -1 is MASK."""
    rows = np.flatnonzero(np.array(start) == -1) if reach is None else np.array(reach)
    return Written(np.array(start), np.array(before), np.array(after), -1, rows, picked, last,
                   lambda rows: guesses or pytest.fail("no guess is needed"), lambda rows: np.array(chances))  # fmt: skip


def writes(text: str, step: Written, seed: int = 0) -> list[tuple[int, int]]:
    (rule,) = sampler(text).back
    rows, tokens = rule.write(step, State(2, np.random.default_rng(seed)))
    return list(zip(rows.tolist(), tokens.tolist()))


def test_anchored_tokens_are_the_given_ones() -> None:
    step = written([7, 8, -1, -1, 9], [7, 3, -1, 5, 9], [7, 3, 4, 5, -1])
    assert writes("anchor", step) == [(1, 8), (4, 9)]


def test_the_largest_chance_to_be_masked_again() -> None:
    """(1 - alpha_s) / alpha_t, at most 1; alpha of generated positions alone."""
    start = [7, -1, -1, -1, -1]
    for before, after, sigma in (([7, -1, -1, -1, -1], [7, 1, -1, -1, -1], 1), ([7, 1, 1, -1, -1], [7, 1, 1, 1, -1], 0.5),
                                 ([7, 1, -1, -1, -1], [7, 1, 1, -1, -1], 1), ([7, 1, 1, 1, -1], [7, 1, 1, 1, 1], 0)):  # fmt: skip
        assert largest_sigma(written(start, before, after)) == sigma


def test_what_may_be_masked_again() -> None:
    """Anywhere: generated tokens that were there before. Newest: tokens of the block that is filled, also those of this step."""
    step = written([7, 8, -1, -1, -1, -1, -1, -1], [7, 8, 1, 2, 3, -1, -1, -1], [7, 8, 1, 2, 3, 4, -1, -1], reach=[5, 6])
    found = {text: {row for seed in range(60) for row, token in writes(text, step, seed)} for text in
             ("cap:0.5", "rescale:1", "blocks:2+cap:0.5,newest", "blocks:2+rescale:1,newest", "cap:0", "rescale:0")}  # fmt: skip
    assert found == {"cap:0.5": {2, 3, 4}, "rescale:1": {2, 3, 4}, "blocks:2+cap:0.5,newest": {5}, "blocks:2+rescale:1,newest": {5},
                     "cap:0": set(), "rescale:0": set()}  # fmt: skip
    assert {token for seed in range(9) for _, token in writes("cap:0.9", step, seed)} == {-1}


@pytest.mark.parametrize(("text", "chance"), [("cap:0.2", 0.2), ("cap:0.8", 0.5), ("rescale:0.5", 0.25)])
def test_how_often_tokens_are_masked_again(text: str, chance: float) -> None:
    """The largest chance is (1 - 3/4) / (1/2) = 1/2."""
    start = [-1] * 400
    step = written(start, [1] * 200 + [-1] * 200, [1] * 300 + [-1] * 100)
    many = sum(len(writes(text, step, seed)) for seed in range(20))
    assert abs(many - 4000 * chance) < 5 * np.sqrt(4000 * chance * (1 - chance))


def test_a_second_look_masks_tokens_again() -> None:
    start, before, after = [7, -1, -1, -1, -1, -1], [7, 1, 2, 3, -1, -1], [7, 1, 2, 3, 4, 5]
    step = written(start, before, after, chances=[0.5, 0.95, 0.2])
    assert writes("wino", step) == [(1, -1), (3, -1)]
    assert writes("wino:0.6:0.4", step) == [(3, -1)]
    assert writes("wino", replace(step, last=2)) == [(3, -1)], "fewer than the step before unmasked"
    assert writes("wino", replace(step, last=1)) == []
    assert writes("wino", replace(step, picked=1)) == []


def test_how_many_wino_unmasks() -> None:
    for masks, sure, wanted in ((4, 4, 4), (6, 6, 5), (10, 10, 7), (40, 40, 20), (40, 3, 3), (40, 0, 1)):
        guesses = Guesses(
            np.arange(masks),
            np.zeros(masks, np.int64),
            np.where(np.arange(masks) < sure, 0.7, 0.6),
            np.zeros(masks),
            np.zeros(masks),
        )
        assert len(sampler("wino").pick(guesses, State(0, np.random.default_rng(0)))) == wanted


def test_joint_edits_what_is_sure_of_another_token() -> None:
    guesses = Guesses(np.array([1, 2, 3]), np.array([4, 2, 6]), np.array([0.8, 0.9, 0.3]), np.zeros(3), np.zeros(3))
    step = written([7, -1, -1, -1, -1], [7, 1, 2, 3, -1], [7, 1, 2, 3, 9], guesses=guesses)
    assert writes("joint:0.5:0.5", step) == [(1, 4)]
    assert writes("joint", step) == [(1, 4), (3, 6)]
    assert step.held.tolist() == [1, 2, 3]


@pytest.mark.parametrize("text", ["blocks:3+cap:0.2,newest", "blocks:3+random+cap:0.1,newest", "blocks:3+rescale:0.2,newest"])
def test_masking_again_in_the_newest_block_is_right(text: str) -> None:
    job, compiled, _, time = small()
    for seed in range(2):
        found = check_agreement(compiled, job, time, Sampling(engine="indexed", sampler=text, seed=seed))
        assert found.divergence is None and found.steps > time + 1
        assert found.written > 3 * job.processors * time + len(job.outputs)


def test_masking_again_anywhere_is_wrong() -> None:
    """A token that is masked again sees tokens of its future."""
    job, compiled, _, time = small()
    found = [
        check_agreement(compiled, job, time, Sampling(engine="indexed", sampler="parallel+cap:0.1", seed=seed))
        for seed in range(2)
    ]
    assert all(each.divergence is not None for each in found)


def test_an_edit_threshold_repairs_nothing() -> None:
    """Rows that hold a token are flat: above 1 / (V - 1) nothing is edited, below everything becomes BOS."""
    job, compiled, layout, time = small()
    flat = 1 / (compiled.model.vocabulary.size - 1)
    above = check_agreement(compiled, job, time, Sampling(sampler=f"joint:0.5:{1.001 * flat:.9f}"))
    assert (above.divergence, above.steps) == (None, time + 1)
    steps = steps_of(f"joint:0.5:{0.999 * flat:.9f}")
    bos = compiled.model.vocabulary.token("BOS")
    assert set(steps[-2][layout.first_block : -len(job.outputs)]) == {bos}


def test_what_is_masked_alone() -> None:
    _, compiled, layout, _ = small()
    positions, mask = layout.positions(), compiled.model.vocabulary.mask
    tokens = decode(compiled.model, layout.tokens(), positions).tokens
    rows = np.arange(len(tokens) - 12, len(tokens))  # more than one pass takes
    found = logits_alone(compiled.model, tokens, positions, rows)
    for number, row in enumerate(rows):
        sequence = tokens.copy()
        sequence[row] = mask
        stream = residual_stream(compiled.model, sequence, positions.dense())[row]
        assert np.array_equal(found.kinds[number], compiled.model.unembedding.kind @ stream)
        assert np.array_equal(found.ones[number], compiled.model.unembedding.one @ stream)


def anchoring(text: str) -> Iterator[tuple[int, int]]:
    """A given token changes after the first step; it is compared with what is given after each step from then on."""
    _, compiled, layout, _ = small()
    decoder = Decoder(compiled.model, layout.tokens(), layout.positions(), "mdm", Sampling(sampler=text))
    row = layout.first_block - 1
    for step in decoder:
        if step.number == 1:
            other = compiled.model.vocabulary.token("WORD", 5)
            decoder.sequence.tokens[row] = other
            decoder.session.update(0, Change(np.array([row]), len(decoder.sequence)), decoder.sequence.tokens)
        else:
            yield int(step.tokens[row]), int(layout.tokens()[row])


def test_anchoring_writes_given_tokens_back() -> None:
    assert all(found == given for found, given in anchoring("parallel+anchor"))
    assert all(found != given for found, given in anchoring("parallel"))


def test_a_sampler_that_comes_to_no_end_is_an_error() -> None:
    job, compiled, layout, time = small(1)
    masks = int((layout.tokens() == compiled.model.vocabulary.mask).sum())
    sampling = Sampling(engine="indexed", sampler="blocks:3+rescale:1,newest")
    said = f"decoding step {4 * masks + 17}: the sampler masks tokens again and again; {masks} are still masked"
    with pytest.raises(MaskedAgain) as ended:
        decode(compiled.model, layout.tokens(), layout.positions(), "mdm", sampling)
    assert str(ended.value) == said
    found = check_agreement(compiled, job, time, sampling).divergence
    assert found is not None and (found.field, found.found) == ("end", said)


def test_rules_that_write_back_come_in_turn() -> None:
    rules = sampler("anchor+blocks:6+cap:0.1,newest+top:2")
    assert rules.text == "blocks:6+top:2+cap:0.1,newest+anchor" and [type(rule).__name__ for rule in rules.back] == [
        "Cap",
        "Anchor",
    ]
    assert all(isinstance(rule, WritesBack) for rule in rules.back) and rules.block == 6
    assert [type(rule).__name__ for rule in sampler("joint+anchor").back] == ["Joint", "Anchor"]
