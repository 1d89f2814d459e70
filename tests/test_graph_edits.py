"""Graph editing by an AP-MDM of its own: scripts against Python lists and NetworkX, step counts by closed form."""

from __future__ import annotations

from itertools import product
from random import Random

import networkx as nx
import numpy as np
import pytest

from lockstep.models.decode import decode
from lockstep.models.engines import available
from lockstep.models.sampling import Sampling
from lockstep.proofs_check.certificate import certify
from lockstep.tasks.graph_edits import ADD, DEL, Command, Edge, costs, edges_of, graph_edits, sequence

TASK = graph_edits(2, 6)
MODEL = TASK.model()


def edited(commands: list[Command], edges: list[Edge], engine: str = "dense") -> tuple[list[Edge] | None, int, int]:
    """The edges that are left, decoding steps and the longest context."""
    found = decode(MODEL, sequence(TASK, commands, edges), TASK.positions(64), "ap-mdm", Sampling("parallel", engine=engine))
    return edges_of(TASK, found.tokens), found.steps, found.peak_context


def plain(commands: list[Command], edges: list[Edge]) -> list[Edge]:
    """The same on a list: a new edge stands first."""
    left = list(edges)
    for kind, edge in commands:
        if kind == ADD and edge not in left:
            left.insert(0, edge)
        if kind == DEL and edge in left:
            left.remove(edge)
    return left


def check(commands: list[Command], edges: list[Edge], engine: str = "dense") -> None:
    left, steps, context = edited(commands, edges, engine)
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
