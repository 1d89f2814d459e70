"""Proves rows that execute: each column of the machine's step, for every instruction of a program and all operand words.

The *setting* of a row is the content of the processor's fields after layer 1, at one program counter. It selects the operands,
the operations and the kind of token that the row emits. The operand words may be any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lockstep.compiler.processor import Code
from lockstep.pram.instructions import Instruction, Operand
from lockstep.proofs_check.proofs.interface import EMITTED, FETCH, OUT, SUM, RowKind
from lockstep.proofs_check.proofs.mixing import stores_of
from lockstep.proofs_check.proofs.operations import Branch, Operands, Result, prove_layer2, prove_layer3
from lockstep.proofs_check.proofs.reduction import Row
from lockstep.proofs_check.proofs.rows import Failed, Fault, RowProver
from lockstep.proofs_check.proofs.solver import Refutation, Unequal
from lockstep.proofs_check.proofs.specification import INSTRUCTIONS, Meaning


@dataclass(frozen=True)
class RowClaim:
    """The claim about one row that executes.

    emits:   the kind of its token. result: the bits of its token. slots: the operands that x, y, .. must hold.
    address: whether a lookup of layer 3 needs the address x + y in `sum` and 0 in `out`.
    flags:   values of further fields. Published fields that are not among them must be 0.
    """

    emits: str
    result: Result
    slots: Mapping[str, Operand]
    address: bool
    flags: Mapping[str, int]


def claim_of(instruction: Instruction, number: int, computes: str, slots: Sequence[str]) -> RowClaim:
    """The claim for one column of an instruction's step, from the table in `lockstep.proofs_check.proofs.specification`."""
    meaning = INSTRUCTIONS[instruction.name]
    match computes:
        case "value":
            loads = meaning.value == "loaded"
            held = _held(instruction, meaning.of, slots) if meaning.value else {}
            return RowClaim("WORD", meaning.value or 0, held, loads, {FETCH: int(loads)})
        case "destination":
            return _destination(instruction, meaning, slots)
        case "next":
            emits, result, held = _next(instruction, number, meaning, slots)
            return RowClaim(emits, result, held, False, {FETCH: 0})
    emits, result, held = _next(instruction, number, meaning, slots)
    stores = meaning.to == "cell"
    if stores:
        held = {**held, **_held(instruction, meaning.address, slots), **_held(instruction, meaning.of, slots[2:])}
    return RowClaim(emits, result, held, stores, {FETCH: 0, "stores": int(stores)})


def _held(instruction: Instruction, names: Sequence[str], slots: Sequence[str]) -> dict[str, Operand]:
    operands = {"x": instruction.x, "y": instruction.y, "z": instruction.z}
    found = {slot: operands[name] for name, slot in zip(names, slots)}
    return {slot: operand for slot, operand in found.items() if operand is not None}


def _destination(instruction: Instruction, meaning: Meaning, slots: Sequence[str]) -> RowClaim:
    none = {FETCH: 0}
    if meaning.to == "cell":
        return RowClaim("WORD", "add", _held(instruction, meaning.address, slots), True, none)
    if meaning.to == "register" and instruction.rd is not None:
        return RowClaim("REG", instruction.rd, {}, False, none)
    return RowClaim("NONE", 0, {}, False, none)


def _next(
    instruction: Instruction, number: int, meaning: Meaning, slots: Sequence[str]
) -> tuple[str, Result, dict[str, Operand]]:
    target, following = instruction.target, number + 1
    if meaning.next == "stop":
        return "HALT", 0, {}
    if meaning.next == "following" or target is None:
        return "PC", following, {}
    if meaning.next == "jump" or target == following:
        return "PC", target, {}
    return "PC", Branch(target, following), _held(instruction, ("x",), slots)


