"""Plants contracts at every place of a program, and records who checks them when, on the machine and in the evaluator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple
from unittest.mock import patch

from oracles.evaluator import Halted, Run
from oracles.memory import Arrays

from lockstep.pram import syntax
from lockstep.pram.analysis import analyse
from lockstep.pram.contracts import watching
from lockstep.pram.contracts.kinds import Clause
from lockstep.pram.contracts.meaning import Scope
from lockstep.pram.errors import Span
from lockstep.pram.machine import run
from lockstep.pram.program import Program, parse_program
from lockstep.pram.syntax import Binary, Name, Number, Statement

#: Planted contracts stand in lines from here.
FIRST_LINE = 100_000


class Checked(NamedTuple):
    """One check: after how many steps, of the contract in which line, by whom, with which values, and the memory that it saw."""

    time: int
    line: int
    pid: int
    values: tuple[tuple[str, int], ...]
    memory: tuple[int, ...]


def plant(text: str) -> Program:
    """The program with an `assert` between all statements and an `invariant` in all loops. They hold, and name all that is visible."""
    program = parse_program(text)
    planter = _Planter()
    body = planter.block(program.tree.body, ())
    ends = (syntax.Requires(Number(1), planter.place()), syntax.Ensures(Number(1), planter.place()))
    tree = replace(program.tree, body=body, declarations=(*program.tree.declarations, *ends))
    return Program(tree, program.source, analyse(tree, program.source))


class _Planter:
    def __init__(self) -> None:
        self.lines = count(FIRST_LINE)

    def place(self) -> Span:
        return Span(next(self.lines), 1)

    def holds(self, visible: Iterable[str]) -> syntax.Expression:
        total: syntax.Expression = Name("pid")
        for name in visible:
            total = Binary("+", total, Name(name))
        return Binary("==", total, total)

    def contract(self, visible: Iterable[str]) -> syntax.Assert:
        return syntax.Assert(self.holds(visible), self.place())

    def block(self, body: tuple[Statement, ...], visible: tuple[str, ...]) -> tuple[Statement, ...]:
        planted: list[Statement] = [self.contract(visible)]
        for s in body:
            planted.append(self.statement(s, visible))
            visible += (s.name,) if isinstance(s, syntax.Local) else ()
            planted.append(self.contract(visible))
        return tuple(planted)

    def statement(self, s: Statement, visible: tuple[str, ...]) -> Statement:
        match s:
            case syntax.If():
                return replace(s, then=self.block(s.then, visible), otherwise=self.block(s.otherwise, visible))
            case syntax.While() | syntax.Repeat() | syntax.For():
                inside = (*visible, s.variable) if isinstance(s, syntax.For) else visible
                invariants = tuple(syntax.Invariant(self.holds(inside), self.place()) for _ in range(2))
                return replace(s, body=self.block(s.body, inside), invariants=invariants)
            case syntax.Parallel():
                return replace(s, body=self.block(s.body, (*visible, *(r.variable for r in s.ranges))))
            case syntax.Single():
                return replace(s, body=self.block(s.body, visible))
        return s


def on_machine(program: Program, params: dict[str, int], arrays: Arrays, max_steps: int) -> tuple[int, list[Checked]]:
    """Run a program. Return its time, and the checks in its steps."""
    job = program.instantiate(params, arrays)
    with _recorded(job.word_bits, job.signed) as found:
        time = run(job, max_steps=max_steps).time
    return time, sorted(found)


@contextmanager
def _recorded(bits: int, signed: bool) -> Iterator[list[Checked]]:
    found: list[Checked] = []

    def check(clause: Clause, scope: Scope, dimensions: Mapping[str, int], job: Any, where: str = "") -> None:
        time = int(where.split(":")[0].split()[-1]) - 1 if "before step" in where else -1
        if clause.at.line >= FIRST_LINE and clause.kind != "ensures":
            values = {name: value for name, value in scope.values.items() if name in names_of(clause.condition)}
            found.append(
                Checked(time, clause.at.line, values.pop("pid"), tuple(sorted(values.items())), tuple(scope.now.memory.tolist()))
            )

    with patch.object(watching, "check", check):
        yield found


def names_of(e: syntax.Expression) -> set[str]:
    return {node.name for node in syntax.walk(e) if isinstance(node, Name)}


class Recorder(Run):
    """A run of the evaluator that notes every check."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.found: list[Checked] = []

    def hold(self, kind: str, said: Any, active: list[int]) -> None:
        memory = tuple(word % self.limit for word in self.memory)
        for p in active if said.at.line >= FIRST_LINE else []:
            values = {name: self.locals[name][p] for name in names_of(said.condition) - {"pid"}}
            self.found.append(Checked(self.time, said.at.line, p, tuple(sorted(values.items())), memory))


def in_evaluator(program: Program, params: dict[str, int], arrays: Arrays, max_steps: int) -> tuple[int, list[Checked]]:
    """The same as `on_machine`, by the evaluator. Raises Trap where the machine refuses a run."""
    recorder = Recorder(program.tree, params, arrays, None, max_steps)
    with suppress(Halted):
        recorder.block(recorder.tree.body, recorder.everyone)
        recorder.step()
    return recorder.time, sorted(recorder.found)


def kinds_of(checks: Iterable[Checked]) -> set[int]:
    """The lines of planted contracts that were checked."""
    return {check.line for check in checks}
