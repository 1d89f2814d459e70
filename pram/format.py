"""Formats a program text in its canonical layout (docs/language.md, section 8).

The formatter works on lexemes. It changes only the white space between them, so no program can change its meaning.
It finds statements and blocks by their keywords, which are reserved everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Union

from lockstep.pram.expression_text import PRECEDENCE
from lockstep.pram.lexemes import RULE, VALUE, Lexeme, comments, lexemes, space, spaced, statement_starts
from lockstep.pram.parser import DECLARATIONS, lex, parse

#: The most columns of a line, and the least that a statement gets however deep it is nested.
WIDTH, MIN_WIDTH = 100, 50
INDENT = "  "
#: The column, from 0, at which the text of a declaration starts, and that of `requires` and `ensures`; the extra indentation of a
#: statement's further lines.
DECLARED, DECLARED_CONTRACT, CONTINUED = 7, 9, 4
#: The column at which comments at line ends start; if lines are longer, it moves right in steps of COMMENT_STOP.
COMMENT_COLUMN, COMMENT_STOP = 33, 8

HEADS = {
    "if": "then",
    "elif": "then",
    "else": "else",
    "while": "do",
    "for": "do",
    "parallel": "do",
    "single": "do",
    "repeat": "repeat",
    "proc": ")",
}
CONTRACTS = ("requires", "ensures", "assert", "invariant")
CLOSERS = ("end", "else", "elif", "until")
STARTERS = (*HEADS, "local", "halt", "break", "return", "barrier", "print", *CONTRACTS, *CLOSERS, "")


def format_text(text: str, name: str = "<text>") -> str:
    """Return a program in its canonical layout.

    Raises: PramError: the program does not parse.
    """
    parse(text, name)
    text = text.removeprefix("\ufeff")
    made = _Layout().program(lexemes(text))
    assert list(map(str, lex(text))) == list(map(str, lex(made))), "formatting changed a token"
    assert comments(text) == comments(made), "formatting lost a comment"
    return made


Lexemes = tuple[Lexeme, ...]


@dataclass(frozen=True)
class Simple:
    """A statement on a line of its own."""

    words: Lexemes

    @property
    def all_words(self) -> Iterator[Lexeme]:
        yield from self.words

    @property
    def flat(self) -> str:
        return spaced(self.words)


@dataclass(frozen=True)
class Compound:
    """A statement with blocks: heads such as `if .. then`, each with its block, and at last `end` or `until ..`."""

    parts: tuple[tuple[Lexemes, tuple[Item, ...]], ...]
    last: Lexemes

    @property
    def all_words(self) -> Iterator[Lexeme]:
        for head, block in self.parts:
            yield from head
            for item in block:
                yield from item.all_words
        yield from self.last

    @property
    def flat(self) -> str:
        parts = [" ".join(filter(None, (spaced(head), "  ".join(i.flat for i in block)))) for head, block in self.parts]
        return " ".join([*parts, spaced(self.last)])


Item = Union[Simple, Compound]


class _Reader:
    """Groups lexemes into items."""

    def __init__(self, found: list[Lexeme]) -> None:
        self.found, self.starts, self.at = found, statement_starts(found), 0

    @property
    def next(self) -> str:
        return self.word(self.at)

    def word(self, at: int) -> str:
        """Return the text of a lexeme, but not where it is part of a value."""
        return self.found[at].text if self.found[at].kind != VALUE else VALUE

    def read_through(self, word: str) -> Lexemes:
        """Read up to and including a word; a bracket closes one that was opened here."""
        start, depth = self.at, 0
        while self.next != word or word == ")" and depth > 1:
            depth += _depth_change(self.found[self.at])
            self.at += 1
        self.at += 1
        return tuple(self.found[start : self.at])

    def declaration(self) -> Lexemes:
        start = self.at
        self.at += 2  # skip `claim procs`: this `procs` starts no declaration
        while self.next not in (*DECLARATIONS, *STARTERS) and self.at not in self.starts:
            self.at += 1
        return tuple(self.found[start : self.at])

    def simple(self) -> Lexemes:
        """Read up to the start of the next statement."""
        start = self.at
        self.at += 1
        while self.next not in STARTERS and self.at not in self.starts:
            self.at += 1
        return tuple(self.found[start : self.at])

    def block(self) -> tuple[Item, ...]:
        items = []
        while self.next not in (*CLOSERS, ""):
            items.append(self.compound() if self.next in HEADS else Simple(self.simple()))
        return tuple(items)

    def compound(self) -> Compound:
        parts = []
        while self.next not in ("end", "until"):
            calls = self.next == "parallel" and self.word(self.at + 1) != "for"
            parts.append((self.read_through("parallel" if calls else HEADS[self.next]), self.block()))
        return Compound(tuple(parts), self.simple())


@dataclass(frozen=True)
class _Line:
    text: str
    comment: str = ""


class _Layout:
    """Collects the lines of the layout. `fresh`: the current block has no line yet, so it may not start with an empty one."""

    def __init__(self) -> None:
        self.lines: list[_Line] = []
        self.fresh = True

    def program(self, found: list[Lexeme]) -> str:
        reader = _Reader(found)
        self.declaration(reader.declaration())
        while reader.next in DECLARATIONS:
            if reader.next == "proc":
                found[reader.at] = _after_blank(found[reader.at])
                self.item(reader.compound(), "")
            else:
                self.declaration(reader.declaration())
        if reader.next:
            found[reader.at] = _after_blank(found[reader.at])
        for item in reader.block():
            self.item(item, "")
        self.put_above(found[-1], "", end=True)
        return "".join(f"{line}\n" for line in _with_comments(self.lines))

    def declaration(self, words: Lexemes) -> None:
        self.put_above(words[0], "")
        column = DECLARED_CONTRACT if words[0].text in ("requires", "ensures") else DECLARED
        keyword = replace(words[0], text=words[0].text.ljust(column - 1))
        self.put_broken(_with_breaks(words[0], keyword, words[1:]), "", " " * column)

    def item(self, item: Item, indent: str) -> None:
        words = list(item.all_words)
        self.put_above(words[0], indent)
        if isinstance(item, Simple):
            self.words(item.words, indent)
        elif words[0].line == words[-1].line and len(item.flat) <= _columns_left(indent):
            self.put(indent + item.flat, words[-1].trailing)
        else:
            self.compound(item, indent)

    def compound(self, item: Compound, indent: str) -> None:
        for number, (head, block) in enumerate(item.parts):
            if number:
                self.put_before_closer(head[0], indent)
            self.words(head, indent)
            self.fresh = True
            for inner in block:
                self.item(inner, indent + INDENT)
        self.put_before_closer(item.last[0], indent)
        self.words(item.last, indent)

    def words(self, words: Lexemes, indent: str) -> None:
        """Put one logical line, broken into several where needed."""
        self.put_broken(((word, number > 0 and _must_break(words[number - 1], word)) for number, word in enumerate(words)),
                    indent, indent + " " * CONTINUED)  # fmt: skip

    def put_broken(self, words: Iterable[tuple[Lexeme, bool]], indent: str, continued: str) -> None:
        """Put lexemes, each with whether it must start a line. Lines that are too long are broken further."""
        pieces: list[list[Lexeme]] = []
        for word, breaks in words:
            if breaks or not pieces:
                pieces.append([])
            pieces[-1].append(word)
        for number, piece in enumerate(pieces):
            if number:
                self.put_comments(piece[0], continued)
            *filled, last = _fill(tuple(piece), continued if number else indent, continued)
            for text in filled:
                self.put(text)
            self.put(last, piece[-1].trailing)

    # -- between statements ----------------------------------------------------------------------

    def put(self, text: str, comment: str = "") -> None:
        self.lines.append(_Line(text.rstrip(), comment))  # keywords of declarations are padded
        self.fresh = False

    def blank(self) -> None:
        if not self.fresh:
            self.lines.append(_Line(""))
            self.fresh = True

    def put_comments(self, word: Lexeme, indent: str) -> None:
        for comment in word.above:
            if comment.blank:
                self.blank()
            self.put(indent + comment.text)

    def put_above(self, word: Lexeme, indent: str, end: bool = False) -> None:
        """Put the comments and the empty line before a statement."""
        self.put_comments(word, indent)
        if word.blank and not end:
            self.blank()

    def put_before_closer(self, word: Lexeme, indent: str) -> None:
        """Put the comments before `end`, `else`, `elif` or `until`.

        They belong to the block before the word, unless they start no further right than the word.
        """
        for comment in word.above:
            if comment.blank:
                self.blank()
            self.put((indent if comment.column <= word.column else indent + INDENT) + comment.text)


def _after_blank(word: Lexeme) -> Lexeme:
    """Return the first word of the first statement with an empty line before it, or before its comments."""
    if word.blank or any(comment.blank for comment in word.above):
        return word
    if not word.above:
        return replace(word, blank=True)
    return replace(word, above=(replace(word.above[0], blank=True), *word.above[1:]))


def _must_break(left: Lexeme, right: Lexeme) -> bool:
    """Return whether two lexemes must stand on different lines: a comment is between them, or an invariant begins."""
    return bool(left.trailing or right.above or right.text == "invariant")


def _with_breaks(first: Lexeme, keyword: Lexeme, rest: Lexemes) -> Iterator[tuple[Lexeme, bool]]:
    """Yield a declaration's lexemes, each with whether it must start a line: line breaks between entries of a list stay."""
    yield keyword, False
    previous, depth = first, 0
    for word in rest:
        entry = previous.text == "," and not depth and word.line > previous.line
        yield word, entry or _must_break(previous, word)
        depth += _depth_change(word)
        previous = word


