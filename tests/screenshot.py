"""`python -m screenshot FILE`, with tests/ on the path: makes the picture of the page that the README shows.

With --all FOLDER it makes a picture of each state of the page instead, in light and dark, at 1280 px and on a tablet. Whoever changes
the page looks at them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Optional

import typer
from kit import page_traces
from kit.jobs import DIRECTORY
from kit.pages import TABLET, WIDE, browsing, tab
from kit.traced_runs import Traced, Wanted, traced

from lockstep.pram.program import load
from lockstep.pram.sidecar import draw_one, generator_for

TO_CLICK = "viewer.player.go(viewer.film.end(14)); viewer.select({panel: 0, position: 336})"


def main(
    file: Annotated[Optional[Path], typer.Argument(help="The picture to write.")] = None,
    all: Annotated[Optional[Path], typer.Option(help="A folder for pictures of all states.")] = None,
) -> None:
    """Make pictures of the page."""
    with browsing() as browser:
        if file:
            with tab(browser) as shown, tempfile.TemporaryDirectory() as folder:
                shown.open(Path(folder), readme_trace())
                shown.ask(TO_CLICK)
                shown.page.screenshot(path=file)
        for name, (trace, script) in states().items() if all else ():
            for dark in (False, True):
                for size in (WIDE, TABLET):
                    with tab(browser, dark, size) as shown, tempfile.TemporaryDirectory() as folder:
                        shown.open(Path(folder), trace)
                        shown.ask(script)
                        shown.page.screenshot(path=all / f"{name}-{'dark' if dark else 'light'}-{size['width']}.png")


def readme_trace() -> Traced:
    """The sum of 16 numbers, by masked diffusion and in place."""
    return example("tree_sum", 16)


def example(name: str, size: int) -> Traced:
    program = load(DIRECTORY / f"{name}.pram")
    return traced(program, *draw_one(generator_for(program), size, 0, 0), [Wanted("mdm"), Wanted("ap-mdm")], keep=False)


def states() -> dict[str, tuple[Traced, str]]:
    """Name of the picture, trace, and what happens before it is taken."""
    every, middle = page_traces.tree_sum(), "viewer.player.go(viewer.film.end(14) - 3);"
    return {
        "start": (readme_trace(), "0"),
        "token": (readme_trace(), TO_CLICK),
        "execute": (readme_trace(), "viewer.player.go(viewer.film.end(14) - 1)"),
        "cell": (readme_trace(), "viewer.player.go(viewer.film.end(15)); viewer.select({cell: 0})"),
        "end": (readme_trace(), "viewer.player.go(viewer.film.length - 1)"),
        "keys": (readme_trace(), "document.getElementById('help').click()"),
        "instructions": (
            readme_trace(),
            "viewer.player.go(viewer.film.end(14)); document.getElementById('instructions').click()",
        ),
        "many": (example("bitonic_sort", 128), "viewer.player.go(viewer.film.end(257))"),
        "small": (
            example("bitonic_sort", 128),
            "viewer.readable = false; viewer.layOut(); viewer.player.go(viewer.film.end(257))",
        ),
        "arm": (
            every,
            f"viewer.choose([3, 4]); {middle} viewer.select({{panel: 1, position: viewer.panels[1].replay.length - 1}})",
        ),
        "one-step": (every, f"viewer.choose([2, 6]); {middle} viewer.select({{panel: 1, position: 30}})"),
        "any-order": (every, f"viewer.choose([5, 7]); {middle}"),
        "failed-run": (page_traces.failing(), "viewer.player.go(viewer.film.length - 1)"),
        "failed-model": (page_traces.broken(), "0"),
    }


if __name__ == "__main__":
    typer.run(main)
