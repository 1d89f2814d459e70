"""Lowers the syntax tree to machine code, by the cost rules of the language (docs/language.md, section 5).

The code is the same for every input size. Everything that depends on parameters is a derived parameter
(`lockstep.pram.derived`).

Idle processors run a *pad*: a copy of the code in which instructions are nops, except the control of inner `for` loops.
So all processors are always at the same place of the program text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from lockstep.pram import derived
from lockstep.pram.access import RULES
from lockstep.pram.analysis import Analysis
from lockstep.pram.contracts.kinds import ContractPoint, Known, clause_of
from lockstep.pram.errors import Span
from lockstep.pram.instructions import PID, AgreementCheck, Decision, Instruction, ItemRange, ItemsCheck, Operand, Trap, constant
from lockstep.pram.loop_lowering import LoopEmitter, flag_name
from lockstep.pram.printing import Point, point_of
from lockstep.pram.range_ends import FirstEnd, InnerEnd
from lockstep.pram.syntax import (
    Assert,
    Assign,
    Binary,
    Break,
    Called,
    Expression,
    For,
    Halt,
    If,
    Index,
    Local,
    LocalArray,
    Name,
    Number,
    Parallel,
    Print,
    Range,
    Repeat,
    Return,
    Several,
    Single,
    Snapshot,
    Statement,
    Store,
    While,
    returns,
)
from lockstep.pram.word import MIN_WORD_BITS, largest_word


@dataclass(frozen=True)
class MachineCode:
    """A lowered program.

    registers: how many each processor needs. derived: the derived parameters. flags: the names of the cells that loops need.
    prints: where processors print. locals: for each instruction, the locals that are known there, with the register of each.
    contracts: where the machine checks contracts.
    """

    instructions: tuple[Instruction, ...]
    registers: int
    derived: tuple[Expression, ...]
    flags: tuple[str, ...] = ()
    prints: tuple[Point, ...] = ()
    locals: tuple[Mapping[str, int], ...] = field(default=(), compare=False)
    contracts: tuple[ContractPoint, ...] = field(default=(), compare=False)


@dataclass
class OpenItem:
    """The body of a `parallel` or `single`, or of a procedure, that is being emitted.

    returns: its jumps of `return`, by their places. marks: where these places are in the pad, which comes after the body.
    """

    returns: dict[Span, int] = field(default_factory=dict)
    marks: dict[Span, int] = field(default_factory=dict)
    padding: bool = False


def lower(analysis: Analysis) -> MachineCode:
    """Return the machine code of an analysed program."""
    lowering, tree = _Lowering(analysis), analysis.tree
    lowering.block(tree.body)
    last = tree.body[-1].at if tree.body else tree.at
    lowering.emit("halt", at=last)
    flags = tuple(map(flag_name, lowering.flags))
    return MachineCode(
        tuple(lowering.code), max(lowering.most_registers, 1), tuple(lowering.derived), flags,
        tuple(point for point in lowering.points if isinstance(point, Point)), tuple(lowering.names),
        tuple(point for point in lowering.points if isinstance(point, ContractPoint)),
    )  # fmt: skip


class _Lowering(LoopEmitter):
    """Emits the code of statements."""

    def __init__(self, analysis: Analysis) -> None:
        super().__init__(analysis)
        self.control_ifs, self.calls = analysis.control_ifs, analysis.calls
        self.item = OpenItem()

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
                self.store(Index(name, (), at), value, statement.rule)
            case Store(name, subscripts, value, at):
                self.store(Index(name, subscripts, at), value, statement.rule)
            case Assert() | Snapshot():
                if not self.idle:
                    self.points.append(self.contract(statement))
            case LocalArray():
                pass  # its cells are there from the start
            case Several():
                self.several(statement)
            case Break():
                self.leave(statement)
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
            case Called():
                self.called(statement)
            case Return(at):
                self.end_item(at)
            case Print():
                if not self.idle:
                    self.points.append(point_of(statement, self))

    def contract(self, statement: Assert | Snapshot) -> ContractPoint:
        """Return the point of an `assert`, or of a place where memory is kept."""
        known = {name: Known(register) for name, register in self.locals.items()}
        clause, label = None, statement.label if isinstance(statement, Snapshot) else statement.since
        if isinstance(statement, Assert):
            clause = clause_of(statement)
        return ContractPoint(len(self.code), clause, known, not self.guards, label=label)

    def store(self, index: Index, value: Expression | Operand, rule: str = "") -> None:
        rule = rule or self.symbols.arrays[index.name].rule
        with self.scope():
            address, checks = self.address(index)
            z = value if isinstance(value, Operand) else self.value(value)
            self.emit("store", *address, z, at=index.at, trap=self.moves, checks=checks, rule=RULES.get(rule))

    def several(self, statement: Several) -> None:
        """Emit all values into registers, then the assignments."""
        with self.scope():
            registers = [self.register() for _ in statement.values]
            for register, value in zip(registers, statement.values):
                with self.scope():
                    self.assign(register, value, value.at)
            for target, register in zip(statement.targets, registers):
                if isinstance(target, Name) and target.name in self.locals:
                    self.emit("mov", _register(register), rd=self.locals[target.name], at=target.at)
                else:
                    index = Index(target.name, (), target.at) if isinstance(target, Name) else target
                    self.store(index, _register(register))

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
        with self.new_item() as item:
            self.block(body)
            self.guards -= 1
            leave = self.emit("jmp", at=at)
            self.patch(branch)
            self.pad_item(item, body, at)
        self.patch(leave)

    def called(self, statement: Called) -> None:
        """Emit the body of a procedure. Where processors return one by one, those that did run a pad, which takes as long."""
        body, at = statement.body, statement.at
        if not returns(body):
            self.block(body)
            return
        with self.new_item() as item:
            self.block(body)
            if at not in self.calls:
                for jump in item.returns.values():
                    self.patch(jump)
            elif self.idle:
                self.emit("nop", at=at)
            else:
                leave = self.emit("jmp", at=at)
                self.pad_item(item, body, at)
                self.patch(leave)

    @contextmanager
    def new_item(self) -> Iterator[OpenItem]:
        """What is emitted is the body of another item."""
        outer, self.item = self.item, OpenItem()
        yield self.item
        self.item = outer

    def pad_item(self, item: OpenItem, body: tuple[Statement, ...], at: Span) -> None:
        """Emit a pad for processors without an item, and for those that have ended theirs; then the step of the jump over it."""
        item.padding = True
        self.pad(body)
        for place, jump in item.returns.items():
            self.patch(jump, item.marks[place])
        self.emit("nop", at=at)

    def end_item(self, at: Span) -> None:
        """Emit a `return`: a jump behind its own place in the pad, whose loops go on in the same registers.

        If all processors return together, there is no pad: the jump leads to the end of the body.
        """
        jump = self.emit("jmp", at=at)
        if not self.idle:
            self.item.returns[at] = jump
        elif self.item.padding:
            self.item.marks[at] = len(self.code)

    # -- parallel ------------------------------------------------------------------------------

    def parallel(self, statement: Parallel) -> None:
        """Emit the item of each processor in each range, and a test whether it has one; then the guarded body."""
        at, (first, *further) = statement.at, statement.ranges
        with self.scope():
            lows = [self.low_end(part.low) for part in statement.ranges]
            end = None if self.symbols.is_parametric(first.high) else self.first_end(first.high)
            ends = [self.inner_end(part) for part in further]
            extents = self.inner_extents(further, lows[1:], ends)
            items = [self.register() for _ in statement.ranges]
            index = self.divide_pid(items, extents, at)
            for low, item, x, part in zip(lows, items, [index, *map(_register, items[1:])], statement.ranges):
                # 0 + index is a word. Any other sum must saturate: if it wrapped, an idle processor could get an item.
                saturating = self.of_words("addsat")
                self.emit("add" if low == constant(0) and not self.symbols.signed else saturating, low, x, rd=item, at=part.at)
            highs = [own or InnerEnd(_register(item)) for own, item in zip(ends, items[1:])]
            end = end or self.first_end(first.high)
            checked = [ItemRange(self.subject(first.low, lows[0]), end.high, end.less)]
            for part, low, high in zip(further, lows[1:], highs):
                checked.append(ItemRange(self.subject(part.low, low), self.subject(part.high, high.operand), high.less))
            active = self.has_item(first, items[0], end, ItemsCheck(tuple(checked)))
            self.locals |= {part.variable: item for part, item in zip(statement.ranges, items)}
            self.guarded(active, statement.body, at, statement)

    def has_item(self, first: Range, item: int, end: FirstEnd, check: ItemsCheck) -> int:
        """Emit whether a processor has an item, from its item of the first range."""
        active, x = self.register(), _register(item)
        if end.shift is not None:
            self.emit("addsat", x, end.shift, rd=active, at=first.high.at, trap=Trap.OPERANDS)
            x = _register(active)
        self.emit(self.of_words(end.test), x, end.bound, rd=active, at=first.at, trap=end.trap, checks=(check,))
        return active

    def low_end(self, low: Expression) -> Operand:
        """Return the first item. A number that fits every word size is a constant of the code."""
        small = isinstance(low, Number) and 0 <= low.value <= largest_word(MIN_WORD_BITS)
        return self.value(low) if small or not self.symbols.is_parametric(low) else self.parameter(derived.saturated(low))

    def inner_end(self, part: Range) -> InnerEnd | None:
        """Emit the end of a further range, if the program computes it."""
        if self.symbols.is_parametric(part.low) and self.symbols.is_parametric(part.high):
            return None
        if self.may_be_negative(part.high):
            return InnerEnd(self.exclusive_end(part.high), constant(1))
        return InnerEnd(self.value(part.high))

    def inner_extents(self, parts: Sequence[Range], lows: Sequence[Operand], ends: Sequence[InnerEnd | None]) -> list[Operand]:
        """Return the number of items of each range after the first. It is 0 if a range after it has none.

        A number by which pids are divided may be 0: then the quotient is the largest word, and nobody has an item.
        """
        found: list[Operand] = []
        known: Expression | None = None  # whether the ranges after it have items, if parameters tell
        for part, low, end in reversed(list(zip(parts, lows, ends))):
            if end is None:
                extent = derived.extent(part)
                here = extent if known is None else Binary("*", extent, known, part.at)
                known = Binary(">", here, Number(0), part.at)
                operand = self.parameter(here)
            else:
                operand = self.extent_of_words(low, end, part.at)
            later = [o for o, e in zip(found, list(ends)[::-1]) if e is not None]
            found.append(self.none_if_empty(operand, later[-1], part.at) if later else operand)
        return found[::-1]

    def extent_of_words(self, low: Operand, end: InnerEnd, at: Span) -> Operand:
        """Emit max(high + 1, low) - low, in as many steps for each kind of end."""
        extent = self.register()
        if end.less == constant(1):
            self.emit("mov", end.operand, rd=extent, at=at)
        else:
            self.emit("add", end.operand, constant(1), rd=extent, at=at, trap=self.checked)
        self.emit(self.of_words("max"), _register(extent), low, rd=extent, at=at)
        self.emit("sub", _register(extent), low, rd=extent, at=at)
        return _register(extent)

    def none_if_empty(self, extent: Operand, later: Operand, at: Span) -> Operand:
        """Emit the extent, or 0 if a later range has no items."""
        result = self.register()
        self.emit("ne", later, constant(0), rd=result, at=at)
        self.emit("mul", _register(result), extent, rd=result, at=at)
        return _register(result)

    def divide_pid(self, items: Sequence[int], extents: Sequence[Operand], at: Span) -> Operand:
        """Emit the index of each range into the register of its item. Return the operand with the index of the first range."""
        index = PID
        for number in range(len(items) - 1, 0, -1):
            quotient = self.register() if number > 1 else items[0]
            extent = extents[number - 1]
            self.emit("div", index, extent, rd=quotient, at=at)
            self.emit("mul", _register(quotient), extent, rd=items[number], at=at)
            self.emit("sub", index, _register(items[number]), rd=items[number], at=at)
            index = _register(quotient)
        return index


def _register(number: int) -> Operand:
    return Operand("register", number)
