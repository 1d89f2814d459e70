"""What a sidecar reads is part of a sweep's results: when it changes, cases are run again, with real sidecars."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kit.commands import FINE, REFUTED, WRONG, Do
from kit.sweeps import GOOD, TINY, files

COMMAND = "sweep tiny.pram --sizes 1..2 --random 1 --process mdm --workers {}"
HEAD = "import os\nfrom pathlib import Path\nHERE = Path(__file__).parent\n"
INPUTS = "def inputs(size, rng): return {'n': size}, {'A': [1] * size}\n"
ORACLE = "def oracle(params, arrays): return {{'A': [a + {} for a in arrays['A']]}}\n"

#: How the sidecar comes to the number that it adds; which file holds it; what it holds when that is right, and when wrong.
WAYS = {
    "a module beside it": (f"from helper import K\n{ORACLE.format('K')}", "helper.py", "K = 1\n", "K = 2\n"),
    "a module in the oracle": (
        ORACLE.format("__import__('helper').K"), "helper.py", "K = 1\n", "K = 2\n",
    ),
    "a package beside it": (f"from parts.numbers import K\n{ORACLE.format('K')}", "parts/numbers.py", "K = 1\n", "K = 2\n"),
    "a data file": (ORACLE.format("int((HERE / 'data.txt').read_text())"), "data.txt", "1", "2"),
    "a data file opened below Python": (
        ORACLE.format("int(os.read(os.open(HERE / 'data.txt', os.O_RDONLY), 9))"), "data.txt", "1", "2",
    ),
    "a file that is not there": (
        "def number():\n    try:\n        return int((HERE / 'data' / 'k.txt').read_text())\n    except OSError:\n        return 1\n"
        + ORACLE.format("number()"), "data/k.txt", None, "2",
    ),
    "whether a file is there": (ORACLE.format("1 + (HERE / 'two').exists()"), "two", None, ""),
    "whether a file is there, asked otherwise": (ORACLE.format("1 + os.access(HERE / 'two', os.R_OK)"), "two", None, ""),
    "a folder's names": (ORACLE.format("len(os.listdir(HERE / 'data'))"), "data/two", None, ""),
}  # fmt: skip


def put(name: str, text: str | None) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    if text is None:
        Path(name).unlink(missing_ok=True)
    else:
        Path(name).write_text(text)


@pytest.mark.parametrize("way", WAYS)
def test_what_changed_is_run_again(way: str, do: Do) -> None:
    oracle, name, right, wrong = WAYS[way]
    Path("tiny.py").write_text(HEAD + INPUTS + oracle)
    put(name, right)
    put("data/one", "")
    assert do(COMMAND.format(0)).status == FINE
    again = do(COMMAND.format(0))
    assert again.status == FINE and "2 of 2 cases were in sweep.sqlite already" in again.err
    put(name, wrong)
    changed = do(COMMAND.format(0))
    assert (
        changed.status == REFUTED and "oracle says 3, machine says 2, at `A[0]`" in changed.out and "already" not in changed.err
    )
    put(name, right)
    assert do(COMMAND.format(0)).status == FINE
    assert do("report sweep.sqlite").status == FINE


def test_a_link_that_points_elsewhere_is_noticed(do: Do) -> None:
    Path("tiny.py").write_text(HEAD + INPUTS + ORACLE.format("int((HERE / 'data.txt').read_text())"))
    put("one.txt", "1")
    put("two.txt", "2")
    Path("data.txt").symlink_to("one.txt")
    assert do(COMMAND.format(0)).status == FINE
    Path("data.txt").unlink()
    Path("data.txt").symlink_to("two.txt")
    assert do(COMMAND.format(0)).status == REFUTED


def test_workers_note_it_too(do: Do) -> None:
    oracle, name, right, wrong = WAYS["a module beside it"]
    Path("tiny.py").write_text(HEAD + INPUTS + oracle)
    put(name, right)
    assert do(COMMAND.format(1)).status == FINE
    put(name, wrong)
    assert do(COMMAND.format(1)).status == REFUTED


def test_a_failure_is_run_again_when_its_data_is_mended(do: Do) -> None:
    Path("tiny.py").write_text(HEAD + INPUTS + ORACLE.format("int((HERE / 'data.txt').read_text())"))
    put("data.txt", "one")
    broken = do(COMMAND.format(0))
    assert broken.status == REFUTED and "ValueError" in broken.out
    put("data.txt", "1")
    assert do(COMMAND.format(0)).status == FINE


def test_what_was_cut_off_is_run_again(do: Do) -> None:
    """Nobody knows what a process read that ended in the middle of a call."""
    Path("tiny.py").write_text(HEAD + INPUTS + ORACLE.format("(1 if (HERE / 'data.txt').exists() else os._exit(0))"))
    assert do(COMMAND.format(0)).status == REFUTED
    put("data.txt", "")
    assert do(COMMAND.format(0)).status == FINE


def test_an_oracle_that_is_removed_takes_no_failure_back(do: Do) -> None:
    Path("tiny.py").write_text(HEAD + INPUTS + ORACLE.format("2"))
    assert do(COMMAND.format(0)).status == REFUTED
    Path("tiny.py").write_text(HEAD + INPUTS)
    assert do(COMMAND.format(0)).status == REFUTED
    assert do("report sweep.sqlite").status == REFUTED
    Path("tiny.py").write_text(HEAD + INPUTS + ORACLE.format("1"))
    assert do(COMMAND.format(0)).status == FINE


def test_names_that_are_not_utf8(do: Do, tmp_path: Path) -> None:
    """A program of such a name is not swept; what a sidecar reads under one is never known to be the same."""
    name = os.fsdecode(b"t\xff")
    (tmp_path / f"{name}.pram").write_text(TINY)
    outcome = do(f"sweep {name}.pram --sizes 1 --workers 0 --max-context 0")
    assert (outcome.status, "this path is not UTF-8" in outcome.err) == (WRONG, True)
    assert do(f"compile {name}.pram").status == do(f"decode {name}.pram --size 2").status == FINE
    (tmp_path / f"{name}.txt").write_text("1")
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD.replace("x + 1", "x + int(open(b't\\xff.txt').read())"))
    line = "sweep tiny.pram --sizes 1 --random 1 --workers 0 --max-context 0"
    assert do(line).status == FINE
    (tmp_path / f"{name}.txt").write_text("2")
    again = do(line)
    assert again.status == REFUTED and "were in" not in again.err
    files(tmp_path, tiny_py=GOOD.replace("x + 1", "x + 1 if False else open(b'none\\xff.txt')"))
    assert do(line).status == REFUTED
