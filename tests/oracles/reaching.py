"""An oracle of coverage: the evaluator's walk over the syntax tree, which records what it reaches. It makes no machine code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, get_args

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, ProgramText, Statement, children, walk
from oracles.counted import Counted
from oracles.evaluator import Halted, Run
from oracles.memory import Arrays
from oracles.plain import Params, is_constant
from oracles.rounds import Rounds
from oracles.words import signed_terms

#: Line, column and "true", "false", "entered" or "arrived".
Side = tuple[int, int, str]
TESTING = (syntax.If, syntax.While, syntax.Repeat)
CONDITIONS = (*TESTING, syntax.Conditional)


class Watched(Run):
    """A run that records the lines on which active processors spend steps, and the results of conditions and loops."""

    def __init__(self, tree: ProgramText, params: Params, arrays: Arrays, max_steps: int) -> None:
        super().__init__(tree, params, arrays, None, max_steps)
        self.lines: set[int] = set()
        self.sides: set[Side] = set()
        self.testing = {id(node.condition): node for node in walk(self.tree) if isinstance(node, CONDITIONS)}
        self.entering: syntax.For | syntax.Parallel | None = None
        self.busy = True

    def value(self, e: Expression, active: list[int]) -> list[int]:
        found = super().value(e, active)
        self._compute(e, active)
        return found

    def total(self, e: Expression, active: list[int]) -> list[int]:
        found = super().total(e, active)
        self._compute(e, active)
        return found

    def end(self, e: Expression, active: list[int]) -> list[int]:
        found = super().end(e, active)
        for part in (e, *(term for _, term in signed_terms(e))):
            self._compute(part, active)
        return found

    def argument(self, e: Expression, active: list[int]) -> list[int]:
        found = super().argument(e, active)
        for part in (e, *(term for _, term in signed_terms(e))):
            self._compute(part, active)
        return found

    def _compute(self, e: Expression, active: list[int]) -> None:
        if active and self.busy and id(e) not in self.constants and takes_a_step(e, set(self.arrays)):
            self.lines.add(e.at.line)

    def bounds(self, *expressions: Expression) -> list[int]:
        """All processors evaluate bounds; those of a `for` count only if a processor is active."""
        found = super().bounds(*expressions)
        self.busy = True
        return found

    def test(self, condition: Expression, active: list[int]) -> list[bool]:
        truths = super().test(condition, active)
        if not self.busy:
            return truths
        if active:
            self.lines.add(self.testing[id(condition)].at.line)
        self.sides |= {(condition.at.line, condition.at.column, word(truth)) for truth in truths}
        self.sides |= {(condition.at.line, condition.at.column, "arrived") for _ in active}
        return truths

    def chosen_value(self, value: Expression, chosen: list[int]) -> list[int]:
        if chosen and self.busy:
            self.lines.add(value.at.line)
        return super().chosen_value(value, chosen)

    def block(self, body: tuple[Statement, ...], active: list[int]) -> None:
        loop, self.entering = self.entering, None
        if loop is not None and active:
            self.sides.add((loop.at.line, loop.at.column, "entered"))
        for statement in body:
            active = self.present(active)
            if isinstance(statement, syntax.Called):
                self.lines |= {statement.at.line} if active and id(statement) in self.leaving.returning else set()
            elif active and (not isinstance(statement, TESTING) or id(statement) in self.leaving.kinds):
                self.lines |= own_lines(statement, self.params, set(self.arrays))
            super().block((statement,), active)

    def loop(self, s: syntax.For, active: list[int]) -> None:
        self.busy = bool(active)
        self._arrive(s, active)
        super().loop(s, active)
        self.entering = None

    def rounds_of(self, bound: Expression | Rounds | Counted, active: list[int]) -> int:
        self.busy = bool(active)
        found = super().rounds_of(bound, active)
        self.busy = True
        return found

    def would_go_on(self, s: syntax.While | syntax.Repeat, live: list[int]) -> list[int]:
        """What is only looked at after the last round is not reached."""
        lines, sides = set(self.lines), set(self.sides)
        found = super().would_go_on(s, live)
        self.lines, self.sides = lines, sides
        return found

    def with_items(self, s: syntax.For, live: list[int], here: dict[int, int], lasts: dict[int, int]) -> list[int]:
        found = super().with_items(s, live, here, lasts)
        self._arrive(s, live)
        self.entering = None
        self.sides |= {(s.at.line, s.at.column, "entered") for _ in found}
        return found

    def show(self, s: syntax.Print, active: list[int]) -> None:
        """A `print` reaches nothing."""

    def parallel(self, s: syntax.Parallel) -> None:
        self._arrive(s, self.everyone)
        super().parallel(s)

    def _arrive(self, s: syntax.For | syntax.Parallel, active: list[int]) -> None:
        self.entering = s
        self.sides |= {(s.at.line, s.at.column, "arrived") for _ in active}


def word(truth: bool) -> str:
    return "true" if truth else "false"


def takes_a_step(e: Expression, arrays: set[str]) -> bool:
    """Return whether an expression that is not constant needs code: it is not just a local."""
    return not isinstance(e, syntax.Name) or e.name in arrays


def own_lines(s: Statement, params: Params, arrays: set[str]) -> set[int]:
    """Return the lines on which a statement itself spends steps, without the statements and expressions in it."""
    match s:
        case syntax.Local(name, value) | syntax.Assign(name, value) if name not in arrays:
            at_hand = is_constant(value, params) or not takes_a_step(value, arrays)
            return {s.at.line} if at_hand else set()
        case syntax.Parallel(ranges):
            return {s.at.line, *(part.at.line for part in ranges), *(e.at.line for part in ranges for e in part.items)}
        case syntax.For():
            return {s.at.line, *(e.at.line for e in s.items)}
        case syntax.Several(targets, values):
            at_hand = [v for v in values if is_constant(v, params) or not takes_a_step(v, arrays)]
            return {part.at.line for part in (*targets, *at_hand)}
        case syntax.LocalArray() | syntax.Print() | syntax.Assert() | syntax.Snapshot():
            return set()
    return {s.at.line}


def watch(tree: ProgramText, params: Params, arrays: Arrays, max_steps: int) -> Watched:
    """Run a program to its end.

    Raises: evaluator.Trap: it is refused.
    """
    run = Watched(tree, params, arrays, max_steps)
    with suppress(Halted):
        run.block(run.tree.body, run.everyone)
    return run


def everything(run: Watched) -> tuple[set[int], set[Side]]:
    """Return all lines that take steps, and all sides."""
    lines: set[int] = set()
    sides: set[Side] = set()
    for node in statements(run.tree.body):
        if not isinstance(node, syntax.Called) or id(node) in run.leaving.returning:
            lines |= own_lines(node, run.params, set(run.arrays))
        whats: tuple[str, ...] = ()
        at: Any = node.at
        if isinstance(node, TESTING):
            at, whats = node.condition.at, ("true", "false", "arrived")
        elif isinstance(node, (syntax.For, syntax.Parallel)):
            whats = ("entered", "arrived")
        sides |= {(at.line, at.column, what) for what in whats}
        for held in () if isinstance(node, (syntax.LocalArray, syntax.Print)) else children(node):
            lines |= {line for e in expressions(held) for line in computed(e, run)}
            sides |= {side for e in expressions(held) for side in chosen(e, run)}
    return lines, sides


def statements(body: tuple[Statement, ...]) -> Iterator[Statement]:
    for s in body:
        yield s
        for field in ("body", "then", "otherwise"):
            yield from statements(getattr(s, field, ()))


def expressions(node: syntax.Node) -> Iterator[Expression]:
    """Yield the outermost expressions of a child of a statement: itself, or the bounds of a range."""
    if isinstance(node, syntax.Range):
        yield from (node.low, node.high, *node.items)
    elif isinstance(node, get_args(Expression)):
        yield node  # type: ignore[misc]


def computed(e: Expression, run: Watched) -> Iterator[int]:
    """Yield the lines of all that is computed for an expression."""
    if id(e) in run.constants:
        return
    if takes_a_step(e, set(run.arrays)):
        yield e.at.line
    if isinstance(e, syntax.Conditional):
        yield from (value.at.line for value in (e.yes, e.no))
    below = children(e)
    if isinstance(e, syntax.Call) and e.function in ("floor", "ceil"):  # one operation, with what it rounds
        below = children(below[0])
    for part in below:
        yield from computed(part, run)  # type: ignore[arg-type]


def chosen(e: Expression, run: Watched) -> Iterator[Side]:
    """Yield the sides of the conditional values in an expression."""
    if id(e) in run.constants:
        return
    if isinstance(e, syntax.Conditional):
        at = e.condition.at
        yield from ((at.line, at.column, what) for what in ("true", "false", "arrived"))
    for below in children(e):
        yield from chosen(below, run)  # type: ignore[arg-type]
