"""A plugin of pytest: `pytest --lockstep FOLDER` takes each `.pram` file as a file of tests (docs/testing.md).

Without `--lockstep` it does nothing, and imports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lockstep.proofs_check.testing import ProgramTests, Test


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("lockstep").addoption(
        "--lockstep", action="store_true", help="collect .pram files: each contract, claim and theorem of a program is a test"
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".pram" and parent.config.getoption("--lockstep"):
        return ProgramFile.from_parent(parent, path=file_path)
    return None


class ProgramFile(pytest.File):
    """A program."""

    def collect(self) -> Iterator[pytest.Item]:
        from lockstep.pram.errors import PramError
        from lockstep.pram.program import load
        from lockstep.proofs_check.testing import ProgramTests

        try:
            tests = ProgramTests(load(self.path))
        except PramError as error:
            raise self.CollectError(str(error)) from None
        for test in tests.tests:
            yield ProgramItem.from_parent(self, name=test.name, tests=tests, test=test)


class ProgramItem(pytest.Item):
    """One test of a program."""

    def __init__(self, *, tests: ProgramTests, test: Test, **more: Any) -> None:
        super().__init__(**more)
        self.tests, self.test = tests, test

    def runtest(self) -> None:
        outcome = self.tests.outcome(self.test)
        if outcome.status == "skipped":
            pytest.skip(outcome.text)
        if outcome.status == "failed":
            raise ProgramFailed(outcome.text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return str(excinfo.value) if isinstance(excinfo.value, ProgramFailed) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.test.line - 1, f"{self.path.name}: {self.name}"


class ProgramFailed(Exception):
    """A test of a program failed; the text says why."""
