"""What a sweep has found, as Markdown and as a page that needs no network.

survey.py    from the database to values.py
verdict.py   why the exit status is not 0
words.py     how strongly it is said, and of what: "sizes 1..64, n 1..64"
looks.py     how each construction is shown
summary.py   for the terminal and for JSON
markdown.py  page.py (with page.html and style.css)  plots.py
"""

from __future__ import annotations

from pathlib import Path

from lockstep.commands.report.values import Survey
from lockstep.models.atomic import write_atomically


def write(survey: Survey, path: Path) -> None:
    """Write a report in the format of the file's name, .md or .html; whole or not at all."""
    if path.suffix == ".html":
        from lockstep.commands.report.page import page as text_of
    else:
        from lockstep.commands.report.markdown import markdown as text_of
    write_atomically(path, text_of(survey).encode())
