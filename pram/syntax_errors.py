"""The messages of syntax errors. Each says what to write instead, where that can be told."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from lark import Token, UnexpectedCharacters, UnexpectedToken

from lockstep.pram.access import MODES, WRITE_RULES
from lockstep.pram.building import span
from lockstep.pram.errors import PramError, Source, Span, did_you_mean, fail
from lockstep.pram.foreign import FOREIGN
from lockstep.pram.nesting import CLOSERS, Nesting
from lockstep.pram.syntax import COMPARISONS

NO_PROGRAM = "there is no program here; one starts with `program NAME`"

LOOKALIKES = {"≤": "<=", "≥": ">=", "≠": "!=", "←": ":=", "×": "*", "÷": "/", "∧": "and", "∨": "or", "¬": "not",
              "−": "-", "–": "-", "…": "..", "⌈": "lg", "⇒": "==>", "∀": "forall", "∃": "exists", "∑": "sum"}  # fmt: skip

#: Letters of other alphabets that look like Latin ones.
HOMOGLYPHS = dict(zip("аеорсухіјѕһАВЕЅКМНІЈОРСТУХοΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeopcyxijshABESKMHIJOPCTYXoABEZHIKMNOPTYX"))

#: Characters that other languages use, with advice.
CHARACTERS = {"=": "write `:=` to assign, `==` to compare", ":": "write `:=` to assign", "!": "write `!=` or `not`",
              ".": "write `..` for a range; numbers are integers",
              "{": "blocks go from `do` or `then` to `end`", "}": "blocks go from `do` or `then` to `end`",
              "?": "a choice is written `if c then a else b`", "~": "write `x ^ inf` to change all bits of x",
              '"': "a text stands in a `print`, and ends on its line", "'": "a text stands in a `print`, between two `\"`"}  # fmt: skip
DOUBLED = {"&": "write `and`, or one `&` for bits", "|": "write `or`, or one `|` for bits", "/": "comments start with `#`",
           "*": "there is no power: write `1 << k` for 2 to the k, or multiply"}  # fmt: skip
#: What takes ranges.
RANGES = re.compile(r"\b(forall|exists|for|sum|count|max|min)\b(?=\s*\(\s*\w+\s+in\b|\s+\w+\s+in\b)")
DECLARATIONS = ("mode", "param", "const", "word", "procs", "shared", "claim", "requires", "ensures", "use", "proc")


class SyntaxErrors:
    """Makes the errors of one text.

    nesting: what was read before the error. keywords: all reserved words. terminals: as programs write them.
    """

    def __init__(self, source: Source, nesting: Nesting, keywords: frozenset[str], terminals: Mapping[str, str]) -> None:
        self.source, self.nesting, self.keywords, self.terminals = source, nesting, keywords, terminals

    def unexpected_character(self, error: UnexpectedCharacters) -> PramError:
        char = self.source.text[error.pos_in_stream or 0]
        at = Span(error.line, error.column)
        if not self.nesting.recent and char.isascii() and char.isprintable():  # JSON, say
            return fail(NO_PROGRAM, self.source, at)
        if char in CHARACTERS:
            return fail(f"unexpected `{char}`; {CHARACTERS[char]}", self.source, at)
        title = unicodedata.name(char, f"U+{ord(char):04X}")
        return fail(f"unexpected character {char!r} ({title}){self._advice_on_character(char)}", self.source, at)

    def _advice_on_character(self, char: str) -> str:
        """Return advice, starting with `; `, for a character that the language does not have."""
        plain = LOOKALIKES.get(char) or HOMOGLYPHS.get(char) or unicodedata.normalize("NFKC", char)
        if plain == " ":
            return "; write a plain space"
        if plain != char and plain.isascii():
            return f"; write `{plain}`, a Latin letter" if char in HOMOGLYPHS else f"; write `{plain}`"
        return "; names are written in ASCII letters, digits and `_`" if char.isalpha() else ""

    def unexpected_token(self, error: UnexpectedToken) -> PramError:
        token, expected = error.token, error.expected
        at_end = token.type == "$END"
        before = self.nesting.recent if at_end else self.nesting.recent[:-1]
        previous = before[-1] if before else None
        foreign = self.nesting.foreign
        if foreign is not None and foreign in (token, previous) or foreign and span(foreign).line == span(token).line:
            return fail(f"`{foreign}` cannot stand here; {FOREIGN[foreign]}", self.source, span(foreign))
        if previous is not None and previous.type == "NAME" and "NAME" not in expected and (at_end or token[0].isalnum()):
            if hint := did_you_mean(previous, self.keywords):
                return fail(f"unknown word `{previous}`{hint}", self.source, span(previous))
        if len(before) > 1 and before[-2] == "return" and before[-1].type == "NAME":
            return fail("`return` takes no value: it ends the item of a processor", self.source, span(before[-1]))
        if len(before) > 1 and before[-2] in WRITE_RULES and before[-1].type == "NAME":  # a name of the next line
            return self._unknown_mode(before[-2], "", span(before[-2]))
        if previous is not None and (previous == "mode" or previous in WRITE_RULES):
            place = previous if at_end or previous in WRITE_RULES else token
            return self._unknown_mode(previous, "" if at_end else str(token), span(place))
        later = at_end or before and span(token).line > span(before[-1]).line
        if later and len(before) > 1 and before[-2] == "local" and "LSQB" in expected:
            return fail(f"a local needs a value: write `local {previous} := 0`", self.source, span(before[-1]))
        if at_end:
            return self._unexpected_end(expected)
        if previous is None and not token[0].isalpha():
            return fail(NO_PROGRAM, self.source, span(token))
        return fail(f"unexpected `{token}`{self._advice_on_token(token, previous, expected)}", self.source, span(token))

    def _advice_on_token(self, token: Token, previous: Token | None, expected: set[str]) -> str:
        """Return advice, starting with `; ` or `: `, for an unexpected token."""
        if expected == {"NAME"} and token in self.keywords:
            return ": it is a reserved word and cannot be a name"
        if advice := self._advice_on_contract(token, previous, expected):
            return advice
        if expected == {"IN"}:
            return "; a loop is written `for i in 0 .. 3 do`"
        if expected == {"RELATION"}:
            return "; a claim states `==` or `<=`"
        if token == "<" and self._text_at(token).startswith("<-"):
            return "; write `:=` to assign"
        if token in ("+", "-") and "AUGMENTED" in expected:
            return f"; write `x {token}= 1`"
        if token == ":=" and previous == ")":
            return "; a subscript is written in brackets, as in `A[0] := 1`"
        if token == ":" and expected & {"THEN", "DO"}:
            return "; blocks go from `do` or `then` to `end`"
        if token in COMPARISONS and previous is not None and previous.type in ("NAME", "INT", "RPAR", "RSQB"):
            return "; comparisons do not chain: join two of them with `and`"
        if token == "=":
            return f"; {CHARACTERS['=']}"
        if token == previous and token in DOUBLED:
            return f"; {DOUBLED[token]}"
        if token.type == "STRING":
            return "; a text stands in a `print`, right after the word or a comma"
        if token == "]" and previous == "[" and self.nesting.recent[0] == "in":
            return "; a list has at least one item"
        if token == "step" and previous == "]":
            return "; a list of values has no `step`"
        if token == "," and "UPTO" in expected:
            return "; a list is written in brackets, as in `for i in [1, 2, 5] do`"
        if token == ".." and self.nesting.open and self.nesting.open[-1] == "[":
            return "; a range has no brackets: `for i in 0 .. 3 do`"
        if token == "[" and previous == "]":
            return "; two subscripts are written `[i, j]`"
        if token in DECLARATIONS and "NAME" in expected and previous is not None:
            return "; declarations stand before the first statement"
        return self._unclosed(token, expected) or self._hint(token, expected)

    def _advice_on_contract(self, token: Token, previous: Token | None, expected: set[str]) -> str:
        shown, recent = self._shown(expected), self.nesting.recent
        if token == ":" and shown == [".."] or shown == ["in"] and {"forall", "exists"} & {*recent}:
            return "; a quantifier is written `forall i in 0 .. n - 1 : A[i] > 0`"
        if shown == ["in"] and [opener for opener in self.nesting.open if opener is not token][-1:] == ["("]:
            return "; what goes through a range is written `sum(i in 0 .. n - 1 : A[i])`"
        if token == "invariant":
            return "; it belongs to a `while`, `repeat` or `for`, and stands before `do`, or after `repeat`; elsewhere write `assert`"
        if token == ">" and previous in ("-", "=") and self._text_at(previous).startswith(("->", "=>")):
            return "; write `==>` for what follows from a condition"
        if token == "=" and self._text_at(token).startswith("=>"):
            return "; write `==>` for what follows from a condition, `>=` to compare"
        return ""

    def _text_at(self, token: Token) -> str:
        """Return the rest of the line from a token on."""
        return self.source.line(span(token).line)[span(token).column - 1 :]

    def _unclosed(self, token: Token, expected: set[str]) -> str:
        """Return which block or bracket is still open, or that none is; "" if that is not the error."""
        closes = token in ("end", "until", "else", "elif", ")", "]")
        before = [opener for opener in self.nesting.open if opener is not token]
        if not before:
            return ": nothing is open here" if closes else ""
        opener = before[-1]
        if closes or (opener == "(" and "RPAR" in expected) or (opener == "[" and "RSQB" in expected):
            return f": `{opener}` opened at {opener.line}:{opener.column} is still open"
        return ""

    def _hint(self, token: Token, expected: set[str]) -> str:
        known = (value for value in self._shown(expected) if value.isalpha())
        return token.type == "NAME" and did_you_mean(token, known) or self._expectation(expected)

    def _unexpected_end(self, expected: set[str]) -> PramError:
        if not self.nesting.recent:
            return fail(NO_PROGRAM, self.source, Span(1, 1))
        if self.nesting.open:
            opener, why = self.nesting.open[-1], "`{}` opened here is never closed"
            if self.nesting.suspect is not None:
                opener, why = self.nesting.suspect, "by its indentation, `{}` opened here is never closed"
            elif opener == "if" and self.nesting.chained is not None:
                opener, why = self.nesting.chained, "`{}` after `else` needs one of its own; or write `elif`"
            return fail(f"missing `{CLOSERS[opener]}`: {why.format(opener)}", self.source, span(opener))
        last = self.nesting.recent[-1]
        after = Span(last.end_line or 1, last.end_column or 1)
        return fail(f"the program breaks off after `{last}`{self._expectation(expected)}", self.source, after)

    def _unknown_mode(self, previous: Token, given: str, at: Span) -> PramError:
        name = str(previous) if previous in WRITE_RULES else given.upper()
        if name in WRITE_RULES:
            return fail(f"{name} needs a write rule: {WRITE_RULES[name]}", self.source, at)
        what = f"unknown access mode `{given}`" if given else "missing access mode"
        if sorted(given.upper()) == sorted("CRCW"):
            return fail(f"{what}; did you mean {WRITE_RULES['CRCW']}?", self.source, at)
        return fail(f"{what}{did_you_mean(given, MODES) or '; the modes are ' + ', '.join(MODES)}", self.source, at)

    def _shown(self, expected: set[str]) -> list[str]:
        """Return terminals as programs write them. Ranges of loops and of quantifiers read alike, up to what follows them."""
        shown = {self.terminals.get(name, name) for name in expected}
        if {":", "do"} <= shown:
            read = self.source.text[: self.nesting.recent[-1].start_pos]
            shown -= {":"} if RANGES.findall(read)[-1:] == ["for"] else {"do", "on"}
        return sorted(shown - {"invariant"})  # which nobody misses

    def _expectation(self, expected: set[str]) -> str:
        """Return `; expected ...` if at most four tokens are possible, else ""."""
        texts = self._shown(expected)
        if len(texts) > 4:
            return ""
        return "; expected " + " or ".join(t if t.startswith("a n") else f"`{t}`" for t in texts)
