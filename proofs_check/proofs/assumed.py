"""What the proofs take for granted; printed with every one of them."""

from __future__ import annotations

from lockstep.proofs_check.constructions import FACTS

EVERYWHERE = (
    "attention: a head reads one row, the latest of those that its lookup means, with weight 1 exactly: certified. That no two of them"
    " are equally late, and that the latest is the right one, follows from positions and tokens, which verify checks on runs.",
    "rows: positions and heads fill a row as its kind says, every row of a run is of one of the kinds that were gone through, and every"
    " field is in its range.",
    "numbers: floats compute the integers that are meant, which is certified.",
    "meaning: instructions do what proofs_check/proofs/specification.py says; Z3, NumPy and Python compute right.",
)


def assumptions(construction: str) -> tuple[str, ...]:
    """What is assumed of a construction, one sentence or two each."""
    return EVERYWHERE + FACTS[construction].assumed
