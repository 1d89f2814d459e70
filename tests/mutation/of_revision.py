"""Mutants of revision: each drops a condition, an order of writers, or what makes a decoding step one of the machine's."""

from __future__ import annotations

from lockstep.compiler import revision
from lockstep.models import processes
from mutation.circuits import without_literal, without_match, without_recency
from mutation.planting import Planting, Rewrite
from mutation.table import Mutant

REVISION = "revision"
AGREES = "agreement of revision"


def row(breaks: str, plant: Planting, check: str = AGREES, equivalent: str = "") -> Mutant:
    return Mutant("construction revision", breaks, plant, check, equivalent)


MUTANTS = (
    row("a register reads the program counter of any processor", without_match(REVISION, "counter", 0)),
    row("a store hits all cells", without_match(REVISION, "hit", 0)),
    row("the first of several writers wins", without_recency(REVISION, "hit")),
    row("missed cells take what a store leaves", without_literal(REVISION, ("emit.WORD", 0), ("hit", 0), 3)),
    row("registers that are hit become 0", without_literal(REVISION, ("emit.WORD", 0), ("emit.WORD", 0), 2)),
    row("registers are filled whatever they hold", without_literal(REVISION, ("emit.WORD", 0), ("token.MASK", 0), 2)),
    row("registers of any number are hit", Rewrite(revision.RevisionBuilder._add_rom, "*here, *own]", "*here]")),
    row("halted processors go on", without_literal(REVISION, ("emit.PC", 0), ("runs", 0))),
    row("a program counter is worth no pid", Rewrite(revision.Layout.set_processors, "np.where(place == 0, pid, 0)", "0 * pid")),
    row(
        "cells that no store hits stay masked",
        Rewrite(revision.RevisionBuilder.fill, "self.hit.flag + mask - 1", "self.hit.flag - 1"),
    ),
    row("masks alone are revised", Rewrite(processes.revise, "(prediction.token != tokens)", "(tokens == mask)")),
    row(
        "tokens are revised one at a time",
        Rewrite(processes.revise, "(prediction.token != tokens))", "(prediction.token != tokens))[:1]"),
    ),
    row("uncertain tokens are taken", Rewrite(processes.revise, "prediction.probability >= THRESHOLD", "True")),
)
