"""Samplers of masked diffusion: rules that decide which of the proposed unmaskings a decoding step carries out. SAMPLERS is the table.

A model proposes a token for every masked position. A sampler never changes what is proposed: each position that it picks takes its
best token. (`Sampling.sample` is another thing: it *draws* tokens from the model's distribution.) A rule that picks positions which
are not ready makes wrong tokens: docs/samplers.md says when.

| file          | what is in it                                                                                |
|---------------|----------------------------------------------------------------------------------------------|
| `guesses.py`  | what a rule sees: token, confidence, margin, entropy, from logits                            |
| `rule.py`     | what a rule is, and a row of the table                                                       |
| `first.py`    | which position comes first: the suffixes                                                     |
| `remasking.py`| what rules that mask tokens again have in common                                             |
| `noise.py`    | noise on logits                                                                              |
| `reading.py`  | `sampler`: from `blocks:32+top:2,margin` to a rule                                           |
| the others    | one rule each: its docstring says source and rule, its ROW stands in the table               |

To add a rule: a file with its class and its ROW, and the ROW in ROWS below.
"""

from __future__ import annotations

from lockstep.models.samplers import (
    anchor,
    blocks,
    cap,
    entropy,
    entropy_sum,
    factor,
    joint,
    one,
    parallel,
    random,
    rescale,
    threshold,
    top,
    wino,
)
from lockstep.models.samplers.guesses import Guesses, chances, guess
from lockstep.models.samplers.reading import Rules, read
from lockstep.models.samplers.rule import Row, Rule, State, WritesBack, Written

ROWS = (
    *(parallel.ROW, threshold.ROW, top.ROW, one.ROW, random.ROW, factor.ROW, entropy.ROW, entropy_sum.ROW, wino.ROW, joint.ROW),
    blocks.ROW,
    *(anchor.ROW, cap.ROW, rescale.ROW),
)

SAMPLERS: dict[str, Row] = {row.name: row for row in ROWS}

#: Dream's names, as what they stand for. A number may follow, except after `entropy`: `entropy:0.1` is the EB-Sampler's rule.
ALIASES = {"origin": "random", "maskgit_plus": "top", "topk_margin": "top,margin", "entropy": "top,entropy"}


def sampler(text: str) -> Rules:
    """Return the rules that a text names, as in `parallel`, `top:4,margin` or `blocks:32+threshold:0.9`.

    Raises: ValueError: there is no such rule, a number is out of range, or parts contradict each other. The message is one line, with
            the forms that are allowed.
    """
    return read(text, SAMPLERS, ALIASES)


__all__ = [
    "ALIASES",
    "SAMPLERS",
    "Guesses",
    "Row",
    "Rule",
    "Rules",
    "State",
    "WritesBack",
    "Written",
    "chances",
    "guess",
    "sampler",
]
