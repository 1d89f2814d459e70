"""The plan of the front door: one room for each command."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep.cli import COMMANDS
from lockstep.commands.task.command import TASKS
from lockstep.commands.train.command import TRAININGS
from lockstep.common.groups import Table

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


NAMES = COMMANDS.names
IN_TABLES = [(table, name) for table in (COMMANDS, TASKS, TRAININGS) for name in table.names]


def test_every_command_has_its_room() -> None:
    assert sorted(NAMES) == sorted(ROOMS)
    for name in NAMES:
        assert COMMANDS.function_of(name).__module__ == COMMANDS.module_of(name)


def test_every_task_has_its_file() -> None:
    beside = {"command", "proving", "solved", "telling", "graphs"}
    for table in (TASKS, TRAININGS):
        places = {path.stem for path in table.folder.iterdir() if not path.name.startswith("__")}
        assert {name.replace("-", "_") for name in table.names} == places - beside


@pytest.mark.parametrize(["table", "name"], IN_TABLES, ids=[f"{table.package} {name}" for table, name in IN_TABLES])
def test_the_list_of_commands_has_the_first_line_of_each_help(table: Table, name: str) -> None:
    assert table.summary_of(name) == (table.function_of(name).__doc__ or "").splitlines()[0]


def test_only_the_command_that_runs_is_imported() -> None:
    code = "import sys; sys.argv = ['lockstep', 'asm', '--help']\nfrom lockstep.cli import main\n"
    code += "try: main()\nfinally: print(*[m for m in sys.modules if m.startswith('lockstep.commands.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "lockstep.commands.asm"


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_are_apart(room: str) -> None:
    assert set().union(*map(rooms_imported, texts(ROOMS[room]))) <= {room} | SHARED.get(room, set())


def test_what_is_common_knows_no_command() -> None:
    assert not set().union(*map(rooms_imported, texts(FRONT / "common")))


def test_a_door_between_rooms_is_found() -> None:
    assert rooms_imported("def f():\n    from lockstep.commands.cost.sizes import plan_run") == {"cost"}
    assert rooms_imported("from lockstep.commands import run\nimport lockstep.commands.asm") == {"run", "asm"}


def test_nothing_else_stands_at_the_front() -> None:
    front = {"__init__.py", "__main__.py", "cli.py", "pytest_plugin.py", "py.typed", "commands", "common", "viewer"}
    links = {"pram", "models", "compiler", "tasks", "proofs_check", "examples"}
    assert {path.name for path in FRONT.iterdir()} - {"__pycache__"} == front | links


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    for imported, heavy in (
        ("lockstep.cli", "\n"),
        (", ".join(map(COMMANDS.module_of, NAMES)), "\n"),
        ("lockstep.models.torch_transformer", "torch\n"),
    ):
        code = f"import sys, {imported}; print(*sorted(sys.modules.keys() & {set(HEAVY)!r}))"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == heavy
