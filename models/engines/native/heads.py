"""Heads as lookups over bit planes: what a row asks, what it is a key for, and what is read of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from lockstep.models.engines.native.forms import WORD, Gates, Matrix, Stream, matrix
from lockstep.models.engines.plan import HeadPlan
from lockstep.models.engines.session import Unsuitable


@dataclass(frozen=True)
class Field:
    """Where some planes stand in a tape's output: word, lowest bit, and how many."""

    word: int
    shift: int
    bits: int


class Packer:
    """Fields packed into words of WORD planes; none straddles two. Equal fields stand there once."""

    def __init__(self) -> None:
        self.words: list[list[int]] = []
        self._placed: dict[tuple[int, ...], Field] = {}

    def put(self, planes: Sequence[int], fresh: bool = False) -> Field:
        """Args: fresh: in a word of its own."""
        key = tuple(planes)
        if key not in self._placed:
            if len(key) > WORD:
                raise Unsuitable(f"a field of {len(key)} bits does not fit a word")
            fitting = (n for n, word in enumerate(self.words) if not fresh and len(word) + len(key) <= WORD)
            number = next(fitting, len(self.words))
            if number == len(self.words):
                self.words.append([])
            word = self.words[number]
            self._placed[key] = Field(number, len(word), len(key))
            word.extend(key)
        return self._placed[key]


@dataclass(frozen=True)
class KeySide:
    """What a row is a key for: heads that agree in all of it share a table.

    visible: whether it is a key. key: its bits, in the order of queries. care: which set of `masks` it cares for. recency: of keys
    that match, the one with the most is read. value: what is read of it. masks: the bits that keys of each care compare.
    sums: of a head that adds up, as in `HeadPlan`; else 0.
    """

    visible: Field
    key: Field
    care: Field
    recency: Field
    value: Field
    masks: tuple[int, ...]
    sums: tuple[int, ...]


@dataclass(frozen=True)
class Head:
    """asks: whether a row asks. query: its bits. sink: the value that a row reads which finds no key. bits: of a value."""

    asks: Field
    query: Field
    side: KeySide
    sink: int
    bits: int


