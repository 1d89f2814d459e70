"""Which cases a sweep has, and what their results depend on."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path

from lockstep.pram.errors import PramError, Source, fail
from lockstep.pram.program import Program, load, parse_program
from lockstep.pram.progress import Progress, silent
from lockstep.pram.sidecar import draw_one, generator_from, sidecar_of
from lockstep.pram.sidecar.process import DEFAULT_TIMEOUT

#: Packages whose text decides what a case's result is.
JUDGES = ("lockstep.pram", "lockstep.models", "lockstep.compiler", "lockstep.proofs_check")

#: What others wrote and a case's result is computed with.
LIBRARIES = ("lark", "numba", "numpy", "sympy", "torch")


@dataclass(frozen=True)
class Limits:
    """What verification options a sweep has: which constructions, where it leaves decodes and runs out, and how long sidecars may take."""

    constructions: tuple[str, ...]
    dtype: str
    max_context: int
    max_decoding_steps: int
    max_steps: int
    sidecar_timeout: float = DEFAULT_TIMEOUT


@dataclass(frozen=True)
class Subject:
    """One program with everything that its results depend on besides the case itself and what its sidecar reads.

    file: the program's, resolved; with its text, it is what the program is. version: of our code; libraries: of what others wrote.
    """

    file: str
    program: Source
    sidecar: Source | None
    limits: Limits
    version: str
    libraries: str

    @property
    def folder(self) -> Path:
        """To which names of files that its sidecar reads are relative."""
        return Path(self.sidecar.name).absolute().parent if self.sidecar else Path(self.file).parent

    @property
    def program_sha256(self) -> str:
        return _sha256(self.program.text)

    @property
    def sidecar_file(self) -> str:
        """Of links to one program, each has the sidecar beside itself; nothing without one."""
        if self.sidecar is None:
            return ""
        path = Path(self.sidecar.name)
        return str(path.parent.resolve() / path.name)

    @property
    def sidecar_sha256(self) -> str:
        """Of the sidecar, or nothing without one."""
        return _sha256(self.sidecar.text) if self.sidecar else ""


#: A case without its subject: seed, size, number, drawn.
Key = tuple[int, int, int, str]


@dataclass(frozen=True)
class Task:
    """One case: which input of which size is drawn with which seed.

    drawn: the SHA-256 of that input; "" if the sidecar failed to draw it.
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
    """What is to be verified."""

    subjects: Sequence[Subject]
    sizes: Sequence[int]
    random: int
    seed: int

    def tasks(self, progress: Progress = silent) -> tuple[list[Task], list[Task]]:
        """Every case, the small ones first, without those whose input was drawn before: these come second."""
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
                except PramError:  # the case will fail with the words of this error
                    drawn = ""
                yield Task(subject, self.seed, size, number, drawn)


def subjects(paths: Sequence[Path], limits: Limits, use_sidecar: bool = True) -> list[Subject]:
    """The programs of files and folders, each file once, whatever others have the same text or name.

    Raises: PramError: one is no correct program, its sidecar does not load, or a folder holds none.
    """
    found: dict[tuple[str, str], Subject] = {}  # by its file, and its sidecar's: links may have different ones
    for path in (file for given in paths for file in _files(given)):
        program = load(path)
        sidecar = sidecar_of(program) if use_sidecar else None
        _check_name(path.resolve())
        subject = Subject(str(path.resolve()), program.source, sidecar, limits, version(), libraries())
        generator_from(program, sidecar, timeout=limits.sidecar_timeout)  # it must load
        found.setdefault((subject.file, subject.sidecar_file), subject)
    return list(found.values())


def _check_name(path: Path) -> None:
    """A database keeps paths as text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise fail(
            "this path is not UTF-8, so that no database can name it: rename the file or its folder", Source(str(path), "")
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
    """Its program, analysed once in each process."""
    return parse_program(subject.program.text, subject.program.name)


@cache
def version() -> str:
    """A fingerprint of the code that judges: results of one version say nothing about another."""
    digest = hashlib.sha256()
    for file in sorted(file for judge in JUDGES for file in _sources(judge)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


@cache
def libraries() -> str:
    """Python and LIBRARIES, with their versions."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return ", ".join([python, *(f"{name} {version_of(name)}" for name in LIBRARIES)])


def _sources(module: str) -> Iterator[Path]:
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    if spec.submodule_search_locations is None:
        return iter([Path(spec.origin)])
    return (file for file in Path(spec.origin).parent.rglob("*") if file.suffix in (".py", ".lark"))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
