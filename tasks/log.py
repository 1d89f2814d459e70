"""A log of replacements: what stands at each place is its newest entry, and one head of one layer finds it.

    BOS  MASK ..  entries ..   ->   BOS  letters ..  entries ..      in one decoding step

So replacements alone are easy for a process that only appends. An entry about a place that has moved since then would be about another one:
insertions and deletions are what `lockstep.tasks.editor` needs edits of the sequence for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lockstep.compiler.circuit import Match
from lockstep.compiler.position_fields import PositionFields
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK
from lockstep.models.transformer import Tokens
from lockstep.tasks.kit import BOS, YES, EditBuilder, Task

ENTRY, LETTER = "ENTRY", "LETTER"


@dataclass(frozen=True)
class Log(Task):
    """The circuit for letters of so many bits, and as many places as `places` says."""

    letter_bits: int
    places: int

    def positions(self, length: int) -> Positions:
        """Return the encodings of positions 0 .. length - 1; those of the places know which they are.

        Raises: ValueError: the circuit has no index for so many.
        """
        if length > 1 << self.index_bits:
            raise ValueError(f"{length} positions do not fit {self.index_bits} index bits")
        fields, places = PositionFields(self.circuit, length), np.arange(1, self.places + 1, dtype=np.int64)
        fields.set("one", slice(None), 1)
        fields.set("rank", slice(None), np.arange(length, dtype=np.int64))
        fields.set_bits("place", slice(1, self.places + 1), places)
        return fields.positions

    def start(self, entries: Iterable[tuple[int, int]]) -> Tokens:
        """Return BOS, a mask for each place, and the entries: pairs of a place, from 1, and a letter."""
        token = self.circuit.vocabulary.token
        written = [token(ENTRY, place << self.letter_bits | letter) for place, letter in entries]
        return np.array([token(BOS), *[token(MASK)] * self.places, *written], np.int64)

    def letters(self, tokens: Tokens) -> list[int | None]:
        """Return the letter of each place; None where a mask stands."""
        found = [self.circuit.vocabulary.split(int(token)) for token in tokens[1 : self.places + 1]]
        return [letter if kind == LETTER else None for kind, letter in found]


def log(places: int, letter_bits: int, index_bits: int) -> Log:
    """The circuit for so many places, in sequences of up to 2^index_bits rows."""
    place_bits = places.bit_length()
    b = EditBuilder({ENTRY: letter_bits + place_bits, LETTER: letter_bits}, 1 << index_bits)
    own, mask, bits = b.place("place", place_bits), b.is_kind(MASK), [*b.token_bits]
    matches = [Match(mine, of_entry) for mine, of_entry in zip(own, bits[letter_bits:])]
    found = b.read(0, "newest", mask, matches, (b.is_kind(ENTRY),), {"any": YES, "letter": bits[:letter_bits]}, b.rank.flag)
    b.edit("remask", [mask])
    b.take(LETTER, [mask, found["any"].flag], enumerate(found["letter"]))
    return Log(b.made(), index_bits, {}, letter_bits, places)
