"""Autoregression against the machine: every token after every decoding step, in order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import seed as drawn_with
from kit.cases import EXAMPLES, ExampleCase
from kit.decoding import predicted, residual_stream, whole_job
from kit.jobs import PROGRAMS, job_of
from kit.machine_programs import machine_jobs, runs
from kit.small import counted_cell

from lockstep.compiler.compile import compile_job
from lockstep.compiler.invariants import find_shares
from lockstep.models.decode import decode
from lockstep.models.editing import NothingPredicted
from lockstep.models.engines import available, takes_causal
from lockstep.models.processes import THRESHOLD
from lockstep.models.sampling import Sampling
from lockstep.pram.access import MODES
from lockstep.pram.instructions import INSTRUCTIONS, Instruction
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import Agreement, check_agreement
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.closed_forms import letters_of_model
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.fuzzing.coverage import Coverage, coverage
from lockstep.proofs_check.theorems import BOUNDS
from lockstep.proofs_check.theorems.width import WIDTHS

CHECKS = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
#: Runs that write more tokens are left to the fast engines and to `verify`.
MOST_TOKENS = 250
#: The engines that compute causal models, without the reference.
FAST = [name for name in available() if takes_causal(name) and name != "dense"]


def agree(job: Job, time: int, dtype: str = "float64", engine: str = "dense") -> Agreement:
    """Decode beside the machine; everything must be as the closed forms say."""
    compiled = compile_job(job, time, dtype, "arm")
    agreement = check_agreement(compiled, job, time, Sampling(engine=engine))
    assert agreement.divergence is None, str(agreement.divergence)
    assert agreement.outputs_agree and compiled.model.causal
    bound = BOUNDS["arm"]
    assert (agreement.steps, max(agreement.context)) == (bound.steps(job, time), bound.peak_context(job, time))
    assert agreement.steps == 3 * job.processors * time + len(job.outputs)
    assert compiled.circuit.vocabulary.mask not in agreement.tokens
    assert compiled.model.width == WIDTHS["arm"](letters_of_model(compiled.code, compiled.widths))
    assert len(compiled.model.layers) == 3
    return agreement


def foretold(job: Job, time: int, dtype: str = "float64") -> None:
    """On the machine's sequence, every row predicts the next token. By induction, a decode writes this sequence."""
    compiled = compile_job(job, time, dtype, "arm")
    layout = compiled.layout(job, time)
    expectation = FACTS["arm"].expectation(layout)
    steps = sum(1 for _ in expectation)
    tokens, start = expectation.tokens, len(layout.tokens())
    told = predicted(compiled.model, residual_stream(compiled.model, tokens, layout.positions().dense()))
    assert (told.token[start - 1 : -1] == tokens[start:]).all() and (told.probability[start - 1 : -1] >= THRESHOLD).all()
    assert steps == len(tokens) - start == 3 * job.processors * time + len(job.outputs)
    assert compiled.model.width == WIDTHS["arm"](letters_of_model(compiled.code, compiled.widths))


def test_random_machine_programs() -> None:
    """At least 300 distinct ones in all modes, some with blocks to spare, some in float32, one in eight decoded step by step."""
    seen: dict[int, Coverage] = {}

    def check(job: Job) -> None:
        found = runs(job)
        assume(found is not None and BOUNDS["arm"].steps(job, found.time) <= MOST_TOKENS)
        assert found is not None
        (agree if len(seen) % 8 == 0 else foretold)(job, found.time + len(seen) % 3, ("float64", "float32")[len(seen) % 5 == 0])
        seen[hash((job.code, job.memory.tobytes(), job.parameters, job.mode, job.processors))] = coverage(found)

    for number, mode in enumerate(MODES):
        some = settings(CHECKS, derandomize=False, max_examples=40)
        drawn_with(number)(some(given(machine_jobs(modes=[mode], word_bits=(4,)))(check)))()
    total = sum(seen.values(), Coverage())
    assert len(seen) >= 300
    assert len(total.modes) == len(MODES) and min(total.modes.values()) >= 10
    assert len(total.instructions) == len(INSTRUCTIONS)
    for event, least in (("divergent", 100), ("concurrent writes", 20), ("concurrent reads", 20), ("read and write", 10)):
        assert total.steps(event) >= least, event


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize("name", PROGRAMS)
def test_examples(name: str, engine: str) -> None:
    """By each fast engine where it can: the corpus, at size 2."""
    job = job_of(name, 2)
    time = run(job).time
    compiled = compile_job(job, time, construction="arm")
    assert certify(compiled.model, compiled.circuit).holds
    agreement = check_agreement(compiled, job, time, Sampling(engine=engine))
    assert agreement.divergence is None, str(agreement.divergence)
    assert agreement.engine == engine
    assert agreement.steps == 3 * job.processors * time + len(job.outputs)


