"""A factored vocabulary: a token is a kind and, if the kind has bits, a number.

The embedding and the output head are sums over a token's kind and bits. So no cost grows with the size of the
vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

#: The kind of the mask token. Generation replaces masks and never predicts them.
MASK = "MASK"
#: The most bits that a kind of tokens may have: the ids of sixteen such kinds fit in 64 bits with a sign.
MOST_VALUE_BITS = 58


@dataclass(frozen=True)
class Vocabulary:
    """Kinds of tokens with their numbers of bits. A kind has 2^bits tokens, numbered from its offset."""

    kinds: tuple[tuple[str, int], ...]

    @cached_property
    def offsets(self) -> dict[str, int]:
        starts = accumulate((1 << bits for _, bits in self.kinds), initial=0)
        return {name: start for (name, _), start in zip(self.kinds, starts)}

    @cached_property
    def size(self) -> int:
        return sum(1 << bits for _, bits in self.kinds)

    @property
    def most_bits(self) -> int:
        return max(bits for _, bits in self.kinds)

    @cached_property
    def mask(self) -> int:
        """The id of the MASK token."""
        return self.offsets[MASK]

    def bits(self, kind: str) -> int:
        return dict(self.kinds)[kind]

    def token(self, kind: str, value: int = 0) -> int:
        """The id of a token.

        Raises: ValueError: the kind has no such value.
        """
        if not 0 <= value < 1 << self.bits(kind):
            raise ValueError(f"{kind} has values 0 .. {(1 << self.bits(kind)) - 1}, not {value}")
        return self.offsets[kind] + value

    def split(self, token: int) -> tuple[str, int]:
        """The kind and value of a token id.

        Raises: ValueError: there is no such token.
        """
        for name, bits in self.kinds:
            if 0 <= token - self.offsets[name] < 1 << bits:
                return name, token - self.offsets[name]
        raise ValueError(f"no token {token} in a vocabulary of {self.size}")

    def text(self, token: int) -> str:
        """A token as people write it: `MASK`, `WORD 7`."""
        kind, value = self.split(token)
        return f"{kind} {value}" if self.bits(kind) else kind
