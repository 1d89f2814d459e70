"""`lockstep task edit-graph`: edges are added to a graph and deleted from it in place, by a model that is set by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from lockstep.commands.task.graphs.files import Graph, Limits, Word, lines_of, read_graph
from lockstep.commands.task.graphs.programs import OptionalGraphFile
from lockstep.commands.task.proving import for_decodes_only, prove_task, require
from lockstep.commands.task.solved import Solved, decode_task
from lockstep.commands.task.telling import JobFile, PageFile, Told, Trace
from lockstep.common.options import Dtype, Engine, Json
from lockstep.pram.errors import Source, did_you_mean, fail, shorten
from lockstep.pram.texts import read_text

if TYPE_CHECKING:
    from lockstep.tasks.graph_edits import Command, Edge

LIMITS = Limits(4096, lambda nodes: (1 << 62) - 1)
#: The proof goes through all pairs of edges.
MOST_PROVED = 5
FORM = "add u v` or `delete u v"


def edit_graph(script: Annotated[Optional[Path], typer.Argument(help="A file of lines `add u v` and `delete u v`.",
                                                                show_default=False)] = None,
               graph: OptionalGraphFile = None, trace: Trace = False, page: PageFile = None, export: JobFile = None,
               prove: Annotated[Optional[int], typer.Option("--prove", min=1, max=MOST_PROVED, show_default=False, metavar="BITS",
                                                            help="Prove what each row does, on graphs of 2^BITS nodes.")] = None,
               engine: Engine = "auto", dtype: Dtype = "float64", json_: Json = False) -> None:  # fmt: skip
    """Add edges to a graph and delete edges from it, as a script says."""
    if prove is not None:
        for_decodes_only({"SCRIPT": script, "--graph": graph, "--trace": trace, "--page": page, "--export": export})
        return _prove(prove, dtype, json_)
    require(script, "SCRIPT")
    require(graph, "--graph")
    assert script is not None and graph is not None
    given = read_graph(graph, LIMITS)
    commands = read_script(script, given)
    from lockstep.tasks.graph_edits import costs, edges_of, graph_edits, picture_of, sequence

    edges = list(dict.fromkeys((arc.tail, arc.head) for arc in given.arcs))
    steps, context = costs(commands, edges)
    task = graph_edits(max(1, (len(given.names) - 1).bit_length()), max(2, context.bit_length()))
    start = sequence(task, commands, edges)
    decoding, seconds = decode_task(task, start, engine, dtype, context)
    left = edges_of(task, decoding.tokens)
    solved = Solved(
        title=f"{len(commands):,} edits of {len(edges):,} edges of {len(given.names):,} nodes, in {dtype}",
        answer={"edges": "no answer: commands are left" if left is None else _texts(given, left)},
        measured={"decoding_steps": decoding.steps, "context": decoding.peak_context, "engine": decoding.engine},
        expected={"edges": _texts(given, edited(commands, edges)), "decoding_steps": steps, "context": context},
        seconds=seconds,
        reported="99.9 % on graph edits",
        forms={"decoding_steps": "3 new edges + 2 other commands"},
    )
    Told(trace, page, export).finish(solved, json_, task, start, context, picture_of(task, given.names), decoding, dtype)


def _prove(bits: int, dtype: str, json_: bool) -> None:
    from lockstep.proofs_check.tasks.graph_rules import graph_rules
    from lockstep.tasks.graph_edits import graph_edits

    rows = bits + 2
    prove_task(f"edits of graphs of {1 << bits} nodes", graph_edits(bits, rows), graph_rules(bits, 1 << rows), dtype, json_)


def read_script(path: Path, graph: Graph) -> list[Command]:
    """Read what is to be done to a graph.

    Raises: PramError: the file cannot be read, or a line is no command on nodes of this graph.
    """
    from lockstep.tasks.graph_edits import ADD, DEL

    source, commands = Source(str(path), read_text(path)), []
    kinds, numbers = {"add": ADD, "delete": DEL}, {name: number for number, name in enumerate(graph.names)}
    for words in lines_of(source, "#"):
        if words[0].text not in kinds or len(words) != 3:
            raise fail(f"this is no command: write `{FORM}`", source, words[0].at)
        tail, head = (_node(source, word, numbers) for word in words[1:])
        if tail == head:
            raise fail(f"this edge leads from {words[1].text} to itself", source, words[1].at)
        commands.append((kinds[words[0].text], (tail, head)))
    return commands


def _node(source: Source, word: Word, numbers: dict[str, int]) -> int:
    if word.text not in numbers:
        raise fail(f"there is no node {shorten(word.text)!r}{did_you_mean(word.text, numbers)}", source, word.at)
    return numbers[word.text]


def _texts(graph: Graph, edges: Iterable[Edge]) -> list[str]:
    """The edges as texts, in the order of the nodes' numbers."""
    return [f"{graph.names[tail]} -> {graph.names[head]}" for tail, head in sorted(edges)]


def edited(commands: Sequence[Command], edges: Sequence[Edge]) -> list[Edge]:
    """The oracle: the edges after all commands, by NetworkX."""
    import networkx as nx

    graph = nx.DiGraph(list(edges))
    for kind, edge in commands:
        if kind == "ADD":
            graph.add_edge(*edge)
        else:
            graph.remove_edges_from([edge])
    return list(graph.edges)
