"""Translates expressions to machine code, by the cost rules of the language (docs/language.md, section 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import dropwhile

from lockstep.pram import clamping, derived, functions
from lockstep.pram.access import Combining
from lockstep.pram.clamping import SIGNS, is_sum
from lockstep.pram.declarations import Symbols
from lockstep.pram.errors import Span
from lockstep.pram.functions import FUNCTIONS
from lockstep.pram.instructions import (
    PID,
    Check,
    Decision,
    IndexCheck,
    Instruction,
    Kept,
    Operand,
    Subject,
    Trap,
    WholeCheck,
    constant,
)
from lockstep.pram.syntax import Binary, Call, Conditional, Expression, Index, Name, Not, Number, left_chain
from lockstep.pram.word import MIN_WORD_BITS, SIGNED, SYMBOLS, largest_word

#: The operators whose result modulo 2^w depends on their operands modulo 2^w alone.
MODULAR = ("+", "-", "*", "&", "|", "^")


@dataclass(frozen=True)
class Term:
    """A term of a sum, or an argument of `max` or `min`, in an operand.

    exact: where its exact integer is, if that need not be a word; None: the operand is a word that has been judged.
    """

    operand: Operand
    exact: Subject | Kept | None = None

    @property
    def integer(self) -> Subject | Kept:
        return self.operand if self.exact is None else self.exact


class Emitter:
    """Emits the code of expressions. Registers are a stack: first the locals, then the temporaries.

    idle:   only nops are emitted.
    pads:   how many pads surround the current place. Idle processors run the code of a pad.
    guards: how many bodies of `parallel` and `single` surround it.
    """

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self.code: list[Instruction] = []
        self.names: list[dict[str, int]] = []  # those of the locals, at each instruction
        self.derived: dict[Expression, int] = {}
        self.locals: dict[str, int] = {}
        self.free = 0
        self.most_registers = 0
        self.idle = False
        self.pads = self.guards = 0
        self.checked = Trap.SIGNED if symbols.signed else Trap.ARITHMETIC
        wraps = symbols.word is not None and symbols.word.wrap
        self.arithmetic = Trap.OPERANDS if wraps else self.checked
        # Modulo 2^w, an operand of these may be any integer.
        self.modular = Trap.UNDEFINED if wraps else self.checked
        self.moves = Trap.UNDEFINED if wraps else Trap.OPERANDS
        self.judges_sums = not wraps

    def of_words(self, operation: str) -> str:
        """Return the operation for the words of this program: signed words have some of their own."""
        return SIGNED.get(operation, operation) if self.symbols.signed else operation

    # -- emitting ------------------------------------------------------------------------------

    def emit(self, name: str, x: Operand | None = None, y: Operand | None = None, z: Operand | None = None, *,
             rd: int | None = None, at: Span, trap: Trap = Trap.NOTHING, checks: tuple[Check, ...] = (),
             decides: Decision | None = None, rule: Combining | None = None) -> int:  # fmt: skip
        """Append an instruction, or a nop if `idle`, and return its index."""
        full = Instruction(name, x, y, z, rd, None, at, trap, checks, not self.guards, self.pads > 0, decides, rule)
        self.code.append(Instruction("nop", at=at, idle=True) if self.idle else full)
        same = bool(self.names) and self.names[-1] == self.locals  # most instructions: they share the names
        self.names.append(self.names[-1] if same else dict(self.locals))
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
        return self.chain(chain, rd).operand

    def chain(self, chain: Sequence[Binary], rd: int | None, part: bool = False) -> Term:
        """Emit a chain of operators. part: it ends in a sum that is a term of another sum, so that its value may be no word."""
        free = self.free
        x = Term(self.value(chain[0].left))
        for node, following in zip(chain, (*chain[1:], None)):
            last = rd if following is None else None
            if self.symbols.is_guarded(node):
                x = Term(self.guarded_truth(node, x.operand, last, free))
                continue
            sums = self.judges_sums and node.operator in SIGNS
            y = self.term(node.right) if sums else Term(self.value(node.right))
            if node.operator == "%":
                x = Term(self.remainder(node, x.operand, y.operand, last, free))
                continue
            self.free = free
            target = self.register() if last is None else last
            if sums:
                ends = not part if following is None else following.operator not in SIGNS
                x = self.sum_step(node, x, y, target, ends)
                continue
            operation = self.of_words(SYMBOLS[node.operator])
            trap = self.modular if node.operator in MODULAR else self.arithmetic
            self.emit(operation, x.operand, y.operand, rd=target, at=node.at, trap=trap)
            x = Term(Operand("register", target))
        return x

    def term(self, expression: Expression) -> Term:
        """Emit a term of a sum. A sum in parentheses is part of the sum around it."""
        if isinstance(expression, Binary) and is_sum(expression) and not self.symbols.is_parametric(expression):
            return self.chain(self.computed(expression), None, part=True)
        return Term(self.value(expression))

    def sum_step(self, node: Binary, x: Term, y: Term, rd: int, ends: bool) -> Term:
        """Emit an operation of a sum. Words wrap, so that the word of the whole is right; it is judged where the sum ends."""
        name, target = SYMBOLS[node.operator], Operand("register", rd)
        if ends and self.is_always_word(x) and self.is_always_word(y):
            self.emit(name, x.operand, y.operand, rd=rd, at=node.at, trap=self.checked)
            return Term(target)
        check = WholeCheck("add" if name == "add" else "sub", x.integer, y.integer, node if ends else None)
        self.emit(name, x.operand, y.operand, rd=rd, at=node.at, checks=(check,))
        return Term(target, None if ends else Kept(rd))

    def is_always_word(self, term: Term) -> bool:
        """Return whether a term is a word for all parameters and word sizes."""
        kind, number = term.operand.kind, term.operand.number
        small = kind == "constant" and 0 <= number <= largest_word(MIN_WORD_BITS, self.symbols.signed)
        return term.exact is None and (kind in ("register", "pid") or small)

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
        if name == "max" and self.judges_sums and not self.symbols.signed:
            return self.extreme(call, rd).operand
        free = self.free
        x, *rest = (self.value(argument) for argument in arguments)
        self.free = free
        target = self.register() if rd is None else rd
        y = rest[0] if rest else None
        self.emit(self.of_words(FUNCTIONS[name].operation), x, y, rd=target, at=call.at, trap=self.arithmetic)
        return Operand("register", target)

    def extreme(self, call: Call, rd: int | None, part: bool = False) -> Term:
        """Emit a `max`, or a `min` inside it. Where an argument is negative, its operand is 0.

        part: it is an argument itself. If its value may be negative, the exact integers are kept, and judged in the outermost.
        """
        free = self.free
        x, y = (self.argument(argument) for argument in call.arguments)
        self.free = free
        target, name = self.register() if rd is None else rd, call.function
        unsure = [term.exact is not None for term in (x, y)]
        checks: tuple[Check, ...] = ()
        if all(unsure) if name == "max" else any(unsure):
            checks = (WholeCheck("max" if name == "max" else "min", x.integer, y.integer, None if part else call),)
        self.emit(name, x.operand, y.operand, rd=target, at=call.at, trap=self.arithmetic, checks=checks)
        return Term(Operand("register", target), Kept(target) if checks and part else None)

    def argument(self, expression: Expression) -> Term:
        """Emit an argument of `max`, or 0 where it is negative."""
        if self.symbols.is_parametric(expression):
            floored = clamping.floored(expression, self.symbols.params)
            return Term(self.value(floored), None if floored is expression else expression)
        if isinstance(expression, Call) and expression.function in ("max", "min"):
            return self.extreme(expression, None, part=True)
        found = clamping.sides(expression, self.symbols.is_parametric)
        return Term(self.value(expression)) if found is None else self.difference(*found, expression.at)

    def difference(self, plus: Expression, minus: Expression, at: Span, rd: int | None = None) -> Term:
        """Emit max(plus, minus) - minus, which is 0 where plus - minus is negative."""
        free = self.free
        x, y = self.value(plus), self.value(minus)
        larger = self.register()
        self.emit("max", x, y, rd=larger, at=at, trap=Trap.OPERANDS)
        self.free = free
        target = self.register() if rd is None else rd
        self.emit("sub", Operand("register", larger), y, rd=target, at=at, checks=(WholeCheck("sub", x, y, None),))
        return Term(Operand("register", target), Kept(target))

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

    def assign(self, register: int, value: Expression, at: Span, trap: Trap | None = None) -> None:
        """Emit `register := value`; it takes at least one step."""
        operand = self.value(value, rd=register)
        if self.is_operand(value):
            self.emit("mov", operand, rd=register, at=at, trap=self.moves if trap is None else trap)

    def is_operand(self, value: Expression) -> bool:
        """Return whether an expression needs no code: it is a local, `pid` or parametric."""
        local = isinstance(value, Name) and (value.name in self.locals or value.name == "pid")
        return local or self.symbols.is_parametric(value)
