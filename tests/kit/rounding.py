"""How far the reference can be from integers where a head adds up, in orders of sums that round as much as they can."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.compile import compile_job
from lockstep.models.decode import Decoder
from lockstep.models.engines.distances import Distances
from lockstep.models.engines.plan import plan
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Transformer
from lockstep.pram.job import Job
from lockstep.pram.machine import run


def farthest(job: Job, construction: str, dtype: str) -> tuple[NDArray[Any], Distances]:
    """How far each column is after the last layer, in a run of a job and in two orders of sums; and the bounds of that."""
    time = run(job).time
    compiled = compile_job(job, time, dtype, construction)
    layout = compiled.layout(job, time)
    bounds = plan(compiled.model, layout.positions(), int(layout.tokens()[0])).distances
    decoder = Decoder(compiled.model, layout.tokens(), layout.positions(), compiled.process, Sampling(engine="indexed"))
    sequences = [step.tokens for step in decoder]
    worst = np.zeros(compiled.model.width)
    longest = [tokens for tokens in sequences if len(tokens) == max(map(len, sequences))]
    for tokens in sequences if compiled.process == "ap-mdm" else longest[-2:]:  # what is written is not read any more
        positions = layout.positions().dense()[: len(tokens)]
        exact = compiled.circuit.evaluate(tokens.tolist(), positions)
        x = (positions + compiled.circuit.embed(tokens.tolist())).astype(dtype)
        for most_first in (True, False):
            worst = np.maximum(worst, np.abs(last_stream(compiled.model, x, most_first).astype(float) - exact).max(axis=0))
    return worst, bounds


def worst_sums(terms: NDArray[Any], most_first: bool) -> NDArray[Any]:
    """Sums over the last axis, one term after the other: first all that are above 0, or all below."""
    ordered = np.sort(terms, axis=-1)
    return np.add.accumulate(ordered[..., ::-1] if most_first else ordered, axis=-1)[..., -1]


def last_stream(model: Transformer, x: NDArray[Any], most_first: bool) -> NDArray[Any]:
    """The stream after the last layer, in the model's dtype, in an order of sums that rounds as much as it can."""

    def product(rows: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
        return worst_sums(rows[:, None] * weights, most_first)

    for layer in model.layers:
        added = np.zeros_like(x)
        for q, k, v, o in zip(layer.q, layer.k, layer.v, layer.o):
            scores = product(x, q) @ product(x, k).T
            if model.causal:
                scores = np.where(np.tri(len(x), dtype=bool), scores, -np.inf).astype(x.dtype)
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            found = product(weights / worst_sums(weights, most_first)[:, None], product(x, v).T)
            added = added + product(found, o)
        x = x + added
        x = x + product(np.maximum(product(x, layer.w_in) + layer.b_in, 0), layer.w_out)
    return x
