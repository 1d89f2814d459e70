"""What the commands of tasks print: the answer, what it took, closed forms beside it, and what the paper reports."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import typer
from rich.console import Group, RenderableType
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
    from lockstep.tasks.kit import TaskModel

#: What stands beside a figure of the paper.
REPORTED = "reported in the paper, not checked here"


class OfLetters(Protocol):
    """A `TaskModel` for tokens without bits."""

    def model(self, dtype: str) -> Transformer:
        """The weights."""

    def positions(self, length: int) -> Positions:
        """The encodings of positions 0 .. length - 1."""

    def tokens(self, kinds: Iterable[str]) -> Tokens:
        """A sequence of these kinds, with BOS before it."""

    def kinds(self, tokens: Iterable[int]) -> list[str]:
        """The kinds of the tokens behind BOS."""


class StepRows(Protocol):
    """What each decoding step does: for JSON, and as a table."""

    @property
    def records(self) -> list[dict[str, Any]]: ...

    def table(self) -> RenderableType: ...


@dataclass(frozen=True)
class Solved:
    """A task that a model has solved.

    title:    what was done, and by which model.
    answer:   names and values of what came out.
    measured: steps, context and the like, by name; `expected` has what closed forms or an oracle say of an answer or of these.
    seconds:  of the decode alone. reported: what the paper says. forms: the texts of closed forms, by name.
    picture:  what came out, under the title. texts: the same for JSON, by name.
    """

    title: str
    answer: Mapping[str, Any]
    measured: Mapping[str, Any]
    expected: Mapping[str, Any]
    seconds: float
    reported: str
    notes: tuple[str, ...] = ()
    forms: Mapping[str, str] = field(default_factory=dict)
    picture: Text = field(default_factory=Text)
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def found(self) -> dict[str, Any]:
        return {**self.answer, **self.measured}

    @property
    def holds(self) -> bool:
        """Whether everything that is expected was found."""
        return all(self.found[name] == value for name, value in self.expected.items())

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {"title": self.title, **self.found, **self.texts, "expected": dict(self.expected), "holds": self.holds,
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
        above = [self.picture, Text()] if self.picture else []
        return Group(heading(self.title), *above, table, *(Text(f"\n{line}") for line in lines))


def finish(solved: Solved, as_json: bool, rows: StepRows | None = None) -> None:
    """Print it, and end with the status of a failed check if something differs from what was expected. rows: those of its steps."""
    record = solved.record() | ({"steps": rows.records} if rows else {})
    emit(record, Group(rows.table(), solved.table()) if rows else solved.table(), as_json, paged=rows is not None)
    if not solved.holds:
        raise typer.Exit(FAILED)


def decode_task(task: TaskModel, tokens: Tokens, engine: EngineName, dtype: str, longest: int = 0) -> tuple[Decoding, float]:
    """Decode a sequence by the model of a task; return it with the seconds of the decode.

    Args:   longest: the most tokens that the sequence may have; 0: those of the start, as nothing is inserted.
    Raises: as `decode`; and PramError in place of TooLong. NotCertified: the dtype is not exact.
    """
    from lockstep.models.decode import TooLong, decode

    model, positions = task.model(dtype), task.positions(longest or len(tokens))
    require_certificate_of(task, model)
    started = time.perf_counter()
    try:
        return decode(model, tokens, positions, "ap-mdm", sampling_by(engine)), time.perf_counter() - started
    except TooLong as error:
        raise fail(str(error)) from None


def require_certificate_of(task: TaskModel, model: Transformer) -> None:
    """Check the arithmetic of a model that has a circuit. A learned model has none: a proof of its own covers its rounding.

    Raises: NotCertified: the arithmetic is not exact.
    """
    from lockstep.proofs_check.certificate import certify
    from lockstep.proofs_check.refusals import NotCertified

    circuit = getattr(task, "circuit", None)
    certificate = certify(model, circuit) if circuit else None
    if certificate and not certificate.holds:
        raise NotCertified(certificate.reason + ("" if certificate.dtype == "float64" else "; use --dtype float64"))


def sampling_by(engine: EngineName) -> Sampling:
    """Parallel order by an engine; by the fastest one that was installed, for `auto`."""
    from lockstep.models.engines import available

    return Sampling("parallel", engine=available()[-1] if engine == AUTO else engine)
