"""Follows the blocks and brackets of a token stream, for error messages and layout."""

from __future__ import annotations

import re

from lark import Token

from lockstep.pram.building import span
from lockstep.pram.errors import PramError, Source, Span, fail
from lockstep.pram.foreign import FOREIGN
from lockstep.pram.parameters import MAX_PARAMETER_BITS

#: The most levels of nesting.
MAX_NESTING = 256

#: The closing word of each block, and the closing bracket of each bracket.
CLOSERS = {
    "if": "end",
    "while": "end",
    "for": "end",
    "parallel": "end",
    "single": "end",
    "proc": "end",
    "repeat": "until",
    "(": ")",
    "[": "]",
}

#: Words and signs after which an expression follows. An `if` after one of them is a value, which has no `end`.
BEFORE_VALUES = frozenset(
    ":= += -= *= /= %= &= |= ^= <<= >>= ( [ , == != < <= > >= + - * / % & | ^ << >> and or not = .. downto ==> : "
    "if elif while until in step atmost on print assert requires ensures invariant".split()
)


class ValueIfs:
    """Tells which `if`, `then` and `else` belong to a conditional value, such as `if a < b then a else b`."""

    def __init__(self) -> None:
        self.previous = ""
        self.waiting: list[str] = []

    def see(self, text: str) -> bool:
        """Take the next token. Return whether it belongs to a conditional value."""
        before, self.previous = self.previous, text
        if text == "if":
            if before in BEFORE_VALUES or before == VALUE:
                self.waiting.append("then")
                return True
        elif self.waiting and text == self.waiting[-1]:
            self.previous = VALUE
            if self.waiting.pop() == "then":
                self.waiting.append("else")
            return True
        return False


#: The previous token in `ValueIfs`, after a `then` or `else` of a value: the next `if` is a value, too.
VALUE = "value"


class Nesting:
    """Checks numbers and the depth of nesting in the token stream, and collects facts for error messages.

    open:    the blocks and brackets that are open.
    recent:  the last three tokens.
    suspect: the first block whose closing word is indented less than the block; its own `end` may be missing.
    chained: the last `if` directly after an `else`.
    foreign: the last word that other languages use.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.open: list[Token] = []
        self.recent: tuple[Token, ...] = ()
        self.suspect: Token | None = None
        self.chained: Token | None = None
        self.foreign: Token | None = None
        self.value_ifs = ValueIfs()
        self._lines = source.text.split("\n")

    def see(self, token: Token) -> None:
        text = token.value  # a plain text: tokens are compared in Python
        if token.type == "INT":
            self._check_number(token)
        elif text in FOREIGN:
            self.foreign = token
        if not self.value_ifs.see(text):
            self._track(token, text)
        self.recent = (*self.recent[-2:], token)

    def _check_number(self, token: Token) -> None:
        if not re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]+", token):
            raise fail(f"`{token}` is not a number: digits may not run into letters", self.source, span(token))
        if len(token) > 20 or int(token, 0 if token[1:2] in ("x", "X") else 10) >> MAX_PARAMETER_BITS:
            raise fail(f"number of more than {MAX_PARAMETER_BITS} bits", self.source, span(token))

    def _track(self, token: Token, text: str) -> None:
        if self.open and text == CLOSERS[self.open[-1].value]:
            opener = self.open.pop()
            if self.suspect is None and self._indent(token) < min(self._indent(opener), span(token).column):
                self.suspect = opener
            return
        if text not in CLOSERS:
            return
        before = self.recent[-1].value if self.recent else ""
        if text == "if" and before == "else":
            self.chained = token
        if not (text == "for" and before == "parallel"):
            self.open.append(token)
            if len(self.open) > MAX_NESTING:
                raise too_deep(self.source, span(token))

    def _indent(self, token: Token) -> int:
        """Return the indentation of a token's line."""
        line = self._lines[span(token).line - 1]
        return len(line) - len(line.lstrip())


def too_deep(source: Source, at: Span) -> PramError:
    return fail(f"nesting deeper than {MAX_NESTING} is refused", source, at)