class InstructionProver:
    """Proves rows that execute."""

    def __init__(self, row_prover: RowProver, code: Code, bits: int) -> None:
        self.row_prover, self.code = row_prover, code
        self.operands = Operands(row_prover.network, bits)

    def prove(self, kind: RowKind) -> None:
        """Prove all layers of a row that executes.

        Raises: Failed: the row does not compute what its instruction means.
        """
        assert kind.executes is not None
        instruction = self.code.instructions[kind.executes.number]
        claim = claim_of(instruction, kind.executes.number, kind.executes.computes, self.row_prover.interface.slots)
        claim = replace(claim, flags={**claim.flags, **self._rule(kind.executes.number, claim)})
        before = self.row_prover.before_step(kind)
        row = self.row_prover.check(kind, 1, before, self.row_prover.gates(1, before))
        layer = 1
        try:
            self._setting(row, claim)
            row = self.row_prover.after_heads(kind, self._free_slots(row), 1 + self.row_prover.interface.ahead)
            layer = 2
            self._operate(kind, claim, row)
        except Unequal as unequal:
            raise Failed(Fault(kind, layer, row, unequal.refuted)) from None

    def _rule(self, number: int, claim: RowClaim) -> dict[str, int]:
        """The flag of a store's rule, where a row that executes publishes it."""
        flag = f"by.{dict(stores_of(self.code)).get(number)}"
        return {flag: 1} if claim.flags.get("stores") and flag in self.row_prover.interface.published else {}

    def _operate(self, kind: RowKind, claim: RowClaim, row: Row) -> None:
        """Layers 2 and 3: compute the bits of a token from two operand words."""
        row_prover = self.row_prover
        added = row_prover.gates(2, row)
        row = row_prover.check(kind, 2, row, added)
        after2 = prove_layer2(row_prover.lemmas, self.operands, row, added, claim.result)
        self._target(kind, claim, after2.row, after2.live)
        self._asks_nothing_more(row)
        row, added = prove_layer3(row_prover.lemmas, self.operands, after2, claim.result, bool(claim.flags[FETCH]))
        row_prover.check(kind, 3, row, added)

    def _setting(self, row: Row, claim: RowClaim) -> None:
        """Check the setting after layer 1: the kind of token, the operands, the flags, and the ranges of all fields."""
        fields = self.row_prover.network.fields
        for column in self.row_prover.by_instructions:
            known = row.known(column)
            if known is None or not 0 <= known <= self.row_prover.network.highs[column]:
                raise Unequal(Refutation({}, f"{self.row_prover.network.text(column)} is {known}, out of its range"))
        emitted = {name: int(name == EMITTED + claim.emits) for name in fields if name.startswith(EMITTED)}
        unclaimed = dict.fromkeys(self.row_prover.interface.published, 0)
        for name, value in {**emitted, **unclaimed, **claim.flags}.items():
            self._is(row, name, value)
        for slot in self.row_prover.interface.slots:
            if slot not in claim.slots and row.known(fields[f"{slot}.asks"][0]):
                self._is(row, slot, 0)
        for slot, operand in claim.slots.items():
            if operand.kind == "constant":
                self._is(row, f"{slot}.asks", 0)
                self._is(row, slot, operand.number % (1 << self.operands.bits))
                continue
            self._is(row, slot, 0)
            self._is(row, f"{slot}.asks", 1)
            self._is(row, f"{slot}.parameter", int(operand.kind == "parameter"))
            self._is(row, f"{slot}.pid", int(operand.kind == "pid"))
            self._is(row, f"{slot}.index", 0 if operand.kind == "pid" else operand.number)

    def _is(self, row: Row, name: str, value: int) -> None:
        columns = self.row_prover.network.fields.get(name, ())
        if value >> len(columns):
            raise Unequal(Refutation({}, f"{name} has {len(columns)} bits, too few for {value}"))
        for j, column in enumerate(columns):
            if row.known(column) != value >> j & 1:
                raise Unequal(
                    Refutation({}, f"{self.row_prover.network.text(column)} is {row.known(column)}, not {value >> j & 1}")
                )

    def _free_slots(self, row: Row) -> Row:
        """The row with any words in its slots: a proof for all words covers constants, too."""
        fields = self.row_prover.network.fields
        return row.changed({c: (0, 1) for slot in self.row_prover.interface.slots for c in fields[slot]})

    def _target(self, kind: RowKind, claim: RowClaim, row: Row, live: frozenset[str]) -> None:
        """Check the fields that lookups of layer 3 see: an address in `sum` and 0 in `out`, or a register in `out` and 0 in `sum`."""
        destination = kind.executes is not None and kind.executes.computes == "destination"
        if claim.address and SUM not in live:
            raise Unequal(Refutation({}, "no address for layer 3"))
        if destination:
            self._is(row, OUT if claim.address else SUM, 0)
        if destination and isinstance(claim.result, int):  # `out` must be right before layer 3
            self._is(row, OUT, claim.result)

    def _asks_nothing_more(self, row: Row) -> None:
        for name in self.row_prover.network.layers[-1].copies:
            for field in self.row_prover.interface.heads[name].asks:
                if field != FETCH and field in self.row_prover.network.fields:
                    self._is(row, field, 0)
