"""The checks of a verification, of one case or of many: rows of the table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from lockstep.pram.contracts.holding import Broken
from lockstep.pram.errors import PramError
from lockstep.pram.program import Program
from lockstep.pram.reached import unreached
from lockstep.pram.sidecar import Generator
from lockstep.pram.winners import Tried, Winner, describe_tried
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.report import Check, runs_of
from lockstep.proofs_check.theorems import THEOREMS
from lockstep.proofs_check.verification.cases import Case, Models, Options

#: Two rows: whether runs end (shown only if the machine refuses one), and the oracle's verdict.
RUNS, OUTPUTS = "machine runs", "machine outputs"
#: The row on contracts, if the program has any.
CONTRACTS = "contracts"
#: The result if no oracle judges the outputs and they differ between winners.
DEPENDS = "not judged; they depend on who wins"


@dataclass(frozen=True)
class FailedCheck:
    """A check that fails on a single run: the case, the winner, and a text that says what is wrong."""

    case: Case
    check: Check
    winner: Winner
    trouble: str


def all_checks(program: Program, generator: Generator, cases: Sequence[Case], models: Models, options: Options) -> list[Check]:
    """All rows of the table."""
    checks = list(machine_checks(program, generator, cases))
    for construction in options.constructions:
        checks += construction_checks(construction, cases, models, options)
    return checks


def case_checks(program: Program, generator: Generator, case: Case, models: Models, options: Options) -> list[Check]:
    """The checks of a single case, without the constructions for which it was too long."""
    checks = list(machine_checks(program, generator, [case]))
    for construction in case.decodes:
        checks += construction_checks(construction, [replace(case, too_long={})], models, options)
    return checks


def failures(program: Program, generator: Generator, case: Case, models: Models, options: Options) -> Iterator[FailedCheck]:
    """The checks that fail on a single run or decode of a case."""
    for execution in case.executions:
        alone = replace(case, executions=(execution,), decodes={}, too_long={})
        for check in machine_checks(program, generator, [alone]):
            if check.failed:
                yield FailedCheck(alone, check, execution.winner, _in_words(alone, check, execution.winner))
    for construction, rows in case.decodes.items():
        for measured in rows:
            alone = replace(case, decodes={construction: (measured,)}, too_long={})
            for check in construction_checks(construction, [alone], models, options):
                if check.failed:
                    yield FailedCheck(alone, check, measured.job.winner, _in_words(alone, check, measured.job.winner))


def _in_words(case: Case, check: Check, winner: Winner) -> str:
    """Describe a failure of a case with one execution or decode: the input, and what is wrong."""
    (execution, *_) = case.executions
    if check.process:
        text = f"{check.process}: {case.divergence or f'{check.what}: {check.measured}, not {check.bound}'}"
    elif execution.refusal is not None:
        text = str(execution.refusal)
    elif check.what == OUTPUTS and execution.verdict is not None:
        text = execution.verdict.difference
    else:
        text = f"{check.what}: {check.measured}"
    return f"{where(case, winner)}: {text}"


def where(case: Case, winner: Winner) -> str:
    """`n 3, winner highest`: the input's parameters, and the winner if the mode leaves it open."""
    params = [f"{name} {value}" for name, value in case.params.items()]
    return ", ".join(params + ([f"winner {winner}"] if case.winner_open else [])) or "the input"


def machine_checks(program: Program, generator: Generator, cases: Sequence[Case]) -> Iterable[Check]:
    """Check the machine's runs: whether they end, the oracle's verdict, and the program's claims."""
    executions = [e for case in cases for e in case.executions]
    on = _on(cases)
    broken = [e.refusal for e in executions if isinstance(e.refusal, Broken)]
    if refused := [e.refusal for e in executions if e.refusal is not None and e.refusal not in broken]:
        ran = f"{len(executions) - len(refused)} of {len(executions)}"
        yield Check(RUNS, on, "end without an error", ran, False, cause=_kind(refused[0]))
    if program.contracts:
        yield _contracts(program, cases, broken, len(executions), on)
    yield _outputs(generator, cases, on)
    yield from _unjudged(generator, cases, on)
    runs = [(case.params, run) for case in cases for run in case.runs]
    for theorem in THEOREMS if runs else ():
        if theorem.of_runs:
            yield from (replace(check, theorem=theorem.name) for check in theorem.of_runs(program, runs, on))


def _contracts(program: Program, cases: Sequence[Case], broken: Sequence[PramError], executions: int, on: str) -> Check:
    """The row on contracts. Its verdict says `skipped` if no run put any of them to the test."""
    clauses, runs = program.contracts.clauses, [run for case in cases for run in case.runs]
    left = {item[:2] for item in unreached(program, reduce(or_, (run.reached for run in runs))).contracts} if runs else None
    tested = 0 if left is None else sum((clause.at.line, clause.at.column) not in left for clause in clauses)
    bound = f"{tested} of {len(clauses)} put to the test"
    held = f"{executions - len(broken)} of {executions}"
    if broken:
        return Check(CONTRACTS, on, bound, held, False, cause=_kind(broken[0]))
    return Check(CONTRACTS, on, bound, held, True, "checked" if tested else "skipped")


