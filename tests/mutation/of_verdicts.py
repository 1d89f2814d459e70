"""Mutants of what verify says: sidecars that are believed too easily, and verdicts on what was not compared."""

from __future__ import annotations

from typing import Any

from lockstep.pram import sidecar
from lockstep.pram.sidecar import Generator, child, files, judging, process
from lockstep.pram.sidecar.process import SidecarProcess
from lockstep.proofs_check import claims, failing, verification
from lockstep.proofs_check.sweeps import check
from lockstep.proofs_check.theorems import agreement
from lockstep.proofs_check.verification import Report, cases, rows
from mutation.planting import Rewrite
from mutation.table import Mutant

SIDECARS, VERDICTS = "sidecars", "verdicts"


def row(area: str, breaks: str, function: Any, old: str, new: str, found_by: str) -> Mutant:
    return Mutant(area, breaks, Rewrite(function, old, new), found_by)


ENDS, ORACLES, READ = "sidecars that end", "oracles", "what sidecars read"
OF_SIDECARS = (
    row(SIDECARS, "a process that ended counts as an answer", SidecarProcess.call, 'case ("ended", status):',
        'case ("ended", status):\n            return {"A": [4, 5]}\n        case ("ended", status, _):', ENDS),
    row(SIDECARS, "SystemExit is no error", child.answer, "except BaseException as error:", "except Exception as error:", READ),
    row(SIDECARS, "the time limit of calls is ignored", process.SidecarProcess._ask, "if answer is None:",
        "if answer is not None and not answer:", ENDS),
    row(SIDECARS, "inputs are drawn only once, not twice to compare", Generator._draw_from_sidecar,
        "self._drawn <= DRAWN_TWICE and", "False and", ENDS),
    row(SIDECARS, "every output is right", judging.compare, "Verdict(not differing,", "Verdict(True,", ORACLES),
    row(SIDECARS, "only the first output is compared", judging.compare, "for array in outputs\n        for offset",
        "for array in outputs[:1]\n        for offset", ORACLES),
    row(SIDECARS, "outputs may be missing", judging._check_names, 'array.role == "output" or not returned', "not returned", ORACLES),
    row(SIDECARS, "everything may be missing", judging._check_names, "or not returned", "", ORACLES),
    row(SIDECARS, "names that are no outputs are ignored", judging._check_names, "if name not in names:", "if False:", ORACLES),
    row(SIDECARS, "a longer list is cut", judging.expected_words, "if len(flat) != array.size:", "if len(flat) < array.size:", ORACLES),
    row(SIDECARS, "numbers may have fractions", judging.expected_words, "isinstance(entry, int)", "isinstance(entry, float | int)",
        ORACLES),
    row(SIDECARS, "any true value counts as accepted", Generator._accepted,
        "if not isinstance(answer, bool):", "if answer is None:", ORACLES),
    row(SIDECARS, "misspelt functions are ignored", sidecar._check_functions, "if hint and", "if False and", ORACLES),
    row(SIDECARS, "a sidecar may have no function", sidecar._check_functions, "if len(missing) == 3:", "if len(missing) > 3:", ORACLES),
    row(SIDECARS, "modules are those of their byte code", child.from_source, "(FromSource,", "(SourceFileLoader,", READ),
    row(SIDECARS, "opened files are not recorded", child.Watch.__call__, "if not writes_only:", "if False:", READ),
    row(SIDECARS, "written files are recorded", child.Watch.__call__, "if not writes_only:", "if True:", READ),
    row(SIDECARS, "listed folders are not recorded", child.Watch.__call__, '"os.scandir")', '"os.walk")', READ),
    row(SIDECARS, "imports are not recorded", child.Watch.note_module, "self.note(path + suffix)", "pass", READ),
    row(SIDECARS, "Python's own files are recorded", child.Watch.is_own, "return any(", "return False and any(", READ),
    row(SIDECARS, "the contents of a file do not count", files._of_file, 'hashlib.file_digest(file, "sha256").hexdigest()', "path", READ),
    row(SIDECARS, "cases do not record the files they read", check.check_task,
        "files=generator.files if generator is not None else ()", "files=()",
        "files of cases"),
    row(SIDECARS, "files that a failing call read are forgotten", SidecarProcess.call,
        'column, paths):\n            note(paths)', "column, paths):", "files of cases"),
    row(SIDECARS, "imported modules may change", process.load_sidecar, "or not found.is_current", "", READ),
)  # fmt: skip

SAYS, REFUSALS, BRANCHES = "verdicts", "refusals", "what is not reached"
OF_VERDICTS = (
    row(VERDICTS, "nothing compared is a success", Report.holds, "not self.nothing_compared and", "", SAYS),
    row(VERDICTS, "a program without outputs passes the oracle's check", rows._outputs, "if not generator.program.has_outputs:",
        'if not generator.program.has_outputs:\n        return Check(OUTPUTS, on, "oracle", "", True)\n    if False:', SAYS),
    row(VERDICTS, "a program without outputs passes the check of model outputs", agreement.of_decodes,
        "if not any(m.job.outputs for m in rows):",
        "if False:", SAYS),
    row(VERDICTS, "what an oracle leaves out is not said", rows.machine_checks, "yield from _unjudged(generator, cases, on)", "pass", SAYS),
    row(VERDICTS, "nothing decoded is a success", rows._left_out, "decoded or not options.max_context", "True", SAYS),
    row(VERDICTS, "only the lowest winner is judged", cases.run_machine, "for winner, outcome in found.runs)",
        "for winner, outcome in found.runs[:1])", SAYS),
    row(VERDICTS, "the lowest winner is not judged", cases.run_machine, "for winner, outcome in found.runs)",
        "for winner, outcome in found.runs[-1:])", SAYS),
    row(VERDICTS, "only one winner is decoded", cases._jobs, "[LOWEST, HIGHEST] if", "[LOWEST] if", SAYS),
    row(VERDICTS, "failures name the lowest winner", rows.failures, "yield FailedCheck(alone, check, execution.winner,",
        "yield FailedCheck(alone, check, case.executions[0].winner,", SAYS),
    row(VERDICTS, "a claim that cannot be computed holds", claims._check, "cannot be computed: {error.message}{_sizes(params)}\", False)",
        "cannot be computed: {error.message}{_sizes(params)}\", True)", SAYS),
    row(VERDICTS, "refused runs pass", rows.machine_checks, "ran, False, cause=", "ran, True, cause=", REFUSALS),
    row(VERDICTS, "all refusals count as the same failure", failing.same_check,
        "(c.what, c.process, c.cause) == (check.what, check.process, check.cause)",
        "(c.what, c.process) == (check.what, check.process)", REFUSALS),
    row(VERDICTS, "refusals with other numbers count as other failures", rows._kind,
        're.sub(r"[0-9]+", "#", error.message)', "error.message", REFUSALS),
    row(VERDICTS, "no more inputs are searched for", verification._Verification._reach, "if not any(case.runs for case in cases):",
        "if True:", BRANCHES),
    row(VERDICTS, "unreached lines are not reported", verification._Verification.report, "unreached(self.program, _reached(cases)) if",
        "None if", BRANCHES),
)  # fmt: skip

MUTANTS = (*OF_SIDECARS, *OF_VERDICTS)
