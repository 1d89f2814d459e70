"""Measurements with their targets, as a table and as a file."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from kit.jobs import WORD_BITS
from rich import box
from rich.table import Table

RECORD = Path("bench.json")


@dataclass(frozen=True)
class Figure:
    """One measurement with its target."""

    what: str
    target: str
    measured: str
    holds: bool | None


def keep(figures: Sequence[Figure]) -> None:
    """Write figures to RECORD, with machine and commit."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    record = {"machine": machine(), "commit": commit, "figures": [asdict(f) for f in figures]}
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


def machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"


def speed_table(figures: Sequence[Figure]) -> Table:
    table = Table("what", "target", "measured", "", box=box.SIMPLE_HEAD, title=f"engines, {WORD_BITS} bits; {machine()}")
    for f in figures:
        table.add_row(f.what, f.target, f.measured, {True: "met", False: "missed", None: ""}[f.holds])
    return table


def peak_memory() -> int:
    """The peak memory of this process in MiB. Not getrusage, whose maximum a process inherits from the one that started it."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) >> 10
