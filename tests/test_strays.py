"""Weights where none should be: no column that anyone sees is left out of the proofs, and no stray weight ends in a traceback."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from faults.columns import uncovered
from faults.weights import Mutant, changes_anything, failed, planted, rows_of_runs, zero_mutants
from kit.commands import REFUTED, Do
from kit.small import small_model
from mutation.on_proofs import short_model
from mutation.planting import Rewrite

from lockstep.commands.compile import compile_to_file
from lockstep.compiler.compile import CONSTRUCTIONS, Compiled
from lockstep.compiler.storage import load_program_or_model
from lockstep.models.files import load_model, save_model
from lockstep.models.transformer import Transformer
from lockstep.pram.program import load
from lockstep.proofs_check.proofs.instructions import InstructionProver
from lockstep.proofs_check.proofs.prove import prove
from lockstep.proofs_check.proofs.rows import RowProver
from lockstep.proofs_check.proofs.solver import Lemmas

# -- columns -----------------------------------------------------------------------------------


@pytest.mark.parametrize("executing", [True, False])
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_every_column_of_every_kind_of_row_is_held(construction: str, executing: bool) -> None:
    """By what gates must add, or by the instruction's claim: a column that is one off, and that anyone sees, fails."""
    assert not list(uncovered(short_model(construction), executing))


@pytest.mark.parametrize(
    ("rewrite", "construction", "executing", "left_out"),
    [
        (
            Rewrite(InstructionProver._setting, "published, 0)", "published - {'stores'}, 0)"),
            "ap-mdm one-step",
            True,
            "stores +1",
        ),
        (Rewrite(InstructionProver._target, "isinstance(claim.result, int)", "False"), "ap-mdm", True, "layer 2, out"),
        (Rewrite(RowProver.check, "if kind.executes else frozenset()", ""), "mdm", False, "emit."),
    ],
    ids=["published", "registers of destinations", "all rows"],
)
def test_a_column_that_is_left_out_is_found(rewrite: Rewrite, construction: str, executing: bool, left_out: str) -> None:
    with rewrite.planted():
        found = next(uncovered(short_model(construction), executing), "")
    assert left_out in found


# -- weights -----------------------------------------------------------------------------------


def sampled(model: Transformer, of_each: int, chance: random.Random) -> Iterator[Mutant]:
    """Some of the weights that are 0, so many of each matrix."""
    places: dict[tuple[int, str], list[Mutant]] = {}
    for mutant in zero_mutants(model):
        places.setdefault((mutant.layer, mutant.part), []).append(mutant)
    for found in places.values():
        yield from chance.sample(found, min(of_each, len(found)))


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_single_weights_that_are_zero(construction: str) -> None:
    """Each that becomes 1 is caught, or it changes nothing on real runs; a state is looked for without an error."""
    compiled, lemmas, chance = small_model(construction), Lemmas(), random.Random(11)
    rows = rows_of_runs(compiled)
    assert not failed(prove(compiled, lemmas))
    caught = changed = 0
    for mutant in sampled(compiled.model, 2, chance):
        with planted(compiled.model, mutant):
            proof = prove(compiled, lemmas)
            refuted = bool(failed(proof))
            assert all(str(example) for example in islice(proof.counterexamples(), 1)), mutant
        differs = changes_anything(compiled.model, rows, mutant)
        assert refuted or not differs, mutant
        caught, changed = caught + refuted, changed + differs
    assert caught >= changed > 4


def unit_that_writes(compiled: Compiled, field: str) -> int:
    """The first hidden unit of layer 2 that does."""
    return int(np.flatnonzero(compiled.model.layers[1].w_out[compiled.circuit.offsets()[field]])[0])


def test_a_sum_that_reads_another_column_is_refuted_by_name() -> None:
    compiled = small_model("mdm")
    unit = unit_that_writes(compiled, "sum")
    with planted(compiled.model, Mutant(1, "w_in", (unit, compiled.circuit.offsets()["time"]), 1.0)):
        trouble = {o.what: o.trouble for o in prove(compiled).obligations if not o.holds}
    assert "sum[0] after layer 2: a gate reads time[0] besides x and y" in trouble["word operation: add"]


def test_a_product_of_other_bits_is_refuted_by_name() -> None:
    """A gate that reads one bit more, and one whose bit of y counts for nothing."""
    compiled = small_model("mdm")
    unit, offsets = unit_that_writes(compiled, "mul.partial"), compiled.circuit.offsets()
    early = Mutant(1, "b_in", (unit,), float(compiled.model.layers[1].b_in[unit]) + 1)
    more, less = (Mutant(1, "w_in", (unit, offsets[field]), value) for field, value in (("time", 1.0), ("y", 0.0)))
    for mutant, reads in ((more, "time[0], x[0], y[0]"), (less, "x[0]")):
        with planted(compiled.model, early), planted(compiled.model, mutant):
            trouble = {o.what: o.trouble for o in prove(compiled).obligations if not o.holds}
        words = f"a gate of mul.partial[0] reads {reads}, not one bit of x and the low ones of y"
        assert words in trouble["word operation: mul"]


def test_the_command_refutes_a_stray_weight(do: Do) -> None:
    """A model file whose digest is right and that has one weight too many."""
    path = Path("m.safetensors")
    compile_to_file(load("tiny.pram"), path, CONSTRUCTIONS["mdm"].of_bits(8, 6, 2), "float64", "mdm")
    _, compiled = load_program_or_model(path)
    assert compiled
    model, metadata = load_model(path)
    model.layers[1].w_in[unit_that_writes(compiled, "sum"), compiled.circuit.offsets()["time"]] = 1
    save_model(path, model, {k: v for k, v in metadata.items() if k not in ("format", "dtype", "layers", "vocabulary")})
    outcome = do("prove m.safetensors")
    assert outcome.status == REFUTED
    assert "NOT PROVED" in outcome.out and "sum[0] after layer 2: a gate reads time[0]" in " ".join(outcome.out.split())