def _depth_change(word: Lexeme) -> int:
    """Return how a lexeme changes the depth of brackets: 1, -1 or 0."""
    return (word.text in ("(", "[")) - (word.text in (")", "]"))


def _fill(words: Lexemes, indent: str, continued: str) -> list[str]:
    """Break lexemes into lines of at most WIDTH columns where possible: after commas, or before operators."""
    lines = []
    while len(spaced(words)) > _columns_left(indent) and (at := _best_break(words, _columns_left(indent))):
        lines.append(indent + spaced(words[:at]))
        words, indent = words[at:], continued
    return [*lines, indent + spaced(words)]


def _columns_left(indent: str) -> int:
    return max(WIDTH - len(indent), MIN_WIDTH)


def _best_break(words: Lexemes, room: int) -> int:
    """Return where to break a line after at most `room` columns; 0 if nowhere.

    The best place is the one with the fewest open brackets, then after the ranges with which a contract begins, then at the operator
    that binds least, then the last one.
    """
    depth, length, best, choice, in_ranges = 0, len(words[0].text), (99, 99), 0, False
    for index in range(1, len(words)):
        left, right = words[index - 1], words[index]
        depth += _depth_change(left)
        if length > room and choice:
            break
        in_ranges |= right.text in ("forall", "exists") and left.text.strip() in CONTRACTS
        looseness = -1 if left.text == ":" and in_ranges else _looseness(left, right)
        in_ranges &= left.text != ":"
        if looseness is not None and (depth, looseness) <= best:
            best, choice = (depth, looseness), index
        length += len(space(left, right) + right.text)
    return choice


def _with_comments(lines: list[_Line]) -> Iterator[str]:
    """Yield the lines as text. Consecutive lines with comments have them in the same column."""
    start = 0
    while start < len(lines):
        stop = start
        while stop < len(lines) and lines[stop].comment:
            stop += 1
        longest = max((len(line.text) for line in lines[start:stop]), default=0)
        column = COMMENT_COLUMN + max(0, -(-(longest + 2 - COMMENT_COLUMN) // COMMENT_STOP)) * COMMENT_STOP
        yield from (f"{line.text:<{column}}{line.comment}" for line in lines[start:stop])
        yield from (line.text for line in lines[stop : stop + 1])
        start = stop + 1


def _looseness(left: Lexeme, right: Lexeme) -> int | None:
    """Return how little holds two lexemes together, the less the looser; None if no line may break between them."""
    if left.text == ",":
        return 0
    return PRECEDENCE.get(right.text) if right.text != "not" and right.kind != RULE else None
