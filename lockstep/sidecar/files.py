"""Fingerprints of what a sidecar read, by which a later sweep knows whether its results still hold."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

#: Of a folder, its names count.
FOLDER = "folder:"


def name_of(folder: Path, path: str) -> str:
    """How a path is kept: relative to the sidecar's folder if it lies below it, else absolute."""
    inside = os.path.join(os.path.realpath(folder), "")
    return path.removeprefix(inside) if path.startswith(inside) else path


def fingerprint(folder: Path, name: str) -> str:
    """The SHA-256 of a file's bytes, or of a folder's sorted names behind FOLDER; "" where nothing can be read."""
    path = folder / name
    try:
        if path.is_dir():
            names = "\n".join(sorted(os.listdir(path)))
            return FOLDER + hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()
        state = path.stat()
        return _of_file(str(path.resolve()), state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=1024)
def _of_file(path: str, *state: int) -> str:
    """`state` is what changes when the file does, so that a large file is read once."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
