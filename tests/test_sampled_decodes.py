"""Decodes by samplers: beside plain Python, in every engine, beside the machine, with temperature and noise, and what is written back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from kit.commands import FINE, MISUSED, REFUTED, Do
from kit.decoding import residual_stream, states
from kit.jobs import DIRECTORY
from oracles import plain_sampler as plain

from lockstep.compiler.compile import Compiled, Layout, compile_job
from lockstep.models.alone import logits_alone
from lockstep.models.decode import Decoder, decode
from lockstep.models.drawing import Logits
from lockstep.models.editing import MaskedAgain, SequenceEditor
from lockstep.models.engines import ENGINES, available
from lockstep.models.positions import Positions
from lockstep.models.samplers import Guesses, State, Written, guess, sampler
from lockstep.models.samplers.noise import Noise
from lockstep.models.samplers.remasking import largest_sigma
from lockstep.models.samplers.rule import WritesBack
from lockstep.models.sampling import Sampling
from lockstep.models.sequence import Change
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import load
from lockstep.proofs_check.agreement import check_agreement

BITS = 16.0  # what a bit adds to the logit of a token that has it right


@cache
def small(size: int = 2, dtype: str = "float64", word_bits: int = 6) -> tuple[Job, Compiled, Layout, int]:
    """A sum, its model, and the time of its run."""
    job = load(DIRECTORY / "tree_sum.pram").instantiate({"n": size}, {"A": [13, 9, 2, 15][:size]}, word_bits)
    time = run(job).time
    compiled = compile_job(job, time, dtype)
    return job, compiled, compiled.layout(job, time), time


def steps_of(text: str, engine: str = "dense", size: int = 2, **more: object) -> list[list[int] | str]:
    """The tokens after each step, and how the decode ends."""
    _, compiled, layout, _ = small(size)
    sampling = replace(Sampling(engine=engine, sampler=text), **more)  # type: ignore[arg-type]
    return list(states(Decoder(compiled.model, layout.tokens(), layout.positions(), "mdm", sampling), 400))


# -- the rules in a decode -----------------------------------------------------------------------------

FIRST = small()[2].first_block
PLAIN = {
    "threshold:0.9": plain.threshold(0.9),
    "top:3": plain.top(3),
    "top:3,margin": plain.top(3, "margin"),
    "top:2,entropy": plain.top(2, "entropy"),
    "one": plain.top(1),
    "factor:1": plain.factor(1),
    "factor:5.5": plain.factor(5.5),
    "entropy:0": plain.entropy(0, last_counts=False),
    "entropy:1e-5": plain.entropy(1e-5, last_counts=False),
    "entropy:0.1": plain.entropy(0.1, last_counts=False),
    "entropy-sum:0.1": plain.entropy(0.1, last_counts=True),
    "blocks:8": plain.blocks(8, plain.threshold(0.9), FIRST),
    "blocks:8+top:3": plain.blocks(8, plain.top(3), FIRST),
    "blocks:3+top:2,margin": plain.blocks(3, plain.top(2, "margin"), FIRST),
}


@pytest.mark.parametrize("text", PLAIN)
def test_a_decode_is_that_of_plain_python(text: str) -> None:
    """From the softmax over all tokens, in as many steps as the decode takes, up to thirty."""
    _, compiled, layout, _ = small()
    vocabulary, positions = compiled.model.vocabulary, layout.positions().dense()
    head = compiled.model.unembedding.full_matrix(vocabulary)

    def logits_of(tokens: list[int]) -> list[list[float]]:
        return (residual_stream(compiled.model, np.array(tokens), positions) @ head.T).tolist()

    wanted = list(plain.decode(layout.tokens().tolist(), vocabulary.mask, logits_of, PLAIN[text], 30))
    found = steps_of(text)
    assert found[: len(wanted)] == wanted and len(wanted) == min(30, len(found) - (found[-1] == ""))


SOME = ("parallel", "top:3", "top:2", "random:1", "entropy:0.1", "blocks:3+random:2", "blocks:8+factor:1", "parallel+cap:0.1",
        "blocks:3+cap:0.2,newest", "blocks:9+wino", "joint", "joint:0.5:0.1", "top:2+anchor")  # fmt: skip


@pytest.mark.parametrize("text", SOME)
def test_every_engine_makes_the_same_steps(text: str) -> None:
    """Also where a rule is wrong: it writes a second BOS, and the indexed engine leaves the rest to the dense one."""
    size = 2 if text.startswith("top") else 1
    wanted = steps_of(text, size=size, seed=3)
    for engine in available():
        assert steps_of(text, engine, size, seed=3) == wanted, engine
    if "random" in text:
        assert steps_of(text, size=size, seed=4) != wanted


def test_temperature_and_noise_are_the_same_in_every_engine() -> None:
    noisy = {"temperature": 4.0, "noise": Noise(5, 2.0), "seed": 3}
    wanted = steps_of("blocks:3+top:1", size=1, **noisy)
    for engine in available():
        assert steps_of("blocks:3+top:1", engine, size=1, **noisy) == wanted
    assert wanted != steps_of("blocks:3+top:1", size=1, **{**noisy, "noise": Noise(6, 2.0)})
    assert wanted != steps_of("blocks:3+top:1", size=1, seed=3)
    assert wanted[-2] == steps_of("parallel", size=1)[-2], "noise inside the margin changes the order alone"


def test_the_native_engine_hands_over() -> None:
    _, compiled, layout, _ = small()
    if "native" in available():
        found = decode(compiled.model, layout.tokens(), layout.positions(), "mdm", Sampling(engine="native", sampler="top:3"))
        assert found.engine.startswith("indexed (not native: ")


def test_parallel_is_the_order_parallel() -> None:
    for size in (1, 2):
        _, compiled, layout, _ = small(size)
        plainly = Decoder(compiled.model, layout.tokens(), layout.positions(), "mdm", Sampling())
        assert steps_of("parallel", size=size) == list(states(plainly, 400))


@pytest.mark.parametrize("size", [2, 4])
def test_steps_of_rules_that_are_right(size: int) -> None:
    """Closed forms: T + 1 where all that is ready goes at once; ceil((3 P T + out) / k) with k | 3 P."""
    job, compiled, _, time = small(size)
    every = 3 * job.processors * time + len(job.outputs)
    forms = {"parallel": time + 1, "threshold:0.9": time + 1, "factor:1": time + 1, "entropy-sum:0.1": time + 1, "one": every}
    forms |= {f"top:{k}": -(-every // k) for k in range(1, 3 * job.processors + 1) if 3 * job.processors % k == 0}
    forms |= {f"blocks:{3 * job.processors}+random:2": time * -(-3 * job.processors // 2) + 1}
    for text, steps in forms.items():
        found = check_agreement(compiled, job, time, Sampling(engine="indexed", sampler=text))
        assert (found.divergence, found.steps, found.written) == (None, steps, every), text


def test_a_wrong_rule_ends_at_its_first_wrong_token() -> None:
    job, compiled, time = small()[0], small()[1], small()[3]
    found = check_agreement(compiled, job, time, Sampling(sampler="top:2"))
    assert found.divergence is not None and (found.steps, found.divergence.found) == (2, "BOS")
    position = found.divergence.position
    assert str(found.divergence).startswith(f"decoding step 2, position {position}, processor 0, value: expected WORD ")


# -- what exact models are sure of ---------------------------------------------------------------------


@cache
def halfway(size: int, dtype: str = "float64", word_bits: int = 6) -> tuple[Compiled, Logits, np.ndarray, np.ndarray, int]:
    """A sequence of which half is decoded: its model, the logits of its masks, their positions, what is right there, how many are ready."""
    job, compiled, layout, time = small(size, dtype, word_bits)
    truth = decode(compiled.model, layout.tokens(), layout.positions()).tokens
    here = layout.row("V", time // 2, 0)
    tokens, rows = truth.copy(), np.arange(here, len(truth))
    tokens[here:] = compiled.model.vocabulary.mask
    session = ENGINES["dense"](compiled.model, [tokens], [Positions.of(layout.positions())], "cpu")
    session.predict([0])
    return compiled, session.logits(0, rows), rows, truth[here:], 3 * job.processors


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_only_the_kind_of_a_token_makes_confidence_differ(dtype: str, temperature: float) -> None:
    """Ready: (1 + e^(-16 / T))^-bits at temperature T, beside other kinds, each of whose best tokens is e^(-16 (bits + 2) / T) as
    likely. Not ready: flat."""
    compiled, logits, rows, truth, ready = halfway(4, dtype)
    vocabulary = compiled.model.vocabulary
    found = guess(rows, logits, vocabulary, temperature)
    assert np.array_equal(found.token[:ready], truth[:ready])
    all_bits = [vocabulary.bits(vocabulary.split(int(token))[0]) for token in truth[:ready]]
    for row, bits in enumerate(all_bits):
        form = (1 + np.exp(-BITS / temperature)) ** -bits
        others = (
            len(vocabulary.kinds)
            * np.exp(-BITS / temperature * (bits + 2))
            * (1 + np.exp(-BITS / temperature)) ** vocabulary.most_bits
        )
        assert form / (1 + others) * (1 - 1e-12) <= found.confidence[row] <= form * (1 + 1e-12)
    assert len(set(found.confidence[:ready].round(15))) == len(set(all_bits)) > 1
    flat = found.take(np.arange(ready, len(rows)))
    assert flat.confidence == pytest.approx(1 / (vocabulary.size - 1), rel=1e-12)
    assert flat.entropy == pytest.approx(np.log(vocabulary.size - 1), rel=1e-12)
    assert not flat.margin.any() and not flat.token.any(), "BOS, the first of all that are equal"


def worst(compiled: Compiled, truth: np.ndarray, size: float) -> Logits:
    """The noise that is worst for the right tokens: -size on their kind and on the right value of every bit, size on the others."""
    vocabulary, most = compiled.model.vocabulary, compiled.model.vocabulary.most_bits
    kinds = np.full((len(truth), len(vocabulary.kinds)), size)
    ones = np.zeros((len(truth), most))
    for row, token in enumerate(truth.tolist()):
        kind, value = vocabulary.split(token)
        kinds[row, [name for name, _ in vocabulary.kinds].index(kind)] = -size
        ones[row] = [-size if value >> j & 1 else size for j in range(most)]
    return Logits(kinds, ones, -ones)


def test_noise_below_half_a_bit_changes_no_best_token() -> None:
    """A bit's logits are 16 apart, so noise of size s leaves 16 - 2 s. Whatever the noise is, the best token stays for s < 8."""
    compiled, logits, rows, truth, ready = halfway(4)
    which = np.arange(ready)
    few = Logits(logits.kinds[which], logits.ones[which], logits.zeros[which])
    for size, stays in ((4, True), (7.9, True), (7.999999, True), (8.000001, False), (9, False)):
        found = guess(rows[which], few, compiled.model.vocabulary, 1.0, worst(compiled, truth[which], size))
        assert (found.token == truth[which]).all() == stays, size
        assert (found.token == truth[which]).any() == stays, size


