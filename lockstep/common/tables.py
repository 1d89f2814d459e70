"""What the tables of several commands have in common."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

#: Tables show longer arrays by so many entries at each end.
MOST_ENTRIES, ENDS = 20, 4


def value_text(value: Any, full: bool = False) -> str:
    """A value as tables show it: of a long array the first and last entries, and how many it has, unless `full`."""
    if full or not isinstance(value, list):
        return str(value)
    entries = value if len(value) <= MOST_ENTRIES else [*value[:ENDS], "...", *value[-ENDS:]]
    text = f"[{', '.join(value_text(entry) for entry in entries)}]"
    return text if entries is value else f"{text} ({len(value):,} {'rows' if isinstance(value[0], list) else 'entries'})"


def record_table(record: dict[str, Any], full: bool = False) -> Table:
    """Two columns: name and value; nested outputs are spread over rows, long arrays shortened unless `full`."""
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in record.items():
        for key, item in value.items() if isinstance(value, dict) else ((None, value),):
            table.add_row(Text(f"{key} (output)" if key else name.replace("_", " ")), Text(value_text(item, full)))
    return table


LEGEND = """\
T time, P processors, k registers, S cells, h parameters, inp and out: input and output words of a run, w bits of a
word, N full context, n0 context at the start, F what is behind the last word of it, lg ceil(log2); space: S + P (k + 1)"""


def count(number: int, what: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
