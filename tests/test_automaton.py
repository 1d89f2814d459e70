"""The loop that parses, against Lark's own loop over the same tables: trees, and the tokens that cannot stand where they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from random import Random

import pytest
from kit.fuzzing import PROGRAMS, mutate_text, short_program
from lark import Token, UnexpectedCharacters, UnexpectedToken

from lockstep.pram import parser
from lockstep.pram.automaton import Automaton
from lockstep.pram.syntax import FIELDS, walk


def texts(seed: int, count: int) -> Iterator[str]:
    """Programs, each with texts that are a little different, of which most are no programs."""
    random = Random(seed)
    examples = [path.read_text() for path in random.sample(sorted(PROGRAMS.glob("*.pram")), count)]
    for program in [*examples, *(short_program(random).text for _ in range(count))]:
        yield program
        yield from (mutate_text(random, program) for _ in range(5))


def by_lark(text: str, seen: list[Token]) -> str:
    """What Lark's loop makes of a text; `seen` receives the tokens that it is given."""
    reading = parser._lark().parse_interactive(text)
    try:
        for token in reading.iter_parse():
            seen.append(token)
        return shown(reading.feed_eof())  # type: ignore[no-untyped-call]
    except Exception as end:
        return ending(end)


def by_automaton(automaton: Automaton, text: str, seen: list[Token]) -> str:
    """The same for the loop that parses. Any error ends a parse, also one of the builder: its text must be the same."""
    try:
        return shown(automaton.parse(text, seen.append))
    except Exception as end:
        return ending(end)


def shown(tree: object) -> str:
    """All nodes with their places and all that is no node."""
    rows = ((type(n).__name__, *(getattr(n, f.name) for f in fields(n) if f.name not in FIELDS[type(n)])) for n in walk(tree))  # type: ignore[arg-type]
    return "\n".join(map(repr, rows))


def ending(end: Exception) -> str:
    match end:
        case UnexpectedToken(token=token, expected=expected):
            return f"{token!r} at {token.line}, {token.column}, not one of {sorted(expected)}"
        case UnexpectedCharacters(pos_in_stream=place):
            return f"a character at {place}"
    return f"{type(end).__name__}: {end}"


def both_loops_take_the_same(seed: int, count: int) -> None:
    automaton, ended = Automaton(parser._lark()), 0
    for text in texts(seed, count):
        seen: tuple[list[Token], list[Token]] = [], []
        expected, found = by_lark(text, seen[0]), by_automaton(automaton, text, seen[1])
        assert found == expected, text
        assert seen[0] == seen[1], text
        ended += " at " in expected
    assert ended > count


@pytest.mark.parametrize("seed", range(4))
def test_both_loops_take_the_same(seed: int) -> None:
    both_loops_take_the_same(seed, 15)
