"""The weakest access mode under which a program runs on given inputs, and what the weaker ones refuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lockstep.sidecar import Generator, Inputs, generator_for
from pram.access import MODES
from pram.errors import PramError, Span
from pram.job import Job
from pram.machine import DEFAULT_MAX_STEPS, run
from pram.program import Program

Outputs = dict[str, Any]

#: In a mode that leaves the winner open, each input is also run with winners drawn from these seeds.
SEEDS = range(5)


@dataclass(frozen=True)
class ModeResult:
    """One access mode: on how many of the inputs the program ran, and the first thing that went wrong.

    determined: the outputs never depended on who won a concurrent write, or a sidecar judged all of them right.
    trouble: the machine's message, with its place; or how outputs differ. params: of the input it came up on.
    """

    mode: str
    ran: int
    of: int
    determined: bool
    trouble: str = ""
    params: dict[str, int] | None = None
    place: Span | None = None

    @property
    def holds(self) -> bool:
        return self.ran == self.of and self.determined


def try_modes(program: Program, inputs: Sequence[Inputs], *, use_sidecar: bool = True, word_bits: int | None = None,
              max_steps: int = DEFAULT_MAX_STEPS,
              progress: Callable[[int, int], None] = lambda done, total: None) -> list[ModeResult]:  # fmt: skip
    """Run the program on every input under every mode, weakest first.

    Raises: PramError: an input does not fit the program.
    """
    generator = generator_for(program, use_sidecar, word_bits)
    jobs = [(given, program.instantiate(*given, word_bits)) for given in inputs]
    results = []
    for number, mode in enumerate(MODES):
        progress(number, len(MODES))
        results.append(_try_mode(mode, jobs, generator, max_steps))
    progress(len(MODES), len(MODES))
    return results


def weakest(results: Sequence[ModeResult]) -> ModeResult | None:
    """The first mode that holds: what EREW, CREW and `common` accept, every later mode runs the same."""
    return next((result for result in results if result.holds), None)


def _try_mode(mode: str, jobs: Sequence[tuple[Inputs, Job]], generator: Generator, max_steps: int) -> ModeResult:
    ran, trouble, differs = 0, None, None
    for (params, arrays), job in jobs:
        try:
            outputs = _outputs(replace(job, mode=mode), max_steps)
        except PramError as error:
            trouble = trouble or (error.message, params, error.diagnostics[0].span)
            continue
        ran += 1
        if differs is None and (text := _difference(outputs, partial(_accepts, generator, params, arrays))):
            differs = (text, params, None)
    return ModeResult(mode, ran, len(jobs), differs is None, *(trouble or differs or ()))


def _outputs(job: Job, max_steps: int) -> list[Outputs]:
    """What the run returns if the lowest pid wins, and where the mode leaves that open, with other winners."""
    seeds = SEEDS if job.mode == "CRCW arbitrary" else ()
    return [run(job, max_steps=max_steps, seed=seed).outputs for seed in (None, *seeds)]


def _accepts(generator: Generator, params: dict[str, int], arrays: dict[str, Any], outputs: Outputs) -> bool:
    verdict = generator.judge(params, arrays, outputs)
    return verdict is not None and verdict.right


def _difference(outputs: list[Outputs], accepts: Callable[[Outputs], bool]) -> str:
    """How outputs depend on who wins; none where all that differ are right."""
    lowest, *others = outputs
    for seed, other in zip(SEEDS, others):
        if other != lowest and not accepts(other):
            name = next(name for name in lowest if other[name] != lowest[name])
            return f"output {name} depends on who wins a write: {lowest[name]} if the lowest pid does, {other[name]} with seed {seed}"
    return ""
