"""Random programs of the language, each with an input: the machine beside its models, as `verify` holds them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import starmap
from random import Random

from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.program import Program, parse_program
from lockstep.pram.progress import Progress, silent
from lockstep.pram.sidecar import generator_for
from lockstep.proofs_check.fuzzing.counts import OTHER, CampaignCounts
from lockstep.proofs_check.fuzzing.coverage import coverage as coverage_of
from lockstep.proofs_check.fuzzing.features import count_features
from lockstep.proofs_check.fuzzing.random_programs import TextCase, language_program
from lockstep.proofs_check.refusals import NotCertified
from lockstep.proofs_check.report import Check
from lockstep.proofs_check.verification import Case, Models, Options, case_checks, decode_case, run_machine
from lockstep.proofs_check.verification.rows import RUNS

#: Programs that a process takes at once.
SHARE = 20


@dataclass(frozen=True)
class Failure:
    """A program that failed: its number, the first check that did, and what it was checked with."""

    number: int
    check: Check
    options: Options


@dataclass(frozen=True)
class CampaignOutcome:
    """What a campaign met, and the failure that ended it."""

    counts: CampaignCounts
    failure: Failure | None = None

    @property
    def holds(self) -> bool:
        """Whether something was checked, and all of it held."""
        return self.failure is None and self.counts.passed > 0


def fuzz(programs: int, seed: int, options: Options, *, in_turn: bool = False, workers: int = 0,
         progress: Progress = silent) -> CampaignOutcome:  # fmt: skip
    """Check so many random programs, or as many as it takes until one fails.

    Args: in_turn: decode each program in one of the constructions, by its number, instead of in all.
          workers: processes; 0: run all in this one. What is drawn and found does not depend on them.
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
    """The outcome of each share, in order, so that the first failure is the same for any number of workers."""
    if workers == 0:
        yield starmap(check_share, shares)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield pool.imap(_check_share, shares)


def _check_share(share: Share) -> CampaignOutcome:
    return check_share(*share)


def check_share(seed: int, first: int, count: int, options: Options, in_turn: bool = False) -> CampaignOutcome:
    """Programs of consecutive numbers; ends at the first that fails."""
    counts, turns = CampaignCounts(), options.constructions
    for number in range(first, first + count):
        chosen = replace(options, constructions=(turns[number % len(turns)],)) if in_turn and turns else options
        failed = failed_checks(language_program(random_of(seed, number)), chosen, counts)
        if failed:
            return CampaignOutcome(counts, Failure(number, failed[0], chosen))
    return CampaignOutcome(counts)


def random_of(seed: int, number: int) -> Random:
    """What the program of this number is drawn with."""
    return Random(f"{seed}:{number}")


def failed_checks(text: TextCase, options: Options, counts: CampaignCounts | None = None) -> list[Check]:
    """The checks that fail on a program and its input; counts what was met.

    Whatever is raised is a defect of ours, and fails, too - but for a run that the machine itself refuses in words that are
    known, and a certificate that does not reach as far in float32.
    """
    counts = CampaignCounts() if counts is None else counts
    counts.programs += 1
    try:
        program = parse_program(text.text)
        counts.features += count_features(program.tree)
        if message := _refusal(program, text, options):
            known = counts.refuse(message) != OTHER
            return [] if known else [Check("refusal", "1 run", "of a known kind", message, False)]
        return _examine(program, text, options, counts)
    except NotCertified as error:
        if options.dtype == "float64":
            return [_defect(error)]
        counts.refused["not certified"] += 1
        return []
    except Exception as error:
        return [_defect(error)]


def _defect(error: Exception) -> Check:
    return Check(type(error).__name__, "1 run", "no defect", f"{error}", False)


def _refusal(program: Program, text: TextCase, options: Options) -> str:
    """Why the machine does not run this to its end; "" if it does."""
    try:
        run(program.instantiate(text.params, text.arrays), max_steps=options.max_steps)
    except PramError as error:
        return str(error)
    return ""


def _examine(program: Program, text: TextCase, options: Options, counts: CampaignCounts) -> list[Check]:
    """The program runs under the lowest winner; under another one it may be refused, in words that are known, too."""
    generator, models = generator_for(program, use_sidecar=False), Models(options.dtype)
    case = decode_case(run_machine(program, generator, text.params, text.arrays, options), models, options)
    assert case.run is not None, "it was refused before"
    counts.reach(program, case.run.reached)
    _count(case, options, counts)
    unknown = [str(e.refusal) for e in case.executions if e.refusal is not None and counts.refuse(str(e.refusal)) == OTHER]
    failed = [c for c in case_checks(program, generator, case, models, options) if c.failed and (unknown or c.what != RUNS)]
    decoded = case.decodes.keys() >= set(options.constructions)
    counts.passed += decoded and not failed
    counts.undecoded += not decoded and not failed
    return failed


def _count(case: Case, options: Options, counts: CampaignCounts) -> None:
    counts.steps += sum(ran.time for ran in case.runs)
    assert case.job is not None
    counts.covered += coverage_of(run(case.job, max_steps=options.max_steps, trace=True))
    for construction in options.constructions:
        if construction in case.decodes:
            counts.decodes[construction] += len(case.decodes[construction])
            counts.decoding_steps += sum(measured.agreement.steps for measured in case.decodes[construction])
        else:
            counts.left_out[construction] += 1
