"""The weakest access modes of a program, and what the weaker ones refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from kit.commands import Do

from lockstep.commands.modes.trying import ModeResult, try_modes, weakest
from lockstep.pram.access import MODES, weaker_modes
from lockstep.pram.errors import PramError
from lockstep.pram.program import load, parse_program
from lockstep.pram.sidecar import Inputs, draw, generator_for

PROGRAMS = Path(__file__).parent.parent / "examples" / "programs"
NAMES = tuple(MODES)


def results(text: str, inputs: list[Inputs] | None = None) -> list[ModeResult]:
    return try_modes(
        parse_program(f"program p procs 3\nshared A[3] : inout, s : output\n{text}"), inputs or [({}, {"A": [7, 8, 9]})]
    )


def weakest_names(found: list[ModeResult]) -> list[str]:
    return [result.mode for result in weakest(found)]


ALL = "; code outside `parallel` runs on all processors"
COPY = f"{ALL}: CREW lets them read one cell, EREW takes a copy for each"
WRITE = f"{ALL}: `single do ... end` is run by one"
ONE_WRITES = [f"step 1: processors 0 and 2 write s (mode {mode}){WRITE}" for mode in ("EREW", "CROW", "CREW")]
COMMON = [
    f"step 1: processors 0 and 2 write different values, 0 and 2, to s (mode {mode})" for mode in ("ERCW common", "CRCW common")
]
DEPENDS = "output s depends on who wins a write: 0 where the winner is lowest, 1 where the winner is choices:1"
#: Statements for three processors, the weakest modes, and for each other mode what goes wrong in it first.
CONFLICTS: dict[str, tuple[list[str], dict[str, str]]] = {
    "A[pid] := pid": (["EREW", "CROW"], {}),
    "local x := A[0]": (
        ["CROW"],
        {mode: f"step 1: processors 0 and 2 read A[0] (mode {mode}){COPY}" for mode in NAMES if mode[:2] == "ER"},
    ),
    "parallel for i in 0 .. 1 do A[i] := 1 end parallel for i in 0 .. 1 do A[i + 1] := 1 end": (
        ["EREW"],
        {"CROW": "step 10: processor 0 writes A[1], which processor 1 owns as the first to write it (mode CROW)"},
    ),
    "s := 5": (["ERCW common", "CRCW sum"], dict(zip(("EREW", "CROW", "CREW"), ONE_WRITES))),
    "s := pid": (
        ["ERCW priority", "CRCW max", "CRCW min", "CRCW sum"],
        {**dict(zip(("EREW", "CROW", "CREW"), ONE_WRITES)), **dict(zip(("ERCW common", "CRCW common"), COMMON)),
         "ERCW arbitrary": DEPENDS, "CRCW arbitrary": DEPENDS},
    ),
    "s := pid single do s := 0 end": (
        ["ERCW arbitrary", "CRCW sum"],
        {**dict(zip(("EREW", "CROW", "CREW"), ONE_WRITES)), **dict(zip(("ERCW common", "CRCW common"), COMMON))},
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", CONFLICTS)
def test_what_each_mode_says(text: str) -> None:
    found, (names, troubles) = results(text), CONFLICTS[text]
    assert tuple(r.mode for r in found) == NAMES
    assert {r.mode: r.trouble for r in found if r.trouble} == troubles
    assert weakest_names(found) == names
    for result in found:
        assert result.holds == (not result.trouble)
        assert result.ran == (0 if result.trouble.startswith("step") else 1)


def test_outputs_are_those_of_the_declared_mode() -> None:
    """Without a sidecar, a sum of equal values is no substitute for one of them; nor is another winner."""
    program = parse_program("program p mode CRCW common procs 3 shared s : output s := 5")
    found = try_modes(program, [({}, {})])
    assert weakest_names(found) == ["ERCW common"]
    assert found[-1].trouble == "output s is 15, but 5 under CRCW common"
    program = parse_program("program p mode CRCW max procs 3 shared s : output s := pid")
    assert weakest_names(try_modes(program, [({}, {})])) == ["CRCW max"]


def test_every_order_of_modes_is_one_of_runs() -> None:
    """The weaker modes of each row, written out; rows come after weaker ones."""
    assert {name: sorted(weaker_modes(name)) for name in MODES} == {
        "EREW": [], "CROW": [], "CREW": ["CROW", "EREW"], "ERCW common": ["EREW"], "ERCW arbitrary": ["ERCW common", "EREW"],
        "ERCW priority": ["ERCW arbitrary", "ERCW common", "EREW"], "CRCW common": ["CREW", "CROW", "ERCW common", "EREW"],
        "CRCW arbitrary": ["CRCW common", "CREW", "CROW", "ERCW arbitrary", "ERCW common", "EREW"],
        "CRCW priority": sorted(set(NAMES[:-3]) - {"CRCW priority"}),
        **dict.fromkeys(["CRCW max", "CRCW min"], sorted(set(NAMES[:-3]) - {"ERCW priority", "CRCW priority"})),
        "CRCW sum": ["CREW", "CROW", "EREW"],
    }  # fmt: skip
    assert all(NAMES.index(weaker) < NAMES.index(name) for name in MODES for weaker in MODES[name].weaker)


def test_the_declared_mode_does_not_matter() -> None:
    program = parse_program("program p mode CRCW priority procs 2 shared A[2] A[pid] := pid")
    assert weakest_names(try_modes(program, [({}, {})])) == ["EREW", "CROW"]


def test_the_first_input_that_conflicts_is_named() -> None:
    text = "program p\nparam n\nprocs n\nshared s : output\nif n > 2 then s := 1 end\nif n == 2 then local x := s end"
    found = try_modes(parse_program(text), [({"n": n}, {}) for n in (1, 2, 3, 4)])
    erew, crew, common = (found[NAMES.index(mode)] for mode in ("EREW", "CREW", "CRCW common"))
    assert (erew.ran, erew.of, erew.params, erew.place and erew.place.line) == (1, 4, {"n": 2}, 6)
    assert (crew.ran, crew.of, crew.params, crew.place and crew.place.line) == (2, 4, {"n": 3}, 5)
    assert (common.ran, common.params, common.trouble) == (4, None, "")


@pytest.mark.parametrize("name", ["tree_sum", "hillis_steele", "bitonic_sort", "list_rank", "closure", "components", "dyck"])
def test_examples_declare_their_weakest_mode(name: str) -> None:
    """On inputs of several sizes; components leaves the winner open, and its sidecar finds every outcome right."""
    program = load(PROGRAMS / f"{name}.pram")
    inputs = list(draw(generator_for(program), range(1, 6), 3, 0))
    assert program.symbols.mode in weakest_names(try_modes(program, inputs))


@pytest.mark.parametrize(
    ("judgement", "expected"), [("True", ["ERCW arbitrary", "CRCW sum"]), ('outputs == {"s": 0}', ["ERCW priority", "CRCW min"])]
)
def test_a_sidecar_may_find_several_outputs_right(judgement: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "p.pram").write_text("program p\nprocs 3\nshared s : output\ns := pid\n")
    (tmp_path / "p.py").write_text(
        "def inputs(size, rng):\n    return {}, {}\n\ndef oracle(params, arrays):\n    return {}\n\n"
        f"def accepts(params, arrays, outputs):\n    return {judgement}\n"
    )
    program = load(tmp_path / "p.pram")
    assert weakest_names(try_modes(program, [({}, {})])) == expected
    assert weakest_names(try_modes(program, [({}, {})], use_sidecar=False)) == [
        "ERCW priority",
        "CRCW max",
        "CRCW min",
        "CRCW sum",
    ]


ISSUE = "program w\nmode CRCW arbitrary\nparam n\nprocs n\nshared win : output\nparallel for i in 0 .. n - 1 do win := i end\n"
SIDECAR = "def inputs(size, rng):\n    return {'n': size}, {}\n\ndef oracle(params, arrays):\n    return {'win': 0}\n"


def judged(tmp_path: Path, sidecar: str, *sizes: int, text: str = ISSUE, **how: bool) -> list[ModeResult]:
    """What each mode says of a program with this sidecar, on inputs of these sizes."""
    (tmp_path / "w.pram").write_text(text)
    (tmp_path / "w.py").write_text(sidecar)
    return try_modes(load(tmp_path / "w.pram"), [({"n": n}, {}) for n in sizes], **how)


def test_an_oracle_judges_every_winner(tmp_path: Path) -> None:
    """The issue's program: right if the lowest wins, and only then."""
    found = judged(tmp_path, SIDECAR, 1, 3)
    assert weakest_names(found) == ["ERCW priority", "CRCW min"]
    arbitrary, priority = (found[NAMES.index(f"CRCW {rule}")] for rule in ("arbitrary", "priority"))
    assert (arbitrary.mode, arbitrary.ran, arbitrary.of, arbitrary.right) == ("CRCW arbitrary", 2, 2, False)
    assert arbitrary.trouble == "oracle says 0, machine says 1, at `win` (with --winner choices:1)"
    assert (arbitrary.params, arbitrary.winners, priority.winners) == ({"n": 3}, "every winner (4 runs)", "")