def _kind(error: PramError) -> str:
    """The line and message of an error without numbers, which change as an input shrinks."""
    at = error.diagnostics[0].span
    words = re.sub(r"[0-9]+", "#", error.message)
    return f"{at.own.line if at else 0}: {words}"


def _outputs(generator: Generator, cases: Sequence[Case], on: str) -> Check:
    verdicts = [e.verdict for case in cases for e in case.executions if e.verdict is not None]
    if verdicts:
        right = sum(verdict.right for verdict in verdicts)
        return Check(OUTPUTS, on, generator.judge_label, f"{right} of {len(verdicts)}", right == len(verdicts))
    if not generator.program.has_outputs:
        return Check(OUTPUTS, on, "the program has none", "not judged", True, "skipped")
    depends = DEPENDS if any(_differ(case) for case in cases) else "not judged"
    return Check(OUTPUTS, on, "no oracle", depends, True, "skipped")


def _unjudged(generator: Generator, cases: Sequence[Case], on: str) -> Iterable[Check]:
    """Name the inouts that the oracle leaves out in some run."""
    verdicts = [e.verdict for case in cases for e in case.executions if e.verdict is not None]
    for name in dict.fromkeys(name for verdict in verdicts for name in verdict.unjudged):
        left_out = sum(name in verdict.unjudged for verdict in verdicts)
        in_runs = "" if left_out == len(verdicts) else f" in {left_out} of {len(verdicts)}"
        yield Check(f"inout {name}", on, f"left out by {generator.judge_label}", f"not judged{in_runs}", True, "skipped")


def _differ(case: Case) -> bool:
    return any(run.outputs != case.runs[0].outputs for run in case.runs)


def construction_checks(construction: str, cases: Sequence[Case], models: Models, options: Options) -> Iterable[Check]:
    """Check the decodes: the theorems, context per space, the certificate, and the runs that were left out."""
    decoded = [case for case in cases if construction in case.decodes]
    if decoded:
        rows, on = [m for case in decoded for m in case.decodes[construction]], _decoded_on(construction, decoded)
        for theorem in THEOREMS:
            if theorem.of_decodes:
                checks = theorem.of_decodes(construction, rows, on, options.sampling(construction).selection)
                yield from (replace(check, theorem=theorem.name) for check in checks)
        ratios = [max(m.agreement.context) / m.space for m in rows]
        measured = "..".join(dict.fromkeys((f"{min(ratios):.1f}", f"{max(ratios):.1f}")))
        yield Check("context / space", on, "", measured, True, "measured", construction)
        yield _certificate(construction, rows, models)
    if options.winner is not None and not options.winner.fixed and options.max_context:
        order = "a model has one order of the processors"
        yield Check("runs left undecoded", _on(cases), order, f"winner {options.winner}", False, "skipped", construction)
    if left := [case for case in cases if construction in case.too_long]:
        yield _left_out(construction, left, bool(decoded), options)


def _left_out(construction: str, left: Sequence[Case], decoded: bool, options: Options) -> Check:
    """The row on runs that were too long. It fails if nothing was decoded, unless --max-context 0 asked for that."""
    longest = max(case.too_long[construction] for case in left)
    longer = f"{len(left)} longer: --max-context {longest}" if options.max_context else f"{len(left)} longer"
    holds = decoded or not options.max_context
    bound = f"context <= {max(options.longest_context(case.job) for case in left if case.job)}"
    return Check("runs left undecoded", _on(left), bound, longer, holds, "skipped", construction)


def _certificate(construction: str, rows: Sequence[CheckedDecode], models: Models) -> Check:
    """The row on the certificates of the models: arithmetic is exact in each of them."""
    made = [(m.compiled, models.certificate(m.compiled)) for m in rows]
    largest = max((c.largest_sum for _, c in made), key=lambda line: line.found)
    what, bits = max((compiled.widths.extent for compiled, _ in made), key=lambda extent: extent[1])
    bound, sums = f"exact up to 2^{int(largest.limit).bit_length() - 1}", f"sums <= {largest.found:.0f}"
    holds = all(c.holds for _, c in made)
    return Check(f"{models.dtype} arithmetic", f"{what} <= 2^{bits}", bound, sums, holds, "certified", construction)


def _on(cases: Sequence[Case]) -> str:
    """The number of inputs, their parameters, and the winners."""
    text = runs_of([case.params for case in cases])
    tried = [Tried(len(case.executions), case.all_winners) for case in cases if case.winner_open]
    if not tried:
        return text
    chosen = {e.winner for case in cases for e in case.executions}
    if len(chosen) == 1 and not any(each.every for each in tried):
        return f"{text}, winner {chosen.pop()}"
    return f"{text}, {describe_tried(tried)}"


def _decoded_on(construction: str, cases: Sequence[Case]) -> str:
    """The number of decoded runs, their parameters, and the winners."""
    text = runs_of([case.params for case in cases])
    if not any(case.winner_open for case in cases):
        return text
    winners = dict.fromkeys(str(m.job.winner) for case in cases for m in case.decodes[construction])
    return f"{text}, winner{'s' if len(winners) > 1 else ''} {', '.join(winners)}"
