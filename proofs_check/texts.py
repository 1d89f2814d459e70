"""Random programs of the language, as text with inputs, and counters that say what they hold.

`language_programs` writes programs that the analysis accepts and that mostly run to their end: it
tracks where each value lies, which values all processors share, and which no two of them share, and
masks what could leave its words or arrays. One program in four is *daring*: it leaves such care out here
and there, so that every kind of run-time error comes up too. Nothing here is trusted: a wrong belief
about a value only means one more program that traps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any, TypeVar

from hypothesis import strategies as st

from pram import syntax
from pram.access import MODES
from pram.analysis import COMPARISONS, holds_control
from pram.parameters import OPERATORS, is_parametric, lg

T = TypeVar("T")

ON_WORDS = ["+", "-", "*", "<<", ">>", "&", "|", "^"]
ROLES = [": inout", ": inout", ": input", ": output", ""]


@dataclass(frozen=True)
class TextCase:
    """A program text with the parameters and arrays to run it on."""

    text: str
    params: dict[str, int]
    arrays: dict[str, Any]


def language_programs() -> st.SearchStrategy[TextCase]:
    """Programs of 1 .. 6 processors whose arrays have up to 9 cells; most runs take 10 .. 300 steps."""
    return st.composite(lambda draw: _Writer(draw).case())()

class _Writer(Expressions):
    """Draws one program."""

    def case(self) -> TextCase:
        self.mode = self.pick(*MODES)
        head = ["program random", f"mode {self.mode}"] if self.mode != "EREW" or self.chance(2) else ["program random"]
        head += self.parameters()
        self.processors = self.pick(1, 2, 3, 4, 5, 6, 4, 6)
        head += [f"procs {self.exactly(self.processors).bare}"] if self.processors > 1 or self.chance(2) else []
        shared = [self.shared(name) for name in "ABCDE"[: self.pick(2, 3, 4, 5)]]
        head += self.word_size() + shared + (["claim procs <= 6 and 1 == 1"] if self.chance(8) else [])
        pid = Term("pid", 0, self.processors - 1, uniform=False, own=True)
        body = self.block(Place((pid,), alone=self.processors == 1), 6)
        return TextCase("\n".join([*head, "", *(line[2:] for line in body), ""]), self.given, self.inputs)

    # -- declarations --------------------------------------------------------------------------

    def parameters(self) -> list[str]:
        lines = []
        for name in "nmk"[: self.pick(1, 2, 3)]:
            if self.params and self.chance(2):
                term = self.parametric()
                lines.append(f"param {name} = {term.bare}")
            else:
                term = self.number(self.pick(*range(1, 7), 0))
                self.given[name] = term.low
                lines.append(f"param {name}")
            self.params.append(replace(term, text=name))
        return lines

    def shared(self, name: str) -> str:
        """Declare an array and draw its input; most arrays have a cell for each processor."""
        large = self.pick(*range(self.processors, 9), *range(self.processors, 9), *range(9))
        shape = self.pick((large,), (large,), (), (self.pick(1, 2, 3), self.pick(1, 2, 3)), (large, 2))
        high, role = self.pick(1, 3, 7, 15), self.pick(*ROLES)
        size = prod(shape)
        self.arrays.append(_Cells(name, shape, high))
        if "in" in role:
            cells = [self.pick(*range(high + 1)) for _ in range(size)]
            rows = [cells[r : r + shape[1]] for r in range(0, size, shape[1])] if len(shape) == 2 else cells
            self.inputs[name] = self.pick(rows, cells) if shape else cells[0]
            role += f" in 0 .. {self.exactly(high).bare}" if self.chance(2) else ""
        extents = ", ".join(self.exactly(extent).bare for extent in shape)
        return f"shared {name}" + (f"[{extents}] " if shape else " ") + role

    def word_size(self) -> list[str]:
        """Choose the word size; what the program gets by default is the rule of section 3.6."""
        space = sum(prod(a.shape) for a in self.arrays)
        inputs = [cell for cells in self.inputs.values() for cell in _flat(cells)]
        largest = max([self.processors, space, 0, *(p.low for p in self.params), *inputs])
        self.bits, self.wrap = min(24, 2 * largest.bit_length() + 2), self.chance(3)
        declared = self.wrap or self.chance(2)
        if declared:
            self.bits = self.pick(*range(max(4, (max(space, largest)).bit_length()), 14))
        self.limit = (1 << self.bits) - 1
        return [f"word {self.exactly(self.bits).bare}{' wrap' if self.wrap else ''}"] if declared else []
