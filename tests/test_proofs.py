"""Proofs on the weights: what they close, that they fail where they must, and that what they take for granted is so on runs."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import z3
from faults.weights import (
    Mutant,
    Rows,
    all_mutants,
    changes_anything,
    changes_attention,
    failed,
    fault_at,
    planted,
    rows_of_runs,
    score_mutants,
)
from kit.cases import job
from kit.commands import FINE, MISUSED, REFUTED, Do
from kit.small import small_model

from lockstep.commands.compile import compile_to_file
from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_code
from lockstep.compiler.names import AO_MDM, COPIES, REVISION
from lockstep.compiler.processor import Code
from lockstep.models.files import load_model, save_model
from lockstep.pram.instructions import INSTRUCTIONS as MACHINE_INSTRUCTIONS
from lockstep.pram.instructions import Instruction, Operand
from lockstep.pram.machine import HALTED, NO_DESTINATION, Machine, register_of
from lockstep.pram.program import load
from lockstep.pram.word import WORD_OPERATIONS, exact, wrap
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.proofs.attention import misread_example, misreads
from lockstep.proofs_check.proofs.interface import BOS
from lockstep.proofs_check.proofs.prove import INTERFACES, MOST_PROVED_BITS, interface_of, prove
from lockstep.proofs_check.proofs.reduction import Polyline
from lockstep.proofs_check.proofs.rows import RowProver
from lockstep.proofs_check.proofs.solver import Lemmas, OperandWords, Unequal
from lockstep.proofs_check.proofs.specification import INSTRUCTIONS, OPERATIONS, effect
from lockstep.proofs_check.proofs.weights import read_weights

EXAMPLES = Path(__file__).parent.parent / "examples" / "programs"


def program_model(name: str, construction: str, bits: int) -> Compiled:
    code = load(EXAMPLES / f"{name}.pram").code
    made = Code(code.instructions, code.registers, len(code.derived))
    return compile_code(made, CONSTRUCTIONS[construction].of_bits(bits, 12, 6), construction=construction)


# -- the specification -------------------------------------------------------------------------


def edges(bits: int) -> list[int]:
    top = (1 << bits) - 1
    return sorted({0, 1, 2, bits - 1, bits, bits + 1, top >> 1, (top >> 1) + 1, top - 1, top} & set(range(top + 1)))


def test_the_table_is_complete() -> None:
    assert set(OPERATIONS) == set(WORD_OPERATIONS)
    assert set(INSTRUCTIONS) == set(MACHINE_INSTRUCTIONS)


@pytest.mark.parametrize("bits", [2, 3, 8, 16])
def test_operations_mean_what_the_machine_computes(bits: int) -> None:
    """The terms, evaluated by Z3, against `lockstep.pram.word` on edges and random words."""
    rng = np.random.default_rng(bits)
    words = [(x, y) for x in edges(bits) for y in edges(bits)] + rng.integers(0, 1 << bits, (40, 2)).tolist()
    xs, ys = (np.array(column, np.int64) for column in zip(*words))
    for name, operation in WORD_OPERATIONS.items():
        machine = "mov" if name == "copy" else name
        found = [effect(machine, {"x": x, "y": y}, 0, 0, None, 0, bits).value for x, y in words]
        assert found == wrap(exact(operation, xs, ys, bits), bits).tolist(), name


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_instructions_mean_what_the_machine_does(name: str) -> None:
    """One step of the machine from random and edge states against the table."""
    bits, rng = 5, np.random.default_rng(1)
    r = [Operand("register", i) for i in range(3)]
    code = Instruction(name, *r, rd=1, target=2)
    sample = job(code, Instruction("halt"), registers=3, word_bits=bits)
    triples = [(x, y, z) for x in edges(bits) for y in edges(bits) for z in (0, 9)]
    for words in [*triples, *rng.integers(0, 32, (60, 3)).tolist()]:
        machine = Machine(sample)
        machine.memory = rng.integers(0, 32, 32)
        machine.registers[:, 0] = words
        loaded = int(machine.memory[(words[0] + words[1]) % 32])
        step = machine.step()
        wanted = effect(name, dict(zip("xyz", words)), loaded, 1, 2, 0, bits)
        destination = int(step.destination[0])
        assert int(step.value[0]) == wanted.value
        assert (destination if destination >= 0 else None) == wanted.cell
        register = None if destination >= NO_DESTINATION else register_of(destination)
        assert register == wanted.register
        assert (None if step.next[0] == HALTED else int(step.next[0])) == wanted.next


# -- what is closed ----------------------------------------------------------------------------


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
@pytest.mark.parametrize("bits", [2, 3, 16])
def test_everything_is_proved(construction: str, bits: int) -> None:
    """Code with every instruction and operands of every kind."""
    proof = prove(small_model(construction, bits))
    assert not failed(proof)
    operations = {o.what.removeprefix("word operation: ") for o in proof.obligations if o.what.startswith("word operation")}
    assert operations >= set(OPERATIONS)
    assert {o.what.removeprefix("instruction ") for o in proof.obligations} >= set(INSTRUCTIONS)


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_example_programs_are_proved(construction: str) -> None:
    for name, bits in (("tree_sum", 16), ("counter", 5)):
        assert not failed(prove(program_model(name, construction, bits))), name


def longest_recency(time_bits: int, pid_bits: int) -> Compiled:
    """Under CRCW max, the recency of a write holds its step, its value and its pid."""
    code = Code.of_program(load(EXAMPLES / "maximum.pram"))
    return compile_code(code, CONSTRUCTIONS["mdm"].bits(16, time_bits, pid_bits), construction="mdm")


def test_scores_may_be_large_as_long_as_they_are_exact() -> None:
    assert not failed(prove(longest_recency(12, 6)))
    beyond = longest_recency(24, 12)
    assert failed(prove(beyond)) == ["weights are integers"]
    assert not certify(beyond.model, beyond.circuit).holds


def test_every_construction_has_an_interface() -> None:
    assert INTERFACES.keys() == {*CONSTRUCTIONS, AO_MDM, *COPIES}


def test_float32_weights_are_proved_alike() -> None:
    assert not failed(prove(small_model("mdm", 8, "float32")))


# -- what is taken for granted, on runs --------------------------------------------------------


def rows_outside(compiled: Compiled, rows: Rows) -> int:
    """How many rows of runs are of no kind that was gone through."""
    network = read_weights(compiled.model, compiled.circuit)
    interface = interface_of(compiled)
    row_prover, left = RowProver(network, interface, Lemmas()), rows.before[0].numpy()
    for kind in (BOS, *interface.rows()):
        row = row_prover.start(kind)
        left = left[~((left >= row.low) & (left <= row.high)).all(axis=1)]
    return len(left)


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_rows_of_runs_are_of_the_kinds_that_were_gone_through(construction: str) -> None:
    compiled = small_model(construction)
    rows = rows_of_runs(compiled)
    least = 200 if construction == REVISION else 300 if compiled.model.causal else 500  # of these, states are short, or rows stay
    assert len(rows.before[0]) > least
    assert rows_outside(compiled, rows) == 0
    moved = replace(rows, before=(rows.before[0] + 2, *rows.before[1:]))
    assert rows_outside(compiled, moved) == len(rows.before[0])


# -- what must fail ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide() -> tuple[Compiled, Lemmas]:
    """A model for 16 bits, and what is closed for it: a planted fault asks only what it changes."""
    compiled, lemmas = small_model("mdm", 16), Lemmas()
    assert not failed(prove(compiled, lemmas))
    return compiled, lemmas


@pytest.mark.parametrize(("construction", "share"), [("mdm", 0.01), ("ap-mdm", 0.005), ("ap-mdm one-step", 0.005)])
def test_single_weights(construction: str, share: float) -> None:
    """A mutant is caught, or it changes no row of real runs: it is the same function on all kinds of rows."""
    compiled, lemmas, chance = small_model(construction), Lemmas(), random.Random(7)
    rows = rows_of_runs(compiled)
    assert not failed(prove(compiled, lemmas))
    caught = changed = 0
    for mutant in all_mutants(compiled.model):
        if chance.random() < share:
            with planted(compiled.model, mutant):
                refuted = bool(failed(prove(compiled, lemmas, until_failure=True)))
            differs = changes_anything(compiled.model, rows, mutant)
            assert refuted or not differs, mutant
            caught, changed = caught + refuted, changed + differs
    assert caught >= changed > 8
    assert not failed(prove(compiled, lemmas))


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_single_weights_of_scores(construction: str) -> None:
    """All that change what a head reads on a real run are caught, and those have a state that the model's softmax confirms."""
    compiled, chance = small_model(construction), random.Random(3)
    rows = rows_of_runs(compiled)
    interface = interface_of(compiled)
    assert not misreads(read_weights(compiled.model, compiled.circuit), interface)
    changed = 0
    for mutant in score_mutants(compiled.model):
        if chance.random() < 0.03:
            with planted(compiled.model, mutant):
                network = read_weights(compiled.model, compiled.circuit)
                found = misreads(network, interface)
                assert found, mutant
                shown = misread_example(compiled, network, interface, found[0])
            differs = changes_attention(compiled.model, rows, mutant)
            assert shown.confirmed or not differs, (mutant, shown)
            assert not shown.confirmed or shown.model != shown.machine
            changed += differs
    assert changed > 4


