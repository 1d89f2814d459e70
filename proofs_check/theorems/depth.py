"""Constant depth: three layers for every program, input, time and number of processors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.compiler.names import PARTS
from lockstep.proofs_check.catalog import Theorem, equality
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import ClosedForm
from lockstep.proofs_check.report import Check

DEPTH = ClosedForm("3")
CONSTRUCTIONS = tuple(PARTS)


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    if construction in CONSTRUCTIONS:
        yield equality("depth", on, DEPTH, rows, lambda m: len(m.compiled.model.layers), lambda m: {})


THEOREM = Theorem(
    name="constant depth",
    place=80,
    statement="The transformer has three layers, whatever the program and its sizes.",
    measured="layers of the weights of every decode",
    decided="equality",
    source="Theorems 1 and 4 of arXiv 2510.06190 say: constant",
    forms={construction: {"depth": DEPTH} for construction in CONSTRUCTIONS},
    of_decodes=of_decodes,
)
