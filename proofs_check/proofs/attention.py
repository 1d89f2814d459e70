"""Proves that each head finds the row that its lookup means: Q K must equal the score of the lookup, entry for entry.

For a query row that asks and a key row other than BOS, the score of a lookup is

    recency - 2 half (compared bits that differ) - 2 half (conditions that do not hold),    half = R + 1,

and recency is at most R. BOS scores -1, or R + 1 for rows that do not ask. So a row that matches scores 0 or more, and all other
rows -R - 2 or less. The most recent row that matches has the largest score. If none matches, BOS has it; heads read nothing there.
An amount that is the same for all keys changes nothing, but it must be equal, too.
Where rows are added up, a row that matches scores 0, all others -2048 or less, and BOS a number that the certificate looks at; it
scores 2048 more for rows that do not ask.
The score of a bit: for bits q and k <= care, (2 q - 1)(2 k - care) - care is 0 if care = 0 or q = k, else -2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from lockstep.compiler.compile import Compiled
from lockstep.models.torch_transformer import TorchTransformer
from lockstep.proofs_check.proofs.interface import Equal, Form, Interface, LookupRule
from lockstep.proofs_check.proofs.replay import Counterexample
from lockstep.proofs_check.proofs.weights import Exact, Network

#: A row that does not match scores this much less than BOS where rows are added up, or more.
FAR = 2048
#: Number of random states in which a wrong head may read a wrong row.
TRIES = 2000
#: Choices for a state: number of key rows, and the probabilities that a bit is equal and that a condition holds.
KEYS, ALIKE, MET = (1, 2, 4), (0.98, 0.9, 0.5), (1.0, 0.8, 0.3)


@dataclass(frozen=True)
class Misread:
    """A head whose score differs from that of its lookup.

    pairs: (query column, key column) of the entries that differ. found, wanted: the first of these entries.
    """

    layer: int
    head: int
    name: str
    pairs: tuple[tuple[int, int], ...]
    found: float
    wanted: float

    def text(self, network: Network) -> str:
        query, key = self.pairs[0]
        pair = f"{network.text(query)} of the row that asks and {network.text(key)} of the row that is found"
        return f"layer {self.layer}, head {self.name}: {pair} weigh {self.found:g} in its score, not {self.wanted:g}"


class Score:
    """The score of a lookup, as a matrix over the columns of query and key, [d, d]."""

    def __init__(self, network: Network, lookup: LookupRule) -> None:
        self.network, self.lookup = network, lookup
        self.size = len(network.names)
        self.form = cache(network.row)
        self.one, self.bos = self.form(Form.of("one")), self.form(Form.of(network.sink))
        self.present = self.one - self.bos

    def bits(self, equal: Equal) -> int:
        """The number of bits that are compared."""
        parts = equal.query.parts or equal.key.parts
        width = max(len(self.network.fields[part.field][: part.bits]) for part in parts)
        return width if equal.bits is None else min(width, equal.bits)

    def recency(self) -> tuple[Exact, int]:
        """The linear form of a row's recency, [d], and its largest value. The first field of `latest` outweighs all others."""
        form, most = np.zeros(self.size), 0
        for name in reversed(self.lookup.latest):
            factor = most + 1
            for j, column in enumerate(self.network.fields[name]):
                form[column] += factor << j
                most += int(self.network.highs[column]) * (factor << j)
        return form, most

    def matrix(self, room: int) -> Exact:
        """The score matrix for recencies of up to `room`, or up to the largest that fields can hold.

        If the rows that match are added up, `room` is the score of BOS.
        """
        recency, most = self.recency()
        half, bos, silence = max(room, most) + 1, -1, max(room, most) + 2
        if self.lookup.adds:
            half, bos, silence = FAR // 2, room, FAR
        score = np.outer(self.one, recency + bos * self.bos)
        for equal in self.lookup.same:
            care = self.present - self.form(equal.wildcard)
            for j in range(self.bits(equal)):
                query = 2 * self.form(equal.query, j) - self.one
                score += half * np.outer(query, 2 * self.form(equal.key, j) - care) - half * np.outer(self.one, care)
        for condition in self.lookup.candidates:
            score += 2 * half * np.outer(self.one, self.form(condition) - self.present)
        return np.asarray(score + silence * np.outer(self.one - self.form(self.lookup.asks), self.bos))


