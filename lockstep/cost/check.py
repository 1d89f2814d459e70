"""Forecasts held against decodes: what is exact must be equal; how far estimates are off is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compiler.compile import compile_job
from lockstep.cost.calibrate import Calibration
from lockstep.cost.forms import TOKENS, contexts, letters
from lockstep.cost.measure import Taken, least, work_of
from lockstep.cost.model import features
from lockstep.cost.sizes import Activity, watched
from models.engines import LONGEST
from pram.job import Job
from proofs_check.certificate import require_certificate

#: What a decode to check against may take by the estimate, in seconds.
MOST_SECONDS = 10.0
MOST_STEPS = 1 << 20


@dataclass(frozen=True)
class Held:
    """One decode: where it is not what was predicted ("" if nowhere), and seconds, predicted (0 without calibration) and measured."""

    construction: str
    engine: str
    trouble: str
    predicted: float
    measured: float

    @property
    def holds(self) -> bool:
        return not self.trouble


def hold(job: Job, time: int, constructions: Sequence[str], calibration: Calibration | None,
         engines: Sequence[str] = tuple(LONGEST)) -> Iterator[Held]:  # fmt: skip
    """Decode a job with each construction and each engine that is short enough.

    Args:   time: what T is said to be.
    Raises: NotCertified: float64 is not exact for it. PramError: the machine refuses the run.
    """
    run, activity = watched(job, MOST_STEPS)
    for construction in constructions:
        compiled = compile_job(job, run.time, construction=construction)
        require_certificate(compiled)
        work = work_of(job, run.time, compiled, activity)
        for engine in engines:
            coefficients = calibration.time[engine][construction] if calibration else []
            predicted = sum(c * x for c, x in zip(coefficients, features(engine, work)))
            if compiled.layout(job, run.time).length <= LONGEST[engine] and predicted <= MOST_SECONDS:
                taken = least(compiled, job, run.time, engine)
                trouble = _difference(construction, job, time, run.time, activity, taken)
                yield Held(construction, taken.engine, trouble, predicted, taken.seconds)


def _difference(construction: str, job: Job, said: int, time: int, activity: Activity, taken: Taken) -> str:
    """The first of T, contexts (and so decoding steps) and tokens that is not what the closed forms say."""
    if said != time:
        return f"T is {time}, not {said}"
    values = letters(construction, job, time)
    expected = [length for steps, length in contexts(construction, values) for _ in range(steps)]
    seen = list(taken.contexts[:-1] if construction == "mdm" else taken.contexts)
    if seen != expected:
        return f"{taken.steps} decoding steps at contexts up to {max(seen)}, not {len(expected)} up to {max(expected)}"
    tokens = TOKENS[construction](values | {"run": activity.running, "put": activity.written})
    return "" if taken.tokens == tokens else f"{taken.tokens} tokens, not {tokens}"
