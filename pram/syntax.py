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
from dataclasses import dataclass, field, fields, replace
from typing import Any, Union, get_args

from lockstep.pram.errors import Span

#: The name of the largest word. It is reserved, so no program can declare it.
INF = "inf"
PREFIX_SUMS = ("ps", "psm")  # the names of a PrefixSum, which are not reserved
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
class Quantified:
    """`word ranges : body`, in contracts only; word is forall, exists, or with parentheses sum, count, max or min."""

    word: str
    ranges: tuple[Range, ...]
    body: Expression
    at: Span = place()


Expression = Union[Number, Name, Index, Binary, Not, Call, Conditional, Quantified]

#: An expression of a contract: opaque to `children` and `walk`.
Contract = Expression


@dataclass(frozen=True, slots=True)
class Invariant:
    """`invariant condition` of a loop: it holds before every round, and of `while` and `for` also at the end."""

    condition: Contract
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Local:
    """`local name := value`. Of a loop variable over a list, `items` has the values that it takes; no program can assign it."""

    name: str
    value: Expression
    at: Span = place()
    items: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalArray:
    """`local name[dimensions]`: an array for each processor."""

    name: str
    dimensions: tuple[Expression, ...]
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Assign:
    """`name := value` for a local or a scalar in shared memory; `rule`, if `combine` is before it: a key of `access.RULES`."""

    name: str
    value: Expression
    at: Span = place()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """`name[subscripts] := value`; `rule` as in an Assign."""

    name: str
    subscripts: tuple[Expression, ...]
    value: Expression
    at: Span = place()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Several:
    """`a, b := e, f`: all values are computed, then assigned from left to right."""

    targets: tuple[Union[Name, Index], ...]
    values: tuple[Expression, ...]
    at: Span = place()


@dataclass(frozen=True, slots=True)
class PrefixSum:
    """`ps(name, target)`: in the order of pids, each processor adds `name` to a cell, and gets in it what the cell held before."""

    name: str
    target: Union[Name, Index]
    at: Span = place()


@dataclass(frozen=True, slots=True)
class If:
    """`if condition then .. else .. end`; an `elif` is an If alone in `otherwise`."""

    condition: Expression
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    at: Span = place()


@dataclass(frozen=True, slots=True)
class While:
    """`while condition atmost bound do body end`; `bound` may be None."""

    condition: Expression
    body: tuple[Statement, ...]
    bound: Expression | None = None
    at: Span = place()
    invariants: tuple[Invariant, ...] = ()


@dataclass(frozen=True, slots=True)
class Repeat:
    """`repeat body until condition atmost bound`; `bound` may be None."""

    body: tuple[Statement, ...]
    condition: Expression
    bound: Expression | None = None
    at: Span = place()
    invariants: tuple[Invariant, ...] = ()


@dataclass(frozen=True, slots=True)
class For:
    """`for variable in first .. last step by atmost bound` or, with `down`, `first downto last`; the two words may be missing.

    `for variable in [items]` has its values in `items`; `first .. last` then counts them from 0.
    """

    variable: str
    first: Expression
    last: Expression
    down: bool
    body: tuple[Statement, ...]
    by: Expression | None = None
    bound: Expression | None = None
    at: Span = place()
    items: tuple[Expression, ...] = ()
    invariants: tuple[Invariant, ...] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """`variable in low .. high` of a `parallel for`, both ends included; or `variable in [items]`, as in a For."""

    variable: str
    low: Expression
    high: Expression
    at: Span = place()
    items: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Parallel:
    """`parallel for ranges on processors do body end`; `processors` may be None."""

    ranges: tuple[Range, ...]
    body: tuple[Statement, ...]
    processors: Expression | None = None
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Single:
    body: tuple[Statement, ...]
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Halt:
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Break:
    """`break`: it leaves the loop around it."""

    at: Span = place()


@dataclass(frozen=True, slots=True)
class Return:
    """`return`: it ends the item of a processor in the `parallel for` or `single` around it."""

    at: Span = place()


@dataclass(frozen=True, slots=True)
class Text:
    """A text in a `print`, without its quotation marks."""

    value: str
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Print:
    """`print items`: `run --trace` shows them. It takes no step, and is no part of what is compiled."""

    items: tuple[Union[Text, Expression], ...]
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Assert:
    """`assert condition`. It takes no step, and is no part of what is compiled.

    since: the Snapshot that `old` in it means; "" for the start of the run. word: another one if it stands for another contract.
    """

    condition: Contract
    at: Span = place()
    since: str = ""
    word: str = "assert"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Keeps shared memory as it is here, for the `old` of an Assert whose `since` is `label`. Programs cannot write it."""

    label: str
    at: Span = place()


@dataclass(frozen=True, slots=True)
class CallStatement:
    """`procedure(arguments)`. An operator that is an argument is a Name, such as Name("+"); a row is an Index."""

    procedure: str
    arguments: tuple[Expression, ...]
    at: Span = place()


@dataclass(frozen=True, slots=True)
class SideBySide:
    """`parallel calls end`: calls that run at once, each on its own processors."""

    calls: tuple[CallStatement, ...]
    at: Span = place()


@dataclass(frozen=True, slots=True)
class Called:
    """The body of a procedure, in the place of a call. A `return` in it ends the body. Programs cannot write it."""

    procedure: str
    body: tuple[Statement, ...]
    at: Span = place()


Statement = Union[
    Local, LocalArray, Assign, Store, Several, PrefixSum, If, While, Repeat, For, Parallel, Single, Halt, Break, Return, Print,
    Assert, Snapshot, CallStatement, SideBySide, Called,
]  # fmt: skip


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


#: Statements that all processors run together, but for loops that they leave one by one.
CONTROL = (While, Repeat, Parallel, Single, Halt, Break)

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


def left_chain(top: Binary) -> list[Binary]:
    """Return the nodes from `top` down the left operands, innermost first: for `a + b - c`, these are `a + b` and `a + b - c`.

    A sum is a tree as deep as it has terms, and Python limits recursion. So code that walks expressions loops over this list.
    """
    chain = [top]
    while isinstance(below := chain[-1].left, Binary):
        chain.append(below)
    return chain[::-1]


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
