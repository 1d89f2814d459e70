"""Parity by editing: four decoding steps, where one-hot attention without insert and delete needs more and more.

The contrast rests on no assumption: that parity is not in AC0 is proved. What counts is the shift of positions when tokens vanish.
"""

from __future__ import annotations

from lockstep.proofs_check.catalog import Theorem

THEOREM = Theorem(
    name="parity by editing",
    place=50,
    statement="Any-process masked diffusion of one layer of one-hot attention tells the parity of a word of n letters in 2 decoding "
    "steps if the word has a 0, and 2 more if it has two 1s: at most 4 for every n, at context n + 1.",
    measured="the answer, decoding steps and context length of each decode",
    decided="equality with the closed forms",
    source="a task of arXiv 2510.06190, whose model eliminates letters at the front; this one does so at all places at once",
    elsewhere=("task parity",),
    stated=(
        "One forward pass of one-hot attention of constant depth computes a function in AC0 (Hao, Angluin and Frank 2022, on hard "
        "attention), and parity is not in AC0 (Hastad 1986). So no such model tells parity in one decoding step.",
        "Masked diffusion by such a model, without insert and delete and at a context polynomial in n, needs "
        "Omega(log n / log log n) decoding steps for parity: s steps are a circuit of depth O(s) and polynomial size, and a circuit of "
        "depth k for parity has size exp(Omega(n^(1 / (k - 1)))) (Hastad 1986).",
    ),
)
