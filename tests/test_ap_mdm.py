"""Any-process masked diffusion, both schedules, against the machine: every token after every decoding step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from cases import EXAMPLES, ExampleCase, job
from hypothesis import HealthCheck, assume, given, settings

from compiler import ap_mdm, in_place, one_step
from compiler.assemble import assemble
from compiler.circuit import Bit, Circuit, Linear, Threshold
from compiler.compile import CONSTRUCTIONS, Compiled, compile_job
from compiler.processor import Code
from lockstep.bench import PROGRAMS, job_of
from models import processes
from models.engines.dense import forward
from models.processes import PROCESSES, Edits, edit
from models.transformer import Prediction
from pram.instructions import INSTRUCTIONS, Apply, Instruction, Operand
from pram.job import Job
from pram.machine import run
from proofs_check.agreement import Agreement, check_agreement
from proofs_check.catalog import letters_of_model
from proofs_check.certificate import certify
from proofs_check.programs import Coverage, coverage, machine_jobs, runs
from proofs_check.theorems import theorem4
from proofs_check.theorems.width import WIDTHS

CHECKS = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
SCHEDULES = theorem4.BOUNDS
R0, R1, PID = Operand("register", 0), Operand("register", 1), Operand("pid")


def number(value: int) -> Operand:
    return Operand("constant", value)


def agree(job: Job, time: int, construction: str) -> Agreement:
    """Decode beside the machine; everything must be as Theorem 4's construction says."""
    compiled = compile_job(job, time, construction=construction)
    agreement = check_agreement(compiled, job, time)
    assert agreement.divergence is None, str(agreement.divergence)
    assert agreement.outputs_agree
    bound = SCHEDULES[construction]
    assert agreement.steps == bound.steps(job, time)
    assert max(agreement.context) == bound.peak_context(job, time)
    assert agreement.context[-1] == theorem4.FINAL(bound.letters(job, time))
    assert compiled.model.width == WIDTHS[construction](letters_of_model(compiled.code, compiled.widths))
    assert len(compiled.model.layers) == 3
    return agreement


@pytest.mark.parametrize("construction", SCHEDULES)
def test_random_machine_programs(construction: str) -> None:
    """At least 300 distinct ones, with every event counted."""
    seen: dict[int, Coverage] = {}

    @settings(CHECKS, max_examples=420)
    @given(machine_jobs(word_bits=(4,)))
    def check(job: Job) -> None:
        run = runs(job)
        assume(run is not None and run.time <= 24)
        assert run is not None
        agree(job, run.time, construction)
        seen[hash((job.code, job.memory.tobytes(), job.parameters, job.mode, job.processors))] = coverage(run)

    check()
    total = sum(seen.values(), Coverage())
    assert len(seen) >= 300
    assert len(total.modes) == 5 and len(total.instructions) == len(INSTRUCTIONS)
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
    @given(machine_jobs(word_bits=(4,), processors=(1, 2, 3)))
    def check(job: Job) -> None:
        found = runs(job)
        assume(found is not None and found.time <= 6)
        compiled, single = (compile_job(job, 1, dtype, construction) for dtype in ("float64", "float32"))
        layout = compiled.layout(job, 1)
        tokens, positions = torch.from_numpy(layout.tokens()), layout.positions().dense()
        for _ in range(12):
            exact = compiled.circuit.evaluate(tokens.tolist(), positions[: len(tokens)])
            for each in (compiled, single):
                residual = forward(each.model, tokens, torch.from_numpy(positions[: len(tokens)]).to(each.model.dtype))
                assert np.array_equal(residual.numpy(), exact)
                assert certify(each.model, each.circuit).holds
            prediction, mask = compiled.model.predict(residual.double()), compiled.circuit.vocabulary.mask
            tokens = PROCESSES["ap-mdm"].step(tokens, prediction, mask, lambda ready: ready)

    check()


# -- mutants ---------------------------------------------------------------------------------------


