"""The circuit's invariants: each holds for what the compiler builds, and each breach is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.cases import EXAMPLE_SIZES, job
from kit.jobs import job_of

from lockstep.compiler import mdm
from lockstep.compiler.assemble import assemble
from lockstep.compiler.circuit import Circuit, Linear, Ramp, Threshold
from lockstep.compiler.compile import CONSTRUCTIONS
from lockstep.compiler.mdm import Widths
from lockstep.compiler.processor import Code
from lockstep.compiler.verify import CircuitError, check_circuit, unused_fields
from lockstep.pram.instructions import INSTRUCTIONS, Instruction, Operand
from lockstep.proofs_check.catalog import letters_of_model
from lockstep.proofs_check.theorems.width import VOCABULARY, WIDTHS

R0 = Operand("register", 0)
EVERYTHING = Code.of(job(*(Instruction(name, R0, R0, R0, rd=0, target=0) for name in INSTRUCTIONS)))


def circuit() -> Circuit:
    return mdm.build(EVERYTHING, Widths(4, 5, 2))


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_nothing_is_unused_where_every_instruction_is_used(construction: str) -> None:
    row = CONSTRUCTIONS[construction]
    assert unused_fields(row.build(EVERYTHING, row.bits(4, 5, 2))) == set()
    assert circuit().vocabulary.kinds[1][0] == "MASK"


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
@pytest.mark.parametrize("name", EXAMPLE_SIZES)
def test_depth_and_width_of_the_examples(name: str, construction: str) -> None:
    """Depth 3, d_model and vocabulary by their closed forms, for every program, word and width."""
    code, row = Code.of(job_of(name, 2)), CONSTRUCTIONS[construction]
    for bits in ((4, 3, 1), (10, 9, 5), (16, 20, 10)):
        widths = row.bits(*bits)
        built = row.build(code, widths)
        check_circuit(built)
        model = assemble(built)
        assert len(model.layers) == 3
        assert model.width == WIDTHS[construction](letters_of_model(code, widths))
        assert model.vocabulary.size == VOCABULARY(letters_of_model(code, widths))


@settings(derandomize=True, deadline=None, database=None, max_examples=25)
@given(st.integers(2, 24), st.integers(4, 24), st.integers(1, 12), st.sets(st.sampled_from(sorted(INSTRUCTIONS)), min_size=1))
def test_any_code_builds_a_sound_circuit(word: int, time: int, pid: int, names: set[str]) -> None:
    code = Code.of(job(*(Instruction(name, R0, R0, R0, rd=0, target=0) for name in sorted(names)), word_bits=4))
    for construction, row in CONSTRUCTIONS.items():
        widths = row.bits(word, time, pid)
        built = row.build(code, widths)
        check_circuit(built)
        assert built.width == WIDTHS[construction](letters_of_model(code, widths))


def first_gate(change: Callable[[Threshold | Ramp], Threshold | Ramp]) -> Callable[[Circuit], None]:
    def apply(circuit: Circuit) -> None:
        circuit.layers[0].gates[0] = change(circuit.layers[0].gates[0])

    return apply


def lookup(layer: int, **changes: object) -> Callable[[Circuit], None]:
    def apply(circuit: Circuit) -> None:
        circuit.layers[layer].lookups[0] = replace(circuit.layers[layer].lookups[0], **changes)  # type: ignore[arg-type]

    return apply


ONE, BOS, STEP = Linear({("one", 0): 1}), Linear({("token.BOS", 0): 1}), Linear({("step", 0): 1})

BREACHES: list[tuple[Callable[[Circuit], None], str]] = [
    (first_gate(lambda g: replace(g, writes={("nowhere", 0): 1})), "written but not in any field"),
    (first_gate(lambda g: replace(g, form=Linear({("x", 0): 1}, -1))), "reads x\\[0\\] before it is written"),
    (first_gate(lambda g: replace(g, writes={})), "writes nothing"),
    (first_gate(lambda g: replace(g, form=g.form + 9)), "is constant: its form is in"),
    (first_gate(lambda g: replace(g, form=g.form - 9)), "is constant: its form is in"),
    (first_gate(lambda g: Threshold(BOS - 1, g.writes)), "a gate of layer 1 fires on the BOS row"),
    (lookup(0, asks=ONE), "the BOS row asks"),
    (lookup(0, conditions=(BOS,)), "the BOS row meets a condition"),
    (lookup(0, conditions=()), "or there is none"),
    (lookup(0, reads=((ONE, ("halted", 0)),)), "the BOS row has a value"),
    (lookup(1, recency=STEP, recency_max=7), "recency 0 .. 31 exceeds 7"),
    (lookup(1, asks=Linear({("mul.partial", 0): 1})), "reads mul.partial\\[0\\] before it is written"),
]


@pytest.mark.parametrize(("breach", "message"), BREACHES, ids=[m for _, m in BREACHES])
def test_a_breach_is_found(breach: Callable[[Circuit], None], message: str) -> None:
    broken = circuit()
    check_circuit(broken)
    breach(broken)
    with pytest.raises(CircuitError, match=message):
        check_circuit(broken)


def test_evaluation_refuses_values_out_of_range() -> None:
    """A field that is no bit any more is an error, not a wrong answer."""
    built = mdm.build(Code.of(job(Instruction("nop"))), Widths(4, 2, 1))
    built.layers[0].gates.append(Threshold(Linear({("role.V", 0): 1}, -1), {("out", 0): 2}))
    sample = job(Instruction("nop"))
    layout = mdm.Layout(sample, built, Widths(4, 2, 1), 2)
    with pytest.raises(ValueError, match=r"field 'out' holds 0 \.\. 2, not 0 \.\. 1"):
        built.evaluate(layout.tokens().tolist(), layout.positions().dense())


def test_the_heads_of_masked_diffusion() -> None:
    """Mutants tamper with heads by name: these are all there are."""
    names = [lookup.name for layer in circuit().layers for lookup in layer.lookups]
    assert names == ["fetch", "gather", "masked.own", "masked.previous", "halted", "unfinished", "x", "y", "memory"]
