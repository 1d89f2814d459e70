"""A second evaluator of the PRAM language, sharing only the syntax tree with the project.

It is an oracle: it walks the tree statement by statement for all processors in lock step, never
makes machine code, and counts steps by the table of docs/language.md section 5. Values of an expression
are lists, one entry for each active processor, in order of pid. Idle processors are those that
exist but are not in `active`; the steps of a statement are counted even when `active` is empty.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, Name, ProgramText, Statement, walk
from oracles.plain import PLAIN, Params, Trap, constant, constants, of_one

Arrays = dict[str, Any]

SHARED_CONTROL = (syntax.While, syntax.Repeat, syntax.Parallel, syntax.Single, syntax.Halt, syntax.Break)
GROUPS = ("input", "inout", "output", "work")
MAX_WORD_BITS = 24
STEPS_PER_FURTHER_RANGE = 4  # what decodes the items of a further range of a `parallel for`
STEPS_OF_AN_EXTENT = 3  # the number of items of a further range whose bounds are words


class _Halted(Exception):
    """All processors have executed `halt`."""


class _Left(Exception):
    """All processors leave the innermost loop."""


@dataclass(frozen=True)
class Result:
    outputs: dict[str, Any]
    memory: list[int]
    time: int
    processors: int
    word_bits: int
    shared_accesses: int


def evaluate(tree: ProgramText, params: Params, arrays: Arrays, word_bits: int | None = None, max_steps: int = 10**6) -> Result:
    """Run a program on its inputs, and return its results and costs."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 10_000))  # trees are 256 levels deep, and sums some thousand terms long
    run = _Run(tree, params, arrays, word_bits, max_steps)
    with suppress(_Halted):
        run.block(tree.body, run.everyone)
        run.step()
    outputs = {a.name: a.nested(run.memory) for a in run.arrays.values() if a.role in ("output", "inout")}
    return Result(outputs, run.memory, run.time, run.processors, run.bits, run.shared_accesses)


@dataclass(frozen=True)
class _Array:
    """A shared array in the memory; `shape` has none to three entries, `firsts` the least subscript of each axis."""

    name: str
    role: str
    shape: tuple[int, ...]
    base: int
    firsts: tuple[int, ...]

    def address(self, index: Sequence[int]) -> int:
        return self.base + sum((i - self.firsts[axis]) * prod(self.shape[axis + 1 :]) for axis, i in enumerate(index))

    def nested(self, memory: list[int]) -> Any:
        """Return the array's values in the form of section 7."""
        return np.array(memory[self.base : self.base + prod(self.shape)], dtype=object).reshape(self.shape).tolist()

    def flat(self, given: Any) -> list[int]:
        """Return the words of a given input, row by row."""
        cells = given if self.shape else [given]
        if len(self.shape) > 1 and isinstance(given, list) and any(isinstance(row, list) for row in given):
            nested = np.array(given, dtype=object)
            cells = nested.ravel().tolist() if nested.shape == self.shape else None
        if not isinstance(cells, list) or len(cells) != prod(self.shape) or any(type(c) is not int for c in cells):
            raise Trap("input", f"{self.name} needs {prod(self.shape)} integers")
        return cells


