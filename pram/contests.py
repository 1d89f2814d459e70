"""Decides who wins the concurrent writes of a step, and finds the contested writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lockstep.pram.access import MODES, Accesses, Words
from lockstep.pram.errors import PramError, fail
from lockstep.pram.job import Job
from lockstep.pram.winner import LOWEST

#: An error names at most this many writers of a cell.
MOST_NAMED = 8


@dataclass(frozen=True)
class Contest:
    """A contested write: at least two processors write different values to one cell in one step.

    options: for each value, the lowest pid that writes it, in ascending order. The first is the lowest of all writers.
    """

    step: int
    cell: int
    options: tuple[int, ...]


class Arbiter:
    """Decides the concurrent writes of a run, step by step.

    The job's winner decides if the mode leaves the winner open. In other modes the lowest pid wins. Where writes are combined,
    all of a cell leave the same word, so it does not matter who wins.

    Args: contests: a list that receives every contested write of the run, by step and then by cell.
    """

    def __init__(self, job: Job, contests: list[Contest] | None = None) -> None:
        self.job, self.contests = job, contests
        self.winner = job.winner if MODES[job.mode].winner_open else LOWEST
        self.random = np.random.default_rng(self.winner.seed) if self.winner.kind == "random" else None
        lowest = self.winner.kind in ("lowest", "choices", "random")
        self._precedence = None if lowest else self.winner.precedence(job.processors)
        self._settled = 0

    def order(self, step: int, written: Accesses, counter: Words) -> Words:
        """Return the order in which to apply the writes of a step. The *last* write to a cell wins.

        Args:    counter: the program counters before the step, int64 [P].
        Returns: positions in `written`. If a position comes twice, its last occurrence counts.
        Raises:  PramError: a processor was chosen to win, but does not write to the cell.
        """
        order = self._applied(written)
        if self.contests is None and self._settled == len(self.winner.choices):
            return order
        chosen = [self._settle(step, written, group, counter) for group in contested(written)]
        return np.concatenate([order, np.array([at for at in chosen if at is not None], np.int64)])

    def _applied(self, written: Accesses) -> Words:
        """Return the order of writes without the winners that were chosen one by one; the last write wins."""
        count = len(written)  # their pids ascend
        if self.random is not None:
            return self.random.permutation(count)
        return np.arange(count)[::-1] if self._precedence is None else np.argsort(-self._precedence[written.pids])

    def check_end(self, step: int) -> None:
        """Check, at the end of a run, that every choice was used.

        Raises: PramError: the run had fewer contested writes than there are choices.
        """
        made, choices = self._settled, self.winner.choices
        if made < len(choices):
            raise fail(f"step {step}: {self._choice(made)}, but the run has only {made} contested writes", self.job.source)

    def _settle(self, step: int, written: Accesses, group: Words, counter: Words) -> int | None:
        """Record a contest, and return the position of the write that was chosen to win it; None if no choice is left."""
        assert written.values is not None
        if self.contests is not None:
            _, first = np.unique(written.values[group], return_index=True)
            options = np.sort(written.pids[group[first]])
            self.contests.append(Contest(step, int(written.cells[group[0]]), tuple(options.tolist())))
        if self._settled == len(self.winner.choices):
            return None
        at = np.flatnonzero(written.pids[group] == self.winner.choices[self._settled])
        if not len(at):
            raise self._wrong_choice(step, written, group, counter)
        self._settled += 1
        return int(group[at[0]])

    def _wrong_choice(self, step: int, written: Accesses, group: Words, counter: Words) -> PramError:
        pids, job = written.pids[group].tolist(), self.job
        who = f"{self._choice(self._settled)}, but {job.cell_name(int(written.cells[group[0]]))} is written by {list_processors(pids)}"
        return fail(f"step {step}: {who}", job.source, job.code[int(counter[pids[0]])].at)

    def _choice(self, number: int) -> str:
        return f"choice {number + 1} of the winner {self.winner} is processor {self.winner.choices[number]}"


def contested(written: Accesses) -> Iterator[Words]:
    """Yield, for each contested cell of a step, the positions of its writes. Cells and pids ascend."""
    assert written.values is not None
    by_cell = np.lexsort((written.pids, written.cells))
    cells, values = written.cells[by_cell], written.values[by_cell]
    if not ((cells[1:] == cells[:-1]) & (values[1:] != values[:-1])).any():
        return
    for group in np.split(by_cell, np.flatnonzero(cells[1:] != cells[:-1]) + 1):
        if (written.values[group] != written.values[group[0]]).any():
            yield group


def list_processors(pids: Sequence[int]) -> str:
    """Return text such as `processors 0, 1 and 2`; of many processors it names the first."""
    return f"processors {list_numbers(pids)}"


def list_numbers(numbers: Sequence[int]) -> str:
    """Return text such as `0, 1 and 2`; of many numbers it has the first."""
    words = [str(number) for number in numbers[:MOST_NAMED]]
    last = f"{len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else words.pop()
    return f"{', '.join(words)} and {last}"
