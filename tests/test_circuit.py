"""The circuit's invariants: each holds for compiled circuits, and each breach is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from faults.circuits import BREACHES, EVERYTHING, R0, circuit
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.cases import EXAMPLE_SIZES, job
from kit.jobs import job_of

from lockstep.compiler import mdm
from lockstep.compiler.assemble import assemble
from lockstep.compiler.blocks import Widths
from lockstep.compiler.circuit import At, Builder, Circuit, Control, Readout, Threshold
from lockstep.compiler.compile import CONSTRUCTIONS
from lockstep.compiler.invariants import CircuitError, check_circuit, unused_fields
from lockstep.compiler.linear import Linear
from lockstep.compiler.processor import Code
from lockstep.models.decode import Decoder
from lockstep.models.tokens import Vocabulary
from lockstep.pram.instructions import INSTRUCTIONS, Instruction
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.closed_forms import letters_of_model
from lockstep.proofs_check.theorems.width import VOCABULARIES, WIDTHS


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_nothing_is_unused_where_every_instruction_is_used(construction: str) -> None:
    row = CONSTRUCTIONS[construction]
    assert unused_fields(row.build(EVERYTHING, row.of_bits(4, 5, 2))) == set()
    assert circuit().vocabulary.kinds[1][0] == "MASK"


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
@pytest.mark.parametrize("name", EXAMPLE_SIZES)
def test_depth_and_width_of_the_examples(name: str, construction: str) -> None:
    """Depth is 3, and d_model and vocabulary equal their closed forms, for every program and widths."""
    code, row = Code.of(job_of(name, 2)), CONSTRUCTIONS[construction]
    for bits in ((4, 3, 1), (10, 9, 5), (16, 20, 10)):
        widths = row.of_bits(*bits)
        built = row.build(code, widths)
        check_circuit(built)
        model = assemble(built)
        assert len(model.layers) == 3
        assert model.width == WIDTHS[construction](letters_of_model(code, widths))
        assert model.vocabulary.size == VOCABULARIES[construction](letters_of_model(code, widths))


@settings(derandomize=True, deadline=None, database=None, max_examples=25)
@given(st.integers(2, 24), st.integers(4, 24), st.integers(1, 12), st.sets(st.sampled_from(sorted(INSTRUCTIONS)), min_size=1))
def test_any_code_builds_a_sound_circuit(word: int, time: int, pid: int, names: set[str]) -> None:
    code = Code.of(job(*(Instruction(name, R0, R0, R0, rd=0, target=0) for name in sorted(names)), word_bits=4))
    for construction, row in CONSTRUCTIONS.items():
        widths = row.of_bits(word, time, pid)
        built = row.build(code, widths)
        check_circuit(built)
        assert built.width == WIDTHS[construction](letters_of_model(code, widths))


@pytest.mark.parametrize(("breach", "message"), BREACHES, ids=[m for _, m in BREACHES])
def test_a_breach_is_found(breach: Callable[[Circuit], None], message: str) -> None:
    broken = circuit()
    check_circuit(broken)
    breach(broken)
    with pytest.raises(CircuitError, match=message):
        check_circuit(broken)


def test_evaluation_refuses_values_out_of_range() -> None:
    """A value outside a field's range is an error, not a wrong answer."""
    built = mdm.build(Code.of(job(Instruction("nop"))), Widths(4, 2, 1))
    built.layers[0].gates.append(Threshold(Linear({("role.V", 0): 1}, -1), {("out", 0): 2}))
    sample = job(Instruction("nop"))
    layout = mdm.Layout(sample, built, Widths(4, 2, 1), 2)
    with pytest.raises(ValueError, match=r"field 'out' holds 0 \.\. 2, not 0 \.\. 1"):
        built.evaluate(layout.tokens().tolist(), layout.positions().dense())


def test_a_model_whose_readout_does_not_fit_is_refused() -> None:
    """It would be decoded in one way by the reference, and in another by engines that read a bit for each rail."""
    model = assemble(circuit())
    less = replace(model.unembedding, one=model.unembedding.one[:-1])
    tokens, positions = np.zeros(1, np.int64), np.zeros((1, model.width))
    with pytest.raises(ValueError, match=r"unembedding.one is \[\d+, \d+\], and the vocabulary needs"):
        Decoder(replace(model, unembedding=less), tokens, positions)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_model_of_tokens_without_bits_is_certified(dtype: str) -> None:
    """It writes no tokens: it only remasks. A circuit that is not its own is found."""
    builder = Builder()
    kinds = {kind: builder.field(f"token.{kind}") for kind in ("BOS", "MASK", "A")}
    bits, one, control = builder.field("token.bits"), builder.field("one"), builder.field("remask")
    builder.when(At.ROM, [kinds["A"].flag], {control.bit(): 1})
    no = Linear()
    made = Circuit(
        Vocabulary(tuple((kind, 0) for kind in kinds)), builder.fields, kinds, bits, kinds["BOS"].flag, one.flag, builder.layers[:1],
        Readout({}, (), ()), frozenset({"one"}), Control(control.flag, no, no),
    )  # fmt: skip
    check_circuit(made)
    model = assemble(made, np.dtype(dtype))
    assert certify(model, made).holds
    spoilt = replace(model, embedding=replace(model.embedding, kind=model.embedding.kind * 2))
    assert not certify(spoilt, made).holds


def test_the_heads_of_masked_diffusion() -> None:
    """Mutants tamper with heads by name. These are the names of all heads."""
    names = [lookup.name for layer in circuit().layers for lookup in layer.lookups]
    assert names == ["fetch", "gather", "masked.own", "masked.previous", "halted", "unfinished", "x", "y", "memory"]