class _Setting:
    """The state before the first step: parameters, processors, memory and word size."""

    def __init__(self, tree: ProgramText, params: Params, arrays: Arrays, word_bits: int | None) -> None:
        self.tree = tree
        self.params = self._parameters(params)
        self.mode = next((m.name for m in self._all(syntax.Mode)), "EREW")
        self.processors = next((constant(p.count, self.params) for p in self._all(syntax.Procs)), 1)
        self.arrays = self._layout()
        if self.processors < 1 or any(extent < 0 for a in self.arrays.values() for extent in a.shape):
            raise Trap("input", "no processors, or a negative dimension")
        self.memory = self._fill(arrays)
        self.wrap = any(w.wrap for w in self._all(syntax.Word))
        self.bits = self._word_bits(word_bits)

    def _all(self, kind: type) -> Iterator[Any]:
        return (d for d in self.tree.declarations if isinstance(d, kind))

    def _parameters(self, given: dict[str, int]) -> dict[str, int]:
        declared: list[syntax.Param] = list(self._all(syntax.Param))
        expected = {p.name for p in declared if p.value is None}
        if set(given) != expected or any(type(v) is not int or v < 0 for v in given.values()):
            raise Trap("input", f"parameters {sorted(expected)} must be integers >= 0, given {given}")
        known: dict[str, int] = {}
        for p in declared:
            known[p.name] = given[p.name] if p.value is None else constant(p.value, known)
        return known

    def _layout(self) -> dict[str, _Array]:
        """Place the arrays group by group, without gaps."""
        placed: dict[str, _Array] = {}
        base = 0
        for s in sorted(self._all(syntax.Shared), key=lambda s: GROUPS.index(s.role)):  # stable: keeps the order of the text
            shape = tuple(constant(d, self.params) for d in s.dimensions)
            firsts = tuple(constant(f, self.params) for f in s.firsts) or (0,) * len(shape)
            placed[s.name] = _Array(s.name, s.role, shape, base, firsts)
            base += prod(shape)
        for own in (n for n in walk(self.tree) if isinstance(n, syntax.LocalArray)):  # a row for each processor
            shape = (self.processors, *(constant(d, self.params) for d in own.dimensions))
            placed[own.name] = _Array(own.name, "local", shape, base, (0,) * len(shape))
            base += prod(shape)
        self.flags = base
        return placed

    def _fill(self, given: Arrays) -> list[int]:
        """The memory before the first step; the inputs are checked against their declared ranges."""
        declared: list[syntax.Shared] = [s for s in self._all(syntax.Shared) if s.role in ("input", "inout")]
        if set(given) != {s.name for s in declared}:
            raise Trap("input", f"arrays given: {sorted(given)}")
        memory = [0] * (sum(prod(a.shape) for a in self.arrays.values()) + self._flagged())
        for s in declared:
            array = self.arrays[s.name]
            cells = array.flat(given[s.name])
            low = constant(s.low, self.params) if s.low else 0
            high = constant(s.high, self.params) if s.high else 1 << MAX_WORD_BITS
            if any(not max(0, low) <= c <= high for c in cells):
                raise Trap("input", f"{s.name} has a value outside {low} .. {high}")
            memory[array.base : array.base + len(cells)] = cells
        return memory

    def _flagged(self) -> int:
        """How many loops tell through a cell whether a processor goes on: those without `atmost` inside `parallel` or `single`,
        or inside a loop or an `if` that processors leave or enter one by one. Tests that have such loops say so."""
        return sum(isinstance(n, (syntax.While, syntax.Repeat)) and n.bound is None for p in walk(self.tree)
                   if isinstance(p, (syntax.Parallel, syntax.Single)) for n in walk(p))  # fmt: skip

    def _word_bits(self, forced: int | None) -> int:
        largest = max(self.processors, len(self.memory), *self.params.values(), *self.memory)
        default = min(MAX_WORD_BITS, 2 * largest.bit_length() + 2)
        bits = forced or next((constant(w.bits, self.params) for w in self._all(syntax.Word)), default)
        if not 2 <= bits <= MAX_WORD_BITS or max(self.memory, default=0) >> bits:
            raise Trap("input", f"words of {bits} bits, or too few for an input value")
        return bits


