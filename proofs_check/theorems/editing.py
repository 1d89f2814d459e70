"""Editing in place, an example of what Theorem 6 is about. The editor is checked. The theorem, which has an assumption, is stated."""

from __future__ import annotations

from lockstep.proofs_check.catalog import Theorem

THEOREM = Theorem(
    name="editing",
    place=60,
    statement="Any-process masked diffusion of two layers carries out a script of c insertions, deletions and replacements on a text in "
    "3 c decoding steps, at a context of the start, and one more if the first command inserts. Letters that move are not written again.",
    measured="the text that is left, decoding steps and context length of each decode",
    decided="equality with lists of letters and with the closed forms. That replacements alone need no edits of the sequence, since the "
    "newest entry of a place in a log is one lookup of one layer, is held by the project's tests alone",
    source="an example of the edits of arXiv 2510.06190, Theorem 6",
    elsewhere=("task editor",),
    stated=(
        "Theorem 6, second hand, since its text was not at hand: no ARM of constant depth simulates every any-process model, under an "
        "assumption of complexity theory. Insertions and deletions shift positions, so an ARM has to work out from all edits before "
        "what stands where. Reviews of the paper name this PRESERVE, and give neither its definition nor the assumption.",
    ),
)
