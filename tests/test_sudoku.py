"""Sudoku: the model against exact cover and against its own rules in plain Python, on boards with no, one and several solutions."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from kit.commands import Do
from kit.sudokus import LETTERS, Cells, cells_of, drawn_board, drawn_puzzle, examples, repeats, with_wrong_clue
from oracles import sudoku_rounds

from lockstep.compiler.invariants import unused_fields
from lockstep.models.decode import Decoder, Decoding
from lockstep.models.engines import available
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Transformer
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.exact_cover import Undecided, is_solution, solutions
from lockstep.tasks.sudoku import NO_SOLUTION, ONE, SEVERAL, SOLVED, UNFINISHED, Ending, Sudoku, sudoku

#: More than any of these boards takes: a decode that takes more is lost.
MOST_STEPS = 4_000
FAST = available()[-1]
#: Two cells are the last that may take a digit, in one step: of one row, of one box, of one column. (There is no solution.)
CLASHES = ("..2....42.1.1...", ".3.1..3...2..4..", "..21....2.1..4..")


@cache
def built(side: int, searches_on: bool) -> tuple[Sudoku, Transformer]:
    task = sudoku(side, searches_on)
    return task, task.model()


def solved(cells: Cells, side: int, searches_on: bool = True, engine: str = FAST) -> tuple[Ending, Decoding]:
    """What a fresh decode leaves."""
    return decoded(*built(side, searches_on), cells, engine)


def decoded(task: Sudoku, model: Transformer, cells: Cells, engine: str = FAST) -> tuple[Ending, Decoding]:
    sampling, start = Sampling("parallel", engine=engine), task.start(cells)
    decoder, context = Decoder(model, start, task.positions(task.board.length), "ap-mdm", sampling), [len(start)]
    for length in decoder.contexts():
        context.append(length)
        assert len(context) <= MOST_STEPS, "the decode does not end"
    tokens = decoder.sequence.tokens.copy()
    return task.ending(tokens), Decoding(tokens, len(context) - 1, tuple(context), decoder.engine)


def check(task: Sudoku, model: Transformer, cells: Cells) -> str:
    """Hold a decode against the rules in plain Python, step counts and all, and its boards against exact cover; the verdict."""
    side, searches_on = task.board.side, task.board.searches_on
    ending, decoding = decoded(task, model, cells)
    wanted, found = sudoku_rounds.solve(cells, side, searches_on), solutions(cells, side)
    boards = [ending.board, *([ending.other] if ending.other else [])]
    assert (ending.verdict, boards, decoding.steps) == (wanted.verdict, wanted.boards, wanted.steps), cells
    assert ending.verdict == ([NO_SOLUTION, ONE, SEVERAL] if searches_on else [NO_SOLUTION, SOLVED, SOLVED])[len(found)], cells
    assert not found or all(is_solution(board, cells, side) for board in boards), cells
    assert decoding.peak_context == (task.board.length if 0 in cells else len(cells) + 1)
    assert len(decoding.tokens) == 1 + len(cells) * len(boards), "the workspace stays"
    return ending.verdict


def small_boards(number: int, seed: int) -> list[Cells]:
    """Boards of 4x4 cells with no, one and several solutions: parts of full boards, and every third with a digit that may be wrong."""
    rng, found = random.Random(seed), []
    while len(found) < number:
        cells = tuple(digit if rng.random() < 0.33 else 0 for digit in drawn_board(2, rng))
        if len(found) % 3 == 0:
            cell = rng.randrange(16)
            cells = (*cells[:cell], rng.randrange(1, 5), *cells[cell + 1 :])
        if not repeats(cells, 2):
            found.append(cells)
    return found


# -- the model -------------------------------------------------------------------------------------


@pytest.mark.parametrize("searches_on", [True, False])
def test_small_boards(searches_on: bool) -> None:
    verdicts = {check(*built(2, searches_on), cells) for cells in [*small_boards(120, 3), *map(cells_of, CLASHES), (0,) * 16]}
    assert verdicts == ({NO_SOLUTION, ONE, SEVERAL} if searches_on else {NO_SOLUTION, SOLVED})


@pytest.mark.parametrize("number", [1, 2, 3, 7, 14, 21])
def test_hard_puzzles(number: int) -> None:
    assert check(*built(3, True), examples("sudoku_hard")[number]) == ONE


@pytest.mark.parametrize("number", [0, 4, 14])
def test_the_first_solution_alone(number: int) -> None:
    assert check(*built(3, False), examples("sudoku_hard")[number]) == SOLVED


def test_drawn_puzzles_with_one_clue_more() -> None:
    rng = random.Random(5)
    for _ in range(3):
        puzzle = drawn_puzzle(3, rng)
        assert check(*built(3, True), puzzle) == ONE
        assert check(*built(3, True), with_wrong_clue(puzzle, 3, rng)) == NO_SOLUTION


def test_an_empty_board_and_one_with_a_clue_less() -> None:
    assert check(*built(3, True), (0,) * 81) == SEVERAL
    puzzle = drawn_puzzle(3, random.Random(6))
    assert (
        check(*built(3, True), tuple(0 if cell == puzzle.index(max(puzzle)) else d for cell, d in enumerate(puzzle))) == SEVERAL
    )


def test_a_large_board() -> None:
    assert check(*built(4, True), examples("sudoku_16x16")[0]) == ONE


def test_a_cell_with_a_mark_is_guessed_again() -> None:
    """A built sequence: the last cell has failed with 1, and may take 2, 3 and 4, as other cells ahead of it may."""
    task = sudoku(2, searches_on=True)
    vocabulary, rows = task.circuit.vocabulary, task.board.rows
    before = np.full(task.board.length, vocabulary.mask)
    before[:17] = task.start([1] + [0] * 15)
    mark = rows["tried"].stop - 1
    before[mark] = vocabulary.token("TRIED", 0)
    step = next(
        iter(Decoder(task.model(), before, task.positions(task.board.length), "ap-mdm", Sampling("parallel", engine=FAST)))
    )
    wanted = before.copy()
    wanted[mark] = vocabulary.mask
    wanted[16] = vocabulary.token("DIGIT", 1 | 1 << 2 | 1 << 7)  # 2, on level 1, a guess
    assert step.tokens.tolist() == wanted.tolist()


def test_a_full_board_takes_no_step() -> None:
    board = drawn_board(3, random.Random(7))
    ending, decoding = solved(board, 3)
    assert (ending.verdict, ending.board, decoding.steps, decoding.peak_context) == (ONE, board, 0, 82)


def test_clues_stay_from_step_to_step() -> None:
    """And no digit stands in a group twice, in any step."""
    (task, model), cells = built(3, True), examples("sudoku_hard")[2]
    sampling = Sampling("parallel", engine=FAST)
    for step in Decoder(model, task.start(cells), task.positions(task.board.length), "ap-mdm", sampling):
        now = task.cells(step.sequence)
        assert all(clue in (0, digit) for clue, digit in zip(cells, now)) and not repeats(now, 3), step.number


@pytest.mark.parametrize("engine", available())
@pytest.mark.parametrize("text", ["12.4............", "1..............2", "12.....3........"])
def test_every_engine(text: str, engine: str) -> None:
    """Every token after every step."""
    (task, model), runs = built(2, True), []
    for name in ("dense", engine):
        sampling = Sampling("parallel", engine=name)
        decoder = Decoder(model, task.start(cells_of(text)), task.positions(task.board.length), "ap-mdm", sampling)
        runs.append([step.tokens.tolist() for step in decoder])
        assert decoder.engine == name
    assert runs[0] == runs[1] and len(runs[0]) > 8


@pytest.mark.parametrize("side", [2, 3, 4])
def test_it_is_certified(side: int) -> None:
    for searches_on in (True, False):
        task = sudoku(side, searches_on)
        assert all(certify(task.model(dtype), task.circuit).holds for dtype in ("float64", "float32"))
        assert len(task.circuit.layers) == 5 and unused_fields(task.circuit) == {"token.NONE"}


def test_float32_leaves_the_same() -> None:
    (task, _), cells = built(3, True), examples("sudoku_hard")[2]
    assert np.array_equal(decoded(task, task.model("float32"), cells)[1].tokens, solved(cells, 3)[1].tokens)


def test_the_circuit_is_the_model() -> None:
    """Its own evaluation says the same as the weights: which rows are edited, and what they take, in every step of a decode."""
    (task, model), cells = built(2, True), cells_of("12..............")
    start, circuit = task.start(cells), task.circuit
    places, control = task.positions(task.board.length).dense(), task.circuit.control
    assert control is not None
    before = start.tolist()
    for step in Decoder(model, start, task.positions(task.board.length), "ap-mdm", Sampling("parallel", engine=FAST)):
        stream = circuit.evaluate(before, places[: len(before)])
        remask, insert, delete = (circuit._values(form, stream) == 1 for form in control.forms)
        after = []
        for row, (token, taken) in enumerate(zip(before, circuit.predict(stream))):
            mask = circuit.vocabulary.mask
            kept = mask if remask[row] else taken if token == mask else token
            after += [kept] * (not (delete[row] and token == mask)) + [mask] * int(insert[row])
        assert after == step.tokens.tolist(), step.number
        before = after


def test_what_is_no_board_is_refused() -> None:
    task, _ = built(2, True)
    for cells in ([0] * 15, [5] + [0] * 15):
        with pytest.raises(ValueError, match=r"a board has 16 cells, each 0 \.\. 4"):
            task.start(cells)
    with pytest.raises(ValueError, match="114 positions, and a complete sequence has 113"):
        task.positions(114)
    assert task.ending(task.start([1] + [0] * 15)).verdict == UNFINISHED


# -- the oracle ------------------------------------------------------------------------------------


def test_the_oracle_counts() -> None:
    """The number of full boards of 4x4 cells, of solutions of a board that is one, and of a board that cannot be filled."""
    boards = solutions((0,) * 16, 2, most=1000)
    assert len(boards) == len(set(boards)) == 288 and all(is_solution(board, (0,) * 16, 2) for board in boards)
    assert solutions(boards[7], 2) == [boards[7]] and solutions(cells_of("12.....3........"), 2) == []
    assert not is_solution(boards[7], boards[8], 2) and not is_solution(boards[7][::-1][1:] + (1,), (0,) * 16, 2)
    with pytest.raises(Undecided):
        solutions(examples("sudoku_hard")[0], 3, choices=10)


def test_examples_have_one_solution() -> None:
    for name, side, number in (("sudoku_hard", 3, 27), ("sudoku_4x4", 2, 6), ("sudoku_16x16", 4, 6)):
        puzzles = examples(name)
        assert len(set(puzzles)) == len(puzzles) == number
        assert all(len(solutions(puzzle, side)) == 1 for puzzle in puzzles)


# -- the command -----------------------------------------------------------------------------------


def test_the_command(alone: Do) -> None:
    shown = alone("task sudoku 1234341221434320")
    assert shown.status == 0 and shown.out.count("equal") == 2
    assert (
        " 2 1 | 4 3\n 4 3 | 2 1\n" in shown.out
        and "99.28 %" in shown.out
        and "reported in the paper, not checked here" in shown.out
    )
    record = json.loads(alone("task sudoku 1............... --json").out)
    assert (record["verdict"], record["holds"], record["context"]) == (SEVERAL, True, 113)
    assert record["board"][0] == record["other"][0] == "1" and record["board"] != record["other"]
    record = json.loads(alone("task sudoku 12.....3........ --first --json").out)
    assert (record["verdict"], record["holds"], record["context"], "valid" in record) == (NO_SOLUTION, True, 97, False)


def test_each_step_as_a_picture(alone: Do) -> None:
    shown = alone("task sudoku 1234341221434320 --trace")
    assert "step 7: the workspace grows to 96 rows\nstep 8: 1 cell filled in\n 1 2 | 3 4\n" in shown.out
    assert " 4 3 | 2*1\n\nstep 9: the workspace shrinks to 0 rows\n" in shown.out
    steps = json.loads(alone("task sudoku 12.4............ --trace --json").out)["steps"]
    assert [step["does"] for step in steps[7:10]] == ["1 cell filled in", "guess 3 in row 2, column 1", "1 cell filled in"]
    assert (
        any(step["does"].startswith("the first solution is kept; ") for step in steps) and steps[9]["board"] == "123434.........."
    )


def test_a_file_of_puzzles(alone: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").write_text("# two of mine\n1234341221434320\n\n12.....3........  # none\n")
    shown = alone("task sudoku mine.txt")
    assert shown.status == 0 and shown.out.count("equal") == 2 and "2 of 2 answered within 100,000 decoding steps" in shown.out
    records = json.loads(alone("task sudoku sudoku_4x4 --json").out)["puzzles"]
    assert [record["verdict"] for record in records] == [ONE] * 6 and all(record["holds"] for record in records)
    assert "this is for one puzzle, and there are 2" in alone("task sudoku mine.txt --trace").err
    assert alone("task sudoku mine.txt --limit 8").status == 1


def test_a_puzzle_that_is_too_long_for_the_name_of_a_file(alone: Do) -> None:
    line = "".join(LETTERS[digit] for digit in examples("sudoku_16x16")[1])
    assert json.loads(alone(f"task sudoku {line.lower()} --json").out)["verdict"] == ONE


def test_a_limit(alone: Do) -> None:
    stopped = alone("task sudoku 1234341221434320 --limit 8")
    assert (stopped.status, stopped.err) == (1, "error: no answer within 8 decoding steps; --limit allows more\n")
    assert alone("task sudoku 1234341221434320 --limit 9").status == 0


def test_a_page_and_a_file_for_other_decoders(alone: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = alone("task sudoku 1234341221434320 --page board.html --export board.job.safetensors")
    assert shown.status == 0 and "first solution" in Path("board.html").read_text() and Path("board.job.safetensors").exists()


WRONG = {
    "123": "PUZZLE:1:1: error: a puzzle has 16, 81 or 256 cells, and this line has 3 characters\n  123\n  ^\n",
    "12..5...........": "PUZZLE:1:5: error: '5' in row 2, column 1 is no digit from 1 to 4; an empty cell is `.` or `0`\n"
    "  12..5...........\n      ^\n",
    "1..1............": "PUZZLE:1:4: error: 1 stands twice in one row: in row 1, column 1, and in row 1, column 4\n"
    "  1..1............\n     ^\n",
    "2.......2.......": "PUZZLE:1:9: error: 2 stands twice in one column: in row 1, column 1, and in row 3, column 1\n"
    "  2.......2.......\n          ^\n",
    "3....3..........": "PUZZLE:1:6: error: 3 stands twice in one box: in row 1, column 1, and in row 2, column 2\n"
    "  3....3..........\n       ^\n",
    "nosuch": "nosuch: error: no such file\n",
}


@pytest.mark.parametrize("given", WRONG)
def test_what_is_no_puzzle_is_refused(alone: Do, given: str) -> None:
    assert alone(f"task sudoku {given}") == (1, "", WRONG[given])


def test_all_wrong_lines_of_a_file_are_named(alone: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.txt").write_text("1234341221434320\n12x4............\n11..............\n")
    Path("empty.txt").write_text("# nothing\n")
    outcome = alone("task sudoku bad.txt")
    assert (
        outcome.status == 1
        and "bad.txt:2:3: error: 'x' in row 1, column 3" in outcome.err
        and "bad.txt:3:2: error:" in outcome.err
    )
    assert alone("task sudoku empty.txt") == (1, "", "empty.txt: error: there is no puzzle in this file\n")


def test_a_wrong_verdict_ends_with_status_3(alone: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockstep.proofs_check.exact_cover.solutions", lambda *given: [])
    shown = alone("task sudoku 1234341221434320")
    assert shown.status == 3 and "DIFFERS" in shown.out