def test_a_head_that_reads_another_row_has_a_counterexample() -> None:
    """x.index[0] of the row that asks counts for nothing: registers 0 and 1 are the same to it."""
    compiled = small_model("mdm", 4)
    column = compiled.circuit.offsets()["x.index"]
    queries = compiled.model.layers[1].q[0]
    place = int(np.flatnonzero(queries[:, column])[0])
    with planted(compiled.model, Mutant(1, "q", (0, place, column), 0.0)):
        proof = prove(compiled)
        assert failed(proof) == ["each head finds the row that its lookup means"]
        (example,) = proof.counterexamples()
    assert example.confirmed and example.where == "layer 2, head x"
    assert example.machine.startswith("reads row ")


@pytest.mark.parametrize(
    ("layer", "writes", "bit", "obligation"),
    [
        (1, "mul.partial", 9, "word operation: mul"),
        (2, "out", 3, "word operation: add"),
        (1, "sum", 15, "word operation: add"),
        (1, "shl.amount", 11, "word operation: shl"),
        (1, "out", 0, "word operation: copy"),
        (0, "x.index", 0, "word operation: copy"),
        (0, "emit.NONE", 0, "rows that do not execute: sums of all gates"),
        (0, "is_register", 0, "rows that do not execute: sums of all gates"),
    ],
)
def test_a_turned_sign_has_a_counterexample(
    layer: int, writes: str, bit: int, obligation: str, wide: tuple[Compiled, Lemmas]
) -> None:
    """The obligation that speaks of the weight fails, and a state shows it in the model's own layers."""
    compiled, lemmas = wide
    with planted(compiled.model, fault_at(compiled, layer, "w_out", writes, bit)):
        proof = prove(compiled, lemmas)
        assert obligation in failed(proof)
        examples = list(proof.counterexamples())
    confirmed = [example for example in examples if example.confirmed]
    assert confirmed
    assert all(example.model != example.machine for example in confirmed)