def noisy(size: float, temperature: float, draws: int = 20) -> tuple[float, float, int]:
    """Of so many draws: the least confidence of a ready row, the largest of one that is not, and how often all best tokens are right."""
    compiled, logits, rows, truth, ready = halfway(2, word_bits=10)
    vocabulary, random = compiled.model.vocabulary, np.random.default_rng(1)
    least, most, right = 1.0, 0.0, 0
    for _ in range(draws):
        noise = Noise(1, size).draw(random, len(rows), len(vocabulary.kinds), vocabulary.most_bits)
        found = guess(rows, logits, vocabulary, temperature, noise)
        least, most = min(least, found.confidence[:ready].min()), max(most, found.confidence[ready:].max())
        right += np.array_equal(found.token[:ready], truth[:ready])
    return least, most, right


def test_readiness_shows_up_to_noise_of_4() -> None:
    for temperature in (1.0, 4.0):
        for size in (1, 2, 4):
            least, most, right = noisy(size, temperature)
            assert least > most and right == 20
    assert noisy(6, 1.0)[0] < noisy(6, 1.0)[1], "a row that is not ready looks surer than one that is"
    assert noisy(7.9, 1.0)[2] == 20 and noisy(16, 1.0)[2] < 20
    least, most, _ = noisy(2, 4.0)
    assert least > 0.75 and most < 0.02, "the setting that docs/samplers.md recommends"


