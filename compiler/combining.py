"""Concurrent writes by `max` or `min` alone: the value decides in the recency of the lookup that finds a write.

The largest value wins by itself. For the smallest, the rows of the writers hold the complement of their value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockstep.compiler.circuit import Builder, Field
from lockstep.compiler.linear import Bit, Linear, word_of
from lockstep.compiler.processor import Code


def is_by_value(code: Code) -> bool:
    """Whether the values decide which of several writes is left, at least of some, and not an order of the processors."""
    return code.has_extremes


def add_complement(builder: Builder, code: Code, width: int) -> Field | None:
    """Add the field for the complement of a written value, if the smallest value wins."""
    return builder.field("complement", width) if code.how == "min" else None


def complement_reads(bits: Sequence[Linear], complement: Field | None) -> Iterator[tuple[Linear, Bit]]:
    """The reads of a lookup that bring the complement of a word."""
    for j, bit in enumerate(bits if complement is not None else ()):
        assert complement is not None
        yield 1 - bit, complement.bit(j)


def value_and_rank(value: Sequence[Linear], rank: Linear, rank_bits: int) -> tuple[Linear, int]:
    """Return a recency that is the larger the value, among equal values the larger the rank; and its largest value."""
    return word_of(value) * (1 << rank_bits) + rank, (1 << len(value) + rank_bits) - 1
