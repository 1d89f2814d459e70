"""Width: d_model is linear in w, log T and log P, and so are the bits of the vocabulary.

Every program adds the bits of its program counter, twice more if it branches, w each for shl, shr and mul, and a flag
for each word operation (two for sums; two for addsat, one of which says that its sum leaves the word). Sequence
lengths enter AP-MDM as scalars, so their bits cost no width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.proofs_check.catalog import Theorem, equality
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import letters_of_model
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.report import Check

WIDTHS = {construction: facts.width for construction, facts in FACTS.items()}
VOCABULARIES = {construction: facts.vocabulary for construction, facts in FACTS.items()}


def letters(m: CheckedDecode) -> dict[str, int]:
    return letters_of_model(m.compiled.code, m.compiled.widths)


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    if construction not in WIDTHS:
        return
    for what, form, found in (
        ("d_model", WIDTHS[construction], lambda m: m.compiled.model.width),
        ("vocabulary", VOCABULARIES[construction], lambda m: m.compiled.model.vocabulary.size),
    ):
        check = equality(what, on, form, rows, found, letters)
        yield Check(what, on, "closed form in code, w, T, P", check.measured, check.holds, process=construction)


THEOREM = Theorem(
    name="width",
    place=90,
    statement="For each program, d_model and the bits of a token are linear in the bits of a word, of the time and of a pid.",
    measured="d_model and vocabulary of the weights of every decode",
    decided="equality with the closed forms, which are linear in w, t and p; the other letters are the program's",
    source="Theorems 1 and 4 of arXiv 2510.06190 say: logarithmic embedding size",
    forms={construction: {"d_model": form, "vocabulary": VOCABULARIES[construction]} for construction, form in WIDTHS.items()},
    of_decodes=of_decodes,
)
