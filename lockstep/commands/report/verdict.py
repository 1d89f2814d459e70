"""The rule for the exit status of `sweep` and `report`: 0 only if something was compared and all of it held.

For the newest text of every program, something must be compared in every construction that was chosen. With `--max-context 0` the
machine runs alone, and then there must be an oracle or a claim. Failures of earlier texts count, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from shlex import quote

from lockstep.commands.report.values import Survey, SurveyedProgram
from lockstep.common.tables import count
from lockstep.proofs_check.sweeps.result import CHECKED, FAILED, STOPPED
from lockstep.proofs_check.sweeps.rows import ELSEWHERE


def reasons(survey: Survey) -> list[str]:
    """Why the exit status is not 0: a line for each reason, with the program and what to do. Empty if the status is 0."""
    if not survey.programs:
        return ["nothing was swept: sweep a program into this database"]
    found = []
    for program in survey.programs:
        found += list(_failures(program, survey.path))
        if not program.earlier_text and not program.counts[FAILED]:
            found += list(_nothing_compared(program))
    return found


def how_to_forget(program: SurveyedProgram, database: str) -> str:
    """The command that removes results of earlier texts or failures of earlier sweeps."""
    what = "it" if program.earlier_text else "them"
    return f"forget {what} on purpose: lockstep report {quote(database)} --forget {quote(_path(program, database))}"


def _path(program: SurveyedProgram, database: str) -> str:
    """The program's file as seen from where the database is called by this name. Where it is elsewhere, nobody knows its folder."""
    if program.file.startswith(ELSEWHERE):
        return os.path.join("FOLDER", os.path.basename(program.file))
    return os.path.join(os.path.dirname(database), program.file)


def unfinished(survey: Survey) -> str:
    """A line on the cases that are still to be run; empty if there are none."""
    if not survey.missing:
        return ""
    return f"unfinished: {count(survey.missing, 'case')} still to be run; the same sweep goes on from here"


def _failures(program: SurveyedProgram, database: str) -> Iterator[str]:
    failed = [case for case in program.cases if case.status == FAILED]
    earlier = sum(case.earlier for case in failed)
    if not failed:
        return
    if program.earlier_text:
        way_out = f"sweep that text again, or {how_to_forget(program, database)}"
        yield f"{program.name}: {count(len(failed), 'case')} of an earlier text of {program.file} failed: {way_out}"
        return
    yield f"{program.title}: {count(len(failed), 'case')} failed; the report shows what went wrong"
    if earlier:
        yield (
            f"{program.title}: {earlier:,} of them in an earlier sweep of this text: they stay until a sweep that asks for no less"
            f" checks the same inputs; or {how_to_forget(program, database)}"
        )


def _nothing_compared(program: SurveyedProgram) -> Iterator[str]:
    """Why nothing was compared; for a program without failed cases."""
    if not program.cases:
        yield f"{program.title}: no case was run"
    elif program.counts[STOPPED] == len(program.cases):
        most = f"--max-steps {program.limits.max_steps}"
        yield f"{program.title}: no run came to an end within {most}: allow more steps, or sweep smaller sizes"
    elif program.limits.max_context:
        yield from (_nothing_decoded(program, c) for c in program.constructions if not _decoded(program, c))
    elif not any(case.judged for case in program.cases) and not _claims(program):
        yield (
            f"{program.title}: nothing was compared, since --max-context 0 decodes nothing, and there is neither an oracle"
            f" nor a claim: write one, or allow a longer context"
        )


def _decoded(program: SurveyedProgram, construction: str) -> bool:
    return any(decode.status == CHECKED for decode in program.of(construction))


def _claims(program: SurveyedProgram) -> bool:
    """Whether a claim was checked on a run."""
    return any(line.what.startswith("claim ") for line in program.lines)


def _nothing_decoded(program: SurveyedProgram, construction: str) -> str:
    """Which limit kept a construction from any decode, and what the shortest decode needs."""
    limits, left_out = program.limits, program.of(construction)
    longest, most = f"--max-context {limits.max_context}", f"--max-decoding-steps {limits.max_decoding_steps}"
    context = min((d.context for d in left_out), default=0)
    steps = min((d.steps for d in left_out), default=0)
    if all(d.context > limits.max_context for d in left_out):
        why = f"every context is longer than {longest}; the shortest needs {context:,}"
    elif all(d.steps > limits.max_decoding_steps for d in left_out):
        why = f"every decode takes more steps than {most}; the shortest takes {steps:,}"
    else:
        why = f"every decode is beyond {longest} or {most}; the least context is {context:,}, the fewest steps are {steps:,}"
    return f"{construction} of {program.title}: nothing was decoded, since {why}"
