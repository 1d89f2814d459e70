"""Mutants of sweeps: what is kept, whose results are shown, what is said of them, and the exit status."""

from __future__ import annotations

from typing import Any

from lockstep.commands.report import survey, values, verdict
from lockstep.common import arguments, ending
from lockstep.pram.sidecar import files
from lockstep.proofs_check.sweeps import plan
from lockstep.proofs_check.sweeps.store import SweepStore
from mutation.planting import Rewrite
from mutation.table import Mutant

KEPT, SHOWN, SAID = "database of sweeps", "reports", "exit status"


def row(area: str, breaks: str, function: Any, old: str, new: str, check: str) -> Mutant:
    return Mutant(area, breaks, Rewrite(function, old, new), check)


OF_KEPT = (
    row(
        KEPT,
        "a stale file is ignored",
        SweepStore._compare_files,
        'fingerprint(folder, row["name"]) != row["fingerprint"]',
        "False",
        "sweeps see files",
    ),
    row(
        KEPT,
        "a case with changed files stays stale",
        SweepStore._compare_files,
        "SET current = 1",
        "SET current = current",
        "sweeps see files",
    ),
    row(KEPT, "the names in a folder do not count", files.fingerprint, "sorted(os.listdir(path))", "[]", "sweeps see files"),
    row(KEPT, "files that did not exist do not count", files.fingerprint, 'return ""', "return UNREADABLE", "fingerprints"),
    row(
        KEPT, "libraries are named without their versions", plan.libraries, "{name} {version_of(name)}", "{name}", "fingerprints"
    ),
    row(
        KEPT,
        "only the first of several files with the same text is swept",
        plan.subjects,
        "(subject.file, subject.sidecar_file)",
        "(subject.program_sha256, subject.sidecar_sha256)",
        "programs are files and texts",
    ),
    row(
        KEPT,
        "--forget removes results of the last sweep",
        SweepStore.forget,
        "AND NOT (? AND current AND c.sweep = ?)",
        "AND (1 OR ? OR ?)",
        "texts are forgotten on purpose",
    ),
    row(
        KEPT,
        "--forget keeps results of a file that is gone",
        SweepStore.forget,
        "(file, path.is_file(), last)",
        "(file, True, last)",
        "texts are forgotten on purpose",
    ),
    row(
        KEPT,
        "--forget keeps old results of the newest text",
        SweepStore.forget,
        "c.sweep = ?",
        "s.sweep = ?",
        "texts are forgotten on purpose",
    ),
    row(KEPT, "a case is identified by its number without its input", plan.Task.key.fget, "self.drawn", '""', "failures stand"),
)

OF_SHOWN = (
    row(
        SHOWN,
        "a program is identified by its name",
        survey._texts,
        "found.setdefault(entry.file, {})",
        "found.setdefault(entry.name, {})",
        "programs are files and texts",
    ),
    row(
        SHOWN,
        "a case without verdict removes an oracle's failure",
        survey._checked_again,
        ' and bool(row["judged"]) >= case.judged',
        "",
        "failures stand",
    ),
    row(
        SHOWN,
        "another input with the same number removes a failure",
        survey._checked_again,
        "inputs = [drawn] if drawn else [",
        "inputs = [",
        "failures stand",
    ),
    row(
        SHOWN,
        "a failure to draw an input is never removed",
        survey._checked_again,
        "[found for (found,) in since if found]",
        "[]",
        "failures stand",
    ),
    row(SHOWN, "failures under other options are dropped", survey._standing, "if not any(", "if any(", "failures stand"),
    row(
        SHOWN,
        "a sweep of fewer processes removes a failure",
        survey.Entry.checks_no_less_than,
        "set(self.limits.constructions) >= set(other.limits.constructions)",
        "True",
        "failures stand",
    ),
    row(
        SHOWN,
        "a sweep with another dtype removes a failure",
        survey.Entry.checks_no_less_than,
        "self.limits.dtype == other.limits.dtype",
        "True",
        "failures stand",
    ),
    row(
        SHOWN,
        "a sweep without oracle removes an oracle's failure",
        survey.Entry.checks_no_less_than,
        "(self.sidecar == other.sidecar or not other.sidecar)",
        "True",
        "failures stand",
    ),
    row(SHOWN, "an earlier result removes a failure", survey._checked_again, "AND sweep > ?", "AND sweep != ?", "failures stand"),
    row(
        SHOWN,
        "a computed case removes a failure of a decode",
        survey._checked_again,
        "else (CHECKED,)",
        "else (CHECKED, COMPUTED)",
        "failures stand",
    ),
    row(
        SHOWN,
        "earlier texts that failed are not shown",
        survey.survey,
        "not program.earlier_text or program.counts[FAILED]",
        "not program.earlier_text",
        "texts are forgotten on purpose",
    ),
    row(
        SHOWN,
        "lines that one run did not reach count as unreached",
        survey._unreached,
        "reduce(and_, found)",
        "Unreached.of({item for each in found for item in each.items})",
        "reports say what was run",
    ),
    row(
        SHOWN,
        "the range of a parameter is the range of sizes",
        values.Extent.of,
        "min(least, value), max(most, value)",
        "min(least, size), max(most, size)",
        "reports say what was run",
    ),
    row(
        SHOWN,
        "a size with a failure counts as checked",
        values.SurveyedProgram.checked,
        "self._lacking | ",
        "",
        "reports say what was run",
    ),
)

OF_STATUS = (
    row(SAID, "a sweep without decodes ends with 0", verdict._nothing_compared, "if not _decoded(program, c)", "if False", "exit status"),
    row(SAID, "a sweep in which no run ends, ends with 0", verdict._nothing_compared,
        "elif program.counts[STOPPED] == len(program.cases):", "elif False:",
        "exit status"),
    row(
        SAID,
        "machine runs without oracle and claim end with 0",
        verdict._nothing_compared,
        "not any(case.judged for case in program.cases)",
        "False",
        "exit status",
    ),
    row(SAID, "failures end with 0", verdict._failures, "if not failed:", "if failed:", "exit status"),
    row(SAID, "a database without programs ends with 0", verdict.reasons, "if not survey.programs:", "if False:", "exit status"),
    row(SAID, "false claims end with 0", ending.end_with_failures, "raise typer.Exit(FAILED)", "pass", "false claims"),
    row(SAID, "true claims count as false", ending.false_claims, "if not check.holds", "if True", "false claims"),
    row(SAID, "empty ranges of sizes are dropped", arguments._range, "if high < low:", "if False:", "sizes are refused"),
)  # fmt: skip

MUTANTS = (*OF_KEPT, *OF_SHOWN, *OF_STATUS)
