"""One input: its runs on the machine, the oracle's verdict on each, and its decodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from lockstep.compiler.compile import Compiled, Widths, compile_code, least_widths
from lockstep.compiler.names import MDM, lacking, process_of
from lockstep.compiler.processor import Code
from lockstep.models.processes import usual_order
from lockstep.models.samplers.noise import Noise
from lockstep.models.sampling import AUTO, Sampling
from lockstep.pram.access import MODES
from lockstep.pram.contracts.holding import Unmet
from lockstep.pram.errors import InputError, PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, NoHalt, Run, run
from lockstep.pram.program import Program
from lockstep.pram.sidecar import Generator
from lockstep.pram.sidecar.judging import Verdict
from lockstep.pram.unwritten import refuse
from lockstep.pram.winners import HIGHEST, LOWEST, Winner, Winners, run_winners
from lockstep.proofs_check.agreement import Divergence, check_agreement
from lockstep.proofs_check.certificate import Certificate, require_certificate
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.decoding import lay_out, pick_engine
from lockstep.proofs_check.theorems import BOUNDS

#: Runs with a longer context are checked on the machine but not decoded. A decode of this length takes a second at most.
DEFAULT_MAX_CONTEXT = 20_000
#: The same limit for the engines that score pairs of rows.
SLOWER = {"dense": 1000, "active": 1000}
#: The longest words in which fast engines add up writes. Longer ones are left to `dense`, and have this limit if the user sets none.
LONGEST_SUMS, OF_LONG_SUMS = {"float64": 17, "float32": 4}, 400


def usual_max_context(engine: str) -> int:
    """The limit that applies where the user sets none."""
    return SLOWER.get(engine, DEFAULT_MAX_CONTEXT)


@dataclass(frozen=True)
class Options:
    """The options of a verification, as the command line sets them.

    order:  in which order tokens are written. None: each process takes its usual one.
    winner: who wins concurrent writes under `CRCW arbitrary`. None: try every winner, or several if there are too many.
    every: how often arm erasing erases; None: as usual.
    sampler, temperature, noise: as in `lockstep.models.sampling.Sampling`.
    """

    constructions: Sequence[str] = (MDM,)
    order: str | None = None
    dtype: str = "float64"
    seed: int = 0
    word_bits: int | None = None
    max_context: int = DEFAULT_MAX_CONTEXT
    engine: str = AUTO
    device: str = "cpu"
    max_decoding_steps: int | None = None
    max_steps: int = DEFAULT_MAX_STEPS
    strict: bool = False
    winner: Winner | None = None
    every: int | None = None
    sampler: str | None = None
    temperature: float = 1.0
    noise: Noise | None = None

    def longest_context(self, job: Job) -> int:
        """Longer contexts are not decoded."""
        long = "sum" in job.rules and job.word_bits > LONGEST_SUMS[self.dtype]
        slow = long or not {"and", "or"}.isdisjoint(job.rules)
        return OF_LONG_SUMS if slow and self.max_context == DEFAULT_MAX_CONTEXT else self.max_context

    def sampling(self, construction: str) -> Sampling:
        """The options of the decodes of a construction."""
        order = self.order or usual_order(process_of(construction))
        return replace(Sampling(order, self.seed, self.engine, self.device, every=self.every), **self.sampled)

    @property
    def sampled(self) -> dict[str, Any]:
        """The fields of `Sampling` about samplers."""
        return {"sampler": self.sampler, "temperature": self.temperature, "noise": self.noise}


@dataclass(frozen=True)
class Execution:
    """One run of the machine under one winner: the run with its verdict, or the error that stopped it.

    verdict: None if no oracle judges outputs.
    """

    winner: Winner
    run: Run | None
    refusal: PramError | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Case:
    """One input with its runs and decodes.

    job:         None if the program does not accept the input; then there is one execution, with the error.
    all_winners: whether the executions cover every winner of the concurrent writes.
    decodes:     for each construction, one decode for each winner that was decoded.
    too_long:    for each construction that left decodes out, the longest context among them.
    """

    params: dict[str, int]
    arrays: dict[str, Any]
    job: Job | None
    executions: tuple[Execution, ...]
    all_winners: bool = True
    decodes: dict[str, tuple[CheckedDecode, ...]] = field(default_factory=dict)
    too_long: dict[str, int] = field(default_factory=dict)

    @property
    def run(self) -> Run | None:
        """The run under the first winner: the lowest, unless another one was asked for."""
        return self.executions[0].run

    @property
    def runs(self) -> list[Run]:
        """The runs that ended."""
        return [e.run for e in self.executions if e.run is not None]

    @property
    def refusal(self) -> PramError | None:
        """The first error of its executions."""
        return next((e.refusal for e in self.executions if e.refusal is not None), None)

    @property
    def endless(self) -> bool:
        """Whether every run reached the limit of steps."""
        return all(isinstance(e.refusal, NoHalt) for e in self.executions)

    @property
    def divergence(self) -> Divergence | None:
        """The first divergence of its decodes."""
        found = (m.agreement.divergence for rows in self.decodes.values() for m in rows)
        return next((divergence for divergence in found if divergence), None)

    @property
    def winner_open(self) -> bool:
        return self.job is not None and MODES[self.job.mode].winner_open


@dataclass
class Models:
    """Compiled models with their certificates, one for each construction, code and widths.

    sampling: the options of the decodes of a construction.
    """

    dtype: str
    sampling: Callable[[str], Sampling] = Options().sampling
    made: dict[tuple[str, Code, Widths], tuple[Compiled, Certificate]] = field(default_factory=dict)

    def get(self, construction: str, job: Job, time: int) -> Compiled:
        code, widths = Code.of(job), least_widths(construction, job, time, self.sampling(construction))
        if (construction, code, widths) not in self.made:
            compiled = compile_code(code, widths, self.dtype, construction)
            self.made[construction, code, widths] = compiled, require_certificate(compiled)
        return self.made[construction, code, widths][0]

    def certificate(self, compiled: Compiled) -> Certificate:
        """The certificate of a model that `get` returned."""
        return self.made[compiled.construction, compiled.code, compiled.widths][1]


def run_machine(
    program: Program, generator: Generator, params: dict[str, int], arrays: dict[str, Any], options: Options, given: bool = False
) -> Case:
    """Run one input on the machine, under every winner or several, and judge the outputs of each run.

    Args:   given: the user gave this input, so errors do not blame the sidecar.
    Raises: PramError: the input is wrong or not what the program requires, the sidecar fails, or a winner was asked for although
            the mode leaves none open.
    """
    try:
        with nullcontext() if given else generator.blaming_sidecar():
            job = program.instantiate(params, arrays, options.word_bits)
    except (InputError, Unmet):
        raise
    except PramError as error:
        if any(d.source != program.source for d in error.diagnostics):
            raise
        return Case(params, arrays, None, (Execution(LOWEST, None, error),))
    found = _winners(job, options)
    executions = tuple(_execution(generator, params, arrays, winner, outcome) for winner, outcome in found.runs)
    return Case(params, arrays, job, executions, found.every)


def _winners(job: Job, options: Options) -> Winners:
    warn = refuse if options.strict else None
    if options.winner is None:
        return run_winners(job, max_steps=options.max_steps, warn=warn)
    chosen = replace(job, winner=options.winner)
    try:
        return Winners(((options.winner, run(chosen, max_steps=options.max_steps, warn=warn)),), False)
    except PramError as error:
        return Winners(((options.winner, error),), False)


def _execution(
    generator: Generator, params: dict[str, int], arrays: dict[str, Any], winner: Winner, outcome: Run | PramError
) -> Execution:
    if isinstance(outcome, PramError):
        return Execution(winner, None, outcome)
    return Execution(winner, outcome, None, generator.judge(params, arrays, outcome.outputs))


def decode_case(case: Case, models: Models, options: Options) -> Case:
    """Decode the runs of a case beside the machine, in every construction that has its mode and for which they are short enough.

    If the mode leaves winners open, the lowest and the highest are decoded, or the one asked for if it is a fixed order.
    Raises: PramError: an engine does not take the context. NotCertified: the dtype is not exact.
    """
    decodes: dict[str, tuple[CheckedDecode, ...]] = {}
    too_long: dict[str, int] = {}
    jobs = list(_jobs(case, options))
    for construction in decodable(case.job, options.constructions):
        bound, rows = BOUNDS[construction].every(options.every), []
        for job, time in jobs:
            context = bound.peak_context(job, time)
            if _fits(construction, job, time, options):
                rows.append(_decode(construction, job, time, models, options))
            else:
                too_long[construction] = max(context, too_long.get(construction, 0))
        if rows:
            decodes[construction] = tuple(rows)
    return replace(case, decodes=decodes, too_long=too_long)


def decodable(job: Job | None, constructions: Iterable[str]) -> list[str]:
    """Those of these constructions that have models of the job's write rules."""
    return [name for name in constructions if job is None or not lacking(name, job.rules)]


