"""The report of a sweep as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lockstep.commands.report import tables
from lockstep.commands.report.values import Survey, SurveyedProgram
from lockstep.commands.report.words import MEANINGS


def markdown(survey: Survey) -> str:
    """The whole report; the plots are in its HTML form."""
    blocks = [f"# {tables.title(survey)}", tables.lead(survey), tables.how(survey), "\n".join(_meanings(survey)),
              _table(*tables.overview(survey)), _escaped(tables.legend())]  # fmt: skip
    for program in survey.programs:
        blocks += list(_section(program, survey))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _meanings(survey: Survey) -> Iterator[str]:
    for status, meaning in MEANINGS.items():
        if survey.counts[status] or status == "checked":
            yield f"- *{status}*: {meaning}"


def _section(program: SurveyedProgram, survey: Survey) -> Iterator[str]:
    yield f"## {_escaped(program.title)}"
    yield _escaped(tables.about(program, survey))
    yield _escaped(tables.unreached(program))
    if program.troubles:
        yield _table(*tables.troubles(program))
    yield f"{tables.CHECKS}:"
    yield _table(*tables.checks(program))
    if program.decodes:
        yield f"{tables.FIGURES}:"
        yield _table(*tables.figures(program))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _escaped(text: str) -> str:
    """A text with backslashes before the characters that Markdown interprets."""
    for character in "\\`*_[]<>|#~":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "<br>")
