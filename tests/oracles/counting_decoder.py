"""Decodes with NumPy and counts the multiply-adds that it makes. It shares no code with the project.

It follows the published equations. Every matrix product goes through `Counter.product`, which counts. Sums are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oracles.numpy_decoder import transition

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Model:
    """A model as plain arrays.

    layers: for each, q, k, v [H, a, d], o [H, d, a], w_in [f, d], b_in [f], w_out [d, f]. kinds: the bits of each kind of token,
    in the order of token ids. mask: which kind is MASK. embedding, readout: kind [kinds, d], one and zero [bits, d].
    control: [3, d] and [3], or None. process: mdm, ap-mdm or arm. marks: which kinds are CALL, SEP, RETURN and END, if it erases.
    """

    layers: list[tuple[Array, ...]]
    kinds: list[int]
    mask: int
    embedding: tuple[Array, Array, Array]
    readout: tuple[Array, Array, Array]
    control: tuple[Array, Array] | None
    process: str
    marks: tuple[int, ...] = ()

    @property
    def starts(self) -> list[int]:
        """The first token id of each kind."""
        return [sum(1 << bits for bits in self.kinds[:number]) for number in range(len(self.kinds))]


@dataclass(frozen=True)
class Counted:
    """A finished decode: its last sequence, the context of each forward pass, and the multiply-adds of all of them."""

    tokens: list[int]
    passes: list[int]
    multiply_adds: int


class Counter:
    """A NumPy decoder. If `keeps`, it keeps the keys and values of rows that it has computed."""

    def __init__(self, model: Model, positions: Array, keeps: bool = False) -> None:
        self.model, self.positions, self.keeps = model, positions, keeps
        self.made, self.computed = 0, 0
        self.kept: list[tuple[Array, Array]] = []
        self.embedded: dict[int, Array] = {}

    def product(self, a: Array, b: Array) -> Array:
        """The product of two matrices, or of each pair of two stacks of them: a number in the result is a sum of so many."""
        found = a @ b
        self.made += found.size * a.shape[-1]
        return found  # type: ignore[no-any-return]

    def decode(self, tokens: list[int]) -> Counted:
        """Decode to the end. Raises: RuntimeError: the process does not end."""
        passes: list[int] = []
        while not self._ended(tokens):
            tokens = self._erased(tokens)
            passes.append(len(tokens))
            after = self._step(tokens)
            if after == tokens:
                break
            tokens = after
            if len(passes) > 100_000:
                raise RuntimeError("still changing")
        return Counted(tokens, passes, self.made)

    def _ended(self, tokens: list[int]) -> bool:
        mask = self.model.starts[self.model.mask]
        if self.model.marks:
            return tokens[-1] == self.model.starts[self.model.marks[3]]
        if self.model.process == "arm":
            return len(tokens) == len(self.positions)
        return self.model.process not in ("ap-mdm", "revision") and mask not in tokens

    def _erased(self, tokens: list[int]) -> list[int]:
        """C CALL T SEP A RETURN becomes C A. Nothing that was computed is kept then."""
        if not self.model.marks:
            return tokens
        call, sep, returns, _ = (self.model.starts[kind] for kind in self.model.marks)
        if tokens[-1] != returns:
            return tokens
        behind = len(tokens) - tokens[::-1].index(sep)
        start = behind - 1 - tokens[behind - 2 :: -1].index(call) - 1
        self.computed, self.kept = 0, []
        return tokens[:start] + tokens[behind:-1]

    def _step(self, tokens: list[int]) -> list[int]:
        best, sure, x = self._predict(tokens)
        mask = self.model.starts[self.model.mask]
        if self.model.process == "arm":
            return [*tokens, best[-1]] if sure[-1] else tokens
        if self.model.process == "revision":
            return [b if s else token for token, b, s in zip(tokens, best, sure)]
        filled = [b if token == mask else token for token, b in zip(tokens, best)]
        if self.model.process == "mdm":
            return [f if s else token for token, f, s in zip(tokens, filled, sure)]
        if self.model.process in ("ao-mdm", "masked-arm"):  # the leftmost that is sure
            ready = [at for at, token in enumerate(tokens) if token == mask and sure[at]]
            return [f if ready[:1] == [at] else token for at, (token, f) in enumerate(zip(tokens, filled))]
        assert self.model.control is not None
        weight, bias = self.model.control
        return [int(t) for t in transition(np.array(tokens), np.array(filled), self.product(x, weight.T) + bias > 0, mask)]

    def _predict(self, tokens: list[int]) -> tuple[list[int], list[bool], Array]:
        """The best token of each row that the pass computes, whether its probability is 0.9 at least, and the rows."""
        first = self.computed if self.keeps else 0
        self.computed = len(tokens)
        self.embedded |= {token: self._embed(token) for token in {*tokens} - self.embedded.keys()}
        x = np.stack([self.embedded[token] for token in tokens[first:]]) + self.positions[first : len(tokens)]
        for number, layer in enumerate(self.model.layers):
            x = self._layer(number, layer, x, first)
        kind, one, zero = (self.product(x, part.T) for part in self.model.readout)
        best, probability = self._best(kind, one, zero)
        return best.tolist(), (probability >= 0.9).tolist(), x

    def _embed(self, token: int) -> Array:
        kind = max(k for k, start in enumerate(self.model.starts) if start <= token)
        value = token - self.model.starts[kind]
        of_kind, one, zero = self.model.embedding
        parts = [(one if value >> j & 1 else zero)[j] for j in range(self.model.kinds[kind])]
        return of_kind[kind] + np.sum(parts, axis=0) if parts else of_kind[kind]

    def _best(self, kind: Array, one: Array, zero: Array) -> tuple[Array, Array]:
        """The best token of each row and its probability. kind: the scores of kinds [rows, kinds], the others of bits [rows, bits]."""
        scores, logs = kind.copy(), kind.copy()
        scores[:, self.model.mask] = logs[:, self.model.mask] = -np.inf
        larger, both = np.maximum(one, zero), np.logaddexp(one, zero)
        for number, bits in enumerate(self.model.kinds):
            scores[:, number] += larger[:, :bits].sum(axis=1)
            logs[:, number] += both[:, :bits].sum(axis=1)
        best = scores.argmax(axis=1)
        mine = np.arange(one.shape[1]) < np.array(self.model.kinds)[best][:, None]
        value = ((one > zero) & mine) @ (1 << np.arange(one.shape[1]))
        top = logs.max(axis=1)
        whole = top + np.log(np.exp(logs - top[:, None]).sum(axis=1))
        return np.array(self.model.starts)[best] + value, np.exp(scores.max(axis=1) - whole)

    def _layer(self, number: int, layer: tuple[Array, ...], x: Array, first: int) -> Array:
        q, k, v, o, w_in, b_in, w_out = layer
        queries, keys, values = (self.product(x, part.transpose(0, 2, 1)) for part in (q, k, v))  # [H, rows, a]
        if self.keeps:
            if first:
                keys, values = (np.concatenate(pair, axis=1) for pair in zip(self.kept[number], (keys, values)))
            self.kept[number : number + 1] = [(keys, values)]
        mixed = self._attend(queries, keys, values, first)
        after = x + self.product(mixed, o.transpose(0, 2, 1)).sum(axis=0)
        return after + self.product(np.maximum(self.product(after, w_in.T) + b_in, 0), w_out.T)

    def _attend(self, queries: Array, keys: Array, values: Array, first: int) -> Array:
        """The softmax average of values for each row and head, [H, rows, a]. A causal row looks no further than itself."""
        keys = keys.transpose(0, 2, 1)
        if self.model.process != "arm":
            return self.product(_softmax(self.product(queries, keys)), values)
        rows = []
        for i in range(queries.shape[1]):
            end = first + i + 1
            scores = self.product(queries[:, i : i + 1], keys[:, :, :end])
            rows.append(self.product(_softmax(scores), values[:, :end]))
        return np.concatenate(rows, axis=1)


def _softmax(scores: Array) -> Array:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]
