"""Revision with several copies: the machine's state in each, and no change of a minority outlives a decoding step."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from kit.cases import job as job_with
from kit.commands import FINE, MISUSED, Do
from kit.copies import States, every_change_repaired, hits_repaired
from kit.jobs import job_of
from kit.machine_programs import machine_jobs, runs
from kit.small import PID, R0, number

from lockstep.compiler.compile import compile_job
from lockstep.compiler.names import COPIES, FIVE_COPIES, REVISION, THREE_COPIES, lacking
from lockstep.models.sampling import Sampling
from lockstep.pram.access import MODES
from lockstep.pram.instructions import Instruction
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.proofs.prove import prove

CHECKS = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
MODES_OF_IT = [mode for mode in MODES if not lacking(REVISION, [MODES[mode].combining])]


def agree(job: Job, time: int, construction: str, engine: str) -> None:
    """Every token is right, in T steps, at context 1 + c (h + S + P (k + 1)), by the engine that was asked for."""
    found = check_agreement(compile_job(job, time, construction=construction), job, time, Sampling(engine=engine))
    assert found.divergence is None, str(found.divergence)
    assert found.outputs_agree and found.steps == time and found.engine == engine
    single = len(job.parameters) + job.space + job.processors * (job.registers + 1)
    assert set(found.context) == {1 + COPIES[construction] * single}


def tiny() -> Job:
    """Two processors that read, add, branch and store, with words of two bits and one parameter."""
    code = (
        Instruction("load", PID, number(0), rd=0),
        Instruction("jz", R0, target=3),
        Instruction("add", R0, PID, rd=0),
        Instruction("store", PID, number(0), R0),
    )
    return job_with(*code, processors=2, word_bits=2, mode="CREW", memory=(1, 0), parameters=(3,), outputs=range(2))


def test_random_machine_programs() -> None:
    """Distinct ones in all modes, one in six with five copies, one in four by the reference."""
    seen: set[int] = set()

    @settings(CHECKS, max_examples=60)
    @given(machine_jobs(modes=MODES_OF_IT, word_bits=(4,)))
    def check(job: Job) -> None:
        made = runs(job)
        assume(made is not None and made.time <= 24)
        assert made is not None
        several = len(seen) % 6 == 5
        agree(job, made.time, FIVE_COPIES if several else THREE_COPIES, "dense" if len(seen) % 4 == 3 else "indexed")
        seen.add(hash((job.code, job.memory.tobytes(), job.parameters, job.mode, job.processors)))

    check()
    assert len(seen) >= 30


@pytest.mark.parametrize("name", ["tree_sum", "hillis_steele", "components", "or_constant", "permutation", "bitonic_sort"])
def test_examples_by_two_engines(name: str) -> None:
    job = job_of(name, 2)
    for engine in ("dense", "indexed"):
        agree(job, run(job).time, THREE_COPIES, engine)


@pytest.mark.parametrize(("construction", "many"), [(THREE_COPIES, 1), (FIVE_COPIES, 2)])
@pytest.mark.parametrize("name", ["tree_sum", "hillis_steele"])
def test_all_items_hit_at_once(name: str, construction: str, many: int) -> None:
    """A minority of the copies of every item, and BOS, hold any tokens before every step."""
    hits_repaired(States.of(job_of(name, 2), construction), many, 6)


def test_every_single_change() -> None:
    """Every position, every token, before every step."""
    states = States.of(tiny(), THREE_COPIES)
    vocabulary, (length,) = states.compiled.model.vocabulary.size, {len(s) for s in states.sequences}
    assert every_change_repaired(states) == len(states.sequences) * length * (vocabulary - 1)


def test_the_bound_is_tight() -> None:
    """Two copies of three that change alike are the majority."""
    states = States.of(job_of("tree_sum", 2), THREE_COPIES)
    now, following = list(states.steps())[3]
    changed = now.copy()
    items, cell = states.layout.items, states.layout.first_cell
    changed[[cell, cell + items]] = states.compiled.model.vocabulary.token("WORD", 77)
    (found,) = states.after([changed])
    assert not np.array_equal(found, following)


@pytest.mark.parametrize("construction", COPIES)
def test_proofs_and_certificate(construction: str) -> None:
    compiled = compile_job(tiny(), run(tiny()).time, construction=construction)
    proof = prove(compiled)
    assert proof.holds, [o.trouble for o in proof.obligations if not o.holds]
    assert proof.obligations[-1].what == "what a minority of the copies holds changes nothing"
    assert certify(compiled.model, compiled.circuit).holds


@pytest.mark.parametrize("command", ["decode --size 2", "verify --sizes 1", "certify", "prove --word-bits 4"])
def test_a_number_of_copies_names_a_schedule(command: str, do: Do) -> None:
    name, _, options = command.partition(" ")
    one, other = (
        do(f"{name} tree_sum --process revision {given} {options} --json") for given in ("--copies 3", "--schedule 3-copies")
    )
    (outcome,) = {one.status, other.status}
    assert outcome == FINE and without_seconds(one.out) == without_seconds(other.out) and "3-copies" in one.out


def without_seconds(text: str) -> str:
    return re.sub(r'"seconds": [0-9.e-]+', "", text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--process revision --copies 4", "there are models with 3 or 5 copies, not 4"),
        ("--process ap-mdm --schedule one-step --copies 3", "this is --schedule 3-copies: leave --schedule one-step out"),
        ("--copies 3", "mdm has no 3-copies schedule; only revision has it"),
        ("--process revision --copies 0", "there are models with 3 or 5 copies, not 0"),
    ],
)
def test_copies_that_are_refused(options: str, message: str, do: Do) -> None:
    outcome = do(f"decode tree_sum --size 2 {options}")
    assert outcome.status == MISUSED and message in " ".join(outcome.err.split())
