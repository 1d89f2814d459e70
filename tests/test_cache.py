"""The parser's tables in the user's cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.commands import PROGRAMS

from lockstep.pram import parser
from lockstep.pram.cache import cache_folder, writable_cache_folder
from lockstep.pram.program import parse_program


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no parser made so far."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(parser, "_lark", parser._lark.__wrapped__)
    monkeypatch.setattr(parser, "_automaton", parser._automaton.__wrapped__)
    return tmp_path / "cache" / "lockstep"


def parsed() -> str:
    return repr(parse_program(PROGRAMS["tiny"]).tree)


def test_tables_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = parsed()
    (tables,) = folder.iterdir()
    made = tables.stat().st_mtime_ns
    assert parsed() == before and tables.stat().st_mtime_ns == made


def test_tables_that_are_damaged_are_made_anew(folder: Path) -> None:
    before = parsed()
    (tables,) = folder.iterdir()
    for damage in (b"", b"no tables", tables.read_bytes()[:900], b"0" * 64 + tables.read_bytes()[64:]):
        tables.write_bytes(damage)
        assert parsed() == before


def test_a_cache_that_cannot_be_written_is_not_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.parent.write_text("a file where the folder should be")
    assert writable_cache_folder() is None
    assert "program" in parsed().lower()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: Path("/home of nobody"))
    assert cache_folder() == Path("/home of nobody/.cache/lockstep")
