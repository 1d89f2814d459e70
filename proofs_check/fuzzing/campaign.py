"""Checks random programs, each on one input: machine beside models, with the checks of `verify`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import starmap
from random import Random

from lockstep.pram.contracts.holding import Broken
from lockstep.pram.machine import run
from lockstep.pram.program import Program, parse_program
from lockstep.pram.progress import Progress, silent
from lockstep.pram.sidecar import Generator, generator_for
from lockstep.proofs_check.fuzzing.counts import OTHER, CampaignCounts
from lockstep.proofs_check.fuzzing.coverage import coverage as coverage_of
from lockstep.proofs_check.fuzzing.features import count_contracts, count_features, count_loops, count_written
from lockstep.proofs_check.fuzzing.random_contracts import negated
from lockstep.proofs_check.fuzzing.random_programs import TextCase, language_program
from lockstep.proofs_check.refusals import NotCertified
from lockstep.proofs_check.report import Check
from lockstep.proofs_check.verification import Case, Models, Options, case_checks, decode_case, run_machine
from lockstep.proofs_check.verification.cases import decodable
from lockstep.proofs_check.verification.rows import RUNS
from lockstep.proofs_check.workers import processes

#: Programs in one share of the work.
SHARE = 20


@dataclass(frozen=True)
class Failure:
    """A program that failed: its number, its first failed check, and the options of that check."""

    number: int
    check: Check
    options: Options


@dataclass(frozen=True)
class CampaignOutcome:
    """The counts of a campaign, and the failure that ended it."""

    counts: CampaignCounts
    failure: Failure | None = None

    @property
    def holds(self) -> bool:
        """Whether some program passed and none failed."""
        return self.failure is None and self.counts.passed > 0


def fuzz(programs: int, seed: int, options: Options, *, in_turn: bool = False, workers: int = 0,
         progress: Progress = silent) -> CampaignOutcome:  # fmt: skip
    """Check random programs, and stop at the first failure.

    Args: in_turn: decode each program in one construction, which its number picks, instead of in all.
          workers: number of processes; 0 runs everything in this one. The outcome does not depend on it.
    """
    counts = CampaignCounts()
    shares = [(seed, first, min(SHARE, programs - first), options, in_turn) for first in range(0, programs, SHARE)]
    with _shares(shares, workers) as outcomes:
        progress(0, programs)
        for outcome in outcomes:
            counts += outcome.counts
            progress(counts.programs, programs)
            if outcome.failure is not None:
                return CampaignOutcome(counts, outcome.failure)
    return CampaignOutcome(counts)


Share = tuple[int, int, int, Options, bool]


@contextmanager
def _shares(shares: list[Share], workers: int) -> Iterator[Iterator[CampaignOutcome]]:
    """The outcomes of the shares, in order: so the first failure does not depend on the number of workers."""
    if workers == 0:
        yield starmap(check_share, shares)
        return
    with processes(workers) as pool:
        yield pool.map(_check_share, shares)


def _check_share(share: Share) -> CampaignOutcome:
    return check_share(*share)


def check_share(seed: int, first: int, count: int, options: Options, in_turn: bool = False) -> CampaignOutcome:
    """Check programs with consecutive numbers, and stop at the first failure."""
    counts, turns = CampaignCounts(), options.constructions
    for number in range(first, first + count):
        chosen = replace(options, constructions=(turns[number % len(turns)],)) if in_turn and turns else options
        failed = failed_checks(language_program(random_of(seed, number)), chosen, counts)
        if failed:
            return CampaignOutcome(counts, Failure(number, failed[0], chosen))
    return CampaignOutcome(counts)


def random_of(seed: int, number: int) -> Random:
    """The random generator that draws the program with this number."""
    return Random(f"{seed}:{number}")


def failed_checks(text: TextCase, options: Options, counts: CampaignCounts | None = None) -> list[Check]:
    """Check a program on its input and count it. Returns: the checks that fail.

    An exception is a defect of Lockstep and counts as a failed check. Two are not: the machine refuses the run in known
    words, or the certificate does not hold in float32.
    """
    counts = CampaignCounts() if counts is None else counts
    counts.programs += 1
    try:
        program = parse_program(text.text)
        counts.features += count_features(program.tree) + count_written(text.text) + count_loops(program)
        counts.contracts += count_contracts(program)
        generator = generator_for(program, use_sidecar=False)
        case = run_machine(program, generator, text.params, text.arrays, options)
        if case.run is None:
            message = str(case.executions[0].refusal)
            known = counts.refuse(message) != OTHER
            return [] if known else [Check("refusal", "1 run", "of a known kind", message, False)]
        return _examine(program, generator, case, options, counts)
    except NotCertified as error:
        if options.dtype == "float64":
            return [_defect(error)]
        counts.refused["not certified"] += 1
        return []
    except Exception as error:
        return [_defect(error)]


def _defect(error: Exception) -> Check:
    return Check(type(error).__name__, "1 run", "no defect", f"{error}", False)


def _examine(program: Program, generator: Generator, case: Case, options: Options, counts: CampaignCounts) -> list[Check]:
    """Check a program that ends under the lowest winner. Under others the machine may refuse it, in known words."""
    models = Models(options.dtype, options.sampling)
    case = decode_case(case, models, options)
    assert case.run is not None, "it ended"
    counts.reach(program, case.run.reached)
    _count(case, options, counts)
    refusals = [str(e.refusal) for e in case.executions if e.refusal is not None]
    counts.under_others += len(refusals)
    unknown = [message for message in refusals if counts.refuse(message) == OTHER]
    negated = negated_checks(program, case, options, counts)
    failed = negated + [
        c for c in case_checks(program, generator, case, models, options) if c.failed and (unknown or c.what != RUNS)
    ]
    decoded = case.decodes.keys() >= set(decodable(case.job, options.constructions))
    counts.passed += decoded and not failed
    counts.undecoded += not decoded and not failed
    return failed


def negated_checks(program: Program, case: Case, options: Options, counts: CampaignCounts) -> list[Check]:
    """Negate a contract that the run has reached. The machine must find it broken, at its place. Return the check if it does not."""
    assert case.run is not None and case.job is not None, "it ended"
    found = negated(program, case.run, Random(program.source.text))
    if found is None:
        return []
    wrong, clause = found
    counts.contracts["negated"] += 1
    wanted = f"{clause.kind} at {clause.at.line}:{clause.at.column}"
    try:
        job = wrong.instantiate(case.params, case.arrays, options.word_bits)
        run(replace(job, winner=case.run.job.winner), max_steps=options.max_steps)
        measured = "the run ends"
    except Broken as error:
        at = error.diagnostics[0].span
        if at == clause.at:
            return []
        measured = str(error)
    return [Check("a negated contract", "1 run", wanted, measured, False)]


def _count(case: Case, options: Options, counts: CampaignCounts) -> None:
    counts.steps += sum(ran.time for ran in case.runs)
    assert case.job is not None
    counts.covered += coverage_of(run(case.job, max_steps=options.max_steps, trace=True))
    for construction in decodable(case.job, options.constructions):
        if construction in case.decodes:
            counts.decodes[construction] += len(case.decodes[construction])
            counts.decoding_steps += sum(measured.agreement.steps for measured in case.decodes[construction])
        else:
            counts.left_out[construction] += 1
