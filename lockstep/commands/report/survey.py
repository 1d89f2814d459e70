"""From a sweep's database to values: of each program, which is a file and a text, the last sweep that had it.

Of a file whose text has changed the newest text is shown, and earlier ones as long as a failure of theirs stands. A failure
stands until the same input of the same text is checked in a later sweep that asks for no less.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from operator import and_
from pathlib import Path
from typing import Any

from lockstep.commands.report.values import Survey, SurveyedCase, SurveyedCheck, SurveyedDecode, SurveyedProgram, Swept
from lockstep.pram.reached import Unreached
from lockstep.proofs_check.sweeps.plan import Key, Limits
from lockstep.proofs_check.sweeps.result import CHECKED, COMPUTED, FAILED
from lockstep.proofs_check.sweeps.store import reading

#: The most values of one kind that are kept to be used again.
MOST_KEPT = 1 << 16


@dataclass(frozen=True)
class Entry:
    """A row of the table `subjects`."""

    id: int
    name: str
    file: str
    sha256: str
    sidecar: str
    sweep: int
    limits: Limits

    def checks_no_less_than(self, other: Entry) -> bool:
        """Whether this sweep makes at least the checks of the other one."""
        more = set(self.limits.constructions) >= set(other.limits.constructions)
        return more and self.limits.dtype == other.limits.dtype and (self.sidecar == other.sidecar or not other.sidecar)


def survey(path: Path) -> Survey:
    """Read a database.

    Raises: PramError: it is no database of `lockstep sweep`, or damaged.
    """
    with reading(path) as connection:
        shown: list[SurveyedProgram] = []
        swept: set[int] = set()
        for texts in _texts(connection):
            newest = max(entry.sweep for entries in texts for entry in entries)
            for entries in texts:
                last = max(entry.sweep for entry in entries)
                found = [_surveyed(connection, entry, entries, last < newest) for entry in entries if entry.sweep == last]
                if len({program.sidecar for program in found}) == 1:
                    found = [replace(program, sidecar="") for program in found]
                kept = [program for program in found if not program.earlier_text or program.counts[FAILED]]
                shown += kept
                swept |= {last} if kept else set()
        files = Counter(name for name, _ in {(program.name, program.file) for program in shown})
        programs = tuple(replace(program, namesake=files[program.name] > 1) for program in sorted(shown, key=_order))
        sweeps = tuple(_sweeps(connection, swept))
        (total,) = connection.execute("SELECT count(*) FROM cases").fetchone()
    return Survey(str(path), path.name, programs, sweeps, total - sum(len(program.cases) for program in programs))


def _order(program: SurveyedProgram) -> tuple[str, str, str, bool, str]:
    return program.name, program.file, program.sidecar, program.earlier_text, program.sha256


def _texts(connection: sqlite3.Connection) -> list[list[list[Entry]]]:
    """The subjects, grouped by file and then by text."""
    rows = connection.execute(
        "SELECT id, name, file, program_sha256, sidecar_file, sweep, constructions, dtype, max_context, max_decoding_steps,"
        " max_steps FROM subjects ORDER BY file, sweep"
    )
    found: dict[str, dict[str, list[Entry]]] = {}
    for entry in map(_entry, rows):
        found.setdefault(entry.file, {}).setdefault(entry.sha256, []).append(entry)
    return [list(texts.values()) for texts in found.values()]


def _entry(row: sqlite3.Row) -> Entry:
    limits = Limits(
        constructions=tuple(row["constructions"].split(", ")),
        dtype=row["dtype"],
        max_context=row["max_context"],
        max_decoding_steps=row["max_decoding_steps"],
        max_steps=row["max_steps"],
    )
    return Entry(
        id=row["id"], name=row["name"], file=row["file"], sha256=row["program_sha256"], sidecar=row["sidecar_file"],
        sweep=row["sweep"], limits=limits,
    )  # fmt: skip


def _sweeps(connection: sqlite3.Connection, numbers: set[int]) -> Iterator[Swept]:
    """The sweeps with these numbers, each once, in the order in which they began."""
    rows = connection.execute("SELECT sweep, date, lockstep, seed, random, sizes FROM sweeps ORDER BY sweep")
    return iter(dict.fromkeys(_swept(row) for row in rows if row["sweep"] in numbers))


def _swept(row: sqlite3.Row) -> Swept:
    sizes = tuple(json.loads(row["sizes"]))
    return Swept(date=row["date"], lockstep=row["lockstep"], seed=row["seed"], random=row["random"], sizes=sizes)


def _surveyed(connection: sqlite3.Connection, entry: Entry, entries: Sequence[Entry], earlier_text: bool) -> SurveyedProgram:
    """The results of a subject's last sweep, and the failures of earlier sweeps of the same text that still count."""
    cases = connection.execute(
        "SELECT seed, size, number, status, outputs_right IS NOT NULL AS judged, trouble, params, unreached FROM cases"
        " WHERE current AND subject = ? ORDER BY size, seed, number", (entry.id,),
    ).fetchall()  # fmt: skip
    decodes = connection.execute(
        "SELECT construction, size, time, space, decodes.status AS status, context, steps, measured_context, measured_steps, params"
        " FROM decodes JOIN cases ON case_id = id WHERE current AND subject = ? ORDER BY size, seed, number", (entry.id,),
    )  # fmt: skip
    standing = _standing(connection, entry, entries)
    return SurveyedProgram(
        name=entry.name, file=entry.file, sha256=entry.sha256, limits=entry.limits,
        cases=tuple(sorted([*map(_case, cases), *standing], key=lambda case: (case.size, case.seed, case.number))),
        decodes=tuple(map(_decode, decodes)), lines=tuple(_lines(connection, entry.id)),
        missing=0 if earlier_text else _missing(connection, entry), earlier_text=earlier_text,
        unreached=_unreached([row["unreached"] for row in cases]), sidecar=entry.sidecar or "no sidecar",
    )  # fmt: skip


