"""What constructions share whose sequence is the machine's state: fields of their rows, and where everything stands.

    [BOS] [own parameters] [parameters] [shared memory, inputs first] [for each processor: its rows]

`lockstep.compiler.in_place` edits this sequence by any-process masked diffusion, `lockstep.compiler.revision` token by token.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.circuit import STEP, Builder, Circuit, Control, Field
from lockstep.compiler.clocks import Clock
from lockstep.compiler.combining import is_by_value, value_and_rank
from lockstep.compiler.fixed_winner import check_winner
from lockstep.compiler.linear import Linear
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import Code, Processor, Size
from lockstep.models.positions import Positions
from lockstep.pram.job import Job

ROLES = ("PC", "register", "cell", "parameter")


class StateBuilder:
    """Declares the fields of tokens and positions. Subclasses add lookups and gates.

    Args: pid_bits: bits of a processor number. roles: beside ROLES. kinds: the kinds of tokens that have a flag.
    AHEAD: layers ahead of those of the machine's step.
    """

    AHEAD: ClassVar[int] = 0

    def __init__(self, code: Code, word_bits: int, pid_bits: int, roles: Iterable[str], kinds: Iterable[str]) -> None:
        self.code, self.pid_bits = code, pid_bits
        self.size = size = Size.of(code, word_bits)
        self.builder = builder = Builder(STEP + self.AHEAD, self.AHEAD)
        self.kinds = {kind: builder.field(f"token.{kind}") for kind in kinds}
        self.bits = builder.field("token.bits", size.token)
        # Written by positions; `one` carries the constants of queries and keys.
        self.one = builder.field("one")
        self.role = {r: builder.field(f"role.{r}") for r in roles}
        self.declare_places()
        self.pid = builder.field("pid", pid_bits)
        self.rank = builder.field("rank", 1, (1 << pid_bits) - 1)
        self.address = builder.field("address", max(size.word, size.index))
        self.value = builder.field("value", size.word)
        self.positions = set(builder.fields) - {f.name for f in (*self.kinds.values(), self.bits)}

    def declare_places(self) -> None:
        """Declare further fields that positions write."""

    @property
    def sink(self) -> Field:
        """1 on BOS only."""
        return self.kinds["BOS"]

    def finish(self, processor: Processor, control: Control | None = None) -> Circuit:
        return processor.circuit(self.kinds, self.bits, self.one, frozenset(self.positions), control, sink=self.sink)

    def wins(self, value: Sequence[Linear]) -> tuple[Linear, int]:
        """The recency of a write, and its largest value: the place in the order of who wins, or the value before this.

        Args: value: what is written; its complement if the smallest value wins.
        """
        return value_and_rank(value if is_by_value(self.code) else (), self.rank.flag, self.pid_bits)

    def flags(self) -> tuple[dict[str, Linear], dict[str, Linear]]:
        """Literals of all roles and of all kinds of tokens, by name."""
        return {name: f.flag for name, f in self.role.items()}, {name: f.flag for name, f in self.kinds.items()}


@dataclass(frozen=True)
class StateLayout(ABC):
    """The positions of all tokens in the full sequence of one job. They do not depend on `time`.

    ROWS_PER_CELL: rows of each shared cell. OWN: the construction's own parameters.
    """

    job: Job
    circuit: Circuit
    widths: Any
    time: int
    ROWS_PER_CELL: ClassVar[int]
    OWN: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        check_winner(self.job)
        self.check_widths()

    @abstractmethod
    def check_widths(self) -> None:
        """Raises: ValueError: the widths are too small for the job."""

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

    @abstractmethod
    def clock(self, time: int) -> Clock:
        """Says which step of a run of `time` steps a decoding step belongs to."""

    @classmethod
    def full_length(cls, job: Job) -> int:
        """N, the peak context length. h counts the construction's own parameters, too."""
        h = len(job.parameters) + len(cls.OWN)
        return 1 + h + cls.ROWS_PER_CELL * job.space + job.processors * cls.rows_per_processor(job)

    @property
    def length(self) -> int:
        return self.full_length(self.job)

    @property
    def first_cell(self) -> int:
        return 1 + len(self.OWN) + len(self.job.parameters)

    @property
    def first_processor(self) -> int:
        return self.first_cell + self.ROWS_PER_CELL * self.job.space

    def given(self) -> NDArray[np.int64]:
        """BOS, parameters, input words, int64."""
        vocabulary, job = self.circuit.vocabulary, self.job
        top = (1 << self.widths.word) - 1
        words = [*self.own_parameters(), *(p & top for p in job.parameters), *job.memory[: job.inputs].tolist()]
        return np.array([vocabulary.token("BOS"), *(vocabulary.token("WORD", w) for w in words)], np.int64)

    def own_parameters(self) -> list[int]:
        """The words of the construction's own parameters."""
        return []

    @abstractmethod
    def tokens(self) -> NDArray[np.int64]:
        """The start sequence x_0, int64."""

    def positions(self) -> Positions:
        """The position encoding. Row i belongs to position i."""
        fields, own = PositionFields(self.circuit, self.length), len(self.OWN)
        fields.set("one", slice(None), 1)
        parameters, cells = slice(1 + own, self.first_cell), slice(self.first_cell, self.first_processor)
        for role, here, each in (("parameter", parameters, 1), ("cell", cells, self.ROWS_PER_CELL)):
            fields.set(f"role.{role}", here, 1)
            fields.set_bits("address", here, np.arange(here.stop - here.start) // each)
        self.set_processors(fields)
        return fields.positions

    def ranks(self, pids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rank of each processor. Of several processors that write one cell, the highest rank wins."""
        ranks: NDArray[np.int64] = (1 << self.widths.pid) - 1 - self.job.winner.precedence(self.job.processors)[pids]
        return ranks

    def set_owners(self, fields: PositionFields, pid: NDArray[np.int64], place: NDArray[np.int64]) -> None:
        """Fill in the pid and the place of each row of a processor. Place 0 is the program counter, then come the registers."""
        here, register = slice(self.first_processor, self.length), (1 <= place) & (place <= self.job.registers)
        fields.set("role.PC", here, place == 0)
        fields.set("role.register", here, register)
        fields.set_bits("address", here, np.where(register, place - 1, 0))
        fields.set_bits("pid", here, pid)
        fields.set("rank", here, self.ranks(pid))

    @abstractmethod
    def set_processors(self, fields: PositionFields) -> None:
        """Fill in the positions of the processors' rows, and the other fields of this construction."""

    @abstractmethod
    def halted(self, tokens: NDArray[np.int64]) -> bool:
        """Whether all processors have halted in this sequence."""

    @abstractmethod
    def final_position(self, cell: int) -> int:
        """The position of an output cell in the final sequence."""

    def output_words(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The words of the output cells in the final sequence, in the order of their addresses."""
        outputs = self.job.outputs
        if not outputs:
            return np.zeros(0, np.int64)
        first = self.final_position(outputs.start)
        words: NDArray[np.int64] = tokens[first : first + len(outputs)] - self.circuit.vocabulary.token("WORD")
        return words
