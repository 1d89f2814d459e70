"""Must-fail mutants: each breaks one idea of the construction, and each is caught by what the test names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from cases import job

from compiler import mdm
from compiler.assemble import INVERSE_TEMPERATURE, assemble
from compiler.circuit import Circuit, Linear, Lookup
from compiler.compile import Compiled, compile_code, compile_job
from compiler.mdm import Widths
from compiler.processor import Code
from models.transformer import Transformer
from pram.instructions import Instruction, Operand
from pram.job import Job
from pram.machine import run
from proofs_check.agreement import Agreement, check_agreement
from proofs_check.certificate import NotCertified, certify, horizon, require_certificate

PID = Operand("pid")
R0, R1 = Operand("register", 0), Operand("register", 1)


def number(value: int) -> Operand:
    return Operand("constant", value)


def hot_cell(processors: int = 4, rounds: int = 2, word_bits: int = 4) -> Job:
    """All processors write their pid + round to one cell and read it back, under CRCW priority."""
    code: list[Instruction] = []
    for n in range(rounds):
        code += [
            Instruction("add", PID, number(n), rd=0),
            Instruction("store", number(0), number(0), R0),
            Instruction("load", number(0), number(0), rd=1),
            Instruction("store", PID, number(1), R1),
        ]
    return job(
        *code, processors=processors, mode="CRCW priority", word_bits=word_bits, memory=(9,), outputs=range(0, processors + 1)
    )


def counting(rounds: int = 2) -> Job:
    """A register that counts down to 0."""
    return job(
        Instruction("mov", number(rounds), rd=0),
        Instruction("jz", R0, target=4),
        Instruction("sub", R0, number(1), rd=0),
        Instruction("jmp", target=1),
    )


def mutated(job: Job, change: Callable[[Circuit], None]) -> tuple[Compiled, int]:
    """The job's model, compiled from a circuit that was tampered with; and the job's time."""
    time = run(job).time
    widths = Widths.cover(job, time)
    circuit = mdm.build(Code.of(job), widths)
    change(circuit)
    return Compiled("mdm", Code.of(job), widths, circuit, assemble(circuit)), time


def tampered_lookup(name: str, **changes: object) -> Callable[[Circuit], None]:
    """Replace parts of one lookup."""

    def change(circuit: Circuit) -> None:
        for layer in circuit.layers:
            for i, lookup in enumerate(layer.lookups):
                if lookup.name == name:
                    layer.lookups[i] = replace(lookup, **changes)  # type: ignore[arg-type]
                    return
        raise AssertionError(name)

    return change


def reweighted(compiled: Compiled, model: Transformer) -> Compiled:
    return replace(compiled, model=model)


def found(compiled: Compiled, job: Job, time: int, order: str = "parallel", seed: int = 0) -> Agreement:
    return check_agreement(compiled, job, time, order=order, seed=seed)


def test_unmutated_jobs_agree() -> None:
    for sample in (hot_cell(), counting()):
        compiled, time = mutated(sample, lambda circuit: None)
        for order in ("parallel", "left-to-right", "random", "random-subsets"):
            assert found(compiled, sample, time, order).divergence is None


def test_recency_without_pid() -> None:
    """Tied writers are averaged: the read after the concurrent write is wrong, and the circuit says it ties."""
    sample = hot_cell()
    compiled, time = mutated(sample, tampered_lookup("memory", recency=Linear({("step", 0): 1})))
    divergence = found(compiled, sample, time).divergence
    assert divergence is not None and (divergence.field, divergence.step) == ("value", 3)
    layout = compiled.layout(sample, time)
    tokens = found(compile_job(sample, time), sample, time).tokens
    tokens[layout.row("V", 3, 0) :] = compiled.circuit.vocabulary.mask
    with pytest.raises(ValueError, match="lookup 'memory' ties"):
        compiled.circuit.evaluate(tokens.tolist(), layout.positions().dense())


def test_no_own_block_gate() -> None:
    """In parallel order nothing shows; one token at a time, a write is seen before its block is complete."""
    sample = counting()
    compiled, time = mutated(sample, tampered_lookup("masked.own", reads=()))
    assert found(compiled, sample, time).divergence is None
    caught = [found(compiled, sample, time, "random", seed).divergence for seed in range(8)]
    assert any(d is not None and d.field == "value" for d in caught)


def test_latest_counter_instead_of_the_previous_step() -> None:
    """In parallel order nothing shows; left to right, a row takes the program counter of its own step."""
    sample = counting()
    fetch = next(x for x in mdm.build(Code.of(sample), Widths(4, 4, 1)).layers[0].lookups if x.name == "fetch")
    changes = {"matches": fetch.matches[-1:], "recency": Linear({("step", 0): 1}), "recency_max": 16}
    # Masked C tokens would be the latest of all: the mutant looks at those that are there.
    changes["conditions"] = (Linear({("role.C", 0): 1}), 1 - Linear({("token.MASK", 0): 1, ("token.BOS", 0): 1}))
    compiled, time = mutated(sample, tampered_lookup("fetch", **changes))
    assert found(compiled, sample, time).divergence is None
    divergence = found(compiled, sample, time, "left-to-right").divergence
    assert divergence is not None and divergence.step == 3  # V, C, then A of step 1 takes C of step 1


def test_inverse_temperature_2() -> None:
    """Attention leaks: the certificate refuses, and decoding goes wrong."""
    sample = hot_cell()
    compiled, time = mutated(sample, lambda circuit: None)
    factor = 2 / INVERSE_TEMPERATURE
    layers = tuple(replace(layer, q=layer.q * factor) for layer in compiled.model.layers)
    warm = reweighted(compiled, replace(compiled.model, layers=layers))
    failed = [line.what for line in certify(warm.model, warm.circuit).lines if not line.holds]
    assert failed[0] == "weights: not what the circuit assembles to"
    assert len(failed) == 10 and all(what.endswith("score gap") for what in failed[1:])
    with pytest.raises(NotCertified, match="score gap"):
        require_certificate(warm)
    assert found(warm, sample, time).divergence is not None


def with_widths(sample: Job, bits: int, dtype: str) -> Compiled:
    """The job's model with time and pid bits that add up to `bits`."""
    return compile_code(Code.of(sample), Widths(sample.word_bits, bits - 2, 2), dtype)


