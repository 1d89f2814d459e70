"""The database of a sweep: one SQLite file, one transaction for each case.

Killed at any moment, it holds the cases that were finished and nothing of the others. A rollback journal with
synchronous EXTRA is chosen over a write-ahead log: it survives a power failure as well, is one file when nobody writes,
and works on the network file systems of clusters, at the price of a few syncs for each case. A sweep locks its file,
and the lock falls with its process.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

from lockstep import __version__
from lockstep.sweep.plan import Plan, Subject, Task
from lockstep.sweep.result import Result
from pram.errors import PramError, Source, fail

#: SQLite's own marks: whose file this is ("LSwp"), and which tables it has.
APPLICATION, TABLES = 0x4C537770, 2

#: What results depend on besides size, input and seed.
SUBJECT = {
    "name": "TEXT", "program_sha256": "TEXT", "sidecar_sha256": "TEXT", "constructions": "TEXT", "dtype": "TEXT",
    "max_context": "INTEGER", "max_decoding_steps": "INTEGER", "max_steps": "INTEGER", "version": "TEXT",
}  # fmt: skip

#: `sweep` of a subject counts the sweeps of this database; it is the last one that had this subject. `planned` has the
#: cases of that one. `on` of a check says of which runs, or up to which bounds.
SCHEMA = f"""
BEGIN EXCLUSIVE;
CREATE TABLE subjects (id INTEGER PRIMARY KEY, {", ".join(f"{name} {kind} NOT NULL" for name, kind in SUBJECT.items())},
    file TEXT NOT NULL, sweep INTEGER NOT NULL, UNIQUE ({", ".join(SUBJECT)})) STRICT;
CREATE TABLE cases (id INTEGER PRIMARY KEY, subject INTEGER NOT NULL REFERENCES subjects, seed INTEGER NOT NULL,
    size INTEGER NOT NULL, number INTEGER NOT NULL, status TEXT NOT NULL, params TEXT NOT NULL, time INTEGER, work INTEGER,
    processors INTEGER, space INTEGER, outputs_right INTEGER, trouble TEXT NOT NULL,
    UNIQUE (subject, seed, size, number)) STRICT;
CREATE TABLE decodes (case_id INTEGER NOT NULL REFERENCES cases, construction TEXT NOT NULL, status TEXT NOT NULL,
    context INTEGER NOT NULL, steps INTEGER NOT NULL, measured_context INTEGER, measured_steps INTEGER,
    PRIMARY KEY (case_id, construction)) STRICT;
CREATE TABLE checks (case_id INTEGER NOT NULL REFERENCES cases, construction TEXT NOT NULL, what TEXT NOT NULL,
    bound TEXT NOT NULL, measured TEXT NOT NULL, verdict TEXT NOT NULL, "on" TEXT NOT NULL) STRICT;
CREATE TABLE sweeps (sweep INTEGER PRIMARY KEY, date TEXT NOT NULL, lockstep TEXT NOT NULL, seed INTEGER NOT NULL,
    random INTEGER NOT NULL, sizes TEXT NOT NULL) STRICT;
CREATE TABLE planned (subject INTEGER NOT NULL REFERENCES subjects, seed INTEGER NOT NULL, size INTEGER NOT NULL,
    number INTEGER NOT NULL, PRIMARY KEY (subject, seed, size, number)) STRICT;
CREATE INDEX checks_of_cases ON checks (case_id);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {TABLES};
COMMIT;
"""

#: A case without its subject: seed, size, number.
Key = tuple[int, int, int]


class Store:
    """The database, open for writing; made by `writing`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.ids: dict[Subject, int] = {}

    def begin_sweep(self, plan: Plan, tasks: Iterable[Task]) -> None:
        """Enter what is planned, its subjects and its cases, and note that this sweep has them."""
        facts = (date.today().isoformat(), __version__, plan.seed, plan.random, json.dumps(list(plan.sizes)))
        with _transaction(self.connection):
            sweep = self.connection.execute("INSERT INTO sweeps VALUES (NULL, ?, ?, ?, ?, ?)", facts).lastrowid
            assert sweep is not None
            for subject in plan.subjects:
                self.ids[subject] = self._enter(subject, sweep)
                self.connection.execute("DELETE FROM planned WHERE subject = ?", (self.ids[subject],))
            self.connection.executemany(
                "INSERT INTO planned VALUES (?, ?, ?, ?)",
                [(self.ids[task.subject], task.seed, task.size, task.number) for task in tasks],
            )

    def _enter(self, subject: Subject, sweep: int) -> int:
        names = [*SUBJECT, "file", "sweep"]
        entry = f"INSERT INTO subjects ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        again = f"ON CONFLICT ({', '.join(SUBJECT)}) DO UPDATE SET file = excluded.file, sweep = excluded.sweep RETURNING id"
        (number,) = self.connection.execute(f"{entry} {again}", (*_values(subject), subject.program.name, sweep)).fetchone()
        return int(number)

    def statuses(self, subject: Subject) -> dict[Key, str]:
        """The finished cases of a subject."""
        found = self.connection.execute("SELECT seed, size, number, status FROM cases WHERE subject = ?", (self.ids[subject],))
        return {(seed, size, number): status for seed, size, number, status in found}

    def add(self, task: Task, result: Result) -> None:
        """Record a case; when this returns, it is on the disk.

        Raises: sqlite3.IntegrityError: it is there already.
        """
        with _transaction(self.connection):
            case = self.connection.execute(
                f"INSERT INTO cases VALUES (NULL{', ?' * 12})",
                (
                    self.ids[task.subject], task.seed, task.size, task.number, result.status, json.dumps(dict(result.params)),
                    result.time, result.work, result.processors, result.space, result.right, result.trouble,
                ),
            ).lastrowid  # fmt: skip
            self.connection.executemany(
                "INSERT INTO decodes VALUES (?, ?, ?, ?, ?, ?, ?)", [(case, *vars(decode).values()) for decode in result.decodes]
            )
            self.connection.executemany(
                "INSERT INTO checks VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(case, c.process, c.what, c.bound, c.measured, c.verdict, c.on) for c in result.checks],
            )


def _values(subject: Subject) -> tuple[str | int, ...]:
    """In the order of SUBJECT."""
    limits = subject.limits
    return (
        subject.name, subject.program_sha256, subject.sidecar_sha256, ", ".join(limits.constructions), limits.dtype,
        limits.max_context, limits.max_decoding_steps, limits.max_steps, subject.version,
    )  # fmt: skip


@contextmanager
def writing(path: Path) -> Iterator[Store]:
    """The database of a file, made if it is not there.

    Raises: PramError: it is another file, damaged, or written by another sweep.
    """
    with _errors(path), closing(sqlite3.connect(path, isolation_level=None, timeout=1)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = EXTRA")
        if _is_empty(connection):
            connection.executescript(SCHEMA)
        _check(connection, path)
        with _transaction(connection):  # takes the lock
            connection.execute(f"PRAGMA user_version = {TABLES}")
        yield Store(connection)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The database of a file, for questions.

    Raises: PramError: as `writing`, or there is no such file.
    """
    if not path.is_file():
        raise fail("no such file", Source(str(path), ""))
    # Not read-only: what a killed sweep had not finished is rolled back by who comes next.
    with _errors(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=1)) as connection:
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
