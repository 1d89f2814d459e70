"""What modules import: floors and libraries by name, and our modules through and through."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

OURS = ("pram", "models", "compiler", "tasks", "proofs_check", "lockstep", "examples", "tests")
MAY_IMPORT = {
    "pram": set(),
    "models": set(),
    "compiler": {"pram", "models"},
    "tasks": {"models", "compiler"},
    "proofs_check": {"pram", "models", "compiler", "tasks"},
    "lockstep": {"pram", "models", "compiler", "tasks", "proofs_check"},
}


def imports(text: str) -> set[str]:
    """The top-level packages that a module imports, anywhere in it; of ours the floor: pram for `lockstep.pram.machine`."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {_floor(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "lockstep":
            found |= {_floor(f"lockstep.{alias.name}") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(_floor(node.module))
    return found


def _floor(module: str) -> str:
    first, _, rest = module.partition(".")
    second = rest.partition(".")[0]
    return second if first == "lockstep" and second in MAY_IMPORT else first


def imported(module: str) -> set[str]:
    """Our modules that a module names in its imports, wherever in its text they stand."""
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    names: set[str] = set()
    for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{module} imports relatively"
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in names if name.startswith("lockstep.") and _is_module(name)}


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # a name in a module that is no package
        return False


def reached(module: str) -> set[str]:
    """The module, those that it imports, and those that they import. A package's __init__ runs too, but passes nothing on."""
    found, left = set[str](), [module]
    while left:
        if (name := left.pop()) not in found:
            found.add(name)
            left += imported(name)
    return found
