"""The trace of a decode by the model of a task: its replay against a decoder that tells nothing; and the commands that show it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from kit import page_traces
from kit.commands import Do
from oracles import numpy_decoder
from oracles.trace_reader import DecodeReader, Reader

from lockstep.tasks.parity import WAYS, at_once


def test_the_trace_replays() -> None:
    """Every sequence, and what the heads of a row found: the right neighbour of a ONE."""
    wanted = page_traces.task()
    reader = Reader(wanted.header, base64.b64decode(wanted.packed))
    decode = DecodeReader(reader, 0)
    steps = list(decode.steps())
    assert [decode.column("start"), *(step.after for step in steps)] == wanted.sequences[0] and len(steps) == 4
    assert [step.time for step in steps] == [1, 2, 3, 4] and decode.column("context") == [11, 11, 7, 7, 1]
    assert reader.machine() and reader.header["P"] == 0 and reader.header["T"] == 4
    (right,) = (number for number, head in enumerate(decode.header["heads"]) if head["name"] == "right ONE")
    assert [found for found in steps[2].found[right]] == [2, 3, 4, 5, 6, "nothing"]


def test_no_process_has_a_task() -> None:
    assert page_traces.pair().header["task"] is None and page_traces.task().header["task"] is not None


def test_each_step_as_text(alone: Do) -> None:
    shown = alone("task parity 110 --trace")
    rows = [line.split() for line in shown.out.splitlines()[2:7]]
    assert rows == [
        ["4", "B", "1", "1", "0"], ["1", "4", "r1", "B", "1", "1", "*·"], ["2", "3", "d1", "B", "1", "1"],
        ["3", "3", "r2", "B", "*·", "*·"], ["4", "1", "d2", "B"],
    ]  # fmt: skip
    assert "time is the step" not in shown.out
    record = json.loads(alone("task parity 110 --trace --json").out)
    assert record["steps"][1] == {"step": 2, "context": 3, "deleted": [3]} and record["decoding_steps"] == 4


def test_a_page(alone: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = alone("task parity 110 --page word.html")
    assert shown.status == 0 and "wrote word.html" in shown.err
    assert "parity of 3 letters" in Path("word.html").read_text()
    lost = alone("task parity 110 --page nowhere/word.html")
    assert lost.status == 2 and lost.err.endswith("Error: Invalid value for --page: there is no directory nowhere\n")


@pytest.mark.parametrize("way", ["at-once", "front"])
def test_another_decoder_ends_alike(alone: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert alone(f"task parity 1101001 --way {way} --export word.job.safetensors").status == 0
    found = numpy_decoder.decode("word.job.safetensors")
    assert found.final == json.loads(found.metadata["final"]) and found.steps == int(found.metadata["decoding_steps"]) > 0


def test_no_other_file_is_overwritten(alone: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").write_text("keep me")
    lost = alone("task parity 11 --export mine.txt")
    assert (
        lost.status == 2
        and "--export: mine.txt exists and is no model file" in lost.err
        and Path("mine.txt").read_text() == "keep me"
    )


def test_arithmetic_that_is_not_exact_is_refused(alone: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WAYS, "at-once", (lambda bits: at_once(22), WAYS["at-once"][1]))
    refused = alone("task parity 11 --dtype float32")
    assert (
        refused.status == 1
        and refused.err.startswith("error: float32 is not exact here")
        and "use --dtype float64" in refused.err
    )
    assert alone("task parity 11").status == 0


def test_scripts_as_text(alone: Do) -> None:
    """Commands have a sign, a place and a letter; edges have the names of their nodes."""
    Path("script.txt").write_text("text ca\ninsert 1 h\nreplace 2 b\n")
    first, second = alone("task editor script.txt --trace").out.splitlines()[2:4]
    assert first.split() == ["6", "B", "+1h", "=2b", "|", "c", "a"] and second.split() == [
        "1",
        "7",
        "i1",
        "B",
        "+1h",
        "=2b",
        "|",
        "c",
        "*·",
        "a",
    ]
    Path("g.edges").write_text("0 1\n1 2\n")
    Path("more.txt").write_text("add 2 0\ndelete 0 1\n")
    assert alone("task edit-graph more.txt --graph g.edges --trace").out.splitlines()[2].split() == [
        "6",
        "B",
        "+2>0",
        "-0>1",
        "|",
        "0>1",
        "1>2",
    ]


def test_the_first_sample_as_text(alone: Do) -> None:
    shown = alone("task dyck -k 1 --samples 1 --seed 2 --positions 64 --trace")
    assert shown.status == 0 and shown.out.splitlines()[2].split() == ["3", "B", "·", "·"]
    refused = alone("task dyck -k 1 --prove 2 --trace")
    assert refused.status == 2 and "this shows the first sample" in refused.err


def test_another_decoder_ends_alike_on_a_learned_model(alone: Do) -> None:
    """Its position encodings are no integers."""
    assert alone("train parity --out learned.safetensors").status == 0
    shown = alone("task parity 1101 --model learned.safetensors --trace --page word.html --export word.job.safetensors")
    assert shown.status == 0 and "parity of 4 letters, learned" in Path("word.html").read_text()
    found = numpy_decoder.decode("word.job.safetensors")
    assert found.final == json.loads(found.metadata["final"]) and found.steps == int(found.metadata["decoding_steps"]) == 4
