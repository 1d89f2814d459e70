"""The main job: run a program on many inputs, decode the same runs, and hold both against each other and the theorems."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compiler.compile import Compiled, compile_code
from compiler.mdm import Widths
from compiler.processor import Code
from lockstep.sidecar import Generator, Inputs, generator_for
from pram.errors import PramError
from pram.job import Job
from pram.machine import DEFAULT_MAX_STEPS, Run, run
from pram.program import Program
from proofs_check.agreement import Agreement, check_agreement
from proofs_check.certificate import Certificate, require_certificate
from proofs_check.claims import check_claims
from proofs_check.report import Check
from proofs_check.theorems import theorem1

#: Runs whose context is longer are checked on the machine but not decoded: dense attention takes too long.
DEFAULT_MAX_CONTEXT = 1000


@dataclass(frozen=True)
class Options:
    """How a verification is done; what the command line's flags set."""

    order: str = "parallel"
    dtype: str = "float64"
    seed: int = 0
    word_bits: int | None = None
    max_context: int = DEFAULT_MAX_CONTEXT
    max_steps: int = DEFAULT_MAX_STEPS


@dataclass(frozen=True)
class Case:
    """One input, its run, and what the decode of it measured (None: its context was too long)."""

    params: dict[str, int]
    arrays: dict[str, Any]
    job: Job
    run: Run
    right: bool | None
    agreement: Agreement | None
    compiled: Compiled | None


@dataclass(frozen=True)
class Report:
    """The rows of the table, in order, and the first divergence in words."""

    program: str
    checks: tuple[Check, ...]
    cases: tuple[Case, ...]
    trouble: str = ""

    @property
    def holds(self) -> bool:
        return all(check.holds for check in self.checks)


@dataclass
class _Models:
    """Compiled models and certificates, one for each bit widths."""

    dtype: str
    made: dict[tuple[Code, Widths], tuple[Compiled, Certificate]] = field(default_factory=dict)

    def get(self, job: Job, time: int) -> tuple[Compiled, Certificate]:
        key = Code.of(job), Widths.cover(job.word_bits, time, job.processors)
        if key not in self.made:
            compiled = compile_code(*key, self.dtype)
            self.made[key] = compiled, require_certificate(compiled)
        return self.made[key]


def verify(program: Program, *, inputs: Inputs | None = None, sizes: Iterable[int] = range(1, 5), random: int = 3,
           use_sidecar: bool = True, progress: Callable[[int, int], None] = lambda done, total: None,
           **options: Any) -> Report:  # fmt: skip
    """Verify a program on one given input, or on `random` inputs of each size.

    Args:   progress: called with the cases done and their number. options: fields of Options.
    Raises: PramError: a wrong input, or a run that the machine refuses. NotCertified: the dtype is not exact.
    """
    chosen = Options(**options)
    generator = generator_for(program, use_sidecar)
    given = [inputs] if inputs is not None else list(draw(generator, sizes, random, chosen.seed))
    models = _Models(chosen.dtype)
    cases: list[Case] = []
    for params, arrays in given:
        progress(len(cases), len(given))
        cases.append(_case(program, generator, params, arrays, models, chosen))
        if (agreement := cases[-1].agreement) is not None and agreement.divergence is not None:
            break
    progress(len(given), len(given))
    return _report(program, generator, cases, models, chosen)


def draw(generator: Generator, sizes: Iterable[int], random: int, seed: int) -> Iterable[Inputs]:
    """`random` inputs of each size; the same seed draws the same."""
    for size in sizes:
        for number in range(random):
            yield generator.inputs(size, np.random.default_rng((seed, size, number)))


def _case(program: Program, generator: Generator, params: dict[str, int], arrays: dict[str, Any], models: _Models,
          options: Options) -> Case:  # fmt: skip
    job = program.instantiate(params, arrays, options.word_bits)
    exact = run(job, max_steps=options.max_steps)
    right = generator.accepts(params, arrays, exact.outputs) if generator.accepts else None
    agreement = compiled = None
    if theorem1.context(job, exact.time) <= options.max_context:
        compiled, _ = models.get(job, exact.time)
        agreement = check_agreement(compiled, job, exact.time, order=options.order, seed=options.seed)
    return Case(params, arrays, job, exact, right, agreement, compiled)


