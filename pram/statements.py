"""The syntax of statements, as frozen dataclasses (`lockstep.pram.syntax`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from lockstep.pram.errors import Span
from lockstep.pram.expressions import Contract, Expression, Index, Name, Range, place

PREFIX_SUMS = ("ps", "psm")  # the names of a PrefixSum, which are not reserved


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

#: Statements that all processors run together, but for loops that they leave one by one.
CONTROL = (While, Repeat, Parallel, Single, Halt, Break)
