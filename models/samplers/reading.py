"""Reads samplers as users write them: parts with `+` between them, each a rule with its numbers behind `:` and a suffix behind `,`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import Number, Row, Rule, State, WritesBack
from lockstep.models.transformer import Tokens

#: The rule that picks where only the others are named.
USUAL = "threshold"

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?(e-?[0-9]+)?")


@dataclass(frozen=True)
class Rules:
    """A sampler. text: as users write it, without aliases and with all numbers. rule: what picks. back: what writes back, in turn.

    block: how many positions a block has; None: there are no blocks.
    """

    text: str
    rule: Rule
    back: tuple[WritesBack, ...] = ()
    block: int | None = None

    def pick(self, guesses: Guesses, state: State) -> Tokens:
        """As `lockstep.models.samplers.rule.Rule`."""
        return self.rule.pick(guesses, state)


@dataclass(frozen=True)
class _Part:
    """One part of a sampler: its row, its numbers and its suffix."""

    row: Row
    numbers: tuple[float, ...]
    suffix: str

    @property
    def arguments(self) -> tuple[Any, ...]:
        return (*self.numbers, *([self.suffix] if self.row.suffixes else []))

    @property
    def text(self) -> str:
        behind = f",{self.suffix}" if self.row.suffixes and self.suffix != self.row.suffixes[0] else ""
        return ":".join([self.row.name, *(f"{number:.15g}" for number in self.numbers)]) + behind


def read(text: str, rows: Mapping[str, Row], aliases: Mapping[str, str]) -> Rules:
    """Arguments beside the text, and errors, are those of `lockstep.models.samplers.sampler`."""
    parts = [_part(text, written, rows, aliases) for written in text.split("+")]
    picking, where = (_at_most_one(text, parts, part) for part in ("how many", "where"))
    picking = picking or _part(text, USUAL, rows, aliases)
    inner, back = picking.row.make(*picking.arguments), _written_back(text, parts, where)
    rule = inner if where is None else where.row.make(*where.arguments, inner)
    made = [part.row.make(*part.arguments) for part in back]
    writing = [inner, *made] if isinstance(inner, WritesBack) else made
    named = [part.text for part in (where, picking, *back) if part is not None]
    return Rules("+".join(named), rule, tuple(writing), None if where is None else int(where.numbers[0]))


def _written_back(text: str, parts: Sequence[_Part], where: _Part | None) -> list[_Part]:
    """The parts that write back: at most one of each rule, and one that masks again. What is anchored comes last."""
    back = sorted((part for part in parts if part.row.part == "written back"), key=lambda part: not part.row.suffixes)
    for part, then in zip(back, back[1:]):
        if part.row.name == then.row.name or then.row.suffixes:
            raise ValueError(f"{text}: {part.row.name} and {then.row.name} contradict each other: write one of them")
    for part in back:
        if part.row.needs and part.suffix == part.row.needs and where is None:
            raise ValueError(f"{text}: {part.row.form},{part.suffix} is for a sampler with blocks, as in blocks:B+{part.text}")
    return back


def _at_most_one(text: str, parts: Sequence[_Part], which: str) -> _Part | None:
    """The part of this kind; None if there is none."""
    found = [part for part in parts if part.row.part == which]
    if len(found) > 1:
        raise ValueError(f"{text}: {found[0].row.name} and {found[1].row.name} contradict each other: one of them says {which}")
    return found[0] if found else None


def _part(text: str, written: str, rows: Mapping[str, Row], aliases: Mapping[str, str]) -> _Part:
    """One part of a sampler, an alias replaced by what it stands for."""
    name, *numbers = written.partition(",")[0].split(":")
    suffix = written.partition(",")[2] if "," in written else None
    if name in aliases and suffix is None and not (name in rows and numbers):
        name, _, stands = aliases[name].partition(",")
        suffix = stands or None
    if name not in rows:
        raise ValueError(f"{text}: there is no sampler {name or 'without a name'}: {forms(rows, aliases)}")
    row = rows[name]
    return _Part(row, tuple(_numbers(text, row, numbers)), _suffix(text, row, suffix))


def _numbers(text: str, row: Row, written: Sequence[str]) -> list[float]:
    """The numbers of a part. Those that are left out at the end are the usual ones."""
    missing = row.numbers[len(written) :]
    if len(written) > len(row.numbers) or any(number.usual is None for number in missing):
        raise ValueError(f"{text}: write {row.form}" + "".join(f", {n.letter} {n.range}" for n in row.numbers))
    given = [_number(text, row, number, found) for number, found in zip(row.numbers, written)]
    return given + [int(number.usual) if number.whole else float(number.usual) for number in missing if number.usual is not None]


def _number(text: str, row: Row, number: Number, written: str) -> float:
    if _NUMBER.fullmatch(written):
        value: float = int(written) if number.whole and written.isdigit() else float(written)
        if number.holds(value) and not (number.whole and not written.isdigit()):
            return value
    raise ValueError(f"{text}: in {row.form}, {number.letter} is {number.range}, not {written or 'nothing'}")


def _suffix(text: str, row: Row, written: str | None) -> str:
    if written is None:
        return row.suffixes[0] if row.suffixes else ""
    if written not in row.suffixes:
        allowed = f"one of {', '.join(row.suffixes)}" if row.suffixes else "nothing"
        raise ValueError(f"{text}: behind {row.form} and a comma stands {allowed}, not {written or 'nothing'}")
    return written


def forms(rows: Mapping[str, Row], aliases: Mapping[str, str]) -> str:
    """All forms in one line, for messages and help."""
    listed = ", ".join(row.form for row in rows.values())
    return f"write {listed}, or {', '.join(aliases)}; parts are joined as in blocks:32+top:2,margin"
