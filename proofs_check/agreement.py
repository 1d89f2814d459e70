"""Machine and model in lock step: after every decoding step, every token is held against the machine's run.

Both sides edit one sequence in place and say which rows a step changed. Comparing those of both is as strong
as comparing every token: where neither changed a row, it holds what it held after the step before, where the two
sequences were equal (by induction from the start, which both are given). That the decode changes no row
without saying so is checked at the end, where all tokens are compared once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lockstep.compiler.compile import Compiled, Layout
from lockstep.models.decode import Decoder
from lockstep.models.editing import NotFinished, OutOfPositions
from lockstep.models.sampling import DEFAULT_SAMPLING, Sampling
from lockstep.pram.errors import Diagnostic
from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, Machine, Run
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.expectation import Expectation

Tokens = NDArray[np.int64]


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
        cell = self.field in ("output", "cell", "token", "context length", "end")
        who = f"{self.field} {self.processor}" if cell else f"processor {self.processor}, {self.field}"
        return f"decoding step {self.step}, {who}: expected {self.expected}, found {self.found}{where}"


@dataclass(frozen=True)
class Agreement:
    """What a decode beside the machine measured; `divergence` is None when all tokens agree; `engine` computed it."""

    run: Run
    layout: Layout
    steps: int
    context: tuple[int, ...]
    tokens: Tokens
    divergence: Divergence | None
    engine: str

    @property
    def outputs_agree(self) -> bool:
        """The output tokens, read as words, are the machine's memory."""
        cells = self.layout.job.outputs
        return bool(np.array_equal(self.layout.output_words(self.tokens), self.run.memory[cells.start : cells.stop]))


def check_agreement(compiled: Compiled, job: Job, time: int, sampling: Sampling = DEFAULT_SAMPLING) -> Agreement:
    """Decode a job beside the machine.

    In parallel order exactly the expected tokens must be there after every decoding step; in other orders
    whatever is unmasked must be right at every step, and the end must be the same.

    Args:   time: blocks laid out (for MDM), at least the run's time.
    Raises: PramError: the machine refuses the run or needs more than `time` steps.
    """
    layout = compiled.layout(job, time)
    decoder = Decoder(compiled.model, torch.from_numpy(layout.tokens()), layout.positions(), compiled.process, sampling)
    expectation = FACTS[compiled.construction].expectation(layout)
    if sampling.order == "parallel":
        return _compare(expectation, decoder, iter(expectation))
    for _ in expectation:
        pass
    return _compare(expectation, decoder, None)


def _compare(expectation: Expectation, decoder: Decoder, expected: Iterator[Tokens] | None) -> Agreement:
    """Walk both sides; stop at the first divergence. Without `expected`, only what is unmasked counts until the end."""
    layout, decode = expectation.layout, iter(decoder)
    tokens, number, divergence = layout.tokens(), 0, None
    context = [len(tokens)]
    while divergence is None:
        rows, error = next(expected, None) if expected is not None else None, ""
        try:
            step = next(decode, None)
        except (NotFinished, OutOfPositions) as stuck:
            step, error = None, str(stuck)
        if step is None:
            divergence = _first(expectation, number + 1, tokens, np.arange(len(tokens)))
            if divergence is None and error:  # all tokens are right, and yet the decoder says that it cannot go on
                divergence = Divergence(number + 1, 0, "end", "no more decoding steps", error, "")
            break
        tokens, number = step.sequence, step.number
        context.append(step.change.length)
        changed = step.change.rows if rows is None else np.concatenate([rows, step.change.rows])
        divergence = _first(expectation, number, tokens, changed)
    return Agreement(_finish(expectation), layout, number, tuple(context), tokens, divergence, decoder.engine)


def _finish(expectation: Expectation) -> Run:
    machine = expectation.machine
    while machine.running:
        machine.step()
    return machine.finished()


def _first(expectation: Expectation, number: int, found: Tokens, rows: Tokens) -> Divergence | None:
    """The first of some rows where the decode's sequence is not the expected one, in words."""
    wanted = expectation.tokens
    if len(wanted) != len(found):
        return Divergence(number, 0, "context length", str(len(wanted)), str(len(found)), "")
    different = rows[wanted[rows] != found[rows]]
    if not len(different):
        return None
    at = int(different.min())
    text = expectation.layout.circuit.vocabulary.text
    field, who, step = expectation.place(at)
    return Divergence(number, who, field, text(int(wanted[at])), text(int(found[at])), _line(expectation, step, who))


def _line(expectation: Expectation, step: int, pid: int) -> str:
    """The source line of the instruction that a processor executes in a step, from another run up to there."""
    job = expectation.layout.job
    machine = Machine(job)
    if not 0 < step or pid >= job.processors:
        return ""
    for _ in range(step - 1):
        if machine.running:
            machine.step()
    counter = int(machine.counter[pid])
    if counter == HALTED:
        return ""
    instruction = job.code[counter]
    if job.source is None or instruction.at is None:
        return f"instruction {counter}: {instruction.name}"
    return Diagnostic(f"instruction {counter}: {instruction.name}", job.source, instruction.at).render().replace(" error:", "")


__all__ = ["Agreement", "Divergence", "check_agreement"]
