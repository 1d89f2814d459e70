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

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.circuit import At, Circuit, Control, Threshold
from lockstep.compiler.clocks import Clock, StateClock
from lockstep.compiler.construction import Construction
from lockstep.compiler.linear import Linear, word_of
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import Code, Processor, bits_for
from lockstep.compiler.state import ROLES, StateBuilder, StateLayout
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


class InPlaceBuilder(StateBuilder):
    """Declares the fields of both schedules, and adds their lookups and gates for the outputs and for shrinking."""

    def __init__(self, code: Code, widths: Widths, roles: Iterable[str], kinds: Iterable[str]) -> None:
        self.widths, self.longest = widths, (1 << widths.length) - 1
        super().__init__(code, widths.word, widths.pid, (*roles, *ROLES, *OWN_PARAMETERS), kinds)
        builder, size = self.builder, self.size
        # Written by layer 1.
        self.end, self.ended = builder.field("end", 1, self.longest), builder.field("ended")
        self.vanishing = builder.field("vanishing")
        self.low, self.high = (builder.field(f"value.{name}", 1, (1 << size.word) - 1) for name in OWN_PARAMETERS)
        self.growing, self.is_last = builder.field("growing"), builder.field("is_last")
        self.shrinking, self.from_low, self.past_high = (builder.field(name) for name in ("shrinking", "from_low", "past_high"))
        self.remask, self.insert, self.delete = (builder.field(f"control.{edit}") for edit in ("remask", "insert", "delete"))

    def declare_places(self) -> None:
        self.index, self.full = (self.builder.field(name, 1, self.longest) for name in ("index", "full"))
        self.first = self.builder.field("first")

    def edited(self, processor: Processor) -> Circuit:
        """The circuit, with its edit bits."""
        return self.finish(processor, Control(self.remask.flag, self.insert.flag, self.delete.flag))

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
class Layout(StateLayout):
    """The positions of all tokens in the full sequence of one job. STEPS: decoding steps for each step of the machine."""

    widths: Widths
    OWN: ClassVar[tuple[str, ...]] = OWN_PARAMETERS
    STEPS: ClassVar[int]

    def check_widths(self) -> None:
        if self.length.bit_length() > self.widths.length or self.job.processors > 1 << self.widths.pid:
            raise ValueError(
                f"{self.length} tokens and {self.job.processors} processors do not fit"
                f" {self.widths.length} and {self.widths.pid} bits"
            )

    def clock(self, time: int) -> Clock:
        return StateClock(self.start_length, self.length, self.STEPS, time)

    @property
    def start_length(self) -> int:
        """n0, the context length at the start."""
        return self.first_cell + self.job.inputs

    def own_parameters(self) -> list[int]:
        outputs = self.job.outputs
        return [outputs.start, outputs.stop - 1] if outputs else [1, 0]

    def tokens(self) -> NDArray[np.int64]:
        """The start sequence x_0, int64 [start_length]: BOS, parameters, input words."""
        return self.given()

    def set_owners(self, fields: PositionFields, pid: NDArray[np.int64], place: NDArray[np.int64]) -> None:
        super().set_owners(fields, pid, place)
        n = self.length
        fields.set("first", slice(self.first_processor, n), (place == 0) & (pid == 0))
        fields.set("index", slice(None), np.arange(n))
        fields.set("full", slice(1, None), n)
        for i, name in enumerate(OWN_PARAMETERS):
            fields.set(f"role.{name}", slice(1 + i, 2 + i), 1)

    def halted(self, tokens: NDArray[np.int64]) -> bool:
        """Whether this is a final sequence, `[BOS] [outputs] [HALT]`."""
        return len(tokens) == 2 + len(self.job.outputs) and bool(tokens[-1] == self.circuit.vocabulary.token("HALT"))

    def final_position(self, cell: int) -> int:
        return 1 + cell - self.job.outputs.start


def construction(name: str, build: Callable[[Code, Widths], Circuit], layout: type[Layout]) -> Construction[Widths]:
    """A schedule of any-process masked diffusion: its widths do not depend on the time."""

    def widths(job: Job, time: int) -> Widths:
        return Widths.cover(job, layout.full_length(job))

    return Construction(name, Widths, widths, build, layout)
