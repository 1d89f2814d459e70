"""One PRAM step as a circuit of constant depth, shared by every construction.

A processor's step is computed on rows of three *roles*, one for each column of the instruction table:
the VALUE row computes the value, the DESTINATION row where it goes, the NEXT row the next program
counter. By default a row yields value 0, no destination, program counter + 1; the instruction ROM
holds one gate for each column of an instruction that departs from that, so nops cost nothing.
A construction whose rows have other roles puts a ROM together from the same columns.

layer 1 gates: ROM            -> operand selectors, constants, flags, default outputs
layer 2: operand lookups x, y; gates: word operations, branch test
layer 3: shared-memory read;   gates: what the word operations leave for the second set
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lockstep.compiler.circuit import (
    NO_RECENCY,
    At,
    Bit,
    Builder,
    Circuit,
    Control,
    Field,
    Linear,
    Match,
    Readout,
    Threshold,
    equals,
    total,
)
from lockstep.compiler.gates import GATES, Alu
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.pram.instructions import Apply, Cell, Fetch, Instruction, Next, Operand
from lockstep.pram.job import Job
from lockstep.pram.program import Program
from lockstep.pram.word import wrap

#: Where operands stand: word operations and sums read x and y; more slots are for constructions to read.
SLOTS = ("x", "y")
#: The kinds of tokens that a processor's step makes.
EMITTED = ("WORD", "PC", "HALT", "REG", "NONE")

#: Logits are multiples of this power of two: a bit that is wrong is e^-SHARPNESS as likely as one that is right.
SHARPNESS = 16


@dataclass(frozen=True)
class Keys:
    """Where a construction keeps what processors read: the key side of a lookup.

    For operands, `flags` are (is a parameter, is a pid); for shared memory there are none. `owner`
    are the pid bits, cared for where `owned` is 1.
    """

    index: Sequence[Linear]
    conditions: tuple[Linear, ...]
    values: Sequence[Linear]
    recency: Linear = NO_RECENCY
    recency_max: int = 0
    flags: tuple[Linear, ...] = ()
    owner: Sequence[Linear] = ()
    owned: Linear = Linear(constant=1)


@dataclass(frozen=True)
class Roles:
    """Literals that are all 1 on a row that computes the column of a processor's step."""

    value: tuple[Linear, ...]
    destination: tuple[Linear, ...]
    next: tuple[Linear, ...]


def bits_for(count: int) -> int:
    """Bits that number `count` things from 0, at least 1."""
    return max(1, (count - 1).bit_length())


@dataclass(frozen=True)
class Code:
    """What weights depend on beside bit widths: the instructions, and how many registers and parameters."""

    instructions: tuple[Instruction, ...]
    registers: int
    parameters: int

    @staticmethod
    def of(job: Job) -> Code:
        return Code(job.code, job.registers, len(job.parameters))

    @staticmethod
    def of_program(program: Program) -> Code:
        return Code(program.code.instructions, program.code.registers, len(program.code.derived))

    def operations(self) -> list[str]:
        """The word operations that the code applies, in the order of GATES; addresses are sums."""
        used = {i.row.value.operation for i in self.instructions if isinstance(i.row.value, Apply)}
        if any(isinstance(column, (Fetch, Cell)) for i in self.instructions for column in (i.row.value, i.row.destination)):
            used.add("add")
        used.update(*(GATES[name].needs for name in used))
        return [name for name in GATES if name in used]

    @property
    def branches(self) -> bool:
        return any(i.row.next is Next.BRANCH for i in self.instructions)


@dataclass(frozen=True)
class Size:
    """Bits of a word, a program counter, a register's index, and the index of a register or parameter."""

    word: int
    counter: int
    register: int
    index: int

    @staticmethod
    def of(code: Code, word_bits: int) -> Size:
        register = bits_for(code.registers)
        return Size(word_bits, bits_for(len(code.instructions)), register, max(register, bits_for(code.parameters)))

    @property
    def token(self) -> int:
        """Bits of the widest token."""
        return max(self.word, self.counter, self.register)


def vocabulary(size: Size) -> Vocabulary:
    """Words and addresses share tokens."""
    kinds = (("BOS", 0), (MASK, 0), ("HALT", 0), ("NONE", 0), ("REG", size.register), ("PC", size.counter), ("WORD", size.word))
    return Vocabulary(kinds)


