"""Fingerprints of the files that a sidecar has read. They show whether a file has changed since."""

from __future__ import annotations

import hashlib
import os
import stat
from functools import lru_cache
from pathlib import Path

#: The prefix of a folder's fingerprint, the fingerprint of a device or pipe, and that of a file that cannot be read.
FOLDER, OTHER, UNREADABLE = "folder:", "neither a file nor a folder", "unreadable"
#: Equals no fingerprint, so a file recorded with it counts as changed.
UNKNOWN = "unknown"
#: The most fingerprints that are cached.
MOST_REMEMBERED = 4096


def name_of(folder: Path, path: str) -> str:
    """Return the name under which a path is recorded: relative to the program's folder if it is inside, else absolute."""
    for inside in (os.path.join(os.path.abspath(folder), ""), os.path.join(os.path.realpath(folder), "")):
        if path.startswith(inside):
            return path.removeprefix(inside)
    return path


def fingerprint(folder: Path, name: str) -> str:
    """Return a text that changes when the file or folder changes.

    Args:    folder: the program's folder. name: relative to it, or absolute.
    Returns: for a file, the sha256 of its bytes; for a folder, FOLDER and the sha256 of its sorted names; "" if nothing is
             there; OTHER for devices and pipes, which are not read; UNREADABLE if it cannot be read.
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
    """Return the sha256 of a file's bytes. `state` changes when they do, so the cache is right."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
