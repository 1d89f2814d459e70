"""Compares predictions with decodes. Exact figures must be equal; for estimates the difference is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lockstep.commands.cost.calibrate import Calibration
from lockstep.commands.cost.forms import contexts, letters
from lockstep.commands.cost.measure import MeasuredDecode, fastest_decode, work_of
from lockstep.commands.cost.model import features
from lockstep.compiler.compile import compile_job, is_causal
from lockstep.compiler.names import process_of
from lockstep.models.engines import MAX_CONTEXT, available, takes_causal
from lockstep.pram.job import Job
from lockstep.proofs_check.activity import Activity, counted_run
from lockstep.proofs_check.certificate import require_certificate
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.operations import passes_made
from lockstep.proofs_check.refusals import NotCertified

#: Decodes that take longer by the estimate, in seconds, are not made.
MOST_SECONDS = 10.0
MOST_STEPS = 1 << 20


@dataclass(frozen=True)
class Comparison:
    """A prediction compared with one decode, or with the run alone if the decode was left out.

    trouble: the first difference, or "". predicted, measured: seconds, or 0 without a calibration or a decode.
    left_out: why there was no decode, or "". engine: "" if no engine could decode.
    """

    construction: str
    engine: str
    trouble: str
    predicted: float = 0.0
    measured: float = 0.0
    left_out: str = ""

    @property
    def holds(self) -> bool:
        """Whether everything that was compared is as predicted; without a decode that is only T."""
        return not self.trouble


def compare(job: Job, time: int, constructions: Sequence[str], calibration: Calibration | None,
         engines: Sequence[str] = tuple(available()), relation: str = "==") -> Iterator[Comparison]:  # fmt: skip
    """Run a job, decode it in each construction with each engine, and compare. Decodes that are too long also give a row.

    Args:   time: the predicted T; with the relation <= an upper bound.
    Raises: PramError: the machine refuses the run.
    """
    run, activity = counted_run(job, MOST_STEPS)
    trouble = _wrong_time(time, relation, run.time)
    for construction in constructions:
        try:
            compiled = compile_job(job, run.time, construction=construction)
            require_certificate(compiled)
        except (ValueError, NotCertified) as error:  # there is no such model, or it is not exact
            yield Comparison(construction, "", trouble, left_out=str(error))
            continue
        work, length = work_of(job, run.time, compiled, activity), compiled.layout(job, run.time).length
        for engine in (each for each in engines if takes_causal(each) or not is_causal(construction)):
            coefficients = calibration.time[engine][construction] if calibration else []
            predicted = sum(c * x for c, x in zip(coefficients, features(engine, work)))
            if left_out := _too_long(engine, length, predicted):
                yield Comparison(construction, engine, trouble, predicted, left_out=left_out)
                continue
            taken = fastest_decode(compiled, job, run.time, engine)
            found = trouble or _difference(construction, job, run.time, activity, taken)
            yield Comparison(construction, taken.engine, found, predicted, taken.seconds)


def _wrong_time(said: int, relation: str, time: int) -> str:
    if relation == "<=":
        return "" if time <= said else f"T is {time}, not at most {said}"
    return "" if time == said else f"T is {time}, not {said}"


def _too_long(engine: str, length: int, predicted: float) -> str:
    """Why a decode is left out; "" if it is short enough."""
    if length > MAX_CONTEXT[engine]:
        return f"context {length:,}, limit {MAX_CONTEXT[engine]:,}"
    return f"would take more than {MOST_SECONDS:.0f} s" if predicted > MOST_SECONDS else ""


def _difference(construction: str, job: Job, time: int, activity: Activity, taken: MeasuredDecode) -> str:
    """The first difference between a decode and the closed forms, in contexts, decoding steps or tokens; "" if they agree."""
    facts, values = FACTS[construction], letters(construction, job, time)
    expected = [length for steps, length in contexts(construction, values) for _ in range(steps)]
    seen = [length for _, length in passes_made(taken.contexts, process_of(construction))]
    if seen != expected:
        return f"{taken.steps} decoding steps at contexts up to {max(seen)}, not {len(expected)} up to {max(expected)}"
    tokens = facts.tokens(values | activity.letters)
    return "" if taken.tokens == tokens else f"{taken.tokens} tokens, not {tokens}"
