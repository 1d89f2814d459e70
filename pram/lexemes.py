"""A program text as lexemes that keep what the parser drops: comments, blank lines, line breaks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

from lockstep.pram.parser import lex


@dataclass(frozen=True)
class Comment:
    """A comment alone on its line. `blank`: an empty line stands before it; `column` counts from 1."""

    text: str
    column: int
    blank: bool


@dataclass(frozen=True)
class Lexeme:
    """A token, the comments on the lines above it, and the one that ends its line.

    `blank`: an empty line stands directly before it. The last lexeme of a text has kind "$END" and no text.
    """

    text: str
    kind: str
    line: int
    column: int
    above: tuple[Comment, ...] = ()
    blank: bool = False
    trailing: str = ""


def lexemes(text: str) -> list[Lexeme]:
    """Every token of a correct program, in order, with the comments around it; at the end one of kind "$END"."""
    found: list[Lexeme] = []
    before, line = 0, 1
    for token in (*lex(text), None):
        start = token.start_pos if token is not None else len(text)
        assert start is not None
        rest, *lines = text[before:start].split("\n") if before else ("", *text[:start].split("\n"))
        if rest.strip():
            found[-1] = replace(found[-1], trailing=rest.strip())
        gap = _Gap()
        for own in lines[:-1] if token is not None else lines:
            gap.see(own)
        line += len(lines) if before else len(lines) - 1
        column = start - text.rfind("\n", 0, start)
        found.append(Lexeme(str(token or ""), token.type if token else "$END", line, column, tuple(gap.comments), gap.blank))
        before = start + len(token or "")
    return found


@dataclass
class _Gap:
    """The lines between two tokens."""

    comments: list[Comment] = field(default_factory=list)
    blank: bool = False

    def see(self, line: str) -> None:
        if comment := line.strip():
            self.comments.append(Comment(comment, line.index("#") + 1, self.blank))
        self.blank = not comment


def comments(text: str) -> list[str]:
    """The text of every comment, in order."""
    return [c for lexeme in lexemes(text) for c in (*(own.text for own in lexeme.above), lexeme.trailing) if c]


def statement_starts(found: list[Lexeme]) -> frozenset[int]:
    """Where statements start that are told by no keyword: at the name before each `:=`, or at its `local`."""
    return frozenset(_start(found, index) for index, lexeme in enumerate(found) if lexeme.text == ":=")


def _start(found: list[Lexeme], assigns: int) -> int:
    at, depth = assigns - 1, 0
    while found[at].text == "]" or depth:
        depth += {"]": 1, "[": -1}.get(found[at].text, 0)
        at -= 1
    return at - 1 if found[at - 1].text == "local" else at


#: Between these and what precedes or follows there is no space.
TIGHT_BEFORE, TIGHT_AFTER = (")", "]", ",", "["), ("(", "[")
CALLS = ("lg", "max", "min")


def spaced(found: tuple[Lexeme, ...]) -> str:
    """Lexemes on one line, as the language spaces them."""
    return found[0].text + "".join(space(a, b) + b.text for a, b in pairwise(found)) if found else ""


def space(left: Lexeme, right: Lexeme) -> str:
    tight = right.text in TIGHT_BEFORE or left.text in TIGHT_AFTER or (right.text == "(" and left.text in CALLS)
    return "" if tight else " "