def hot_cell(processors: int = 3) -> Job:
    """Some processors write one cell, read it, and keep a count in a register."""
    return job(
        Instruction("add", PID, number(3), rd=0),
        Instruction("store", number(2), number(0), R0),
        Instruction("load", number(2), number(0), rd=1),
        Instruction("store", PID, number(4), R1),
        processors=processors, mode="CRCW priority", memory=(9, 8), outputs=range(2, 7),
    )  # fmt: skip


def mutant(change: Callable[[Circuit], None], construction: str = "ap-mdm", processors: int = 3) -> Agreement:
    """The hot cell decoded by a circuit that was tampered with."""
    sample = hot_cell(processors)
    row = CONSTRUCTIONS[construction]
    widths = row.widths(sample, 0)
    circuit = row.build(Code.of(sample), widths)
    change(circuit)
    compiled = Compiled(construction, Code.of(sample), widths, circuit, assemble(circuit))
    return check_agreement(compiled, sample, run(sample).time)


def without_literal(writes: Bit, literal: Bit, layer: int = 0) -> Callable[[Circuit], None]:
    """Drop one literal of the gates of a layer that write somewhere: the condition is not asked any more."""

    def change(circuit: Circuit) -> None:
        found = False
        for i, gate in enumerate(circuit.layers[layer].gates):
            if writes in gate.writes and literal in gate.form.terms:
                coefficient = gate.form.terms[literal]
                terms = {b: c for b, c in gate.form.terms.items() if b != literal}
                circuit.layers[layer].gates[i] = Threshold(Linear(terms, gate.form.constant + max(coefficient, 0)), gate.writes)
                found = True
        assert found, (writes, literal)

    return change


def without_recency(name: str) -> Callable[[Circuit], None]:
    def change(circuit: Circuit) -> None:
        for layer in circuit.layers:
            layer.lookups = [replace(x, recency=Linear()) if x.name == name else x for x in layer.lookups]

    return change


INSERT, REMASK, DELETE, SHRINK = (("control.insert", 0), ("control.remask", 0), ("control.delete", 0), ("shrinking", 0))
SHARED_MUTANTS = {
    "a running PC is not remasked": without_literal(REMASK, ("token.PC", 0)),
    "shrink again while deleting": without_literal(SHRINK, ("vanishing", 0)),
    "all-halted without L = N": without_literal(SHRINK, ("full", 0)),
    "cells from the first output not kept": without_literal(REMASK, ("from_low", 0), 1),
    "cells past the last output kept": without_literal(REMASK, ("past_high", 0), 1),
    "HALT not kept": without_literal(REMASK, ("first", 0), 1),
    "delete before the first parameter is masked": without_literal(DELETE, ("vanishing", 0)),
}
MUTANTS = {
    **SHARED_MUTANTS,
    "commit without pid order": without_recency("target"),
    "buffers not wiped": without_literal(REMASK, ("role.VAL", 0)),
    "insert without the HALT test, last token": without_literal(INSERT, ("ended", 0), 1),
    "insert without L < N": without_literal(INSERT, ("growing", 0), 1),
    "insert at every last token, masked or not": without_literal(INSERT, ("token.MASK", 0), 1),
    "growth masks do not wait": without_literal(REMASK, ("growing", 0), 1),
    "waiting buffers do not wait": without_literal(REMASK, ("counterpart.PC", 0)),
    "shrink before all have halted": without_literal(SHRINK, ("unhalted", 0)),
}
#: Conditions whose loss changes nothing, and why.
EQUIVALENT = {"insert at every last token, masked or not": "while L < N a mask that is last inserts by the other rule"}


