"""Finds the procedures that a program may call: its own, those of the files that it uses, and the standard library.

`use "lib.pram"` names a file beside the file in which it stands, `use <scan>` a file of the standard library. A procedure that
is declared nowhere is taken from the standard library if that has one of this name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePath

from lockstep.pram.errors import Diagnostic, PramError, Source, Span, did_you_mean, fail
from lockstep.pram.parser import parse
from lockstep.pram.syntax import Proc, ProgramText, Use

#: Returns the text of a file. Raises: PramError: it cannot be read.
Read = Callable[[str], str]


@dataclass(frozen=True)
class Procedure:
    """A procedure, and the library in which it is declared; None for the program itself."""

    proc: Proc
    source: Source | None

    @property
    def name(self) -> str:
        return self.proc.name

    @property
    def is_standard(self) -> bool:
        return self.source is not None and self.source.name.startswith("<")


@dataclass
class Library:
    """The procedures of a program by name, and the sources of all files that it uses, in the order in which it needs them.

    folder: that of the program; None if its text came from no file. kept: texts by the names of files, in place of the files.
    """

    program: Source
    read: Read
    kept: Mapping[str, Source] = field(default_factory=dict)
    procedures: dict[str, Procedure] = field(default_factory=dict)
    used: dict[str, Source] = field(default_factory=dict)
    errors: list[Diagnostic] = field(default_factory=list)

    def find(self, name: str) -> Procedure | None:
        """Return the procedure of this name; one that is declared nowhere comes from the standard library."""
        if name not in self.procedures and (file := _standard_procedures().get(name)):
            self._take(f"<{file}>", Use(file, True), (), Span(0, 0))
        return self.procedures.get(name)

    def collect(self, tree: ProgramText) -> None:
        """Take the procedures that a program declares, and those of the files that it uses."""
        self._declare(tree, None, (self.program.name,), Span(0, 0))

    def _declare(self, tree: ProgramText, source: Source | None, within: tuple[str, ...], at: Span) -> None:
        for proc in (d for d in tree.declarations if isinstance(d, Proc)):
            if (first := self.procedures.get(proc.name)) is not None:
                self._twice(proc, first, source, at)
            else:
                self.procedures[proc.name] = Procedure(proc, source)
        for use in (d for d in tree.declarations if isinstance(d, Use)):
            here = Span(use.at.line, use.at.column, None, source)
            self._take(f"<{use.name}>" if use.standard else beside(within[-1], use.name), use, within, here)

    def _twice(self, proc: Proc, first: Procedure, source: Source | None, at: Span) -> None:
        where = f"at {first.proc.at.line}:{first.proc.at.column}" if first.source == source else (
            f"in {(first.source or self.program).name}, line {first.proc.at.line}")  # fmt: skip
        wrong = proc.at if source is None or first.source == source else at
        here = Span(wrong.line, wrong.column, None, source if wrong is proc.at else at.source)
        self._error(f"the procedure `{proc.name}` is declared twice; first {where}", here)

    def _take(self, file: str, use: Use, within: tuple[str, ...], at: Span) -> None:
        if file in within:
            ways = " uses ".join(PurePath(name).name for name in (*within[within.index(file) :], file))
            self._error(f"a file cannot use itself: {ways}", at)
            return
        if file in self.used:
            return
        if use.standard and use.name not in standard_libraries():
            known = did_you_mean(use.name, standard_libraries()) or f"; it has {', '.join(standard_libraries())}"
            self._error(f"the standard library has no `{use.name}`{known}", at)
            return
        try:
            source = self.kept.get(file) or Source(file, standard_text(use.name) if use.standard else self.read(file))
        except PramError as error:
            self._error(f"`{use.name}` cannot be used: {error.message}", at)
            return
        tree, _ = parse(source.text, file)
        if not tree.library:
            self._error(f"`{use.name}` is a program, and only a library can be used: its first line is `library {tree.name}`", at)
            return
        self.used[file] = source
        self._declare(tree, source, (*within, file), at)

    def _error(self, message: str, at: Span) -> None:
        self.errors.append(Diagnostic(message, self.program, at))


def no_files(name: str) -> str:
    """Read no file."""
    raise fail("a program that comes from no file has no files beside it")


def beside(user: str, name: str) -> str:
    """Return the path of a file that another one names."""
    return os.path.normpath(PurePath(user).parent / name)


def standard_libraries() -> tuple[str, ...]:
    """Return the names of the files of the standard library."""
    return tuple(
        sorted(Path(file.name).stem for file in (files(__package__) / "library").iterdir() if file.name.endswith(".pram"))
    )


@cache
def standard_text(name: str) -> str:
    return (files(__package__) / "library" / f"{name}.pram").read_text(encoding="utf-8")


@cache
def _standard_procedures() -> Mapping[str, str]:
    """The file of each procedure of the standard library."""
    found: dict[str, str] = {}
    for file in standard_libraries():
        tree, _ = parse(standard_text(file), f"<{file}>")
        found |= {d.name: file for d in tree.declarations if isinstance(d, Proc)}
    return found


def standard_names() -> tuple[str, ...]:
    """Return the names of the procedures of the standard library."""
    return tuple(_standard_procedures())
