"""`lockstep task`: the paper's tasks, each by a model that is set by hand."""

from __future__ import annotations

from pathlib import Path

from lockstep.common.groups import Table, app_of

#: The tasks, each a file of this folder, under their headings.
TASKS = Table(
    "lockstep.commands.task",
    Path(__file__).parent,
    {
        "Decide": ("parity",),
        "Generate": ("dyck",),
        "Search": ("sudoku",),
        "Edit": ("editor",),
        "Graphs": ("min-cut", "connectivity", "edit-graph"),
    },
)


app = app_of(TASKS)


@app.callback()
def task() -> None:
    """Solve a task of the paper by a model that is set by hand."""
