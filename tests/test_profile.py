"""Tests of profiles: exact costs of programs counted by hand; on all other programs, the sums equal the run's costs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from kit.cases import job

from lockstep.pram import profile as profiling
from lockstep.pram.errors import PramError, Span
from lockstep.pram.instructions import PID, Instruction, constant
from lockstep.pram.job import Job
from lockstep.pram.machine import Machine, run
from lockstep.pram.profile import LineCosts, Profile, profile
from lockstep.pram.program import load, parse_program
from lockstep.pram.sidecar import generator_for
from lockstep.proofs_check.fuzzing.random_programs import TextCase, language_programs

PROGRAMS = sorted((Path(__file__).parent.parent / "examples").glob("*/*.pram"))
MAX_STEPS = 20_000


def rows(text: str, **params: int) -> list[tuple[int | None, int, int, int]]:
    found = profile(parse_program("program p\n" + text).instantiate(params))
    return [(c.line, c.steps, c.work, c.shared_accesses) for c in found.lines]


#: Texts after `program p` with (line, steps, work, shared accesses), counted by hand from docs/language.md, section 5.
COUNTED = {
    "the end of the program has its own row": ("", [(None, 1, 1, 0)]),
    "a `halt` is a statement's": ("halt", [(2, 1, 1, 0)]),
    "a statement": ("local x := 1\nx := x + x * 2", [(2, 1, 1, 0), (3, 2, 2, 0), (None, 1, 1, 0)]),
    "an expression on several lines": ("local x := 1\nx := x\n  + x\n    * 2", [(2, 1, 1, 0), (4, 1, 1, 0), (5, 1, 1, 0), (None, 1, 1, 0)]),
    "the control of a `for`": (
        "local x := 1\nfor i in 1 .. 3 do\n  x := x + i\nend", [(2, 1, 1, 0), (3, 1 + 3 * 4 + 2, 15, 0), (4, 3, 3, 0), (None, 1, 1, 0)],
    ),
    "the control of a `while`": (
        "local x := 3\nwhile x > 0 do\n  x := x - 1\nend", [(2, 1, 1, 0), (3, 3 * 3 + 2, 11, 0), (4, 3, 3, 0), (None, 1, 1, 0)],
    ),
    "a `repeat` branches on its own line, and its condition stands below": (
        "local x := 3\nrepeat\n  x := x - 1\nuntil x == 0", [(2, 1, 1, 0), (3, 3, 3, 0), (4, 3, 3, 0), (5, 3, 3, 0), (None, 1, 1, 0)],
    ),
    "one processor is active, one padded: jumps are work, nops are not": (
        "procs 2\nshared A[2]\nparallel for i in 0 .. 0 do\n  A[i] := 1\nend", [(4, 4, 3 + 3 + 1, 0), (5, 1, 1, 1), (None, 1, 2, 0)],
    ),
    "both branches of an `if` take their time on every processor": (
        "procs 3\nlocal x := 0\nif pid == 1 then\n  x := 1\nelse\n  x := x + 1 + 1\nend",
        [(3, 1, 3, 0), (4, 3, 3 + 3 + 1, 0), (5, 1, 1, 0), (7, 2, 4, 0), (None, 1, 3, 0)],
    ),
    "idle processors run the control of a `for`": (
        "procs 2\nshared A[2]\nsingle do\n  for i in 0 .. 1 do\n    A[i] := 1\n  end\nend",
        [(4, 3, 2 + 2 + 1, 0), (5, 1 + 2 * 4 + 2, 22, 0), (6, 2, 2, 2), (None, 1, 2, 0)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_counted_by_hand(name: str) -> None:
    text, expected = COUNTED[name]
    assert rows(text) == expected


def sums(found: Profile) -> tuple[int, int, int]:
    lines = found.lines
    return sum(c.steps for c in lines), sum(c.work for c in lines), sum(c.shared_accesses for c in lines)


def check_profile(made: Job) -> None:
    """Check that the sums equal the costs of a run, and that in every step all processors are on one line."""
    exact = run(made, max_steps=MAX_STEPS)
    found = profile(made, max_steps=MAX_STEPS)
    assert found.costs == exact.costs
    assert sums(found) == (exact.costs.time, exact.costs.work, exact.costs.shared_accesses)
    counted: Counter[int | None] = Counter()
    for c in found.lines:  # a line of a procedure is there once for each call
        counted[c.line] += c.steps
    assert steps_of_lines(made) == counted


def steps_of_lines(made: Job) -> Counter[int | None]:
    """Count the steps of each line one by one; in each step all processors are on the same line."""
    steps: Counter[int | None] = Counter()
    for step in Machine(made).steps(MAX_STEPS):
        (line,) = {place(made, pc) for pc in step.counter.tolist()}
        steps[line] += 1
    return steps


def place(made: Job, counter: int) -> int | None:
    at = made.code[counter].at
    return at.line if at and counter < len(made.code) - 1 else None


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_examples(path: Path) -> None:
    program = load(path)
    for size in (1, 2, 3):
        check_profile(program.instantiate(*generator_for(program).inputs(size, np.random.default_rng(size))))


def test_random_programs() -> None:
    ran = Counter[bool]()

    @settings(max_examples=150, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(language_programs())
    def check(case: TextCase) -> None:
        try:
            made = parse_program(case.text).instantiate(case.params, case.arrays)
            run(made, max_steps=MAX_STEPS)
        except PramError:
            ran[False] += 1
        else:
            ran[True] += 1
            check_profile(made)

    check()
    assert ran[True] >= 80


def test_processors_apart() -> None:
    """Processors of machine code can be on different lines: the step counts for the lowest pid's line, work for each one's line."""
    code = (
        Instruction("jz", PID, target=3, at=Span(1, 1)),
        Instruction("load", constant(0), constant(0), rd=0, at=Span(2, 1)),
        Instruction("jmp", target=4, at=Span(2, 1)),
        Instruction("nop", at=Span(3, 1)),
    )
    found = profile(job(*code, processors=3, mode="CREW"))
    # Processor 0 goes to line 3 and halts in step 3; 1 and 2 take the load and the jump on line 2 and halt in step 4.
    assert found.lines == (LineCosts(1, 1, 3, 0), LineCosts(2, 0, 4, 2), LineCosts(3, 1, 0, 0), LineCosts(None, 2, 3, 0))
    assert sums(found) == (4, 10, 2) == (found.costs.time, found.costs.work, found.costs.shared_accesses)


def test_a_profile_that_loses_steps_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    made = parse_program("program p local x := 1\nx := x + 1").instantiate({})
    check_profile(made)
    whole = profiling._by_line
    monkeypatch.setattr(profiling, "_by_line", lambda *given: whole(*given)[1:])
    with pytest.raises(AssertionError):
        check_profile(made)


def test_what_the_machine_refuses() -> None:
    made = parse_program("program p\nlocal x := 1\nx := x - 2").instantiate({})
    with pytest.raises(PramError, match=r"step 2: processor 0: underflow"):
        profile(made)
    with pytest.raises(PramError, match="no halt within 1 steps"):
        profile(made, max_steps=1)
