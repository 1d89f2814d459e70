"""The program that runs in a sidecar's process: it loads one sidecar and answers the calls of `lockstep.pram.sidecar.process`.

It imports nothing of Lockstep, so that it starts fast and a sidecar cannot change Lockstep. It loads the sidecar once, and
then forks for each call. So a call sees the sidecar as it was after loading, whatever earlier calls did. A call may change
modules, random state or its arguments, exit, crash, or never end.

A message is its length, then a pickle of plain values. Requests come on standard input, answers go to standard output. Both
are moved to other files before the sidecar is loaded, and what the sidecar prints goes to standard error.

    (name, text)          -> ("loaded", {function: line or None}, [names defined here], paths)
    (function, arguments) -> ("value", value, paths)
                           | ("error", message, line or None, column, paths)
                           | ("ended", wait status)

`paths` are the files and folders that were read.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import random
import select
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from types import CodeType, ModuleType
from typing import Any, BinaryIO

import numpy as np
import numpy.random  # before anything is watched: NumPy loads it late

#: The functions that a sidecar may have.
FUNCTIONS = ("inputs", "oracle", "accepts")
#: A path that means: another process or a library may have read files, which raises no event here.
UNKNOWN_READS = ""
#: Audit events that start other processes.
OTHERS = ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.system", "os.fork", "os.forkpty")
LENGTH = struct.Struct("<Q")
#: How many decorators around a function are looked through.
MOST_WRAPPED = 20


def send(stream: BinaryIO, message: Any) -> None:
    data = pickle.dumps(message)
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: BinaryIO) -> bytes:
    """Return the next message as bytes; b"" if the stream ends first."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return b""
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else b""


# -- plain values ---------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """Return a value made only of Python's own numbers, strings, lists, tuples and dictionaries.

    A value with `tolist` counts as an array or a number. Any other value becomes the name of its type, as bytes.
    """
    match value:
        case None | bool():
            return value
        case int() | float() | str():
            return next(kind(value) for kind in (int, float, str) if isinstance(value, kind))
        case dict():
            return {plain(key): plain(each) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case tuple():
            return tuple(plain(each) for each in value)
    return plain(value.tolist()) if hasattr(value, "tolist") else type(value).__name__.encode()


# -- files that a sidecar reads --------------------------------------------------------------------------


#: What follows a module's name in the paths of its possible files.
SUFFIXES = (".py", os.path.join(os.sep, "__init__.py"), *EXTENSION_SUFFIXES)


def is_text(path: str) -> bool:
    """Return whether a path is valid UTF-8. Other paths cannot be stored in a database."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


