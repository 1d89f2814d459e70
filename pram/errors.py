"""Errors for users, printed as `FILE:LINE:COL: error: MESSAGE`, the source line and a caret."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Union


class Key(str):
    """In a JsonPath: the key itself, rather than its value."""


#: A PramError shows at most this many of its errors.
MAX_SHOWN = 100

#: The keys and indices that lead from the top of an input file to a value.
JsonPath = tuple[Union[str, int], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A text, and the file name that errors give it.

    used: the libraries that a program uses, with those that they use.
    """

    name: str
    text: str
    used: tuple[Source, ...] = ()

    @property
    def sha256(self) -> str:
        """The hash of the text and, if there are any, of the texts that it uses."""
        digest = hashlib.sha256(self.text.encode())
        for source in self.used:
            digest.update(b"\0" + source.text.encode())
        return digest.hexdigest()

    def line(self, number: int) -> str:
        """Return a line, counted from 1; "" if there is none."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""

    def word(self, at: Span) -> str:
        """Return the word that starts at a place."""
        found = re.match(r"\w*", self.line(at.line)[at.column - 1 :])
        return found.group() if found else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a program text; line and column count from 1.

    call:   the place of the call, if the place is in the body of a procedure that stands in the place of a call.
    source: the library in which the place is; None if it is in the program itself.
    """

    line: int
    column: int
    call: Span | None = field(default=None, repr=False)
    source: Source | None = field(default=None, compare=False, repr=False)

    @property
    def calls(self) -> tuple[Span, ...]:
        """The places of the calls that lead to this place, the innermost first."""
        return () if self.call is None else (self.call, *self.call.calls)

    @property
    def own(self) -> Span:
        """This place or, if it is in a library, that of the innermost call that is in the program itself."""
        return next((at for at in (self, *self.calls) if at.source is None), self)

    @property
    def way(self) -> tuple[str, ...]:
        """The lines of the calls that lead to this place, the outermost first, with the names of libraries."""
        return tuple(f"{at.source.name}:{at.line}" if at.source else str(at.line) for at in reversed(self.calls))


class Severity(StrEnum):
    """How serious a message is: after an error the command stops, after a warning it goes on."""

    ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message, with its place if it has one."""

    message: str
    source: Source | None = None
    span: Span | None = None
    severity: Severity = Severity.ERROR

    def as_error(self) -> Diagnostic:
        """A copy with severity ERROR."""
        return replace(self, severity=Severity.ERROR)

    def __post_init__(self) -> None:
        if self.span is not None and "." in self.message:
            object.__setattr__(self, "message", without_numbers(self.message))

    def render(self) -> str:
        """Return the message as it is printed, with its source line, and those of the calls that lead to it."""
        where = f"{self.source.name}:" if self.source else ""
        if not (self.source and self.span):
            return _printable(f"{where} {self.severity}: {self.message}".strip())
        parts = [_shown(self.source, self.span, f"{self.severity}: {self.message}")]
        parts += [_shown(self.source, call, "called here") for call in self.span.calls]
        return "\n".join(parts)


def _shown(program: Source, at: Span, message: str) -> str:
    """Return a message with its place, and its source line if that is not empty."""
    source = at.source or program
    head = _printable(f"{source.name}:{at.line}:{at.column}: {message}")
    text = source.line(at.line)
    return f"{head}\n{_excerpt(text, at.column)}" if text.strip() else head


def without_numbers(text: str) -> str:
    """Return a text with the names of programs, for those of the locals of calls: `lo` for `lo.1`."""
    return re.sub(r"\b([A-Za-z_]\w*)(?:\.\d+)+(?![\w.])", r"\1", text)


def _printable(text: str, also: str = "") -> str:
    """Replace control characters, except those in `also`: text from users must not control the terminal."""
    return "".join(c if c.isprintable() or c in also else "\N{REPLACEMENT CHARACTER}" for c in text)


def _excerpt(text: str, column: int, width: int = 100) -> str:
    """Return the source line, or the part of it around `column`, and a caret below that column."""
    start = max(0, column - 1 - width // 2) if len(text) > width else 0
    shown = _printable(text[start : start + width], "\t")
    # The caret line repeats the tabs of the source line so that both indent alike.
    indent = "".join("\t" if c == "\t" else " " for c in shown[: column - 1 - start])
    return f"  {shown}\n  {indent}^"


class PramError(Exception):
    """The program or its input is wrong. Holds one or more diagnostics.

    failure: if a run failed, where and why, as data: a `lockstep.pram.steps.Failure`, which `lockstep.pram.machine.run` sets. Else None.
    """

    failure: Any = None  # steps are made of jobs, whose errors these are

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        self.diagnostics = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        more = len(self.diagnostics) - MAX_SHOWN
        shown = [d.render() for d in self.diagnostics[:MAX_SHOWN]]
        if more > 0:
            shown.append(f"... and {more} more")
        super().__init__("\n".join(shown))

    @property
    def message(self) -> str:
        """The first message, without its place."""
        return self.diagnostics[0].message


class InputError(PramError):
    """A parameter or input value is wrong.

    path: its place in an input file, such as ("arrays", "A", 2). If the last entry is a `Key`, the key itself is wrong.
    """

    def __init__(self, diagnostic: Diagnostic, path: JsonPath) -> None:
        super().__init__(diagnostic)
        self.path = path

    def with_place(self, source: Source, span: Span | None) -> InputError:
        """Return a copy of this error with a place in a source."""
        return InputError(Diagnostic(self.message, source, span), self.path)


def fail(message: str, source: Source | None = None, span: Span | None = None) -> PramError:
    """Return a PramError with a single diagnostic; the caller raises it."""
    return PramError(Diagnostic(message, source, span))


def shorten(text: str, most: int = 60) -> str:
    """Return a user's text, cut to `most` characters for a message."""
    return text if len(text) <= most else text[:most] + "..."


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.65) -> str:
    """Return `; did you mean ...?` if a known word is close to this one, else "". Case does not matter.

    Args: cutoff: the least similarity, from 0 (any word) to 1 (the same word).
    """
    folded = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), list(folded), n=1, cutoff=cutoff)
    return f"; did you mean `{folded[close[0]]}`?" if close else ""
