"""All single-weight mutants of a model, and the rows of real runs that may tell each from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from kit.decoding import FASTEST
from kit.small import small_job
from numpy.typing import NDArray
from torch import Tensor

from lockstep.compiler.compile import Compiled
from lockstep.models.decode import Decoder
from lockstep.models.torch_transformer import TorchTransformer
from lockstep.models.transformer import FACTORED_PARTS, LAYER_PARTS, Transformer
from lockstep.proofs_check.proofs.prove import Proof

PARTS = ("w_in", "b_in", "w_out", "v", "o")


@dataclass(frozen=True)
class Rows:
    """Rows of real runs before the gates of each layer, and after the last; [n, d] each, without repetitions.

    streams: for each layer, what it was given, sequence by sequence. read: what each head of the model as it is adds to these,
    by layer and head, as far as somebody asked.
    """

    before: tuple[Tensor, ...]
    last: Tensor
    streams: tuple[tuple[Tensor, ...], ...]
    read: dict[tuple[int, int], list[Tensor]] = field(default_factory=dict)


def rows_of_runs(compiled: Compiled) -> Rows:
    """Every row of every decoding step of two runs, with one processor and with two."""
    seen: list[list[Tensor]] = [[] for _ in range(len(compiled.model.layers) + 1)]
    streams: list[list[Tensor]] = [[] for _ in compiled.model.layers]
    for processors in (1, 2):
        layout = compiled.layout(small_job(compiled.widths.word, processors), 39)
        tokens, positions = layout.tokens(), layout.positions()
        model = TorchTransformer(compiled.model)
        every = model.tensor(positions.dense())
        sequences = [tokens] + [step.tokens for step in Decoder(compiled.model, tokens, positions, compiled.process, FASTEST)]
        for sequence in sequences:
            x = model.embed(torch.from_numpy(sequence)) + every[: len(sequence)]
            for number, layer in enumerate(model.layers):
                streams[number].append(x)
                x = x + layer.attend(x, causal=model.causal)
                seen[number].append(x)
                x = x + layer.feed_forward(x)
            seen[-1].append(x)
    *before, last = (torch.unique(torch.cat(rows), dim=0) for rows in seen)
    return Rows(tuple(before), last, tuple(map(tuple, streams)))


@dataclass(frozen=True)
class Mutant:
    """One weight with another value; `layer` is -1 outside the layers."""

    layer: int
    part: str
    index: tuple[int, ...]
    value: float


def tensor_of(model: Transformer, layer: int, part: str) -> NDArray[Any]:
    if layer >= 0:
        found = getattr(model.layers[layer], part)
    elif part.startswith("control"):
        found = getattr(model, part)
    else:
        owner, name = part.split(".")
        found = getattr(getattr(model, owner), name)
    assert isinstance(found, np.ndarray)
    return found


def score_mutants(model: Transformer) -> Iterator[Mutant]:
    """The same of Q, in units of its scale, and of K."""
    for layer in range(len(model.layers)):
        yield from _mutants(model, layer, "q", 1024.0)
        yield from _mutants(model, layer, "k", 1.0)


def all_mutants(model: Transformer) -> Iterator[Mutant]:
    """Each weight that is not 0, but for Q and K: one more, one less, negated, 0."""
    places = [(n, part) for n in range(len(model.layers)) for part in PARTS]
    places += [(-1, f"{owner}.{name}") for owner in ("embedding", "unembedding") for name in ("kind", "one", "zero")]
    places += [(-1, name) for name in ("control_weight", "control_bias") if getattr(model, name) is not None]
    for layer, part in places:
        yield from _mutants(model, layer, part, 1.0)


def _mutants(model: Transformer, layer: int, part: str, unit: float) -> Iterator[Mutant]:
    weights = tensor_of(model, layer, part)
    for index in np.argwhere(weights).tolist():
        old = float(weights[tuple(index)])
        for value in sorted({old + unit, old - unit, -old, 0.0} - {old}):
            yield Mutant(layer, part, tuple(index), value)


def zero_mutants(model: Transformer) -> Iterator[Mutant]:
    """Each weight that is 0 in any matrix, as 1."""
    places = [(n, part) for n in range(len(model.layers)) for part in LAYER_PARTS]
    places += [(-1, f"{owner}.{name}") for owner in ("embedding", "unembedding") for name in FACTORED_PARTS]
    places += [(-1, name) for name in ("control_weight", "control_bias") if getattr(model, name) is not None]
    for layer, part in places:
        for index in np.argwhere(tensor_of(model, layer, part) == 0).tolist():
            yield Mutant(layer, part, tuple(index), 1.0)


def changes_anything(model: Transformer, rows: Rows, mutant: Mutant) -> bool:
    """Whether the mutant does anything else on real runs, wherever it is: to a token's row, a head, a layer or the readout."""
    if mutant.part in ("q", "k", "v", "o"):
        return changes_attention(model, rows, mutant)
    if not mutant.part.startswith("embedding"):
        return changes_a_run(model, rows, mutant)
    tokens = torch.arange(model.vocabulary.size)
    with planted(model, mutant):
        mutated = TorchTransformer(model).embed(tokens)
    return not torch.equal(mutated, TorchTransformer(model).embed(tokens))


