"""Shared set-up: tests run two at a time, so NumPy and torch get one thread in each; and fixtures that run command lines."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

# NumPy reads it once, when it is imported. Its threads wait for each other in busy loops, which cost more than the work
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# The dense engine makes and drops arrays of some megabytes. The C library would give each back to the system, and get it anew,
# which takes a fifth of the time. The variables are for processes that start later, the calls for this one.
KEEP_FREED, ON_THE_HEAP = 1 << 30, 1 << 25
os.environ |= {"MALLOC_TRIM_THRESHOLD_": str(KEEP_FREED), "MALLOC_MMAP_THRESHOLD_": str(ON_THE_HEAP)}
with suppress(AttributeError):  # only the GNU library has it
    for parameter, value in ((-1, KEEP_FREED), (-3, ON_THE_HEAP)):
        ctypes.CDLL(None).mallopt(parameter, value)
os.environ["XDG_CACHE_HOME"] = str(Path(tempfile.gettempdir()) / f"lockstep-tests-{os.getuid()}")  # not the user's cache
os.environ.pop("COLUMNS", None)  # of processes that tests run in at once it is set; tables are as wide as in a pipe
pytest.register_assert_rewrite("kit")  # its assertions say what was compared, as those of tests do

import torch  # noqa: E402
from hypothesis.internal.conjecture import providers  # noqa: E402
from hypothesis.internal.constants_ast import Constants  # noqa: E402
from kit import pages  # noqa: E402
from kit.commands import INPUTS, PROGRAMS, Do, Outcome  # noqa: E402

from lockstep import cli  # noqa: E402
from lockstep.pram.sidecar import process  # noqa: E402

torch.set_num_threads(1)
# Hypothesis also draws numbers that stand in the modules loaded so far. Then draws depend on the tests that ran before
providers._get_local_constants = Constants

process.MOST_LOADED = 64  # those of all examples: many tests draw their inputs, and to load a sidecar starts Python


#: Single tests that take long. They come first, so that none of them is left to one worker when the other has nothing more to do.
LONG = {
    "test_machine_equals_evaluator", "test_random_machine_programs", "test_programs_meet_every_kind",
    "test_a_campaign_on_the_command_line", "test_no_command_needs_more_than_80_columns", "test_single_weights_that_are_zero",
    "test_random_programs_with_other_memories", "test_a_fault_is_found_and_shrinks_and_is_repeated", "test_mutated_programs",
    "test_everything_is_proved", "test_single_weights", "test_every_column_of_every_kind_of_row_is_held",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: getattr(item, "originalname", "") not in LONG)
    places = [place for place, item in enumerate(items) if check_of(item)]
    for place, item in zip(places, sorted((items[place] for place in places), key=check_of)):
        items[place] = item


def check_of(item: pytest.Item) -> str:
    """The check that judges a mutant, or that is run without one; "" for other tests.

    The mutants of one check come one after the other. So mostly one process of the two runs a check without a mutant.
    """
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return str(getattr(params.get("mutant"), "check", params.get("check", "")))


def pytest_collection_finish() -> None:
    """What is loaded and collected stays. Python's collector need not go through these millions of objects again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A headless browser, which all tests of a process share."""
    if why := pages.missing():
        pytest.skip(why)
    with pages.browsing() as opened:
        yield opened


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Do:
    """Runs a command line in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["lockstep", *line.split()])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return Outcome(int(caught.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def do(alone: Do) -> Do:
    """Runs a command line in a directory with PROGRAMS and INPUTS."""
    for name, text in PROGRAMS.items():
        Path(f"{name}.pram").write_text(text)
    for name, text in INPUTS.items():
        Path(f"{name}.json").write_text(text)
    return alone
