"""Mutants of counts of operations and tokens: what is left out, or counted twice, must be noticed."""

from __future__ import annotations

from typing import Any

from lockstep.models.editing import DecodingStep
from lockstep.proofs_check import activity, operations
from lockstep.proofs_check.closed_forms import ClosedForm
from lockstep.proofs_check.operations import Prices
from lockstep.proofs_check.theorems import theorem2
from mutation.planting import Entry, Rewrite
from mutation.table import Mutant

OPERATIONS = "operations"
COUNTED, KEPT, TOKENS = "operations", "kept operations", "written tokens"


def row(breaks: str, function: Any, old: str, new: str, check: str = COUNTED) -> Mutant:
    return Mutant(OPERATIONS, breaks, Rewrite(function, old, new), check)


def form(breaks: str, table: str, construction: str, text: str, check: str = COUNTED) -> Mutant:
    place = f"lockstep.proofs_check.theorems.theorem2.{table}"
    return Mutant(OPERATIONS, breaks, Entry(getattr(theorem2, table), place, construction, ClosedForm(text, 256), text), check)


MUTANTS = (
    row("the readout is not counted", Prices.of, "row += head.kind.size + head.one.size + head.zero.size", "pass"),
    row("scores of bits that are 0 are not counted", Prices.of, " + head.zero.size", ""),
    row("control bits are not counted", Prices.of, "model.control_weight.size if", "0 if"),
    row("W_out is not counted", Prices.of, "x.w_in, x.w_out)", "x.w_in)"),
    row("O is not counted", Prices.of, "x.v, x.o,", "x.v,"),
    row("mixing is not counted", Prices.of, "(x.k.shape, x.v.shape)", "(x.k.shape,)"),
    row("a causal row does not attend to itself", Prices._pairs, "context * (context + 1)", "context * (context - 1)"),
    row("causal rows attend to all rows", Prices._pairs, "if self.causal", "if False"),
    row("the pass that changes nothing is not counted", operations.passes_made, "context[:-1] if made.ends_without_masks else context",
        "context[:-1]"),
    row("every decode makes a last pass", operations.passes_made, "context[:-1] if", "context if"),
    row("new rows attend to new rows alone", Prices.decode_keeping, "- self._pairs(kept)", "- kept * context", KEPT),
    row("rows that are kept are computed again", Prices.decode_keeping, "(context - kept)", "context", KEPT),
    row("closed forms of operations always hold", theorem2._holds, "counted == OPERATIONS", "True or counted == OPERATIONS"),
    row("operations have no bound", theorem2._holds, "counted > CUBIC[construction](values)", "False"),
    form("mdm makes no pass for its outputs", "OPERATIONS", "mdm", "T * (u * N + v * N * N)"),
    form("mdm has a causal context", "OPERATIONS", "mdm", "(T + min(1, out)) * (u * N + v * N * (N + 1) / 2)"),
    form("the last token of arm needs no pass", "KEPT", "arm", "u * (N - 2) + v * N * (N - 1) / 2", KEPT),
    row("appended tokens are not counted", DecodingStep.written, "if self.appends", "if False", TOKENS),
    row("tokens that move are counted", DecodingStep.written, "if self.change.length == before else 0", "", TOKENS),
    row("masks count as tokens", DecodingStep.written, "(self.sequence[self.change.rows] != mask).sum()", "len(self.change.rows)", TOKENS),
    row("cells count once for each writer", activity.counted_run, "np.unique(step.destination[step.destination >= 0])",
        "step.destination[step.destination >= 0]", TOKENS),
    row("words that stay count as changed cells", activity._Seen.changed, "cells[machine.memory[cells] != self.memory[cells]]",
        "cells", TOKENS),
    row("words that stay count as changed registers", activity._Seen.changed, "!= self.registers[place]", "> -1", TOKENS),
    row("program counters that stay count as changed", activity._Seen.changed, "(step.next != step.counter).sum()",
        "len(step.next)", TOKENS),
    row("words are compared with those at the start", activity._Seen.changed,
        "self.memory[cells], self.registers[place] = machine.memory[cells], machine.registers[place]", "pass", TOKENS),
    row("the first step changes what it fills", activity._Seen.changed, "if step.number == 1", "if False", TOKENS),
    row("the first step changes no inputs", activity._Seen.changed, "(other < self.inputs).sum()", "0", TOKENS),
    row("halted processors count as running", activity.counted_run, "(step.counter != HALTED).sum()", "len(step.counter)", TOKENS),
)  # fmt: skip