class Processor:
    """Adds a processor's step to a circuit; the construction supplies roles, own pid and keys."""

    def __init__(self, builder: Builder, code: Code, size: Size, slots: tuple[str, ...] = SLOTS,
                 emitted: tuple[str, ...] = EMITTED) -> None:  # fmt: skip
        self.builder, self.code, self.size = builder, code, size
        field = builder.field
        self.counter = field("pc", size.counter)
        self.emit = {kind: field(f"emit.{kind}") for kind in emitted}
        self.out = field("out", size.token)
        self.operands = {slot: field(slot, size.word) for slot in slots}
        self.asks = {slot: field(f"{slot}.asks") for slot in slots}
        self.is_parameter = {slot: field(f"{slot}.parameter") for slot in slots}
        self.is_pid = {slot: field(f"{slot}.pid") for slot in slots}
        self.indices = {slot: field(f"{slot}.index", size.index) for slot in slots}
        self.sum = field("sum", size.word)
        self.fetch = field("fetch")
        self.flags = {name: field(name) for name in self._flag_names()}
        if code.branches:
            self.up, self.down = field("jump.up", size.counter), field("jump.down", size.counter)

    def _flag_names(self) -> list[str]:
        return list(dict.fromkeys(flag for operation in self.code.operations() for flag in GATES[operation].flags))

    # -- layer 1 -------------------------------------------------------------------------------

    def add_rom(self, roles: Roles) -> None:
        """Default outputs of each role, and what each instruction changes of them."""
        b, out = self.builder, self.out
        b.when(At.ROM, roles.value, {self.emit["WORD"].bit(): 1})
        b.when(At.ROM, roles.destination, {self.emit["NONE"].bit(): 1})
        self.add_increment(roles.next)
        for number, instruction in enumerate(self.code.instructions):
            here = self.counter_is(number)
            columns = (
                (roles.value, self.value_column(instruction)),
                (roles.destination, self._destination_column(instruction)),
                (roles.next, self.next_column(number, instruction)),
            )
            for role, writes in columns:
                if writes:
                    b.when(At.ROM, [*role, *here], writes)
        assert out.width >= self.size.counter

    def counter_is(self, number: int) -> list[Linear]:
        """Literals that are all 1 where the program counter is `number`."""
        return equals([*self.counter], number)

    def add_increment(self, role: tuple[Linear, ...]) -> None:
        """out := pc + 1. Bit j is pc_j + carry_j - 2 carry_{j+1}, and a carry is a run of ones below it."""
        bits = [*self.counter]
        for j in range(len(bits)):
            self.builder.when(At.ROM, [*role, bits[j]], {self.out.bit(j): 1})
            carry: dict[Bit, int] = {self.out.bit(j): 1}
            if j:
                carry[self.out.bit(j - 1)] = -2
            else:
                carry[self.emit["PC"].bit()] = 1
            self.builder.when(At.ROM, [*role, *bits[:j]], carry)
        self.builder.when(At.ROM, [*role, *bits], {self.out.bit(len(bits) - 1): -2})

    def value_column(self, instruction: Instruction) -> dict[Bit, int]:
        """What computes an instruction's value into `out`."""
        match instruction.row.value:
            case Apply(operation, names):
                flags = {self.flags[flag].bit(): 1 for flag in GATES[operation].flags}
                return flags | self.select(instruction.operand(n) for n in names)
            case Fetch() as fetch:
                return {self.fetch.bit(): 1} | self.address(instruction, fetch)
        return {}

    def address(self, instruction: Instruction, of: Fetch | Cell) -> dict[Bit, int]:
        """What computes an address into `sum`."""
        return {self.flags["sums"].bit(): 1} | self.select(instruction.operand(n) for n in of.address)

    def _destination_column(self, instruction: Instruction) -> dict[Bit, int]:
        none = {self.emit["NONE"].bit(): -1}
        if isinstance(instruction.row.destination, Cell):
            emit = {self.emit["WORD"].bit(): 1, self.flags["sum.emit"].bit(): 1}
            return none | emit | self.address(instruction, instruction.row.destination)
        if instruction.rd is not None:
            return none | {self.emit["REG"].bit(): 1} | _change_bits(self.out, instruction.rd)
        return {}

    def next_column(self, number: int, instruction: Instruction) -> dict[Bit, int]:
        """What changes of the default, which is number + 1."""
        following = number + 1
        target = instruction.target if instruction.target is not None else 0
        match instruction.row.next:
            case Next.JUMP:
                return _change_bits(self.out, target, following, self.size.counter)
            case Next.STOP:
                halt = {self.emit["PC"].bit(): -1, self.emit["HALT"].bit(): 1}
                return halt | _change_bits(self.out, 0, following, self.size.counter)
            case Next.BRANCH:
                change = _change_bits(self.out, target, following, self.size.counter)
                ups = {self.up.bit(j): 1 for (_, j), sign in change.items() if sign > 0}
                downs = {self.down.bit(j): 1 for (_, j), sign in change.items() if sign < 0}
                return ups | downs | self.select([instruction.operand("x")])
        return {}

    def select(self, operands: Iterable[Operand], slots: tuple[str, ...] = SLOTS) -> dict[Bit, int]:
        """What puts operands into slots in order: constants directly, the rest by asking."""
        writes: dict[Bit, int] = {}
        for slot, operand in zip(slots, operands):
            if operand.kind == "constant":
                writes |= _change_bits(self.operands[slot], wrap(operand.number, self.size.word))
                continue
            writes[self.asks[slot].bit()] = 1
            if operand.kind == "parameter":
                writes[self.is_parameter[slot].bit()] = 1
            if operand.kind == "pid":
                writes[self.is_pid[slot].bit()] = 1
            else:
                writes |= _change_bits(self.indices[slot], operand.number)
        return writes

    # -- layers 2 and 3 ------------------------------------------------------------------------

    def add_operands(self, keys: Keys, own_pid: Sequence[Linear]) -> None:
        """One lookup for each slot: registers, parameters and pids share the key space."""
        for slot in self.operands:
            flags = (self.is_parameter[slot].flag, self.is_pid[slot].flag)
            matches = [Match(q, k) for q, k in zip(flags, keys.flags)]
            matches += [Match(q, k) for q, k in zip(self.indices[slot], keys.index)]
            matches += [Match(q, k, keys.owned) for q, k in zip(own_pid, keys.owner)]
            reads = tuple((value, self.operands[slot].bit(j)) for j, value in enumerate(keys.values))
            how = keys.conditions, reads, keys.recency, keys.recency_max
            self.builder.look_up(At.OPERANDS, slot, self.asks[slot].flag, matches, *how)

    def add_operations(self) -> None:
        """The gates of every word operation in use, and the branch test."""
        alu = Alu(self.builder, self.operands["x"], self.operands["y"], self.out, self.flags)
        for operation in self.code.operations():
            GATES[operation].emit(alu)
        if self.code.branches:
            nonzero = total(self.operands["x"])
            for j in range(self.size.counter):
                self.builder.gate(At.OPERANDS, Threshold(self.up[j] - 1 - nonzero, {self.out.bit(j): 1}))
                self.builder.gate(At.OPERANDS, Threshold(self.down[j] - 1 - nonzero, {self.out.bit(j): -1}))

    def add_fetch(self, keys: Keys, also: Linear | int = 0) -> None:
        """The shared-memory read: its address is the field `sum`; rows where `also` is 1 ask as well."""
        matches = tuple(Match(q, k) for q, k in zip(self.sum, keys.index))
        reads = tuple((value, self.out.bit(j)) for j, value in enumerate(keys.values))
        asks = self.fetch.flag + also
        how = keys.conditions, reads, keys.recency, keys.recency_max
        self.builder.look_up(At.MEMORY, "memory", asks, matches, *how)

    def circuit(self, kinds: dict[str, Field], bits: Field, one: Field, positions: frozenset[str],
                control: Control | None = None) -> Circuit:  # fmt: skip
        """The circuit of everything that was added to the builder.

        Args: kinds: the flag of each kind of token; bits: its bits; one: 1 on every row. positions: fields of the encodings.
        """
        return Circuit(
            vocabulary=vocabulary(self.size), fields=self.builder.fields, kind_flags=kinds, token_bits=bits,
            sink=kinds["BOS"].flag, one=one.flag, layers=self.builder.layers, readout=self.readout(), positions=positions,
            control=control,
        )  # fmt: skip

    def readout(self) -> Readout:
        """Each row's token: the kind it emits, the bits in `out`. Rows that emit nothing are flat.

        A kind outweighs all bits: kinds differ in how many bits they have.
        """
        weight = SHARPNESS * (self.size.token + 2)
        any_kind = total(f.flag for f in self.emit.values())
        return Readout(
            {kind: f.flag * weight for kind, f in self.emit.items()},
            tuple(bit * SHARPNESS for bit in self.out),
            tuple((any_kind - bit) * SHARPNESS for bit in self.out),
        )


def _change_bits(field: Field, value: int, instead_of: int = 0, width: int | None = None) -> dict[Bit, int]:
    """Writes that turn the bits of `instead_of` into those of `value`."""
    change = {}
    for j in range(width or field.width):
        difference = (value >> j & 1) - (instead_of >> j & 1)
        if difference:
            change[field.bit(j)] = difference
    return change
