"""What a decode makes of faults (`lockstep.models.faults`): where errors spread, whether it ends, and which outputs are wrong.

The same decode without faults stands beside it, step by step. Faults happen between its decoding steps: after each but the last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lockstep.compiler import copies
from lockstep.compiler.compile import Compiled, Layout, compile_job
from lockstep.compiler.names import COPIES, MASKED_ARM
from lockstep.compiler.state import StateLayout
from lockstep.models.decode import Decoder, TooLong
from lockstep.models.editing import NotFinished, OutOfPositions
from lockstep.models.faults import Faults, Injector
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Tokens
from lockstep.pram.job import Job
from lockstep.proofs_check.certificate import require_certificate
from lockstep.proofs_check.decoding import PLAIN, DecodeOptions, Prepared, check_fits, lay_out, outputs_of, pick_engine
from lockstep.proofs_check.theorems import BOUNDS

#: The kinds that take the place of tokens without bits: what stands there in other steps.
INSTEAD = {"HALT": "PC", "NONE": "REG", "": "WORD"}
#: Faults make of the pairs of masked-arm what is no sequence.
UNREADABLE = frozenset({MASKED_ARM})
#: A decode with faults is given up after this many times the decoding steps of the one without, and some more.
MOST, MORE = 2, 20


@dataclass(frozen=True)
class Disturbed:
    """One decode with faults.

    steps:    decoding steps that it made. expected: those without faults. ended: whether it came to an end as the other one did.
    faults:   tokens that changed. hit: how many of them by what stood there. spread: rows that are wrong after each step.
    wrong:    rows that are wrong at the end, by what should stand there. outputs: wrong output words, of so many.
    covered:  whether no step saw more changed copies of an item than the construction repairs; None where it repairs nothing.
    values:   the outputs by name; None if it did not end.
    """

    steps: int
    expected: int
    ended: bool
    faults: int
    hit: dict[str, int]
    spread: tuple[int, ...]
    wrong: dict[str, int]
    outputs: tuple[int, int]
    covered: bool | None
    engine: str
    values: dict[str, Any] | None

    @property
    def right(self) -> bool:
        """Whether it ended with the machine's outputs."""
        return self.ended and not self.outputs[0]

    @property
    def breaks_theorem(self) -> bool:
        """Whether the faults are of those that the construction repairs, and it did not: its theorem is false then."""
        return bool(self.covered) and not (self.right and self.steps == self.expected and not self.wrong)

    @property
    def record(self) -> dict[str, Any]:
        """Its values for JSON and tables."""
        repairs = {} if self.covered is None else {"within_repair": self.covered}
        return {
            "outputs": self.values, "faults": self.faults, "faults_by_place": self.hit, "decoding_steps": self.steps,
            "without_faults": self.expected, "ended": self.ended, "most_wrong_tokens": max(self.spread, default=0),
            "wrong_tokens": sum(self.wrong.values()), "wrong_by_place": self.wrong, "wrong_outputs": self.outputs[0],
            "output_words": self.outputs[1], "engine": self.engine, **repairs,
        }  # fmt: skip


class Disturbable:
    """A job with its model, to be decoded with faults, as often as wanted. Errors are those of `decode_job`."""

    def __init__(self, job: Job, options: DecodeOptions = PLAIN) -> None:
        prepared = Prepared.run(job, options)
        self.job, self.run = job, prepared.machine_run
        self.compiled: Compiled = options.compiled or compile_job(
            job, prepared.blocks, options.dtype, options.construction, options.sampling
        )
        check_fits(self.compiled, job)
        require_certificate(self.compiled)
        bound = BOUNDS[self.compiled.construction].every(options.sampling.every)
        length, steps = bound.peak_context(job, prepared.blocks), bound.steps(job, self.run.time)
        self.sampling: Sampling = pick_engine(options.sampling, length, steps, self.compiled.model.causal)
        self.layout: Layout = lay_out(self.compiled, job, prepared.blocks, self.sampling)
        self.positions = self.layout.positions()
        self.undisturbed = [step.tokens for step in self._decoder()]
        self.first = _first_generated(self.layout, self.compiled.model.vocabulary.mask)

    def _decoder(self) -> Decoder:
        model, process = self.compiled.model, self.compiled.process
        return Decoder(model, self.layout.tokens(), self.positions, process, self.sampling, edits=True)

    def exposed(self, tokens: Tokens) -> Tokens:
        """The rows of generated tokens: no mask, and nothing that stands there for good, as BOS and parameters do."""
        rows = np.flatnonzero(tokens != self.compiled.model.vocabulary.mask)
        layout = self.layout
        within = (rows - 1) % layout.items + 1 if isinstance(layout, copies.Layout) else rows
        return rows[(rows > 0) & (within >= self.first)]

    def disturb(self, faults: Faults) -> Disturbed:
        """Decode once with faults."""
        decoder, injector = self._decoder(), Injector(faults, self.compiled.model.vocabulary, INSTEAD)
        found = _Following(self)
        try:
            for step in self._steps(decoder):
                found.see(step)
                if decoder.editor.number < len(self.undisturbed) and not decoder.editor.is_finished:
                    rows, tokens = injector.draw(step, self.exposed(step))
                    found.hit_by(rows, len(step))
                    if len(rows):
                        decoder.disturb(rows, tokens)
        except (NotFinished, OutOfPositions, TooLong):
            found.stuck = True
        return found.result(decoder.sequence.tokens, decoder.engine)

    def _steps(self, decoder: Decoder) -> Iterator[Tokens]:
        """The sequence after each decoding step; it is cut off if it does not end."""
        for step in decoder:
            yield step.tokens
            if step.number >= MOST * len(self.undisturbed) + MORE:
                raise NotFinished(step.number, 0)


