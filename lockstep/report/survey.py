"""From a sweep's database to values: of each program the version and options that were swept last."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lockstep.report.words import sizes_text
from lockstep.sweep.plan import Limits
from lockstep.sweep.result import CHECKED, COMPUTED, FAILED, STATUSES, STOPPED
from lockstep.sweep.store import reading


@dataclass(frozen=True)
class Line:
    """One check of a program: how many of its cases it held on.

    bound: one that all cases share, or nothing. extent: up to where it is certified, of the largest case; else nothing.
    """

    construction: str
    what: str
    bound: str
    verdict: str
    held: int
    total: int
    extent: str = ""


@dataclass(frozen=True)
class Decode:
    """One case in one construction; as lockstep.sweep.result.Decode, with the run's figures.

    time: in steps; space: words of memory and registers with program counters.
    """

    construction: str
    size: int
    time: int
    space: int
    status: str
    context: int
    steps: int
    measured_context: int | None
    measured_steps: int | None


@dataclass(frozen=True)
class Case:
    """What one case came to; trouble: in words, if it failed or was stopped."""

    seed: int
    size: int
    number: int
    status: str
    judged: bool
    trouble: str


@dataclass(frozen=True)
class Swept:
    """What a sweep was told to do, so that it can be repeated: when, by which version, and which inputs it drew."""

    date: str
    lockstep: str
    seed: int
    random: int
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Surveyed:
    """A program with all that was found of it; sha256 of its text. missing: cases of its last sweep that were not run yet."""

    name: str
    file: str
    sha256: str
    limits: Limits
    cases: tuple[Case, ...]
    decodes: tuple[Decode, ...]
    lines: tuple[Line, ...]
    missing: int = 0

    @property
    def constructions(self) -> tuple[str, ...]:
        return self.limits.constructions

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(case.status for case in self.cases)

    @property
    def troubles(self) -> list[Case]:
        return [case for case in self.cases if case.trouble]

    @property
    def runs(self) -> str:
        """For which sizes every run on the machine ended and all that was held against it was right."""
        return self._all([(case.size, case.status in (CHECKED, COMPUTED)) for case in self.cases])

    @property
    def machine(self) -> str:
        """`runs`, and whether outputs were judged."""
        return self.runs if self.judged else f"{self.runs} (no oracle)"

    @property
    def judged(self) -> bool:
        """Whether every run was judged by an oracle."""
        return all(case.judged for case in self.cases if case.status in (CHECKED, COMPUTED))

    def checked(self, construction: str) -> str:
        """For which sizes every case was decoded in this construction, and all that was held against it was right."""
        return self._all(
            [(d.size, d.status == CHECKED) for d in self.decodes if d.construction == construction], self._unfinished
        )

    @property
    def _unfinished(self) -> set[int]:
        """Sizes with a case of which nothing is known."""
        return {case.size for case in self.cases if case.status == STOPPED or case.status == FAILED}

    def _all(self, found: list[tuple[int, bool]], without: set[int] | None = None) -> str:
        lacking = {size for size, holds in found if not holds} | (without or set())
        return sizes_text({size for size, _ in found} - lacking)

    def of(self, construction: str) -> list[Decode]:
        return [d for d in self.decodes if d.construction == construction]


@dataclass(frozen=True)
class Survey:
    """All programs, and the last sweeps that had them; earlier: cases of other versions or options, which are not shown."""

    name: str
    programs: tuple[Surveyed, ...]
    sweeps: tuple[Swept, ...]
    earlier: int

    @cached_property
    def counts(self) -> Counter[str]:
        return sum((program.counts for program in self.programs), Counter[str]())

    @property
    def failed(self) -> int:
        return self.counts[FAILED]

    @property
    def missing(self) -> int:
        """Cases that were planned and not run yet."""
        return sum(program.missing for program in self.programs)

    @property
    def constructions(self) -> list[str]:
        return list(dict.fromkeys(c for program in self.programs for c in program.constructions))


def survey(path: Path) -> Survey:
    """What is in a database.

    Raises: PramError: it is no database of `lockstep sweep`, or damaged.
    """
    with reading(path) as connection:
        latest = "SELECT max(sweep) FROM subjects AS other WHERE other.name = subjects.name"
        rows = connection.execute(
            f"SELECT id, name, file, program_sha256, constructions, dtype, max_context, max_decoding_steps, max_steps"
            f" FROM subjects WHERE sweep = ({latest}) ORDER BY name, file"
        ).fetchall()
        programs = tuple(_surveyed(connection, *row) for row in rows)
        sweeps = tuple(_sweeps(connection, latest))
        (total,) = connection.execute("SELECT count(*) FROM cases").fetchone()
    return Survey(path.name, programs, sweeps, total - sum(len(program.cases) for program in programs))


def _sweeps(connection: sqlite3.Connection, latest: str) -> Iterator[Swept]:
    """Those that a program had last, each once, in the order in which they were begun."""
    rows = connection.execute(
        "SELECT date, lockstep, seed, random, sizes FROM sweeps"
        f" WHERE sweep IN (SELECT sweep FROM subjects WHERE sweep = ({latest})) ORDER BY sweep"
    )
    found = (Swept(day, lockstep, seed, random, tuple(json.loads(sizes))) for day, lockstep, seed, random, sizes in rows)
    return iter(dict.fromkeys(found))


def _surveyed(connection: sqlite3.Connection, number: int, name: str, file: str, sha256: str, constructions: str,
              *rest: Any) -> Surveyed:  # fmt: skip
    cases = connection.execute(
        "SELECT seed, size, number, status, outputs_right IS NOT NULL, trouble FROM cases"
        " WHERE subject = ? ORDER BY size, seed, number", (number,),
    )  # fmt: skip
    decodes = connection.execute(
        "SELECT construction, size, time, space, decodes.status, context, steps, measured_context, measured_steps"
        " FROM decodes JOIN cases ON case_id = id WHERE subject = ? ORDER BY size, seed, number", (number,),
    )  # fmt: skip
    return Surveyed(
        name, file, sha256, Limits(tuple(constructions.split(", ")), *rest), tuple(Case(*row) for row in cases),
        tuple(Decode(*row) for row in decodes), tuple(_lines(connection, number)), _missing(connection, number),
    )  # fmt: skip


def _missing(connection: sqlite3.Connection, subject: int) -> int:
    run = "SELECT 1 FROM cases WHERE (subject, seed, size, number) = (p.subject, p.seed, p.size, p.number)"
    (found,) = connection.execute(
        f"SELECT count(*) FROM planned AS p WHERE subject = ? AND NOT EXISTS ({run})", (subject,)
    ).fetchone()
    return int(found)


def _lines(connection: sqlite3.Connection, number: int) -> Iterator[Line]:
    """In the order of `lockstep verify`: a check's place is that of its first row."""
    rows = connection.execute(
        "SELECT construction, what, min(bound), max(bound), min(verdict), max(verdict), sum(verdict != 'FAILED'), count(*),"
        " group_concat(DISTINCT CASE verdict WHEN 'certified' THEN \"on\" END)"
        " FROM checks JOIN cases ON case_id = id WHERE subject = ?"
        " GROUP BY construction, what ORDER BY min(checks.rowid)", (number,),
    )  # fmt: skip
    for construction, what, first, last, one, other, held, total, extents in rows:
        verdict = "FAILED" if "FAILED" in (one, other) else other
        extent = max((extents or "").split(","), key=_exponent)
        yield Line(construction, what, first if first == last else "", verdict, held, total, extent)


def _exponent(extent: str) -> int:
    """8 of `T * P <= 2^8`, 0 of nothing."""
    return int(extent.rpartition("^")[2] or 0)


__all__ = [
    "CHECKED",
    "COMPUTED",
    "FAILED",
    "STATUSES",
    "STOPPED",
    "Case",
    "Decode",
    "Line",
    "Survey",
    "Surveyed",
    "Swept",
    "survey",
]
