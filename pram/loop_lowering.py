"""Lowers loops, by the cost rules of the language (docs/language.md, section 5).

A loop that processors leave one by one (`lockstep.pram.loop_kinds`) has two copies. Processors run the first, the *live* copy,
as long as they go on. A processor that is done jumps to the same place of the *idle* copy, which takes as many steps and does
nothing. Processors that were idle before the loop run an idle copy only. So being done costs neither a register nor a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from lockstep.pram import derived
from lockstep.pram.analysis import Analysis
from lockstep.pram.contracts.kinds import Clause, ContractPoint, Known
from lockstep.pram.errors import Span
from lockstep.pram.instructions import AgreementCheck, Operand, StepCheck, Trap, UnfinishedCheck, constant
from lockstep.pram.printing import Point
from lockstep.pram.range_ends import EndEmitter
from lockstep.pram.syntax import Break, Expression, For, Repeat, Statement, While


@dataclass
class OpenLoop:
    """A loop whose body is being emitted.

    breaks: its jumps of `break`. marks: the places in the idle copy right after each `break`. marking: they are being found.
    """

    apart: bool
    breaks: list[int] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    marking: bool = False


class LoopEmitter(EndEmitter):
    """Emits the code of loops. A subclass emits blocks."""

    def __init__(self, analysis: Analysis) -> None:
        super().__init__(analysis.symbols)
        self.kinds = analysis.loops
        self.open_loops: list[OpenLoop] = []
        self.flags: list[Span] = []
        self.points: list[Point | ContractPoint] = []

    def block(self, statements: tuple[Statement, ...]) -> None:
        raise NotImplementedError

    # -- loops that all processors run together -------------------------------------------------

    def while_loop(self, loop: While) -> None:
        if loop.at in self.kinds:
            self.while_apart(loop)
            return
        start, noted = len(self.code), len(self.points)
        self.invariants(loop, start)
        with self.scope():
            condition = self.value(loop.condition)
            agreed = (AgreementCheck("while"),)
            leave = self.emit("jz", condition, at=loop.at, trap=Trap.OPERANDS, checks=agreed, decides=loop.condition)
        with self.together():
            self.block(loop.body)
            again = self.emit("jmp", at=loop.at)
            self.patch(again, start)
        self.patch(leave)
        self.only_once(noted, start, again)

    def repeat_loop(self, loop: Repeat) -> None:
        if loop.at in self.kinds:
            self.repeat_apart(loop)
            return
        start, noted = len(self.code), len(self.points)
        self.invariants(loop, start)
        with self.together(), self.scope():
            self.block(loop.body)
            condition = self.value(loop.condition)
            agreed = (AgreementCheck("repeat"),)
            again = self.emit("jz", condition, at=loop.at, trap=Trap.OPERANDS, checks=agreed, decides=loop.condition)
            self.patch(again, start)
        self.only_once(noted, start, again)

    def only_once(self, noted: int, start: int, again: int) -> None:
        """Of the first points, those at the start of a loop stand before it: who jumps back to it by `again` is not meant."""
        for number, point in enumerate(self.points[:noted]):
            if point.index == start:
                self.points[number] = replace(point, skips=point.skips | {again})

    def invariants(self, loop: While | Repeat | For, start: int, variable: int | None = None, plus: int = 0) -> None:
        """Note the invariants of a loop at its start, at which processors arrive before every round.

        Args: variable: the register of the variable of a `for`; `plus`, added to it, gives its value in the next round.
        """
        known = {name: Known(register) for name, register in self.locals.items()}
        if isinstance(loop, For) and variable is not None:
            known[loop.variable] = Known(variable, plus)
        for invariant in loop.invariants:
            clause = Clause("invariant", invariant.condition, invariant.at)
            self.points.append(ContractPoint(start, clause, known, not self.guards))

    def for_loop(self, loop: For) -> None:
        """Emit a `for`. Idle processors run its control too, so their bounds must be the same."""
        if loop.at in self.kinds:
            self.for_apart(loop)
            return
        at, was_idle = loop.at, self.idle
        with self.scope(), self.as_idle(False), self.together():
            variable = self.register()
            start_loop = self.start_down if loop.down else self.start_up
            bound = start_loop(self.idle_bounds(loop) if was_idle else loop, variable)
            by = self.step_of(loop)
            self.locals[loop.variable] = variable
            start, v = len(self.code), Operand("register", variable)
            if not was_idle:
                self.invariants(loop, start, variable, -1 if loop.down else 0)
            test = self.register()
            self.emit(self.of_words(self.loop_test(loop)), v, bound, rd=test, at=at, trap=Trap.OPERANDS)
            leave = self.emit("jz", Operand("register", test), at=at, decides=loop)
            if loop.down:
                self.emit("sub", v, constant(1), rd=variable, at=at)
            with self.as_idle(was_idle):
                self.block(loop.body)
            if not loop.down:
                self.advance(loop, v, by)
            self.patch(self.emit("jmp", at=at), start)
            self.patch(leave)

    @contextmanager
    def together(self) -> Iterator[None]:
        """The body of a loop that all leave at once: a `break` jumps to the end."""
        loop = OpenLoop(apart=False)
        self.open_loops.append(loop)
        yield
        self.open_loops.pop()
        for jump in loop.breaks:
            self.patch(jump)

    def step_of(self, loop: For) -> Operand:
        """Return the operand that a `for` adds in each round."""
        return constant(1) if loop.by is None else self.value(loop.by)

    def advance(self, loop: For, variable: Operand, by: Operand) -> None:
        checks = () if loop.by is None else (StepCheck(),)
        self.emit("add", variable, by, rd=variable.number, at=loop.at, trap=self.checked, checks=checks)

    def idle_bounds(self, loop: For) -> For:
        """Return the loop that idle processors run. Without signed words it skips negative items."""
        return loop if self.symbols.signed else derived.nonnegative_bounds(loop, self.symbols.is_parametric)

    # -- loops that processors leave one by one -------------------------------------------------

    def leave(self, statement: Break) -> None:
        """Emit a `break`: a jump out of the loop, or to the same place of its idle copy."""
        loop = self.open_loops[-1]
        jump = self.emit("jmp", at=statement.at)
        if not self.idle:
            loop.breaks.append(jump)
        elif loop.marking:
            loop.marks.append(len(self.code))

    def live(self, loop: OpenLoop, body: tuple[Statement, ...]) -> None:
        self.open_loops.append(loop)
        self.block(body)
        self.open_loops.pop()

    def asleep(self, loop: OpenLoop, body: tuple[Statement, ...]) -> None:
        """Emit the body in the idle copy. Each `break` of the live copy jumps behind its own place here."""
        self.open_loops.append(loop)
        loop.marking, loop.marks = True, []
        with self.as_idle(True):
            self.block(body)
        loop.marking = False
        self.open_loops.pop()
        for jump, mark in zip(loop.breaks, loop.marks):
            self.patch(jump, mark)

    @contextmanager
    def idle_copy(self) -> Iterator[None]:
        """Emit code that only processors run that are done. What it controls is not idle."""
        self.pads += 1
        with self.as_idle(False):
            yield
        self.pads -= 1

    def nops(self, count: int, at: Span) -> None:
        for _ in range(count):
            self.emit("nop", at=at)

    def asleep_value(self, value: Expression) -> None:
        with self.scope(), self.as_idle(True):
            self.value(value)

    def counter(self, loop: While | Repeat | For) -> Operand:
        """Emit the start of a loop: the rounds left, or the number of the first round, in a register that all keep."""
        rounds, register = self.kinds[loop.at].rounds, self.register()
        with self.as_idle(False):
            if rounds is not None:
                self.assign(register, rounds, loop.at, Trap.OPERANDS)
            else:  # a number that the flag does not hold; it may wrap
                flag = self.parameter(derived.base_of(self.flag(loop.at)))
                self.emit("load", flag, constant(0), rd=register, at=loop.at)
                self.emit("add", Operand("register", register), constant(1), rd=register, at=loop.at)
        return Operand("register", register)

    def flag(self, at: Span) -> str:
        """Return the name of the cell of a flagged loop."""
        if at not in self.flags:
            self.flags.append(at)
        return flag_name(at)

    def rounds_left(self, loop: While | Repeat | For, k: Operand) -> list[int]:
        """Emit the test at the start of a round of a bounded loop. Return the branches that end the loop."""
        return [self.emit("jz", k, at=loop.at)] if self.is_bounded(loop) else []

    def is_bounded(self, loop: While | Repeat | For) -> bool:
        return self.kinds[loop.at].rounds is not None

    def next_round(self, loop: While | Repeat | For, k: Operand, start: int) -> int:
        """Emit the end of a round: the counter changes, and a jump back."""
        self.emit("sub" if self.is_bounded(loop) else "add", k, constant(1), rd=k.number, at=loop.at)
        jump = self.emit("jmp", at=loop.at)
        self.patch(jump, start)
        return jump

    def ask(self, loop: While | Repeat | For, k: Operand) -> list[int]:
        """Emit, where a processor is done, whether any other is not: the flag holds this round's number. Return the branch out.

        If the loop is bounded, emit nothing.
        """
        if self.is_bounded(loop):
            return []
        self.nops(1, loop.at)
        flag = self.parameter(derived.base_of(self.flag(loop.at)))
        with self.scope():
            found = self.register()
            self.emit("load", flag, constant(0), rd=found, at=loop.at)
            self.emit("eq", Operand("register", found), k, rd=found, at=loop.at)
            return [self.emit("jz", Operand("register", found), at=loop.at)]

    def tell(self, loop: While | Repeat | For, k: Operand) -> None:
        """Emit, where a processor goes on, that the flag gets this round's number; then as many steps as `ask` takes.

        If the loop is bounded, emit nothing.
        """
        if self.is_bounded(loop):
            return
        flag = self.parameter(derived.base_of(self.flag(loop.at)))
        self.emit("store", flag, constant(0), k, at=loop.at)
        self.nops(3, loop.at)

    def while_apart(self, loop: While) -> None:
        was_idle, opened, outs, done = self.idle, OpenLoop(apart=True), [], None
        with self.scope():
            k = self.counter(loop)
            if not was_idle:
                start = len(self.code)
                self.invariants(loop, start)
                outs += self.rounds_left(loop, k)
                first = len(self.code)
                with self.scope():
                    condition = self.value(loop.condition)
                    done = self.emit("jz", condition, at=loop.at, trap=Trap.OPERANDS, decides=loop.condition)
                self.tell(loop, k)
                self.live(opened, loop.body)
                back = self.next_round(loop, k, start)
                self.check_unfinished(loop, outs, UnfinishedCheck("while", back, first, done))
            with self.idle_copy():
                start = len(self.code)
                outs += self.rounds_left(loop, k)
                self.asleep_value(loop.condition)
                self.nops(1, loop.at)
                if done is not None:
                    self.patch(done)
                outs += self.ask(loop, k)
                self.asleep(opened, loop.body)
                self.next_round(loop, k, start)
            for out in outs:
                self.patch(out)

    def check_unfinished(self, loop: While | Repeat | For, outs: list[int], check: UnfinishedCheck) -> None:
        """Put the check on the branch that ends the live copy, if the loop is bounded."""
        check = replace(check, by_index=self.kinds[loop.at].by_index)
        for out in outs:
            self.code[out] = replace(self.code[out], checks=(check,))

    def repeat_apart(self, loop: Repeat) -> None:
        was_idle, opened, outs, sleeping = self.idle, OpenLoop(apart=True), [], []
        with self.scope():
            k = self.counter(loop)
            if not was_idle:
                start = len(self.code)
                self.invariants(loop, start)
                outs += self.rounds_left(loop, k)
                self.live(opened, loop.body)
                with self.scope():
                    condition = self.value(loop.condition)
                    more = self.emit("jz", condition, at=loop.at, trap=Trap.OPERANDS, decides=loop.condition)
                outs += self.ask(loop, k)
                sleeping.append(self.next_round(loop, k, start))
                self.patch(more)
                self.tell(loop, k)
                back = self.next_round(loop, k, start)
                if self.is_bounded(loop):
                    self.check_unfinished(loop, outs, UnfinishedCheck("repeat", back))
            with self.idle_copy():
                start = len(self.code)
                for jump in sleeping:
                    self.patch(jump)
                outs += self.rounds_left(loop, k)
                self.asleep(opened, loop.body)
                self.asleep_value(loop.condition)
                self.nops(1, loop.at)
                outs += self.ask(loop, k)
                self.next_round(loop, k, start)
            for out in outs:
                self.patch(out)

    def for_apart(self, loop: For) -> None:
        at, was_idle, opened = loop.at, self.idle, OpenLoop(apart=True)
        outs, done = [], None
        with self.scope():
            variable = self.register()
            v, bound, test = self.start_apart(loop, variable)
            by = self.step_of(loop)
            k = self.counter(loop)
            self.locals[loop.variable] = variable
            if not was_idle:
                start = len(self.code)
                self.invariants(loop, start, variable, -1 if loop.down else 0)
                outs += self.rounds_left(loop, k)
                first = len(self.code)
                with self.scope():
                    going = self.register()
                    self.emit(self.of_words(test), v, bound, rd=going, at=at, trap=Trap.OPERANDS)
                    done = self.emit("jz", Operand("register", going), at=at, decides=loop)
                self.tell(loop, k)
                if loop.down:
                    self.emit("sub", v, constant(1), rd=variable, at=at)
                self.live(opened, loop.body)
                if not loop.down:
                    self.advance(loop, v, by)
                back = self.next_round(loop, k, start)
                self.check_unfinished(loop, outs, UnfinishedCheck("for", back, first, done))
            with self.idle_copy():
                start = len(self.code)
                outs += self.rounds_left(loop, k)
                self.nops(2, at)
                if done is not None:
                    self.patch(done)
                outs += self.ask(loop, k)
                self.nops(int(loop.down), at)
                self.asleep(opened, loop.body)
                self.nops(int(not loop.down), at)
                self.next_round(loop, k, start)
            for out in outs:
                self.patch(out)


def flag_name(at: Span) -> str:
    """The name of the cell of a flagged loop, in messages and derived parameters."""
    calls = "".join(f" called at {call.line}:{call.column}" for call in at.calls)
    return f"flag of the loop at {at.line}:{at.column}{calls}"
