"""Finds how many rounds a loop has at most from the arrays that it uses, where its bounds do not tell.

A variable *counts* the rounds if a round only ever raises it, and before each time has used it as a subscript, as `val[k]` before
`k := k + 1`. Each such use has another subscript than those before it. So there are at most as many as the array has cells along
that axis. If every way through a round raises such a variable, the loop has at most as many rounds as these arrays have together.

Only uses that are certain tell: the right side of an `and` may be guarded, and a branch is certain only where it is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce

from lockstep.pram.assignments import assigned
from lockstep.pram.clamping import terms
from lockstep.pram.declarations import Symbols
from lockstep.pram.syntax import (
    Assign,
    Binary,
    Break,
    Call,
    Called,
    Conditional,
    Expression,
    For,
    If,
    Index,
    Name,
    Node,
    Not,
    Number,
    Parallel,
    Print,
    Repeat,
    Return,
    Single,
    Statement,
    Store,
    While,
    children,
    returns,
    walk,
)

#: For each variable, the extents of the axes along which this round has used its value as a subscript.
Uses = Mapping[str, tuple[Expression, ...]]


def rounds_by_index(loop: While | Repeat | For, symbols: Symbols, written: frozenset[str]) -> Expression | None:
    """Return a parameter expression for the most rounds of a loop; None if its arrays do not tell.

    Args: written: all names to which some statement of the program assigns.
    """
    found = Round(symbols, written, assigned(loop))
    uses = found.after_all(loop.condition, {}, True) if isinstance(loop, While) else {}
    end = found.block(loop.body, uses)
    if end is None:
        return Number(1)
    if isinstance(loop, For):
        found.raises[loop.variable] = [end.get(loop.variable, ())]
        return found.extents().get(loop.variable)
    extents = found.extents()
    alone = [name for name in extents if found.goes_on(loop.body, {name})]
    if alone:
        return _extreme("min", [extents[name] for name in alone])
    together = bool(extents) and found.goes_on(loop.body, {*extents})
    return reduce(lambda a, b: Binary("+", a, b), extents.values()) if together else None


class Round:
    """A walk over all ways through one round. A subclass may look for other uses.

    raises: for each variable, the uses of its value before each place that raises it. other: names that are assigned otherwise.
    """

    def __init__(self, symbols: Symbols, written: frozenset[str], changed: frozenset[str]) -> None:
        self.symbols, self.written, self.changed = symbols, written, changed
        self.raises: dict[str, list[tuple[Expression, ...]]] = {}
        self.other: set[str] = set()

    def extents(self) -> dict[str, Expression]:
        """Return the variables that count, and how often each can be raised."""
        counting = {name: each for name, each in self.raises.items() if name not in self.other and all(each)}
        return {name: _extreme("max", [_extreme("min", uses) for uses in each]) for name, each in counting.items()}

    def goes_on(self, body: Iterable[Statement], names: set[str]) -> bool:
        """Return whether every way through a body raises one of these variables, or leaves the loop."""
        for statement in body:
            match statement:
                case Break() | Return():
                    return True
                case Assign(name) if name in names:
                    return True
                case If(_, then, otherwise) if self.goes_on(then, names) and self.goes_on(otherwise, names):
                    return True
                case Called(_, inner) if not returns(inner) and self.goes_on(inner, names):
                    return True
        return False

    def block(self, body: Iterable[Statement], uses: Uses) -> Uses | None:
        """Return the uses after a body; None if all ways leave the loop."""
        for statement in body:
            after = self.statement(statement, uses)
            if after is None:
                return None
            uses = after
        return uses

    def statement(self, statement: Statement, uses: Uses) -> Uses | None:
        match statement:
            case Break() | Return():
                return None
            case Print():  # it is not compiled
                return uses
            case If():
                return self.either(statement, uses)
            case Called(_, body) if not returns(body):
                return self.block(body, uses)
            case While() | Repeat() | For() | Parallel() | Single() | Called():
                self.other |= assigned(statement)
                return uses
            case Assign(name, Binary("+", Name(same), Number(step))) if name == same and step > 0:
                self.raises.setdefault(name, []).append(uses.get(name, ()))
                return {**uses, name: ()}
        self.other |= assigned(statement)
        for part in children(statement):
            uses = self.after_all(part, uses)
        return self.used(Index(statement.name, statement.subscripts), uses) if isinstance(statement, Store) else uses

    def either(self, statement: If, uses: Uses) -> Uses | None:
        branches = ((statement.then, True), (statement.otherwise, False))
        ends = [self.block(body, self.after_all(statement.condition, uses, truth)) for body, truth in branches]
        known = [end for end in ends if end is not None]
        if not known:
            return None
        return {name: both for name, first in known[0].items() if (both := tuple(
            extent for extent in first if all(extent in end.get(name, ()) for end in known)))}  # fmt: skip

    # -- uses ----------------------------------------------------------------------------------

    def after_all(self, expression: Node, uses: Uses, truth: bool | None = None) -> Uses:
        """Return the uses after an expression is computed. truth: its value, if that is known."""
        for index in self.certain(expression, truth):
            uses = self.used(index, uses)
        return uses

    def certain(self, node: Node, truth: bool | None) -> Iterator[Index]:
        """Yield the reads of arrays that are certain when an expression has this truth."""
        todo: list[tuple[Node, bool | None]] = [(node, truth)]
        while todo:
            here, known = todo.pop()
            match here:
                case Not(operand):
                    todo.append((operand, None if known is None else not known))
                case Binary("and" | "or" as word, left, right):
                    both = known is (word == "and")  # then neither side decides alone
                    todo.append((left, known if both else None))
                    if both or not self.symbols.is_guarded(here):
                        todo.append((right, known if both else None))
                case Conditional(condition):
                    todo.append((condition, None))
                case _:
                    if isinstance(here, Index):
                        yield here
                    todo += [(child, None) for child in children(here)]

    def used(self, index: Index, uses: Uses) -> Uses:
        """Return the uses, with those of the variables that count in a subscript: `v`, plus or minus what stays the same."""
        array = self.symbols.arrays.get(index.name)
        for subscript, extent in zip(index.subscripts, array.dimensions if array else ()):
            parts = [term for term, _, _ in terms(subscript, True, subscript.at)]
            varying = [part for part in parts if not self.stays(part)]
            if len(varying) == 1 and isinstance(variable := varying[0], Name):
                uses = {**uses, variable.name: (*uses.get(variable.name, ()), extent)}
        return uses

    def stays(self, expression: Expression) -> bool:
        """Return whether an expression has the same value in all rounds."""
        names = {node.name for node in walk(expression) if isinstance(node, (Name, Index))}
        return not names & (self.changed | (self.symbols.arrays.keys() & self.written))


def _extreme(function: str, extents: Iterable[Expression]) -> Expression:
    return reduce(lambda a, b: Call(function, (a, b)), dict.fromkeys(extents))
