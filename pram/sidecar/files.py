"""Fingerprints of what a sidecar has read: whether what it found then is what is there now."""

from __future__ import annotations

import hashlib
import os
import stat
from functools import lru_cache
from pathlib import Path

#: What stands before the fingerprint of a folder's names, and for what is no file, no folder, or cannot be read.
FOLDER, OTHER, UNREADABLE = "folder:", "neither a file nor a folder", "unreadable"
#: No fingerprint is this: what stands under it counts as changed.
UNKNOWN = "unknown"
#: So many fingerprints are remembered.
MOST_REMEMBERED = 4096


def name_of(folder: Path, path: str) -> str:
    """How a path is kept: relative to the program's folder if it lies below it, else absolute."""
    for inside in (os.path.join(os.path.abspath(folder), ""), os.path.join(os.path.realpath(folder), "")):
        if path.startswith(inside):
            return path.removeprefix(inside)
    return path


def fingerprint(folder: Path, name: str) -> str:
    """What stands at a name, as a text that changes with it.

    Args:    folder: the program's. name: relative to it, or absolute.
    Returns: the sha256 of a file's bytes; of a folder, FOLDER and the sha256 of its sorted names; "" where nothing is.
             Devices and pipes are not read: OTHER. What may not be read is UNREADABLE.
    """
    path = folder / name
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            return FOLDER + hashlib.sha256("\0".join(sorted(os.listdir(path))).encode(errors="surrogateescape")).hexdigest()
        if not stat.S_ISREG(found.st_mode):
            return OTHER
        return _of_file(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError:
        return UNREADABLE


@lru_cache(MOST_REMEMBERED)
def _of_file(path: Path, *state: int) -> str:
    """Of a file's bytes; `state` is what changes when they do."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
