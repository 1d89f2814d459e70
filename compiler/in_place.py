"""The parts that both schedules of any-process masked diffusion share: fields, growth, shrinking and layout.

The sequence holds one copy of the machine's state, and decoding steps edit it in place:

    [BOS] [first output] [last output] [h - 2 parameters] [shared memory] [for each processor: its rows]

The model itself grows the sequence from `[BOS][parameters][input words]` to its full length N. At the end it shrinks
the sequence to `[BOS][outputs][HALT]`, which is a fixed point. Let L be the length:

- grow:     while L < N, masks are inserted, and present masks wait. If the last token is HALT, no mask is inserted.
- shrink:   if L = N and every processor has halted, all but BOS, the outputs and PC_0 is remasked. If the first
            parameter is masked, every mask is deleted.

Many gates here fire when a lookup finds nothing. BOS reads nothing, so each of these gates also requires that the
row is not BOS.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.circuit import At, Builder, Circuit, Control, Threshold
from lockstep.compiler.clocks import Clock, StateClock
from lockstep.compiler.combining import is_by_value, value_and_rank
from lockstep.compiler.construction import Construction
from lockstep.compiler.fixed_winner import check_winner
from lockstep.compiler.linear import Linear, word_of
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import Code, Processor, Size, bits_for
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK
from lockstep.pram.job import Job

#: The construction's own parameters: the first and the last address of the outputs.
OWN_PARAMETERS = ("first output", "last output")


@dataclass(frozen=True)
class Widths:
    """Bits of a word, of a position in the sequence, and of a pid. Weights depend on these and the program alone."""

    word: int
    length: int
    pid: int

    @staticmethod
    def cover(job: Job, length: int) -> Widths:
        """The least widths for a job whose full sequence is `length` tokens."""
        return Widths(job.word_bits, length.bit_length(), bits_for(job.processors))

    @property
    def extent(self) -> tuple[str, int]:
        """The name, for messages, of the quantity that the widths limit, and its number of bits."""
        return "N", self.length

    def widened(self, bits: int) -> Widths:
        """A copy whose extent has `bits` bits."""
        return replace(self, length=bits)


class InPlaceBuilder:
    """Declares the fields of both schedules, and adds their lookups and gates for the outputs and for shrinking."""

    def __init__(self, code: Code, widths: Widths, roles: Iterable[str], kinds: Iterable[str]) -> None:
        self.code, self.widths = code, widths
        self.size = size = Size.of(code, widths.word)
        self.longest = (1 << widths.length) - 1
        self.builder = builder = Builder()
        self.kinds = {kind: builder.field(f"token.{kind}") for kind in kinds}
        self.bits = builder.field("token.bits", size.token)
        # Written by positions; `one` carries the constants of queries and keys.
        self.one = builder.field("one")
        self.role = {r: builder.field(f"role.{r}") for r in (*roles, "PC", "register", "cell", "parameter", *OWN_PARAMETERS)}
        self.index, self.full = builder.field("index", 1, self.longest), builder.field("full", 1, self.longest)
        self.first = builder.field("first")
        self.pid = builder.field("pid", widths.pid)
        self.rank = builder.field("rank", 1, (1 << widths.pid) - 1)
        self.address = builder.field("address", max(size.word, size.index))
        self.value = builder.field("value", size.word)
        self.positions = set(builder.fields) - {f.name for f in (*self.kinds.values(), self.bits)}
        # Written by layer 1.
        self.end, self.ended = builder.field("end", 1, self.longest), builder.field("ended")
        self.vanishing = builder.field("vanishing")
        self.low, self.high = (builder.field(f"value.{name}", 1, (1 << size.word) - 1) for name in OWN_PARAMETERS)
        self.growing, self.is_last = builder.field("growing"), builder.field("is_last")
        self.shrinking, self.from_low, self.past_high = (builder.field(name) for name in ("shrinking", "from_low", "past_high"))
        self.remask, self.insert, self.delete = (builder.field(f"control.{edit}") for edit in ("remask", "insert", "delete"))

    def finish(self, processor: Processor) -> Circuit:
        control = Control(self.remask.flag, self.insert.flag, self.delete.flag)
        return processor.circuit(self.kinds, self.bits, self.one, frozenset(self.positions), control)

    def wins(self, value: Sequence[Linear]) -> tuple[Linear, int]:
        """The recency of a write, and its largest value: the place in the order of who wins, or the value before this.

        Args: value: what is written; its complement if the smallest value wins.
        """
        return value_and_rank(value if is_by_value(self.code) else (), self.rank.flag, self.widths.pid)

    def flags(self) -> tuple[dict[str, Linear], dict[str, Linear]]:
        """Literals of all roles and of all kinds of tokens, by name."""
        return {name: f.flag for name, f in self.role.items()}, {name: f.flag for name, f in self.kinds.items()}

    def look_up_outputs(self) -> None:
        """Add lookups by which all rows read the outputs' range, and whether the first parameter is masked (`vanishing`)."""
        role, kind = self.flags()
        number, (low, high) = word_of([*self.bits][: self.size.word]), OWN_PARAMETERS
        everyone = 1 - kind["BOS"]
        self.builder.look_up(
            At.ROM, "low", everyone, (), (role[low],), ((number, self.low.bit()), (kind[MASK], self.vanishing.bit()))
        )
        self.builder.look_up(At.ROM, "high", everyone, (), (role[high],), ((number, self.high.bit()),))

    def shrink(self, running: Linear) -> None:
        """Remask all but BOS, outputs and PC_0 at the end. Once the first parameter is masked, delete every mask.

        Args: running: a form that is at least 1 unless every processor has halted.
        """
        end, full, bos, mask = self.end.flag, self.full.flag, self.kinds["BOS"].flag, self.kinds[MASK].flag
        halted = end + 1 - full - running - self.vanishing.flag - 2 * bos
        self.builder.gate(At.ROM, Threshold(halted, {self.shrinking.bit(): 1}))
        address, far = word_of([*self.address][: self.size.word]), 1 << self.size.word
        outside = (1 - self.role["cell"].flag) * far
        self.builder.gate(At.ROM, Threshold(address - self.low.flag - outside, {self.from_low.bit(): 1}))
        self.builder.gate(At.ROM, Threshold(address - self.high.flag - 1 - outside, {self.past_high.bit(): 1}))
        # Two gates, not from_low - past_high: in the final sequence, any words stand at the parameters' positions.
        for dropped in (1 - self.from_low.flag, self.past_high.flag):
            self.builder.when(At.OPERANDS, [self.shrinking.flag, 1 - mask, 1 - self.first.flag, dropped], {self.remask.bit(): 1})
        self.builder.when(At.ROM, [mask, self.vanishing.flag], {self.delete.bit(): 1})


