"""Programs with contested writes, their results under chosen winners, and results in the form of the brute-force oracle."""

from __future__ import annotations

from oracles.all_winners import End

from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import NoHalt, Run
from lockstep.pram.program import parse_program
from lockstep.pram.winners import Winners

OPEN = "CRCW arbitrary"


def program(body: str, n: int = 3, declared: str = "shared s : output, t : output") -> Job:
    """Return a job of n processors that write s and t."""
    return parse_program(f"program p\nmode {OPEN}\nparam n\nprocs n\n{declared}\n{body}\n", "p.pram").instantiate({"n": n})


SCALARS = "shared s : output, t : output"
TWO = "shared A[2] : output"
TWO_CELLS = "A[pid & 1] := pid"

#: Statements, processors, arrays, choices and outputs. If two cells are contested in one step, the one with the lower address
#: takes the first choice. A cell that is not contested takes none: one processor writes it, or all write the same word.
CHOSEN: tuple[tuple[str, int, str, tuple[int, ...], dict[str, object]], ...] = (
    (TWO_CELLS, 4, TWO, (), {"A": [0, 1]}),
    (TWO_CELLS, 4, TWO, (2,), {"A": [2, 1]}),
    (TWO_CELLS, 4, TWO, (0, 3), {"A": [0, 3]}),
    (TWO_CELLS, 4, TWO, (2, 1), {"A": [2, 1]}),
    (TWO_CELLS, 4, TWO, (2, 3), {"A": [2, 3]}),
    ("s := pid\nt := pid", 3, SCALARS, (2,), {"s": 2, "t": 0}),
    ("s := pid\nt := pid", 3, SCALARS, (2, 1), {"s": 2, "t": 1}),
    ("s := 7\nsingle do s := 1 end\nt := pid & 1", 3, SCALARS, (1,), {"s": 1, "t": 1}),
    ("A[pid & 1] := (pid & 1) * pid", 4, TWO, (3,), {"A": [0, 3]}),
)


def ends(found: Winners) -> set[End]:
    """Return the results of the runs in the form of the brute-force oracle."""
    return {_end(outcome) for _, outcome in found.runs}


def _end(outcome: Run | PramError) -> End:
    if isinstance(outcome, Run):
        return "ended", outcome.time, tuple(outcome.memory.tolist())
    step = int(outcome.message.removeprefix("step ").split(":")[0])
    return "endless" if isinstance(outcome, NoHalt) else "refused", step, ()
