"""`lockstep report`: the results of a sweep, as Markdown and as an HTML page that needs no network.

survey.py    reads the database into the values of values.py
verdict.py   decides the exit status, and gives the reasons
words.py     texts such as "sizes 1..64, n 1..64"
looks.py     names, colours and marks of each construction
summary.py   the summary for the terminal and for JSON
markdown.py  the Markdown report   page.py  the HTML page (with page.html and style.css)   plots.py  its plots
"""

from __future__ import annotations

from pathlib import Path

from lockstep.commands.report.values import Survey
from lockstep.models.atomic import write_atomically


def write(survey: Survey, path: Path) -> None:
    """Write a report as Markdown or HTML, depending on the file's suffix."""
    if path.suffix == ".html":
        from lockstep.commands.report.page import page as text_of
    else:
        from lockstep.commands.report.markdown import markdown as text_of
    write_atomically(path, text_of(survey).encode())
