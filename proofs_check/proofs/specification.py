"""What each instruction means, as terms over words: the table that the weights are proved against.

Written from sections 3, 4 and 6 of docs/language.md; it shares no code with the machine, nor with the compiler.
Arithmetic wraps, but addsat stays at the largest word. A shift by the word size or more gives 0, comparisons give 1 or 0,
addresses wrap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import z3

Word: TypeAlias = z3.BitVecRef


def _truth(condition: z3.BoolRef, like: Word) -> Word:
    return z3.If(condition, z3.BitVecVal(1, like.size()), z3.BitVecVal(0, like.size()))


def _shifted(by: Callable[[Word, Word], Word]) -> Callable[[Word, Word], Word]:
    return lambda x, y: z3.If(z3.UGE(y, x.size()), z3.BitVecVal(0, x.size()), by(x, y))


def _saturated(x: Word, y: Word) -> Word:
    """A sum that wraps is less than either operand."""
    return z3.If(z3.ULT(x + y, x), z3.BitVecVal(-1, x.size()), x + y)


#: Operations on words.
OPERATIONS: Mapping[str, Callable[[Word, Word], Word]] = {
    "copy": lambda x, y: x,
    "add": lambda x, y: x + y,
    "addsat": _saturated,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
    "shl": _shifted(lambda x, y: x << y),
    "shr": _shifted(z3.LShR),
    "eq": lambda x, y: _truth(x == y, x),
    "ne": lambda x, y: _truth(x != y, x),
    "lt": lambda x, y: _truth(z3.ULT(x, y), x),
    "le": lambda x, y: _truth(z3.ULE(x, y), x),
    "gt": lambda x, y: _truth(z3.UGT(x, y), x),
    "ge": lambda x, y: _truth(z3.UGE(x, y), x),
}


@dataclass(frozen=True)
class Meaning:
    """One instruction.

    value:   the operation on the operands that gives the value, or "loaded", the cell at the address; None: no value.
    of:      names of its operands, of the address for "loaded".
    to:      where the value goes: register rd, or the cell at `address`.
    next:    the next program counter; "branch" goes to the target when operand x is 0, else on.
    """

    value: str | None = None
    of: tuple[str, ...] = ()
    to: Literal["register", "cell"] | None = None
    address: tuple[str, ...] = ()
    next: Literal["following", "jump", "branch", "stop"] = "following"


INSTRUCTIONS: Mapping[str, Meaning] = {
    "mov": Meaning("copy", ("x",), "register"),
    **{name: Meaning(name, ("x", "y"), "register") for name in OPERATIONS if name != "copy"},
    "load": Meaning("loaded", ("x", "y"), "register"),
    "store": Meaning("copy", ("z",), "cell", ("x", "y")),
    "jmp": Meaning(next="jump"),
    "jz": Meaning(next="branch"),
    "nop": Meaning(),
    "halt": Meaning(next="stop"),
}


def apply(operation: str, words: tuple[Word, ...]) -> Word:
    """The term of an operation on one or two words."""
    return OPERATIONS[operation](words[0], words[-1])


@dataclass(frozen=True)
class Effect:
    """What an instruction does in one state, in numbers: as `lockstep.pram.machine.Step`, for one processor.

    value: 0 where there is none. register, cell: the destination, if it is one. next: None where it halts.
    """

    value: int
    register: int | None
    cell: int | None
    next: int | None


def effect(
    name: str, words: Mapping[str, int], loaded: int, rd: int | None, target: int | None, number: int, bits: int
) -> Effect:
    """Evaluate the table on numbers: operands by name, the loaded word, and the instruction's own rd, target and number."""
    meaning = INSTRUCTIONS[name]

    def number_of(operation: str, operands: tuple[str, ...]) -> int:
        terms = tuple(z3.BitVecVal(words[o], bits) for o in operands)
        return int(z3.simplify(apply(operation, terms)).as_long())

    value = 0
    if meaning.value == "loaded":
        value = loaded
    elif meaning.value is not None:
        value = number_of(meaning.value, meaning.of)
    cell = number_of("add", meaning.address) if meaning.to == "cell" else None
    following: int | None = number + 1
    if meaning.next == "jump" or (meaning.next == "branch" and words["x"] == 0):
        following = target
    elif meaning.next == "stop":
        following = None
    return Effect(value, rd if meaning.to == "register" else None, cell, following)
