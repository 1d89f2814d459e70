"""The syntax of expressions, as frozen dataclasses (`lockstep.pram.syntax`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from lockstep.pram.errors import Span

#: The name of the largest word. It is reserved, so no program can declare it.
INF = "inf"
#: The words that take ranges in contracts. The first two are reserved.
QUANTIFIERS = ("forall", "exists", "sum", "count", "max", "min")
#: The operators that compare; they do not chain.
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def place() -> Span:
    """The field `at`, which comparisons ignore."""
    return field(compare=False, repr=False, default=Span(0, 0))


@dataclass(frozen=True, slots=True)
class Number:
    value: int
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Name:
    """A parameter, local, loop variable, scalar in shared memory, `pid` or `inf`."""

    name: str
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Index:
    """`A[e]`, `M[e, f]` or `C[e, f, g]`."""

    name: str
    subscripts: tuple[Expression, ...]
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`; `at` is the operator's place.

    A sum of 2,000 terms is 1,999 nodes, each the `left` of the next. Comparing and hashing therefore loop over `left`.
    """

    operator: str
    left: Expression
    right: Expression
    at: Span = place()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Binary):
            return NotImplemented
        ours, theirs = left_chain(self), left_chain(other)
        return len(ours) == len(theirs) and ours[0].left == theirs[0].left and all(
            a.operator == b.operator and a.right == b.right for a, b in zip(ours, theirs))  # fmt: skip

    def __hash__(self) -> int:
        chain = left_chain(self)
        return hash((chain[0].left, *((node.operator, node.right) for node in chain)))


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments)`: see `lockstep.pram.functions`."""

    function: str
    arguments: tuple[Expression, ...]
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Conditional:
    """`if condition then yes else no`, as a value."""

    condition: Expression
    yes: Expression
    no: Expression
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Range:
    """`variable in low .. high` of a `parallel for`, both ends included; or `variable in [items]`, as in a For."""

    variable: str
    low: Expression
    high: Expression
    at: Span = place()
    items: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantified:
    """`word ranges : body`, in contracts only; word is forall, exists, or with parentheses sum, count, max or min."""

    word: str
    ranges: tuple[Range, ...]
    body: Expression
    at: Span = place()


Expression = Union[Number, Name, Index, Binary, Not, Call, Conditional, Quantified]

#: An expression of a contract: opaque to `children` and `walk`.
Contract = Expression


def left_chain(top: Binary) -> list[Binary]:
    """Return the nodes from `top` down the left operands, innermost first: for `a + b - c`, these are `a + b` and `a + b - c`.

    A sum is a tree as deep as it has terms, and Python limits recursion. So code that walks expressions loops over this list.
    """
    chain = [top]
    while isinstance(below := chain[-1].left, Binary):
        chain.append(below)
    return chain[::-1]
