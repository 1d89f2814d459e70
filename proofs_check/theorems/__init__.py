"""Theorems of "On Powerful Ways to Generate" (arXiv 2510.06190) as executable claims, one file each.

Each file defines THEOREM, a `lockstep.proofs_check.catalog.Theorem`. A new file needs no entry anywhere else.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from lockstep.proofs_check.catalog import Theorem
from lockstep.proofs_check.closed_forms import Bound


def find_theorems() -> tuple[Theorem, ...]:
    """The theorems of this folder, in the order of tables."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    return tuple(sorted((module.THEOREM for module in modules), key=lambda theorem: theorem.place))


THEOREMS = find_theorems()

#: The closed forms of each construction of `lockstep.compiler.compile.CONSTRUCTIONS` that are known before a decode.
BOUNDS: dict[str, Bound] = {construction: bound for theorem in THEOREMS for construction, bound in theorem.bounds.items()}
