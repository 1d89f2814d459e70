"""Ways to tamper with a circuit or with the weights that it became."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.circuit import Circuit, Threshold
from lockstep.compiler.linear import Bit, Linear
from lockstep.models.transformer import Transformer
from mutation.planting import Rebuilt, Reweighted

Tamper = Callable[[Circuit], None]


def without_literal(construction: str, writes: Bit, literal: Bit, layer: int = 1) -> Rebuilt:
    """Drop one literal of the gates of a layer that write somewhere: the condition is not asked any more."""

    def tamper(circuit: Circuit) -> None:
        found = False
        for i, gate in enumerate(circuit.layers[layer - 1].gates):
            if writes in gate.writes and literal in gate.form.terms:
                coefficient = gate.form.terms[literal]
                terms = {b: c for b, c in gate.form.terms.items() if b != literal}
                circuit.layers[layer - 1].gates[i] = Threshold(
                    Linear(terms, gate.form.constant + max(coefficient, 0)), gate.writes
                )
                found = True
        assert found, (writes, literal)

    return Rebuilt(construction, tamper, f"layer {layer}: gates that write {writes[0]} do not ask for {literal[0]}")


def tampered_lookup(construction: str, name: str, **changes: object) -> Rebuilt:
    """Replace parts of one lookup."""

    def tamper(circuit: Circuit) -> None:
        found = False
        for layer in circuit.layers:
            for i, lookup in enumerate(layer.lookups):
                if lookup.name == name:
                    layer.lookups[i] = replace(lookup, **changes)  # type: ignore[arg-type]
                    found = True
        assert found, name

    return Rebuilt(construction, tamper, f"lookup {name}: another {', '.join(changes)}")


def without_recency(construction: str, name: str) -> Rebuilt:
    return tampered_lookup(construction, name, recency=Linear())


def without_match(construction: str, name: str, which: int) -> Rebuilt:
    """Drop one bit that a lookup matches."""

    def tamper(circuit: Circuit) -> None:
        for layer in circuit.layers:
            for i, lookup in enumerate(layer.lookups):
                if lookup.name == name:
                    matches = list(lookup.matches)
                    del matches[which]
                    layer.lookups[i] = replace(lookup, matches=tuple(matches))
                    return
        raise AssertionError(name)

    return Rebuilt(construction, tamper, f"lookup {name}: without its match {which}")


#: From an old weight to a new one.
Change = Callable[[float], float]
CHANGES: dict[str, Change] = {"negated": lambda w: -w, "one more": lambda w: w + 1, "0": lambda w: 0.0, "a half": lambda w: w / 2}


def weight(layer: int, part: str, head: str = "", nth: int = 0, becomes: str = "negated") -> Reweighted:
    """The nth weight that is not 0 of a matrix of a layer (from 1), of one head if it is named; layer 0: outside the layers."""

    def tamper(model: Transformer, circuit: Circuit) -> Transformer:
        tensor = _tensor(model, layer, part).copy()
        view = tensor[[x.name for x in circuit.layers[layer - 1].lookups].index(head)] if head else tensor
        index = tuple(np.argwhere(view)[nth].tolist())
        view[index] = CHANGES[becomes](float(view[index]))
        return _with(model, layer, part, tensor)

    place = f"layer {layer}, {part}" + (f" of head {head}" if head else "") if layer else part
    return Reweighted(tamper, f"weights, {place}", f"weight {nth} becomes {becomes}")


def column(layer: int, part: str, field: str, becomes: str = "negated") -> Reweighted:
    """All weights that write to a field, from one matrix of a layer (from 1)."""

    def tamper(model: Transformer, circuit: Circuit) -> Transformer:
        tensor = _tensor(model, layer, part).copy()
        offset = circuit.offsets()[field]
        rows = tensor.reshape(-1, *tensor.shape[-2:])[:, offset : offset + circuit.fields[field].width]
        rows[...] = np.vectorize(CHANGES[becomes], otypes=[float])(rows)
        return _with(model, layer, part, tensor)

    return Reweighted(tamper, f"weights, layer {layer}, {part}", f"what writes {field} becomes {becomes}")


def _tensor(model: Transformer, layer: int, part: str) -> NDArray[Any]:
    owner: object = model.layers[layer - 1] if layer else model
    for name in part.split("."):
        owner = getattr(owner, name)
    assert isinstance(owner, np.ndarray)
    return owner


def _with(model: Transformer, layer: int, part: str, tensor: NDArray[Any]) -> Transformer:
    if layer:
        layers = list(model.layers)
        layers[layer - 1] = replace(layers[layer - 1], **{part: tensor})
        return replace(model, layers=tuple(layers))
    if "." in part:
        owner, name = part.split(".")
        return replace(model, **{owner: replace(getattr(model, owner), **{name: tensor})})
    return replace(model, **{part: tensor})
