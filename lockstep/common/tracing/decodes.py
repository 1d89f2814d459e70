"""A decode's part of a trace: every edit of every decoding step, and what heads found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.common.tracing.columns import Columns
from lockstep.common.tracing.layouts import layout_header
from lockstep.common.tracing.machine import without_folder
from lockstep.common.tracing.tokens import TraceTokens
from lockstep.compiler.circuit import Circuit
from lockstep.compiler.names import AO_MDM, process_of, schedule_of
from lockstep.models.engines.session import NOT_ASKING, SEVERAL
from lockstep.models.orders import ORDERS
from lockstep.pram.program import Program
from lockstep.proofs_check.closed_forms import ClosedForm
from lockstep.proofs_check.theorems import BOUNDS
from lockstep.proofs_check.watching import WatchedStep, Watching

Integers = NDArray[np.int64]
#: The flags of an edit.
DELETES, INSERTS, APPENDS = 1, 2, 4
#: How a head's entry says what it found, if that is no row; rows come after these.
ENTRIES = {NOT_ASKING: 0, SEVERAL: -1}
NOTHING_ENTRY, FIRST_ROW = 1, 2


def add_decode(columns: Columns, number: int, program: Program, watching: Watching, heads: bool) -> dict[str, Any]:
    """Make a decode, add its columns, and return its header."""
    steps = list(watching)
    compiled, layout = watching.compiled, watching.layout
    tokens = TraceTokens.of(layout)
    add_steps(columns, number, tokens, watching.start, steps, heads)
    if watching.divergence is not None:
        columns.add(f"{number}.expected", tokens.traced(watching.expected))
    return {
        "construction": compiled.construction, "process": process_of(compiled.construction),
        "schedule": schedule_of(compiled.construction), "order": watching.sampling.selection, "steps": len(steps),
        "engine": watching.engine, "vocabulary": [list(kind) for kind in tokens.vocabulary.kinds], "depth": len(compiled.model.layers),
        "width": compiled.model.width, **_forms(watching), "heads": heads_of(compiled.circuit) if heads else [],
        "layout": layout_header(layout), "wrong": _wrong(program, watching), "stuck": watching.stuck or None,
    }  # fmt: skip


# -- columns -----------------------------------------------------------------------------------------


def add_steps(
    columns: Columns, number: int, tokens: TraceTokens, start: Integers, steps: Sequence[WatchedStep], heads: bool
) -> None:
    """Add the start sequence, every edit of every step, and what heads found."""
    columns.add(f"{number}.start", tokens.traced(start))
    columns.add(f"{number}.context", [len(start), *(step.context for step in steps)])
    columns.add(f"{number}.clock", [step.time for step in steps])
    columns.add(f"{number}.counts", [len(step.edited.rows) for step in steps])
    after = _joined([step.edited.after for step in steps])
    columns.add(f"{number}.rows", _joined([step.edited.rows for step in steps]))
    columns.add(f"{number}.tokens", tokens.traced(after))
    columns.add(f"{number}.flags", _joined([_flags(step) for step in steps]))
    gone = [(step.number, step.erasure.start, step.erasure.stop) for step in steps if step.erasure is not None]
    columns.add(f"{number}.erased", gone)
    if tokens.pairs:
        columns.add(f"{number}.places", tokens.places(after))
    if heads:
        _add_heads(columns, number, steps)


def _flags(step: WatchedStep) -> Integers:
    edited = step.edited
    return np.asarray(DELETES * edited.delete.astype(np.int64) + INSERTS * edited.insert + APPENDS * edited.appended)


def _joined(parts: Sequence[Integers]) -> Integers:
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _add_heads(columns: Columns, number: int, steps: Sequence[WatchedStep]) -> None:
    asking = _joined([step.edited.asking for step in steps])
    found = np.concatenate([step.found for step in steps if step.found is not None], axis=1) if steps else np.zeros((0, 0))
    for head, rows in enumerate(found):
        columns.add(f"{number}.head.{head}", _entries(asking, rows))


def _entries(asking: Integers, found: Integers) -> Integers:
    """What a head found: the distance of the row, in a zigzag."""
    away = FIRST_ROW + 2 * np.abs(asking - found) + (found > asking)
    none = np.where(found == NOT_ASKING, ENTRIES[NOT_ASKING], np.where(found == SEVERAL, ENTRIES[SEVERAL], NOTHING_ENTRY))
    return np.where(found >= 0, away, none)


# -- the header --------------------------------------------------------------------------------------


def heads_of(circuit: Circuit) -> list[dict[str, Any]]:
    """The heads of a circuit: their layers, names, and what they bring."""
    return [
        {"layer": number, "name": lookup.name, "reads": sorted({name for _, (name, _) in lookup.reads})}
        for number, layer in enumerate(circuit.layers, 1)
        for lookup in layer.lookups
    ]


def _forms(watching: Watching) -> dict[str, Any]:
    """Closed forms with the numbers put in. In an order of single tokens, mdm takes the steps of ao-mdm."""
    order, name = watching.sampling.selection, watching.compiled.construction
    bound = BOUNDS[name].every(watching.sampling.every)
    letters = bound.letters(watching.job, watching.run.time)
    if order not in ORDERS:  # a sampler makes as many steps as it likes
        return {"letters": letters, "forms": {"context": _form(bound.context, letters, "==")}}
    one_by_one = ORDERS[order].turns is not None or order == "random"
    steps = bound.decoding_steps if order == "parallel" else BOUNDS[AO_MDM].decoding_steps
    exact = order == "parallel" or one_by_one
    forms = {"decoding steps": (steps, "==" if exact else "<="), "context": (bound.context, "==")}
    return {"letters": letters, "forms": {what: _form(form, letters, relation) for what, (form, relation) in forms.items()}}


def _form(form: ClosedForm, letters: dict[str, int], relation: str) -> dict[str, Any]:
    return {"text": str(form), "filled": form.filled(letters), "value": form(letters), "relation": relation}


def _wrong(program: Program, watching: Watching) -> dict[str, Any] | None:
    """The first wrong token."""
    found = watching.divergence
    if found is None:
        return None
    position, many = found.position, 0
    if found.sequences is not None:
        wanted, tokens = found.sequences
        least = min(len(wanted), len(tokens))
        different = np.flatnonzero(wanted[:least] != tokens[:least])
        position, many = int(different[0]) if len(different) else least, len(different)
    return {"step": found.step, "position": position, "expected": found.expected, "found": found.found, "many": many,
            "message": without_folder(str(found), program)}  # fmt: skip
