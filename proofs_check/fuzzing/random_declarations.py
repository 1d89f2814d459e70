"""Writes random declarations, and draws the inputs of the arrays."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from lockstep.pram.access import MODES, RULES
from lockstep.proofs_check.fuzzing.random_expressions import Expressions
from lockstep.proofs_check.fuzzing.random_scopes import ArrayShape
from lockstep.proofs_check.fuzzing.shrinking import Choose

#: Cells kept for loops that tell through a cell who goes on.
MOST_FLAGS = 4
ROLES = [": inout", ": inout", ": input", ": output", ""]


class Declarations(Expressions):
    """Writes the declarations of one program."""

    processors: int

    def __init__(self, choose: Choose) -> None:
        super().__init__(choose)
        self.given: dict[str, int] = {}
        self.inputs: dict[str, Any] = {}
        self.largest_input = 0

    def parameters(self) -> list[str]:
        lines = []
        for name in "nmk"[: self.pick(1, 2, 3)]:
            if self.params and self.chance(2):
                term = self.parametric()
                lines.append(f"{self.pick('param', 'const')} {name} = {term.bare}")
            else:
                term = self.number(self.pick(*range(1, 7), 0))
                self.given[name] = term.low
                lines.append(f"param {name}")
            self.params.append(replace(term, text=name))
        return lines

    def shared(self, name: str) -> str:
        """Declare an array and draw its input; most arrays have a cell for each processor."""
        large = self.pick(*range(self.processors, 9), *range(self.processors, 9), *range(9))
        small = self.pick(1, 2, 3), self.pick(1, 2, 3)
        shape = self.pick((large,), (large,), (), small, (large, 2), (*small, self.pick(1, 2)))
        shape = self.arrays[-1].shape if self.arrays and self.chance(4) else shape
        high, role = self.pick(1, 3, 7, 15), self.pick(*ROLES)
        size = prod(shape)
        firsts = tuple(self.pick(0, 0, 0, 1, 2) for _ in shape)
        self.arrays.append(ArrayShape(name, shape, high, firsts))
        if "in" in role:
            cells = [self.pick(*range(high + 1)) for _ in range(size)]
            self.largest_input = max(self.largest_input, *cells, 0)
            self.inputs[name] = self.pick(np.reshape(cells, shape).tolist(), cells) if shape else cells[0]
            role += f" in 0 .. {self.exactly(high).bare}" if self.chance(2) else ""
        extents = ", ".join(self.extent(*pair) for pair in zip(shape, firsts))
        return f"shared {self.combined(self.write_rule(4))}{name}" + (f"[{extents}] " if shape else " ") + role

    def write_rule(self, one_in: int) -> str:
        """A rule of its own for one write or array in so many, where the mode combines writes; else ""."""
        return self.pick(*RULES) if MODES[self.mode].combines and self.chance(one_in) else ""

    def combined(self, rule: str) -> str:
        return f"combine {rule} " if rule else ""

    def extent(self, extent: int, first: int) -> str:
        """An axis of an array: its extent, or its first and last subscript."""
        if first or self.chance(8):
            return f"{self.exactly(first).bare} .. {self.exactly(first + extent - 1).bare}"
        return self.exactly(extent).bare

    def own_array(self) -> list[str]:
        """Declare an array for each processor, in one program of three."""
        if not self.chance(3):
            return []
        shape = self.pick((1,), (2,), (3,), (2, 2))
        self.own_arrays.append(ArrayShape("w", shape, self.pick(3, 7), (0,) * len(shape), own=True))
        return [f"  local w[{', '.join(self.exactly(extent).bare for extent in shape)}]"]

    def word_size(self) -> list[str]:
        """Choose the word size. The default is the rule of section 3.6 of docs/language.md."""
        space = sum(prod(a.shape) for a in self.arrays) + self.processors * sum(prod(a.shape) for a in self.own_arrays)
        largest = max(self.processors, space, self.largest_input, *(p.low for p in self.params))
        self.bits, self.wrap = min(24, 2 * largest.bit_length() + 2), self.chance(3)
        self.declared = declared = self.wrap or self.chance(2)
        if declared:
            least = max(4, (largest + MOST_FLAGS).bit_length())
            self.bits = self.pick(*range(least, least + 3 if self.risky else 14))
        self.signed = declared and MODES[self.mode].combining == "order" and self.chance(3)
        self.bits += self.signed  # numbers keep as many bits for what is not negative
        kinds = self.pick([" wrap"] * self.wrap + [" signed"] * self.signed, [" signed"] * self.signed + [" wrap"] * self.wrap)
        return [f"word {self.exactly(self.bits).bare}{''.join(kinds)}"] if declared else []
