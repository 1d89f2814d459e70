"""What README and the docs show is what the commands print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lockstep
from lockstep.pram.format import format_text
from lockstep.pram.program import parse_program

ROOT = Path(__file__).parent.parent


def blocks(file: str, language: str = "") -> list[str]:
    """The fenced blocks of a document."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / file).read_text(), re.MULTILINE | re.DOTALL)


def test_the_table_on_the_first_screen() -> None:
    (shown,) = (b for b in blocks("README.md") if b.startswith("$ lockstep verify"))
    command, table = shown.split("\n", 1)
    arguments = command.split()[2:]
    ran = subprocess.run([sys.executable, "-m", "lockstep.cli", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.rstrip() for line in ran.stdout.rstrip().splitlines()] == table.rstrip().splitlines()


def test_the_table_of_all_processes() -> None:
    (shown,) = (b for b in blocks("docs/processes.md") if b.startswith("$ lockstep compare"))
    command, table = shown.split("\n", 1)
    line = [sys.executable, "-m", "lockstep.cli", *command.split()[2:]]
    ran = subprocess.run(line, cwd=ROOT, env=os.environ | {"COLUMNS": "80"}, capture_output=True, text=True, check=True)
    assert [row.rstrip() for row in ran.stdout.rstrip().splitlines()] == table.rstrip().splitlines()


def test_the_python_of_the_readme() -> None:
    (code,) = blocks("README.md", "python")
    names: dict[str, object] = {}
    exec(code.replace('"examples/', f'"{ROOT}/examples/'), names)
    assert eval("(run.outputs, run.time, decoded.outputs, decoded.steps)", names) == ({"total": 9}, 43, {"total": 9}, 44)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_programs_of_the_language_document(size: int) -> None:
    programs = [b for b in blocks("docs/language.md") if b.startswith("program ") and "decl*" not in b]
    assert [p.split()[1] for p in programs] == ["tree_sum", "any_set"]
    for text in programs:
        report = lockstep.verify(parse_program(text), sizes=[size], random=2, max_context=150)
        assert report.holds
        assert any(check.what == "claim time" for check in report.checks)


@pytest.mark.parametrize("document", ["README.md", "docs/language.md"])
def test_programs_of_documents_are_laid_out(document: str) -> None:
    programs = [b for b in blocks(document) if b.startswith("program ") and "decl*" not in b]
    assert programs and [format_text(text) for text in programs] == programs


def test_documents_name_files_that_exist() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for name in re.findall(r"`((?:[a-z_]+/)+[a-z_0-9]+\.(?:py|pram|md|lark))`", document.read_text()):
            assert (ROOT / name).exists(), (document.name, name)
