"""Graph editing by an AP-MDM of its own: scripts against Python lists and NetworkX, step counts by closed form."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from random import Random

import networkx as nx
import numpy as np
import pytest
from kit.commands import FINE, REFUTED, WRONG, Do

from lockstep.commands.task import edit_graph
from lockstep.models.decode import decode
from lockstep.models.engines import available
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Transformer
from lockstep.proofs_check.certificate import certify
from lockstep.tasks.graph_edits import ADD, DEL, Command, Edge, costs, edges_of, graph_edits, sequence
from lockstep.tasks.kit import Task

TASK = graph_edits(2, 6)
MODEL = TASK.model()
Made = tuple[Task, Transformer]
MADE: Made = TASK, MODEL


def edited(
    commands: list[Command], edges: list[Edge], engine: str = "dense", made: Made = MADE
) -> tuple[list[Edge] | None, int, int]:
    """The edges that are left, decoding steps and the longest context."""
    task, model = made
    found = decode(model, sequence(task, commands, edges), task.positions(64), "ap-mdm", Sampling("parallel", engine=engine))
    return edges_of(task, found.tokens), found.steps, found.peak_context


def plain(commands: list[Command], edges: list[Edge]) -> list[Edge]:
    """The same on a list: a new edge stands first."""
    left = list(edges)
    for kind, edge in commands:
        if kind == ADD and edge not in left:
            left.insert(0, edge)
        if kind == DEL and edge in left:
            left.remove(edge)
    return left


def check(commands: list[Command], edges: list[Edge], engine: str = "dense", made: Made = MADE) -> None:
    left, steps, context = edited(commands, edges, engine, made)
    assert left == plain(commands, edges), f"{commands} on {edges} leaves {left}"
    assert (steps, context) == costs(commands, edges), f"{commands} on {edges}: {steps} steps, context {context}"


def short_scripts() -> list[tuple[list[Command], list[Edge]]]:
    """All scripts of up to two commands on two edges, from each graph with some of three edges."""
    pairs: list[Edge] = [(0, 1), (2, 1)]
    commands = [(kind, edge) for kind in (ADD, DEL) for edge in pairs]
    scripts: list[list[Command]] = [list(script) for length in range(3) for script in product(commands, repeat=length)]
    return [(script, edges) for script in scripts for edges in ([], [(0, 1)], [(2, 1), (3, 3), (0, 1)])]


def random_script(rng: Random, most: int) -> tuple[list[Command], list[Edge]]:
    pairs = [(u, v) for u in range(4) for v in range(4)]
    commands = [(rng.choice((ADD, DEL)), rng.choice(pairs)) for _ in range(rng.randrange(most))]
    return commands, rng.sample(pairs, rng.randrange(len(pairs)))


def test_all_short_scripts() -> None:
    for commands, edges in short_scripts():
        check(commands, edges)


@pytest.mark.parametrize("engine", available())
def test_random_scripts(engine: str) -> None:
    rng = Random(engine)
    for _ in range(12):
        check(*random_script(rng, 12), engine)


def test_against_networkx() -> None:
    rng = Random(5)
    commands, edges = random_script(rng, 12)
    graph = nx.DiGraph(edges)
    for kind, edge in commands:
        graph.add_edges_from([edge]) if kind == ADD else graph.remove_edges_from([edge])
    assert set(edited(commands, edges)[0] or ()) == set(graph.edges)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_is_certified(dtype: str) -> None:
    model = TASK.model(dtype)
    assert certify(model, TASK.circuit).holds and len(model.layers) == 2


def test_commands_or_masks_that_are_left_are_no_graph() -> None:
    assert edges_of(TASK, sequence(TASK, [], [(1, 2)])) == [(1, 2)]
    assert edges_of(TASK, sequence(TASK, [(ADD, (1, 2))], [])) is None
    masked = np.append(sequence(TASK, [], []), TASK.circuit.vocabulary.mask)
    assert edges_of(TASK, masked) is None


GRAPH = "nodes 4\n0 1\n1 2\n0 1\n"


def test_the_command(alone: Do) -> None:
    Path("g.txt").write_text(GRAPH)
    Path("s.txt").write_text("add 2 0  # a triangle\ndelete 1 2\n\nadd 2 0\ndelete 3 2\n")
    outcome = alone("task edit-graph s.txt --graph g.txt --json")
    record = json.loads(outcome.out)
    assert (outcome.status, record["edges"], record["holds"]) == (FINE, ["0 -> 1", "2 -> 0"], True)
    assert (record["decoding_steps"], record["context"], len(record["expected"])) == (9, 9, 3)
    Path("s.txt").write_text("")
    assert json.loads(alone("task edit-graph s.txt --graph g.txt --json").out)["edges"] == ["0 -> 1", "1 -> 2"]


@pytest.mark.parametrize(
    ["text", "error"],
    [
        ("add 0 2\nremove 0 1\n", "s.txt:2:1: error: this is no command: write `add u v` or `delete u v`"),
        ("add 0\n", "s.txt:1:1: error: this is no command: write `add u v` or `delete u v`"),
        ("delete 0 7\n", "s.txt:1:10: error: there is no node '7'"),
        ("add 2 2\n", "s.txt:1:5: error: this edge leads from 2 to itself"),
    ],
)
def test_what_is_no_script(text: str, error: str, alone: Do) -> None:
    Path("g.txt").write_text(GRAPH)
    Path("s.txt").write_text(text)
    outcome = alone("task edit-graph s.txt --graph g.txt")
    assert (outcome.status, outcome.out, outcome.err.splitlines()[0]) == (WRONG, "", error)
    assert alone("task edit-graph none.txt --graph g.txt").err == "none.txt: error: no such file\n"


def test_another_graph_ends_with_status_3(alone: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("g.txt").write_text(GRAPH)
    Path("s.txt").write_text("delete 0 1\n")
    monkeypatch.setattr(edit_graph, "edited", lambda commands, edges: edges)
    outcome = alone("task edit-graph s.txt --graph g.txt")
    assert outcome.status == REFUTED and outcome.out.count("DIFFERS") == 1
