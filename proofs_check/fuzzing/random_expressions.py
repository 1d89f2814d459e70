"""Writes random expressions of the language, as text; `random_cells.py` writes those that read memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from lockstep.pram.functions import lg
from lockstep.pram.parameters import OPERATORS
from lockstep.pram.syntax import COMPARISONS
from lockstep.proofs_check.fuzzing.random_scopes import ArrayShape, Expr, Scope, ones
from lockstep.proofs_check.fuzzing.shrinking import Choose

T = TypeVar("T")

ON_WORDS = ["+", "-", "*", "<<", ">>", "&", "|", "^"]
#: Operations that take another form, and functions; an argument of `LOGARITHMS` may not be 0.
MORE_ON_WORDS = ["/", "%", "max", "min", "floor(/)"]
LOGARITHMS = {"lg": "lg({})", "log": "floor(log({}))", "log up": "ceil(log({}))", "ctz": "ctz({})"}


class Expressions:
    """Draws expressions, given the mode, parameters, arrays and word size of a program.

    risky: sometimes write operations that may trap. colliding: sometimes let processors access a cell together although
    the mode may forbid it.
    """

    mode: str
    bits: int
    wrap: bool
    signed: bool = False
    declared: bool = False

    def __init__(self, choose: Choose) -> None:
        self.draw = choose
        self.risky = self.chance(2)
        self.colliding = self.chance(4)
        self.params: list[Expr] = []
        self.arrays: list[ArrayShape] = []
        self.own_arrays: list[ArrayShape] = []
        self.numbers_joined: list[str] = []  # parameter expressions that take numbers for truth values

    @property
    def limit(self) -> int:
        """The largest word."""
        return (1 << self.bits - self.signed) - 1

    def pick(self, *options: T) -> T:
        return self.draw(options)

    def chance(self, n: int) -> bool:
        """True with probability 1 / n."""
        return self.pick(*[False] * (n - 1), True)

    def careful(self, risks: int = 12) -> bool:
        """Whether to avoid traps here; a risky program does not, with probability 1 / risks."""
        return not (self.risky and self.chance(risks))

    def keeps_apart(self) -> bool:
        """Whether each processor must access a different cell here."""
        return self.careful() and not (self.colliding and self.chance(2))

    # -- parameter expressions -----------------------------------------------------------------

    def number(self, value: int) -> Expr:
        """A number. Without `word`, a minus before it would make all words signed, so it is written as a difference."""
        if value < 0:
            return Expr(str(value) if self.declared else f"(0 - {-value})", value, value, parametric=True)
        return Expr(f"{value:#x}" if value > 9 else str(value), value, value, parametric=True)

    def parametric(self, depth: int = 2) -> Expr:
        """A random parameter expression, with its exact value."""
        if depth == 0 or self.pick(True, False, False):
            return self.pick(*self.params, self.number(self.pick(0, 1, 2, 3, 4)))
        name = self.pick(*OPERATORS, *OPERATORS, "not", "lg", "max", "min", "if")
        a, b = self.parametric(depth - 1), self.parametric(depth - 1)
        if name in ("<<", ">>", "/", "%"):
            b = self.number(self.pick(1, 2, 3))
        if name in ("not", "lg"):
            text, value = (f"(not {a.text})", int(not a.low)) if name == "not" else (f"lg(max(1, {a.text}))", lg(max(1, a.low)))
        elif name == "if":
            text, value = f"(if {a.text} > 1 then {a.text} else {b.text})", a.low if a.low > 1 else b.low
        elif name in ("max", "min"):
            text, value = f"{name}({a.bare}, {b.text})", (max if name == "max" else min)(a.low, b.low)
        else:
            text, value = f"({a.text} {name} {b.text})", int(OPERATORS[name](a.low, b.low))
        if name in ("not", "and", "or"):
            self.numbers_joined.append(text[1:-1])
        return Expr(text, value, value, parametric=True)

    def exactly(self, value: int) -> Expr:
        """A random parameter expression that has this value."""
        if self.pick(True, False) or not self.params:
            return self.number(value)
        term = self.parametric(self.pick(0, 0, 1))
        off = value - term.low
        text = f"({term.text} {'+' if off > 0 else '-'} {abs(off)})" if off else term.text
        return Expr(text, value, value, parametric=True)

    # -- expressions ---------------------------------------------------------------------------

    def word(self, scope: Scope, depth: int, uniform: bool = False) -> Expr:
        """A random expression of words; uniform: it must have the same value on all processors."""
        kinds = ("leaf", "read", "read", "operation", "operation", "truth", "other_operation", "function", "conditional")
        kind = self.pick(*kinds) if depth else "leaf"
        return self.draw.group(lambda: getattr(self, kind)(scope, depth, uniform))  # type: ignore[no-any-return]

    def leaf(self, scope: Scope, depth: int, uniform: bool) -> Expr:
        names = [t for t in scope.variables if t.uniform or not uniform]
        large = self.wrap or not self.careful(2)
        literal = self.number(self.pick(0, 1, 2, 3, 5, self.limit if large else 4))
        if large and literal.low == self.limit and self.chance(2):
            literal = Expr("inf", self.limit, self.limit, parametric=True)
        term = self.parametric() if self.chance(5) else self.pick(literal, *names, *names)
        if not 0 <= term.low <= term.high <= self.limit and self.careful(2):
            return self.number(self.pick(1, self.limit))
        return term

    def operation(self, scope: Scope, depth: int, uniform: bool) -> Expr:
        name = self.pick(*ON_WORDS)
        a, b = self.steered(name, self.word(scope, depth - 1, uniform), self.word(scope, depth - 1, uniform))
        low, high = _interval(name, a, b)
        if not 0 <= low <= high <= self.limit:
            low, high = 0, self.limit
        distinct = name in "+-^" and (a.distinct and b.uniform or a.uniform and b.distinct)
        return Expr(f"({a.text} {name} {b.text})", low, high, a.uniform and b.uniform, distinct, a.parametric and b.parametric)

    def steered(self, name: str, a: Expr, b: Expr) -> tuple[Expr, Expr]:
        """The operands, masked if the result may be no word. Under `wrap` only parametric operands need that."""
        if name in ("<<", ">>") and a.parametric and b.parametric:
            return a, self.number(self.pick(1, 2, 3))  # parametric integers do not wrap and could become huge
        if self.wrap and not (a.parametric and b.parametric):
            return a, b
        if not self.careful(2):
            return a, self.number(self.limit) if name in ("+", "*") and not a.parametric and self.chance(3) else b
        if name == "-" and a.low < b.high:
            low = ones(b.high)
            a = Expr(f"({a.text} | {self.number(low).text})", low, ones(max(a.high, low)), a.uniform, parametric=a.parametric)
        elif name == "+" and a.high + b.high > self.limit:
            a, b = self.mask(a, self.limit >> 1), self.mask(b, self.limit >> 1)
        elif name == "*" and a.high * b.high > self.limit:
            a, b = (self.mask(t, (1 << self.bits // 2) - 1) for t in (a, b))
        elif name in ("<<", ">>"):
            b = self.mask(b, 3)
            a = self.mask(a, self.limit >> max(b.high, 0)) if name == "<<" else a
        return a, b

    def other_operation(self, scope: Scope, depth: int, uniform: bool) -> Expr:
        """A division, a larger or smaller word, or a negative one."""
        # Without `word`, a minus would make all words signed.
        name = self.pick(*MORE_ON_WORDS, *["negative"] * self.declared)
        a, b = self.word(scope, depth - 1, uniform), self.word(scope, depth - 1, uniform)
        parametric = a.parametric and b.parametric
        if name == "negative":
            wraps = self.wrap and not a.parametric or not self.careful(4)
            text = f"(-{a.text})" if wraps else f"(-({a.text} * 0))"
            return Expr(text, 0, self.limit if wraps else 0, a.uniform, parametric=a.parametric)
        if name in ("max", "min"):
            low, high = (max(a.low, b.low), max(a.high, b.high)) if name == "max" else (min(a.low, b.low), min(a.high, b.high))
            return Expr(f"{name}({a.bare}, {b.bare})", low, high, a.uniform and b.uniform, parametric=parametric)
        b = self.positive(b)
        high = max(0, b.high - 1) if name == "%" else max(0, a.high)
        text = f"floor({a.text} / {b.text})" if name == "floor(/)" else f"({a.text} {name} {b.text})"
        return Expr(text, 0, high, a.uniform and b.uniform, parametric=parametric)

    def positive(self, term: Expr) -> Expr:
        """The term, or `term | 1` if it may be 0. Parametric terms are always positive: they are evaluated even if unused."""
        if term.parametric or term.low <= 0 and self.careful():
            return Expr(f"({term.text} | 1)", 1, max(1, ones(term.high)), term.uniform, parametric=term.parametric)
        return term

    def function(self, scope: Scope, depth: int, uniform: bool) -> Expr:
        """A function of one word."""
        name, a = self.pick(*LOGARITHMS, "popcount"), self.word(scope, depth - 1, uniform)
        if a.parametric:  # it is computed at the start, even if nobody uses it
            a = replace(a, text=f"max({a.bare}, 1)", low=1, high=max(a.high, 1))
        if name == "popcount":
            return Expr(f"popcount({a.bare})", 0, self.bits, a.uniform, parametric=a.parametric)
        a = self.positive(a)
        return Expr(LOGARITHMS[name].format(a.bare), 0, max(1, a.high).bit_length(), a.uniform, parametric=a.parametric)

    def conditional(self, scope: Scope, depth: int, uniform: bool) -> Expr:
        return self.either(self.truth(scope, depth - 1, uniform), *(self.word(scope, depth - 1, uniform) for _ in range(2)))

    def either(self, condition: Expr, a: Expr, b: Expr) -> Expr:
        """One of two values, as a condition says."""
        low, high, terms = min(a.low, b.low), max(a.high, b.high), (condition, a, b)
        text = f"(if {condition.bare} then {a.bare} else {b.bare})"
        return Expr(text, low, high, all(t.uniform for t in terms), parametric=all(t.parametric for t in terms))

    def mask(self, term: Expr, high: int, always: bool = False) -> Expr:
        """The term, or `term & high` if it may be larger than `high`, a number whose bits are all ones."""
        if 0 <= term.low <= term.high <= high or not (always or self.careful()):
            return term
        return Expr(f"({term.text} & {self.number(high).text})", 0, high, term.uniform, parametric=term.parametric)

    def truth(self, scope: Scope, depth: int, uniform: bool = False) -> Expr:
        others = ("and", "or", "and", "or", "not", "if")
        name = self.pick(*COMPARISONS, *COMPARISONS, *others) if depth else self.pick(*COMPARISONS)
        operand = self.truth if name in others else self.word
        far = 2 if name in ("and", "or") and self.chance(2) else 0  # so that many right sides read memory or divide
        a, b = operand(scope, max(0, depth - 1), uniform), operand(scope, max(far, depth - 1), uniform)
        if name == "if":
            return self.either(self.truth(scope, 0, uniform), a, b)
        if name == "not":
            return Expr(f"(not {a.text})", 0, 1, a.uniform, parametric=a.parametric)
        return Expr(f"({a.text} {name} {b.text})", 0, 1, a.uniform and b.uniform, parametric=a.parametric and b.parametric)


def _interval(name: str, a: Expr, b: Expr) -> tuple[int, int]:
    """Bounds of the exact result of an operation."""
    shift = min(b.high, 32)
    return {
        "+": (a.low + b.low, a.high + b.high),
        "-": (a.low - b.high, a.high - b.low),
        "*": (a.low * b.low, a.high * b.high),
        "<<": (0, a.high << max(0, shift)),
        ">>": (0, a.high),
        "&": (0, min(a.high, b.high)),
    }.get(name, (0, ones(max(a.high, b.high, 0))))
