"""The expressions of the evaluator, and its accesses to memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, Name, ProgramText, walk
from oracles.memory import Arrays, Setting
from oracles.plain import PLAIN, Params, Printed, Trap, constant, constants, of_one

LARGEST_TERM = 1 << 40  # larger parameters are refused in sums


class Words(Setting):
    """One run: its memory, the locals of all processors, and the counters."""

    def __init__(self, tree: ProgramText, params: Params, arrays: Arrays, word_bits: int | None, max_steps: int) -> None:
        super().__init__(tree, params, arrays, word_bits)
        self.limit, self.max_steps = 1 << self.bits, max_steps
        self.least, self.most = (-self.limit // 2, self.limit // 2 - 1) if self.signed else (0, self.limit - 1)
        self.owners: dict[int, int] = {}
        self.printed: list[Printed] = []
        self.everyone = list(range(self.processors))
        self.locals: dict[str, list[int]] = {"pid": self.everyone}
        self.time = self.shared_accesses = 0
        self.constants = constants(self.tree, self.params)
        self.params["inf"] = self.most

    def step(self, count: int = 1) -> None:
        """Count steps. It is called before the effect of a step, so that a trap reports the first error."""
        self.time += count
        if self.time > self.max_steps:
            raise Trap("steps", f"no halt within {self.max_steps} steps")

    def value(self, e: Expression, active: list[int]) -> list[int]:
        """Evaluate for all active processors; a parameter-only value comes out unchecked (see `use`)."""
        if id(e) in self.constants:
            return [constant(e, self.params)] * len(active) if active else []
        match e:
            case Name(name) if name not in self.arrays:
                return [self.locals[name][p] for p in active]
            case Name(name) | syntax.Index(name):
                return self.load(name, e.subscripts if isinstance(e, syntax.Index) else (), active)
            case syntax.Not(operand):
                return [int(v == 0) for v in self.operands(active, operand)[0]]
            case syntax.Binary(("and" | "or"), _, right) if self.is_guarded(right):
                return self.guarded(e, active)
            case syntax.Binary("+" | "-") if not self.wrap:
                return self.judged(self.total(e, active))
            case syntax.Binary(("+" | "-" | "*" | "&" | "|" | "^") as function, left, right) if self.wrap:
                return [self.word(function, a, b) for a, b in zip(*self.any_integers(active, left, right))]
            case syntax.Binary(function, left, right):
                found = [self.word(function, a, b) for a, b in zip(*self.operands(active, left, right))]
                self.step(2 if function == "%" else 0)  # a product and a difference
                return found
            case syntax.Call("floor", (syntax.Binary("/", left, right),)):
                return [self.word("/", a, b) for a, b in zip(*self.operands(active, left, right))]
            case syntax.Call("max", (_, _)) if not self.wrap and not self.signed:
                return self.judged(self.extreme(e, active))
            case syntax.Call(function, (left, right)):
                return [self.word(function, a, b) for a, b in zip(*self.operands(active, left, right))]
            case syntax.Call(function, (argument,)):
                inner = argument.arguments[0] if isinstance(argument, syntax.Call) and function in ("floor", "ceil") else argument
                bits_only = function in ("ctz", "popcount")
                return [of_one(e, lambda _, a=a: a % self.limit if bits_only else a) for a in self.operands(active, inner)[0]]
            case syntax.Conditional():
                return self.choice(e, active)
        raise TypeError(f"not an expression of words: {e}")

    def is_guarded(self, right: Expression) -> bool:
        """Whether the right side of an `and` or `or` reads memory, divides, or takes a logarithm or lowest bit of words."""
        if id(right) in self.constants:
            return False
        return any(
            isinstance(n, syntax.Index)
            or isinstance(n, Name)
            and n.name in self.arrays
            or isinstance(n, syntax.Binary)
            and n.operator in ("/", "%")
            or isinstance(n, syntax.Call)
            and n.function not in ("max", "min", "popcount")
            for n in walk(right)
        )

    def guarded(self, e: syntax.Binary, active: list[int]) -> list[int]:
        """The right side is computed only where the left side does not decide; it takes its time in any case."""
        lefts = self.value(e.left, active)
        self.step()
        decides = 0 if e.operator == "and" else 1
        found = dict(zip(active, (int(v != 0) for v in lefts)))
        undecided = [p for p in active if found[p] != decides]
        found |= dict(zip(undecided, self.value(e.right, undecided)))
        self.step()
        return [found[p] for p in active]

    def choice(self, e: syntax.Conditional, active: list[int]) -> list[int]:
        """Both values take their time, at least a step; each is computed by the processors that want it."""
        truths = dict(zip(active, self.test(e.condition, active)))
        found: dict[int, int] = {}
        for wanted, value in ((True, e.yes), (False, e.no)):
            chosen = [p for p in active if truths[p] == wanted]
            found |= dict(zip(chosen, self.chosen_value(value, chosen)))
        self.step()
        return [found[p] for p in active]

    def chosen_value(self, value: Expression, chosen: list[int]) -> list[int]:
        return self.assigned(value, chosen)

    def moved(self, value: Expression, active: list[int]) -> list[int]:
        """The value as it comes into a register: an operand takes a move, anything else is computed in place."""
        is_operand = id(value) in self.constants or (isinstance(value, Name) and value.name not in self.arrays)
        return self.operands(active, value)[0] if is_operand else self.value(value, active)

    def assigned(self, value: Expression, active: list[int]) -> list[int]:
        """As `moved`, for an assignment: with `wrap`, a constant may be any integer."""
        if self.wrap and id(value) in self.constants:
            return [self.wrapped(v) for v in self.any_integers(active, value)[0]]
        return self.moved(value, active)

    def any_integers(self, active: list[int], *expressions: Expression) -> list[list[int]]:
        """As `operands`; constants may be any integers."""
        values = [self.value(e, active) for e in expressions]
        self.step()
        return values

    def operands(self, active: list[int], *expressions: Expression) -> list[list[int]]:
        """Evaluate from left to right, then begin the step that uses the values."""
        values = [self.value(e, active) for e in expressions]
        self.step()
        self.use(expressions, values)
        return values

    def use(self, expressions: Sequence[Expression], values: list[list[int]]) -> None:
        """Values enter an instruction: now the parameter-only ones must be words."""
        for e, column in zip(expressions, values):
            if column and id(e) in self.constants and not self.least <= column[0] <= self.most:
                raise Trap("parameter", f"{column[0]} is no word of {self.bits} bits")

    def word(self, function: str, a: int, b: int) -> int:
        """Apply an operator to words."""
        if function in ("/", "%") and b == 0:
            raise Trap("undefined", f"{a} {function} 0")
        if function in ("<<", ">>") and not 0 <= b < self.bits:
            if not self.wrap:
                raise Trap("shift", f"{a} {function} {b} in words of {self.bits} bits")
            return 0
        exact = int(PLAIN[function](a, b))
        if self.wrap or self.least <= exact <= self.most:
            return self.wrapped(exact)
        raise Trap("underflow" if exact < self.least else "overflow", f"{a} {function} {b} in words of {self.bits} bits")

    def judged(self, values: list[int]) -> list[int]:
        """The values of a whole, which must be words."""
        for v in values:
            if not self.least <= v <= self.most:
                raise Trap("underflow" if v < self.least else "overflow", f"{v} is no word of {self.bits} bits")
        return values

    def total(self, e: Expression, active: list[int]) -> list[int]:
        """The integers that a sum comes to, whether they are words or not. A term that is constant may be any integer."""
        if not (isinstance(e, syntax.Binary) and e.operator in ("+", "-")) or id(e) in self.constants:
            return self.value(e, active)
        lefts, rights = self.total(e.left, active), self.total(e.right, active)
        self.step()
        for term, column in ((e.left, lefts), (e.right, rights)):
            if column and id(term) in self.constants and abs(column[0]) > LARGEST_TERM:
                raise Trap("parameter", f"{column[0]} is too large for a sum")
        return [a + b if e.operator == "+" else a - b for a, b in zip(lefts, rights)]

    def extreme(self, e: syntax.Call, active: list[int]) -> list[int]:
        """The integers that a `max` comes to, or a `min` inside it, whether they are words or not."""
        columns = [self.argument(argument, active) for argument in e.arguments]
        self.step()
        for argument, column in zip(e.arguments, columns):
            self.use([argument], [[max(0, v) for v in column]])
        return [max(pair) if e.function == "max" else min(pair) for pair in zip(*columns)]

    def argument(self, e: Expression, active: list[int]) -> list[int]:
        """An argument of `max`. In a difference the plus terms are added up, then the minus terms; constants come last, as one."""
        if id(e) not in self.constants and isinstance(e, syntax.Call) and e.function in ("max", "min"):
            return self.extreme(e, active)
        terms = signed_terms(e)
        if id(e) in self.constants or all(sign > 0 for sign, _ in terms):
            return self.value(e, active)
        plus, minus = (self.side([t for s, t in terms if s == sign], active) for sign in (1, -1))
        self.step()  # the larger of the two
        for column in (plus, minus):
            if column and not 0 <= column[0] <= self.most:  # made of constants only
                raise Trap("parameter", f"{column[0]} is no word of {self.bits} bits")
        self.step()
        return [a - b for a, b in zip(plus, minus)]

    def side(self, terms: list[Expression], active: list[int], more: int = 0) -> list[int]:
        """The sum of terms: first the words, then the constants with `more` as one."""
        known = [t for t in terms if id(t) in self.constants]
        total = sum(constant(t, self.params) for t in known) + more
        columns = [self.value(t, active) for t in terms if id(t) not in self.constants]
        if not columns:
            return [total] * len(active)
        self.step(len(columns) - 1)
        if known or more:
            self.step()
            columns.append([total] * len(active))
            if active and abs(columns[-1][0]) > LARGEST_TERM:
                raise Trap("parameter", f"{columns[-1][0]} is too large for a sum")
        return self.judged([sum(values) for values in zip(*columns)])

    def wrapped(self, integer: int) -> int:
        """The word with the lowest bits of an integer."""
        return (integer - self.least) % self.limit + self.least

    def subscripts(self, name: str, expressions: tuple[Expression, ...], active: list[int]) -> list[list[int]]:
        """Evaluate subscripts; an address of several that is not parameter-only takes a multiply and an add for each further one."""
        indices = [self.value(e, active) for e in expressions]
        if len(expressions) > 1 and not all(id(e) in self.constants for e in expressions):
            for axis in range(1, len(expressions)):
                for checked in ((0,) if axis == 1 else ()), (axis,):
                    self.step()
                    for k in checked:
                        self.check_index(name, k, expressions[k], indices[k])
        return indices

    def of_own_row(self, name: str, expressions: tuple[Expression, ...]) -> tuple[Expression, ...]:
        """The subscripts in memory: a local array has a row for each processor."""
        return (Name("pid"), *expressions) if self.arrays[name].role == "local" else expressions

    def check_index(self, name: str, axis: int, e: Expression, values: list[int]) -> None:
        self.use([e], [values])
        first, extent = self.arrays[name].firsts[axis], self.arrays[name].shape[axis]
        for v in values:
            if not first <= v < first + extent:
                raise Trap("index", f"{name}: subscript {axis + 1} is {v}, must be in {first} .. {first + extent - 1}")

    def cells(self, name: str, expressions: tuple[Expression, ...], indices: list[list[int]], active: list[int]) -> list[int]:
        """The addresses that the active processors touch in this step."""
        for axis, (e, values) in enumerate(zip(expressions, indices)):
            self.check_index(name, axis, e, values)
        self.shared_accesses += len(active)
        return [self.arrays[name].address([values[k] for values in indices]) for k in range(len(active))]

    def load(self, name: str, expressions: tuple[Expression, ...], active: list[int]) -> list[int]:
        expressions = self.of_own_row(name, expressions)
        indices = self.subscripts(name, expressions, active)
        self.step()
        cells = self.cells(name, expressions, indices, active)
        if self.mode.startswith("ER") and len(set(cells)) < len(cells):
            raise Trap("conflict", f"two processors read one cell of {name}")
        return [self.memory[c] for c in cells]

    def store(
        self, name: str, expressions: tuple[Expression, ...], value: Expression | list[int], active: list[int], rule: str = ""
    ) -> None:
        """Write to memory; where several may write a cell, a rule says which word is left. A list holds values computed before.

        rule: the word after `combine`. Without it, the array's; without this, the mode's.
        """
        expressions = self.of_own_row(name, expressions)
        indices = self.subscripts(name, expressions, active)
        values = value if isinstance(value, list) else self.value(value, active)
        self.step()
        if not isinstance(value, list) and not self.wrap:
            self.use([value], [values])
        written: dict[int, list[int]] = {}
        for cell, v, p in zip(self.cells(name, expressions, indices, active), values, active):
            written.setdefault(cell, []).append(v)
            if self.mode == "CROW" and self.owners.setdefault(cell, p) != p:
                raise Trap("conflict", f"a cell of {name} belongs to another processor")
        for cell, words in written.items():
            self.memory[cell] = self.left(name, [self.wrapped(word) for word in words], rule or self.arrays[name].rule)

    def left(self, name: str, words: list[int], own: str) -> int:
        """The word that is left where these words are written, in the order of pids. own: a rule instead of the mode's."""
        mode = self.mode.partition(" ")[2]
        rule = own if own and mode in ("max", "min", "sum") else mode
        if (not rule and len(words) > 1) or (rule == "common" and len(set(words)) > 1):
            raise Trap("conflict", f"two processors write one cell of {name}")
        total = sum(words)
        if rule in ("sum", "+"):
            if total > self.most:
                raise Trap("conflict", f"{total} is no word of {self.bits} bits")
            return total
        return {"max": max(words), "min": min(words), "and": reduce(and_, words), "or": reduce(or_, words)}.get(rule, words[0])

    def set(self, name: str, values: list[int], active: list[int]) -> None:
        column = self.locals.setdefault(name, [0] * self.processors)
        for p, v in zip(active, values):
            column[p] = v

    def test(self, condition: Expression, active: list[int]) -> list[bool]:
        """Evaluate a condition and begin the step that branches on it."""
        return [v != 0 for v in self.operands(active, condition)[0]]


def signed_terms(e: Expression) -> list[tuple[int, Expression]]:
    """The terms of a sum with their signs, as written: also those of sums in parentheses."""
    if not (isinstance(e, syntax.Binary) and e.operator in ("+", "-")):
        return [(1, e)]
    sign = 1 if e.operator == "+" else -1
    return [*signed_terms(e.left), *((sign * s, t) for s, t in signed_terms(e.right))]
