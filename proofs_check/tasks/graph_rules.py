"""The rules of editing a graph, stated apart from the circuit: what each row does, from its token, its place and what it finds.

The command is the token in row 1, if it is one. Edges are a set.

- DEL: the edge is remasked if it is there, and so is the command, at once.
- ADD of an edge that is there: the command is remasked.
- ADD of a new edge: as long as no mask stands in the sequence, SEP inserts one behind itself. With a mask, the command is remasked.
- A mask takes the edge of a command that adds; else it is deleted.
"""

from __future__ import annotations

import numpy as np

from lockstep.compiler.linear import Bit
from lockstep.models.tokens import MASK
from lockstep.proofs_check.tasks.rules import Finds, Flags, Itself, Layer, Role, Rows, Rules, Says, always, bits_of, flags_of

ADD, DEL, SEP, EDGE = "ADD", "DEL", "SEP", "EDGE"


def graph_rules(node_bits: int, length: int) -> Rules:
    """The rules for nodes of so many bits, in sequences of up to `length` rows."""
    bits, kinds = 2 * node_bits, (MASK, SEP, ADD, DEL, EDGE)
    return Rules(
        tokens=(("BOS", 0), (MASK, 0), (SEP, 0), (ADD, bits), (DEL, bits), (EDGE, bits)),
        length=length,
        roles={"first": Role(slice(1, 2), kinds[:-1]), "behind": Role(slice(2, length), kinds)},
        places={"number": np.arange(length), "first": flags_of(length, slice(1, 2))},
        layers=(_found(bits), _inserted()),
        itself=(Itself("command", "first"),),
        assumed=("commands stand before SEP, and edges behind it",),
    )


def _found(bits: int) -> Layer:
    def own(row: Rows) -> np.ndarray:
        return np.asarray(row.value(0, bits))

    def late(row: Rows) -> np.ndarray:
        return np.asarray(row.at("number"))

    finds = {
        "mask": Finds(always, lambda q, k: k.is_a(MASK), {"mask: found": always}, late),
        "command": Finds(
            lambda q: q.is_a(MASK), lambda q, k: k.stands("first"), {"command: adds": lambda k: k.is_a(ADD), "command: edge": own}
        ),
        "deleted by the command": Finds(
            lambda q: q.is_a(EDGE),
            lambda q, k: k.stands("first") & k.is_a(DEL) & (own(q) == own(k)),
            {"deleted by the command: found": always},
            late,
        ),
        "edge of the command": Finds(
            lambda q: q.stands("first"),
            lambda q, k: k.is_a(EDGE) & (own(q) == own(k)),
            {"edge of the command: found": always},
            late,
        ),
    }
    says: dict[Bit, Says] = {
        ("control.remask", 0): lambda row: np.where(row.is_a(MASK), ~_takes(row), _goes(row)),
        ("control.delete", 0): lambda row: row.is_a(MASK) & ~row.flag("command: adds"),
        ("take.EDGE", 0): _takes,
        **bits_of("out", bits, lambda row, j: _takes(row) & row.flag("command: edge", j)),
        ("the edge is to come", 0): lambda row: _adds_new(row) & ~row.flag("mask: found"),
    }
    return Layer(finds, says)


def _takes(row: Rows) -> Flags:
    return np.asarray(row.is_a(MASK) & row.flag("command: adds"))


def _adds_new(row: Rows) -> Flags:
    """It is a command that adds an edge which is not there."""
    return np.asarray(row.stands("first") & row.is_a(ADD) & ~row.flag("edge of the command: found"))


def _goes(row: Rows) -> Flags:
    """Tokens that are remasked: an edge that the command deletes, and a command that is done."""
    done = row.is_a(DEL) | (row.is_a(ADD) & (row.flag("edge of the command: found") | row.flag("mask: found")))
    return np.asarray((row.is_a(EDGE) & row.flag("deleted by the command: found")) | (row.stands("first") & done))


def _inserted() -> Layer:
    """SEP inserts a mask for the edge that is to come."""
    to_come = Finds(
        lambda q: q.is_a(SEP),
        lambda q, k: k.stands("first") & k.flag("the edge is to come"),
        {"edge to come: found": always},
        lambda k: k.at("number"),
    )
    return Layer({"edge to come": to_come}, {("control.insert", 0): lambda row: row.flag("edge to come: found")})
