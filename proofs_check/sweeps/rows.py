"""Rows of the database of a sweep: a value for each column, by the column's name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from lockstep.proofs_check.report import Check
from lockstep.proofs_check.sweeps.plan import Subject
from lockstep.proofs_check.sweeps.result import Result


def insertion(table: str, row: Mapping[str, Any]) -> str:
    """The SQL statement that inserts a row."""
    columns = ", ".join(f'"{name}"' for name in row)  # `on` is a word of SQL
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join(f':{name}' for name in row)})"


#: Begins the name of a file that does not lie below the database's folder.
ELSEWHERE = "elsewhere-"


def file_row_name(file: str, folder: Path) -> str:
    """How a database names a file: relative to the database's folder if it lies below, else `elsewhere-1a2b3c4d/NAME`.

    People give databases to others, so a database holds no folder of their machine. The digits tell files of one name apart.
    """
    path = Path(file)
    if not file or path.is_relative_to(folder):
        return path.relative_to(folder).as_posix() if file else ""
    return f"{ELSEWHERE}{sha256(os.fsencode(path.parent)).hexdigest()[:8]}/{path.name}"


def without_folders(text: str, subject: Subject) -> str:
    """A message without the folders of the program and its sidecar."""
    folders = {Path(subject.file).parent, subject.folder, Path(subject.program.name).parent}
    for folder in sorted((str(folder) for folder in folders if folder.is_absolute()), key=len, reverse=True):
        text = text.replace(os.path.join(folder, ""), "")
    return text


def read_file_name(name: str, subject: Subject) -> str:
    """A file that a sidecar has read, relative to the sidecar's folder."""
    return os.path.relpath(name, subject.folder.resolve()) if os.path.isabs(name) else name


def subject_row(subject: Subject, folder: Path) -> dict[str, str | int | float]:
    """A subject as a row: the columns of `lockstep.proofs_check.sweeps.store.SUBJECT`. folder: the database's."""
    limits = subject.limits
    return {
        "file": file_row_name(subject.file, folder),
        "program_sha256": subject.program_sha256,
        "sidecar_file": file_row_name(subject.sidecar_file, folder),
        "sidecar_sha256": subject.sidecar_sha256,
        "constructions": ", ".join(limits.constructions),
        "dtype": limits.dtype,
        "max_context": limits.max_context,
        "max_decoding_steps": limits.max_decoding_steps,
        "max_steps": limits.max_steps,
        "sidecar_timeout": limits.sidecar_timeout,
        "version": subject.version,
        "libraries": subject.libraries,
    }


def case_row(result: Result, subject: Subject) -> dict[str, Any]:
    """A result as a row: the columns of `cases` without the key."""
    return {
        "status": result.status,
        "params": json.dumps(dict(result.params)),
        "time": result.time,
        "work": result.work,
        "processors": result.processors,
        "space": result.space,
        "outputs_right": result.right,
        "trouble": _as_utf8(without_folders(result.trouble, subject)),
        "unreached": json.dumps(result.unreached),
    }


def check_row(check: Check) -> dict[str, str]:
    """A check as a row: the columns of `checks`."""
    return {
        "construction": check.process, "what": check.what, "bound": check.bound, "measured": check.measured,
        "verdict": check.verdict, "on": check.on,
    }  # fmt: skip


def _as_utf8(text: str) -> str:
    """The text with escapes for characters that are not UTF-8; names of files may contain such characters."""
    return text.encode("utf-8", "backslashreplace").decode()
