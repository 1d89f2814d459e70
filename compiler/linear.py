"""Integer linear forms over bits of the fields of a circuit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

#: One bit of a field: its name and index.
Bit = tuple[str, int]


@dataclass(slots=True, unsafe_hash=True)
class Linear:
    """sum of coefficient * bit, plus a constant; all integers. No form is changed once it is made.

    It is not frozen: a model takes thousands, and a frozen one takes several times as long to make.
    """

    terms: Mapping[Bit, int] = field(default_factory=dict)
    constant: int = 0

    def __add__(self, other: Linear | int) -> Linear:
        return self._plus(other, 1)

    def __sub__(self, other: Linear | int) -> Linear:
        return self._plus(other, -1)

    def _plus(self, other: Linear | int, factor: int) -> Linear:
        if isinstance(other, int):
            return Linear(self.terms, self.constant + factor * other)
        terms = dict(self.terms)
        for bit, coefficient in other.terms.items():
            terms[bit] = terms.get(bit, 0) + factor * coefficient
        return Linear(terms, self.constant + factor * other.constant)

    def __mul__(self, factor: int) -> Linear:
        return self if factor == 1 else Linear({b: c * factor for b, c in self.terms.items()}, self.constant * factor)

    def __rsub__(self, other: int) -> Linear:
        return Linear({b: -c for b, c in self.terms.items()}, other - self.constant)

    def __neg__(self) -> Linear:
        return 0 - self

    __radd__ = __add__
    __rmul__ = __mul__


def total(forms: Iterable[Linear | int]) -> Linear:
    """The sum of linear forms."""
    terms: dict[Bit, int] = {}
    constant = 0
    for form in forms:
        if isinstance(form, int):
            constant += form
            continue
        constant += form.constant
        for bit, coefficient in form.terms.items():
            terms[bit] = terms.get(bit, 0) + coefficient
    return Linear(terms, constant)


def word_of(bits: Sequence[Linear]) -> Linear:
    """The integer that these bits represent, lowest bit first."""
    return weighted(bits, [1 << j for j in range(len(bits))])


def weighted(forms: Sequence[Linear], factors: Sequence[int]) -> Linear:
    """The sum of linear forms, each times its factor."""
    terms: dict[Bit, int] = {}
    for form, factor in zip(forms, factors, strict=True):
        for bit, coefficient in form.terms.items():
            terms[bit] = terms.get(bit, 0) + factor * coefficient
    return Linear(terms, sum(factor * form.constant for form, factor in zip(forms, factors)))


def equals(bits: Sequence[Linear], value: int) -> list[Linear]:
    """Literals that are all 1 when the bits represent the value."""
    return [bit if value >> j & 1 else 1 - bit for j, bit in enumerate(bits)]
