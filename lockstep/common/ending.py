"""The end of a command that ran a program: exit status 3 if outputs are wrong or a claim is false."""

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


def end_with_run(program: Program, job: Job, run: Run, given: InputFile, addition: str = "") -> None:
    """If outputs are not as expected or a claim is false, say so on standard error and exit with status 3.

    Args:   addition: added to the message, such as "; out.json was written all the same".
    Raises: PramError: the input file expects outputs that this program does not have.
    """
    end_with_failures(unexpected(program, given, run), false_claims(program, given_parameters(program, job), run), addition)


def unexpected(program: Program, given: InputFile, run: Run) -> list[str]:
    """How outputs differ from those that the input file expects; empty if they agree or it expects none.

    Raises: PramError: the input file expects outputs that this program does not have.
    """
    from lockstep.pram.sidecar import generator_for

    if given.expected is None:
        return []
    generator = generator_for(program, use_sidecar=False)
    generator.expected = given.expected
    with placing(given.source):
        verdict = generator.judge(*given.inputs, run.outputs)
    return [verdict.difference] if verdict is not None and not verdict.right else []


def end_with_failures(wrong: Sequence[str], false: Sequence[Diagnostic], addition: str = "") -> None:
    """Print wrong outputs and false claims to standard error, and exit with status 3 if there are any.

    If several runs make a claim false, only the first is printed. addition: added to each message.
    """
    for difference in wrong:
        print(f"FAILED: outputs are wrong: {difference}{addition}", file=sys.stderr)
    shown = {found.span: found for found in reversed(false)}
    for found in reversed(shown.values()):
        more = sum(other.span == found.span for other in false) - 1
        also = f" ({more} more, too)" if more else ""
        print(replace(found, message=f"{found.message}{also}{addition}").render(), file=sys.stderr)
    if wrong or false:
        raise typer.Exit(FAILED)


def false_claims(program: Program, params: dict[str, int], run: Run, where: str = "") -> list[Diagnostic]:
    """The claims that are false in a run, each with its place in the program. where: names the run if there are several."""
    from lockstep.proofs_check.claims import check_claims

    return [
        Diagnostic(f"{check.what} {check.bound} is false{where}: {check.measured}", program.source, claim.at)
        for claim, check in zip(program.claims, check_claims(program, [(params, run)], "this run"))
        if not check.holds
    ]


def given_parameters(program: Program, job: Job) -> dict[str, int]:
    """The parameters that the user gave."""
    return {name: job.values[name] for name in program.given}