def misreads(network: Network, interface: Interface) -> list[Misread]:
    """The heads whose scores differ from those of their lookups."""
    found = []
    for number, layer in enumerate(network.layers, 1):
        for head, (name, score) in enumerate(layer.scores.items()):
            wanted = Score(network, interface.lookups[name]).matrix(layer.most[name])
            wrong = tuple((int(a), int(b)) for a, b in np.argwhere(score != wanted))
            if wrong:
                found.append(Misread(number, head, name, wrong, float(score[wrong[0]]), float(wanted[wrong[0]])))
    return found


def misread_example(compiled: Compiled, network: Network, interface: Interface, misread: Misread) -> Counterexample:
    """A few rows on which the head reads another row than its lookup means; not confirmed if none were found."""
    return _Replayer(compiled, network, interface.lookups[misread.name], misread).example()


class _Sum:
    """A sum of fields, which states set to 0 or 1."""

    def __init__(self, network: Network, form: Exact) -> None:
        self.form, (one,) = form, network.fields["one"]
        self.one, self.alone = one, int(form[one])
        self.columns = np.flatnonzero(form)[np.flatnonzero(form) != one]
        self.cells = cache(lambda value: np.flatnonzero(form == value - self.alone).tolist())

    def set(self, row: Exact, value: int, chance: np.random.Generator) -> None:
        """Set its fields so that it has this value: all 0, or one of them 1."""
        row[self.columns] = 0
        row[self.one] = 1
        if value != self.alone:
            cells = self.cells(value)
            row[cells[chance.integers(len(cells))]] = 1


