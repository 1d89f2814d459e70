"""All constructions on one run: a table, and what it says in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lockstep.common.tables import BAD, CAUTION, GOOD, LABEL, count, heading, narrow_table

if TYPE_CHECKING:
    from lockstep.commands.compare.rows import Comparison, Counts, SystemRow
    from lockstep.pram.machine import Run

COLUMNS = ("depth", "decoding\nsteps", "steps\ncounted", "peak\ncontext", "tokens\nmade", "in a\npass", "multiply\nadds")


def comparison_table(comparison: Comparison, params: dict[str, int]) -> RenderableType:
    """A row for each construction, why some were not decoded, the comparison in words, and the closed forms."""
    run = comparison.run
    given = "".join(f", {name} {value}" for name, value in params.items())
    costs = f"T = {count(run.time, 'step')}, P = {count(run.job.processors, 'processor')}, {count(run.job.state_words, 'word')} of space"
    title = f"{run.job.name}{given}: {costs}"
    said = [Text(text) for text in (*in_words(comparison), *serially(comparison.rows))]
    return Group(
        heading(title), _table(comparison.rows), Text(""), *_reasons(comparison.rows), *said, Text(""), _forms(comparison.rows)
    )


def _table(rows: Sequence[SystemRow]) -> Table:
    from lockstep.commands.compare.rows import AGREES, FAILED, name_of

    table = narrow_table()
    table.padding = 0  # ten columns in 80 characters
    table.add_column("system", no_wrap=True)
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("with\nmachine", no_wrap=True)
    forms = [row.form for row in rows if row.form]
    best = (min(f.steps for f in forms), min(f.context for f in forms)) if forms else (0, 0)
    styles = {AGREES: GOOD, FAILED: BAD}
    for row in rows:
        table.add_row(Text(name_of(row.system)), *_cells(row, *best), Text(row.verdict, style=styles.get(row.verdict, CAUTION)))
    return table


def _cells(row: SystemRow, steps: int, context: int) -> list[Text]:
    """The figures of a row. The fewest decoding steps and the shortest context are bold."""
    form = row.form
    if form is None:
        return [Text("-")] * len(COLUMNS)
    counted = _short(row.counted.steps) if row.counted else "-"
    return [
        Text(str(row.depth)), Text(_short(form.steps), style=LABEL if form.steps == steps else ""), Text(counted),
        Text(_short(form.context), style=LABEL if form.context == context else ""), Text(_short(form.tokens)),
        Text(_ratio(form.tokens, form.passes)), Text(_short(form.operations)),
    ]  # fmt: skip


def _short(value: int) -> str:
    from lockstep.proofs_check.report import short

    return short(value)


def _ratio(value: int, of: int) -> str:
    ratio = value / of
    return f"{ratio:.1f}" if ratio < 1000 else _short(round(ratio))


def _reasons(rows: Sequence[SystemRow]) -> list[Text]:
    """Why a decode was not made or failed. What has no model says so itself."""
    from lockstep.commands.compare.rows import LEFT_OUT, name_of

    return [
        Text(f"{name_of(row.system)} was not decoded: {row.why}")
        if row.verdict == LEFT_OUT
        else Text(
            row.why if row.depth is None else f"FAILED: {name_of(row.system)}: {row.why}", style="" if row.depth is None else BAD
        )
        for row in rows
        if row.why
    ]


# -- in words --------------------------------------------------------------------------------------


def in_words(comparison: Comparison) -> list[str]:
    """Sentences that say what the table shows: steps against T, contexts against space."""
    run = comparison.run
    one_by_one, erasing, whole, in_place = _kinds(comparison.rows)
    said = [
        f"{name} takes a decoding step for each token it makes: {form.steps:,}."
        if len(named) == 1
        else f"{_and(named)} take a decoding step for each token they make: {form.steps:,}."
        for named, name, form in _alike([*one_by_one, *erasing])
    ]
    said += [f"{name} makes the same run in {_steps(form, run.time)}." for name, form in whole]
    keeping = [(name, form) for name, form in (*one_by_one, *whole)]
    if keeping:
        names, contexts = _and([name for name, _ in keeping]), {form.context for _, form in keeping}
        said.append(f"The context of {names} holds the whole run: {' and '.join(f'{c:,}' for c in sorted(contexts))} tokens.")
    said += [f"{name} needs a context of {_context(form, run)}, however long the run is." for name, form in erasing]
    said += [f"{name} takes {_steps(form, run.time)}, in a context of {_context(form, run)}." for name, form in in_place]
    if erasing and in_place:
        (name, slow), (saver, fast) = erasing[0], min(in_place, key=lambda pair: pair[1].steps)
        said.append(
            f"So what {saver} saves beside {name} is time, not space: {fast.steps:,} decoding steps instead of {slow.steps:,}."
        )
    return said


def _context(form: Counts, run: Run) -> str:
    """`139 tokens: 1.9 for each word of space`."""
    return f"{form.context:,} tokens ({form.context / run.job.state_words:.1f} for each word of space)"


def _and(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _alike(named: Sequence[tuple[str, Counts]]) -> Iterator[tuple[list[str], str, Counts]]:
    """Those that take as many decoding steps, together: all names, the first, and its figures."""
    for steps in dict.fromkeys(form.steps for _, form in named):
        same = [(name, form) for name, form in named if form.steps == steps]
        yield [name for name, _ in same], *same[0]


def _steps(form: Counts, time: int) -> str:
    """`61 steps (1.0 T)`."""
    return f"{form.steps:,} steps ({form.steps / time:.1f} T)"


def _kinds(rows: Sequence[SystemRow]) -> tuple[list[tuple[str, Counts]], ...]:
    """Names and closed forms: what makes one token a step; what does so and erases; what fills blocks; what edits the state in place."""
    from lockstep.commands.compare.rows import makes_one, name_of
    from lockstep.proofs_check.constructions import FACTS

    kinds: tuple[list[tuple[str, Counts]], ...] = ([], [], [], [])
    for row in rows:
        if row.form is not None:
            facts, one = FACTS[row.system], makes_one(row.system)
            kinds[3 if facts.in_place else 1 if facts.erases else 0 if one else 2].append((name_of(row.system), row.form))
    return kinds


def serially(rows: Sequence[SystemRow]) -> list[str]:
    """Theorem 2 in numbers: the multiply-adds of a serial machine, and what bounds them."""
    from lockstep.commands.compare.rows import name_of

    said = []
    for row in rows:
        if row.form is None:
            continue
        name, need = name_of(row.system), _short(row.form.operations)
        kept = f", {_short(row.kept)} if it keeps keys and values" if row.kept is not None else ""
        if row.bound is not None:
            said.append(
                f"A serial machine needs {need} multiply-adds for {name}{kept}: at most c N^3 = {_short(row.bound)} (Theorem 2)."
            )
    free = [name_of(row.system) for row in rows if row.form is not None and row.bound is None]
    return [*said, *([f"No such bound holds for {_and(free)}: positions get new tokens again."] if free else [])]


def _forms(rows: Sequence[SystemRow]) -> Table:
    """The closed forms; `lockstep theorems` has the letters."""
    from lockstep.commands.compare.rows import name_of
    from lockstep.proofs_check.theorems import BOUNDS

    table = narrow_table()
    for column in ("closed forms", "decoding steps", "context"):
        table.add_column(column)
    for row in rows:
        table.add_row(name_of(row.system), str(BOUNDS[row.system].decoding_steps), str(BOUNDS[row.system].context))
    return table
