"""What `print` statements show: `lockstep run --trace`, and `lockstep.run(.., show=..)`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kit.commands import FINE, WRONG, Do

import lockstep
from lockstep.pram.program import parse_program
from lockstep.pram.showing import NoValue, Printed

TEXT = """program t
param n
procs 3
shared A[n] : inout
print "start", n, n - 5
parallel for i in 0 .. n - 1 do
  A[i] := A[i] * 2
  if i > 0 then print i, A[i], A[i + 1] end
end
print pid
"""
INPUT = {"params": {"n": 3}, "arrays": {"A": [1, 2, 3]}}
OUTSIDE = "index 3 is outside `A` (0 .. 2)"
ROWS = [
    Printed(1, 5, None, ("start", 3, -2)),
    Printed(9, 8, 1, (1, 4, 6)),
    Printed(9, 8, 2, (2, 6, NoValue(OUTSIDE))),
    *(Printed(11, 10, pid, (pid,)) for pid in range(3)),
]


def written(text: str = TEXT) -> str:
    Path("t.pram").write_text(text)
    Path("in.json").write_text(json.dumps(INPUT))
    return "run t.pram --input in.json"


def test_a_run_shows_what_is_printed() -> None:
    """Steps by hand: a parallel takes 4, `A[i] := A[i] * 2` 3, and `i > 0` with its branch 2. Three of the 4 come before the body."""
    found: list[Printed] = []
    program = parse_program(TEXT)
    ours = lockstep.run(program, INPUT["params"], INPUT["arrays"], show=found.append)
    assert found == ROWS and ours.outputs == {"A": [2, 4, 6]} and ours.time == 4 + 3 + 3 + 1


def test_the_trace_is_a_table_or_json(do: Do) -> None:
    command = written()
    outcome = do(f"{command} --trace")
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert outcome.status == FINE
    rows = ["1 5 all start 3 -2", "9 8 1 1 4 6", f"9 8 2 2 6 ({OUTSIDE})", "11 10 0 0", "11 10 1 1", "11 10 2 2"]
    assert lines[0] == "step line processor printed" and lines[2:8] == rows
    record = json.loads(do(f"{command} --trace --json").out)
    plain = json.loads(do(f"{command} --json").out)
    assert record.pop("trace")[2] == {"step": 9, "line": 8, "processor": 2, "values": [2, 6, {"no value": OUTSIDE}]}
    assert len(record.pop("steps")) == plain["time"]
    assert record == plain
    without = do(command)
    results = [" ".join(x.split()) for x in without.out.splitlines()]
    assert "start" not in without.out and results == lines[-len(results) :]


def test_what_was_printed_before_an_error_is_shown(do: Do) -> None:
    outcome = do(written(TEXT + "print n\nA[n] := 1\n") + " --trace")
    assert outcome.status == WRONG and "11    11        all  3" in outcome.out and "index 3 is outside" in outcome.err


def test_long_traces_are_cut_unless_full(do: Do) -> None:
    command = written("program t\nparam n\nword 12\nshared A[n] : inout\nfor i in 1 .. 250 do print i end\n")
    cut, full = do(f"{command} --trace").out, do(f"{command} --trace --full").out
    assert "all  200" in cut and "all  201" not in cut and "50 more rows; --full prints all" in cut
    assert "all  250" in full and "more rows" not in full


def test_a_trace_of_nothing_is_said(do: Do) -> None:
    head = "program t\nparam n\nshared A[n] : inout\n"
    nothing = do(written(head) + " --trace")
    assert nothing.status == FINE and "print" not in nothing.out, "a program without `print` has its steps only"
    never = do(written(head + "if n > 9 then print n end\n") + " --trace")
    assert never.status == FINE and never.out.startswith("the run reached no `print`\n")
    assert "--trace shows one run: give --size instead of --sizes" in do("run t.pram --sizes 1..3 --trace").err


#: Statements of 2 processors, x = 2, words of 6 bits, mode EREW; what processors 0 and 1 print, each with its step.
PRINTED: list[tuple[str, list[tuple[int, int | None, Any]]]] = [
    ("print x while x > 0 do x -= 1 end", [(2, None, 2)]),
    ("while x > 0 do print x x -= 1 end", [(4, None, 2), (8, None, 1)]),
    ("repeat print x x -= 1 until x == 0", [(2, None, 2), (5, None, 1)]),
    ("print 7 repeat print x x -= 1 until x == 0 print 9", [(2, None, 7), (2, None, 2), (5, None, 1), (8, None, 9)]),
    ("repeat while x > 1 do x -= 1 end print x until x == 1", [(8, None, 1)]),
    ("for i in 1 .. 2 do print i end print 5", [(5, None, 1), (9, None, 2), (13, None, 5)]),
    ("if pid == 0 then print 1 else print 2 end", [(4, 0, 1), (4, 1, 2)]),
    ("single do print pid end", [(4, 0, 0)]),
    ("if x == 9 then print 1 end print s", [(5, None, 4)]),
    ("parallel for i in 0 .. 1 do print s end", [(5, 0, 4), (5, 1, 4)]),
    ("parallel for i in 1 .. 2 do while x > i atmost 2 do print x x -= 1 end end", [(9, 0, 2)]),
    (
        "print -1 print x - 3",
        [(2, None, -1), (2, None, NoValue("underflow: 2 - 3 is negative; `word 6 signed` has negative words"))],
    ),
    ("print 1 / (x - 2)", [(2, None, NoValue("division of 1 by zero"))]),
    ("halt print x", []),
    ("print (x + 1) * (x + 2) x := x * (x + 3)", [(2, None, 12)]),
]


@pytest.mark.parametrize(("statement", "rows"), PRINTED)
def test_each_arrival_prints_once(statement: str, rows: list[tuple[int, int | None, Any]]) -> None:
    program = parse_program(f"program t procs 2 word 6 shared s : input local x := 2 {statement}")
    found: list[Printed] = []
    lockstep.run(program, {}, {"s": 4}, show=found.append)
    assert found == [Printed(step, 1, processor, (value,)) for step, processor, value in rows]
