"""Graph editing in place: commands stand before a graph, and each adds an edge to it or deletes one.

    [BOS] ADD(2, 0) DEL(0, 1) SEP EDGE(0, 1) EDGE(1, 2)   ->   [BOS] SEP EDGE(2, 0) EDGE(1, 2)

The first command acts. An edge that it deletes is remasked with the command, and both masks vanish in the next step. For an edge that
it adds, SEP inserts a mask behind itself; the mask takes the edge while the command is remasked, and then the command vanishes. Edges
are a set: to add one that is there, or to delete one that is not, changes nothing but the commands. Depth 2: SEP must know whether the
edge is there, and only the command sees that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from lockstep.compiler.circuit import Match
from lockstep.models.tokens import MASK
from lockstep.models.transformer import Tokens
from lockstep.tasks.kit import BOS, EditBuilder, Task
from lockstep.tasks.pictures import Picture, Sign

ADD, DEL, SEP, EDGE = "ADD", "DEL", "SEP", "EDGE"
#: An edge from a node to another one, and what to do with it: ADD or DEL.
Edge = tuple[int, int]
Command = tuple[str, Edge]
#: The layers: what each row finds, and what it says; then what SEP finds.
FIRST, SECOND = 0, 1


def graph_edits(node_bits: int, index_bits: int) -> Task:
    """Build the circuit for nodes of so many bits and sequences of up to 2^index_bits rows."""
    bits = 2 * node_bits
    b = EditBuilder({SEP: 0, ADD: bits, DEL: bits, EDGE: bits}, 1 << index_bits, depth=2)
    first, mask, sep, add, delete, edge = b.place("first").flag, *map(b.is_kind, (MASK, SEP, ADD, DEL, EDGE))
    same = [Match(bit, bit) for bit in b.token_bits]

    masked = b.exists(FIRST, "mask", b.body, (), (mask,))
    command = b.read(FIRST, "command", mask, (), (first,), {"adds": add, "edge": [*b.token_bits]})
    doomed = b.exists(FIRST, "deleted by the command", edge, same, (first, delete))
    there = b.exists(FIRST, "edge of the command", first, same, (edge,))

    adds, new, fresh = command["adds"].flag, [first, add, 1 - there], b.field("the edge is to come")
    b.edit("remask", [doomed])
    b.edit("remask", [first, delete])
    b.edit("remask", [first, add, there])
    b.edit("remask", [*new, masked])
    b.edit("remask", [mask])
    b.edit("delete", [mask, 1 - adds])
    b.take(EDGE, [mask, adds], enumerate(command["edge"]))
    b.when(FIRST, [*new, 1 - masked], {fresh.bit(): 1})
    b.edit("insert", [b.exists(SECOND, "edge to come", sep, (), (first, fresh.flag))], SECOND)
    return Task(b.made(), index_bits, {"first": [1]})


def sequence(task: Task, commands: Iterable[Command], edges: Iterable[Edge]) -> Tokens:
    """The tokens of a start."""
    vocabulary = task.circuit.vocabulary
    half = vocabulary.most_bits // 2
    rows = [(kind, tail | head << half) for kind, (tail, head) in [*commands, ("", (0, 0)), *((EDGE, edge) for edge in edges)]]
    return np.array([vocabulary.token(BOS, 0)] + [vocabulary.token(kind or SEP, number) for kind, number in rows], np.int64)


def edges_of(task: Task, tokens: Tokens) -> list[Edge] | None:
    """The edges behind SEP, in the order in which they stand; None if commands or masks are left."""
    vocabulary = task.circuit.vocabulary
    half = vocabulary.most_bits // 2
    start, *rows = [vocabulary.split(int(token)) for token in tokens[1:]]
    if start[0] != SEP or any(kind != EDGE for kind, _ in rows):
        return None
    return [(number & (1 << half) - 1, number >> half) for _, number in rows]


def costs(commands: Sequence[Command], edges: Iterable[Edge]) -> tuple[int, int]:
    """Decoding steps and longest context: 3 steps for an edge that is added and was not there, 2 for any other command."""
    there = set(edges)
    steps, length = 0, 2 + len(commands) + len(there)
    longest = length
    for kind, edge in commands:
        new, gone = kind == ADD and edge not in there, kind == DEL and edge in there
        steps, longest = steps + 2 + new, max(longest, length + new)
        length += new - gone - 1
        there = there | {edge} if kind == ADD else there - {edge}
    return steps, longest


def picture_of(task: Task, names: Sequence[str]) -> Picture:
    """How sequences are shown: an edge as its nodes, a command with its sign before it."""
    bits = task.circuit.vocabulary.bits(EDGE) // 2
    head = Sign(">", bits, shift=bits, names=tuple(names))
    edge = Sign("", bits, names=tuple(names), then=head)
    return Picture({EDGE: edge, ADD: replace(edge, text="+"), DEL: replace(edge, text="-")})
