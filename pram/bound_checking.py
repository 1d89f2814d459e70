"""Checks what tells how often loops run: their bounds and their lists of values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from lockstep.pram import derived
from lockstep.pram.checking import Context, ExpressionChecker
from lockstep.pram.syntax import Assign, Call, Expression, For, Index, Name, Node, Range, Several, walk


class BoundChecker(ExpressionChecker):
    """Checks bounds and lists, and reports errors."""

    def keep_bound(self, loop: For, context: Context, apart: bool) -> None:
        """Refuse assignments to the local that is the last bound or the step: its register is read in every round."""
        listed = [node for item in loop.items for node in walk(item)]
        kept = [loop.last, loop.by, derived.before_one(loop.last) if apart else None, *listed]
        for node in (n for s in loop.body for n in walk(s)):
            names = node.targets if isinstance(node, Several) else (node,) if isinstance(node, Assign) else ()
            for name in names:
                if isinstance(name, (Assign, Name)) and name.name in context.scope and Name(name.name) in kept:
                    what = "is the step of" if loop.by == Name(name.name) else "is in the list of" if listed else "bounds"
                    self._error(f"`{name.name}` {what} the `for` of line {loop.at.line} and cannot be assigned in it", name.at)

    def ranges(self, loop: For | Range, context: Context) -> Mapping[str, tuple[Expression, Expression]]:
        """The known ranges of loop variables, with that of this loop if its bounds are made of parameters."""
        low, high = (loop.low, loop.high) if isinstance(loop, Range) else (loop.first, loop.last)
        if isinstance(loop, For) and loop.down:
            low, high = high, low
        if self.symbols.is_parametric(low) and self.symbols.is_parametric(high):
            return {**context.ranges, loop.variable: (low, high)}
        return context.ranges

    def listed(self, items: tuple[Expression, ...], context: Context, same: bool = False) -> None:
        """Check the items of a list. same: all processors must have the same."""
        for item in items:
            self.expression(item, context)
            for node in walk(item):
                if isinstance(node, Index) or isinstance(node, Name) and node.name in self.symbols.arrays:
                    self._error("a list holds no shared memory: read it into a local first, and write its name", node.at)
                elif same and isinstance(node, Name) and self._varies(node, context):
                    self._error(
                        f"the list of a `parallel for` differs per processor: {self._differs(node.name, context)}", node.at
                    )

    def listed_range(
        self, name: str, items: tuple[Expression, ...], context: Context
    ) -> Mapping[str, tuple[Expression, Expression]]:
        """The known ranges of loop variables, with that of a variable over a list of parameter expressions."""
        if not items or not all(map(self.symbols.is_parametric, items)):
            return context.ranges
        return {**context.ranges, name: (_of_all("min", items), _of_all("max", items))}

    def rounds_bound(self, bound: Expression, context: Context) -> None:
        """Check the number of rounds after `atmost`: all processors must know it."""
        self.expression(bound, context)
        if why := self.bound(bound, context):
            node, text = why
            self._error(text.replace("loop bound", "bound of the rounds"), node.at)

    def bound(self, bound: Expression, context: Context) -> tuple[Node, str] | None:
        """Return the part of a loop bound that some processors do not know, and why; None if all know it."""
        for node in walk(bound):
            if why := self._bound_error(node, context):
                return node, why
        return None

    def _bound_error(self, node: Node, context: Context) -> str:
        """Return why a loop bound may not contain this node; "" if it may."""
        padded = context.assigned is not None
        if isinstance(node, Index) or isinstance(node, Name) and node.name in self.symbols.arrays:
            return "a loop bound here cannot read shared memory: idle processors run the loop too" if padded else ""
        if not isinstance(node, Name):
            return ""
        if self._varies(node, context):
            return f"loop bound differs per processor: {self._differs(node.name, context)}"
        if padded and context.scope.get(node.name) in (context.assigned or ()):
            line = context.scope[node.name].line
            return (
                f"loop bound `{node.name}` (line {line}) is assigned where some processors are idle: they do not know its value"
            )
        return ""


def _of_all(function: str, items: tuple[Expression, ...]) -> Expression:
    """Return the least ("min") or the largest ("max") item, as an expression."""
    return reduce(lambda a, b: Call(function, (a, b), b.at), items)
