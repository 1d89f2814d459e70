"""The memory of the evaluator: where arrays lie, and what they hold before the first step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from lockstep.pram import syntax
from lockstep.pram.syntax import ProgramText, walk
from oracles.leaving import Leaving
from oracles.meaning import written_out
from oracles.plain import Params, Trap, constant

Arrays = dict[str, Any]

GROUPS = ("input", "inout", "output", "work")
MAX_WORD_BITS = 24


@dataclass(frozen=True)
class Array:
    """A shared array in the memory; `shape` has none to three entries, `firsts` the least subscript of each axis.

    rule: the word after `combine` in its declaration.
    """

    name: str
    role: str
    shape: tuple[int, ...]
    base: int
    firsts: tuple[int, ...]
    rule: str = ""

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


class Setting:
    """The state before the first step: parameters, processors, memory and word size."""

    def __init__(self, tree: ProgramText, params: Params, arrays: Arrays, word_bits: int | None) -> None:
        self.tree = tree
        self.signed = self._is_signed(tree)
        self.tree = written_out(tree, self.signed)
        self.params = self._parameters(params)
        self.mode = next((m.name for m in self._all(syntax.Mode)), "EREW")
        self.processors = next((constant(p.count, self.params) for p in self._all(syntax.Procs)), 1)
        self.arrays = self._layout()
        self.leaving = Leaving(self.tree, set(self.params), self.mode, self.signed)
        if self.processors < 1 or any(extent < 0 for a in self.arrays.values() for extent in a.shape):
            raise Trap("input", "no processors, or a negative dimension")
        self.wrap = any(w.wrap for w in self._all(syntax.Word))
        self.memory = self._fill(arrays)
        self.bits = self._word_bits(word_bits)

    def _is_signed(self, tree: ProgramText) -> bool:
        """Whether words are signed: `word` says so, or there is none, but a negative number among statements or ranges.

        The statements are as written: a copy of an array, written out, has extents such as `0 - first + 1`.
        """
        words: list[syntax.Word] = list(self._all(syntax.Word))
        if words:
            return words[0].signed
        ranges = [b for s in self._all(syntax.Shared) for b in (s.low, s.high) if b is not None]
        printed = {id(n) for s in walk(tree) if isinstance(s, syntax.Print) for n in walk(s)}
        nodes = [n for top in (*tree.body, *ranges) for n in walk(top) if id(n) not in printed]
        minus = (n for n in nodes if isinstance(n, syntax.Binary) and n.operator == "-" and n.left == syntax.Number(0))
        return any(isinstance(n, syntax.Number) and n.value < 0 for n in nodes) or any(n.left.at == n.at for n in minus)

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

    def _layout(self) -> dict[str, Array]:
        """Place the arrays group by group, without gaps."""
        placed: dict[str, Array] = {}
        base = 0
        for s in sorted(self._all(syntax.Shared), key=lambda s: GROUPS.index(s.role)):  # stable: keeps the order of the text
            shape = tuple(constant(d, self.params) for d in s.dimensions)
            firsts = tuple(constant(f, self.params) for f in s.firsts) or (0,) * len(shape)
            placed[s.name] = Array(s.name, s.role, shape, base, firsts, s.rule)
            base += prod(shape)
        for own in (n for n in walk(self.tree) if isinstance(n, syntax.LocalArray)):  # a row for each processor
            shape = (self.processors, *(constant(d, self.params) for d in own.dimensions))
            placed[own.name] = Array(own.name, "local", shape, base, (0,) * len(shape))
            base += prod(shape)
        return placed

    def _fill(self, given: Arrays) -> list[int]:
        """The memory before the first step; the inputs are checked against their declared ranges."""
        declared: list[syntax.Shared] = [s for s in self._all(syntax.Shared) if s.role in ("input", "inout")]
        if set(given) != {s.name for s in declared}:
            raise Trap("input", f"arrays given: {sorted(given)}")
        memory = [0] * sum(prod(a.shape) for a in self.arrays.values())
        self.flags = {loop: len(memory) + number for number, loop in enumerate(self.leaving.flagged)}
        memory += [0] * len(self.flags)
        for s in declared:
            array = self.arrays[s.name]
            cells = array.flat(given[s.name])
            low = constant(s.low, self.params) if s.low else -(1 << MAX_WORD_BITS) if self.signed else 0
            high = constant(s.high, self.params) if s.high else 1 << MAX_WORD_BITS
            if any(not (low if self.signed else max(0, low)) <= c <= high for c in cells):
                raise Trap("input", f"{s.name} has a value outside {low} .. {high}")
            memory[array.base : array.base + len(cells)] = cells
        return memory

    def _word_bits(self, forced: int | None) -> int:
        largest = max(self.processors, len(self.memory), *self.params.values(), *map(abs, self.memory))
        default = min(MAX_WORD_BITS, 2 * largest.bit_length() + 2)
        bits = forced or next((constant(w.bits, self.params) for w in self._all(syntax.Word)), default)
        if not 2 <= bits <= MAX_WORD_BITS or max(map(abs, self.memory), default=0) >> bits:
            raise Trap("input", f"words of {bits} bits, or too few for an input value")
        return bits
