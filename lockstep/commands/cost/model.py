"""The cost model: processor time and memory of a decode are sums of a few counts, each with a measured coefficient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil

import numpy as np

from lockstep.commands.cost.forms import contexts, phases
from lockstep.compiler.compile import is_causal
from lockstep.models.engines.sizes import BLOCK, MAX_SCORED_ROWS, MIN_ROWS_FOR_THREADS
from lockstep.models.transformer import Transformer
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.constructions.facts import Phase

#: The counts whose weighted sum is the time of each engine. Coefficients are non-negative and differ by construction.
#: H heads, C context.
FEATURES = {
    "dense": ("decoding steps", "C x weights", "C^2 x H"),
    "active": ("once", "decoding steps", "C x H", "rows x C x H", "rows x weights", "C^2 in place"),
    "indexed": (
        "nonzeros",
        "decoding steps",
        "rows in blocks x nonzeros, by layer",
        "rows x H, by layer",
        "rows x H where threads wake",
    ),
    "native": ("nonzeros", "decoding steps", "C", "rows x H, by layer", "nonzeros, for each row alone"),
}
#: Memory is the process itself and a coefficient times bytes: of numbers of 8 bytes, and of rows of the indexed and the native engine.
WORD, TABLE_ROW, STREAM_COLUMN = 8, 120, 6
RECORD, RECORD_HEAD = 130, 27


@dataclass(frozen=True)
class Dimensions:
    """Sizes of a transformer: d_model, and for each layer heads, their width, hidden units and nonzero weights (`each`).

    forms: nonzeros of the different rows of the first W_in, which is all that a row needs if it stops there.
    """

    width: int
    heads: tuple[int, ...]
    inner: tuple[int, ...]
    units: tuple[int, ...]
    each: tuple[int, ...]
    forms: int

    @property
    def nonzeros(self) -> int:
        return sum(self.each)

    @staticmethod
    def of(model: Transformer) -> Dimensions:
        layers = model.layers
        heads, inner = (tuple(x.q.shape[i] for x in layers) for i in (0, 1))
        units = tuple(len(x.w_in) for x in layers)
        each = tuple(sum(int((t != 0).sum()) for t in vars(x).values()) for x in layers)
        forms = int(np.count_nonzero(np.unique(layers[0].w_in, axis=0)))
        return Dimensions(model.width, heads, inner, units, each, forms)

    @property
    def weights(self) -> int:
        """Entries of all matrices of the layers, zeros included."""
        each = zip(self.heads, self.inner, self.units)
        return self.width * sum(4 * heads * inner + 2 * units for heads, inner, units in each)


@dataclass(frozen=True)
class Work:
    """A decode to predict: construction, model, values of the letters, and the shares of P T in which processors run and write."""

    construction: str
    dimensions: Dimensions
    letters: Mapping[str, int]
    running: float
    written: float


def features(engine: str, work: Work) -> list[float]:
    """The counts of FEATURES."""
    if engine == "dense":
        return _dense(work)
    found = phases(work.construction, work.letters, work.running, work.written)
    if engine == "active":
        return _active(work, found)
    return _indexed(work.dimensions, found) if engine == "indexed" else _native(work, found)


def _dense(work: Work) -> list[float]:
    model = work.dimensions
    if is_causal(work.construction):  # each row once, against the rows before it
        found = phases(work.construction, work.letters, work.running, work.written)
        seen = [(p.steps, p.context) for p in found]
        rows, pairs = (int(sum(p.steps * p.rows * p.context**power for p in found)) for power in (0, 1))
    else:
        seen = list(contexts(work.construction, work.letters))
        rows, pairs = (sum(steps * context**power for steps, context in seen) for power in (1, 2))
    return [sum(steps for steps, _ in seen), rows * model.weights, pairs * sum(model.heads)]


def _active(work: Work, found: Sequence[Phase]) -> list[float]:
    """In ap-mdm every row asks whether all processors have halted, so a change of a program counter affects all rows."""
    model, heads = work.dimensions, sum(work.dimensions.heads)
    steps = sum(p.steps for p in found)
    rows = sum(p.steps * p.rows for p in found)
    scores = sum(p.steps * p.rows * p.context for p in found)
    pairs = sum(p.steps * p.context**2 for p in found) if FACTS[work.construction].in_place else 0
    return [1, steps, sum(p.steps * p.context for p in found) * heads, scores * heads, rows * model.weights, pairs]


def _indexed(model: Dimensions, found: Sequence[Phase]) -> list[float]:
    blocks = rows = many = 0.0
    for phase in found:
        for layer, (nonzeros, heads) in enumerate(zip(model.each, model.heads)):
            touched = phase.later if layer else phase.rows
            on, stopped = ceil(phase.later / BLOCK), max(0, ceil(touched / BLOCK) - ceil(phase.later / BLOCK))
            blocks += phase.steps * BLOCK * (on * nonzeros + stopped * model.forms)
            rows += phase.steps * touched * heads
            many += phase.steps * touched * heads * (touched >= MIN_ROWS_FOR_THREADS)
    return [model.nonzeros, sum(p.steps for p in found), blocks, rows, many]


def _native(work: Work, found: Sequence[Phase]) -> list[float]:
    """A row of a causal model goes through the tapes alone, so their length counts. Elsewhere 64 rows and more share it."""
    model, steps = work.dimensions, sum(p.steps for p in found)
    heads = [(p.later if layer else p.rows) * p.steps * many for p in found for layer, many in enumerate(model.heads)]
    alone = steps * model.nonzeros if is_causal(work.construction) else 0
    return [model.nonzeros, steps, max(p.context for p in found), sum(heads), alone]


def memory_unit(engine: str, model: Dimensions, context: int) -> float:
    """Bytes of the arrays that dominate a decode: its memory grows in proportion."""
    if engine == "dense":  # scores of the layer with most heads, and a few streams
        return float(WORD * (max(model.heads) * context**2 + 4 * context * model.width))
    if engine == "active":  # queries, keys and values, streams, scores of a chunk of rows
        kept = sum(h * (3 * a + 2) + model.width for h, a in zip(model.heads, model.inner)) + model.width
        return float(WORD * context * (kept + 2 * max(model.heads) * min(context, MAX_SCORED_ROWS)))
    if engine == "native":
        return float(context * (RECORD + RECORD_HEAD * sum(model.heads)))
    return float(context * (TABLE_ROW * sum(model.heads) + STREAM_COLUMN * model.width))


def fit(rows: Sequence[Sequence[float]], measured: Sequence[float]) -> list[float]:
    """The non-negative coefficients with the least sum of squared relative errors: the best of all sets of features.

    Args:   rows: the features of each measurement, [n, f], f at most 6 or so. measured: what they add up to, [n].
    """
    a = np.array(rows, float) / np.array(measured)[:, None]
    scale = np.linalg.norm(a, axis=0)
    best, found = np.inf, np.zeros(a.shape[1])
    used = [column for column in range(a.shape[1]) if scale[column] > 0]
    for count in range(1, len(used) + 1):
        for chosen in (list(c) for c in combinations(used, count)):
            x = np.linalg.lstsq(a[:, chosen] / scale[chosen], np.ones(len(a)), rcond=None)[0] / scale[chosen]
            error = float(((a[:, chosen] @ x - 1) ** 2).sum())
            if (x >= 0).all() and error < best - 1e-12:
                best, found = error, np.zeros(a.shape[1])
                found[chosen] = x
    return [float(x) for x in found]
