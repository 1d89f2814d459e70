"""Proof that a learned model decides the parity of words of any length. It reads weights and position encodings, nothing else.

Of what a decode does, the proof needs three parts:

- *rails*: rows from position 3 on share one encoding. No row finds them, since exp of their score less the best one is exactly 0 in
  float64, and they never act. So the first three rows compute the same whatever stands behind them.
- *windows*: a word starts with at most two letters that can act. From each such start, the proof follows what the model does until
  the masks are gone. It must take away an even number of ONEs, and something, except where only BOS or BOS ONE is left.
- *margins*: each control logit on which a window depends is further from 0 than all rounding.

By induction over the length, each word ends as BOS or as BOS ONE, by its parity. The claim about any length is a claim about windows
of three tokens. `lockstep.proofs_check.tasks.rounding` says what is rounded, and by how much.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.bounds import VANISHING, to_float64
from lockstep.models.tokens import MASK
from lockstep.models.transformer import Transformer
from lockstep.proofs_check.tasks.rounding import Ball

BOS, ZERO, ONE = "BOS", "ZERO", "ONE"
LETTERS = (ZERO, ONE)
#: Rows that act: BOS and two letters.
NEAR = 3
REMASK, INSERT, DELETE = range(3)

#: What stands behind BOS, at most two tokens.
Window = tuple[str, ...]


@dataclass(frozen=True)
class ProofLine:
    """One part of the proof: what was found, what is needed, and whether it holds."""

    what: str
    found: str
    needed: str
    holds: bool


@dataclass(frozen=True)
class ParityProof:
    """The parts of the proof. windows: all that occur, each with its edits: one letter a row, r, i, d or - for none."""

    lines: tuple[ProofLine, ...]
    windows: dict[Window, str]

    @property
    def holds(self) -> bool:
        return all(line.holds for line in self.lines)

    @property
    def reason(self) -> str:
        """Why it does not hold: the first part that fails; "" if none does."""
        return next((f"{line.what}: {line.found}, needed {line.needed}" for line in self.lines if not line.holds), "")


def prove_parity(model: Transformer, places: NDArray[np.float64]) -> ParityProof:
    """Prove that the model decides parity in the decoding steps of front elimination.

    Args:   places: the encodings of positions 0 .. 3, [4, d]. The last one is that of all later positions.
    Raises: ValueError: the model is not one layer of one head in float64 that sees all rows and has control bits.
    """
    heads = [len(layer.q) for layer in model.layers]
    if heads != [1] or model.causal or model.control_weight is None or model.dtype_name != "float64":
        raise ValueError("the proof is for one layer of one head in float64 that sees all rows and has control bits")
    found = _Following(model, places)
    with np.errstate(over="ignore", invalid="ignore"):  # numbers that are not finite make no part hold
        for length in range(NEAR):
            for word in product(LETTERS, repeat=length):
                found.follow(word)
    return ParityProof(found.lines(), found.edits)


@dataclass
class _Following:
    """Follows the model through windows, and keeps what it finds."""

    model: Transformer
    places: NDArray[np.float64]
    edits: dict[Window, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    least: float = np.inf  # margin
    largest: float = 0.0  # radius of a logit
    uncertain: list[str] = field(default_factory=list)
    nearest: float = np.inf  # how far below the best score the best far key is
    acting: float = -np.inf  # the largest logit of a far row
    unlike: list[str] = field(default_factory=list)

    def follow(self, word: Window) -> None:
        """Follow a start until its masks are gone: one step that remasks, one that deletes."""
        bits = self._bits(word)
        gone = [bool(row[REMASK]) for row in bits[1:]]
        ones = sum(kind == ONE for kind, out in zip(word, gone) if out)
        self._require(word, not bits[:, INSERT].any() and not bits[0, REMASK], "inserts, or remasks BOS")
        self._require(word, ones % 2 == 0, f"takes away {ones} ONE")
        self._require(word, any(gone) or word in ((), (ONE,)), "stays as it is")
        if gone != [kind == ZERO or word == (ONE, ONE) for kind in word]:
            self.unlike.append(_text(word))
        if any(gone):
            self._clear(tuple(MASK if out else kind for kind, out in zip(word, gone)))

    def _clear(self, window: Window) -> None:
        """All masks of a window are deleted at once, and nothing else happens."""
        bits = self._bits(window)
        self._require(window, all(bits[i, DELETE] for i, kind in enumerate(window, 1) if kind == MASK), "keeps a mask")
        stays = not any(bits[i, REMASK] for i, kind in enumerate((BOS, *window)) if kind != MASK)
        self._require(window, stays and not bits[:, INSERT].any(), "remasks or inserts beside a mask")

    def _require(self, window: Window, holds: bool, trouble: str) -> None:
        if not holds:
            self.broken.append(f"{_text(window)} {trouble}")

    def _bits(self, window: Window) -> NDArray[np.bool_]:
        """The control bits of BOS and the window, [rows, 3]. What a row does not depend on is 0: the remask bit of a mask that is
        deleted, and the delete bit of a letter.
        """
        kinds = (BOS, *window)
        near = len(kinds)
        logits = self._logits(kinds)
        far = logits[near:, [REMASK, INSERT]]
        self.acting = float(np.maximum(self.acting, far.high.max(initial=-np.inf)))  # keeps NaN, as max would not
        bits = logits.centre[:near] > 0
        mask = np.array([kind == MASK for kind in kinds])
        bits[~mask, DELETE] = False
        matters = np.stack([~mask | ~bits[:, DELETE], np.ones(near, bool), mask], axis=1)
        here = logits[:near][matters]
        self.least, self.largest = min(self.least, float(np.abs(here.centre).min())), max(self.largest, float(here.radius.max()))
        if not here.is_certain.all():
            self.uncertain.append(_text(window))
        acts: NDArray[np.bool_] = bits & matters
        self.edits[window] = " ".join("".join(c for c, bit in zip("rid", row) if bit) or "-" for row in acts)
        return acts

    def _logits(self, kinds: Window) -> Ball:
        """The control logits of the near rows, then of a far ZERO and a far ONE if there may be rows behind the window."""
        model, behind = self.model, LETTERS if len(kinds) == NEAR else ()
        assert model.control_weight is not None and model.control_bias is not None
        rows, near = (*kinds, *behind), len(kinds)
        tokens = [model.vocabulary.kinds.index((kind, 0)) for kind in rows]
        at = np.minimum(np.arange(len(rows)), NEAR)
        x = Ball.exact(to_float64(model.embedding.kind)[tokens]) + Ball.exact(self.places[at])
        (layer,) = model.layers
        scores = x.under(layer.q[0]).times(x.under(layer.k[0]).transposed)
        best = scores[:, :near].low.max(axis=1, keepdims=True)
        self.nearest = float(np.minimum(self.nearest, (best - scores[:, near:].high).min(initial=np.inf)))
        x = x + scores[:, :near].softmax().times(x[:near].under(layer.v[0])).under(layer.o[0])
        x = x + x.under(layer.w_in, layer.b_in).rectified().under(layer.w_out)
        return x.under(model.control_weight, model.control_bias)

    def lines(self) -> tuple[ProofLine, ...]:
        vanishing = VANISHING[self.model.dtype]
        return (
            ProofLine("rails: far rows are not seen", f"{self.nearest:,.0f} below the best score", f"{vanishing:,.0f}",
                      self.nearest >= vanishing),
            ProofLine("rails: far rows do not act", f"largest logit {self.acting:,.1f}", "below 0", self.acting < 0),
            ProofLine("windows", _first(self.broken, f"{len(self.edits)} occur, each right"), "each right", not self.broken),
            ProofLine("margins", _first(self.uncertain, f"least {self.least:.3g}, rounding {self.largest:.1g}"),
                      "margin > rounding", not self.uncertain),
            ProofLine("steps", _first(self.unlike, "edits of front elimination"), "edits of front elimination", not self.unlike),
        )  # fmt: skip


def _first(troubles: list[str], fine: str) -> str:
    return f"{len(troubles)} wrong: {troubles[0]}" if troubles else fine


def _text(window: Window) -> str:
    return " ".join((BOS, *window))
