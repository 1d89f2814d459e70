"""The counting decoder on compiled models."""

from __future__ import annotations

from oracles.counting_decoder import Counted, Counter, Model

from lockstep.compiler.compile import Compiled
from lockstep.models.erasing import MARKS
from lockstep.models.tokens import MASK
from lockstep.models.transformer import FACTORED_PARTS, LAYER_PARTS
from lockstep.pram.job import Job


def counted_decode(compiled: Compiled, job: Job, time: int, keeps: bool = False) -> Counted:
    """Decode a job with the counting decoder."""
    model, layout = compiled.model, compiled.layout(job, time)
    control = None if model.control_weight is None else (model.control_weight, model.control_bias)
    names = [name for name, _ in model.vocabulary.kinds]
    plain = Model(
        layers=[tuple(getattr(layer, part) for part in LAYER_PARTS) for layer in model.layers],
        kinds=[bits for _, bits in model.vocabulary.kinds],
        mask=names.index(MASK),
        embedding=tuple(getattr(model.embedding, part) for part in FACTORED_PARTS),  # type: ignore[arg-type]
        readout=tuple(getattr(model.unembedding, part) for part in FACTORED_PARTS),  # type: ignore[arg-type]
        control=control,  # type: ignore[arg-type]
        process=compiled.process,
        marks=tuple(names.index(mark) for mark in MARKS if mark in names),
    )
    return Counter(plain, layout.positions().dense(), keeps).decode(layout.tokens().tolist())
