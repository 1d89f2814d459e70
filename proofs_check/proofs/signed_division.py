"""Proves that layers 2 and 3 divide signed words, as `division.py` does for unsigned ones: gate by gate, against thresholds.

There are two sets of gates. One is for y >= 0, with u = x and v = y; the other is for y < 0, with u = -x and v = -y. The sign bit of y
keeps the other set silent. Let B = 2^low and H = 2^(w - low - 1).

- High digit: it is floor(u / (B v)), from -H to H - 1, and as many thresholds [u >= c B v], c = 1 - H .. H - 1, hold as it is above -H.
  In `out` its top bit is inverted. Only -2^(w-1) / -1 is beyond H - 1.
- Product: `sdiv.up` - `sdiv.down` is v times the high digit, since up counts [v_i and u >= c B v] for c > 0, and down counts
  [v_i and u < c B v] for c <= 0. A pair (c, i) that can never hold has no gate.
- Low digit: as many thresholds [u - B (up - down) >= t v], t = 1 .. B - 1, hold as it says.
- -2^(w-1) / -1 has the largest digits, 2^(w-1) - 1. One more gate turns these bits into -2^(w-1).

If y = 0, all thresholds hold for x >= 0 and none for x < 0: the quotient is the last word on the side of x.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from lockstep.proofs_check.proofs.division import Column, low_bits
from lockstep.proofs_check.proofs.interface import OUT
from lockstep.proofs_check.proofs.reduction import ColumnForm, Polyline
from lockstep.proofs_check.proofs.solver import Refutation, Unequal
from lockstep.proofs_check.proofs.weights import Network

SIGNED_DIVIDE, UP, DOWN = "sdiv", "sdiv.up", "sdiv.down"

#: A threshold: [form >= at].
Step = tuple[ColumnForm, int]


@dataclass(frozen=True)
class Sum:
    """A linear form over columns, with a constant."""

    terms: Mapping[int, int]
    constant: int = 0

    def __add__(self, other: Sum) -> Sum:
        terms = dict(self.terms)
        for column, weight in other.terms.items():
            terms[column] = terms.get(column, 0) + weight
        return Sum(terms, self.constant + other.constant)

    def __mul__(self, factor: int) -> Sum:
        return Sum({c: weight * factor for c, weight in self.terms.items()}, self.constant * factor)

    def __sub__(self, other: Sum) -> Sum:
        return self + other * -1

    @property
    def step(self) -> Step:
        """[self >= 0], with the constant on the other side."""
        return tuple(sorted((c, weight) for c, weight in self.terms.items() if weight)), -self.constant


def number(value: int) -> Sum:
    return Sum({}, value)


class SignedDivision:
    """The thresholds of a signed division, over the columns of x, y and the product."""

    def __init__(self, network: Network, bits: int) -> None:
        self.network, self.bits, self.low = network, bits, low_bits(bits)
        self.x, self.y = (network.fields[name][:bits] for name in ("x", "y"))
        self.out, self.up, self.down = network.fields[OUT], network.fields[UP][0], network.fields[DOWN][0]
        self.half, self.base = 1 << bits - self.low - 1, 1 << self.low

    # -- the terms -----------------------------------------------------------------------------

    def dividend(self, sign: int) -> Sum:
        weights = {c: 1 << i for i, c in enumerate(self.x)} | {self.x[-1]: -1 << self.bits - 1}
        return Sum(weights) * sign

    def digit(self, sign: int, i: int) -> Sum:
        """Bit i of v, or of v - 1 for negative y."""
        bit = Sum({self.y[i]: 1})
        return bit if sign > 0 else number(1) - bit

    def times(self, sign: int, factor: int, cut: int) -> Sum:
        """factor * v. Coefficients are cut where one set bit alone decides."""
        total = number(min(abs(factor), cut) if sign < 0 else 0)
        for i in range(self.bits - 1):
            total += self.digit(sign, i) * min(abs(factor) << i, cut)
        return total if factor >= 0 else total * -1

    def wrong_sign(self, sign: int) -> Sum:
        """1 where y has the other sign."""
        top = Sum({self.y[-1]: 1})
        return top if sign > 0 else number(1) - top

    def reaches(self, sign: int, c: int) -> Sum:
        """At least 0 where u >= c B v."""
        return self.dividend(sign) - self.times(sign, c * self.base, 1 << self.bits)

    def quiet(self, sign: int, reach: int) -> Sum:
        return self.wrong_sign(sign) * reach

    # -- layer 2 -------------------------------------------------------------------------------

    @property
    def far(self) -> int:
        return (self.bits + 3) << self.bits

    def prove_high(self, found: Sequence[Column]) -> dict[int, tuple[int, int]]:
        """Prove the high digit in `out` after layer 2. Returns: the bounds of its columns.

        Raises: Unequal: a gate is no threshold of the table, or a bit is wrong.
        """
        tables = {s: {(self.reaches(s, c) - self.quiet(s, self.far)).step: c + self.half for c in self._cs()} for s in (1, -1)}
        for j, (constant, lines) in enumerate(found):
            wanted = [(d ^ self.half) >> j - self.low & 1 if self.low <= j < self.bits else 0 for d in range(2 * self.half)]
            self._prove_counts(f"{OUT}[{j}]", constant, lines, tables, wanted)
        return {column: (0, int(self.low <= j < self.bits)) for j, column in enumerate(self.out)}

    def prove_product(self, field: str, found: Column) -> dict[int, tuple[int, int]]:
        """Prove that `sdiv.up` (or `sdiv.down`) is v times the high digit where it is positive (or minus that where negative).

        Raises: Unequal: a gate is missing, surplus or different.
        """
        constant, lines = found
        wanted = dict(self._product_steps(field == UP))
        steps = {step: jump for line in lines for step, jump in _steps(line)}
        if constant or steps != wanted or any(line.ramps for line in lines):
            raise Unequal(Refutation({}, f"{field} is not the divisor times the high digit"))
        self._keep_apart(lines)
        return {self.up if field == UP else self.down: (0, self.most_product(field == UP))}

    def most_product(self, up: bool) -> int:
        """The largest v * (high digit), which is at most u / B; or - v * (high digit), which is less than - u / B + v."""
        most_u = 1 << self.bits - 1
        return most_u // self.base if up else min(most_u // self.base + most_u, self.half * most_u)

    def _cs(self) -> range:
        return range(1 - self.half, self.half)

    def _product_steps(self, up: bool) -> Iterator[tuple[Step, int]]:
        """Yield the threshold of each pair (c, i) that can hold, with what it adds."""
        for sign in (1, -1):
            for c in (c for c in self._cs() if (c > 0) == up):
                reached = self.reaches(sign, c)
                form = (reached if up else reached * -1 - number(1)) - self.quiet(sign, self.far)
                for i in range(self.bits - 1):
                    if self._can_hold(sign, c, (1 << i) + (sign < 0)):
                        yield (form - (number(1) - self.digit(sign, i)) * self.far).step, 1 << i
                if sign < 0:
                    yield form.step, 1

    def _can_hold(self, sign: int, c: int, v: int) -> bool:
        """Whether some divisor of at least v has a high digit of at least c > 0, or of less than c <= 0."""
        most_u, least_u = ((1 << self.bits - 1) - 1, -1 << self.bits - 1)[::sign]
        return c * self.base * v <= abs(most_u) if c > 0 else -abs(least_u) < c * self.base * v

    # -- layer 3 -------------------------------------------------------------------------------

    def prove_low(self, found: Sequence[Column], live: Set[str]) -> None:
        """Prove the low digit, and -2^(w-1) / -1, which layer 3 adds to `out`. `live`: the fields that layer 2 computes.

        Raises: Unequal: a gate is no threshold of the table, or a bit is wrong; layer 2 does not compute the product.
        """
        for field in (UP, DOWN):
            if (field in live) != any(True for _ in self._product_steps(field == UP)):
                raise Unequal(Refutation({}, f"{field} is not the divisor times the high digit"))
        reach = self.base << self.bits
        weights = {UP: {self.up: self.base}, DOWN: {self.down: -self.base}}
        product = Sum({c: weight for field in (UP, DOWN) if field in live for c, weight in weights[field].items()})
        rest = {s: self.dividend(s) - product - self.quiet(s, reach) for s in (1, -1)}
        tables = {s: {(rest[s] - self.times(s, t, reach)).step: t for t in range(1, self.base)} for s in (1, -1)}
        for j, (constant, lines) in enumerate(found):
            others = tuple(line for line in lines if not self._is_least(j, line))
            if j < self.bits and len(others) + 1 != len(lines):
                raise Unequal(Refutation({}, f"{OUT}[{j}] of the least word divided by -1"))
            wanted = [d >> j & 1 if j < self.low else 0 for d in range(self.base)]
            self._prove_counts(f"{OUT}[{j}]", constant, others, tables, wanted)

    def _is_least(self, j: int, line: Polyline) -> bool:
        """Whether a gate is the one for x = -2^(w-1) and y = -1."""
        top, *others = reversed(self.x)
        form = Sum({top: 1} | dict.fromkeys(self.y, 1) | dict.fromkeys(others, -1), -1 - self.bits)
        return j < self.bits and _steps(line) == [(form.step, 1 if j == self.bits - 1 else -1)]

    # -- both ----------------------------------------------------------------------------------

    def _prove_counts(self, where: str, constant: int, lines: Sequence[Polyline], tables: Mapping[int, Mapping[Step, int]],
                      wanted: Sequence[int]) -> None:  # fmt: skip
        """Show, for each sign of y, that a column is wanted[d] where d thresholds hold: those with the numbers 1 .. d."""
        self._keep_apart(lines)
        jumps: dict[int, dict[int, int]] = {1: {}, -1: {}}
        for line in lines:
            for step, jump in _steps(line):
                sign = next((s for s, table in tables.items() if step in table), 0)
                if not sign or line.ramps:
                    raise Unequal(Refutation({}, f"a gate of {where} is no threshold of the division"))
                jumps[sign][tables[sign][step]] = jump
        for sign in (1, -1):
            value = constant
            for d, bit in enumerate(wanted):
                value += jumps[sign].get(d, 0)
                if value != bit:
                    raise Unequal(Refutation({}, f"{where} is {value} where the digit of the quotient is number {d}"))

    def _keep_apart(self, lines: Sequence[Polyline]) -> None:
        """Show that gates for one sign of y are silent for the other: y's sign bit outweighs all other columns."""
        sign_bit = self.y[-1]
        for line in lines:
            weight = dict(line.form).get(sign_bit, 0)
            silent = line.most - abs(weight)
            if any(at <= silent for at, _ in line.steps):
                raise Unequal(Refutation({}, "a gate of the division fires whatever the sign of the divisor is"))


def _steps(line: Polyline) -> list[tuple[Step, int]]:
    return [((line.form, at), jump) for at, jump in line.steps]
