"""Traces one decode for the tests of the page, watching it step by step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from kit.trace_data import Integers, Traced, Wanted
from lockstep.compiler import erasing, in_place, masked_arm
from lockstep.compiler.compile import compile_job
from lockstep.compiler.names import TWO_STEP, process_of, schedule_of
from lockstep.models.decode import Decoder
from lockstep.models.engines.indexed import IndexedSession
from lockstep.models.engines.jit import MINUS_INFINITY
from lockstep.models.engines.tables import BEST, BUCKET, CARES, QUERY, RECENCY
from lockstep.models.erasing import Marks
from lockstep.models.processes import Edits
from lockstep.models.sampling import Sampling
from lockstep.models.tokens import Vocabulary
from lockstep.pram.job import Job
from lockstep.proofs_check.closed_forms import ClosedForm
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.theorems import BOUNDS

DELETED, INSERTS, APPENDED = 1, 2, 4
PAIR = masked_arm.PAIR


class TracedDecode:
    """One decode, watched."""

    def __init__(self, job: Job, trace: Traced, wanted: Wanted, number: int) -> None:
        self.job, self.trace, self.wanted, self.number, self.time = job, trace, wanted, number, trace.header["T"]
        self.sampling = Sampling(wanted.order, engine="dense" if wanted.broken else "indexed", every=wanted.every)
        self.compiled = compile_job(job, self.time, construction=wanted.construction, sampling=self.sampling)
        if wanted.broken:
            wanted.broken(self.compiled.model)
        self.layout = self.compiled.layout(job, self.time, self.sampling)
        self.start = self.layout.tokens()
        self.decoder = Decoder(self.compiled.model, self.start, self.layout.positions(), self.compiled.process, self.sampling)
        self.edits, self.found, self.context, self.erased = list[Edits](), list[Integers](), [len(self.start)], list[int]()
        self.wrong: dict[str, Any] | None = None
        self.last = self.start

    def add(self, name: str, values: Any) -> None:
        self.trace.columns.add(f"{self.number}.{name}", values)

    def traced(self, keep: bool) -> dict[str, Any]:
        sequences = [self.start.tolist()]
        for sequence in self._steps():
            sequences += [sequence.tolist()] if keep else []
        self.trace.sequences.append(sequences)
        vocabulary = self._add_columns()
        heads = self._add_heads()
        bound = BOUNDS[self.wanted.construction].every(self.wanted.every)
        letters, construction = bound.letters(self.job, self.time), self.wanted.construction
        forms = {"decoding steps": bound.decoding_steps, "context": bound.context}
        return {
            "construction": construction, "process": process_of(construction), "schedule": schedule_of(construction),
            "order": self.sampling.order, "steps": len(self.edits), "engine": self.decoder.engine, "vocabulary": vocabulary,
            "depth": len(self.compiled.model.layers), "width": self.compiled.model.width, "letters": letters, "heads": heads,
            "forms": {name: _form(form, letters) for name, form in forms.items()}, "layout": places(self.layout), "wrong": self.wrong,
            "stuck": None,
        }  # fmt: skip

    def _steps(self) -> Iterator[Integers]:
        """Decode, and keep the edits of each step; up to the first wrong token in parallel order."""
        editor, select = self.decoder.editor, self.decoder.editor.select
        made, before = list[Edits](), self.start
        editor.select = lambda proposed: made.append(select(proposed)) or made[-1]  # type: ignore[func-returns-value]
        expectation = FACTS[self.wanted.construction].expectation(self.layout)
        expected = iter(expectation) if self.sampling.order == "parallel" else iter(())
        for step in self.decoder:
            self.edits.append(made.pop())
            if len(before) > step.change.length and editor.marks and int(before[-1]) == editor.marks.returns:
                self.erased += [step.number, *_erasure(before, editor.marks)]
            self.context.append(step.change.length)
            if self.wanted.heads and isinstance(self.decoder.session, IndexedSession) and not self.compiled.model.causal:
                self.found.append(_found(self.decoder.session, self.edits[-1].rows))
            before = self.last = step.tokens
            yield before
            if next(expected, None) is not None and (wrong := _wrong(step.number, before, expectation.tokens, self.layout)):
                self.wrong = wrong
                self.add("expected", expectation.tokens)
                return

    def _add_columns(self) -> list[list[Any]]:
        """Add the columns of edits; the kinds of tokens with their bits, of pairs those of the value."""
        old = self.compiled.model.vocabulary
        tokens, appends = np.concatenate([e.tokens for e in self.edits]), self.compiled.model.causal
        flags = [DELETED * e.delete + INSERTS * e.insert + APPENDED * appends for e in self.edits]
        kinds, start = [list(kind) for kind in old.kinds], self.start
        if isinstance(self.layout, masked_arm.Layout):
            bits = old.most_bits - masked_arm.Widths.cover(self.job, self.time).index
            new = Vocabulary(tuple((name, bits if name.endswith(PAIR) else b) for name, b in old.kinds))
            kinds = [list(kind) for kind in new.kinds]
            self.add("places", [old.split(t)[1] >> bits for t in tokens.tolist()])
            tokens, start = (np.array([_short(t, old, new) for t in part.tolist()]) for part in (tokens, start))
            self.trace.sequences[-1] = [[_short(t, old, new) for t in s] for s in self.trace.sequences[-1]]
        columns = {"start": start, "tokens": tokens, "flags": np.concatenate(flags), "context": self.context, "erased": self.erased,
                   "rows": np.concatenate([e.rows for e in self.edits]), "counts": [len(e) for e in self.edits],
                   "clock": list(self._clock())}  # fmt: skip
        for name, values in columns.items():
            self.add(name, values)
        return kinds

    def _add_heads(self) -> list[dict[str, Any]]:
        if not self.found:
            return []
        rows = np.concatenate([e.rows for e in self.edits])
        for head, column in enumerate(np.concatenate(self.found, axis=1)):
            far = 2 + 2 * np.abs(rows - column) + (column > rows)
            self.add(f"head.{head}", np.where(column >= 0, far, np.where(column == -1, 0, 1)))
        layers = enumerate(self.compiled.circuit.layers, 1)
        lookups = [(number, lookup) for number, layer in layers for lookup in layer.lookups]
        return [{"layer": n, "name": found.name, "reads": sorted({bit[0] for _, bit in found.reads})} for n, found in lookups]

    def _clock(self) -> Iterable[int]:
        """The step of the machine to which each decoding step belongs."""
        layout = self.layout
        if isinstance(layout, in_place.Layout):
            grown = 1 + next(d for d in range(1, len(self.edits)) if self.context[d] == self.context[d + 1] == layout.length)
            each = 2 if self.wanted.construction == TWO_STEP else 1
            return (min((d - grown) // each + 1, self.time + 1) if d >= grown else 0 for d in range(len(self.edits)))
        if isinstance(layout, erasing.Layout):
            return self._clock_of_cycles(layout)
        if isinstance(layout, masked_arm.Layout):
            places, _ = layout.pairs(self.last)
            return self._clock_of_blocks(layout.before, [places[d : d + 1] for d in range(len(places))])
        return self._clock_of_blocks(layout, [edit.rows for edit in self.edits])

    def _clock_of_blocks(self, layout: Any, edited: list[Integers]) -> Iterator[int]:
        """The step after the blocks that are full before it. edited: the positions in blocks that each step fills."""
        each, filled, full = 3 * self.job.processors, np.zeros(self.time + 1, np.int64), 0
        for rows in edited:
            yield full + 1
            blocks = rows[(rows >= layout.first_block) & (rows < layout.first_output)] - layout.first_block
            np.add.at(filled, blocks // each, 1)
            while filled[full] == each:
                full += 1

    def _clock_of_cycles(self, layout: erasing.Layout) -> Iterator[int]:
        """Snapshots belong to the step before them."""
        first = self.erased[::3]
        for d, edit in enumerate(self.edits, 1):
            before, row = layout.time * sum(e <= d for e in first), int(edit.rows[0])
            block = (row - layout.first_block) // (3 * self.job.processors)
            yield before + (0 if row < layout.first_block else min(block + 1, layout.time))


def places(layout: Any) -> dict[str, Any]:
    """Where everything stands."""
    if isinstance(layout, masked_arm.Layout):
        return places(layout.before) | {"form": "pairs", "before": layout.before.length, "length": layout.length}
    job = layout.job
    found = {
        "parameters": len(job.parameters),
        "outputs": len(job.outputs),
        "firstOutput": job.outputs.start,
        "length": layout.length,
    }
    if isinstance(layout, erasing.Layout):
        return found | {"form": "cycle", "cells": layout.cells.tolist(), "blocks": layout.time}
    if not isinstance(layout, in_place.Layout):
        return found | {"form": "blocks", "inputs": job.inputs, "blocks": layout.time}
    slots = layout.ROWS_PER_CELL
    rows = [name for name in ("PC", *(f"R{r}" for r in range(job.registers))) for _ in range(slots)]
    rows += ["DST", "VAL", "NPC"] if slots == 1 else []
    return found | {"form": "state", "parameters": 2 + len(job.parameters), "cells": job.space, "slots": slots, "rows": rows}


def _short(token: int, old: Vocabulary, new: Vocabulary) -> int:
    """A token of masked-arm without the position that a pair names."""
    kind, value = old.split(token)
    return new.token(kind, value & (1 << new.bits(kind)) - 1)


def _form(form: ClosedForm, letters: dict[str, int]) -> dict[str, Any]:
    filled = re.sub(r"\b[A-Za-z]\w*\b", lambda name: str(letters.get(name[0], name[0])), form.text)
    return {"text": str(form), "filled": filled, "value": form(letters), "relation": "=="}


def _erasure(tokens: Integers, marks: Marks) -> tuple[int, int]:
    separator = int(np.flatnonzero(tokens == marks.sep)[-1])
    return int(np.flatnonzero(tokens[:separator] == marks.call)[-1]), separator + 1


def _wrong(step: int, found: Integers, expected: Integers, layout: Any) -> dict[str, Any] | None:
    """The first token that differs; sequences have one length in these tests."""
    different = np.flatnonzero(found != expected)
    if not len(different):
        return None
    at, say = int(different[0]), layout.circuit.vocabulary.text
    return {"step": step, "position": at, "expected": say(int(expected[at])), "found": say(int(found[at])), "many": len(different),
            "message": f"decoding step {step}: expected {say(int(expected[at]))}, found {say(int(found[at]))}"}  # fmt: skip


def _found(session: IndexedSession, rows: Integers) -> Integers:
    """What each head found for these rows, from the engine's tables, [heads, rows]; -1: it does not ask, -2: it finds nothing."""
    return np.array([_found_by(layer.table, h, rows) for layer in session.layers for h in range(len(layer.table.counts))])


def _found_by(table: Any, head: int, rows: Integers) -> Integers:
    asks = table.rows[head, rows, QUERY] >= 0
    best, found = np.full(len(rows), MINUS_INFINITY, np.int64), np.where(asks, -2, -1)
    for care in range(table.counts[head, CARES]):
        bucket = table.query_links[head, care, rows, BUCKET]
        here = np.where(asks & (bucket >= 0), table.buckets[head, bucket, RECENCY], MINUS_INFINITY)
        found = np.where(here > best, table.buckets[head, bucket, BEST], found)
        best = np.maximum(best, here)
    return found
