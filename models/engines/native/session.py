"""The native engine as a session: it hands a model to the compiled decoder and returns what the decoder predicts."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.models.drawing import Logits
from lockstep.models.engines.native.heads import Field, Head
from lockstep.models.engines.native.modules import module
from lockstep.models.engines.native.prepared import Prepared, Preparing
from lockstep.models.engines.native.tapes import Record
from lockstep.models.engines.native.translate import Translation
from lockstep.models.engines.session import Unsuitable
from lockstep.models.positions import Positions
from lockstep.models.sequence import Change
from lockstep.models.transformer import Prediction, Tokens, Transformer

#: The reasons for the fault numbers of records.h. The number after them, TAPE, means a fault plane of a tape, which has its own name.
FAULTS = (
    "",
    "the first token moves, or appears a second time",
    "a query finds two keys that are equally recent",
    "the first row reads another one",
    "a probability is too near to the threshold",
    "no token is the best",
    "a head adds up so much that a share may be far from the sum",
)
TIES, UNCLEAR, TAPE = 2, 4, len(FAULTS)
#: The decoders of the compiled module: of encoders, and of causal models.
DECODERS = {False: "Decoder", True: "Appending"}
#: Rules of decoding steps that they know themselves, by the name of the process.
RULES = {False: {"mdm": "UNMASK", "ap-mdm": "EDIT", "revision": "REVISE"}, True: {"arm": "APPEND"}}
#: Askers of a table are numbered in 32 bits, from 1; a row has a power of two of them, at least one for each head and care.
MOST_NUMBERED = 1 << 32
#: The compiled decoder keeps a predicted token in 32 bits, with a sign.
MOST_TOKENS = 1 << 31
#: A recency is kept in 32 bits.
MOST_RECENCY_BITS = 32
#: Bits of `outcomes`: certain; remask, insert, delete; unsure, whether a masked row's best token is certain.
CERTAIN, CONTROLS, UNSURE = 1, np.array([2, 4, 8], np.uint8), 16


class NativeSession:
    """Predictions by the native engine; see `lockstep.models.engines.session`.

    Args: compiled: one of the compiled modules; by default the best one for this CPU. every: whether the tokens of all rows count.
    """

    name = "native"

    def __init__(self, model: Transformer, sequences: Sequence[Tokens], positions: Sequence[Positions],
                 compiled: ModuleType | None = None, every: bool = False) -> None:  # fmt: skip
        if len(sequences) > 1:
            raise Unsuitable("it decodes one sequence at a time")
        if not len(sequences[0]):
            raise Unsuitable("the sequence is empty")
        if model.vocabulary.size > MOST_TOKENS:
            raise Unsuitable("the vocabulary has too many tokens")
        if not 0 <= sequences[0].min() <= sequences[0].max() < model.vocabulary.size:
            raise Unsuitable("a token is none of the vocabulary")
        compiled = compiled or module()
        if compiled is None:
            raise Unsuitable("it was not compiled: there was no C++ compiler when Lockstep was installed")
        self.compiled, self.model, self.positions = compiled, model, positions[0]
        self.processes: dict[str, str] = RULES[model.causal]
        self.every = every
        self.preparing = Preparing(compiled, model, self.positions, int(sequences[0][0]))
        self._begin(sequences[0])

    def _begin(self, tokens: Tokens) -> None:
        prepared = self.preparing.prepared()
        self.tapes, self.control = prepared.tapes, bool(prepared.plan.readout.control)
        self.decoder = _Builder(self.compiled, self.model, self.positions, prepared, self.every).decoder
        self.decoder.begin(tokens)
        self.seen = tokens  # that of the last prediction

    # -- as every session ------------------------------------------------------------------------

    def update(self, number: int, change: Change, tokens: Tokens) -> None:
        self.decoder.update(change.rows, tokens)

    def predict(self, live: Sequence[int]) -> list[tuple[Tokens, Prediction]]:
        if not live:
            return []
        self._predict()
        self.seen = self.decoder.tokens().copy()
        rows = np.sort(self.decoder.untold())
        token, bits = self.decoder.outcomes(rows)
        if (bits & UNSURE).any():
            raise Unsuitable(FAULTS[UNCLEAR])
        control = (bits[:, None] & CONTROLS) != 0 if self.control else None
        return [(rows, Prediction(token, (bits & CERTAIN).astype(float), control))]

    def logits(self, number: int, rows: Tokens) -> Logits:
        """Raises: Unsuitable, always: its tapes say which token is the best, not by how much."""
        raise Unsuitable("it knows the best tokens alone, and a sampler needs the odds of all")

    def found(self, number: int, rows: Tokens) -> Tokens:
        """Its records do not say which row was found, so the indexed engine predicts the sequence once more.

        Raises: Unsuitable: as the indexed engine.
        """
        from lockstep.models.engines.appending import AppendingSession  # imports Numba, which is slow
        from lockstep.models.engines.indexed import IndexedSession

        again = (AppendingSession if self.model.causal else IndexedSession)(self.model, [self.seen], [self.positions])
        again.predict([0])
        return again.found(0, rows)

    def _predict(self) -> None:
        """Predict. If a row shows that a column holds more than a bit, make it a number and start again.

        Raises: Unsuitable: a row breaks another assumption of the planes.
        """
        self.decoder.predict()
        while self.decoder.fault[0]:
            self._widen()
            self.decoder.predict()

    def _widen(self) -> None:
        fault, number, plane = self.decoder.fault
        if fault != TAPE:
            raise Unsuitable(FAULTS[fault])
        about = self.tapes[number].about[plane]
        if about in self.preparing.wide or not ("column" in about or about.startswith("readout")):
            raise Unsuitable(f"{about}: a row holds what it should not")
        self.preparing.wide.add(about)
        if about.startswith("readout"):  # one bit of it that is a number is seldom alone
            self.preparing.wide |= {f"readout, bit {j}" for j in range(self.preparing.model.vocabulary.most_bits)}
        self._begin(self.decoder.tokens().copy())

    # -- steps of its own ------------------------------------------------------------------------

    def step(self, process: str) -> tuple[Change, Tokens, int] | None:
        self._predict()
        if not self.decoder.step(self._rule(process)):
            if self.decoder.fault[0]:
                raise Unsuitable(FAULTS[self.decoder.fault[0]])
            return None
        return Change(np.sort(self.decoder.changed()), self.decoder.length), self.decoder.tokens(), self.decoder.masks

    def stride(self, process: str, most: int) -> tuple[list[int], Tokens, int]:
        self.decoder.decode(self._rule(process), most)
        return self.decoder.contexts().tolist(), self.decoder.tokens(), self.decoder.masks

    def _rule(self, process: str) -> Any:
        return getattr(self.compiled.Rule, self.processes[process])

    @property
    def grown(self) -> int:
        return int(self.decoder.grown)


class _Builder:
    """A decoder of a translated model, with positions in its records."""

    def __init__(self, compiled: Any, model: Transformer, positions: Positions, prepared: Prepared, every: bool) -> None:
        plan, found, place = prepared.plan, prepared.translation, prepared.record
        embed, readout = plan.embed, plan.readout
        self.rows = len(positions)
        self.decoder = getattr(compiled, DECODERS[model.causal])(
            len(positions), place.words, place.flags.word, place.flags.bit, model.vocabulary.mask, plan.sink_kind,
            embed.offsets.astype(np.int32), embed.kind_bits, len(found.bits), readout.control, readout.control > 0,
            every,
        )  # fmt: skip
        for number, each in enumerate(prepared.tapes):
            self.decoder.add_tape(each.compiled, place.kept[number - 1] if 0 < number <= len(place.kept) else 0)
        for layer, heads in enumerate(found.heads):
            self._add_heads(layer, heads, place)
        self._place_positions(found, place, positions)

    def _add_heads(self, layer: int, heads: Sequence[Head], place: Record) -> None:
        tables: dict[Any, int] = {}
        askers = dict.fromkeys((head.side for head in heads), 0)
        for h, head in enumerate(heads):
            side = head.side
            askers[side] += 1
            if (
                side.recency.bits > MOST_RECENCY_BITS
                or self.rows << (len(side.masks) * askers[side] - 1).bit_length() >= MOST_NUMBERED
            ):
                raise Unsuitable("a head has too many keys, or too many rows ask")
            if side not in tables:
                fields = _fields(side.visible, side.key, side.care, side.recency, side.value)
                tables[side] = self.decoder.add_table(
                    layer, fields, np.array(side.masks, np.uint64), np.array(side.sums, np.uint64)
                )
            read = place.read[layer][h]
            self.decoder.add_head(layer, tables[side], _fields(head.asks, head.query), read.word, read.bit, head.bits, head.sink)

    def _place_positions(self, found: Translation, place: Record, positions: Positions) -> None:
        """Bits of one column that stand side by side are placed together."""
        runs: dict[tuple[int, int, int], int] = {}
        for literal, bit in found.positions.items():
            if (at := place.places.get(literal)) is not None:
                key = (bit.column, at.word, at.bit - bit.bit)
                runs[key] = runs.get(key, 0) | 1 << bit.bit
        for place_part, values, columns in (
            (self.decoder.place_bits, positions.bits, positions.bit_columns),
            (self.decoder.place_numbers, positions.numbers, positions.number_columns),
        ):
            number = {int(c): n for n, c in enumerate(columns)}
            fields = [(number[c], mask, word, shift) for (c, word, shift), mask in runs.items() if c in number]
            place_part(values, np.array(fields, np.int64).reshape(-1, 4))


def _fields(*fields: Field) -> NDArray[np.int32]:
    return np.array([(f.word, f.shift, f.bits) for f in fields], np.int32)
