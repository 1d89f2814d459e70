"""Mutants of revision: each drops a condition, an order of writers, or what makes a decoding step one of the machine's."""

from __future__ import annotations

from lockstep.compiler import hits, revision, state
from lockstep.models import processes
from mutation.circuits import weight, without_literal, without_match, without_recency
from mutation.of_checks import bound
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
    row(
        "processors are numbered where they should be ranked",
        Rewrite(state.StateLayout.set_owners, "self.ranks(pid)", "pid"),
        "winners of revision",
    ),
    row(
        "the word itself decides, whatever the rule",
        Rewrite(
            hits.HitBuilder.look_up_hits, 'self.mixing.bid if self.code.how == "mixed" else self.complement', "self.complement"
        ),
        "combined writes of revision",
    ),
    row(
        "outputs begin one cell later",
        Rewrite(revision.Layout.final_position, "+ cell", "+ cell + 1"),
        "small layouts of revision",
    ),
    row(
        "operands are of any processor",
        Rewrite(revision.RevisionBuilder._operand_keys, "owner=[*self.pid]", "owner=[]"),
        "residuals of revision",
    ),
    row("a query of head hit, one more", weight(3, "q", "hit", 0, "one more"), "certificate of revision"),
    row("an output of head counter, negated", weight(1, "o", "counter", 0), "proof of revision"),
    row("registers have no row in the closed form", bound(REVISION, context="1 + h + S + P"), "closed forms of revision"),
)
