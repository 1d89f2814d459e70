"""The exact condition of every sampler on every run, which needs no model."""

from __future__ import annotations

from lockstep.proofs_check.catalog import Theorem

THEOREM = Theorem(
    name="samplers",
    place=61,
    statement="Masked diffusion with a sampler writes the machine's run if and only if the sampler never takes a row that is not "
    "ready. A row is ready if the block before its own is full, or if its processor has halted; an output, if all "
    "processors have. The first row that is taken too early becomes BOS: the first wrong token. The machine's run alone "
    "says which rows are ready. A ready row of n bits has probability (1 + e^-16)^-n, all others 1 / (V - 1): so this "
    "decides about any rule without a model. It is for exact models (the certificate), temperature 1 and no noise.",
    measured="right or wrong, decoding steps, and step and position of the first wrong token of each sampler",
    decided="equality with a decode; longer decodes are counted and not made",
    source="the readiness of Theorem 1's construction; arXiv 2602.19619 judges samplers on Markov chains, with an oracle in "
    "place of a model",
    elsewhere=("compare --samplers",),
)
