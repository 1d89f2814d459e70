"""The cases of a sweep, and everything that their results depend on."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path

from lockstep.models.engines.native.modules import sources
from lockstep.pram.errors import PramError, Source, fail
from lockstep.pram.program import Program, load, parse_program
from lockstep.pram.progress import Progress, silent
from lockstep.pram.sidecar import draw_one, generator_from, sidecar_of
from lockstep.pram.sidecar.process import DEFAULT_TIMEOUT

#: Our packages whose code decides the result of a case.
JUDGES = ("lockstep.pram", "lockstep.models", "lockstep.compiler", "lockstep.proofs_check")

#: Libraries of others that compute the result of a case.
LIBRARIES = ("lark", "numba", "numpy", "sympy", "torch")


@dataclass(frozen=True)
class Limits:
    """The options of a sweep: constructions, dtype, the limits of decodes and runs, and the time limit of sidecars."""

    constructions: tuple[str, ...]
    dtype: str
    max_context: int
    max_decoding_steps: int
    max_steps: int
    sidecar_timeout: float = DEFAULT_TIMEOUT


@dataclass(frozen=True)
class Subject:
    """One program with everything that its results depend on, except the case and the files that its sidecar reads.

    file: the resolved path of the program; path and text identify it. version: of our code. libraries: their versions.
    """

    file: str
    program: Source
    sidecar: Source | None
    limits: Limits
    version: str
    libraries: str

    @property
    def folder(self) -> Path:
        """The folder to which the names of files that its sidecar reads are relative."""
        return Path(self.sidecar.name).absolute().parent if self.sidecar else Path(self.file).parent

    @property
    def program_sha256(self) -> str:
        return self.program.sha256

    @property
    def sidecar_file(self) -> str:
        """The path of the sidecar; "" without one. It is beside the link by which the program was named."""
        if self.sidecar is None:
            return ""
        path = Path(self.sidecar.name)
        return str(path.parent.resolve() / path.name)

    @property
    def sidecar_sha256(self) -> str:
        """The hash of the sidecar's text; "" without one."""
        return _sha256(self.sidecar.text) if self.sidecar else ""


#: A case without its subject: seed, size, number, drawn.
Key = tuple[int, int, int, str]


@dataclass(frozen=True, slots=True)
class Task:
    """One case: an input, given by its seed, size and number.

    drawn: the SHA-256 of the input; "" if the sidecar failed to draw it.
    """

    subject: Subject
    seed: int
    size: int
    number: int
    drawn: str = ""

    @property
    def key(self) -> Key:
        return self.seed, self.size, self.number, self.drawn


@dataclass(frozen=True)
class SweepPlan:
    """The programs, sizes, number of inputs and seed of a sweep."""

    subjects: Sequence[Subject]
    sizes: Sequence[int]
    random: int
    seed: int

    def tasks(self, progress: Progress = silent) -> tuple[list[Task], list[Task]]:
        """All cases, small ones first, and apart from them the cases that repeat the input of an earlier one."""
        tasks: list[Task] = []
        repeated: list[Task] = []
        for done, subject in enumerate(self.subjects):
            progress(done, len(self.subjects))
            seen: set[str] = set()
            for task in self._of(subject):
                (repeated if task.drawn in seen else tasks).append(task)
                seen |= {task.drawn} - {""}
        return sorted(tasks, key=lambda task: task.size), repeated

    def _of(self, subject: Subject) -> Iterator[Task]:
        generator = generator_from(load_subject(subject), subject.sidecar, timeout=subject.limits.sidecar_timeout)
        for size in dict.fromkeys(self.sizes):
            for number in range(self.random):
                try:
                    drawn = _sha256(repr(draw_one(generator, size, number, self.seed)))
                except PramError:  # the case will fail with this error
                    drawn = ""
                yield Task(subject, self.seed, size, number, drawn)


def subjects(paths: Sequence[Path], limits: Limits, use_sidecar: bool = True) -> list[Subject]:
    """The programs of files and folders, each file once. Files with the same text or name are different programs.

    Raises: PramError: a file is no correct program, its sidecar does not load, or a folder holds no programs.
    """
    found: dict[
        tuple[str, str], Subject
    ] = {}  # by the files of program and sidecar: links to one program may have different sidecars
    for path in (file for given in paths for file in _files(given)):
        program = load(path)
        sidecar = sidecar_of(program) if use_sidecar else None
        _check_name(path.resolve())
        subject = Subject(str(path.resolve()), program.source, sidecar, limits, version(), libraries())
        generator_from(program, sidecar, timeout=limits.sidecar_timeout)  # it must load
        found.setdefault((subject.file, subject.sidecar_file), subject)
    return list(found.values())


def _check_name(path: Path) -> None:
    """Check that a path is UTF-8: the database keeps paths as text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise fail(
            "this path is not UTF-8, so the database cannot store it: rename the file or its folder", Source(str(path), "")
        ) from None


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.rglob("*.pram"))
    if not files:
        raise fail("no programs (*.pram) in this folder", Source(str(path), ""))
    return files


@cache
def load_subject(subject: Subject) -> Program:
    """The program of a subject; each process analyses it once."""
    return parse_program(subject.program.text, subject.program.name, subject.program.used)


@cache
def version() -> str:
    """A fingerprint of the code of JUDGES and of the native engine: results of one version say nothing about another."""
    digest = hashlib.sha256()
    for file in sorted(file for judge in JUDGES for file in _sources(judge)):
        digest.update(file.read_bytes())
    digest.update(sources().encode())
    return digest.hexdigest()[:16]


@cache
def libraries() -> str:
    """Python and LIBRARIES, with their versions."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return ", ".join([python, *(f"{name} {version_of(name)}" for name in LIBRARIES)])


class OtherVersion(Exception):
    """The code or the libraries of a worker differ from those that started the sweep."""


def difference(version_here: str, libraries_here: str) -> str:
    """How this process differs from the one that started the sweep, given its `version` and `libraries`; "" if it does not."""
    if version_here != version():
        return "a worker runs another version of Lockstep: install the same everywhere"
    if libraries_here != libraries():
        return f"a worker has {libraries()}, and here there is {libraries_here}: install the same everywhere"
    return ""


def _sources(module: str) -> Iterator[Path]:
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    if spec.submodule_search_locations is None:
        return iter([Path(spec.origin)])
    return (file for file in Path(spec.origin).parent.rglob("*") if file.suffix in (".py", ".lark", ".pram"))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
