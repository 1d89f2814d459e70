"""The folder for what can be made again, but takes a while."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder of Lockstep in the user's cache. It may not exist."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lockstep"


def writable_cache_folder() -> Path | None:
    """The same, made if need be; None where it cannot be written."""
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # a RuntimeError: there is no home
        return None
    return folder if os.access(folder, os.W_OK) else None
