"""Reads of cells that nothing has written: legal, since cells start at 0, but seldom meant."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lockstep.pram.access import Accesses, Words
from lockstep.pram.errors import Diagnostic, PramError, Severity
from lockstep.pram.job import Job

#: Called with each warning of a run.
Warn = Callable[[Diagnostic], None]


def refuse(warning: Diagnostic) -> None:
    """Turn a warning into an error.

    Raises: PramError: always.
    """
    raise PramError(warning.as_error())


class Unwritten:
    """Warns when a run reads a cell that neither the input nor a step has written, once for each source line."""

    def __init__(self, job: Job, warn: Warn) -> None:
        self.job, self.warn = job, warn
        self.cells = np.ones(job.space, bool)
        self.cells[: job.inputs] = False
        for array in job.arrays:
            # Loops read their flags before any processor writes them, and local arrays of procedures keep words between calls.
            if array.role == "flag" or array.role == "local" and "." in array.name:
                self.cells[array.base : array.base + array.size] = False
        self._lines: set[int] = set()

    def watch(self, step: int, reads: Accesses, writes: Accesses, counter: Words) -> None:
        """Check one step's accesses. `counter` holds the instruction that each processor executes."""
        found = self.cells[reads.cells]
        if found.any():
            pids, cells = reads.pids[found], reads.cells[found]
            for index, first in zip(*np.unique(counter[pids], return_index=True)):
                self._report(step, int(pids[first]), int(cells[first]), int(index))
        self.cells[writes.cells] = False

    def _report(self, step: int, pid: int, cell: int, index: int) -> None:
        at = self.job.code[index].at
        line = at.own.line if at else -1 - index
        if line not in self._lines:
            self._lines.add(line)
            what = f"processor {pid} reads {self.job.cell_name(cell)}, which nothing has written (it holds 0)"
            self.warn(Diagnostic(f"step {step}: {what}", self.job.source, at, Severity.WARNING))
