"""The exact verdict of a sampler on a run, without a model: a rule is right if and only if it never takes a row that is not ready.

The machine's run says which token each row must hold, and `Waiting` which rows are ready. The rule chooses from what an exact model
says of such rows (`certainties.py`). A ready row gives the machine's token, in any order; one that is not ready gives BOS, which no
generated row holds. So the first row that is taken too early is the first wrong token.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import astuple, dataclass

import numpy as np

from lockstep.compiler import mdm
from lockstep.compiler.compile import Compiled
from lockstep.compiler.names import MDM
from lockstep.models.processes import Flags
from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import Rule, State
from lockstep.models.transformer import Tokens
from lockstep.pram.job import Job
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.constructions.readiness import Waiting
from lockstep.proofs_check.samplers.certainties import of_ready, of_unready
from lockstep.proofs_check.samplers.forms import Level, Sizes


@dataclass(frozen=True)
class WrongToken:
    """The first wrong token of a decode.

    step, position: of the decoding step, and in the sequence. field: what stands there: V, C, A or output. time: the step of the
    machine that the row belongs to, 0 for outputs. who: the processor, or the number of the output. expected: the machine's token.
    found: the one that is written.
    """

    step: int
    position: int
    field: str
    time: int
    who: int
    expected: str
    found: str

    @property
    def place(self) -> str:
        """`V of processor 1 in step 2`, `output 0`."""
        return f"output {self.who}" if self.field == "output" else f"{self.field} of processor {self.who} in step {self.time}"


@dataclass(frozen=True)
class Counted:
    """A decode as a rule makes it, up to its end or to the first wrong token.

    steps: decoding steps, with the wrong one. order: the step in which each position was unmasked, [N]; 0 for those given or left.
    ready, early: of the wrong step, the rows that are ready in it, and those it takes that are not; 0 where nobody counts them.
    ended: whether it came to an end: a sampler may mask its tokens again and again.
    """

    steps: int
    order: Tokens
    wrong: WrongToken | None
    ready: int = 0
    early: int = 0
    ended: bool = True

    @property
    def right(self) -> bool:
        return self.wrong is None and self.ended

    @property
    def unmasked(self) -> int:
        """The tokens that were unmasked."""
        return int((self.order > 0).sum())

    @property
    def taken(self) -> int:
        """The rows that the last step took."""
        return int((self.order == self.steps).sum())

    @property
    def tau(self) -> float:
        """Kendall's tau of the order and left to right: see `left_to_right`."""
        return left_to_right(self.order[self.order > 0])


class Truth:
    """What the machine's run says of a layout: the token of every row, and what an exact model says of it once it is ready.

    final: the finished sequence, [N]. levels: the rows that are ready together in parallel order, step by step. together: whether all
    processors halt in the last step that is laid out. ready: by kind of token; unready: of rows that are not ready.
    """

    def __init__(self, layout: mdm.Layout) -> None:
        """Raises: PramError: the machine refuses the run, or it takes longer than the layout has room for."""
        expectation = FACTS[MDM].expectation(layout)
        self.layout, self.vocabulary = layout, layout.circuit.vocabulary
        self.masked: Tokens = np.flatnonzero(expectation.tokens == self.vocabulary.mask)
        steps = [rows.copy() for rows in expectation]
        self.final: Tokens = expectation.tokens
        self.ready = {kind: of_ready(self.vocabulary, kind) for kind, _ in self.vocabulary.kinds}
        self.unready = of_unready(self.vocabulary)
        said = [astuple(self.ready[self.vocabulary.split(int(token))[0]]) for token in self.final]
        self._said = np.array(said, np.float64).reshape(-1, 3)
        self._unsaid, self._bos = np.array(astuple(self.unready)), self.vocabulary.token("BOS")
        self.levels = [self._level(rows, number < len(steps)) for number, rows in enumerate(steps, 1)]
        halts = self.final[layout.row("C", 1, 0) : layout.first_output] == self.vocabulary.token("HALT")
        self.together = bool(halts.sum() == layout.job.processors)
        self.sizes = Sizes(layout.job.processors, layout.time, len(layout.job.outputs))

    @staticmethod
    def of(compiled: Compiled, job: Job, time: int) -> Truth:
        """The same for a job with room for `time` steps. Raises: ValueError: the widths are too small. PramError: as above."""
        layout = compiled.layout(job, time)
        assert isinstance(layout, mdm.Layout), f"samplers are of {MDM}"
        return Truth(layout)

    def _level(self, rows: Tokens, others: bool) -> Level:
        confidence, _, entropy = self._said[rows].T
        return Level(len(rows), float(entropy.sum()), float(1 - confidence.min()), others)

    @property
    def least_confidence(self) -> float:
        """The least confidence of all rows that are generated."""
        return 1 - max(level.doubt for level in self.levels)

    def guesses(self, rows: Tokens, ready: Flags) -> Guesses:
        """What an exact model says of these masked rows. ready: of all rows, [N]."""
        here = ready[rows]
        said = np.where(here[:, None], self._said[rows], self._unsaid)
        return Guesses(rows, np.where(here, self.final[rows], self._bos), *said.T)

    def wrong(self, step: int, position: int, found: int | None = None) -> WrongToken:
        """The first wrong token, if it is this one. found: the one that is written; None: that of a row that is not ready."""
        field, time, who = self.layout.locate(position)
        texts = [self.vocabulary.text(int(token)) for token in (self.final[position], self._bos if found is None else found)]
        return WrongToken(step, position, field, time, who, *texts)


def count(truth: Truth, rule: Rule, seed: int = 0) -> Counted:
    """Carry out a rule on a run, up to the first row that it takes before it is ready.

    Args: seed: of rules that draw.
    """
    waiting, rows = Waiting(truth.layout, truth.final), truth.masked
    ready, order, steps = np.zeros(len(truth.final), np.bool_), np.zeros(len(truth.final), np.int64), 0
    ready[waiting.first()] = True
    state = State(truth.layout.first_block, np.random.default_rng(seed))
    while len(rows):
        steps += 1
        picked = np.zeros(len(rows), np.bool_)
        picked[rule.pick(truth.guesses(rows, ready), state)] = True
        assert picked.any(), f"{rule} takes nothing in step {steps}"
        taken = rows[picked]
        order[taken] = steps
        if early := taken[~ready[taken]].tolist():
            return Counted(steps, order, truth.wrong(steps, min(early)), int(ready[rows].sum()), len(early))
        for row in taken.tolist():
            ready[waiting.released_by(row)] = True
        rows = rows[~picked]
    return Counted(steps, order, None)


def left_to_right(steps: Tokens) -> float:
    """Kendall's tau of an order and left to right, over the pairs that are unmasked in different steps: 1 if each such pair goes from
    left to right, -1 if none does; 1 if there is no such pair. steps: the step of each position, [n]."""
    before: list[int] = []
    rising = falling = 0
    for step in steps.tolist():
        rising += bisect_left(before, step)
        falling += len(before) - bisect_right(before, step)
        insort(before, step)
    return (rising - falling) / (rising + falling) if rising + falling else 1.0
