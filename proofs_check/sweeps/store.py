"""The database of a sweep: one SQLite file, one transaction for each case.

If the sweep is killed, the database holds the finished cases and nothing of the others. It uses a rollback journal with
synchronous EXTRA, not a write-ahead log. The journal also survives a power failure, leaves one file when nobody writes, and
works on the network file systems of clusters. It costs a few syncs for each case. A sweep locks its file until its process
ends.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import date
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from lockstep.pram.errors import PramError, Source, fail
from lockstep.pram.sidecar.files import fingerprint
from lockstep.proofs_check.sweeps.plan import Key, Subject, SweepPlan, Task, load_subject
from lockstep.proofs_check.sweeps.result import Result
from lockstep.proofs_check.sweeps.rows import case_row, check_row, file_row_name, insertion, read_file_name, subject_row

#: Marks in the header of the SQLite file: the application ("LSwp"), and the version of the tables.
APPLICATION, TABLES = 0x4C537770, 5

#: The columns of a subject: everything that results depend on, except size, input, seed and the files that the sidecar reads.
SUBJECT = {
    "file": "TEXT", "program_sha256": "TEXT", "sidecar_file": "TEXT", "sidecar_sha256": "TEXT", "constructions": "TEXT",
    "dtype": "TEXT", "max_context": "INTEGER", "max_decoding_steps": "INTEGER", "max_steps": "INTEGER",
    "sidecar_timeout": "REAL", "version": "TEXT", "libraries": "TEXT",
}  # fmt: skip

#: `sweep` is the number of a sweep: for a subject or a case, the last sweep that contained it, even if it did not run it.
#: `planned` has the cases of a subject's last sweep; of several cases with the same input, only the first is run.
#: `drawn` is the input's SHA-256, or "" if the sidecar failed to draw the input. `files` are those that a case has read;
#: `current` says whether they were unchanged when the last sweep of the subject began. `on` of a check names its runs or
#: bounds.
SCHEMA = f"""
BEGIN EXCLUSIVE;
CREATE TABLE subjects (id INTEGER PRIMARY KEY, {", ".join(f"{name} {kind} NOT NULL" for name, kind in SUBJECT.items())},
    name TEXT NOT NULL, sweep INTEGER NOT NULL, UNIQUE ({", ".join(SUBJECT)})) STRICT;
CREATE TABLE cases (id INTEGER PRIMARY KEY, subject INTEGER NOT NULL REFERENCES subjects, seed INTEGER NOT NULL,
    size INTEGER NOT NULL, number INTEGER NOT NULL, drawn TEXT NOT NULL, status TEXT NOT NULL, params TEXT NOT NULL,
    time INTEGER, work INTEGER, processors INTEGER, space INTEGER, outputs_right INTEGER, trouble TEXT NOT NULL,
    unreached TEXT, sweep INTEGER NOT NULL, current INTEGER NOT NULL DEFAULT 1, UNIQUE (subject, seed, size, number, drawn)) STRICT;
CREATE TABLE files (case_id INTEGER NOT NULL REFERENCES cases, name TEXT NOT NULL, fingerprint TEXT NOT NULL,
    PRIMARY KEY (case_id, name)) STRICT;
CREATE TABLE decodes (case_id INTEGER NOT NULL REFERENCES cases, construction TEXT NOT NULL, status TEXT NOT NULL,
    context INTEGER NOT NULL, steps INTEGER NOT NULL, measured_context INTEGER, measured_steps INTEGER,
    PRIMARY KEY (case_id, construction)) STRICT;
CREATE TABLE checks (case_id INTEGER NOT NULL REFERENCES cases, construction TEXT NOT NULL, what TEXT NOT NULL,
    bound TEXT NOT NULL, measured TEXT NOT NULL, verdict TEXT NOT NULL, "on" TEXT NOT NULL) STRICT;
CREATE TABLE sweeps (sweep INTEGER PRIMARY KEY, date TEXT NOT NULL, lockstep TEXT NOT NULL, seed INTEGER NOT NULL,
    random INTEGER NOT NULL, sizes TEXT NOT NULL) STRICT;
CREATE TABLE planned (subject INTEGER NOT NULL REFERENCES subjects, seed INTEGER NOT NULL, size INTEGER NOT NULL,
    number INTEGER NOT NULL, drawn TEXT NOT NULL, PRIMARY KEY (subject, seed, size, number)) STRICT;
