"""Runs each sidecar in a process of its own (`lockstep.pram.sidecar.child`), so that it cannot harm this process."""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lockstep.pram.errors import Diagnostic, PramError, Source, Span, fail
from lockstep.pram.sidecar.files import fingerprint, name_of

#: The seconds that a sidecar may take to load, and for each call.
DEFAULT_TIMEOUT = 60.0
#: As in child.py.
UNKNOWN_READS = ""
#: The seconds that stand for no limit, and the most bytes of an answer: a damaged answer may announce any length.
LONGEST, MOST_BYTES = 10.0**6, 1 << 33
#: The most sidecars that stay loaded.
MOST_LOADED = 8

CHILD = Path(__file__).with_name("child.py")
LENGTH = struct.Struct("<Q")
#: One thread, since a process with several cannot fork safely. A fixed hash seed, so that sets have the same order.
ENVIRONMENT = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class SidecarEnded(PramError):
    """A sidecar's process ended during a call, so the files that the call read are unknown."""


class SidecarProcess:
    """A loaded sidecar.

    functions: maps those of `inputs`, `oracle` and `accepts` that it has to their places.
    defined:   the names of all functions that it defines itself.
    """

    def __init__(self, source: Source, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Start a process and load the sidecar in it.

        Raises: PramError: the sidecar does not load, or takes longer than `timeout` seconds.
        """
        if not hasattr(os, "fork"):
            raise fail("sidecars need a system on which processes fork, such as Linux or macOS; --no-sidecar ignores it", source)
        self.source, self.timeout = source, timeout
        self.folder = folder_of(source)
        self.functions: dict[str, Span | None] = {}
        self.defined: list[str] = []
        self._stop: weakref.finalize[..., Any] | None = None
        self._loaded = self._fingerprints(self._start())

    def call(self, function: str, *arguments: Any, note: Callable[[Iterable[str]], None] = lambda paths: None) -> Any:
        """Call a function, and return its result as plain values. Bytes name the type of a value that is not plain.

        Args:   note: called with the paths that the call read, also if it fails.
        Raises: PramError: the function raises an exception. SidecarEnded: it ends its process, or takes too long.
        """
        if self._stop is None or not self._stop.alive:
            self._start()
        what, where = f"`{function}` fails", self.functions.get(function)
        match self._ask((function, arguments), f"`{function}`", where):
            case ("value", value, paths):
                note(paths)
                return value
            case ("error", message, line, column, paths):
                note(paths)
                raise fail(f"{what}: {message}", self.source, Span(line, column) if line else where)
            case ("ended", status):
                raise SidecarEnded(Diagnostic(f"{what}: {_ending(status)}", self.source, where))
        raise AssertionError("unknown kind of message")

    @property
    def is_current(self) -> bool:
        """Whether all files that were read to load it are unchanged."""
        return self._loaded == self._fingerprints(path for path, _ in self._loaded)

    def _fingerprints(self, paths: Iterable[str]) -> frozenset[tuple[str, str]]:
        return frozenset((path, fingerprint(self.folder, path)) for path in paths)

    @property
    def loaded(self) -> frozenset[tuple[str, str]]:
        """The paths that were read to load it, with their fingerprints at that time."""
        return self._loaded

    def name_of(self, path: str) -> str:
        """Return the name under which a path that it read is recorded."""
        return name_of(self.folder, path)

    # -- the process ---------------------------------------------------------------------------

    def _start(self) -> list[str]:
        """Start a process, load the sidecar in it, and return the paths that were read."""
        command = [sys.executable, "-P", str(CHILD)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=os.environ | ENVIRONMENT,
                                   start_new_session=True)  # fmt: skip
        self._process = process
        self._stop = weakref.finalize(self, _stop, process)
        match self._ask((self.source.name, self.source.text), "the sidecar", None):
            case ("loaded", functions, defined, paths):
                self.functions = {name: Span(line, 1) if line else None for name, line in functions.items()}
                self.defined = defined
                return list(paths)
            case ("error", message, line, column, _):
                self._stop()
                raise fail(f"sidecar does not load: {message}", self.source, Span(line, column) if line else None)
            case ("ended", status):
                raise fail(f"sidecar does not load: {_ending(status)}", self.source)
        raise AssertionError("unknown kind of message")

    def _ask(self, request: Any, who: str, where: Span | None) -> Any:
        """Return the answer to a request; ("ended", wait status) if the whole process ended."""
        assert self._stop is not None
        try:
            data = pickle.dumps(request)
            with suppress(BrokenPipeError):
                self._write(LENGTH.pack(len(data)) + data)
            answer = self._answer()
        except BaseException:  # such as an interrupt during an answer
            self._stop()
            raise
        if answer is None:
            self._stop()
            late = f"{who} has not answered after {self.timeout:g} seconds (--sidecar-timeout sets the limit)"
            raise SidecarEnded(Diagnostic(late, self.source, where))
        if not answer:
            return "ended", self._wait_status()
        try:
            return pickle.loads(answer)
        except Exception:  # the sidecar wrote to our pipe
            self._stop()
            raise SidecarEnded(
                Diagnostic(f"{who} damaged its answer: it wrote to a file that it did not open", self.source, where)
            ) from None

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def _answer(self) -> bytes | None:
        """Return the next message; b"" if the process ended, None if it takes too long."""
        until = time.monotonic() + min(self.timeout or LONGEST, LONGEST)
        head = self._read(LENGTH.size, until)
        if head is None or len(head) < LENGTH.size:
            return head and b""
        (length,) = LENGTH.unpack(head)
        data = self._read(min(length, MOST_BYTES), until)
        return data if data is None or len(data) == length else b""

    def _read(self, count: int, until: float) -> bytes | None:
        """Return `count` bytes; fewer if the process ended, None if it takes too long."""
        assert self._process.stdout is not None
        number, parts = self._process.stdout.fileno(), []
        while count:
            left = until - time.monotonic()
            if left <= 0 or not select.select([number], [], [], left)[0]:
                return None
            if not (part := os.read(number, count)):
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _wait_status(self) -> int:
        """Return how the process ended, as a status of `os.wait`."""
        assert self._stop is not None
        code = None
        for _ in range(100):  # reap it only after the processes that it started have ended
            found = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is not None:
                code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
                break
            time.sleep(0.01)
        self._stop()
        return 0 if code is None else -code if code < 0 else code << 8


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a sidecar's process and all processes that it started."""
    if process.returncode is None:  # otherwise another process may have its number by now
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _ending(status: int) -> str:
    """Return a text that says how a process ended."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"its process was ended by signal {number} ({signal.Signals(number).name})"
    return f"its process ended with status {os.WEXITSTATUS(status)} before it returned"


def folder_of(source: Source) -> Path:
    return Path(source.name).absolute().parent


_LOADED: dict[tuple[Path, Source, float], SidecarProcess] = {}


def load_sidecar(source: Source, timeout: float = DEFAULT_TIMEOUT) -> SidecarProcess:
    """Return a loaded sidecar. The last ones stay loaded until a file that they read changes.

    Raises: PramError: as `SidecarProcess`.
    """
    key = folder_of(source), source, timeout
    found = _LOADED.pop(key, None)
    if found is None or not found.is_current:
        found = SidecarProcess(source, timeout)
    _LOADED[key] = found
    if len(_LOADED) > MOST_LOADED:
        del _LOADED[next(iter(_LOADED))]
    return found


__all__ = ["DEFAULT_TIMEOUT", "SidecarEnded", "PramError", "SidecarProcess", "load_sidecar"]