@pytest.mark.parametrize("engine", FAST)
@settings(CHECKS, max_examples=40)
@given(job=machine_jobs(word_bits=(4,)))
def test_fast_engines_give_the_same_tokens(engine: str, job: Job) -> None:
    found = runs(job)
    assume(found is not None and BOUNDS["arm"].steps(job, found.time) <= MOST_TOKENS)
    assert found is not None
    assert whole_job(job, found.time, engine, "arm") == engine


@pytest.mark.parametrize("engine", FAST)
def test_fast_engines_write_long_words(engine: str) -> None:
    """Queries of 24 bits and more are hashed; and float32."""
    assert whole_job(job_of("tree_sum", 3, 24), run(job_of("tree_sum", 3, 24)).time, engine, "arm") == engine
    job = job_of("hillis_steele", 2, 8)
    assert whole_job(job, run(job).time + 1, engine, "arm", "float32") == engine


@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_examples_of_the_instruction_table(case: ExampleCase) -> None:
    agree(case.job(), run(case.job()).time, engine=FAST[-1])


@pytest.mark.parametrize("processors", [1, 2, 3])
def test_every_small_layout(processors: int) -> None:
    """Every number of inputs and cells, outputs at either end, none and all. Without anything given, BOS predicts."""
    for space in range(1, 6):
        for inputs in range(space + 1):
            for outputs in (range(0), range(0, 1), range(space - 1, space), range(0, space)):
                cells = np.zeros(space, np.int64)
                cells[:inputs] = np.arange(1, inputs + 1)
                job = Job((Instruction("halt"),), 1, processors, 4, "CREW", cells, inputs=inputs, outputs=outputs)
                agree(job, 1, engine=FAST[-1])


@settings(CHECKS, max_examples=40)
@given(machine_jobs(processors=(1, 2, 3)))
def test_circuit_dense_engine_and_float32_hold_the_same_residuals(job: Job) -> None:
    """On the whole sequence: bit for bit in every field of every row, shares within 1/4; and each row predicts the next token."""
    found = runs(job)
    assume(found is not None and BOUNDS["arm"].steps(job, found.time) <= 100)
    assert found is not None
    compiled, single = (compile_job(job, found.time, dtype, "arm") for dtype in ("float64", "float32"))
    layout = compiled.layout(job, found.time)
    tokens = agree(job, found.time).tokens
    offsets, off = compiled.circuit.offsets(), np.zeros(compiled.circuit.width)
    for field, index in find_shares(compiled.circuit):
        off[offsets[field] + index] = 0.249
    exact = compiled.circuit.evaluate(tokens.tolist(), layout.positions().dense())
    for model in (compiled.model, single.model):
        stream = residual_stream(model, tokens, layout.positions().dense())
        assert (np.abs(stream - exact) <= off).all()
    told = predicted(compiled.model, residual_stream(compiled.model, tokens, layout.positions().dense()))
    start = len(layout.tokens())
    assert (told.token[start - 1 : -1] == tokens[start:]).all() and (told.probability[start - 1 : -1] >= THRESHOLD).all()
    assert (told.probability[: start - 1] < THRESHOLD).all(), "a row of the prompt predicts something"
    assert all(p is None for p in compiled.circuit.predict(exact)[: start - 1])


@pytest.mark.parametrize("missing", [1, 2])
def test_too_few_blocks_stop_with_the_step(missing: int) -> None:
    job = counted_cell()
    blocks = run(job).time - missing
    compiled = compile_job(job, blocks, construction="arm")
    layout = compiled.layout(job, blocks)
    step, last = 3 * job.processors * blocks + 1, layout.first_output - 1
    text = f"^decoding step {step}: the row at position {last} predicts nothing, but {len(job.outputs)} more are to come$"
    for engine in ("dense", *FAST):
        with pytest.raises(NothingPredicted, match=text):
            decode(compiled.model, layout.tokens(), layout.positions(), "arm", Sampling(engine=engine))


def test_left_to_right_is_its_order() -> None:
    job = counted_cell()
    compiled, time = compile_job(job, run(job).time, construction="arm"), run(job).time
    named, parallel = (check_agreement(compiled, job, time, Sampling(order)) for order in ("left-to-right", "parallel"))
    assert named.divergence is None and named.outputs_agree
    assert named.tokens.tolist() == parallel.tokens.tolist() and named.context == parallel.context


def test_it_has_one_order() -> None:
    job = counted_cell()
    compiled = compile_job(job, run(job).time, construction="arm")
    layout = compiled.layout(job, run(job).time)
    with pytest.raises(ValueError, match="^arm appends one token in a decoding step: its orders are parallel, left-to-right$"):
        decode(compiled.model, layout.tokens(), layout.positions(), "arm", Sampling("random"))
