"""Reads and replays a trace as docs/trace.md says, and nothing else: it shares no code with what writes traces.

Plain lists and integers: it is slow and simple.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Header = dict[str, Any]

#: The rules by which a cell gets something of all that is written to it.
COMBINED: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b, "CRCW sum": lambda a, b: a + b, "and": lambda a, b: a & b, "or": lambda a, b: a | b,
}  # fmt: skip


class WrongVersion(Exception):
    """The trace has another version than this reader."""


class Reader:
    """The columns of a trace by name."""

    def __init__(self, header: Header, packed: bytes) -> None:
        if header["version"] != 3:
            raise WrongVersion(header["version"])
        self.header, self.data = header, zlib.decompress(packed)

    def column(self, name: str) -> list[int]:
        offset, length, width, delta = self.header["columns"][name]
        found, last = [], 0
        for i in range(length):
            number = sum(self.data[offset + plane * length + i] << 8 * plane for plane in range(width))
            number -= (number >> 8 * width - 1) << 8 * width
            last = number + (last if delta else 0)
            found.append(last)
        return found

    # -- the machine ---------------------------------------------------------------------------

    def rows(self, name: str) -> list[list[int]]:
        """A column of the machine, a list for each step."""
        values, p = self.column(f"machine.{name}"), self.header["P"]
        return [values[at : at + p] for at in range(0, len(values), p)]

    def machine(self) -> Iterator[tuple[list[int], list[list[int]]]]:
        """Memory, and registers [k][P], before the first step and after each."""
        h = self.header
        memory, registers = self.column("machine.start"), [[0] * h["P"] for _ in range(h["k"])]
        lost = set(self.column("machine.lost"))
        yield memory, registers
        steps = zip(self.rows("destination")[: h["T"]], self.rows("value"), self.rows("counter"))
        for t, (destinations, values, counters) in enumerate(steps):
            left: dict[int, int] = {}
            for p, (destination, value) in enumerate(zip(destinations, values)):
                if destination < -1:
                    registers[-2 - destination][p] = value
                elif destination >= 0 and t * h["P"] + p not in lost:
                    rule = COMBINED.get(h["code"][counters[p]]["rule"] or h["mode"])
                    left[destination] = rule(left[destination], value) if rule and destination in left else value
            for cell, word in left.items():
                memory[cell] = word
            yield memory, registers

    def counters(self) -> list[list[int]]:
        """The program counters before the first step and after each."""
        return [*self.rows("counter")[: self.header["T"]], self.column("machine.last")]


@dataclass(frozen=True)
class Made:
    """A decoding step: the sequence that its edits meet, the rows that they ask from, what heads found, and the sequence after it."""

    before: list[int]
    after: list[int]
    asking: list[int]
    found: list[list[str | int]]
    time: int


class DecodeReader:
    """Replays one decode of a trace."""

    def __init__(self, reader: Reader, number: int) -> None:
        self.reader, self.number, self.header = reader, number, reader.header["processes"][number]
        first = 0
        self.kinds = []
        for name, bits in self.header["vocabulary"]:
            self.kinds.append((name, first, 1 << bits))
            first += 1 << bits
        self.mask = next(first for name, first, _ in self.kinds if name == "MASK")

    def column(self, name: str) -> list[int]:
        return self.reader.column(f"{self.number}.{name}")

    def split(self, token: int) -> tuple[str, int]:
        """Kind and value of a token."""
        return next((name, token - first) for name, first, many in self.kinds if first <= token < first + many)

    def steps(self) -> Iterator[Made]:
        """Every decoding step."""
        tokens, at = self.column("start"), 0
        edits = list(zip(*(self.column(name) for name in ("rows", "tokens", "flags"))))
        heads = [self.column(f"head.{h}") for h in range(len(self.header["heads"]))]
        triples = self.column("erased")
        erased = {triples[i]: triples[i + 1 : i + 3] for i in range(0, len(triples), 3)}
        for d, (many, time) in enumerate(zip(self.column("counts"), self.column("clock"), strict=True), 1):
            if d in erased:
                first, end = erased[d]
                tokens = tokens[:first] + tokens[end:-1]
            here = edits[at : at + many]
            asking = [row - (1 if flags & 4 else 0) for row, _, flags in here]
            found = [[_found(head[at + i], row) for i, row in enumerate(asking)] for head in heads]
            after = self._edited(tokens, here)
            yield Made(tokens, after, asking, found, time)
            tokens, at = after, at + many

    def _edited(self, tokens: list[int], edits: list[tuple[int, int, int]]) -> list[int]:
        by_row, after = {row: (token, flags) for row, token, flags in edits}, []
        for row, token in enumerate(tokens):
            new, flags = by_row.get(row, (token, 0))
            after += ([] if flags & 1 else [new]) + ([self.mask] if flags & 2 else [])
        return after + [token for _, token, flags in edits if flags & 4]


def _found(entry: int, row: int) -> str | int:
    if entry <= 1:
        return {0: "does not ask", 1: "nothing", -1: "several"}[entry]
    away = (entry - 2) // 2
    return row + away if entry % 2 else row - away
