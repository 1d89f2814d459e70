"""How gates compute each word operation of `lockstep.pram.word`.

GATES is the table. A row has the flags that an instruction with the operation raises, and the function that
emits the gates. The gates of layer 2 read the operand bits x and y and add the result to the output bits.
Shifts, products and sums need a second set of gates, in layer 3. Gates add 0 unless their flag is raised,
so all operations add to the same output bits.

To add a word operation, define it in `pram/word.py` and add a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lockstep.compiler.circuit import At, Bit, Builder, Field, Linear, Ramp, Threshold, equals, word_of


@dataclass(frozen=True)
class Alu:
    """The fields that the gates of an operation use: operand words, output bits, flags by name."""

    builder: Builder
    x: Field
    y: Field
    out: Field
    flags: dict[str, Field]

    @property
    def bits(self) -> int:
        return self.x.width

    def flag(self, name: str) -> Linear:
        """The literal of a flag."""
        return self.flags[name].flag

    def threshold(self, at: At, flag: str, form: Linear, reach: int, writes: dict[Bit, int]) -> None:
        """Add a gate for [flag and form >= 0]. `reach` is the largest value of the form, plus 1."""
        self.builder.gate(at, Threshold(form - (1 - self.flag(flag)) * reach, writes))

    def ramp(self, at: At, flag: str, form: Linear, reach: int, writes: dict[Bit, int]) -> None:
        """Add a gate for max(0, form) if the flag is raised, else 0. `reach` is the largest value of the form."""
        self.builder.gate(at, Ramp(form - (1 - self.flag(flag)) * reach, writes))


def copy(alu: Alu) -> None:
    """x_j."""
    for j in range(alu.bits):
        alu.threshold(At.OPERANDS, "copy", alu.x[j] - 1, 1, {alu.out.bit(j): 1})


def add(alu: Alu) -> None:
    """x + y into the field `sum`, which is also the address of loads and stores. Layer 3 copies it to the output."""
    b = alu.builder
    result, emit = b.fields["sum"], alu.flag("sum.emit")
    for j in range(alu.bits):
        alu.ramp(At.OPERANDS, "sums", alu.x[j] + alu.y[j], 2, {result.bit(j): 1})
        b.when(At.MEMORY, [result[j], emit], {alu.out.bit(j): 1})
    for i in range(1, alu.bits + 1):
        low = word_of([*alu.x][:i]) + word_of([*alu.y][:i]) - (1 << i)
        alu.threshold(At.OPERANDS, "sums", low, 1 << i, _carry(result, i))


def addsat(alu: Alu) -> None:
    """The gates of `add` copy the sum to the output. If a carry leaves the word, these gates set the sum's 0 bits to 1, too."""
    b, w = alu.builder, alu.bits
    over, result = b.field("addsat.over"), b.fields["sum"]
    alu.threshold(At.OPERANDS, "addsat", word_of([*alu.x]) + word_of([*alu.y]) - (1 << w), 1 << w, {over.bit(): 1})
    for j in range(w):
        b.when(At.MEMORY, [over.flag, 1 - result[j]], {alu.out.bit(j): 1})


def _carry(result: Field, i: int) -> dict[Bit, int]:
    """The writes of a carry into bit i: it adds 1 there, unless i is beyond the word, and takes 2 from the bit below."""
    into = {result.bit(i): 1} if i < result.width else {}
    return into | {result.bit(i - 1): -2}


def sub(alu: Alu) -> None:
    """Bit j is x_j - y_j - borrow_j + 2 borrow_{j+1}. A ramp needs + 1 to stay above 0; a gate of the flag takes it back."""
    for j in range(alu.bits):
        alu.ramp(At.OPERANDS, "sub", alu.x[j] - alu.y[j] + 1, 2, {alu.out.bit(j): 1})
    every_bit = {alu.out.bit(j): -1 for j in range(alu.bits)}
    alu.builder.gate(At.OPERANDS, Threshold(alu.flag("sub") - 1, every_bit))
    for i in range(1, alu.bits + 1):
        borrow = word_of([*alu.y][:i]) - word_of([*alu.x][:i]) - 1
        into = {alu.out.bit(i): -1} if i < alu.bits else {}
        alu.threshold(At.OPERANDS, "sub", borrow, 1 << i, into | {alu.out.bit(i - 1): 2})


def and_(alu: Alu) -> None:
    """[x_j + y_j >= 2]."""
    for j in range(alu.bits):
        alu.threshold(At.OPERANDS, "and", alu.x[j] + alu.y[j] - 2, 1, {alu.out.bit(j): 1})