# -- what is written back ------------------------------------------------------------------------------


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


def test_noise_is_uniform() -> None:
    found = Noise(1, 2.5).draw(np.random.default_rng(0), 400, 3, 2)
    assert [part.shape for part in vars(found).values()] == [(400, 3), (400, 2), (400, 2)]
    every = np.concatenate([part.ravel() for part in vars(found).values()])
    assert -2.5 <= every.min() < -2.45 and 2.45 < every.max() <= 2.5 and abs(every.mean()) < 5 * 2.5 / np.sqrt(3 * len(every))


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
    _, compiled, layout, _ = small()
    masks = int((layout.tokens() == compiled.model.vocabulary.mask).sum())
    with pytest.raises(MaskedAgain, match=f"^decoding step {4 * masks + 17}: the sampler masks tokens again and again; "):
        decode(
            compiled.model,
            layout.tokens(),
            layout.positions(),
            "mdm",
            Sampling(engine="indexed", sampler="blocks:3+rescale:1,newest"),
        )


def test_rules_that_write_back_come_in_turn() -> None:
    rules = sampler("anchor+blocks:6+cap:0.1,newest+top:2")
    assert rules.text == "blocks:6+top:2+cap:0.1,newest+anchor" and [type(rule).__name__ for rule in rules.back] == [
        "Cap",
        "Anchor",
    ]
    assert all(isinstance(rule, WritesBack) for rule in rules.back) and rules.block == 6
    assert [type(rule).__name__ for rule in sampler("joint+anchor").back] == ["Joint", "Anchor"]


