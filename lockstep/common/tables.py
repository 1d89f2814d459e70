"""What the tables of several commands have in common."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text


def record_table(record: dict[str, Any]) -> Table:
    """Two columns: name and value; nested outputs are spread over rows."""
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in record.items():
        for key, item in value.items() if isinstance(value, dict) else ((None, value),):
            table.add_row(Text(f"{key} (output)" if key else name.replace("_", " ")), Text(str(item)))
    return table


LEGEND = """\
T time, P processors, k registers, S cells, h parameters, inp and out: input and output words of a run, w bits of a
word, N full context, n0 context at the start, F what is behind the last word of it, lg ceil(log2); space: S + P (k + 1)"""


def count(number: int, what: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
