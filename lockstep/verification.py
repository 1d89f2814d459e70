"""The main job: run a program on many inputs, decode the same runs, and hold both against each other and the theorems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from compiler.compile import CONSTRUCTIONS, Compiled, Widths, compile_code
from compiler.processor import Code
from lockstep.decoding import lay_out, pick_engine
from lockstep.sidecar import Generator, Inputs, draw, generator_for
from pram.errors import PramError
from pram.job import Job
from pram.machine import DEFAULT_MAX_STEPS, Run, run
from pram.program import Program
from pram.unwritten import refuse
from proofs_check.agreement import Divergence, check_agreement
from proofs_check.certificate import Certificate, require_certificate
from proofs_check.measured import Measured
from proofs_check.report import Check, runs_of
from proofs_check.theorems import BOUNDS, THEOREMS

#: Runs whose context is longer are checked on the machine but not decoded: dense attention takes too long.
DEFAULT_MAX_CONTEXT = 1000


@dataclass(frozen=True)
class Options:
    """How a verification is done; what the command line's flags set."""

    constructions: Sequence[str] = ("mdm",)
    order: str = "parallel"
    dtype: str = "float64"
    seed: int = 0
    word_bits: int | None = None
    max_context: int = DEFAULT_MAX_CONTEXT
    engine: str = "auto"
    device: str = "cpu"
    max_decoding_steps: int | None = None
    max_steps: int = DEFAULT_MAX_STEPS
    strict: bool = False


@dataclass(frozen=True)
class Case:
    """One input, its run, and its decodes: one for each construction, save those whose context is too long."""

    params: dict[str, int]
    arrays: dict[str, Any]
    job: Job
    run: Run
    right: bool | None
    decodes: dict[str, Measured]

    @property
    def divergence(self) -> Divergence | None:
        """The first one of its decodes."""
        return next((m.agreement.divergence for m in self.decodes.values() if m.agreement.divergence), None)