def test_a_threshold_off_by_one(wide: tuple[Compiled, Lemmas]) -> None:
    """The carry into bit 12 comes at 2^12 + 1: only sums that are exactly 2^12 show it, and the solver finds one."""
    compiled, lemmas = small_model("mdm", 16), wide[1]
    gates, offsets = compiled.model.layers[1], compiled.circuit.offsets()
    carries = np.flatnonzero((gates.w_out[offsets["sum"] + 12] == 1) & (gates.w_in[:, offsets["x"] + 11] == 1 << 11))
    gates.b_in[carries] -= 1
    both = np.flatnonzero((gates.w_out[offsets["sum"] + 12] == -1) & (gates.w_in[:, offsets["x"] + 11] == 1 << 11))
    gates.b_in[both] -= 1
    proof = prove(compiled, lemmas)
    assert "word operation: add" in failed(proof)
    assert any(example.confirmed for example in proof.counterexamples())


def test_what_is_broken_elsewhere() -> None:
    """Embedding, heads, readout and edit bits fail by name."""
    compiled, lemmas = small_model("ap-mdm"), Lemmas()
    for mutant, obligation in (
        (Mutant(-1, "embedding.kind", (1, 0), 1.0), "the embedding sets the kind and bits of a token"),
        (Mutant(-1, "unembedding.kind", (3, 4), 999.0), "the readout emits the right token with probability 0.9"),
        (Mutant(-1, "control_bias", (0,), -3.0), "edit bits equal their fields"),
        (Mutant(0, "o", (0, 3, 0), 1.0), "each head copies the fields of its lookup only"),
        (Mutant(1, "w_in", (0, 0), 0.5), "weights are integers"),
    ):
        with planted(compiled.model, mutant):
            assert failed(prove(compiled, lemmas)) == [obligation]


