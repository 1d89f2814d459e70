"""Mutants of readers of graphs, and of what the commands of graph tasks compare."""

from __future__ import annotations

from typing import Any

from lockstep.commands.task import connectivity, min_cut
from lockstep.commands.task.graphs import files, programs
from mutation.planting import Rewrite
from mutation.table import Mutant

READ, REFUSED, CUT, PARTS = "graphs that are read", "graphs that are refused", "a least cut", "components of a graph"


def row(breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant("graphs", breaks, Rewrite(function, old, new), check, equivalent)


MUTANTS = (
    row("an edge list: the first node is 1", files._read_edge_list, "_node(graph, word, 0,", "_node(graph, word, 1,", READ),
    row("an edge list: a node fewer than named", files._read_edge_list, "1 + max(", "max(", READ),
    row("an edge list: each capacity is 1", files._read_edge_list, "if len(row) > 2 else 1", "if len(row) > 3 else 1", READ),
    row("a comment behind an edge is read", files._lines, 'text.startswith("#") if', 'False if', READ),
    row("DIMACS: nodes keep their numbers from 1", files._node, "return node - first", "return node", READ),
    row("DIMACS: source and sink change places", files._read_dimacs_row, "graph.ends[end] =", 'graph.ends["ts"["st".index(end)]] =',
        READ),
    row("DIMACS: arcs turn round", files._read_dimacs_row, "Arc(tail, head, _integer", "Arc(head, tail, _integer", READ),
    row("GraphML: an undirected edge leads one way", files._read_graphml, "if found.is_directed() else", "if True else", READ),
    row("GraphML: a directed edge leads both ways", files._read_graphml, "if found.is_directed() else", "if False else", READ),
    row("GraphML: the capacity is not looked at", files._read_graphml, 'values.get("capacity", 1)', "1", READ),
    row("an edge from a node to itself is taken", files.Graph.add, "arc.tail == arc.head", "False", REFUSED),
    row("a negative capacity is taken", files.Graph.add, "arc.capacity < 0", "False", REFUSED),
    row("a capacity that is too large is taken", files.Graph.add, "> most_capacity", "> most_capacity + 1", REFUSED),
    row("a node out of range is taken", files._node, "first <= node < first + count", "first <= node <= first + count", REFUSED),
    row("a node below the first is taken", files._node, "first <= node <", "first - 1 <= node <", REFUSED),
    row("more nodes than the command takes", files._count, "1 <= count <= limits.nodes", "1 <= count", REFUSED),
    row("a DIMACS file is read as an edge list", files.read_graph, "READERS[path.suffix](", 'READERS[".txt"](', READ),
    row("an empty file is read", files.read_graph, "if not graph.source.text.strip():", "if False:", REFUSED),
    row("DIMACS: other numbers of arcs than declared", files._read_dimacs, "len(graph.arcs) != declared", "False", REFUSED),
    row("DIMACS: two sources", files._read_dimacs_row, " or end in graph.ends", "", REFUSED),
    row("an error stands at the line before", files._lines, 'split("\\n"), 1)', 'split("\\n"), 0)', REFUSED),
    row("an error stands a column later", files._lines, "Span(number, column + 1)", "Span(number, column + 2)", REFUSED),
    row("parallel arcs: the last one counts", min_cut.matrix, "[arc.head] += arc", "[arc.head] = arc", CUT),
    row("parallel arcs: any sum is taken", min_cut.matrix, "[arc.head] > most", "[arc.head] > 2 * most", CUT),
    row("the sink of the file is not looked at", min_cut._ends, 'graph.ends.get("t", len(graph.names) - 1)', "len(graph.names) - 1", CUT),
    row("a wrong value of the cut passes", min_cut.min_cut, 'expected={"cut": value, ', 'expected={"cut": outputs["flow"], ', CUT),
    row("wrong sides of the cut pass", min_cut.min_cut, '"cut": value, **_sides(given, near)', '"cut": value', CUT),
    row("wrong arcs pass", min_cut.min_cut, '"arcs": crossing(given, near), ', "", CUT),
    row("a wrong number of steps passes", programs.solve, '"decoding_steps": bound.steps(job, run.time),', "", CUT),
    row("wrong components pass", connectivity.connectivity, '_answer(given, components(params["n"], ends)) | ', "", PARTS),
    row("the oracle has one component", connectivity.components, "node: number for", "node: 0 for", PARTS),
    row("edges lead one way", connectivity.connectivity, " | {(arc.head, arc.tail) for arc in given.arcs}", "", PARTS),
)  # fmt: skip
