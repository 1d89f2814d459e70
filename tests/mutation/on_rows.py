"""Checks of what rows of tasks do: proofs on the weights, the rules by themselves, and faults that proofs must find."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from faults.rows import planted, proved, reads_later
from kit.ruled import Ruled
from test_sudoku import small_boards

from lockstep.compiler.circuit import NO_RECENCY
from lockstep.compiler.invariants import CircuitError
from lockstep.models.decode import Decoder
from lockstep.models.sampling import Sampling
from lockstep.proofs_check.proofs.weights import read_weights
from lockstep.proofs_check.tasks.all_rows import prove_rows
from lockstep.proofs_check.tasks.cases import AllCases, RowDiffers
from lockstep.proofs_check.tasks.editor_rules import editor_rules
from lockstep.proofs_check.tasks.graph_rules import graph_rules
from lockstep.proofs_check.tasks.implied import Implied
from lockstep.proofs_check.tasks.rules import Fact, Finds, Follows, Layer, Nearest, Rules, Says, Sole, always
from lockstep.proofs_check.tasks.sudoku_edits import sudoku_rules
from lockstep.tasks.editor import editor
from lockstep.tasks.graph_edits import graph_edits
from lockstep.tasks.kit import Task
from lockstep.tasks.sudoku import sudoku
from mutation.table import Check

REFUSALS = (CircuitError, RowDiffers)


def _prove(task: Task, rules: Rules) -> None:
    prove_rows(task.model(), task.circuit, task.positions(rules.length), rules)


def rows_of_sudoku() -> None:
    for searches_on in (True, False):
        _prove(sudoku(2, searches_on), sudoku_rules(2, searches_on))


def rows_of_the_editor() -> None:
    _prove(editor(3, 2, 4), editor_rules(3, 2, 16))


def rows_of_graph_edits() -> None:
    _prove(graph_edits(2, 4), graph_rules(2, 16))


def rules_by_themselves() -> None:
    """The rules alone make the sequences of a decode, and facts hold on all rows of them."""
    task, rules = sudoku(2), sudoku_rules(2, True)
    for board in small_boards(4, 3):
        start = task.start(board)
        decoder = Decoder(task.model(), start, task.positions(rules.length), "ap-mdm", Sampling("parallel", engine="indexed"))
        made = [decoder.sequence.tokens.tolist() for _ in decoder]
        assert [*Ruled(rules).sequences(start.tolist())] == made, f"another sequence than the decode of {board}"


def planted_faults() -> None:
    task, rules = editor(3, 2, 4), editor_rules(3, 2, 16)
    for fault, model in planted(task):
        assert not proved(task, rules, model), f"not found: {fault}"
    taken = Fact(lambda row: row.flag("mask: found"), "a mask is always found")
    assert not proved(task, replace(rules, facts=(taken,)), reads_later(task)), "not found: a gate reads what is found later"
    first, second = rules.layers
    ties = {"mask": replace(second.finds["mask"], order=always)}
    without = editor(3, 2, 4)
    without.circuit.layers[1].lookups[0] = replace(without.circuit.layers[1].lookups[0], recency=NO_RECENCY)
    assert not proved(without, replace(rules, layers=(first, Layer(ties, second.says))), without.model()), "not found: masks tie"
    _rows_that_tie(task, without, rules)
    short = replace(
        task.circuit, fields={**task.circuit.fields, "mask: found": replace(task.circuit.fields["mask: found"], highs=(0,))}
    )
    assert not proved(replace(task, circuit=short), rules, task.model()), "not found: a field has a smaller range"


def _rows_that_tie(task: Task, without: Task, rules: Rules) -> None:
    """What should tell rows apart that tie, and does not. without: the editor, with a head for which all masks tie."""
    first, second = rules.layers
    sole, mask = Sole("sep: rank", "number"), second.finds["mask"]
    by_number = replace(first.finds["sep"], meets=lambda q, k: k.is_a("SEP") & (q.at("number") >= 0))
    same = Fact(lambda row: row.number("sep: rank") == row.at("number"), "each row finds its own number")

    def told(sep: Finds, mask: Finds, *facts: Fact) -> Rules:
        layers = Layer({**first.finds, "sep": sep}, first.says), Layer({"mask": mask}, second.says)
        return replace(rules, layers=layers, facts=facts)

    places = told(by_number, replace(mask, order=always, alone=sole), same)
    assert not proved(without, places, without.model()), "not found: rows of two places tie"
    assert not proved(task, told(first.finds["sep"], replace(mask, alone=sole)), task.model()), (
        "not found: what rows find is not by place"
    )
    graphs, others = graph_edits(2, 4), graph_rules(2, 16)
    found, inserted = others.layers
    command = replace(found.finds["command"], meets=lambda q, k: k.stands("first") & (q.at("number") >= 0))
    edge = replace(inserted.finds["edge to come"], alone=Sole("command: adds", "number"))
    layers = Layer({**found.finds, "command": command}, found.says), Layer({"edge to come": edge}, inserted.says)
    assert not proved(graphs, replace(others, layers=layers), graphs.model()), "not found: rows that tie do not look"


def facts_that_do_not_hold() -> None:
    """Claims that are wrong are found to be wrong; cases are not left out for them first."""
    graphs, rules = graph_edits(2, 4), graph_rules(2, 16)
    first, second = rules.layers
    command = replace(first.finds["command"], asks=always, meets=lambda q, k: np.ones(1, bool))
    wrong = {
        "said in a layer": replace(rules, facts=(Fact(lambda row: ~row.flag("the edge is to come"), "no edge comes", layer=0),)),
        "from other facts": replace(
            rules, facts=(Fact(lambda row: ~row.flag("mask: found"), "no mask", fields=("command: adds",)),)
        ),
        "a row finds itself": replace(rules, layers=(Layer({**first.finds, "command": command}, first.says), second)),
        "what follows": replace(rules, follows=(Follows("mask", "edge of the command"),)),
    }
    for name, claims in wrong.items():
        assert not _holds(graphs, claims), f"{name}: a wrong fact passes"
    task, rules = editor(3, 2, 4), editor_rules(3, 2, 16)
    found, done = rules.layers
    never: Says = lambda row: np.zeros(1, bool)  # noqa: E731
    idle = Layer(done.finds, {**done.says, ("control.remask", 0): never})
    assert not _holds(task, replace(rules, layers=(found, idle))), "a mask has nothing to do, and takes nothing"
    assert not _holds(task, replace(rules, nearest=(Nearest("sep", "sep: rank", lambda rank: -rank),))), (
        "the last SEP comes first"
    )
    assert _holds(task, rules) and _holds(graphs, graph_rules(2, 16)), "right facts do not pass"


def _holds(task: Task, rules: Rules) -> bool:
    """Whether what rules claim of themselves follows."""
    encodings = np.asarray(task.positions(rules.length).dense(), np.float64)
    implied = Implied(AllCases(read_weights(task.model(), task.circuit), rules, encodings))
    try:
        implied.check_facts()
        implied.check_settled()
    except RowDiffers:
        return False
    return True


CHECKS = (
    Check("rows of Sudoku", "each row of 4x4 boards, in all cases that it can see, on the weights: heads, gates, output",
          rows_of_sudoku, REFUSALS),
    Check("rows of the editor", "the same of the editor, in sequences of up to 16 rows", rows_of_the_editor, REFUSALS),
    Check("rows of graph edits", "the same of edits of graphs of four nodes, in sequences of up to 16 rows", rows_of_graph_edits, REFUSALS),
    Check("rules by themselves", "the rules of Sudoku, run alone: the sequences of a decode, and facts on every row",
          rules_by_themselves, (ValueError,)),
    Check("planted faults of rows", "a model of the editor with a fault of each kind: none is proved", planted_faults),
    Check("facts that do not hold", "wrong claims about the rules of the editor: none passes", facts_that_do_not_hold),
)  # fmt: skip
