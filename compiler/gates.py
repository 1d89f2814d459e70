"""How gates compute each word operation of `lockstep.pram.word`.

GATES is the table. A row has the flags that an instruction with the operation raises, and the function that
emits the gates. The gates of layer 2 read the operand bits x and y and add the result to the output bits.
Shifts, products, quotients and sums need a second set of gates, in layer 3. Gates add 0 unless their flag is raised,
so all operations add to the same output bits.

To add a word operation, define it in `pram/word.py` and add a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lockstep.compiler.circuit import At, Builder, Field, Ramp, Threshold
from lockstep.compiler.linear import Bit, Linear, equals, total, weighted, word_of


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


def saddsat(alu: Alu) -> None:
    """As `addsat`, where x is signed and y is not: over 2^(w-1) - 1, the top bit becomes 0 and all others 1."""
    b, w = alu.builder, alu.bits
    over, result, top = b.field("saddsat.over"), b.fields["sum"], b.fields["sum"][alu.bits - 1]
    form = integer_of(alu.x, True) + word_of([*alu.y]) - (1 << w - 1)
    alu.threshold(At.OPERANDS, "saddsat", form, 1 << w, {over.bit(): 1})
    b.when(At.MEMORY, [over.flag, top], {alu.out.bit(w - 1): -1})
    for j in range(w - 1):
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


def integer_of(field: Field, signed: bool) -> Linear:
    """The integer of a word. In two's complement the top bit counts -2^(w-1) instead of 2^(w-1)."""
    bits = [*field]
    return word_of(bits) - bits[-1] * (1 << len(bits)) if signed else word_of(bits)


def comparison(name: str, *tests: Callable[[Linear], Linear], base: int = 0, signed: bool = False) -> Callable[[Alu], None]:
    """Return an emitter. Bit 0 is base plus (if base > 0, minus) the number of tests t with t(x - y) >= 0."""

    def emit(alu: Alu) -> None:
        difference = integer_of(alu.x, signed) - integer_of(alu.y, signed)
        sign = -1 if base > 0 else 1
        for test in tests:
            alu.threshold(At.OPERANDS, name, test(difference), 1 << alu.bits, {alu.out.bit(0): sign})
        if base:
            alu.builder.gate(At.OPERANDS, Threshold(alu.flag(name) - 1, {alu.out.bit(0): base}))

    return emit


def shift(name: str, towards: int, signed: bool = False) -> Callable[[Alu], None]:
    """Return an emitter. Layer 2 makes the amount one-hot, and layer 3 has one conjunction for each amount and bit.

    No bit is hot for amounts from w on, so the result is 0. The bits that a signed shift frees get the sign.
    """

    def emit(alu: Alu) -> None:
        b, w = alu.builder, alu.bits
        amount = b.field(f"{name}.amount", w)
        for s in range(w):
            b.when(At.OPERANDS, [alu.flag(name), *equals([*alu.y], s)], {amount.bit(s): 1})
            for j in range(w):
                if 0 <= j + towards * s < w:
                    b.when(At.MEMORY, [amount[s], alu.x[j]], {alu.out.bit(j + towards * s): 1})
            if signed and s:
                b.when(At.MEMORY, [amount[s], alu.x[w - 1]], {alu.out.bit(j): 1 for j in range(w - s, w)})

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


def _digit(alu: Alu, shift: int, value: int) -> dict[Bit, int]:
    """The writes of the gate [number >= value], for value = 1, 2, ..: together they spell a number from bit `shift` on.

    The gate changes bit j where 2^j divides the value: up if value / 2^j is odd, else down.
    """
    width = alu.bits - shift
    return {alu.out.bit(shift + j): 1 if value >> j & 1 else -1 for j in range(width) if value % (1 << j) == 0}


def _multiple(bits: Sequence[Linear], factor: int, most: int) -> Linear:
    """factor * word of the bits, or at least `most` where it is that large: every coefficient is cut at `most`."""
    return weighted(bits, [min(factor << i, most) for i in range(len(bits))])


