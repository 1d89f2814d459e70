"""What the commands of tasks print: the answer, what it took, closed forms beside it, and what the paper reports."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import typer
from rich.console import Group
from rich.text import Text

from lockstep.common.console import FAILED, emit
from lockstep.common.tables import BAD, GOOD, LABEL, heading, narrow_table, value_text
from lockstep.models.names import EngineName
from lockstep.models.sampling import AUTO, Sampling
from lockstep.pram.errors import fail

if TYPE_CHECKING:
    from lockstep.models.decode import Decoding
    from lockstep.models.positions import Positions
    from lockstep.models.transformer import Tokens, Transformer

#: What stands beside a figure of the paper.
REPORTED = "reported in the paper, not checked here"


class TaskModel(Protocol):
    """What solves a task: a `lockstep.tasks.kit.Task`, or a learned model."""

    def model(self, dtype: str) -> Transformer:
        """The weights."""

    def positions(self, length: int) -> Positions:
        """The encodings of positions 0 .. length - 1."""


class OfLetters(TaskModel, Protocol):
    """The same for tokens without bits."""

    def tokens(self, kinds: Iterable[str]) -> Tokens:
        """A sequence of these kinds, with BOS before it."""

    def kinds(self, tokens: Iterable[int]) -> list[str]:
        """The kinds of the tokens behind BOS."""


@dataclass(frozen=True)
class Solved:
    """A task that a model has solved.

    title:    what was done, and by which model.
    answer:   names and values of what came out.
    measured: steps, context and the like, by name; `expected` has what closed forms or an oracle say of an answer or of these.
    seconds:  of the decode alone. reported: what the paper says.
    """

    title: str
    answer: Mapping[str, Any]
    measured: Mapping[str, Any]
    expected: Mapping[str, Any]
    seconds: float
    reported: str
    notes: tuple[str, ...] = field(default=())

    @property
    def found(self) -> dict[str, Any]:
        return {**self.answer, **self.measured}

    @property
    def holds(self) -> bool:
        """Whether everything that is expected was found."""
        return all(self.found[name] == value for name, value in self.expected.items())

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {"title": self.title, **self.found, "expected": dict(self.expected), "holds": self.holds,
                "seconds": round(self.seconds, 4), "reported": self.reported}  # fmt: skip

    def table(self) -> Group:
        """What was found, beside what was expected."""
        table = narrow_table()
        for column in ("what", "found", "expected", "verdict"):
            table.add_column(column, overflow="fold")
        for name, value in self.found.items():
            expected, verdict = "", Text()
            if name in self.expected:
                right = self.expected[name] == value
                expected, verdict = (
                    value_text(self.expected[name]),
                    Text("equal" if right else "DIFFERS", style=GOOD if right else BAD),
                )
            table.add_row(Text(name.replace("_", " "), style=LABEL), Text(value_text(value)), Text(expected), verdict)
        table.add_row(Text("seconds", style=LABEL), Text(f"{self.seconds:.2f}"), Text(), Text())
        lines = [*self.notes, f"{self.reported} ({REPORTED})"] if self.reported else self.notes
        return Group(heading(self.title), table, *(Text(f"\n{line}") for line in lines))


def finish(solved: Solved, as_json: bool) -> None:
    """Print it, and end with the status of a failed check if something differs from what was expected."""
    emit(solved.record(), solved.table(), as_json)
    if not solved.holds:
        raise typer.Exit(FAILED)


def decode_task(task: TaskModel, tokens: Tokens, engine: EngineName, dtype: str, longest: int = 0) -> tuple[Decoding, float]:
    """Decode a sequence by the model of a task; return it with the seconds of the decode.

    Args:   longest: the most tokens that the sequence may have; 0: those of the start, as nothing is inserted.
    Raises: as `decode`; and PramError in place of TooLong.
    """
    from lockstep.models.decode import TooLong, decode
    from lockstep.models.engines import available

    model, positions = task.model(dtype), task.positions(longest or len(tokens))
    started = time.perf_counter()
    sampling = Sampling("parallel", engine=available()[-1] if engine == AUTO else engine)
    try:
        return decode(model, tokens, positions, "ap-mdm", sampling), time.perf_counter() - started
    except TooLong as error:
        raise fail(str(error)) from None
