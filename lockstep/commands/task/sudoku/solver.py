"""Solves puzzles by the model, and holds what it says against the oracle."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lockstep.commands.task.solved import Solved, require_certificate_of, sampling_by
from lockstep.commands.task.sudoku.grids import letters_of, side_by_side
from lockstep.commands.task.sudoku.puzzles import Puzzle
from lockstep.common.tables import count
from lockstep.models.names import DtypeName, EngineName

if TYPE_CHECKING:
    from lockstep.models.decode import Decoding
    from lockstep.models.editing import DecodingStep
    from lockstep.models.transformer import Transformer
    from lockstep.tasks.sudoku import Ending, Sudoku

PAPER = "99.28 % of Sudokus, solved by a trained AP-MDM"
#: Choices of the oracle, after which it does not say how many solutions there are.
CHOICES = 50_000
#: What stands in place of an answer that did not come within the limit.
STOPPED = "stopped"


@dataclass(frozen=True)
class Found:
    """What the model found. ending, decoding: None if it was stopped. expected: the verdict of the oracle; None if it has none.

    valid: whether the solutions have each digit once in each group, and keep the clues.
    """

    puzzle: Puzzle
    ending: Ending | None
    decoding: Decoding | None
    steps: int
    context: int
    engine: str
    seconds: float
    expected: str | None
    valid: bool

    @property
    def verdict(self) -> str:
        return self.ending.verdict if self.ending else STOPPED

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong; a decode that was stopped says nothing."""
        return self.ending is None or (self.valid and self.expected in (None, self.verdict))

    @property
    def boards(self) -> dict[str, tuple[int, ...]]:
        """The boards that the model left, by name."""
        ending = self.ending
        return {} if ending is None else {"board": ending.board} | ({"other": ending.other} if ending.other else {})

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {"verdict": self.verdict, "clues": self.puzzle.clues, "decoding_steps": self.steps, "context": self.context,
                "engine": self.engine, "expected": self.expected, "valid": self.valid, "holds": self.holds,
                "seconds": round(self.seconds, 4)} | {name: letters_of(board) for name, board in self.boards.items()}  # fmt: skip

    def solved(self, dtype: str) -> Solved:
        """For the table of one puzzle."""
        size = self.puzzle.side**2
        verdict = {} if self.expected is None else {"verdict": self.expected}
        undecided = () if verdict else (f"The oracle did not decide this puzzle within {CHOICES:,} choices.",)
        boards = self.boards
        return Solved(
            title=f"Sudoku of {size} x {size} cells, {count(self.puzzle.clues, 'clue')}, in {dtype}",
            answer={"verdict": self.verdict, "valid": self.valid} if self.solutions else {"verdict": self.verdict},
            measured={"decoding_steps": self.steps, "context": self.context, "engine": self.engine},
            expected=verdict | ({"valid": True} if self.solutions else {}),
            seconds=self.seconds,
            reported=PAPER,
            notes=undecided,
            picture=side_by_side([*boards.values()], self.puzzle.side),
            texts={name: letters_of(board) for name, board in boards.items()},
        )

    @property
    def solutions(self) -> list[tuple[int, ...]]:
        return [] if self.ending is None or 0 in self.ending.board else [*self.boards.values()]


@dataclass
class Solver:
    """Solves puzzles of any size with one set of options; it builds each model once.

    first: stop at the first solution. limit: the most decoding steps.
    """

    first: bool
    limit: int
    engine: EngineName
    dtype: DtypeName
    built: dict[int, tuple[Sudoku, Transformer]] = field(default_factory=dict)

    def task(self, side: int) -> tuple[Sudoku, Transformer]:
        """The task and its model for boxes of a side.

        Raises: NotCertified: the dtype is not exact.
        """
        if side not in self.built:
            from lockstep.tasks.sudoku import sudoku

            task = sudoku(side, searches_on=not self.first)
            model = task.model(self.dtype)
            require_certificate_of(task, model)
            self.built[side] = task, model
        return self.built[side]

    def solve(
        self,
        puzzle: Puzzle,
        progress: Callable[[int], None] = lambda step: None,
        on_step: Callable[[DecodingStep], None] | None = None,
    ) -> Found:
        """Solve a puzzle. on_step: gets each decoding step."""
        from lockstep.models.decode import Decoder, Decoding

        task, model = self.task(puzzle.side)
        start, positions = task.start(puzzle.cells), task.positions(task.board.length)
        started, context = time.perf_counter(), [1 + len(puzzle.cells)]
        decoder = Decoder(model, start, positions, "ap-mdm", sampling_by(self.engine))
        if on_step is None:
            for length in decoder.contexts(progress):
                context.append(length)
                if len(context) > self.limit + 1:
                    break
        else:
            for step in decoder:
                context.append(step.change.length)
                if len(context) > self.limit + 1:
                    break
                on_step(step)
                progress(step.number)
        seconds = time.perf_counter() - started
        if len(context) > self.limit + 1:
            return Found(puzzle, None, None, self.limit, max(context), decoder.engine, seconds, None, True)
        tokens = decoder.sequence.tokens.copy()
        decoding = Decoding(tokens, len(context) - 1, tuple(context), decoder.engine)
        return self._compared(puzzle, task.ending(tokens), decoding, seconds)

    def _compared(self, puzzle: Puzzle, ending: Ending, decoding: Decoding, seconds: float) -> Found:
        from lockstep.proofs_check.exact_cover import Undecided, is_solution, solutions
        from lockstep.tasks.sudoku import NO_SOLUTION, ONE, SEVERAL, SOLVED

        try:
            number = len(solutions(puzzle.cells, puzzle.side, 1 if self.first else 2, CHOICES))
            expected = NO_SOLUTION if not number else SOLVED if self.first else (ONE, SEVERAL)[number - 1]
        except Undecided:
            expected = None
        shown = [] if ending.verdict == NO_SOLUTION else [board for board in (ending.board, ending.other) if board]
        valid = all(is_solution(board, puzzle.cells, puzzle.side) for board in shown) and ending.board != ending.other
        return Found(puzzle, ending, decoding, decoding.steps, decoding.peak_context, decoding.engine, seconds, expected, valid)