@dataclass(frozen=True)
class Layout(ABC):
    """The positions of all tokens in the full sequence of one job. They do not depend on `time`.

    ROWS_PER_CELL: rows of each shared cell. STEPS: decoding steps for each step of the machine.
    """

    job: Job
    circuit: Circuit
    widths: Widths
    time: int
    ROWS_PER_CELL: ClassVar[int]
    STEPS: ClassVar[int]

    def __post_init__(self) -> None:
        check_winner(self.job)
        if self.length.bit_length() > self.widths.length or self.job.processors > 1 << self.widths.pid:
            raise ValueError(
                f"{self.length} tokens and {self.job.processors} processors do not fit"
                f" {self.widths.length} and {self.widths.pid} bits"
            )

    @staticmethod
    @abstractmethod
    def row_names(job: Job) -> list[str]:
        """What each row of one processor is: PC, R0, R1, .., or a buffer. A name that comes twice has two slots."""

    @classmethod
    def rows_per_processor(cls, job: Job) -> int:
        """Rows of one processor."""
        return len(cls.row_names(job))

    def locate(self, position: int) -> tuple[str, int, int]:
        """Of a position in the full sequence, what stands there, 0, and its number: for cells ("cell", 0, address), for a processor's
        rows (a name of `row_names`, 0, pid), before them ("start", 0, i)."""
        if position < self.first_cell:
            return "start", 0, position
        if position < self.first_processor:
            return "cell", 0, (position - self.first_cell) // self.ROWS_PER_CELL
        names = self.row_names(self.job)
        pid, row = divmod(position - self.first_processor, len(names))
        return names[row], 0, pid

    def clock(self, time: int) -> Clock:
        """Says which step of a run of `time` steps a decoding step belongs to."""
        return StateClock(self.start_length, self.length, self.STEPS, time)

    @classmethod
    def full_length(cls, job: Job) -> int:
        """N, the peak context length. h counts the construction's own two parameters, too."""
        h = len(job.parameters) + len(OWN_PARAMETERS)
        return 1 + h + cls.ROWS_PER_CELL * job.space + job.processors * cls.rows_per_processor(job)

    @property
    def length(self) -> int:
        return self.full_length(self.job)

    @property
    def first_cell(self) -> int:
        return 1 + len(OWN_PARAMETERS) + len(self.job.parameters)

    @property
    def start_length(self) -> int:
        """n0, the context length at the start."""
        return self.first_cell + self.job.inputs

    @property
    def first_processor(self) -> int:
        return self.first_cell + self.ROWS_PER_CELL * self.job.space

    def tokens(self) -> NDArray[np.int64]:
        """The start sequence x_0, int64 [start_length]: BOS, parameters, input words."""
        vocabulary, job = self.circuit.vocabulary, self.job
        outputs = (job.outputs.start, job.outputs.stop - 1) if job.outputs else (1, 0)
        top = (1 << self.widths.word) - 1
        words = [*outputs, *(p & top for p in job.parameters), *job.memory[: job.inputs].tolist()]
        return np.array([vocabulary.token("BOS"), *(vocabulary.token("WORD", w) for w in words)], np.int64)

    def positions(self) -> Positions:
        """The position encoding. Row i belongs to position i."""
        fields, n, own = PositionFields(self.circuit, self.length), self.length, len(OWN_PARAMETERS)
        fields.set("one", slice(None), 1)
        fields.set("index", slice(None), np.arange(n))
        fields.set("full", slice(1, None), n)
        for i, name in enumerate(OWN_PARAMETERS):
            fields.set(f"role.{name}", slice(1 + i, 2 + i), 1)
        parameters, cells = slice(1 + own, self.first_cell), slice(self.first_cell, self.first_processor)
        for role, here, each in (("parameter", parameters, 1), ("cell", cells, self.ROWS_PER_CELL)):
            fields.set(f"role.{role}", here, 1)
            fields.set_bits("address", here, np.arange(here.stop - here.start) // each)
        self.set_processors(fields)
        return fields.positions

    def ranks(self, pids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rank of each processor. Of several processors that write one cell, the highest rank wins."""
        return (1 << self.widths.pid) - 1 - self.job.winner.precedence(self.job.processors)[pids]

    def set_owners(self, fields: PositionFields, pid: NDArray[np.int64], place: NDArray[np.int64]) -> None:
        """Fill in the pid and the place of each row of a processor. Place 0 is the program counter, then come the registers."""
        here, register = slice(self.first_processor, self.length), (1 <= place) & (place <= self.job.registers)
        fields.set("role.PC", here, place == 0)
        fields.set("role.register", here, register)
        fields.set_bits("address", here, np.where(register, place - 1, 0))
        fields.set("first", here, (place == 0) & (pid == 0))
        fields.set_bits("pid", here, pid)
        fields.set("rank", here, self.ranks(pid))

    @abstractmethod
    def set_processors(self, fields: PositionFields) -> None:
        """Fill in the positions of the processors' rows, and the other fields of this schedule."""

    def halted(self, tokens: NDArray[np.int64]) -> bool:
        """Whether this is a final sequence, `[BOS] [outputs] [HALT]`."""
        return len(tokens) == 2 + len(self.job.outputs) and bool(tokens[-1] == self.circuit.vocabulary.token("HALT"))

    def final_position(self, cell: int) -> int:
        """The position of an output cell in the final sequence."""
        return 1 + cell - self.job.outputs.start

    def output_words(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The words of the output cells in the final sequence, in the order of their addresses."""
        return tokens[1 : 1 + len(self.job.outputs)] - self.circuit.vocabulary.token("WORD")


def construction(name: str, build: Callable[[Code, Widths], Circuit], layout: type[Layout]) -> Construction[Widths]:
    """A schedule of any-process masked diffusion: its widths do not depend on the time."""

    def widths(job: Job, time: int) -> Widths:
        return Widths.cover(job, layout.full_length(job))

    return Construction(name, Widths, widths, build, layout)