def _report(program: Program, generator: Generator, cases: list[Case], models: _Models, options: Options) -> Report:
    decoded = [c for c in cases if c.agreement is not None]
    checks = [*_machine_checks(program, generator, cases), *_model_checks(decoded, options), *_certificates(models)]
    if skipped := len(cases) - len(decoded):
        bound = f"context <= {options.max_context}"
        checks.append(Check("runs left undecoded", _on(cases), bound, f"{skipped} longer", True, "skipped"))
    trouble = next((str(c.agreement.divergence) for c in decoded if c.agreement and c.agreement.divergence), "")
    return Report(program.name, tuple(checks), tuple(cases), trouble)


def _machine_checks(program: Program, generator: Generator, cases: list[Case]) -> Iterable[Check]:
    judged = [c for c in cases if c.right is not None]
    if judged:
        right = sum(bool(c.right) for c in judged)
        yield Check("machine outputs", _on(judged), generator.origin, f"{right} of {len(judged)}", right == len(judged))
    yield from check_claims(program, [(c.params, c.run) for c in cases], _on(cases))


def _model_checks(cases: list[Case], options: Options) -> Iterable[Check]:
    """Rows of Theorem 1; each holds the extreme values measured."""
    if not cases:
        return
    on, pairs = _on(cases), [(c, c.agreement) for c in cases if c.agreement is not None]
    agree = sum(a.divergence is None for _, a in pairs)
    when = "right after every step" if options.order == "parallel" else f"right, {options.order}"
    yield Check("every token", on, when, f"{agree} of {len(pairs)}", agree == len(pairs))
    same = sum(a.outputs_agree for _, a in pairs)
    yield Check("model outputs", on, "machine's memory", f"{same} of {len(pairs)}", same == len(pairs))
    steps = [(a.steps, _steps_bound(c, options.order)) for c, a in pairs]
    bound = {"parallel": "T + [m > 0]", "random-subsets": "<= masks"}.get(options.order, "3 P T + m")
    holds = all(s <= b if options.order == "random-subsets" else s == b for s, b in steps)
    yield Check("decoding steps", on, bound, _span([s for s, _ in steps]), holds)
    contexts = [(max(a.context), theorem1.context(c.job, c.run.time)) for c, a in pairs]
    yield Check("context length", on, "1+h+n+m + 3 P T", _span([x for x, _ in contexts]), all(x == b for x, b in contexts))
    depths = {len(c.compiled.model.layers) for c in cases if c.compiled}
    yield Check("depth", on, str(theorem1.DEPTH), _span(depths), depths == {theorem1.DEPTH})
    widths = [(c.compiled.model.width, theorem1.width(c.compiled.code, c.compiled.widths)) for c in cases if c.compiled]
    yield Check("d_model", on, "closed form in w, T, P", _span([w for w, _ in widths]), all(w == b for w, b in widths))


def _steps_bound(case: Case, order: str) -> int:
    masks = 3 * case.job.processors * case.run.time + len(case.job.outputs)
    return theorem1.decoding_steps(case.run.time, case.run.time, len(case.job.outputs)) if order == "parallel" else masks


def _certificates(models: _Models) -> Iterable[Check]:
    certificates = [c for _, c in models.made.values()]
    if certificates:
        largest = max((c.largest_sum for c in certificates), key=lambda line: line.measured)
        on = f"T * P <= 2^{max(w.time + w.pid for _, w in models.made)}"
        measured = f"sums <= {largest.measured:.4g}"
        bound = f"exact up to 2^{int(largest.limit).bit_length() - 1}"
        yield Check(f"{models.dtype} arithmetic", on, bound, measured, all(c.holds for c in certificates), "certified")


def _on(cases: list[Case]) -> str:
    """On how many inputs, and of which parameters."""
    names = cases[0].params if cases else {}
    ranges = [f"{name} {_span([c.params[name] for c in cases])}" for name in names]
    return ", ".join([f"{len(cases)} run{'s' if len(cases) != 1 else ''}", *ranges])


def _span(values: Iterable[int]) -> str:
    ordered = sorted(set(values))
    return str(ordered[0]) if len(ordered) == 1 else f"{ordered[0]}..{ordered[-1]}"


__all__ = ["Case", "Options", "PramError", "Report", "draw", "verify"]
