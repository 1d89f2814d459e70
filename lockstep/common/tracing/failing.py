"""The page of a failed check: the run and the decode on the failing input."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from lockstep.common.finding import short_path
from lockstep.common.tracing.page import page_of, write_page
from lockstep.common.tracing.trace import decodes_of, trace_job
from lockstep.compiler.names import MDM
from lockstep.pram.errors import PramError
from lockstep.pram.program import Program
from lockstep.proofs_check.failing import ShrunkFailure
from lockstep.proofs_check.theorems import BOUNDS
from lockstep.proofs_check.verification import Options


def show_failing(program: Program, failing: ShrunkFailure, options: Options, path: Path) -> str:
    """Write a page that opens where the run fails or the first token is wrong. Return its name.

    If the run is too long for a page, there is none, and the name is "". Other errors must not hide the failed check: they are a line
    on standard error.
    """
    try:
        _write(program, failing, options, path)
    except PramError:
        return ""
    except Exception as error:
        print(
            f"error: the failing input cannot be shown: {type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr
        )
        return ""
    return str(short_path(path))


def _write(program: Program, failing: ShrunkFailure, options: Options, path: Path) -> None:
    params, arrays = failing.inputs
    job = program.instantiate(params, arrays, options.word_bits)
    if failing.winner is not None:
        job = replace(job, winner=failing.winner)
    name = failing.check.process or MDM
    decodes = decodes_of([name], options.order, options.seed, options.every)
    shown = [
        replace(each, dtype=options.dtype, max_steps=options.max_steps, sampling=replace(each.sampling, **options.sampled))
        for each in decodes
    ]
    trace = trace_job(program, job, shown if job.winner.fixed else [], max_steps=options.max_steps, certified=False,
                      fits=lambda run: BOUNDS[name].every(options.every).peak_context(job, run.time) <= options.max_context)  # fmt: skip
    write_page(path, page_of(trace))