def test_hot_cell_beyond_the_float32_horizon() -> None:
    """Inside the certified horizon every hot cell is right; the first failure comes within 8 times of it."""
    samples = [hot_cell(4, rounds) for rounds in (1, 2, 3)]
    limit = horizon(with_widths(samples[0], 8, "float32"))
    times = [run(sample).time for sample in samples]

    def fails(bits: int) -> bool:
        return any(found(with_widths(s, bits, "float32"), s, t).divergence is not None for s, t in zip(samples, times))

    assert limit >= 17
    assert not any(fails(bits) for bits in range(6, limit + 1))
    assert any(fails(bits) for bits in range(limit + 1, limit + 4))
    with pytest.raises(NotCertified, match=rf"up to T \* P = 2\^{limit}, and this run needs 2\^{limit + 1}: use --dtype float64"):
        require_certificate(with_widths(samples[0], limit + 1, "float32"))
    assert found(with_widths(samples[0], limit + 6, "float64"), samples[0], times[0]).divergence is None


@pytest.mark.parametrize(
    ("layer", "part", "writes"),
    [(0, "w_out", "emit.WORD"), (0, "w_out", "x.index"), (0, "o", "pc"), (0, "o", "value"), (1, "w_out", "out"), (2, "o", "out")],
)
def test_a_flipped_sign(layer: int, part: str, writes: str) -> None:
    """The first weight that writes to a field in use, negated."""
    sample = hot_cell()
    compiled, time = mutated(sample, lambda circuit: None)
    matrix = getattr(compiled.model.layers[layer], part)
    offset = compiled.circuit.offsets()[writes]
    columns = matrix.reshape(-1, *matrix.shape[-2:])[:, offset : offset + compiled.circuit.fields[writes].width]
    columns.neg_()
    with pytest.raises(NotCertified, match="weights: not what the circuit assembles to"):
        require_certificate(compiled)
    assert found(compiled, sample, time).divergence is not None


def test_a_flipped_score() -> None:
    """One entry of a query: a bit of the address of every read."""
    sample = hot_cell()
    compiled, time = mutated(sample, lambda circuit: None)
    q = compiled.model.layers[2].q
    first = torch.nonzero(q[0, 0])[0]
    q[0, 0, first] *= -1
    assert found(compiled, sample, time).divergence is not None


def test_lookup_is_the_kind_of_head() -> None:
    """The mutants above tamper with heads by name: these are all there are."""
    names = [x.name for layer in mdm.build(Code.of(hot_cell()), Widths(4, 4, 2)).layers for x in layer.lookups]
    assert names == ["fetch", "gather", "masked.own", "masked.previous", "halted", "unfinished", "x", "y", "memory"]
    assert isinstance(mdm.build(Code.of(hot_cell()), Widths(4, 4, 2)).layers[0].lookups[0], Lookup)
