"""Masked diffusion against the machine: random machine programs, decoding orders, spare blocks, dtypes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import seed as drawn_with
from hypothesis import strategies as st
from kit.cases import EXAMPLES, ExampleCase, job
from kit.decoding import FASTEST, mostly_fastest, residual_stream
from kit.machine_programs import machine_jobs, runs

from lockstep.compiler.compile import Compiled, compile_job
from lockstep.compiler.invariants import find_shares
from lockstep.models.decode import decode
from lockstep.models.editing import NotFinished
from lockstep.models.sampling import Sampling
from lockstep.pram.access import MODES
from lockstep.pram.instructions import INSTRUCTIONS, Instruction, Operand
from lockstep.pram.job import Job
from lockstep.pram.machine import Run
from lockstep.proofs_check.agreement import Agreement, check_agreement
from lockstep.proofs_check.closed_forms import letters_of_run
from lockstep.proofs_check.fuzzing.coverage import Coverage, coverage
from lockstep.proofs_check.theorems import BOUNDS, theorem1

CHECKS = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
#: Contexts of random jobs stay below this, so that several hundred decode in a minute.
MOST_TOKENS = 300


def bounded_run(job: Job, most: int = MOST_TOKENS) -> Run:
    """The job's run, if it ends and its context is short."""
    run = runs(job)
    assume(run is not None and BOUNDS["mdm"].peak_context(job, run.time) <= most)
    assert run is not None
    return run


def agree(job: Job, time: int, sampling: Sampling = FASTEST) -> Agreement:
    agreement = check_agreement(compile_job(job, time), job, time, sampling)
    assert agreement.divergence is None, str(agreement.divergence)
    assert agreement.outputs_agree
    return agreement


def test_random_machine_programs() -> None:
    """At least 300 distinct ones, one in eight by the reference; every token after every decoding step, steps and context to the letter."""
    seen: dict[int, Coverage] = {}

    def check(job: Job) -> None:
        run = bounded_run(job)
        agreement = agree(job, run.time, mostly_fastest(len(seen)))
        assert agreement.steps == BOUNDS["mdm"].steps(job, run.time)
        assert set(agreement.context) == {BOUNDS["mdm"].peak_context(job, run.time)}
        seen[hash((job.code, job.memory.tobytes(), job.parameters, job.mode, job.processors))] = coverage(run)

    for number, mode in enumerate(MODES):  # all draws together would favour some modes and instructions
        some = settings(CHECKS, derandomize=False, max_examples=48)
        drawn_with(number)(some(given(machine_jobs(modes=[mode]))(check)))()
    total = sum(seen.values(), Coverage())
    assert len(seen) >= 300
    assert len(total.modes) == len(MODES) and min(total.modes.values()) >= 10
    assert len(total.instructions) == len(INSTRUCTIONS) and min(total.instructions.values()) >= 20
    for event, least in (("divergent", 100), ("concurrent writes", 20), ("concurrent reads", 20), ("read and write", 10)):
        assert total.steps(event) >= least, event


@settings(CHECKS, max_examples=60)
@given(machine_jobs(processors=(1, 2, 3)), st.sampled_from(["left-to-right", "random", "random-subsets"]), st.integers(0, 99))
def test_every_order_gives_the_same_tokens(job: Job, order: str, seed: int) -> None:
    run = bounded_run(job, most=90)
    agreement = agree(job, run.time, replace(FASTEST, order=order, seed=seed))
    masks = 3 * job.processors * run.time + len(job.outputs)
    assert agreement.steps <= masks if order == "random-subsets" else agreement.steps == masks


@settings(CHECKS, max_examples=40)
@given(machine_jobs(processors=(1, 2, 3)), st.integers(1, 5))
def test_spare_blocks_cost_one_step(job: Job, spare: int) -> None:
    run = bounded_run(job, most=150)
    agreement = agree(job, run.time + spare)
    assert agreement.steps == run.time + 1 + bool(job.outputs)
    letters = letters_of_run(job, run.time) | {"A": run.time + spare}
    assert (agreement.steps, max(agreement.context)) == (theorem1.SPARE_BLOCKS(letters), theorem1.SPARE_CONTEXT(letters))


@settings(CHECKS, max_examples=40)
@given(machine_jobs(processors=(1, 2, 3)))
def test_circuit_dense_engine_and_float32_hold_the_same_residuals(job: Job) -> None:
    """Bit for bit, in every field of every row, at every decoding step; shares of a sum within 1/4."""
    run = bounded_run(job, most=100)
    compiled, single = compile_job(job, run.time), compile_job(job, run.time, "float32")
    layout = compiled.layout(job, run.time)
    tokens, positions = layout.tokens(), layout.positions().dense()
    offsets, off = compiled.circuit.offsets(), np.zeros(compiled.circuit.width)
    for field, index in find_shares(compiled.circuit):
        off[offsets[field] + index] = 0.249
    while (tokens == compiled.circuit.vocabulary.mask).any():
        exact = compiled.circuit.evaluate(tokens.tolist(), positions)
        for model in (compiled.model, single.model):
            assert (np.abs(residual_stream(model, tokens, positions) - exact) <= off).all()
        masked = tokens == compiled.circuit.vocabulary.mask
        predicted = np.array([-1 if p is None else p for p in compiled.circuit.predict(exact)])
        assert (masked & (predicted >= 0)).any()
        tokens = np.where(masked & (predicted >= 0), predicted, tokens)
    assert np.array_equal(layout.output_words(tokens), run.memory[job.outputs.start : job.outputs.stop])


@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_examples_of_the_instruction_table(case: ExampleCase) -> None:
    """The hand-written column, on the weights: the value and where the program counter goes."""
    job, e = case.job(), case.example
    tokens = agree(job, 2).tokens
    compiled = compile_job(job, 2)
    layout, vocabulary = compiled.layout(job, 2), compiled.circuit.vocabulary
    written = vocabulary.split(int(tokens[layout.row("V", 1, 0)]))
    following = vocabulary.split(int(tokens[layout.row("C", 1, 0)]))
    assert written == ("WORD", e.value or 0)
    assert following == (("HALT", 0) if case.name == "halt" else ("PC", 2 if e.taken else 1))


def counting_job(rounds: int) -> Job:
    """r0 counts down from `rounds`; then halt: 2 + 3 rounds steps."""
    r0 = Operand("register", 0)
    return job(
        Instruction("mov", Operand("constant", rounds), rd=0),
        Instruction("jz", r0, target=4),
        Instruction("sub", r0, Operand("constant", 1), rd=0),
        Instruction("jmp", target=1),
        outputs=range(0, 2),
    )


@pytest.mark.parametrize("blocks", [1, 4, 8])
def test_too_few_blocks_stop_with_the_step(blocks: int) -> None:
    job = counting_job(2)  # 9 steps
    compiled: Compiled = compile_job(job, blocks)
    layout = compiled.layout(job, blocks)
    with pytest.raises(NotFinished, match=rf"^decoding step {blocks + 1}: no position is ready, but 2 are still masked$"):
        decode(compiled.model, layout.tokens(), layout.positions())


@cache
def depth_and_width(word_bits: int, time: int) -> tuple[int, int]:
    model = compile_job(counting_job(2), time).model
    return len(model.layers), model.width


def test_depth_is_three_and_width_grows_with_log_t() -> None:
    depths, widths = zip(*(depth_and_width(4, 1 << bits) for bits in range(2, 12)))
    assert set(depths) == {3}
    assert [b - a for a, b in zip(widths, widths[1:])] == [2] * 9
