"""Runs of models with several copies as sequences, and what one decoding step makes of many sequences, some of them changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from lockstep.compiler import copies
from lockstep.compiler.compile import Compiled, compile_job
from lockstep.models.engines import ENGINES
from lockstep.models.positions import Positions
from lockstep.models.processes import revise
from lockstep.models.transformer import Tokens
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.constructions import FACTS


@dataclass(frozen=True)
class States:
    """The sequences of one run, as the machine says: the one at the start, and that after each step."""

    compiled: Compiled
    layout: copies.Layout
    positions: Positions
    sequences: tuple[Tokens, ...]

    @staticmethod
    def of(job: Job, construction: str) -> States:
        time = run(job).time
        compiled = compile_job(job, time, construction=construction)
        layout = compiled.layout(job, time)
        assert isinstance(layout, copies.Layout)
        expectation = FACTS[construction].expectation(layout)
        sequences = [expectation.tokens.copy()]
        for _ in expectation:
            sequences.append(expectation.tokens.copy())
        return States(compiled, layout, layout.positions(), tuple(sequences))

    def steps(self) -> Iterator[tuple[Tokens, Tokens]]:
        """Each sequence with the next one. The last one stays as it is."""
        yield from zip(self.sequences, (*self.sequences[1:], self.sequences[-1]))

    def after(self, batch: Sequence[Tokens]) -> list[Tokens]:
        """What one decoding step makes of each sequence."""
        model, mask = self.compiled.model, self.compiled.model.vocabulary.mask
        session = ENGINES["dense"](model, batch, [self.positions] * len(batch), "cpu", True)
        found = []
        for tokens, (rows, prediction) in zip(batch, session.predict(range(len(batch)))):
            edits, now = revise(rows, tokens[rows], prediction, mask), tokens.copy()
            now[edits.rows] = edits.tokens
            found.append(now)
        return found

    def hit(self, tokens: Tokens, random: np.random.Generator, many: int) -> Tokens:
        """The sequence in which so many copies of every item, and BOS, hold random tokens."""
        items, number = self.layout.items, self.layout.COPIES
        changed, size = tokens.copy(), self.compiled.model.vocabulary.size
        order = random.permuted(np.tile(np.arange(number)[:, None], items), axis=0)[:many]
        rows = (1 + order * items + np.arange(items)).ravel()
        changed[rows] = random.integers(size, size=len(rows))
        changed[0] = random.integers(size)
        return changed


def hits_repaired(states: States, many: int, times: int, seed: int = 0) -> None:
    """Change so many copies of every item, and BOS, before every step: the next sequence is the machine's."""
    random = np.random.default_rng(seed)
    for number, (now, following) in enumerate(states.steps()):
        for found in states.after([states.hit(now, random, many) for _ in range(times)]):
            wrong = np.flatnonzero(found != following)
            assert not len(wrong), f"step {number + 1}: {len(wrong)} tokens stay wrong, the first at {wrong[0]}"


def every_change_repaired(states: States, batch: int = 400) -> int:
    """Give every position every other token before every step: the next sequence is the machine's. Returns: how many changes."""
    size, tried = states.compiled.model.vocabulary.size, 0
    for now, following in states.steps():
        pairs = [(row, token) for row, token in product(range(len(now)), range(size)) if now[row] != token]
        for first in range(0, len(pairs), batch):
            changed = []
            for row, token in pairs[first : first + batch]:
                changed.append(now.copy())
                changed[-1][row] = token
            assert all(np.array_equal(found, following) for found in states.after(changed))
            tried += len(changed)
    return tried
