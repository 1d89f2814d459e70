"""Checks of verdicts of samplers: closed forms beside counting, counting beside decodes, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from random import Random
from typing import Any

import numpy as np
from kit.sampler_runs import Tally, branching, on_branching, on_straight, sizes, straight, truth_of
from kit.small import counting

from lockstep.commands.compare import samplers
from lockstep.commands.compare.samplers import compare_samplers
from lockstep.compiler.compile import compile_job
from lockstep.models.engines.dense import DenseSession
from lockstep.models.samplers import guess, sampler
from lockstep.models.samplers.noise import Noise
from lockstep.models.sampling import Sampling
from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.proofs_check.samplers import writing_back
from lockstep.proofs_check.samplers.counting import Truth, left_to_right
from lockstep.proofs_check.samplers.explaining import explain, explain_job
from lockstep.proofs_check.samplers.holding import hold
from lockstep.proofs_check.samplers.judging import BLOCKS, ENTROPY, FACTOR, THRESHOLDS, TOP, judge
from lockstep.proofs_check.samplers.writing_back import comes_back, hold_writing_back, newest
from mutation.planting import Attribute
from mutation.table import Check

#: Small straight code: one step and two, one processor and two.
SMALL = [(1, 1, 0), (1, 1, 1), (2, 1, 1), (1, 2, 1)]
LIMITS = {"max_context": 20_000, "max_decoding_steps": 2000}


def both_ways(tally: Tally) -> None:
    """Each theorem speaks of cases that are right, and of some that are wrong."""
    for name in (THRESHOLDS, TOP, BLOCKS, FACTOR, ENTROPY):
        assert 0 < tally.right[name] < tally.cases[name], f"{name}: {tally.right[name]} of {tally.cases[name]} are right"


#: Closed forms of samplers on straight code of two processors, three steps and one output, by hand: right, steps, step of the first
#: wrong token. None: no form speaks about it.
BY_HAND: dict[str, tuple[bool, int | None, int | None] | None] = {
    "parallel": (True, 4, None), "threshold:0.03": (False, None, 1), "threshold:1": (True, None, None), "one": (True, 19, None),
    "top:6": (True, 4, None), "top:3": (True, 7, None), "top:4": (False, None, 2), "top:7": (False, None, 1), "top:2,random": None,
    "factor:1": (True, 4, None), "factor:9": (False, None, 1), "entropy:0.1": (False, None, 1), "entropy:0": (True, None, None),
    "entropy:1e-5": None, "entropy-sum:0.1": (True, 4, None), "entropy-sum:9": (False, None, 1), "random:1": None,
    "blocks:6": (True, 4, None), "blocks:4": (True, 6, None), "blocks:9": (True, 5, None), "blocks:3+random:2": (True, 13, None),
    "blocks:4+top:2": (True, 10, None), "blocks:4+top:3": (False, None, None), "blocks:4+factor:1": (True, None, None),
    "blocks:4+random:2": None,
}  # fmt: skip


def by_hand() -> None:
    truth = truth_of(straight(2, 3, 1))
    for text, expected in BY_HAND.items():
        found = judge(truth, sampler(text))
        says = None if found is None else (found.verdict.right, found.verdict.steps, found.verdict.wrong)
        assert says == expected, f"{text}: {says}, not {expected}"


def forms() -> None:
    by_hand()
    tally = on_straight(sizes(3), decodes=False)
    more, early = on_branching(range(100), decodes=False)
    both_ways(tally)
    assert early > 19 and more.cases[FACTOR] > more.right[FACTOR] > 0, f"{early} early halts"


def decodes() -> None:
    differences()
    both_ways(on_straight(SMALL, decodes=True))
    _, early = on_branching(range(6), decodes=True)
    assert early > 0, f"{early} early halts"


def differences() -> None:
    """Another decode than what was counted is a difference: in its first wrong token, and in its order."""
    job = straight(2, 3, 1)
    compiled = compile_job(job, 3)
    found = {text: hold(truth_of(job), text, compiled) for text in ("parallel", "one", "top:4")}
    for text, other in (("parallel", "top:4"), ("parallel", "one")):
        assert replace(found[text], decoded=found[other].decoded).differences, f"a decode by {other} agrees with {text}"
    decoded = found["top:4"].decoded
    assert decoded is not None and decoded.wrong is not None
    other_token = replace(decoded, wrong=replace(decoded.wrong, found="HALT"))
    assert replace(found["top:4"], decoded=other_token).differences, "another wrong token agrees"


def certainties() -> None:
    """What an exact model says of rows, in closed form, beside its own odds."""
    for seed in range(4):
        job = branching(Random(seed))
        time = run(job).time
        compiled = compile_job(job, time)
        truth = Truth.of(compiled, job, time)
        tokens, vocabulary = truth.layout.tokens(), compiled.model.vocabulary
        session = DenseSession(compiled.model, [tokens], [truth.layout.positions()])
        session.predict([0])
        model = guess(truth.masked, session.logits(0, truth.masked), vocabulary)
        ready = np.zeros(len(tokens), np.bool_)
        ready[truth.masked[: truth.sizes.block]] = True
        for part, said in vars(truth.guesses(truth.masked, ready)).items():
            found = getattr(model, part)
            assert np.allclose(said, found, rtol=1e-11, atol=0), f"seed {seed}: {part} {said[:4]}, and the model says {found[:4]}"


def order() -> None:
    """Kendall's tau beside all pairs."""
    for seed in range(20):
        steps = np.random.default_rng(seed).integers(1, 5, 9)
        signs = [int(np.sign(b - a)) for a, b in combinations(steps.tolist(), 2) if a != b]
        assert left_to_right(steps) == (sum(signs) / len(signs) if signs else 1), f"{steps}"
    assert left_to_right(np.ones(3, np.int64)) == 1


