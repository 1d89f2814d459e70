"""The syntax of the PRAM language as frozen dataclasses.

Every node has `at`, its place in the text. Equality ignores places: two expressions with the same text are equal, so
they can share a derived parameter.

Expressions   Number  Name  Index  Binary  Not  Call  Conditional  Quantified
Statements    Local  LocalArray  Assign  Store  Several  PrefixSum  If  While  Repeat  For  Parallel  Single  Halt  Break  Return
              Print  Assert  Snapshot  CallStatement  SideBySide  Called
Declarations  Mode  Param  Word  Procs  Shared  Claim  Requires  Ensures  Use  Proc

A `Contract` is an expression of a contract. It is no part of what is compiled, so `children` and `walk` leave it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Union, get_args

from lockstep.pram.errors import Span
from lockstep.pram.expressions import (
    COMPARISONS,
    INF,
    QUANTIFIERS,
    Binary,
    Call,
    Conditional,
    Contract,
    Expression,
    Index,
    Name,
    Not,
    Number,
    Quantified,
    Range,
    left_chain,
    place,
)
from lockstep.pram.statements import (
    CONTROL,
    PREFIX_SUMS,
    Assert,
    Assign,
    Break,
    Called,
    CallStatement,
    For,
    Halt,
    If,
    Invariant,
    Local,
    LocalArray,
    Parallel,
    PrefixSum,
    Print,
    Repeat,
    Return,
    Several,
    SideBySide,
    Single,
    Snapshot,
    Statement,
    Store,
    Text,
    While,
)


@dataclass(frozen=True, slots=True)
class Mode:
    """`name` is a key of `lockstep.pram.access.MODES`, such as "CREW" or "CRCW common"."""

    name: str
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter: given by the user, or computed by `value` from earlier parameters."""

    name: str
    value: Expression | None
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Word:
    """`word bits wrap signed`; the last two words may be missing."""

    bits: Expression
    wrap: bool
    signed: bool = False
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Procs:
    count: Expression
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Shared:
    """An array (`dimensions` has one to three entries) or a scalar (none).

    `role` is "input", "output", "inout" or "work". `low .. high` is the declared range of an input. `firsts` has the first
    subscript along each axis, as in `A[1 .. n]`; it is empty if all are 0. `dimensions` are always extents. `rule` is that of
    writes without one of their own, as in an Assign.
    """

    name: str
    dimensions: tuple[Expression, ...]
    role: str
    low: Expression | None
    high: Expression | None
    firsts: tuple[Expression, ...] = ()
    at: Span = place()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """`claim quantity relation bound`; quantity is time, work, space or procs."""

    quantity: str
    relation: str
    bound: Expression
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Requires:
    """`requires condition`: what parameters and inputs of a program, or the state before a call, must fulfil."""

    condition: Contract
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Ensures:
    """`ensures condition`: what holds after a run, or after a call."""

    condition: Contract
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Use:
    """`use <name>`, a file of the standard library, or `use "name"`, a file beside the program."""

    name: str
    standard: bool
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Formal:
    """An argument in the head of a procedure; kind is "value" (`x`), "place" (`out y`) or "array" (`A[]`).

    default: of a value, what it is if a call leaves it out; else None.
    """

    name: str
    kind: str
    default: Expression | None = None
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Proc:
    """`proc name(formals) promises body end`; the promises are its `requires` and `ensures`."""

    name: str
    formals: tuple[Formal, ...]
    promises: tuple[Requires | Ensures, ...]
    body: tuple[Statement, ...]
    at: Span = place()


Declaration = Union[Mode, Param, Word, Procs, Shared, Claim, Requires, Ensures, Use, Proc]


@dataclass(frozen=True, slots=True)
class ProgramText:
    """A parsed program, or a library: its name, declarations and statements in the order of the text."""

    name: str
    declarations: tuple[Declaration, ...]
    body: tuple[Statement, ...]
    at: Span = place()
    library: bool = False


Node = Union[ProgramText, Declaration, Statement, Range, Text, Formal, Expression]

#: The types of fields that hold no nodes, or nodes of contracts.
_OPAQUE = ("str", "int", "bool", "Contract", "tuple[Invariant, ...]")

#: The fields of each kind of node that hold nodes: one, several in a tuple, or None.
FIELDS = {
    kind: tuple(f.name for f in fields(kind) if f.name != "at" and f.type not in _OPAQUE)
    for kind in (ProgramText, Range, Text, Formal, *get_args(Declaration), *get_args(Statement), *get_args(Expression))
}


def returns(body: Iterable[Statement]) -> bool:
    """Return whether a `return` in a body ends the body: not the item of a `parallel` or `single`, or another call, in it."""
    nodes = [node for statement in body for node in walk(statement, without=(Parallel, Single, Called))]
    return any(isinstance(node, Return) for node in nodes)


def children(node: Node) -> list[Node]:
    """Return the nodes directly below a node, in the order of its fields."""
    found: list[Node] = []
    for name in FIELDS[type(node)]:
        value = getattr(node, name)
        if isinstance(value, tuple):
            found.extend(value)
        elif value is not None:
            found.append(value)
    return found


def contracts(node: Node) -> list[Contract]:
    """Return the contracts of a node, without those of nodes below it."""
    match node:
        case Assert(condition) | Requires(condition) | Ensures(condition):
            return [condition]
        case While() | Repeat() | For():
            return [invariant.condition for invariant in node.invariants]
    return []


def with_contracts(node: Any, change: Callable[[Contract], Contract]) -> Any:
    """Return a node with its contracts changed, and those of nodes below it left; the same object if nothing changes."""
    match node:
        case Assert(condition) | Requires(condition) | Ensures(condition):
            new = change(condition)
            return node if new is condition else replace(node, condition=new)
        case While() | Repeat() | For() if node.invariants:
            invariants = tuple(replace(i, condition=change(i.condition)) for i in node.invariants)
            return replace(node, invariants=invariants)
    return node


def walk(node: Node, without: tuple[type, ...] = ()) -> Iterator[Node]:
    """Yield the node and all nodes below it, parents before children, in the order of fields.

    without: kinds of nodes that are left out, with all below them.
    """
    stack = [node]
    while stack:
        top = stack.pop()
        if not without or not isinstance(top, without):
            yield top
            if FIELDS[type(top)]:  # names and numbers, which most nodes are, have nothing below
                stack += children(top)[::-1]


__all__ = [
    "Assert", "Assign", "Binary", "Break", "COMPARISONS", "CONTROL", "Call", "CallStatement", "Called", "Claim",
    "Conditional", "Contract", "Declaration", "Ensures", "Expression", "FIELDS", "For", "Formal", "Halt", "INF", "If",
    "Index", "Invariant", "Local", "LocalArray", "Mode", "Name", "Node", "Not", "Number", "PREFIX_SUMS", "Parallel", "Param",
    "PrefixSum", "Print", "Proc", "Procs", "ProgramText", "QUANTIFIERS", "Quantified", "Range", "Repeat", "Requires",
    "Return", "Several", "Shared", "SideBySide", "Single", "Snapshot", "Statement", "Store", "Text", "Use", "While", "Word",
    "children", "contracts", "left_chain", "place", "returns", "walk", "with_contracts",
]  # fmt: skip
