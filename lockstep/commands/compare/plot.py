"""A figure: decoding steps and context of every construction against the size, on logarithmic axes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import cycle
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockstep.commands.compare.rows import SYSTEMS, Point, name_of
from lockstep.models.atomic import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: File formats, with what keeps the same figure the same file.
FORMATS: dict[str, dict[str, None]] = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}, "png": {}}
#: Colours, markers and dashes, taken in turn. People who are colour-blind tell these colours apart (the first: Okabe and Ito, 2008).
LOOKS = (
    ("#000000", "s", (0, ())),
    ("#0072b2", "o", (0, (5, 2))),
    ("#d55e00", "^", (0, ())),
    ("#009e73", "D", (0, (5, 2))),
    ("#cc79a7", "v", (0, (1, 1))),
    ("#e69f00", "P", (0, (4, 1, 1, 1))),
    ("#56b4e9", "X", (0, ())),
    ("#8b5a2b", "<", (0, (3, 1))),
    ("#2000e0", ">", (0, (1, 1))),
    ("#40c060", "h", (0, (4, 1, 1, 1))),
)
#: The machine's own line.
MACHINE: dict[str, Any] = {"color": "#5f5f5f", "linewidth": 1.0}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "lockstep compare", "font.family": "sans-serif", "font.size": 11,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#d8d8d8", "grid.linewidth": 0.5,
    "axes.titlelocation": "left",
}  # fmt: skip
#: The least distance of two labels, as a part of the height of the axes.
GAP = 0.06


def draw_growth(name: str, points: Sequence[Point], path: Path) -> None:
    """Write the figure to a file whose name ends with a key of FORMATS."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        steps = {name_of(s): [p.steps[s] for p in points] for s in SYSTEMS if all(s in p.steps for p in points)}
        contexts = {name_of(s): [p.contexts[s] for p in points] for s in SYSTEMS if all(s in p.contexts for p in points)}
        sizes = [p.size for p in points]
        _panel(left, f"{name}: decoding steps", sizes, steps, "machine, T", [p.time for p in points])
        _panel(right, f"{name}: context, tokens", sizes, contexts, "machine, space", [p.space for p in points])
        page, kind = io.BytesIO(), path.suffix[1:].lower()
        figure.savefig(page, format=kind, dpi=150, metadata=FORMATS[kind])
    write_atomically(path, page.getvalue())


def _panel(axes: Axes, title: str, sizes: Sequence[int], lines: dict[str, list[int]], machine: str, own: Sequence[int]) -> None:
    """One quantity: a line for each construction, and one for the machine, each with its name at its end."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.plot(sizes, own, **MACHINE)
    for values, (colour, marker, dashes) in zip(lines.values(), cycle(LOOKS)):
        axes.plot(sizes, values, color=colour, marker=marker, linestyle=dashes, markersize=6, markerfacecolor="none")
    axes.set_title(title)
    axes.set_xlabel("size n (logarithmic)")
    axes.xaxis.set_major_locator(FixedLocator(list(sizes)))
    axes.yaxis.set_major_locator(LogLocator())
    axes.xaxis.set_minor_locator(NullLocator())
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    colours = [MACHINE["color"], *(colour for _, (colour, *_) in zip(lines, cycle(LOOKS)))]
    _label(axes, sizes[-1], {machine: own[-1], **{name: values[-1] for name, values in lines.items()}}, colours)


def _label(axes: Axes, at: int, ends: dict[str, int], colours: Sequence[str]) -> None:
    """Write each name beside the end of its line. Names that would lie on each other are moved apart."""
    low, high = axes.get_ylim()
    heights = spread([log(end / low) / log(high / low) for end in ends.values()])
    for name, height, colour in zip(ends, heights, colours):
        x = axes.transData.transform((at, 1))[0]
        across = axes.transAxes.inverted().transform((x, 0))[0]
        axes.annotate(name, (across, height), xycoords="axes fraction", xytext=(9, 0), textcoords="offset points", color=colour,
                      verticalalignment="center", annotation_clip=False)  # fmt: skip


def spread(heights: Sequence[float]) -> list[float]:
    """The same heights in the same order, moved where two are closer than GAP: up, and down again from the top of the axes."""
    moved, order, last = list(heights), sorted(range(len(heights)), key=lambda i: heights[i]), -GAP
    for number in order:
        last = moved[number] = max(heights[number], last + GAP)
    top = 1.0
    for number in reversed(order):
        top = moved[number] = min(moved[number], top)
        top -= GAP
    return moved
