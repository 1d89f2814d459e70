"""Finds programs by name: `ok` is ok.pram, and `tree_sum` the example of that name."""

from __future__ import annotations

from pathlib import Path

#: The example programs that are installed with Lockstep.
EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "programs"


def find_program(path: Path) -> Path:
    """The file at this path, else the program of this name, here or among the examples; the path itself if there is none."""
    if path.is_file() or path.suffix:
        return path
    beside = path.with_name(f"{path.name}.pram")
    example = EXAMPLES / beside.name
    if beside.is_file():
        return beside
    return example if path.parent == Path() and not path.exists() and example.is_file() else path


def find_programs(paths: list[Path]) -> list[Path]:
    """As `find_program`, for each of several."""
    return [find_program(path) for path in paths]


def find_here(paths: list[Path]) -> list[Path]:
    """The same without the examples: for commands that write to what they find."""
    return [found if (found := find_program(path)).parent != EXAMPLES else path for path in paths]


def short_path(path: Path) -> Path:
    """How a command names a file here: an example by its name, a file below the working directory relative to it."""
    if path.parent == EXAMPLES and not Path(path.name).exists():
        return Path(path.stem)
    return path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path


def find_optional(path: Path | None) -> Path | None:
    """As `find_program`, for an argument that may be left out."""
    return None if path is None else find_program(path)
