"""Linear forms over bit planes, and the gates that compare, add and clip them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lockstep.models.engines.native.network import Network
from lockstep.models.engines.plan import Sparse

#: A literal that counts so often.
Weighted = tuple[int, int]
#: As many planes as a word has bits.
WORD = 64


class Form:
    """sum of weight * plane + constant; the planes are literals without complement, the weights are not 0."""

    __slots__ = ("constant", "terms")

    def __init__(self, terms: Mapping[int, int] | None = None, constant: int = 0) -> None:
        self.terms: dict[int, int] = dict(terms) if terms else {}
        self.constant = constant

    def add(self, literal: int, weight: int = 1) -> Form:
        """Adds to the form itself."""
        if literal & 1:
            self.constant += weight
            literal, weight = literal ^ 1, -weight
        if literal:
            if total := self.terms.get(literal, 0) + weight:
                self.terms[literal] = total
            else:
                self.terms.pop(literal, None)
        return self

    def plus(self, other: Form, weight: int = 1) -> Form:
        """Adds to the form itself."""
        terms = self.terms
        for plane, own in other.terms.items():
            if total := terms.get(plane, 0) + own * weight:
                terms[plane] = total
            else:
                terms.pop(plane, None)
        self.constant += other.constant * weight
        return self

    def copy(self) -> Form:
        return Form(self.terms, self.constant)

    def shifted(self, by: int) -> Form:
        return Form(self.terms, self.constant + by)

    def negated(self) -> Form:
        return Form({plane: -weight for plane, weight in self.terms.items()}, -self.constant)

    def range(self) -> tuple[int, int]:
        """The least and largest value, if planes are independent."""
        low = high = self.constant
        for weight in self.terms.values():
            if weight < 0:
                low += weight
            else:
                high += weight
        return low, high

    def positive(self) -> tuple[list[Weighted], int]:
        """The same form with weights that are all positive, by complements, and its constant."""
        weighted, constant = list[Weighted](), self.constant
        for plane, weight in sorted(self.terms.items()):
            if weight < 0:
                constant += weight
                weighted.append((plane ^ 1, -weight))
            else:
                weighted.append((plane, weight))
        return weighted, constant


def combined(matrix: Sparse, row: int, columns: Sequence[Form]) -> Form:
    """One row of a matrix times the forms of the stream's columns."""
    entries, form = slice(matrix.start[row], matrix.start[row + 1]), Form()
    for column, weight in zip(matrix.columns[entries].tolist(), matrix.values[entries].tolist()):
        form.plus(columns[column], int(weight))
    return form


def _by_bit(weighted: Iterable[Weighted], bits: int) -> list[list[int]]:
    """For each of the lowest bits, the literals whose weight has it."""
    columns: list[list[int]] = [[] for _ in range(bits)]
    for literal, weight in weighted:
        weight &= (1 << bits) - 1
        while weight:
            columns[(weight & -weight).bit_length() - 1].append(literal)
            weight &= weight - 1
    return columns


