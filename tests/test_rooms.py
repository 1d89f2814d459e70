"""The plan of the front door: one room for each command."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep.cli import COMMANDS

FRONT = Path(__file__).parent.parent / "lockstep"
ROOMS = {path.stem: path for path in (FRONT / "commands").iterdir() if not path.name.startswith("__")}
#: Rooms that another one may import.
SHARED = {"sweep": {"report"}}
HEAVY = ("torch", "numba", "sympy", "z3", "dask", "distributed", "matplotlib", "hypothesis")


def rooms_imported(text: str) -> set[str]:
    """The rooms that a module names in its imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        names = [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[2] for name in names if name.startswith("lockstep.commands.")}
    return found


def texts(place: Path) -> list[str]:
    return [file.read_text() for file in ([place] if place.is_file() else place.rglob("*.py"))]


def test_every_command_has_its_room() -> None:
    named = [command.__name__ for commands in COMMANDS.values() for command in commands]
    assert sorted(named) == sorted(ROOMS)
    for command in (each for commands in COMMANDS.values() for each in commands):
        room = ROOMS[command.__name__]
        inside = "" if room.is_file() else ".command"
        assert command.__module__ == f"lockstep.commands.{command.__name__}{inside}"


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_are_apart(room: str) -> None:
    assert set().union(*map(rooms_imported, texts(ROOMS[room]))) <= {room} | SHARED.get(room, set())


def test_what_is_common_knows_no_command() -> None:
    assert not set().union(*map(rooms_imported, texts(FRONT / "common")))


def test_a_door_between_rooms_is_found() -> None:
    assert rooms_imported("def f():\n    from lockstep.commands.cost.sizes import plan_run") == {"cost"}
    assert rooms_imported("from lockstep.commands import run\nimport lockstep.commands.asm") == {"run", "asm"}


def test_nothing_else_stands_at_the_front() -> None:
    front = {"__init__.py", "__main__.py", "cli.py", "py.typed", "commands", "common"}
    links = {"pram", "models", "compiler", "proofs_check", "examples"}
    assert {path.name for path in FRONT.iterdir()} - {"__pycache__"} == front | links


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    code = f"import sys, lockstep.cli; print(*sorted(sys.modules.keys() & {set(HEAVY)!r}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
    seen = subprocess.run(
        [sys.executable, "-c", f"import lockstep.models.decode; {code}"], capture_output=True, text=True, check=True
    )
    assert "torch" in seen.stdout
