"""Tests of coverage: against an oracle that walks the syntax tree, and its texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random

import numpy as np
import pytest
from kit.cases import job
from oracles.plain import Trap
from oracles.reaching import everything, watch

from lockstep.pram.errors import PramError, Span
from lockstep.pram.instructions import Instruction, Operand
from lockstep.pram.machine import Machine, run
from lockstep.pram.parser import parse
from lockstep.pram.program import Program, load, parse_program
from lockstep.pram.reached import MOST_NAMED, Item, Reached, Unreached, items, reached_nothing, unreached
from lockstep.pram.sidecar import generator_for
from lockstep.pram.syntax import walk
from lockstep.proofs_check.fuzzing.random_programs import language_program

PROGRAMS = sorted((Path(__file__).parent.parent / "examples" / "programs").glob("*.pram"))
MOST = 20_000
Case = tuple[Program, dict, dict]


def walked(case: Case) -> tuple[set[int], set[tuple[int, int, str]]] | None:
    """Return the lines and sides that the oracle did not reach; None if it refuses the run."""
    program, params, arrays = case
    try:
        watched = watch(program.tree, params, arrays, MOST)
    except Trap:
        return None
    lines, sides = everything(watched)
    return lines - watched.lines, sides - watched.sides


def compare(case: Case) -> Unreached | None:
    """Compare what a run did not reach with the oracle; return None if both refuse the run."""
    wanted = walked(case)
    try:
        ours = run(case[0].instantiate(*case[1:]), max_steps=MOST)
    except PramError:
        assert wanted is None
        return None
    assert wanted is not None
    found = unreached(case[0], ours.reached)
    assert set(found.lines) == wanted[0], case[0].source.text
    of_contracts = ("checked", "meant")  # which tests/test_contracts.py compares
    assert {(i.line, i.column, i.what) for i in found.items if i.what not in ("line", *of_contracts)} == wanted[1], case[
        0
    ].source.text
    return found


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_examples_against_the_walk(path: Path) -> None:
    program = load(path)
    generator, compared = generator_for(program), 0
    for size in (1, 2, 3):
        params, arrays = generator.inputs(size, np.random.default_rng(size))
        compared += compare((program, params, arrays)) is not None
    assert compared >= 2


def random_cases(seed: int) -> Iterator[Case]:
    for number in count():
        case = language_program(Random(f"{seed}:{number}"))
        yield parse_program(case.text), case.params, case.arrays


def test_random_programs_against_the_walk() -> None:
    kinds: Counter[str] = Counter()
    cases = random_cases(7)
    for _ in range(400):
        found = compare(next(cases))
        kinds.update(["refused"] if found is None else {item.what for item in found.items} or {"all reached"})
    assert min(kinds[what] for what in ("line", "true", "false", "entered", "arrived", "all reached")) >= 20, kinds


# -- texts -----------------------------------------------------------------------------------------

HEAD = "program t\nmode CREW\nparam n\nprocs n\nshared A[n] : input, B[n] : output\nlocal x := 0\n"
LINES = 6  # of HEAD
EACH = "parallel for i in 0 .. n - 1 do\n"


def said(body: str, *inputs: list[int]) -> str:
    return together(body, *inputs).text


def together(body: str, *inputs: list[int]) -> Unreached:
    program = parse_program(HEAD + body)
    reached = reached_nothing(program)
    for cells in inputs:
        reached |= run(program.instantiate({"n": len(cells)}, {"A": cells})).reached
    return unreached(program, reached)


TEXTS = [
    (EACH + "  if A[i] > 15 then\n    B[i] := 1\n  end\nend", "no run reached line 9; never true: `A[i] > 15` (line 8)"),
    ("if n == 2 then x := 1 end", "never false: `n == 2` (line 7)"),
    ("if n == 2 then x := 1\nelif n == 4 then x := 2\nelse x := 3\nend", "no run reached lines 8..9; never false: `n == 2` (line 7)"),
    (EACH + "if A[i] == 3 then x := 1\nelif A[i] == 4 then x := 2\nelse x := 3 end end",
     "no run reached line 10; never false: `A[i] == 4` (line 9)"),
    (EACH + "if A[i] < 4 then x := 1 end\nif A[i] > 3 then x := 2 end end", ""),
    ("while x > 0 do\nx := x - 1\nend", "no run reached line 8; never true: `x > 0` (line 7)"),
    ("repeat\nx := x + 1\nuntil x == 1", "never false: `x == 1` (line 9)"),
    ("repeat x := x + 1 until x == 2", ""),
    ("for j in 3 .. 2 do\nx := 1\n\nx := 2 end", "no run reached lines 8, 10; never entered: `for j` (line 7)"),
    ("for j in 1 downto 2 do x := j end", "never entered: `for j` (line 7)"),
    ("parallel for i in n .. n - 1 do\nB[i] := i end", "no run reached line 8; never entered: `parallel for i` (line 7)"),
    ("parallel for i in 0 .. 0, j in 1 .. 0 do x := j end", "never entered: `parallel for i, j` (line 7)"),
    ("if x then\nsingle do\nB[0] := 1 end end", "no run reached lines 8..9; never true: `x` (line 7)"),
    # only idle processors run the control of this loop, so it does not count
    (EACH + "if A[i] > 15 then\nfor j in 0 .. 2 do\nx := j end end end",
     "no run reached lines 9..10; never true: `A[i] > 15` (line 8)"),
    # of a condition that no run evaluated, the text names the line, or the condition around it
    (EACH + "if A[i] > 15 then if A[i] > 20 then x := 1 end end end", "never true: `A[i] > 15` (line 8)"),
    ("halt\nif x then x := 1 end", "no run reached line 8"),
    ("halt if x then x := 1 end", "no run reached `x` (line 7)"),
    ("halt", ""),
    ("halt\nx :=\nx + 1", "no run reached line 9"),  # the end of the program is on no line
    ("x := if x == 0 then\n1 else\n2", "no run reached line 9; never false: `x == 0` (line 7)"),
    (EACH + "x := if A[i] > 3 then A[i] +\n1 else A[i] -\n1 end", ""),
    ("if x == 1 and\nA[0] > 3 then x := 2 end", "no run reached line 8; never true: `x == 1 and A[0] > 3` (line 7)"),
    (EACH + "while x < A[i] atmost 4 do\nx += 1\nif x > 9 then\nbreak end end end",
     "no run reached line 11; never true: `x > 9` (line 10)"),
    # who is done after the last round is looked up, but not reached
    (EACH + "while x < 2 atmost 2 do\nx += 1 end end", "never false: `x < 2` (line 8)"),
    (EACH + "repeat\nx += 1\nuntil x > i atmost 2 end", ""),
    (EACH + "for j in i + 1 .. 0 atmost 2 do\nx := j end end", "no run reached line 9; never entered: `for j` (line 8)"),
    (EACH + "for j in i .. 1 do\nif j == i then break end\nx := j end end", "no run reached line 10; never false: `j == i` (line 9)"),
    ("while x < 2 do x += 1\nbreak\nx := 1 end", "no run reached line 9; never false: `x < 2` (line 7)"),
    ("local a, b := 1, x\na, b :=\nb,\na + 1", ""),
    # only idle processors evaluate these bounds
    ("parallel for i in 1 .. 0 do\nfor j in 0 .. if x == 0 then 1 else\nx do end end",
     "no run reached lines 8..9; never entered: `parallel for i` (line 7)"),
    ("x :=\nx +\nA[0]", ""),
    ("if x then x :=\nx +\nA[0] end", "no run reached lines 8..9; never true: `x` (line 7)"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "text"), TEXTS)
def test_texts(body: str, text: str) -> None:
    assert said(body, [3, 4]) == text
    assert compare((parse_program(HEAD + body), {"n": 2}, {"A": [3, 4]})) is not None


def test_a_program_that_no_run_reached() -> None:
    program = parse_program(HEAD + "if x then x := 1 end")
    found = unreached(program, reached_nothing(program))
    assert found.items == items(program)
    assert found.text == "no run reached lines 6..7"


def test_what_several_runs_did_not_reach() -> None:
    """Runs together miss what each of them misses; saved items equal those of the program."""
    body = EACH + "if A[i] == 1 then\nif A[i] == 2 then\nx := 3 end end end"
    assert said(body, [1], [1]) == "no run reached line 10; never true: `A[i] == 2` (line 9); never false: `A[i] == 1` (line 8)"
    assert said(body, [1], [2]) == "no run reached line 10; never true: `A[i] == 2` (line 9)"
    first, second = together(body, [1]), together(body, [2])
    assert first & second == second & first == together(body, [1], [2])
    assert first.items != second.items and not set(first.items) <= set(second.items)
    kept = Unreached.of(json.loads(json.dumps(second.items)))
    assert kept == second and kept.text == second.text


def test_joining_runs_of_random_programs() -> None:
    """For any two marks: together they miss what both miss."""
    random = Random(0)
    for program, _, _ in (next(random_cases(seed)) for seed in range(20)):
        clauses = program.contracts.clauses
        places = [place for clause in clauses for place in (clause.at, *(part.at for part in clause.conditions))]
        marks = [
            Reached(random.randbytes(len(program.code.instructions)), frozenset(p for p in places if random.random() < 0.5))
            for _ in range(2)
        ]
        a, b = (unreached(program, each) for each in marks)
        assert a & b == unreached(program, marks[0] | marks[1])
        assert not unreached(program, Reached(b"\7" * len(marks[0].marks), frozenset(places)))
    with pytest.raises(ValueError, match="the program has"):
        unreached(program, Reached(b""))
    with pytest.raises(ValueError):
        _ = marks[0] | Reached(b"")


def test_many_are_cut_and_json_has_all() -> None:
    body = "".join(f"if x == {number} then\nx := 1\nend\n" for number in range(1, 31))
    found = together(body, [3])
    lines = [LINES + 2 + 3 * number for number in range(30)]
    conditions = [f"`x == {number}` (line {LINES - 2 + 3 * number})" for number in range(1, MOST_NAMED + 1)]
    cut = f"no run reached lines {', '.join(map(str, lines[:MOST_NAMED]))} and 25 more; never true: {', '.join(conditions)} and 25 more"
    assert found.text == cut
    record = found.record()
    assert record["lines"] == lines and [side["of"] for side in record["sides"]] == [f"x == {n}" for n in range(1, 31)]
    assert record["sides"][0] == {"line": 7, "column": 6, "of": "x == 1", "never": "true"}


def test_a_long_condition_is_cut() -> None:
    condition = " + ".join(["x"] * 30)
    text = said(f"if {condition} then x := 1 end", [3])
    assert text == f"never true: `{condition[:40]}...` (line 7)"


def test_conditions_are_written_as_the_language_writes_them() -> None:
    for path in PROGRAMS:
        program = load(path)
        for item in items(program):
            if item.what == "true":
                (found,) = parse(f"program t\nwhile {item.text} do end")[0].body
                conditions = {node.condition.at: node.condition for node in walk(program.tree) if hasattr(node, "condition")}
                assert found.condition == conditions[Span(item.line, item.column)]


def test_a_run_that_is_refused_has_reached_what_it_ran() -> None:
    program = parse_program(HEAD + "if A[0] > 3 then\nx := 1\nend\nx := x - 5\nx := 2")
    machine = Machine(program.instantiate({"n": 1}, {"A": [4]}))
    with pytest.raises(PramError, match="underflow"):
        list(machine.steps())
    assert unreached(program, machine.reached).text == "no run reached line 11; never false: `A[0] > 3` (line 7)"


def test_machine_code_without_a_text_is_recorded_too() -> None:
    jz = Instruction("jz", Operand("pid"), target=2)
    code = job(jz, Instruction("nop"), Instruction("jmp", target=4), Instruction("nop"), processors=2)
    assert run(code).reached == Reached(bytes([1 | 2 | 4, 1, 1, 0, 1]))


def test_items_sort_by_place() -> None:
    assert sorted([Item(2, 0, "line", ""), Item(1, 3, "true", "x"), Item(1, 0, "line", "")])[0] == Item(1, 0, "line", "")
