"""What is written may be masked again only where nothing is written behind it, and an edit threshold repairs nothing."""

from __future__ import annotations

from lockstep.proofs_check.catalog import Theorem

THEOREM = Theorem(
    name="writing back",
    place=67,
    statement="A token of a finished run that is masked alone comes back if and only if it is an output, or what the row of a "
    "halted processor holds: WORD 0, HALT or NONE. The row finds a HALT of its own future. Any tokens of the newest block "
    "may be masked again, together, and the decode from there is right: nothing is written behind them. A row that holds "
    "a token scores all tokens equally, right or wrong: 1 / (V - 1). So an edit threshold of that or more edits nothing, "
    "and repairs nothing: joint:P:Q is then as threshold:P. A smaller one, as Q = 0, turns what is written to BOS, in "
    "step 2. With blocks:B whose B divides 3 P, wino, cap:ETA,newest and rescale:ETA,newest write no wrong token; they "
    "may mask again and again.",
    measured="tokens of the finished run that are masked alone, tokens of newest blocks masked again, and rows that hold tokens",
    decided="equality with the model's predictions, for each token",
    source="ReMDM, arXiv 2503.00307, WINO, arXiv 2507.18578, and token editing as in LLaDA2.1, arXiv 2602.08676",
    elsewhere=("compare --samplers",),
)