def test_a_head_or_a_layer_more_is_no_proof() -> None:
    """It would add what no obligation looks at."""
    compiled = small_model("mdm")
    first, *others = compiled.model.layers
    heads = {part: np.concatenate([getattr(first, part), getattr(first, part)[:1]]) for part in ("q", "k", "v", "o")}
    for layers in ((replace(first, **heads), *others), (first, *others, others[-1])):
        proof = prove(replace(compiled, model=replace(compiled.model, layers=layers)))
        assert failed(proof) == ["weights are integers"] and " not " in proof.obligations[0].broken


def test_what_is_closed_for_one_place_of_words_is_not_for_another() -> None:
    """Models of other constructions have their words in other columns."""
    x, y = z3.BitVec("x", 1), z3.BitVec("y", 1)
    gate, lemmas = Polyline(((0, 1),), ((1, 1),), (), 0, 1), Lemmas()
    OperandWords({"x": x, "y": y}, {0: ("x", 0), 1: ("y", 0)}).prove_bit(lemmas, "x", 0, [gate], x)
    with pytest.raises(Unequal):
        OperandWords({"x": x, "y": y}, {1: ("x", 0), 0: ("y", 0)}).prove_bit(lemmas, "x", 0, [gate], x)


def test_long_words_are_refused() -> None:
    with pytest.raises(ValueError, match=f"words of 17 bits: proofs are for words of up to {MOST_PROVED_BITS}"):
        prove(small_model("mdm", 17))


# -- the command -------------------------------------------------------------------------------


def test_the_command(do: Do) -> None:
    outcome = do("prove tiny.pram --word-bits 6 --process all --schedule all --json")
    assert outcome.status == FINE
    records = json.loads(outcome.out)
    assert [r["construction"] for r in records] == list(CONSTRUCTIONS)
    assert all(r["holds"] and r["word_bits"] == 6 and len(r["assumed"]) >= 4 for r in records)
    text = do("prove tiny.pram --word-bits 6").out
    assert "tiny, mdm, float64 weights, 12 time bits, 6 pid bits: proved for all words of 6 bits" in text
    assert "What is assumed:" in text
    assert do("prove tiny.pram --word-bits 17").status == MISUSED
    Path("long.pram").write_text("program long\nword 20\nshared s : output\nsingle do s := 3 end\n")
    outcome = do("prove long.pram")
    assert outcome.status == MISUSED and "words of up to 16 bits, not 20" in outcome.err


def test_a_construction_without_models_of_the_mode_is_left_out(do: Do) -> None:
    Path("sum.pram").write_text("program t\nmode CRCW sum\nprocs 2\nshared s : output\ns := 1\n")
    outcome = do("prove sum.pram --word-bits 4 --process all --schedule all --json")
    assert [record["construction"] for record in json.loads(outcome.out)] == ["mdm", "ap-mdm", "arm", "arm erasing"]
    assert outcome.err.startswith("left out: ap-mdm one-step has no models of the write rule `+`: ")
    alone = do("prove sum.pram --process ap-mdm --schedule one-step")
    assert alone.status == MISUSED and "has no models of the write rule `+`" in alone.err


def test_a_damaged_model_is_refuted_with_a_state(do: Do) -> None:
    """A model file whose digest is right and one of whose weights is not."""
    path = Path("m.safetensors")
    compile_to_file(load("tiny.pram"), path, CONSTRUCTIONS["mdm"].of_bits(8, 6, 2), "float64", "mdm")
    assert do("prove m.safetensors").status == FINE
    model, metadata = load_model(path)
    model.layers[1].b_in[np.flatnonzero(np.abs(model.layers[1].w_in).sum(1) > 250)[0]] += 1
    save_model(path, model, {k: v for k, v in metadata.items() if k not in ("format", "dtype", "layers", "vocabulary")})
    outcome = do("prove m.safetensors")
    assert outcome.status == REFUTED
    assert "NOT PROVED" in outcome.out and "machine: " in outcome.out and "state: " in outcome.out
