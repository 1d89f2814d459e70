"""Compares every token of a decode with the machine's run, after every decoding step.

Both sides edit one sequence in place and report which rows a step changed. Only these rows are compared. That is as strong
as comparing all rows: a row that neither side changed was equal after the step before (by induction from the start, which
both share). A decode might change a row and not report it, so all rows are compared once more at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.compile import Compiled, Layout
from lockstep.models.decode import Decoder
from lockstep.models.editing import DecodingStep, NotFinished, OutOfPositions
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
    """The first token that differs from the machine's run.

    position:  where it is; -1 if the lengths differ, or if the decode came to an end.
    sequences: the sequence that the machine's run has after this step, and the one that was found.
    """

    step: int
    processor: int
    field: str
    expected: str
    found: str
    line: str
    position: int = -1
    sequences: tuple[Tokens, Tokens] | None = dataclass_field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        where = f"\n{self.line}" if self.line else ""
        at = f", position {self.position}" if self.position >= 0 else ""
        cell = self.field in ("output", "cell", "pair", "token", "context length", "end")
        who = f"{self.field} {self.processor}" if cell else f"processor {self.processor}, {self.field}"
        return f"decoding step {self.step}{at}, {who}: expected {self.expected}, found {self.found}{where}"


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

    In parallel order and in fixed orders, the sequence must be the expected one after every decoding step. In other orders, and with
    a sampler, each token must be right when it is written, and the last sequence must be the expected one.

    Args:   time: number of blocks to lay out (for MDM); at least the run's time.
    Raises: PramError: the machine refuses the run or needs more than `time` steps. NoPermutation: the user's permutation does not
            have each masked position once.
    """
    layout = compiled.layout(job, time, sampling)
    decoder = Decoder(compiled.model, layout.tokens(), layout.positions(), compiled.process, sampling)
    beside, written = Beside(layout, decoder, compiled.construction, sampling), 0
    context, mask = [len(beside.tokens)], layout.circuit.vocabulary.mask
    for step in beside:
        written += step.written(context[-1], mask)
        context.append(step.change.length)
    return Agreement(
        _finish(beside.expectation),
        layout,
        beside.number,
        tuple(context),
        beside.tokens,
        beside.divergence,
        decoder.engine,
        written,
    )


class Beside:
    """The steps of a decode, beside the sequence that the machine's run has after each of them. It ends at the first wrong token.

    number, tokens: the last step and the sequence after it. divergence: the first wrong token, once it has been seen.
    stuck:          why the decode came to an end although masks remain; "" if it did not.
    """

    def __init__(self, layout: Layout, decoder: Decoder, construction: str, sampling: Sampling) -> None:
        self.expectation = FACTS[construction].expectation(layout)
        self.layout, self.decoder, self.sampled = layout, decoder, sampling.sampler is not None
        self.number, self.tokens, self.stuck = 0, layout.tokens(), ""
        self.divergence: Divergence | None = None
        self._expected = self._expected_rows(sampling)

    def _expected_rows(self, sampling: Sampling) -> Iterator[Tokens] | None:
        """The rows that each step may change, as the expectation makes its steps. None: only rows that the decode changes are known."""
        if sampling.sampler is None and sampling.order == "parallel":
            return iter(self.expectation)
        if sampling.sampler is None and ORDERS[sampling.order].turns is not None:
            return self.expectation.one_by_one(sampling)
        for _ in self.expectation:
            pass
        return None

    def __iter__(self) -> Iterator[DecodingStep]:
        decode = iter(self.decoder)
        while self.divergence is None:
            rows = next(self._expected, None) if self._expected is not None else None
            if (step := self._next(decode)) is None:
                self._end()
                return
            self.tokens, self.number = step.sequence, step.number
            written = self._written(step.changed) if self.sampled else step.changed
            changed = written if rows is None else np.concatenate([rows, written])
            self.divergence = _first(self.expectation, self.number, self.tokens, changed)
            yield step

    def _written(self, changed: Tokens) -> Tokens:
        """Those of the changed rows that hold a token. A sampler may mask rows again, and the expectation is at its end."""
        written: Tokens = changed[self.tokens[changed] != self.layout.circuit.vocabulary.mask]
        return written

    def _next(self, decode: Iterator[DecodingStep]) -> DecodingStep | None:
        try:
            return next(decode, None)
        except (NotFinished, OutOfPositions) as stuck:
            self.stuck = str(stuck)
            return None

    def _end(self) -> None:
        """Compare all rows once more: a decode might change a row and not report it. A sampler that is stuck is told by its own words."""
        number, rows = self.number + 1, np.arange(len(self.tokens))
        self.divergence = _first(
            self.expectation, number, self.tokens, self._written(rows) if self.sampled and self.stuck else rows
        )
        if self.divergence is None and self.stuck:  # all tokens are right, but the decoder is stuck
            self.divergence = Divergence(number, 0, "end", "no more decoding steps", self.stuck, "")


def _finish(expectation: Expectation) -> Run:
    machine = expectation.machine
    while machine.running:
        machine.step()
    return machine.finished()


def _first(expectation: Expectation, number: int, found: Tokens, rows: Tokens) -> Divergence | None:
    """The first of these rows in which the decode differs from the expected sequence; None if they are equal."""
    wanted = expectation.tokens
    if len(wanted) != len(found):
        return Divergence(
            number, 0, "context length", str(len(wanted)), str(len(found)), "", sequences=(wanted.copy(), found.copy())
        )
    different = rows[wanted[rows] != found[rows]]
    if not len(different):
        return None
    at = int(different.min())
    text = expectation.layout.circuit.vocabulary.text
    field, who, step = expectation.place(at)
    tokens, line = (text(int(wanted[at])), text(int(found[at]))), _line(expectation, step, who)
    return Divergence(number, who, field, *tokens, line, at, (wanted.copy(), found.copy()))


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


__all__ = ["Agreement", "Beside", "Divergence", "check_agreement"]