def test_the_lowest_winners_outputs_are_judged(tmp_path: Path) -> None:
    """`accepts` wants anything but the lowest: wrong where it may win, and where it does."""
    accepts = SIDECAR + "\ndef accepts(params, arrays, outputs):\n    return outputs['win'] != 0\n"
    found = judged(tmp_path, accepts, 3)
    assert weakest_names(found) == ["CRCW max", "CRCW sum"]
    assert [found[NAMES.index(f"CRCW {rule}")].trouble for rule in ("arbitrary", "priority")] == [
        'accepts in w.py rejects the outputs {"win": 0} (with --winner lowest)',
        'accepts in w.py rejects the outputs {"win": 0}',
    ]


@pytest.mark.parametrize("mode", NAMES)
def test_outputs_are_judged_in_every_mode(mode: str, tmp_path: Path) -> None:
    """One processor writes what the oracle does not want."""
    text = "program w\nparam n\nshared win : output\nsingle do win := 5 end\n"
    result = judged(tmp_path, SIDECAR, 2, text=text)[NAMES.index(mode)]
    assert (result.ran, result.right, result.trouble) == (1, False, "oracle says 0, machine says 5, at `win`")
    assert judged(tmp_path, SIDECAR, 2, text=text, use_sidecar=False)[NAMES.index(mode)].holds


