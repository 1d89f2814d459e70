"""Rows of the database of a sweep: a value for each column, by the column's name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lockstep.proofs_check.report import Check
from lockstep.proofs_check.sweeps.plan import Subject
from lockstep.proofs_check.sweeps.result import Result


def insertion(table: str, row: Mapping[str, Any]) -> str:
    """The SQL statement that inserts a row."""
    columns = ", ".join(f'"{name}"' for name in row)  # `on` is a word of SQL
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join(f':{name}' for name in row)})"


def subject_row(subject: Subject) -> dict[str, str | int | float]:
    """A subject as a row: the columns of `lockstep.proofs_check.sweeps.store.SUBJECT`."""
    limits = subject.limits
    return {
        "file": subject.file,
        "program_sha256": subject.program_sha256,
        "sidecar_file": subject.sidecar_file,
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


def case_row(result: Result) -> dict[str, Any]:
    """A result as a row: the columns of `cases` without the key."""
    return {
        "status": result.status,
        "params": json.dumps(dict(result.params)),
        "time": result.time,
        "work": result.work,
        "processors": result.processors,
        "space": result.space,
        "outputs_right": result.right,
        "trouble": _as_utf8(result.trouble),
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
