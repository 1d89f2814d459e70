"""Parses arguments of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import typer

from lockstep.compiler.names import ERASING, EVERY, PARTS, PROCESSES, SCHEDULES, Parts, construction_of, schedules_of

MAX_SIZES = 100_000

#: Digits, with a fraction and a decimal exponent, or with a power.
NUMBER = re.compile(r"([0-9]+)(?:([.][0-9]+)?(?:[eE][+]?([0-9]{1,3}))?|\^([0-9]{1,3}))")

MAX_NUMBER_BITS = 63


def construction(process: str | None, schedule: str | None) -> str:
    """The construction (a key of lockstep.compiler.compile.CONSTRUCTIONS); by default mdm, and two-step."""
    process, schedule = process or PROCESSES[0], schedule or SCHEDULES[0]
    if (name := construction_of(process, schedule)) is None:
        having = " and ".join(parts.process for parts in EVERY.values() if parts.schedule == schedule)
        raise typer.BadParameter(f"{process} has no {schedule} schedule; only {having} has it", param_hint="--schedule")
    return name


def constructions(process: str | None, schedule: str | None, among: Mapping[str, Parts] = PARTS) -> list[str]:
    """The constructions; process or schedule may be `all`. among: the table of which `all` takes each process."""
    process, schedule = process or PROCESSES[0], schedule or SCHEDULES[0]
    if process == "all":
        return [name for name, parts in among.items() if schedule == "all" or parts.schedule in ("", schedule)]
    return [construction(process, each) for each in (schedules_of(process) if schedule == "all" else (schedule,))]


def with_copies(schedule: str | None, copies: int | None) -> str | None:
    """The schedule: that of so many copies, where their number is given.

    Raises: typer.BadParameter: there is no such number of copies, or another schedule is given as well.
    """
    if copies is None:
        return schedule
    name, numbers = f"{copies}-copies", [each.removesuffix("-copies") for each in SCHEDULES if each.endswith("-copies")]
    if name not in SCHEDULES:
        raise typer.BadParameter(f"there are models with {' or '.join(numbers)} copies, not {copies}", param_hint="--copies")
    if schedule not in (None, SCHEDULES[0], name):
        raise typer.BadParameter(f"this is --schedule {name}: leave --schedule {schedule} out", param_hint="--copies")
    return name


def check_every(every: int | None, constructions: Iterable[str]) -> None:
    """Raises: typer.BadParameter: none of these constructions erases, so there is nothing to say how often."""
    if every is not None and ERASING not in constructions:
        raise typer.BadParameter("this is for --process arm --schedule erasing", param_hint="--every")


def parse_sizes(text: str) -> list[int]:
    """The sizes in a text such as `8`, `1..64` or `1,2,4`, each once.

    Raises: typer.BadParameter: the text is no such list, or a range is empty or too long.
    """
    sizes: dict[int, None] = {}
    for part in text.split(","):
        sizes |= dict.fromkeys(_range(part, text))
        if len(sizes) > MAX_SIZES:
            raise typer.BadParameter(f"{text!r} names more than {MAX_SIZES} sizes", param_hint="--sizes")
    return list(sizes)


def _range(part: str, text: str) -> range:
    """The sizes in one part of such a list."""
    first, dots, last = part.partition("..")
    try:
        low, high = int(first), int(last if dots else first)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a size, a range 1..64 or a list 1,2,4", param_hint="--sizes") from None
    if low < 1:
        raise typer.BadParameter(f"{part} begins below 1: sizes start at 1", param_hint="--sizes")
    if high < low:
        raise typer.BadParameter(f"{part} is an empty range: write the smaller size first", param_hint="--sizes")
    if high >> MAX_NUMBER_BITS:
        raise typer.BadParameter(f"{part[:60]} has more than {MAX_NUMBER_BITS} bits", param_hint="--sizes")
    if high - low >= MAX_SIZES:
        raise typer.BadParameter(f"{part} names more than {MAX_SIZES} sizes", param_hint="--sizes")
    return range(low, high + 1)


def parse_number(text: str, flag: str) -> int:
    """The exact integer in a text such as `1000000`, `1e6`, `2.5e6`, `10^6` or `2^20`.

    Raises: typer.BadParameter: the text is no such number, or the number has more than MAX_NUMBER_BITS bits.
    """
    found = NUMBER.fullmatch(text.strip().replace("_", ""))
    if not found:
        raise typer.BadParameter(f"{text!r} is not a number such as 1000, 1e6, 10^6 or 2^20", param_hint=flag)
    base, fraction, exponent, power = found.groups()
    most = int(exponent or power or 0)
    if most > MAX_NUMBER_BITS or len(text) > MAX_NUMBER_BITS:
        raise typer.BadParameter(f"{text!r} has more than {MAX_NUMBER_BITS} bits", param_hint=flag)
    value = Fraction(int(base)) ** most if power else Fraction(f"{base}{fraction or ''}") * 10**most
    if value.denominator != 1 or int(value) >> MAX_NUMBER_BITS:
        what = "is not an integer" if value.denominator != 1 else f"has more than {MAX_NUMBER_BITS} bits"
        raise typer.BadParameter(f"{text!r} {what}", param_hint=flag)
    return int(value)


def parse_settings(texts: Sequence[str], flag: str) -> dict[str, int]:
    """`NAME=NUMBER`, each name once."""
    values: dict[str, int] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not equals or not name.strip().isidentifier() or name.strip() in values:
            why = "names a parameter for the second time" if name.strip() in values else "is not NAME=NUMBER"
            raise typer.BadParameter(f"{text!r} {why}", param_hint=flag)
        values[name.strip()] = parse_number(number, flag)
    return values
