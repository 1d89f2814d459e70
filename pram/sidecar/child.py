"""The other side of `lockstep.pram.sidecar.process`: this file runs in a process of its own, loads one sidecar and answers calls.

It imports nothing of ours, so that it starts fast and a sidecar finds nothing of ours to change. The process loads the
sidecar once and then forks for each call. A call therefore sees the sidecar as it was after loading, whatever earlier
calls did: it may change modules, random state or its arguments, exit, crash, or never end.

Messages are pickles of plain values behind their length. Requests come on standard input and answers leave on standard
output; both are moved elsewhere before the sidecar is loaded, so that what it prints goes to standard error.

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
import tempfile
import traceback
from collections.abc import Callable, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from types import CodeType, ModuleType
from typing import Any, BinaryIO

import numpy as np
import numpy.random  # before anything is watched: NumPy loads it late

#: The functions that a sidecar may have.
FUNCTIONS = ("inputs", "oracle", "accepts")
#: Stands among paths where something else reads: what another process or a library reads raises no event here.
BLIND = ""
#: Events of other processes.
OTHERS = ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.system", "os.fork", "os.forkpty")
LENGTH = struct.Struct("<Q")
#: A function that is wrapped more often is not looked into.
MOST_WRAPPED = 20


def send(stream: BinaryIO, message: Any) -> None:
    data = pickle.dumps(message)
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: BinaryIO) -> bytes:
    """The next message as bytes; b"" where the stream ends before."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return b""
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else b""


# -- plain values ---------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """The value made of Python's own numbers, texts, lists, tuples and dictionaries.

    Whatever has `tolist` counts as an array or a number. Of anything else only the name of its type is left, as bytes.
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


# -- what a sidecar reads -------------------------------------------------------------------------------


#: Behind a module's name, where it may stand.
SUFFIXES = (".py", os.path.join(os.sep, "__init__.py"), *EXTENSION_SUFFIXES)