ONE_STEP_MUTANTS = {
    **SHARED_MUTANTS,
    "move without pid order": without_recency("hit"),
    "inputs after the first step insert as well": without_literal(INSERT, ("no_masks", 0), 1),
    "inputs insert after HALT": without_literal(INSERT, ("ended", 0), 1),
    "inputs insert at L = N": without_literal(INSERT, ("growing", 0), 1),
    "the last word inserts twice": without_literal(INSERT, ("is_last", 0), 1),
    "masks before the last word insert": without_literal(INSERT, ("behind", 0), 1),
    "more masks insert than are missing": without_literal(INSERT, ("late", 0), 1),
    "masks do not wait": without_literal(REMASK, ("token.MASK", 0)),
    "both slots open at the start": without_literal(("emit.WORD", 0), ("role.second", 0)),
    "slots open whenever they are masked": without_literal(("emit.WORD", 0), ("started", 0)),
    "slots open before L = N": without_literal(("emit.PC", 0), ("full", 0)),
    "registers run the code of a halted processor": without_literal(REMASK, ("runs", 0)),
    "every register is hit": without_literal(REMASK, ("address", 0)),
    "cells that are hit are not remasked": without_literal(REMASK, ("hit", 0), 2),
    "shrink before all have halted": without_literal(SHRINK, ("running", 0)),
    "shrink before the start": without_literal(SHRINK, ("started", 0)),
}
ALL_MUTANTS = [("ap-mdm", name, change) for name, change in MUTANTS.items()]
ALL_MUTANTS += [("ap-mdm one-step", name, change) for name, change in ONE_STEP_MUTANTS.items()]


@pytest.mark.parametrize(("construction", "name", "change"), ALL_MUTANTS, ids=[f"{c}: {name}" for c, name, _ in ALL_MUTANTS])
def test_mutants_diverge(construction: str, name: str, change: Callable[[Circuit], None]) -> None:
    """With three processors, or with one: a single processor's HALT is the last word at once."""
    found = [mutant(change, construction, processors).divergence for processors in (3, 1)]
    assert (found == [None, None]) == (construction == "ap-mdm" and name in EQUIVALENT), str(found)


@pytest.mark.parametrize("construction", SCHEDULES)
def test_the_unmutated_circuit_agrees(construction: str) -> None:
    assert mutant(lambda circuit: None, construction).divergence is None


def test_bos_guards_are_invariants() -> None:
    """BOS reads nothing: gates on absence would fire there, and `check_circuit` finds the missing guard."""
    from compiler.verify import CircuitError, check_circuit

    circuit = ap_mdm.build(Code.of(hot_cell()), in_place.Widths(4, 6, 2))
    without_literal(("is_last", 0), ("token.BOS", 0))(circuit)
    with pytest.raises(CircuitError, match="fires on the BOS row"):
        check_circuit(circuit)


@pytest.mark.parametrize("construction", SCHEDULES)
@pytest.mark.parametrize("seed", range(5))
def test_updates_must_be_synchronous(seed: int, construction: str) -> None:
    """A sampler that drops three updates of ten is found to be wrong."""
    generator = torch.Generator().manual_seed(seed)

    def lossy(rows: torch.Tensor, tokens: torch.Tensor, prediction: Prediction, mask: int) -> Edits:
        assert prediction.control is not None
        dropped = torch.rand(len(tokens), generator=generator) < 0.3
        control = prediction.control & ~dropped[:, None]
        control[:, 0] |= dropped & (tokens == mask)
        return edit(rows, tokens, replace(prediction, control=control), mask)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(processes.PROCESSES, "ap-mdm", replace(processes.PROCESSES["ap-mdm"], propose=lossy))
        assert mutant(lambda circuit: None, construction).divergence is not None


def test_one_step_refuses_what_it_has_no_room_for() -> None:
    """A store of a sum would need another row, or another layer."""
    row = INSTRUCTIONS["store"]
    sample = job(Instruction("store", number(0), number(1), R0), memory=(1, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(INSTRUCTIONS, "store", replace(row, value=Apply("add", ("x", "z"))))
        with pytest.raises(ValueError, match="the one-step schedule has no room for `store`: it stores operands only"):
            one_step.build(Code.of(sample), in_place.Widths(4, 6, 2))
