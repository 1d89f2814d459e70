"""Files that commands write name a program by its file name: none holds a folder of the author's machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.commands import FINE, REFUTED, TINY, WRONG, Do

from lockstep.commands.cost import calibrate
from lockstep.commands.cost.model import FEATURES
from lockstep.compiler.compile import CONSTRUCTIONS

#: A sidecar that reads a file beside its folder and fails on one size.
READER = """from pathlib import Path

def inputs(size, rng):
    Path(__file__).parent.joinpath("../data.txt").resolve().read_text()
    return {"n": size}, {"A": [1] * size}

def oracle(params, arrays):
    if params["n"] == 2:
        raise ValueError(__file__)
    return {"A": [2] * params["n"]}
"""
HERE = "{here}"

#: Commands that write files, with the exit status of each. HERE is the working directory: paths are typed as absolute ones.
LINES = (
    ("new mine", FINE),
    (f"examples tree_sum --copy {HERE}/copies", FINE),
    (f"compile {HERE}/tiny.pram --out {HERE}/tiny.safetensors", FINE),
    (f"export {HERE}/tiny.pram --size 2 --out {HERE}/tiny.job.safetensors", FINE),
    (f"certify {HERE}/tiny.safetensors --json", FINE),
    (f"prove {HERE}/tiny.pram --word-bits 2 --json", FINE),
    (f"verify {HERE}/tiny.pram --sizes 1 --json", FINE),
    (f"verify {HERE}/liar.pram --sizes 1 --json --failing {HERE} --shrink 0", REFUTED),
    (f"verify {HERE}/programs/reader.pram --sizes 2 --failing {HERE}/copies", WRONG),
    (f"fuzz --programs 1 --json --out {HERE}", FINE),
    (f"sweep {HERE}/programs {HERE}/copies --sizes 1,2 --random 1 --workers 0 --json --out {HERE}/copies/swept.sqlite", REFUTED),
    (f"report {HERE}/copies/swept.sqlite --json --out {HERE}/swept.md", REFUTED),
    (f"cost {HERE}/tiny.pram --size 4 --json", FINE),
    (f"space {HERE}/tiny.pram --sizes 1 --json", FINE),
    (f"run {HERE}/tiny.pram --sizes 1,2 --json", FINE),
)
#: What commands print as JSON names the files that they wrote as they were typed; all else is as it is in files.
WRITTEN = ("--out", "--failing", "--copy")


def test_no_file_names_the_folder_of_the_author(do: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for folder in ("programs", "copies"):
        Path(folder).mkdir()
    Path("data.txt").write_text("data")
    Path("programs/reader.pram").write_text(TINY.replace("tiny", "reader"))
    Path("programs/reader.py").write_text(READER)
    Path("programs/liar.pram").write_text(Path("liar.pram").read_text())
    given = {path for path in tmp_path.rglob("*") if path.is_file()}
    times = {engine: {c: [1.0] * len(names) for c in CONSTRUCTIONS} for engine, names in FEATURES.items()}
    calibrate.save(calibrate.Calibration(calibrate.this_machine(), times, {}, 1.0))
    for line, status in LINES:
        outcome = do(line.replace(HERE, str(tmp_path)))
        assert outcome.status == status, (line, outcome)
        if "--json" in line and not any(option in line for option in WRITTEN):
            Path(f"{line.split()[0]}.out.json").write_text(outcome.out)
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - given
    names = {path.name for path in written}
    assert {"mine.pram", "tree_sum.pram", "tiny.safetensors", "tiny.job.safetensors", "liar-failing.json", "reader-failing.json",
            "swept.sqlite", "swept.html", "swept.md", "verify.out.json", "cost.json"} <= names  # fmt: skip
    for path in written:
        if path.name == "grammar.tables":  # Lark writes its options into it, and it never leaves the cache
            continue
        assert str(tmp_path).encode() not in path.read_bytes(), path


def test_a_database_finds_programs_that_lie_elsewhere_again(do: Do) -> None:
    """Two files of one name in different folders, neither of them below the database's."""
    for folder in ("one", "two", "kept"):
        Path(folder).mkdir()
    for folder in ("one", "two"):
        Path(folder, "tiny.pram").write_text(TINY)
    line = "sweep one two --sizes 1 --random 1 --process mdm --workers 0 --out kept/s.sqlite"
    first = do(line)
    assert first.status == FINE and "2 cases of 2 programs" in first.out and "elsewhere-" in first.out
    assert "2 of 2 cases were in kept/s.sqlite already" in do(line).err
    Path("one/tiny.pram").unlink()
    assert do("report kept/s.sqlite --forget one/tiny.pram").err.splitlines()[-1] == "forgot 1 case of one/tiny.pram"
    assert "1 case of 1 program" in do("report kept/s.sqlite").out


def test_the_command_that_repeats_a_failure_names_files_from_here(do: Do, tmp_path: Path) -> None:
    outcome = do(f"verify {tmp_path}/liar.pram --sizes 1 --failing {tmp_path} --shrink 0")
    assert "lockstep verify liar.pram --input liar-failing.json" in outcome.out and str(tmp_path) not in outcome.out
    (command,) = (line for line in outcome.out.splitlines() if line.startswith("lockstep verify"))
    assert do(command.removeprefix("lockstep ")).status == REFUTED
