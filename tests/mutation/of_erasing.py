"""Mutants of autoregression with erasing: its circuit, its positions, the rule, closed forms, and engines that cut a sequence down."""

from __future__ import annotations

from typing import Any

from lockstep.common import arguments
from lockstep.compiler import erasing
from lockstep.compiler.linear import Linear
from lockstep.models import decode, editing
from lockstep.models import erasing as rule
from lockstep.models.engines import appending, caching
from lockstep.models.sequence import TokenSequence
from lockstep.proofs_check import closed_forms, operations
from lockstep.proofs_check.closed_forms import ClosedForm
from lockstep.proofs_check.constructions.erasing import ErasingExpectation, contexts
from lockstep.proofs_check.theorems import erasing as theorem
from lockstep.proofs_check.theorems import theorem2
from mutation.circuits import tampered_lookup, weight, without_literal, without_match
from mutation.planting import Entry, Rewrite
from mutation.table import Mutant

ERASING = "construction arm erasing"
CYCLES, RULE, ENDS, LAYOUTS = "cycles", "rule of erasing", "ends of erasing decodes", "small layouts of arm erasing"
AGREES, WINNERS, COMBINED, RESIDUALS = (
    f"{check} of arm erasing" for check in ("agreement", "winners", "combined writes", "residuals")
)
STEP = Linear({("step", 0): 1})
PROOF, FORMS, OPERATIONS = "proof of arm erasing", "closed forms of arm erasing", "operations of cycles"
BUILDER, LAYOUT = erasing._ErasingBuilder, erasing.Layout
NEW, OLD = LAYOUT._next_snapshot_positions, LAYOUT._snapshot_positions


def row(breaks: str, function: Any, old: str, new: str, check: str = CYCLES, equivalent: str = "") -> Mutant:
    return Mutant(ERASING, f"arm erasing: {breaks}", Rewrite(function, old, new), check, equivalent)


def form(breaks: str, table: str, text: str) -> Mutant:
    place, name = f"lockstep.proofs_check.theorems.theorem2.{table}", "arm erasing"
    return Mutant(ERASING, breaks, Entry(getattr(theorem2, table), place, name, ClosedForm(text, 256), text), OPERATIONS)