def changes_attention(model: Transformer, rows: Rows, mutant: Mutant) -> bool:
    """Whether a head reads anything else on any sequence of real runs. No other head has changed."""
    place = mutant.layer, mutant.index[0]
    if place not in rows.read:
        rows.read[place] = list(_adds(model, rows, *place))
    with planted(model, mutant):
        return any(not torch.equal(right, found) for right, found in zip(rows.read[place], _adds(model, rows, *place)))


def _adds(model: Transformer, rows: Rows, number: int, head: int) -> Iterator[Tensor]:
    """What one head adds to each sequence."""
    layer = TorchTransformer(model).layers[number]
    alone = replace(layer, **{part: getattr(layer, part)[head : head + 1] for part in ("q", "k", "v", "o")})
    return (alone.attend(x, causal=model.causal) for x in rows.streams[number])


@contextmanager
def planted(model: Transformer, mutant: Mutant) -> Iterator[None]:
    """The model is the mutant inside."""
    weights = tensor_of(model, mutant.layer, mutant.part)
    old = float(weights[mutant.index])
    weights[mutant.index] = mutant.value
    try:
        yield
    finally:
        weights[mutant.index] = old


def changes_a_run(model: Transformer, rows: Rows, mutant: Mutant) -> bool:
    """Whether the mutant does anything else on any row of real runs: to the row, or to the token that it becomes."""
    changed = [mutant.layer] if mutant.layer >= 0 else []
    with planted(model, mutant):
        reference = TorchTransformer(model)
        mutated = [reference.layers[n].feed_forward(rows.before[n]) for n in changed]
        prediction = reference.predict(rows.last)
    reference = TorchTransformer(model)
    for n, found in zip(changed, mutated):
        if not torch.equal(found, reference.layers[n].feed_forward(rows.before[n])):
            return True
    right = reference.predict(rows.last)
    sure, certain = prediction.probability >= 0.9, right.probability >= 0.9
    edits = prediction.control is not None and right.control is not None and not torch.equal(prediction.control, right.control)
    return edits or not torch.equal(sure, certain) or not torch.equal(prediction.token[certain], right.token[certain])


def failed(proof: Proof) -> list[str]:
    return [obligation.what for obligation in proof.obligations if not obligation.holds]


def fault_at(compiled: Compiled, layer: int, part: str, writes: str, bit: int, which: int = 0) -> Mutant:
    """The sign of a weight that writes to a bit, turned."""
    column = compiled.circuit.offsets()[writes] + bit
    weights = getattr(compiled.model.layers[layer], part)
    index = (column, int(np.flatnonzero(weights[column])[which]))
    return Mutant(layer, part, index, -float(weights[index]))
