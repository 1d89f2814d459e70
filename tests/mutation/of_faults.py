"""Mutants of faults: what is drawn, when it strikes, and what is reported of it."""

from __future__ import annotations

from lockstep.models import decode, faults
from lockstep.proofs_check import disturbed
from mutation.planting import Planting, Rewrite
from mutation.table import Mutant

ANOTHER, DRAWS, FOLLOWS = faults.Injector.another, "faults that are drawn", "decodes with faults"
RIGHT, DISTURB = disturbed.Disturbed, disturbed.Disturbable.disturb


def row(breaks: str, plant: Planting, check: str = FOLLOWS, equivalent: str = "") -> Mutant:
    return Mutant("faults", breaks, plant, check, equivalent)


MUTANTS = (
    row("a random fault may be the same token", Rewrite(ANOTHER, "{token, vocabulary.mask}", "{vocabulary.mask}"), DRAWS),
    row("a random fault may be a mask", Rewrite(ANOTHER, "{token, vocabulary.mask}", "{token}"), DRAWS),
    row("tokens behind those left out are never drawn", Rewrite(ANOTHER, "found += found >= each", "found += found == each"), DRAWS),
    row("plausible faults flip the lowest bit alone", Rewrite(ANOTHER, "value ^ 1 << int(random.integers(bits))", "value ^ 1"), DRAWS),
    row("HALT becomes a word", Rewrite(ANOTHER, 'self.instead.get(kind) or self.instead[""]', 'self.instead[""]'), DRAWS),
    row("every exposed token changes", Rewrite(faults.Injector.draw, "< self.faults.rate", ">= 0"), DRAWS),
    row("sessions are not told of faults",
        Rewrite(decode.Decoder.disturb, "np.union1d(self.untold.rows, change.rows)", "self.untold.rows")),
    row("causal sessions keep what they know", Rewrite(decode.Decoder.disturb, "self.untold, self.stale = None, True", "pass")),
    row("BOS changes, too", Rewrite(disturbed.Disturbable.exposed, "(rows > 0) & (within >= self.first)", "within >= 0")),
    row("faults strike after the last step", Rewrite(DISTURB, "decoder.editor.number < len(self.undisturbed)", "True")),
    row("faults count twice", Rewrite(disturbed._Following.hit_by, "for row in rows.tolist()", "for row in [*rows.tolist()] * 2")),
    row("two copies of an item may change", Rewrite(disturbed._Following.hit_by, "most <= self.minority", "most <= 2")),
    row("a decode that does not end is right", Rewrite(RIGHT.right, "self.ended and not", "not")),
    row("a theorem is never broken", Rewrite(RIGHT.breaks_theorem, "bool(self.covered) and", "False and")),
    row("wrong rows are counted against the last sequence",
        Rewrite(disturbed._Following.see, "min(len(self.spread), len(self.of.undisturbed) - 1)", "-1")),
)  # fmt: skip
