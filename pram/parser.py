"""Parses a program text into a syntax tree. Syntax errors say what to write instead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, get_args

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from lockstep.pram import syntax
from lockstep.pram.access import MODES
from lockstep.pram.cache import writable_cache_folder
from lockstep.pram.errors import PramError, Source, Span, did_you_mean, fail
from lockstep.pram.parameters import MAX_PARAMETER_BITS
from lockstep.pram.syntax import COMPARISONS, Binary, Call, Expression, If, Index, Name, Not, Number, ProgramText, Statement

#: The most levels of nesting, and the most terms of one chain of operators, such as `a + b - c`.
MAX_NESTING, MAX_TERMS = 256, 10_000

NO_PROGRAM = "there is no program here; one starts with `program NAME`"

#: The closing word of each block, and the closing bracket of each bracket.
CLOSERS = {"if": "end", "while": "end", "for": "end", "parallel": "end", "single": "end", "repeat": "until", "(": ")", "[": "]"}

LOOKALIKES = {"≤": "<=", "≥": ">=", "≠": "!=", "←": ":=", "×": "*", "÷": "/", "∧": "and", "∨": "or", "¬": "not",
              "−": "-", "–": "-", "…": "..", "⌈": "lg"}  # fmt: skip

#: Letters of other alphabets that look like Latin ones.
HOMOGLYPHS = dict(zip("аеорсухіјѕһАВЕЅКМНІЈОРСТУХοΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeopcyxijshABESKMHIJOPCTYXoABEZHIKMNOPTYX"))

#: Characters that other languages use, with advice.
CHARACTERS = {"=": "write `:=` to assign, `==` to compare", ":": "write `:=` to assign", "!": "write `!=` or `not`",
              ".": "write `..` for a range; numbers are integers", ";": "statements need no separator",
              "{": "blocks go from `do` or `then` to `end`", "}": "blocks go from `do` or `then` to `end`",
              '"': "there are no strings, only numbers", "'": "there are no strings, only numbers"}  # fmt: skip
DOUBLED = {"&": "write `and`, or one `&` for bits", "|": "write `or`, or one `|` for bits", "/": "comments start with `#`"}
DECLARATIONS = ("mode", "param", "word", "procs", "shared", "claim")
#: The modes with concurrent writes, such as CRCW, and their names in full, as a message lists them.
WRITE_RULES = {
    first: re.sub("(.*), ", r"\1 or ", ", ".join(f"`{mode}`" for mode in MODES if mode.startswith(f"{first} ")))
    for first in ("ERCW", "CRCW")
}


def parse(text: str, name: str = "<text>") -> tuple[ProgramText, Source]:
    """Parse a program.

    Returns: the syntax tree, and the source that its places refer to.
    Raises:  PramError: the first syntax error, with its place.
    """
    source = Source(name, text.removeprefix("\ufeff"))
    if not source.text.strip():
        raise fail(NO_PROGRAM, source, Span(1, 1))
    nesting = _Nesting(source)
    parser = _lark().parse_interactive(source.text)
    try:
        for token in parser.iter_parse():  # before the parser takes it
            nesting.see(token)
        tree: ProgramText = parser.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedCharacters as error:
        raise _unexpected_character(source, error, nesting) from None
    except UnexpectedToken as error:
        raise _unexpected_token(source, error, nesting) from None
    _check_depth(tree, source)
    return tree, source


def lex(text: str) -> Iterator[Token]:
    """Return the tokens of a correct program, without comments and white space."""
    return _lark().lex(text)


def lex_with_comments(text: str) -> Iterator[Token]:
    """Return the tokens of a correct program with its comments, which have the type COMMENT."""
    return (token for token in _lark().lex(text, dont_ignore=True) if not token.isspace())


@cache
def keywords() -> frozenset[str]:
    """Return every reserved word of the language."""
    return frozenset(t.pattern.value for t in _lark().terminals if t.pattern.value.isalpha()) | {"pid"}


class _Nesting:
    """Checks numbers and the depth of nesting in the token stream, and collects facts for error messages.

    open:    the blocks and brackets that are open.
    recent:  the last two tokens.
    suspect: the first block whose closing word is indented less than the block; its own `end` may be missing.
    chained: the last `if` directly after an `else`.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.open: list[Token] = []
        self.recent: tuple[Token, ...] = ()
        self.suspect: Token | None = None
        self.chained: Token | None = None

    def see(self, token: Token) -> None:
        if token.type == "INT":
            self._check_number(token)
        self._track(token)
        self.recent = (*self.recent[-1:], token)

    def _check_number(self, token: Token) -> None:
        if not re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]+", token):
            raise fail(f"`{token}` is not a number: digits may not run into letters", self.source, span(token))
        if len(token) > 20 or int(token, 0 if token[1:2] in ("x", "X") else 10) >> MAX_PARAMETER_BITS:
            raise fail(f"number of more than {MAX_PARAMETER_BITS} bits", self.source, span(token))

    def _track(self, token: Token) -> None:
        if self.open and token == CLOSERS[self.open[-1]]:
            opener = self.open.pop()
            if self.suspect is None and self._indent(token) < min(self._indent(opener), span(token).column):
                self.suspect = opener
            return
        if token == "if" and self.recent and self.recent[-1] == "else":
            self.chained = token
        if token in CLOSERS and not (token == "for" and self.recent and self.recent[-1] == "parallel"):
            self.open.append(token)
            if len(self.open) > MAX_NESTING:
                raise _too_deep(self.source, span(token))

    def _indent(self, token: Token) -> int:
        """Return the indentation of a token's line."""
        line = self.source.line(span(token).line)
        return len(line) - len(line.lstrip())


