"""Learned parity: one layer with 179 parameters, which `lockstep.tasks.training` finds, and two rails, which nobody learns.

Positions 0, 1 and 2 have encodings of their own. All later ones share one, so the model cannot tell them apart: what is learned is
learned of a window of three tokens. The rails keep rows behind the window out of it, whatever the parameters are. One lowers the
score of their keys by RAIL, so no row finds them. The other lowers their control logits by RAIL, so they never act.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from lockstep.models.atomic import write_atomically
from lockstep.models.files import ModelFileError, check_entries, digest_of, read_tensors
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import Factored, Layer, Tokens, Transformer, Weights
from lockstep.tasks.kit import BOS
from lockstep.tasks.parity import KINDS

#: Columns that are learned, hidden units, and positions with an encoding of their own.
WIDTH, HIDDEN, WINDOW = 4, 8, 3
#: What the rails take from scores and logits.
RAIL = 10_000.0
VOCABULARY = Vocabulary(tuple((kind, 0) for kind in (BOS, MASK, *KINDS)))
#: The parameters by name, with their shapes.
SHAPES: dict[str, tuple[int, ...]] = {
    "embedding": (len(VOCABULARY.kinds), WIDTH),
    "positions": (WINDOW, WIDTH),
    **{part: (WIDTH, WIDTH) for part in ("q", "k", "v", "o")},
    "w_in": (HIDDEN, WIDTH),
    "b_in": (HIDDEN,),
    "w_out": (WIDTH, HIDDEN),
    "control_weight": (3, WIDTH),
    "control_bias": (3,),
}
COUNT = sum(math.prod(shape) for shape in SHAPES.values())
FORMAT = "lockstep-parity-1"

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Learned:
    """The parameters, float64 of SHAPES. rail: what the rails take; 0 leaves them out, and the model is then wrong on longer words."""

    parameters: Mapping[str, Weights]
    rail: float = RAIL

    def model(self, dtype: str = "float64") -> Transformer:
        """Return the weights. Two columns follow the learned ones: 1 on every row, and 1 on rows behind the window.

        Raises: ValueError: the dtype is another one. The proof is about float64.
        """
        if dtype != "float64":
            raise ValueError(f"a learned model has weights of float64, not {dtype}")
        p, one, far = self.parameters, WIDTH, WIDTH + 1
        square = {part: np.zeros((1, WIDTH + 1, WIDTH + 2)) for part in "qkv"}
        for part, matrix in square.items():
            matrix[0, :WIDTH, :WIDTH] = p[part]
        square["q"][0, WIDTH, one], square["k"][0, WIDTH, far] = self.rail, -1
        control = _wide(p["control_weight"], 3)
        control[:, far] = -self.rail
        layer = Layer(**square, o=_wide(p["o"].T, WIDTH + 1).T[None].copy(), w_in=_wide(p["w_in"], HIDDEN), b_in=p["b_in"],
                      w_out=_wide(p["w_out"].T, HIDDEN).T.copy())  # fmt: skip
        kinds, none = len(VOCABULARY.kinds), np.zeros((0, WIDTH + 2))
        return Transformer(
            VOCABULARY, Factored(_wide(p["embedding"], kinds), none, none), (layer,),
            Factored(np.zeros((kinds, WIDTH + 2)), none, none), control, p["control_bias"],
        )  # fmt: skip

    def positions(self, length: int) -> Positions:
        """Return the encodings of positions 0 .. length - 1."""
        return Positions.of(self.places(length))

    def places(self, length: int) -> Matrix:
        """The same as rows, [length, WIDTH + 2]."""
        rows, near = np.zeros((length, WIDTH + 2)), min(length, WINDOW)
        rows[:near, :WIDTH] = self.parameters["positions"][:near]
        rows[:, WIDTH], rows[WINDOW:, WIDTH + 1] = 1, 1
        return rows

    def tokens(self, kinds: Iterable[str]) -> Tokens:
        """Return a sequence with BOS before it."""
        return np.array([VOCABULARY.token(kind) for kind in (BOS, *kinds)], np.int64)

    def kinds(self, tokens: Iterable[int]) -> list[str]:
        """Return the kinds of the tokens behind BOS."""
        return [VOCABULARY.split(int(token))[0] for token in tokens][1:]


def _wide(matrix: Weights, rows: int) -> Matrix:
    """The matrix [m, WIDTH] in the first columns of [rows, WIDTH + 2], and in its first rows."""
    wide = np.zeros((rows, WIDTH + 2))
    wide[: len(matrix), :WIDTH] = matrix
    return wide


def save_learned(path: Path, learned: Learned, about: Mapping[str, str]) -> None:
    """Write the parameters, and what is said about them. Rails are not in the file."""
    tensors: dict[str, NDArray[Any]] = {name: np.ascontiguousarray(learned.parameters[name]) for name in SHAPES}
    text = {**about, "format": FORMAT, "dtype": "float64"}
    write_atomically(path, save(tensors, {**text, "digest": digest_of(tensors, text)}))


def load_learned(path: Path) -> tuple[Learned, dict[str, str]]:
    """Read the parameters, and what was said about them.

    Raises: ModelFileError: the file is damaged, or holds something else.
    """
    tensors, text = read_tensors(path, FORMAT)
    check_entries(tensors, "float64")
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    for name in sorted(SHAPES.keys() | shapes.keys()):
        if shapes.get(name) != SHAPES.get(name):
            found, wanted = (list(of[name]) if name in of else "absent" for of in (shapes, SHAPES))
            raise ModelFileError(f"{name} is {found}, and in a learned model of parity it is {wanted}")
    return Learned(tensors), text
