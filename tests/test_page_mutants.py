"""Mutants of the page: each must fail the check that it names. All are built into one page, in which the address says which is planted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kit import page_traces, viewing
from kit.pages import VIEWER, Shown, build, node, tab
from kit.traced_runs import Traced

Error = pytest.importorskip("playwright.sync_api").Error
pytestmark = pytest.mark.skipif(not node(), reason="the page cannot be built: make viewer")

Check = Callable[[Shown, Traced], None]
PAIR, EVERY, SUMS, WINS = (
    page_traces.pair,
    page_traces.tree_sum,
    *(partial(page_traces.concurrent, t) for t in page_traces.CONCURRENT),
)
RULED = partial(page_traces.ruled, "and")
TASK, EDITS = page_traces.task, page_traces.edits
FAILING, BROKEN, WIDE = page_traces.failing, page_traces.broken, page_traces.wide


def without_trace(check: Callable[[Shown], None]) -> Check:
    return lambda shown, trace: check(shown)


def of_process(check: Callable[[Shown, Traced, int], None], process: int) -> Check:
    return lambda shown, trace: check(shown, trace, process)


task, parts = map(without_trace, (viewing.plays_a_task, viewing.shows_parts_of_values))
MDM, IN_PLACE, ONE_STEP, ARM, ERASING, AO_MDM, MASKED_ARM = range(7)
replays, origins = viewing.replays_the_decode, viewing.knows_origins
keys, mouse, token = map(without_trace, (viewing.moves_by_keys, viewing.plays, viewing.says_what_a_token_is))

#: File, what stands there once, what the mutant has instead, what is broken, the trace, and the check that must fail.
MUTANTS: tuple[tuple[str, str, str, str, Callable[[], Traced], Check], ...] = (
    ("columns.ts", "(8 * plane)", "(7 * plane)", "higher bytes of a column are wrong", EVERY, of_process(replays, ERASING)),
    ("columns.ts", "values[i] += values[i - 1];", "", "differences are not added up", EVERY, of_process(replays, ERASING)),
    ("machine.ts", "combine || !this.lost[i]", "true", "a write that lost counts", WINS, viewing.replays_the_machine),
    ("machine.ts", "combine && this.written[cell] === step", "combine", "a sum is added to what was there", SUMS,
     viewing.replays_the_machine),
    ("machine.ts", "this.written.fill(0);", "", "a step back takes writes of a later time for those of the same step", RULED,
     viewing.replays_the_machine),
    ("machine.ts", "code[this.counter[i]].rule ?? mode", "mode", "rules of writes do not count", RULED, viewing.replays_the_machine),
    ("machine.ts", "a & b", "a | b", "`and` is taken for `or`", RULED, viewing.replays_the_machine),
    ("machine.ts", "this.registers.fill(0);", "", "a step back keeps registers", PAIR, viewing.replays_the_machine),
    ("machine.ts", "this.destination[i] === cell", "this.destination[i] === -1", "a history has no writes", PAIR,
     viewing.says_what_happened_to_a_cell),
    ("decode.ts", "if (this.flags[i] & APPENDED) this.length++;", "", "an appended token is not there", EVERY, of_process(replays, ARM)),
    ("decode.ts", "this.tokens.copyWithin(from, to, this.length - 1);", "", "tokens stay where they were when a part is erased", EVERY,
     of_process(replays, ERASING)),
    ("decode.ts", "this.tokens.set(gone.subarray(0, to - from), from);", "", "a step back does not bring back what was erased", EVERY,
     of_process(replays, ERASING)),
    ("decode.ts", "if (edited && this.flags[i] & INSERTS) out.push(this.mask);", "", "no mask is inserted", EVERY,
     of_process(replays, IN_PLACE)),
    ("decode.ts", "if (!edited || !(this.flags[i] & DELETED)) out.push(edited ? this.after[i] : was[row]);",
     "out.push(edited ? this.after[i] : was[row]);", "no mask is deleted", EVERY, of_process(replays, ONE_STEP)),
    ("decode.ts", "+(this.after[i] === this.mask)", "0", "masks that come back are not counted", EVERY, of_process(replays, IN_PLACE)),
    ("decode.ts", "row += erasure.to - erasure.from;", "", "a token that moved comes from the place where it is now", EVERY,
     of_process(origins, ERASING)),
    ("decode.ts", "low === high && this.rows[low] === row", "low === high", "a token comes from an edit of another one", EVERY,
     of_process(origins, MASKED_ARM)),
    ("decode.ts", "code & 1 ? asks + far : asks - far", "code & 1 ? asks - far : asks + far", "heads found the other side", PAIR, token),
    ("film.ts", "Math.min(part, this.counts[i][t])", "part", "a process runs ahead of the other", PAIR, viewing.steps_together),
    ("film.ts", "part < parts", "false", "a step on from the middle of a step skips the next one", PAIR, keys),
    ("blocks.ts", "row % 3", "(row + 1) % 3", "the rows of a block change their names", PAIR, token),
    ("blocks.ts", "2 * this.header.P", "this.header.P", "a destination gets its counter", PAIR, token),
    ("state.ts", "Math.floor(place / slots)", "0", "all cells have one name", EVERY, without_trace(viewing.names_every_place)),
    ("rows.ts", "first += many;", "", "regions of a task stand on each other", TASK, task),
    ("rows.ts", "rest > 0", "false", "what has no region is not drawn", TASK, task),
    ("words.ts", "if (!sign) return kind;", "return kind;", "tokens of a task have no signs", TASK, task),
    ("words.ts", "value / 2 ** shift", "value", "all parts of a value are its lowest bits", EDITS, parts),
    ("words.ts", "names[number] ?? `${number}`", "`${number}`", "numbers of a token have no names", EDITS, parts),
    ("words.ts", "then ? signText(then, value) : \"\"", "\"\"", "a sign has one part", EDITS, parts),
    ("main.ts", 'document.querySelector("main")!.className = "task";', "", "an empty machine stands beside a task", TASK, task),
    ("plots.ts", "machine.header.task", "null", "an empty plot of processors", TASK, task),
    ("cycle.ts", "this.blocks * (cycle + +(position >= this.firstBlock))", "0", "snapshots have the same names", EVERY,
     without_trace(viewing.names_every_place)),
    ("pairs.ts", "3 * (P * (row.step! - 1) + pid)", "0", "all blocks show the first pairs", EVERY,
     without_trace(viewing.names_every_place)),
    ("canvas.ts", "pen.strokeRect(x + 0.5, y + 0.5, wide - 1, high - 1);", "", "what changed has no frame", PAIR,
     without_trace(viewing.draws_marks)),
    ("canvas.ts", "(y - TOP) / h", "y / h - 2", "a click hits another row", PAIR, token),
    ("source.ts", "!busy || !this.header.code[c].pads", "true", "lines of idle processors look busy", PAIR, viewing.lights_lines),
    ("processors.ts", "machine.registers[r * header.P + p]", "machine.registers[r]", "all processors have one's registers", PAIR,
     viewing.shows_processors),
    ("processors.ts", "accesses || error!.processors.includes(p)", "error!.processors[0] === p", "only one processor is in the conflict",
     FAILING, viewing.ends_where_it_fails),
    ("memory.ts", "cell >= 0", "cell > 0", "accesses of the first cell have no marks", PAIR,
     viewing.marks_accesses),
    ("process.ts", "this.changes = fresh ? this.replay.changes(d) : NOTHING;", "this.changes = NOTHING;", "edits are not said", PAIR,
     viewing.draws_what_changes),
    ("blocks.ts", "first + (3 * (step - 1) + r) * P + pid", "first + (3 * (step - 1) + r) * P",
     "the grid shows the first processors always", WIDE, without_trace(viewing.shows_parts)),
    ("player.ts", "if (this.at >= this.film.length - 1) this.play(false);", "", "it plays on at the end", PAIR, mouse),
    ("dom.ts", "if (node.textContent !== text) node.textContent = text;", "node.innerHTML ||= text;", "texts stay, and are no longer text",
     PAIR, viewing.shows_processors),
    ("source.ts", "el(found[1] ? \"i\" : found[2] ? \"b\" : \"var\", {}, found[0])",
     "document.createRange().createContextualFragment(found[0])", "a comment is read as HTML", FAILING, viewing.is_harmless),
    ("main.ts", "this.player.go(this.film.frameOf(panel, wrong?.step ?? steps));", "", "a wrong model opens at the start", BROKEN,
     viewing.opens_at_the_first_wrong_token),
    ("main.ts", "if (other >= 0) next[other] = next[i];", "", "one process stands on both sides", EVERY,
     without_trace(viewing.chooses_processes)),
)  # fmt: skip


def switched(number: int, old: str, new: str) -> str:
    """A statement or an expression that is new if the address names this mutant, and else is old."""
    planted = f"+location.hash.slice(1) === {number}"
    return f"if ({planted}) {{ {new} }} else {{ {old} }}" if old.endswith(";") else f"({planted} ? {new} : {old})"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page with all mutants, none of them planted."""
    folder = tmp_path_factory.mktemp("mutants")
    shutil.copytree(VIEWER / "src", folder / "src")
    for number, (name, old, new, *_) in enumerate(MUTANTS, 1):
        file = folder / "src" / name
        assert file.read_text().count(old) == 1, f"{name} has {old!r} {file.read_text().count(old)} times, not once"
        file.write_text(file.read_text().replace(old, switched(number, old, new)))
    return build(folder / "built", folder / "src")


@pytest.fixture(scope="module")
def shown(browser: Any) -> Iterator[Shown]:
    """One tab for all mutants."""
    with tab(browser) as one:
        yield one


@pytest.mark.parametrize("number", range(1, 1 + len(MUTANTS)), ids=[row[3] for row in MUTANTS])
def test_mutants_of_the_page(number: int, shown: Shown, tmp_path: Path, template: str) -> None:
    *_, trace, check = MUTANTS[number - 1]
    with pytest.raises((AssertionError, Error)):
        shown.open(tmp_path, trace(), template, number)
        check(shown, trace())


@pytest.mark.parametrize("trace", {row[4]: None for row in MUTANTS}, ids=lambda trace: getattr(trace, "__name__", "concurrent"))
def test_without_a_mutant_the_checks_hold(trace: Callable[[], Traced], shown: Shown, tmp_path: Path, template: str) -> None:
    """So it is the change that the others fail by."""
    shown.open(tmp_path, trace(), template)
    for check in {row[5]: None for row in MUTANTS if row[4] is trace}:
        check(shown, trace())
