"""Coverage: which source lines runs reached, which conditions were true and false, and which loops were entered.

Only active processors count. The instructions of idle ones are marked (`Instruction.idle`). The body of a procedure counts for
all its calls together, and one in a library for the line of its call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from lockstep.pram.contracts.kinds import never_meant
from lockstep.pram.errors import Span, shorten, without_numbers
from lockstep.pram.expression_text import expression_text
from lockstep.pram.instructions import Decision
from lockstep.pram.program import Program
from lockstep.pram.rewriting import TURN
from lockstep.pram.syntax import Binary, For, Name, Parallel

#: What some processor did with an instruction: it ran it, followed a branch to the next instruction, or jumped.
RAN, FOLLOWED, JUMPED = 1, 2, 4

#: A message names at most MOST_NAMED lines or conditions, and shows MOST_SHOWN characters of a condition.
MOST_NAMED, MOST_SHOWN = 5, 40


@dataclass(frozen=True)
class Reached:
    """What some runs of one code reached.

    marks:  for each instruction, the sum of RAN, FOLLOWED and JUMPED that apply.
    tested: the places of contracts that were checked, and of their parts that meant something (`lockstep.pram.contracts.kinds`).
    """

    marks: bytes
    tested: frozenset[Span] = frozenset()

    def __or__(self, other: Reached) -> Reached:
        """Return what either of them reached.

        Raises: ValueError: their codes have different lengths.
        """
        return Reached(bytes(a | b for a, b in zip(self.marks, other.marks, strict=True)), self.tested | other.tested)


class Item(NamedTuple):
    """One thing that a run can reach.

    what: "line": some instruction of a line runs; the column is 0 and the text empty.
          "true", "false": a condition is.
          "entered": a `for` has a round, or a `parallel for` an item.
          "arrived": a condition or loop is evaluated at all.
          "checked": a contract is. "meant": a part of it meant something: the left side of a `==>` held, the range of a `forall` had
          an item. Of both, the place is that of the contract.
    text: the condition as programs write it, or `for i`; of "checked" and "meant", a sentence that says what was never so.
    """

    line: int
    column: int
    what: str
    text: str


SIDES = ("true", "false", "entered")


def reached_nothing(program: Program) -> Reached:
    """Return the coverage of no runs."""
    return Reached(bytes(len(program.code.instructions)))


def items(program: Program) -> tuple[Item, ...]:
    """Return everything that runs of a program can reach, in the order of the text."""
    return tuple(sorted({*(item for item, _, _ in _witnesses(program)), *_of_contracts(program)}))


def unreached(program: Program, reached: Reached) -> Unreached:
    """Return what runs of a program did not reach.

    Raises: ValueError: `reached` belongs to a code of another length.
    """
    if len(reached.marks) != len(program.code.instructions):
        raise ValueError(f"{len(reached.marks)} instructions were recorded, the program has {len(program.code.instructions)}")
    met = {item for item, index, mark in _witnesses(program) if reached.marks[index] & mark}
    met |= {item for item, at in _of_contracts(program).items() if at in reached.tested}
    return Unreached(tuple(item for item in items(program) if item not in met))


@dataclass(frozen=True)
class Unreached:
    """What no run reached, in the order of the text. `a & b` is what neither the runs of a nor those of b reached."""

    items: tuple[Item, ...] = ()

    @staticmethod
    def of(rows: Iterable[Sequence[Any]]) -> Unreached:
        """Return the object for saved items, each a list or tuple."""
        return Unreached(tuple(sorted(Item(*row) for row in rows)))

    def __bool__(self) -> bool:
        return bool(self.items)

    def __and__(self, other: Unreached) -> Unreached:
        both = set(other.items)
        return Unreached(tuple(item for item in self.items if item in both))

    @property
    def lines(self) -> list[int]:
        return [item.line for item in self.items if item.what == "line"]

    @property
    def sides(self) -> list[Item]:
        """The conditions that were never true or never false, and the loops that were never entered."""
        return [item for item in self.items if item.what in SIDES]

    @property
    def contracts(self) -> list[Item]:
        """The contracts that were not put to the test; of those that were checked, the parts that meant nothing."""
        unchecked = {item[:2] for item in self.items if item.what == "checked"}
        return [i for i in self.items if i.what == "checked" or i.what == "meant" and i[:2] not in unchecked]

    @property
    def text(self) -> str:
        """One line of text that names a few of each kind; empty if everything was reached.

        It leaves out conditions at which no run arrived: it names their line, or the condition around them.
        """
        far = {item[:2] for item in self.items if item.what == "arrived"}
        near = [item for item in self.sides if item[:2] not in far]
        parts = [f"no run reached line{'s' if len(self.lines) > 1 else ''} {_ranges(self.lines)}"] if self.lines else []
        for what in SIDES:
            if found := [f"`{_shown(item.text)}` (line {item.line})" for item in near if item.what == what]:
                parts.append(f"never {what}: {_few(found)}")
        parts += [f"{item.text} (line {item.line})" for item in self.contracts if item.line not in self.lines]
        if self.items and not parts:  # all of it comes after a `halt`, on lines that were reached
            parts = [f"no run reached {_few([f'`{_shown(i.text)}` (line {i.line})' for i in self.items if i.what == 'arrived'])}"]
        return "; ".join(parts)

    def record(self) -> dict[str, Any]:
        """Return the lines, conditions and contracts, for JSON."""
        contracts = [{"line": i.line, "column": i.column, "why": i.text} for i in self.contracts]
        sides = [{"line": i.line, "column": i.column, "of": i.text, "never": i.what} for i in self.sides]
        return {"lines": self.lines, "sides": sides, "contracts": contracts}


def _witnesses(program: Program) -> Iterator[tuple[Item, int, int]]:
    """Yield each item with an instruction and the mark that shows that the item was reached.

    A condition in the body of a procedure is one item, with the text that it has in the first call.
    """
    texts: dict[tuple[int, int], str] = {}
    for index, instruction in enumerate(program.code.instructions[:-1]):  # the last one is the end of the program
        if instruction.idle or instruction.at is None:
            continue
        yield Item(instruction.at.own.line, 0, "line", ""), index, RAN
        decides = instruction.decides
        if decides is not None and decides.at.source is None and not _is_turn(decides):
            marks = {"arrived": RAN, "entered": FOLLOWED} if isinstance(decides, (For, Parallel)) else {
                "arrived": RAN, "true": FOLLOWED, "false": JUMPED}  # fmt: skip
            for what, mark in marks.items():
                place = decides.at.line, decides.at.column
                yield Item(*place, what, texts.setdefault(place, _text(decides))), index, mark


def _of_contracts(program: Program) -> dict[Item, Span]:
    """Return what can be put to the test of the contracts, each with the place that runs note."""
    found = {}
    for clause in program.contracts.clauses:
        found[Item(*_place(clause.at), "checked", f"`{clause.text}` was never reached")] = clause.at
        for part in clause.conditions:
            why = f"`{clause.text}` says nothing: {never_meant(part)}"
            found[Item(*_place(clause.at), "meant", why)] = part.at
    return found


def _place(at: Span) -> tuple[int, int]:
    return at.line, at.column


def _is_turn(decides: Decision) -> bool:
    """Whether this only gives the processors their turns in a prefix sum, which no program writes."""
    match decides:
        case For(variable) | Binary(_, _, Name(variable)):
            return variable.endswith(TURN)
    return False


def _text(decides: Decision) -> str:
    match decides:
        case For(variable):
            return f"for {_written(variable)}"
        case Parallel(ranges):
            return f"parallel for {', '.join(_written(part.variable) for part in ranges)}"
    return without_numbers(expression_text(decides))


def _written(variable: str) -> str:
    """The variable as the program writes it: rewriting makes `i.item` and `i.round` of i, and the third call i.3."""
    return variable.partition(".")[0]


def _shown(text: str) -> str:
    return shorten(text, MOST_SHOWN)


def _ranges(lines: list[int]) -> str:
    """Return lines as text such as `12, 15..17`."""
    runs = [[line for _, line in run] for _, run in groupby(enumerate(lines), lambda pair: pair[1] - pair[0])]
    return _few([str(run[0]) if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in runs])


def _few(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
