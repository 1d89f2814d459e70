"""Translates expressions to machine code, by the cost rules of the language (docs/language.md, section 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import dropwhile

from lockstep.pram import derived, functions
from lockstep.pram.declarations import Symbols
from lockstep.pram.errors import Span
from lockstep.pram.functions import FUNCTIONS
from lockstep.pram.instructions import PID, Check, Decision, IndexCheck, Instruction, Operand, Subject, Trap, constant
from lockstep.pram.syntax import Binary, Call, Conditional, Expression, Index, Name, Not, Number, left_chain
from lockstep.pram.word import SIGNED, SYMBOLS


class Emitter:
    """Emits the code of expressions. Registers are a stack: first the locals, then the temporaries.

    idle:   only nops are emitted.
    pads:   how many pads surround the current place. Idle processors run the code of a pad.
    guards: how many bodies of `parallel` and `single` surround it.
    """

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self.code: list[Instruction] = []
        self.derived: dict[Expression, int] = {}
        self.locals: dict[str, int] = {}
        self.free = 0
        self.most_registers = 0
        self.idle = False
        self.pads = self.guards = 0
        self.checked = Trap.SIGNED if symbols.signed else Trap.ARITHMETIC
        self.arithmetic = Trap.OPERANDS if symbols.word and symbols.word.wrap else self.checked

    def of_words(self, operation: str) -> str:
        """Return the operation for the words of this program: signed words have some of their own."""
        return SIGNED.get(operation, operation) if self.symbols.signed else operation

    # -- emitting ------------------------------------------------------------------------------

    def emit(self, name: str, x: Operand | None = None, y: Operand | None = None, z: Operand | None = None, *,
             rd: int | None = None, at: Span, trap: Trap = Trap.NOTHING, checks: tuple[Check, ...] = (),
             decides: Decision | None = None) -> int:  # fmt: skip
        """Append an instruction, or a nop if `idle`, and return its index."""
        full = Instruction(name, x, y, z, rd, None, at, trap, checks, not self.guards, self.pads > 0, decides)
        self.code.append(Instruction("nop", at=at, idle=True) if self.idle else full)
        return len(self.code) - 1

    def patch(self, index: int, target: int | None = None) -> None:
        """Set the target of the jump at `index`, by default to the next instruction emitted."""
        if self.code[index].name != "nop":
            self.code[index] = replace(self.code[index], target=len(self.code) if target is None else target)

    def register(self) -> int:
        """Take the next free register."""
        self.free += 1
        self.most_registers = max(self.most_registers, self.free)
        return self.free - 1

    @contextmanager
    def scope(self) -> Iterator[None]:
        """At the end, free the registers and forget the names taken inside."""
        free, names = self.free, dict(self.locals)
        yield
        self.free, self.locals = free, names

    @contextmanager
    def as_idle(self, idle: bool) -> Iterator[None]:
        """Set `idle` for a while."""
        before, self.idle = self.idle, idle
        yield
        self.idle = before

    def parameter(self, expression: Expression) -> Operand:
        """Return the derived parameter for an expression; equal expressions share one."""
        return Operand("parameter", self.derived.setdefault(expression, len(self.derived)))

    # -- expressions ---------------------------------------------------------------------------

    def value(self, expression: Expression, rd: int | None = None) -> Operand:
        """Return an operand with the expression's value. If that needs code, the result is in `rd`, or else in a new register."""
        if self.symbols.is_parametric(expression):
            return constant(expression.value) if isinstance(expression, Number) else self.parameter(expression)
        match expression:
            case Name("pid"):
                return PID
            case Name(name) if name in self.locals:
                return Operand("register", self.locals[name])
            case Name(name, at):
                return self.load(self.address(Index(name, (), at))[0], (), rd, at)
            case Index(_, _, at):
                with self.scope():
                    address, checks = self.address(expression)
                return self.load(address, checks, rd, at)
            case Not(operand, at):
                return self.operations([Binary("==", operand, Number(0), at)], rd)
            case Binary():
                return self.operations(self.computed(expression), rd)
            case Call():
                return self.call(expression, rd)
            case Conditional():
                return self.conditional(expression, rd)
        raise AssertionError(f"analysis should refuse {expression}")

    def computed(self, top: Binary) -> list[Binary]:
        """Return the nodes of a chain of operators that need code: those after its longest parametric beginning."""
        chain = left_chain(top)
        if not self.symbols.is_parametric(chain[0].left):
            return chain
        return list(dropwhile(lambda node: self.symbols.is_parametric(node.right), chain))

    def operations(self, chain: Sequence[Binary], rd: int | None) -> Operand:
        """Emit a chain of operators from left to right. Only the last operation writes to `rd`."""
        free = self.free
        x = self.value(chain[0].left)
        for node in chain:
            last = rd if node is chain[-1] else None
            if self.symbols.is_guarded(node):
                x = self.guarded_truth(node, x, last, free)
                continue
            y = self.value(node.right)
            if node.operator == "%":
                x = self.remainder(node, x, y, last, free)
                continue
            self.free = free
            target = self.register() if last is None else last
            self.emit(self.of_words(SYMBOLS[node.operator]), x, y, rd=target, at=node.at, trap=self.arithmetic)
            x = Operand("register", target)
        return x

    def remainder(self, node: Binary, x: Operand, y: Operand, rd: int | None, free: int) -> Operand:
        """Emit x - (x / y) * y. The product and the difference wrap, so that they are right for signed words, too."""
        quotient = self.register()
        product = Operand("register", quotient)
        self.emit(self.of_words("div"), x, y, rd=quotient, at=node.at, trap=self.arithmetic)
        self.emit("mul", product, y, rd=quotient, at=node.at)
        self.free = free
        target = self.register() if rd is None else rd
        self.emit("sub", x, product, rd=target, at=node.at)
        return Operand("register", target)

    def guarded_truth(self, node: Binary, x: Operand, rd: int | None, free: int) -> Operand:
        """Emit an `and` or `or` whose right side is only computed where the left side does not decide.

        Both ways take the same time. Where the left side decides, a move stands in the place of the first step of the right.
        """
        at = node.at
        branch = self.emit("jz", x, at=at)
        self.free = free
        target = self.register() if rd is None else rd
        if self.idle:
            self.value(node.right, target)
        else:
            self.one_way(node.right, target, None if node.operator == "and" else 1)
            leave = self.emit("jmp", at=at)
            self.patch(branch)
            self.one_way(node.right, target, 0 if node.operator == "and" else None)
        self.emit("nop", at=at)
        if not self.idle:
            self.patch(leave)
        return Operand("register", target)

    def one_way(self, right: Expression, target: int, result: int | None) -> None:
        """Emit the right side; or, if there is a result, as many steps, of which the first sets the result."""
        start = len(self.code)
        with self.scope(), self.as_idle(result is not None):
            self.value(right, target)
        if result is not None:
            first = self.code[start]
            of_all = not self.guards
            self.code[start] = Instruction("mov", constant(result), rd=target, at=first.at, run_by_all=of_all, idle=True)

    def conditional(self, expression: Conditional, rd: int | None) -> Operand:
        """Emit `if c then a else b` as a value: as the statement `if`, which assigns in both branches."""
        target, at = self.register() if rd is None else rd, expression.at
        with self.scope():
            condition = self.value(expression.condition)
            branch = self.emit("jz", condition, at=at, trap=Trap.OPERANDS, decides=expression.condition)
        self.branch_value(expression.yes, target)
        self.branch_value(expression.no, target, idle=True)
        if self.idle:
            self.emit("nop", at=at)
            return Operand("register", target)
        leave = self.emit("jmp", at=at)
        self.patch(branch)
        self.branch_value(expression.yes, target, idle=True)
        self.branch_value(expression.no, target)
        self.emit("nop", at=at)
        self.patch(leave)
        return Operand("register", target)

    def branch_value(self, value: Expression, target: int, idle: bool = False) -> None:
        with self.scope(), self.as_idle(self.idle or idle):
            self.assign(target, value, value.at)

    def call(self, call: Call, rd: int | None) -> Operand:
        """Emit a function of words: one operation."""
        name, arguments = functions.resolve(call)
        free = self.free
        x, *rest = (self.value(argument) for argument in arguments)
        self.free = free
        target = self.register() if rd is None else rd
        y = rest[0] if rest else None
        self.emit(self.of_words(FUNCTIONS[name].operation), x, y, rd=target, at=call.at, trap=self.arithmetic)
        return Operand("register", target)

    def load(self, address: tuple[Operand, Operand], checks: tuple[Check, ...], rd: int | None, at: Span) -> Operand:
        rd = self.register() if rd is None else rd
        self.emit("load", *address, rd=rd, at=at, checks=checks)
        return Operand("register", rd)

    def address(self, index: Index) -> tuple[tuple[Operand, Operand], tuple[Check, ...]]:
        """Return two operands whose sum is a cell's address, and the checks that the access must pass."""
        name, subscripts = index.name, index.subscripts
        firsts = self.symbols.arrays[name].firsts
        if all(self.symbols.is_parametric(s) for s in subscripts):
            checks = tuple(IndexCheck(name, axis, s) for axis, s in enumerate(subscripts))
            return (self.parameter(derived.address_of(name, subscripts, firsts)), constant(0)), checks
        operands = [self.value(s) for s in subscripts]
        of_axes = [IndexCheck(name, axis, self.subject(s, o)) for axis, (s, o) in enumerate(zip(subscripts, operands))]
        origin = self.parameter(derived.origin_of(name, firsts))
        if len(subscripts) == 1:
            return (origin, operands[0]), (of_axes[0],)
        offset, rd = operands[0], self.register()
        for axis, operand in enumerate(operands[1:], 1):
            extent = self.parameter(derived.extent_of(name, axis, len(subscripts)))
            self.emit("mul", offset, extent, rd=rd, at=index.at, checks=(of_axes[0],) if axis == 1 else ())
            self.emit("add", Operand("register", rd), operand, rd=rd, at=index.at, checks=(of_axes[axis],))
            offset = Operand("register", rd)
        return (origin, offset), ()

    def subject(self, expression: Expression, operand: Operand) -> Subject:
        """Return what a check looks at: a parameter expression, for its exact integer, or else the operand, for its word."""
        return expression if self.symbols.is_parametric(expression) else operand

    def assign(self, register: int, value: Expression, at: Span) -> None:
        """Emit `register := value`; it takes at least one step."""
        operand = self.value(value, rd=register)
        if self.is_operand(value):
            self.emit("mov", operand, rd=register, at=at, trap=Trap.OPERANDS)

    def is_operand(self, value: Expression) -> bool:
        """Return whether an expression needs no code: it is a local, `pid` or parametric."""
        local = isinstance(value, Name) and (value.name in self.locals or value.name == "pid")
        return local or self.symbols.is_parametric(value)
