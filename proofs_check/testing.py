"""A program as a list of tests: its contracts, its claims, its outputs and the theorems about its decodes. One verification answers all.

A contract that no run put to the test is skipped, with the reason: nothing is wrong with it, and nothing was checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import or_
from typing import Literal

from lockstep.compiler.names import MDM
from lockstep.pram.contracts.holding import Broken
from lockstep.pram.contracts.kinds import Clause
from lockstep.pram.errors import PramError
from lockstep.pram.program import Program
from lockstep.pram.reached import Item, unreached
from lockstep.pram.sidecar import generator_for, sidecar_of
from lockstep.proofs_check.failing import failures_on, generator_of, input_text, same_check, shrink_failing
from lockstep.proofs_check.report import Check
from lockstep.proofs_check.theorems import THEOREMS
from lockstep.proofs_check.verification import FailedCheck, Models, Options, Report, failures, verify
from lockstep.proofs_check.verification.rows import OUTPUTS, RUNS

#: The sizes of drawn inputs, and the seconds that shrinking a failing one may take.
SIZES, SHRINK = (1, 2, 3, 4), 5.0
#: The row of claims among the theorems.
CLAIMS = "program claims"

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Test:
    """One test of a program. line: where it stands in the file, from 1."""

    name: str
    kind: str
    line: int
    number: int = 0


@dataclass(frozen=True)
class Outcome:
    """The result of a test. text: what is wrong, with a small input; or why it was skipped."""

    status: Status
    text: str = ""


class ProgramTests:
    """The tests of a program. The first one that is asked for verifies the program; the others share the result."""

    def __init__(self, program: Program, sizes: Iterable[int] = SIZES, seconds: float = SHRINK) -> None:
        self.program, self.sizes, self.seconds = program, tuple(sizes), seconds
        self.options = Options()

    @property
    def tests(self) -> Iterator[Test]:
        """The tests, in the order of the file; then those of the whole program."""
        for number, clause in enumerate(self.program.contracts.clauses):
            kind = "requires" if clause.kind == "requires" else "contract"
            yield Test(f"{clause.kind} at {clause.at.line}:{clause.at.column}", kind, clause.at.line, number)
        for number, claim in enumerate(self.program.claims):
            yield Test(f"claim {claim.quantity} at {claim.at.line}:{claim.at.column}", "claim", claim.at.line, number)
        yield Test("runs end", "runs", 1)
        if self.program.has_outputs and sidecar_of(self.program) is not None:
            yield Test("outputs", "outputs", 1)
        for number, theorem in enumerate(THEOREMS):
            if theorem.of_decodes is not None and (not theorem.bounds or MDM in theorem.bounds):
                yield Test(theorem.name, "theorem", 1, number)
        yield Test("exact arithmetic", "certificate", 1)

    @cached_property
    def _verified(self) -> Report | PramError:
        try:
            return verify(self.program, self.options, sizes=self.sizes)
        except PramError as error:
            return error

    def outcome(self, test: Test) -> Outcome:
        """Return the result of a test."""
        report = self._verified
        if isinstance(report, PramError):
            return self._without(test, report)
        match test.kind:
            case "requires" | "contract":
                return self._contract(self.program.contracts.clauses[test.number], report)
            case "claim":
                rows = [check for check in report.checks if check.theorem == CLAIMS][test.number : test.number + 1]
            case "runs":
                wrong = [check for check in report.checks if check.what == RUNS]
                return self._rows(report, wrong) if wrong else Outcome("passed")
            case "outputs":
                rows = [check for check in report.checks if check.what == OUTPUTS]
            case "theorem":
                rows = [check for check in report.checks if check.theorem == THEOREMS[test.number].name]
            case _:
                rows = [check for check in report.checks if check.strength == "certified"]
        return self._rows(report, rows)

    def _without(self, test: Test, error: PramError) -> Outcome:
        """The outcome where there is no verification: the `requires` that no input fulfils fails, or else `runs end`."""
        clauses, broken = self.program.contracts.clauses, _clause_of(self.program, error)
        at_fault = test.kind == "requires" and clauses[test.number] == broken if broken else test.kind == "runs"
        return Outcome("failed", str(error)) if at_fault else Outcome("skipped", f"there are no runs: {error.message}")

    def _rows(self, report: Report, rows: list[Check]) -> Outcome:
        """The outcome of rows of the table."""
        wrong = [check for check in rows if check.failed]
        if wrong:
            known = (f for f in report.failed if (f.check.process, f.check.what) == (wrong[0].process, wrong[0].what))
            text = "\n".join(f"{check.what}: {check.measured}, not {check.bound}" for check in wrong)
            failed = next(known, None)
            return Outcome("failed", text) if failed is None else self._shrunk(failed)
        if all(check.strength == "skipped" for check in rows):
            left = [check for check in report.checks if check.strength == "skipped" and not check.holds]
            return Outcome("skipped", "; ".join(f"{c.what}: {c.measured}" for c in rows or left) or "no run ended")
        return Outcome("passed")

    def _contract(self, clause: Clause, report: Report) -> Outcome:
        failed = self._broken(clause, report)
        if failed is not None:
            return self._shrunk(failed)
        runs = [run for case in report.cases for run in case.runs]
        left: list[Item] = unreached(self.program, reduce(or_, (run.reached for run in runs))).contracts if runs else []
        why = "; ".join(item.text for item in left if item[:2] == (clause.at.line, clause.at.column))
        return Outcome("skipped", why or "no run ended") if why or not runs else Outcome("passed")

    def _broken(self, clause: Clause, report: Report) -> FailedCheck | None:
        """The first run that breaks a contract, as a failed check."""
        generator, models = generator_for(self.program), Models(self.options.dtype, self.options.sampling)
        for case in report.cases:
            for execution in case.executions:
                if execution.refusal is not None and clause == _clause_of(self.program, execution.refusal):
                    alone = replace(case, executions=(execution,), decodes={}, too_long={})
                    return next(failures(self.program, generator, alone, models, self.options))
        return None

    def _shrunk(self, failed: FailedCheck) -> Outcome:
        """A failure, with a small input on which the check fails in the same way, as JSON."""
        small = shrink_failing(self.program, failed, self.options, sizes=self.sizes, seconds=self.seconds)
        generator = generator_of(self.program, failed.check, True, self.options.word_bits)
        narrowed = replace(self.options, constructions=(failed.check.process,) if failed.check.process else ())
        again = (f for f in failures_on(self.program, generator, small.inputs, narrowed) if same_check(failed.check, f.check))
        last = next(again, failed)
        text = last.case.refusal or last.trouble
        return Outcome("failed", f"{text}\non this input:\n{input_text(small.inputs, small.winner, small.expected)}")


def _clause_of(program: Program, error: PramError) -> Clause | None:
    """The contract that an error is about. One without a value has its error inside: it is the last one that starts before."""
    at, clauses = error.diagnostics[0].span, program.contracts.clauses
    if at is None or error.diagnostics[0].source != program.source:
        return None
    if not isinstance(error, Broken):  # no input was found that fulfils a `requires`
        return next((clause for clause in clauses if clause.kind == "requires" and clause.at == at), None)
    before = [clause for clause in clauses if (clause.at.line, clause.at.column) <= (at.line, at.column)]
    return before[-1] if before else None
