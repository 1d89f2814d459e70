"""Checks procedures by themselves, also those that nothing calls."""

from __future__ import annotations

from collections.abc import Collection

from lockstep.pram.binding import operators_of
from lockstep.pram.copying import Copier
from lockstep.pram.errors import Diagnostic
from lockstep.pram.functions import FUNCTIONS, ROUNDING
from lockstep.pram.libraries import Library, Procedure, standard_names
from lockstep.pram.syntax import PREFIX_SUMS, Expression, Name

#: Names that a procedure cannot have.
TAKEN = frozenset({*(name for name in FUNCTIONS if "(" not in name), *ROUNDING, *PREFIX_SUMS, "log", "extent", "old"})


def check_procedures(library: Library, known: Collection[str]) -> list[Diagnostic]:
    """Return what is wrong in the procedures of a program. known: the names of its parameters and shared arrays."""
    names = {*known, *library.procedures, *standard_names(), "max", "min"}
    return [error for procedure in library.procedures.values() for error in _check(procedure, names, known)]


def _check(procedure: Procedure, names: Collection[str], known: Collection[str]) -> list[Diagnostic]:
    proc, source = procedure.proc, procedure.source
    copier = Copier(names, 0, None, source)
    if proc.name in TAKEN:
        copier.error(f"`{proc.name}` is a function of the language: a procedure needs another name", proc.at)
    if proc.name in known:
        copier.error(f"`{proc.name}` is declared twice: as a procedure, and as a parameter or array", proc.at)
    operators = operators_of(proc)
    formals: dict[str, Expression] = {}
    defaults = False
    for formal in proc.formals:
        if formal.name in formals or formal.name == "pid":
            copier.error(f"`{formal.name}` is declared twice in this head", formal.at)
        if defaults and formal.default is None:
            copier.error(
                f"`{formal.name}` stands after an argument that a call may leave out, so it needs a value, too", formal.at
            )
        defaults = formal.default is not None
        if formal.default is not None:
            copier.expression(formal.default, formals)
        formals[formal.name] = Name("+" if formal.name in operators else f"{formal.name}.0")
    copier.block(proc.body, formals)
    for promise in proc.promises:
        copier.expression(promise.condition, formals)
    return copier.errors
