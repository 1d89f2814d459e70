"""The tutorial: its files, its changes and its commands, in their order, print what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep import cli

PAGE = (Path(__file__).parent.parent / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = [(block.group(1), block.start()) for block in re.finditer(r"^```\w*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]


def expected(output: str) -> re.Pattern[str]:
    """What a block shows: `...` on a line of its own stands for any lines, in a line for any text; no output stands for any output."""
    lines = output.splitlines() or ["..."]
    parts = [r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(re.escape("..."), ".*") + "\n" for line in lines]
    return re.compile("".join(parts))


def run(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command of the page, and return what a terminal shows of it, without white space at the ends of lines."""
    if line.startswith("cat "):
        return Path(line.removeprefix("cat ")).read_text(encoding="utf-8").rstrip() + "\n"
    if line.startswith("pytest "):
        command = [sys.executable, "-m", *line.split(), "-p", "no:cacheprovider"]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"PYTEST_ADDOPTS": ""})
        return ran.stdout
    monkeypatch.setattr(sys, "argv", line.split())
    with pytest.raises(SystemExit):
        cli.main()
    out, err = capsys.readouterr()
    shown = out or err  # of a failing `verify`, the table has all; the summary on standard error repeats it
    return "".join(f"{text.rstrip()}\n" for text in shown.rstrip().splitlines())


def change(text: str, block: str) -> str:
    """Return a program after a change of the page: each line replaces the one that it resembles, or is put where the page says."""
    for line in block.splitlines():
        text = _put(text, line)
    return text


#: What the first words of a changed line replace; what is missing is put after the last line that begins with a word of AFTER.
AFTER = ("ensures", "requires", "shared", "procs")


def _put(text: str, line: str) -> str:
    words, lines = line.split(), text.splitlines()
    start = " ".join(words[:2]) if words[0] in ("claim", "local", "parallel") else words[0]
    for number, old in enumerate(lines):
        if " ".join(old.split()).startswith(start):
            lines[number] = line
            return "\n".join(lines) + "\n"
    place = max(number for number, old in enumerate(lines) if old.split() and old.split()[0] in (*AFTER, "claim"))
    lines.insert(place + 1, line)
    return "\n".join(lines) + "\n"


def test_every_command_of_the_tutorial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    current, ran = Path("total.pram"), 0
    for block, start in BLOCKS:
        if block.startswith("$ "):
            command, _, output = block[2:].partition("\n")
            ran += 1
            assert expected(output).fullmatch(shown := run(command, monkeypatch, capsys)), f"$ {command}\n{shown}"
        elif (named := re.search(r"[Ww]rite this to\s+`([\w./]+)`", PAGE[:start].rsplit("\n\n", 2)[-2])) is not None:
            current = Path(named.group(1))
            current.write_text(block, encoding="utf-8")
        else:
            current.write_text(change(current.read_text(encoding="utf-8"), block), encoding="utf-8")
    assert ran >= 15
