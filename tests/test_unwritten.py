"""Tests of reads of cells that nothing has written: one warning for each line, an error with --strict."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.commands import FINE, REFUTED, WRONG, Do

import lockstep
from lockstep.pram.errors import Diagnostic, PramError
from lockstep.pram.program import parse_program
from lockstep.pram.unwritten import refuse

HEAD = "program t\nmode CREW\nprocs 3\nshared A[3] : input, B[3] : output, C[3], q\n"
EACH = "parallel for i in 0 .. 2 do "
LINES = 4  # of HEAD


def warned(body: str, mode: str = "CREW") -> list[str]:
    """Return the warnings of a run: line, column and message."""
    found: list[Diagnostic] = []
    program = parse_program(HEAD.replace("CREW", mode) + body, "t.pram")
    lockstep.run(program, {}, {"A": [5, 6, 7]}, warn=found.append)
    return [w.render().split(": ", 2)[0].removeprefix("t.pram:") + " " + w.message for w in found]


def reads(step: int, pid: int, cell: str) -> str:
    return f"step {step}: processor {pid} reads {cell}, which nothing has written (it holds 0)"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (EACH + "B[i] := A[i] end", []),
        (EACH + "B[i] := C[i] end", ["5:37 " + reads(4, 0, "C[0]")]),
        (EACH + "C[i] := A[i] end\n" + EACH + "B[i] := C[i] end", []),
        (EACH + "B[i] := B[i] end", ["5:37 " + reads(4, 0, "B[0]")]),  # what is only output is not given
        (EACH + "if i > 0 then C[i] := A[i] end B[i] := C[i] end", ["5:68 " + reads(9, 0, "C[0]")]),
        (EACH + "if i < 2 then C[i] := A[i] end B[i] := C[i] end", ["5:68 " + reads(9, 2, "C[2]")]),
        ("local x := q", ["5:12 " + reads(1, 0, "q")]),
        ("local x := q\nlocal y := q", ["5:12 " + reads(1, 0, "q"), "6:12 " + reads(2, 0, "q")]),
        ("local x := q + C[0]", ["5:12 " + reads(1, 0, "q")]),  # one a line
        ("for j in 0 .. 2 do local x := C[j] end", ["5:31 " + reads(4, 0, "C[0]")]),
        ("single do C[1] := 1 end\nlocal x := C[1]", []),
        ("single do C[1] := 0 end\nlocal x := C[1]", []),  # writing 0 is writing
        ("if A[0] == 0 then local x := q end", []),  # not run, not read
    ],
)
def test_what_is_warned_of(body: str, expected: list[str]) -> None:
    assert warned(body) == expected


def test_a_read_in_the_step_of_the_first_write_finds_the_cell_unwritten() -> None:
    """A load and the first store of a cell in one step: the load still warns. Only processors at different instructions can do this."""
    from dataclasses import replace

    from kit.cases import job

    from lockstep.pram import machine
    from lockstep.pram.instructions import PID, Instruction, constant

    zero = constant(0)
    code = (
        Instruction("jz", PID, target=3),
        Instruction("load", zero, zero, rd=0),
        Instruction("halt"),
        Instruction("store", zero, zero, constant(1)),
        Instruction("halt"),
        Instruction("load", zero, zero, rd=0),
    )
    found: list[Diagnostic] = []
    machine.run(job(*code, processors=2, mode="CREW"), warn=found.append)
    assert [w.message for w in found] == [reads(2, 1, "cell 0")]
    given = replace(job(*code, processors=2, mode="CREW"), inputs=1)
    machine.run(given, warn=refuse)


def test_the_first_warning_is_an_error_for_those_who_refuse_it() -> None:
    with pytest.raises(PramError) as caught:
        lockstep.run(parse_program(HEAD + "local x := q\nlocal y := q", "t.pram"), {}, {"A": [1, 2, 3]}, warn=refuse)
    assert str(caught.value) == f"t.pram:5:12: error: {reads(1, 0, 'q')}\n  local x := q\n             ^"


UNWRITTEN = "program t\nparam n\nshared B[n] : output, C[n]\nfor i in 0 .. n - 1 do\n  B[i] := C[i]\nend\n"
SHOWN = "t.pram:5:11: {}: " + reads(4, 0, "C[0]") + "\n    B[i] := C[i]\n            ^\n"


def test_run_warns_and_goes_on(do: Do) -> None:
    Path("t.pram").write_text(UNWRITTEN)
    outcome = do("run t.pram --size 2")
    assert (outcome.status, outcome.err) == (FINE, SHOWN.format("warning"))
    assert "[0, 0]" in outcome.out


def test_run_warns_before_it_fails(do: Do) -> None:
    Path("t.pram").write_text(UNWRITTEN)
    outcome = do("run t.pram --size 2 --max-steps 5")
    assert outcome.status == WRONG
    assert outcome.err.startswith(SHOWN.format("warning") + "t.pram:4:1: error: step 5: no halt within 5 steps")


@pytest.mark.parametrize("command", ["run t.pram --size 2", "decode t.pram --size 2", "verify t.pram --sizes 2"])
def test_strict_commands_refuse(command: str, do: Do) -> None:
    Path("t.pram").write_text(UNWRITTEN)
    outcome = do(f"{command} --strict --no-sidecar" if command.startswith("verify") else f"{command} --strict")
    if command.startswith("verify"):  # a run that is refused is a failed check
        assert outcome.status == REFUTED and outcome.err == f"FAILED: n 2: {SHOWN.format('error')}"
    else:
        assert outcome == (WRONG, "", SHOWN.format("error"))
    assert do(command).status == FINE