@cache
def _lark() -> Lark:
    """Return the LALR(1) parser. In its lexer, keywords are reserved everywhere."""
    grammar = (files(__package__) / "grammar.lark").read_text(encoding="utf-8")
    folder = writable_cache_folder()
    # To make the tables takes a sixth of a second, so Lark keeps them, with a hash of the grammar.
    tables = str(folder / "grammar.tables") if folder else False
    return Lark(grammar, parser="lalr", lexer="basic", maybe_placeholders=True, transformer=_Builder(), cache=tables)


def span(token: Token) -> Span:
    """Return a token's place."""
    return Span(token.line or 1, token.column or 1)


def _check_depth(tree: ProgramText, source: Source) -> None:
    """Refuse trees that are too deep for the recursion of later passes.

    A chain of operators such as `a + b - c` is one level, however many terms it has: the passes loop over its terms.
    """
    level: list[syntax.Node] = [tree]
    for _ in range(MAX_NESTING):
        level = [below for node in level for below in _one_level_down(node, source)]
    if level:
        raise _too_deep(source, level[0].at)


def _one_level_down(node: syntax.Node, source: Source) -> Iterator[syntax.Node]:
    """Yield the nodes one level below a node: the terms of a chain of operators, or the children of another node."""
    if not isinstance(node, Binary):
        yield from syntax.children(node)
        return
    chain = syntax.left_chain(node)
    if len(chain) >= MAX_TERMS:
        raise fail(f"this expression has more than {MAX_TERMS} terms", source, chain[MAX_TERMS - 1].at)
    yield chain[0].left
    yield from (below.right for below in chain)


def _too_deep(source: Source, at: Span) -> PramError:
    return fail(f"nesting deeper than {MAX_NESTING} is refused", source, at)


def _unexpected_character(source: Source, error: UnexpectedCharacters, nesting: _Nesting) -> PramError:
    char = source.text[error.pos_in_stream or 0]
    at = Span(error.line, error.column)
    if not nesting.recent and char.isascii() and char.isprintable():  # JSON, say
        return fail(NO_PROGRAM, source, at)
    if char in CHARACTERS:
        return fail(f"unexpected `{char}`; {CHARACTERS[char]}", source, at)
    title = unicodedata.name(char, f"U+{ord(char):04X}")
    return fail(f"unexpected character {char!r} ({title}){_advice_on_character(char)}", source, at)


def _advice_on_character(char: str) -> str:
    """Return advice, starting with `; `, for a character that the language does not have."""
    plain = LOOKALIKES.get(char) or HOMOGLYPHS.get(char) or unicodedata.normalize("NFKC", char)
    if plain == " ":
        return "; write a plain space"
    if plain != char and plain.isascii():
        return f"; write `{plain}`, a Latin letter" if char in HOMOGLYPHS else f"; write `{plain}`"
    return "; names are written in ASCII letters, digits and `_`" if char.isalpha() else ""


