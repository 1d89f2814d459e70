"""Machine and model in lock step: after every decoding step, every token is held against the machine's run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from compiler.compile import Compiled, Layout
from models.decode import DecodingStep, NotFinished, OutOfPositions, decoding_steps
from pram.errors import Diagnostic
from pram.job import Job
from pram.machine import Run
from proofs_check.expectations import EXPECTATIONS, InPlaceExpectation, MdmExpectation

Tokens = NDArray[np.int64]
Expectation = MdmExpectation | InPlaceExpectation


@dataclass(frozen=True)
class Divergence:
    """The first token that is not what the machine's run says."""

    step: int
    processor: int
    field: str
    expected: str
    found: str
    line: str

    def __str__(self) -> str:
        where = f"\n{self.line}" if self.line else ""
        cell = self.field in ("output", "cell", "token", "context length")
        who = f"{self.field} {self.processor}" if cell else f"processor {self.processor}, {self.field}"
        return f"decoding step {self.step}, {who}: expected {self.expected}, found {self.found}{where}"


@dataclass(frozen=True)
class Agreement:
    """What a decode beside the machine measured; `divergence` is None when all tokens agree."""

    run: Run
    layout: Layout
    steps: int
    context: tuple[int, ...]
    tokens: Tokens
    divergence: Divergence | None

    @property
    def outputs_agree(self) -> bool:
        """The output tokens, read as words, are the machine's memory."""
        cells = self.layout.job.outputs
        return bool(np.array_equal(self.layout.output_words(self.tokens), self.run.memory[cells.start : cells.stop]))


def check_agreement(compiled: Compiled, job: Job, time: int, *, order: str = "parallel", seed: int = 0) -> Agreement:
    """Decode a job beside the machine.

    In parallel order exactly the expected tokens must be there after every decoding step; in other orders
    whatever is unmasked must be right at every step, and the end must be the same.

    Args:   time: blocks laid out (for MDM), at least the run's time.
    Raises: PramError: the machine refuses the run or needs more than `time` steps.
    """
    layout = compiled.layout(job, time)
    start = torch.from_numpy(layout.tokens())
    positions = torch.from_numpy(layout.positions()).to(compiled.model.dtype)
    decode = decoding_steps(compiled.model, start, positions, process=compiled.process, order=order, seed=seed)
    expectation: Expectation = EXPECTATIONS[compiled.construction](layout)
    if order == "parallel":
        return _compare(expectation, decode, iter(expectation))
    for _ in expectation:
        pass
    return _compare(expectation, decode, None)


def _compare(expectation: Expectation, decode: Iterator[DecodingStep], expected: Iterator[Tokens] | None) -> Agreement:
    """Walk both sides; stop at the first divergence. Without `expected`, only what is unmasked counts until the end."""
    layout = expectation.layout
    mask = layout.circuit.vocabulary.mask
    tokens, number, divergence = layout.tokens(), 0, None
    context = [len(tokens)]
    while divergence is None:
        wanted = next(expected, None) if expected is not None else None
        try:
            step = next(decode, None)
        except (NotFinished, OutOfPositions):
            step = None
        if step is None:
            divergence = _first(expectation, number + 1, expectation.tokens, tokens)
            break
        tokens, number = step.tokens.numpy(), step.number
        context.append(len(tokens))
        shown = tokens
        if expected is None:
            shown = np.where(tokens == mask, expectation.tokens, tokens)
        divergence = _first(expectation, number, expectation.tokens if wanted is None else wanted, shown)
    return Agreement(_finish(expectation), layout, number, tuple(context), tokens, divergence)


def _finish(expectation: Expectation) -> Run:
    machine = expectation.machine
    while machine.running:
        machine.step()
    return Run(machine.job, machine.memory, machine.costs, machine.space, ())


def _first(expectation: Expectation, number: int, wanted: Tokens, found: Tokens) -> Divergence | None:
    """The first position where two sequences differ, in words."""
    if len(wanted) != len(found):
        return Divergence(number, 0, "context length", str(len(wanted)), str(len(found)), "")
    different = np.flatnonzero(wanted != found)
    if not len(different):
        return None
    at = int(different[0])
    text = expectation.layout.circuit.vocabulary.text
    field, who, step = expectation.place(at)
    return Divergence(number, who, field, text(int(wanted[at])), text(int(found[at])), _line(expectation, step, who))


def _line(expectation: Expectation, step: int, pid: int) -> str:
    """The source line of the instruction that a processor executes in a step."""
    job = expectation.layout.job
    if not 0 < step <= len(expectation.counters) or pid >= job.processors:
        return ""
    counter = int(expectation.counters[step - 1][pid])
    instruction = job.code[counter]
    if job.source is None or instruction.at is None:
        return f"instruction {counter}: {instruction.name}"
    return Diagnostic(f"instruction {counter}: {instruction.name}", job.source, instruction.at).render().replace(" error:", "")


__all__ = ["Agreement", "Divergence", "check_agreement"]
