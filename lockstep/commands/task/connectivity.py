"""`lockstep task connectivity`: the components of a graph, by the decode of an example program."""

from __future__ import annotations

from typing import Any

from lockstep.commands.task.graphs.files import Graph, Limits, read_graph
from lockstep.commands.task.graphs.programs import GraphFile, solve
from lockstep.commands.task.solved import Solved, finish
from lockstep.common.options import Dtype, Engine, Json, Process, Schedule

LIMITS = Limits(4096, lambda nodes: (1 << 62) - 1)


def connectivity(graph: GraphFile, process: Process = "ap-mdm", schedule: Schedule = "two-step", engine: Engine = "auto",
                 dtype: Dtype = "float64", json_: Json = False) -> None:  # fmt: skip
    """Tell which nodes of a graph are connected, whatever the directions of its edges."""
    given = read_graph(graph, LIMITS)
    ends = sorted({(arc.tail, arc.head) for arc in given.arcs} | {(arc.head, arc.tail) for arc in given.arcs})
    params, arrays = {"n": len(given.names), "m": len(ends)}, {"U": [u for u, _ in ends], "V": [v for _, v in ends]}
    found = solve("components", params, arrays, process, schedule, engine, dtype)
    finish(
        Solved(
            title=f"components of {len(given.names):,} nodes and {len(ends) // 2:,} edges, by {process}, in {dtype}",
            answer=_answer(given, found.decoded.outputs["D"]),
            measured=found.measured,
            expected=_answer(given, components(params["n"], ends)) | dict(found.expected),
            seconds=found.seconds,
            reported="",
        ),
        json_,
    )


def _answer(graph: Graph, labels: Any) -> dict[str, Any]:
    """How many components there are, and the first node of each node's component. labels: equal for nodes of one component."""
    first: dict[int, int] = {}
    for node, label in enumerate(labels):
        first.setdefault(label, node)
    return {
        "connected": len(first) == 1,
        "components": len(first),
        "component_of": [graph.names[first[label]] for label in labels],
    }


def components(count: int, edges: list[tuple[int, int]]) -> list[int]:
    """The oracle: for each node, the number of its component, by NetworkX."""
    import networkx as nx

    graph = nx.Graph(edges)
    graph.add_nodes_from(range(count))
    numbers = {node: number for number, nodes in enumerate(nx.connected_components(graph)) for node in nodes}
    return [numbers[node] for node in range(count)]
