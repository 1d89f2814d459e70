"""The plan of the house: who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

import networkx as nx
import pytest
from kit.imports import MAY_IMPORT, OURS, imports

ROOT = Path(__file__).parent.parent


def forbidden(package: str, text: str) -> set[str]:
    return (imports(text) & set(OURS)) - MAY_IMPORT[package] - {package}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_floors(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    assert not {str(f): found for f in files if (found := forbidden(package, f.read_text()))}


def test_a_breach_is_found() -> None:
    assert forbidden("models", "def f():\n    from lockstep.pram.machine import run") == {"pram"}
    assert forbidden("models", "from lockstep import pram, models") == {"pram"}
    assert forbidden("pram", "from lockstep.common.tables import count") == {"lockstep"}


def test_floors_are_links_of_one_package() -> None:
    """Each floor is imported as `lockstep.FLOOR`; lint bans the bare names."""
    for floor in set(MAY_IMPORT) - {"lockstep"}:
        assert (ROOT / "lockstep" / floor).is_symlink() and (ROOT / "lockstep" / floor).resolve() == ROOT / floor


OWN = """
import models, compiler, pram
import lockstep
from lockstep.pram import machine

program = lockstep.load(PROGRAM)
found = lockstep.decode(program, {"n": 2}, {"A": [3, 4]})
print(models.OWN, compiler.OWN, pram.OWN, found.outputs, machine.HALTED)
"""


def test_users_may_have_folders_of_these_names(tmp_path: Path) -> None:
    for own in ("models.py", "compiler/__init__.py", "pram/__init__.py"):
        (tmp_path / own).parent.mkdir(exist_ok=True)
        (tmp_path / own).write_text("OWN = True\n")
    program = ROOT / "examples" / "programs" / "tree_sum.pram"
    (tmp_path / "script.py").write_text(OWN.replace("PROGRAM", repr(str(program))))
    ran = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout == "True True True {'total': 7} -1\n"


def modules() -> dict[str, str]:
    """The text of each module of the floors, by its name."""
    files = [file.relative_to(ROOT) for package in MAY_IMPORT for file in (ROOT / package).rglob("*.py")]
    return {_name(f): (ROOT / f).read_text() for f in files}


def _name(file: Path) -> str:
    name = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
    return name if name.partition(".")[0] == "lockstep" else f"lockstep.{name}"


def imported(body: Iterable[ast.stmt], known: Container[str]) -> Iterator[str]:
    """The known modules that statements import where they stand, also for types alone, but not in functions."""
    for node in body:
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else str(node.module) for name in names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for part in ("body", "orelse", "finalbody"):
                yield from imported(getattr(node, part, []), known)


def circles(texts: dict[str, str]) -> list[set[str]]:
    """Modules that import each other."""
    pairs = [(name, other) for name, text in texts.items() for other in imported(ast.parse(text).body, texts)]
    graph = nx.DiGraph((name, other) for name, other in pairs if other in texts and other != name)
    return [found for found in nx.strongly_connected_components(graph) if len(found) > 1]


def test_no_two_modules_import_each_other() -> None:
    assert not circles(modules())


def test_a_circle_is_found() -> None:
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import A\n"
    assert circles({"p.a": "from p import b", "p.b": typed, "p.c": "import p.a"}) == [{"p.a", "p.b"}]
    assert circles({"p.a": "from p import b", "p.b": "def f():\n    from p.a import A\n"}) == []


def test_torch_stays_below_the_compiler_and_sympy_in_the_checker() -> None:
    for package, library in (
        ("pram", "torch"),
        ("pram", "sympy"),
        ("models", "sympy"),
        ("compiler", "sympy"),
        ("lockstep", "sympy"),
    ):
        assert not [f for f in (ROOT / package).rglob("*.py") if library in imports(f.read_text())], (package, library)


def test_models_know_nothing_of_prams() -> None:
    words = ("processor", "pid", "shared memory", "program counter", "instruction")
    for file in (ROOT / "models").rglob("*.py"):
        text = file.read_text().lower()
        assert not [w for w in words if w in text.replace("knows nothing of prams", "")], file


def test_files_stay_readable() -> None:
    long = {str(f): n for p in OURS for f in (ROOT / p).rglob("*.py") if (n := len(f.read_text().splitlines())) > 400}
    assert not long
