"""Every word operation on the weights themselves: the two MLPs that compute it, fed with operand bits."""

from __future__ import annotations

import pytest
from kit.cases import job
from kit.word_operations import MEANINGS, apply, compiled_with_everything, pairs

from lockstep.compiler.blocks import Widths
from lockstep.compiler.compile import compile_code
from lockstep.compiler.processor import Code
from lockstep.pram.instructions import INSTRUCTIONS, Apply, Instruction, Operand
from lockstep.pram.word import WORD_OPERATIONS
from lockstep.proofs_check.certificate import certify


def test_every_operation_is_tested() -> None:
    applied = {name: row.value.operation for name, row in INSTRUCTIONS.items() if isinstance(row.value, Apply)}
    assert {applied[name] for name in MEANINGS} == set(WORD_OPERATIONS)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("word_bits", [4, 8, 12, 16])
def test_operations_on_the_weights(word_bits: int, dtype: str) -> None:
    compiled = compiled_with_everything(word_bits, dtype)
    xs, ys = pairs(word_bits)
    for name, meaning in MEANINGS.items():
        if name == "sdiv" and dtype == "float32" and word_bits == 16:
            continue  # its sums reach 2^27: the certificate refuses float32, as the next test shows
        expected = [meaning(x, y, word_bits) % (1 << word_bits) for x, y in zip(xs.tolist(), ys.tolist())]
        assert apply(compiled, name, xs, ys).tolist() == expected, name


def test_signed_division_of_long_words_needs_float64() -> None:
    register = Operand("register", 0)
    code = Code.of(job(Instruction("sdiv", register, register, rd=0), word_bits=16))
    for dtype, fits in (("float64", True), ("float32", False)):
        compiled = compile_code(code, Widths(16, 4, 2), dtype)
        assert certify(compiled.model, compiled.circuit).holds == fits


def test_a_wrong_gate_is_found() -> None:
    """The check can fail: one gate's sign turned, and some product is wrong."""
    compiled = compiled_with_everything(8, "float64")
    column = compiled.circuit.offsets()["mul.partial"] + 5
    w_out = compiled.model.layers[1].w_out
    w_out[column] = -w_out[column]
    xs, ys = pairs(8)
    with pytest.raises(AssertionError):
        assert apply(compiled, "mul", xs, ys).tolist() == (xs * ys % 256).tolist()
