"""The report of a sweep as one HTML page that needs no network, from page.html (which escapes all texts) and style.css."""

from __future__ import annotations

from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lockstep.commands.report import plots, tables
from lockstep.commands.report.looks import LOOKS, token
from lockstep.commands.report.values import Survey, SurveyedProgram
from lockstep.commands.report.words import MEANINGS
from lockstep.proofs_check.sweeps.result import STATUSES

#: Columns of words, which are aligned left. So are columns that say for which inputs something was checked.
LEFT = {"program", "process", "check", "bound", "verdict", "status", "what went wrong"}


def page(survey: Survey) -> str:
    """The whole page."""
    environment = Environment(
        loader=PackageLoader("lockstep.commands.report", ""), autoescape=True, undefined=StrictUndefined,
        keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"words": _words, "token": token, "anchor": _anchor}
    environment.tests |= {"left": _left, "extent": _extent}
    assert environment.loader is not None
    style = environment.loader.get_source(environment, "style.css")[0]
    return environment.get_template("page.html").render(
        survey=survey,
        tables=tables,
        plots=plots,
        looks=LOOKS,
        meanings=MEANINGS,
        style=Markup(style),
        tiles=_tiles(survey),
        decoded=any(program.decodes for program in survey.programs),
    )


def _tiles(survey: Survey) -> dict[str, int]:
    """How many cases each status has. Checked and failed are shown even if there are none."""
    return {status: n for status in STATUSES if (n := survey.counts[status]) or status in ("checked", "failed")}


def _words(text: str) -> str:
    """Ranges in the signs of printed text."""
    return text.replace("<=", "≤").replace("..", "–")


def _extent(column: str) -> bool:
    """Whether a column says for which inputs something was checked."""
    return column.endswith("checked for")


def _left(column: str) -> bool:
    return column in LEFT or _extent(column)


def _anchor(program: SurveyedProgram) -> str:
    """An anchor for a program, unique among files, texts and sidecars."""
    return f"{program.name}-{program.sha256[:8]}-{sha256((program.file + program.sidecar).encode()).hexdigest()[:8]}"