def _unexpected_token(source: Source, error: UnexpectedToken, nesting: _Nesting) -> PramError:
    token, expected = error.token, error.expected
    at_end = token.type == "$END"
    previous = nesting.recent[-1] if at_end and nesting.recent else nesting.recent[-2] if len(nesting.recent) > 1 else None
    if previous is not None and previous.type == "NAME" and "NAME" not in expected and (at_end or token[0].isalnum()):
        if hint := did_you_mean(previous, keywords()):
            return fail(f"unknown word `{previous}`{hint}", source, span(previous))
    if previous == "mode" or previous in WRITE_RULES:
        return _unknown_mode(
            source, previous, "" if at_end else str(token), span(previous if at_end or previous in WRITE_RULES else token)
        )
    if at_end:
        return _unexpected_end(source, nesting, expected)
    if previous is None and not token[0].isalpha():
        return fail(NO_PROGRAM, source, span(token))
    return fail(f"unexpected `{token}`{_advice_on_token(token, previous, expected, nesting)}", source, span(token))


def _advice_on_token(token: Token, previous: Token | None, expected: set[str], nesting: _Nesting) -> str:
    """Return advice, starting with `; ` or `: `, for an unexpected token."""
    if expected == {"NAME"} and token in keywords():
        return ": it is a reserved word and cannot be a name"
    if expected == {"IN"}:
        return "; a loop is written `for i in 0 .. 3 do`"
    if expected == {"RELATION"}:
        return "; a claim states `==` or `<=`"
    if token in COMPARISONS and previous is not None and previous.type in ("NAME", "INT", "RPAR", "RSQB"):
        return "; comparisons do not chain: join two of them with `and`"
    if token == "=":
        return f"; {CHARACTERS['=']}"
    if token == previous and token in DOUBLED:
        return f"; {DOUBLED[token]}"
    if token == "[" and previous == "]":
        return "; two subscripts are written `[i, j]`"
    if token == "-":
        return "; there is no sign, only a difference, as in `0 - 1`"
    if token in DECLARATIONS and "NAME" in expected:
        return "; declarations stand before the first statement"
    return _unclosed(token, expected, nesting) or _hint(token, expected)


def _unclosed(token: Token, expected: set[str], nesting: _Nesting) -> str:
    """Return which block or bracket is still open, or that none is; "" if that is not the error."""
    closes = token in ("end", "until", "else", "elif", ")", "]")
    before = [opener for opener in nesting.open if opener is not token]
    if not before:
        return ": nothing is open here" if closes else ""
    opener = before[-1]
    if closes or (opener == "(" and "RPAR" in expected) or (opener == "[" and "RSQB" in expected):
        return f": `{opener}` opened at {opener.line}:{opener.column} is still open"
    return ""


def _hint(token: Token, expected: set[str]) -> str:
    known = (value for value in _shown(expected) if value.isalpha())
    return token.type == "NAME" and did_you_mean(token, known) or _expectation(expected)


def _unexpected_end(source: Source, nesting: _Nesting, expected: set[str]) -> PramError:
    if not nesting.recent:
        return fail(NO_PROGRAM, source, Span(1, 1))
    if nesting.open:
        opener, why = nesting.open[-1], "`{}` opened here is never closed"
        if nesting.suspect is not None:
            opener, why = nesting.suspect, "by its indentation, `{}` opened here is never closed"
        elif opener == "if" and nesting.chained is not None:
            opener, why = nesting.chained, "`{}` after `else` needs one of its own; or write `elif`"
        return fail(f"missing `{CLOSERS[opener]}`: {why.format(opener)}", source, span(opener))
    last = nesting.recent[-1]
    after = Span(last.end_line or 1, last.end_column or 1)
    return fail(f"the program breaks off after `{last}`{_expectation(expected)}", source, after)


def _unknown_mode(source: Source, previous: Token, given: str, at: Span) -> PramError:
    name = str(previous) if previous in WRITE_RULES else given.upper()
    if name in WRITE_RULES:
        return fail(f"{name} needs a write rule: {WRITE_RULES[name]}", source, at)
    what = f"unknown access mode `{given}`" if given else "missing access mode"
    if sorted(given.upper()) == sorted("CRCW"):
        return fail(f"{what}; did you mean {WRITE_RULES['CRCW']}?", source, at)
    return fail(f"{what}{did_you_mean(given, MODES) or '; the modes are ' + ', '.join(MODES)}", source, at)


def _shown(expected: set[str]) -> list[str]:
    """Return terminals as programs write them."""
    shown = {t.name: t.pattern.value for t in _lark().terminals} | {"NAME": "a name", "INT": "a number", "RELATION": "=="}
    return sorted(shown.get(name, name) for name in expected)


def _expectation(expected: set[str]) -> str:
    """Return `; expected ...` if at most four tokens are possible, else ""."""
    texts = _shown(expected)
    if len(texts) > 4:
        return ""
    return "; expected " + " or ".join(t if t.startswith("a n") else f"`{t}`" for t in texts)


