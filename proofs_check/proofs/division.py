"""Proves that layers 2 and 3 divide, for all operand words: each gate is compared with a threshold of the textbook.

Let B = 2^low. The quotient has a high digit H = floor(x / (B y)) and a low digit L = floor((x - B P) / y) with P = H y. Both are
found by counting thresholds, since floor(u / y) >= v exactly if u >= v y. Two facts make the coefficients small:

- x < 2^w, so a coefficient of y_i may be cut at 2^w: where it is that large and y_i = 1, the threshold fails in any case.
- If c 2^i >= 2^(w - low), then c B y > x whenever y_i = 1. So P needs no gate for this pair.

If y = 0, every threshold holds, and the quotient is all ones. The jumps that the thresholds make are added up for each value
of a digit: they must spell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lockstep.proofs_check.proofs.interface import OUT
from lockstep.proofs_check.proofs.reduction import ColumnForm, Polyline
from lockstep.proofs_check.proofs.solver import Refutation, Unequal
from lockstep.proofs_check.proofs.weights import Network

DIVIDE, PRODUCT = "div", "div.product"

#: What layer 2 or 3 adds to a column: a constant and polylines.
Column = tuple[int, tuple[Polyline, ...]]


def low_bits(bits: int) -> int:
    """Return how many bits the low digit has."""
    return min((bits + 2) // 2, bits - 1)


def most_product(bits: int) -> int:
    """Return the largest product of the divisor and the high digit."""
    return (1 << bits - low_bits(bits)) - 1


class Division:
    """The thresholds of a division, over the columns of x, y and the product."""

    def __init__(self, network: Network, bits: int) -> None:
        self.network, self.bits, self.low = network, bits, low_bits(bits)
        self.x, self.y = network.fields["x"][:bits], network.fields["y"][:bits]
        self.out, self.product = network.fields[OUT], network.fields[PRODUCT][0]

    @property
    def cut(self) -> int:
        """2^w, at which coefficients are cut."""
        return 1 << self.bits

    def prove_high(self, found: Sequence[Column]) -> dict[int, tuple[int, int]]:
        """Prove the high digit in `out` after layer 2. Returns: the bounds of its columns.

        Raises: Unequal: a gate has other coefficients, or a bit is wrong.
        """
        digits = {self._form(c << self.low): c for c in range(1, 1 << self.bits - self.low)}
        self._prove_digit(found, self.low, self.bits - self.low, digits)
        return {column: (0, int(self.low <= j < self.bits)) for j, column in enumerate(self.out)}

    def prove_product(self, found: Column) -> dict[int, tuple[int, int]]:
        """Prove the product of the divisor and the high digit after layer 2: a gate for each pair. Returns: its bounds.

        Raises: Unequal: a gate is missing, surplus or different.
        """
        constant, lines = found
        wanted = {form: 1 << i for form, i in self._pairs()}
        jumps = self._jumps(lines, wanted, self.cut, PRODUCT)
        if constant or jumps != {weight: weight for weight in jumps} or len(lines) != len(wanted):
            raise Unequal(Refutation({}, f"{PRODUCT} is not the divisor times the high digit"))
        return {self.product: (0, most_product(self.bits))}

    def _pairs(self) -> Iterator[tuple[ColumnForm, int]]:
        """Yield the form of each [y_i and high digit >= c] that can hold, with i."""
        for c in range(1, 1 << self.bits - self.low):
            for i, column in enumerate(self.y):
                if c << i < 1 << self.bits - self.low:
                    yield self._form(c << self.low, {column: self.cut}), i

    def prove_low(self, found: Sequence[Column]) -> None:
        """Prove the low digit, which layer 3 adds to `out`.

        Raises: Unequal: a gate has other coefficients, or a bit is wrong.
        """
        subtract = {self.product: -(1 << self.low)}
        self._prove_digit(found, 0, self.low, {self._form(v, subtract): v for v in range(1, 1 << self.low)})

    def _form(self, factor: int, also: Mapping[int, int] | None = None) -> ColumnForm:
        """The form x - factor * y with cut coefficients, and further terms."""
        terms = {column: 1 << i for i, column in enumerate(self.x)} | {c: 0 for c in also or {}}
        for i, column in enumerate(self.y):
            terms[column] = terms.get(column, 0) - min(factor << i, self.cut)
        for column, weight in (also or {}).items():
            terms[column] += weight
        return tuple(sorted((column, weight) for column, weight in terms.items() if weight))

    def _prove_digit(self, found: Sequence[Column], first: int, width: int, digits: Mapping[ColumnForm, int]) -> None:
        """Show that `out` gets a digit at `first`, and nothing elsewhere, whatever the digit is."""
        for j, (constant, lines) in enumerate(found):
            jumps = self._jumps(lines, digits, 0, f"{OUT}[{j}]")
            value = constant
            for digit in range(1 << width):
                value += jumps.get(digit, 0)
                wanted = digit >> j - first & 1 if first <= j < first + width else 0
                if value != wanted:
                    raise Unequal(Refutation({}, f"{OUT}[{j}] is {value} where the digit of the quotient is {digit}"))

    def _jumps(self, lines: Sequence[Polyline], known: Mapping[ColumnForm, int], at: int, where: str) -> dict[int, int]:
        """What each threshold adds. `known`: a number for the form of each; all must be steps at the same place."""
        jumps: dict[int, int] = {}
        for line in lines:
            if line.form not in known or line.ramps or len(line.steps) != 1 or line.steps[0][0] != at:
                raise Unequal(Refutation({}, f"a gate of {where} is no threshold of the division"))
            number = known[line.form]
            if jumps.setdefault(number, line.steps[0][1]) != line.steps[0][1]:
                raise Unequal(Refutation({}, f"gates of {where} differ for the same number {number}"))
        return jumps
