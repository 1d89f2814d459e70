"""Verdicts of samplers: closed forms, counting and decodes of small code beside each other, and the commands that say them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from kit.commands import FINE, MISUSED, REFUTED, WRONG, Do
from kit.jobs import job_of, sums_of
from kit.sampler_runs import straight, truth_of
from mutation.on_sampler_verdicts import by_hand, certainties, differences, explanations, order, written_back

from lockstep.commands.compare.sampler_plot import labels
from lockstep.commands.compare.samplers import LINES, Share, compare_samplers
from lockstep.compiler.compile import compile_job
from lockstep.models.decode import TooLong
from lockstep.models.engines import MAX_CONTEXT, Unsuitable
from lockstep.models.engines.indexed import IndexedSession
from lockstep.models.samplers import ROWS, sampler
from lockstep.models.sampling import Sampling
from lockstep.models.sequence import Change
from lockstep.models.transformer import Tokens
from lockstep.proofs_check.samplers import counting
from lockstep.proofs_check.samplers.counting import Truth, count
from lockstep.proofs_check.samplers.holding import hold


@pytest.mark.parametrize("check", [by_hand, differences, certainties, order, written_back, explanations])
def test_checks_of_mutants(check) -> None:  # type: ignore[no-untyped-def]
    """The short ones of `tests/mutation/on_sampler_verdicts.py`. `tests/test_mutation.py` runs the grids, too."""
    check()


@pytest.mark.parametrize("name", ["tree_sum", "hillis_steele"])
def test_example_programs(name: str) -> None:
    """Conditions on runs of two processors and of three: top:3P is right, and top:3P-1 is not."""
    job = job_of(name, 3)
    time, block = 43 if name == "tree_sum" else 30, 3 * job.processors
    compiled = compile_job(job, time)
    truth = Truth.of(compiled, job, time)
    for text, right in ((f"top:{block}", True), (f"top:{block - 1}", False), ("blocks:32", True), (f"factor:{block + 3}", False)):
        held = hold(truth, text, compiled)
        assert held.judged is not None and (held.counted and held.counted.right) == right and not held.differences, text


def test_every_rule_is_judged_or_counted() -> None:
    """Each row of the table of samplers, on one run: what picks is counted, and what writes back is decoded."""
    job = straight(1, 2, 1)
    compiled = compile_job(job, 2)
    for row in ROWS:
        text = ":".join([row.name, *("1" if number.whole else "0.5" for number in row.numbers if number.usual is None)])
        held = hold(truth_of(job), text, compiled)
        assert held.outcome is not None and not held.differences, f"{text}: {held.differences}"


def test_room_for_more_steps_than_the_run_takes() -> None:
    """Blocks behind the run are filled by processors that have halted."""
    job = straight(2, 3, 2)
    compiled = compile_job(job, 5)
    truth = Truth.of(compiled, job, 5)
    assert not truth.together and len(truth.levels) == 5
    for text in ("parallel", "one", "top:6", "top:4", "blocks:4", "blocks:6+random:2", "factor:7", "entropy-sum:0.1", "random:1"):
        assert not hold(truth, text, compiled).differences, text


def test_models_whose_logits_only_the_dense_engine_gives() -> None:
    """Writes that are added up may be rounded, so the indexed engine gives no logits."""
    found = compare_samplers(sums_of(1, 2), max_context=1000, max_decoding_steps=100)
    back = found.written_back
    assert found.holds and back is not None and back.flat == back.rows and not back.differences


def test_decodes_that_are_too_long_for_the_dense_engine_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MAX_CONTEXT, "dense", 9)
    found = compare_samplers(sums_of(1, 2), max_context=1000, max_decoding_steps=100)
    assert found.holds and found.written_back is None
    assert all("too many for the dense engine" in row.undecoded and row.held.counted for row in found.rows)


def test_a_wrong_token_that_no_engine_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second BOS is one that the indexed engine cannot follow. It is seen all the same; without one, the decode is refused."""
    job = straight(2, 3, 1)
    compiled = compile_job(job, 3)
    monkeypatch.setitem(MAX_CONTEXT, "dense", 9)
    sampling = Sampling(engine="indexed")
    held = hold(truth_of(job), "top:4", compiled, sampling)
    assert held.decoded is not None and held.decoded.wrong is not None and not held.differences
    original = IndexedSession.update

    def update(self: IndexedSession, number: int, change: Change, tokens: Tokens) -> None:
        original(self, number, change, tokens)
        raise Unsuitable("it gives up")

    monkeypatch.setattr(IndexedSession, "update", update)
    with pytest.raises(TooLong):
        hold(truth_of(job), "one", compiled, sampling)


def test_a_rule_that_takes_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = sampler("parallel")
    monkeypatch.setattr(type(rules.rule), "pick", lambda self, guesses, state: np.zeros(0, np.int64))
    with pytest.raises(AssertionError, match="takes nothing in step 1"):
        count(truth_of(straight(1, 1, 0)), rules)


def test_counting_runs_no_model() -> None:
    """No module that it imports predicts or decodes."""
    assert not [name for name in vars(counting) if name in ("Decoder", "decode", "ENGINES", "DenseSession")]
    loaded = {name for name, module in sys.modules.items() if module in vars(counting).values()}
    assert not {name for name in loaded if name.startswith("lockstep.models.engines")}


