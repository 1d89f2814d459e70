"""Prints predictions as records for JSON, as tables and as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lockstep.commands.cost.check import Comparison
from lockstep.commands.cost.predict import EngineCost, Forecast, ProcessCost
from lockstep.common.tables import BAD, CAUTION, GOOD, heading, narrow_table, number_text
from lockstep.compiler.compile import takes_time
from lockstep.models.transformer import DTYPES

SPANS = ((365.25 * 86400, "years"), (86400, "days"), (3600, "hours"), (60, "minutes"), (1, "s"), (1e-3, "ms"))
BYTES = ((1e18, "EB"), (1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
MOST_YEARS = 1_000_000


def span(seconds: float) -> str:
    """A time such as `4.2 hours`, with two digits: estimates are no more precise."""
    if seconds > MOST_YEARS * SPANS[0][0]:
        return "over 10^6 years"
    return _scaled(seconds, SPANS)


def size(count: float) -> str:
    return _scaled(count, BYTES)


def _scaled(value: float, units: Sequence[tuple[float, str]]) -> str:
    unit, name = next((u for u in units if value >= u[0]), units[-1])
    return f"{value / unit:,.0f} {name}" if value >= 10 * unit else f"{value / unit:.1f} {name}"


def record(found: Forecast, comparisons: Sequence[Comparison] = ()) -> dict[str, Any]:
    planned, job = found.planned, found.planned.job
    return {
        "program": found.program, "params": planned.params, "time": planned.time, "time_is": planned.relation,
        "time_basis": planned.basis, "claims_checked_on": found.on,
        "processors": job.processors, "cells": job.space, "registers": job.registers, "inputs": job.inputs,
        "outputs": len(job.outputs), "word_bits": job.word_bits,
        "processes": [_process_record(p, planned.relation) for p in found.processes],
        "sentence": sentence(found), "checked": [asdict(h) | {"holds": h.holds} for h in comparisons],
    }  # fmt: skip


def _process_record(cost: ProcessCost, relation: str) -> dict[str, Any]:
    if cost.refused or cost.widths is None or cost.dimensions is None:
        return {"process": cost.construction, "refused": cost.refused}
    return {
        "process": cost.construction, "decoding_steps": cost.steps, "context": cost.context, "tokens": cost.tokens,
        "tokens_are": "<=" if cost.tokens_bound else relation, "widths": asdict(cost.widths), "d_model": cost.dimensions.width,
        "nonzeros": cost.dimensions.nonzeros, "certified": {dtype: not why for dtype, why in cost.certified},
        "engine": cost.picked, "engines": [asdict(e) for e in cost.engines],
    }  # fmt: skip


def table(found: Forecast, comparisons: Sequence[Comparison] = ()) -> RenderableType:
    parts: list[RenderableType] = [_heading(found), _decodes(found), Text(""), _models(found)]
    if any(p.engines for p in found.processes):
        parts += [Text(""), _engines(found)]
    if comparisons:
        decoded = any(not h.left_out for h in comparisons)
        title = "compared with decodes" if decoded else "compared with a run of the machine; nothing was decoded"
        parts += [Text(""), heading(title), _comparison_table(comparisons)]
    notes = [*_notes(found), sentence(found)]
    return Group(*parts, Text(""), *(Text(note) for note in notes if note))


def _heading(found: Forecast) -> Text:
    planned, job = found.planned, found.planned.job
    given = ", ".join(f"{name} = {value:,}" for name, value in planned.params.items())
    relation = "" if planned.relation == "==" else "at most "
    checked = f"; checked on {found.on}" if planned.basis.startswith("claimed") else ""
    lines = (
        f"{found.program}{f', {given}' if given else ''}",
        f"T = {relation}{planned.time:,} ({planned.basis}{checked})",
        f"P = {job.processors:,}, S = {job.space:,}, {job.registers} registers",
        f"words of {job.word_bits} bits: {job.inputs:,} of input, {len(job.outputs):,} of output",
    )
    return Text("\n".join(lines) + "\n")


#: The columns of the two tables of exact numbers: numbers of any size fit.
OF_DECODES = ("decoding steps", "context, tokens", "tokens made")
OF_MODELS = ("d_model", "nonzero weights", *DTYPES)


def _decodes(found: Forecast) -> Table:
    return _exact(found, OF_DECODES, lambda cost: _of_decode(cost, found.planned.relation))


def _models(found: Forecast) -> Table:
    return _exact(found, OF_MODELS, _of_model)


def _exact(found: Forecast, names: Sequence[str], values: Callable[[ProcessCost], Sequence[str | Text]]) -> Table:
    """One row for each process."""
    made = narrow_table()
    for name in ("process", *names):
        made.add_column(name, justify="left" if name == "process" else "right", no_wrap=True)
    for p in found.processes:
        made.add_row(p.construction, *([Text("no such model", style=CAUTION)] if p.refused else values(p)))
    return made


def _of_decode(cost: ProcessCost, relation: str) -> Sequence[str]:
    most = "" if relation == "==" else "<= "
    return (
        f"{most}{number_text(cost.steps)}",
        f"{most if takes_time(cost.construction) else ''}{number_text(cost.context)}",
        f"{'<= ' if cost.tokens_bound else most}{number_text(cost.tokens)}",
    )


def _of_model(cost: ProcessCost) -> Sequence[str | Text]:
    assert cost.dimensions is not None
    verdicts = (Text("refused", style=CAUTION) if why else Text("certified", style=GOOD) for _, why in cost.certified)
    return f"{cost.dimensions.width:,}", f"{cost.dimensions.nonzeros:,}", *verdicts


def _engines(found: Forecast) -> Table:
    made = narrow_table()
    for column in ("process", "engine", "time", "memory", "context"):
        made.add_column(column, justify="right" if column in ("time", "memory") else "left", no_wrap=True)
    for p in found.processes:
        name = p.construction
        for e in p.engines:
            verdict = Text("fits", style=GOOD) if e.within else Text(f"over {e.longest:,}", style=CAUTION)
            made.add_row(name, e.engine, span(e.seconds), _memory(e), verdict)
            name = ""
    return made


def _comparison_table(comparisons: Sequence[Comparison]) -> Table:
    made = narrow_table()
    for column in ("process", "engine", "predicted", "measured", "ratio", "T, steps, contexts, tokens"):
        made.add_column(column, justify="right" if column in ("predicted", "measured", "ratio") else "left",
                        no_wrap=not column.startswith("T"))  # fmt: skip
    for h in comparisons:
        predicted, measured = (span(seconds) if seconds else "" for seconds in (h.predicted, h.measured))
        ratio = f"{h.predicted / h.measured:.2f}" if predicted and measured else ""
        made.add_row(h.construction, h.engine, predicted, measured, ratio, _verdict(h))
    return made


def _verdict(comparison: Comparison) -> Text:
    if comparison.trouble:
        return Text(f"FAILED: {comparison.trouble}", style=BAD)
    return (
        Text(f"T only; not decoded: {comparison.left_out}", style=CAUTION) if comparison.left_out else Text("agree", style=GOOD)
    )


def _memory(cost: EngineCost) -> str:
    return "not measured" if cost.memory is None else size(cost.memory)


def _notes(found: Forecast) -> Iterator[str]:
    for p in found.processes:
        if p.refused:
            yield f"{p.construction}: no such model: {p.refused}"
        if p.certified and p.certified[0][1]:
            yield f"{p.construction}: not certified, so a decode is refused: {p.certified[0][1]}"
    if gates := max(p.division for p in found.processes):
        bits = found.planned.job.word_bits
        yield f"Division in words of {bits} bits takes {gates:,} gates: a decoding step is many times slower than without."
    if any(p.tokens_bound and not p.refused for p in found.processes):
        yield "ap-mdm unmasks fewer tokens than this bound, which supposes that every processor writes in every step."
    if any(p.engines for p in found.processes):
        yield "Time and memory are estimates for float64: processor time of all threads, memory of the whole process."
    if any(not e.within for p in found.processes for e in p.engines):
        yield "An engine refuses a context that is over its limit."


def sentence(found: Forecast) -> str:
    """One sentence: time and memory of the fastest process, with the engine that `auto` picks."""
    able = [(p, e) for p in found.processes for e in p.engines if e.engine == p.picked and not p.certified[0][1]]
    if not able:
        return ""
    cost, engine = min(able, key=lambda pair: (not pair[1].within, pair[1].seconds))
    given = ", ".join(f"{name} = {value:,}" for name, value in found.planned.params.items())
    most = "at most " if found.planned.relation == "<=" else ""
    memory = "" if engine.memory is None else f" and {size(engine.memory)}"
    text = (f"one decode of {found.program}{f' with {given}' if given else ''} by {cost.construction} would take {most}"
            f"{span(engine.seconds)}{memory} with the {engine.engine} engine")  # fmt: skip
    return text + ("" if engine.within else f", which refuses contexts beyond {engine.longest:,} tokens")
