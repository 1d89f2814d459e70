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

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, Name, ProgramText, Statement, walk
from oracles.plain import PLAIN, Params, Trap, constant, constants

Arrays = dict[str, Any]

SHARED_CONTROL = (syntax.While, syntax.Repeat, syntax.Parallel, syntax.Single, syntax.Halt)
GROUPS = ("input", "inout", "output", "work")
MAX_WORD_BITS = 24
STEPS_PER_FURTHER_RANGE = 5  # what decodes the items of a further range of a `parallel for`


class _Halted(Exception):
    """All processors have executed `halt`."""


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
    """A shared array in the memory; `shape` has none, one or two entries."""

    name: str
    role: str
    shape: tuple[int, ...]
    base: int

    def address(self, index: Sequence[int]) -> int:
        return self.base + sum(i * prod(self.shape[axis + 1 :]) for axis, i in enumerate(index))

    def nested(self, memory: list[int]) -> Any:
        """Return the array's values in the form of section 7."""
        cells = memory[self.base : self.base + prod(self.shape)]
        if len(self.shape) == 2:
            return [cells[r * self.shape[1] : (r + 1) * self.shape[1]] for r in range(self.shape[0])]
        return cells if self.shape else cells[0]

    def flat(self, given: Any) -> list[int]:
        """Return the words of a given input, row by row."""
        cells = given if self.shape else [given]
        if len(self.shape) == 2 and [len(row) for row in given if isinstance(row, list)] == [self.shape[1]] * self.shape[0]:
            cells = [cell for row in given for cell in row]
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
            placed[s.name] = _Array(s.name, s.role, shape, base)
            base += prod(shape)
        return placed

    def _fill(self, given: Arrays) -> list[int]:
        """The memory before the first step; the inputs are checked against their declared ranges."""
        declared: list[syntax.Shared] = [s for s in self._all(syntax.Shared) if s.role in ("input", "inout")]
        if set(given) != {s.name for s in declared}:
            raise Trap("input", f"arrays given: {sorted(given)}")
        memory = [0] * sum(prod(a.shape) for a in self.arrays.values())
        for s in declared:
            array = self.arrays[s.name]
            cells = array.flat(given[s.name])
            low = constant(s.low, self.params) if s.low else 0
            high = constant(s.high, self.params) if s.high else 1 << MAX_WORD_BITS
            if any(not max(0, low) <= c <= high for c in cells):
                raise Trap("input", f"{s.name} has a value outside {low} .. {high}")
            memory[array.base : array.base + len(cells)] = cells
        return memory

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
        self.constants = constants(tree, self.params)

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
            case syntax.Binary(function, left, right):
                return [self.word(function, a, b) for a, b in zip(*self.operands(active, left, right))]
        raise TypeError(f"not an expression of words: {e}")

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
        if function in ("<<", ">>") and b >= self.bits:
            if not self.wrap:
                raise Trap("shift", f"{a} {function} {b} in words of {self.bits} bits")
            return 0
        exact = int(PLAIN[function](a, b))
        if self.wrap or 0 <= exact < self.limit:
            return exact % self.limit
        raise Trap("underflow" if exact < 0 else "overflow", f"{a} {function} {b} in words of {self.bits} bits")

    def subscripts(self, name: str, expressions: tuple[Expression, ...], active: list[int]) -> list[list[int]]:
        """Evaluate subscripts; an address of two that is not parameter-only takes a multiply and an add."""
        indices = [self.value(e, active) for e in expressions]
        if len(expressions) == 2 and not all(id(e) in self.constants for e in expressions):
            for axis in (0, 1):
                self.step()
                self.check_index(name, axis, expressions[axis], indices[axis])
        return indices

    def check_index(self, name: str, axis: int, e: Expression, values: list[int]) -> None:
        self.use([e], [values])
        extent = self.arrays[name].shape[axis]
        for v in values:
            if not 0 <= v < extent:
                raise Trap("index", f"{name}: subscript {axis + 1} is {v}, must be below {extent}")

    def cells(self, name: str, expressions: tuple[Expression, ...], indices: list[list[int]], active: list[int]) -> list[int]:
        """The addresses that the active processors touch in this step."""
        for axis, (e, values) in enumerate(zip(expressions, indices)):
            self.check_index(name, axis, e, values)
        self.shared_accesses += len(active)
        return [self.arrays[name].address([values[k] for values in indices]) for k in range(len(active))]

    def load(self, name: str, expressions: tuple[Expression, ...], active: list[int]) -> list[int]:
        indices = self.subscripts(name, expressions, active)
        self.step()
        cells = self.cells(name, expressions, indices, active)
        if self.mode.startswith("ER") and len(set(cells)) < len(cells):
            raise Trap("conflict", f"two processors read one cell of {name}")
        return [self.memory[c] for c in cells]

    def store(self, name: str, expressions: tuple[Expression, ...], value: Expression, active: list[int]) -> None:
        """Write to shared memory; where several may write a cell, the mode says which word is left there."""
        indices = self.subscripts(name, expressions, active)
        values = self.value(value, active)
        self.step()
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
            match s:
                case syntax.Store():
                    self.store(s.name, s.subscripts, s.value, active)
                case syntax.Assign(name, value) if name in self.arrays:
                    self.store(name, (), value, active)
                case syntax.Local(name, value) | syntax.Assign(name, value):
                    self.assign(name, value, active)
                case syntax.If():
                    self.conditional(s, active)
                case syntax.While(condition, inner):
                    while _common(self.test(condition, active)):
                        self.block(inner, active)
                        self.step()
                case syntax.Repeat(inner, condition):
                    self.block(inner, active)
                    while not _common(self.test(condition, active)):
                        self.block(inner, active)
                case syntax.For():
                    self.loop(s, active)
                case syntax.Parallel():
                    self.parallel(s)
                case syntax.Single(inner):
                    self.step(2)
                    self.block(inner, [0])
                    self.step()
                case syntax.Halt():
                    self.step()
                    raise _Halted

    def assign(self, name: str, value: Expression, active: list[int]) -> None:
        """Set a local: an operand takes a move, anything else is computed in place."""
        is_operand = id(value) in self.constants or (isinstance(value, Name) and value.name not in self.arrays)
        values = self.operands(active, value)[0] if is_operand else self.value(value, active)
        column = self.locals.setdefault(name, [0] * self.processors)
        for p, v in zip(active, values):
            column[p] = v

    def test(self, condition: Expression, active: list[int]) -> list[bool]:
        """Evaluate a condition and begin the step that branches on it."""
        return [v != 0 for v in self.operands(active, condition)[0]]

    def conditional(self, s: syntax.If, active: list[int]) -> None:
        """Run an `if`: with control that all processors share inside, they take one branch; otherwise both branches cost."""
        truths = self.test(s.condition, active)
        if any(isinstance(n, SHARED_CONTROL) for n in walk(s)):
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
        self.step()
        items = range(first, last - 1, -1) if s.down else range(first, last + 1)
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
                if item + 1 >= self.limit:
                    raise Trap("overflow", f"`{s.variable}` steps past {item}")
                self.step()
        self.step(2)

    def parallel(self, s: syntax.Parallel) -> None:
        """Give the items to the processors: the bits of a pid are the indices in the ranges, side by side."""
        bounds = [self.bounds(r.low, r.high) for r in s.ranges]
        self.step(3 + STEPS_PER_FURTHER_RANGE * (len(s.ranges) - 1))
        extents = [max(0, high - low + 1) for low, high in bounds]
        widths = [self.processors.bit_length(), *(max(0, extent - 1).bit_length() for extent in extents[1:])]
        needed = extents[0] << sum(widths[1:])
        if all(extents) and needed > self.processors:
            raise Trap("items", f"{needed} processors needed, there are {self.processors}")
        fields = [[(p >> sum(widths[k + 1 :])) % (1 << w) for p in self.everyone] for k, w in enumerate(widths)]
        active = [p for p in self.everyone if all(field[p] < extent for field, extent in zip(fields, extents))]
        if active:
            self.check_items(*chain(*bounds))
        self.check_ends(s, bounds, fields, active)
        for r, (low, _), field in zip(s.ranges, bounds, fields):
            self.locals[r.variable] = [low + index for index in field]
        self.block(s.body, active)
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


def _common(values: Sequence[int]) -> int:
    """Return the value that all processors have."""
    if len(set(values)) > 1:
        raise Trap("disagree", f"the processors differ: {values}")
    return values[0]
