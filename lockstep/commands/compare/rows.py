"""One run of a program in every construction: closed forms, and what a decode counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lockstep.compiler.compile import Compiled, compile_job, is_causal
from lockstep.compiler.names import EVERY, constructed, lacking, process_of, schedule_of
from lockstep.models.engines import MAX_CONTEXT
from lockstep.models.processes import PROCESSES, usual_order
from lockstep.models.sampling import AUTO, Sampling
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Run
from lockstep.pram.program import Program
from lockstep.pram.progress import Progress, silent
from lockstep.pram.sidecar import draw, generator_for
from lockstep.proofs_check.activity import Activity, counted_run
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.certificate import require_certificate
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.decoding import pick_engine
from lockstep.proofs_check.operations import Prices, passes_made
from lockstep.proofs_check.refusals import NotCertified
from lockstep.proofs_check.theorems import BOUNDS
from lockstep.proofs_check.theorems.theorem2 import CUBIC, KEPT, letters
from lockstep.proofs_check.verification.cases import DEFAULT_MAX_CONTEXT

AGREES, FAILED, LEFT_OUT, NO_MODELS = "agrees", "FAILED", "left out", "no model"
#: Longer decodes are computed, not made.
DEFAULT_MAX_DECODING_STEPS = 2000


def makes_one(system: str) -> bool:
    """Whether a decoding step makes one token."""
    return is_causal(system) or "parallel" not in PROCESSES[process_of(system)].orders


#: Autoregression first, and then what makes one token a step as well: the others are compared with them.
SYSTEMS = tuple(sorted(EVERY, key=lambda name: (not is_causal(name), not makes_one(name))))


def name_of(system: str) -> str:
    """The process and its schedule, if it has several."""
    return " ".join(filter(None, (process_of(system), schedule_of(system))))


@dataclass(frozen=True)
class Counts:
    """What a decode takes: decoding steps, forward passes, peak context, tokens generated, and multiply-adds of a serial machine."""

    steps: int
    passes: int
    context: int
    tokens: int
    operations: int


@dataclass(frozen=True)
class SystemRow:
    """One construction.

    depth: layers of its weights. form: by closed form. counted: what a decode beside the machine took. Each is None if there is
    none. kept: multiply-adds if keys and values are kept, for causal models. bound: c N^3 of Theorem 2, where it holds.
    verdict: AGREES, FAILED, LEFT_OUT or NO_MODELS. why: the reason of the last three.
    """

    system: str
    verdict: str
    why: str = ""
    depth: int | None = None
    form: Counts | None = None
    counted: Counts | None = None
    kept: int | None = None
    bound: int | None = None

    @property
    def record(self) -> dict[str, Any]:
        """Its values for JSON."""
        bound = BOUNDS[self.system]
        return {
            "process": process_of(self.system), "schedule": schedule_of(self.system) or None, "depth": self.depth,
            "verdict": self.verdict, "why": self.why or None, "by_form": asdict(self.form) if self.form else None,
            "counted": asdict(self.counted) if self.counted else None, "operations_kept": self.kept, "bound": self.bound,
            "forms": {"decoding_steps": str(bound.decoding_steps), "context": str(bound.context)},
        }  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """One run of the machine, and a row for each construction."""

    run: Run
    rows: tuple[SystemRow, ...]

    @property
    def holds(self) -> bool:
        """Whether no decode differs from the machine or from the closed forms."""
        return all(row.verdict != FAILED for row in self.rows)

    @property
    def record(self) -> dict[str, Any]:
        """Its values for JSON."""
        run, job = self.run, self.run.job
        machine = {"time": run.time, "processors": job.processors, "work": run.costs.work, "space": job.state_words}
        return {"program": job.name, **machine, **job.winner_record, "systems": [row.record for row in self.rows]}


def compare_job(job: Job, *, every: int | None = None, max_context: int = DEFAULT_MAX_CONTEXT,
                max_decoding_steps: int = DEFAULT_MAX_DECODING_STEPS, max_steps: int = DEFAULT_MAX_STEPS,
                progress: Progress = silent) -> Comparison:  # fmt: skip
    """Run a job, and decode it in every construction.

    Args:   every: how often arm erasing erases; None: as usual. max_context, max_decoding_steps: longer decodes are computed, not
            made. progress: called with constructions done and all.
    Raises: PramError: the machine refuses the run.
    """
    run, activity = counted_run(job, max_steps)
    rows: list[SystemRow] = []
    for system in SYSTEMS:
        progress(len(rows), len(SYSTEMS))
        rows.append(_row(system, job, run.time, activity, every, max_context, max_decoding_steps))
    progress(len(rows), len(rows))
    return Comparison(run, tuple(rows))


def _row(system: str, job: Job, time: int, activity: Activity, every: int | None, max_context: int,
         max_steps: int) -> SystemRow:  # fmt: skip
    if why := lacking(system, job.rules):
        return SystemRow(system, NO_MODELS, why)
    try:
        compiled = compile_job(job, time, construction=system, sampling=Sampling(every=every))
    except ValueError as error:
        return SystemRow(system, NO_MODELS, str(error))
    form, prices = by_form(compiled, job, time, activity, every), Prices.of(compiled.model)
    kept = KEPT[system](letters(system, job, time, prices, every)) if system in KEPT else None
    bound = CUBIC[system](letters(system, job, time, prices)) if system in CUBIC else None
    about = (len(compiled.model.layers), form)
    more = (kept, bound)
    why = _left_out(compiled, form, max_context, max_steps)
    if why:
        return SystemRow(system, LEFT_OUT, why, *about, None, *more)
    counted, difference = by_decode(compiled, job, time, form, every)
    verdict = FAILED if difference else AGREES
    return SystemRow(system, verdict, difference, *about, counted, *more)


def by_form(compiled: Compiled, job: Job, time: int, activity: Activity, every: int | None = None) -> Counts:
    """What closed forms say of a decode, from the machine's run."""
    system = compiled.construction
    facts, bound = FACTS[system], BOUNDS[system].every(every)
    values = bound.letters(job, time)
    passes = list(facts.contexts(values, bound))
    tokens = facts.tokens(values | activity.letters)
    return Counts(bound.steps(job, time), sum(number for number, _ in passes), bound.peak_context(job, time), tokens,
                  Prices.of(compiled.model).decode(passes))  # fmt: skip


