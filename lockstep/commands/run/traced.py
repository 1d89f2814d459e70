"""`run --trace`: the steps of a run, and what its `print` statements print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.common.console import table_width
from lockstep.common.tables import count, narrow_table
from lockstep.pram.job import Job
from lockstep.pram.machine import Machine, Step, Watch
from lockstep.pram.program import Program

#: What is printed has so many rows unless --full is given.
MOST_PRINTED = 200

if TYPE_CHECKING:
    from lockstep.common.tracing.machine_text import StepWatch
    from lockstep.pram.showing import Printed, Shown


@dataclass(frozen=True)
class Traced:
    """Collects the steps of a run and everything that it prints. Give it to `lockstep.pram.machine.run` as `watch`."""

    job: Job
    steps: StepWatch
    printer: Watch | None
    printed: list[Printed]

    @staticmethod
    def of(program: Program, job: Job, every: bool) -> Traced:
        from lockstep.common.tracing.machine_text import StepWatch
        from lockstep.pram.showing import Printer

        printed: list[Printed] = []
        return Traced(job, StepWatch(job, every), Printer(program, job, printed.append) if program.code.prints else None, printed)

    def __call__(self, machine: Machine, step: Step | None) -> None:
        for watch in (self.printer, self.steps):
            if watch is not None:
                watch(machine, step)

    @property
    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {"trace": trace_record(self.printed), "steps": [step.record(self.job) for step in self.steps.steps]}

    def table(self, full: bool) -> RenderableType:
        """What was printed, if the program prints, then a row for each step."""
        from lockstep.common.tracing.machine_text import steps_table

        printed = [trace_table(self.printed, full)] if self.printer is not None else []
        return Group(*printed, steps_table(self.steps, table_width(), full))


def trace_record(printed: Sequence[Printed]) -> list[dict[str, Any]]:
    return [
        {"step": p.step, "line": p.line, "processor": p.processor, "values": [_shown_in_json(value) for value in p.values]}
        for p in printed
    ]


def _shown_in_json(value: Shown) -> Any:
    return value if isinstance(value, (str, int)) else {"no value": value.reason}


def trace_table(printed: Sequence[Printed], full: bool) -> RenderableType:
    """A row for each time that a `print` was reached; the first MOST_PRINTED of them, unless `full`. Ends with an empty line."""
    if not printed:
        return Text("the run reached no `print`\n")
    table = narrow_table()
    for column in ("step", "line", "processor"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("printed", overflow="fold")
    shown = printed if full else printed[:MOST_PRINTED]
    for p in shown:
        texts = [str(value) if isinstance(value, (str, int)) else f"({value.reason})" for value in p.values]
        table.add_row(f"{p.step:,}", str(p.line), "all" if p.processor is None else str(p.processor), Text(" ".join(texts)))
    more = len(printed) - len(shown)
    return Group(table, Text(f"{count(more, 'more row')}; --full prints all\n" if more else ""))
