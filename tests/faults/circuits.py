"""Circuits that a wrong compiler might build: models of them assemble, and every check of weights against the circuit holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kit.cases import job

from lockstep.compiler import mdm
from lockstep.compiler.assemble import assemble
from lockstep.compiler.blocks import Widths
from lockstep.compiler.circuit import Circuit, Field, Gate, Ramp, Readout, Threshold
from lockstep.compiler.compile import Compiled
from lockstep.compiler.linear import Bit, Linear
from lockstep.compiler.processor import Code
from lockstep.pram.instructions import INSTRUCTIONS, Instruction, Operand

Edit = Callable[[Circuit], Circuit]


def altered(compiled: Compiled, edit: Edit) -> Compiled:
    """The same, of another circuit."""
    copy = replace(compiled.circuit, layers=[replace(x, lookups=[*x.lookups], gates=[*x.gates]) for x in compiled.circuit.layers])
    circuit = edit(copy)
    return replace(compiled, circuit=circuit, model=assemble(circuit))


def bit(name: str, number: int = 0) -> Linear:
    return Linear({(name, number): 1})


def without_head(name: str) -> Edit:
    def edit(circuit: Circuit) -> Circuit:
        for layer in circuit.layers:
            layer.lookups[:] = [lookup for lookup in layer.lookups if lookup.name != name]
        return circuit

    return edit


def moved_head(name: str, layer: int) -> Edit:
    """The head in another layer, from 1."""

    def edit(circuit: Circuit) -> Circuit:
        (found,) = (lookup for x in circuit.layers for lookup in x.lookups if lookup.name == name)
        without_head(name)(circuit).layers[layer - 1].lookups.append(found)
        return circuit

    return edit


def without(gone: Callable[[Bit], bool]) -> Edit:
    """Columns that are nowhere, and whatever spoke of them: a lookup does not match by them, a gate does not write them."""

    def cut(form: Linear) -> Linear:
        return Linear({b: w for b, w in form.terms.items() if not gone(b)}, form.constant)

    def left(gate: Gate) -> Gate:
        return replace(gate, form=cut(gate.form), writes={b: w for b, w in gate.writes.items() if not gone(b)})

    def edit(circuit: Circuit) -> Circuit:
        fields = {n: [h for j, h in enumerate(f.highs) if not gone((n, j))] for n, f in circuit.fields.items()}
        for layer in circuit.layers:
            layer.gates[:] = [left(gate) for gate in layer.gates if not all(map(gone, gate.writes))]
            layer.lookups[:] = [
                replace(
                    x, asks=cut(x.asks), conditions=tuple(map(cut, x.conditions)), recency=cut(x.recency),
                    matches=tuple(m for m in x.matches if not any(map(gone, {**m.query.terms, **m.key.terms}))),
                    reads=tuple((cut(form), b) for form, b in x.reads if not gone(b)),
                )
                for x in layer.lookups
            ]  # fmt: skip
        readout = circuit.readout
        cut_readout = Readout(
            {k: cut(f) for k, f in readout.kinds.items()}, tuple(map(cut, readout.ones)), tuple(map(cut, readout.zeros))
        )
        kept = {n: Field(n, len(highs), tuple(highs)) for n, highs in fields.items() if highs}
        return replace(circuit, fields=kept, readout=cut_readout)

    return edit


def without_field(name: str) -> Edit:
    return without(lambda b: b[0] == name)


def narrowed(name: str, bits: int) -> Edit:
    """A field of so many bits."""
    return without(lambda b: b[0] == name and b[1] >= bits)


def never(name: str, number: int) -> Edit:
    """A bit that is said to be 0 always, so that no gate reads it."""

    def edit(circuit: Circuit) -> Circuit:
        field = circuit.fields[name]
        highs = tuple(0 if j == number else high for j, high in enumerate(field.highs))
        for layer in circuit.layers:
            layer.gates[:] = [gate for gate in layer.gates if (name, number) not in gate.form.terms]
        return replace(circuit, fields={**circuit.fields, name: replace(field, highs=highs)})

    return edit


def owner_of_what_cancels(circuit: Circuit) -> Circuit:
    """Two steps: `emit.REG` gets -1, [pc is odd] and [pc is even], which is 0; gates of layer 2 are right if it is -1."""
    masked, odd, target = bit("token.MASK"), bit("pc"), bit("role.DST")
    up, down = {("emit.REG", 0): 1}, {("emit.REG", 0): -1}
    circuit.layers[0].gates += [
        Threshold(target - masked - 1, down), Threshold(target - masked + odd - 2, up), Threshold(target - masked - odd - 1, up),
    ]  # fmt: skip
    gates = circuit.layers[1].gates
    gates[:] = [gate for gate in gates if not any(name == "owner" for name, _ in gate.writes)]
    emits, says = bit("emit.REG"), bit("token.REG")
    for k in range(circuit.fields["pid"].width):
        own, once = bit("pid", k), ("owner", k)
        gates += [
            Threshold(target + own + says - 3, {once: 1}),
            Threshold(target * 2 + own * 2 + says + emits - 5, {once: -1}),
            Threshold(target + own + emits - 3, {once: 2}),
        ]
    return circuit


def product_twice(circuit: Circuit) -> Circuit:
    """Words of 2 bits: x | y is (x & y) + (x ^ y), and its flag says that layer 2 makes the product, which layer 3 makes again."""
    found: list[Gate] = []
    for gate in circuit.layers[0].gates:
        writes = dict(gate.writes)
        if ("or", 0) in writes:
            del writes["or", 0]
            writes |= {("and", 0): 1, ("xor", 0): 1}
        elif ("mul", 0) in writes:
            writes["or", 0] = 1
        found.append(replace(gate, writes=writes))
    circuit.layers[0].gates[:] = found
    second = circuit.layers[1].gates
    second[:] = [gate for gate in second if ("or", 0) not in gate.form.terms]
    for x, y in ((x, y) for x in range(4) for y in range(4)):
        words = [bit(word, j) if value >> j & 1 else 1 - bit(word, j) for word, value in (("x", x), ("y", y)) for j in range(2)]
        if product := x * y % 4:
            second.append(Threshold(sum(words, bit("or")) - 5, {("out", j): 1 for j in range(2) if product >> j & 1}))
    return circuit


R0 = Operand("register", 0)


EVERYTHING = Code.of(job(*(Instruction(name, R0, R0, R0, rd=0, target=0) for name in INSTRUCTIONS)))


def circuit() -> Circuit:
    return mdm.build(EVERYTHING, Widths(4, 5, 2))


def first_gate(change: Callable[[Threshold | Ramp], Threshold | Ramp]) -> Callable[[Circuit], None]:
    def apply(circuit: Circuit) -> None:
        circuit.layers[0].gates[0] = change(circuit.layers[0].gates[0])

    return apply


def lookup(layer: int, **changes: object) -> Callable[[Circuit], None]:
    def apply(circuit: Circuit) -> None:
        circuit.layers[layer].lookups[0] = replace(circuit.layers[layer].lookups[0], **changes)  # type: ignore[arg-type]

    return apply


ONE, BOS, STEP = Linear({("one", 0): 1}), Linear({("token.BOS", 0): 1}), Linear({("step", 0): 1})


def readout(**parts: object) -> Callable[[Circuit], None]:
    def breach(circuit: Circuit) -> None:
        circuit.readout = replace(circuit.readout, **parts)  # type: ignore[arg-type]

    return breach


BREACHES: list[tuple[Callable[[Circuit], None], str]] = [
    (readout(ones=(Linear(),)), "the readout has 1 scores of 1, and tokens have 6 bits"),
    (readout(zeros=()), "the readout has 0 scores of 0, and tokens have 6 bits"),
    (readout(kinds={"NOTHING": Linear()}), "the readout scores NOTHING, which is no kind of token"),
    (first_gate(lambda g: replace(g, writes={("nowhere", 0): 1})), "written but not in any field"),
    (first_gate(lambda g: replace(g, form=Linear({("x", 0): 1}, -1))), "reads x\\[0\\] before it is written"),
    (first_gate(lambda g: replace(g, writes={})), "writes nothing"),
    (first_gate(lambda g: replace(g, form=g.form + 9)), "is constant: its form is in"),
    (first_gate(lambda g: replace(g, form=g.form - 9)), "is constant: its form is in"),
    (first_gate(lambda g: Threshold(BOS - 1, g.writes)), "a gate of layer 1 fires on the BOS row"),
    (lookup(0, asks=ONE), "the BOS row asks"),
    (lookup(0, conditions=(BOS,)), "the BOS row meets a condition"),
    (lookup(0, conditions=()), "or the lookup has none"),
    (lookup(0, reads=((ONE, ("halted", 0)),)), "the BOS row has a value"),
    (lookup(1, recency=STEP, recency_max=7), "recency 0 .. 31 exceeds 7"),
    (lookup(1, asks=Linear({("mul.partial", 0): 1})), "reads mul.partial\\[0\\] before it is written"),
]