def _left_out(compiled: Compiled, form: Counts, max_context: int, max_steps: int) -> str:
    """Why a decode is not made; "" if it is."""
    if form.context > max_context:
        return f"context {form.context:,} is more than --max-context {max_context:,}"
    if form.steps > max_steps:
        return f"{form.steps:,} decoding steps are more than --max-decoding-steps {max_steps:,}"
    engine = _sampling(compiled, form).engine
    if form.context > MAX_CONTEXT[engine]:
        return f"context {form.context:,} is more than the {engine} engine takes, {MAX_CONTEXT[engine]:,}"
    try:
        require_certificate(compiled)
    except NotCertified as error:
        return str(error)
    return ""


def _sampling(compiled: Compiled, form: Counts, every: int | None = None) -> Sampling:
    sampling = Sampling(usual_order(compiled.process), engine=AUTO, every=every)
    return pick_engine(sampling, form.context, form.steps, compiled.model.causal)


def by_decode(compiled: Compiled, job: Job, time: int, form: Counts, every: int | None = None) -> tuple[Counts, str]:
    """What a decode beside the machine takes, and how it differs from the machine or from `form`; "" if it does not."""
    found = check_agreement(compiled, job, time, _sampling(compiled, form, every))
    passes = passes_made(found.context, compiled.process)
    operations = Prices.of(compiled.model).decode(passes)
    counted = Counts(found.steps, len(passes), max(found.context), found.written, operations)
    if found.divergence is not None:
        return counted, str(found.divergence)
    wrong = [
        f"{what} {value:,}, not {asdict(form)[what]:,}" for what, value in asdict(counted).items() if value != asdict(form)[what]
    ]
    return counted, "; ".join(wrong)


# -- growth with the size --------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """One size: time and space of the machine's run; decoding steps and context of each construction that has models of it."""

    size: int
    time: int
    space: int
    steps: dict[str, int]
    contexts: dict[str, int]


def growth(program: Program, sizes: Sequence[int], *, seed: int = 0, word_bits: int | None = None, use_sidecar: bool = True,
           max_steps: int = DEFAULT_MAX_STEPS, progress: Progress = silent) -> list[Point]:  # fmt: skip
    """Closed forms on runs of the machine, one input of each size. Nothing is decoded.

    Raises: PramError: the machine refuses a run, or a sidecar fails.
    """
    generator = generator_for(program, use_sidecar, word_bits)
    points: list[Point] = []
    for size in sizes:
        progress(len(points), len(sizes))
        ((params, arrays),) = draw(generator, [size], 1, seed)
        with generator.blaming_sidecar():
            job = program.instantiate(params, arrays, word_bits)
        run, _ = counted_run(job, max_steps)
        having = constructed(SYSTEMS, job.rules)
        steps = {system: BOUNDS[system].steps(job, run.time) for system in having}
        contexts = {system: BOUNDS[system].peak_context(job, run.time) for system in having}
        points.append(Point(size, run.time, job.state_words, steps, contexts))
    progress(len(points), len(sizes))
    return points


__all__ = ["Comparison", "Counts", "Point", "SystemRow", "compare_job", "growth", "name_of"]
