"""Translates expressions to machine code, by the cost rules of the language (docs/language.md, section 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import dropwhile

from lockstep.pram import derived
from lockstep.pram.declarations import Symbols
from lockstep.pram.errors import Span
from lockstep.pram.instructions import PID, Check, Decision, IndexCheck, Instruction, Operand, Subject, Trap, constant
from lockstep.pram.syntax import Binary, Expression, Index, Name, Not, Number, left_chain
from lockstep.pram.word import SYMBOLS


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
        self.arithmetic = Trap.OPERANDS if symbols.word and symbols.word.wrap else Trap.ARITHMETIC

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
            y = self.value(node.right)
            self.free = free
            target = rd if rd is not None and node is chain[-1] else self.register()
            self.emit(SYMBOLS[node.operator], x, y, rd=target, at=node.at, trap=self.arithmetic)
            x = Operand("register", target)
        return x

    def load(self, address: tuple[Operand, Operand], checks: tuple[Check, ...], rd: int | None, at: Span) -> Operand:
        rd = self.register() if rd is None else rd
        self.emit("load", *address, rd=rd, at=at, checks=checks)
        return Operand("register", rd)

    def address(self, index: Index) -> tuple[tuple[Operand, Operand], tuple[Check, ...]]:
        """Return two operands whose sum is a cell's address, and the checks that the access must pass."""
        name, subscripts = index.name, index.subscripts
        if all(self.symbols.is_parametric(s) for s in subscripts):
            checks = tuple(IndexCheck(name, axis, s) for axis, s in enumerate(subscripts))
            return (self.parameter(derived.address_of(name, subscripts)), constant(0)), checks
        if len(subscripts) == 1:
            offset = self.value(subscripts[0])
            return (self.parameter(derived.base_of(name)), offset), (IndexCheck(name, 0, self.subject(subscripts[0], offset)),)
        row, column = (self.value(s) for s in subscripts)
        row_check, column_check = (
            IndexCheck(name, a, self.subject(s, o)) for a, (s, o) in enumerate(zip(subscripts, (row, column)))
        )
        rd = self.register()
        at = index.at
        self.emit("mul", row, self.parameter(derived.columns_of(name)), rd=rd, at=at, checks=(row_check,))
        self.emit("add", Operand("register", rd), column, rd=rd, at=at, checks=(column_check,))
        return (self.parameter(derived.base_of(name)), Operand("register", rd)), ()

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
