"""The page that plays a trace: its template with the trace filled in."""

from __future__ import annotations

import base64
from pathlib import Path

from lockstep.common.tracing.trace import Trace
from lockstep.models.atomic import write_atomically

#: The page without a trace, which `make viewer` builds. HEADER and COLUMNS are where the trace goes, once each.
TEMPLATE = Path(__file__).parent.parent.parent / "viewer" / "built" / "page.html"
HEADER, COLUMNS = "@HEADER@", "@COLUMNS@"
#: Characters that would end the script element that holds the header, or a line of it.
ESCAPED = {"<": "\\u003c", "\N{LINE SEPARATOR}": "\\u2028", "\N{PARAGRAPH SEPARATOR}": "\\u2029"}


def page_of(trace: Trace, template: str | None = None) -> str:
    """A page that plays the trace, in one piece. Texts of the program are data in it: none of them is searched for marks, or ends it.

    Args: template: a text with HEADER before COLUMNS; by default that of the file TEMPLATE.
    """
    text = TEMPLATE.read_text(encoding="utf-8") if template is None else template
    before, rest = text.split(HEADER)
    between, after = rest.split(COLUMNS)
    header = trace.json()
    for character, escape in ESCAPED.items():
        header = header.replace(character, escape)
    return "".join([before, header, between, base64.b64encode(trace.packed).decode(), after])


def write_page(path: Path, page: str) -> None:
    """Write a page as a whole, or not at all. Names of files that are no UTF-8 are written with escapes."""
    write_atomically(path, page.encode("utf-8", "backslashreplace"))
