"""The decoding loop: counts decoding steps and context length, for every process, order and engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.engines import ENGINES, LONGEST, Session, Unsuitable
from models.positions import Positions
from models.processes import PROCESSES, Chooser, Edits, chosen, no_edits
from models.sequence import Change, Sequence
from models.transformer import Prediction, Transformer

#: Which of the positions that are ready a decoding step edits; each takes a generator.
ORDERS: dict[str, Callable[[torch.Generator], Chooser]] = {
    "parallel": lambda random: lambda ready: ready,
    "left-to-right": lambda random: lambda ready: ready[:1],
    "random": lambda random: lambda ready: ready[torch.randint(len(ready), (1,), generator=random)],
    "random-subsets": lambda random: lambda ready: _subset(ready, random),
}


def _subset(ready: Tensor, random: torch.Generator) -> Tensor:
    """A random non-empty part."""
    kept = torch.rand(len(ready), generator=random) < 0.5
    kept[torch.randint(len(ready), (1,), generator=random)] = True
    return ready[kept]


class NotFinished(Exception):
    """Masks remain but no position is ready."""

    def __init__(self, step: int, masks: int) -> None:
        self.step, self.masks = step, masks
        super().__init__(f"decoding step {step}: no position is ready, but {masks} are still masked")


class OutOfPositions(Exception):
    """The sequence grew longer than there are position encodings."""

    def __init__(self, step: int, length: int, most: int) -> None:
        super().__init__(f"decoding step {step}: the sequence grows to {length} tokens, but there are {most} positions")


class TooLong(Exception):
    """The engine that was asked for does not compute this, and the context is too long for the reference."""


@dataclass(frozen=True)
class DecodingStep:
    """A decoding step, counted from 1: what it changed, and the sequence, which the next step edits in place."""

    number: int
    change: Change
    sequence: NDArray[np.int64]

    @property
    def tokens(self) -> Tensor:
        """A copy of the sequence."""
        return torch.from_numpy(self.sequence.copy())


@dataclass(frozen=True)
class Decoding:
    """A finished decode: the last sequence, decoding steps, the context length at start and after each step, and
    which engine computed it (with the reason if another one was asked for)."""

    tokens: Tensor
    steps: int
    context: tuple[int, ...]
    engine: str

    @property
    def peak_context(self) -> int:
        return max(self.context)


class Decoder:
    """Decodes step by step, until the process changes nothing; iterate over it once.

    Args:   tokens: [N] int64, the start sequence. positions: row i belongs to position i; dense [N_max, d] or columns.
    Raises: NotFinished: masks remain but no position is ready. OutOfPositions: the sequence outgrows `positions`.
            TooLong: the engine gives up, and the reference cannot take over. ValueError: the process does not take this order.
    """

    def __init__(self, model: Transformer, tokens: Tensor, positions: Tensor | Positions, *, process: str = "mdm",
                 order: str = "parallel", seed: int = 0, engine: str = "dense", device: str = "cpu") -> None:  # fmt: skip
        if process not in PROCESSES or order not in ORDERS or engine not in ENGINES:
            raise ValueError(f"unknown process, order or engine: {process!r}, {order!r}, {engine!r}")
        self.process = PROCESSES[process]
        if order != "parallel" and not self.process.any_order:
            raise ValueError(f"the updates of {process} are synchronous: its only order is parallel")
        self.model, self.positions = model.to(device), Positions.of(positions)
        self.choose = ORDERS[order](torch.Generator().manual_seed(seed))
        self.sequence = Sequence(tokens, model.vocabulary.mask)
        self.renewed = torch.zeros(len(self.positions), dtype=torch.bool)
        self.reason = ""
        self.session = self._start(engine)

    @property
    def engine(self) -> str:
        """The engine at work, and why if it is not the one that was asked for."""
        return self.session.name + (f" ({self.reason})" if self.reason else "")

    def __iter__(self) -> Iterator[DecodingStep]:
        number, pending = 0, no_edits()
        while not self.process.fills or self.sequence.masks:
            pending = self._renewed(pending, *self._predict())
            edits = chosen(pending, self.choose)
            length = len(self.sequence) + int(edits.insert.sum()) - int(edits.delete.sum())
            if length > len(self.positions):
                raise OutOfPositions(number + 1, length, len(self.positions))
            before = len(self.sequence)
            change = self.sequence.edit(edits)
            if not len(change.rows) and change.length == before:
                if self.process.fills:
                    raise NotFinished(number + 1, self.sequence.masks)
                return
            self._update(change)
            number += 1
            yield DecodingStep(number, change, self.sequence.tokens)

    def _renewed(self, pending: Edits, rows: NDArray[np.int64], prediction: Prediction) -> Edits:
        """Pending edits, with those of rows that were predicted anew replaced.

        An edit that waits stays right: it depends on its row's token and prediction alone, and neither changed.
        """
        where = torch.from_numpy(rows)
        tokens = torch.from_numpy(self.sequence.tokens[rows])
        new = self.process.propose(where, tokens, prediction, self.sequence.mask)
        if not len(pending):
            return new
        self.renewed[where] = True
        old = pending.take(~self.renewed[pending.rows] & (pending.rows < len(self.sequence)))
        self.renewed[where] = False
        if not len(old):
            return new
        both = Edits(*(torch.cat(parts) for parts in zip(vars(old).values(), vars(new).values())))
        return both.take(both.rows.argsort())

    # -- the engine, and the reference where it gives up ---------------------------------------

    def _start(self, engine: str) -> Session:
        try:
            return ENGINES[engine](self.model, self.sequence.tokens, self.positions)
        except Unsuitable as reason:
            return self._fall_back(engine, reason)

    def _predict(self) -> tuple[NDArray[np.int64], Prediction]:
        try:
            return self.session.predict()
        except Unsuitable as reason:
            self.session = self._fall_back(self.session.name, reason)
            return self.session.predict()

    def _update(self, change: Change) -> None:
        try:
            self.session.update(change, self.sequence.tokens)
        except Unsuitable as reason:
            self.session = self._fall_back(self.session.name, reason)

    def _fall_back(self, engine: str, reason: Unsuitable) -> Session:
        self.reason = f"not {engine}: {reason}"
        if len(self.sequence) > LONGEST["dense"]:
            raise TooLong(f"{self.reason}; and {len(self.sequence)} tokens are too many for the dense engine") from None
        return ENGINES["dense"](self.model, self.sequence.tokens, self.positions)


def decode(model: Transformer, tokens: Tensor, positions: Tensor | Positions, *, process: str = "mdm", order: str = "parallel",
           seed: int = 0, engine: str = "dense", device: str = "cpu",
           watch: Callable[[int], None] = lambda step: None) -> Decoding:  # fmt: skip
    """Decode to the end; arguments and errors as `Decoder`. `watch` is called after each decoding step.

    Source: Theorem 1 for `mdm`, Theorem 4 for `ap-mdm`.
    """
    decoder = Decoder(model, tokens, positions, process=process, order=order, seed=seed, engine=engine, device=device)
    context, steps = [len(tokens)], 0
    for step in decoder:
        steps = step.number
        context.append(step.change.length)
        watch(steps)
    return Decoding(torch.from_numpy(decoder.sequence.tokens), steps, tuple(context), decoder.engine)
