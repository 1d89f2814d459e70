"""Reads graphs for tasks: edge lists and DIMACS files by a reader of our own, GraphML by NetworkX.

| suffix                      | format                                                                                     |
|-----------------------------|--------------------------------------------------------------------------------------------|
| `.edges`, `.edgelist`, `.txt` | a line `u v`, or `u v capacity`, for each arc; nodes are numbers from 0; `nodes N` says how many |
| `.max`, `.dimacs`, `.col`   | DIMACS: `p max N M` with `n ID s`, `n ID t` and `a U V CAPACITY`, or `p edge N M` with `e U V` |
| `.graphml`                  | GraphML; the attribute `capacity` of an edge, if there is one                               |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from lockstep.pram.errors import Source, Span, did_you_mean, fail, shorten
from lockstep.pram.texts import read_text


@dataclass(frozen=True)
class Arc:
    """An arc between two nodes, by their numbers from 0. at: where it stands in the file; None in GraphML."""

    tail: int
    head: int
    capacity: int = 1
    at: Span | None = None


@dataclass
class Graph:
    """A graph as its file has it.

    names: of the nodes, in the order of their numbers. ends: source and sink by "s" and "t", if the file names them.
    """

    source: Source
    names: list[str] = field(default_factory=list)
    arcs: list[Arc] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)

    def fail(self, message: str, at: Span | None = None) -> NoReturn:
        """Raise an error at a place of the file."""
        raise fail(message, self.source, at)

    def add(self, arc: Arc, most_capacity: int) -> None:
        """Add an arc.

        Raises: PramError: it leads from a node to itself, or its capacity is out of range.
        """
        if arc.tail == arc.head:
            self.fail(f"this edge leads from {self.names[arc.tail]} to itself", arc.at)
        if arc.capacity < 0:
            self.fail(f"capacity {arc.capacity} is negative", arc.at)
        if arc.capacity > most_capacity:
            self.fail(f"capacity {shorten(str(arc.capacity))} is too large: at most {most_capacity:,} here", arc.at)
        self.arcs.append(arc)

    def number(self, name: str) -> int:
        """The number of a node.

        Raises: PramError: there is no such node.
        """
        if name not in self.names:
            self.fail(f"there is no node {shorten(name)!r}{did_you_mean(name, self.names)}")
        return self.names.index(name)


@dataclass(frozen=True)
class Limits:
    """What a task takes: graphs of so many nodes, and capacities up to a number that depends on them."""

    nodes: int
    capacity: Callable[[int], int]


@dataclass(frozen=True)
class Word:
    """A word of a line, and where it begins."""

    text: str
    at: Span


def read_graph(path: Path, limits: Limits) -> Graph:
    """Read a graph from a file.

    Raises: PramError: an unknown suffix, no such file, or not a graph within the limits.
    """
    if path.suffix not in READERS:
        known = ", ".join(READERS)
        raise fail(f"unknown format {path.suffix!r}: the suffixes of graphs are {known}", Source(str(path), ""))
    graph = Graph(Source(str(path), read_text(path)))
    if not graph.source.text.strip():
        graph.fail("the file is empty", Span(1, 1))
    READERS[path.suffix](graph, limits)
    return graph


def lines_of(source: Source, comment: str) -> Iterator[list[Word]]:
    """The words of each line that has some. comment: `#` anywhere, or the first word of a line that is one."""
    for number, line in enumerate(source.text.split("\n"), 1):
        words: list[Word] = []
        column = 0
        for text in line.split():
            column = line.index(text, column)
            if text.startswith("#") if comment == "#" else text == comment and not words:
                break
            words.append(Word(text, Span(number, column + 1)))
            column += len(text)
        if words:
            yield words


def _integer(graph: Graph, word: Word, what: str) -> int:
    digits = word.text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        graph.fail(f"{what} is an integer, not {shorten(word.text)!r}", word.at)
    if len(digits) > 18:
        graph.fail(f"{what} {shorten(word.text)} is far too large", word.at)
    return int(word.text)


def _count(graph: Graph, word: Word, limits: Limits) -> int:
    """The number of nodes that a line declares."""
    count = _integer(graph, word, "the number of nodes")
    if not 1 <= count <= limits.nodes:
        graph.fail(f"{count:,} nodes: this command takes 1 to {limits.nodes:,}", word.at)
    return count


def _node(graph: Graph, word: Word, first: int, count: int) -> int:
    """The number from 0 of a node that a word names. first: the number of the first node in this format."""
    node = _integer(graph, word, "a node")
    if not first <= node < first + count:
        graph.fail(f"node {node} is out of range: nodes are {first} .. {first + count - 1}", word.at)
    return node - first


def _check_length(graph: Graph, words: list[Word], form: str, least: int, most: int) -> None:
    if len(words) < least:
        graph.fail(f"this line is too short: write `{form}`", words[0].at)
    if len(words) > most:
        graph.fail(f"this line is too long: write `{form}`", words[most].at)


def _read_edge_list(graph: Graph, limits: Limits) -> None:
    rows, declared = list(lines_of(graph.source, "#")), 0
    if rows and rows[0][0].text == "nodes":
        _check_length(graph, rows[0], "nodes N", 2, 2)
        declared = _count(graph, rows.pop(0)[1], limits)
    elif not rows:
        graph.fail("the file has no edges; `nodes N` gives a graph without any", Span(1, 1))
    ends = []
    for row in rows:
        _check_length(graph, row, "u v capacity", 2, 3)
        ends += [[_node(graph, word, 0, declared or limits.nodes) for word in row[:2]]]
    count = declared or 1 + max(node for pair in ends for node in pair)
    graph.names = [str(node) for node in range(count)]
    for row, (tail, head) in zip(rows, ends):
        at = row[2].at if len(row) > 2 and tail != head else row[0].at
        graph.add(Arc(tail, head, _integer(graph, row[2], "a capacity") if len(row) > 2 else 1, at), limits.capacity(count))


def _read_dimacs(graph: Graph, limits: Limits) -> None:
    rows = list(lines_of(graph.source, "c"))
    if not rows or rows[0][0].text != "p":
        graph.fail(
            "a DIMACS file begins with `p max N M` or `p edge N M`, after lines `c ...`", rows[0][0].at if rows else Span(1, 1)
        )
    problem = rows.pop(0)
    _check_length(graph, problem, "p max N M", 4, 4)
    if problem[1].text not in ("max", "edge", "col"):
        graph.fail(f"unknown problem {shorten(problem[1].text)!r}: it is max, edge or col", problem[1].at)
    flow, count = problem[1].text == "max", _count(graph, problem[2], limits)
    graph.names = [str(node) for node in range(1, count + 1)]
    for row in rows:
        _read_dimacs_row(graph, row, flow, limits.capacity(count))
    declared = _integer(graph, problem[3], "the number of arcs")
    if len(graph.arcs) != declared:
        graph.fail(f"{declared} arcs are declared, but there are {len(graph.arcs)}", problem[3].at)


def _read_dimacs_row(graph: Graph, row: list[Word], flow: bool, most_capacity: int) -> None:
    count = len(graph.names)
    match row[0].text:
        case "n" if flow:
            _check_length(graph, row, "n ID s", 3, 3)
            end = row[2].text
            if end not in ("s", "t") or end in graph.ends:
                graph.fail(f"{shorten(end)!r} is neither s nor t, or stands here for the second time", row[2].at)
            graph.ends[end] = _node(graph, row[1], 1, count)
        case "a" if flow:
            _check_length(graph, row, "a U V CAPACITY", 4, 4)
            tail, head = (_node(graph, word, 1, count) for word in row[1:3])
            at = row[3].at if tail != head else row[1].at
            graph.add(Arc(tail, head, _integer(graph, row[3], "a capacity"), at), most_capacity)
        case "e" if not flow:
            _check_length(graph, row, "e U V", 3, 3)
            tail, head = (_node(graph, word, 1, count) for word in row[1:3])
            graph.add(Arc(tail, head, 1, row[1].at), most_capacity)
        case _:
            graph.fail(f"unknown line {shorten(row[0].text)!r}: lines begin with {'c, n or a' if flow else 'c or e'}", row[0].at)


def _read_graphml(graph: Graph, limits: Limits) -> None:
    from xml.etree.ElementTree import ParseError

    import networkx as nx

    try:
        found = nx.parse_graphml(graph.source.text)
    except ParseError as error:
        line, column = error.position
        graph.fail(f"not XML: {str(error).partition(':')[0]}", Span(line, column + 1))
    except Exception as error:  # whatever NetworkX meets in the file
        graph.fail(f"not GraphML: {shorten(' '.join(str(error).split())) or type(error).__name__}")
    graph.names = [str(name) for name in found]
    if not 1 <= len(graph.names) <= limits.nodes:
        graph.fail(f"{len(graph.names):,} nodes: this command takes 1 to {limits.nodes:,}")
    numbers = {name: number for number, name in enumerate(found)}
    for tail, head, values in found.edges(data=True):
        capacity = values.get("capacity", 1)
        if isinstance(capacity, bool) or not isinstance(capacity, int):
            graph.fail(f"the capacity of the edge from {tail} to {head} is an integer, not {shorten(str(capacity))!r}")
        u, v = numbers[tail], numbers[head]
        for arc in (Arc(u, v, capacity),) if found.is_directed() else (Arc(u, v, capacity), Arc(v, u, capacity)):
            graph.add(arc, limits.capacity(len(numbers)))


#: Readers of formats, by the suffix of the file.
READERS: dict[str, Callable[[Graph, Limits], None]] = {
    **dict.fromkeys((".edges", ".edgelist", ".txt"), _read_edge_list),
    **dict.fromkeys((".max", ".dimacs", ".col"), _read_dimacs),
    ".graphml": _read_graphml,
}