@dataclass(frozen=True)
class Report:
    """The rows of the table, in order, and the first divergence in words.

    failing: the first case that alone fails a check, and that check.
    """

    program: str
    checks: tuple[Check, ...]
    cases: tuple[Case, ...]
    trouble: str = ""
    failing: tuple[Case, Check] | None = None

    @property
    def holds(self) -> bool:
        """Whether something was checked, and all of it held."""
        return bool(self.checks) and all(check.holds for check in self.checks)

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that decoded, each once."""
        return tuple(dict.fromkeys(m.agreement.engine for case in self.cases for m in case.decodes.values()))


@dataclass
class Models:
    """Compiled models and certificates, one for each construction, code and bit widths."""

    dtype: str
    made: dict[tuple[str, Code, Widths], tuple[Compiled, Certificate]] = field(default_factory=dict)

    def get(self, construction: str, job: Job, time: int) -> Compiled:
        code, widths = Code.of(job), CONSTRUCTIONS[construction].widths(job, time)
        if (construction, code, widths) not in self.made:
            compiled = compile_code(code, widths, self.dtype, construction)
            self.made[construction, code, widths] = compiled, require_certificate(compiled)
        return self.made[construction, code, widths][0]

    def certificate(self, compiled: Compiled) -> Certificate:
        """The certificate of a model that `get` returned."""
        return self.made[compiled.construction, compiled.code, compiled.widths][1]


def verify(program: Program, *, inputs: Inputs | None = None, sizes: Iterable[int] = range(1, 5), random: int = 3,
           use_sidecar: bool = True, progress: Callable[[int, int], None] = lambda done, total: None,
           **options: Any) -> Report:  # fmt: skip
    """Verify a program on one given input, or on `random` inputs of each size.

    Args:   progress: called with the cases done and their number. options: fields of Options.
    Raises: PramError: a wrong input, or a run that the machine refuses. NotCertified: the dtype is not exact.
    """
    chosen = Options(**options)
    generator = generator_for(program, use_sidecar, chosen.word_bits)
    given = [inputs] if inputs is not None else list(draw(generator, sizes, random, chosen.seed))
    models = Models(chosen.dtype)
    cases: list[Case] = []
    for params, arrays in given:
        progress(len(cases), len(given))
        cases.append(run_case(program, generator, params, arrays, models, chosen))
        if cases[-1].divergence is not None:
            break
    progress(len(given), len(given))
    return _report(program, generator, cases, models, chosen)


def run_case(program: Program, generator: Generator, params: dict[str, int], arrays: dict[str, Any], models: Models,
             options: Options) -> Case:  # fmt: skip
    """Run one input on the machine, and decode it with every construction for which it is short enough.

    Raises: PramError: a wrong input, or a run that the machine refuses. NotCertified: the dtype is not exact.
    """
    job = program.instantiate(params, arrays, options.word_bits)
    exact = run(job, max_steps=options.max_steps, warn=refuse if options.strict else None)
    verdict = generator.judge(params, arrays, exact.outputs)
    right = None if verdict is None else verdict.right
    decodes = {}
    for construction in options.constructions:
        bound = BOUNDS[construction]
        if _fits(construction, job, exact.time, options):
            compiled = models.get(construction, job, exact.time)
            engine = pick_engine(
                options.engine, bound.peak_context(job, exact.time), bound.steps(job, exact.time), options.device
            )
            lay_out(compiled, job, exact.time, engine)
            how = {"order": options.order, "engine": engine, "device": options.device}
            agreement = check_agreement(compiled, job, exact.time, seed=options.seed, **how)
            decodes[construction] = Measured(job, compiled, agreement)
    return Case(params, arrays, job, exact, right, decodes)


def _fits(construction: str, job: Job, time: int, options: Options) -> bool:
    """Whether a decode is short enough, by its closed forms."""
    bound, most = BOUNDS[construction], options.max_decoding_steps
    return bound.peak_context(job, time) <= options.max_context and (most is None or bound.steps(job, time) <= most)


def _report(program: Program, generator: Generator, cases: list[Case], models: Models, options: Options) -> Report:
    checks = list(_machine_checks(program, generator, cases))
    for construction in options.constructions:
        checks += _construction_checks(construction, cases, models, options)
    trouble = next((str(c.divergence) for c in cases if c.divergence), "")
    failing = None
    if any(check.failed for check in checks):
        each = ((case, check) for case in cases for check in case_checks(program, generator, case, models, options))
        failing = next(((case, check) for case, check in each if check.failed), None)
    return Report(program.name, tuple(checks), tuple(cases), trouble, failing)


def case_checks(program: Program, generator: Generator, case: Case, models: Models, options: Options) -> list[Check]:
    """Everything that is held against a single case; nothing of the constructions that it was too long for."""
    checks = list(_machine_checks(program, generator, [case]))
    for construction in case.decodes:
        checks += _construction_checks(construction, [case], models, options)
    return checks


def _machine_checks(program: Program, generator: Generator, cases: list[Case]) -> Iterable[Check]:
    judged = [c for c in cases if c.right is not None]
    if judged:
        right = sum(bool(c.right) for c in judged)
        yield Check("machine outputs", _on(judged), generator.origin, f"{right} of {len(judged)}", right == len(judged))
    else:
        yield Check("machine outputs", _on(cases), "no oracle", "not judged", True, "skipped")
    for theorem in THEOREMS:
        if theorem.of_runs:
            checks = theorem.of_runs(program, [(c.params, c.run) for c in cases], _on(cases))
            yield from (replace(check, theorem=theorem.name) for check in checks)


def _construction_checks(construction: str, cases: list[Case], models: Models, options: Options) -> Iterable[Check]:
    """The theorems' rows, what decodes cost in space, the certificate, and what was left out."""
    decoded = [c for c in cases if construction in c.decodes]
    if decoded:
        rows, on = [c.decodes[construction] for c in decoded], _on(decoded)
        for theorem in THEOREMS:
            if theorem.of_decodes:
                checks = theorem.of_decodes(construction, rows, on, options.order)
                yield from (replace(check, theorem=theorem.name) for check in checks)
        ratios = [max(m.agreement.context) / m.space for m in rows]
        measured = "..".join(dict.fromkeys((f"{min(ratios):.1f}", f"{max(ratios):.1f}")))
        yield Check("context / space", on, "", measured, True, "measured", construction)
        yield _certificate(construction, rows, models)
    if skipped := len(cases) - len(decoded):
        bound = f"context <= {options.max_context}"  # with nothing decoded little was checked: no success, unless asked for
        yield Check(
            "runs left undecoded",
            _on(cases),
            bound,
            f"{skipped} longer",
            bool(decoded) or not options.max_context,
            "skipped",
            construction,
        )


def _certificate(construction: str, rows: Sequence[Measured], models: Models) -> Check:
    """Arithmetic is exact for every model that these decodes used."""
    made = [(m.compiled, models.certificate(m.compiled)) for m in rows]
    largest = max((c.largest_sum for _, c in made), key=lambda line: line.found)
    what, bits = max((compiled.widths.extent for compiled, _ in made), key=lambda extent: extent[1])
    bound = f"exact up to 2^{int(largest.limit).bit_length() - 1}"
    holds = all(c.holds for _, c in made)
    return Check(
        f"{models.dtype} arithmetic",
        f"{what} <= 2^{bits}",
        bound,
        f"sums <= {largest.found:.0f}",
        holds,
        "certified",
        construction,
    )


def _on(cases: list[Case]) -> str:
    """On how many inputs, and of which parameters."""
    return runs_of([case.params for case in cases])


__all__ = ["Case", "Models", "Options", "PramError", "Report", "case_checks", "run_case", "verify"]
