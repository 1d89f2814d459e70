"""Checks that files can be written, made before anything runs."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from lockstep.pram.texts import is_model_file


def writable_model_path(path: Path, flag: str = "--out") -> Path:
    """Check that a model file may be written here: to a new file, or over an empty file or another model file."""
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a directory", param_hint=flag)
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no directory {path.parent}", param_hint=flag)
    if path.exists() and not _may_be_lost(path):
        raise typer.BadParameter(f"{path} exists and is no model file, so it is not overwritten", param_hint=flag)
    return path


def _may_be_lost(path: Path) -> bool:
    """Whether a file is empty or a model file."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(10)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}", param_hint="--out") from None
    return not head or is_model_file(head)


def existing_folder(directory: Path, flag: str = "--failing") -> Path:
    """Check that a folder exists, and return it."""
    if not directory.is_dir():
        raise typer.BadParameter(f"there is no directory {directory}", param_hint=flag)
    return directory


def check_apart(database: Path, reports: list[Path]) -> None:
    """Check that no report is written over its database."""
    for path in reports:
        if path.resolve() == database.resolve() or path.exists() and database.exists() and path.samefile(database):
            raise typer.BadParameter(f"{path} is the database: a report would be written over it", param_hint="--out")


def check_writable(path: Path, flag: str = "--out") -> None:
    """Check that a file can be written here."""
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a directory", param_hint=flag)
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no directory {path.parent}", param_hint=flag)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise typer.BadParameter(f"{path} cannot be written", param_hint=flag)
