"""What Python prints of public objects is short, whatever they hold."""

from __future__ import annotations

from pathlib import Path

import lockstep
from lockstep.commands.compile import compile_to_file
from lockstep.compiler.blocks import Widths

PROGRAM = """program wide
param n
procs n
shared A[n] : inout
parallel for i in 0 .. n - 1 do A[i] := A[i] + 1 end
"""


def test_public_objects_print_short() -> None:
    program = lockstep.parse_program(PROGRAM)
    given = {"n": 60}, {"A": [1] * 60}
    assert repr(program) == "<Program wide: EREW, parameters n>"
    text = repr(lockstep.run(program, *given))
    assert text.startswith('<Run: time 8, work 480, 60 processors, EREW, outputs {"A": [2, 2,') and len(text) < 140
    text = repr(lockstep.decode(program, *given, engine="indexed"))
    assert text.startswith("<Decoded: 9 decoding steps, context ") and len(text) < 140
    report = lockstep.verify(program, sizes=[1], random=1)
    assert repr(report) == f"<Report of wide: {report.conclusion}>"
    compiled = lockstep.compile(program, Widths(8, 6, 6))
    assert repr(compiled).startswith("<Compiled: mdm, d_model ") and len(repr(compiled)) < 140


def test_a_model_file_keeps_the_name_of_its_program_only(tmp_path: Path) -> None:
    """Its author's folders are nobody's business."""
    (tmp_path / "wide.pram").write_text(PROGRAM)
    model = tmp_path / "wide.safetensors"
    compile_to_file(lockstep.load(tmp_path / "wide.pram"), model, Widths(8, 6, 6), "float64", "mdm")
    assert b"wide.pram" in model.read_bytes() and str(tmp_path).encode() not in model.read_bytes()