def _case(row: sqlite3.Row) -> SurveyedCase:
    return SurveyedCase(
        seed=row["seed"], size=row["size"], number=row["number"], status=row["status"], judged=bool(row["judged"]),
        trouble=row["trouble"], params=_params(row["params"]),
    )  # fmt: skip


def _decode(row: sqlite3.Row) -> SurveyedDecode:
    return _decode_of(*row)


# Of a million cases few differ in what is read here. So each value is kept once.


@lru_cache(MOST_KEPT)
def _params(text: str) -> Mapping[str, int]:
    found: dict[str, int] = json.loads(text)
    return found


@lru_cache(MOST_KEPT)
def _decode_of(*columns: Any) -> SurveyedDecode:
    """A decode from columns in the order of its fields."""
    values: list[Any] = [*columns[:-1], _params(columns[-1])]
    return SurveyedDecode(*values)


def _unreached(texts: Sequence[str]) -> Unreached | None:
    """The lines and conditions that none of these runs reached."""
    found = [Unreached.of(items) for text in dict.fromkeys(texts) if (items := json.loads(text)) is not None]
    return reduce(and_, found) if found else None


# -- failures that stand -------------------------------------------------------------------------


def _standing(connection: sqlite3.Connection, shown: Entry, entries: Sequence[Entry]) -> Iterator[SurveyedCase]:
    """Failures of a text under other options, or before a file changed. Each case occurs once, with its last failure."""
    found: dict[Key, SurveyedCase] = {}
    for entry in entries:
        rows = connection.execute(
            "SELECT sweep, drawn, seed, size, number, status, outputs_right IS NOT NULL AS judged, trouble, params FROM cases"
            f" WHERE subject = ? AND status = '{FAILED}' AND NOT (current AND ?)", (entry.id, entry.sweep == shown.sweep),
        )  # fmt: skip
        for row in rows.fetchall():
            case = replace(_case(row), earlier=True)
            if not any(_checked_again(connection, entry, case, row["drawn"], row["sweep"], other) for other in entries):
                found[case.seed, case.size, case.number, row["drawn"]] = case
    return iter(found.values())


