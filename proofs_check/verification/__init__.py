"""Verifies a program: runs it on many inputs, decodes the same runs, and compares both with each other and the theorems.

cases.py  one input: its runs on the machine, and its decodes
rows.py   the checks: rows of the table
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from lockstep.pram.errors import PramError
from lockstep.pram.probing import reach
from lockstep.pram.program import Program
from lockstep.pram.progress import Progress, silent
from lockstep.pram.reached import Reached, Unreached, unreached
from lockstep.pram.sidecar import Generator, Inputs, draw, generator_for
from lockstep.pram.sidecar.process import DEFAULT_TIMEOUT
from lockstep.proofs_check.report import Check
from lockstep.proofs_check.verification.cases import Case, Execution, Models, Options, decodable, decode_case, run_machine
from lockstep.proofs_check.verification.rows import DEPENDS, OUTPUTS, FailedCheck, all_checks, case_checks, failures

PLAIN = Options()


@dataclass(frozen=True)
class Report:
    """The result of a verification.

    checks:    the rows of the table, in order.
    failed:    for each check that fails on a single input, the first such input.
    trouble:   the first divergence, as text.
    unreached: lines and sides of conditions that no run reached; None if no run ended.
    refused:   the machine's messages for inputs that it refused. These inputs were tried to reach more lines. They have words
               beyond 0 .. 15 where the program declares no range.
    lacking:   the chosen constructions that have no models of the program's write rules.
    rejected:  how many draws did not fulfil what the program requires; None if no input was drawn from `requires`.
    """

    program: str
    checks: tuple[Check, ...]
    cases: tuple[Case, ...]
    failed: tuple[FailedCheck, ...] = ()
    trouble: str = ""
    unreached: Unreached | None = None
    refused: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    rejected: int | None = None

    def __repr__(self) -> str:
        """A short text; the fields have the rest."""
        return f"<Report of {self.program}: {self.conclusion}>"

    @property
    def holds(self) -> bool:
        """Whether something was compared and every check held."""
        return not self.nothing_compared and all(check.holds for check in self.checks)

    @property
    def nothing_compared(self) -> str:
        """Why nothing was compared; "" if something was."""
        if any(check.strength in ("checked", "certified") for check in self.checks):
            return ""
        return "nothing was compared: no oracle judges outputs, the program has no claims, and no run was decoded"

    @property
    def conclusion(self) -> str:
        """The verdict in one line."""
        failed = sum(not check.holds for check in self.checks)
        if self.nothing_compared:
            return f"FAILED: {self.nothing_compared}"
        made = sum(check.strength in ("checked", "certified") for check in self.checks)
        verdict = f"FAILED: {failed} of {len(self.checks)} checks" if failed else f"all {made} checks hold"
        if any(check.what == OUTPUTS and check.measured == DEPENDS for check in self.checks):
            verdict += "; outputs depend on who wins a write, and no oracle says which are right"
        left_out = list(self._left_out())
        if left_out and not failed:
            verdict += " on what was decoded"
        return "; ".join([verdict, *left_out])

    def _left_out(self) -> Iterable[str]:
        for name in self.lacking:
            yield f"nothing decoded in {name}, which has no models of these write rules"
        for name in dict.fromkeys(name for case in self.cases for name in case.too_long):
            left = [case.too_long[name] for case in self.cases if name in case.too_long]
            yield f"{len(left)} of {len(self.cases)} inputs not decoded in {name}: --max-context {max(left)} would decode them"

    @property
    def engines(self) -> tuple[str, ...]:
        """The names of the engines that decoded, each once."""
        rows = (m for case in self.cases for decodes in case.decodes.values() for m in decodes)
        return tuple(dict.fromkeys(m.agreement.engine for m in rows))


def verify(program: Program, options: Options = PLAIN, *, inputs: Inputs | None = None, sizes: Iterable[int] = range(1, 5),
           random: int = 3, use_sidecar: bool = True, progress: Progress = silent, fail_fast: bool = False,
           on_failure: Callable[[FailedCheck], None] = lambda failed: None, sidecar_timeout: float = DEFAULT_TIMEOUT,
           expected: dict[str, Any] | None = None) -> Report:  # fmt: skip
    """Verify a program on one given input, or on `random` inputs of each size.

    All inputs run on the machine before the first is decoded: runs are cheap and find most mistakes. If inputs are drawn
    from declared ranges, more inputs are searched for, which reach lines that no drawn input reaches.

    Args:   progress: called with the number of inputs done and of all, first for the runs, then for the decodes. fail_fast:
            stop at the first failure. on_failure: called with the first failure as soon as it is known. sidecar_timeout:
            seconds for each call of the sidecar, 0 for no limit. expected: the outputs that `inputs` should give, if no
            sidecar judges them.
    Raises: PramError: a wrong input, or a sidecar that fails. NotCertified: the dtype is not exact.
    """
    generator = generator_for(program, use_sidecar, options.word_bits, sidecar_timeout)
    generator.expected = expected
    verification = _Verification(program, generator, options, progress, fail_fast, on_failure)
    if inputs is not None:
        verification.given = True
        return verification.report([inputs])
    sizes = list(sizes)
    return verification.report(list(draw(generator, sizes, random, options.seed)), sizes)


class _Verification:
    """Runs every input, then decodes; keeps the first failure of each check."""

    def __init__(self, program: Program, generator: Generator, options: Options, progress: Progress, fail_fast: bool,
                 on_failure: Callable[[FailedCheck], None]) -> None:  # fmt: skip
        self.program, self.generator, self.options = program, generator, options
        self.progress, self.fail_fast, self.on_failure = progress, fail_fast, on_failure
        self.models = Models(options.dtype, options.sampling)
        self.given = False
        self.failed: dict[tuple[str, str], FailedCheck] = {}

    def report(self, given: Sequence[Inputs], sizes: Sequence[int] = ()) -> Report:
        """Verify these inputs. If they were drawn, `sizes` are their sizes, and more inputs may be added."""
        cases = self._run(given)
        refused: tuple[str, ...] = ()
        if sizes and self.generator.draws_from_ranges and not self.failed:
            refused = self._reach(cases, sizes)
        if not (self.fail_fast and self.failed):
            cases = self._decode(cases)
        self.progress(len(cases), len(cases))
        checks = all_checks(self.program, self.generator, cases, self.models, self.options)
        trouble = next((str(case.divergence) for case in cases if case.divergence), "")
        left = unreached(self.program, _reached(cases)) if any(case.runs for case in cases) else None
        lacking = {name for case in cases for name in self.options.constructions if not decodable(case.job, [name])}
        return Report(self.program.name, tuple(checks), tuple(cases), tuple(self.failed.values()), trouble, left,
                      refused if left else (), tuple(sorted(lacking)), self._rejected)  # fmt: skip

    @property
    def _rejected(self) -> int | None:
        drawn = not self.given and self.generator.draws_from_ranges and bool(self.program.contracts.requires)
        return self.generator.rejected if drawn else None

    def _run(self, given: Sequence[Inputs]) -> list[Case]:
        cases: list[Case] = []
        for number, inputs in enumerate(given):
            self.progress(number, len(given))
            cases.append(self._run_one(inputs))
            if self.fail_fast and self.failed:
                break
        return cases

    def _run_one(self, inputs: Inputs) -> Case:
        case = run_machine(self.program, self.generator, *inputs, self.options, self.given)
        self._note(case)
        return case

    def _reach(self, cases: list[Case], sizes: Sequence[int]) -> tuple[str, ...]:
        """Add inputs that reach something new, or that fail. Returns: the messages of refused inputs that are no failures."""
        if not any(case.runs for case in cases):
            return ()
        options = self.options
        found = reach(self.program, _reached(cases), sizes, options.seed, options.word_bits, options.max_steps)
        for probe in (*found.found, *(refused.probe for refused in found.failures)):
            cases.append(self._run_one(probe.inputs))
        return tuple(str(refused.error) for refused in found.notes)

    def _decode(self, cases: Sequence[Case]) -> list[Case]:
        """Decode the cases in order, up to the first divergence."""
        decoded = list(cases)
        for number, case in enumerate(cases):
            self.progress(number, len(cases))
            decoded[number] = decode_case(case, self.models, self.options)
            self._note(decoded[number])
            if decoded[number].divergence is not None or self.fail_fast and self.failed:
                break
        return decoded

    def _note(self, case: Case) -> None:
        for failed in failures(self.program, self.generator, case, self.models, self.options):
            if not self.failed:
                self.on_failure(failed)
            self.failed.setdefault((failed.check.process, failed.check.what), failed)


def _reached(cases: Sequence[Case]) -> Reached:
    """Everything that the runs of these cases reached."""
    return reduce(or_, (run.reached for case in cases for run in case.runs))


__all__ = [
    "Case", "Execution", "FailedCheck", "Models", "Options", "PramError", "Report", "case_checks", "decode_case", "failures",
    "run_machine", "verify",
]  # fmt: skip
