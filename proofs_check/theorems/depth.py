"""Constant depth: three layers for every program, input, time and number of processors; a Masked-ARM has two more, several copies one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.proofs_check.catalog import Theorem, equality
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.report import Check

DEPTHS = {construction: facts.depth for construction, facts in FACTS.items()}


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    if construction in DEPTHS:
        yield equality("depth", on, DEPTHS[construction], rows, lambda m: len(m.compiled.model.layers), lambda m: {})


THEOREM = Theorem(
    name="constant depth",
    place=80,
    statement="The transformer has three layers, whatever the program and its sizes; a Masked-ARM has two more, and a model with several "
    "copies one more.",
    measured="layers of the weights of every decode",
    decided="equality",
    source="Theorems 1, 3 and 4 of arXiv 2510.06190 say: constant",
    forms={construction: {"depth": depth} for construction, depth in DEPTHS.items()},
    of_decodes=of_decodes,
)
