"""Theorem 3 as a transformation of circuits: a Masked-ARM that does what any-order masked diffusion does, in the order it does it.

    [the start sequence, WORK where it has a MASK] [pair 1] ... [pair S']        S' = masks of the start sequence

A pair is one token: what AO-MDM unmasks, and where. Its kind is that of the token. Its bits are the token's, then the position's.
Pairs are written left to right. A new first layer rebuilds the sequence of AO-MDM: a WORK row looks up the pair that names its
position, and gets what the embedding would have written there. If there is no such pair, it gets what MASK gets. The old layers
run as they are. In a new last layer, the pair rows that are still masked read the ready row that comes first in the order.

No old form, gate or lookup changes. On pair rows all old fields but `one` are 0 until the last layer, so no old head finds them. The
order is a column of the position encodings: all orders by position have the same weights. An order that prefers kinds of tokens
has its own, since the kind that a row emits is known in the weights only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler import blocks, mdm
from lockstep.compiler.circuit import Circuit, Field, Gate, Layer, Lookup, Match, Readout, conjunction
from lockstep.compiler.clocks import BlockClock, Clock
from lockstep.compiler.construction import Construction
from lockstep.compiler.linear import Bit, Linear, total
from lockstep.compiler.names import MASKED_ARM, NotConstructed
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import SHARPNESS, Code, bits_for
from lockstep.models.orders import ORDERS, turns
from lockstep.models.positions import Positions
from lockstep.models.processes import PROCESSES
from lockstep.models.sampling import Sampling
from lockstep.models.tokens import MASK, MOST_VALUE_BITS, Vocabulary
from lockstep.pram.job import Job

#: The kind of the rows of the sequence that is rebuilt, and what the name of a kind gets that belongs to pairs.
WORK, PAIR = "WORK", "@"
#: The most bits of a token that a head reads.
MOST_READ = 4
#: The fields that position encodings write beside those of the circuit before: the row's own position, its place in the order (the
#: first has the largest), and whether it is a WORK row.
POSITION_FIELDS = frozenset(["row.index", "row.priority", "row.work"])


@dataclass(frozen=True)
class Widths(blocks.Widths):
    """Those of mdm; bits of a position that a pair names; bits of the rank of a kind, 0 for orders by position alone.

    index 0 stands for the bits that positions take if there are no more inputs and outputs than tokens of the trace.
    """

    index: int = 0
    rank: int = 0

    def __post_init__(self) -> None:
        if not self.index:
            object.__setattr__(self, "index", self.time + self.pid + 2)

    @staticmethod
    def cover(job: Job, time: int) -> Widths:
        """The least widths for a job, with step numbers up to `time`, in orders by position."""
        old = blocks.Widths.cover(job, time)
        before = 1 + len(job.parameters) + job.inputs + len(job.outputs)
        return Widths(old.word, old.time, old.pid, bits_for(before + 3 * job.processors * time))

    def in_order(self, order: str) -> Widths:
        """The same, for an order."""
        return replace(self, rank=RANK_BITS if ORDERS[order].by_kind else 0)

    @property
    def extent(self) -> tuple[str, int]:
        """The name, for messages, of the quantity that the widths limit, and its number of bits."""
        return "places", self.index

    def widened(self, bits: int) -> Widths:
        """A copy whose extent has `bits` bits. There are at least as many positions as steps of all processors."""
        return replace(self, index=bits, time=bits - self.pid)


#: The kinds that are emitted have at most four different numbers of bits: none, and those of a register, a counter and a word.
RANK_BITS = 2


def build(code: Code, widths: Widths) -> Circuit:
    """Return the circuit of the Masked-ARM for the runs of this code.

    Raises: NotConstructed: a pair would have more bits than the number of a token may have.
    """
    circuit = mdm.build(code, widths)
    if (bits := circuit.vocabulary.most_bits + widths.index) > MOST_VALUE_BITS:
        most = f"a pair of masked-arm has at most {MOST_VALUE_BITS}"
        raise NotConstructed(f"a token and a position take {bits} bits, and {most}: take smaller words or a smaller input")
    return as_masked_arm(circuit, widths.index, by_kind=widths.rank > 0)


def as_masked_arm(circuit: Circuit, index_bits: int, by_kind: bool = False) -> Circuit:
    """Return the circuit that writes pairs, left to right, in the order in which AO-MDM with this circuit unmasks tokens.

    Args:   circuit: unmasks tokens, in any order. index_bits: there are up to 2^index_bits positions.
            by_kind: rows that emit a kind with fewer bits come first. The place in the order decides between others.
    Source: Theorem 3.
    """
    return _Transformation(circuit, index_bits, by_kind).circuit()


def ranks_of(vocabulary: Vocabulary, kinds: list[str]) -> dict[str, int]:
    """The rank of each kind: higher for fewer bits, the same for as many."""
    sizes = sorted({vocabulary.bits(kind) for kind in kinds}, reverse=True)
    return {kind: sizes.index(vocabulary.bits(kind)) for kind in kinds}


class _Transformation:
    """Declares the new fields, then makes the first layer, the last layer and the readout."""

    def __init__(self, old: Circuit, index_bits: int, by_kind: bool) -> None:
        assert old.control is None, "the circuit edits tokens that it has written"
        self.old, self.q, self.b, self.by_kind = old, index_bits, old.vocabulary.most_bits, by_kind
        self.emitted = [kind for kind, form in old.readout.kinds.items() if form.terms]
        self.fields = dict(old.fields)
        self.index = self._field("row.index", index_bits)
        self.priority = self._field("row.priority", high=(1 << index_bits) - 1)
        self.work = self._field("row.work").flag
        self.pairs = {kind: self._field(f"pair.{kind}") for kind in self.emitted}
        self.bits, self.open = self._field("pair.bits", self.b + index_bits), self._field("pair.open")
        self.found, self.chosen = self._field("row.found"), self._field("chosen.index", index_bits)
        self.emits = {kind: _only_bit(old.readout.kinds[kind]) for kind in self.emitted}
        ever = {bit for layer in old.layers for bit in layer.written}
        self.ever = {kind: bit for kind, bit in self.emits.items() if bit in ever}  # not every program has each kind of step
        self.any_kind = total(Linear({bit: 1}) for bit in self.ever.values())

    def circuit(self) -> Circuit:
        old, open_pairs = self.old, {MASK: self.open}
        pairs = {kind + PAIR: field for kind, field in self.pairs.items()}
        kinds = (*old.vocabulary.kinds, (WORK, 0), *((name, self.b + self.q) for name in pairs))
        return replace(
            old,
            vocabulary=Vocabulary(kinds), fields=self.fields, kind_flags=old.kind_flags | open_pairs | pairs,
            token_bits=self.bits, layers=[self._rebuild(), *old.layers, self._next_pair()], readout=self._readout(),
            positions=old.positions | POSITION_FIELDS,
        )  # fmt: skip

    def _field(self, name: str, width: int = 1, high: int = 1) -> Field:
        assert name not in self.fields, f"field {name!r} exists"
        self.fields[name] = Field(name, width, (high,) * width)
        return self.fields[name]

    def _rebuild(self) -> Layer:
        """Write what the embedding wrote into the rows of the old sequence. Its given tokens have their bits in the new field."""
        old, is_pair = self.old, total(field.flag for field in self.pairs.values())
        here = tuple(Match(own, named) for own, named in zip(self.index, [*self.bits][self.b :]))
        reads = [(Linear(constant=1), self.found.bit())]
        reads += [(self.pairs[kind].flag, old.kind_flags[kind].bit()) for kind in self.emitted if kind in old.kind_flags]
        reads += [(self.bits[j], old.token_bits.bit(j)) for j in range(old.token_bits.width)]
        gates: list[Gate] = [conjunction([self.work, 1 - self.found.flag], {old.kind_flags[MASK].bit(): 1})]
        gates += [conjunction([self.bits[j], 1 - is_pair], {old.token_bits.bit(j): 1}) for j in range(old.token_bits.width)]
        return Layer([Lookup("rebuild", self.work, here, (is_pair,), tuple(reads))], gates)

    def _next_pair(self) -> Layer:
        """Let open pairs read what the first of the ready rows emits, and its position. Only masked rows emit: no need to ask.

        Several heads find the same row, and each reads a part: fast engines pack what a head reads into one integer.
        """
        out = [_only_bit(form) for form in self.old.readout.ones]
        parts = {
            "next kind": _copies([*self.ever.values()]),
            "next place": [*zip(self.index, map(self.chosen.bit, range(self.q)))],
        }
        for first in range(0, len(out), MOST_READ):
            parts[f"next bits {first}"] = _copies(out[first : first + MOST_READ])
        ranks = ranks_of(self.old.vocabulary, self.emitted) if self.by_kind else {}
        preferred = total(Linear({bit: ranks[kind] << self.q}) for kind, bit in self.ever.items() if ranks.get(kind))
        recency, most = preferred + self.priority.flag, sum(preferred.terms.values()) + (1 << self.q) - 1
        row = self.open.flag, (), (self.any_kind,)
        return Layer([Lookup(name, *row, tuple(reads), recency, most) for name, reads in parts.items()])

    def _readout(self) -> Readout:
        """Scores as those of the processor: the score of a kind exceeds those of all bits together."""
        ones = [*(Linear({_only_bit(form): 1}) for form in self.old.readout.ones), *self.chosen]
        weight = SHARPNESS * (self.b + self.q + 2)
        return Readout(
            {kind + PAIR: Linear({bit: weight}) for kind, bit in self.emits.items()},
            tuple(bit * SHARPNESS for bit in ones),
            tuple((self.any_kind - bit) * SHARPNESS for bit in ones),
        )


def _copies(bits: Sequence[Bit]) -> list[tuple[Linear, Bit]]:
    """The reads that copy bits to where they are."""
    return [(Linear({bit: 1}), bit) for bit in bits]


def _only_bit(form: Linear) -> Bit:
    """The bit of a readout form, which is a multiple of one bit."""
    (bit,) = form.terms
    return bit


@dataclass(frozen=True)
class Layout:
    """The positions of all tokens: first those of AO-MDM (`before`), then the pairs. sampling: the order, its seed, its permutation."""

    before: mdm.Layout
    sampling: Sampling

    def __post_init__(self) -> None:
        PROCESSES["masked-arm"].check_order(self.sampling.order)
        widths = self.before.widths
        assert isinstance(widths, Widths) and (widths.rank > 0) == ORDERS[self.sampling.order].by_kind, "another order's weights"
        if self.before.length > 1 << widths.index:
            raise ValueError(f"{self.before.length} positions do not fit {widths.index} bits")

    @property
    def job(self) -> Job:
        return self.before.job

    @property
    def circuit(self) -> Circuit:
        return self.before.circuit

    @property
    def time(self) -> int:
        return self.before.time

    @property
    def length(self) -> int:
        """The context length: N + S', where N is that of AO-MDM."""
        return self.before.length + self.before.length - self.before.first_block

    def tokens(self) -> NDArray[np.int64]:
        """The start sequence, int64 [length]: that of AO-MDM, with WORK for MASK, then a MASK for each of these."""
        start, vocabulary = self.before.tokens(), self.circuit.vocabulary
        masked = start == vocabulary.mask
        start[masked] = vocabulary.token(WORK)
        return np.concatenate([start, np.full(masked.sum(), vocabulary.mask)])

    def positions(self) -> Positions:
        """The position encoding of `length` positions."""
        before, fields = self.before.positions(), PositionFields(self.circuit, self.length)
        fields.positions.bits[: len(before)], fields.positions.numbers[: len(before)] = before.bits, before.numbers
        fields.set("one", slice(None), 1)
        start, mask = self.before.tokens(), self.circuit.vocabulary.mask
        masked, here = start == mask, slice(0, len(before))
        fields.set("row.work", here, masked)
        fields.set_bits("row.index", here, np.where(masked, np.arange(len(before)), 0))
        fields.set("row.priority", here, np.where(masked, masked.sum() - 1 - turns(start, mask, self.sampling), 0))
        return fields.positions

    @property
    def value_bits(self) -> int:
        """The low bits of a pair, which have the value of its token. The bits above name a position."""
        return self.circuit.vocabulary.most_bits - self._widths.index

    def pairs(self, tokens: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The positions and the tokens that are written so far, in order. tokens: [length]."""
        written = tokens[self.before.length :]
        return self.named(written[written != self.circuit.vocabulary.mask])

    def named(self, pairs: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The positions that pairs name, and the tokens that they put there. pairs: tokens, [n]."""
        vocabulary, bits = self.circuit.vocabulary, self.value_bits
        kinds = [name for name, _ in vocabulary.kinds]
        firsts = np.array([vocabulary.offsets[name] for name in kinds])
        old_firsts = np.array([vocabulary.offsets[name.removesuffix(PAIR)] for name in kinds])
        kind = np.searchsorted(firsts, pairs, side="right") - 1
        values = pairs - firsts[kind]
        return values >> bits, old_firsts[kind] + (values & (1 << bits) - 1)

    def rebuilt(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sequence of AO-MDM after the pairs that are written. tokens: [length]."""
        sequence = self.before.tokens()
        positions, found = self.pairs(tokens)
        sequence[positions] = found
        return sequence

    def locate(self, position: int) -> tuple[str, int, int]:
        """As of blocks. For pairs ("pair", 0, j)."""
        first = self.before.length
        return ("pair", 0, position - first) if position >= first else self.before.locate(position)

    def clock(self, time: int) -> Clock:
        """Says which step of a run of `time` steps a decoding step belongs to: it fills the positions that its pairs name."""
        return BlockClock(
            self.before.first_block, 3 * self.job.processors, self.time, time,
            lambda step: self.named(step.sequence[step.change.rows])[0],
        )  # fmt: skip

    def halted(self, tokens: NDArray[np.int64]) -> bool:
        """Whether the last block says that every processor has halted."""
        return self.before.halted(self.rebuilt(tokens))

    def output_words(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The words of the output cells, in the order of their addresses."""
        return self.before.output_words(self.rebuilt(tokens))

    def in_order(self, sampling: Sampling) -> Layout:
        """The same, in another order.

        Raises: ValueError: the process has no such order.
        """
        return replace(self, sampling=sampling)

    @property
    def _widths(self) -> Widths:
        assert isinstance(self.before.widths, Widths)
        return self.before.widths


def _lay_out(job: Job, circuit: Circuit, widths: Widths, time: int) -> Layout:
    usual = "most-confident" if widths.rank else PROCESSES["masked-arm"].orders[0]
    return Layout(mdm.Layout(job, circuit, widths, time), Sampling(usual))


CONSTRUCTION = Construction(MASKED_ARM, Widths, Widths.cover, build, _lay_out)