class Watch:
    """An audit hook that records which files and folders are read, except Python's and the system's own."""

    IMPORTER = "<frozen importlib._bootstrap_external>"

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.paths: set[str] = set()
        self._noting = False
        self.answering = False
        own = {sys.prefix, sys.base_prefix, sys.exec_prefix, "/proc", "/dev", "/sys"}
        self.own = tuple(os.path.join(os.path.realpath(path), "") for path in own)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes_only = flags & os.O_ACCMODE == os.O_WRONLY if mode is None else "r" not in mode and "+" not in mode
            if not writes_only:
                self.note(path)
        elif event in ("os.listdir", "os.scandir"):
            if sys._getframe(1).f_code.co_filename != self.IMPORTER:  # the importer lists every folder of sys.path
                self.note("." if arguments[0] is None else arguments[0])
        elif event in ("sqlite3.connect", "ctypes.dlopen"):
            self.note(arguments[0])
        elif event == "import" and arguments[1]:  # an extension module
            self.note(arguments[1])
        elif event in OTHERS and self.answering:
            self.paths.add(UNKNOWN_READS)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Record an import; it returns None, so that the other finders find the module."""
        self.note_module(name)

    def watch_questions(self) -> None:
        """Record calls such as `os.stat` too, which raise no event."""
        for name in ("stat", "lstat", "access", "readlink"):
            setattr(os, name, self._noted(getattr(os, name)))

    def _noted(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(ask)
        def asked(path: Any, *arguments: Any, **options: Any) -> Any:
            self.note(path)
            return ask(path, *arguments, **options)

        return asked

    def note(self, path: Any) -> None:
        """Record a path as it was named, since a link may later point elsewhere."""
        if isinstance(path, (str, bytes, os.PathLike)) and not self._noting:
            self._noting = True  # the calls below are watched, too
            try:
                real, named = os.path.realpath(os.fsdecode(path)), os.path.abspath(os.fsdecode(path))
                if not self.is_own(real) or not self.is_own(named) and named.startswith(self.folder):
                    self.paths.add(named if is_text(named) else UNKNOWN_READS)
            finally:
                self._noting = False

    def is_own(self, path: str) -> bool:
        """Return whether a path is Python's or the system's, and not in the sidecar's folder."""
        return any(
            path.startswith(own) and not (self.folder.startswith(own) and path.startswith(self.folder)) for own in self.own
        )

    def is_own_folder(self, path: str) -> bool:
        """The same for a folder of modules. To ask for it is no reading."""
        self._noting = True
        try:
            return self.is_own(os.path.join(os.path.realpath(path), ""))
        finally:
            self._noting = False

    def note_module(self, name: str) -> None:
        """Record the files beside the sidecar that an import would take, also those that do not exist."""
        top = name.partition(".")[0]
        known = getattr(sys.modules.get(top), "__file__", None) or ""
        if top in sys.stdlib_module_names or known and not known.startswith(self.folder):
            return
        path = os.path.join(self.folder, *name.split("."))
        for suffix in SUFFIXES:
            self.note(path + suffix)


class FromSource(SourceFileLoader):
    """Loads a module from its source. Byte code may belong to a source that changed within the same second."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def from_source(watch: Watch) -> Callable[[str], Any]:
    """Return a hook for `sys.path_hooks`: modules that are not Python's own or installed with it are loaded from their source."""
    loaders = (ExtensionFileLoader, EXTENSION_SUFFIXES), (FromSource, SOURCE_SUFFIXES), (SourcelessFileLoader, BYTECODE_SUFFIXES)
    finder = FileFinder.path_hook(*loaders)

    def hook(path: str) -> Any:
        if watch.is_own_folder(path):
            raise ImportError(f"{path} is left to the usual finder")
        return finder(path)

    return hook


# -- loading and calling --------------------------------------------------------------------------------


def text_of(error: BaseException) -> str:
    """Return an exception's text; "" if that fails."""
    try:
        return str(error)
    except Exception:
        return ""


def failure(error: BaseException, name: str) -> tuple[str, int | None, int]:
    """Return the message of an error, and its line and column in the sidecar; the line is None if it is elsewhere."""
    if isinstance(error, SystemExit):
        message = f"it calls sys.exit({error.code!r}); a sidecar must return"
    else:
        message = f"{type(error).__name__}: {text_of(error)}".removesuffix(": ")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
    if frames:
        return message, frames[-1].lineno or 1, (frames[-1].colno or 0) + 1
    if isinstance(error, SyntaxError) and error.filename == name:
        return message, error.lineno or 1, error.offset or 1
    return message, None, 1


def load(name: str, text: str) -> ModuleType:
    """Run the sidecar's text, and return its module. It can import files beside it; installed modules come first."""
    module = ModuleType(f"sidecar_{os.path.splitext(os.path.basename(name))[0]}")
    module.__file__ = os.path.abspath(name)
    sys.modules[module.__name__] = module
    exec(compile(text, name, "exec", dont_inherit=True), module.__dict__)
    return module


def line_of(function: Callable[..., Any], name: str) -> int | None:
    """Return the line at which the sidecar defines a function; None if it is defined elsewhere."""
    for _ in range(MOST_WRAPPED):
        function = getattr(function, "__wrapped__", function)
    code = getattr(function, "__code__", None)
    return code.co_firstlineno if isinstance(code, CodeType) and code.co_filename == name else None


