"""How loops run. Most run for all processors together. In some, each processor stops for itself:

*bounded*  all processors take the same number of rounds, a bound; those that are done idle.
*flagged*  rounds go on while any processor is not done, which they tell each other through one shared cell.

Bounded are loops with `atmost`, and every `for` whose bounds differ from processor to processor or that holds a `break`, where
its bounds tell how many rounds are enough. Flagged are `while` and `repeat` without `atmost` where some processors may be idle,
and every such `for` whose bounds do not tell. Where the mode has no flags, such loops are bounded if they halve a range, as binary
searches do, or if the arrays that they use tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from lockstep.pram.access import MODES
from lockstep.pram.assignments import assigned
from lockstep.pram.bounds import Range, most_rounds
from lockstep.pram.checking import Context
from lockstep.pram.declarations import Symbols
from lockstep.pram.errors import Span
from lockstep.pram.halving_rounds import rounds_by_halving
from lockstep.pram.index_rounds import rounds_by_index
from lockstep.pram.known_values import Values, values_at_loops
from lockstep.pram.syntax import (
    Binary,
    Break,
    Called,
    Expression,
    For,
    Halt,
    If,
    Number,
    Parallel,
    ProgramText,
    Repeat,
    Return,
    Single,
    Statement,
    While,
    returns,
)


@dataclass(frozen=True)
class LoopKind:
    """A loop in which each processor stops for itself.

    rounds: how many all take; None if it is flagged. by_index: the arrays that it uses tell them.
    """

    rounds: Expression | None
    by_index: bool = False


class LoopKinds:
    """Collects the kinds of the loops of a program, by their places. Loops for all processors together are not in `found`."""

    def __init__(self, tree: ProgramText, symbols: Symbols) -> None:
        self.tree, self.symbols, self.written = tree, symbols, assigned(tree)
        self.found: dict[Span, LoopKind] = {}
        self.calls: set[Span] = set()

    @property
    def apart(self) -> frozenset[Span]:
        """The places of what processors leave one by one: loops, and bodies of procedures."""
        return frozenset(self.found.keys() | self.calls)

    def note_call(self, call: Called, context: Context) -> str:
        """Return how a `return` ends this body: "apart" if some processors may be idle, else "together"; "" without one."""
        if not returns(call.body):
            return ""
        if context.divergent:
            self.calls.add(call.at)
        return "apart" if call.at in self.calls else "together"

    @property
    def flags_allowed(self) -> bool:
        """Whether many processors may write the same word to one cell, and then all read it."""
        mode = MODES.get(self.symbols.mode)
        return mode is not None and mode.concurrent_reads and mode.concurrent_writes and mode.combining != "sum"

    @cached_property
    def values(self) -> Mapping[Span, Values]:
        """What is known of locals where each `while` starts."""
        return values_at_loops(self.tree)

    def note(self, loop: While | Repeat, context: Context) -> bool:
        """Return whether processors leave this loop one by one."""
        if loop.bound is not None:
            self.found[loop.at] = LoopKind(loop.bound)
        elif context.divergent:
            self._note_flagged(loop, context)
        return loop.at in self.found

    def _note_flagged(self, loop: While | Repeat | For, context: Context) -> None:
        if self.flags_allowed:
            self.found[loop.at] = LoopKind(None)
        elif isinstance(loop, While) and (rounds := self._by_halving(loop, context)) is not None:
            self.found[loop.at] = LoopKind(rounds)
        elif (rounds := rounds_by_index(loop, self.symbols, self.written)) is not None:
            self.found[loop.at] = LoopKind(rounds, by_index=True)

    def _by_halving(self, loop: While, context: Context) -> Expression | None:
        return rounds_by_halving(loop, self.symbols, self.written, self.values[loop.at], self._ranges(context))

    def _ranges(self, context: Context) -> Mapping[str, Range]:
        """The least and the largest value of `pid` and of loop variables, where they are parameter expressions."""
        last = Binary("-", self.symbols.procs, Number(1), self.symbols.procs.at)
        return {"pid": (Number(0), last), **context.ranges}

    def note_for(self, loop: For, context: Context, differs: bool) -> bool:
        """As `note`. `differs`: some processors do not know the bounds."""
        leaves = context.divergent and breaks(loop.body)
        if loop.bound is not None:
            self.found[loop.at] = LoopKind(loop.bound)
        elif differs or leaves or loop.at in self.found:
            rounds = most_rounds(loop, self.symbols, self._ranges(context))
            if rounds is not None:
                self.found[loop.at] = LoopKind(rounds)
            else:
                self._note_flagged(loop, context)
        return loop.at in self.found


def breaks(body: Iterable[Statement]) -> bool:
    """Return whether a loop with this body is left by a `break` in it."""
    for statement in body:
        if isinstance(statement, Break):
            return True
        if isinstance(statement, If) and breaks((*statement.then, *statement.otherwise)):
            return True
    return False


def control_ifs(tree: ProgramText, apart: Collection[Span]) -> frozenset[Span]:
    """Return the places of the `if`s that hold control: statements that all processors must run together.

    Such an `if` costs only the branch taken. It is legal only where its condition is uniform and all processors are active.
    apart: the places of the loops and calls that processors leave one by one.
    """
    found: set[Span] = set()
    _holds_control(tree.body, apart, (Break,), found)
    return frozenset(found)


#: Which of Break and Return leave something for all processors at once.
Leaving = tuple[type, ...]


def _holds_control(body: Iterable[Statement], apart: Collection[Span], together: Leaving, found: set[Span]) -> bool:
    """Return whether a block holds control."""
    return any([_is_control(statement, apart, together, found) for statement in body])


def _is_control(statement: Statement, apart: Collection[Span], together: Leaving, found: set[Span]) -> bool:
    match statement:
        case If(_, then, otherwise):
            holds = _holds_control((*then, *otherwise), apart, together, found)
            if holds:
                found.add(statement.at)
            return holds
        case Parallel() | Single():
            _holds_control(statement.body, apart, (), found)
            return True
        case While() | Repeat() | For():
            left = (Break,) if statement.at not in apart else ()
            inside = _holds_control(statement.body, apart, (*left, *(k for k in together if k is Return)), found)
            return inside or not isinstance(statement, For) and statement.at not in apart
        case Called():
            leaves = statement.at not in apart and returns(statement.body)
            inside = _holds_control(statement.body, apart, (Return,) if leaves else (), found)
            return inside or leaves
        case Break() | Return():
            return type(statement) in together
    return isinstance(statement, Halt)
