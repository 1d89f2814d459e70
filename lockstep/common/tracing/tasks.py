"""The trace of a decode by the model of a task: there is no program and no machine, so each decoding step is a step of the film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lockstep.common.tracing.columns import Columns
from lockstep.common.tracing.decodes import add_steps, heads_of
from lockstep.common.tracing.tokens import TraceTokens
from lockstep.common.tracing.trace import VERSION, Trace
from lockstep.models.decode import Decoder
from lockstep.models.editing import DecodingStep
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Tokens
from lockstep.proofs_check.watching import WatchedStep
from lockstep.tasks.kit import TaskModel
from lockstep.tasks.pictures import Picture

#: The machine's columns, which are empty.
MACHINE = ("counter", "value", "destination", "read", "lost", "start", "last")


@dataclass(frozen=True)
class Shown:
    """What a page says of a decode. title: its heading. about: facts beside it. forms: closed forms, as text and value, by name."""

    title: str
    about: Sequence[str] = ()
    forms: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    picture: Picture = field(default_factory=Picture)


def trace_task(
    task: TaskModel, start: Tokens, longest: int, shown: Shown, sampling: Sampling, dtype: str = "float64", heads: bool = True
) -> Trace:
    """Decode a sequence by the model of a task, and keep every step.

    Args:   longest: the most tokens that the sequence may have. heads: whether to keep what heads found; a learned model has no circuit
            that would say what they look for.
    Raises: as `Decoder`.
    """
    circuit = getattr(task, "circuit", None) if heads else None
    model, decoder = task.model(dtype), decoder_of(task, start, longest, sampling, dtype, circuit is not None)
    steps = [watched(step) for step in decoder]
    columns, tokens = Columns(), TraceTokens(model.vocabulary)
    for name in MACHINE:
        columns.add(f"machine.{name}", [])
    add_steps(columns, 0, tokens, start, steps, circuit is not None)
    process = {
        "construction": "ap-mdm", "process": "ap-mdm", "schedule": "", "order": sampling.order, "steps": len(steps),
        "engine": decoder.engine, "vocabulary": [list(kind) for kind in model.vocabulary.kinds], "depth": len(model.layers),
        "width": model.width, "letters": {}, "forms": {name: _form(*form) for name, form in shown.forms.items()},
        "heads": heads_of(circuit) if circuit else [], "layout": _layout(longest, shown.picture), "wrong": None, "stuck": None,
    }  # fmt: skip
    header = {"version": VERSION} | _without_machine(shown, len(steps)) | {"processes": [process]}
    return Trace(header | {"columns": {name: list(place) for name, place in columns.index.items()}}, columns.packed())


def decoder_of(
    task: TaskModel, start: Tokens, longest: int, sampling: Sampling, dtype: str = "float64", heads: bool = False
) -> Decoder:
    """A decode by the model of a task, whose steps say how they changed the sequence."""
    return Decoder(task.model(dtype), start, task.positions(longest), "ap-mdm", sampling, edits=True, heads=heads)


def watched(step: DecodingStep) -> WatchedStep:
    """The step with the number of a step of the film."""
    assert step.edited is not None
    return WatchedStep(step.number, step.number, step.edited, None, step.found, step.change.length, step.sequence)


def _form(text: str, value: int) -> dict[str, Any]:
    return {"text": text, "filled": str(value), "value": value, "relation": "=="}


def _layout(longest: int, picture: Picture) -> dict[str, Any]:
    regions = [{"name": r.name, "many": r.many, "columns": r.columns} for r in picture.regions]
    return {"form": "rows", "length": longest, "parameters": 0, "outputs": 0, "firstOutput": 0, "regions": regions}


def _without_machine(shown: Shown, steps: int) -> dict[str, Any]:
    """The header of a trace in which no machine runs. T is the number of decoding steps."""
    signs = {kind: sign.record() for kind, sign in shown.picture.signs.items()}
    return {
        "task": {"about": list(shown.about), "signs": signs}, "name": shown.title, "file": "", "source": "", "params": {},
        "P": 0, "k": 0, "S": 0, "w": 0, "mode": "", "signed": False, "winner": None, "T": steps, "halted": -1, "code": [],
        "arrays": [], "derived": [], "parameters": [], "outputs": [0, 0], "costs": {}, "space": {}, "error": None,
    }  # fmt: skip
