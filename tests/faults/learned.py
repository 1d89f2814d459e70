"""Wrong models of parity that the proof must refuse, each by the part that it names. All are made from one that passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from lockstep.models.torch_transformer import TorchTransformer
from lockstep.models.transformer import Transformer, Weights
from lockstep.tasks.learned import WIDTH, Learned
from lockstep.tasks.training import train

#: A seed whose model passes the proof, and one whose model is wrong in a window on which it was not trained.
PASSES, FAILS = 0, 3
REMASK, INSERT, DELETE = range(3)
#: A push that outweighs every logit, and one that does so times the weight that a head gives to a row.
PUSH, HARD = 100.0, 1e6


@dataclass(frozen=True)
class Model:
    """Weights, and the encodings of positions 0 .. 3."""

    weights: Transformer
    places: NDArray[np.float64]


@cache
def learned(seed: int) -> Learned:
    """The model of a seed, trained once."""
    return train(seed).learned


def made(seed: int = PASSES) -> Model:
    return Model(learned(seed).model(), learned(seed).places(4))


def pushed(model: Model, kind: str, places: list[int], control: int, amount: float, sees: str = "") -> Model:
    """A model that adds this to a control logit on the rows of a kind at these places, times the weight that its head gives to
    rows of the kind `sees`, if that is given.
    """
    width, rows = model.weights.width, [name for name, _ in model.weights.vocabulary.kinds]
    flag, place, read, result = range(width, width + 4)
    layer = model.weights.layers[0]

    def wider(matrix: Weights, axis: int = -1, by: int = 4) -> Weights:
        more = [(0, by if number == axis % matrix.ndim else 0) for number in range(matrix.ndim)]
        return np.pad(matrix, more)

    # the columns behind `result` hold, one for each kind, whether a row has it
    q, k = (wider(wider(m, by=4 + len(rows)), 1, 1) for m in (layer.q, layer.k))
    v, o = wider(wider(layer.v, by=4 + len(rows)), 1, 1), wider(wider(layer.o, 1, 4 + len(rows)), 2, 1)
    if sees:
        v[0, -1, result + 1 + rows.index(sees)], o[0, read, -1] = 1, 1
    w_in, w_out = wider(wider(layer.w_in, by=4 + len(rows)), 0, 1), wider(wider(layer.w_out, 0, 4 + len(rows)), 1, 1)
    w_in[-1, [flag, place, read]], w_out[result, -1] = (1000, 1000, 1), 1
    b_in = np.append(layer.b_in, -2000 if sees else -1999)
    embedding = wider(model.weights.embedding.kind, by=4 + len(rows))
    embedding[rows.index(kind), flag] = 1
    embedding[:, result + 1 :] = np.eye(len(rows))
    assert model.weights.control_weight is not None
    weight = wider(model.weights.control_weight, by=4 + len(rows))
    weight[control, result] = amount
    encodings = wider(model.places, by=4 + len(rows))
    encodings[places, place] = 1
    none = np.zeros((0, width + 4 + len(rows)))
    unembedding = replace(model.weights.unembedding, kind=np.zeros_like(embedding), one=none, zero=none)
    weights = replace(
        model.weights, embedding=replace(model.weights.embedding, kind=embedding, one=none, zero=none), unembedding=unembedding,
        layers=(replace(layer, q=q, k=k, v=v, o=o, w_in=w_in, b_in=b_in, w_out=w_out),), control_weight=weight,
    )  # fmt: skip
    return Model(weights, encodings)


def logits(model: Model, kinds: list[str]) -> Weights:
    """The control logits of a sequence of at most four tokens, [N, 3], by the reference."""
    network = TorchTransformer(model.weights)
    tokens = torch.tensor([model.weights.vocabulary.token(kind) for kind in kinds])
    x = network.forward(network.embed(tokens) + network.tensor(model.places[: len(kinds)]))
    assert network.control_weight is not None and network.control_bias is not None
    found: Weights = (x @ network.control_weight.T + network.control_bias).numpy()
    return found


def without_rail(model: Model, scores: float | None = None, control: float | None = None) -> Model:
    """A model with another entry of the rail of scores, or of control logits."""
    layer, weight = model.weights.layers[0], model.weights.control_weight
    assert weight is not None
    k, weight = layer.k.copy(), weight.copy()
    if scores is not None:
        k[0, WIDTH, WIDTH + 1] = scores
    if control is not None:
        weight[:, WIDTH + 1] = control
    return replace(model, weights=replace(model.weights, layers=(replace(layer, k=k),), control_weight=weight))


def thin(model: Model) -> Model:
    """A model that says the same in every window, and once by a logit that rounding may turn."""
    right = [["BOS"], ["BOS", "ZERO"], ["BOS", "ONE"], *(["BOS", a, b] for a in ("ZERO", "ONE") for b in ("ZERO", "ONE"))]
    right += [["BOS", *window] for window in (["MASK", "ONE"], ["ONE", "MASK"])]
    found = [
        row[REMASK] for kinds in right for kind, row in zip(kinds, logits(model, kinds)) if kind != "MASK" and row[REMASK] < 0
    ]
    assert model.weights.control_bias is not None
    bias = model.weights.control_bias.copy()
    bias[REMASK] -= max(found) + 2e-13
    return replace(model, weights=replace(model.weights, control_bias=bias))


def overflowing(model: Model) -> Model:
    """A model in which scores of far rows are no numbers."""
    places = model.places.copy()
    places[3, :WIDTH] = 1e300
    return replace(model, places=places)


def one_by_one(model: Model) -> Model:
    """A model in which of two ZEROs the first vanishes alone: right, in more steps."""
    return pushed(pushed(model, "ZERO", [2], REMASK, -PUSH), "ZERO", [2], REMASK, HARD, sees="ONE")


def in_words(kind: str, control: int) -> Model:
    """A model in which a kind has a control bit too many, in windows without a mask."""
    return pushed(pushed(made(), kind, NEAR, control, PUSH), kind, NEAR, control, -HARD, sees="MASK")


NEAR = [0, 1, 2]
#: What is wrong, the part of the proof that must say so, and the model.
WRONG: dict[str, tuple[str, Callable[[], Model]]] = {
    "far rows are seen": ("rails: far rows are not seen", lambda: without_rail(made(), scores=0.0)),
    "far rows are seen a little": ("rails: far rows are not seen", lambda: without_rail(made(), scores=-0.05)),
    "scores of far rows are no numbers": ("rails: far rows are not seen", lambda: overflowing(made())),
    "far rows act": ("rails: far rows do not act", lambda: without_rail(made(), control=0.0)),
    "a far ZERO is remasked": ("rails: far rows do not act", lambda: pushed(made(), "ZERO", [3], REMASK, HARD)),
    "a window that nobody trained": ("windows", lambda: made(FAILS)),
    "every ONE vanishes": ("windows", lambda: pushed(made(), "ONE", NEAR, REMASK, PUSH)),
    "no ONE vanishes": ("windows", lambda: pushed(made(), "ONE", NEAR, REMASK, -PUSH)),
    "no ZERO vanishes": ("windows", lambda: pushed(made(), "ZERO", NEAR, REMASK, -PUSH)),
    "masks stay": ("windows", lambda: pushed(made(), "MASK", NEAR, DELETE, -PUSH)),
    "a letter inserts": ("windows", lambda: in_words("ONE", INSERT)),
    "a mask inserts": ("windows", lambda: pushed(made(), "MASK", [1], INSERT, PUSH)),
    "BOS is remasked": ("windows", lambda: in_words("BOS", REMASK)),
    "ONE beside a mask vanishes": ("windows", lambda: pushed(made(), "ONE", NEAR, REMASK, HARD, sees="MASK")),
    "rounding may turn a logit": ("margins", lambda: thin(made())),
    "ZEROs vanish one by one": ("steps", lambda: one_by_one(made())),
}
