"""A model made by hand whose head adds up, and models that nearly are one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import Factored, Layer, Transformer

Made = tuple[Transformer, NDArray[Any], NDArray[Any]]
#: The columns of the stream. BITS has four, OUT and both groups two.
BOS, MASKED, BITS, ONE, OWN, ASKED, NEED, IS_A, SHARE, READY, OUT, TURNS, MORE, WIDTH = (
    0,
    1,
    2,
    6,
    7,
    9,
    11,
    12,
    13,
    14,
    15,
    17,
    18,
    19,
)
#: Words have so many bits, but only the two lowest are ever 1. So sums may be larger than words are.
BITS_OF_A, LARGEST_SUM = 4, 15


@dataclass
class Parts:
    """What is changed in a model: arrays of its only layer, of the tokens and of the positions, and the readout."""

    q: NDArray[Any]
    k: NDArray[Any]
    v: NDArray[Any]
    o: NDArray[Any]
    w_in: NDArray[Any]
    b_in: NDArray[Any]
    w_out: NDArray[Any]
    positions: NDArray[Any]
    tokens: NDArray[Any]
    unembedding: Factored
    control: NDArray[Any] | None


def adding_model(length: int = 12, exponent: int = 10, edits: bool = False, change: Callable[[Parts], None] | None = None,
                 causal: bool = False) -> Made:  # fmt: skip
    """Masks read the sum of the words of all A in the group that they ask for. Where it is what they need, they become its low bits.

    Rows that turn become masks again, if tokens may be edited. In a causal model every row reads and needs nothing.
    """
    generator = np.random.default_rng(length)
    positions = np.zeros((length, WIDTH))
    positions[:, ONE] = 1
    groups, asked = generator.integers(0, 3, length), generator.integers(0, 3, length)
    for j in range(2):
        positions[1:, OWN + j], positions[1:, ASKED + j] = groups[1:] >> j & 1, asked[1:] >> j & 1
    positions[length // 2 :, NEED] = generator.integers(0, 9, length - length // 2)
    if edits:
        positions[2::3, TURNS], positions[:, NEED] = 1, 0
    tokens = np.where(np.arange(length) % 3 == 1, 3 + generator.integers(0, 4, length), 1)  # every third is an A
    tokens[0] = 0
    control = np.zeros((3, WIDTH)) if edits else None
    if control is not None:
        control[0, TURNS], control[0, MASKED] = 1, -1
    parts = Parts(*_head(exponent), *_gates(), positions, tokens, _unembedding(), control)
    if causal:
        parts.q[3], parts.w_in[:2], parts.b_in[:2], positions[:, NEED] = 0, 0, (1, 0), 0  # ready
    if change is not None:
        change(parts)
    model, tokens, positions = _made(parts)
    return replace(model, causal=causal), tokens, positions


def _head(exponent: int) -> tuple[NDArray[Any], ...]:
    """Q, K, V [4, WIDTH] and O [WIDTH, 4] of the head: two bits, the bias, and which rows ask."""
    half, (q, k, v), o = 512, np.zeros((3, 4, WIDTH)), np.zeros((WIDTH, 4))
    for j in range(2):
        q[j, ASKED + j], q[j, ONE] = 2 * half, -half
        k[j, OWN + j], k[j, ONE], k[j, BOS] = 2, -1, 1
    q[2, ONE] = 1
    k[2, ONE], k[2, IS_A], k[2, MORE], k[2, BOS] = -4 * half, 2 * half, 1, 4 * half + exponent
    q[3, ONE], q[3, MASKED], k[3, BOS] = 2 * half, -2 * half, 1
    v[0, BITS : BITS + BITS_OF_A], o[SHARE, 0] = 1 << np.arange(BITS_OF_A), round(math.exp(exponent))
    return q, k, v, o


def _gates() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """W_in, b and W_out: [share >= need] on masks, and the two low bits of the share."""
    units, biases, writes = [], [], []

    def gate(form: dict[int, int], constant: int, changes: dict[int, int]) -> None:
        for bias, sign in ((constant + 1, 1), (constant, -1)):
            units.append(form)
            biases.append(bias)
            writes.append({column: sign * by for column, by in changes.items()})

    gate({SHARE: 4, NEED: -4, MASKED: 400}, -399, {READY: 1})
    for k in range(1, LARGEST_SUM + 1):
        gate({SHARE: 4}, 1 - 4 * k, {OUT + j: 1 if k >> j & 1 else -1 for j in range(2) if k % (1 << j) == 0})
    return _dense(units), np.array(biases, float), _dense(writes).T.copy()


def _dense(rows: list[dict[int, int]]) -> NDArray[Any]:
    matrix = np.zeros((len(rows), WIDTH))
    for number, row in enumerate(rows):
        for column, value in row.items():
            matrix[number, column] = value
    return matrix


def _unembedding() -> Factored:
    """A row that is not ready has two kinds that are equally good."""
    kind, one, zero = np.zeros((4, WIDTH)), np.zeros((BITS_OF_A, WIDTH)), np.zeros((BITS_OF_A, WIDTH))
    kind[3, READY], kind[3, ONE] = 192, -96
    for j in range(BITS_OF_A):
        zero[j, READY] = 16
        if j < 2:
            one[j, OUT + j], zero[j, OUT + j] = 16, -16
    return Factored(kind, one, zero)


def _made(parts: Parts) -> Made:
    kinds = Vocabulary((("BOS", 0), (MASK, 0), ("X", 0), ("A", BITS_OF_A)))
    embedding = Factored(np.zeros((4, WIDTH)), np.eye(WIDTH)[BITS : BITS + BITS_OF_A], np.zeros((BITS_OF_A, WIDTH)))
    embedding.kind[0, BOS] = embedding.kind[1, MASKED] = embedding.kind[3, IS_A] = 1
    layer = Layer(parts.q[None], parts.k[None], parts.v[None], parts.o[None], parts.w_in, parts.b_in, parts.w_out)
    model = Transformer(kinds, embedding, (layer,), parts.unembedding)
    if parts.control is not None:
        model = replace(model, control_weight=parts.control, control_bias=np.zeros(3))
    return model, parts.tokens, parts.positions


def in_float32(made: Made) -> Made:
    """The same model with weights of float32."""
    model, tokens, positions = made

    def cast(part: Any) -> Any:
        return None if part is None else part.astype(np.float32)

    layers = tuple(Layer(**{name: cast(value) for name, value in vars(layer).items()}) for layer in model.layers)
    embedding, unembedding = (Factored(*map(cast, vars(part).values())) for part in (model.embedding, model.unembedding))
    control = cast(model.control_weight), cast(model.control_bias)
    return Transformer(model.vocabulary, embedding, layers, unembedding, *control), tokens, positions


def begun(made: Made, first: int = 4) -> Made:
    """A model whose decode starts with so many tokens."""
    model, tokens, positions = made
    return model, tokens[:first], positions


def careless(made: Made) -> Made:
    """Every fourth row is added up by all rows that ask: its key does not care for the group."""
    model, tokens, positions = made
    (layer,) = model.layers
    k = layer.k.copy()
    k[0, :2] = 0
    for j in range(2):  # a bit is 2 or 0, and 1 where the key does not care
        k[0, j, OWN + j], k[0, j, ONE], k[0, j, BOS] = 1, -1, 1
    k[0, 2, MORE] = 1024
    any_group = np.arange(len(positions)) % 4 == 1
    positions[1:, OWN : OWN + 2] = np.where(any_group[1:, None], 1, 2 * positions[1:, OWN : OWN + 2])
    positions[:, MORE] = any_group
    return replace(model, layers=(replace(layer, k=k),)), tokens, positions


def unclear_edits() -> Made:
    """A mask that finds less than it needs has two kinds that are equally good, and may take one of them."""
    return adding_model(12, edits=True, change=_set("positions", (3, NEED), 15))


def changing_words() -> Made:
    """Masks are added up, too, and hold 0. So rows have another word in the same sum from step to step, and one at least reads it."""

    def change(parts: Parts) -> None:
        parts.k[2, MASKED] = parts.k[2, IS_A]
        parts.positions[1:, OWN : OWN + 2] = parts.positions[1:, ASKED : ASKED + 2] = 0
        parts.tokens[:] = [0, 4, 1, 1, 4, 6]

    return adding_model(6, edits=True, change=change)


def silent_causal() -> Made:
    """A causal model in which only masks ask, and there are none: words are 0 after those that are given."""
    return adding_model(12, causal=True, change=_set("q", 3, _head(10)[0][3]))


def long_numbers() -> Made:
    """So many rows with such numbers that their sum might take more than 40 bits."""
    return adding_model(70, change=_set("v", (0, BITS + 3), 1 << 34))


def twice(made: Made) -> Made:
    """The model with its layer once more, which adds up nothing. Its rows ask for a bit of what the first layer found."""
    model, tokens, positions = made
    (layer,) = model.layers
    q = layer.q.copy()
    q[0, 0, SHARE] = 1
    return replace(model, layers=(layer, replace(layer, q=q * 1024, o=layer.o * 0))), tokens, positions


def _set(part: str, place: Any, value: float) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        getattr(parts, part)[place] = value

    return change


def _weighing(less: int) -> Callable[[Parts], None]:
    """Position 4 scores so much less than other rows that match."""

    def change(parts: Parts) -> None:
        parts.k[2, MORE], parts.positions[4, MORE] = -less, 1

    return change


def _softer(parts: Parts) -> None:
    """A wrong bit costs 160: what it leaves of a weight is not 0."""
    parts.q[:2] *= 80 / 512
    parts.k[2, ONE], parts.k[2, IS_A] = -160 - 1024, 1024


def _second_number(parts: Parts) -> None:
    parts.v[1, IS_A], parts.o[MORE, 1] = 1, parts.o[SHARE, 0]


def _gates_by_two(more: int) -> Callable[[Parts], None]:
    """Gates [2 share - 2 k + more >= 0]: they change where a share is an integer."""

    def change(parts: Parts) -> None:
        parts.w_in[2:, SHARE], parts.b_in[2:] = 2, parts.b_in[2:] // 2 + more

    return change


def _slope(parts: Parts) -> None:
    """A hidden unit that has no other to end its slope."""
    parts.w_in = np.concatenate([parts.w_in, _dense([{SHARE: 1}])])
    parts.b_in = np.append(parts.b_in, 0.0)
    parts.w_out = np.concatenate([parts.w_out, _dense([{OUT: 1}]).T], axis=1)


def _edited_by_a_share(parts: Parts) -> None:
    parts.control = np.zeros((3, WIDTH))
    parts.control[1, SHARE] = 1


ROW, MIXED = "layer 1, head 1: a row holds what it should not", "different scores may be so close that attention mixes rows"
WEIGHT = "a row weighs more than 0, and not as much as those that are added up"
FAR, SINK = "a head adds up so much that a share may be far from the sum", "the first row gives a head that adds up something"
OTHER, ONE_NUMBER = "a head adds up, and other rows may weigh more than 0", "a head adds up other than one number of 0 or more"
MANY = "a head may add up too many rows"
LOGITS, EDITS = "a head adds up, and the reference may round logits by ", "the readout: a control bit reads a share"
#: Models that are nearly such a model: what is changed, and how the reasons begin for which the indexed and the native engine give up.
NEARLY: dict[str, tuple[Callable[[Parts], None], str, str]] = {
    "a row that weighs more": (_weighing(-1), WEIGHT, ROW),
    "a row that weighs less": (_weighing(1), WEIGHT, ROW),
    "a row that weighs almost nothing": (_weighing(735), WEIGHT, ROW),
    "a row that weighs nothing": (_weighing(736), "", ""),
    "a row that weighs as much as the sink": (_weighing(-10), WEIGHT, ROW),
    "a sink with a value": (_set("v", (0, BOS), 1), SINK, SINK),
    "a key out of range": (_set("positions", (4, OWN), 3), WEIGHT, ROW),
    "a query out of range": (_set("positions", (3, ASKED), 2), "a query is not +half or -half", ROW),
    "two numbers": (_second_number, ONE_NUMBER, ONE_NUMBER),
    "numbers below 0": (_set("v", (0, BITS), -1), ONE_NUMBER, ONE_NUMBER),
    "bits that cost too little": (_softer, OTHER, OTHER),
    "silence that costs too little": (
        _set("q", (3, slice(None)), np.eye(WIDTH)[ONE] * 512 - np.eye(WIDTH)[MASKED] * 512),
        OTHER,
        OTHER,
    ),
    "all rows ask": (_set("q", 3, 0), "", "the first row reads another one"),
    "a factor of 3": (_set("o", (SHARE, 0), round(3 * math.exp(10))), WEIGHT, ROW),
    "a factor that is no integer": (_set("o", (SHARE, 0), round(1.3 * math.exp(10))), MIXED, MIXED),
    "a factor that is nearly 1": (_set("o", (SHARE, 0), round(1.0005 * math.exp(10))), "", ""),
    "a factor that is not nearly enough 1": (_set("o", (SHARE, 0), round(1.05 * math.exp(10))), FAR, FAR),
    "gates that change up to where a share is an integer": (_gates_by_two(0), LOGITS, LOGITS),
    "gates that change from where a share is an integer": (_gates_by_two(1), LOGITS, LOGITS),
    "a slope over shares": (_slope, LOGITS, LOGITS),
    "edits by a share": (_edited_by_a_share, EDITS, EDITS),
}
