"""Models made by hand that no compiler makes: a lookup, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import Factored, Layer, Transformer


def lookup_model(length: int, recency: bool = True) -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """A lookup made by hand: masks read the A of the row whose number in bits is theirs, less one.

    Residual: 0 BOS, 1 MASK, 2 token bit, 3 one, 4..6 own number, 7..9 the number before, 10 recency, 11 found, 12 read,
    13 is a key. A MASK that found a row predicts A with the bit that it read, flipped.
    """
    width = 14
    kinds = Vocabulary((("BOS", 0), (MASK, 0), ("A", 1)))
    embedding = Factored(np.zeros((3, width)), np.zeros((1, width)), np.zeros((1, width)))
    embedding.kind[0, 0] = embedding.kind[1, 1] = embedding.kind[2, 13] = embedding.one[0, 2] = 1
    positions = np.zeros((length, width))
    positions[:, 3] = 1
    for i in range(1, length):
        positions[i, 4:7] = np.array([i >> j & 1 for j in range(3)])
        positions[i, 7:10] = np.array([i - 1 >> j & 1 for j in range(3)])
        positions[i, 10] = i if recency else 0
    half, unit = length + 1, 1024
    q, k, v, o = np.zeros((1, 5, width)), np.zeros((1, 5, width)), np.zeros((1, 5, width)), np.zeros((1, width, 5))
    for j in range(3):
        q[0, j, 7 + j], q[0, j, 3] = 2 * half, -half
        k[0, j, 4 + j], k[0, j, 3], k[0, j, 0] = 2, -1, 1
    q[0, 3, 3] = 1
    # bias: -half for each bit, 2 half less where the row is no key; the sink scores -1
    k[0, 3, 3], k[0, 3, 13], k[0, 3, 10], k[0, 3, 0] = -5 * half, 2 * half, 1, 5 * half - 1
    q[0, 4, 3], q[0, 4, 1], k[0, 4, 0] = length + 2, -(length + 2), 1
    v[0, 0, 13], o[0, 11, 0], v[0, 1, 2], o[0, 12, 1] = 1, 1, 1, 1
    layer = Layer(q * np.array([unit, 1, 1, 1, 1])[0], k, v, o, np.zeros((2, width)), np.zeros(2), np.zeros((width, 2)))
    unembedding = Factored(np.zeros((3, width)), np.zeros((1, width)), np.zeros((1, width)))
    unembedding.kind[2, 11], unembedding.one[0, 11], unembedding.zero[0, 12] = 32, 16, 32
    model = Transformer(kinds, embedding, (layer,), unembedding)
    return model, np.array([0, 2] + [1] * (length - 2)), positions


def spread_out(at: int, by: int) -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """The lookup, with columns between its own that nothing reads: from column `at` on, `by` of them, which positions fill with bits."""
    model, tokens, positions = lookup_model(7)

    def wide(matrix: NDArray[Any], axis: int = -1) -> NDArray[Any]:
        return np.insert(matrix, [at] * by, 0, axis=axis)

    embedding, unembedding = (Factored(wide(f.kind), wide(f.one), wide(f.zero)) for f in (model.embedding, model.unembedding))
    layers = tuple(
        Layer(wide(x.q), wide(x.k), wide(x.v), wide(x.o, 1), wide(x.w_in), x.b_in, wide(x.w_out, 0)) for x in model.layers
    )
    positions = wide(positions)
    positions[:, at : at + by] = np.random.default_rng(0).integers(0, 2, (len(positions), by))
    return replace(model, embedding=embedding, layers=layers, unembedding=unembedding), tokens, positions


def settle(model: Transformer) -> None:
    """Let masks of the lookup that find nothing become A 0: a process that edits takes no token that is not certain."""
    model.unembedding.kind[2, 3] = model.unembedding.zero[0, 3] = 8


def tampered(name: str) -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """The hand-made lookup with one precondition broken."""
    model, tokens, positions = lookup_model(7)
    (layer,) = model.layers
    parts = {part: tensor.copy() for part, tensor in vars(layer).items()}
    match name:
        case "ties with different values":
            positions[3, 4:7] = positions[2, 4:7]
            positions[3, 10] = positions[2, 10]
            tokens = np.array([0, 2, 2, 3, 1, 1, 1])
            positions[4, 7:10] = positions[2, 4:7]
        case "recency over the most":
            positions[2, 10] = 100
        case "key out of range":
            positions[2, 4] = 3
        case "query out of range":
            positions[2, 7] = 2
        case "no sink":
            parts["k"][0, 3, 0] = 0
        case "the sink cares":
            parts["k"][0, :3, 0] = 0
        case "weights that are no integers":
            parts["w_in"][0, 0] = 0.5
        case "soft heads":
            parts["q"] /= 1024
        case "positions that are no integers":
            positions[2, 11] = 0.5
        case "numbers that round":
            parts["v"][0, 1, 2] = 2.0**60
        case "a second first token":
            tokens[3] = 0
    return replace(model, layers=(Layer(**parts),)), tokens, positions


#: What the active, the indexed and the native engine say of each: why they give up, or nothing where they need not.
SOFT, FIRST = "a head does not read one row alone", "the first token moves, or appears a second time"
ROW = "layer 1, head 1: a row holds what it should not"
TIED = "a query finds two keys that are equally recent"
MIXED = "different scores may be so close that attention mixes rows"
BROKEN = {
    "ties with different values": (SOFT, TIED, TIED),
    "recency over the most": ("", "a key's recency is too large", ROW),
    "key out of range": ("", "a key's bit is none of 1, 0, -1", ROW),
    "query out of range": ("", "a query is not +half or -half", ROW),
    "no sink": ("", "a key's recency is too large", ROW),
    "the sink cares": ("", "the first row is no sink, or changes", "the first row's key cares for a bit"),
    "weights that are no integers": ("layers.0.w_in has weights that are not integers",) * 3,
    "soft heads": (SOFT, MIXED, MIXED),
    "positions that are no integers": ("the position encoding has values that are not integers",) * 3,
    "numbers that round": ("layer 1, head 1: values might round",) * 3,
    "a second first token": ("", FIRST, FIRST),
}


def gives_up(engine: str, name: str) -> str:
    """What finishes the decode of a tampered lookup, as `Decoder.engine` says it."""
    reason = BROKEN[name][("active", "indexed", "native").index(engine)]
    return f"dense (not {engine}: {reason})" if reason else engine


def vanishing_model() -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """Position 1 stays masked as long as it finds position 5, which is gone when position 4 deletes itself."""
    model, _, positions = lookup_model(7)
    positions[1, 7:10] = np.array([1, 0, 1])
    settle(model)
    control = np.zeros((3, 14))
    control[0, [1, 11]] = control[2, [1, 6]] = 1  # remask: masked and found; delete: masked, at 4 or beyond
    edits = replace(model, control_weight=control, control_bias=-np.ones(3))
    return edits, np.array([0, 1, 2, 2, 1, 3]), positions


def returning_model() -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """Position 2 deletes itself, and comes back with the token that it had: the second layer is given the same stream again."""
    model, _, positions = lookup_model(7)
    (layer,) = model.layers
    positions[2, 7:10] = 1
    settle(model)
    control = np.zeros((3, 14))
    control[0, 13] = 1  # remask: an A
    control[1, [1, 4]] = control[2, [1, 5]] = 1  # insert: masked, at 1; delete: masked, at 2
    bias = np.array([0.0, -1.0, -1.0])
    layers = (layer, replace(layer, o=layer.o * 0))
    return replace(model, layers=layers, control_weight=control, control_bias=bias), np.array([0, 2]), positions


def nearby_model() -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """Positions 2 and 3 have one number, which position 4 asks for: their scores differ by 128, so attention mixes them a little."""
    model, _, positions = lookup_model(7)
    (layer,) = model.layers
    positions[1:, 10] += 20
    positions[3, 4:7] = positions[4, 7:10] = positions[2, 4:7]
    q = layer.q / 8
    q[0, 4] *= 5  # rows that do not ask still prefer the sink
    return replace(model, layers=(replace(layer, q=q),)), np.array([0, 2, 1, 2, 1]), positions


def leaking_model() -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """All rows read position 2 and, with weight exp(-40), 3, until that deletes itself: so little leaks that no sum with 1 has it,
    but what reads more than 0 stays masked.

    Residual: 0 one, 1 MASK, 2 is none, 3 score as a key, 4 position 3, 5 read.
    """
    q, k, v, o = (np.zeros((1, 1, 6)) for _ in range(4))
    q[0, 0, 0] = k[0, 0, 3] = v[0, 0, 1] = o[0, 0, 5] = 1
    embedding, unembedding = (Factored(*(np.zeros((n, 6)) for n in (3, 0, 0))) for _ in range(2))
    embedding.kind[1, 1] = embedding.kind[[0, 2], [2, 2]] = 1
    unembedding.kind[2, 0] = 8
    positions = np.zeros((4, 6))
    positions[:, 0] = positions[3, 4] = 1
    positions[2, 3], positions[3, 3] = 5000, 4960
    control = np.zeros((3, 6))
    control[0, 5], control[0, 2], control[0, 4], control[2, 4] = 1, -2, -2, 1  # remask: masked, not at 3, and reads; delete: at 3
    nothing = np.zeros((1, 6)), np.zeros(1), np.zeros((6, 1))
    layer = Layer(q, k, v, o.transpose(0, 2, 1), *nothing)
    vocabulary = Vocabulary((("BOS", 0), (MASK, 0), ("A", 0)))
    model = Transformer(vocabulary, embedding, (layer,), unembedding, control, np.zeros(3))
    return model, np.array([0, 1, 2, 1]), positions


def wide_model() -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """Tokens are wide in a column in which positions are bytes: position 4 reads 1 more than it finds."""
    model, tokens, positions = lookup_model(7)
    positions[4, 12] = 1
    model.embedding.kind[2, 12] = 40_000
    return model, tokens, positions


def negative_model() -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """The lookup with V and O negated: the same function, but what the sink holds is not the least that can be read."""
    model, tokens, positions = lookup_model(7)
    (layer,) = model.layers
    return replace(model, layers=(replace(layer, v=-layer.v, o=-layer.o),)), tokens, positions


def finding_model() -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """The same with an edit bit: rows that find something are remasked; others, which read the sink, are not."""
    model, tokens, positions = negative_model()
    settle(model)
    control = np.zeros((3, 14))
    control[0, 11] = 2
    return replace(model, control_weight=control, control_bias=-np.ones(3)), tokens, positions


def forgetful(layer: Layer, generator: np.random.Generator) -> Layer:
    """The layer with an MLP that clears some columns of a token, so that other tokens have the same stream; heads may add nothing."""
    cleared = np.flatnonzero(generator.integers(0, 2, 14) * np.isin(np.arange(14), [1, 2, 11, 12, 13]))
    units = np.eye(14)[cleared]
    return replace(layer, o=layer.o * int(generator.integers(0, 2)), w_in=units, b_in=np.zeros(len(units)), w_out=-units.T)
