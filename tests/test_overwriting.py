"""What commands write takes the place of model files only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kit.commands import EARLIER, FINE, GOOD, MISUSED, SIDECAR, Do


@pytest.mark.parametrize("target", ["tiny.pram", "in.json", "tiny.py", "notes", "./tiny.pram", "link", "pipe"])
@pytest.mark.parametrize("command", ["compile tiny.pram --time-bits 4 --pid-bits 1", "export tiny.pram --size 1"])
def test_only_model_files_are_written_over(command: str, target: str, do: Do) -> None:
    Path("tiny.py").write_text(SIDECAR.format(inputs=GOOD, oracle="{}"))
    Path("notes").write_text("mine")
    Path("link").symlink_to("tiny.pram")
    os.mkfifo("pipe")
    files = ("tiny.pram", "in.json", "tiny.py", "notes")
    before = [Path(name).read_bytes() for name in files]
    outcome = do(f"{command} --out {target}")
    assert outcome.status == MISUSED and outcome.out == ""
    assert "exists and is no model file, so it is not overwritten" in " ".join(outcome.err.replace("│", " ").split())
    assert [Path(name).read_bytes() for name in files] == before and Path("link").is_symlink() and Path("pipe").is_fifo()


def test_model_files_and_empty_ones_are_written_over(do: Do) -> None:
    Path("m.safetensors").touch()
    Path("other.safetensors").write_bytes(EARLIER)
    assert do("export tiny.pram --size 1 --out other.safetensors").status == FINE
    for command in ("compile tiny.pram --time-bits 4 --pid-bits 1", "compile tiny.pram --time-bits 5 --pid-bits 1"):
        before = Path("m.safetensors").read_bytes()
        assert do(f"{command} --out m.safetensors").status == FINE and Path("m.safetensors").read_bytes() != before
    assert "[NAME.safetensors; NAME is" in do("compile --help").out
