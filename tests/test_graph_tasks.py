"""Graphs from files: what is read, what is refused, and the commands that decode a program on them, beside NetworkX."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import pytest
from kit.commands import FINE, MISUSED, REFUTED, WRONG, Do

from lockstep.commands.task import connectivity, min_cut
from lockstep.commands.task.graphs.files import Graph, Limits, read_graph
from lockstep.common.finding import TASKS
from lockstep.pram.errors import PramError
from lockstep.pram.program import load
from lockstep.pram.word import MAX_WORD_BITS

LIMITS = Limits(9, lambda nodes: 100)
#: A diamond with an arc across. Its least cut takes 5, and there is one only.
DIAMOND = "# s is 0, t is 3\nnodes 4\n0 1 3\n0 2 2   # below\n\n1 3 2\n2 3 4\n1 2 1\n"
DIMACS = "c the same\np max 4 5\nn 1 s\nn 4 t\na 1 2 3\na 1 3 2\na 2 4 2\na 3 4 4\na 2 3 1\n"
ARCS = [(0, 1, 3), (0, 2, 2), (1, 3, 2), (2, 3, 4), (1, 2, 1)]


def graphml(*edges: str, direction: str = "directed") -> str:
    key = '<key id="c" for="edge" attr.name="capacity" attr.type="int"/>'
    nodes = "".join(f'<node id="{name}"/>' for name in "abcd")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">{key}'
        f'<graph edgedefault="{direction}">{nodes}{"".join(edges)}</graph></graphml>\n'
    )


def edge(tail: str, head: str, capacity: object = None) -> str:
    data = "" if capacity is None else f'<data key="c">{capacity}</data>'
    return f'<edge source="{tail}" target="{head}">{data}</edge>'


def read(folder: Path, name: str, text: str) -> Graph:
    (folder / name).write_text(text)
    return read_graph(folder / name, LIMITS)


def arcs(graph: Graph) -> list[tuple[int, int, int]]:
    return [(arc.tail, arc.head, arc.capacity) for arc in graph.arcs]


def test_edge_lists(tmp_path: Path) -> None:
    graph = read(tmp_path, "g.edges", DIAMOND)
    assert (graph.names, arcs(graph), graph.ends) == (["0", "1", "2", "3"], ARCS, {})
    graph = read(tmp_path, "g.txt", "5 0\n2 5\n")  # without `nodes`, the largest number says how many there are
    assert (len(graph.names), arcs(graph)) == (6, [(5, 0, 1), (2, 5, 1)])
    assert len(read(tmp_path, "g.edgelist", "nodes 7\n").names) == 7


def test_dimacs(tmp_path: Path) -> None:
    graph = read(tmp_path, "g.max", DIMACS)
    assert (graph.names, arcs(graph), graph.ends) == (["1", "2", "3", "4"], ARCS, {"s": 0, "t": 3})
    graph = read(tmp_path, "g.col", "p edge 4 2\nc two\ne 1 2\ne 4 3\n")
    assert (len(graph.names), arcs(graph)) == (4, [(0, 1, 1), (3, 2, 1)])


def test_graphml(tmp_path: Path) -> None:
    graph = read(tmp_path, "g.graphml", graphml(*(edge("abcd"[u], "abcd"[v], c) for u, v, c in ARCS)))
    assert (graph.names, sorted(arcs(graph))) == (list("abcd"), sorted(ARCS))
    both = read(tmp_path, "g.graphml", graphml(edge("a", "c", 7), edge("b", "d"), direction="undirected"))
    assert sorted(arcs(both)) == [(0, 2, 7), (1, 3, 1), (2, 0, 7), (3, 1, 1)]
    written = nx.DiGraph()
    written.add_edge("x", "y", capacity=4)
    nx.write_graphml(written, tmp_path / "written.graphml")
    assert arcs(read_graph(tmp_path / "written.graphml", LIMITS)) == [(0, 1, 4)]


#: Files that are no graph: name, text, and the line of the error, from the name on.
REFUSED = [
    ("g.xls", "1 2\n", ": error: unknown format '.xls': the suffixes of graphs are .edges, .edgelist, .txt, .max, .dimacs, .col, .graphml"),
    ("g.txt", " \n", ":1:1: error: the file is empty"),
    ("g.txt", "# none\n", ":1:1: error: the file has no edges; `nodes N` gives a graph without any"),
    ("g.txt", "nodes 3\n0 1\n1 3\n", ":3:3: error: node 3 is out of range: nodes are 0 .. 2"),
    ("g.txt", "0 9\n", ":1:3: error: node 9 is out of range: nodes are 0 .. 8"),
    ("g.txt", "0 -1\n", ":1:3: error: node -1 is out of range: nodes are 0 .. 8"),
    ("g.txt", "0 1\n  2 2 5\n", ":2:3: error: this edge leads from 2 to itself"),
    ("g.txt", "0 1 -5\n", ":1:5: error: capacity -5 is negative"),
    ("g.txt", "0 1 100\n0 2 101\n", ":2:5: error: capacity 101 is too large: at most 100 here"),
    ("g.txt", "0 1 1234567890123456789\n", ":1:5: error: a capacity 1234567890123456789 is far too large"),
    ("g.txt", "0 1 x\n", ":1:5: error: a capacity is an integer, not 'x'"),
    ("g.txt", "0 one\n", ":1:3: error: a node is an integer, not 'one'"),
    ("g.txt", "0\n", ":1:1: error: this line is too short: write `u v capacity`"),
    ("g.txt", "0 1 2 3\n", ":1:7: error: this line is too long: write `u v capacity`"),
    ("g.txt", "nodes 10\n", ":1:7: error: 10 nodes: this command takes 1 to 9"),
    ("g.txt", "nodes 0\n", ":1:7: error: 0 nodes: this command takes 1 to 9"),
    ("g.max", "c no\na 1 2 3\n", ":2:1: error: a DIMACS file begins with `p max N M` or `p edge N M`, after lines `c ...`"),
    ("g.max", "p min 2 1\n", ":1:3: error: unknown problem 'min': it is max, edge or col"),
    ("g.max", "p max 2 1\na 0 1 3\n", ":2:3: error: node 0 is out of range: nodes are 1 .. 2"),
    ("g.max", "p max 2 1\na 1 3 3\n", ":2:5: error: node 3 is out of range: nodes are 1 .. 2"),
    ("g.max", "p max 2 1\na 2 2 3\n", ":2:3: error: this edge leads from 2 to itself"),
    ("g.max", "p max 2 1\na 1 2 -3\n", ":2:7: error: capacity -3 is negative"),
    ("g.max", "p max 2 1\na 1 2 300\n", ":2:7: error: capacity 300 is too large: at most 100 here"),
    ("g.max", "p max 2 2\na 1 2 3\n", ":1:9: error: 2 arcs are declared, but there are 1"),
    ("g.max", "p max 2 1\ne 1 2\n", ":2:1: error: unknown line 'e': lines begin with c, n or a"),
    ("g.max", "p edge 2 1\na 1 2 3\n", ":2:1: error: unknown line 'a': lines begin with c or e"),
    ("g.max", "p max 2 1\nn 1 x\n", ":2:5: error: 'x' is neither s nor t, or stands here for the second time"),
    ("g.max", "p max 2 1\nn 1 s\nn 2 s\n", ":3:5: error: 's' is neither s nor t, or stands here for the second time"),
    ("g.graphml", "<graphml>\n <node>\n</graphml>\n", ":3:3: error: not XML: mismatched tag"),
    ("g.graphml", "<html/>\n", ": error: not GraphML: file not successfully read as graphml"),
    ("g.graphml", graphml(edge("a", "a", 1)), ": error: this edge leads from a to itself"),
    ("g.graphml", graphml(edge("a", "b", -1)), ": error: capacity -1 is negative"),
    ("g.graphml", graphml(edge("a", "b", 101)), ": error: capacity 101 is too large: at most 100 here"),
    ("g.graphml", graphml(edge("a", "b", "x")), ": error: not GraphML: invalid literal for int() with base 10: 'x'"),
]  # fmt: skip


@pytest.mark.parametrize(["name", "text", "line"], REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_graph(name: str, text: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(PramError) as caught:
        read(tmp_path, name, text)
    assert str(caught.value).splitlines()[0] == f"{tmp_path / name}{line}"


def test_the_place_of_an_error_is_shown(alone: Do) -> None:
    Path("g.txt").write_text("nodes 3\n0 3 4\n")
    outcome = alone("task min-cut --graph g.txt")
    assert outcome == (WRONG, "", "g.txt:2:3: error: node 3 is out of range: nodes are 0 .. 2\n  0 3 4\n    ^\n")
    assert alone("task connectivity --graph none.txt") == (WRONG, "", "none.txt: error: no such file\n")
    assert alone("task min-cut").status == MISUSED


@pytest.mark.parametrize(["name", "text", "first"], [("g.txt", DIAMOND, 0), ("g.max", DIMACS, 1)], ids=["edges", "dimacs"])
def test_min_cut(name: str, text: str, first: int, alone: Do) -> None:
    Path(name).write_text(text)
    outcome = alone(f"task min-cut --graph {name} --json")
    record = json.loads(outcome.out)
    sides = [str(first)], [str(first + node) for node in (1, 2, 3)]
    assert (outcome.status, record["cut"], record["source_side"], record["sink_side"]) == (FINE, 5, *sides)
    assert record["arcs"] == [f"{first} -> {first + 1}", f"{first} -> {first + 2}"]
    assert record["holds"] and {"time", "decoding_steps", "context", "cut", "arcs"} <= set(record["expected"])


def test_source_and_sink_may_be_others(alone: Do) -> None:
    Path("g.graphml").write_text(graphml(*(edge("abcd"[u], "abcd"[v], c) for u, v, c in ARCS)))
    shown = alone("task min-cut --graph g.graphml --source b --sink d")
    assert shown.status == FINE and "a -> " not in shown.out and "reported in the paper, not checked here" in shown.out
    for options, error in (
        ("--source e", "there is no node 'e'"),
        ("--source d", "source and sink are the same node, d: see --source and --sink"),
    ):
        outcome = alone(f"task min-cut --graph g.graphml {options}")
        assert outcome.status == WRONG and outcome.err.startswith(f"g.graphml: error: {error}"), outcome.err


def test_parallel_arcs_add_up(tmp_path: Path) -> None:
    graph = read(tmp_path, "g.txt", "0 1 2\n1 0 5\n0 1 3\n")
    assert min_cut.matrix(graph) == [[0, 5], [5, 0]]
    most = min_cut.LIMITS.capacity(2)
    (tmp_path / "g.txt").write_text(f"0 1 {most}\n0 1 1\n")
    with pytest.raises(PramError, match=rf"g.txt:2:5: error: the capacities from 0 to 1 add up to more than {most:,}"):
        min_cut.matrix(read_graph(tmp_path / "g.txt", min_cut.LIMITS))


@pytest.mark.parametrize("nodes", [2, 3, 10, 63, 64, 65, 100, 256])
def test_the_largest_capacity_that_words_hold(nodes: int) -> None:
    program, most = load(TASKS / "min_cut.pram"), min_cut.LIMITS.capacity(nodes)
    ends = {"n": nodes, "s": 0, "t": nodes - 1}
    assert program.word_bits(ends | {"most": most}, most) == MAX_WORD_BITS
    with pytest.raises(PramError, match="word size 25 "):
        program.word_bits(ends | {"most": most + 1}, most + 1)


def test_the_largest_capacity(alone: Do) -> None:
    most = min_cut.LIMITS.capacity(2)
    Path("g.txt").write_text(f"0 1 {most}\n1 0 {most}\n")
    assert json.loads(alone("task min-cut --graph g.txt --json").out)["cut"] == most


def test_connectivity(alone: Do) -> None:
    Path("g.txt").write_text("nodes 6\n3 1\n1 5\n0 2\n")
    outcome = alone("task connectivity --graph g.txt --json")
    record = json.loads(outcome.out)
    assert (outcome.status, record["connected"], record["components"]) == (FINE, False, 3)
    assert record["component_of"] == ["0", "1", "0", "1", "4", "1"] and record["holds"]
    Path("g.txt").write_text("2 1\n1 0\n2 1\n")
    assert json.loads(alone("task connectivity --graph g.txt --process mdm --json").out)["connected"] is True


def test_a_graph_of_one_node(alone: Do) -> None:
    Path("g.txt").write_text("nodes 1\n")
    assert json.loads(alone("task connectivity --graph g.txt --json").out)["component_of"] == ["0"]
    outcome = alone("task min-cut --graph g.txt")
    assert outcome.status == WRONG and "a cut needs two nodes" in outcome.err


@pytest.mark.parametrize(
    ["module", "oracle", "wrong"],
    [
        (min_cut, "least_cut", (4, [1, 0, 0, 0])),
        (min_cut, "least_cut", (5, [1, 1, 0, 0])),
        (connectivity, "components", [0, 0, 0, 1]),
    ],
)
def test_another_answer_ends_with_status_3(
    module: object, oracle: str, wrong: object, alone: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, oracle, lambda *given: wrong)
    Path("g.txt").write_text(DIAMOND)
    outcome = alone(f"task {module.__name__.rpartition('.')[2].replace('_', '-')} --graph g.txt")  # type: ignore[attr-defined]
    assert outcome.status == REFUTED and "DIFFERS" in outcome.out
