"""A figure: the share of runs with right outputs in every process, against the rate of faults."""

from __future__ import annotations

import io
from itertools import cycle
from pathlib import Path

from lockstep.commands.compare.corrupted import Corrupted
from lockstep.commands.compare.plot import FORMATS, LOOKS, STYLE
from lockstep.commands.compare.rows import name_of
from lockstep.models.atomic import write_atomically


def draw_corrupted(found: Corrupted, path: Path) -> None:
    """Write the figure to a file whose name ends with a key of `plot.FORMATS`. A rate of 0 has no place on its axis."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8, 4.6), layout="constrained")
        axes = figure.subplots()
        for (system, rates), (colour, marker, dashes) in zip(found.rows.items(), cycle(LOOKS)):
            x, y = [rate.rate for rate in rates if rate.rate], [rate.share for rate in rates if rate.rate]
            axes.plot(x, y, color=colour, marker=marker, linestyle=dashes, markerfacecolor="none", label=name_of(system))
        axes.set_xscale("log")
        axes.set_ylim(-0.03, 1.03)
        axes.set_title(f"{found.run.job.name}: runs with right outputs, {found.faults.kind} faults")
        axes.set_ylabel("share of runs")
        axes.set_xlabel("chance that a token changes between two decoding steps (logarithmic)")
        figure.legend(loc="outside right upper", frameon=False)
        page, kind = io.BytesIO(), path.suffix[1:].lower()
        figure.savefig(page, format=kind, dpi=150, metadata=FORMATS[kind])
    write_atomically(path, page.getvalue())
