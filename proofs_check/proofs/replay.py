"""Counterexamples: one concrete state for a failed obligation, run by the model's own layers and by the machine.

The fields that are known on the kind of row, and the words that its lookups find in the state, make up the row. The layers of
the transformer, in torch, turn it into a token. This token is compared with the machine's step from the same state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from lockstep.compiler.compile import Compiled
from lockstep.models.processes import THRESHOLD
from lockstep.models.torch_transformer import TorchPrediction, TorchTransformer
from lockstep.pram.instructions import Instruction, Operand, Trap
from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, NO_DESTINATION, Machine, register_of
from lockstep.proofs_check.proofs.instructions import claim_of
from lockstep.proofs_check.proofs.interface import FETCH, OUT, SUM, Interface
from lockstep.proofs_check.proofs.reduction import Row
from lockstep.proofs_check.proofs.rows import Fault, Fields
from lockstep.proofs_check.proofs.weights import Network

Words = NDArray[np.int64]

TRIES = 400
#: States that the model's layers take at once, after the first one. It takes longer to read the weights than to compute a row.
TOGETHER = 40


@dataclass(frozen=True)
class State:
    """The state of one processor: its pid, registers and parameters, and shared memory; all are words."""

    pid: int
    registers: tuple[int, ...]
    parameters: tuple[int, ...]
    memory: Words

    def word(self, operand: Operand | None) -> int:
        """The word that a lookup for an operand finds; 0 without an operand."""
        if operand is None or operand.kind == "constant":
            return operand.number if operand else 0
        if operand.kind == "pid":
            return self.pid
        words = self.registers if operand.kind == "register" else self.parameters
        return words[operand.number] if operand.number < len(words) else 0

    def __str__(self) -> str:
        registers = [f"r{i} = {w}" for i, w in enumerate(self.registers)]
        parameters = [f"parameter {i} = {w}" for i, w in enumerate(self.parameters)]
        return ", ".join([*registers, *parameters, f"pid = {self.pid}"])


@dataclass(frozen=True)
class Counterexample:
    """A state in which model and machine differ, with the result of each. On rows that do not execute, `machine` is the claim.

    confirmed: whether the model's own layers gave `model`, and it differs from `machine`.
    """

    where: str
    state: str
    model: str
    machine: str
    confirmed: bool

    def __str__(self) -> str:
        return f"{self.where}\nstate: {self.state}\nmodel: {self.model}\nmachine: {self.machine}"


def counterexample(compiled: Compiled, network: Network, interface: Interface, fault: Fault) -> Counterexample:
    """The first state found that shows the fault; not confirmed if none was found."""
    replayer = _Replayer(compiled, network, interface, fault)
    return replayer.executed() if fault.kind.executes else replayer.unexecuted()


class _Replayer:
    def __init__(self, compiled: Compiled, network: Network, interface: Interface, fault: Fault) -> None:
        self.compiled, self.network, self.interface, self.fault = compiled, network, interface, fault
        self.model = TorchTransformer(compiled.model)
        self.step = self.model.layers[interface.ahead :]
        self.bits = compiled.widths.word
        self.random = np.random.default_rng(0)

    # -- rows that execute ---------------------------------------------------------------------

    @cached_property
    def instruction(self) -> Instruction:
        """The instruction of the row, without traps and checks."""
        assert self.fault.kind.executes is not None
        return _bare(self.compiled.code.instructions[self.fault.kind.executes.number])

    @cached_property
    def general(self) -> Instruction:
        """The same with all operands in registers: gates are proved for all words, not only for those of this program."""
        places = {name: Operand("register", i) for i, name in enumerate("xyz") if getattr(self.instruction, name) is not None}
        return replace(self.instruction, **places)  # type: ignore[arg-type]

    def executed(self) -> Counterexample:
        executes = self.fault.kind.executes
        assert executes is not None
        for instruction in (self.instruction, self.general):
            forced = instruction is self.general
            where = f"instruction {executes.number}, `{instruction.name}`{', its operands in registers' if forced else ''}"
            for state, found in self._replayed(instruction, forced):
                wanted = self._machine(state, instruction)
                if found != wanted:
                    words = f"{state}{self._cell(state, instruction)}"
                    return Counterexample(f"{where}, row that computes its {executes.computes}", words, found, wanted, True)
        return Counterexample(where, f"none of {2 * TRIES} states tried shows it", self.fault.refuted.what, "", False)

    def _cell(self, state: State, instruction: Instruction) -> str:
        if instruction.name != "load":
            return ""
        cell = sum(state.word(operand) for operand in (instruction.x, instruction.y)) % (1 << self.bits)
        return f", cell {cell} = {state.memory[cell]}"

    def _states(self, instruction: Instruction) -> Iterator[State]:
        """States to try: first the words that the solver found, then edge cases, then random words."""
        top = (1 << self.bits) - 1
        hints = self._hinted()
        corners = sorted({0, 1, 2, self.bits - 1, self.bits, top >> 1, (top >> 1) + 1, top - 1, top})
        pairs = [
            (hints.get("x"), hints.get("y")),
            *((hints.get("x"), y) for y in corners),
            *((x, hints.get("y")) for x in corners),
        ]
        pairs += [(x & top, y & top) for x in corners for y in corners]
        pairs += [(None, None)] * (TRIES - len(pairs))
        return (self._state(instruction, *pair) for pair in pairs)

    def _hinted(self) -> dict[str, int]:
        """The operand words with which the solver refuted the obligation."""
        words: dict[str, int] = {}
        for column, value in self.fault.refuted.values.items():
            name, bit = self.network.names[column]
            if name in self.interface.slots:
                words[name] = words.get(name, 0) | value << bit
        return words

    def _state(self, instruction: Instruction, x: int | None, y: int | None) -> State:
        """A random state in which the operands are x and y, if they can be set."""
        code, random, most = self.compiled.code, self.random, 1 << self.bits
        registers = random.integers(0, most, max(3, code.registers)).tolist()
        parameters = random.integers(0, most, code.parameters).tolist()
        first, second = instruction.x, instruction.y
        if instruction.name == "store" and self.fault.kind.executes and self.fault.kind.executes.computes == "value":
            first, second = instruction.z, None
        for operand, word in ((first, x), (second, y)):
            if operand is not None and word is not None and operand.kind in ("register", "parameter"):
                (registers if operand.kind == "register" else parameters)[operand.number] = int(word)
        memory = random.integers(0, most, most)
        pid = int(random.integers(0, min(most, 1 << self.compiled.widths.pid)))
        return State(pid, tuple(registers), tuple(parameters), memory)

    @cached_property
    def _bare_code(self) -> tuple[Instruction, ...]:
        return tuple(_bare(i) for i in self.compiled.code.instructions)

    def _program(self, instruction: Instruction) -> tuple[Instruction, ...]:
        """The code with this instruction in the place of the one that the row executes."""
        assert self.fault.kind.executes is not None
        number = self.fault.kind.executes.number
        return (*self._bare_code[:number], instruction, *self._bare_code[number + 1 :])

    def _machine(self, state: State, instruction: Instruction) -> str:
        """The result of the machine's step, as text."""
        executes = self.fault.kind.executes
        assert executes is not None
        job = Job(
            code=self._program(instruction), registers=len(state.registers), processors=state.pid + 1, word_bits=self.bits,
            mode="CRCW priority", memory=state.memory, parameters=state.parameters,
        )  # fmt: skip
        machine = Machine(job)
        machine.counter[:] = HALTED
        machine.counter[state.pid] = executes.number
        machine.registers[:, state.pid] = state.registers
        step = machine.step()
        value, destination, following = (int(a[state.pid]) for a in (step.value, step.destination, step.next))
        counter = "HALT" if following == HALTED else f"PC {following}"
        place = f"WORD {destination}" if destination >= 0 else f"REG {register_of(destination)}"
        match executes.computes:
            case "value":
                return f"WORD {value}"
            case "next":
                return counter
            case "destination":
                return "NONE" if destination == NO_DESTINATION else place
        return f"{counter}, store {value} at {place}" if destination >= 0 else counter

    def _replayed(self, instruction: Instruction, forced: bool) -> Iterator[tuple[State, str]]:
        """The states to try with the model's results. The first one, which mostly shows the fault, goes alone."""
        states, size = self._states(instruction), 1
        while some := list(islice(states, size)):
            yield from zip(some, self._models(some, instruction, forced))
            size = TOGETHER

    def _models(self, states: Sequence[State], instruction: Instruction, forced: bool) -> list[str]:
        """The results of the model's rows, as text. forced: fill slots with the instruction's operands, without lookups."""
        rows, layers = self._after_layer_1.repeat(len(states), 1), self.step  # [states, d]
        with torch.no_grad():
            for row, state in zip(rows[:, None].unbind(), states):
                if forced:
                    self._force_slots(row, state, instruction)
                else:
                    self._fill_slots(row, state)
            rows = rows + layers[1].feed_forward(rows)
            for row, state in zip(rows[:, None].unbind(), states):
                self._load(row, state)
            published = [self._published(row) for row in rows[:, None].unbind()]
            prediction = self.model.predict(rows + layers[2].feed_forward(rows))
        return [self._text(prediction, number, stored) for number, stored in enumerate(published)]

    @cached_property
    def _after_layer_1(self) -> torch.Tensor:
        """The row after layer 1, which no state has touched yet, [1, d]."""
        with torch.no_grad():
            row = self._first_row()
            return row + self.step[0].feed_forward(row)

    def _first_row(self) -> torch.Tensor:
        """The row before the gates of layer 1, [1, d]; unknown fields take the values that refuted the obligation."""
        values = self.fault.row.low.copy() if self.fault.layer == 1 else np.zeros(len(self.network.names))
        for field, columns in self.network.fields.items():
            for j, column in enumerate(columns):
                known = self.fault.kind.known.get(field)
                if known is not None:
                    values[column] = known >> j & 1 if len(columns) > 1 else known
        values[self.network.columns["one", 0]] = 1
        if "end" in self.network.fields and "full" in self.network.fields:  # L = N
            values[self.network.columns["full", 0]] = 1
        if self.fault.layer == 1:
            for column, value in self.fault.refuted.values.items():
                values[column] = value
        return self.model.tensor(values[None].copy())

    def _get(self, row: torch.Tensor, field: str) -> int:
        """The integer of a field's bits; bits out of range count as the nearest bit, as in a query."""
        columns = self.network.fields.get(field, ())
        return sum(min(max(int(row[0, c]), 0), 1) << j for j, c in enumerate(columns))

    def _fill_slots(self, row: torch.Tensor, state: State) -> None:
        for slot in self.interface.slots:
            if self._get(row, f"{slot}.asks"):
                word = state.word(self._asked(row, slot))
                for j, column in enumerate(self.network.fields[slot]):
                    row[0, column] += word >> j & 1

    def _asked(self, row: torch.Tensor, slot: str) -> Operand:
        """The operand that a slot asks for."""
        index = self._get(row, f"{slot}.index")
        if self._get(row, f"{slot}.pid"):
            return Operand("pid", index)
        return Operand("parameter" if self._get(row, f"{slot}.parameter") else "register", index)

    def _force_slots(self, row: torch.Tensor, state: State, instruction: Instruction) -> None:
        assert self.fault.kind.executes is not None
        claim = claim_of(instruction, self.fault.kind.executes.number, self.fault.kind.executes.computes, self.interface.slots)
        for slot, operand in claim.slots.items():
            for j, column in enumerate(self.network.fields[slot]):
                row[0, column] = state.word(operand) >> j & 1

    def _load(self, row: torch.Tensor, state: State) -> None:
        if self._get(row, FETCH):
            word = int(state.memory[self._get(row, SUM)])
            for j, column in enumerate(self.network.fields[OUT][: self.bits]):
                row[0, column] += word >> j & 1

    def _text(self, prediction: TorchPrediction, number: int, stored: str) -> str:
        """What the model predicts for a row: its token, what it stores, and the edits."""
        token, probability = self.model.vocabulary.text(int(prediction.token[number])), float(prediction.probability[number])
        if probability < THRESHOLD:
            token = f"nothing certain ({token} with probability {probability:.3g})"
        edits = "" if prediction.control is None else self._edits(prediction.control[number])
        return f"{token}{stored}{edits}"

    def _published(self, row: torch.Tensor) -> str:
        if not self._get(row, "stores"):
            return ""
        return f", store {self._get(row, 'z')} at WORD {self._get(row, SUM)}"

    def _edits(self, control: torch.Tensor) -> str:
        return "".join(f", {name}" for name, bit in zip(("remask", "insert", "delete"), control.tolist()) if bit)

    # -- rows that do not execute --------------------------------------------------------------

    def unexecuted(self) -> Counterexample:
        """One row before the layer's gates, the sums that they add, and the sums that they must add."""
        fault, names = self.fault, self.network.names
        values = fault.row.low.copy()
        for column, value in fault.refuted.values.items():
            values[column] = value
        with torch.no_grad():
            gates = self.model.layers[fault.layer - 1 + self.interface.ahead].feed_forward
            added = gates(self.model.tensor(values[None]))[0].to(torch.float64).numpy()
        fields = Fields(self.network, Row(values, values))
        wanted = np.zeros(len(names))
        for bit, term in fault.kind.adds(fault.layer, fields).items():
            if bit in self.network.columns:
                wanted[self.network.columns[bit]] = _integer(term)
        wrong = np.flatnonzero(added != wanted).tolist()
        state = ", ".join(f"{self.network.text(c)} = {values[c]:g}" for c in np.flatnonzero(values).tolist())
        model, machine = (
            ", ".join(f"{amounts[c]:+g} to {self.network.text(c)}" for c in wrong) or "nothing" for amounts in (added, wanted)
        )
        where = f"row `{fault.kind.name}`, gates of layer {fault.layer + self.interface.ahead}"
        return Counterexample(where, state, f"adds {model}", f"wants {machine}", bool(wrong))


def _bare(instruction: Instruction) -> Instruction:
    """The instruction without traps and checks, which no model has."""
    return replace(instruction, trap=Trap.NOTHING, checks=())


def _integer(term: object) -> int:
    """The value of a term without variables."""
    import z3

    return term if isinstance(term, int) else int(z3.simplify(term).as_long())
