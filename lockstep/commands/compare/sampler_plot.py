"""A figure: the share of right runs against decoding steps, for samplers that take K tokens or fill blocks of B rows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lockstep.commands.compare.plot import FORMATS, LOOKS, STYLE
from lockstep.commands.compare.samplers import LINES, Share
from lockstep.models.atomic import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_shares(name: str, points: Sequence[Share], sizes: Sequence[int], path: Path) -> None:
    """Write the figure to a file whose name ends with a key of FORMATS: a panel for each line of LINES."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 7), layout="constrained")
        panels = figure.subplots(2, 2, sharey=True)
        for axes, line, look in zip(panels.flat, LINES, LOOKS[1:]):
            _panel(axes, line, [point for point in points if point.line == line], look)
        title = f"{name}: {points[0].runs} runs, n = {', '.join(map(str, sizes))}; beside each point stands K or B"
        figure.suptitle(title, x=0.01, horizontalalignment="left")
        page, kind = io.BytesIO(), path.suffix[1:].lower()
        figure.savefig(page, format=kind, dpi=150, metadata=FORMATS[kind])
    write_atomically(path, page.getvalue())


def _panel(axes: Axes, title: str, points: Sequence[Share], look: tuple[str, str, tuple[int, tuple[int, ...]]]) -> None:
    """One line of LINES; beside each point stands its number. Points that would lie on each other share a label."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

    colour, marker, _ = look
    axes.set_xscale("log")
    axes.plot([p.steps for p in points], [p.right / p.runs for p in points], color=colour, marker=marker, linestyle="",
              markersize=6, markerfacecolor="none")  # fmt: skip
    for (steps, share), numbers in labels(points).items():
        axes.annotate(numbers, (steps, share), xytext=(0, 7), textcoords="offset points", horizontalalignment="left",
                      fontsize=8, color=colour, rotation=45)  # fmt: skip
    axes.set_title(title)
    axes.set_xlabel("decoding steps for each step of the machine (logarithmic)")
    axes.set_ylabel("share of right runs")
    axes.set_ylim(-0.05, 1.25)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlim(min(1, *(p.steps for p in points)) / 1.2, max(p.steps for p in points) * 1.5)
    axes.xaxis.set_major_locator(LogLocator(2))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def labels(points: Sequence[Share]) -> dict[tuple[float, float], str]:
    """The numbers that stand beside the places of points; of more than three, the first two and the last."""
    found: dict[tuple[float, float], list[str]] = {}
    for point in points:
        found.setdefault((point.steps, point.right / point.runs), []).append(str(point.number))
    return {
        place: ", ".join(numbers if len(numbers) <= 3 else [*numbers[:2], "..", numbers[-1]]) for place, numbers in found.items()
    }
