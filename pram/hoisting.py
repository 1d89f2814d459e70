"""Takes the calls of procedures out of expressions: each is made once, right before the statement in which it stands.

Where that would change when it is computed, or how often, the call is refused, with what to write.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

from lockstep.pram.binding import Scope
from lockstep.pram.errors import Span
from lockstep.pram.syntax import (
    FIELDS,
    Assert,
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    Index,
    LocalArray,
    Name,
    Node,
    Parallel,
    Print,
    Range,
    Repeat,
    Snapshot,
    Statement,
    Text,
    While,
    contracts,
    left_chain,
    walk,
)

#: The fields of statements that hold blocks, not expressions.
BLOCKS = ("body", "then", "otherwise")


class Calls(Protocol):
    """What makes calls."""

    def is_procedure(self, call: Call) -> bool: ...

    def value(self, call: Call, arguments: tuple[Expression, ...], scope: Scope) -> tuple[list[Statement], Name]: ...

    def error(self, message: str, at: Span) -> None: ...


class Hoister:
    """Handles one statement. before: the statements that make its calls, in their order. scope: with the locals of their values."""

    def __init__(self, calls: Calls, scope: Scope) -> None:
        self.calls, self.scope = calls, scope
        self.before: list[Statement] = []

    def statement(self, statement: Any) -> Any:
        """Return the statement without calls in its own expressions; blocks in it stay as they are."""
        for contract in contracts(statement):
            self.refuse(walk(contract), "a contract takes no step, so it cannot call `{}`: write what it finds out")
        match statement:
            case Assert() | Snapshot() | LocalArray():
                return statement
            case Print(items):
                for item in items:
                    self.refuse(
                        () if isinstance(item, Text) else walk(item),
                        "a `print` takes no step, so it cannot call `{}`: write `local x := {}(..)` before it, and print x",
                    )
                return statement
            case While(condition):
                self.refuse(
                    walk(condition),
                    "`{}` would be called once only, before the `while`: write `local x := {}(..)` before the loop, "
                    "use x in the condition, and write `x := {}(..)` at the end of the loop",
                )
                return self.parts(statement, ("bound",))
            case Repeat(_, condition):
                self.refuse(
                    walk(condition),
                    "`{}` would be called once only, before the `repeat`: write `local x := 0` before the loop, "
                    "`x := {}(..)` at its end, and use x in the condition",
                )
                return self.parts(statement, ("bound",))
            case For(items=items) if items:
                self.refuse_list(items)
                return statement
            case Parallel(ranges, _, processors):
                new = tuple(self.range(part) for part in ranges)
                on = None if processors is None else self.expression(processors)
                same = on is processors and all(a is b for a, b in zip(new, ranges))
                return statement if same else replace(statement, ranges=new, processors=on)
        return self.parts(statement, tuple(name for name in FIELDS[type(statement)] if name not in BLOCKS))

    def range(self, part: Range) -> Range:
        self.refuse_list(part.items)
        low, high = self.expression(part.low), self.expression(part.high)
        return part if low is part.low and high is part.high else replace(part, low=low, high=high)

    def refuse_list(self, items: tuple[Expression, ...]) -> None:
        for item in items:
            self.refuse(walk(item), "a list cannot call `{}`: write `local x := {}(..)` before it, and x in the list")

    def refuse(self, nodes: Iterable[Node], advice: str) -> None:
        """Report the calls of procedures among nodes."""
        for node in nodes:
            if isinstance(node, Call) and self.calls.is_procedure(node):
                self.calls.error(advice.replace("{}", node.function), node.at)

    # -- expressions ---------------------------------------------------------------------------

    def parts(self, node: Any, names: Iterable[str]) -> Any:
        """Return a node without calls in these of its fields, in their order; the same object if there are none."""
        changed = {}
        for name in names:
            old = getattr(node, name)
            new = tuple(map(self.expression, old)) if isinstance(old, tuple) else None if old is None else self.expression(old)
            if new is not old and not (isinstance(old, tuple) and all(a is b for a, b in zip(new or (), old))):
                changed[name] = new
        return replace(node, **changed) if changed else node

    def expression(self, node: Any) -> Any:
        match node:
            case Call(_, arguments) if self.calls.is_procedure(node):
                statements, local = self.calls.value(node, tuple(map(self.expression, arguments)), self.scope)
                self.before += statements
                self.scope = self.scope.with_local(local.name)
                return local
            case Binary():
                return self.chain(node)
            case Conditional(_, yes, no):
                for branch in (yes, no):
                    self.refuse(
                        walk(branch),
                        "`{}` would be called in any case, also where its value is not needed: write an `if` statement",
                    )
                return self.parts(node, ("condition",))
            case Name() | Index() | Call():
                return self.parts(node, FIELDS[type(node)])
        return self.parts(node, FIELDS[type(node)])

    def chain(self, top: Binary) -> Binary:
        """Handle a chain of operators without recursion over its left operands."""
        chain = left_chain(top)
        left: Expression = self.expression(chain[0].left)
        for old in chain:
            if old.operator in ("and", "or"):
                self.refuse(
                    walk(old.right),
                    f"`{{}}` would be called in any case, also where the left side of `{old.operator}` decides: "
                    "write `local x := {}(..)` before this, or an `if` in an `if`",
                )
                right = old.right
            else:
                right = self.expression(old.right)
            left = old if left is old.left and right is old.right else replace(old, left=left, right=right)
        assert isinstance(left, Binary)
        return left
