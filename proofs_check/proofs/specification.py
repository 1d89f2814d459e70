"""The meaning of each instruction, as terms over words. The proofs compare the weights with this table.

It was written from sections 3, 4 and 6 of docs/language.md and shares no code with the machine or the compiler.
Arithmetic and addresses wrap, but addsat stops at the largest word. A shift by the word size or more gives 0. Comparisons
give 1 or 0. Division by zero gives all ones. The logarithms and the lowest bit of 0 are 0. The operations in the second half of the
table take signed words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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


def _signed_saturated(x: Word, y: Word) -> Word:
    """The sum of a signed x and an unsigned y; above the largest signed word, that word."""
    bits = x.size()
    most = z3.BitVecVal((1 << bits - 1) - 1, bits + 2)
    total = z3.SignExt(2, x) + z3.ZeroExt(2, y)
    return z3.Extract(bits - 1, 0, z3.If(total > most, most, total))


def _floor_divided(x: Word, y: Word) -> Word:
    """Signed division, rounded down. SMT-LIB rounds towards 0, so a remainder of another sign than y takes 1 away."""
    bits, remainder = x.size(), z3.SRem(x, y)
    rounded = z3.If(z3.And(remainder != 0, (remainder < 0) != (y < 0)), x / y - 1, x / y)
    by_zero = z3.If(x < 0, z3.BitVecVal(1 << bits - 1, bits), z3.BitVecVal((1 << bits - 1) - 1, bits))
    return z3.If(y == 0, by_zero, rounded)


def _truth_sum(conditions: Iterable[z3.BoolRef], like: Word) -> Word:
    """How many of the conditions hold."""
    total = z3.BitVecVal(0, like.size())
    for condition in conditions:
        total = total + _truth(condition, like)
    return total


def _ceil_log(x: Word, y: Word) -> Word:
    """The least number k with x <= 2^k, by nested cases from the largest k down."""
    result = z3.BitVecVal(x.size(), x.size())
    for k in reversed(range(x.size())):
        result = z3.If(z3.ULE(x, 1 << k), z3.BitVecVal(k, x.size()), result)
    return result


def _floor_log(x: Word, y: Word) -> Word:
    """The number of the highest bit that is set; 0 if there is none."""
    result = z3.BitVecVal(0, x.size())
    for k in range(x.size()):
        result = z3.If(z3.Extract(k, k, x) == 1, z3.BitVecVal(k, x.size()), result)
    return result


def _trailing_zeros(x: Word, y: Word) -> Word:
    """The number of the lowest bit that is set; 0 if there is none."""
    result = z3.BitVecVal(0, x.size())
    for k in reversed(range(x.size())):
        result = z3.If(z3.Extract(k, k, x) == 1, z3.BitVecVal(k, x.size()), result)
    return result


#: The operations on words.
OPERATIONS: Mapping[str, Callable[[Word, Word], Word]] = {
    "copy": lambda x, y: x,
    "add": lambda x, y: x + y,
    "addsat": _saturated,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: z3.If(y == 0, z3.BitVecVal(-1, x.size()), z3.UDiv(x, y)),
    "max": lambda x, y: z3.If(z3.UGT(y, x), y, x),
    "min": lambda x, y: z3.If(z3.ULT(y, x), y, x),
    "lg": _ceil_log,
    "log": _floor_log,
    "ctz": _trailing_zeros,
    "popcount": lambda x, y: _truth_sum((z3.Extract(k, k, x) == 1 for k in range(x.size())), x),
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
    "saddsat": _signed_saturated,
    "sdiv": _floor_divided,
    "smax": lambda x, y: z3.If(y > x, y, x),
    "smin": lambda x, y: z3.If(y < x, y, x),
    "sar": _shifted(lambda x, y: x >> y),
    "slt": lambda x, y: _truth(x < y, x),
    "sle": lambda x, y: _truth(x <= y, x),
    "sgt": lambda x, y: _truth(x > y, x),
    "sge": lambda x, y: _truth(x >= y, x),
}


@dataclass(frozen=True)
class Meaning:
    """The meaning of one instruction.

    value:   the operation that gives the value, or "loaded" for the cell at an address; None if there is no value.
    of:      the operands of that operation; for "loaded", the operands of the address.
    to:      the destination of the value: register rd, or the cell at `address`.
    next:    the next program counter; "branch" goes to the target if operand x is 0, else to the following instruction.
    """

    value: str | None = None
    of: tuple[str, ...] = ()
    to: Literal["register", "cell"] | None = None
    address: tuple[str, ...] = ()
    next: Literal["following", "jump", "branch", "stop"] = "following"


INSTRUCTIONS: Mapping[str, Meaning] = {
    "mov": Meaning("copy", ("x",), "register"),
    **{name: Meaning(name, ("x",), "register") for name in ("lg", "log", "ctz", "popcount")},
    **{
        name: Meaning(name, ("x", "y"), "register") for name in OPERATIONS if name not in ("copy", "lg", "log", "ctz", "popcount")
    },
    "load": Meaning("loaded", ("x", "y"), "register"),
    "store": Meaning("copy", ("z",), "cell", ("x", "y")),
    "jmp": Meaning(next="jump"),
    "jz": Meaning(next="branch"),
    "nop": Meaning(),
    "halt": Meaning(next="stop"),
}


def apply(operation: str, words: tuple[Word, ...]) -> Word:
    """The result of an operation on one or two words, as a term."""
    return OPERATIONS[operation](words[0], words[-1])


@dataclass(frozen=True)
class Effect:
    """The effect of an instruction in one state, in numbers, like `lockstep.pram.machine.Step` for one processor.

    value: 0 if there is none. register, cell: the destination; None if it is of the other kind. next: None if it halts.
    """

    value: int
    register: int | None
    cell: int | None
    next: int | None


def effect(
    name: str, words: Mapping[str, int], loaded: int, rd: int | None, target: int | None, number: int, bits: int
) -> Effect:
    """Evaluate the table on numbers.

    Args: words: operands by name. loaded: the word at the address. rd, target, number: of the instruction.
    """
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