def div(alu: Alu) -> None:
    """x / y by two digits to the base B = 2^low. Division by zero gives all ones.

    Layer 2: [x >= c B y] for c = 1, 2, .. is the high digit in unary. The product P = y * (high digit) is at most x / B.
    Layer 3: [x - B P >= v y] for v = 1 .. B - 1 is the low digit. No sum exceeds (w + 1) 2^w, as coefficients are cut at 2^w.
    """
    b, w = alu.builder, alu.bits
    low = min((w + 2) // 2, w - 1)
    high, base, most = w - low, 1 << low, 1 << w
    x, y = word_of([*alu.x]), [*alu.y]
    product = b.field("div.product", 1, (1 << high) - 1)
    for c in range(1, 1 << high):
        form = x - _multiple(y, c * base, most)
        alu.threshold(At.OPERANDS, "div", form, most, _digit(alu, low, c))
        for i in range(high):
            if c << i < 1 << high:  # else y is too large for the digit
                alu.threshold(At.OPERANDS, "div", form - (1 - y[i]) * most, most, {product.bit(): 1 << i})
    for v in range(1, base):
        form = x - product.flag * base - _multiple(y, v, most)
        alu.threshold(At.MEMORY, "div", form, most, _digit(alu, 0, v))


class SignedDivision:
    """The gates of floor(x / y) in two's complement, separately for y >= 0 and y < 0: (u, v) is (x, y) or (-x, -y).

    The quotient has a high digit c from -H to H - 1 to the base B = 2^low, by [u >= c B v], and a low digit as in `div`. The product
    of v and the high digit is up - down. Out counts from the least quotient up, so its top bit is inverted at the end.
    """

    def __init__(self, alu: Alu) -> None:
        self.alu, self.builder, self.bits = alu, alu.builder, alu.bits
        self.low = min((alu.bits + 2) // 2, alu.bits - 1)
        self.half, self.base, self.cut = 1 << alu.bits - self.low - 1, 1 << self.low, 1 << alu.bits
        self.far = (alu.bits + 3) << alu.bits
        self.up, self.down = (alu.builder.field(f"sdiv.{way}", 1, 1 << alu.bits) for way in ("up", "down"))

    def emit(self) -> None:
        top = self.alu.out.bit(self.bits - 1)
        self.builder.gate(At.OPERANDS, Threshold(self.alu.flag("sdiv") - 1, {top: 1}))
        for sign in (1, -1):
            for c in range(1 - self.half, self.half):
                self.high_digit(sign, c)
            for t in range(1, self.base):
                self.low_digit(sign, t)
        self.wrap_least()

    def divisor(self, sign: int) -> list[Linear]:
        """The bits of v, or of v - 1 if y is negative; without the top bit."""
        return [bit if sign > 0 else 1 - bit for bit in [*self.alu.y][: self.bits - 1]]

    def other_sign(self, sign: int) -> Linear:
        """1 where y has the other sign."""
        return self.alu.y[self.bits - 1] if sign > 0 else 1 - self.alu.y[self.bits - 1]

    def times(self, sign: int, factor: int, cut: int) -> Linear:
        """factor * v, or at least `cut` in absolute value where it is that large."""
        product = _multiple(self.divisor(sign), abs(factor), cut) + (min(abs(factor), cut) if sign < 0 else 0)
        return product if factor >= 0 else -product

    def high_digit(self, sign: int, c: int) -> None:
        """[u >= c B v] counts the high digit up; with each bit of v, it adds to the product."""
        alu, top = self.alu, self.alu.out.bit(self.bits - 1)
        u, other = integer_of(alu.x, True) * sign, self.other_sign(sign) * self.far
        hit = u - self.times(sign, c * self.base, self.cut) - other
        missed = self.times(sign, c * self.base, self.cut) - u - 1 - other
        writes = {bit: -k if bit == top else k for bit, k in _digit(alu, self.low, c + self.half).items()}
        alu.threshold(At.OPERANDS, "sdiv", hit, self.far, writes)
        form, target = (hit, self.up) if c > 0 else (missed, self.down)
        for i, bit in enumerate(self.divisor(sign)):
            if self.possible(sign, c, i):
                alu.threshold(At.OPERANDS, "sdiv", form - (1 - bit) * self.far, self.far, {target.bit(): 1 << i})
        if sign < 0:
            alu.threshold(At.OPERANDS, "sdiv", form, self.far, {target.bit(): 1})

    def possible(self, sign: int, c: int, i: int) -> bool:
        """Whether bit i of the divisor can be set where the high digit is at least c > 0, or less than c <= 0."""
        least = abs(c) * self.base * ((1 << i) + (sign < 0))
        return least <= self.cut // 2 - (sign > 0) if c > 0 else least <= self.cut // 2 - 1 - (sign < 0)

    def low_digit(self, sign: int, t: int) -> None:
        """[u - B (up - down) >= t v]."""
        reach = self.cut * self.base
        u, other = integer_of(self.alu.x, True) * sign, self.other_sign(sign) * reach
        form = u - (self.up.flag - self.down.flag) * self.base - self.times(sign, t, reach) - other
        self.alu.threshold(At.MEMORY, "sdiv", form, 2 * reach, _digit(self.alu, 0, t))

    def wrap_least(self) -> None:
        """-2^(w-1) / -1 is out of range. Its digits are the largest, and these gates make the least word of them."""
        x, y, out, w = [*self.alu.x], [*self.alu.y], self.alu.out, self.bits
        least = [self.alu.flag("sdiv"), x[w - 1], *y, *(1 - bit for bit in x[: w - 1])]
        self.builder.when(At.MEMORY, least, {out.bit(j): 1 if j == w - 1 else -1 for j in range(w)})


def sdiv(alu: Alu) -> None:
    """floor(x / y) of signed words."""
    SignedDivision(alu).emit()


def extreme(name: str, sign: int, signed: bool = False) -> Callable[[Alu], None]:
    """Return an emitter: the bits of x where sign (x - y) >= 0, else those of y."""

    def emit(alu: Alu) -> None:
        far = 1 << alu.bits
        difference = (integer_of(alu.x, signed) - integer_of(alu.y, signed)) * sign
        for j in range(alu.bits):
            alu.threshold(At.OPERANDS, name, difference - (1 - alu.x[j]) * far, far, {alu.out.bit(j): 1})
            alu.threshold(At.OPERANDS, name, -difference - 1 - (1 - alu.y[j]) * far, far, {alu.out.bit(j): 1})

    return emit


def lg(alu: Alu) -> None:
    """ceil(log2 x) is the number of j with x > 2^j."""
    for j in range(alu.bits):
        alu.threshold(At.OPERANDS, "lg", word_of([*alu.x]) - (1 << j) - 1, 1 << alu.bits, _digit(alu, 0, j + 1))


def log(alu: Alu) -> None:
    """floor(log2 x) is the number of j >= 1 with x >= 2^j."""
    for j in range(1, alu.bits):
        alu.threshold(At.OPERANDS, "log", word_of([*alu.x]) - (1 << j), 1 << alu.bits, _digit(alu, 0, j))


def ctz(alu: Alu) -> None:
    """The number j of the lowest bit that is set: one gate for each j writes all bits of j."""
    for j in range(1, alu.bits):
        spelled = {alu.out.bit(i): 1 for i in range(alu.bits) if j >> i & 1}
        alu.threshold(At.OPERANDS, "ctz", alu.x[j] - total([*alu.x][:j]) - 1, 1, spelled)


def popcount(alu: Alu) -> None:
    """The number of bits that are set, by [their sum >= k] for each k."""
    for k in range(1, alu.bits + 1):
        alu.threshold(At.OPERANDS, "popcount", total([*alu.x]) - k, alu.bits, _digit(alu, 0, k))


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
    "div": GateRow(("div",), div),
    "max": GateRow(("max",), extreme("max", +1)),
    "min": GateRow(("min",), extreme("min", -1)),
    "lg": GateRow(("lg",), lg),
    "log": GateRow(("log",), log),
    "ctz": GateRow(("ctz",), ctz),
    "popcount": GateRow(("popcount",), popcount),
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
    "saddsat": GateRow(("sums", "sum.emit", "saddsat"), saddsat, needs=("add",)),
    "sdiv": GateRow(("sdiv",), sdiv),
    "smax": GateRow(("smax",), extreme("smax", +1, signed=True)),
    "smin": GateRow(("smin",), extreme("smin", -1, signed=True)),
    "sar": GateRow(("sar",), shift("sar", -1, signed=True)),
    "slt": GateRow(("slt",), comparison("slt", lambda d: -d - 1, signed=True)),
    "sle": GateRow(("sle",), comparison("sle", lambda d: -d, signed=True)),
    "sgt": GateRow(("sgt",), comparison("sgt", lambda d: d - 1, signed=True)),
    "sge": GateRow(("sge",), comparison("sge", lambda d: d, signed=True)),
}