def _checked_again(
    connection: sqlite3.Connection, entry: Entry, case: SurveyedCase, drawn: str, sweep: int, other: Entry
) -> bool:
    """Whether another subject of the same text has checked an input later that failed in a sweep.

    Args: drawn: the input; of a case whose input could not be drawn, any that is drawn for its number will do.
    """
    if not other.checks_no_less_than(entry):
        return False
    number = (case.seed, case.size, case.number)
    since = connection.execute(
        "SELECT drawn FROM planned WHERE (subject, seed, size, number) = (?, ?, ?, ?)"
        " UNION SELECT drawn FROM cases WHERE (subject, seed, size, number) = (?, ?, ?, ?)", (other.id, *number) * 2
    )  # fmt: skip
    inputs = [drawn] if drawn else [found for (found,) in since if found]
    later = [
        row
        for one in inputs
        for row in connection.execute(
            "SELECT status, outputs_right IS NOT NULL AS judged FROM cases WHERE current AND (subject, drawn) = (?, ?) AND sweep > ?",
            (other.id, one, sweep),
        )
    ]
    # Where nothing was to be decoded, a run that is right is all that can be asked for.
    enough = (CHECKED, COMPUTED) if not entry.limits.max_context else (CHECKED,)
    return any(row["status"] in enough and bool(row["judged"]) >= case.judged for row in later)


# -- checks and what is missing ------------------------------------------------------------------


def _missing(connection: sqlite3.Connection, entry: Entry) -> int:
    """How many planned cases of the last sweep are still to be run. Cases whose files have changed run again."""
    planned = connection.execute("SELECT seed, size, number, drawn FROM planned WHERE subject = ?", (entry.id,))
    run = connection.execute("SELECT seed, size, number, drawn FROM cases WHERE current AND subject = ?", (entry.id,))
    return len(set(map(_input_of, planned)) - set(map(_input_of, run)))


def _input_of(row: sqlite3.Row) -> tuple[int | str, ...]:
    """The identity of a case: its input, or its number if the input could not be drawn."""
    return (row["seed"], row["drawn"]) if row["drawn"] else (row["seed"], row["size"], row["number"])


def _lines(connection: sqlite3.Connection, number: int) -> Iterator[SurveyedCheck]:
    """The checks of a subject, in the order of `lockstep verify`."""
    rows = connection.execute(
        "SELECT construction, what, min(bound) AS least, max(bound) AS most, min(verdict) AS first, max(verdict) AS last,"
        " sum(verdict != 'FAILED') AS held, count(*) AS total,"
        " group_concat(DISTINCT CASE verdict WHEN 'certified' THEN \"on\" END) AS extents"
        " FROM checks JOIN cases ON case_id = id WHERE current AND subject = ?"
        " GROUP BY construction, what ORDER BY min(checks.rowid)", (number,),
    )  # fmt: skip
    return map(_line, rows)


def _line(row: sqlite3.Row) -> SurveyedCheck:
    """One check over all cases: FAILED if it failed in one of them."""
    return SurveyedCheck(
        construction=row["construction"], what=row["what"], bound=row["least"] if row["least"] == row["most"] else "",
        verdict="FAILED" if "FAILED" in (row["first"], row["last"]) else row["last"], held=row["held"], total=row["total"],
        extent=max((row["extents"] or "").split(","), key=_exponent),
    )  # fmt: skip


def _exponent(extent: str) -> int:
    """The exponent of a bound: 8 for `T * P <= 2^8`, 0 for an empty text."""
    return int(extent.rpartition("^")[2] or 0)