MUTANTS = (
    row("program counters of a snapshot are not found", OLD, 'fields.set("role.C", counters, 1)', "pass"),
    row("registers of a snapshot are no registers", BUILDER._is_register, ' + self.role["register"].flag', ""),
    row("registers of a snapshot belong to processor 0", OLD, 'fields.set_bits("owner", registers, pid)', "pass"),
    row("registers of a snapshot are all register 0", OLD, 'fields.set_bits("address", registers, register)', "pass"),
    row("cells of a snapshot stand in the order of addresses", OLD, 'cells, self.cells)', "cells, np.arange(self.job.space))"),
    row("the first snapshot has no zeros", BUILDER._emit_outputs, '("zero", "WORD"), ', "", AGREES),
    row("program counters start at HALT", BUILDER._emit_outputs, '("start", "PC")', '("start", "HALT")'),
    row("program counters are those of the first step", NEW, "np.full(self.job.processors, self.time)",
        "np.full(self.job.processors, 0)"),
    row("program counters are all those of processor 0", NEW, 'fields.set_bits("pid.next", counters, np.arange(self.job.processors))',
        "pass"),
    row("registers are all those of processor 0", NEW, 'fields.set_bits("pid.next", registers, pid)', "pass"),
    row("registers are all register 0", NEW, 'fields.set_bits("x.index", registers, register)', "pass"),
    row("the next snapshot has the order of addresses", NEW, 'fields.set_bits("sum", cells, self.cells)',
        'fields.set_bits("sum", cells, np.arange(self.job.space))'),
    row("it stops one token late", NEW, "slice(stop, stop + 1)", "slice(stop + 1, stop + 2)"),
    row("it never stops", BUILDER._emit_outputs, 'when(At.ROM, [following["stop"], 1 - self.unfinished.flag], {emit[END].bit(): 1})',
        "pass"),
    row("it stops in the first cycle", BUILDER._emit_outputs, '[following["stop"], 1 - self.unfinished.flag]', '[following["stop"]]'),
    row("cells go on behind the end", BUILDER._emit_outputs, '[following["cell"], goes_on]', '[following["cell"]]', PROOF),
    row("halted processors go on in the next cycle", BUILDER._emit_counters, '{emit["HALT"].bit(): 1}', '{emit["PC"].bit(): 1}'),
    row("program counters are 0", BUILDER._emit_counters, "when(At.ROM, [*here, bit], {self.processor.out.bit(j): 1})", "pass"),
    row("registers are 0", BUILDER._emit_outputs,
        'when(At.OPERANDS, [following["register"], bit], {self.processor.out.bit(j): 1})', "pass"),
    row("only inputs are given", LAYOUT.given_cells.fget, "set(self.job.outputs) | ", "", LAYOUTS),
    row("outputs stand last in a snapshot", LAYOUT.cells.func, "[addresses[outputs.start : outputs.stop], addresses[rest]]",
        "[addresses[rest], addresses[outputs.start : outputs.stop]]", LAYOUTS),
    row("parameters are not given", LAYOUT.positions, 'fields.set("role.parameter", slice(1, 1 + parameters), 1)', "pass"),
    row("the user's number of steps is not taken", erasing.blocks_of, "every or ", ""),
    row("the end is not told from the start", LAYOUT.halted, "int(tokens[-1]) == self.circuit.vocabulary.token(END)", "True",
        "refused decodes"),
    Mutant(ERASING, "arm erasing: program counters of any processor are fetched", without_match("arm erasing", "fetch", -1), CYCLES),
    Mutant(ERASING, "arm erasing: program counters of any step are fetched", without_match("arm erasing", "fetch", 0), PROOF),
    Mutant(ERASING, "arm erasing: nobody asks who has not halted", tampered_lookup("arm erasing", "unfinished", reads=()), CYCLES),
    Mutant(ERASING, "arm erasing: all program counters are emitted as HALT, too",
           without_literal("arm erasing", ("emit.HALT", 0), ("halted", 0)), PROOF),
    Mutant(ERASING, "arm erasing: writes of one step are equally recent", tampered_lookup("arm erasing", "memory", recency=STEP), WINNERS),
    Mutant(ERASING, "arm erasing: one bit of an address is not matched", without_match("arm erasing", "memory", 0), COMBINED),
    Mutant(ERASING, "arm erasing: values of any step are gathered", without_match("arm erasing", "gather", 0), RESIDUALS),
    Mutant(ERASING, "arm erasing: a head weighs half", weight(1, "k", "fetch", 0, "a half"), "certificate of arm erasing"),
    row("the first separator counts", rule.Marks.erased, "int(separators[-1]) + 1", "int(separators[0]) + 1", RULE),
    row("the first call counts", rule.Marks.erased, "int(calls[-1])", "int(calls[0])", RULE),
    row("RETURN stays", rule.Marks.reduced, "gone.stop : -1]", "gone.stop :]", RULE),
    row("calls behind the separator count", rule.Marks.erased, "tokens[: separators[-1]] == self.call", "tokens == self.call", RULE),
    row("nothing is erased", editing.SequenceEditor.erase, "!= self.marks.returns", "!= -1"),
    row("END does not end", editing.SequenceEditor.is_finished, "if self.marks:", "if False:", ENDS),
    row("a sequence may outgrow its positions", editing.SequenceEditor.step, "else before + appends", "else before", ENDS),
    row("engines do not hear of an erasure", decode.Decoder._step, "self._update(erasure)", "pass"),
    row("an erased sequence keeps its length", TokenSequence.shorten, "self.tokens = self.room[: len(tokens)]", "pass"),
    row("an erasure changes all rows but the first that differs", rule.erasure, "before[: len(after)] != after)",
        "before[: len(after)] != after)[1:]"),
    row("the cache keeps rows that changed", caching.unchanged, "int(change.rows[0])", "change.length - 1"),
    row("the hash tables keep rows that changed", appending.AppendingSession.update,
        "unchanged(change) >= self.computed[number]", "True"),
    row("the hash tables keep keys that are gone", appending.AppendingSession._begin_again,
        "self.layers = [self._tables(number) for number in range(len(self.plan.heads))]", "pass"),
    row("a cycle more than T needs", theorem.letters, "-(-time // blocks)", "time // blocks + 1"),
    row("the last cycle is the longest", theorem.letters, "words if cycles > 1 else len(job.outputs)", "words"),
    row("the snapshot is claimed without program counters", theorem.letters, "(job.registers + 1)", "job.registers", FORMS),
    row("closed forms are those of the usual cycles", closed_forms.Bound.every, "if erasing is None or steps is None", "if True"),
    row("the theorem takes every number of steps", theorem.of_decodes,
        'yield equality("decoding steps", on, STEPS, rows, lambda m: m.agreement.steps, of_decode)', "pass", CYCLES),
    row("all cycles start with what is given", contexts, "snapshot if cycle > 1 else", "0 if cycle > 1 else"),
    row("passes behind an erasure see what was before", operations.passes_made,
        "(1, length - 1) for length in context[1:]", "(1, length) for length in context[:-1]"),
    form("erasing is free of the rows of a snapshot", "OPERATIONS", "u * N + v * N * N"),
    form("what arm erasing keeps is never computed anew", "KEPT", "u * (N - 1) + v * N * (N - 1) / 2"),
    row("blocks are expected in a row of their own", ErasingExpectation._erase, "self.layout.first_snapshot, self.layout.first_block",
        "self.layout.first_snapshot + 1, self.layout.first_block + 1"),
    row("--every is taken by all", arguments.check_every, "ERASING not in constructions", "False", "options of erasing"),
)  # fmt: skip
