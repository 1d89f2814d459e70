"""Checks of compiled models: beside the machine, beside their circuits, and of the arithmetic."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
from kit.decoding import predicted, residual_stream
from kit.small import MODELLED, apart, counted_cell, counting, hot_cell, parameters, small_job, small_model
from kit.word_operations import MEANINGS, apply, compiled_with_everything, pairs
from oracles.numpy_decoder import decode as foreign_decode

from lockstep.commands.export.job_file import export_job
from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_job
from lockstep.compiler.invariants import CircuitError, check_circuit
from lockstep.compiler.processor import Code
from lockstep.models.editing import NotFinished, OutOfPositions
from lockstep.models.files import ModelFileError, load_model, save_model
from lockstep.models.processes import PROCESSES
from lockstep.models.sampling import Sampling
from lockstep.pram.errors import PramError
from lockstep.pram.instructions import Instruction
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import Program, parse_program
from lockstep.proofs_check.agreement import Agreement, check_agreement
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.closed_forms import letters_of_model
from lockstep.proofs_check.proofs.prove import prove
from lockstep.proofs_check.proofs.solver import Lemmas
from lockstep.proofs_check.theorems import BOUNDS, theorem4
from lockstep.proofs_check.theorems.width import WIDTHS
from mutation.table import Check

#: Orders in which masked diffusion may fill a job, with seeds.
ORDERS = [("left-to-right", 0), *((order, seed) for order in ("random", "random-subsets") for seed in range(3))]


def beside_the_machine(job: Job, construction: str, spare: int = 0, order: str = "parallel", seed: int = 0) -> Agreement:
    """Decode beside the machine: every token after every decoding step, and the outputs."""
    time = run(job).time + spare
    found = check_agreement(compile_job(job, time, construction=construction), job, time, Sampling(order, seed))
    assert found.divergence is None, str(found.divergence)
    assert found.outputs_agree, "the outputs are not the machine's"
    return found


def agreement(construction: str) -> None:
    for job in MODELLED:
        beside_the_machine(job, construction)


def any_order() -> None:
    """Whatever is unmasked is right, in any order; spare blocks are filled."""
    for job in (counting(), hot_cell(3, 1), apart(2)):
        for order, seed in ORDERS:
            beside_the_machine(job, "mdm", order=order, seed=seed)
        beside_the_machine(job, "mdm", spare=2)


def small_layouts(construction: str) -> None:
    """Every number of inputs in few cells; outputs at either end, none and all."""
    for processors in (1, 3):
        for space in (1, 2, 5):
            for inputs in range(space + 1):
                for outputs in (range(0), range(0, 1), range(space - 1, space), range(0, space)):
                    cells = np.zeros(space, np.int64)
                    cells[:inputs] = np.arange(1, inputs + 1)
                    beside_the_machine(
                        Job((Instruction("halt"),), 1, processors, 4, "CREW", cells, inputs=inputs, outputs=outputs), construction
                    )


def closed_forms(construction: str) -> None:
    """Decoding steps, contexts, width and depth, to the letter."""
    for job in (counted_cell(), counting(), parameters()):
        time = run(job).time
        compiled = compile_job(job, time, construction=construction)
        found = check_agreement(compiled, job, time)
        bound = BOUNDS[construction]
        wanted = bound.steps(job, time), bound.peak_context(job, time)
        assert (found.steps, max(found.context)) == wanted, f"steps and context {found.steps, max(found.context)}, not {wanted}"
        if construction in theorem4.BOUNDS:
            final = theorem4.FINAL(bound.letters(job, time))
            assert found.context[-1] == final, f"final length {found.context[-1]}, not {final}"
        width = WIDTHS[construction](letters_of_model(compiled.code, compiled.widths))
        assert compiled.model.width == width, f"d_model {compiled.model.width}, not {width}"
        assert len(compiled.model.layers) == 3, f"{len(compiled.model.layers)} layers"


def small_closed_forms() -> None:
    """Decoding steps and contexts of halting at once, for every small number of inputs, cells and processors."""
    for construction, bound in theorem4.BOUNDS.items():
        found = BOUNDS[construction]
        for space in range(1, 40):
            for processors in (1, 2, 5):
                for inputs in range(0, space + 1, 5):
                    cells = np.zeros(space, np.int64)
                    job = Job((Instruction("halt"),), 1, processors, 6, "CREW", cells, inputs=inputs)
                    steps = 1 + (2 if construction == "ap-mdm" else 1) + 2 + _growth(construction, job)
                    assert found.steps(job, 1) == steps, f"{construction}: {found.steps(job, 1)} decoding steps, not {steps}"
        assert bound.context(bound.letters(job, 1)) == found.peak_context(job, 1), "another context"


def _growth(construction: str, job: Job) -> int:
    """Decoding steps until the sequence is whole, counted by growing it."""
    h, registers = 2 + len(job.parameters), job.registers
    if construction == "ap-mdm":
        missing = job.space - job.inputs + job.processors * (registers + 4)
        masks, steps = 0, 0
        while masks < missing:
            masks, steps = min(max(1, 2 * masks), missing), steps + 1
        return steps
    words = h + 2 * job.inputs if job.inputs else h + 1
    missing = 1 + h + 2 * job.space + 2 * job.processors * (registers + 1) - words
    masks, steps = 0, 0
    while masks < missing:
        masks, steps = min(2 * masks + 1, missing), steps + 1
    return steps


def final_sequence() -> None:
    """[BOS] [outputs] [HALT] is a fixed point of both schedules, whatever the outputs are; and halted() says so of it alone."""
    for construction in theorem4.BOUNDS:
        for job in (counted_cell(), parameters(), counted_cell(1)):
            compiled = compile_job(job, 1, construction=construction)
            layout = compiled.layout(job, 1)
            vocabulary, words = compiled.model.vocabulary, len(job.outputs)
            assert not layout.halted(layout.tokens()), "the start is taken for the end"
            for value in range(1 << job.word_bits):
                ends = [vocabulary.token("BOS"), *[vocabulary.token("WORD", value)] * words, vocabulary.token("HALT")]
                tokens = np.array(ends)
                assert layout.halted(tokens), "the end is not taken for it"
                stream = residual_stream(compiled.model, tokens, layout.positions().dense()[: len(tokens)])
                prediction = predicted(compiled.model, stream)
                after = PROCESSES["ap-mdm"].step(tokens, prediction, vocabulary.mask, lambda ready: ready)
                assert np.array_equal(after, tokens), f"{construction}: outputs {value} become {after.tolist()}"


def residuals(construction: str) -> None:
    """Bit for bit, in float64 and float32, after every decoding step: the weights compute what the circuit means."""
    for job in (counted_cell(), parameters(), counting()):
        time = run(job).time
        exact, single = (compile_job(job, time, dtype, construction) for dtype in ("float64", "float32"))
        layout = exact.layout(job, time)
        tokens, positions = layout.tokens(), layout.positions().dense()
        for _ in range(len(positions) - len(tokens) if exact.model.causal else 9):
            meant = exact.circuit.evaluate(tokens.tolist(), positions[: len(tokens)])
            for each in (exact, single):
                found = residual_stream(each.model, tokens, positions[: len(tokens)])
                assert np.array_equal(found, meant), f"{_field(exact, found, meant)} in {each.model.dtype}"
            said = exact.circuit.predict(meant)
            prediction = predicted(exact.model, meant)
            _same_predictions(said, prediction.token.tolist(), prediction.probability.tolist())
            tokens = PROCESSES[exact.process].step(tokens, prediction, exact.circuit.vocabulary.mask, lambda ready: ready)


def _field(compiled: Compiled, found: object, meant: object) -> str:
    row, column = np.argwhere(np.asarray(found) != np.asarray(meant))[0].tolist()
    names = [f.name for f in compiled.circuit.fields.values() for _ in f.highs]
    return f"row {row} holds another {names[column]} than the circuit says"


def _same_predictions(said: list[int | None], tokens: list[int], probabilities: list[float]) -> None:
    for row, token in enumerate(said):
        sure = probabilities[row] >= 0.9
        assert sure == (token is not None) and (not sure or tokens[row] == token), (
            f"row {row}: {tokens[row]}, the circuit says {token}"
        )


def circuit_invariants() -> None:
    for row in CONSTRUCTIONS.values():
        for job in (counted_cell(), parameters(), small_job()):
            check_circuit(row.build(Code.of(job), row.widths(job, 9)))


def certificate(construction: str) -> None:
    for dtype in ("float64", "float32"):
        compiled = compile_job(counted_cell(), 9, dtype, construction)
        failed = [line.what for line in certify(compiled.model, compiled.circuit).lines if not line.holds]
        assert not failed, "; ".join(failed)


@cache
def _lemmas(construction: str) -> Lemmas:
    """What is closed for the model as it should be; later proofs ask only what a mutant changes."""
    lemmas = Lemmas()
    prove(small_model(construction), lemmas)
    return lemmas


def proof(construction: str) -> None:
    failed = [
        f"{o.what}: {o.trouble}" for o in prove(small_model(construction), _lemmas(construction)).obligations if not o.holds
    ]
    assert not failed, "; ".join(failed)


def word_operations() -> None:
    """All pairs of words of 4 bits through the layers that compute them, and 3000 of 8 bits."""
    for bits in (4, 8):
        compiled = compiled_with_everything(bits, "float64")
        xs, ys = pairs(bits)
        for name, meaning in MEANINGS.items():
            wanted = [int(meaning(x, y, bits)) % (1 << bits) for x, y in zip(xs.tolist(), ys.tolist())]
            assert apply(compiled, name, xs, ys).tolist() == wanted, f"{name} of {bits} bits"


def exported() -> Iterator[str]:
    """A job of each process through the interchange file and a decoder that shares no code."""
    text = "program t\nparam n\nprocs n\nshared A[n] : inout\nparallel for i in 0 .. n - 1 do A[i] := A[i] + i * 2 end\n"
    program = parse_program(text)
    with tempfile.TemporaryDirectory() as folder:
        for process in CONSTRUCTIONS:
            yield _export(program, program.instantiate({"n": 2}, {"A": [3, 1]}), process, Path(folder) / "job.safetensors")


def _export(program: Program, job: Job, process: str, path: Path) -> str:
    export_job(program, job, path, construction=process)
    found = foreign_decode(path)
    assert found.outputs == found.expected, f"{process}: {found.outputs}, not {found.expected}"
    steps = int(found.metadata["decoding_steps"])
    assert found.steps == steps, f"{process}: {found.steps} decoding steps, not {steps}"
    return json.dumps(found.outputs)


def model_files() -> None:
    """A model comes back from its file as it was."""
    compiled = compile_job(counted_cell(1), 9)
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder) / "m", compiled.model, {})
        back, _ = load_model(Path(folder) / "m")
        data = bytearray((Path(folder) / "m").read_bytes())
        data[-3] ^= 1
        (Path(folder) / "damaged").write_bytes(data)
        try:
            load_model(Path(folder) / "damaged")
        except ModelFileError:
            pass
        else:
            raise AssertionError("a damaged file is taken")
    ours, its = dict(compiled.model.tensors()), dict(back.tensors())
    assert ours.keys() == its.keys() and all(np.array_equal(ours[n], its[n]) for n in ours), "another model"
    assert back.vocabulary == compiled.model.vocabulary, "another vocabulary"


REFUSALS = (PramError, NotFinished, OutOfPositions)


def each(name: str, holds: str, run: object, refusals: tuple[type[Exception], ...] = REFUSALS) -> tuple[Check, ...]:
    """The same check for every construction."""
    return tuple(Check(f"{name} of {c}", holds, partial(run, c), refusals) for c in CONSTRUCTIONS)  # type: ignore[arg-type]


CHECKS = (
    *each("agreement", "every token after every decoding step against the machine, on small jobs", agreement),
    Check("any order", "the same in other decoding orders, and with spare blocks", any_order, REFUSALS),
    *each("small layouts", "the same for every small layout of inputs and outputs", small_layouts),
    *each("closed forms", "decoding steps, contexts, d_model and depth, to the letter", closed_forms),
    Check("small closed forms", "decoding steps of any-process masked diffusion, counted by growing", small_closed_forms),
    Check("final sequence", "the last sequence of any-process masked diffusion is a fixed point", final_sequence),
    *each("residuals", "the residual stream of the weights against the circuit evaluated directly, bit for bit", residuals,
          (ValueError,)),
    Check("circuit invariants", "`check_circuit` on the circuits of every construction", circuit_invariants, (CircuitError,)),
    *each("certificate", "`lockstep.proofs_check.certificate` on float64 and float32 weights", certificate, ()),
    *each("proof", "`lockstep prove`: gates, heads, embedding and readout of code with every instruction", proof, ()),
    Check("word operations on the weights", "the gates of every operation on all pairs of words of 4 bits, some of 8", word_operations),
    Check("foreign decoder", "exported jobs decoded by plain NumPy", lambda: list(exported()), (*REFUSALS, IndexError)),
    Check("model files", "a model comes back from its file as it was", model_files),
)  # fmt: skip
