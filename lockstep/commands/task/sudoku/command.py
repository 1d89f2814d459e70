"""`lockstep task sudoku`: solves Sudokus, and says whether there is no solution or more than one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Annotated, Optional

import typer
from rich.console import Group
from rich.text import Text

from lockstep.commands.task.proving import for_decodes_only, prove_task, require
from lockstep.commands.task.solved import REPORTED, finish
from lockstep.commands.task.sudoku.grids import StepPictures
from lockstep.commands.task.sudoku.puzzles import Puzzle, read_puzzles
from lockstep.commands.task.sudoku.solver import PAPER, Found, Solver
from lockstep.commands.task.telling import JobFile, PageFile, write_task_job, write_task_page
from lockstep.common.console import FAILED, WRONG, emit, err, progress_bar
from lockstep.common.options import Dtype, Engine, Json
from lockstep.common.tables import BAD, GOOD, heading, narrow_table
from lockstep.pram.errors import fail


def sudoku(puzzle: Annotated[Optional[str], typer.Argument(help="A puzzle of 16, 81 or 256 cells, a file with one in each line, or the "
                                                                "example sudoku_hard.", show_default=False)] = None,
           first: Annotated[bool, typer.Option("--first", help="Stop at the first solution: look for no second one.")] = False,
           limit: Annotated[int, typer.Option("--limit", min=1, help="The most decoding steps for a puzzle.")] = 100_000,
           trace: Annotated[bool, typer.Option("--trace", help="Show what each decoding step does to the board.")] = False,
           page: PageFile = None, export: JobFile = None,
           prove: Annotated[Optional[int], typer.Option("--prove", min=2, max=4, show_default=False, metavar="SIDE",
                                                        help="Prove what each row does, on boards with boxes of SIDE x SIDE.")] = None,
           engine: Engine = "auto", dtype: Dtype = "float64", json_: Json = False) -> None:  # fmt: skip
    """Solve Sudokus of 4x4, 9x9 or 16x16 cells, and tell one solution from none and several."""
    if prove is not None:
        for_decodes_only({"PUZZLE": puzzle, "--trace": trace, "--page": page, "--export": export})
        return _prove(prove, first, dtype, json_)
    require(puzzle, "PUZZLE")
    assert puzzle is not None
    puzzles, solver = read_puzzles(puzzle), Solver(first, limit, engine, dtype)
    if len(puzzles) == 1:
        _solve_one(puzzles[0], solver, trace, page, export, json_)
        return
    for given, flag in ((trace, "--trace"), (page, "--page"), (export, "--export")):
        if given:
            raise typer.BadParameter(f"this is for one puzzle, and there are {len(puzzles)}", param_hint=flag)
    _solve_all(puzzles, solver, json_)


def _prove(side: int, first: bool, dtype: str, json_: bool) -> None:
    from lockstep.proofs_check.tasks.sudoku_edits import sudoku_rules
    from lockstep.tasks.sudoku import sudoku as build

    what = "first solution only" if first else "searching on behind a first solution"
    prove_task(f"Sudoku of {side**4} cells, {what}", build(side, not first), sudoku_rules(side, not first), dtype, json_)


def _solve_one(puzzle: Puzzle, solver: Solver, trace: bool, page: PageFile, export: JobFile, json_: bool) -> None:
    """Solve a puzzle, and print its solution below what it took."""
    from lockstep.tasks.sudoku import picture_of

    task, _ = solver.task(puzzle.side)
    pictures = StepPictures(task, puzzle.cells) if trace else None
    with progress_bar(err, "decoding steps") as progress:
        found = solver.solve(puzzle, lambda step: progress(step, solver.limit), pictures.add if pictures else None)
    if found.decoding is None:
        if pictures:
            emit({"steps": pictures.records}, pictures.table(), json_, paged=True)
        raise fail(f"no answer within {solver.limit:,} decoding steps; --limit allows more")
    start, solved = task.start(puzzle.cells), found.solved(solver.dtype)
    if page is not None:
        write_task_page(page, task, start, task.board.length, picture_of(task.board), solved)
    if export is not None:
        write_task_job(export, task, start, task.board.length, found.decoding, solver.dtype)
    finish(solved, json_, pictures)


def _solve_all(puzzles: Sequence[Puzzle], solver: Solver, json_: bool) -> None:
    """Solve puzzles one after the other, and print a row for each. Status 3 if the oracle differs, 1 if one was stopped."""
    found: list[Found] = []
    with progress_bar(err, "puzzles") as progress:
        for puzzle in puzzles:
            found.append(solver.solve(puzzle))
            progress(len(found), len(puzzles))
    records = [{"line": each.puzzle.line} | each.record() for each in found]
    emit({"puzzles": records, "reported": PAPER}, _table(found, solver), json_)
    if not all(each.holds for each in found):
        raise typer.Exit(FAILED)
    if any(each.ending is None for each in found):
        raise typer.Exit(WRONG)


def _table(found: Sequence[Found], solver: Solver) -> Group:
    table = narrow_table()
    for title in ("line", "cells", "clues", "decoding steps", "context", "seconds"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("found", "expected", "verdict"):
        table.add_column(title, no_wrap=True)
    for each in found:
        right = Text("equal" if each.holds else "DIFFERS", style=GOOD if each.holds else BAD) if each.expected else Text()
        numbers = (each.puzzle.line, len(each.puzzle.cells), each.puzzle.clues, each.steps, each.context)
        table.add_row(*(f"{number:,}" for number in numbers), f"{each.seconds:.2f}", each.verdict, each.expected or "", right)
    engines = ", ".join(dict.fromkeys(each.engine for each in found))
    return Group(heading(f"{len(found)} Sudokus, in {solver.dtype}, by {engines}"), table, Text(f"\n{_totals(found, solver.limit)}"),
                 Text(f"\n{PAPER} ({REPORTED})"))  # fmt: skip


def _totals(found: Sequence[Found], limit: int) -> str:
    """What all puzzles took."""
    steps, seconds = sorted(each.steps for each in found), [each.seconds for each in found]
    answered = sum(each.ending is not None for each in found)
    return (
        f"{answered} of {len(found)} answered within {limit:,} decoding steps\n"
        f"decoding steps: median {statistics.median(steps):,.0f}, mean {statistics.mean(steps):,.1f}, most {steps[-1]:,}\n"
        f"seconds: mean {statistics.mean(seconds):.2f}, most {max(seconds):.2f}"
    )
