"""What each row of a task's model does, proved on the weights in all cases that a row can see; and what such a proof finds."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import numpy as np
import pytest
from faults.rows import biases, exchanged_heads, other_positions, proved
from kit.commands import FINE, MISUSED, REFUTED, Do
from kit.ruled import Ruled
from kit.sudokus import cells_of
from test_editor import draw
from test_graph_edits import short_scripts
from test_sudoku import CLASHES, small_boards

from lockstep.models.decode import Decoder
from lockstep.models.engines import available
from lockstep.models.positions import Positions
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Tokens
from lockstep.proofs_check.tasks.all_rows import prove_rows
from lockstep.proofs_check.tasks.cases import RowDiffers
from lockstep.proofs_check.tasks.editor_rules import editor_rules
from lockstep.proofs_check.tasks.graph_rules import graph_rules
from lockstep.proofs_check.tasks.rules import Rules
from lockstep.proofs_check.tasks.sudoku_edits import sudoku_rules
from lockstep.tasks.editor import editor
from lockstep.tasks.graph_edits import graph_edits, sequence
from lockstep.tasks.kit import Task
from lockstep.tasks.sudoku import NO_SOLUTION, ONE, SEVERAL, SOLVED, sudoku

Ruling = tuple[Task, Rules]
SMALL: dict[str, Ruling] = {
    "editor": (editor(3, 2, 4), editor_rules(3, 2, 16)),
    "edits of graphs": (graph_edits(2, 4), graph_rules(2, 16)),
    "sudoku": (sudoku(2), sudoku_rules(2, True)),
    "sudoku, first solution": (sudoku(2, False), sudoku_rules(2, False)),
}
LARGER: dict[str, Ruling] = {
    "editor": (editor(6, 5, 6), editor_rules(6, 5, 64)),
    "edits of graphs": (graph_edits(3, 6), graph_rules(3, 64)),
    "sudoku": (sudoku(3), sudoku_rules(3, True)),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", SMALL)
def test_each_row_does_what_the_rules_say(name: str, dtype: str) -> None:
    task, rules = SMALL[name]
    found = prove_rows(task.model(dtype), task.circuit, task.positions(rules.length), rules)
    assert found.heads == sum(len(layer.lookups) for layer in task.circuit.layers)
    assert found.columns == len({bit for layer in task.circuit.layers for gate in layer.gates for bit in gate.writes})
    assert found.pairs > 100 and found.cases > 1000


@pytest.mark.parametrize("name", LARGER)
def test_so_it_does_in_larger_models(name: str) -> None:
    task, rules = LARGER[name]
    assert prove_rows(task.model(), task.circuit, task.positions(rules.length), rules).cases > 10_000


# -- the rules by themselves -------------------------------------------------------------------------


def sequences(task: Task, rules: Rules, start: Tokens, longest: int) -> list[list[int]]:
    """Run the rules alone, beside a decode: the same sequence after every step. Facts are checked on every row."""
    decoder = Decoder(task.model(), start, task.positions(longest), "ap-mdm", Sampling("parallel", engine=available()[-1]))
    made = [decoder.sequence.tokens.tolist() for _ in decoder]
    assert [*Ruled(rules).sequences(start.tolist())] == made
    return made


@pytest.mark.parametrize("searches_on", [True, False])
def test_the_rules_solve_sudokus(searches_on: bool) -> None:
    """Boards of 4x4 cells with no, one and several solutions."""
    task, rules, verdicts = sudoku(2, searches_on), sudoku_rules(2, searches_on), set()
    for board in (*small_boards(4, 3), cells_of(CLASHES[0]), (0,) * 16):
        verdicts.add(task.ending(sequences(task, rules, task.start(board), rules.length)[-1]).verdict)
    assert verdicts == ({NO_SOLUTION, ONE, SEVERAL} if searches_on else {NO_SOLUTION, SOLVED})


def test_the_rules_edit_texts_and_graphs() -> None:
    rng, task = random.Random(5), editor(6, 2, 6)
    for _ in range(10):
        script, text = draw(rng)
        assert len(sequences(task, editor_rules(6, 2, 64), task.start(script, text), 64)) == 3 * len(script)
    graphs, rules = SMALL["edits of graphs"]
    for commands, edges in [*short_scripts()][::9]:
        sequences(graphs, rules, sequence(graphs, commands, edges), rules.length)


# -- what the proof finds ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["editor", "edits of graphs"])
def test_every_bias_counts(name: str) -> None:
    """A hidden unit that fires one earlier is found, whichever it is; and so is one that fires one later, of the first of two."""
    task, rules = SMALL[name]
    for fault, model in biases(task.model()):
        assert not proved(task, rules, model), fault


@pytest.mark.parametrize("name", ["editor", "edits of graphs", "sudoku"])
def test_no_heads_may_be_exchanged(name: str) -> None:
    task, rules = SMALL[name]
    faults = [*exchanged_heads(task.model())]
    for fault, model in faults[:: max(1, len(faults) // 7)]:
        assert not proved(task, rules, model), fault


@pytest.mark.parametrize("name", ["editor", "edits of graphs", "sudoku"])
def test_every_column_of_positions_counts(name: str) -> None:
    """A position that says something else of itself is found, whichever column it is."""
    task, rules = SMALL[name]
    for fault, positions in other_positions(task, rules.length):
        assert not proved(task, rules, task.model(), positions), fault


def test_other_rules_do_not_hold() -> None:
    """Rules for other tokens, another length, or of another task."""
    task, rules = SMALL["editor"]
    for other in (editor_rules(3, 1, 16), editor_rules(3, 2, 15), SMALL["edits of graphs"][1]):
        assert not proved(task, other, task.model())
    with pytest.raises(RowDiffers, match="tokens are"):
        prove_rows(task.model(), task.circuit, task.positions(16), editor_rules(3, 1, 16))
    without = replace(rules, layers=rules.layers[:1])
    with pytest.raises(RowDiffers, match="there are 2 layers, not 1"):
        prove_rows(task.model(), task.circuit, task.positions(16), without)


def test_a_model_that_is_not_exact_is_not_proved() -> None:
    task, rules = SMALL["editor"]
    model = task.model()
    half = replace(model, layers=(replace(model.layers[0], w_in=model.layers[0].w_in / 2), *model.layers[1:]))
    with pytest.raises(RowDiffers, match="not exact"):
        prove_rows(half, task.circuit, task.positions(16), rules)
    assert not proved(task, rules, half)


# -- the commands --------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["sudoku --prove 2", "sudoku --prove 2 --first", "editor --prove 4", "edit-graph --prove 2"])
def test_the_commands(alone: Do, line: str) -> None:
    shown = alone(f"task {line} --json")
    record = json.loads(shown.out)
    assert (shown.status, record["holds"], record["each_row_does_what_the_rules_say"]) == (FINE, True, True)
    assert record["heads"] > 2 and record["cases_of_a_row"] > 1000


def test_what_a_proof_rests_on_is_said(alone: Do) -> None:
    shown = alone("task sudoku --prove 2").out
    assert shown.count("It rests on this, of whole sequences:") == len(sudoku_rules(2, True).argued) >= 3


def test_a_row_that_differs_ends_with_status_3(alone: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong: Positions = editor(4, 7, 4).positions(16)
    wrong.bits[3] ^= 255
    monkeypatch.setattr(Task, "positions", lambda self, length: wrong)
    shown = alone("task editor --prove 4 --json")
    assert shown.status == REFUTED and json.loads(shown.out)["it_differs"]


MISTAKES = (
    *("editor", "sudoku", "edit-graph x", "editor x --prove 4", "sudoku . --prove 2", "sudoku --prove 2 --trace"),
    *("edit-graph --graph x --prove 2", "sudoku --prove 5", "editor --prove 9"),
)


@pytest.mark.parametrize("line", MISTAKES)
def test_what_is_misused(alone: Do, line: str) -> None:
    shown = alone(f"task {line}")
    assert shown.status == MISUSED and "Error" in shown.err and "Traceback" not in shown.err


def test_numbers_stay_in_range() -> None:
    """A field that would hold more than its range is found, though no edit is wrong: two gates that remask one row."""
    task, rules = SMALL["edits of graphs"]
    model = task.model()
    (remask,) = [start for name, start in task.circuit.offsets().items() if name == "control.remask"]
    w_out = model.layers[0].w_out.copy()
    w_out[remask] = np.where(w_out[remask] > 0, 2 * w_out[remask], w_out[remask])
    doubled = replace(model, layers=(replace(model.layers[0], w_out=w_out), *model.layers[1:]))
    assert not proved(task, rules, doubled)
