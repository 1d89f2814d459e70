"""Machine and model in lock step: after every decoding step, every token is held against the machine's run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from compiler.compile import Compiled
from compiler.mdm import Layout
from models.decode import NotFinished, decoding_steps
from pram.errors import Diagnostic
from pram.job import Job
from pram.machine import Machine, Run, Step

Tokens = NDArray[np.int64]

#: What the tokens of a block are, in words.
FIELDS = {"V": "value", "C": "next program counter", "A": "destination", "output": "output", "start": "start sequence"}


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
        who = "cell" if self.field == "output" else "processor"
        what = f"expected {self.expected}, found {self.found}"
        return f"decoding step {self.step}, {who} {self.processor}, {self.field}: {what}{where}"


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


class Expectation:
    """The sequence that a perfect decode in parallel order holds after each decoding step."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.tokens = layout.tokens()
        self.machine = Machine(layout.job)
        self.lines: list[NDArray[np.int64]] = []

    def __iter__(self) -> Iterator[Tokens]:
        """One sequence for each decoding step; the array is reused.

        Raises: PramError: the machine refuses the run, or it takes longer than the layout has room for.
        """
        layout, processors = self.layout, self.layout.job.processors
        halted = np.zeros(processors, bool)
        filled = np.zeros(processors, bool)
        for step in self.machine.steps(layout.time):
            self._fill_halted(np.flatnonzero(halted & ~filled), step.number)
            filled |= halted
            self._fill_block(step, ~filled)
            halted |= step.next < 0
            self.lines.append(step.counter)
            yield self.tokens
        if layout.time > self.machine.costs.time:
            self._fill_halted(np.flatnonzero(~filled), self.machine.costs.time + 1)
            yield self.tokens
        if layout.job.outputs:
            cells = layout.job.outputs
            word = layout.circuit.vocabulary.token("WORD")
            self.tokens[layout.first_output :] = word + self.machine.memory[cells.start : cells.stop]
            yield self.tokens

    def _fill_block(self, step: Step, running: NDArray[np.bool_]) -> None:
        pids = np.flatnonzero(running)
        for role, tokens in self.layout.step_tokens(step).items():
            self.tokens[self.layout.row(role, step.number, 0) + pids] = tokens[pids]

    def _fill_halted(self, pids: Tokens, first: int) -> None:
        """Processors that had halted before step `first` fill all their rows from there on."""
        vocabulary, layout = self.layout.circuit.vocabulary, self.layout
        fills = {"V": vocabulary.token("WORD"), "C": vocabulary.token("HALT"), "A": vocabulary.token("NONE")}
        for number in range(first, layout.time + 1) if len(pids) else ():
            for role, token in fills.items():
                self.tokens[layout.row(role, number, 0) + pids] = token


def check_agreement(compiled: Compiled, job: Job, time: int, *, order: str = "parallel", seed: int = 0) -> Agreement:
    """Decode a job beside the machine.

    In parallel order exactly the expected tokens must be there after every decoding step; in other orders
    whatever is unmasked must be right at every step, and the end must be the same.

    Args:   time: blocks laid out, at least the run's time.
    Raises: PramError: the machine refuses the run or needs more than `time` steps.
    """
    layout = compiled.layout(job, time)
    start = torch.from_numpy(layout.tokens())
    positions = torch.from_numpy(layout.positions()).to(compiled.model.dtype)
    decode = decoding_steps(compiled.model, start, positions, order=order, seed=seed)
    expectation = Expectation(layout)
    if order == "parallel":
        return _compare(expectation, decode, iter(expectation), layout, exact=True)
    for _ in expectation:
        pass
    return _compare(expectation, decode, None, layout, exact=False)


def _compare(
    expectation: Expectation, decode: Iterator, expected: Iterator[Tokens] | None, layout: Layout, exact: bool
) -> Agreement:  # type: ignore[type-arg]
    """Walk both sides; stop at the first divergence."""
    tokens = layout.tokens()
    context, divergence, number = [len(tokens)], None, 0
    mask = layout.circuit.vocabulary.mask
    while divergence is None:
        wanted = next(expected, None) if expected is not None else expectation.tokens
        try:
            step = next(decode, None)
        except NotFinished:
            step = None
        if step is None:
            divergence = _first(expectation, tokens, number + 1, wanted if wanted is not None else tokens, tokens)
            break
        before, tokens, number = tokens, step.tokens.numpy(), step.number
        context.append(len(tokens))
        if wanted is None:
            wanted = expectation.tokens
        shown = tokens if exact else np.where(tokens == mask, wanted, tokens)
        divergence = _first(expectation, before, number, wanted, shown)
    return Agreement(_finish(expectation), layout, number, tuple(context), tokens, divergence)


def _finish(expectation: Expectation) -> Run:
    machine = expectation.machine
    while machine.running:
        machine.step()
    return Run(machine.job, machine.memory, machine.costs, machine.space, ())


def _first(expectation: Expectation, before: Tokens, number: int, wanted: Tokens, found: Tokens) -> Divergence | None:
    """The first position where two sequences differ, in words."""
    if len(wanted) != len(found):
        return Divergence(number, 0, "context length", str(len(wanted)), str(len(found)), "")
    different = np.flatnonzero(wanted != found)
    if not len(different):
        return None
    at = int(different[0])
    layout, vocabulary = expectation.layout, expectation.layout.circuit.vocabulary
    role, step, pid = layout.locate(at)
    return Divergence(
        number,
        pid,
        FIELDS[role],
        vocabulary.text(int(wanted[at])),
        vocabulary.text(int(found[at])),
        _line(expectation, step, pid),
    )


def _line(expectation: Expectation, step: int, pid: int) -> str:
    """The source line of the instruction that a processor executes in a step."""
    job = expectation.layout.job
    if not 0 < step <= len(expectation.lines):
        return ""
    counter = int(expectation.lines[step - 1][pid])
    instruction = job.code[counter]
    if job.source is None or instruction.at is None:
        return f"instruction {counter}: {instruction.name}"
    return Diagnostic(f"instruction {counter}: {instruction.name}", job.source, instruction.at).render().replace(" error:", "")
