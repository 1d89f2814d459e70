"""Mutants of agreement, expectations, invariants, claims and closed forms: a check that is weaker must be noticed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lockstep.compiler import invariants
from lockstep.proofs_check import agreement, catalog, claims, fitting, theorems
from lockstep.proofs_check.agreement import Agreement, Beside
from lockstep.proofs_check.closed_forms import ClosedForm
from lockstep.proofs_check.constructions import mdm, one_step, two_step
from mutation.planting import Entry, Rewrite
from mutation.table import Mutant

AGREEMENT, INVARIANTS, FORMS = "agreement and expectations", "invariants of circuits", "claims and closed forms"


def row(area: str, breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant(area, breaks, Rewrite(function, old, new), check, equivalent)


def bound(construction: str, **forms: str) -> Entry:
    changed = {name: ClosedForm(text) for name, text in forms.items()}
    value = replace(theorems.BOUNDS[construction], **changed)  # type: ignore[arg-type]
    return Entry(theorems.BOUNDS, "lockstep.proofs_check.theorems.BOUNDS", construction, value, ", ".join(forms.values()))


LIES = "agreement finds"
OF_AGREEMENT = (
    row(
        AGREEMENT,
        "a decode that leaves masks passes",
        agreement._first,
        "wanted[rows] != found[rows]]",
        "(wanted[rows] != found[rows]) & (found[rows] != expectation.layout.circuit.vocabulary.mask)]",
        LIES,
    ),
    row(
        AGREEMENT,
        "only rows that the decoder names are compared",
        Beside.__iter__,
        "np.concatenate([rows, written])",
        "written",
        LIES,
    ),
    row(
        AGREEMENT,
        "the last sequence is not compared completely",
        Beside._end,
        "np.arange(len(self.tokens))",
        "np.arange(0)",
        LIES,
    ),
    row(
        AGREEMENT,
        "sequences of different lengths are compared",
        agreement._first,
        "if len(wanted) != len(found):",
        "if False:",
        LIES,
    ),
    row(
        AGREEMENT,
        "a decoder that is stuck with all tokens right passes",
        Beside._end,
        "if self.divergence is None and self.stuck:",
        "if False:",
        LIES,
    ),
    row(
        AGREEMENT,
        "outputs always agree",
        Agreement.outputs_agree,
        "bool(np.array_equal(self.layout.output_words(self.tokens), self.run.memory[cells.start : cells.stop]))",
        "True",
        LIES,
    ),
    row(AGREEMENT, "instructions are named one step late", agreement._line, "range(step - 1)", "range(step)", LIES),
    row(
        AGREEMENT,
        "halted processors are expected to leave the last block",
        mdm.MdmExpectation._fill_halted,
        "layout.time + 1",
        "layout.time",
        "agreement of mdm",
    ),
    row(
        AGREEMENT,
        "outputs are expected to be zero",
        mdm.MdmExpectation.__iter__,
        "word + self.machine.memory[cells.start : cells.stop]",
        "word",
        "agreement of mdm",
    ),
    row(
        AGREEMENT,
        "the number of masks is expected to triple",
        two_step.TwoStepExpectation._grow,
        "2 * (len(self.tokens) - start)",
        "3 * (len(self.tokens) - start)",
        "agreement of ap-mdm",
    ),
    row(
        AGREEMENT,
        "registers are expected to stay masked",
        two_step.TwoStepExpectation._commit,
        "rows[pids, 1 : 1 + layout.job.registers] = self.word + machine.registers.T[pids]",
        "pass",
        "agreement of ap-mdm",
    ),
    row(
        AGREEMENT,
        "written slots are expected to stay",
        one_step.OneStepExpectation._move,
        "slots[which] ^= 1",
        "pass",
        "agreement of ap-mdm one-step",
    ),
)

BREAKS = "invariants find"
OF_INVARIANTS = (
    row(
        INVARIANTS,
        "gates may write to unknown bits",
        invariants._check_order,
        "if unknown := pending - bits:",
        "if unknown := set():",
        BREAKS,
    ),
    row(INVARIANTS, "bits may be read before they are written", invariants._read, "if bit in unwritten:", "if False:", BREAKS),
    row(
        INVARIANTS,
        "a readout may have any number of scores",
        invariants._check_readout,
        "if len(forms) != bits:",
        "if False:",
        BREAKS,
    ),
    row(
        INVARIANTS,
        "a readout may score what is no token",
        invariants._check_readout,
        "for name, _ in circuit.vocabulary.kinds}:",
        "for name in readout.kinds}:",
        BREAKS,
    ),
    row(INVARIANTS, "BOS may ask", invariants._check_sink, "if value(lookup.asks) != 0:", "if False:", BREAKS),
    row(
        INVARIANTS,
        "a condition may hold on BOS",
        invariants._check_sink,
        "any(value(condition) != 0 for condition in lookup.conditions)",
        "False",
        BREAKS,
    ),
    row(INVARIANTS, "lookups may have no condition", invariants._check_sink, "not lookup.conditions or", "", BREAKS),
    row(
        INVARIANTS,
        "BOS may be read",
        invariants._check_sink,
        "any(value(form) != form.constant for form, _ in lookup.reads)",
        "False",
        BREAKS,
    ),
    row(INVARIANTS, "gates may fire on BOS", invariants._check_sink, "_fires(gate)", "9", BREAKS),
    row(INVARIANTS, "gates may never fire", invariants._check_gates, "if not low < 0 <= high:", "if not low < 0:", BREAKS),
    row(INVARIANTS, "gates may always fire", invariants._check_gates, "if not low < 0 <= high:", "if not 0 <= high:", BREAKS),
    row(
        INVARIANTS,
        "recency may be larger than it is declared",
        invariants._check_recency,
        "or high > lookup.recency_max",
        "",
        BREAKS,
    ),
)

OF_FORMS = (
    row(
        FORMS,
        "an equality is checked as a bound",
        claims._check,
        'claim.relation == "=="',
        'claim.relation == "="',
        "claims find",
    ),
    row(
        FORMS,
        "the last counterexample is shown",
        claims._check,
        "in zip(runs, measured):",
        "in list(zip(runs, measured))[::-1]:",
        "claims find",
    ),
    row(FORMS, "of several formulas that fit, one is shown", fitting.fitted, "len(fits) == 1", "fits", "claims find"),
    row(FORMS, "space counts only the cells touched", claims.quantity, "run.space.allocated", "run.space.touched", "claims find"),
    row(
        FORMS,
        "closed forms always hold",
        catalog.equality,
        "holds = values == [form(letters(m)) for m in rows]",
        "holds = True",
        "theorems find",
    ),
    Mutant(FORMS, "one decoding step less", bound("mdm", decoding_steps="T"), "closed forms of mdm"),
    Mutant(FORMS, "context without parameters", bound("mdm", context="1 + inp + out + 3 * P * T"), "closed forms of mdm"),
    Mutant(FORMS, "growth by thirds", bound("ap-mdm", decoding_steps="2 * T + lg((N - n0) / 2) + 4"), "closed forms of ap-mdm"),
    Mutant(
        FORMS, "context without program counters", bound("ap-mdm", context="1 + h + S + P * (k + 3)"), "closed forms of ap-mdm"
    ),
    Mutant(
        FORMS,
        "growth of F positions, not of F + 1",
        bound("ap-mdm one-step", decoding_steps="T + lg(F) + 3"),
        "small closed forms",
    ),
    Mutant(
        FORMS,
        "cells have one slot in the closed form",
        bound("ap-mdm one-step", context="1 + h + S + 2 * P * (k + 1)"),
        "closed forms of ap-mdm one-step",
    ),
)

MUTANTS = (*OF_AGREEMENT, *OF_INVARIANTS, *OF_FORMS)
