"""`lockstep task min-cut`: the arcs of a least cut are deleted from a graph, by the decode of an example program."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from lockstep.commands.task.graphs.files import Graph, Limits, read_graph
from lockstep.commands.task.graphs.programs import GraphFile, solve
from lockstep.commands.task.solved import Solved, finish
from lockstep.common.options import Dtype, Engine, Json, Process, Schedule
from lockstep.pram.word import MAX_WORD_BITS


def most_capacity(nodes: int) -> int:
    """The largest capacity that the program takes: words hold 2 n capacities, and n^2 of them, or n^4 / 2 if that is less."""
    largest = (1 << MAX_WORD_BITS) - 1
    counted = (largest - nodes) // nodes**2 if nodes + nodes**4 // 2 > largest else largest
    return min(largest // (2 * nodes), counted)


LIMITS = Limits(256, most_capacity)


def min_cut(graph: GraphFile,
            source: Annotated[Optional[str], typer.Option("--source", help="The node to cut off [that of a DIMACS file; else the first].",
                                                          show_default=False)] = None,
            sink: Annotated[Optional[str], typer.Option("--sink", help="From this node [that of a DIMACS file; else the last].",
                                                        show_default=False)] = None,
            process: Process = "ap-mdm", schedule: Schedule = "two-step", engine: Engine = "auto", dtype: Dtype = "float64",
            json_: Json = False) -> None:  # fmt: skip
    """Delete the arcs of a least cut, so that no path leads from the source to the sink."""
    given = read_graph(graph, LIMITS)
    s, t = _ends(given, source, sink)
    capacities = matrix(given)
    n, most = len(given.names), max(1, *(max(row) for row in capacities))
    found = solve("min_cut", {"n": n, "s": s, "t": t, "most": most}, {"C": capacities}, process, schedule, engine, dtype)
    value, near = least_cut(capacities, s, t)
    outputs = found.decoded.outputs
    finish(
        Solved(
            title=f"least cut of {n:,} nodes and {len(given.arcs):,} arcs, by {process}, in {dtype}",
            answer={"cut": outputs["flow"], **_sides(given, outputs["side"]), "arcs": deleted(given, capacities, outputs["C"])},
            measured=found.measured,
            expected={"cut": value, **_sides(given, near), "arcs": crossing(given, near), **found.expected},
            seconds=found.seconds,
            reported="99.9 % on graph edits",
        ),
        json_,
    )


def _ends(graph: Graph, source: str | None, sink: str | None) -> tuple[int, int]:
    """The numbers of source and sink."""
    if len(graph.names) < 2:
        graph.fail("a cut needs two nodes")
    s = graph.ends.get("s", 0) if source is None else graph.number(source)
    t = graph.ends.get("t", len(graph.names) - 1) if sink is None else graph.number(sink)
    if s == t:
        graph.fail(f"source and sink are the same node, {graph.names[s]}: see --source and --sink")
    return s, t


def matrix(graph: Graph) -> list[list[int]]:
    """The capacities from each node to each other one; those of parallel arcs add up.

    Raises: PramError: a sum is too large.
    """
    n = len(graph.names)
    most, rows = LIMITS.capacity(n), [[0] * n for _ in range(n)]
    for arc in graph.arcs:
        rows[arc.tail][arc.head] += arc.capacity
        if rows[arc.tail][arc.head] > most:
            graph.fail(
                f"the capacities from {graph.names[arc.tail]} to {graph.names[arc.head]} add up to more than {most:,}", arc.at
            )
    return rows


def _sides(graph: Graph, near: Any) -> dict[str, list[str]]:
    """The names of the nodes on either side. near: for each node, 1 on the source's side and 0 on the other one."""
    return {
        f"{side}_side": [name for name, is_near in zip(graph.names, near) if is_near == flag]
        for side, flag in (("source", 1), ("sink", 0))
    }


def deleted(graph: Graph, before: list[list[int]], after: Any) -> list[str]:
    """The pairs of nodes whose capacity the program changed: `u -> v`, with what is left if that is not 0."""
    return [
        f"{u} -> {v}" + (f": {after[i][j]}" if after[i][j] else "")
        for i, u in enumerate(graph.names)
        for j, v in enumerate(graph.names)
        if before[i][j] != after[i][j]
    ]


def crossing(graph: Graph, near: list[int]) -> list[str]:
    """The pairs of nodes with arcs from the near side to the other one, as the file has them."""
    pairs = {(arc.tail, arc.head) for arc in graph.arcs if arc.capacity and near[arc.tail] > near[arc.head]}
    return [f"{graph.names[tail]} -> {graph.names[head]}" for tail, head in sorted(pairs)]


def least_cut(capacities: list[list[int]], s: int, t: int) -> tuple[int, list[int]]:
    """The oracle: NetworkX's value of a least cut, and for each node whether it is on the source's side of the one nearest to it."""
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(capacities)))
    graph.add_edges_from((u, v, {"capacity": c}) for u, row in enumerate(capacities) for v, c in enumerate(row) if c)
    residual = nx.algorithms.flow.preflow_push(graph, s, t)
    left = nx.DiGraph()
    left.add_nodes_from(graph)
    left.add_edges_from((u, v) for u, v, arc in residual.edges(data=True) if arc["flow"] < arc["capacity"])
    near = {s} | nx.descendants(left, s)
    return residual.graph["flow_value"], [int(node in near) for node in range(len(capacities))]
