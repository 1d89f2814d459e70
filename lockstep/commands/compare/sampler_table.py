"""Samplers on one run: a table, why each is right or wrong, and what becomes of tokens that are written back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lockstep.common.tables import BAD, CAUTION, GOOD, count, heading, narrow_table

if TYPE_CHECKING:
    from lockstep.commands.compare.samplers import SamplerComparison, SamplerRow
    from lockstep.proofs_check.samplers.writing_back import WrittenBack

#: What the last column says: the model decodes as was counted or as the theorem says; it was not decoded; nothing speaks of its decode;
#: something differs.
AGREES, COUNTED, DECODED, FAILED = "agrees", "counted", "decoded", "FAILED"


def sampler_table(found: SamplerComparison, params: dict[str, int], why: bool = False) -> RenderableType:
    """A row for each sampler, up to its end or first wrong token.

    Args: why: also say why each is right or wrong.
    """
    job = found.run.job
    given = "".join(f", {name} {value}" for name, value in params.items())
    costs = f"T = {count(found.run.time, 'step')}, P = {count(job.processors, 'processor')}, {count(len(job.outputs), 'output')}"
    parts = [Text(f"\n{text}") for text in _reasons(found, why)]
    back = [] if found.written_back is None else [Text(f"\n{_back(found.written_back)}")]
    return Group(heading(f"{job.name}{given}: {costs}"), _table(found), *parts, *back)


def _table(found: SamplerComparison) -> Table:
    table = narrow_table()
    table.add_column("sampler", no_wrap=True)
    for column in ("decoding\nsteps", "tokens\n/ pass", "tau"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    table.add_column("model", no_wrap=True)
    for row in found.rows:
        counted = row.outcome
        table.add_row(
            Text(row.held.sampler), f"{counted.steps:,}", f"{counted.unmasked / max(counted.steps, 1):.1f}", f"{counted.tau:.2f}",
            _verdict(row), _model(row),
        )  # fmt: skip
    return table


def _verdict(row: SamplerRow) -> Text:
    wrong = row.outcome.wrong
    if not row.outcome.ended:
        return Text("no wrong token, but it does not end", style=CAUTION)
    if wrong is None:
        return Text("right", style=GOOD)
    return Text(f"wrong in step {wrong.step}: {wrong.place} is {wrong.found}, not {wrong.expected}", style=CAUTION)


def _model(row: SamplerRow) -> Text:
    if row.held.differences:
        return Text(FAILED, style=BAD)
    if row.undecoded or (row.held.counted is None and row.held.judged is None):
        return Text(COUNTED if row.undecoded else DECODED)
    return Text(AGREES, style=GOOD)


def _reasons(found: SamplerComparison, why: bool) -> Iterator[str]:
    for row in found.rows:
        if row.held.differences:
            yield f"FAILED: {row.held.sampler}: {'; '.join(row.held.differences)}"
        elif why:
            yield " ".join(row.words)
    for reason in dict.fromkeys(row.undecoded for row in found.rows if row.undecoded):
        yield f"counted, not decoded: {reason}"


def _back(back: WrittenBack) -> str:
    """What becomes of tokens that are masked again, or edited."""
    failed = f"FAILED: {'; '.join(back.differences)}\n" if back.differences else ""
    return (
        f"{failed}Masked again in the finished run, each alone: {back.back} of {count(back.alone, 'token')} come back, those that the "
        f"theorem says. Masked again together in the newest block: {back.right} of {back.decodes} decodes right, {back.again} tokens. "
        f"Edited: {back.flat} of {count(back.rows, 'row')} that hold a token score all tokens equally, so no threshold of 1 / (V - 1) "
        "or more edits them."
    )
