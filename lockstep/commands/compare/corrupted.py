"""Decodes with faults in every process, at several rates: how many runs still end with the right outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from lockstep.commands.compare.rows import SYSTEMS, name_of
from lockstep.common.tables import heading, narrow_table
from lockstep.compiler.names import lacking, process_of
from lockstep.models.faults import Faults
from lockstep.models.processes import usual_order
from lockstep.models.sampling import AUTO, Sampling
from lockstep.pram.job import Job
from lockstep.pram.machine import Run, run
from lockstep.pram.progress import Progress, silent
from lockstep.proofs_check.decoding import DecodeOptions
from lockstep.proofs_check.disturbed import UNREADABLE, Disturbable, Rate, at_rates
from lockstep.proofs_check.theorems import BOUNDS


@dataclass(frozen=True)
class Corrupted:
    """What faults do to one run.

    rows: by system, what came of each rate. left_out: by system, why it was not decoded.
    """

    run: Run
    faults: Faults
    rows: dict[str, tuple[Rate, ...]]
    left_out: dict[str, str]

    @property
    def holds(self) -> bool:
        """Whether nothing that repairs faults failed to."""
        return not any(rate.broken for rates in self.rows.values() for rate in rates)

    @property
    def record(self) -> dict[str, Any]:
        """Its values for JSON."""
        systems = [{"system": name_of(s), "rates": [asdict(rate) for rate in rates]} for s, rates in self.rows.items()]
        return {"program": self.run.job.name, "time": self.run.time, "fault_kind": self.faults.kind, "seed": self.faults.seed,
                "systems": systems, "left_out": {name_of(s): why for s, why in self.left_out.items()}}  # fmt: skip


def corrupt_job(job: Job, rates: Sequence[float], faults: Faults, runs: int, max_context: int, max_decoding_steps: int,
                max_steps: int, progress: Progress = silent) -> Corrupted:  # fmt: skip
    """Decode a job in every process, `runs` times at each rate.

    Args:   faults: their kind, and the first seed. max_context, max_decoding_steps: what takes more is left out.
    Raises: PramError: the machine refuses the run.
    """
    exact, rows, left_out = run(job, max_steps=max_steps), dict[str, tuple[Rate, ...]](), dict[str, str]()
    total, done = len(SYSTEMS) * len(rates) * runs, 0

    def one_more() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    for number, system in enumerate(SYSTEMS):
        if why := _left_out(system, job, exact.time, max_context, max_decoding_steps):
            left_out[system] = why
        else:
            options = DecodeOptions(system, max_steps=max_steps, sampling=Sampling(usual_order(process_of(system)), engine=AUTO))
            rows[system] = tuple(at_rates(Disturbable(job, options), tuple(rates), faults, runs, one_more))
        done = (number + 1) * len(rates) * runs
    return Corrupted(exact, faults, rows, left_out)


def _left_out(system: str, job: Job, time: int, max_context: int, max_decoding_steps: int) -> str:
    """Why a system is not decoded with faults; "" if it is."""
    bound = BOUNDS[system]
    if system in UNREADABLE:
        return "faults make of its pairs what is no sequence"
    if why := lacking(system, job.rules):
        return why
    if (context := bound.peak_context(job, time)) > max_context:
        return f"its context of {context:,} tokens is over --max-context"
    steps = bound.steps(job, time)
    return f"its {steps:,} decoding steps are over --max-decoding-steps" if steps > max_decoding_steps else ""


def corrupted_table(found: Corrupted) -> RenderableType:
    """A row for each process: right runs of all, and faults a run, at each rate."""
    run, faults = found.run, found.faults
    rates = next(iter(found.rows.values()), ())
    title = f"{run.job.name}: runs with right outputs, and faults a run; {faults.kind} faults between decoding steps"
    return Group(heading(title), _table(found, [rate.rate for rate in rates]), *_reasons(found))


def _table(found: Corrupted, rates: Sequence[float]) -> Table:
    table = narrow_table()
    table.add_column("chance of each token", no_wrap=True)
    for rate in rates:
        table.add_column(f"{rate:g}", justify="right", no_wrap=True)
    for system, row in found.rows.items():
        cells = (f"{each.right}/{each.runs} ({each.faults / each.runs:.1f})" for each in row)
        table.add_row(name_of(system), *cells)
    return table


def _reasons(found: Corrupted) -> list[str]:
    broken = [name_of(s) for s, rates in found.rows.items() if any(rate.broken for rate in rates)]
    said = [f"{name_of(system)} was left out: {why}" for system, why in found.left_out.items()]
    return said + [f"FAILED: {name} repairs such faults, and it did not" for name in broken]
