"""Theorems of "On Powerful Ways to Generate" (arXiv 2510.06190) as executable claims, one file each.

A file defines THEOREM, a `lockstep.proofs_check.catalog.Theorem`; it needs no entry anywhere else.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from lockstep.proofs_check.catalog import Theorem
from lockstep.proofs_check.closed_forms import Bound


def find_theorems() -> tuple[Theorem, ...]:
    """Every theorem of this folder, in the order of tables."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    return tuple(sorted((module.THEOREM for module in modules), key=lambda theorem: theorem.place))


THEOREMS = find_theorems()

#: What is known of the decodes of each construction of `lockstep.compiler.compile.CONSTRUCTIONS` before they are made.
BOUNDS: dict[str, Bound] = {construction: bound for theorem in THEOREMS for construction, bound in theorem.bounds.items()}
