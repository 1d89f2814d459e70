"""Checks of the proofs on the weights: each plants one fault in a short model, and one obligation must fail."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from itertools import islice
from types import SimpleNamespace

import numpy as np
from faults.circuits import Edit, altered, moved_head, narrowed, never, owner_of_what_cancels, without_head
from faults.weights import Mutant as Fault
from faults.weights import fault_at, planted, tensor_of
from kit.cases import job
from kit.small import PID, R0, R1, number

from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_code
from lockstep.compiler.processor import Code
from lockstep.pram.instructions import Instruction
from lockstep.proofs_check.proofs.operations import Operands, _prove_word
from lockstep.proofs_check.proofs.prove import interface_of, prove
from lockstep.proofs_check.proofs.reduction import Polyline
from lockstep.proofs_check.proofs.replay import _Replayer
from lockstep.proofs_check.proofs.rows import Fault as RowFault
from lockstep.proofs_check.proofs.rows import RowProver
from lockstep.proofs_check.proofs.solver import Lemmas, Refutation, Unequal
from lockstep.proofs_check.proofs.weights import read_weights
from mutation.table import Check

#: Code of every kind of step, short enough to be proved in a tenth of a second.
SHORT = (
    Instruction("add", R0, R1, rd=1),
    Instruction("mul", R0, PID, rd=0),
    Instruction("shl", R1, number(1), rd=0),
    Instruction("mov", R1, rd=0),
    Instruction("load", R0, R1, rd=1),
    Instruction("store", R0, PID, R1),
    Instruction("jz", R1, target=0),
    Instruction("addsat", R0, R1, rd=0),
)


@cache
def short_model(construction: str) -> Compiled:
    bits = 5 if construction == "mdm" else 6
    code = Code.of(job(*SHORT, registers=2, processors=2, word_bits=2, mode="CRCW priority"))
    return compile_code(code, CONSTRUCTIONS[construction].of_bits(2, bits, 1), construction=construction)


def nth(part: str, which: int, value: float) -> Callable[[Compiled], Fault]:
    """Another value of the nth weight that is not 0."""
    return lambda compiled: Fault(-1, part, tuple(np.argwhere(tensor_of(compiled.model, -1, part))[which].tolist()), value)


def turned(layer: int, writes: str, bit: int) -> Callable[[Compiled], Fault]:
    """The sign of a weight out of a hidden unit."""
    return lambda compiled: fault_at(compiled, layer, "w_out", writes, bit)


def entry(layer: int, part: str, index: tuple[int, ...], value: float) -> Callable[[Compiled], Fault]:
    return lambda compiled: Fault(layer, part, index, value)


def scale(layer: int, part: str, value: float) -> Callable[[Compiled], Fault]:
    """Another value of the first weight of Q or K that is not 0."""
    return lambda compiled: Fault(layer, part, tuple(np.argwhere(tensor_of(compiled.model, layer, part))[0].tolist()), value)


def stray_unit(compiled: Compiled) -> Fault:
    """A hidden unit of layer 2 that looks at a role."""
    unit = int(np.flatnonzero(np.abs(compiled.model.layers[1].w_out).sum(0))[0])
    return Fault(1, "w_in", (unit, compiled.circuit.offsets()["role.output"]), 1.0)


def stray_store(compiled: Compiled) -> Fault:
    """The first ROM unit that lets a register row emit a word raises `stores`, too."""
    offsets, gates = compiled.circuit.offsets(), compiled.model.layers[0]
    counter = slice(offsets["pc"], offsets["pc"] + compiled.circuit.fields["pc"].width)
    emits = (gates.w_out[offsets["emit.WORD"]] > 0) & (gates.w_in[:, counter] != 0).any(1)
    return Fault(0, "w_out", (offsets["stores"], int(np.flatnonzero(emits)[0])), 1.0)


def saturated_bit(compiled: Compiled) -> Fault:
    """The unit that sets bit 1 of a sum which leaves the word sets bit 0."""
    offsets, gates = compiled.circuit.offsets(), compiled.model.layers[2]
    sets = (gates.w_in[:, offsets["addsat.over"]] != 0) & (gates.w_out[offsets["out"] + 1] > 0)
    return Fault(2, "w_out", (offsets["out"], int(np.flatnonzero(sets)[0])), 1.0)


EMBEDDING, READOUT = "the embedding sets the kind and bits of a token", "the readout emits the right token with probability 0.9"
FINDS = "each head finds the row that its lookup means"
THERE = "all fields and heads exist"
ROWS = "rows that do not execute: sums of all gates"
#: Faults of a short model, each with the obligation that must fail.
FAULTS: dict[str, tuple[str, Callable[[Compiled], Fault], str]] = {
    "a stray embedding": ("ap-mdm", entry(-1, "embedding.kind", (1, 0), 1.0), EMBEDDING),
    "a doubled embedding": ("ap-mdm", nth("embedding.one", 0, 2.0), EMBEDDING),
    "a stray logit": ("ap-mdm", entry(-1, "unembedding.kind", (3, 4), 999.0), READOUT),
    "a weak logit": ("ap-mdm", nth("unembedding.kind", 1, 1.0), READOUT),
    "an edit bit": ("ap-mdm", entry(-1, "control_bias", (0,), -3.0), "edit bits equal their fields"),
    "a head": ("ap-mdm", entry(0, "o", (0, 3, 0), 1.0), "each head copies the fields of its lookup only"),
    "a query": ("mdm", scale(1, "q", 0.0), FINDS),
    "a key": ("ap-mdm", scale(2, "k", 3.0), FINDS),
    "a half": ("ap-mdm", entry(1, "w_in", (0, 0), 0.5), "weights are integers"),
    "a stray hidden unit": ("mdm", stray_unit, "each hidden unit reads and writes its own fields"),
    "a partial product": ("mdm", turned(1, "mul.partial", 1), "word operation: mul"),
    "a sum": ("mdm", turned(1, "sum", 1), "word operation: add"),
    "a carry out of the word": ("mdm", turned(1, "addsat.over", 0), "word operation: addsat"),
    "a saturated bit": ("mdm", saturated_bit, "word operation: addsat"),
    "a shift amount": ("mdm", turned(1, "shl.amount", 1), "word operation: shl"),
    "an output": ("mdm", turned(2, "out", 1), "word operation: add"),
    "an emitted kind": ("mdm", turned(0, "emit.NONE", 0), ROWS),
    "a stray store": ("ap-mdm one-step", stray_store, "instruction add"),
    "an insert": ("ap-mdm", turned(1, "control.insert", 0), ROWS),
}


#: Circuits of a wrong compiler, each with the obligation that must fail for the model that it assembles to.
CIRCUITS: dict[str, tuple[str, Edit, str]] = {
    "a head that is missing": ("mdm", without_head("y"), THERE),
    "a head of another layer": ("mdm", moved_head("unfinished", 2), THERE),
    "a narrow field": ("ap-mdm", narrowed("written", 1), THERE),
    "a bit that is never": ("mdm", never("token.bits", 1), THERE),
    "what lines cancel": ("ap-mdm", owner_of_what_cancels, ROWS),
}


def proof_finds_circuit(name: str) -> None:
    """The obligation that speaks of what a wrong compiler did fails, with nothing closed before."""
    construction, edit, obligation = CIRCUITS[name]
    broken = [o.what for o in prove(altered(short_model(construction), edit), Lemmas()).obligations if not o.holds]
    assert obligation in broken, f"{construction}: {broken} fail, and not {obligation}"


def proof_finds(name: str) -> None:
    """The obligation that speaks of a fault fails, with nothing closed before."""
    construction, make, obligation = FAULTS[name]
    compiled = short_model(construction)
    fault = make(compiled)
    with planted(compiled.model, fault):
        broken = [o.what for o in prove(compiled, Lemmas()).obligations if not o.holds]
    assert obligation in broken, f"{construction}, {fault}: {broken} fail, and not {obligation}"


def proof_holds() -> None:
    """Nothing fails where nothing is wrong."""
    for construction in CONSTRUCTIONS:
        broken = [o.trouble for o in prove(short_model(construction), Lemmas()).obligations if not o.holds]
        assert not broken, broken


def words_that_are_closed() -> None:
    """A word that is closed for one field, one result and one place of x and y is not closed for others."""

    def closes(field: str, result: str, x: tuple[int, int], y: tuple[int, int]) -> bool:
        network = SimpleNamespace(fields={"x": x, "y": y, "out": (4, 5), "sum": (6, 7)}, text=str)
        try:
            return _prove_word(lemmas, Operands(network, 2), field, result, copied) == 2  # type: ignore[arg-type]
        except Unequal:
            return False

    lemmas, copied = Lemmas(), [(0, (Polyline(((column, 1),), ((1, 1),), (), 0, 1),)) for column in (0, 1)]
    assert closes("out", "copy", (0, 1), (2, 3))
    assert not closes("out", "xor", (0, 1), (2, 3)) and not closes("sum", "copy", (0, 1), (2, 3))
    assert not closes("out", "copy", (2, 3), (0, 1))


def until_failure() -> None:
    """A proof that stops has the obligations of the whole proof, up to the first that fails."""
    compiled = short_model("mdm")
    with planted(compiled.model, turned(1, "sum", 1)(compiled)):
        whole, short = ([(o.what, o.holds) for o in prove(compiled, until_failure=stop).obligations] for stop in (False, True))
    first = [holds for _, holds in whole].index(False)
    assert short == whole[: first + 1] and first > 0 and len(short) < len(whole)
    whole, short = ([(o.what, o.holds) for o in prove(compiled, until_failure=stop).obligations] for stop in (False, True))
    assert short == whole


def states_together() -> None:
    """States that go through the layers together give what each gives alone: stores, loads and words of operands."""
    compiled = short_model("ap-mdm one-step")
    network, interface = read_weights(compiled.model, compiled.circuit), interface_of(compiled)
    for kind in (kind for kind in interface.rows() if kind.executes):
        start = RowProver(network, interface, Lemmas()).start(kind)
        replayer = _Replayer(compiled, network, interface, RowFault(kind, 2, start, Refutation({}, "")))
        for forced, instruction in enumerate((replayer.instruction, replayer.general)):
            states = list(islice(replayer._states(instruction), 24))
            alone = [replayer._models([state], instruction, bool(forced))[0] for state in states]
            assert replayer._models(states, instruction, bool(forced)) == alone


CHECKS = (
    Check(
        "words that are closed",
        "a word is proved for its field, its result and the places of its operands",
        words_that_are_closed,
    ),
    Check("until failure", "a proof that stops at the first obligation that fails, against the whole proof", until_failure),
    Check("states together", "states that are replayed together, against each alone", states_together),
    Check("proof holds", "all obligations of short models", proof_holds),
    *(
        Check(f"proof finds {name}", f"a fault, by the obligation that speaks of it: {obligation}", partial(proof_finds, name))
        for name, (_, _, obligation) in FAULTS.items()
    ),
    *(
        Check(
            f"proof finds {name}",
            f"a wrong circuit, by the obligation that speaks of it: {obligation}",
            partial(proof_finds_circuit, name),
        )
        for name, (_, _, obligation) in CIRCUITS.items()
    ),
)
