"""A folder of pages, one of each example, and an index of them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from lockstep.common.finding import EXAMPLES
from lockstep.common.tracing.page import page_of, write_page
from lockstep.common.tracing.trace import Trace, decodes_of, trace_job
from lockstep.compiler.names import constructed
from lockstep.pram.program import Program, load
from lockstep.pram.progress import Progress
from lockstep.pram.sidecar import draw_one, generator_for

#: The size of each example: small enough that a page has some ten kilobytes.
SIZE = 4
STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c2128; --quiet: #57606a; --line: #c9ced6; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --page: #14171c; --ink: #e4e8ee; --quiet: #a0a9b5; --line: #3c444f; --link: #7ab7ff; } }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; background: var(--page); color: var(--ink); }
body { font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); } p { color: var(--quiet); } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.8rem 0.4rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } .number { text-align: right; font-variant-numeric: tabular-nums; }
"""


def write_gallery(folder: Path, constructions: Sequence[str], progress: Progress) -> Path:
    """Write NAME.html for each example, and index.html. Return the path of the index."""
    rows, paths = [], sorted(EXAMPLES.glob("*.pram"))
    for number, path in enumerate(paths):
        progress(number, len(paths))
        program = load(path)
        job = program.instantiate(*draw_one(generator_for(program), SIZE, 0, 0))
        names = constructed(constructions, program.rules)
        trace = trace_job(program, job, decodes_of(names))
        write_page(folder / f"{program.name}.html", page_of(trace))
        rows.append(_row(program, trace, constructions))
    index = folder / "index.html"
    write_page(index, _index(rows, constructions))
    return index


def _row(program: Program, trace: Trace, constructions: Sequence[str]) -> str:
    about = program.source.text.partition("\n")[0].partition("#")[2].strip(" ,")
    contexts = {each["construction"]: f"{each['forms']['context']['value']:,}" for each in trace.header["processes"]}
    cells = f"{trace.header['T']:,}", f"{trace.header['P']:,}", *(contexts.get(name, "") for name in constructions)
    numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
    name = escape(program.name)
    return f'<tr><td><a href="{name}.html">{name}</a></td><td>{escape(about)}</td>{numbers}</tr>'


def _index(rows: Sequence[str], constructions: Sequence[str]) -> str:
    heads = "".join(f'<th scope="col" class="number">{escape(text)}</th>' for text in ("T", "P", *constructions))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Lockstep: runs and their decodes</title><style>{STYLE}</style></head>
<body><h1>Runs and their decodes</h1>
<p>Each page plays one run of an example at size {SIZE} on the machine, beside the decodes that generate it. T is the time in steps, P the
number of processors. The last columns have the context of each decode in tokens.</p>
<table><thead><tr><th scope="col">program</th><th scope="col">what it computes</th>{heads}</tr></thead>
<tbody>
{chr(10).join(rows)}
</tbody></table></body></html>
"""
