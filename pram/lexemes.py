"""Splits a program text into lexemes that keep what the parser drops: comments, blank lines and line breaks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from lockstep.pram.nesting import BEFORE_VALUES, ValueIfs
from lockstep.pram.parser import lex_with_comments, span


@dataclass(frozen=True)
class Comment:
    """A comment alone on its line. `blank`: an empty line comes before it. `column` counts from 1."""

    text: str
    column: int
    blank: bool


#: Kinds of lexemes that the parser does not tell apart.
VALUE, SIGN, RULE, ANGLE = "VALUE", "SIGN", "RULE", "ANGLE"

#: Words after which a name and a parenthesis are no call that stands alone: a head, or a value.
NO_CALL_AFTER = BEFORE_VALUES | {"proc", "word", "procs"}


@dataclass(frozen=True)
class Lexeme:
    """A token with its comments.

    above:    the comments on the lines above it.
    blank:    an empty line comes directly before it.
    trailing: the comment at the end of its line; "" if none.
    kind:     of the token; VALUE for the words of a conditional value, SIGN for a minus before its only operand, RULE for the word
              after `combine`, ANGLE for the brackets of `use <name>`.
    The last lexeme of a text has the kind "$END" and no text.
    """

    text: str
    kind: str
    line: int
    column: int
    above: tuple[Comment, ...] = ()
    blank: bool = False
    trailing: str = ""


def lexemes(text: str) -> list[Lexeme]:
    """Return every token of a correct program in order, with the comments around it, and a last one of kind "$END"."""
    found: list[Lexeme] = []
    above: list[Comment] = []
    seen = 0  # the line of the previous token or comment
    value_ifs, previous = ValueIfs(), ""
    for token in lex_with_comments(text):
        at = span(token)
        blank, seen = at.line > seen + 1, at.line
        if token.type != "COMMENT":
            sign = token == "-" and (previous in BEFORE_VALUES or found[-1].kind == VALUE)
            kind = VALUE if value_ifs.see(token) else SIGN if sign else RULE if previous == "combine" else token.type
            if token == "<" and previous == "use" or token == ">" and found[-2].kind == ANGLE:
                kind = ANGLE
            found.append(Lexeme(str(token), kind, at.line, at.column, tuple(above), blank))
            above, previous = [], str(token)
        elif found and found[-1].line == at.line:
            found[-1] = replace(found[-1], trailing=token.strip())
        else:
            above.append(Comment(token.strip(), at.column, blank))
    line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    return [*found, Lexeme("", "$END", line, column, tuple(above), line > seen)]


def comments(text: str) -> list[str]:
    """Return the text of every comment, in order."""
    return [token.strip() for token in lex_with_comments(text) if token.type == "COMMENT"]


def statement_starts(found: list[Lexeme]) -> frozenset[int]:
    """Return the indices at which statements start that have no keyword: those with `:=`, `+=` and so on, and calls.

    The first start at their first name, or at its `local`.
    """
    assigns = [index for index, lexeme in enumerate(found) if lexeme.text == ":=" or lexeme.kind == "AUGMENTED"]
    calls = [at for at, (name, then) in enumerate(pairwise(found)) if name.kind == "NAME" and then.text == "("]
    alone = [at for at in calls if at and found[at - 1].kind != VALUE and found[at - 1].text not in NO_CALL_AFTER]
    return frozenset([*(_start(found, index) for index in assigns), *alone])


def _start(found: list[Lexeme], assigns: int) -> int:
    at = _target_start(found, assigns - 1)
    while found[at - 1].text == ",":
        at = _target_start(found, at - 2)
    if found[at - 2].text == "combine":
        return at - 2
    return at - 1 if found[at - 1].text == "local" else at


def _target_start(found: list[Lexeme], at: int) -> int:
    """Return the index of the name of a target, such as `A[i]`, that ends at an index."""
    depth = 0
    while found[at].text == "]" or depth:
        depth += {"]": 1, "[": -1}.get(found[at].text, 0)
        at -= 1
    return at


#: No space before or after these.
TIGHT_BEFORE, TIGHT_AFTER = (")", "]", ",", ";"), ("(", "[")


def spaced(found: tuple[Lexeme, ...]) -> str:
    """Return lexemes as the text of one line."""
    return found[0].text + "".join(space(a, b) + b.text for a, b in pairwise(found)) if found else ""


def space(left: Lexeme, right: Lexeme) -> str:
    """Return the white space between two lexemes on one line."""
    tight = right.text in TIGHT_BEFORE or left.text in TIGHT_AFTER or left.kind == SIGN
    tight |= left.text == "<" and left.kind == ANGLE or right.text == ">" and right.kind == ANGLE
    return "" if tight or (right.text in ("(", "[") and left.kind == "NAME") else " "
