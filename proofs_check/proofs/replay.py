"""Counterexamples: a failed obligation as one concrete state, run by the model's own layers and by the machine.

A row is put together as the state says: fields that are known on its kind, and what its lookups find there. Its layers are those
of the transformer, in torch; the token that comes out is held against the machine's step from the same state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from compiler.compile import Compiled
from pram.instructions import Instruction, Operand, Trap
from pram.job import Job
from pram.machine import HALTED, NO_DESTINATION, Machine, register_destination
from proofs_check.proofs.interface import FETCH, OUT, SUM, Interface
from proofs_check.proofs.reduction import Row
from proofs_check.proofs.rows import Fault, Fields
from proofs_check.proofs.weights import Network

Words = NDArray[np.int64]

TRIES = 400
FEW_CELLS = 6


@dataclass(frozen=True)
class State:
    """Of one processor: its pid, registers and parameters, and shared memory; all words."""

    pid: int
    registers: tuple[int, ...]
    parameters: tuple[int, ...]
    memory: Words

    def word(self, kind: str, index: int) -> int:
        """What a lookup for an operand finds; 0 where there is none."""
        if kind == "pid":
            return self.pid
        words = self.registers if kind == "register" else self.parameters
        return words[index] if index < len(words) else 0

    def __str__(self) -> str:
        registers = [f"r{i} = {w}" for i, w in enumerate(self.registers)]
        parameters = [f"parameter {i} = {w}" for i, w in enumerate(self.parameters)]
        return ", ".join([*registers, *parameters, f"pid = {self.pid}"])


@dataclass(frozen=True)
class Counterexample:
    """A state in which model and machine part, and what each says; where no machine runs, what the row must be instead.

    confirmed: the model's own layers gave `model`, and it is not `machine`.
    """

    where: str
    state: str
    model: str
    machine: str
    confirmed: bool

    def __str__(self) -> str:
        return f"{self.where}\nstate: {self.state}\nmodel: {self.model}\nmachine: {self.machine}"


def counterexample(compiled: Compiled, network: Network, interface: Interface, fault: Fault) -> Counterexample:
    """The first state found in which the fault shows; not confirmed if none was found."""
    replayer = _Replayer(compiled, network, interface, fault)
    return replayer.executed() if fault.kind.executes else replayer.unexecuted()


class _Replayer:
    def __init__(self, compiled: Compiled, network: Network, interface: Interface, fault: Fault) -> None:
        self.compiled, self.network, self.interface, self.fault = compiled, network, interface, fault
        self.bits = compiled.widths.word
        self.random = np.random.default_rng(0)

    # -- rows that execute ---------------------------------------------------------------------

    @cached_property
    def instruction(self) -> Instruction:
        """Without what only the checked machine looks at."""
        assert self.fault.kind.executes is not None
        found = self.compiled.code.instructions[self.fault.kind.executes.number]
        return replace(found, trap=Trap.NOTHING, checks=())

    def executed(self) -> Counterexample:
        executes = self.fault.kind.executes
        assert executes is not None
        where = f"instruction {executes.number}, `{self.instruction.name}`, row that computes its {executes.computes}"
        for state in self._states():
            found, wanted = self._model(state), self._machine(state)
            if found != wanted:
                return Counterexample(where, f"{state}{self._cell(state)}", found, wanted, True)
        return Counterexample(where, f"none of {TRIES} states tried shows it", self.fault.refuted.what, "", False)

    def _cell(self, state: State) -> str:
        if self.instruction.name != "load":
            return ""
        address = sum(state.word(o.kind, o.index) if o.kind != "constant" else o.index for o in self._operands()[:2])
        cell = address % (1 << self.bits)
        return f", cell {cell} = {state.memory[cell]}"

    def _operands(self) -> list[Operand]:
        return [o for o in (self.instruction.x, self.instruction.y, self.instruction.z) if o is not None]

    def _states(self) -> Iterator[State]:
        """First the words that the solver found, then corners, then random ones."""
        top = (1 << self.bits) - 1
        hints = self._hinted()
        corners = [0, 1, 2, self.bits - 1, self.bits, top >> 1, (top >> 1) + 1, top - 1, top]
        yield self._state(hints or {})
        for x in corners:
            for y in corners:
                yield self._state({"x": x & top, "y": y & top, "z": int(self.random.integers(0, top + 1))})
        for _ in range(TRIES - 1 - len(corners) ** 2):
            yield self._state({})

    def _hinted(self) -> dict[str, int]:
        """Operand words that refute the obligation."""
        words: dict[str, int] = {}
        for column, value in self.fault.refuted.values.items():
            name, bit = self.network.names[column]
            if name in self.interface.slots:
                words[name] = words.get(name, 0) | value << bit
        return words

    def _state(self, words: Mapping[str, int]) -> State:
        """A random state in which operands are these words, where they may be anything."""
        code, random = self.compiled.code, self.random
        registers = random.integers(0, 1 << self.bits, code.registers).tolist()
        parameters = random.integers(0, 1 << self.bits, code.parameters).tolist()
        operands = [self.instruction.z] if self.instruction.name == "store" and "z" not in words else []
        for operand, word in zip((self.instruction.x, self.instruction.y, *operands), (words.get("x"), words.get("y"))):
            if operand is not None and word is not None and operand.kind in ("register", "parameter"):
                (registers if operand.kind == "register" else parameters)[operand.index] = int(word)
        memory = random.integers(0, 1 << self.bits, 1 << self.bits)
        pid = int(random.integers(0, min(1 << self.bits, 1 << self.compiled.widths.pid)))
        return State(pid, tuple(registers), tuple(parameters), memory)

    def _machine(self, state: State) -> str:
        """The token of the machine's step."""
        executes, code = self.fault.kind.executes, self.compiled.code
        assert executes is not None
        program = tuple(replace(i, trap=Trap.NOTHING, checks=()) for i in code.instructions)
        job = Job(
            code=program, registers=code.registers, processors=state.pid + 1, word_bits=self.bits, mode="CRCW priority",
            memory=state.memory, parameters=state.parameters,
        )  # fmt: skip
        machine = Machine(job)
        machine.counter[:] = HALTED
        machine.counter[state.pid] = executes.number
        machine.registers[:, state.pid] = state.registers
        step = machine.step()
        value, destination, following = (int(a[state.pid]) for a in (step.value, step.destination, step.next))
        counter = "HALT" if following == HALTED else f"PC {following}"
        place = f"WORD {destination}" if destination >= 0 else f"REG {register_destination(0) - destination}"
        match executes.computes:
            case "value":
                return f"WORD {value}"
            case "next":
                return counter
            case "destination":
                return "NONE" if destination == NO_DESTINATION else place
        return f"{counter}, store {value} at {place}" if destination >= 0 else counter

    def _model(self, state: State) -> str:
        """The token of the model's row, its lookups answered by the state."""
        row = self._first_row()
        layers = self.compiled.model.layers
        with torch.no_grad():
            row = row + layers[0].feed_forward(row)
            self._fill_slots(row, state)
            row = row + layers[1].feed_forward(row)
            self._load(row, state)
            published = self._published(row)
            row = row + layers[2].feed_forward(row)
            prediction = self.compiled.model.predict(row)
        token = self.compiled.model.vocabulary.text(int(prediction.token[0]))
        if float(prediction.probability[0]) < 0.9:
            token = f"nothing certain ({token} with probability {float(prediction.probability[0]):.3g})"
        edits = self._edits(prediction.control)
        return f"{token}{published}{edits}"

    def _first_row(self) -> torch.Tensor:
        """What the row holds before the gates of layer 1, [1, d]: fields that are not known take values that refute."""
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
        return torch.from_numpy(values[None].copy()).to(self.compiled.model.dtype)

    def _get(self, row: torch.Tensor, field: str) -> int:
        columns = self.network.fields.get(field, ())
        return sum(int(row[0, c]) << j for j, c in enumerate(columns))

    def _fill_slots(self, row: torch.Tensor, state: State) -> None:
        for slot in self.interface.slots:
            if self._get(row, f"{slot}.asks") <= 0:
                continue
            kind = "parameter" if self._get(row, f"{slot}.parameter") else "register"
            kind = "pid" if self._get(row, f"{slot}.pid") else kind
            word = state.word(kind, self._get(row, f"{slot}.index"))
            for j, column in enumerate(self.network.fields[slot]):
                row[0, column] += word >> j & 1

    def _load(self, row: torch.Tensor, state: State) -> None:
        if self._get(row, FETCH) <= 0:
            return
        word = int(state.memory[self._get(row, SUM) % (1 << self.bits)])
        for j, column in enumerate(self.network.fields[OUT][: self.bits]):
            row[0, column] += word >> j & 1

    def _published(self, row: torch.Tensor) -> str:
        if not self._get(row, "stores"):
            return ""
        return f", store {self._get(row, 'z')} at WORD {self._get(row, SUM)}"

    def _edits(self, control: torch.Tensor | None) -> str:
        if control is None:
            return ""
        return "".join(f", {name}" for name, bit in zip(("remask", "insert", "delete"), control[0].tolist()) if bit)

    # -- rows that do not ----------------------------------------------------------------------

    def unexecuted(self) -> Counterexample:
        """One row before the layer's gates, what they add to it, and what they must add."""
        fault, names = self.fault, self.network.names
        values = fault.row.low.copy()
        for column, value in fault.refuted.values.items():
            values[column] = value
        row = torch.from_numpy(values[None].copy()).to(self.compiled.model.dtype)
        with torch.no_grad():
            added = self.compiled.model.layers[fault.layer - 1].feed_forward(row)[0].to(torch.float64).numpy()
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
        where = f"row `{fault.kind.name}`, gates of layer {fault.layer}"
        return Counterexample(where, state, f"adds {model}", f"wants {machine}", bool(wrong))


def _integer(term: object) -> int:
    """The value of a term without variables."""
    import z3

    return term if isinstance(term, int) else int(z3.simplify(term).as_long())
