"""Lowers the syntax tree to machine code, by the cost rules of the language (docs/language.md, section 5).

The code is the same for every input size. Everything that depends on parameters is a derived parameter
(`lockstep.pram.derived`).

Idle processors run a *pad*: a copy of the code in which instructions are nops, except the control of inner `for` loops.
So all processors are always at the same place of the program text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lockstep.pram import derived
from lockstep.pram.analysis import control_ifs
from lockstep.pram.declarations import Symbols
from lockstep.pram.emitting import Emitter
from lockstep.pram.errors import Span
from lockstep.pram.instructions import PID, AgreementCheck, Decision, Instruction, ItemRange, ItemsCheck, Operand, Trap, constant
from lockstep.pram.syntax import (
    Assign,
    Binary,
    Expression,
    For,
    Halt,
    If,
    Index,
    Local,
    Number,
    Parallel,
    ProgramText,
    Range,
    Repeat,
    Single,
    Statement,
    Store,
    While,
)
from lockstep.pram.word import MIN_WORD_BITS, largest_word


@dataclass(frozen=True)
class MachineCode:
    """A lowered program. `registers`: how many each processor needs; `derived`: the derived parameters."""

    instructions: tuple[Instruction, ...]
    registers: int
    derived: tuple[Expression, ...]


def lower(tree: ProgramText, symbols: Symbols) -> MachineCode:
    """Return the machine code of an analysed program."""
    lowering = _Lowering(symbols, control_ifs(tree))
    lowering.block(tree.body)
    last = tree.body[-1].at if tree.body else tree.at
    lowering.emit("halt", at=last)
    return MachineCode(tuple(lowering.code), max(lowering.most_registers, 1), tuple(lowering.derived))


class _Lowering(Emitter):
    """Emits the code of statements."""

    def __init__(self, symbols: Symbols, control_ifs: frozenset[Span]) -> None:
        super().__init__(symbols)
        self.control_ifs = control_ifs

    # -- statements ----------------------------------------------------------------------------

    def block(self, statements: tuple[Statement, ...]) -> None:
        with self.scope():
            for statement in statements:
                self.statement(statement)

    def pad(self, statements: tuple[Statement, ...]) -> None:
        """Emit a block for idle processors: it takes as many steps, but only runs the control of `for` loops."""
        self.pads += 1
        with self.as_idle(True):
            self.block(statements)
        self.pads -= 1

    def statement(self, statement: Statement) -> None:
        match statement:
            case Local(name, value, at):
                register = self.register()
                with self.scope():
                    self.assign(register, value, at)
                self.locals[name] = register
            case Assign(name, value, at) if name in self.locals:
                with self.scope():
                    self.assign(self.locals[name], value, at)
            case Assign(name, value, at):
                self.store(Index(name, (), at), value)
            case Store(name, subscripts, value, at):
                self.store(Index(name, subscripts, at), value)
            case If():
                self.branch_if(statement) if statement.at in self.control_ifs else self.padded_if(statement)
            case While():
                self.while_loop(statement)
            case Repeat():
                self.repeat_loop(statement)
            case For():
                self.for_loop(statement)
            case Parallel():
                self.parallel(statement)
            case Single(body, at):
                with self.scope():
                    active = self.register()
                    self.emit("eq", PID, constant(0), rd=active, at=at)
                    self.guarded(active, body, at)
            case Halt(at):
                self.emit("halt", at=at)

    def store(self, index: Index, value: Expression) -> None:
        with self.scope():
            address, checks = self.address(index)
            z = self.value(value)
            self.emit("store", *address, z, at=index.at, trap=Trap.OPERANDS, checks=checks)

    def padded_if(self, statement: If) -> None:
        """Emit an `if` that takes the same time on both branches.

        If the condition is true: then, pad(else), jump. If it is false: pad(then), else, nop.
        """
        at = statement.at
        with self.scope():
            condition = self.value(statement.condition)
            branch = self.emit("jz", condition, at=at, trap=Trap.OPERANDS, decides=statement.condition)
        self.block(statement.then)
        self.pad(statement.otherwise)
        if self.idle:  # all processors here are idle, so one path is enough
            self.emit("nop", at=at)
            return
        leave = self.emit("jmp", at=at)
        self.patch(branch)
        self.pad(statement.then)
        self.block(statement.otherwise)
        self.emit("nop", at=at)
        self.patch(leave)

    def branch_if(self, statement: If) -> None:
        """Emit an `if` of which all processors take the same branch; only that branch costs."""
        at = statement.at
        with self.scope():
            condition = self.value(statement.condition)
            agreed = (AgreementCheck("if"),)
            branch = self.emit("jz", condition, at=at, trap=Trap.OPERANDS, checks=agreed, decides=statement.condition)
        self.block(statement.then)
        leave = self.emit("jmp", at=at)
        self.patch(branch)
        self.block(statement.otherwise)
        self.emit("nop", at=at)
        self.patch(leave)

    def guarded(self, active: int, body: tuple[Statement, ...], at: Span, decides: Decision | None = None) -> None:
        """Emit a body that runs on the processors whose register `active` is not 0; the others run a pad."""
        branch = self.emit("jz", Operand("register", active), at=at, decides=decides)
        self.guards += 1
        self.block(body)
        self.guards -= 1
        leave = self.emit("jmp", at=at)
        self.patch(branch)
        self.pad(body)
        self.emit("nop", at=at)
        self.patch(leave)

    def while_loop(self, loop: While) -> None:
        start = len(self.code)
        with self.scope():
            condition = self.value(loop.condition)
            agreed = (AgreementCheck("while"),)
            leave = self.emit("jz", condition, at=loop.at, trap=Trap.OPERANDS, checks=agreed, decides=loop.condition)
        self.block(loop.body)
        self.patch(self.emit("jmp", at=loop.at), start)
        self.patch(leave)

    def repeat_loop(self, loop: Repeat) -> None:
        start = len(self.code)
        self.block(loop.body)
        with self.scope():
            condition = self.value(loop.condition)
            agreed = (AgreementCheck("repeat"),)
            again = self.emit("jz", condition, at=loop.at, trap=Trap.OPERANDS, checks=agreed, decides=loop.condition)
            self.patch(again, start)

    def for_loop(self, loop: For) -> None:
        """Emit a `for`. Idle processors run its control too, so their bounds must be the same."""
        at, was_idle = loop.at, self.idle
        with self.scope(), self.as_idle(False):
            variable = self.register()
            start_loop = self.start_down if loop.down else self.start_up
            bound = start_loop(derived.nonnegative_bounds(loop, self.symbols.is_parametric) if was_idle else loop, variable)
            self.locals[loop.variable] = variable
            start, v = len(self.code), Operand("register", variable)
            test = self.register()
            self.emit(self.loop_test(loop), v, bound, rd=test, at=at, trap=Trap.OPERANDS)
            leave = self.emit("jz", Operand("register", test), at=at, decides=loop)
            if loop.down:
                self.emit("sub", v, constant(1), rd=variable, at=at)
            with self.as_idle(was_idle):
                self.block(loop.body)
            if not loop.down:
                self.emit("add", v, constant(1), rd=variable, at=at, trap=Trap.ARITHMETIC)
            self.patch(self.emit("jmp", at=at), start)
            self.patch(leave)

    def loop_test(self, loop: For) -> str:
        if loop.down:
            return "gt"
        return "lt" if self.symbols.is_parametric(loop.last) else "le"

    def start_up(self, loop: For, variable: int) -> Operand:
        """Emit variable := first, and return the last bound; a parametric bound is made exclusive."""
        first, last, parametric = loop.first, loop.last, self.symbols.is_parametric
        if parametric(first) and parametric(last) and not isinstance(first, Number):
            first = derived.clamp_if_empty(first, Binary("<=", first, last))
        with self.scope():
            self.assign(variable, first, loop.at)
        return self.parameter(derived.exclusive(last)) if parametric(last) else self.value(last)

    def start_down(self, loop: For, variable: int) -> Operand:
        """Emit variable := first + 1, and return the last bound. The variable is decremented before the body."""
        first, last, parametric = loop.first, loop.last, self.symbols.is_parametric
        if parametric(first):
            start = self.parameter(derived.exclusive(first))
            self.emit("mov", start, rd=variable, at=loop.at, trap=Trap.OPERANDS)
        else:
            with self.scope():
                start = self.value(first)
            self.emit("add", start, constant(1), rd=variable, at=loop.at, trap=Trap.ARITHMETIC)
        if parametric(first) and parametric(last) and not isinstance(last, Number):
            last = derived.clamp_if_empty(last, Binary("<=", last, first))
        return self.value(last)

    # -- parallel ------------------------------------------------------------------------------

    def parallel(self, statement: Parallel) -> None:
        """Emit, for each range, the item of each processor and a test whether it has one; then the guarded body."""
        at = statement.at
        with self.scope():
            tests, ranges = [], []
            for number, part in enumerate(statement.ranges):
                item_range, test = self.item(statement.ranges, number, part)
                ranges.append(item_range)
                tests.append(test)
            active = tests[0]
            for test in tests[1:]:
                self.emit("and", Operand("register", active), Operand("register", test), rd=active, at=at)
            # The last instruction tells whether there is an item: it is the test of the only range, or the last `and`.
            self.code[-1] = replace(self.code[-1], checks=(ItemsCheck(tuple(ranges)),))
            self.guarded(active, statement.body, at, statement)

    def item(self, parts: tuple[Range, ...], number: int, part: Range) -> tuple[ItemRange, int]:
        """Emit item := low + index and its test. Return the range, for checks, and the register of the test."""
        at, parametric = part.at, self.symbols.is_parametric
        low, high = self.low_end(part.low), None if parametric(part.high) else self.value(part.high)
        item, test = self.register(), self.register()
        shift = derived.sum_of(derived.extent_bits(p) for p in parts[number + 1 :])
        width = derived.extent_bits(part) if number else None
        index = self.index(shift, width, item, at, len(parts) - 1 - number)
        # 0 + index is a word. Any other sum must saturate: if it wrapped, an idle processor could get an item of the range.
        self.emit("add" if low == constant(0) else "addsat", low, index, rd=item, at=at)
        own = Operand("register", item)
        self.emit("lt" if high is None else "le", own, high or self.parameter(derived.exclusive(part.high)), rd=test, at=at)
        self.locals[part.variable] = item
        exact_low, exact_high = self.subject(part.low, low), self.subject(part.high, high or own)
        return ItemRange(exact_low, exact_high, shift, width), test

    def low_end(self, low: Expression) -> Operand:
        """Return the first item. A number that fits every word size is a constant of the code."""
        small = isinstance(low, Number) and low.value <= largest_word(MIN_WORD_BITS)
        return self.value(low) if small or not self.symbols.is_parametric(low) else self.parameter(derived.saturated(low))

    def index(self, shift: Expression, width: Expression | None, rd: int, at: Span, inner: int) -> Operand:
        """Emit (pid >> shift) % 2^width. Only ranges before the last need the shift, only ranges after the first the mask."""
        index = PID
        if inner:
            self.emit("shr", index, self.parameter(shift), rd=rd, at=at)
            index = Operand("register", rd)
        if width is not None:
            self.emit("and", index, self.parameter(derived.mask_of(width)), rd=rd, at=at)
            index = Operand("register", rd)
        return index
