"""The programs of examples/tasks against their oracles, their claims, the mode they declare, and the models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_corpus import check_runs, missing_claims, needs_its_mode

from lockstep.common.finding import TASKS
from lockstep.compiler.names import EVERY
from lockstep.pram.machine import run
from lockstep.pram.program import load
from lockstep.pram.sidecar import generator_for
from lockstep.proofs_check.verification import Options, verify

Inputs = tuple[dict[str, Any], dict[str, Any]]
#: A hard puzzle of Arto Inkala (2006), "AI Escargot".
ESCARGOT = "100007090030020008009600500005300900010080002600004000300000010040000007007000300"
SQUARE = [1, 2, 3, 4, 3, 4, 1, 2, 2, 1, 4, 3, 4, 3, 2, 1]
PROGRAMS = sorted(TASKS.glob("*.pram"))
every_program = pytest.mark.parametrize("path", PROGRAMS, ids=[path.stem for path in PROGRAMS])


def sudokus() -> list[Inputs]:
    """Puzzles of one solution, of several and of none, and one that needs guesses."""
    generator, rng = generator_for(load(TASKS / "sudoku.pram")), np.random.default_rng(5)
    drawn = [
        generator.inputs(size, np.random.default_rng((size, number)))
        for size, many in ((1, 2), (2, 6), (3, 1))
        for number in range(many)
    ]
    thinned = [[digit * int(rng.random() < share) for digit in SQUARE] for share in (0.3, 0.4, 0.5, 0.6) for _ in range(2)]
    wrong = [[1, 1, *[0] * 14], [0, 0, 0, 1, *[0] * 4, 2, 3, *[0] * 6], [*SQUARE[:15], 2], [1, 2, 3, 0, *[0] * 8, 0, 0, 0, 4]]
    small: list[Inputs] = [({"n": 2, "most": most}, {"given": given}) for given in thinned + wrong for most in (1, 3)]
    return [*drawn, *small, ({"n": 1, "most": 2}, {"given": [0]}), ({"n": 3, "most": 1}, {"given": list(map(int, ESCARGOT))})]


def graphs() -> list[Inputs]:
    generator = generator_for(load(TASKS / "min_cut.pram"))
    return [generator.inputs(size, np.random.default_rng((size, number))) for size in range(2, 10) for number in range(4)]


INPUTS = {"sudoku": sudokus, "min_cut": graphs}
STRONGER_THAN_NEEDED = {
    "sudoku": "CRCW arbitrary would do, as any cell may be guessed; the least write names one with the fewest digits"
}


@every_program
def test_runs_are_right_claims_hold_and_the_mode_is_needed(path: Path) -> None:
    program, inputs = load(path), INPUTS[path.stem]()
    generator = generator_for(program)
    assert program.name == path.stem and missing_claims(program) == set()
    check_runs(program, generator, inputs)
    assert needs_its_mode(program, generator, inputs[:12]) == (path.stem not in STRONGER_THAN_NEEDED)


def test_several_solutions_and_none() -> None:
    """There are 288 squares of 4 x 4, so 12 of them have a given first row."""
    program = load(TASKS / "sudoku.pram")
    several = run(program.instantiate({"n": 2, "most": 300}, {"given": [1, 2, 3, 4, *[0] * 12]}))
    assert several.outputs["solutions"] == 12 and several.outputs["returns"] > 0
    assert run(program.instantiate({"n": 2, "most": 1}, {"given": [1, 1, *[0] * 14]})).outputs["solutions"] == 0


@every_program
def test_the_sidecar_refuses_wrong_outputs(path: Path) -> None:
    """Another cell, another count, and for a puzzle a square that is right but does not have its clues."""
    program = load(path)
    generator = generator_for(program)
    params, arrays = generator.inputs(2 if path.stem == "sudoku" else 6, np.random.default_rng(1))
    right = run(program.instantiate(params, arrays)).outputs

    def judged(**changed: Any) -> bool:
        verdict = generator.judge(params, arrays, right | changed)
        assert verdict is not None
        return verdict.right

    assert judged()
    if path.stem == "sudoku":
        swapped = {1: 2, 2: 1, 3: 3, 4: 4}
        wrong = [{"solutions": 0}, {"solutions": 2}, {"grid": [0] * 16}, {"grid": [1] * 16},
                 {"grid": [swapped[digit] for digit in right["grid"]]}]  # fmt: skip
    else:
        wrong = [{name: right[name] + 1} for name in ("flow", "paths", "scans", "hops")]
        wrong += [{"side": [1 - flag for flag in right["side"]]}, {"C": arrays["C"]}]
    assert not any(judged(**changed) for changed in wrong)


#: What is decoded, and the longest context: in every construction, but for the larger Sudoku, which ap-mdm alone decodes in a second.
DECODED = [
    *(("sudoku", 1, name) for name in EVERY),
    ("sudoku", 2, "ap-mdm"),
    ("sudoku", 2, "ap-mdm one-step"),
    *(("min_cut", size, name) for size in (2, 3) for name in EVERY),
]


@pytest.mark.parametrize(["name", "size", "construction"], DECODED)
def test_model_agrees_with_machine(name: str, size: int, construction: str) -> None:
    report = verify(load(TASKS / f"{name}.pram"), Options((construction,), max_context=5000), sizes=[size], random=1)
    assert report.holds, (report.trouble, [check for check in report.checks if not check.holds])
    assert [list(case.decodes) for case in report.cases] == [[construction]]
