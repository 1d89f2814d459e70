"""Mutants of readers of graphs, and of what the commands of graph tasks compare."""

from __future__ import annotations

from typing import Any

from lockstep.commands.task import connectivity, edit_graph, min_cut
from lockstep.commands.task.graphs import files, programs
from lockstep.tasks import graph_edits
from mutation.planting import Rewrite
from mutation.table import Mutant

READ, REFUSED, CUT, PARTS = "graphs that are read", "graphs that are refused", "a least cut", "components of a graph"
EDITS, SCRIPTS = "graph edits", "scripts of edits"
BUILD = graph_edits.graph_edits


def row(breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant("graphs", breaks, Rewrite(function, old, new), check, equivalent)


MUTANTS = (
    row("an edge list: the first node is 1", files._read_edge_list, "_node(graph, word, 0,", "_node(graph, word, 1,", READ),
    row("an edge list: a node fewer than named", files._read_edge_list, "1 + max(", "max(", READ),
    row("an edge list: each capacity is 1", files._read_edge_list, "if len(row) > 2 else 1", "if len(row) > 3 else 1", READ),
    row("a comment behind an edge is read", files.lines_of, 'text.startswith("#") if', 'False if', READ),
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
    row("an error stands at the line before", files.lines_of, 'split("\\n"), 1)', 'split("\\n"), 0)', REFUSED),
    row("an error stands a column later", files.lines_of, "Span(number, column + 1)", "Span(number, column + 2)", REFUSED),
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
    row("edits: an edge that is deleted stays", BUILD,
        'b.edit("remask", [doomed])', 'b.edit("remask", [doomed, masked])', EDITS),
    row("edits: any edge is deleted", BUILD, '"deleted by the command", edge, same, ', '"deleted by the command", edge, (), ', EDITS),
    row("edits: ADD deletes, too", BUILD, "edge, same, (first, delete)", "edge, same, (first,)", EDITS),
    row("edits: DEL stays", BUILD, "[first, delete])", "[first, delete, there])", EDITS),
    row("edits: an edge that is there is added again", BUILD, "1 - there], b.field", "1 - mask], b.field", EDITS),
    row("edits: ADD of an edge that is there stays", BUILD,
        "[first, add, there]", "[first, add, there, masked]", EDITS),
    row("edits: ADD vanishes before its edge has come", BUILD, 'b.edit("remask", [*new, masked])', 'b.edit("remask", new)', EDITS),
    row("edits: SEP inserts one mask more", BUILD, "[*new, 1 - masked]", "new", EDITS),
    row("edits: masks stay", BUILD, "[mask, 1 - adds]", "[mask, 1 - adds, doomed]", EDITS),
    row("edits: a new edge takes no bits", BUILD, ', enumerate(command["edge"])', "", EDITS),
    row("edits: the edge of any row stands for the command's", BUILD,
        'mask, (), (first,), {', "mask, (), (edge,), {", EDITS),
    row("edits: ends of edges change places", graph_edits.edges_of, "(number & (1 << half) - 1, number >> half)",
        "(number >> half, number & (1 << half) - 1)", EDITS),
    row("edits: a command more is free of steps", graph_edits.costs, "steps + 2 + new", "steps + 2", EDITS),
    row("scripts: add and delete change places", edit_graph.read_script,
        '"add": ADD, "delete": DEL', '"add": DEL, "delete": ADD', SCRIPTS),
    row("scripts: an edge to itself", edit_graph.read_script, "tail == head", "False", SCRIPTS),
    row("scripts: the oracle adds what is deleted", edit_graph.edited, 'kind == "ADD"', "True", SCRIPTS),
)  # fmt: skip