def is_text(path: str) -> bool:
    """Whether a path is UTF-8: no database keeps another one."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


class Watch:
    """An audit hook that notes which files and folders are read, outside of Python's own."""

    IMPORTER = "<frozen importlib._bootstrap_external>"

    def __init__(self, folder: str, *also_own: str) -> None:
        self.folder = folder
        self.paths: set[str] = set()
        self._noting = False
        self.answering = False
        own = {sys.prefix, sys.base_prefix, sys.exec_prefix, "/proc", "/dev", "/sys", *also_own}
        self.own = tuple(os.path.join(os.path.realpath(path), "") for path in own)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes_only = flags & os.O_ACCMODE == os.O_WRONLY if mode is None else "r" not in mode and "+" not in mode
            if not writes_only:
                self.note(path)
        elif event in ("os.listdir", "os.scandir"):
            if sys._getframe(1).f_code.co_filename != self.IMPORTER:  # it lists every folder of sys.path
                self.note("." if arguments[0] is None else arguments[0])
        elif event in ("sqlite3.connect", "ctypes.dlopen"):
            self.note(arguments[0])
        elif event == "import" and arguments[1]:  # an extension module
            self.note(arguments[1])
        elif event in OTHERS and self.answering:
            self.paths.add(BLIND)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """As the first finder of modules, note what is looked for; others find it."""
        self.note_module(name)

    def watch_questions(self) -> None:
        """Note what is asked about files as well, which raises no event."""
        for name in ("stat", "lstat", "access", "readlink"):
            setattr(os, name, self._noted(getattr(os, name)))

    def _noted(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(ask)
        def asked(path: Any, *arguments: Any, **options: Any) -> Any:
            self.note(path)
            return ask(path, *arguments, **options)

        return asked

    def note(self, path: Any) -> None:
        """The path as it was named, since a link may come to point elsewhere."""
        if isinstance(path, (str, bytes, os.PathLike)) and not self._noting:
            self._noting = True  # looking at the path asks about files, too
            try:
                real, named = os.path.realpath(os.fsdecode(path)), os.path.abspath(os.fsdecode(path))
                if not self.is_own(real) or not self.is_own(named) and named.startswith(self.folder):
                    self.paths.add(named if is_text(named) else BLIND)
            finally:
                self._noting = False

    def is_own(self, path: str) -> bool:
        """Whether a path is Python's or the system's; a folder of these that holds the sidecar does not count."""
        return any(
            path.startswith(own) and not (self.folder.startswith(own) and path.startswith(self.folder)) for own in self.own
        )

    def note_module(self, name: str) -> None:
        """Files beside the sidecar that this import would take, also those that are not there."""
        top = name.partition(".")[0]
        known = getattr(sys.modules.get(top), "__file__", None) or ""
        if top in sys.stdlib_module_names or known and not known.startswith(self.folder):
            return
        path = os.path.join(self.folder, *name.split("."))
        for suffix in SUFFIXES:
            self.note(path + suffix)


# -- loading and calling --------------------------------------------------------------------------------


def text_of(error: BaseException) -> str:
    """An exception's own text; nothing where it cannot say it."""
    try:
        return str(error)
    except Exception:
        return ""


def failure(error: BaseException, name: str) -> tuple[str, int | None, int]:
    """What went wrong, in words, with line and column in the sidecar; no line where it is not to blame for the place."""
    if isinstance(error, SystemExit):
        message = f"it calls sys.exit({error.code!r}); a sidecar returns"
    else:
        message = f"{type(error).__name__}: {text_of(error)}".removesuffix(": ")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
    if frames:
        return message, frames[-1].lineno or 1, (frames[-1].colno or 0) + 1
    if isinstance(error, SyntaxError) and error.filename == name:
        return message, error.lineno or 1, error.offset or 1
    return message, None, 1


def load(name: str, text: str) -> ModuleType:
    """Run the sidecar's text. What lies beside it can be imported, after what is installed."""
    module = ModuleType(f"sidecar_{os.path.splitext(os.path.basename(name))[0]}")
    module.__file__ = os.path.abspath(name)
    sys.modules[module.__name__] = module
    exec(compile(text, name, "exec", dont_inherit=True), module.__dict__)
    return module


def line_of(function: Callable[..., Any], name: str) -> int | None:
    """Where the sidecar defines a function; None if it has it from elsewhere."""
    for _ in range(MOST_WRAPPED):
        function = getattr(function, "__wrapped__", function)
    code = getattr(function, "__code__", None)
    return code.co_firstlineno if isinstance(code, CodeType) and code.co_filename == name else None


def describe(module: ModuleType, name: str) -> tuple[dict[str, int | None], list[str]]:
    """The functions that count, with their lines; and the names of all functions that are defined here."""
    for key in FUNCTIONS:
        if key in vars(module) and not callable(vars(module)[key]):
            kind = type(vars(module)[key]).__name__
            raise TypeError(f"`{key}` is no function, but of type {kind}; does its decorator return one?")
    found = {key: value for key, value in vars(module).items() if callable(value)}
    here = [key for key, value in found.items() if line_of(value, name) is not None]
    return {key: line_of(found[key], name) for key in FUNCTIONS if key in found}, here


def answer(module: ModuleType, name: str, watch: Watch, request: bytes) -> tuple[Any, ...]:
    """Call one function, in the forked process."""
    watch.answering = True
    function, arguments = pickle.loads(request)
    seed = int.from_bytes(hashlib.sha256(request).digest()[:4], "little")
    random.seed(seed)  # who forgets `rng` draws the same all the same
    np.random.seed(seed)
    try:
        return "value", plain(getattr(module, function)(*arguments)), sorted(watch.paths)
    except BaseException as error:  # a sidecar may raise whatever it likes, SystemExit among it
        return "error", *failure(error, name), sorted(watch.paths)


def fork_and_answer(module: ModuleType, name: str, watch: Watch, request: bytes, streams: Sequence[BinaryIO]) -> bytes:
    """The answer of a forked process to one request, or how that process ended without one.

    Args: streams: to and from our parent. If the first one ends, so do we, and all that was started here.
    """
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            for stream in streams:
                os.close(stream.fileno())
            os.close(reading)
            _answer_once(module, name, watch, request, writing)
        finally:
            os._exit(0)  # whatever happened, only the other one goes on
    os.close(writing)
    if select.select([reading, streams[0].fileno()], [], [])[0] == [streams[0].fileno()]:
        os.killpg(0, signal.SIGKILL)
    with os.fdopen(reading, "rb") as stream:
        data = receive(stream)
    _, status = os.waitpid(process, 0)
    return data or pickle.dumps(("ended", status))


def _answer_once(module: ModuleType, name: str, watch: Watch, request: bytes, writing: int) -> None:
    """Answer, unless this is a copy that the sidecar made of the process."""
    own = os.getpid()
    found = answer(module, name, watch, request)
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
    # No byte code is read or written: a module that was changed within a second is read anew.
    byte_code = os.path.join(tempfile.gettempdir(), f"no-byte-code-{os.getpid()}")
    sys.dont_write_bytecode, sys.pycache_prefix = True, byte_code
    watch = Watch(os.path.join(folder, ""), byte_code)
    sys.addaudithook(watch)
    sys.meta_path.insert(0, watch)
    watch.watch_questions()
    try:
        module = load(name, text)
        functions, here = describe(module, name)
    except BaseException as error:
        send(answers, ("error", *failure(error, name), sorted(watch.paths)))
        return
    send(answers, ("loaded", functions, here, sorted(watch.paths)))
    while request := receive(requests):
        sys.stdout.flush()
        data = fork_and_answer(module, name, watch, request, (requests, answers))
        answers.write(LENGTH.pack(len(data)) + data)
        answers.flush()


if __name__ == "__main__":
    main()
