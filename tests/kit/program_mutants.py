"""Mutants of example programs, and who finds them: contracts, or the machine by itself.

A mutant has one change in a statement: another operator, or a constant or a bound of a range that is one more or one less. Declarations,
contracts and claims stay. Neither claims, oracles nor models look at its runs; the oracle only says which of the mutants that
nobody found are still right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lockstep.pram.analysis import analyse
from lockstep.pram.contracts.holding import Broken
from lockstep.pram.errors import PramError
from lockstep.pram.machine import NoHalt, run
from lockstep.pram.program import Program, load
from lockstep.pram.sidecar import Inputs, generator_for
from lockstep.pram.syntax import FIELDS, Binary, Call, For, Not, Number, Print, Range

PROGRAMS = Path(__file__).parents[2] / "examples" / "programs"
#: Sizes of the inputs, and how many of each the sidecar draws.
SIZES, DRAWS = (*range(1, 9), 13), 8
#: Inputs on which the program itself takes more steps are left out.
MOST_STEPS = 5_000
#: A mutant may take so many times the steps of the program, and so many more.
MORE_STEPS = 4, 200
#: What becomes of an operator or a function.
OTHERS = {
    "+": "-*", "-": "+", "*": "+/", "/": "*", "%": "/", "<<": [">>"], ">>": ["<<"], "&": "|^", "|": "&^", "^": "&|",
    "==": ["!="], "!=": ["=="], "<": ["<=", ">", ">="], "<=": ["<", ">", ">="], ">": [">=", "<", "<="], ">=": [">", "<", "<="],
    "and": ["or"], "or": ["and"], "max": ["min"], "min": ["max"],
}  # fmt: skip
VERDICTS = ("contracts", "machine", "equivalent", "missed")


@dataclass(frozen=True)
class Mutant:
    """what: the change, such as `line 10: + becomes -`. body: the statements with it."""

    what: str
    body: tuple[Any, ...]


def mutants(program: Program) -> Iterator[Mutant]:
    """Yield every mutant of a program, in the order of the text."""
    body = program.tree.body
    for number, statement in enumerate(body):
        for what, changed in _variants(statement):
            yield Mutant(what, (*body[:number], changed, *body[number + 1 :]))


def _variants(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield what can be changed in a node or below it, with the changed node."""
    if isinstance(node, Print):
        return
    yield from _own(node)
    for field in FIELDS[type(node)]:
        value = getattr(node, field)
        if isinstance(value, tuple):
            for number, item in enumerate(value):
                for what, changed in _variants(item):
                    yield what, replace(node, **{field: (*value[:number], changed, *value[number + 1 :])})
        elif value is not None and not (field in ("first", "last", "low", "high") and node.items):
            for what, changed in _variants(value):
                yield what, replace(node, **{field: changed})


def _own(node: Any) -> Iterator[tuple[str, Any]]:
    match node:
        case Binary(operator):
            for other in OTHERS.get(operator, ()):
                yield f"line {node.at.line}: {operator} becomes {other}", replace(node, operator=other)
        case Call(function):
            for other in OTHERS.get(function, ()):
                yield f"line {node.at.line}: {function} becomes {other}", replace(node, function=other)
        case Not(operand):
            yield f"line {node.at.line}: without not", operand
        case Number(value):
            for other in (value + 1, value - 1)[: 1 + (value > 0)]:
                yield f"line {node.at.line}: {value} becomes {other}", replace(node, value=other)
        case For(first=first, last=last) if not node.items:
            yield from _bounds(node, first=first, last=last)
        case Range(low=low, high=high) if not node.items:
            yield from _bounds(node, low=low, high=high)


def _bounds(node: Any, **ends: Any) -> Iterator[tuple[str, Any]]:
    """Yield a range with an end that is one more or one less; an end that is a number is changed as a number."""
    for field, end in ends.items():
        for operator in "+-" if not isinstance(end, Number) else "":
            moved = Binary(operator, end, Number(1, end.at), end.at)
            yield f"line {node.at.line}: {field} {operator} 1", replace(node, **{field: moved})


def with_body(program: Program, body: tuple[Any, ...]) -> Program:
    """Return a program with other statements.

    Raises: PramError: they mean nothing.
    """
    tree = replace(program.tree, body=body)
    return replace(program, tree=tree, analysis=analyse(tree, program.source))


class Judge:
    """Judges the mutants of one program on inputs of its sidecar. inputs: each with the most steps that a mutant may take."""

    def __init__(self, program: Program, sizes: Iterable[int] = SIZES, draws: int = DRAWS) -> None:
        self.program, self.generator = program, generator_for(program)
        drawn = [self.generator.inputs(size, np.random.default_rng((size, n))) for size in sizes for n in range(draws)]
        factor, more = MORE_STEPS
        self.inputs: list[tuple[Inputs, int]] = []
        for inputs in {repr(inputs): inputs for inputs in drawn}.values():
            with suppress(NoHalt):
                time = run(program.instantiate(*inputs), max_steps=MOST_STEPS).time
                self.inputs.append((inputs, factor * time + more))

    def verdict(self, mutant: Mutant) -> str:
        """Return one of VERDICTS; "" if the mutant is no program.

        A mutant is found by contracts if a contract breaks on some input; else by the machine, if that refuses a run. It is
        equivalent if all its outputs are right, and missed otherwise.
        """
        try:
            changed = with_body(self.program, mutant.body)
        except PramError:
            return ""
        refused, right = False, True
        for inputs, most in self.inputs:
            try:
                ran = run(changed.instantiate(*inputs), max_steps=most)
            except Broken:
                return "contracts"
            except PramError:
                refused = True
            else:
                right = right and (refused or self._right(inputs, ran.outputs))
        return "machine" if refused else "equivalent" if right else "missed"

    def _right(self, inputs: Inputs, outputs: dict[str, Any]) -> bool:
        verdict = self.generator.judge(*inputs, outputs)
        return verdict is None or verdict.right


@dataclass(frozen=True)
class Found:
    """How many mutants of a program got each verdict, and which were missed or are equivalent."""

    program: str
    counts: Counter[str]
    missed: tuple[str, ...]
    equivalent: tuple[str, ...]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def row(self) -> tuple[str, ...]:
        return self.program, str(self.total), *(str(self.counts[verdict]) for verdict in VERDICTS)


def judged(program: Program, sizes: Iterable[int] = SIZES, draws: int = DRAWS) -> Found:
    """Judge every mutant of a program."""
    judge = Judge(program, sizes, draws)
    verdicts = [(mutant.what, judge.verdict(mutant)) for mutant in mutants(program)]
    counts = Counter(verdict for _, verdict in verdicts if verdict)
    missed, equivalent = (tuple(what for what, verdict in verdicts if verdict == wanted) for wanted in ("missed", "equivalent"))
    return Found(program.name, counts, missed, equivalent)


def with_contracts() -> list[Path]:
    """Return the example programs that say what they ensure."""
    return [path for path in sorted(PROGRAMS.glob("*.pram")) if "\nensures " in path.read_text(encoding="utf-8")]


def judged_file(path: Path) -> Found:
    """As `judged`, of a file, so that a process of a pool can do it."""
    return judged(load(path))
