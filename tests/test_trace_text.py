"""Tests the text form of a trace: `run --trace` and `decode --trace`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.constructions import misread
from kit.commands import FINE, MISUSED, WRONG, Do
from kit.jobs import DIRECTORY
from kit.trace_rows import assert_rows_of_run
from kit.traces import drawn
from rich.console import Console
from rich.text import Text

from lockstep.common import console
from lockstep.common.tracing.decode_text import MORE, token_text
from lockstep.compiler.compile import compile_job
from lockstep.compiler.names import EVERY
from lockstep.pram.machine import run
from lockstep.pram.program import load, parse_program

PAIRS = """program pairs
mode EREW
param n
procs n
word 6
shared A[2 * n] : inout
parallel for i in 0 .. n - 1 do
  A[i] := A[i] + A[i + n]
end
"""


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, dict[str, object]], str]:
    def write(text: str, values: dict[str, object]) -> str:
        monkeypatch.chdir(tmp_path)
        Path("t.pram").write_text(text)
        Path("in.json").write_text(json.dumps(values))
        return "t.pram --input in.json"

    return write


Given = Callable[[str, dict[str, object]], str]
INPUT: dict[str, object] = {"params": {"n": 2}, "arrays": {"A": [3, 1, 40, 5]}}


def cells(line: str) -> list[str]:
    return line.split()


def table(out: str, marks: str = "* was written") -> list[list[str]]:
    """The rows of the first table, without its head."""
    lines = out.splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("─")) + 1
    return [cells(line) for line in lines[first : next(at for at, line in enumerate(lines) if line.startswith(marks))]]


# -- run --trace ---------------------------------------------------------------------------------


def test_a_run_has_a_row_for_each_step(do: Do, given: Given) -> None:
    """The store of the only assignment is the step before the jump, the nop and the halt: it writes A[0] and A[1]."""
    command = given(PAIRS, INPUT)
    outcome = do(f"run {command} --trace")
    program = parse_program(PAIRS)
    job = program.instantiate({"n": 2}, {"A": [3, 1, 40, 5]})
    trace = run(job, trace=True).trace
    rows = table(outcome.out)
    assert outcome.status == FINE and rows[0] == ["A", "3", "1", "40", "5"]
    assert [row[0] for row in rows[1:]] == [str(step.number) for step in trace]
    memory = [3, 1, 40, 5]
    for row, step in zip(rows[1:], trace):
        written = {int(cell): int(value) for cell, value in zip(step.destination, step.value) if cell >= 0}
        for cell, value in written.items():
            memory[cell] = value
        assert row[4:] == [f"*{word}" if cell in written else f"{word}" for cell, word in enumerate(memory)]
        counters = {int(at) for at in step.counter if at >= 0}
        lines = {instruction.at.line for at in counters if (instruction := job.code[at]).at}
        assert row[1] == " ".join(map(str, lines)) or len(lines) > 1
    stores = [row for row in rows if "*43" in row]
    assert len(stores) == 1 and stores[0][1:4] == ["8", "2", "A"]
    assert all(len(line) <= 80 for line in outcome.out.splitlines())
    assert "\x1b" not in outcome.out


@pytest.mark.parametrize("name, size", [("tree_sum", 5), ("list_rank", 2), ("dyck", 1), ("closure", 2)])
def test_rows_say_what_the_machine_does(name: str, size: int) -> None:
    assert_rows_of_run(drawn(load(DIRECTORY / f"{name}.pram"), size))


def test_a_large_memory_shows_what_changes(do: Do, given: Given) -> None:
    command = given(PAIRS, {"params": {"n": 20}, "arrays": {"A": [1] * 40}})
    rows = [" ".join(row) for row in table(do(f"run {command} --trace").out)]
    wanted = "*A[0] 1 > 2, *A[1] 1 > 2"
    (at,) = (number for number, row in enumerate(rows) if wanted in row)
    text = " ".join(rows[at : at + 6])
    assert "*A[11] 1 > 2, and 8 more" in text and "*A[12]" not in text


def test_signed_words_are_shown_as_numbers(do: Do, given: Given) -> None:
    command = given(
        "program t\nparam n\nword 8 signed\nshared s : inout\nsingle do s := s - n end\n",
        {"params": {"n": 3}, "arrays": {"s": 1}},
    )
    assert ["s", "*-2"] in [row[3:] for row in table(do(f"run {command} --trace").out)]


def test_steps_stand_in_json(do: Do, given: Given) -> None:
    command = given(PAIRS, INPUT)
    record, plain = (json.loads(do(f"run {command} --json{flag}").out) for flag in (" --trace", ""))
    steps = record.pop("steps")
    assert record.pop("trace") == [] and record == plain and len(steps) == plain["time"]
    (store,) = (step for step in steps if step["writes"])
    assert store["writes"] == {"A[0]": 43, "A[1]": 6} and store["lines"] == [8] and store["processors"] == 2
    reads = [step["reads"] for step in steps if step["reads"]]
    assert reads == [
        [{"processor": 0, "cell": "A[0]"}, {"processor": 1, "cell": "A[1]"}],
        [{"processor": 0, "cell": "A[2]"}, {"processor": 1, "cell": "A[3]"}],
    ]


def test_a_run_that_fails_shows_its_steps(do: Do, given: Given) -> None:
    command = given(PAIRS.replace("A[i + n]", "A[n]"), INPUT)
    outcome = do(f"run {command} --trace")
    assert outcome.status == WRONG and "read A[2] (mode EREW)" in outcome.err
    step = int(outcome.err.partition("step ")[2].partition(":")[0])
    assert [row[0] for row in table(outcome.out)[1:]] == [str(number) for number in range(1, step)]


def test_long_runs_are_cut(do: Do, given: Given) -> None:
    command = given(
        "program t\nparam n\nword 12\nshared s : inout\nfor i in 1 .. 150 do end\n", {"params": {"n": 1}, "arrays": {"s": 1}}
    )
    cut, full = do(f"run {command} --trace").out, do(f"run {command} --trace --full").out
    time = json.loads(do(f"run {command} --json").out)["time"]
    assert len(table(cut)) == 201 and f"{time - 200} more steps; --full prints all" in cut
    assert len(table(full)) == time + 1 and "more step" not in full


# -- decode --trace ------------------------------------------------------------------------------


def test_a_decode_has_a_row_for_each_step(do: Do, given: Given) -> None:
    command = given(PAIRS, INPUT)
    outcome = do(f"decode {command} --trace")
    rows = table(outcome.out, "u unmasked")
    assert outcome.status == FINE
    time = json.loads(do(f"run {command} --json").out)["time"]
    assert [row[:3] for row in rows[1:]] == [[str(n), str(n), row[2]] for n, row in zip(range(1, time + 2), rows[1:])]
    assert [row[3] for row in rows[1:]] == [*["u6"] * time, "u4"]
    assert rows[-1][-4:] == ["*43", "*6", "*40", "*5"]
    assert all(len(line) <= 80 for line in outcome.out.splitlines()) and "\x1b" not in outcome.out


def test_a_state_that_is_edited_in_place(do: Do) -> None:
    """The last steps of ap-mdm remask all but BOS, outputs and a HALT, then delete the masks."""
    out = do("decode tree_sum --size 1 --process ap-mdm --trace").out
    rows = table(out, "u unmasked")
    assert rows[1][:4] == ["1", "0", "9", "i1"] and rows[1][-1] == "*·"
    assert rows[-1][2] == "3" and rows[-1][3].startswith("d") and rows[-1][4] == "B" and rows[-1][-1] == "H"
    assert rows[-2][3].startswith("r")


@pytest.mark.parametrize("construction", EVERY)
def test_every_process_has_rows(do: Do, construction: str) -> None:
    process, _, schedule = construction.partition(" ")
    flags = f"--process {process}" + (f" --schedule {schedule}" if schedule else "")
    record = json.loads(do(f"decode tree_sum --size 2 {flags} --trace --json").out)
    plain = json.loads(do(f"decode tree_sum --size 2 {flags} --json").out)
    steps = record.pop("steps")
    assert record | {"engine": ""} == plain | {"engine": ""}
    assert [step["step"] for step in steps] == list(range(1, plain["decoding_steps"] + 1))
    assert max(step["context"] for step in steps) == plain["context"]
    shown = do(f"decode tree_sum --size 2 {flags} --trace").out
    assert all(len(line) <= 80 for line in shown.splitlines())
    changed = [row for row in table(shown, "u unmasked")[1:] if any(cell.startswith("*") for cell in row)]
    assert len(changed) >= min(200, len(steps)) - 1  # a step that only deletes marks nothing


def test_a_wrong_decode_ends_at_its_first_wrong_token(do: Do, given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "program t\nparam n\nshared A[n] : inout\nsingle do A[0] := A[0] ^ 3 end\n"
    command = given(text, {"params": {"n": 1}, "arrays": {"A": [1]}})
    misread(monkeypatch, "mdm", "xor", "or")
    outcome = do(f"decode {command} --trace")
    rows = table(outcome.out, "u unmasked")
    assert outcome.status == WRONG and "value: expected WORD 2, found WORD 3" in outcome.err
    step = outcome.err.partition("decoding step ")[2].partition(",")[0]
    assert rows[-1][0] == step and "*3" in rows[-1]


def test_tokens_are_written_shortly() -> None:
    job = parse_program(PAIRS).instantiate({"n": 2}, {"A": [3, 1, 40, 5]})
    layout = compile_job(job, 9, "float64", "mdm").layout(job, 9)
    token = layout.circuit.vocabulary.token
    tokens = [token("BOS"), token("MASK"), token("WORD", 7), token("REG", 2), token("PC", 3), token("HALT"), token("NONE")]
    assert [token_text(layout, each) for each in tokens] == ["B", "·", "7", "r2", "p3", "H", "-"]
    pairs = compile_job(job, 9, "float64", "masked-arm").layout(job, 9)
    assert token_text(pairs, pairs.circuit.vocabulary.token("REG@", 20 << pairs.value_bits | 2)) == "20:r2"  # type: ignore[union-attr]


def test_a_long_sequence_shows_where_it_is_edited(do: Do) -> None:
    rows = table(do("decode tree_sum --size 2 --process arm --trace").out, "u unmasked")
    last = rows[-1]
    assert last[4].startswith("@") and last[-1].startswith("*") and MORE not in last[-1]


@pytest.mark.parametrize("flags, message", [("--size 2 --time 50", "leave --time out"), ("--input many.jsonl", "give one input")])
def test_what_cannot_be_traced(do: Do, given: Given, flags: str, message: str) -> None:
    given(PAIRS, INPUT)
    Path("many.jsonl").write_text("{}\n")
    outcome = do(f"decode t.pram {flags} --trace")
    assert outcome.status == MISUSED and message in " ".join(outcome.err.split())


# -- terminals -----------------------------------------------------------------------------------


def test_a_terminal_has_pages_and_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    paged: list[str] = []
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(console, "out", terminal)
    monkeypatch.setattr("rich.pager.SystemPager.show", lambda self, content: paged.append(content))
    console.emit({}, Text("x", "bold"), False, paged=True)
    assert len(paged) == 1 and "\x1b[1mx" in paged[0]
    console.emit({}, Text("y"), False)
    assert len(paged) == 1
