"""Forecasts held against decodes: what is exact must be equal; how far estimates are off is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lockstep.commands.cost.calibrate import Calibration
from lockstep.commands.cost.forms import contexts, letters
from lockstep.commands.cost.measure import Taken, least, work_of
from lockstep.commands.cost.model import FEATURES, features
from lockstep.commands.cost.sizes import Activity, watched
from lockstep.compiler.compile import compile_job
from lockstep.models.engines import MAX_CONTEXT
from lockstep.pram.job import Job
from lockstep.proofs_check.certificate import require_certificate
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.refusals import NotCertified

#: What a decode to check against may take by the estimate, in seconds.
MOST_SECONDS = 10.0
MOST_STEPS = 1 << 20


@dataclass(frozen=True)
class Held:
    """One decode, or one that was left out.

    trouble: where it is not what was predicted, "" if nowhere. predicted, measured: seconds, 0 without a calibration or a decode.
    left_out: why nothing was decoded, so that T alone was held, "" if it was; `engine` is "" if no engine could.
    """

    construction: str
    engine: str
    trouble: str
    predicted: float = 0.0
    measured: float = 0.0
    left_out: str = ""

    @property
    def holds(self) -> bool:
        """Whether all that was looked at is as predicted: without a decode that is T."""
        return not self.trouble


def hold(job: Job, time: int, constructions: Sequence[str], calibration: Calibration | None,
         engines: Sequence[str] = tuple(FEATURES), relation: str = "==") -> Iterator[Held]:  # fmt: skip
    """Run a job, and decode it with each construction and each engine that is short enough; a row for those that are not, too.

    Args:   time: what T is said to be, or with the relation <= the most it is said to be.
    Raises: PramError: the machine refuses the run.
    """
    run, activity = watched(job, MOST_STEPS)
    trouble = _wrong_time(time, relation, run.time)
    for construction in constructions:
        try:
            compiled = compile_job(job, run.time, construction=construction)
            require_certificate(compiled)
        except (ValueError, NotCertified) as error:  # no such model, or none that is exact
            yield Held(construction, "", trouble, left_out=str(error))
            continue
        work, length = work_of(job, run.time, compiled, activity), compiled.layout(job, run.time).length
        for engine in engines:
            coefficients = calibration.time[engine][construction] if calibration else []
            predicted = sum(c * x for c, x in zip(coefficients, features(engine, work)))
            if left_out := _too_long(engine, length, predicted):
                yield Held(construction, engine, trouble, predicted, left_out=left_out)
                continue
            taken = least(compiled, job, run.time, engine)
            found = trouble or _difference(construction, job, run.time, activity, taken)
            yield Held(construction, taken.engine, found, predicted, taken.seconds)


def _wrong_time(said: int, relation: str, time: int) -> str:
    if relation == "<=":
        return "" if time <= said else f"T is {time}, not at most {said}"
    return "" if time == said else f"T is {time}, not {said}"


def _too_long(engine: str, length: int, predicted: float) -> str:
    """Why a decode is not made to check against."""
    if length > MAX_CONTEXT[engine]:
        return f"context {length:,}, limit {MAX_CONTEXT[engine]:,}"
    return f"would take more than {MOST_SECONDS:.0f} s" if predicted > MOST_SECONDS else ""


def _difference(construction: str, job: Job, time: int, activity: Activity, taken: Taken) -> str:
    """The first of contexts (and so decoding steps) and tokens that is not what the closed forms say of a run of this time."""
    facts, values = FACTS[construction], letters(construction, job, time)
    expected = [length for steps, length in contexts(construction, values) for _ in range(steps)]
    seen = list(taken.contexts if facts.in_place else taken.contexts[:-1])
    if seen != expected:
        return f"{taken.steps} decoding steps at contexts up to {max(seen)}, not {len(expected)} up to {max(expected)}"
    tokens = facts.tokens(values | {"run": activity.running, "put": activity.written})
    return "" if taken.tokens == tokens else f"{taken.tokens} tokens, not {tokens}"
