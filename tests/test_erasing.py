"""Autoregression with erasing against the machine: every token after every decoding step, snapshots among them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import seed as drawn_with
from kit.commands import Do
from kit.decoding import predicted, residual_stream
from kit.jobs import PROGRAMS, job_of
from kit.machine_programs import machine_jobs, runs
from kit.small import counted_cell
from oracles.numpy_decoder import decode as numpy_decode

from lockstep.commands.export.job_file import export_job
from lockstep.compiler import erasing
from lockstep.compiler.compile import Compiled, compile_job
from lockstep.models.decode import Decoder, decode
from lockstep.models.editing import NothingToErase, OutOfPositions
from lockstep.models.engines import available, takes_causal
from lockstep.models.erasing import Marks
from lockstep.models.processes import THRESHOLD
from lockstep.models.sampling import Sampling
from lockstep.pram.access import MODES
from lockstep.pram.instructions import INSTRUCTIONS, Instruction
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import load
from lockstep.proofs_check.agreement import Agreement, check_agreement
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.closed_forms import letters_of_model
from lockstep.proofs_check.fuzzing.coverage import Coverage, coverage
from lockstep.proofs_check.theorems import BOUNDS, theorem2
from lockstep.proofs_check.theorems.width import WIDTHS

CHECKS = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
NAME = "arm erasing"
ENGINES = [engine for engine in available() if takes_causal(engine)]
#: Runs that write more tokens are left to `verify`.
MOST_TOKENS = 400


def made(job: Job, every: int | None, dtype: str = "float64") -> Compiled:
    return compile_job(job, run(job).time, dtype, NAME, Sampling(every=every))


def agree(job: Job, every: int | None, dtype: str = "float64", engine: str = "dense") -> Agreement:
    """Decode beside the machine; everything must be as the closed forms say."""
    time, compiled = run(job).time, made(job, every, dtype)
    agreement = check_agreement(compiled, job, time, Sampling(engine=engine, every=every))
    assert agreement.divergence is None, str(agreement.divergence)
    assert agreement.outputs_agree and compiled.model.causal and agreement.engine == engine
    assert (agreement.steps, max(agreement.context), agreement.context[-1]) == by_hand(job, time, every)
    bound = BOUNDS[NAME].every(every)
    assert (agreement.steps, max(agreement.context)) == (bound.steps(job, time), bound.peak_context(job, time))
    assert agreement.written == agreement.steps
    assert compiled.circuit.vocabulary.mask not in agreement.tokens
    assert compiled.model.width == WIDTHS[NAME](letters_of_model(compiled.code, compiled.widths))
    assert len(compiled.model.layers) == 3
    return agreement


def by_hand(job: Job, time: int, every: int | None) -> tuple[int, int, int]:
    """Decoding steps, peak context and final context, counted part by part."""
    words = job.space + job.processors * (1 + job.registers)
    steps = every or -(-words // (3 * job.processors))
    length = 1 + len(job.parameters) + 1 + len({*job.outputs, *range(job.inputs)})
    tokens, longest, done = 0, length, 0
    grown = 1 + len(job.parameters) + 1 + words
    tokens, length = grown - length, grown
    while True:
        tokens, length, done = tokens + 3 * job.processors * steps + 2, length + 3 * job.processors * steps + 2, done + steps
        last = done >= time
        part = (len(job.outputs) if last else words) + 1
        tokens, length = tokens + part, length + part
        longest = max(longest, length)
        if last:
            return tokens, longest, length
        length = grown


def test_random_machine_programs() -> None:
    """At least 300 distinct ones in all modes, with cycles of 1 to 5 steps, some in float32."""
    seen: dict[int, Coverage] = {}
    cycles = 0

    def check(job: Job) -> None:
        nonlocal cycles
        found, every = runs(job), 1 + len(seen) % 5
        assume(found is not None and BOUNDS[NAME].every(every).steps(job, found.time) <= MOST_TOKENS)
        assert found is not None
        fast = MODES[job.mode].combining != "sum"
        agree(job, every, ("float64", "float32")[len(seen) % 5 == 0], ENGINES[-1] if fast and len(seen) % 8 else "dense")
        cycles += -(-found.time // every)
        seen[hash((job.code, job.memory.tobytes(), job.parameters, job.mode, job.processors))] = coverage(found)

    for number, mode in enumerate(MODES):
        some = settings(CHECKS, derandomize=False, max_examples=40)
        drawn_with(number)(some(given(machine_jobs(modes=[mode], word_bits=(4,)))(check)))()
    total = sum(seen.values(), Coverage())
    assert len(seen) >= 300 and cycles >= 600
    assert len(total.modes) == len(MODES) and min(total.modes.values()) >= 10
    assert len(total.instructions) == len(INSTRUCTIONS)
    for event, least in (("divergent", 100), ("concurrent writes", 20), ("concurrent reads", 20), ("read and write", 10)):
        assert total.steps(event) >= least, event


@pytest.mark.parametrize("name", PROGRAMS)
def test_examples(name: str) -> None:
    """The corpus at size 1, with the usual number of steps in a cycle."""
    job = job_of(name, 1)
    compiled = made(job, None)
    assert certify(compiled.model, compiled.circuit).holds
    agree(job, None, engine=ENGINES[-1])


@pytest.mark.parametrize("processors", [1, 2, 3])
def test_every_small_layout(processors: int) -> None:
    """Every number of inputs and cells, outputs at either end, none and all; one cycle, and one that ends in the second step of two."""
    for space in range(1, 5):
        for inputs in range(space + 1):
            for outputs in (range(0), range(0, 1), range(space - 1, space), range(0, space)):
                cells = np.zeros(space, np.int64)
                cells[:inputs] = np.arange(1, inputs + 1)
                code = (Instruction("nop"), Instruction("nop"), Instruction("halt"))
                job = Job(code, 1, processors, 4, "CREW", cells, inputs=inputs, outputs=outputs)
                for every in (1, 2, 5):
                    agree(job, every, engine=ENGINES[-1])


def test_positions_do_not_depend_on_the_length_of_a_run() -> None:
    """A run twice as long has the same weights and the same positions."""
    job = counted_cell()
    compiled = made(job, 3)
    short, long = (compiled.layout(job, time, Sampling(every=3)) for time in (run(job).time, 1000 * run(job).time))
    assert np.array_equal(short.positions().dense(), long.positions().dense()) and short.length == long.length


@pytest.mark.parametrize("engine", ENGINES)
def test_prompt_rows_predict_nothing_but_what_follows(engine: str) -> None:
    """The circuit, evaluated on the last sequence, has the residuals of the weights, and each row predicts the next token."""
    job = counted_cell()
    compiled, time = made(job, 2), run(job).time
    layout = compiled.layout(job, time, Sampling(every=2))
    tokens = agree(job, 2, engine=engine).tokens
    positions = layout.positions().dense()
    exact = compiled.circuit.evaluate(tokens.tolist(), positions[: len(tokens)])
    stream = residual_stream(compiled.model, tokens, positions[: len(tokens)])
    assert np.array_equal(stream, exact)
    told, first = predicted(compiled.model, stream), layout.first_block
    assert (told.token[first - 1 : -1] == tokens[first:]).all() and (told.probability[first - 1 : -1] >= THRESHOLD).all()


def test_the_numpy_decoder_erases_as_well(tmp_path: Path) -> None:
    program = load("examples/programs/tree_sum.pram")
    job = program.instantiate({"n": 2}, {"A": [3, 4]}, 4)
    export_job(program, job, tmp_path / "job.safetensors", construction=NAME)
    found, agreement = numpy_decode(tmp_path / "job.safetensors"), agree(job, None)
    assert found.outputs == found.expected == {"total": [7]}
    assert tuple(found.context) == agreement.context and found.final == agreement.tokens.tolist()
    assert found.steps == agreement.steps and len(set(np.diff(agreement.context))) > 1, "nothing is erased"


def test_kept_keys_and_values_by_closed_form() -> None:
    """The multiply-adds if keys and values are kept: a sequence that was cut down is computed anew."""
    from lockstep.proofs_check.operations import Prices, passes_made

    for every in (1, 2, 50):
        job = counted_cell()
        compiled, agreement = made(job, every), agree(job, every)
        prices = Prices.of(compiled.model)
        values = theorem2.letters(NAME, job, run(job).time, prices, every)
        passes = passes_made(agreement.context, "arm")
        assert prices.decode(passes) == theorem2.OPERATIONS[NAME](values)
        assert prices.decode_keeping(passes) == theorem2.KEPT[NAME](values)


# -- the rule, and decodes that break it -----------------------------------------------------------


MARKS = Marks(call=1, sep=2, returns=3, end=4)


@pytest.mark.parametrize(
    "before, after",
    [
        ([0, 1, 7, 2, 9, 3], [0, 9]),  # C CALL T SEP A RETURN
        ([0, 1, 7, 2, 1, 9, 3], [0, 1, 9]),  # an answer that begins with a call
        ([0, 1, 5, 1, 7, 2, 9, 3], [0, 1, 5, 9]),  # a call within a call
        ([0, 1, 7, 2, 8, 1, 7, 2, 9, 3], [0, 1, 7, 2, 8, 9]),  # the last separator counts
        ([1, 2, 3], []),
    ],
)
def test_the_rule(before: list[int], after: list[int]) -> None:
    found = MARKS.reduced(np.array(before))
    assert found is not None and found.tolist() == after


@pytest.mark.parametrize("tokens", [[0, 1, 9, 3], [0, 2, 9, 3], [0, 2, 1, 3]])
def test_the_rule_does_not_apply(tokens: list[int]) -> None:
    assert MARKS.reduced(np.array(tokens)) is None


def started(tokens: list[str], every: int = 2) -> Decoder:
    """A decode that goes on behind the prompt and some marks."""
    job = counted_cell()
    compiled = made(job, every)
    layout = compiled.layout(job, run(job).time, Sampling(every=every))
    token = compiled.circuit.vocabulary.token
    start = np.concatenate([layout.tokens(), [token(kind) for kind in tokens]]).astype(np.int64)
    return Decoder(compiled.model, start, layout.positions(), "arm")


def test_return_without_a_separator_is_refused() -> None:
    with pytest.raises(
        NothingToErase, match="^decoding step 1: there is no CALL and SEP in front of RETURN, so nothing can be erased$"
    ):
        next(iter(started(["RETURN"])))


def test_end_ends() -> None:
    assert list(started(["END"])) == []


def test_positions_without_a_mark_run_out() -> None:
    """If the next token is neither RETURN nor END, the sequence outgrows its positions."""
    job = counted_cell()
    compiled = made(job, 2)
    layout = compiled.layout(job, run(job).time, Sampling(every=2))
    with pytest.raises(OutOfPositions):
        decode(compiled.model, layout.tokens(), replace(layout.positions(), bits=layout.positions().bits[:30],
                                                        numbers=layout.positions().numbers[:30]), "arm")  # fmt: skip


@settings(CHECKS, max_examples=25)
@given(machine_jobs(word_bits=(4,)))
def test_engines_give_the_same_tokens(job: Job) -> None:
    found = runs(job)
    assume(found is not None and BOUNDS[NAME].every(2).steps(job, found.time) <= MOST_TOKENS)
    for engine in ENGINES:
        agree(job, 2, engine=engine)


def test_too_many_steps_for_the_widths() -> None:
    job = counted_cell()
    compiled = made(job, 2)
    with pytest.raises(ValueError, match="4 steps of 3 processors do not fit 2 and 2 bits"):
        compiled.layout(job, run(job).time, Sampling(every=4))


def test_the_usual_number_of_steps() -> None:
    """Blocks and snapshot have about as many tokens; by hand: 5 cells, 2 processors with 3 registers: 13 words, 6 tokens a step."""
    job = Job((Instruction("halt"),), 3, 2, 4, "CREW", np.zeros(5, np.int64), inputs=5, outputs=range(0))
    assert erasing.snapshot_words(job) == 13 and erasing.blocks_of(job, 1, None) == 3 and erasing.blocks_of(job, 1, 7) == 7


# -- on the command line ---------------------------------------------------------------------------


def test_decode_and_verify(do: Do) -> None:
    outcome = do("decode tree_sum --size 2 --process arm --schedule erasing --every 2 --json")
    assert outcome.status == 0 and '"process": "arm erasing"' in outcome.out
    outcome = do("verify tree_sum --sizes 1..2 --process arm --schedule all --every 3")
    assert outcome.status == 0 and "arm erasing" in outcome.out and "final length" in outcome.out


@pytest.mark.parametrize(
    "command, message",
    [
        ("decode tree_sum --size 2 --every 2", "this is for --process arm --schedule erasing"),
        ("verify tree_sum --sizes 1 --process arm --every 2", "this is for --process arm --schedule erasing"),
        ("decode tree_sum --size 2 --process arm --schedule erasing --every 0", "Input should be greater than or equal to 1"),
        (
            "decode tree_sum --size 2 --process arm --schedule erasing --time 9",
            "makes room for a few steps, again and again: see --every",
        ),
        ("decode tree_sum --size 2 --process mdm --schedule erasing", "mdm has no erasing schedule; only arm has it"),
        ("decode tree_sum --size 2 --process arm --schedule one-step", "arm has no one-step schedule; only ap-mdm has it"),
    ],
)
def test_wrong_options(do: Do, command: str, message: str) -> None:
    outcome = do(command)
    assert outcome.status == 2 and message in " ".join(outcome.err.split()).replace("│ ", "")
