"""What each word operation means in plain integers, and what the weights of a model make of it."""

from __future__ import annotations

import numpy as np

from kit.cases import job
from lockstep.compiler.blocks import Widths
from lockstep.compiler.compile import Compiled, compile_code
from lockstep.compiler.processor import Code
from lockstep.models.transformer import Layer
from lockstep.pram.instructions import INSTRUCTIONS, Apply, Instruction, Operand


def signed(word: int, w: int) -> int:
    """The integer of a word in two's complement."""
    return word - 2**w if word >= 2 ** (w - 1) else word


#: A word operation for each row that applies one, with what it means in plain integers, modulo 2^w.
MEANINGS = {
    "mov": lambda x, y, w: x,
    "add": lambda x, y, w: x + y,
    "addsat": lambda x, y, w: x + y if x + y < 2**w else 2**w - 1,
    "sub": lambda x, y, w: x - y,
    "mul": lambda x, y, w: x * y,
    "div": lambda x, y, w: x // y if y else 2**w - 1,
    "max": lambda x, y, w: max(x, y),
    "min": lambda x, y, w: min(x, y),
    "lg": lambda x, y, w: next(k for k in range(w + 1) if x <= 2**k),
    "log": lambda x, y, w: len(f"{x:b}") - 1,
    "ctz": lambda x, y, w: len(f"{x:b}") - len(f"{x:b}".rstrip("0")) if x else 0,
    "popcount": lambda x, y, w: f"{x:b}".count("1"),
    "and": lambda x, y, w: x & y,
    "or": lambda x, y, w: x | y,
    "xor": lambda x, y, w: x ^ y,
    "shl": lambda x, y, w: x * 2**y if y < w else 0,
    "shr": lambda x, y, w: x // 2**y,
    "eq": lambda x, y, w: x == y,
    "ne": lambda x, y, w: x != y,
    "lt": lambda x, y, w: x < y,
    "le": lambda x, y, w: x <= y,
    "gt": lambda x, y, w: x > y,
    "ge": lambda x, y, w: x >= y,
    "saddsat": lambda x, y, w: min(signed(x, w) + y, 2 ** (w - 1) - 1),
    "sdiv": lambda x, y, w: signed(x, w) // signed(y, w) if y else (2 ** (w - 1) - 1 if signed(x, w) >= 0 else -(2 ** (w - 1))),
    "smax": lambda x, y, w: max(signed(x, w), signed(y, w)),
    "smin": lambda x, y, w: min(signed(x, w), signed(y, w)),
    "sar": lambda x, y, w: signed(x, w) // 2**y if y < w else 0,
    "slt": lambda x, y, w: signed(x, w) < signed(y, w),
    "sle": lambda x, y, w: signed(x, w) <= signed(y, w),
    "sgt": lambda x, y, w: signed(x, w) > signed(y, w),
    "sge": lambda x, y, w: signed(x, w) >= signed(y, w),
}


def compiled_with_everything(word_bits: int, dtype: str) -> Compiled:
    """A model whose code uses every instruction, so that every operation's gates are there at once."""
    register = Operand("register", 0)
    code = [Instruction(name, register, register, register, rd=0, target=0) for name in INSTRUCTIONS]
    return compile_code(Code.of(job(*code, word_bits=word_bits)), Widths(word_bits, 4, 2), dtype)


def apply(compiled: Compiled, name: str, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Rows with operand bits and the operation's flags through the MLPs of layers 2 and 3; the output words."""
    circuit, offsets = compiled.circuit, compiled.circuit.offsets()
    rows = np.zeros((len(xs), circuit.width))
    rows[:, offsets["one"]] = 1
    for slot, words in (("x", xs), ("y", ys)):
        for j in range(compiled.widths.word):
            rows[:, offsets[slot] + j] = words >> j & 1
    value = INSTRUCTIONS[name].value
    assert isinstance(value, Apply)
    sums = ["sums", "sum.emit"]
    flags = {"add": sums, "addsat": [*sums, "addsat"], "saddsat": [*sums, "saddsat"]}.get(value.operation, [value.operation])
    for flag in flags:
        rows[:, offsets[flag]] = 1
    x = rows.astype(compiled.model.dtype)
    for layer in compiled.model.layers[1:]:
        x = x + _fed_forward(layer, x)
    bits = x[:, offsets["out"] : offsets["out"] + compiled.widths.word]
    assert ((bits == 0) | (bits == 1)).all()
    return (bits.astype(np.int64) << np.arange(compiled.widths.word)).sum(axis=1)


def _fed_forward(layer: Layer, x: np.ndarray) -> np.ndarray:
    """W_out relu(W_in x + b), without columns that are 0 in all rows, and units that no numbers between those of x can light."""
    given = x.any(axis=0)
    x, w_in = x[:, given], layer.w_in[:, given]
    lit = np.maximum(w_in, 0) @ x.max(axis=0) + np.minimum(w_in, 0) @ x.min(axis=0) + layer.b_in > 0
    return np.maximum(x @ w_in[lit].T + layer.b_in[lit], 0) @ layer.w_out[:, lit].T


def pairs(word_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """All operand pairs of 4-bit words; of longer words 3000 at random, corners and small shifts among them."""
    top = 1 << word_bits
    if word_bits == 4:
        return np.repeat(np.arange(top), top), np.tile(np.arange(top), top)
    rng = np.random.default_rng(word_bits)
    corners = np.array([0, 1, 2, word_bits - 1, word_bits, top // 2 - 1, top // 2, top - 2, top - 1])
    xs, ys = rng.integers(0, top, 3000), rng.integers(0, top, 3000)
    ys[:1000] = rng.integers(0, word_bits + 2, 1000)
    xs[1000:1100] = ys[1000:1100]
    return np.append(xs, np.repeat(corners, len(corners))), np.append(ys, np.tile(corners, len(corners)))
