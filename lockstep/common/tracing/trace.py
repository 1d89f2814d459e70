"""A trace: the header and the packed columns of one run and its decodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lockstep.common.tracing.columns import Columns
from lockstep.common.tracing.decodes import add_decode
from lockstep.common.tracing.machine import add_machine, machine_header, traced_run
from lockstep.compiler.names import process_of
from lockstep.models.processes import PROCESSES, usual_order
from lockstep.models.sampling import AUTO, Sampling
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Run
from lockstep.pram.program import Program
from lockstep.proofs_check.decoding import DecodeOptions
from lockstep.proofs_check.watching import Watching

#: The version of the format that docs/trace.md describes.
VERSION = 3


@dataclass(frozen=True)
class Trace:
    """One run with its decodes. header: as docs/trace.md says. packed: the columns, compressed. error: why the run failed, if it did."""

    header: dict[str, Any]
    packed: bytes
    error: PramError | None = field(default=None, compare=False)

    def json(self) -> str:
        """The header as JSON."""
        return json.dumps(self.header, separators=(",", ":"))

    @property
    def failed(self) -> str:
        """The message of the run, if it failed; else that of the first wrong token; else ""."""
        if self.header["error"] is not None:
            return str(self.header["error"]["message"])
        return next((str(each["wrong"]["message"]) for each in self.header["processes"] if each["wrong"]), "")

    def __repr__(self) -> str:
        """A short text; the fields have the rest."""
        names = ", ".join(each["construction"] for each in self.header["processes"])
        return f"<Trace: {self.header['name']}, {self.header['T']} steps, {names or 'no decode'}, {len(self.packed):,} bytes>"


def trace_job(program: Program, job: Job, decodes: Sequence[DecodeOptions], heads: bool = True, max_steps: int = DEFAULT_MAX_STEPS,
              certified: bool = True, fits: Callable[[Run], bool] = lambda run: True,
              progress: Callable[[int, int], None] = lambda done, all: None) -> Trace:  # fmt: skip
    """Run a job, make its decodes, and keep all of it. A run that fails has no decodes.

    Args:   heads: whether to keep what heads found. certified: as for `Watching`. fits: whether a run is short enough to be decoded.
            progress: called with the decodes done and all.
    Raises: as `lockstep.proofs_check.decoding.decode_job`.
    """
    columns = Columns()
    run, error = traced_run(job, max_steps)
    header: dict[str, Any] = {"version": VERSION, "task": None} | machine_header(program, run, error)
    add_machine(columns, run, error)
    processes = []
    for number, options in enumerate(decodes if error is None and fits(run) else ()):
        progress(number, len(decodes))
        processes.append(add_decode(columns, number, program, Watching(job, _telling(options, heads), heads, certified), heads))
    header |= {"processes": processes, "columns": {name: list(place) for name, place in columns.index.items()}}
    return Trace(header, columns.packed(), error)


def decodes_of(
    constructions: Sequence[str], order: str | None = None, seed: int = 0, every: int | None = None
) -> list[DecodeOptions]:
    """The options of these decodes. An order is taken by the processes that have it; the others take their usual one."""
    found = []
    for name in constructions:
        process = process_of(name)
        chosen = order if order in PROCESSES[process].orders and order else usual_order(process)
        found.append(DecodeOptions(name, sampling=Sampling(chosen, seed, AUTO, every=every)))
    return found


def _telling(options: DecodeOptions, heads: bool) -> DecodeOptions:
    """The same, with the indexed engine in place of AUTO: the native one would predict each sequence twice to say what heads found."""
    if not heads or options.sampling.engine != AUTO:
        return options
    return replace(options, sampling=replace(options.sampling, engine="indexed"))
