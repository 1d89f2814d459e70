"""What a program and its machine code hold of contracts, and what runs tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lockstep.pram.errors import Span, shorten
from lockstep.pram.expression_text import expression_text
from lockstep.pram.syntax import Assert, Binary, Ensures, Expression, ProgramText, Quantified, Requires, children

#: The most values that the quantifiers of a contract may go through in one check.
MAX_WIDTH = 1_000_000
#: The most levels of nesting in a contract.
MAX_LEVELS = 40
#: How many characters of a contract a message shows.
MOST_SHOWN = 60


@dataclass(frozen=True)
class Clause:
    """A contract. kind: "requires", "ensures", "assert" or "invariant". at: the place of its word.

    word: that of the text, if it is another one: a procedure's `requires` is an "assert" where a call begins.
    """

    kind: str
    condition: Expression
    at: Span
    word: str = ""

    @property
    def name(self) -> str:
        return self.word or self.kind

    @property
    def text(self) -> str:
        """The contract as programs write it, shortened."""
        return f"{self.name} {shorten(expression_text(self.condition), MOST_SHOWN)}"

    @property
    def conditions(self) -> tuple[Expression, ...]:
        """The parts that can leave the contract without meaning: each `==>`, and each `forall`."""
        found: list[Expression] = []
        todo: list[Expression] = [self.condition]
        while todo:
            node = todo.pop()
            if isinstance(node, Binary) and node.operator == "==>" or isinstance(node, Quantified) and node.word == "forall":
                found.append(node)
            todo += [child for child in reversed(children(node))]  # type: ignore[misc]
        return tuple(found)


def clause_of(statement: Assert) -> Clause:
    """Return the contract of an Assert, which may stand for another one."""
    word = statement.word
    kind = word if word == "invariant" else "assert"
    return Clause(kind, statement.condition, statement.at, word if word != kind else "")


def promised(tree: ProgramText) -> tuple[Clause, ...]:
    """Return what a program requires and ensures."""
    kinds = {Requires: "requires", Ensures: "ensures"}
    return tuple(Clause(kinds[type(d)], d.condition, d.at) for d in tree.declarations if isinstance(d, (Requires, Ensures)))


@dataclass(frozen=True)
class Known:
    """Where the value of a local is: a register, and what to add to it (`downto` counts one above)."""

    register: int
    plus: int = 0


@dataclass(frozen=True)
class ContractPoint:
    """A contract at the instruction `index`, checked for the processors that arrive there.

    clause:   None if memory is kept here, under the name `label`.
    locals:   the locals that are known here.
    everyone: it stands outside `parallel` and `single`, so all processors run it.
    skips:    who comes by a jump of these starts another round of a loop, and is not meant.
    label:    of the memory that `old` means; "" for the start of the run.
    """

    index: int
    clause: Clause | None
    locals: Mapping[str, Known] = field(default_factory=dict)
    everyone: bool = False
    skips: frozenset[int] = frozenset()
    label: str = ""


@dataclass(frozen=True)
class Contracts:
    """The contracts of a program with its machine code."""

    requires: tuple[Clause, ...] = ()
    ensures: tuple[Clause, ...] = ()
    points: tuple[ContractPoint, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.requires or self.ensures or self.points)

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """All contracts, in the order of the text, each once."""
        found = (*self.requires, *self.ensures, *(p.clause for p in self.points if p.clause is not None))
        return tuple(sorted(dict.fromkeys(found), key=lambda clause: (clause.at.line, clause.at.column)))


def never_meant(part: Expression) -> str:
    """Return why a part of a contract meant nothing in any run: a `==>` or a `forall`."""
    if isinstance(part, Binary):
        return f"`{shorten(expression_text(part.left), MOST_SHOWN)}` never held"
    return f"the range of `{shorten(expression_text(part), MOST_SHOWN)}` was always empty"
