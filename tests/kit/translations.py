"""Translations that the native engine keeps, where a test changes what translates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from lockstep.models.engines.native import prepared


@contextmanager
def nothing_prepared() -> Iterator[None]:
    """Inside, every model is translated anew, and what is kept is forgotten after it."""
    with patch.object(prepared, "_kept", type(prepared._kept)()), patch.object(prepared, "_wide", {}):
        yield