#: Samplers that write back, of which a theorem speaks: on code of two processors, whether they are right.
BACK = {
    "joint": False, "joint:0.5:0.5": True, "joint:0.01:0.5": False, "joint:0.01:0": None, "joint:0.5:0.01": False,
    "anchor+top:4": False, "anchor+top:3": True,
    "blocks:6+top:2+cap:0.4,newest": True, "blocks:3+random:2+rescale:0.4,newest": True, "blocks:6+threshold+anchor+cap:0.2,newest": True,
    "blocks:4+threshold+cap:0.4,newest": None, "blocks:6+threshold+cap:0.4": None, "blocks:6+threshold+cap:0.9,newest": True,
    "cap:0.1": None, "wino": None, "blocks:6+wino": True, "blocks:3+wino": True, "blocks:4+wino": None, "blocks:6+joint": None,
}  # fmt: skip


def by_theorem() -> None:
    """What the theorem says of samplers that write back, beside decodes of several seeds."""
    job = straight(2, 3, 1)
    truth, compiled = truth_of(job), compile_job(job, 3)
    for text, expected in BACK.items():
        for seed in range(3) if expected is not None else ():
            held = hold(truth, text, compiled, Sampling(seed=seed))
            assert held.judged and held.judged.verdict.right == expected, f"{text}: {held.judged}"
            assert not held.differences, f"{text}, seed {seed}: {held.differences[0]}"
        assert expected is not None or judge(truth, sampler(text)) is None, f"{text}: {judge(truth, sampler(text))}"
    endless = hold(truth, "blocks:6+threshold+cap:1,newest", compiled)
    assert endless.decoded is not None and not endless.decoded.right and endless.decoded.wrong is None, f"{endless.decoded}"
    assert "masks tokens again and again" in explain(truth, endless)[0]


def written_back() -> None:
    """Every token of some runs masked alone, newest blocks masked again, and rows that hold tokens."""
    by_theorem()
    for job in (straight(2, 3, 1), *(branching(Random(seed)) for seed in range(3))):
        time = run(job).time
        compiled = compile_job(job, time)
        truth = Truth.of(compiled, job, time)
        found = hold_writing_back(compiled, truth, most=len(truth.masked))
        assert not found.differences, found.differences[0]
        assert (found.alone, found.back) == (len(truth.masked), int(comes_back(truth).sum())), f"{found}"
        assert found.flat == found.rows == len(truth.final) and found.right == found.decodes == writing_back.DECODES, f"{found}"
    layout, tokens = truth_of(straight(2, 3, 1)).layout, truth_of(straight(2, 3, 1)).final.copy()
    truth = truth_of(straight(2, 3, 1))
    ends = {
        layout.row("V", 1, 0): 0,
        layout.row("V", 2, 0): 6,
        layout.row("C", 2, 0): 2,
        layout.row("V", 3, 1): 1,
        layout.length: 7,
    }
    for end, rows in ends.items():
        tokens = truth.final.copy()
        tokens[end:] = truth.vocabulary.mask
        assert newest(truth, tokens).tolist() == list(range(end - rows, end)), f"up to {end}: {newest(truth, tokens)}"


