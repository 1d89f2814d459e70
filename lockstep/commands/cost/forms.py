"""Closed forms of a decode: decoding steps, contexts, tokens, and the rows that each decoding step computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lockstep.compiler.names import MDM, ONE_STEP, TWO_STEP
from lockstep.pram.job import Job
from lockstep.proofs_check.catalog import ClosedForm
from lockstep.proofs_check.theorems import BOUNDS
from lockstep.proofs_check.theorems.theorem1 import ONE_BY_ONE

#: Tokens that are unmasked, over all decoding steps. `run` counts the pairs of a processor and a step at which it had not
#: halted, `put` the registers and cells written in each step; neither is more than P T. In mdm each mask is filled once; in place,
#: memory, registers and program counters are filled at the start, then two steps fill DST, VAL, NPC and what they target, one step
#: what moves.
TOKENS = {
    MDM: ONE_BY_ONE,
    TWO_STEP: ClosedForm("S - inp + P * (k + 1) + 4 * run + put"),
    ONE_STEP: ClosedForm("S - inp + P * (k + 1) + run + put"),
}
#: Whether the tokens are the same for all runs of one size; else `run` and `put` are a run's own, and P T bounds them.
SAME_TOKENS = frozenset({MDM})


@dataclass(frozen=True)
class Phase:
    """Equal decoding steps: how many, their context, and the rows that they compute in the first layer and in later layers."""

    steps: int
    context: int
    rows: float
    later: float


def letters(construction: str, job: Job, time: int) -> dict[str, int]:
    """The values of the letters in the closed forms. `run` and `put` get their upper bound P T."""
    whole = job.processors * time
    return BOUNDS[construction].letters(job, time) | {"run": whole, "put": whole}


def contexts(construction: str, values: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """Pairs (decoding steps, context) from the start on: how many steps see a sequence of this length. The last step changes nothing."""
    if construction == MDM:
        yield BOUNDS[MDM].decoding_steps(values), BOUNDS[MDM].context(values)
        return
    two = construction == TWO_STEP
    words, most, masks = values["n0"], values["N"] - values["n0"], 0
    yield 1, words
    if not two:
        words, most = values["N"] - values["F"], values["F"]
    while masks < most:
        masks = min(max(1, 2 * masks) if two else 2 * masks + 1, most)
        if masks < most:
            yield 1, words + masks
    yield (2 if two else 1) * values["T"] + 2, values["N"]
    yield 1, values["N"]
    yield 1, 2 + values["out"]


def phases(construction: str, values: Mapping[str, int], running: float, written: float) -> list[Phase]:
    """The rows that engines have to compute if they skip unchanged rows. The first phase is the start.

    Args: running, written: the shares of P T in which processors run, and in which they write.
    """
    processors = values["P"]
    if construction == MDM:  # the block that is filled, and the one after it, which becomes ready
        context, blocks, out = BOUNDS[MDM].context(values), 6 * processors, values["out"]
        return [Phase(1, context, context, context), Phase(values["T"], context, blocks, blocks), Phase(1, context, out, out)]
    if construction == TWO_STEP:  # buffers, program counters, and what they target
        rounds, each = 2, (4 * running + written) * processors
        later = each
    else:  # both slots: those of all registers read their program counter, and then only what is targeted goes on
        rounds, each = 1, 2 * ((values["k"] + 1) * running + written) * processors
        later = min(each, 2 * (running + 2 * written) * processors)
    seen = [Phase(steps, context, context, context) for steps, context in contexts(construction, values)]
    steps, full = rounds * values["T"], values["N"]
    grown = [phase for phase in seen if phase.context < full]
    return [*grown[:-1], Phase(3, full, full, full), Phase(steps, full, each, later), grown[-1]]
