"""The rules of the editor, stated apart from its circuit: what each row does, from its token, its place and what it finds.

Places count the letters behind SEP from 1; SEP stands at place 0. The command is the token in row 1, if it is one.

- No mask stands in the sequence: a letter at the command's place is remasked, to be deleted or replaced; for an insertion, the row at the
  place has a mask inserted behind itself.
- A mask stands there: it takes the command's letter, or is deleted if the command deletes. The command is remasked.
- A mask in row 1 is a command that is done, and is deleted. Other masks wait.
"""

from __future__ import annotations

import numpy as np

from lockstep.compiler.linear import Bit
from lockstep.models.tokens import MASK
from lockstep.proofs_check.tasks.rules import (
    Finds,
    Flags,
    Itself,
    Layer,
    Role,
    Rows,
    Rules,
    Says,
    always,
    any_of,
    bits_of,
    flags_of,
)

INSERT, DELETE, REPLACE, SEP, LETTER = "INSERT", "DELETE", "REPLACE", "SEP", "LETTER"
COMMANDS = (INSERT, DELETE, REPLACE)


def editor_rules(place_bits: int, letter_bits: int, length: int) -> Rules:
    """The rules for places and letters of so many bits, in sequences of up to `length` rows."""
    bits = letter_bits + place_bits
    behind = (MASK, SEP, *COMMANDS, LETTER)
    return Rules(
        tokens=(("BOS", 0), (MASK, 0), (SEP, 0), *((command, bits) for command in COMMANDS), (LETTER, letter_bits)),
        length=length,
        roles={"first": Role(slice(1, 2), behind[:-1]), "behind": Role(slice(2, length), behind)},
        places={"number": np.arange(length), "first": flags_of(length, slice(1, 2))},
        layers=(_found(place_bits, letter_bits), _done(letter_bits)),
        itself=(Itself("command", "first"),),
        assumed=("commands stand before SEP, and letters behind it",),
    )


def _found(place_bits: int, letter_bits: int) -> Layer:
    """Rows find SEP and the command, and compare their places with the command's."""
    sep = Finds(always, lambda q, k: k.is_a(SEP), {"sep: rank": lambda k: k.at("number")},
                alone="a start has one SEP, and no rule changes it or takes another one")  # fmt: skip
    kinds: dict[str, Says] = {f"command: {kind}": (lambda k, kind=kind: k.is_a(kind)) for kind in COMMANDS}  # type: ignore[misc]
    command = Finds(
        always,
        lambda q, k: k.stands("first"),
        {
            **kinds,
            "command: place": lambda k: k.value(letter_bits, place_bits),
            "command: letter": lambda k: k.value(0, letter_bits),
        },
    )
    says: dict[Bit, Says] = {
        ("place reached", 0): lambda row: _own_place(row) >= row.number("command: place"),
        ("place not past", 0): lambda row: _own_place(row) <= row.number("command: place"),
    }
    return Layer({"sep": sep, "command": command}, says)


def _own_place(row: Rows) -> np.ndarray:
    return np.asarray(row.at("number") - row.number("sep: rank"))


def _done(letter_bits: int) -> Layer:
    """Rows find a mask, and act."""
    mask = Finds(always, lambda q, k: k.is_a(MASK), {"mask: found": always}, lambda k: k.at("number"))
    says: dict[Bit, Says] = {
        ("control.remask", 0): lambda row: np.where(row.is_a(MASK), ~_takes(row), _letter_goes(row) | _command_is_done(row)),
        ("control.insert", 0): lambda row: _commanded(row, INSERT) & _stands_at_place(row),
        ("control.delete", 0): lambda row: row.is_a(MASK) & (_commanded(row, DELETE) | row.stands("first")),
        ("take.LETTER", 0): _takes,
        **bits_of("out", letter_bits, lambda row, j: _takes(row) & row.flag("command: letter", j)),
    }
    return Layer({"mask": mask}, says)


def _commanded(row: Rows, *kinds: str) -> Flags:
    return any_of(row.flag(f"command: {kind}") for kind in kinds)


def _stands_at_place(row: Rows) -> Flags:
    """It is the row to act, and no mask says that the command has acted."""
    return np.asarray(row.flag("place reached") & row.flag("place not past") & ~row.flag("mask: found"))


def _letter_goes(row: Rows) -> Flags:
    return np.asarray(row.is_a(LETTER) & _commanded(row, DELETE, REPLACE) & _stands_at_place(row))


def _command_is_done(row: Rows) -> Flags:
    return np.asarray(row.stands("first") & _commanded(row, *COMMANDS) & row.flag("mask: found"))


def _takes(row: Rows) -> Flags:
    return np.asarray(row.is_a(MASK) & _commanded(row, INSERT, REPLACE))
