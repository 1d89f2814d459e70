"""Calls that stand side by side in `parallel f(..) f(..) end`: one `parallel for`, with an item for each call.

They call one procedure, and differ in values and in subscripts: `parallel sort(A, 0, h) sort(A, h, h) end` is
`parallel for c in 0 .. 1 do local from := (c == 0) * 0 + (c == 1) * h  sort(A, from, h) end`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lockstep.pram.errors import Span
from lockstep.pram.libraries import Procedure
from lockstep.pram.syntax import Binary, CallStatement, Expression, Index, Local, Name, Number, Parallel, Range, Statement, walk


class Different(Exception):
    """Calls that cannot stand side by side."""

    def __init__(self, message: str, at: Span) -> None:
        super().__init__(message)
        self.at = at


def side_by_side(calls: Sequence[CallStatement], at: Span, find: Callable[[str], Procedure | None]) -> Parallel:
    """Return the `parallel for` that calls stand for.

    Raises: Different: they call different procedures, or differ in more than values and subscripts.
    """
    first = calls[0]
    for call in calls[1:]:
        if call.procedure != first.procedure or len(call.arguments) != len(first.arguments):
            raise Different(
                f"calls side by side run in lock step, so they call one procedure with as many arguments: `{first.procedure}`",
                call.at,
            )
    variable = Name("call." + str(at.column), at)
    merger = _Merger(variable)
    procedure = find(first.procedure)
    formals = procedure.proc.formals if procedure else ()
    kinds = [f.kind for f in formals] + ["value"] * len(first.arguments)
    columns = zip(kinds, zip(*(call.arguments for call in calls)))
    arguments = tuple(merger.merged(column) if kind == "value" else merger.place(column) for kind, column in columns)
    items = Range(variable.name, Number(0, at), Number(len(calls) - 1, at), at)
    body: tuple[Statement, ...] = (*merger.locals, CallStatement(first.procedure, arguments, first.at))
    return Parallel((items,), body, None, at)


@dataclass
class _Merger:
    """Makes one argument of the arguments of all calls. locals: the values in which they differ."""

    variable: Name
    locals: list[Local] = field(default_factory=list)

    def merged(self, values: Sequence[Expression]) -> Expression:
        """Return what has the value of the call's number."""
        first = values[0]
        if all(value == first for value in values):
            return first
        total: Expression | None = None
        for number, value in enumerate(values):
            if any(isinstance(node, Index) for node in walk(value)):
                raise Different(
                    "calls side by side differ in values that hold no shared memory: read it into a local first", value.at
                )
            term = Binary("*", Binary("==", self.variable, Number(number, value.at), value.at), value, value.at)
            total = term if total is None else Binary("+", total, term, value.at)
        assert total is not None
        local = Local(f"{self.variable.name}.{len(self.locals)}", total, first.at)
        self.locals.append(local)
        return Name(local.name, first.at)

    def place(self, places: Sequence[Expression]) -> Expression:
        """Return the cell, or row, of the call's number: they may differ in their subscripts."""
        first = places[0]
        if all(place == first for place in places):
            return first
        cells = [place for place in places if isinstance(place, Index)]
        if len(cells) == len(places) and len({(cell.name, len(cell.subscripts)) for cell in cells}) == 1:
            columns = zip(*(cell.subscripts for cell in cells))
            return Index(cells[0].name, tuple(map(self.merged, columns)), first.at)
        raise Different(
            "calls side by side use one array: put several into one, as rows, and give `V[0]` and `V[1]`",
            next(place for place in places if place != first).at,
        )