# -- commands ----------------------------------------------------------------------------------------


def test_compare_samplers(do: Do) -> None:
    outcome = do("compare tiny.pram --size 3 --samplers --json")
    record = json.loads(outcome.out)
    rows = {row["sampler"]: row for row in record["samplers"]}
    assert outcome.status == FINE and all(not row["differences"] and row["decoded"] for row in rows.values())
    assert (record["program"], record["params"]) == ("tiny", {"n": 3})
    block, total = 3 * record["processors"], 3 * record["processors"] * record["time"] + record["outputs"]
    assert rows[f"top:{block}"]["right"] and rows[f"top:{block}"]["tau"] == 1 and rows["one"]["decoding_steps"] == total
    wrong = rows[f"top:{2 * block}"]
    assert (wrong["right"], wrong["decoding_steps"], wrong["theorem"]) == (False, 1, "sampler top:K")
    assert (wrong["first_wrong"]["step"], wrong["first_wrong"]["time"], wrong["first_wrong"]["found"]) == (1, 2, "BOS")
    assert wrong["tokens"] == wrong["tokens_a_pass"] == min(2 * block, total)
    assert record["written_back"]["flat"] == record["written_back"]["rows"]
    text = " ".join(do("compare tiny.pram --size 3 --samplers --explain").out.split())
    assert "wrong in step 1: V of" in text and "Theorem: sampler top:K." in text and "those that the theorem says" in text


def test_compare_samplers_of_a_long_run_counts(do: Do) -> None:
    outcome = do("compare tiny.pram --size 3 --samplers --max-context 9")
    assert outcome.status == FINE and "counted, not decoded: context" in outcome.out and "agrees" not in outcome.out


def test_a_difference_ends_with_status_3(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        counting.Truth, "wrong", lambda self, step, position, found=None: counting.WrongToken(step, 0, "V", 1, 0, "", "")
    )
    monkeypatch.setattr("lockstep.proofs_check.samplers.forms.TOP_LEFT", lambda letters: 0)
    outcome = do("compare tiny.pram --size 3 --samplers")
    assert outcome.status == REFUTED and "FAILED: top:" in outcome.out and "sampler top:K says right" in outcome.out


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        ("compare tiny.pram --size 2 --explain", MISUSED, "give --samplers, too"),
        ("compare tiny.pram --size 2 --samplers --every 3", MISUSED, "samplers are of masked diffusion, which never erases"),
        ("compare tiny.pram --samplers", MISUSED, "an input is missing"),
        ("compare stuck.pram --samplers --max-steps 9", WRONG, "stuck.pram:2:1: error: "),
        ("decode tiny.pram --size 2 --explain", MISUSED, "give --sampler, too"),
    ],
)
def test_wrong_input_is_one_line(line: str, status: int, says: str, do: Do) -> None:
    outcome = do(line)
    assert (outcome.status, outcome.out) == (status, "") and says in " ".join(outcome.err.replace("│", " ").split())


def test_decode_and_verify_say_why(do: Do) -> None:
    wrong = do("decode tiny.pram --size 3 --sampler top:99 --explain")
    assert wrong.status == REFUTED and "99 does not divide" in wrong.err and "Theorem: sampler top:K." in wrong.err
    right = do("decode tiny.pram --size 3 --sampler one --explain --json")
    assert right.status == FINE and "one is right on this run" in right.err and json.loads(right.out)["sampler"] == "one"
    drawn = do("decode tiny.pram --size 3 --sampler one --temperature 2 --explain")
    assert "holds at temperature 1, without noise" in drawn.err
    back = do("decode tiny.pram --size 3 --sampler joint --explain")
    assert back.status == REFUTED and "Theorem: writing back." in back.err
    verified = do("verify tiny.pram --sizes 2..3 --random 1 --shrink 0 --sampler top:99 --explain")
    assert verified.status == REFUTED and re.search(r"n 2: top:99 is wrong on this run", verified.out)
    assert "one is right on this run" in do("verify tiny.pram --sizes 2 --random 1 --sampler one --explain").out


def test_the_figure_of_shares(do: Do) -> None:
    """The same file for the same runs; a panel for each line."""
    first = do("compare tiny.pram --size 3 --samplers --max-context 0 --plot one.svg --json")
    again = do("compare tiny.pram --size 3 --samplers --max-context 0 --plot two.svg --sizes 3,1,2")
    assert first.status == again.status == FINE and Path("one.svg").read_bytes() == Path("two.svg").read_bytes()
    points = json.loads(first.out)["shares"]
    assert {point["line"] for point in points} == set(LINES) and all(0 <= p["right"] <= p["runs"] for p in points)
    assert all(p["right"] == p["runs"] for p in points if p["line"] == "blocks:B" or p["number"] == 1)
    assert any(p["right"] < p["runs"] for p in points)
    page = Path("one.svg").read_text()
    assert all(f">{line}<" in page for line in LINES)


def test_labels_of_one_place_stand_together() -> None:
    points = [Share("top:K", number, 1, 2, steps) for number, steps in ((1, 3.0), (2, 1.5), (3, 1.5), (4, 1.5), (6, 1.5))]
    assert labels(points) == {(3.0, 0.5): "1", (1.5, 0.5): "2, 3, .., 6"}
