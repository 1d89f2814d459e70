"""`lockstep train`: models of tasks that are learned, and selected by a proof."""

from __future__ import annotations

from pathlib import Path

from lockstep.common.groups import Table, app_of

#: What can be trained, each a file of this folder, under their headings.
TRAININGS = Table("lockstep.commands.train", Path(__file__).parent, {"Decide": ("parity",)})


app = app_of(TRAININGS)


@app.callback()
def train() -> None:
    """Train a model for a task of the paper, and keep it only if a proof holds."""
