"""Shared set-up: tests run two at a time, so torch gets one thread in each; and a fixture that runs command lines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from kit.commands import INPUTS, PROGRAMS, Do, Outcome

from lockstep import cli

torch.set_num_threads(1)


@pytest.fixture
def do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Do:
    """Runs a command line in a directory with PROGRAMS and INPUTS."""
    monkeypatch.chdir(tmp_path)
    for name, text in PROGRAMS.items():
        Path(f"{name}.pram").write_text(text)
    for name, text in INPUTS.items():
        Path(f"{name}.json").write_text(text)

    def run(line: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["lockstep", *line.split()])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return Outcome(int(caught.value.code or 0), *capsys.readouterr())

    return run
