"""What random programs know of their values: expressions with estimates, arrays, and what is legal at a place.

An `Expr` is a text with an estimate of its value. A `Scope` says what is visible and legal at one place of a program. With
both, expressions are masked so that most programs stay within their words and arrays. Nothing relies on these estimates: a
wrong one only means one more program that traps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


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
    in `fixed` may bound a loop. divergent: processors differ in whether they are idle, so values assigned here vary. surely: the analysis
    takes them to differ, too (of some conditions it finds that all processors have the same value).
    alone: only one processor is active. reads: memory may be read. pair: two variables that are distinct as a pair.
    depth, loops: the number of enclosing statements and loops. leaves: whether `break` leaves a loop here for all processors
    ("together"), for each ("apart"), or not at all ("").
    item: `return` ends an item here. ranged: loop variables whose bounds are parametric.
    """

    variables: tuple[Expr, ...]
    assignable: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    padded: bool = False
    divergent: bool = False
    surely: bool = False
    alone: bool = False
    reads: bool = True
    pair: tuple[Expr, Expr] | None = None
    depth: int = 0
    loops: int = 0
    leaves: str = ""
    item: bool = False
    ranged: frozenset[str] = frozenset({"pid"})

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
        leaves = "apart" if self.leaves == "apart" else ""
        inside = replace(self, assignable=left, fixed=fixed, padded=True, divergent=divergent, leaves=leaves)
        return replace(inside, depth=self.depth + 1)

    def for_each(self, surely: bool) -> Scope:
        """The scope of a loop that processors leave one by one; surely: `break` leaves it so, too."""
        inside = replace(self.pad(uniform=False), loops=self.loops + 1)
        return replace(inside, leaves="apart" if surely else "", surely=self.surely or surely)


@dataclass(frozen=True)
class ArrayShape:
    """An array of the program: name, shape, and the range 0 .. high of its cells.

    firsts: the first subscript along each axis. own: each processor has its own.
    """

    name: str
    shape: tuple[int, ...]
    high: int
    firsts: tuple[int, ...]
    own: bool = False


def ones(value: int) -> int:
    """The smallest number 2^b - 1 that is at least the value."""
    return int((1 << value.bit_length()) - 1)