class Gates:
    """Gates over a network.

    Some facts hold on every row that a compiler's models meet, and bounds do not show them: that a column is 0 or 1, for
    example. They are assumed, and each assumption adds to `faults` a literal that is 1 on rows where it fails. `about` names the
    column or head that is being made.
    """

    def __init__(self, network: Network) -> None:
        self.network, self.about = network, ""
        self.faults: dict[str, int] = {}
        self._known: dict[tuple[tuple[Weighted, ...], int], int] = {}

    def refuse(self, literal: int) -> None:
        """Rows on which the literal is 1 are not computed."""
        if literal:
            self.faults[self.about] = self.network.either(self.faults.get(self.about, 0), literal)

    def taken_faults(self) -> dict[str, int]:
        """The faults since the last call, no more than a word holds."""
        found, self.faults = list(self.faults.items()), {}
        rest = self.network.some(literal for _, literal in found[WORD - 1 :])
        return dict(found[: WORD - 1]) | ({"others": rest} if rest else {})

    # -- sums ----------------------------------------------------------------------------------

    def _sum(self, weighted: Iterable[Weighted], constant: int, bits: int, lowest: int = 0) -> list[int]:
        """The lowest bits of a sum, by full adders, lowest first; those before `lowest` are not computed."""
        columns, add = _by_bit((*weighted, (1, constant)), bits), self.network.add
        for j, column in enumerate(columns):
            at, carries = 0, columns[j + 1] if j + 1 < bits else []
            while (left := len(column) - at) > 1:
                a, b, c = column[at], column[at + 1], column[at + 2] if left > 2 else 0
                if left <= 3 and j < lowest:
                    carry, at = self.network.majority(a, b, c), len(column)
                else:
                    one, carry = add(a, b, c)
                    at += min(left, 3)
                    column.append(one)
                if carry:
                    carries.append(carry)
        return [column[-1] if column else 0 for column in columns]

    def number(self, form: Form, bits: int) -> list[int]:
        """The planes of a form's value modulo 2^bits, lowest first."""
        weighted, constant = form.positive()
        return self._sum(weighted, constant & (1 << bits) - 1, bits)

    def weighted(self, form: Form) -> list[Weighted]:
        """The form's value as planes with weights, in two's complement where it can be negative."""
        low, high = form.range()
        bits = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0)
        planes = self.number(form, bits + (low < 0))
        return [(plane, 1 << j if j < bits else -1 << j) for j, plane in enumerate(planes)]

    # -- comparisons ---------------------------------------------------------------------------

    def at_least(self, form: Form, bound: int = 0) -> int:
        """The literal [form >= bound]."""
        weighted, constant = form.positive()
        return self._threshold(weighted, bound - constant)

    def _threshold(self, weighted: list[Weighted], bound: int) -> int:
        """[sum >= bound]. Literals without which it fails, and those that are enough, are peeled off; an adder has the rest."""
        weights = [w for _, w in weighted]
        total = sum(weights)
        spare = total - bound  # a literal that weighs more is needed
        if bound <= 0 or spare < 0:
            return int(bound <= 0)
        if min(weights) > spare:
            return self.network.every(a for a, _ in weighted)
        if min(weights) >= bound:
            return self.network.some(a for a, _ in weighted)
        key = (tuple(weighted), bound)
        if key not in self._known:
            self._known[key] = self._peeled(weighted, bound, spare, max(weights))
        return self._known[key]

    def _peeled(self, weighted: list[Weighted], bound: int, spare: int, most: int) -> int:
        network = self.network
        if most > spare:
            left = bound - sum(w for _, w in weighted if w > spare)
            need = network.every(a for a, w in weighted if w > spare)
            return network.both(need, self._threshold([(a, w) for a, w in weighted if w <= spare], left))
        if most >= bound:
            enough = network.some(a for a, w in weighted if w >= bound)
            return network.either(enough, self._threshold([(a, w) for a, w in weighted if w < bound], bound))
        top = (spare + bound).bit_length()
        return self._sum(weighted, (1 << top) - bound, top + 1, top)[top]

    def within(self, form: Form, least: int, most: int) -> int:
        """The literal [least <= form <= most]."""
        return self.network.both(self.at_least(form, least), self.at_least(form.negated(), -most))

    # -- values --------------------------------------------------------------------------------

    def relu(self, form: Form) -> Form:
        low, high = form.range()
        if low >= 0:
            return form
        if high <= 0:
            return Form()
        if high == 1:
            return Form().add(self.at_least(form, 1))
        keep, clipped = self.at_least(form, 1), Form()
        bits = max(high.bit_length(), (-low).bit_length()) + 1
        for j, plane in enumerate(self.number(form, bits)[: high.bit_length()]):
            clipped.add(self.network.both(plane, keep), 1 << j)
        return clipped

    def bit(self, form: Form) -> int:
        """The form as one literal; rows on which it is neither 0 nor 1 are refused."""
        ones = [a for a, w in sorted(form.terms.items()) if w == 1]
        rest = Form({a: w for a, w in form.terms.items() if w != 1}, form.constant)
        parts = [self.network.some(group) for group in self._exclusive_groups(ones)]
        if not rest.terms and not rest.constant:
            return self._one_of(parts)
        if not parts and rest.constant == 1 and list(rest.terms.values()) == [-1]:
            return next(iter(rest.terms)) ^ 1
        for part in parts:
            rest.add(part)
        low, high = rest.range()
        planes = self.number(rest, max(high.bit_length(), (-low).bit_length() + 1 if low < 0 else 1, 1))
        self.refuse(self.network.some(planes[1:]))
        return planes[0]

    def _one_of(self, parts: Sequence[int]) -> int:
        """The disjunction of literals of which no two may be 1."""
        found = 0
        for part in parts:
            self.refuse(self.network.both(found, part))
            found = self.network.either(found, part)
        return found

    def _exclusive_groups(self, literals: Iterable[int]) -> list[list[int]]:
        """Literals put together with such as are never 1 together with them."""
        groups: list[list[int]] = []
        for literal in literals:
            fitting = (group for group in groups if all(self.network.exclusive(literal, other) for other in group))
            if (group := next(fitting, None)) is not None:
                group.append(literal)
            else:
                groups.append([literal])
        return groups

    def column(self, form: Form, wide: bool) -> list[Weighted]:
        """What a column of the stream holds: one bit, unless weights say that it is a number, or a row has shown it (`wide`)."""
        low, _ = form.range()
        if wide or low >= 0 and any(w > 1 for w in form.terms.values()):
            return self.weighted(form)
        return [(self.bit(form), 1)]
