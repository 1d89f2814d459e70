"""How commands end that made a run: with status 3 if the run refutes a claim, or the outputs that its input file expects."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import typer

from lockstep.common.console import FAILED
from lockstep.pram.errors import Diagnostic
from lockstep.pram.input_files import placing
from lockstep.pram.inputs import InputFile
from lockstep.pram.job import Job
from lockstep.pram.machine import Run
from lockstep.pram.program import Program


def end_with_run(program: Program, job: Job, run: Run, given: InputFile, although: str = "") -> None:
    """Show what a run refutes on standard error, and end with exit status 3; nothing happens if it refutes nothing.

    Args:   although: what was done all the same.
    Raises: PramError: what the input file expects are no outputs of this program.
    """
    end_with(unexpected(program, given, run), false_claims(program, given_of(program, job), run), although)


def unexpected(program: Program, given: InputFile, run: Run) -> list[str]:
    """Where outputs are not those that an input file expects, in words; none where they are, or it expects none.

    Raises: PramError: these are no outputs of this program.
    """
    from lockstep.pram.sidecar import generator_for

    if given.expected is None:
        return []
    generator = generator_for(program, use_sidecar=False)
    generator.expected = given.expected
    with placing(given.source):
        verdict = generator.judge(*given.inputs, run.outputs)
    return [verdict.difference] if verdict is not None and not verdict.right else []


def end_with(wrong: Sequence[str], false: Sequence[Diagnostic], although: str = "") -> None:
    """Show how outputs are wrong and which claims are false on standard error, and end with status 3 if there is either.

    Of several runs that refute a claim the first is shown. although: what was done all the same.
    """
    for difference in wrong:
        print(f"FAILED: outputs are wrong: {difference}{although}", file=sys.stderr)
    shown = {found.span: found for found in reversed(false)}
    for found in reversed(shown.values()):
        more = sum(other.span == found.span for other in false) - 1
        also = f" ({more} more, too)" if more else ""
        print(replace(found, message=f"{found.message}{also}{although}").render(), file=sys.stderr)
    if wrong or false:
        raise typer.Exit(FAILED)


def false_claims(program: Program, params: dict[str, int], run: Run, where: str = "") -> list[Diagnostic]:
    """What a program claims and one run refutes, each at its place in the program. where: which run, if there are several."""
    from lockstep.proofs_check.claims import check_claims

    return [
        Diagnostic(f"{check.what} {check.bound} is false{where}: {check.measured}", program.source, claim.at)
        for claim, check in zip(program.claims, check_claims(program, [(params, run)], "this run"))
        if not check.holds
    ]


def given_of(program: Program, job: Job) -> dict[str, int]:
    """The parameters that the user gave."""
    return {name: job.values[name] for name in program.given}