def or_(alu: Alu) -> None:
    """[x_j + y_j >= 1]."""
    for j in range(alu.bits):
        alu.threshold(At.OPERANDS, "or", alu.x[j] + alu.y[j] - 1, 2, {alu.out.bit(j): 1})


def xor(alu: Alu) -> None:
    """[x_j + y_j >= 1] - [x_j + y_j >= 2]."""
    for j in range(alu.bits):
        alu.threshold(At.OPERANDS, "xor", alu.x[j] + alu.y[j] - 1, 2, {alu.out.bit(j): 1})
        alu.threshold(At.OPERANDS, "xor", alu.x[j] + alu.y[j] - 2, 1, {alu.out.bit(j): -1})


def comparison(name: str, *tests: Callable[[Linear], Linear], base: int = 0) -> Callable[[Alu], None]:
    """Return an emitter. Bit 0 is base plus (if base > 0, minus) the number of tests t with t(x - y) >= 0."""

    def emit(alu: Alu) -> None:
        difference = word_of([*alu.x]) - word_of([*alu.y])
        sign = -1 if base > 0 else 1
        for test in tests:
            alu.threshold(At.OPERANDS, name, test(difference), 1 << alu.bits, {alu.out.bit(0): sign})
        if base:
            alu.builder.gate(At.OPERANDS, Threshold(alu.flag(name) - 1, {alu.out.bit(0): base}))

    return emit


def shift(name: str, towards: int) -> Callable[[Alu], None]:
    """Return an emitter. Layer 2 makes the amount one-hot, and layer 3 has one conjunction for each amount and bit.

    No bit is hot for amounts from w on, so the result is 0.
    """

    def emit(alu: Alu) -> None:
        b, w = alu.builder, alu.bits
        amount = b.field(f"{name}.amount", w)
        for s in range(w):
            b.when(At.OPERANDS, [alu.flag(name), *equals([*alu.y], s)], {amount.bit(s): 1})
            for j in range(w):
                if 0 <= j + towards * s < w:
                    b.when(At.MEMORY, [amount[s], alu.x[j]], {alu.out.bit(j + towards * s): 1})

    return emit


def mul(alu: Alu) -> None:
    """Layer 2 sums partial products M_k; layer 3 takes the parity of floor(M_k / 2^k) as bit k.

    M_k = sum over i + j <= k of x_i y_j 2^(i+j) agrees with the product modulo 2^(k+1). So bit k of the product
    is the parity of floor(M_k / 2^k). Since M_k <= k 2^(k+1) + 1, this number is at most 2k, or 1 for k = 0.
    """
    b, w = alu.builder, alu.bits
    partial = b.field("mul.partial", w, tuple(k * (1 << (k + 1)) + 1 for k in range(w)))
    for i in range(w):
        for r in range(1, w - i + 1):  # x_i times the low r bits of y goes into M_{i+r-1}
            low = word_of([*alu.y][:r]) + alu.x[i] * (1 << r) - (1 << r)
            alu.ramp(At.OPERANDS, "mul", low, 1 << r, {partial.bit(i + r - 1): 1 << i})
    for k in range(w):
        for v in range(1, max(2 * k, 1) + 1):
            sign = 1 if v % 2 else -1
            b.gate(At.MEMORY, Threshold(partial[k] - v * (1 << k), {alu.out.bit(k): sign}))


@dataclass(frozen=True)
class GateRow:
    """One row of GATES.

    flags: the instruction's value column raises them. emit: adds the gates. needs: other operations whose gates it uses.
    """

    flags: tuple[str, ...]
    emit: Callable[[Alu], None]
    needs: tuple[str, ...] = ()


GATES = {
    "copy": GateRow(("copy",), copy),
    "add": GateRow(("sums", "sum.emit"), add),
    "addsat": GateRow(("sums", "sum.emit", "addsat"), addsat, needs=("add",)),
    "sub": GateRow(("sub",), sub),
    "mul": GateRow(("mul",), mul),
    "and": GateRow(("and",), and_),
    "or": GateRow(("or",), or_),
    "xor": GateRow(("xor",), xor),
    "shl": GateRow(("shl",), shift("shl", +1)),
    "shr": GateRow(("shr",), shift("shr", -1)),
    "eq": GateRow(("eq",), comparison("eq", lambda d: d, lambda d: -d, base=-1)),
    "ne": GateRow(("ne",), comparison("ne", lambda d: d, lambda d: -d, base=2)),
    "lt": GateRow(("lt",), comparison("lt", lambda d: -d - 1)),
    "le": GateRow(("le",), comparison("le", lambda d: -d)),
    "gt": GateRow(("gt",), comparison("gt", lambda d: d - 1)),
    "ge": GateRow(("ge",), comparison("ge", lambda d: d)),
}
