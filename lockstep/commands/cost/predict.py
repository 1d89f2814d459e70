"""Predicts the costs of a run of any size in each construction: exact, certified and estimated figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lockstep.commands.cost.calibrate import Calibration
from lockstep.commands.cost.forms import letters
from lockstep.commands.cost.model import Dimensions, Work, features, memory_unit
from lockstep.commands.cost.sizes import PlannedRun, SmallRuns
from lockstep.compiler.assemble import assemble
from lockstep.compiler.compile import Compiled, Widths, compile_code, is_causal, least_widths
from lockstep.compiler.processor import Code
from lockstep.models.engines import MAX_CONTEXT, pick
from lockstep.models.transformer import DTYPES
from lockstep.pram.errors import PramError
from lockstep.pram.program import Program
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.theorems import BOUNDS

MIB = 1 << 20
#: Divisions in longer words make decodes many times slower: their gates grow with the root of the largest word.
MOST_FAST_DIVISION = 16
#: The flags of the operations that divide.
DIVISIONS = ("div", "sdiv")


@dataclass(frozen=True)
class EngineCost:
    """Estimates for one engine: seconds of processor time, and bytes (None if memory was not measured).

    longest: the longest context that the engine takes. within: whether this context is shorter.
    """

    engine: str
    seconds: float
    memory: float | None
    longest: int
    within: bool


@dataclass(frozen=True)
class ProcessCost:
    """A decode by one construction.

    steps, context, tokens: exact or upper bounds, as PlannedRun.relation says. tokens_bound: `tokens` is an upper bound in any case.
    certified: for each dtype "", or why it is not exact. division: the gates of divisions in long words, or 0.
    refused: why the program has no such model, or ""; then the rest is 0.
    """

    construction: str
    steps: int = 0
    context: int = 0
    tokens: int = 0
    tokens_bound: bool = False
    widths: Widths | None = None
    dimensions: Dimensions | None = None
    certified: tuple[tuple[str, str], ...] = ()
    division: int = 0
    picked: str = ""
    engines: tuple[EngineCost, ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class Forecast:
    """The prediction for one run. on: the small runs on which the claims were checked."""

    program: str
    on: str
    planned: PlannedRun
    processes: tuple[ProcessCost, ...]


def forecast(program: Program, planned: PlannedRun, constructions: Sequence[str], small_runs: SmallRuns,
             calibration: Calibration | None = None) -> Forecast:  # fmt: skip
    """Predict the costs of one run's decodes. Without a calibration there are no estimates.

    Raises: PramError: a closed form has more than 63 bits.
    """
    processes = tuple(_process(name, planned, small_runs, calibration) for name in constructions)
    return Forecast(program=program.name, on=small_runs.on, planned=planned, processes=processes)


def _process(construction: str, planned: PlannedRun, small_runs: SmallRuns, calibration: Calibration | None) -> ProcessCost:
    job, time = planned.job, planned.time
    try:
        values, bound = letters(construction, job, time), BOUNDS[construction]
        steps, context, tokens = bound.steps(job, time), bound.peak_context(job, time), FACTS[construction].tokens(values)
        widths = least_widths(construction, job, time)
    except PramError:
        raise job.error(f"{construction}: its closed forms have values of more than 63 bits at T = {time}") from None
    try:
        compiled = compile_code(Code.of(job), widths, "float64", construction)
    except ValueError as error:
        return ProcessCost(construction, refused=str(error))
    dimensions = Dimensions.of(compiled.model)
    work = Work(construction, dimensions, values, small_runs.running, small_runs.written)
    certified = tuple((dtype, _why_not(compiled, dtype)) for dtype in DTYPES)
    able = calibration if not certified[0][1] else None  # what is refused takes no time
    costs = (
        tuple(_engine(engine, work, context, able) for engine in able.time if construction in able.time[engine]) if able else ()
    )
    bounded = not FACTS[construction].same_tokens
    return ProcessCost(
        construction, steps=steps, context=context, tokens=tokens, tokens_bound=bounded, widths=widths, dimensions=dimensions,
        certified=certified, division=_division_gates(compiled), picked=pick(context, steps, is_causal(construction)), engines=costs,
    )  # fmt: skip


def _division_gates(compiled: Compiled) -> int:
    """The gates of the divisions of a model, if its words are so long that they make decodes slow; else 0."""
    if compiled.widths.word <= MOST_FAST_DIVISION:
        return 0
    gates = (gate for layer in compiled.circuit.layers for gate in layer.gates)
    return sum(any(name in DIVISIONS for name, _ in gate.form.terms) for gate in gates)


def _why_not(compiled: Compiled, dtype: str) -> str:
    """Why arithmetic is not certified as exact at these widths; "" if it is certified."""
    model = compiled.model if dtype == compiled.model.dtype_name else assemble(compiled.circuit, DTYPES[dtype])
    certificate = certify(model, compiled.circuit)
    return "" if certificate.holds else certificate.reason


def _engine(engine: str, work: Work, context: int, calibration: Calibration) -> EngineCost:
    coefficients = calibration.time[engine][work.construction]
    seconds = sum(c * x for c, x in zip(coefficients, features(engine, work)))
    memory = None
    if engine in calibration.memory:
        base, slope = calibration.memory[engine]
        memory = base + slope * memory_unit(engine, work.dimensions, context)
    longest = MAX_CONTEXT[engine]
    return EngineCost(engine, seconds=seconds, memory=memory, longest=longest, within=context <= longest)
