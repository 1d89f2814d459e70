"""Permutations in files, for the order `permutation`: the masked positions, first to last, separated by space or new lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lockstep.models.orders import NoPermutation
from lockstep.pram.errors import Source, Span, fail
from lockstep.pram.texts import read_text

#: The most digits of a position.
MOST_DIGITS = 18


@dataclass(frozen=True)
class PermutationFile:
    """The positions, and the place of each in the file; the last place is the end."""

    source: Source
    positions: tuple[int, ...]
    places: tuple[Span, ...]

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Raise NoPermutation of the body as PramError, with the place in the file."""
        try:
            yield
        except NoPermutation as error:
            raise fail(f"{error}", self.source, self.places[error.entry]) from None


def read_permutation(path: Path) -> PermutationFile:
    """Read a permutation. Text from `#` to the end of a line is a comment.

    Raises: PramError: there is no such file, or a word in it is no position.
    """
    source = Source(str(path), read_text(path))
    positions, places = [], []
    lines = source.text.splitlines()
    for number, line in enumerate(lines, 1):
        for word in re.finditer(r"\S+", line.partition("#")[0]):
            places.append(Span(number, word.start() + 1))
            if not re.fullmatch(f"[0-9]{{1,{MOST_DIGITS}}}", word.group()):
                raise fail(f"`{word.group()}` is no position: write numbers from 0", source, places[-1])
            positions.append(int(word.group()))
    end = Span(len(lines), len(lines[-1]) + 1) if lines else Span(1, 1)
    return PermutationFile(source, tuple(positions), (*places, end))
