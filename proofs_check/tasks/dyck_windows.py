"""The gates of the Dyck generator, proved for all neighbours, on the real weights.

The model has one layer. What a row becomes depends on its own token, on what two cells hold, and on its left neighbour's token:

- of each head, every row of every sequence finds the row that it should, and no other has any weight: scores of all pairs of positions
  are computed from Q and K, which read no token but BOS;
- what is read is a token, and nothing behind the heads reads an index.

So a row is a function of finitely many windows, and each of them stands in a short sequence. `check_windows` goes through all of them, and
compares what the weights do with `specified`, which is written from the table of phases alone. It holds for every length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np

from lockstep.models.transformer import Weights
from lockstep.proofs_check.tasks.choices import VANISHED, Choices, State
from lockstep.tasks.kit import Task

#: A token: its kind and value. No token: there is no such row.
Token = tuple[str, int]
MASK, GO, STOP = ("MASK", 0), ("GO", 0), ("STOP", 0)


#: Windows between two reports of progress.
TOLD = 2000


class WindowDiffers(Exception):
    """What the weights do is not what is specified."""


@dataclass(frozen=True)
class Window:
    """What a row sees. cell: 1 or 2 if it is that cell, else 0. left: the token before it; BOS counts as none."""

    cell: int
    own: Token
    first: Token
    second: Token | None
    left: Token | None


def specified(window: Window, k: int, two_sided: bool) -> tuple[set[Token | None] | None, bool]:
    """What a row becomes: the tokens of which each is as likely, or None where any token may come; whether a mask comes behind it.

    A token None means that the row is deleted.
    """
    own, behind_cells = window.own, window.cell == 0
    stays: set[Token | None] | None = None if own == MASK else {own}
    match (window.first, window.second):
        case ("GO", _), ("GO", _):
            return ({MASK} if window.cell == 1 else stays), window.cell != 1
        case ("MASK", _), ("GO", _):
            if behind_cells and own == MASK:
                return _drawn(k, two_sided), True
            return (stays if behind_cells else {MASK}), False
        case ("MASK", _), ("MASK", _):
            return _completed(window, stays), False
        case ("GO", _), ("MASK", _):
            if own == MASK:
                return ({None} if behind_cells else {GO}), False
        case ("STOP", _), ("MASK", _):
            if own == MASK:
                return {None}, False
            if window.cell == 1:
                return {MASK}, False
        case ("MASK", _), _:
            if window.cell == 1:
                return {None}, False
    return stays, False


def _drawn(k: int, two_sided: bool) -> set[Token | None]:
    """Letters, and as many tokens SKIP as the next power of two from 2 k on, times two; one-sided: those of which the lowest bit is 0."""
    skips = next(2 << n for n in range(64) if 1 << n >= 2 * k)
    bits, step = ((0, 1), 1) if two_sided else ((0,), 2)
    return {*((f"L{letter}", bit) for letter in range(k) for bit in bits), *(("SKIP", value) for value in range(0, skips, step))}


def _completed(window: Window, stays: set[Token | None] | None) -> set[Token | None] | None:
    if window.cell == 1:
        return {GO, STOP}
    if window.cell == 2 or window.own[0] == "SKIP":
        return {MASK}
    if window.own == MASK and window.left is not None:
        kind, value = window.left
        if kind == "SKIP":
            return {None}
        if kind.startswith("L"):
            return {(kind, 1 - value)}
    return stays


def check_windows(task: Task, k: int, two_sided: bool, progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Compare every window with what is specified. Returns how many there are.

    Raises: WindowDiffers: a head finds another row, something else is read, or a row becomes something else. NotUniform: as there.
    """
    check_heads(task)
    vocabulary, seen = task.circuit.vocabulary, 0
    tokens = [vocabulary.split(token) for token in range(1, vocabulary.size)]
    choices = Choices(task.model(), task.positions(8))
    every: frozenset[int | None] = frozenset(range(vocabulary.size)) - {vocabulary.mask}
    total = sum(len(tokens) ** behind * (2 if behind == 2 else 1) for behind in (1, 2, 3, 4))
    (bos,) = choices.of_rows([(0,)])
    if bos != [(((0,), Fraction(1)),)]:  # it finds itself, whatever stands behind it
        raise WindowDiffers(f"BOS becomes {bos}")
    for behind in (1, 2, 3, 4):
        states = [(0, *(vocabulary.token(*token) for token in chosen)) for chosen in product(tokens, repeat=behind)]
        only = slice(1, None) if behind < 3 else slice(-1, None)
        for chosen, rows in zip(product(tokens, repeat=behind), choices.of_rows(states, only)):
            for found, window in zip(rows, _windows(chosen)):
                wanted, inserts = specified(window, k, two_sided)
                ids = every if wanted is None else frozenset(None if t is None else vocabulary.token(*t) for t in wanted)
                if set(found) != _options(ids, (vocabulary.mask,) if inserts else ()):
                    raise WindowDiffers(
                        f"{window}: becomes {sorted(found)}, not one of {sorted(ids, key=str)}, inserts {inserts}"
                    )
                seen += 1
                if seen % TOLD == 0:
                    progress(seen, total)
    return seen


