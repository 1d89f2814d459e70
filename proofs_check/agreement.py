"""Compares every token of a decode with the machine's run, after every decoding step.

Both sides edit one sequence in place and report which rows a step changed. Only these rows are compared. That is as strong
as comparing all rows: a row that neither side changed was equal after the step before (by induction from the start, which
both share). A decode might change a row and not report it, so all rows are compared once more at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.compile import Compiled, Layout
from lockstep.models.decode import Decoder
from lockstep.models.editing import NotFinished, OutOfPositions
from lockstep.models.orders import ORDERS
from lockstep.models.sampling import DEFAULT_SAMPLING, Sampling
from lockstep.pram.errors import Diagnostic
from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, Machine, Run
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.expectation import Expectation

Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Divergence:
    """The first token that differs from the machine's run."""

    step: int
    processor: int
    field: str
    expected: str
    found: str
    line: str

    def __str__(self) -> str:
        where = f"\n{self.line}" if self.line else ""
        cell = self.field in ("output", "cell", "pair", "token", "context length", "end")
        who = f"{self.field} {self.processor}" if cell else f"processor {self.processor}, {self.field}"
        return f"decoding step {self.step}, {who}: expected {self.expected}, found {self.found}{where}"


@dataclass(frozen=True)
class Agreement:
    """The result of a decode beside the machine.

    context: its length at the start and after each step. divergence: None if all tokens agree. written: the tokens generated.
    """

    run: Run
    layout: Layout
    steps: int
    context: tuple[int, ...]
    tokens: Tokens
    divergence: Divergence | None
    engine: str
    written: int

    @property
    def outputs_agree(self) -> bool:
        """Whether the output tokens, read as words, equal the machine's memory."""
        cells = self.layout.job.outputs
        return bool(np.array_equal(self.layout.output_words(self.tokens), self.run.memory[cells.start : cells.stop]))


def check_agreement(compiled: Compiled, job: Job, time: int, sampling: Sampling = DEFAULT_SAMPLING) -> Agreement:
    """Decode a job and compare it with the machine.

    In parallel order and in fixed orders, the sequence must be the expected one after every decoding step. In other orders, each
    token must be right when it is unmasked, and the last sequence must be the expected one.

    Args:   time: number of blocks to lay out (for MDM); at least the run's time.
    Raises: PramError: the machine refuses the run or needs more than `time` steps. NoPermutation: the user's permutation does not
            have each masked position once.
    """
    layout = compiled.layout(job, time, sampling)
    decoder = Decoder(compiled.model, layout.tokens(), layout.positions(), compiled.process, sampling)
    expectation = FACTS[compiled.construction].expectation(layout)
    if sampling.order == "parallel":
        return _compare(expectation, decoder, iter(expectation))
    if ORDERS[sampling.order].turns is not None:
        return _compare(expectation, decoder, expectation.one_by_one(sampling))
    for _ in expectation:
        pass
    return _compare(expectation, decoder, None)


def _compare(expectation: Expectation, decoder: Decoder, expected: Iterator[Tokens] | None) -> Agreement:
    """Step both sides up to the first divergence. Without `expected`, compare only the rows that the decode changes."""
    layout, decode = expectation.layout, iter(decoder)
    tokens, number, divergence, written = layout.tokens(), 0, None, 0
    context, mask = [len(tokens)], layout.circuit.vocabulary.mask
    while divergence is None:
        rows, error = next(expected, None) if expected is not None else None, ""
        try:
            step = next(decode, None)
        except (NotFinished, OutOfPositions) as stuck:
            step, error = None, str(stuck)
        if step is None:
            divergence = _first(expectation, number + 1, tokens, np.arange(len(tokens)))
            if divergence is None and error:  # all tokens are right, but the decoder is stuck
                divergence = Divergence(number + 1, 0, "end", "no more decoding steps", error, "")
            break
        tokens, number = step.sequence, step.number
        written += step.written(context[-1], mask)
        context.append(step.change.length)
        changed = step.changed if rows is None else np.concatenate([rows, step.changed])
        divergence = _first(expectation, number, tokens, changed)
    return Agreement(_finish(expectation), layout, number, tuple(context), tokens, divergence, decoder.engine, written)


def _finish(expectation: Expectation) -> Run:
    machine = expectation.machine
    while machine.running:
        machine.step()
    return machine.finished()


def _first(expectation: Expectation, number: int, found: Tokens, rows: Tokens) -> Divergence | None:
    """The first of these rows in which the decode differs from the expected sequence; None if they are equal."""
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
    """The source line of the instruction that a processor executes in a step; runs the machine again up to that step."""
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