class _Replayer:
    """Tries random rows. Most keys match the query, some in all but one bit or condition."""

    def __init__(self, compiled: Compiled, network: Network, lookup: LookupRule, misread: Misread) -> None:
        self.network, self.lookup, self.misread, self.score = network, lookup, misread, Score(network, lookup)
        self.model = TorchTransformer(compiled.model)
        self.layer = self.model.layers[misread.layer - 1]
        self.random = np.random.default_rng(0)
        self._read_lookup()

    def _read_lookup(self) -> None:
        """The sums of the lookup, as matrices with a row for each: of every bit that is compared, and of every condition."""
        form = self.score.form
        bits = [(equal, j) for equal in self.lookup.same for j in range(self.score.bits(equal))]
        self.queries, self.keys, wildcards, self.conditions = (
            np.reshape(forms, (len(forms), self.score.size))
            for forms in (
                [form(equal.query, j) for equal, j in bits],
                [form(equal.key, j) for equal, j in bits],
                [form(equal.wildcard) for equal, _ in bits],
                [form(condition) for condition in self.lookup.candidates],
            )
        )
        self.wildcards, self.asks, self.recency = wildcards, form(self.lookup.asks), self.score.recency()[0]
        self.asked = [_Sum(self.network, form(equal.query, j)) for equal, j in bits if equal.query.parts]
        self.same, self.met = ([_Sum(self.network, f) for f in forms] for forms in (self.keys, self.conditions))
        self.asking = _Sum(self.network, self.asks)

    def example(self) -> Counterexample:
        where = f"layer {self.misread.layer}, head {self.misread.name}"
        for _ in range(TRIES):
            pair = self.misread.pairs[self.random.integers(len(self.misread.pairs))]
            query = self._asking(pair[0])
            chances = self.random.choice(ALIKE), self.random.choice(MET)
            keys = (self._key(query, pair[1], *chances) for _ in range(self.random.choice(KEYS)))
            rows = np.stack([self._bos(), *keys])
            wanted = self._found(query, rows)
            if wanted is None:
                continue
            weights = self._weights(query, rows)
            if weights[wanted] != 1.0:
                best = int(weights.argmax())
                model = f"reads row {best} with weight {weights[best]:.3g}"
                return Counterexample(where, self._state(query, rows), model, f"reads row {wanted}", True)
        return Counterexample(where, f"none of {TRIES} states tried shows it", self.misread.text(self.network), "", False)

    # -- rows ----------------------------------------------------------------------------------

    def _bos(self) -> Exact:
        return np.asarray(self.score.one + self.score.bos)

    def _asking(self, spice: int) -> Exact:
        """A random query row: three in four ask; one in ten is BOS, which never asks."""
        if self.random.random() < 0.1:
            return self._bos()
        row = np.zeros(self.score.size)
        for compared in self.asked:
            compared.set(row, int(self.random.integers(2)), self.random)
        self._spice(row, spice)
        self.asking.set(row, int(self.random.random() < 0.75), self.random)
        row[self.network.columns[self.network.sink, 0]] = 0
        return row

    def _key(self, query: Exact, spice: int, alike: float, met: float) -> Exact:
        """A random key row that the query finds, or nearly finds."""
        row = np.zeros(self.score.size)
        row[self.network.columns["one", 0]] = 1
        self._spice(row, spice)
        for name in self.lookup.latest:
            for column in self.network.fields[name]:
                most = int(self.network.highs[column])
                row[column] = self.random.choice([0, most, int(self.random.integers(most + 1))])  # scores are nearest at the ends
        for asked, compared in zip((self.queries @ query).tolist(), self.same):
            compared.set(row, int(asked) ^ int(self.random.random() > alike), self.random)
        for condition in self.met:
            condition.set(row, int(self.random.random() < met), self.random)
        row[self.network.columns[self.network.sink, 0]] = 0
        return row

    def _spice(self, row: Exact, column: int) -> None:
        """Make the column with the wrong weight different from 0, mostly."""
        if self.random.random() < 0.6 and self.network.names[column][0] not in ("one", self.network.sink):
            row[column] = 1 if self.network.highs[column] == 1 else self.random.integers(int(self.network.highs[column]) + 1)

    # -- what is read --------------------------------------------------------------------------

    def _found(self, query: Exact, rows: Exact) -> int | None:
        """The row that the lookup means; 0 if no row matches. None if the rows are out of range or equally late."""
        asked, asks = self.queries @ query, float(self.asks @ query)
        keys, wildcards, held = rows @ self.keys.T, rows @ self.wildcards.T, rows @ self.conditions.T
        if not np.isin(asked, (0, 1)).all() or asks not in (0, 1):
            return None
        for of_rows, most in ((keys, 1 - wildcards), (held, np.ones(held.shape))):
            if (of_rows[1:] > most[1:]).any() or (of_rows[1:] < 0).any() or of_rows[0].any():
                return None
        fits = ((keys == asked) | (wildcards == 1)).all(1) & (held == 1).all(1)
        fits[0] = False
        recency = np.where(fits, rows @ self.recency, -1.0)
        best = int(recency.argmax())
        if not asks or recency[best] < 0:
            return 0
        return best if (recency == recency[best]).sum() == 1 else None

    def _weights(self, query: Exact, rows: Exact) -> Exact:
        """The weights that the model's own attention gives the rows."""
        q, k = self.layer.q[self.misread.head], self.layer.k[self.misread.head]
        scores = self.model.tensor(rows) @ k.T @ (q @ self.model.tensor(query))
        return np.asarray(torch.softmax(scores, 0).numpy(), np.float64)

    def _state(self, query: Exact, rows: Exact) -> str:
        return "; ".join([f"asks: {self._row(query)}", *(f"row {n}: {self._row(row)}" for n, row in enumerate(rows))])

    def _row(self, row: Exact) -> str:
        said = [(c, row[c]) for c in np.flatnonzero(row).tolist() if self.network.names[c][0] != "one"]
        return ", ".join(f"{self.network.text(c)} = {v:g}" for c, v in said) or "nothing but 1"


__all__ = ["Misread", "misread_example", "misreads"]
