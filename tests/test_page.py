"""The page of `lockstep show`, in a headless browser: what it shows is what machine and decoder did; keys, clicks, accessibility."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit import page_traces, viewing
from kit.page_traces import EVERY_PROCESS
from kit.pages import BUILT, REQUIRED, TABLET, VIEWER, WIDE, Shown, build, node, tab

from lockstep.pram.parser import keywords

AXE = VIEWER / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def pair(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Masked diffusion beside ap-mdm, which several tests share. Each goes to the frame that it needs."""
    with tab(browser) as shown:
        shown.open(tmp_path_factory.mktemp("pair"), page_traces.pair())
        yield shown
        assert not shown.errors


@pytest.fixture(scope="module")
def every(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """All processes."""
    with tab(browser) as shown:
        shown.open(tmp_path_factory.mktemp("every"), page_traces.tree_sum())
        yield shown
        assert not shown.errors


@pytest.fixture(scope="module")
def shown(browser: Any) -> Iterator[Shown]:
    """A tab in which tests open what they need."""
    with tab(browser) as one:
        yield one


# -- the asset ---------------------------------------------------------------------------------------


def test_the_page_is_as_new_as_its_source(tmp_path: Path) -> None:
    """`make viewer` builds it anew. Without Node, a digest of the sources is compared."""
    files = [*sorted((VIEWER / "src").iterdir()), VIEWER / "page.html", VIEWER / "style.css"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    assert (BUILT.parent / "sources.sha256").read_text().strip() == digest, "run make viewer"
    if node():
        assert build(tmp_path) == BUILT.read_text(), "run make viewer"


@pytest.mark.skipif(not node(), reason="the page cannot be built: make viewer")
def test_another_source_makes_another_page(tmp_path: Path) -> None:
    shutil.copytree(VIEWER / "src", tmp_path / "src")
    file = tmp_path / "src" / "words.ts"
    file.write_text(file.read_text().replace("a mask", "a token to come"))
    assert build(tmp_path / "built", tmp_path / "src") != BUILT.read_text()
    assert (tmp_path / "built" / "sources.sha256").read_text() != (BUILT.parent / "sources.sha256").read_text()


def test_the_keys_are_in_the_docs() -> None:
    template, page = (VIEWER / "page.html").read_text(), (VIEWER.parent.parent / "docs" / "page.md").read_text()
    keys = re.findall(r"<dt>(.*?)</dt>", template)
    assert keys == re.findall(r"^\| (.+?) \| ", page.split("| key | |")[1], re.MULTILINE) and len(keys) == 9


def test_the_page_asks_nothing_of_the_network() -> None:
    text = BUILT.read_text()
    assert "default-src 'none'" in text and not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", text)
    assert text.count("</script>") == 3 and text.count("@HEADER@") == text.count("@COLUMNS@") == 1


def test_the_page_knows_the_words_of_the_language() -> None:
    (words,) = re.findall(r"const WORDS =\n((?:.*\n)+?.*;)", (VIEWER / "src" / "source.ts").read_text())
    assert set(re.findall(r"\w+", words)) == keywords()


# -- replay ------------------------------------------------------------------------------------------


def test_the_machine_is_replayed(pair: Shown) -> None:
    viewing.replays_the_machine(pair, page_traces.pair())


@pytest.mark.parametrize("process", range(len(EVERY_PROCESS)), ids=[f"{w.construction} {w.order}" for w in EVERY_PROCESS])
def test_decodes_are_replayed(every: Shown, process: int) -> None:
    viewing.replays_the_decode(every, page_traces.tree_sum(), process)


@pytest.mark.parametrize("text", [page_traces.SUMS, page_traces.WINS], ids=["sum", "priority"])
def test_concurrent_writes_are_replayed(shown: Shown, tmp_path: Path, text: str) -> None:
    trace = page_traces.concurrent(text)
    shown.open(tmp_path, trace)
    viewing.replays_the_machine(shown, trace)


@pytest.mark.parametrize("rule", ["+", "and", "or"])
def test_writes_by_a_rule_are_combined(shown: Shown, tmp_path: Path, rule: str) -> None:
    """A store may have a rule of its own, whatever the mode does."""
    trace = page_traces.ruled(rule)
    shown.open(tmp_path, trace)
    viewing.replays_the_machine(shown, trace)


def test_every_place_has_words(every: Shown) -> None:
    """And each is drawn once. The words of blocks are those of the layout's own table."""
    viewing.names_every_place(every)


# -- time --------------------------------------------------------------------------------------------


def test_keys_go_by_steps(pair: Shown) -> None:
    viewing.moves_by_keys(pair)


def test_it_plays(pair: Shown) -> None:
    viewing.plays(pair)


def test_clicks_go_to_steps(pair: Shown) -> None:
    viewing.moves_by_mouse(pair, page_traces.pair())


def test_two_processes_go_by_one_clock(pair: Shown) -> None:
    viewing.steps_together(pair, page_traces.pair())


def test_any_two_processes_stand_side_by_side(every: Shown) -> None:
    viewing.chooses_processes(every)


# -- panels ------------------------------------------------------------------------------------------


def test_edits_and_counters(pair: Shown) -> None:
    viewing.draws_what_changes(pair, page_traces.pair())


def test_marks(pair: Shown) -> None:
    viewing.draws_marks(pair)


def test_source(pair: Shown) -> None:
    viewing.lights_lines(pair, page_traces.pair())


@pytest.mark.parametrize("process", [0, 3, 4, 5, 6], ids=lambda i: str(EVERY_PROCESS[i].construction))
def test_origins(every: Shown, process: int) -> None:
    """Not those of ap-mdm: there a token may be remasked and come back."""
    viewing.knows_origins(every, page_traces.tree_sum(), process)


def test_memory(pair: Shown) -> None:
    viewing.marks_accesses(pair, page_traces.pair())


def test_processors(pair: Shown) -> None:
    viewing.shows_processors(pair, page_traces.pair())


def test_a_token(pair: Shown) -> None:
    viewing.says_what_a_token_is(pair)


def test_a_cell(pair: Shown) -> None:
    viewing.says_what_happened_to_a_cell(pair, page_traces.pair())


def test_many_processors(shown: Shown, tmp_path: Path) -> None:
    shown.open(tmp_path, page_traces.wide())
    viewing.shows_parts(shown)


def test_the_decode_of_a_task(shown: Shown, tmp_path: Path) -> None:
    shown.open(tmp_path, page_traces.task())
    viewing.replays_the_decode(shown, page_traces.task(), 0)
    viewing.plays_a_task(shown)


def test_signs_of_several_parts(shown: Shown, tmp_path: Path) -> None:
    shown.open(tmp_path, page_traces.edits())
    viewing.shows_parts_of_values(shown)


# -- failures ----------------------------------------------------------------------------------------


def test_a_run_that_failed(shown: Shown, tmp_path: Path) -> None:
    shown.open(tmp_path, page_traces.failing())
    viewing.is_harmless(shown, page_traces.failing())
    viewing.ends_where_it_fails(shown, page_traces.failing())


def test_a_model_that_failed(shown: Shown, tmp_path: Path) -> None:
    shown.open(tmp_path, page_traces.broken())
    viewing.opens_at_the_first_wrong_token(shown, page_traces.broken())


def test_a_trace_of_another_version_is_refused(shown: Shown, tmp_path: Path) -> None:
    trace = page_traces.failing()
    shown.open(tmp_path, replace(trace, header=trace.header | {"version": 99}))
    assert shown.text("#error") == "This trace cannot be shown: this page shows traces of version 3, not 99"


# -- accessibility -----------------------------------------------------------------------------------


@pytest.fixture
def axe() -> str:
    if not AXE.exists():
        why = "axe-core is not installed: make viewer"
        pytest.fail(why) if os.environ.get(REQUIRED) else pytest.skip(why)
    return AXE.read_text()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, TABLET], ids=["1280 px", "tablet"])
