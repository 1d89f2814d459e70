"""Every command's output at 80 columns: nothing is cut, and colours are readable on a light and on a dark terminal."""

from __future__ import annotations

import io
import re
from importlib import import_module
from pathlib import Path

import pytest
from kit.commands import FINE, Do
from rich.console import Console

#: Colours that cannot be read on a white or on a black background: yellow, cyan, white, black, bright ones; and dim text.
UNREADABLE = re.compile(r"\x1b\[(?:\d+;)*(?:2|30|33|36|37|9\d)(?:;\d+)*m")

LINES = (
    "examples",
    "asm tree_sum",
    "check tiny.pram",
    "run tree_sum --size 40",
    "run tree_sum --sizes 1..4",
    "run turing --sizes 1,2",
    "profile tree_sum --size 8",
    "profile dyck --size 4 --sort",
    "modes or_constant --sizes 1..3",
    "compile tree_sum",
    "decode tree_sum --size 2",
    "decode tiny.pram --input many.jsonl",
    "export tree_sum --size 2",
    "verify tree_sum --sizes 1,2 --random 1 --process all --schedule all --explain",
    "sweep tiny.pram --sizes 1..2 --random 1 --workers 0",
    "report sweep.sqlite",
    "fuzz --programs 2",
    "theorems",
    "certify tree_sum",
    "certify tree_sum --process ap-mdm --schedule one-step",
    "prove tiny.pram --word-bits 2",
    "cost hillis_steele --size 1e6 --exact",
    "cost closure --size 100 --exact",
    "cost tiny.pram --size 3 --exact --check",
    "space tree_sum --sizes 1..3 --max-context 60",
    "space dyck --sizes 1 --max-context 0",
    "compare tree_sum --size 8",
    "compare tree_sum --size 1000 --max-context 0",
    "compare histogram --size 3",
    "doctor",
)


#: Modules that hold the console.
PRINTING = ("common.console", "commands.asm", "commands.profile", "commands.report.conclude")


def test_unreadable_colours_are_found() -> None:
    assert UNREADABLE.search("\x1b[1;33mx") and UNREADABLE.search("\x1b[2mx") and not UNREADABLE.search("\x1b[1;35mx")


def test_no_command_needs_more_than_80_columns(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("many.jsonl").write_text("\n".join(['{"params": {"n": 2}, "arrays": {"A": [3, 1]}}'] * 2))
    page = io.StringIO()
    narrow = Console(file=page, width=80, force_terminal=True, color_system="standard", legacy_windows=False)
    printing = [import_module(f"lockstep.{name}") for name in PRINTING]  # first: what is imported later would keep `narrow`
    for module in printing:
        monkeypatch.setattr(module, "out", narrow)
    for line in LINES:
        page.seek(page.truncate(0))
        outcome = do(line)
        text = page.getvalue() or outcome.out
        assert outcome.status == FINE, (line, outcome.err)
        assert text and not UNREADABLE.search(text), line
        plain = re.sub(r"\x1b\[[\d;]*m", "", text)
        assert "…" not in plain and max(map(len, plain.splitlines())) <= 80, (line, plain)
