"""Decodes in which each step writes one token, as what they write: positions and tokens, in order."""

from __future__ import annotations

from lockstep.compiler.compile import Compiled
from lockstep.compiler.masked_arm import Layout
from lockstep.models.decode import Decoder
from lockstep.models.engines import available
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import LAYER_PARTS, Transformer
from lockstep.pram.job import Job

#: The orders of Theorem 3.
FOUR = ("left-to-right", "right-to-left", "permutation", "most-confident")

#: The fastest engine; where it refuses a model, the next one decodes.
FASTEST = available()[-1]

#: Positions and tokens.
Trajectory = list[tuple[int, int]]


def unmasked(compiled: Compiled, job: Job, time: int, order: str, seed: int = 0) -> Trajectory:
    """What AO-MDM unmasks, step by step."""
    layout, found = compiled.layout(job, time), []
    sampling = Sampling(order, seed, FASTEST)
    for step in Decoder(compiled.model, layout.tokens(), layout.positions(), "ao-mdm", sampling):
        (row,) = step.change.rows.tolist()
        found.append((row, int(step.sequence[row])))
    return found


def written(compiled: Compiled, job: Job, time: int, order: str, seed: int = 0) -> Trajectory:
    """What the Masked-ARM writes, step by step. The names of pairs are taken apart as text and bits, not by the layout."""
    layout, found = compiled.layout(job, time, Sampling(order, seed)), []
    assert isinstance(layout, Layout)
    vocabulary, sampling = compiled.model.vocabulary, Sampling(order, seed, FASTEST)
    bits = max(bits for name, bits in vocabulary.kinds if not name.endswith("@"))
    for number, step in enumerate(Decoder(compiled.model, layout.tokens(), layout.positions(), "masked-arm", sampling)):
        (row,) = step.change.rows.tolist()
        assert row == layout.before.length + number, f"step {number + 1} writes row {row}"
        name, value = vocabulary.split(int(step.sequence[row]))
        assert name.endswith("@"), f"step {number + 1} writes {name}, which is no pair"
        found.append((value >> bits, vocabulary.offsets[name[:-1]] + value % (1 << bits)))
    return found


def check_old_layers(old: Transformer, new: Transformer) -> None:
    """The layers between the first and the last are the old ones: the same numbers in the old columns, and 0 in all new ones."""
    assert len(new.layers) == len(old.layers) + 2, f"{len(new.layers)} layers"
    d = old.width
    for number, (ours, its) in enumerate(zip(old.layers, new.layers[1:-1]), 1):
        for part in LAYER_PARTS:
            before, after = getattr(ours, part), getattr(its, part)
            columns = {"q": (..., slice(d)), "k": (..., slice(d)), "v": (..., slice(d)), "o": (slice(None), slice(d)),
                       "w_in": (..., slice(d)), "b_in": (...,), "w_out": (slice(d),)}[part]  # fmt: skip
            rest = after.copy()
            rest[columns] = 0
            kept = after[columns]
            assert kept.shape == before.shape and (kept == before).all(), f"layer {number}, {part}: other numbers"
            assert part == "b_in" or not rest.any(), f"layer {number}, {part}: new columns are used"