def test_accessibility(browser: Any, tmp_path: Path, axe: str, dark: bool, size: dict[str, int]) -> None:
    """axe-core finds nothing wrong, and all fits."""
    with tab(browser, dark, size) as shown:
        shown.open(tmp_path, page_traces.tree_sum())
        viewing.fits(shown)
        shown.ask(axe)
        viewing.is_accessible(shown)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_accessibility_of_a_run_that_failed(browser: Any, tmp_path: Path, axe: str, dark: bool) -> None:
    with tab(browser, dark) as shown:
        shown.open(tmp_path, page_traces.failing())
        shown.press("End")
        shown.ask(axe)
        assert viewing.violations(shown) == []


def test_axe_finds_what_is_wrong(shown: Shown, tmp_path: Path, axe: str) -> None:
    shown.open(tmp_path, page_traces.failing())
    shown.ask(axe)
    shown.ask("document.getElementById('play').removeAttribute('aria-label')")
    assert [v.split(":")[0] for v in viewing.violations(shown)] == ["button-name"]


def test_what_is_cut_off_is_found(every: Shown) -> None:
    viewing.fits(every)
    every.ask("document.getElementById('slider').style.minWidth = '900px'")
    with pytest.raises(AssertionError):
        viewing.fits(every)
    every.ask("document.getElementById('slider').style.minWidth = ''")


def test_a_short_page_is_not_stretched(browser: Any, tmp_path: Path) -> None:
    """On a tablet, what is left over goes to the panels, not to the heading, the message and the time bar."""
    with tab(browser, size=TABLET) as shown:
        shown.open(tmp_path, page_traces.failing())
        heights = shown.ask(
            "['header', '#error', 'main', 'footer'].map(name => document.querySelector(name).getBoundingClientRect().height)"
        )
        assert sum(heights) == pytest.approx(TABLET["height"]) and max(heights) == heights[2] and heights[3] < 100