def describe(module: ModuleType, name: str) -> tuple[dict[str, int | None], list[str]]:
    """Return the sidecar's functions of FUNCTIONS with their lines, and the names of all functions that it defines."""
    for key in FUNCTIONS:
        if key in vars(module) and not callable(vars(module)[key]):
            kind = type(vars(module)[key]).__name__
            raise TypeError(f"`{key}` is not a function but of type {kind}; does its decorator return a function?")
    found = {key: value for key, value in vars(module).items() if callable(value)}
    defined = [key for key, value in found.items() if line_of(value, name) is not None]
    return {key: line_of(found[key], name) for key in FUNCTIONS if key in found}, defined


class Call:
    """A request, ready to be answered.

    It is read before the fork, since each page of memory that the forked process is first to write to is copied.
    """

    def __init__(self, request: bytes) -> None:
        self.function, self.arguments = pickle.loads(request)
        self.seed = int.from_bytes(hashlib.sha256(request).digest()[:4], "little")
        np.random.seed(self.seed)  # so a sidecar that does not use `rng` is repeatable, too

    def seed_again(self) -> None:
        """Seed what forking seeds anew."""
        random.seed(self.seed)


def answer(module: ModuleType, name: str, watch: Watch, call: Call) -> tuple[Any, ...]:
    """Call one function, in the forked process."""
    watch.answering = True
    call.seed_again()
    try:
        return "value", plain(getattr(module, call.function)(*call.arguments)), sorted(watch.paths)
    except BaseException as error:  # a sidecar may raise anything, even SystemExit
        return "error", *failure(error, name), sorted(watch.paths)


def fork_and_answer(module: ModuleType, name: str, watch: Watch, call: Call, streams: Sequence[BinaryIO]) -> bytes:
    """Fork, and return the forked process's answer to one call, or how it ended without an answer.

    Args: streams: from and to our parent. If the first one ends, this process ends, with all processes that it started.
    """
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            for stream in streams:
                os.close(stream.fileno())
            os.close(reading)
            _answer_once(module, name, watch, call, writing)
        finally:
            os._exit(0)  # the forked process never goes on from here
    os.close(writing)
    if select.select([reading, streams[0].fileno()], [], [])[0] == [streams[0].fileno()]:
        os.killpg(0, signal.SIGKILL)
    with os.fdopen(reading, "rb") as stream:
        data = receive(stream)
    _, status = os.waitpid(process, 0)
    return data or pickle.dumps(("ended", status))


def _answer_once(module: ModuleType, name: str, watch: Watch, call: Call, writing: int) -> None:
    """Answer, unless this process is a copy that the sidecar forked."""
    own = os.getpid()
    found = answer(module, name, watch, call)
    if os.getpid() == own:
        with os.fdopen(writing, "wb") as stream:
            send(stream, found)
        sys.stdout.flush()


def main() -> None:
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    name, text = pickle.loads(receive(requests))
    folder = os.path.dirname(os.path.realpath(name))
    sys.path.append(folder)
    sys.argv = [name]
    sys.dont_write_bytecode = True
    watch = Watch(os.path.join(folder, ""))
    sys.path_hooks.insert(0, from_source(watch))
    sys.path_importer_cache.clear()
    sys.addaudithook(watch)
    sys.meta_path.insert(0, watch)
    watch.watch_questions()
    try:
        module = load(name, text)
        functions, defined = describe(module, name)
    except BaseException as error:
        send(answers, ("error", *failure(error, name), sorted(watch.paths)))
        return
    send(answers, ("loaded", functions, defined, sorted(watch.paths)))
    while request := receive(requests):
        sys.stdout.flush()
        data = fork_and_answer(module, name, watch, Call(request), (requests, answers))
        answers.write(LENGTH.pack(len(data)) + data)
        answers.flush()


if __name__ == "__main__":
    main()