def _jobs(case: Case, options: Options) -> Iterator[tuple[Job, int]]:
    """The job under each winner that a model can compute, with the time of its run; skips runs that the machine refuses."""
    if case.job is None:
        return
    if options.winner is not None:
        winners = [options.winner] if options.winner.fixed else []
    else:
        winners = [LOWEST, HIGHEST] if case.winner_open else [LOWEST]
    known = {e.winner: e for e in case.executions}
    for winner in winners:
        job = case.job if winner == case.job.winner else replace(case.job, winner=winner)
        try:
            ran = known[winner].run if winner in known else run(job, max_steps=options.max_steps)
        except PramError:
            continue  # the executions show this error: they cover every winner, or include this one
        if ran is not None:
            yield job, ran.time


def _fits(construction: str, job: Job, time: int, options: Options) -> bool:
    """Whether the closed forms of a decode are within the limits."""
    bound, most = BOUNDS[construction].every(options.every), options.max_decoding_steps
    return bound.peak_context(job, time) <= options.longest_context(job) and (most is None or bound.steps(job, time) <= most)


def _decode(construction: str, job: Job, time: int, models: Models, options: Options) -> CheckedDecode:
    bound, compiled = BOUNDS[construction].every(options.every), models.get(construction, job, time)
    sampling = pick_engine(
        options.sampling(construction), bound.peak_context(job, time), bound.steps(job, time), compiled.model.causal
    )
    lay_out(compiled, job, time, sampling)
    return CheckedDecode(job, compiled, check_agreement(compiled, job, time, sampling))
