"""Decodes whose steps say how they changed the sequence and what heads found, beside what plain Python makes of both."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from oracles.attention import rows_read

from lockstep.compiler.compile import compile_job
from lockstep.models.decode import Decoder
from lockstep.models.editing import DecodingStep
from lockstep.models.engines.session import NOT_ASKING, NOTHING, SEVERAL
from lockstep.models.processes import usual_order
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Transformer
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.decoding import lay_out

Tokens = NDArray[np.int64]
#: A step; the sequence that it edits, after an erasure; and the sequence after it.
Told = tuple[DecodingStep, list[int], list[int]]


def decoder_of(
    job: Job, construction: str, engine: str, order: str = "", heads: bool = False
) -> tuple[Decoder, NDArray[np.float64]]:
    """A decoder that tells, and the position encodings of its sequence, [N, d]."""
    process = construction.split()[0]
    sampling, time = Sampling(order or usual_order(process), engine=engine), run(job).time
    compiled = compile_job(job, time, "float64", construction, sampling)
    layout = lay_out(compiled, job, time, sampling)
    decoder = Decoder(compiled.model, layout.tokens(), layout.positions(), compiled.process, sampling, edits=True, heads=heads)
    return decoder, decoder.positions.rows(slice(None), np.dtype("float64"))


def told(decoder: Decoder) -> Iterator[Told]:
    """The steps of a decode, each between the two sequences."""
    before = decoder.sequence.tokens.tolist()
    for step in decoder:
        if step.erasure is not None:
            before = before[: step.erasure.start] + before[step.erasure.stop : -1]
        yield step, before, (before := step.sequence.tolist())


def carried_out(step: DecodingStep, before: list[int]) -> list[int]:
    """The sequence after a step, from what the step says of itself."""
    assert step.edited is not None
    e, after = step.edited, list[int]()
    edits = {
        row: (token, gone, new) for row, token, gone, new in zip(*(a.tolist() for a in (e.rows, e.after, e.delete, e.insert)))
    }
    for row, token in enumerate([*before, e.mask]):
        if row == len(before) and row not in edits:
            break
        token, gone, new = edits.get(row, (token, False, False))
        after += ([] if gone else [token]) + ([e.mask] if new else [])
    return after


def check_edits(told: Told) -> None:
    """What a step says of its edits makes the sequence after it, and each kind of edit is what the two sequences show."""
    step, before, after = told
    e = step.edited
    assert e is not None and e.length == len(before)
    assert carried_out(step, before) == after, f"step {step.number}: its edits do not lead to the next sequence"
    assert e.before.tolist() == [before[row] if row < len(before) else e.mask for row in e.rows.tolist()]
    assert len(after) == len(before) + len(e.inserted) - len(e.deleted) + int(e.appended.sum())
    assert all(after[row] == e.mask for row in [*e.remasked.tolist(), *e.inserted.tolist()])
    assert all(after[row] != e.mask for row in [*e.unmasked.tolist(), *e.rewritten.tolist()])
    assert all(before[row] == e.mask for row in e.deleted.tolist())
    if not (len(e.inserted) or len(e.deleted)):
        pairs = list(enumerate(zip(before, after)))
        assert e.unmasked.tolist() == [row for row, (was, now) in pairs if was == e.mask != now]
        assert e.remasked.tolist() == [row for row, (was, now) in pairs if was != e.mask == now]
        assert e.rewritten.tolist() == [row for row, (was, now) in pairs if was != now and e.mask not in (was, now)]
        assert after[len(before) :] == e.after[e.appended].tolist()


#: What attention reads in the steps of one model, by the sequence and the rows that ask.
Reads = dict[tuple[tuple[int, ...], bytes], list[list[set[int]]]]


def check_found(model: Transformer, places: NDArray[np.float64], told: Told, exact: bool, known: Reads | None = None) -> int:
    """What heads found is what attention reads: the first row alone is nothing. Return how many were compared.

    Args: exact: the engine tells rows that do not ask from those that find nothing. known: kept for other decodes by this model.
    """
    step, before, _ = told
    assert step.edited is not None and step.found is not None
    rows, many, known = step.edited.asking, 0, {} if known is None else known
    key = (*before,), rows.tobytes()
    if key not in known:
        known[key] = rows_read(model, np.array(before), places, rows)
    for found, read in zip(step.found.tolist(), known[key], strict=True):
        for row, at in zip(found, read, strict=True):
            others = at - {0}
            wanted = {NOTHING, NOT_ASKING} if not others else others if len(others) == 1 else {SEVERAL}
            assert row in wanted, f"step {step.number}: a head found {row}, and attention reads {sorted(at)}"
            assert exact or row != NOT_ASKING
            many += 1
    return many