def _windows(tokens: Sequence[Token]) -> Iterator[Window]:
    """The windows of the rows behind BOS that no shorter sequence has: both cells of two, and else the last row."""
    second = tokens[1] if len(tokens) > 1 else None
    for row in range(len(tokens)) if len(tokens) < 3 else [len(tokens) - 1]:
        yield Window(row + 1 if row < 2 else 0, tokens[row], tokens[0], second, tokens[row - 1] if row else None)


@cache
def _options(ids: frozenset[int | None], behind: State) -> set[tuple[State, Fraction]]:
    """Each of these tokens, or none, with what comes behind it; all equally likely."""
    return {((() if each is None else (each,)) + behind, Fraction(1, len(ids))) for each in ids}


# -- what a row sees -----------------------------------------------------------------------------------


def check_heads(task: Task) -> None:
    """Every head finds the first cell, the second cell or the left neighbour, in that order, of every row of every sequence.

    Raises: WindowDiffers: not so, or something reads another column than it may.
    """
    model, circuit = task.model(), task.circuit
    (layer,) = model.layers
    columns = {name: range(start, start + circuit.fields[name].width) for name, start in circuit.offsets().items()}
    tokens = {c for name in columns if name.startswith("token.") for c in columns[name]}
    bos, ones = columns["token.BOS"][0], columns["one"][0]
    indices = {c for name in ("index", "right", "left", "rank") for c in columns[name]}
    for name, matrix in (("Q", layer.q), ("K", layer.k)):
        _reads_none(matrix, tokens - {bos}, name)
    _reads_none(layer.v, set(range(model.width)) - tokens, "V")
    head = model.unembedding
    behind = {"W_in": layer.w_in, "U": np.concatenate([head.kind, head.one, head.zero]), "C": model.control_weight}
    for name, part in behind.items():
        assert part is not None, "the model has no control bits"
        _reads_none(part, indices, name)
    rows = np.array(task.positions(1 << task.index_bits).rows(slice(None), model.dtype))
    rows[0, bos] += 1
    assert rows[:, ones].all()
    if layer.q.shape[0] != len(TARGETS):
        raise WindowDiffers(f"{layer.q.shape[0]} heads, not {len(TARGETS)}")
    for number, (name, target) in enumerate(TARGETS.items()):
        _check_scores(rows @ layer.q[number].T @ (rows @ layer.k[number].T).T, target(len(rows)), name)


#: The row that each row 1, 2, .. finds in each head; 0 is BOS, which gives nothing.
TARGETS: dict[str, Callable[[int], np.ndarray]] = {
    "first cell": lambda rows: np.full(rows, 1),
    "second cell": lambda rows: np.full(rows, 2),
    "left neighbour": lambda rows: np.maximum(np.arange(rows) - 1, 0),
}


def _check_scores(scores: np.ndarray, target: np.ndarray, name: str) -> None:
    """Row i finds its target if it is there, since all others score less by VANISHED; else BOS, for the same reason. So does BOS.

    Args: scores: [N, N] of rows that ask and keys, as integers.
    """
    rows = np.arange(1, len(scores))
    sink = scores[:, 0]
    others = scores.copy()
    others[:, 0] = -np.inf
    others[rows, target[rows]] = -np.inf
    has = rows[target[rows] > 0]
    leads = scores[has, target[has]] - sink[has]
    if (leads < VANISHED).any() or (sink - others.max(axis=1) < VANISHED).any():
        raise WindowDiffers(f"the head of the {name} finds another row")


def _reads_none(matrix: Weights, columns: set[int], name: str) -> None:
    if np.asarray(matrix)[..., sorted(columns)].any():
        raise WindowDiffers(f"{name} reads a column that it should not")
