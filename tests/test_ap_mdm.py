"""Any-process masked diffusion, both schedules, against the machine: every token after every decoding step."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from kit.cases import EXAMPLES, ExampleCase, job
from kit.decoding import FASTEST, mostly_fastest, predicted, residual_stream
from kit.jobs import PROGRAMS, job_of
from kit.machine_programs import machine_jobs, runs
from kit.small import counted_cell

from lockstep.compiler import in_place, one_step
from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, Widths, compile_code, compile_job
from lockstep.compiler.names import lacking
from lockstep.compiler.processor import Code
from lockstep.models import processes
from lockstep.models.processes import PROCESSES, Edits, edit
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Prediction, Tokens
from lockstep.pram.access import MODES
from lockstep.pram.instructions import INSTRUCTIONS, Apply, Instruction, Operand
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import Agreement, check_agreement
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.closed_forms import letters_of_model
from lockstep.proofs_check.fuzzing.coverage import Coverage, coverage
from lockstep.proofs_check.theorems import theorem4
from lockstep.proofs_check.theorems.width import WIDTHS

CHECKS = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
SCHEDULES = theorem4.BOUNDS
R0, R1, PID = Operand("register", 0), Operand("register", 1), Operand("pid")


def number(value: int) -> Operand:
    return Operand("constant", value)


@lru_cache(maxsize=16)
def model_of(code: Code, widths: Widths, construction: str) -> Compiled:
    """Many jobs in a row have one model; it is compiled once."""
    return compile_code(code, widths, construction=construction)


def agree(job: Job, time: int, construction: str, sampling: Sampling = FASTEST) -> Agreement:
    """Decode beside the machine; everything must be as Theorem 4's construction says."""
    compiled = model_of(Code.of(job), CONSTRUCTIONS[construction].widths(job, time), construction)
    agreement = check_agreement(compiled, job, time, sampling)
    assert agreement.divergence is None, str(agreement.divergence)
    assert agreement.outputs_agree
    bound = SCHEDULES[construction]
    assert agreement.steps == bound.steps(job, time)
    assert max(agreement.context) == bound.peak_context(job, time)
    assert agreement.context[-1] == theorem4.FINAL(bound.letters(job, time))
    assert compiled.model.width == WIDTHS[construction](letters_of_model(compiled.code, compiled.widths))
    assert len(compiled.model.layers) == 3
    return agreement


def modes_of(construction: str) -> list[str]:
    """The modes of which it has models."""
    return [mode for mode in MODES if not lacking(construction, [MODES[mode].combining])]


@pytest.mark.parametrize("construction", SCHEDULES)
def test_random_machine_programs(construction: str) -> None:
    """At least 300 distinct ones, one in eight by the reference, with every event counted."""
    seen: dict[int, Coverage] = {}

    modes = modes_of(construction)

    @settings(CHECKS, max_examples=560)
    @given(machine_jobs(modes=modes, word_bits=(4,)))
    def check(job: Job) -> None:
        run = runs(job)
        assume(run is not None and run.time <= 24)
        assert run is not None
        agree(job, run.time, construction, mostly_fastest(len(seen)))
        seen[hash((job.code, job.memory.tobytes(), job.parameters, job.mode, job.processors))] = coverage(run)

    check()
    total = sum(seen.values(), Coverage())
    assert len(seen) >= 300
    assert len(total.modes) == len(modes) and len(total.instructions) == len(INSTRUCTIONS)
    for event, least in (("divergent", 100), ("concurrent writes", 20), ("concurrent reads", 20), ("read and write", 10)):
        assert total.steps(event) >= least, event


@pytest.mark.parametrize("construction", SCHEDULES)
@pytest.mark.parametrize("name", [*PROGRAMS, "counter", "qbf", "turing"])
def test_examples(name: str, construction: str) -> None:
    sample = job_of(name, {"dyck": 2, "closure": 2, "components": 3, "counter": 3, "qbf": 2, "turing": 2}.get(name, 5))
    agree(sample, run(sample).time, construction)


@pytest.mark.parametrize("construction", SCHEDULES)
@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_examples_of_the_instruction_table(case: ExampleCase, construction: str) -> None:
    agree(case.job(), run(case.job()).time, construction)


@pytest.mark.parametrize("construction", SCHEDULES)
@pytest.mark.parametrize("processors", [1, 2, 3])
def test_growth_for_every_small_layout(processors: int, construction: str) -> None:
    """Every number of inputs and cells, outputs at either end, none and all."""
    for space in range(1, 9):
        for inputs in range(space + 1):
            for outputs in (range(0), range(0, 1), range(space - 1, space), range(0, space)):
                cells = np.zeros(space, np.int64)
                cells[:inputs] = np.arange(1, inputs + 1)
                code = (Instruction("halt"),)
                agree(Job(code, 1, processors, 4, "CREW", cells, inputs=inputs, outputs=outputs), 1, construction)


@pytest.mark.parametrize("construction", SCHEDULES)
def test_circuit_dense_engine_and_float32_hold_the_same_residuals(construction: str) -> None:
    """Bit for bit, control bits included; and the certificate covers both dtypes."""

    @settings(CHECKS, max_examples=25)
    @given(machine_jobs(modes=modes_of(construction), word_bits=(4,), processors=(1, 2, 3)))
    def check(job: Job) -> None:
        found = runs(job)
        assume(found is not None and found.time <= 6)
        compiled, single = (compile_job(job, 1, dtype, construction) for dtype in ("float64", "float32"))
        layout = compiled.layout(job, 1)
        tokens, positions = layout.tokens(), layout.positions().dense()
        for _ in range(12):
            exact = compiled.circuit.evaluate(tokens.tolist(), positions[: len(tokens)])
            for each in (compiled, single):
                assert np.array_equal(residual_stream(each.model, tokens, positions[: len(tokens)]), exact)
                assert certify(each.model, each.circuit).holds
            prediction, mask = predicted(compiled.model, exact), compiled.circuit.vocabulary.mask
            tokens = PROCESSES["ap-mdm"].step(tokens, prediction, mask, lambda ready: ready)

    check()


# -- what must fail; more of it is in tests/mutation -----------------------------------------------


@pytest.mark.parametrize("construction", SCHEDULES)
@pytest.mark.parametrize("seed", range(5))
def test_updates_must_be_synchronous(seed: int, construction: str) -> None:
    """A sampler that drops three updates of ten is found to be wrong."""
    generator = np.random.default_rng(seed)

    def lossy(rows: Tokens, tokens: Tokens, prediction: Prediction, mask: int) -> Edits:
        assert prediction.control is not None
        dropped = generator.random(len(tokens)) < 0.3
        control = prediction.control & ~dropped[:, None]
        control[:, 0] |= dropped & (tokens == mask)
        return edit(rows, tokens, replace(prediction, control=control), mask)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(processes.PROCESSES, "ap-mdm", replace(processes.PROCESSES["ap-mdm"], propose=lossy))
        sample = counted_cell()
        assert check_agreement(compile_job(sample, 1, construction=construction), sample, run(sample).time).divergence is not None


def test_one_step_refuses_what_it_has_no_room_for() -> None:
    """A store of a sum would need another row, or another layer."""
    row = INSTRUCTIONS["store"]
    sample = job(Instruction("store", number(0), number(1), R0), memory=(1, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(INSTRUCTIONS, "store", replace(row, value=Apply("add", ("x", "z"))))
        with pytest.raises(ValueError, match="the one-step schedule cannot compile `store`: its stores write operands only"):
            one_step.build(Code.of(sample), in_place.Widths(4, 6, 2))