# -- refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("process", "options", "message"),
    [
        ("arm", {"sampler": "top:2"}, "a sampler decides which masks mdm unmasks, and arm takes none"),
        ("ao-mdm", {"sampler": "top:2", "order": "random"}, "a sampler decides which masks mdm unmasks, and ao-mdm takes none"),
        ("mdm", {"sampler": "top:2", "order": "random"}, "a sampler takes the place of an order: leave random out"),
        ("mdm", {"sampler": "top:2", "sample": 0}, "a sampler takes best tokens, and a sample draws them: choose one"),
        ("mdm", {"sampler": "top:2", "temperature": 0.0}, "temperature is a number above 0, not 0"),
        ("mdm", {"temperature": 2.0}, "temperature and noise change what a sampler sees: name one, for example parallel"),
        ("mdm", {"noise": Noise(0, 1.0)}, "temperature and noise change what a sampler sees: name one, for example parallel"),
        ("mdm", {"sampler": "top:0"}, "top:0: in top:K, K is a whole number from 1, not 0"),
    ],
)
def test_options_that_contradict_a_sampler_are_refused(process: str, options: dict[str, object], message: str) -> None:
    _, compiled, layout, _ = small()
    with pytest.raises(ValueError) as refused:
        SequenceEditor(layout.tokens(), compiled.model.vocabulary, layout.length, process, Sampling(**options))  # type: ignore[arg-type]
    assert str(refused.value) == message


@pytest.mark.parametrize("text", ["", "1", "1:", ":2", "a:1", "1:a", "-1:2", "1:-2", "1:nan", "1:inf", "1:2:3"])
def test_what_is_no_noise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write SEED:SIZE, a whole number and a number from 0, as in 1:2.5$"):
        Noise.read(text)
    assert str(Noise.read("12:2.50")) == "12:2.5"


# -- the commands --------------------------------------------------------------------------------------


def test_decode_takes_a_sampler(do: Do) -> None:
    plainly = json.loads(do("decode tree_sum --size 2 --engine dense --json").out)
    found = json.loads(do("decode tree_sum --size 2 --sampler topk_margin:3 --engine dense --json").out)
    assert found == {**{key: value for key, value in plainly.items() if key != "order"}, "sampler": "top:3,margin"}
    outcome = do("decode tree_sum --size 2 --sampler top:2 --json")
    assert (outcome.status, outcome.out) == (REFUTED, "")
    said = "FAILED: top:2 is wrong for this run: decoding step 2, position 10, "
    assert outcome.err.startswith(said) and "expected " in outcome.err and outcome.err.endswith("found BOS\n"), outcome.err
    traced = do("decode tree_sum --size 2 --sampler top:2 --trace --json")
    assert traced.status == REFUTED and len(json.loads(traced.out)["steps"]) == 2 and traced.err == outcome.err


