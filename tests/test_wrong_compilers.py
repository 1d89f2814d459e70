"""A wrong compiler's circuits: whatever is missing, too narrow, out of its range or in another layer is refuted by name.

Weights are what such a circuit assembles to, so that nothing but the proofs can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from faults.circuits import (
    altered,
    moved_head,
    narrowed,
    never,
    owner_of_what_cancels,
    product_twice,
    without_field,
    without_head,
)
from kit.cases import job
from kit.small import PID, R0, R1, number
from mutation.on_proofs import THERE, short_model

from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_code
from lockstep.compiler.invariants import check_circuit
from lockstep.compiler.processor import Code, Size
from lockstep.models.decode import decode
from lockstep.pram.instructions import Instruction, Operand
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.proofs.columns import check_columns
from lockstep.proofs_check.proofs.interface import Copy, Equal, Interface, LookupRule, Unit
from lockstep.proofs_check.proofs.prove import interface_of, prove
from lockstep.proofs_check.proofs.reduction import Row
from lockstep.proofs_check.proofs.rows import Fields
from lockstep.proofs_check.proofs.structure import WrongStructure
from lockstep.proofs_check.proofs.weights import Network, read_weights


def broken(compiled: Compiled) -> dict[str, str]:
    """What fails, with the reason."""
    return {o.what: o.trouble for o in prove(compiled).obligations if not o.holds}


def decodes_right(compiled: Compiled, task: Job) -> bool:
    exact = run(task)
    layout = compiled.layout(task, exact.time)
    tokens = decode(compiled.model, layout.tokens(), layout.positions(), process=compiled.process).tokens
    words = exact.memory[task.outputs.start : task.outputs.stop]
    return layout.halted(tokens) and bool((layout.output_words(tokens) == words).all())


# -- what is not there -------------------------------------------------------------------------

HEADS = [
    (construction, lookup.name, number)
    for construction in CONSTRUCTIONS
    for number, layer in enumerate(short_model(construction).circuit.layers, 1)
    for lookup in layer.lookups
    if len(layer.lookups) > 1  # a layer without heads does not assemble
]


@pytest.mark.parametrize(("construction", "head", "layer"), HEADS)
def test_every_head_is_missed(construction: str, head: str, layer: int) -> None:
    compiled = short_model(construction)
    missing = f"heads of layer {layer}: {head} is missing"
    assert broken(altered(compiled, without_head(head))) == {THERE: missing}
    for other in {1, 2, 3} - {layer}:
        surplus = f"heads of layer {other}: {head} is not in the interface"
        assert broken(altered(compiled, moved_head(head, other))) == {THERE: missing if layer < other else surplus}


@cache
def network(construction: str) -> Network:
    compiled = short_model(construction)
    return read_weights(compiled.model, compiled.circuit)


def wrong_columns(found: Network) -> Iterator[tuple[str, Network]]:
    """One column fewer, one that holds up to twice as much, and one that holds nothing; positions that are one more or one fewer."""
    for column, (name, _) in enumerate(found.names):
        rest = found.names[:column] + found.names[column + 1 :]
        yield name, replace(found, names=rest, highs=np.delete(found.highs, column))
        for high in (2 * found.highs[column], 0):
            highs = found.highs.copy()
            highs[column] = high
            if name != "mul.partial":
                yield name, replace(found, highs=highs)
    for name in found.fields:
        yield name, replace(found, positions=found.positions ^ {name})


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_every_column_is_missed(construction: str) -> None:
    """All but flags of operations, which a program need not use: without one its result is not computed, as is proved elsewhere."""
    compiled, interface = short_model(construction), interface_of(short_model(construction))
    size, optional = Size.of(compiled.code, compiled.widths.word), network(construction).fields.keys() - interface.fields.keys()
    assert check_columns(network(construction), interface, size) == len(network(construction).names)
    missed = 0
    for name, wrong in wrong_columns(network(construction)):
        if name in optional and name not in wrong.fields:
            continue
        with pytest.raises(WrongStructure, match=name.replace(".", "[.]")):
            check_columns(wrong, interface, size)
        missed += 1
    assert missed > 250


def test_other_tokens_are_refuted() -> None:
    compiled = short_model("mdm")
    vocabulary = replace(compiled.model.vocabulary, kinds=(*compiled.model.vocabulary.kinds[:-1], ("WORD", 3)))
    found = broken(replace(compiled, model=replace(compiled.model, vocabulary=vocabulary)))
    assert found[THERE].startswith("tokens are BOS of 0 bits, ")


@pytest.mark.parametrize(
    ("construction", "other", "trouble"), [("mdm", "ap-mdm", "the construction has none"), ("ap-mdm", "mdm", "are missing")]
)
def test_edit_bits_are_those_of_the_construction(construction: str, other: str, trouble: str) -> None:
    compiled, weight = short_model(construction), short_model(other).model.control_weight
    wide = None if weight is None else np.zeros((3, compiled.model.width))
    model = replace(compiled.model, control_weight=wide, control_bias=short_model(other).model.control_bias)
    assert trouble in broken(replace(compiled, model=model))[THERE]


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_whatever_an_interface_speaks_of_is_a_field(construction: str) -> None:
    """Of rows, too, which are made only when they are walked."""
    interface = interface_of(short_model(construction))
    copied = [form for copy in interface.heads.values() for form in copy.to.values()]
    found = [
        form
        for f in interface.lookups.values()
        for form in (f.asks, *f.candidates, *(s for e in f.same for s in (e.query, e.key, e.wildcard)))
    ]
    named = [field for copy in interface.heads.values() for field in (*copy.asks, *copy.to)]
    named += [field for f in interface.lookups.values() for field in f.latest]
    rows = [field for kind in interface.rows() for field in (*kind.known, *kind.free)]
    owned = [field for unit in interface.own_units for field in (*unit.reads, *unit.writes)]
    spoken = {*named, *rows, *owned, *interface.rom_inputs, *(part.field for form in (*copied, *found) for part in form.parts)}
    assert len(spoken) > 30 and spoken <= interface.fields.keys()
    assert interface.heads.keys() == interface.lookups.keys()


MISSPELT: dict[str, Callable[[Interface], Interface]] = {
    "head memory": lambda old: replace(old, heads={**old.heads, "memory": Copy.of(("fetch",), {"out": "token.bit"}, 2)}),
    "head end": lambda old: replace(old, heads={**old.heads, "end": Copy.of(("won",), {"end": "index"}, 1)}),
    "head gather": lambda old: replace(old, heads={**old.heads, "gather": Copy.of(("one",), {"wrote": "index"}, 1)}),
    "head memory, lookup": lambda old: replace(old, lookups={**old.lookups, "memory": LookupRule.of("fetsch", (), ("one",))}),
    "head low, lookup": lambda old: replace(old, lookups={**old.lookups, "low": LookupRule.of("one", (), ("one - tokn.BOS",))}),
    "head high, lookup": lambda old: replace(old, lookups={**old.lookups, "high": LookupRule.of("one", (), (), ("indx",))}),
    "head x, lookup": lambda old: replace(
        old, lookups={**old.lookups, "x": LookupRule.of("one", (Equal.of("x.index", "adress:2"),), ())}
    ),
    "units of layer 2 that write owner": lambda old: replace(old, own_units=(Unit.of(2, reads="role.DTS", writes="owner"),)),
    "rom_inputs": lambda old: replace(old, rom_inputs=frozenset({"token.MASC"})),
    "published": lambda old: replace(old, published=frozenset({"store"})),
}


@pytest.mark.parametrize("what", MISSPELT)
def test_a_field_that_is_misspelt_is_refused(what: str) -> None:
    interface = interface_of(short_model("ap-mdm"))
    with pytest.raises(ValueError, match=f"^{what}: there is no field "):
        MISSPELT[what](interface)


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_terms_of_a_field_that_is_misspelt_are_refused(construction: str) -> None:
    columns, found = np.zeros(len(network(construction).names)), network(construction)
    with pytest.raises(KeyError, match="tokn.MASK"):
        Fields(found, Row(columns, columns))("tokn.MASK")


# -- what decodes wrongly ----------------------------------------------------------------------

STORES = (
    Instruction("add", PID, number(1), rd=0), Instruction("add", R0, R0, rd=1), Instruction("store", PID, number(0), R1),
)  # fmt: skip


def model_of(task: Job, construction: str = "mdm") -> Compiled:
    time_bits = 5 if construction == "mdm" else 6
    return compile_code(
        Code.of(task), CONSTRUCTIONS[construction].of_bits(task.word_bits, time_bits, 1), construction=construction
    )


WRONG = {
    "no x": ("mdm", without_head("x"), "heads of layer 2: x is missing"),
    "no unfinished": ("mdm", without_head("unfinished"), "heads of layer 1: unfinished is missing"),
    "no cells": ("mdm", without_field("is_cell"), "fields: is_cell is missing"),
    "indices of 1 bit": ("mdm", narrowed("x.index", 1), "x.index has 1 bits, not 2"),
    "a bit that is never": ("mdm", never("token.bits", 1), "token.bits holds up to 0, not 1"),
    "two steps, no owner": ("ap-mdm", narrowed("owner", 0), "fields: owner is missing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_decodes_wrongly_is_refuted(name: str) -> None:
    construction, edit, trouble = WRONG[name]
    code = Instruction("mov", number(3), rd=2), Instruction("store", number(2), number(0), Operand("register", 2))
    task = job(*STORES, *code, registers=3, processors=2, word_bits=4, mode="CRCW priority", memory=(0, 0, 9), outputs=range(3))
    compiled = model_of(task, construction)
    assert decodes_right(compiled, task) and not broken(compiled)
    wrong = altered(compiled, edit)
    assert certify(wrong.model, wrong.circuit).holds
    assert broken(wrong) == {THERE: trouble}


def test_what_lines_cancel_is_the_number_that_is_left() -> None:
    """A column of -1 + [odd] + [even] is 0 for the layers after it, not -1."""
    task = job(*STORES, registers=2, processors=2, word_bits=4, mode="CRCW priority", outputs=range(2))
    compiled = model_of(task, "ap-mdm")
    wrong = altered(compiled, owner_of_what_cancels)
    check_circuit(wrong.circuit)
    assert decodes_right(compiled, task) and not decodes_right(wrong, task)
    assert broken(wrong) == {"rows that do not execute: sums of all gates": "DST, REG: layer 2: owner"}


def test_a_product_that_is_made_twice_is_refuted() -> None:
    code = (*(Instruction(name, PID, number(1), rd=0) for name in ("and", "xor", "or")), Instruction("mul", R0, number(1), rd=0))
    task = job(*code, registers=1, processors=2, word_bits=2, mode="EREW", outputs=range(0))
    compiled = model_of(task)
    assert not broken(compiled)
    found = broken(altered(compiled, product_twice))
    assert "word operation: mul" in found and "layer 3 adds to out" in found["word operation: mul"], found