def _subscripts(first: Expression | None, second: Expression | None) -> tuple[Expression, ...]:
    return tuple(e for e in (first, second) if e is not None)


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Builds a syntax node for each grammar rule, bottom up and without recursion."""

    def start(self, name: Token, *rest: Any) -> ProgramText:
        flat = [item for part in rest for item in (part if isinstance(part, tuple) else (part,))]
        declarations = tuple(item for item in flat if isinstance(item, get_args(syntax.Declaration)))
        return ProgramText(str(name), declarations, tuple(i for i in flat if isinstance(i, get_args(Statement))), span(name))

    def mode(self, tokens: tuple[Token, ...]) -> syntax.Mode:
        return syntax.Mode(" ".join(" ".join(tokens).split()), span(tokens[0]))

    def mode_name(self, *tokens: Token) -> tuple[Token, ...]:
        return tokens

    def params(self, *parameters: syntax.Param) -> tuple[syntax.Param, ...]:
        return parameters

    def parameter(self, name: Token, value: Expression | None) -> syntax.Param:
        return syntax.Param(str(name), value, span(name))

    def word(self, bits: Expression, wrap: Token | None) -> syntax.Word:
        return syntax.Word(bits, wrap is not None, bits.at)

    def procs(self, count: Expression) -> syntax.Procs:
        return syntax.Procs(count, count.at)

    def shareds(self, *arrays: syntax.Shared) -> tuple[syntax.Shared, ...]:
        return arrays

    def shared(self, name: Token, rows: Any, columns: Any, role: Token | None, low: Any, high: Any) -> syntax.Shared:
        return syntax.Shared(str(name), _subscripts(rows, columns), str(role or "work"), low, high, span(name))

    def claim(self, quantity: Token, relation: Token, bound: Expression) -> syntax.Claim:
        return syntax.Claim(str(quantity), str(relation), bound, span(quantity))

    def local(self, name: Token, value: Expression) -> syntax.Local:
        return syntax.Local(str(name), value, span(name))

    def assign(self, name: Token, value: Expression) -> syntax.Assign:
        return syntax.Assign(str(name), value, span(name))

    def store(self, name: Token, first: Expression, second: Expression | None, value: Expression) -> syntax.Store:
        return syntax.Store(str(name), _subscripts(first, second), value, span(name))

    def if_(self, word: Token, condition: Expression, then: Any, otherwise: Any) -> If:
        return If(condition, then, otherwise, span(word))

    def elif_(self, word: Token, condition: Expression, then: Any, otherwise: Any) -> tuple[Statement, ...]:
        return (If(condition, then, otherwise, span(word)),)

    def else_(self, block: Any) -> tuple[Statement, ...]:
        return tuple(block)

    def no_else(self) -> tuple[Statement, ...]:
        return ()

    def block(self, *statements: Statement) -> tuple[Statement, ...]:
        return statements

    def while_(self, word: Token, condition: Expression, body: Any) -> syntax.While:
        return syntax.While(condition, body, span(word))

    def repeat(self, word: Token, body: Any, condition: Expression) -> syntax.Repeat:
        return syntax.Repeat(body, condition, span(word))

    def for_(self, word: Token, name: Token, first: Any, way: Token, last: Any, body: Any) -> syntax.For:
        return syntax.For(str(name), first, last, way == "downto", body, span(word))

    def range(self, name: Token, low: Expression, _: Token, high: Expression) -> syntax.Range:
        return syntax.Range(str(name), low, high, span(name))

    def parallel(self, word: Token, _: Token, *rest: Any) -> syntax.Parallel:
        ranges = tuple(r for r in rest[:-1] if r is not None)
        return syntax.Parallel(ranges, rest[-1], span(word))

    def single(self, word: Token, body: Any) -> syntax.Single:
        return syntax.Single(body, span(word))

    def halt(self, word: Token) -> syntax.Halt:
        return syntax.Halt(span(word))

    def binary(self, left: Expression, operator: Token, right: Expression) -> Binary:
        return Binary(str(operator), left, right, span(operator))

    def not_(self, word: Token, operand: Expression) -> Not:
        return Not(operand, span(word))

    def number(self, token: Token) -> Number:
        return Number(int(token, 10) if token.isdigit() else int(token, 0), span(token))

    def name(self, token: Token) -> Name:
        return Name(str(token), span(token))

    def index(self, name: Token, first: Expression, second: Expression | None) -> Index:
        return Index(str(name), _subscripts(first, second), span(name))

    def call(self, function: Token, *arguments: Expression) -> Call:
        return Call(str(function), arguments, span(function))
