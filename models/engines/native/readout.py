"""The readout over bit planes: which token is the best, whether it is likely enough, and control bits."""

from __future__ import annotations

from collections.abc import Collection
from math import ceil, exp, gcd, log
from types import ModuleType

from lockstep.models.engines.native.forms import Form, Gates, Stream, matrix
from lockstep.models.engines.native.heads import Packer
from lockstep.models.engines.plan import ReadoutPlan

#: Where logits that differ do so by less than this, no token is seen to be certain.
LEAST_LEAD = 8
#: The part of all probability that other kinds may hold beside a token that is certain, at most.
OTHERS = 0.05


def read_out(
    compiled: ModuleType, plan: ReadoutPlan, columns: Stream, gates: Gates, wide: Collection[str], outputs: Packer, off: float = 0
) -> None:
    """Put out, in a word: for each kind, whether its token is the best, of several the first; whether the best one is certain, and
    whether that is unclear; control bits. In a second word: for each bit, whether it is 1.

    A token is certain where it leads all others; then its probability is near to 1. Where two tie it is at most a half.
    In a model with control bits, any mask is unclear that they leave to take a token which is not certain: a process that edits
    refuses it, or draws its token, and the next engine says which. `off`: by how much the reference may round logits.

    Raises: Unsuitable: the logits are no multiples of one number.
    """
    _Readout(compiled, plan, columns, gates, wide, off).put(outputs)


class _Readout:
    def __init__(
        self, compiled: ModuleType, plan: ReadoutPlan, columns: Stream, gates: Gates, wide: Collection[str], off: float
    ) -> None:
        self.plan, self.columns, self.gates, self.network, self.wide = plan, columns, gates, gates.network, wide
        self.compiled, self.forms = compiled, matrix(compiled, plan.forms)
        self.off, self.others = off, OTHERS * exp(-2 * off)
        self.kinds, most = len(plan.bits), plan.most_bits
        last = plan.forms.start[self.kinds + 2 * most]
        self.unit = gcd(*map(int, plan.forms.values[:last].tolist())) or 1  # all logits may be 0
        #: Whether logits that differ do so by enough for the best token to be certain.
        self.apart = self.unit >= LEAST_LEAD and self.kinds * exp(-self.unit) <= self.others
        # Of each bit: whether it is 1, whether its two logits differ, and the larger one.
        bits = [self._bit(j) for j in range(most)]
        self.one, self.differ = [bit[0] for bit in bits], [bit[1] for bit in bits]
        self.larger = [bit[2] for bit in bits]
        self.scores = [self._score(k) for k in range(self.kinds)]
        self.named = [k for k in range(self.kinds) if k != plan.mask]

    def put(self, outputs: Packer) -> None:
        network = self.network
        best = [self._best(k) if k != self.plan.mask else 0 for k in range(self.kinds)]
        leads = {k: network.both(self._leads(k), self._bits_differ(k)) for k in self.named}
        clear = network.some([network.both(leads[k], self._clear(k)) for k in self.named]) if self.apart else 0
        some = network.some([*leads.values()])
        controls = [self._control(number) for number in range(self.plan.control)]
        unclear = network.both(some, clear ^ 1)
        if controls:
            remask, _, delete = controls
            unclear = network.every([clear ^ 1, remask ^ 1, delete ^ 1])
        outputs.put([*best, clear, unclear, *controls])
        outputs.put(self.one, fresh=True)

    def _form(self, row: int) -> Form:
        """A logit, in units."""
        return self.columns.times(self.forms, row).divided(self.unit)

    def _bit(self, j: int) -> tuple[int, int, Form]:
        one, zero = self._form(self.kinds + j), self._form(self.kinds + self.plan.most_bits + j)
        self.gates.about = name = f"readout, bit {j}"
        if name in self.wide:
            return self._wide_bit(one, zero)
        a, b = self.gates.bit(one), self.gates.bit(zero)
        return self.network.both(a, b ^ 1), self.network.xor(a, b), self.compiled.Form().add(self.network.either(a, b))

    def _wide_bit(self, one: Form, zero: Form) -> tuple[int, int, Form]:
        network, gates = self.network, self.gates
        more = gates.at_least(one.copy().plus(zero, -1), 1)
        differ = network.either(more, gates.at_least(zero.copy().plus(one, -1), 1))
        low, high = min(one.range()[0], zero.range()[0]), max(one.range()[1], zero.range()[1])
        a, b = (gates.number(form.shifted(-low), (high - low).bit_length()) for form in (one, zero))
        larger = self.compiled.Form(low)
        for j, (x, y) in enumerate(zip(a, b)):
            larger.add(network.either(network.both(more, x), network.both(more ^ 1, y)), 1 << j)
        return more, differ, larger

    def _score(self, kind: int) -> Form:
        """The logit of a kind's best token, as planes."""
        total = self._form(kind)
        for j in range(self.plan.bits[kind]):
            total.plus(self.larger[j])
        score = self.compiled.Form()
        for literal, weight in self.gates.weighted(total):
            score.add(literal, weight)
        return score

    def _ahead(self, kind: int, other: int, by: int) -> int:
        """[the kind's best token has at least so many units more than the other's]"""
        return int(self.gates.at_least(self.scores[kind].copy().plus(self.scores[other], -1), by))

    def _others(self, kind: int) -> list[int]:
        return [other for other in self.named if other != kind]

    def _best(self, kind: int) -> int:
        return int(self.network.every([self._ahead(kind, other, int(other < kind)) for other in self._others(kind)]))

    def _leads(self, kind: int) -> int:
        return int(self.network.every([self._ahead(kind, other, 1) for other in self._others(kind)]))

    def _bits_differ(self, kind: int) -> int:
        return int(self.network.every(self.differ[: self.plan.bits[kind]]))

    def _clear(self, kind: int) -> int:
        """[all tokens of other kinds together are unlikely]: where an other kind's bits tie, it has many tokens that count."""
        others = [
            self.network.either(
                self._ahead(kind, other, self._enough(other)),
                self.network.both(self._ahead(kind, other, 1), self._bits_differ(other)),
            )
            for other in self._others(kind)
        ]
        return int(self.network.every(others))

    def _enough(self, other: int) -> int:
        """Units by which all of a kind's tokens together stay below their share of OTHERS."""
        return int(ceil((self.plan.bits[other] * log(2) + log(self.kinds / self.others)) / self.unit))

    def _control(self, number: int) -> int:
        row = self.kinds + 2 * self.plan.most_bits + number
        form = self.columns.times(self.forms, row).shifted(int(self.plan.control_bias[number]))
        return int(self.gates.at_least(form, 1))