#: Samplers on straight code of two processors, three steps and one output, with words that say why they are right or wrong.
WORDS = {
    "top:4": "4 does not divide 6: step 2 finds 2 left, and takes 2 of the next block. Theorem: sampler top:K.",
    "top:5": "5 does not divide 6: step 2 finds 1 left, and takes 4 of the next block.",
    "top:3": "3 divides 6, so no step needs rows of the next block.",
    "one": "a row that is ready always comes first",
    "blocks:3+random:1": "3 divides the 6 rows of a block of the run, 3 P: all masks are ready when their turn comes",
    "blocks:4+top:2": "no step here needs more rows than are ready",
    "blocks:4+top:4": "so the masks of this block of 4 are ready in parts",
    "blocks:4": "The leftmost mask is always ready",
    "factor:1": "counts at least (6 + 2) (1 - 1 / (V - 1)) = 7.",
    "factor:9": "with r = 6 rows ready: 7.",
    "entropy:0.1": "The last row that is taken counts for nothing in this rule",
    "entropy:0": "The rows that are ready last in a block have more entropy than 0",
    "entropy-sum:0.1": "A row that is not ready has ln(V - 1) = ",
    "threshold:0.001": "The token of a row that is not ready has probability 1 / (V - 1) = ",
    "parallel": "those are the rows that are ready",
    "random:1": "No closed form speaks about it on this run",
    "joint": "Q is 0, so each becomes the first of equals, BOS. Theorem: writing back.",
    "joint:0.5:0.5": "Q is 0.5, so none is edited. Theorem: writing back.",
    "blocks:3+threshold+cap:0.3,newest": "nothing is written behind it. Theorem: writing back.",
    "cap:0.9": "No theorem speaks about it on this run",
}


def explanations() -> None:
    job = straight(2, 3, 1)
    truth, compiled = truth_of(job), compile_job(job, 3)
    for text, says in WORDS.items():
        held = hold(truth, text, compiled)
        words = " ".join(explain(truth, held))
        assert says in words, f"{text}: {words}"
        assert f"{held.sampler} is {'right' if held.outcome and held.outcome.right else 'wrong'} on this run" in words, words
    assert "only a decode says whether it is right" in explain(truth, hold(truth, "joint"))[0]
    for text in ("joint", "top:4"):  # a whole job; one of them must be decoded
        assert explain_job(job, Sampling(sampler=text)) == explain(truth, hold(truth, text, compiled)), text
    for changed in (Sampling(sampler="one", temperature=2.0), Sampling(sampler="one", noise=Noise(1, 0.5))):
        assert "so nothing is said" in explain_job(job, changed)[0], f"{changed}"
    words = " ".join(explain(truth, hold(truth, "top:4")))
    assert words.startswith(
        "top:4 is wrong on this run: decoding step 2 takes 4 rows, and 2 of them are not ready; 2 rows are. The first one that is not "
        "is V of processor 0 in step 2: the model writes BOS there, and the machine has WORD 0."
    ), words


def comparisons() -> None:
    """Samplers of a run: all agree; what counts otherwise fails, and what is not decoded says why."""
    found = compare_samplers(counting(2), **LIMITS)
    assert found.holds and found.written_back is not None and len(found.rows) > 15, f"{[r.held.differences for r in found.rows]}"
    assert all(row.held.decoded is not None and not row.undecoded for row in found.rows)
    verdicts = {row.held.sampler: row.outcome.right for row in found.rows}
    assert (verdicts["top:3"], verdicts["top:2"], verdicts["entropy:0.1"]) == (True, False, False), f"{verdicts}"
    assert (verdicts["joint:0.5:0.5"], verdicts["joint:0.5:0"]) == (True, False), f"{verdicts}"
    for limits, says in (({"max_context": 0}, "--max-context 0"), ({"max_decoding_steps": 0}, "--max-decoding-steps 0")):
        left = compare_samplers(counting(2), **LIMITS | limits)
        assert all(says in row.undecoded and row.held.decoded is None for row in left.rows), f"{says}: decoded"
        counted = [row for row in found.rows if row.held.counted]
        assert [row.outcome.steps for row in left.rows] == [row.outcome.steps for row in counted], f"{says}: other counts"
    original = samplers.hold

    def wrong(truth: Truth, text: str, *more: Any, **named: Any) -> Any:
        held = original(truth, text, *more, **named)
        other = original(truth, "one", *more, **named)
        return type(held)(held.sampler, other.counted, held.judged, held.decoded)

    with Attribute(samplers, "hold", wrong, "").planted():
        assert not compare_samplers(counting(2), **LIMITS).holds, "another sampler's count agrees"


CHECKS = (
    Check("forms of samplers", "closed forms beside counting: straight code, every K and B, edges; random code with early halts", forms,
          (PramError,)),
    Check("samplers decoded", "counting and closed forms beside decodes of small code", decodes),
    Check("certainties", "confidence, margin and entropy of rows in closed form, beside those of the model", certainties),
    Check("order of samplers", "Kendall's tau of random orders, beside all pairs", order),
    Check("tokens written back", "every token masked alone, newest blocks masked again, rows that hold tokens", written_back),
    Check("why samplers are wrong", "sentences on samplers of one run, beside those written by hand", explanations),
    Check("comparisons of samplers", "rows of `compare --samplers`, right, with another count, and beyond its limits", comparisons),
)  # fmt: skip
