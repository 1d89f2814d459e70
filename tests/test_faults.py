"""Decodes with faults: what is drawn, what all engines make of it, what is reported, and the commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from kit.commands import Do
from kit.jobs import job_of

from lockstep.compiler.names import ARM, ERASING, EVERY, FIVE_COPIES, MASKED_ARM, MDM, ONE_STEP, REVISION, THREE_COPIES, TWO_STEP
from lockstep.compiler.processor import Size, vocabulary
from lockstep.models.engines import available
from lockstep.models.faults import KINDS, Faults, Injector
from lockstep.models.names import FaultKind
from lockstep.models.processes import usual_order
from lockstep.models.sampling import Sampling
from lockstep.proofs_check.decoding import DecodeOptions
from lockstep.proofs_check.disturbed import INSTEAD, Disturbable, Disturbed, at_rates

VOCABULARY = vocabulary(Size(3, 2, 1, 1))


def of(name: str, size: int, construction: str, engine: str = "indexed") -> Disturbable:
    process = EVERY[construction].process
    return Disturbable(job_of(name, size), DecodeOptions(construction, sampling=Sampling(usual_order(process), engine=engine)))


def drawn(kind: FaultKind, token: int) -> set[int]:
    injector = Injector(Faults(1, kind), VOCABULARY, INSTEAD)
    return {injector.another(token) for _ in range(2000)}


def test_random_faults_are_all_other_tokens() -> None:
    for token in range(VOCABULARY.size):
        assert drawn("random", token) == {*range(VOCABULARY.size)} - {token, VOCABULARY.mask}


def test_plausible_faults_flip_a_bit() -> None:
    token = VOCABULARY.token
    assert drawn("plausible", token("WORD", 5)) == {token("WORD", value) for value in (4, 7, 1)}
    assert drawn("plausible", token("PC", 2)) == {token("PC", value) for value in (3, 0)}
    assert drawn("plausible", token("HALT")) == {token("PC", value) for value in range(4)}
    assert drawn("plausible", token("NONE")) == {token("REG", value) for value in range(2)}
    assert drawn("plausible", token("BOS")) == {token("WORD", value) for value in range(8)}


def test_the_rate_is_the_chance_of_each_exposed_token() -> None:
    injector, tokens = Injector(Faults(0.25, seed=3), VOCABULARY, INSTEAD), np.full(40_000, VOCABULARY.token("WORD", 1))
    exposed = np.arange(0, 40_000, 2)
    rows, new = injector.draw(tokens, exposed)
    assert {*rows.tolist()} <= {*exposed.tolist()} and abs(len(rows) / len(exposed) - 0.25) < 0.02
    assert (new != tokens[rows]).all()


@pytest.mark.parametrize("construction", [MDM, TWO_STEP, ONE_STEP, ARM, ERASING, REVISION, THREE_COPIES])
def test_engines_make_the_same_of_faults(construction: str) -> None:
    """Faults in the same places, and the same wrong tokens after every step."""
    engines = [engine for engine in available() if engine != "active" and (engine != "dense" or construction != ERASING)]
    found = {}
    for engine in engines:
        decode = of("or_constant", 2, construction, engine)
        found[engine] = [decode.disturb(Faults(0.01, KINDS[seed % 2], seed)) for seed in range(4)]
    first = found[engines[0]]
    assert sum(d.faults for d in first) > 3
    for other in found.values():
        for a, b in zip(first, other):
            assert {**a.record, "engine": ""} == {**b.record, "engine": ""} and a.spread == b.spread


@pytest.mark.parametrize("construction", [MDM, TWO_STEP, ONE_STEP, ARM, REVISION, THREE_COPIES])
def test_no_faults_change_nothing(construction: str) -> None:
    found = of("tree_sum", 2, construction).disturb(Faults(0))
    assert found.right and not found.faults and not found.wrong and found.steps == found.expected and not any(found.spread)


def test_one_fault_spreads_in_revision_and_not_in_three_copies() -> None:
    spread = of("tree_sum", 2, REVISION).disturb(Faults(0.003, seed=0))
    assert not spread.right and spread.wrong and max(spread.spread) > spread.faults and spread.covered is None
    kept = of("tree_sum", 2, THREE_COPIES).disturb(Faults(0.003, seed=0))
    assert kept.right and kept.faults and kept.covered and not kept.wrong and not any(kept.spread)


@pytest.mark.parametrize(("construction", "most"), [(THREE_COPIES, 1), (FIVE_COPIES, 2)])
def test_repaired_or_beyond_repair(construction: str, most: int) -> None:
    """Every decode whose faults are of those that the construction repairs is right. Others need not be, and some are not."""
    decode = of("tree_sum", 2, construction)
    found = [decode.disturb(Faults(rate, kind, seed)) for rate in (0.01, 0.2) for kind in KINDS for seed in range(4)]
    within = [d for d in found if d.covered]
    assert len(within) >= 4 and all(d.right and not d.breaks_theorem for d in within) and sum(d.faults for d in within) > 20
    assert any(not d.right for d in found) and not any(d.breaks_theorem for d in found)


def test_rates() -> None:
    low, high = at_rates(of("tree_sum", 2, REVISION), (0.0, 0.2), Faults(0, "plausible", 5), 4)
    assert (low.right, low.runs, low.faults, low.broken) == (4, 4, 0, 0)
    assert high.faults > 40 and high.right < 4 and high.share == high.right / 4


# -- commands ------------------------------------------------------------------------------------------


def test_decode_reports_faults(do: Do) -> None:
    """Wrong outputs are what was asked for, so they are no failure."""
    outcome = do("decode tree_sum --size 4 --process revision --corrupt 0.002 --fault-kind plausible --seed 3 --json")
    record = json.loads(outcome.out)
    assert (
        outcome.status == 0 and record["wrong_outputs"] == 1 and record["faults"] == sum(record["faults_by_place"].values()) == 3
    )
    assert record["wrong_tokens"] == sum(record["wrong_by_place"].values()) == record["spread"][-1]
    again = do("decode tree_sum --size 4 --process revision --schedule 3-copies --corrupt 0.002 --seed 3 --json")
    assert again.status == 0 and json.loads(again.out)["within_repair"] and not json.loads(again.out)["wrong_tokens"]


def test_places_are_no_outputs_in_the_table(do: Do) -> None:
    """Counts by place stand in one row. A decode that does not end has no outputs."""
    line = "decode tree_sum --size 8 --corrupt 0.01"
    record = json.loads(do(f"{line} --json").out)
    rows = [line.split(maxsplit=3) for line in do(line).out.splitlines()]
    places = ", ".join(f"{place} {number}" for place, number in record["faults_by_place"].items())
    assert record["outputs"] is None and not record["ended"]
    assert ["faults", "by", "place", places] in [[*row[:-1], row[-1].strip()] for row in rows]
    assert ["outputs", "none"] in rows and not any("(output)" in cell for row in rows for cell in row)


def test_compare_decodes_at_rates(do: Do, tmp_path: Path) -> None:
    figure = tmp_path / "rates.svg"
    line = f"compare or_constant --size 2 --corrupt 0,1e-2 --runs 2 --max-decoding-steps 60 --plot {figure}"
    record = json.loads(do(f"{line} --json").out)
    rows = {row["system"]: row["rates"] for row in record["systems"]}
    assert all(first["right"] == first["runs"] == 2 and not first["faults"] for first, _ in rows.values())
    assert rows["revision 3-copies"][1]["right"] == 2 and rows["revision 3-copies"][1]["faults"] > 0
    assert "faults make of its pairs what is no sequence" in record["left_out"][MASKED_ARM]
    assert "runs with right outputs" in figure.read_text()
    (row,) = (row for row in do(line).out.splitlines() if row.startswith("revision 3-copies"))
    assert row.split()[2:4] == ["2/2", "(0.0)"] and row.split()[4] == "2/2"


def test_a_broken_theorem_is_a_failure(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a model does not repair what it must repair, commands end with status 3 and say so."""
    monkeypatch.setattr(Disturbed, "breaks_theorem", property(lambda self: self.covered is not None))
    one = do("decode or_constant --size 2 --process revision --schedule 3-copies --corrupt 0.01")
    assert one.status == 3 and "the model repairs such faults, and it did not" in one.err
    all_ = do("compare or_constant --size 2 --corrupt 0.01 --runs 1 --max-decoding-steps 20")
    assert all_.status == 3 and "FAILED: revision 3-copies repairs such faults, and it did not" in all_.out
    assert do("decode or_constant --size 2 --process revision --corrupt 0.01").status == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("decode tree_sum --size 2 --corrupt 1.5", "Input should be less than or equal to 1"),
        ("decode tree_sum --size 2 --fault-kind plausible", "this is for --corrupt"),
        ("decode tree_sum --size 2 --corrupt 0.1 --trace", "--corrupt takes one input, shows no steps and draws no samples"),
        ("decode tree_sum --size 2 --corrupt 0.1 --process masked-arm", "a pair of masked-arm names a position"),
        ("compare tree_sum --size 2 --corrupt a,b", "'a,b' is not a list of rates such as 1e-4,1e-3,0.01"),
        ("compare tree_sum --size 2 --corrupt 2", "'2': a rate is a chance from 0 to 1"),
        ("compare tree_sum --size 2 --corrupt nan", "'nan': a rate is a chance from 0 to 1"),
        ("compare tree_sum --size 2 --corrupt 0.1 --plot a.txt", "a.txt does not end with .svg, .png or .pdf"),
        ("compare tree_sum --size 2 --corrupt 0.1 --sizes 1..3", "these are the sizes of the figure: give --plot, too"),
    ],
)
def test_what_is_refused(line: str, message: str, do: Do) -> None:
    outcome = do(line)
    assert outcome.status == 2 and message in " ".join(outcome.err.replace("│", " ").split()) and "Traceback" not in outcome.err