class _Run(_Setting):
    """One run: its memory, the locals of all processors, and the counters."""

    def __init__(self, tree: ProgramText, params: Params, arrays: Arrays, word_bits: int | None, max_steps: int) -> None:
        super().__init__(tree, params, arrays, word_bits)
        self.limit, self.max_steps = 1 << self.bits, max_steps
        self.everyone = list(range(self.processors))
        self.locals: dict[str, list[int]] = {"pid": self.everyone}
        self.owners: dict[int, int] = {}
        self.time = self.shared_accesses = 0
        self.inside = 0  # how many `parallel` and `single` surround this place
        self.gone: set[int] = set()  # who has left the innermost loop
        self.apart = False  # whether processors leave the innermost loop one by one
        self.constants = constants(tree, self.params)
        self.params["inf"] = self.limit - 1

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
            case syntax.Binary(function, left, right):
                found = [self.word(function, a, b) for a, b in zip(*self.operands(active, left, right))]
                self.step(2 if function == "%" else 0)  # a product and a difference
                return found
            case syntax.Call("floor", (syntax.Binary("/", left, right),)):
                return [self.word("/", a, b) for a, b in zip(*self.operands(active, left, right))]
            case syntax.Call(function, (left, right)):
                return [self.word(function, a, b) for a, b in zip(*self.operands(active, left, right))]
            case syntax.Call(function, (argument,)):
                inner = argument.arguments[0] if isinstance(argument, syntax.Call) and function in ("floor", "ceil") else argument
                return [of_one(e, lambda _, a=a: a) for a in self.operands(active, inner)[0]]
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
            found |= dict(zip(chosen, self.moved(value, chosen)))
        self.step()
        return [found[p] for p in active]

    def moved(self, value: Expression, active: list[int]) -> list[int]:
        """The value as it comes into a register: an operand takes a move, anything else is computed in place."""
        is_operand = id(value) in self.constants or (isinstance(value, Name) and value.name not in self.arrays)
        return self.operands(active, value)[0] if is_operand else self.value(value, active)

    def operands(self, active: list[int], *expressions: Expression) -> list[list[int]]:
        """Evaluate from left to right, then begin the step that uses the values."""
        values = [self.value(e, active) for e in expressions]
        self.step()
        self.use(expressions, values)
        return values

    def use(self, expressions: Sequence[Expression], values: list[list[int]]) -> None:
        """Values enter an instruction: now the parameter-only ones must be words."""
        for e, column in zip(expressions, values):
            if column and id(e) in self.constants and not 0 <= column[0] < self.limit:
                raise Trap("parameter", f"{column[0]} is no word of {self.bits} bits")

    def word(self, function: str, a: int, b: int) -> int:
        """Apply an operator to words."""
        if function in ("/", "%") and b == 0:
            raise Trap("undefined", f"{a} {function} 0")
        if function in ("<<", ">>") and b >= self.bits:
            if not self.wrap:
                raise Trap("shift", f"{a} {function} {b} in words of {self.bits} bits")
            return 0
        exact = int(PLAIN[function](a, b))
        if self.wrap or 0 <= exact < self.limit:
            return exact % self.limit
        raise Trap("underflow" if exact < 0 else "overflow", f"{a} {function} {b} in words of {self.bits} bits")

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

    def store(self, name: str, expressions: tuple[Expression, ...], value: Expression | list[int], active: list[int]) -> None:
        """Write to memory; where several may write a cell, the mode says which word is left. A list holds values computed before."""
        expressions = self.of_own_row(name, expressions)
        indices = self.subscripts(name, expressions, active)
        values = value if isinstance(value, list) else self.value(value, active)
        self.step()
        if not isinstance(value, list):
            self.use([value], [values])
        written: dict[int, list[int]] = {}
        for cell, v, p in zip(self.cells(name, expressions, indices, active), values, active):
            written.setdefault(cell, []).append(v)
            if self.mode == "CROW" and self.owners.setdefault(cell, p) != p:
                raise Trap("conflict", f"a cell of {name} belongs to another processor")
        for cell, words in written.items():
            self.memory[cell] = self.left(name, words)

    def left(self, name: str, words: list[int]) -> int:
        """The word that is left where these words are written, in the order of pids."""
        rule = self.mode.partition(" ")[2]
        if (not rule and len(words) > 1) or (rule == "common" and len(set(words)) > 1):
            raise Trap("conflict", f"two processors write one cell of {name}")
        total = sum(words)
        if rule == "sum" and total >= self.limit:
            raise Trap("conflict", f"{total} is no word of {self.bits} bits")
        return {"max": max(words), "min": min(words), "sum": total}.get(rule, words[0])

    def block(self, body: tuple[Statement, ...], active: list[int]) -> None:
        for s in body:
            active = [p for p in active if p not in self.gone]
            match s:
                case syntax.Store():
                    self.store(s.name, s.subscripts, s.value, active)
                case syntax.Assign(name, value) if name in self.arrays:
                    self.store(name, (), value, active)
                case syntax.Local(name, value) | syntax.Assign(name, value):
                    self.set(name, self.moved(value, active), active)
                case syntax.Several():
                    self.several(s, active)
                case syntax.If():
                    self.conditional(s, active)
                case syntax.While() | syntax.Repeat() if self.inside or s.bound is not None:
                    self.loop_apart(s, active)
                case syntax.While() | syntax.Repeat():
                    self.loop_together(s, active)
                case syntax.For() if s.bound is not None:
                    self.for_apart(s, active)
                case syntax.For():
                    with suppress(_Left):
                        self.loop(s, active)
                case syntax.Parallel():
                    self.parallel(s)
                case syntax.Single(inner):
                    self.step(2)
                    self.within(inner, [0])
                    self.step()
                case syntax.Halt():
                    self.step()
                    raise _Halted
                case syntax.Break():
                    self.step()
                    if not self.apart:
                        raise _Left
                    self.gone |= set(active)

    def within(self, body: tuple[Statement, ...], active: list[int]) -> None:
        """Run a body in which processors without an item, or all but one, idle."""
        self.inside += 1
        self.block(body, active)
        self.inside -= 1

    def set(self, name: str, values: list[int], active: list[int]) -> None:
        column = self.locals.setdefault(name, [0] * self.processors)
        for p, v in zip(active, values):
            column[p] = v

    def several(self, s: syntax.Several, active: list[int]) -> None:
        """All values first, each at least a step; then the assignments from left to right."""
        values = [self.moved(value, active) for value in s.values]
        for target, column in zip(s.targets, values):
            if target.name in self.arrays:
                self.store(target.name, target.subscripts if isinstance(target, syntax.Index) else (), column, active)
            else:
                self.step()
                self.set(target.name, column, active)

    def loop_together(self, s: syntax.While | syntax.Repeat, active: list[int]) -> None:
        with suppress(_Left):
            if isinstance(s, syntax.While):
                while _common(self.test(s.condition, active)):
                    self.block(s.body, active)
                    self.step()
            else:
                self.block(s.body, active)
                while not _common(self.test(s.condition, active)):
                    self.block(s.body, active)

    def loop_apart(self, s: syntax.While | syntax.Repeat, active: list[int]) -> None:
        """Each processor stops for itself. With `atmost` all take that many rounds; else a cell holds the number of the last
        round in which a processor went on, which the others read."""
        rounds = self.start_rounds(s.bound)
        live, made, outer = active, 0, (self.gone, self.apart)
        self.gone, self.apart = set(), True
        while rounds is None or made < rounds:
            made += 1
            self.step(rounds is not None)
            if isinstance(s, syntax.Repeat):
                self.block(s.body, live)
                live = [p for p in live if p not in self.gone]
            wanted = isinstance(s, syntax.While)
            live = [p for p, truth in zip(live, self.test(s.condition, live)) if truth == wanted]
            if rounds is None and not self.tell(live):
                break
            if isinstance(s, syntax.While):
                self.block(s.body, live)
                live = [p for p in live if p not in self.gone]
            self.step(2)
        self.gone, self.apart = outer
        if rounds is not None:
            self.step()
            if isinstance(s, syntax.While):
                live = self.would_go_on(s.condition, live)
            self.refuse(live)

    def without_one(self, bound: Expression) -> tuple[int, Expression]:
        """1 and e for `e - 1`; 0 and the bound for any other."""
        is_less = isinstance(bound, syntax.Binary) and bound.operator == "-" and bound.right == syntax.Number(1)
        return (1, bound.left) if is_less and id(bound) not in self.constants else (0, bound)

    def start_rounds(self, bound: Expression | None) -> int | None:
        if bound is not None:
            return _common(self.moved(bound, self.everyone))
        self.step(2)
        self.shared_accesses += self.processors
        return None

    def tell(self, live: list[int]) -> bool:
        """A step in which those who go on write, and three in which the others read and compare."""
        self.step(4)
        self.shared_accesses += self.processors
        return bool(live)

    def would_go_on(self, condition: Expression, live: list[int]) -> list[int]:
        costs = self.time, self.shared_accesses
        truths = self.test(condition, live)
        self.time, self.shared_accesses = costs
        return [p for p, truth in zip(live, truths) if truth]

    def refuse(self, live: list[int]) -> None:
        if live:
            raise Trap("rounds", f"processor {live[0]} is not done")

    def for_apart(self, s: syntax.For, active: list[int]) -> None:
        """A `for` with `atmost`: each processor has its own bounds. An end `e - 1` is taken as e, exclusive."""
        down = s.down
        exclusive, last = self.without_one(s.last) if not down else (0, s.last)
        if down:
            less, first = self.without_one(s.first)
            start = self.moved(first, active) if less else self.value(first, active)
            self.step(not less)
            firsts = dict(zip(active, (v + 1 - less for v in start)))
        else:
            firsts = dict(zip(active, self.moved(s.first, active)))
        lasts = dict(zip(active, (v - exclusive for v in self.value(last, active))))
        steps = dict(zip(active, self.value(s.by, active) if s.by is not None else [1] * len(active)))
        rounds = self.start_rounds(s.bound)
        assert rounds is not None
        live, outer = active, (self.gone, self.apart)
        self.gone, self.apart = set(), True
        here = {p: firsts[p] - down for p in active}
        for _ in range(rounds):
            self.step(3 + down)
            live = [p for p in live if (here[p] >= lasts[p] if down else here[p] <= lasts[p])]
            self.set(s.variable, [here[p] for p in live], live)
            self.block(s.body, live)
            live = [p for p in live if p not in self.gone]
            for p in live:
                here[p] += -steps[p] if down else steps[p]
                if here[p] >= self.limit:
                    raise Trap("overflow", f"`{s.variable}` steps past the largest word")
                if not steps[p]:
                    raise Trap("undefined", "a step of 0")
            self.step(3 - down)
        self.gone, self.apart = outer
        self.step()
        self.refuse([p for p in live if (here[p] >= lasts[p] if down else here[p] <= lasts[p])])

    def test(self, condition: Expression, active: list[int]) -> list[bool]:
        """Evaluate a condition and begin the step that branches on it."""
        return [v != 0 for v in self.operands(active, condition)[0]]

    def conditional(self, s: syntax.If, active: list[int]) -> None:
        """Run an `if`: with control that all processors share inside, they take one branch; otherwise both branches cost."""
        truths = self.test(s.condition, active)
        if not self.inside and not self.apart and any(_is_control(n) for n in walk(s)):
            self.block(s.then if _common(truths) else s.otherwise, active)
            self.step()  # after either branch: a `halt` in one is as soon as a `halt` in the other
            return
        self.block(s.then, [p for p, v in zip(active, truths) if v])
        self.step()
        self.block(s.otherwise, [p for p, v in zip(active, truths) if not v])

    def bounds(self, *expressions: Expression) -> list[int]:
        """The bounds of a `for` or `parallel`; idle processors evaluate them too, since they follow the control."""
        return [_common(self.value(e, self.everyone)) for e in expressions]

    def check_items(self, *bounds: int) -> None:
        """Items in use must be words; only parameter-only bounds can break this."""
        if min(bounds) < 0 or max(bounds) >= self.limit:
            raise Trap("parameter", f"items {bounds} are not all words of {self.bits} bits")

    def loop(self, s: syntax.For, active: list[int]) -> None:
        first, last = self.bounds(s.first, s.last)
        self.step(id(s.first) in self.constants or s.down or isinstance(s.first, Name) and s.first.name not in self.arrays)
        by = 1 if s.by is None else _common(self.value(s.by, self.everyone))
        items = range(first, last - 1, -1) if s.down else range(first, last + 1, by)
        if items and active:
            self.check_items(first, last)
        if not active:  # idle processors skip items that are negative: nobody uses them
            items = [item for item in items if item >= 0]
        for item in items:
            self.step(3 if s.down else 2)
            self.locals[s.variable] = [item] * self.processors
            self.block(s.body, active)
            self.step()
            if not s.down:
                if item + by >= self.limit:
                    raise Trap("overflow", f"`{s.variable}` steps past {item}")
                self.step()
        self.step(2)

    def parallel(self, s: syntax.Parallel) -> None:
        """Give the items to the processors: the bits of a pid are the indices in the ranges, side by side."""
        bounds = [self.bounds(r.low, r.high) for r in s.ranges]
        computed = [r for r in s.ranges[1:] if not {id(r.low), id(r.high)} <= self.constants]
        self.step(3 + STEPS_PER_FURTHER_RANGE * (len(s.ranges) - 1) + STEPS_OF_AN_EXTENT * len(computed))
        extents = [max(0, high - low + 1) for low, high in bounds]
        if prod(extents) > self.processors:
            raise Trap("items", f"{prod(extents)} processors needed, there are {self.processors}")
        fields = [[p // max(1, prod(extents[k + 1 :])) % max(1, extent) if k else p // max(1, prod(extents[1:]))
                   for p in self.everyone] for k, extent in enumerate(extents)]  # fmt: skip
        active = self.everyone[: prod(extents)]
        if active:
            self.check_items(*chain(*bounds))
        self.check_ends(s, bounds, fields, active)
        for r, (low, _), field in zip(s.ranges, bounds, fields):
            self.locals[r.variable] = [low + index for index in field]
        self.within(s.body, active)
        self.step()

    def check_ends(self, s: syntax.Parallel, bounds: list[list[int]], fields: list[list[int]], active: list[int]) -> None:
        """Refuse ranges that end at the largest word: parametric ones with items, and others with processors past their end."""
        for r, (_, high) in zip(s.ranges, bounds):
            if high == self.limit - 1 and id(r.high) in self.constants and active:
                raise Trap("end", f"{high} + 1 is no word of {self.bits} bits")
        (low, high), further = bounds[0], list(zip(bounds[1:], fields[1:]))
        if high == self.limit - 1 and id(s.ranges[0].high) not in self.constants:
            for p in self.everyone:
                if low + fields[0][p] > high and all(0 <= a <= a + field[p] <= b < self.limit - 1 for (a, b), field in further):
                    raise Trap("end", f"processor {p} is past {high}, the largest word of {self.bits} bits")


def _is_control(node: syntax.Node) -> bool:
    """Whether all processors run this statement together. Loops with `atmost` they leave one by one."""
    bounded = isinstance(node, (syntax.While, syntax.Repeat)) and node.bound is not None
    return isinstance(node, SHARED_CONTROL) and not bounded


def _common(values: Sequence[int]) -> int:
    """Return the value that all processors have."""
    if len(set(values)) > 1:
        raise Trap("disagree", f"the processors differ: {values}")
    return values[0]