CREATE INDEX checks_of_cases ON checks (case_id);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {TABLES};
COMMIT;
"""

#: The key of a task identifies a case.
KEY = ("subject", "seed", "size", "number", "drawn")
SAME_CASE = f"({', '.join(KEY)}) = ({', '.join(f':{name}' for name in KEY)})"


class SweepStore:
    """The database, open for writing; `writing` opens it."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self.connection = connection
        self.folder = folder
        self.ids: dict[Subject, int] = {}
        self.sweep = 0

    def begin_sweep(self, plan: SweepPlan, tasks: Iterable[Task]) -> None:
        """Store the planned subjects and cases, and mark those that are there already as part of this sweep."""
        facts = {
            "date": date.today().isoformat(), "lockstep": version_of("lockstep"), "seed": plan.seed, "random": plan.random,
            "sizes": json.dumps(list(plan.sizes)),
        }  # fmt: skip
        with _transaction(self.connection):
            self.sweep = self._insert("sweeps", facts)
            for subject in plan.subjects:
                self.ids[subject] = self._enter(subject)
                self._compare_files(subject)
            self.connection.executemany(insertion("planned", dict.fromkeys(KEY)), map(self._key, tasks))
            self._take_over()

    def _enter(self, subject: Subject) -> int:
        row = {**subject_row(subject, self.folder), "name": load_subject(subject).name, "sweep": self.sweep}
        again = f"ON CONFLICT ({', '.join(SUBJECT)}) DO UPDATE SET sweep = excluded.sweep RETURNING id"
        (number,) = self.connection.execute(f"{insertion('subjects', row)} {again}", row).fetchone()
        self.connection.execute("DELETE FROM planned WHERE subject = ?", (number,))
        return int(number)

    def _compare_files(self, subject: Subject) -> None:
        """Mark the cases of a subject for which all files that they read are unchanged."""
        number, folder = (self.ids[subject],), subject.folder
        read = self.connection.execute(
            "SELECT id, files.name, fingerprint FROM files JOIN cases ON case_id = id WHERE subject = ?", number
        )
        stale = {row["id"] for row in read if fingerprint(folder, row["name"]) != row["fingerprint"]}
        self.connection.execute("UPDATE cases SET current = 1 WHERE subject = ?", number)
        self.connection.executemany("UPDATE cases SET current = 0 WHERE id = ?", [(case,) for case in stale])

    def _take_over(self) -> None:
        """Make the planned cases that an earlier sweep has run part of this sweep."""
        planned = "SELECT p.* FROM planned AS p JOIN subjects ON p.subject = id WHERE sweep = ?"
        self.connection.execute(
            f"UPDATE cases SET sweep = ? WHERE current AND (subject, seed, size, number, drawn) IN ({planned})",
            (self.sweep, self.sweep),
        )

    def finished(self, subject: Subject) -> set[Key]:
        """The keys of the finished cases of a subject, without those whose files have changed since."""
        found = self.connection.execute(
            "SELECT seed, size, number, drawn FROM cases WHERE current AND subject = ?", (self.ids[subject],)
        )
        return {(row["seed"], row["size"], row["number"], row["drawn"]) for row in found}

    def add(self, results: Iterable[tuple[Task, Result]]) -> None:
        """Store cases, in one transaction; each replaces one whose files have changed. When this returns, they are on the disk.

        Raises: sqlite3.IntegrityError: a case is there already.
        """
        with _transaction(self.connection):
            for task, result in results:
                self._add(task, result)

    def _add(self, task: Task, result: Result) -> None:
        key = self._key(task)
        old = self.connection.execute(f"SELECT id FROM cases WHERE NOT current AND {SAME_CASE}", key)
        self._remove([row["id"] for row in old])
        case = self._insert("cases", {**key, **case_row(result, task.subject), "sweep": self.sweep})
        read = {read_file_name(name, task.subject): found for name, found in result.files}
        self._insert_all("files", [{"case_id": case, "name": name, "fingerprint": found} for name, found in read.items()])
        self._insert_all("decodes", [{"case_id": case, **asdict(decode)} for decode in result.decodes])
        self._insert_all("checks", [{"case_id": case, **check_row(check)} for check in result.checks])

    def _key(self, task: Task) -> dict[str, Any]:
        """The key of a case: columns of `cases` and of `planned`."""
        return dict(zip(KEY, (self.ids[task.subject], *task.key)))

    def _insert(self, table: str, row: Mapping[str, Any]) -> int:
        """Insert a row. Returns: its number."""
        number = self.connection.execute(insertion(table, row), row).lastrowid
        assert number is not None
        return number

    def _insert_all(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows with the same columns."""
        if rows:
            self.connection.executemany(insertion(table, rows[0]), rows)

    def _remove(self, cases: Iterable[int]) -> None:
        """Remove cases, with everything stored about them."""
        ids = [(case,) for case in cases]
        for of in ("decodes", "checks", "files"):
            self.connection.executemany(f"DELETE FROM {of} WHERE case_id = ?", ids)
        self.connection.executemany("DELETE FROM cases WHERE id = ?", ids)

    def forget(self, path: Path) -> int:
        """Remove everything about a program's file except the results of its last sweep; if the file is gone, everything.

        Returns: the number of cases removed.
        Raises:  PramError: the database has nothing about this file.
        """
        file = file_row_name(str(path.resolve()), self.folder)
        known = self.connection.execute("SELECT id, sweep FROM subjects WHERE file = ?", (file,)).fetchall()
        if not known:
            raise fail("no program of this file is in the database", Source(str(path), ""))
        last = max(row["sweep"] for row in known)
        removed = [(row["id"],) for row in known if row["sweep"] < last or not path.is_file()]
        with _transaction(self.connection):
            cases = self.connection.execute(
                "SELECT c.id FROM cases AS c JOIN subjects AS s ON subject = s.id"
                " WHERE file = ? AND NOT (? AND current AND c.sweep = ?)", (file, path.is_file(), last),
            ).fetchall()  # fmt: skip
            self._remove(row["id"] for row in cases)
            self.connection.executemany("DELETE FROM planned WHERE subject = ?", removed)
            self.connection.executemany("DELETE FROM subjects WHERE id = ?", removed)
        return len(cases)


@contextmanager
def writing(path: Path) -> Iterator[SweepStore]:
    """Open the database of a file for writing; create it if there is none.

    Raises: PramError: the file is no such database, is damaged, or another sweep writes to it.
    """
    with _errors(path), closing(sqlite3.connect(path, isolation_level=None, timeout=1)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = EXTRA")
        if _is_empty(connection):
            connection.executescript(SCHEMA)
        _check(connection, path)
        with _transaction(connection):  # takes the lock
            connection.execute(f"PRAGMA user_version = {TABLES}")
        yield SweepStore(connection, path.resolve().parent)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database of a file for queries.

    Raises: PramError: as `writing`, or there is no such file.
    """
    if not path.is_file():
        raise fail("no such file", Source(str(path), ""))
    # Not read-only: whoever opens the file first rolls back the unfinished case of a killed sweep.
    with _errors(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=1)) as connection:
        connection.row_factory = sqlite3.Row
        if _is_empty(connection):
            what = "this is no database of `lockstep sweep`: it is empty; a sweep that is stopped before its first case leaves such a file"
            raise fail(what, Source(str(path), ""))
        _check(connection, path)
        yield connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _is_empty(connection: sqlite3.Connection) -> bool:
    return _ask(connection, "SELECT count(*) FROM sqlite_master") == _ask(connection, "PRAGMA application_id") == 0


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises: PramError: the database is not ours, of another version, or damaged."""
    nowhere = Source(str(path), "")
    if _ask(connection, "PRAGMA application_id") != APPLICATION:
        raise fail("this is a database, but not one of `lockstep sweep`", nowhere)
    if (tables := _ask(connection, "PRAGMA user_version")) != TABLES:
        raise fail(f"made by another version of Lockstep: its tables are version {tables}, this version reads {TABLES}", nowhere)
    if (found := _ask(connection, "PRAGMA quick_check(1)")) != "ok":
        raise fail(f"damaged: {found}", nowhere)


def _ask(connection: sqlite3.Connection, question: str) -> int | str:
    (answer,) = connection.execute(question).fetchone()
    assert isinstance(answer, (int, str))
    return answer


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into errors about the file."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a defect of ours, not of the file
    except sqlite3.DatabaseError as error:
        raise _readable(error, path) from None


def _readable(error: sqlite3.DatabaseError, path: Path) -> PramError:
    nowhere = Source(str(path), "")
    match error.sqlite_errorcode & 0xFF if hasattr(error, "sqlite_errorcode") else 0:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return fail("a sweep is writing to this database now: wait, or stop the sweep first (it loses nothing)", nowhere)
        case sqlite3.SQLITE_NOTADB:
            return fail("this is no database of `lockstep sweep`", nowhere)
        case sqlite3.SQLITE_CORRUPT:
            return fail(f"damaged: {error}", nowhere)
        case _:
            return fail(f"cannot be used: {error}", nowhere)
