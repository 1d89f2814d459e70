"""Finds programs by name: `ok` is ok.pram, and `tree_sum` the example of that name."""

from __future__ import annotations

from pathlib import Path

#: The example programs that are installed with Lockstep: the corpus, and programs of the paper's tasks.
EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "programs"
TASKS = EXAMPLES.with_name("tasks")


def all_examples() -> list[Path]:
    """All of them, by name."""
    return sorted((*EXAMPLES.glob("*.pram"), *TASKS.glob("*.pram")), key=lambda path: path.stem)


def example_named(name: str) -> Path | None:
    """The example of this name, without `.pram`; None if there is none."""
    return next((path for path in all_examples() if path.stem == name), None)


def find_program(path: Path) -> Path:
    """The file at this path, else the program of this name, here or among the examples; the path itself if there is none."""
    if path.is_file() or path.suffix:
        return path
    beside = path.with_name(f"{path.name}.pram")
    if beside.is_file():
        return beside
    example = example_named(path.name) if path.parent == Path() and not path.exists() else None
    return example or path


def find_programs(paths: list[Path]) -> list[Path]:
    """As `find_program`, for each of several."""
    return [find_program(path) for path in paths]


def find_here(paths: list[Path]) -> list[Path]:
    """The same without the examples: for commands that write to what they find."""
    return [path if is_example(found := find_program(path)) else found for path in paths]


def short_path(path: Path) -> Path:
    """How a command names a file here: an example by its name, a file below the working directory relative to it."""
    if is_example(path) and not Path(path.name).exists():
        return Path(path.stem)
    return path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path


def is_example(path: Path) -> bool:
    """Whether a file lies among the examples."""
    return path.parent in (EXAMPLES, TASKS)


def find_optional(path: Path | None) -> Path | None:
    """As `find_program`, for an argument that may be left out."""
    return None if path is None else find_program(path)
