"""Program claims: the `claim` lines of a program, about time, work, space and processors."""

from __future__ import annotations

from lockstep.proofs_check.catalog import Theorem
from lockstep.proofs_check.claims import check_claims

THEOREM = Theorem(
    name="program claims",
    place=5,
    statement="Each `claim` line of the program holds on every run.",
    measured="time, work, words allocated and processors of every run of the machine",
    decided="equality or bound, evaluated in exact integers; the first counterexample is shown",
    source="the program's own text",
    of_runs=check_claims,
)
