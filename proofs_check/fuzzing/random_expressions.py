"""Writes random expressions of the language, as text; `random_programs.py` makes statements of them.

An `Expr` is a text with an estimate of its value. A `Scope` says what is visible and legal at one place of a program. With
both, expressions are masked so that most programs stay within their words and arrays. Nothing relies on these estimates: a
wrong one only means one more program that traps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from lockstep.pram.access import MODES
from lockstep.pram.functions import lg
from lockstep.pram.parameters import OPERATORS
from lockstep.pram.syntax import COMPARISONS
from lockstep.proofs_check.fuzzing.shrinking import Choose

T = TypeVar("T")

ON_WORDS = ["+", "-", "*", "<<", ">>", "&", "|", "^"]


@dataclass(frozen=True)
class Expr:
    """An expression, either an atom or in brackets, with an estimate of its value: low .. high.

    uniform: all processors have the same value. distinct: no two active processors have the same value. parametric: the
    expression contains only parameters and numbers.
    """

    text: str
    low: int
    high: int
    uniform: bool = True
    distinct: bool = False
    parametric: bool = False

    @property
    def bare(self) -> str:
        """The text without outer brackets."""
        return self.text[1:-1] if self.text.startswith("(") else self.text


@dataclass(frozen=True)
class Scope:
    """The variables visible to a statement, and which statements are legal.

    assignable: locals that may be assigned. padded: some processors may be idle, so no control is legal, and only names
    in `fixed` may bound a loop. divergent: processors differ in whether they are idle, so values assigned here vary.
    alone: only one processor is active. reads: memory may be read. pair: two variables that are distinct as a pair.
    depth, loops: the number of enclosing statements and loops.
    """

    variables: tuple[Expr, ...]
    assignable: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    padded: bool = False
    divergent: bool = False
    alone: bool = False
    reads: bool = True
    pair: tuple[Expr, Expr] | None = None
    depth: int = 0
    loops: int = 0

    def having(self, *variables: Expr, assignable: bool = False, loop: bool = False) -> Scope:
        """The scope after a declaration; loop: the declaration opens the body of a loop."""
        names = frozenset(t.text for t in variables)
        more = names if assignable else frozenset()
        inside = replace(self, variables=self.variables + variables, assignable=self.assignable | more)
        uniform = frozenset(t.text for t in variables if t.uniform)
        return replace(inside, depth=self.depth + 1, loops=self.loops + 1, fixed=self.fixed | uniform) if loop else inside

    def without(self, name: str) -> Scope:
        return replace(self, assignable=self.assignable - {name})

    def pad(self, uniform: bool, keep: bool = False) -> Scope:
        """The scope of a body in which some may be idle; keep: uniform locals stay assignable and cannot bound loops."""
        shared = {t.text for t in self.variables if t.uniform}
        divergent = self.divergent or not uniform
        left = self.assignable - shared if divergent or not (self.padded or keep) else self.assignable
        fixed = self.fixed if self.padded else frozenset(shared - left)
        return replace(self, assignable=left, fixed=fixed, padded=True, divergent=divergent, depth=self.depth + 1)


@dataclass(frozen=True)
class ArrayShape:
    """An array of the program: name, shape, and the range 0 .. high of its cells."""

    name: str
    shape: tuple[int, ...]
    high: int


class Expressions:
    """Draws expressions, given the mode, parameters, arrays and word size of a program.

    risky: sometimes write operations that may trap. colliding: sometimes let processors access a cell together although
    the mode may forbid it.
    """

    mode: str
    bits: int
    wrap: bool

    def __init__(self, choose: Choose) -> None:
        self.draw = choose
        self.risky = self.chance(2)
        self.colliding = self.chance(5)
        self.params: list[Expr] = []
        self.arrays: list[ArrayShape] = []

    @property
    def limit(self) -> int:
        """The largest word."""
        return (1 << self.bits) - 1

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
        return Expr(f"{value:#x}" if value > 9 else str(value), value, value, parametric=True)

    def parametric(self, depth: int = 2) -> Expr:
        """A random parameter expression, with its exact value."""
        if depth == 0 or self.pick(True, False, False):
            return self.pick(*self.params, self.number(self.pick(0, 1, 2, 3, 4)))
        name = self.pick(*OPERATORS, *OPERATORS, "not", "lg", "max", "min")
        a, b = self.parametric(depth - 1), self.parametric(depth - 1)
        if name in ("<<", ">>", "/", "%"):
            b = self.number(self.pick(1, 2, 3))
        if name in ("not", "lg"):
            text, value = (f"(not {a.text})", int(not a.low)) if name == "not" else (f"lg(max(1, {a.text}))", lg(max(1, a.low)))
        elif name in ("max", "min"):
            text, value = f"{name}({a.bare}, {b.text})", (max if name == "max" else min)(a.low, b.low)
        else:
            text, value = f"({a.text} {name} {b.text})", int(OPERATORS[name](a.low, b.low))
        return Expr(text, value, value, parametric=True)

    def exactly(self, value: int) -> Expr:
        """A random parameter expression that has this value."""
        if value >= 0 and self.pick(True, False) or not self.params:
            return self.number(value)
        term = self.parametric(self.pick(0, 0, 1))
        off = value - term.low
        text = f"({term.text} {'+' if off > 0 else '-'} {abs(off)})" if off else term.text
        return Expr(text, value, value, parametric=True)

    # -- expressions ---------------------------------------------------------------------------

    def word(self, scope: Scope, depth: int, uniform: bool = False) -> Expr:
        """A random expression of words; uniform: it must have the same value on all processors."""
        kind = self.pick("leaf", "read", "read", "operation", "operation", "truth") if depth else "leaf"
        return self.draw.group(lambda: getattr(self, kind)(scope, depth, uniform))  # type: ignore[no-any-return]

    def leaf(self, scope: Scope, depth: int, uniform: bool) -> Expr:
        names = [t for t in scope.variables if t.uniform or not uniform]
        literal = self.number(self.pick(0, 1, 2, 3, 5, self.limit if self.wrap or not self.careful(2) else 4))
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

    def mask(self, term: Expr, high: int, always: bool = False) -> Expr:
        """The term, or `term & high` if it may be larger than `high`, a number whose bits are all ones."""
        if 0 <= term.low <= term.high <= high or not (always or self.careful()):
            return term
        return Expr(f"({term.text} & {self.number(high).text})", 0, high, term.uniform, parametric=term.parametric)

    def truth(self, scope: Scope, depth: int, uniform: bool = False) -> Expr:
        name = self.pick(*COMPARISONS, *COMPARISONS, "and", "or", "not") if depth else self.pick(*COMPARISONS)
        operand = self.truth if name in ("and", "or", "not") else self.word
        a, b = (operand(scope, max(0, depth - 1), uniform) for _ in range(2))
        if name == "not":
            return Expr(f"(not {a.text})", 0, 1, a.uniform, parametric=a.parametric)
        return Expr(f"({a.text} {name} {b.text})", 0, 1, a.uniform and b.uniform, parametric=a.parametric and b.parametric)

    def read(self, scope: Scope, depth: int, uniform: bool) -> Expr:
        exclusive = not MODES[self.mode].concurrent_reads and not scope.alone and self.keeps_apart()
        cell = self.cell(scope, exclusive, uniform, depth) if scope.reads and not (exclusive and uniform) else None
        return cell or self.leaf(scope, depth, uniform)

    def cell(self, scope: Scope, exclusive: bool, uniform: bool, depth: int) -> Expr | None:
        """A scalar or a cell; exclusive: a different one for each active processor. None if that is impossible."""
        array = self.pick(*self.arrays)
        if 0 in array.shape and self.careful():
            return None
        if exclusive:
            subscripts = self.own_subscripts(scope, array.shape)
        else:
            subscripts = [self.index(scope, extent, uniform, depth - 1) for extent in array.shape]
        if subscripts is None:
            return None
        inside = ", ".join(s.bare for s in subscripts)
        return Expr(array.name + (f"[{inside}]" if inside else ""), 0, array.high, all(s.uniform for s in subscripts))

    def index(self, scope: Scope, extent: int, uniform: bool, depth: int) -> Expr:
        """A subscript: a random word, masked to the extent."""
        term = self.word(scope, max(0, depth), uniform)
        term = self.mask(term, (1 << extent.bit_length() - 1) - 1) if term.high >= extent > 0 else term
        literal_outside = term.text.isalnum() and term.parametric and term.high >= extent  # the analysis refuses such a literal
        return replace(term, text=f"({term.text} + 0)") if literal_outside else term

    def own_subscripts(self, scope: Scope, shape: tuple[int, ...]) -> list[Expr] | None:
        """Subscripts that differ between any two active processors; None if there are none."""
        if scope.pair and len(shape) == 2 and all(t.high < extent for t, extent in zip(scope.pair, shape)):
            return list(scope.pair)
        axis = self.pick(*range(len(shape))) if shape else 0
        distinct = self.own_index(scope, shape[axis]) if shape else None
        if distinct is None:
            return None
        return [distinct if k == axis else self.index(scope, extent, False, 0) for k, extent in enumerate(shape)]

    def own_index(self, scope: Scope, extent: int) -> Expr | None:
        """A subscript of one dimension that differs between active processors: a distinct variable, perhaps shifted."""
        fitting = [t for t in scope.variables if t.distinct and t.high < extent]
        if not fitting:
            return None
        distinct = self.pick(*fitting)
        room = extent - 1 - distinct.high
        steps = [t for t in scope.variables if t.uniform and t.high <= room]
        if room and self.chance(2):
            step = self.pick(self.exactly(self.pick(*range(1, room + 1))), *steps)
            return Expr(f"({distinct.text} + {step.text})", distinct.low, distinct.high + step.high, False, distinct=True)
        if distinct.low and self.chance(2):
            return Expr(
                f"({distinct.text} - {self.exactly(distinct.low).text})", 0, distinct.high - distinct.low, False, distinct=True
            )
        return distinct


def ones(value: int) -> int:
    """The smallest number 2^b - 1 that is at least the value."""
    return int((1 << value.bit_length()) - 1)


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
