"""Checks procedures by themselves, also those that nothing calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lockstep.pram.binding import operators_of
from lockstep.pram.copying import Copier
from lockstep.pram.errors import Diagnostic, Span
from lockstep.pram.functions import FUNCTIONS, ROUNDING
from lockstep.pram.libraries import Library, Procedure, standard_names
from lockstep.pram.syntax import PREFIX_SUMS, Call, CallStatement, Expression, Name, Proc, walk

#: Names that a procedure cannot have.
TAKEN = frozenset({*(name for name in FUNCTIONS if "(" not in name), *ROUNDING, *PREFIX_SUMS, "log", "extent", "cell", "old"})


def check_procedures(library: Library, known: Collection[str]) -> list[Diagnostic]:
    """Return what is wrong in the procedures of a program. known: the names of its parameters and shared arrays."""
    names = {*known, *library.procedures, *standard_names()}
    wrong = [error for procedure in library.procedures.values() for error in _check(procedure, names, known)]
    return wrong + _recursions(library.procedures)


def _recursions(procedures: Mapping[str, Procedure]) -> list[Diagnostic]:
    """Return an error for each call by which a procedure comes to call itself."""
    found: list[Diagnostic] = []
    done: set[str] = set()

    def visit(name: str, within: tuple[str, ...]) -> None:
        procedure = procedures[name]
        for called, at in _calls(procedure.proc):
            if called in within:
                place = Span(at.line, at.column, None, procedure.source)
                found.append(Diagnostic(_recursion(called, within[within.index(called) + 1 :]), None, place))
            elif called in procedures and called not in done:
                visit(called, (*within, called))
        done.add(name)

    for name in procedures:
        if name not in done:
            visit(name, (name,))
    return found


def _calls(proc: Proc) -> list[tuple[str, Span]]:
    """Return the procedures that a body calls, and those that it gives to others as operators, with the places."""
    nodes = [node for statement in proc.body for node in walk(statement)]
    calls = [(n.procedure, n.at) if isinstance(n, CallStatement) else (n.function, n.at) for n in nodes
             if isinstance(n, (CallStatement, Call))]  # fmt: skip
    given = [a for n in nodes if isinstance(n, (CallStatement, Call)) for a in n.arguments if isinstance(a, Name)]
    return calls + [(a.name, a.at) for a in given]


def _recursion(name: str, ways: tuple[str, ...]) -> str:
    through = f" through {', '.join(f'`{w}`' for w in ways)}" if ways else ""
    return (
        f"`{name}` calls itself{through}: the code of a program is the same for every n, so it cannot hold a recursion as deep as n "
        "asks for; write its levels as a loop, as in `for level in 0 .. lg(n) - 1 do parallel for i in 0 .. n - 1 do ... end end`"
    )


def _check(procedure: Procedure, names: Collection[str], known: Collection[str]) -> list[Diagnostic]:
    proc, source = procedure.proc, procedure.source
    copier = Copier({*names, "seed"} if procedure.is_standard else names, 0, None, source)
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
