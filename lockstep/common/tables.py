"""Layout, colours and texts that the tables of several commands share."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

#: Styles that can be read on a light and on a dark terminal: no yellow, no white, no cyan, and nothing dim.
LABEL, GOOD, CAUTION, BAD = "bold", "green", "magenta", "bold red"

#: Arrays with more than MOST_ENTRIES entries are shown with ENDS entries at each end.
MOST_ENTRIES, ENDS = 20, 4

#: Numbers with more digits are rounded: three of them would not fit into a row of 80 columns.
MOST_DIGITS = 15


def narrow_table(show_header: bool = True) -> Table:
    """A table without columns, whose columns stand as close as they can be read: 80 characters are few."""
    return Table(box=box.SIMPLE_HEAD if show_header else None, padding=(0, 1 if show_header else 2, 0, 0), show_edge=False,
                 pad_edge=False, show_header=show_header)  # fmt: skip


def heading(text: str) -> Text:
    """The title of a table, with an empty line under it. A table's own title would wrap where the table ends."""
    return Text(f"{text}\n", style="italic")


def number_text(value: int) -> str:
    """`1,234,567`; numbers of more than MOST_DIGITS digits are rounded, with a sign that says so."""
    return f"{value:,}" if abs(value) < 10**MOST_DIGITS else f"~{value:.6g}"


def value_text(value: Any, full: bool = False) -> str:
    """A value as tables show it. A long array has its first and last entries and their number, unless `full`."""
    if full or not isinstance(value, list):
        return str(value)
    entries = value if len(value) <= MOST_ENTRIES else [*value[:ENDS], "...", *value[-ENDS:]]
    text = f"[{', '.join(value_text(entry) for entry in entries)}]"
    return text if entries is value else f"{text} ({len(value):,} {'rows' if isinstance(value[0], list) else 'entries'})"


def record_table(record: dict[str, Any], full: bool = False) -> Table:
    """Two columns, name and value. Outputs are spread over rows; other values by name stand in one. Long arrays are shortened, unless
    `full`."""
    table = narrow_table(show_header=False)
    table.add_column(style=LABEL, no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in record.items():
        spread = name == "outputs" and isinstance(value, dict)
        for key, item in value.items() if spread else ((None, value),):
            table.add_row(Text(f"{key} (output)" if key else name.replace("_", " ")), Text(_cell(item, full)))
    return table


def _cell(value: Any, full: bool) -> str:
    """`V 2, A 1` of values by name; `none` of nothing; else as `value_text`."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {value_text(each, full)}" for name, each in value.items()) or "none"
    return "none" if value is None else value_text(value, full)


LEGEND = """\
T time, P processors, k registers, S cells, h parameters, inp and out: input and
output words of a run, w bits of a word, N full context, n0 context at the
start, F positions behind the last word in the full sequence, lg ceil(log2);
space: S + P (k + 1)"""


def count(number: int, what: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
