"""Parses a program text into a syntax tree. Syntax errors say what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from lark import Lark, Token, UnexpectedCharacters, UnexpectedToken

from lockstep.pram import syntax
from lockstep.pram.automaton import Automaton
from lockstep.pram.building import Builder, Mistake, span
from lockstep.pram.cache import writable_cache_folder
from lockstep.pram.errors import Source, Span, fail
from lockstep.pram.nesting import MAX_NESTING, Nesting, too_deep
from lockstep.pram.syntax import Binary, ProgramText
from lockstep.pram.syntax_errors import DECLARATIONS, NO_PROGRAM, SyntaxErrors

#: The most terms of one chain of operators, such as `a + b - c`.
MAX_TERMS = 10_000


def parse(text: str, name: str = "<text>") -> tuple[ProgramText, Source]:
    """Parse a program.

    Returns: the syntax tree, and the source that its places refer to.
    Raises:  PramError: the first syntax error, with its place.
    """
    source = Source(name, text.removeprefix("\ufeff"))
    if not source.text.strip():
        raise fail(NO_PROGRAM, source, Span(1, 1))
    nesting = Nesting(source)
    errors = SyntaxErrors(source, nesting, keywords(), shown_terminals())
    try:
        tree: ProgramText = _automaton().parse(source.text, nesting.see)
    except UnexpectedCharacters as error:
        raise errors.unexpected_character(error) from None
    except UnexpectedToken as error:
        raise errors.unexpected_token(error) from None
    except Mistake as mistake:
        raise fail(mistake.message, source, mistake.at) from None
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


@cache
def shown_terminals() -> dict[str, str]:
    """Return the terminals as programs write them."""
    return {t.name: t.pattern.value for t in _lark().terminals} | {
        "NAME": "a name",
        "INT": "a number",
        "RELATION": "==",
        "AUGMENTED": "+=",
        "MULTIPLICATIVE": "*",
    }


@cache
def _lark() -> Lark:
    """Return the LALR(1) parser. In its lexer, keywords are reserved everywhere."""
    grammar = (files(__package__) / "grammar.lark").read_text(encoding="utf-8")
    folder = writable_cache_folder()
    # To make the tables takes a sixth of a second, so Lark keeps them, with a hash of the grammar.
    tables = str(folder / "grammar.tables") if folder else False
    return Lark(grammar, parser="lalr", lexer="basic", maybe_placeholders=True, transformer=Builder(), cache=tables)


@cache
def _automaton() -> Automaton:
    return Automaton(_lark())


def _check_depth(tree: ProgramText, source: Source) -> None:
    """Refuse trees that are too deep for the recursion of later passes.

    A chain of operators such as `a + b - c` is one level, however many terms it has: the passes loop over its terms.
    """
    level: list[syntax.Node] = [tree]
    for _ in range(MAX_NESTING):
        level = [below for node in level for below in _one_level_down(node, source)]
    if level:
        raise too_deep(source, level[0].at)


def _one_level_down(node: syntax.Node, source: Source) -> list[syntax.Node]:
    """Return the nodes one level below a node: the terms of a chain of operators, or the children of another node."""
    if not isinstance(node, Binary):
        return [*syntax.children(node), *syntax.contracts(node)]
    chain = syntax.left_chain(node)
    if len(chain) >= MAX_TERMS:
        raise fail(f"this expression has more than {MAX_TERMS} terms", source, chain[MAX_TERMS - 1].at)
    return [chain[0].left, *(below.right for below in chain)]


__all__ = ["DECLARATIONS", "MAX_TERMS", "keywords", "lex", "lex_with_comments", "parse", "span"]
