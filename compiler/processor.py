"""One PRAM step as a circuit of constant depth, shared by every construction.

Rows of three *roles* compute a processor's step, one for each column of the instruction table: the VALUE
row computes the value, the DESTINATION row its destination, the NEXT row the next program counter. The
defaults are value 0, no destination and program counter + 1. The instruction ROM has one gate for each
column that differs from its default, so a nop needs no gate. A construction whose rows have other roles
builds its ROM from the same columns.

layer 1 gates: ROM            -> operand selectors, constants, flags, default outputs
layer 2: operand lookups x, y; gates: word operations, branch test
layer 3: shared-memory read;   gates: the second set of the word operations' gates
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lockstep.compiler.circuit import NO_RECENCY, At, Builder, Circuit, Control, Field, Match, Readout, Threshold
from lockstep.compiler.gates import GATES, Alu
from lockstep.compiler.linear import Bit, Linear, equals, total
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.pram.access import MODES, Combining
from lockstep.pram.instructions import Apply, Cell, Fetch, Instruction, Next, Operand, rules_of
from lockstep.pram.job import Job
from lockstep.pram.program import Program
from lockstep.pram.word import wrap

#: How models combine writes: by one rule, or each write by its own.
How = Literal["order", "max", "min", "sum", "and", "or", "mixed"]

#: Operand slots. Word operations and sums read x and y; a construction may add slots.
OPERAND_SLOTS = ("x", "y")
#: The kinds of tokens that a processor's step emits.
EMITTED_KINDS = ("WORD", "PC", "HALT", "REG", "NONE")

#: Logits are multiples of this power of two. A wrong bit is e^-SHARPNESS times as likely as the right one.
SHARPNESS = 16


@dataclass(frozen=True)
class Keys:
    """The key side of a lookup of operands or of shared memory; each construction has its own.

    index: bits of a register's or parameter's index, or of an address. values: bits that the lookup reads.
    flags: for operands (is a parameter, is a pid), for shared memory none.
    owner: the pid bits of the key. They must match where `owned` is 1.
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
    """For each column of a processor's step, the literals that are all 1 on the rows that compute it."""

    value: tuple[Linear, ...]
    destination: tuple[Linear, ...]
    next: tuple[Linear, ...]


def bits_for(count: int) -> int:
    """How many bits the numbers 0 .. count - 1 take, at least 1."""
    return max(1, (count - 1).bit_length())


@dataclass(frozen=True)
class Code:
    """The instructions, and the numbers of registers and parameters. Weights depend on these and on bit widths alone.

    combining: what concurrent writes leave in a cell (`lockstep.pram.access`), where a store has no rule of its own.
    """

    instructions: tuple[Instruction, ...]
    registers: int
    parameters: int
    combining: Combining = "order"

    @staticmethod
    def of(job: Job) -> Code:
        return Code(job.code, job.registers, len(job.parameters), MODES[job.mode].combining)

    @staticmethod
    def of_program(program: Program) -> Code:
        combining = MODES[program.symbols.mode].combining
        return Code(program.code.instructions, program.code.registers, len(program.code.derived), combining)

    @property
    def rules(self) -> tuple[Combining, ...]:
        """How its stores combine writes."""
        return rules_of(self.instructions, self.combining)

    @property
    def how(self) -> How:
        """The only rule, if a model needs no flags of rules for it; else "mixed"."""
        first, *others = self.rules
        return "mixed" if others or first in ("and", "or") else first

    @property
    def has_extremes(self) -> bool:
        """Whether the largest or the smallest value is left somewhere."""
        return not {"max", "min"}.isdisjoint(self.rules)

    @property
    def adds(self) -> bool:
        """Whether values are added up somewhere."""
        return "sum" in self.rules

    def stores(self) -> Iterator[tuple[int, Combining]]:
        """The places of its stores, with their rules."""
        for number, instruction in enumerate(self.instructions):
            if instruction.stores:
                yield number, instruction.rule_in(self.combining)

    def operations(self) -> list[str]:
        """The word operations that the code applies, in the order of GATES. Addresses need `add`."""
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


def vocabulary(size: Size, marks: Iterable[str] = ()) -> Vocabulary:
    """The vocabulary of a construction. Words and addresses share the WORD tokens. marks: further kinds, without bits."""
    kinds = (("BOS", 0), (MASK, 0), ("HALT", 0), ("NONE", 0), ("REG", size.register), ("PC", size.counter), ("WORD", size.word))
    return Vocabulary((*kinds, *((mark, 0) for mark in marks)))


