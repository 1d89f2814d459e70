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

from lockstep.compiler.circuit import At, Builder, Circuit, Control, Match, Readout
from lockstep.compiler.invariants import check_circuit
from lockstep.compiler.linear import Linear
from lockstep.compiler.processor import SHARPNESS
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import Tokens
from lockstep.tasks.kit import BOS, LEFT, RIGHT, Task
from lockstep.tasks.pictures import Picture, Sign

ADD, DEL, SEP, EDGE = "ADD", "DEL", "SEP", "EDGE"
#: An edge from a node to another one, and what to do with it: ADD or DEL.
Edge = tuple[int, int]
Command = tuple[str, Edge]
FIRST, SECOND = At.ROM, At.OPERANDS  # the two layers


def graph_edits(node_bits: int, index_bits: int) -> Task:
    """Build the circuit for nodes of so many bits and sequences of up to 2^index_bits rows."""
    b, bits, last = Builder(), 2 * node_bits, (1 << index_bits) - 1
    vocabulary = Vocabulary(((BOS, 0), (MASK, 0), (SEP, 0), (ADD, bits), (DEL, bits), (EDGE, bits)))
    kinds = {kind: b.field(f"token.{kind}") for kind, _ in vocabulary.kinds}
    token = b.field("token.bits", bits)
    one, rank, first = b.field("one"), b.field("rank", 1, last), b.field("first")
    places = [b.field(name, index_bits).name for name in ("index", RIGHT, LEFT)]
    bos, mask, sep, add, delete, edge = (kinds[kind].flag for kind in (BOS, MASK, SEP, ADD, DEL, EDGE))
    yes, same = Linear(constant=1), [Match(bit, bit) for bit in token]

    masked, adds, wanted = b.field("some row is masked"), b.field("the command adds"), b.field("its edge", bits)
    b.look_up(FIRST, "mask", 1 - bos, (), (mask,), [(yes, masked.bit())], rank.flag, last)
    reads = [(add, adds.bit()), *((bit, wanted.bit(j)) for j, bit in enumerate(token))]
    b.look_up(FIRST, "command", mask, (), (first.flag,), reads)
    doomed, there = b.field("the command deletes it"), b.field("the edge is there")
    b.look_up(FIRST, "deleted by the command", edge, same, (first.flag, delete), [(yes, doomed.bit())])
    b.look_up(FIRST, "edge of the command", first.flag, same, (edge,), [(yes, there.bit())], rank.flag, last)

    remask, remove, insert = (b.field(f"control.{name}") for name in ("remask", "delete", "insert"))
    fresh, takes, out = b.field("the edge is to come"), b.field("take"), b.field("out", bits)
    b.when(FIRST, [doomed.flag], {remask.bit(): 1})
    b.when(FIRST, [first.flag, delete], {remask.bit(): 1})
    b.when(FIRST, [first.flag, add, there.flag], {remask.bit(): 1})
    b.when(FIRST, [first.flag, add, 1 - there.flag, masked.flag], {remask.bit(): 1})
    b.when(FIRST, [first.flag, add, 1 - there.flag, 1 - masked.flag], {fresh.bit(): 1})
    b.when(FIRST, [mask, 1 - adds.flag], {remove.bit(): 1})
    b.when(FIRST, [mask, adds.flag], {takes.bit(): 1})
    for j in range(bits):
        b.when(FIRST, [mask, adds.flag, wanted[j]], {out.bit(j): 1})
    b.look_up(SECOND, "edge to come", sep, (), (first.flag, fresh.flag), [(yes, insert.bit())])

    readout = Readout(
        {EDGE: takes.flag * (SHARPNESS * (bits + 2))},
        tuple(bit * SHARPNESS for bit in out),
        tuple((takes.flag - bit) * SHARPNESS for bit in out),
    )
    positions = frozenset({"one", "rank", "first", *places})
    control = Control(remask.flag, insert.flag, remove.flag)
    made = Circuit(vocabulary, b.fields, kinds, token, bos, one.flag, b.layers[:2], readout, positions, control)
    check_circuit(made)
    return Task(made, index_bits, {"first": [1]})


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