def test_decode_with_noise_and_anchor(do: Do) -> None:
    first, again, other = (do(f"decode tree_sum --size 2 --sampler blocks:3+one --temperature 4 --noise {noise} --anchor --trace --json")
                           for noise in ("1:2", "1:2", "2:2"))  # fmt: skip
    assert first.status == FINE and first == again and first.out != other.out
    assert json.loads(first.out)["sampler"] == "blocks:3+one+anchor"
    assert json.loads(do("decode tree_sum --size 2 --anchor --json").out)["sampler"] == "parallel+anchor"


def test_verify_takes_a_sampler(alone: Do) -> None:
    report = json.loads(alone("verify tree_sum --sizes 2 --random 1 --sampler one --json").out)
    checks = {check["what"]: check for check in report["checks"] if check["process"] == "mdm"}
    assert report["holds"] and checks["every token"]["bound"] == "right, one"
    assert [checks["decoding steps"][key] for key in ("bound", "measured", "verdict")] == ["as one makes them", "79", "measured"]
    assert checks["multiply-adds"]["bound"] == "<= c N^3" and checks["context length"]["verdict"] == "checked"


def test_verify_fails_where_a_sampler_is_wrong(alone: Do) -> None:
    outcome = alone(
        "verify tree_sum --sizes 2 --random 1 --sampler top:2,margin --temperature 2 --noise 1:0.5 --seed 3 --shrink 0 --json"
    )
    report = json.loads(outcome.out)
    assert outcome.status == REFUTED and report["divergence"].startswith("decoding step 2, position ")
    command = report["failing"]["command"]
    assert " --sampler top:2,margin --seed 3 --temperature 2 --noise 1:0.5 " in command
    again = json.loads(alone(command.removeprefix("lockstep ") + " --shrink 0 --json").out)
    assert again["divergence"] == report["divergence"]
    assert "tree_sum-failing.html" in json.dumps(report["failing"])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("decode tree_sum --size 2 --sampler top:0", "--sampler: top:0: in top:K, K is a whole number from 1, not 0"),
        (
            "decode tree_sum --size 2 --sampler best",
            "--sampler: best: there is no sampler best: write parallel, threshold:P, top:K, ",
        ),
        (
            "decode tree_sum --size 2 --sampler one --order random",
            "--sampler: a sampler takes the place of an order: leave random out",
        ),
        (
            "decode tree_sum --size 2 --sampler one --process arm",
            "--sampler: a sampler decides which masks mdm unmasks, and arm takes none",
        ),
        (
            "verify tree_sum --sampler one --process all",
            "--sampler: a sampler decides which masks mdm unmasks, and ap-mdm takes none",
        ),
        (
            "decode tree_sum --size 2 --sampler one --noise 1",
            "--noise: 1: write SEED:SIZE, a whole number and a number from 0, as in 1:2.5",
        ),
        (
            "decode tree_sum --size 2 --noise 1:1",
            "--sampler: temperature and noise change what a sampler sees: name one, for example parallel",
        ),
        ("decode tree_sum --size 2 --sampler one --temperature 0", "--sampler: temperature is a number above 0, not 0"),
        (
            "decode tree_sum --size 2 --sampler one --samples 2",
            "--sampler: a sampler takes best tokens, and --samples draws them: choose one",
        ),
        (
            "decode tree_sum --size 2 --sampler one --time 40",
            "--sampler: --sampler makes room for the steps of the run: leave --time out",
        ),
        ("decode tree_sum --input in.jsonl --sampler one", "--sampler: --sampler takes one input"),
    ],
)
def test_the_commands_refuse_in_one_line(command: str, said: str, do: Do) -> None:
    outcome = do(command)
    assert outcome.status == MISUSED and outcome.out == ""
    assert f"Invalid value for {said}" in " ".join(outcome.err.replace("│", " ").split()), outcome.err
