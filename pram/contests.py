"""Who wins the concurrent writes of a step, and which of them are contested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lockstep.pram.access import MODES, Accesses, Words
from lockstep.pram.errors import PramError, fail
from lockstep.pram.job import Job
from lockstep.pram.winner import LOWEST

#: So many writers of a cell are named in an error.
MOST_NAMED = 8


@dataclass(frozen=True)
class Contest:
    """A contested write: at least two processors write different values to one cell in one step.

    options: for each value the lowest pid that writes it, ascending; so the first is the lowest of all writers.
    """

    step: int
    cell: int
    options: tuple[int, ...]


class Arbiter:
    """Settles the writes of a run, step by step, as the job's winner says; in modes that leave none open, the lowest pid wins.

    Args: contests: gets every contested write of the run, in the order of steps and then of cells.
    """

    def __init__(self, job: Job, contests: list[Contest] | None = None) -> None:
        self.job, self.contests = job, contests
        self.winner = job.winner if MODES[job.mode].winner_open else LOWEST
        self.random = np.random.default_rng(self.winner.seed) if self.winner.kind == "random" else None
        lowest = self.winner.kind in ("lowest", "choices", "random")
        self._precedence = None if lowest else self.winner.precedence(job.processors)
        self._settled = 0

    def order(self, step: int, written: Accesses, counter: Words) -> Words:
        """The order in which the writes of a step are applied, so that the *last* one to a cell stays.

        Args:    counter: the program counters before the step, int64 [P].
        Returns: positions in `written`; a position that comes twice counts where it comes last.
        Raises:  PramError: a processor that was chosen to win does not write there.
        """
        order = self._applied(written)
        if self.contests is None and self._settled == len(self.winner.choices):
            return order
        chosen = [self._settle(step, written, group, counter) for group in contested(written)]
        return np.concatenate([order, np.array([at for at in chosen if at is not None], np.int64)])

    def _applied(self, written: Accesses) -> Words:
        """In which order writes are applied, as far as nobody chose a winner; the last one wins."""
        count = len(written)  # their pids ascend
        if self.random is not None:
            return self.random.permutation(count)
        return np.arange(count)[::-1] if self._precedence is None else np.argsort(-self._precedence[written.pids])

    def check_end(self, step: int) -> None:
        """At the end of a run every choice has been made.

        Raises: PramError: the run had fewer contested writes.
        """
        made, choices = self._settled, self.winner.choices
        if made < len(choices):
            raise fail(f"step {step}: {self._choice(made)}, but the run has {made} contested writes only", self.job.source)

    def _settle(self, step: int, written: Accesses, group: Words, counter: Words) -> int | None:
        """The position of the write that was chosen to win a contest; None where the precedence decides."""
        assert written.values is not None
        if self.contests is not None:
            _, first = np.unique(written.values[group], return_index=True)
            options = np.sort(written.pids[group[first]])
            self.contests.append(Contest(step, int(written.cells[group[0]]), tuple(options.tolist())))
        if self._settled == len(self.winner.choices):
            return None
        at = np.flatnonzero(written.pids[group] == self.winner.choices[self._settled])
        if not len(at):
            raise self._misfit(step, written, group, counter)
        self._settled += 1
        return int(group[at[0]])

    def _misfit(self, step: int, written: Accesses, group: Words, counter: Words) -> PramError:
        pids, job = written.pids[group].tolist(), self.job
        who = f"{self._choice(self._settled)}, but {job.cell_name(int(written.cells[group[0]]))} is written by {named(pids)}"
        return fail(f"step {step}: {who}", job.source, job.code[int(counter[pids[0]])].at)

    def _choice(self, number: int) -> str:
        return f"choice {number + 1} of the winner {self.winner} is processor {self.winner.choices[number]}"


def contested(written: Accesses) -> Iterator[Words]:
    """For each contested cell of a step, ascending, the positions of its writes, by ascending pid."""
    assert written.values is not None
    by_cell = np.lexsort((written.pids, written.cells))
    cells, values = written.cells[by_cell], written.values[by_cell]
    if not ((cells[1:] == cells[:-1]) & (values[1:] != values[:-1])).any():
        return
    for group in np.split(by_cell, np.flatnonzero(cells[1:] != cells[:-1]) + 1):
        if (written.values[group] != written.values[group[0]]).any():
            yield group


def named(pids: Sequence[int]) -> str:
    """`processors 0, 1 and 2`; of many, the first ones."""
    words = [str(pid) for pid in pids[:MOST_NAMED]]
    last = f"{len(pids) - MOST_NAMED} more" if len(pids) > MOST_NAMED else words.pop()
    return f"processors {', '.join(words)} and {last}"