def test_a_run_that_another_winner_refuses_is_named() -> None:
    """It is refused on the second input only, and told of before outputs that differ on the first."""
    text = "program p\nparam n\nprocs 2\nshared s : output, t : output\ns := pid\nsingle do t := n - s end\n"
    arbitrary = try_modes(parse_program(text), [({"n": 1}, {}), ({"n": 0}, {})])[NAMES.index("CRCW arbitrary")]
    assert (arbitrary.ran, arbitrary.right, arbitrary.params) == (1, False, {"n": 0})
    assert (
        arbitrary.trouble
        == "step 5: processor 0: underflow: 0 - 1 is negative; `word 6 signed` has negative words (where the winner is choices:1)"
    )
    assert arbitrary.place is not None and arbitrary.place.line == 6


@pytest.mark.parametrize("size", [3, 70])
def test_the_command_that_it_names_repeats_it(size: int, do: Do) -> None:
    """Whether every winner was tried or eight, `lockstep run` under the winner it names gives the outputs it shows."""
    Path("w.pram").write_text(ISSUE)
    Path("in.json").write_text(f'{{"params": {{"n": {size}}}}}')
    table = " ".join(do("modes w.pram --input in.json").out.split())
    found = re.search(r"output win depends on who wins a write: 0 with --winner lowest, (\d+) with --winner ([\w:]+)", table)
    assert found, table
    assert ("every winner (3 runs)" if size == 3 else "8 winners") in table
    for winner, value in (("lowest", 0), (found[2], int(found[1]))):
        assert json.loads(do(f"run w.pram --input in.json --winner {winner} --json").out)["outputs"] == {"win": value}


def test_a_program_that_runs_under_no_mode() -> None:
    found = results("local x := 0 x := x - 1")
    assert weakest(found) == []
    assert {r.trouble for r in found} == {
        "step 2: processor 0: underflow: 0 - 1 is negative; `word 10 signed` has negative words"
    }


def test_an_input_that_does_not_fit() -> None:
    with pytest.raises(PramError, match="missing input array `A`"):
        results("A[pid] := 1", [({}, {})])
