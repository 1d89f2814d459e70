"""The decoding loop: counts decoding steps and context length, for every process, order and engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from models.engines import ENGINES
from models.processes import PROCESSES, Chooser
from models.transformer import Transformer

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


@dataclass(frozen=True)
class DecodingStep:
    """The sequence after a decoding step; steps count from 1."""

    number: int
    tokens: Tensor


@dataclass(frozen=True)
class Decoding:
    """A finished decode: the last sequence, decoding steps, and the context length at start and after each step."""

    tokens: Tensor
    steps: int
    context: tuple[int, ...]

    @property
    def peak_context(self) -> int:
        return max(self.context)


def decoding_steps(model: Transformer, tokens: Tensor, positions: Tensor, *, process: str = "mdm", order: str = "parallel",
                   seed: int = 0, engine: str = "dense") -> Iterator[DecodingStep]:  # fmt: skip
    """Decode step by step, until the process changes nothing.

    Args:   tokens: [N] int64, the start sequence. positions: [N_max, d]; row i belongs to position i.
    Raises: NotFinished: masks remain but no position is ready. OutOfPositions: the sequence outgrows `positions`.
            ValueError: the process does not take this order.
    """
    if process not in PROCESSES or order not in ORDERS or engine not in ENGINES:
        raise ValueError(f"unknown process, order or engine: {process!r}, {order!r}, {engine!r}")
    row, mask = PROCESSES[process], model.vocabulary.mask
    if order != "parallel" and not row.any_order:
        raise ValueError(f"the updates of {process} are synchronous: its only order is parallel")
    choose = ORDERS[order](torch.Generator().manual_seed(seed))
    number = 0
    while not row.fills or bool((tokens == mask).any()):
        residual = ENGINES[engine](model, tokens, positions[: len(tokens)])
        after = row.step(tokens, model.predict(residual), mask, choose)
        if torch.equal(after, tokens):
            if row.fills:
                raise NotFinished(number + 1, int((tokens == mask).sum()))
            return
        if len(after) > len(positions):
            raise OutOfPositions(number + 1, len(after), len(positions))
        number += 1
        tokens = after
        yield DecodingStep(number, tokens)


def decode(model: Transformer, tokens: Tensor, positions: Tensor, *, process: str = "mdm", order: str = "parallel", seed: int = 0,
           engine: str = "dense", watch: Callable[[int], None] = lambda step: None) -> Decoding:  # fmt: skip
    """Decode to the end; arguments and errors as `decoding_steps`. `watch` is called after each decoding step.

    Source: Theorem 1 for `mdm`, Theorem 4 for `ap-mdm`.
    """
    context, steps = [len(tokens)], 0
    for step in decoding_steps(model, tokens, positions, process=process, order=order, seed=seed, engine=engine):
        tokens, steps = step.tokens, step.number
        context.append(len(tokens))
        watch(steps)
    return Decoding(tokens, steps, tuple(context))
