"""Finds what locals hold where a `while` starts, as far as the statements before it tell.

After `local m := n` and `local hi := m - 1`, `hi` holds `n - 1`. This is known until a statement assigns `hi`, or a name in the value.
What a loop assigns is not known in its body, nor is what an `if` assigns known after it. All processors stand at the same place of the
text. So no other processor changes a cell in between either, but by the statements that stand there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice

from lockstep.pram.assignments import assigned
from lockstep.pram.errors import Span
from lockstep.pram.syntax import (
    Assign,
    Binary,
    Call,
    Expression,
    For,
    Index,
    Local,
    Name,
    ProgramText,
    Repeat,
    Statement,
    While,
    walk,
)

#: The value of each name that is known.
Values = Mapping[str, Expression]

#: The fields in which a statement has blocks.
BLOCKS = ("then", "otherwise", "body")

#: Longer values are not followed: put into each other, they could double with each statement.
MOST_NODES = 64


def values_at_loops(tree: ProgramText) -> Mapping[Span, Values]:
    """Return the values that are known where each `while` starts, by its place. They hold no name that is known itself."""
    found: dict[Span, Values] = {}
    _block(tree.body, {}, found)
    return found


def _block(body: Iterable[Statement], known: Values, found: dict[Span, Values]) -> None:
    for statement in body:
        if isinstance(statement, While):
            found[statement.at] = known
        for block in BLOCKS:
            _block(getattr(statement, block, ()), _inside(statement, known), found)
        known = _after(statement, known)


def _inside(statement: Statement, known: Values) -> Values:
    """Return the values at the start of the blocks in a statement, in each round of a loop."""
    return _without(known, assigned(statement)) if isinstance(statement, (While, Repeat, For)) else known


def _after(statement: Statement, known: Values) -> Values:
    """Return the values after a statement."""
    left = _without(known, assigned(statement))
    match statement:
        case Local(name, value, _, ()) | Assign(name, value) if is_short(value):
            value = _put(value, known)
            if is_short(value) and name not in _names(value):
                return {**left, name: value}
    return left


def _without(known: Values, names: frozenset[str]) -> Values:
    """Return the values without these names, and without those in which they are."""
    return {name: value for name, value in known.items() if name not in names and not names & _names(value)}


def _names(value: Expression) -> frozenset[str]:
    return frozenset(node.name for node in walk(value) if isinstance(node, (Name, Index)))


def is_short(value: Expression) -> bool:
    return sum(1 for _ in islice(walk(value), MOST_NODES + 1)) <= MOST_NODES


def _put(value: Expression, known: Values) -> Expression:
    """Return a value with what is known in place of names, but for those in subscripts."""
    match value:
        case Name(name):
            return known.get(name, value)
        case Binary(_, left, right):
            return replace(value, left=_put(left, known), right=_put(right, known))
        case Call(_, arguments):
            return replace(value, arguments=tuple(_put(argument, known) for argument in arguments))
    return value
