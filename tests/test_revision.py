"""Revision against the machine: every token after every decoding step, T steps, a context of the state alone, all updates at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from kit.decoding import mostly_fastest
from kit.jobs import PROGRAMS, job_of
from kit.machine_programs import machine_jobs, runs

from lockstep.compiler.compile import compile_job
from lockstep.compiler.names import REVISION, lacking
from lockstep.models.engines import available
from lockstep.models.processes import PROCESSES, Edits, revise
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Prediction, Tokens
from lockstep.pram.access import MODES
from lockstep.pram.instructions import INSTRUCTIONS
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.fuzzing.coverage import Coverage, coverage
from lockstep.proofs_check.theorems.revision import BOUNDS

CHECKS = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
MODES_OF_IT = [mode for mode in MODES if not lacking(REVISION, [MODES[mode].combining])]
#: What a wrong sampler is tried on.
SMALL = ("tree_sum", "hillis_steele", "or_constant")


def agree(job: Job, time: int, sampling: Sampling) -> None:
    """Every token is right, in T steps, and the context never changes."""
    found = check_agreement(compile_job(job, time, construction=REVISION), job, time, sampling)
    assert found.divergence is None, str(found.divergence)
    assert found.outputs_agree and found.steps == time
    length = 1 + len(job.parameters) + job.space + job.processors * (job.registers + 1)
    assert set(found.context) == {length} == {BOUNDS[REVISION].peak_context(job, time)}


def test_random_machine_programs() -> None:
    """At least 300 distinct ones, in all modes that it has, one in eight by the reference, with every event counted."""
    seen: dict[int, Coverage] = {}

    @settings(CHECKS, max_examples=560)
    @given(machine_jobs(modes=MODES_OF_IT, word_bits=(4,)))
    def check(job: Job) -> None:
        made = runs(job)
        assume(made is not None and made.time <= 24)
        assert made is not None
        agree(job, made.time, mostly_fastest(len(seen)))
        seen[hash((job.code, job.memory.tobytes(), job.parameters, job.mode, job.processors))] = coverage(made)

    check()
    total = sum(seen.values(), Coverage())
    assert len(seen) >= 300
    assert len(total.modes) == len(MODES_OF_IT) and len(total.instructions) == len(INSTRUCTIONS)
    for event, least in (("divergent", 100), ("concurrent writes", 20), ("concurrent reads", 20), ("read and write", 10)):
        assert total.steps(event) >= least, event


@pytest.mark.parametrize("name", PROGRAMS)
def test_examples_by_every_engine(name: str) -> None:
    job = job_of(name, 2)
    for engine in available():
        agree(job, run(job).time, Sampling("parallel", engine=engine))


@pytest.mark.parametrize("name", SMALL)
def test_leaving_out_edits_goes_wrong(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that waits reads what others have become meanwhile."""

    def half(rows: Tokens, tokens: Tokens, prediction: Prediction, mask: int) -> Edits:
        edits = revise(rows, tokens, prediction, mask)
        return edits.take(np.arange(len(edits)) % 2 == 0)

    monkeypatch.setitem(PROCESSES, "revision", replace(PROCESSES["revision"], propose=half))
    job = job_of(name, 3)
    time = run(job).time
    found = check_agreement(compile_job(job, time, construction=REVISION), job, time, Sampling(engine="dense"))
    assert found.divergence is not None


def test_its_order_is_parallel() -> None:
    with pytest.raises(ValueError, match="the updates of revision are synchronous: its only order is parallel"):
        PROCESSES["revision"].check_order("left-to-right")


def test_a_row_takes_what_is_certain_and_another_token() -> None:
    tokens, predicted = np.array([0, 1, 5, 6, 7]), np.array([4, 1, 5, 8, 9])
    edits = revise(np.arange(5), tokens, Prediction(predicted, np.array([1, 0.95, 1, 0.89, 0.9]), None), 1)
    assert edits.rows.tolist() == [0, 4] and edits.tokens.tolist() == [4, 9] and not edits.shifts_positions
