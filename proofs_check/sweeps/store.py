"""The database of a sweep: one SQLite file, one transaction for each case.

Killed at any moment, it holds the cases that were finished and nothing of the others. A rollback journal with
synchronous EXTRA is chosen over a write-ahead log: it survives a power failure as well, is one file when nobody writes,
and works on the network file systems of clusters, at the price of a few syncs for each case. A sweep locks its file,
and the lock falls with its process.
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

#: SQLite's own marks: whose file this is ("LSwp"), and which tables it has.
APPLICATION, TABLES = 0x4C537770, 5

#: What results depend on besides size, input and seed, and what the sidecar reads.
SUBJECT = {
    "file": "TEXT", "program_sha256": "TEXT", "sidecar_file": "TEXT", "sidecar_sha256": "TEXT", "constructions": "TEXT",
    "dtype": "TEXT", "max_context": "INTEGER", "max_decoding_steps": "INTEGER", "max_steps": "INTEGER",
    "sidecar_timeout": "REAL", "version": "TEXT", "libraries": "TEXT",
}  # fmt: skip

#: `sweep` counts the sweeps of this database: of a subject, and of a case, it is the last one that had it, whether it was
#: run then or found. `planned` has the cases of a subject's last sweep; of several with one input, the first one is run.
#: `drawn` is the input's SHA-256, or nothing where the sidecar failed to draw one. `files` is what a case has read;
#: `current` says whether that was all the same when the last sweep of its subject began. `on` of a check says of which
#: runs, or up to which bounds.
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

#: A case is known by the key of its task.
SAME_CASE = "(subject, seed, size, number, drawn) = (:subject, :seed, :size, :number, :drawn)"


class SweepStore:
    """The database, open for writing; made by `writing`."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self.connection = connection
        self.folder = folder
        self.ids: dict[Subject, int] = {}

    def begin_sweep(self, plan: SweepPlan, tasks: Iterable[Task]) -> None:
        """Enter what is planned, its subjects and its cases, and note that this sweep has them."""
        facts = {
            "date": date.today().isoformat(), "lockstep": version_of("lockstep"), "seed": plan.seed, "random": plan.random,
            "sizes": json.dumps(list(plan.sizes)),
        }  # fmt: skip
        with _transaction(self.connection):
            sweep = self._insert("sweeps", facts)
            for subject in plan.subjects:
                self.ids[subject] = self._enter(subject, sweep)
                self._compare_files(subject)
            self._insert_all("planned", [self._key(task) for task in tasks])
            self._take_over(sweep)

    def _enter(self, subject: Subject, sweep: int) -> int:
        row = {**subject_row(subject, self.folder), "name": load_subject(subject).name, "sweep": sweep}
        again = f"ON CONFLICT ({', '.join(SUBJECT)}) DO UPDATE SET sweep = excluded.sweep RETURNING id"
        (number,) = self.connection.execute(f"{insertion('subjects', row)} {again}", row).fetchone()
        self.connection.execute("DELETE FROM planned WHERE subject = ?", (number,))
        return int(number)

    def _compare_files(self, subject: Subject) -> None:
        """Note which cases of a subject have read what is there now."""
        number, folder = (self.ids[subject],), subject.folder
        read = self.connection.execute(
            "SELECT id, files.name, fingerprint FROM files JOIN cases ON case_id = id WHERE subject = ?", number
        )
        stale = {row["id"] for row in read if fingerprint(folder, row["name"]) != row["fingerprint"]}
        self.connection.execute("UPDATE cases SET current = 1 WHERE subject = ?", number)
        self.connection.executemany("UPDATE cases SET current = 0 WHERE id = ?", [(case,) for case in stale])

    def _take_over(self, sweep: int) -> None:
        """This sweep has the cases that it plans and that an earlier one has run."""
        planned = "SELECT p.* FROM planned AS p JOIN subjects ON p.subject = id WHERE sweep = ?"
        self.connection.execute(
            f"UPDATE cases SET sweep = ? WHERE current AND (subject, seed, size, number, drawn) IN ({planned})", (sweep, sweep)
        )

    def finished(self, subject: Subject) -> set[Key]:
        """The finished cases of a subject; those whose files have changed since are not among them."""
        found = self.connection.execute(
            "SELECT seed, size, number, drawn FROM cases WHERE current AND subject = ?", (self.ids[subject],)
        )
        return {(row["seed"], row["size"], row["number"], row["drawn"]) for row in found}

    def add(self, task: Task, result: Result) -> None:
        """Record a case, in the place of one whose files have changed; when this returns, it is on the disk.

        Raises: sqlite3.IntegrityError: it is there already.
        """
        key = self._key(task)
        with _transaction(self.connection):
            old = self.connection.execute(f"SELECT id FROM cases WHERE NOT current AND {SAME_CASE}", key)
            self._remove([row["id"] for row in old])
            (sweep,) = self.connection.execute("SELECT sweep FROM subjects WHERE id = :subject", key).fetchone()
            case = self._insert("cases", {**key, **case_row(result, task.subject), "sweep": sweep})
            read = {read_file_name(name, task.subject): found for name, found in result.files}
            self._insert_all("files", [{"case_id": case, "name": name, "fingerprint": found} for name, found in read.items()])
            self._insert_all("decodes", [{"case_id": case, **asdict(decode)} for decode in result.decodes])
            self._insert_all("checks", [{"case_id": case, **check_row(check)} for check in result.checks])

    def _key(self, task: Task) -> dict[str, Any]:
        """What a case is known by: columns of `cases` and of `planned`."""
        seed, size, number, drawn = task.key
        return {"subject": self.ids[task.subject], "seed": seed, "size": size, "number": number, "drawn": drawn}

    def _insert(self, table: str, row: Mapping[str, Any]) -> int:
        """Insert a row; its number."""
        number = self.connection.execute(insertion(table, row), row).lastrowid
        assert number is not None
        return number

    def _insert_all(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows of the same columns."""
        if rows:
            self.connection.executemany(insertion(table, rows[0]), rows)

    def _remove(self, cases: Iterable[int]) -> None:
        """Cases, with all that is recorded of them."""
        ids = [(case,) for case in cases]
        for of in ("decodes", "checks", "files"):
            self.connection.executemany(f"DELETE FROM {of} WHERE case_id = ?", ids)
        self.connection.executemany("DELETE FROM cases WHERE id = ?", ids)

    def forget(self, path: Path) -> int:
        """Remove what is known of a program's file but what the last sweep of it has found; all, if the file is gone.

        Returns: how many cases that were.
        Raises:  PramError: nothing is known of this file.
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
    """The database of a file, made if it is not there.

    Raises: PramError: it is another file, damaged, or written by another sweep.
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
    """The database of a file, for questions.

    Raises: PramError: as `writing`, or there is no such file.
    """
    if not path.is_file():
        raise fail("no such file", Source(str(path), ""))
    # Not read-only: what a killed sweep had not finished is rolled back by who comes next.
    with _errors(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=1)) as connection:
        connection.row_factory = sqlite3.Row
        if _is_empty(connection):
            what = "this is no database of `lockstep sweep`: it is empty, as one is left that was stopped before it began"
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
    """It is ours, of this version, and whole."""
    nowhere = Source(str(path), "")
    if _ask(connection, "PRAGMA application_id") != APPLICATION:
        raise fail("this is a database, but not one of `lockstep sweep`", nowhere)
    if (tables := _ask(connection, "PRAGMA user_version")) != TABLES:
        raise fail(f"made by another version of Lockstep: its tables are version {tables}, these are {TABLES}", nowhere)
    if (found := _ask(connection, "PRAGMA quick_check(1)")) != "ok":
        raise fail(f"damaged: {found}", nowhere)


def _ask(connection: sqlite3.Connection, question: str) -> int | str:
    (answer,) = connection.execute(question).fetchone()
    assert isinstance(answer, (int, str))
    return answer


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """What SQLite says, as an error of the file."""
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
            return fail("a sweep is writing to this database now; stop it first (it loses nothing), or wait", nowhere)
        case sqlite3.SQLITE_NOTADB:
            return fail("this is no database of `lockstep sweep`", nowhere)
        case sqlite3.SQLITE_CORRUPT:
            return fail(f"damaged: {error}", nowhere)
        case _:
            return fail(f"cannot be used: {error}", nowhere)
