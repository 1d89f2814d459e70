"""The assumptions of the proofs; `lockstep prove` prints them."""

from __future__ import annotations

from lockstep.proofs_check.constructions import FACTS

EVERYWHERE = (
    "attention: a head reads one row with weight 1, the latest of those that its lookup means; what writes add up or count comes from"
    " all of them, within 1/4; this is certified. No two rows are equally"
    " late, and the latest is the right one; this follows from positions and tokens, and verify checks it on runs.",
    "rows: positions and heads fill a row as its kind says, every row of a run is of one of the kinds in the proof, and every field is in"
    " its range.",
    "numbers: floats compute the intended integers exactly; this is certified.",
    "meaning: proofs_check/proofs/specification.py says correctly what instructions mean; Z3, NumPy and Python compute correctly.",
)


def assumptions(construction: str) -> tuple[str, ...]:
    """The assumptions about a construction."""
    return EVERYWHERE + FACTS[construction].assumed