class Asking:
    """The heads of one layer, as fields of the outputs of the tape before it.

    Args: columns: the stream before the layer. first: what row 0 holds there. is_first: the literal of row 0. changes: how often a
          position's bit differs between neighbours, by literal.
    """

    def __init__(self, compiled: ModuleType, gates: Gates, plan: HeadPlan, columns: Stream, first: Stream, is_first: int,
                 changes: dict[int, int], layer: int, outputs: Packer) -> None:  # fmt: skip
        self.compiled, self.gates, self.network, self.plan, self.columns = compiled, gates, gates.network, plan, columns
        self.first, self.is_first, self.changes, self.layer, self.outputs = first, is_first, changes, layer, outputs
        # Row 0 is no key. On the key side its flag is 0, so that what a key cares for does not depend on it.
        self.others = columns.without(is_first)
        self.forms, self.bias_and_asks = matrix(compiled, plan.forms), matrix(compiled, plan.bias_and_asks)
        self.half, self.silence, self.low = plan.half.astype(int).tolist(), plan.silence.astype(int).tolist(), plan.low.tolist()
        self.matches = len(plan.half)

    def heads(self) -> list[Head]:
        return [self._head(h) for h in range(len(self.plan.silence))]

    def _at_first(self, matrix: Matrix, row: int) -> int:
        """A row of a matrix times what row 0 holds."""
        return int(self.first.times(matrix, row).constant)

    def _head(self, h: int) -> Head:
        plan, gates = self.plan, self.gates
        gates.about = f"layer {self.layer + 1}, head {h + 1}"
        matches = list(range(plan.first_match[h], plan.first_match[h + 1]))
        if any(self._at_first(self.forms, self.matches + m) for m in matches):
            raise Unsuitable("the first row's key cares for a bit")
        asks = self._asks(h)
        # Bits that change most often come first, so that neighbours' buckets are neighbours.
        matches.sort(key=lambda m: -self._changes(m))
        query = self.outputs.put([self._query(m) for m in matches])
        side = self._key_side(h, matches)
        values = range(plan.first_value[h], plan.first_value[h + 1])
        sink = sum((self._at_first(self.forms, 2 * self.matches + v) - self.low[v]) << int(plan.shift[v]) for v in values)
        if side.sums[0] and sink:
            raise Unsuitable("the first row gives a head that adds up something")
        return Head(self.outputs.put([asks]), query, side, sink, side.value.bits)

    def _changes(self, match: int) -> int:
        return max((self.changes.get(a, 0) for a, _ in self.others.times(self.forms, self.matches + match).terms), default=0)

    def _asks(self, h: int) -> int:
        """[the form is 0]; where it is not, it is the head's silence. A head without silence has 0 on every row."""
        form, silence = self.columns.times(self.bias_and_asks, 2 * h + 1), self.silence[h]
        asks = self.gates.within(form, 0, 0)
        self.gates.refuse(self.network.both(asks ^ 1, self.gates.within(form, silence, silence) ^ 1))
        return int(asks)

    def _query(self, match: int) -> int:
        """[the query is +half]; else it is -half."""
        half, form = self.half[match], self.columns.times(self.forms, match)
        yes, no = self.gates.within(form, half, half), self.gates.within(form, -half, -half)
        self.gates.refuse(self.network.either(yes, no) ^ 1)
        return int(yes)

    def _key_side(self, h: int, matches: Sequence[int]) -> KeySide:
        plan, gates, network = self.plan, self.gates, self.network
        score = self._at_first(self.bias_and_asks, 2 * h)
        size, key, cares, always = self.others.times(self.bias_and_asks, 2 * h), [], [], 0
        odd, reach = 0, self.compiled.Form()  # whether a key's bit is none of 1, 0, -1, and what that could add to its score
        for place, m in enumerate(matches):
            form = self.others.times(self.forms, self.matches + m)
            one, none = gates.at_least(form, 1), gates.at_least(form.negated(), 1)
            outside = gates.within(form, -1, 1) ^ 1
            odd = network.either(odd, outside)
            reach.add(outside, self.half[m] * (max(map(abs, form.range())) - 1))
            care = network.either(one, none)
            key.append(one)
            size.add(care, self.half[m])
            if care > 1:
                cares.append((place, care))
            always |= (care == 1) << place
        floor, least = score - int(plan.floor[h]), score - int(plan.cut[h])
        visible = network.both(gates.at_least(size, floor), self.is_first ^ 1)
        possible = network.both(gates.at_least(reach.plus(size), least), self.is_first ^ 1)
        gates.refuse(network.both(odd, possible))
        sums = tuple(plan.sums[h].tolist())
        if sums[0]:
            weighs = network.both(gates.at_least(size, least + 1), self.is_first ^ 1)
            gates.refuse(network.both(weighs, gates.within(size, floor, floor) ^ 1))
            recency = []
        else:
            limits = [2 * self.half[m] for m in matches] + [self.silence[h]] * bool(self.silence[h])
            most = score + min(limits) - 1 if limits else max(size.range()[1], score)
            gates.refuse(network.both(visible, gates.within(size, score + 1, most) ^ 1))
            recency = gates.number(size.shifted(-score), min(most - score, max(size.range()[1] - score, 0)).bit_length())
        # Bits that some keys do not care for are taken to go together, all or none.
        first = [cares[0][1]] if cares else []
        for _, care in cares:
            gates.refuse(network.both(visible, network.xor(care, first[0])))
        sometimes = sum(1 << place for place, _ in cares)
        masks = (always, always | sometimes) if cares else (always,)
        values = [plane for v in range(plan.first_value[h], plan.first_value[h + 1]) for plane in self._value(v)]
        put = self.outputs.put
        return KeySide(put([visible]), put(key), put(first), put(recency), put(values), masks, sums)

    def _value(self, v: int) -> list[int]:
        form = self.others.times(self.forms, 2 * self.matches + v).shifted(-self.low[v])
        return list(self.gates.number(form, int(self.plan.width[v])))
