"""An autoregressive model adapted to masked diffusion: right from left to right, and not in parallel."""

from __future__ import annotations

import numpy as np
import pytest
from kit.jobs import job_of
from kit.small import MODELLED, hot_cell

from lockstep.compiler import adapting
from lockstep.compiler.adapting import as_masked_diffusion
from lockstep.compiler.compile import Compiled, compile_job
from lockstep.models.decode import decode
from lockstep.models.editing import NotFinished
from lockstep.models.sampling import Sampling
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.constructions import FACTS

JOBS = [*MODELLED, job_of("tree_sum", 2, 8), job_of("permutation", 3, 8), job_of("or_constant", 2, 8), job_of("histogram", 2, 8)]


def written(job: Job) -> tuple[Compiled, np.ndarray]:
    """The model of a job, and the sequence that its run means."""
    compiled = compile_job(job, run(job).time, construction="arm")
    expectation = FACTS["arm"].expectation(compiled.layout(job, run(job).time))
    for _ in expectation:
        pass
    return compiled, expectation.tokens


@pytest.mark.parametrize("job", JOBS, ids=range(len(JOBS)))
def test_left_to_right_it_writes_the_same(job: Job) -> None:
    compiled, wanted = written(job)
    layout = compiled.layout(job, run(job).time)
    model, (tokens, positions) = as_masked_diffusion(compiled, layout)
    assert not model.causal
    ours, its = dict(model.tensors()), dict(compiled.model.tensors())
    assert ours.keys() == its.keys() and all(ours[name] is its[name] for name in ours), "a weight changed"
    found = decode(model, tokens, positions, "mdm", Sampling("left-to-right"))
    assert np.array_equal(found.tokens, wanted) and found.steps == len(wanted) - len(layout.tokens())


def test_in_parallel_it_is_wrong() -> None:
    """Rows predict before the block before them is complete."""
    wrong = 0
    for job in JOBS:
        compiled, wanted = written(job)
        model, (tokens, positions) = as_masked_diffusion(compiled, compiled.layout(job, run(job).time))
        try:
            wrong += not np.array_equal(decode(model, tokens, positions, "mdm").tokens, wanted)
        except NotFinished:
            wrong += 1
    assert wrong >= len(JOBS) // 2


def test_without_the_move_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapting, "_moved_down", lambda positions, columns: positions)
    compiled, wanted = written(hot_cell(3, 1))
    model, (tokens, positions) = as_masked_diffusion(compiled, compiled.layout(hot_cell(3, 1), run(hot_cell(3, 1)).time))
    try:
        found = decode(model, tokens, positions, "mdm", Sampling("left-to-right")).tokens
    except NotFinished:
        return
    assert not np.array_equal(found, wanted)
