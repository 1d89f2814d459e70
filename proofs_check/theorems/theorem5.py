"""Theorem 5: any-process masked diffusion generates two-sided Dyck-k exactly, and no fixed ARM does.

The first half is checked on the weights of `lockstep.tasks.dyck`, the second is stated. An ARM writes from left to right. To give END a
probability at the right places, it must tell whether all letters so far cancel, for words of any length.
"""

from __future__ import annotations

from lockstep.proofs_check.catalog import Theorem

THEOREM = Theorem(
    name="Theorem 5",
    place=48,
    statement="Any-process masked diffusion generates two-sided Dyck-k, for any k, by one layer: every word of it has a probability, and "
    "nothing else has. A word of C rounds takes 4 C + 3 decoding steps. No fixed ARM does, as it would have to tell whether all letters "
    "cancel.",
    measured="every choice of the sampler up to a length, each gate for all neighbours, and the lengths of samples; for the contrast, an "
    "ARM with one averaging head, k = 1: the length to which its arithmetic is certified, and the first at which it is wrong",
    decided="the words are the language, by plain reduction; lengths have the probabilities of an exact chain, as fractions. That no ARM "
    "does is stated, never checked: no number of failures of bounded ARMs would show it",
    source="arXiv 2510.06190, Theorem 5; the construction is ours. Hastad 1986, Hao et al. 2022 for AC0; "
    "Merrill and Sabharwal 2023 for TC0; Robinson 1993 for free groups",
    stated=(
        "If each head finds one row, a fixed ARM is in AC0, which cannot count: it fails at k = 1 already, without an assumption. If "
        "heads average, it is in TC0, and the free group of two letters is hard for NC1: it fails from k = 2 on if TC0 is not NC1.",
    ),
    elsewhere=("task dyck --prove 6", "task dyck --arm 10"),
)
