"""Where everything stands in the sequence of a decode, for the header of a trace."""

from __future__ import annotations

from typing import Any

from lockstep.compiler import blocks, copies, erasing, masked_arm
from lockstep.compiler.compile import Layout
from lockstep.compiler.state import StateLayout


def layout_header(layout: Layout) -> dict[str, Any]:
    """The field `layout` of docs/trace.md."""
    if isinstance(layout, masked_arm.Layout):
        return _blocks(layout.before) | {"form": "pairs", "before": layout.before.length, "length": layout.length}
    if isinstance(layout, copies.Layout):
        return _copies(layout)
    if isinstance(layout, StateLayout):
        return _state(layout)
    return _cycle(layout) if isinstance(layout, erasing.Layout) else _blocks(layout)


def _blocks(layout: blocks.BlockLayout) -> dict[str, Any]:
    job = layout.job
    return {"form": "blocks", "length": layout.length, "parameters": len(job.parameters), "inputs": job.inputs, "blocks": layout.time,
            "outputs": len(job.outputs), "firstOutput": job.outputs.start}  # fmt: skip


def _cycle(layout: erasing.Layout) -> dict[str, Any]:
    found = _blocks(layout) | {"form": "cycle", "cells": layout.cells.tolist()}
    del found["inputs"]
    return found


def _copies(layout: copies.Layout) -> dict[str, Any]:
    """Regions: each copy of the parameters, of the cells and of the processors' rows. What is empty has none."""
    job, given = layout.job, layout.first_cell - 1
    parts = ("given", given, 0), ("cell", job.space, 0), ("row", layout.items - given - job.space, len(layout.row_names(job)))
    regions = [{"name": f"{name} {number + 1}:", "many": many, "columns": columns}
               for number in range(layout.COPIES) for name, many, columns in parts if many]  # fmt: skip
    return {"form": "rows", "length": layout.length, "parameters": given, "outputs": len(job.outputs),
            "firstOutput": job.outputs.start, "regions": [{"name": "", "many": 1, "columns": 0}, *regions]}  # fmt: skip


def _state(layout: StateLayout) -> dict[str, Any]:
    job = layout.job
    return {"form": "state", "length": layout.length, "parameters": layout.first_cell - 1, "cells": job.space,
            "own": len(layout.OWN), "slots": layout.ROWS_PER_CELL, "rows": layout.row_names(job), "outputs": len(job.outputs),
            "firstOutput": job.outputs.start}  # fmt: skip
