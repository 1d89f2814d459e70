"""Checks of graphs from files, and of the commands that decode a program on them."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from test_graph_edits import check, short_scripts
from test_graph_tasks import ARCS, DIAMOND, DIMACS, REFUSED, arcs, edge, graphml, read

from lockstep import cli
from lockstep.commands.task import connectivity, edit_graph, min_cut
from lockstep.commands.task.graphs.files import read_graph
from lockstep.compiler.invariants import CircuitError
from lockstep.models.editing import NotCertain, OutOfPositions
from lockstep.pram.errors import PramError
from lockstep.tasks.graph_edits import graph_edits
from mutation.table import Check


def graphs_read() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        listed, problem = read(folder, "g.txt", DIAMOND), read(folder, "g.max", DIMACS)
        assert (arcs(listed), arcs(problem), problem.ends) == (ARCS, ARCS, {"s": 0, "t": 3}), "an edge list or DIMACS"
        assert len(read(folder, "g.txt", "5 0\n").names) == 6, "how many nodes"
        marked = graphml(edge("a", "c", 7), edge("b", "d"))
        assert arcs(read(folder, "g.graphml", marked)) == [(0, 2, 7), (1, 3, 1)], "GraphML"
        both = arcs(read(folder, "g.graphml", graphml(edge("a", "c", 7), direction="undirected")))
        assert sorted(both) == [(0, 2, 7), (2, 0, 7)], "undirected GraphML"


def graphs_refused() -> None:
    with TemporaryDirectory() as name:
        for file, text, line in REFUSED:
            try:
                read(Path(name), file, text)
            except PramError as error:
                found = str(error).splitlines()[0].removeprefix(f"{name}/{file}")
                assert found == line, f"{found!r}, not {line!r}"
            else:
                raise AssertionError(f"not refused: {line}")


def command(line: str, text: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the record of a command on a graph."""
    with TemporaryDirectory() as name:
        file = Path(name) / f"g.{'max' if text.startswith('c') else 'txt'}"
        file.write_text(text)
        out, err = StringIO(), StringIO()
        with mock.patch.object(sys, "argv", ["lockstep", "task", line, "--graph", str(file), "--json"]):
            with redirect_stdout(out), redirect_stderr(err):
                try:
                    cli.main()
                except SystemExit as end:
                    return int(end.code or 0), json.loads(out.getvalue() or "{}")
    raise AssertionError("a command ends with a status")


def cut() -> None:
    status, record = command("min-cut", DIMACS.replace("n 4 t", "n 3 t") + "c the same, to another sink\n")
    assert (status, record["cut"], record["sink_side"]) == (0, 3, ["3"]), record
    assert {"cut", "source_side", "sink_side", "arcs", "time", "decoding_steps", "context"} == set(record["expected"])
    status, record = command("min-cut", "0 1 2\n0 1 3\n")
    assert (status, record["cut"]) == (0, 5), record
    sums_of_capacities()
    for wrong in ((4, [1, 0, 0, 0]), (5, [1, 1, 0, 0])):
        with mock.patch.object(min_cut, "least_cut", lambda *given, wrong=wrong: wrong):
            status, record = command("min-cut", DIAMOND)
        assert status == 3, f"another cut passes: {wrong}"


def sums_of_capacities() -> None:
    most = min_cut.LIMITS.capacity(2)
    with TemporaryDirectory() as name:
        for more, refused in ((0, False), (1, True)):
            (Path(name) / "g.txt").write_text(f"0 1 {most}\n0 1 {more}\n")
            try:
                min_cut.matrix(read_graph(Path(name) / "g.txt", min_cut.LIMITS))
            except PramError as error:
                assert refused and "add up to more than" in error.message, error.message
            else:
                assert not refused, "a sum that is too large is taken"


def parts() -> None:
    status, record = command("connectivity", "nodes 6\n3 1\n1 5\n0 2\n")
    assert (status, record["components"], record["component_of"]) == (0, 3, ["0", "1", "0", "1", "4", "1"]), record
    assert record["title"].startswith("components of 6 nodes and 3 edges"), record["title"]
    with mock.patch.object(connectivity, "components", lambda *given: [0, 0, 0, 1]):
        assert command("connectivity", DIAMOND)[0] == 3, "other components pass"


def edits() -> None:
    task = graph_edits(2, 6)
    made = task, task.model()
    for commands, edges in short_scripts():
        check(commands, edges, made=made)


def scripts() -> None:
    with TemporaryDirectory() as name:
        graph, script = read(Path(name), "g.txt", "nodes 4\n0 1\n"), Path(name) / "s.txt"
        script.write_text("add 2 0\ndelete 0 1\n")
        assert edit_graph.read_script(script, graph) == [("ADD", (2, 0)), ("DEL", (0, 1))], "a script"
        for wrong in ("add 1\n", "move 0 1\n", "add 1 1\n", "add 0 4\n"):
            script.write_text(wrong)
            try:
                edit_graph.read_script(script, graph)
            except PramError:
                continue
            raise AssertionError(f"not refused: {wrong!r}")
    left = edit_graph.edited([("ADD", (2, 0)), ("DEL", (0, 1)), ("DEL", (3, 3))], [(0, 1), (1, 2)])
    assert sorted(left) == [(1, 2), (2, 0)], "the oracle"


CHECKS = (
    Check("graphs that are read", "an edge list, DIMACS and GraphML: nodes, arcs, source and sink", graphs_read, (PramError,)),
    Check("graphs that are refused", "files that are no graph: each error's text and place", graphs_refused),
    Check("graph edits", "all scripts of up to two edits of two edges on three graphs: edges, steps and context", edits,
          (CircuitError, NotCertain, OutOfPositions)),
    Check("scripts of edits", "a script, and the oracle of its edits; scripts that are none", scripts, (PramError,)),
    Check("a least cut", "what `task min-cut` finds, and its exit status beside another answer", cut, (PramError,)),
    Check("components of a graph", "what `task connectivity` finds, and its exit status beside another answer", parts, (PramError,)),
)  # fmt: skip
