"""Time and space of each input, with the contexts of each process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from lockstep.commands.space.rows import SpaceRow


def space_table(name: str, rows: Sequence[SpaceRow]) -> Table:
    """Time and space of each input, and for each construction context, decoding steps and whether they were decoded."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), title=f"{name}: context of each process", title_justify="left")
    for column in ("input", "T", "space", "process", "context", "context / space", "decoding steps", "decoded"):
        table.add_column(column, justify="left" if column in ("input", "process", "decoded") else "right", no_wrap=True)
    for row in rows:
        head = [", ".join(f"{k} {v}" for k, v in row.params.items()), f"{row.time:,}", f"{row.space:,}"]
        for process, context in row.contexts.items():
            ratio = f"{context / row.space:.1f}"
            table.add_row(*head, process, f"{context:,}", ratio, f"{row.steps[process]:,}", row.verdicts[process])
            head = ["", "", ""]
    return table
