"""A sweep's report as one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path

from lockstep.commands.report import plots, tables
from lockstep.commands.report.values import Survey, Surveyed
from lockstep.commands.report.words import MEANINGS, NAMES
from lockstep.compiler.names import MDM, ONE_STEP, TWO_STEP
from lockstep.proofs_check.sweeps.result import STATUSES

STYLE = Path(__file__).with_name("style.css")
GLYPHS = {MDM: "●", TWO_STEP: "■", ONE_STEP: "▲"}
#: Cells of these columns are words, which stand at the left.
LEFT = {"program", "process", "check", "bound", "verdict", "status", "what went wrong"}


def page(survey: Survey) -> str:
    """The whole page."""
    body = "\n".join([*_head(survey), *(part for program in survey.programs for part in _section(program, survey))])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>Lockstep sweep: {escape(survey.name)}</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(survey: Survey) -> Iterator[str]:
    title, lead, how = (escape(text(survey)) for text in (tables.title, tables.lead, tables.how))
    yield f"<header><h1>{title}</h1>\n<p class=lead>{lead}</p>\n<p class=about>{how}</p></header>"
    yield _tiles(survey)
    yield _table(*tables.overview(survey))
    yield f"<p class=about>{_words(tables.legend())}</p>"
    if any(program.decodes for program in survey.programs):
        yield _legend(survey.constructions)
        caption = "All programs: decoding steps against the time of the machine&rsquo;s run."
        other = "All programs: context against the words that the run uses."
        yield f"<div class=plots>{_plot(plots.steps_of_all(survey), caption)}{_plot(plots.contexts_of_all(survey), other)}</div>"


def _tiles(survey: Survey) -> str:
    """Each status with its number and its meaning; coloured where it has cases."""
    shown = {status: n for status in STATUSES if (n := survey.counts[status]) or status in ("checked", "failed")}
    tiles = (
        f'<div class="tile {status if number else ""}"><b>{number:,}</b> {status}<p>{escape(MEANINGS[status])}</p></div>'
        for status, number in shown.items()
    )
    return f"<div class=tiles>{''.join(tiles)}</div>"


def _legend(constructions: Iterable[str]) -> str:
    keys = "".join(f'<span class="{c.replace(" ", "-")}">{GLYPHS[c]} {escape(NAMES[c])}</span>' for c in constructions)
    return (
        f"<p class=legend>{keys}<span>Filled: decoded and checked. Hollow: computed only. Lines: the theorem&rsquo;s closed form, "
        "with the range that the inputs of a size span.</span></p>"
    )


def _section(program: Surveyed, survey: Survey) -> Iterator[str]:
    about = escape(tables.about(program, survey))
    yield f'<section id="{_anchor(program)}"><h2>{escape(program.title)}</h2><p class=about>{about}</p>'
    if unreached := tables.unreached(program):
        yield f"<p class=about>{escape(unreached)}</p>"
    yield _verdict(program)
    if program.troubles:
        yield _table(*tables.troubles(program))
    if program.decodes:
        yield f"<div class=plots>{_plot(plots.steps_of(program), 'Decoding steps against size.')}"
        yield f"{_plot(plots.contexts_of(program), 'Context against space.')}</div>"
        yield f"<details><summary>{tables.FIGURES}</summary>{_table(*tables.figures(program))}</details>"
    yield f"<details><summary>{tables.CHECKS}</summary>{_table(*tables.checks(program))}</details></section>"


def _verdict(program: Surveyed) -> str:
    """For which inputs what was checked, in a line for each construction."""
    rows = [("machine", "On the machine", program.machine)]
    rows += [(construction, NAMES[construction], str(program.checked(construction))) for construction in program.constructions]
    items = "".join(
        f"<li class={c.replace(' ', '-')}><b>{escape(name)}</b> checked for {_words(inputs)}</li>" for c, name, inputs in rows
    )
    return f"<ul class=verdict>{items}</ul>"


def _words(text: str) -> str:
    """Ranges, as print has them."""
    return escape(text.replace("<=", "≤").replace("..", "–"))


def _plot(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def _anchor(program: Surveyed) -> str:
    """Of a file, a text and a sidecar; files may have one text."""
    return f"{program.name}-{program.sha256[:8]}-{sha256((program.path + program.sidecar).encode()).hexdigest()[:8]}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    classes = [" class=left" if name in LEFT or name.endswith("checked for") else "" for name in head]
    shown = [_words if name.endswith("checked for") else escape for name in head]
    top = "".join(f"<th{c}>{escape(name)}</th>" for name, c in zip(head, classes))
    cells = ("".join(f"<td{c}>{show(text)}</td>" for text, show, c in zip(row, shown, classes)) for row in rows)
    body = "\n".join(f"<tr>{row}</tr>" for row in cells)
    return f"<div class=scroll><table><thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table></div>"
