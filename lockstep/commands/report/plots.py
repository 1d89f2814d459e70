"""Plots as SVG with the colours of the page, so that they are readable on a light and on a dark page.

Lines are the theorems' closed forms; filled marks were decoded and measured, hollow ones were only computed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lockstep.commands.report.looks import LOOKS, token
from lockstep.commands.report.values import Survey, SurveyedDecode, SurveyedProgram
from lockstep.proofs_check.sweeps.result import CHECKED, FAILED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours that stand for variables of the page's style sheet.
INK, FAINT, BAD = "#010203", "#010204", "#010205"
COLOURS = {construction: f"#0103{number:02x}" for number, construction in enumerate(LOOKS)}
VARIABLES = {
    INK: "--ink", FAINT: "--faint", BAD: "--failed",
    **{colour: f"--{token(construction)}" for construction, colour in COLOURS.items()},
}  # fmt: skip

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10, "text.color": INK, "axes.labelcolor": INK,
    "axes.edgecolor": FAINT, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": FAINT, "grid.linewidth": 0.4, "axes.titlesize": 11, "axes.titlelocation": "left",
    "legend.frameon": False, "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
}  # fmt: skip


#: The coordinates of a decode in a plot: x, y by the closed form, and y as measured.
Place = Callable[[SurveyedDecode], tuple[int, int, int | None]]


def steps_by_time(decode: SurveyedDecode) -> tuple[int, int, int | None]:
    return decode.time, decode.steps, decode.measured_steps


def steps_by_size(decode: SurveyedDecode) -> tuple[int, int, int | None]:
    return decode.size, decode.steps, decode.measured_steps


def context_by_space(decode: SurveyedDecode) -> tuple[int, int, int | None]:
    return decode.space, decode.context, decode.measured_context


def steps_of_all(survey: Survey) -> str:
    """All programs: decoding steps against the steps of the machine's run."""
    return _overview("steps", survey, steps_by_time, "PRAM steps T", "decoding steps", "one decoding step for each PRAM step")


def contexts_of_all(survey: Survey) -> str:
    """All programs: context against the words that a run uses."""
    return _overview(
        "contexts", survey, context_by_space, "space S + P (k + 1), words", "context, tokens", "one token for each word"
    )


def steps_of(program: SurveyedProgram) -> str:
    """One program: decoding steps against size."""

    from matplotlib.ticker import MaxNLocator

    def draw(axes: Axes) -> None:
        _decodes(axes, program, steps_by_size)
        _logarithmic(axes, across=False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    return _svg(f"steps {program.sha256}", "size", "decoding steps", draw)


def contexts_of(program: SurveyedProgram) -> str:
    """One program: context against space."""

    def draw(axes: Axes) -> None:
        _decodes(axes, program, context_by_space)
        _logarithmic(axes)

    return _svg(f"contexts {program.sha256}", "space S + P (k + 1), words", "context, tokens", draw)


def _overview(name: str, survey: Survey, place: Place, across: str, up: str, diagonal: str) -> str:
    def draw(axes: Axes) -> None:
        for construction in survey.constructions:
            _marks(axes, construction, [d for program in survey.programs for d in program.of(construction)], place)
        _logarithmic(axes)
        _diagonal(axes, diagonal)
        if survey.constructions:
            axes.legend(loc="upper left")

    return _svg(name, across, up, draw, height=4.4)


def _decodes(axes: Axes, program: SurveyedProgram, place: Place) -> None:
    """For each construction, draw the range of its closed form, and its marks."""
    for construction in program.constructions:
        decodes = program.of(construction)
        ups: dict[int, list[int]] = {}
        for across, closed, _ in map(place, decodes):
            ups.setdefault(across, []).append(closed)
        xs = sorted(ups)
        low, high = [min(ups[x]) for x in xs], [max(ups[x]) for x in xs]
        axes.fill_between(xs, low, high, color=COLOURS[construction], alpha=0.18, linewidth=0)
        axes.plot(xs, high, color=COLOURS[construction], linewidth=1.2)
        _marks(axes, construction, decodes, place)


def _marks(axes: Axes, construction: str, decodes: Sequence[SurveyedDecode], place: Place) -> None:
    """Draw a mark for each decode: filled if it is right, crossed if it is wrong, hollow if it was not decoded."""
    style: dict[str, Any] = {
        "color": COLOURS[construction],
        "linestyle": "none",
        "markersize": 4.5,
        "marker": LOOKS[construction].mark,
    }
    checked = {(x, y) for x, _, y in map(place, (d for d in decodes if d.status == CHECKED)) if y is not None}
    computed = {(x, y) for x, y, _ in map(place, (d for d in decodes if d.status not in (CHECKED, FAILED)))}
    failed = {(x, closed if y is None else y) for x, closed, y in map(place, (d for d in decodes if d.status == FAILED))}
    axes.plot(*_columns(computed - checked), **style, markerfacecolor="none", markeredgewidth=0.8)
    axes.plot(*_columns(checked), **style, markeredgewidth=0, label=LOOKS[construction].title)
    axes.plot(*_columns(failed), **style | {"color": BAD, "marker": "x", "markersize": 9}, markeredgewidth=2)


def _columns(points: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    ordered = sorted(points)
    return [x for x, _ in ordered], [y for _, y in ordered]


def _diagonal(axes: Axes, text: str) -> None:
    """Draw the line y = x over the range of the marks."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    ends = max(left, low), min(right, high)
    axes.plot(ends, ends, color=INK, linewidth=0.8, linestyle=(0, (4, 4)), scalex=False, scaley=False)
    at = ends[0] * (ends[1] / ends[0]) ** 0.35  # the axes are logarithmic
    axes.annotate(text, (at, at), xytext=(8, -12), textcoords="offset points", fontsize=8.5)


def _logarithmic(axes: Axes, across: bool = True) -> None:
    """Set logarithmic axes with labels at powers of ten, and between them if there are few."""
    from matplotlib.ticker import LogLocator

    axes.set_yscale("log")
    if across:
        axes.set_xscale("log")
    for axis in (axes.xaxis, axes.yaxis)[not across :]:
        low, high = axis.get_data_interval()
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 50 * low else (1,)))


def _svg(name: str, across: str, up: str, draw: Callable[[Axes], None], height: float = 3.0) -> str:
    """A figure as an SVG element; the same data give the same text."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter

    with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=(5.4, height), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.set_xlabel(across + " (logarithmic)" * (axes.get_xscale() == "log"))
        axes.set_ylabel(up + " (logarithmic)" * (axes.get_yscale() == "log"))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value == int(value) else ""))
            axis.set_minor_formatter(NullFormatter())
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    return re.sub("|".join(VARIABLES), lambda colour: f"var({VARIABLES[colour[0]]})", svg)