class Processor:
    """Adds a processor's step to a circuit. The construction supplies roles, pids and keys."""

    def __init__(self, builder: Builder, code: Code, size: Size, slots: tuple[str, ...] = OPERAND_SLOTS,
                 emitted: tuple[str, ...] = EMITTED_KINDS) -> None:  # fmt: skip
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
        """Add the gates for the default outputs of each role, and for the columns of each instruction that differ."""
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
        """Add the gates for out := pc + 1. Bit j is pc_j + carry_j - 2 carry_{j+1}; carry_j is 1 if all bits below j are 1."""
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
        """The writes that make a row compute an instruction's value into `out`."""
        match instruction.row.value:
            case Apply(operation, names):
                flags = {self.flags[flag].bit(): 1 for flag in GATES[operation].flags}
                return flags | self.select(instruction.operand(n) for n in names)
            case Fetch() as fetch:
                return {self.fetch.bit(): 1} | self.address(instruction, fetch)
        return {}

    def address(self, instruction: Instruction, of: Fetch | Cell) -> dict[Bit, int]:
        """The writes that make a row compute an address into `sum`."""
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
        """The writes that turn the default program counter, number + 1, into the instruction's next one."""
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

    def select(self, operands: Iterable[Operand], slots: tuple[str, ...] = OPERAND_SLOTS) -> dict[Bit, int]:
        """The writes that put operands into slots, in order. Constants are written, and lookups read the rest."""
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
        """Add one lookup for each slot. Registers, parameters and pids share the key space."""
        for slot in self.operands:
            flags = (self.is_parameter[slot].flag, self.is_pid[slot].flag)
            matches = [Match(q, k) for q, k in zip(flags, keys.flags)]
            matches += [Match(q, k) for q, k in zip(self.indices[slot], keys.index)]
            matches += [Match(q, k, keys.owned) for q, k in zip(own_pid, keys.owner)]
            reads = tuple((value, self.operands[slot].bit(j)) for j, value in enumerate(keys.values))
            how = keys.conditions, reads, keys.recency, keys.recency_max
            self.builder.look_up(At.OPERANDS, slot, self.asks[slot].flag, matches, *how)

    def add_operations(self) -> None:
        """Add the gates of every word operation in use, and of the branch test."""
        alu = Alu(self.builder, self.operands["x"], self.operands["y"], self.out, self.flags)
        for operation in self.code.operations():
            GATES[operation].emit(alu)
        if self.code.branches:
            nonzero = total(self.operands["x"])
            for j in range(self.size.counter):
                self.builder.gate(At.OPERANDS, Threshold(self.up[j] - 1 - nonzero, {self.out.bit(j): 1}))
                self.builder.gate(At.OPERANDS, Threshold(self.down[j] - 1 - nonzero, {self.out.bit(j): -1}))

    def add_fetch(self, keys: Keys, extra_asks: Linear | int = 0, reads: Iterable[tuple[Linear, Bit]] | None = None) -> None:
        """Add the lookup that reads shared memory at the address in the field `sum`.

        Args: extra_asks: rows where it is 1 ask, too. reads: what it reads, if not the values of the keys into `out`.
        """
        matches = tuple(Match(q, k) for q, k in zip(self.sum, keys.index))
        if reads is None:
            reads = tuple((value, self.out.bit(j)) for j, value in enumerate(keys.values))
        asks = self.fetch.flag + extra_asks
        how = keys.conditions, reads, keys.recency, keys.recency_max
        self.builder.look_up(At.MEMORY, "memory", asks, matches, *how)

    def circuit(self, kinds: dict[str, Field], bits: Field, one: Field, positions: frozenset[str],
                control: Control | None = None, asking: frozenset[str] | None = None, sink: Field | None = None) -> Circuit:  # fmt: skip
        """Return the circuit of everything that was added to the builder.

        Args: kinds: the flag of each kind of token. bits: the token's bits. one: 1 on every row.
              positions: the fields of the encodings. asking: those that may be more than 0 on BOS, in a causal circuit.
              sink: 1 on BOS only; by default the flag of its token.
        """
        marks = [kind for kind in self.emit if kind not in (*EMITTED_KINDS, "BOS")]
        return Circuit(
            vocabulary=vocabulary(self.size, marks), fields=self.builder.fields, kind_flags=kinds, token_bits=bits,
            sink=(sink or kinds["BOS"]).flag, one=one.flag, layers=self.builder.layers, readout=self.readout(), positions=positions,
            control=control, causal=asking is not None, asking=asking or frozenset(),
        )  # fmt: skip

    def readout(self) -> Readout:
        """Scores of the kind that a row emits and of the bits in `out`. A row that emits no kind scores all tokens equally.

        The score of a kind exceeds the scores of all bits together, since kinds differ in how many bits they have.
        """
        weight = SHARPNESS * (self.size.token + 2)
        any_kind = total(f.flag for f in self.emit.values())
        return Readout(
            {kind: f.flag * weight for kind, f in self.emit.items()},
            tuple(bit * SHARPNESS for bit in self.out),
            tuple((any_kind - bit) * SHARPNESS for bit in self.out),
        )


def _change_bits(field: Field, value: int, instead_of: int = 0, width: int | None = None) -> dict[Bit, int]:
    """The writes that turn a field's bits from those of `instead_of` into those of `value`."""
    change = {}
    for j in range(width or field.width):
        difference = (value >> j & 1) - (instead_of >> j & 1)
        if difference:
            change[field.bit(j)] = difference
    return change
