"""Texts and tables that the Markdown report and the page share."""

from __future__ import annotations

from collections.abc import Sequence

from lockstep.commands.report.looks import LOOKS
from lockstep.commands.report.values import Extent, Survey, SurveyedCase, SurveyedDecode, SurveyedProgram
from lockstep.commands.report.verdict import how_to_forget
from lockstep.commands.report.words import cases, of_all
from lockstep.common.tables import LEGEND, count
from lockstep.proofs_check.sweeps.result import CHECKED, STATUSES

Table = tuple[Sequence[str], Sequence[Sequence[str]]]

#: Headings of the tables of a program.
FIGURES, CHECKS = "Figures for each size (the longest run of each)", "What was compared with what"


def title(survey: Survey) -> str:
    return "Machine and model side by side"


def lead(survey: Survey) -> str:
    """The result in a sentence or two."""
    found = [f"{survey.counts[status]:,} {status}" for status in STATUSES if survey.counts[status]]
    text = f"{cases(survey.counts.total(), survey.missing)} of {count(len(survey.programs), 'program')}: {', '.join(found) or 'none'}."
    if survey.missing:
        text += " The sweep is unfinished: the same command goes on from here."
    if survey.hidden:
        are = "case" if survey.hidden == 1 else "cases"
        text += (
            f" The database has {survey.hidden:,} more {are} of earlier texts, other versions or options, which are not shown."
        )
    return text


def how(survey: Survey) -> str:
    """The facts that are needed to repeat the sweeps."""
    return " ".join(
        f"Swept on {sweep.date} by Lockstep {sweep.lockstep}: {Extent.of((size, {}) for size in sweep.sizes)},"
        f" {count(sweep.random, 'random input')} of each size, seed {sweep.seed}."
        for sweep in survey.sweeps
    )


def legend() -> str:
    return f"size: what an input is drawn for, which decides its parameters; {' '.join(LEGEND.split())}."


def overview(survey: Survey) -> Table:
    """One row for each program."""
    head = [
        "program",
        "cases",
        *STATUSES,
        "machine checked for",
        *(f"{LOOKS[c].title} checked for" for c in survey.constructions),
    ]
    rows = []
    for program in survey.programs:
        all_ = cases(len(program.cases), program.missing).rpartition(" ")[0]
        counts = [all_, *(f"{program.counts[status]:,}" for status in STATUSES)]
        checked = [str(program.checked(c)) if c in program.constructions else "" for c in survey.constructions]
        rows.append([program.title, *counts, program.machine, *checked])
    return head, rows


def about(program: SurveyedProgram, survey: Survey) -> str:
    """The program's file, the inputs and limits of its sweep, and how to remove an earlier text."""
    inputs = Extent.of((case.size, case.params) for case in program.cases)
    judged = "" if program.judged else " No oracle judged the outputs."
    seeds = sorted({case.seed for case in program.cases})
    drawn = f" with seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}" if seeds else ""
    limits = program.limits
    forget = f" To get rid of it, {how_to_forget(program, survey.name)}" if program.earlier_text else ""
    return (
        f"{program.file}, sha256 {program.sha256[:12]}; {cases(len(program.cases), program.missing)}, {inputs}{drawn}.{judged}"
        f" Decoded in {limits.dtype}"
        f" up to context {limits.max_context:,} and {limits.max_decoding_steps:,} decoding steps.{forget}"
    )


def unreached(program: SurveyedProgram) -> str:
    """A sentence on what no run has reached; empty if all was reached or this was not observed."""
    text = program.unreached.text if program.unreached else ""
    return f"{text[0].upper()}{text[1:]}." if text else ""


def checks(program: SurveyedProgram) -> Table:
    """A row for each check: what was compared, and on how many cases it held."""
    rows = [
        (
            LOOKS[line.construction].title if line.construction in LOOKS else "machine",
            line.what,
            line.bound or "of each case",
            of_all(line.held, line.total),
            f"{line.verdict} for {line.extent}" if line.extent else line.verdict,
        )
        for line in program.lines
    ]
    return ("process", "check", "bound", "held on", "verdict"), rows


def figures(program: SurveyedProgram) -> Table:
    """One row for each size: the longest of its runs."""
    head = [
        "size",
        "T",
        "space",
        *(f"{LOOKS[c].title}: {what}" for c in program.constructions for what in ("decoding steps", "context")),
    ]
    rows = []
    for size in sorted({d.size for d in program.decodes}):
        here = [d for d in program.decodes if d.size == size]
        cells = [f"{size}", f"{max(d.time for d in here):,}", f"{max(d.space for d in here):,}"]
        for construction in program.constructions:
            decodes = [d for d in here if d.construction == construction]
            cells += [_figure(decodes, max(d.steps for d in decodes)), _figure(decodes, max(d.context for d in decodes))]
        rows.append(cells)
    return head, rows


def _figure(decodes: Sequence[SurveyedDecode], value: int) -> str:
    """The value of a closed form, followed by the other statuses if not all decodes were checked."""
    others = sorted({d.status for d in decodes if d.status != CHECKED})
    return f"{value:,}{''.join(f' {status}' for status in others)}"


def troubles(program: SurveyedProgram) -> Table:
    rows = [(str(c.size), str(c.number), str(c.seed), _status(c), c.trouble) for c in program.troubles]
    return ("size", "input", "seed", "status", "what went wrong"), rows


def _status(case: SurveyedCase) -> str:
    return f"{case.status} in an earlier sweep" if case.earlier else case.status
