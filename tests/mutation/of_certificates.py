"""Mutants of the certificate and of the proofs: one that is weaker must be noticed."""

from __future__ import annotations

from typing import Any

from lockstep.models.engines.bounds import Entries
from lockstep.models.transformer import DTYPES
from lockstep.proofs_check import certificate
from lockstep.proofs_check.certificate import _Certifier
from lockstep.proofs_check.proofs import (
    attention,
    columns,
    instructions,
    operations,
    prove,
    replay,
    rows,
    solver,
    structure,
    weights,
)
from mutation.planting import Entry, Rewrite
from mutation.table import Mutant

CERTIFICATE, PROOFS = "certificate", "proofs"


def row(area: str, breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant(area, breaks, Rewrite(function, old, new), check, equivalent)


CLOSED, STOPS, EACH = "words that are closed", "until failure", "states together"
REPLAYS = replay._Replayer._models
FINDS, SUMS, SCORE = "certificate finds", "certified sums", "largest score"
OF_CERTIFICATE = (
    row(CERTIFICATE, "weights are not compared", _Certifier._weights, "unlike == 0)", "True)", FINDS),
    row(
        CERTIFICATE,
        "queries are not compared",
        _Certifier._weights,
        "for name in {**ours, **its})",
        "for name in {**ours, **its} if not name.endswith('.q'))",
        FINDS,
    ),
    row(
        CERTIFICATE,
        "keys are not compared",
        _Certifier._weights,
        "for name in {**ours, **its})",
        "for name in {**ours, **its} if not name.endswith('.k'))",
        FINDS,
    ),
    row(
        CERTIFICATE,
        "embedding and readout are not compared",
        _Certifier._weights,
        "for name in {**ours, **its})",
        "for name in {**ours, **its} if 'embedding' not in name)",
        FINDS,
    ),
    row(CERTIFICATE, "leaks pass", _Certifier._gap, "leak == 0.0)", "True)", FINDS),
    row(CERTIFICATE, "the gap is not computed", _Certifier._head, "else unit", "else 1024.0", FINDS),
    row(CERTIFICATE, "half integers count as integers", _Certifier._integers, "off == 0)", "off < 0.75)", FINDS),
    row(CERTIFICATE, "values may be no integers", _Certifier._head, 'from integers", k, v, o)', 'from integers", k, o)', FINDS),
    row(
        CERTIFICATE,
        "only one head of each layer is checked",
        _Certifier.certificate,
        "enumerate(meaning.lookups)",
        "enumerate(meaning.lookups[:1])",
        FINDS,
    ),
    row(CERTIFICATE, "the readout is not checked", _Certifier.certificate, "self._readout()", "pass", FINDS),
    row(CERTIFICATE, "flat logits pass", _Certifier._readout, "bool(wrong < REMAINDER)", "True", FINDS),
    row(
        CERTIFICATE,
        "a model without certificate passes",
        certificate.require_certificate,
        "if certificate.holds:",
        "if True:",
        FINDS,
    ),
    row(CERTIFICATE, "sums may be twice as large", _Certifier._sum, "<= self.limit)", "<= 2 * self.limit)", SCORE),
    Mutant(
        CERTIFICATE,
        "float32 has 25 bits",
        Entry(certificate.EXACT_BITS, "lockstep.models.engines.bounds.EXACT_BITS", DTYPES["float32"], 25, "24 -> 25"),
        SCORE,
    ),  # type: ignore[arg-type]
    row(CERTIFICATE, "the horizon is one bit too large", certificate.horizon, "return low", "return low + 1", SCORE),
    row(CERTIFICATE, "scores are bounded above only", _Certifier._head, "np.maximum(-products.min(0), 0).sum()", "0.0", SCORE),
    row(
        CERTIFICATE,
        "intervals of queries and keys have no lower end",
        Entries.image,
        "self._sums(np.minimum(*ends))",
        "0 * self._sums(np.minimum(*ends))",
        SCORE,
    ),
    row(
        CERTIFICATE, "the unit of a matrix is the largest unit of an entry", certificate._unit, "float(min(", "float(max(", SCORE
    ),
    row(
        CERTIFICATE,
        "hidden units are bounded above only",
        _Certifier._feed_forward,
        "np.maximum(positive, negative)",
        "positive",
        SUMS,
    ),
    row(CERTIFICATE, "biases are left out", _Certifier._feed_forward, "np.maximum(-b_in, 0) - ends.low", "-ends.low", SUMS),
    row(
        CERTIFICATE,
        "the old value of a bit is left out of its sum",
        _Certifier._feed_forward,
        "(writes + self.high)",
        "writes",
        SUMS,
    ),
    row(
        CERTIFICATE,
        "negative weights are left out",
        _Certifier._feed_forward,
        "image_under(w_out).size",
        "image_under(w_out).high",
        SUMS,
    ),
    row(
        CERTIFICATE,
        "negative terms of a sum are left out",
        _Certifier._largest_sum,
        ".image_under(m).size",
        ".image_under(m).high",
        SUMS,
    ),
    row(CERTIFICATE, "a matrix is bounded by its first row", _Certifier._largest_sum, ".max(initial=0))", "[0])", SUMS),
)

OF_PROOFS = (
    row(
        PROOFS,
        "heads and fields may be missing",
        columns._same,
        "if missing := sorted(wanted - found):",
        "if missing := []:",
        "proof finds a head that is missing",
    ),
    row(
        PROOFS,
        "heads may be in any layer",
        columns.check_columns,
        "copy.layer == number",
        "name in layer.copies",
        "proof finds a head of another layer",
    ),
    row(
        PROOFS,
        "fields may have any number of bits",
        columns.check_columns,
        "if len(columns) != bits:",
        "if False:",
        "proof finds a narrow field",
    ),
    row(
        PROOFS,
        "fields may have any range",
        columns.check_columns,
        "if highs != {most} and",
        "if False and",
        "proof finds a bit that is never",
    ),
    row(
        PROOFS,
        "lines that cancel a constant are ignored",
        rows.RowProver.check,
        "known or",
        "[(constant, constant)] or",
        "proof finds what lines cancel",
    ),
    row(
        PROOFS,
        "a choice between two numbers is taken for the second",
        rows._choice,
        "min(values), max(values)",
        "values[1], values[1]",
        "proof finds an insert",
    ),
    row(
        PROOFS,
        "embeddings may write more",
        structure._only,
        "if column not in wanted:",
        "if False:",
        "proof finds a stray embedding",
    ),
    row(
        PROOFS,
        "embeddings may write other values",
        structure._only,
        "if row[column] != value:",
        "if False:",
        "proof finds a doubled embedding",
    ),
    row(PROOFS, "scores of heads are not checked", attention.misreads, "if wrong:", "if False:", "proof finds a query"),
    row(
        PROOFS,
        "scores of heads in the last layer are not checked",
        attention.misreads,
        "enumerate(network.layers, 1)",
        "enumerate(network.layers[:2], 1)",
        "proof finds a key",
    ),
    row(
        PROOFS,
        "compared bits are left out of the score",
        attention.Score.matrix,
        "2 * self.form(equal.key, j) - care",
        "self.form(equal.key, j)",
        "proof holds",
    ),
    row(
        PROOFS,
        "recency is left out of the score",
        attention.Score.matrix,
        "recency + bos * self.bos",
        "bos * self.bos",
        "proof holds",
    ),
    row(
        PROOFS,
        "conditions are left out of the score",
        attention.Score.matrix,
        "2 * half * np.outer(self.one, self.form(condition) - self.present)",
        "0",
        "proof holds",
    ),
    row(PROOFS, "heads may copy anything", structure.check_heads, "if wrong:", "if False:", "proof finds a head"),
    row(
        PROOFS,
        "hidden units may read and write anything",
        structure.check_units,
        "if not any(",
        "if False and not any(",
        "proof finds a stray hidden unit",
    ),
    row(
        PROOFS,
        "logits may be wrong by any margin",
        structure._check_margin,
        "if not wrong < REMAINDER:",
        "if False:",
        "proof finds a weak logit",
    ),
    row(
        PROOFS,
        "edit bits may have any threshold",
        structure.check_control,
        "!= [False, True, True, True]",
        "== []",
        "proof finds an edit bit",
    ),
    row(
        PROOFS,
        "columns that are constant may be wrong",
        rows.RowProver.check,
        "elif constant != term:",
        "elif False:",
        "proof finds an emitted kind",
    ),
    row(
        PROOFS,
        "columns that are not constant may be wrong",
        rows.RowProver.check,
        "if open_:",
        "if False:",
        "proof finds an insert",
    ),
    row(PROOFS, "weights may be no integers", weights._exact, "(matrix != np.rint(matrix)).any() or", "", "proof finds a half"),
    row(
        PROOFS,
        "bits of words are not proved",
        solver.OperandWords.prove_bit,
        "_refute(solver, name, self._values)",
        "pass",
        "proof finds a sum",
    ),
    row(
        PROOFS,
        "the carry out of the word is not proved",
        operations._prove_word,
        "words.prove_bit(",
        "field == OVER or words.prove_bit(",
        "proof finds a carry out of the word",
    ),
    row(
        PROOFS,
        "the step from sum to out is not proved",
        operations._moved,
        "words.prove_bit(",
        "True or words.prove_bit(",
        "proof finds a saturated bit",
    ),
    row(
        PROOFS,
        "sums are not proved",
        solver.prove_integers,
        "_refute(solver, name, lambda model: {c: model.eval(v, True).as_long() for c, v in variables.items()})",
        "pass",
        "proof finds an insert",
    ),
    row(
        PROOFS,
        "published flags may be set without reason",
        instructions.InstructionProver._setting,
        "dict.fromkeys(self.row_prover.interface.published, 0)",
        "dict.fromkeys((), 0)",
        "proof finds a stray store",
    ),
    row(PROOFS, "a refuted row passes", prove._Prover._walked, "fault = failed.fault", "pass", "proof finds an output"),
    row(
        PROOFS,
        "only one kind of row of each group is proved",
        prove._Prover.obligations,
        "self._rows(name, members)",
        "self._rows(name, members[:1])",
        "proof finds an emitted kind",
    ),
    row(
        PROOFS,
        "word operations are not proved",
        prove._Prover.obligations,
        "yield from self._operations(kinds)",
        "pass",
        "proof finds a partial product",
    ),
    row(
        PROOFS,
        "a wrong structure passes",
        prove._Prover._structure,
        "found, broken = 0, str(error)",
        'found, broken = 0, ""',
        "proof finds a stray logit",
    ),
    row(
        PROOFS,
        "an obligation holds although its rows fail",
        prove.Obligation.holds,
        "self.fault is None and",
        "",
        "proof finds a shift amount",
    ),
    row(PROOFS, "a word is closed for any place", operations._prove_word, "words.places, field", "field", CLOSED),
    row(PROOFS, "a word is closed for any field", operations._prove_word, "field, result, tuple", "result, tuple", CLOSED),
    row(PROOFS, "a word is closed for any result", operations._prove_word, "result, tuple", "tuple", CLOSED),
    row(PROOFS, "a proof stops at what holds", prove.prove, "and not obligation.holds", "and obligation.holds", STOPS),
    row(
        PROOFS,
        "all fill slots from one state",
        replay._Replayer._models,
        "_fill_slots(row, state)",
        "_fill_slots(row, states[0])",
        EACH,
    ),
    row(PROOFS, "all load from one state", REPLAYS, "_load(row, state)", "_load(row, states[0])", EACH),
    row(PROOFS, "a proof always stops", prove.prove, "until_failure and not", "not", STOPS),
)

MUTANTS = (*OF_CERTIFICATE, *OF_PROOFS)