class _Following:
    """Counts what faults do to a decode."""

    def __init__(self, of: Disturbable) -> None:
        self.of, self.spread, self.hit, self.stuck = of, list[int](), Counter[str](), False
        self.minority = COPIES.get(of.compiled.construction, 1) // 2
        self.covered: bool | None = self.minority > 0 or None

    def see(self, tokens: Tokens) -> None:
        right = self.of.undisturbed[min(len(self.spread), len(self.of.undisturbed) - 1)]
        self.spread.append(len(_differing(tokens, right)))

    def hit_by(self, rows: Tokens, length: int) -> None:
        layout = self.of.layout
        self.hit.update(self._place(row, length) for row in rows.tolist())
        if isinstance(layout, copies.Layout) and len(rows):
            most = int(np.bincount((rows - 1) % layout.items).max())
            self.covered = bool(self.covered) and most <= self.minority

    def _place(self, row: int, length: int) -> str:
        """What stands at a position of a sequence: registers have one name. A state that has not its full length holds words only."""
        layout = self.of.layout
        if isinstance(layout, StateLayout) and length != layout.length:
            return "word"
        role = layout.locate(row)[0]
        return "register" if role[:1] == "R" and role[1:].isdigit() else role

    def result(self, tokens: Tokens, engine: str) -> Disturbed:
        of, right = self.of, self.of.undisturbed[-1]
        ended = not self.stuck and of.layout.halted(tokens)
        cells = of.job.outputs
        words = of.layout.output_words(tokens) if ended else np.full(len(cells), -1)
        wrong = Counter(self._place(row, len(right)) for row in _differing(tokens, right).tolist())
        many = int((words != of.run.memory[cells.start : cells.stop]).sum())
        return Disturbed(
            len(self.spread), len(of.undisturbed), ended, sum(self.hit.values()), dict(self.hit), tuple(self.spread), dict(wrong),
            (many, len(cells)), self.covered, engine, outputs_of(of.job, of.layout, tokens) if ended else None,
        )  # fmt: skip


def _differing(tokens: Tokens, right: Tokens) -> Tokens:
    """The rows in which two sequences differ; rows that only one of them has differ, too."""
    both, longest = min(len(tokens), len(right)), max(len(tokens), len(right))
    return np.concatenate([np.flatnonzero(tokens[:both] != right[:both]), np.arange(both, longest)])


def _first_generated(layout: Layout, mask: int) -> int:
    """The first position whose token a decode writes; of several copies, in the first one."""
    if isinstance(layout, StateLayout):
        return layout.first_cell
    return int((layout.tokens() != mask).sum())


@dataclass(frozen=True)
class Rate:
    """What came of several decodes at one rate: how many ended with the right outputs, of how many, and the faults of all."""

    rate: float
    right: int
    runs: int
    faults: int
    broken: int

    @property
    def share(self) -> float:
        return self.right / self.runs


def at_rates(of: Disturbable, rates: tuple[float, ...], faults: Faults, runs: int,
             progress: Callable[[], None] = lambda: None) -> Iterator[Rate]:  # fmt: skip
    """Decode so many times at each rate, with one seed after the other, from that of `faults` on."""
    for rate in rates:
        found = []
        for number in range(runs):
            found.append(of.disturb(Faults(rate, faults.kind, faults.seed + number)))
            progress()
        yield Rate(rate, sum(d.right for d in found), runs, sum(d.faults for d in found), sum(d.breaks_theorem for d in found))


__all__ = ["Disturbable", "Disturbed", "Rate", "at_rates"]
