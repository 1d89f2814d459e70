"""What becomes of tokens that are masked again, or edited: the model of masked diffusion is no leave-one-out model.

A row reads the latest write to a register or cell, and whether its processor has a HALT in any block: of what comes later, too. So a
token of a finished run that is masked alone does not come back in general. In front of later blocks it does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.compiler.compile import Compiled
from lockstep.models.decode import decode
from lockstep.models.drawing import Logits
from lockstep.models.engines import ENGINES, Session, Unsuitable
from lockstep.models.processes import THRESHOLD, Flags
from lockstep.models.sampling import Sampling
from lockstep.models.sequence import Change
from lockstep.models.transformer import Tokens
from lockstep.proofs_check.samplers.counting import Truth

#: What the rows of a processor that has halted hold.
FILLS = {"V": "WORD", "C": "HALT", "A": "NONE"}
#: How many decodes go on from newest blocks that are masked again.
DECODES = 3


def comes_back(truth: Truth) -> Flags:
    """Whether each generated token of a finished run, masked alone, is given back: those that are masked at the start, in order.

    Each processor has a HALT, behind or beside the row, so the row takes what a halted processor's row holds. An output comes back:
    all processors have halted. So does a HALT that is masked alone: without it, the row is computed, and gives HALT.
    """
    tokens = {field: truth.vocabulary.token(kind) for field, kind in FILLS.items()}
    found = np.ones(len(truth.masked), np.bool_)
    for number, row in enumerate(truth.masked.tolist()):
        field, _, _ = truth.layout.locate(row)
        found[number] = field == "output" or truth.final[row] == tokens[field]
    return found


def newest(truth: Truth, tokens: Tokens) -> Tokens:
    """The rows that may be masked again, any of them together, so that a decode from there is still right, ascending: those from the
    block of the run on that holds the last token that was generated; outputs belong to the last block.

    Nothing is written behind these rows, so the sequence is one that some order of unmasking leads to.

    Args: tokens: [N], masks among them. All others must be those of the machine.
    """
    written: Tokens = truth.masked[tokens[truth.masked] != truth.vocabulary.mask]
    if not len(written):
        return written
    layout, size = truth.layout, truth.sizes.block
    last = min(int(written[-1]), layout.first_output - 1)
    begin = layout.first_block + (last - layout.first_block) // size * size
    return written[written >= begin]


@dataclass(frozen=True)
class WrittenBack:
    """What the model makes of tokens that are masked again or edited, on one run.

    alone, back: tokens of the finished run that were masked alone, and how many came back. flat: how many of the `rows` of the finished
    run score all tokens equally. again, right: tokens of newest blocks that were masked again together, in several decodes, and how
    many decodes ended right, of `decodes`. differences: where the model and the theorem part.
    """

    alone: int
    back: int
    rows: int
    flat: int
    again: int
    decodes: int
    right: int
    differences: tuple[str, ...]


def hold_writing_back(compiled: Compiled, truth: Truth, engine: str = "dense", seed: int = 0, most: int = 64) -> WrittenBack:
    """Hold the theorem on writing back against the model.

    Args: most: tokens that are masked alone; if the run has more, they are drawn from the seed.
    """
    random = np.random.default_rng(seed)
    session, logits = _finished(compiled, truth, engine)
    flat = int(_scores_equally(logits).sum())
    chosen = np.sort(random.permutation(len(truth.masked))[:most])
    found, expected = [_given_back(session, truth, int(truth.masked[i])) for i in chosen], comes_back(truth)[chosen]
    differences = [
        f"position {truth.masked[i]}, masked alone, {'comes' if here else 'does not come'} back"
        for i, here, said in zip(chosen, found, expected.tolist())
        if here != said
    ]
    rows = len(truth.final)
    differences += [f"{rows - flat} rows that hold a token prefer one"] * (flat < rows)
    again, right = _again(compiled, truth, engine, random)
    differences += [f"{DECODES - right} of {DECODES} decodes are wrong after newest tokens were masked again"] * (right < DECODES)
    return WrittenBack(len(chosen), sum(found), rows, flat, again, DECODES, right, tuple(differences))


def _finished(compiled: Compiled, truth: Truth, engine: str) -> tuple[Session, Logits]:
    """A session on the finished run, and the logits of all its rows; by the dense engine where this one gives up."""
    positions, rows = truth.layout.positions(), np.arange(len(truth.final))
    try:
        session = ENGINES[engine](compiled.model, [truth.final.copy()], [positions], "cpu", False)
        session.predict([0])
        return session, session.logits(0, rows)
    except Unsuitable:
        return _finished(compiled, truth, "dense")


def _scores_equally(logits: Logits) -> Flags:
    """Whether each row gives all tokens the same score: all kinds, and a 1 and a 0 in each bit."""
    found: Flags = (logits.kinds == logits.kinds[:, :1]).all(axis=1) & (logits.ones == logits.zeros).all(axis=1)
    return found & ~logits.ones.any(axis=1)


def _given_back(session: Session, truth: Truth, row: int) -> bool:
    """Whether the model writes the machine's token where it is masked alone in the finished run."""
    tokens = truth.final.copy()
    tokens[row] = truth.vocabulary.mask
    changed = Change(np.array([row]), len(tokens))
    session.update(0, changed, tokens)
    rows, prediction = session.predict([0])[0]
    at = int(np.flatnonzero(rows == row)[0])
    written = int(prediction.token[at]) if prediction.probability[at] >= THRESHOLD else truth.vocabulary.mask
    session.update(0, changed, truth.final.copy())
    session.predict([0])
    return written == int(truth.final[row])


def _again(compiled: Compiled, truth: Truth, engine: str, random: np.random.Generator) -> tuple[int, int]:
    """Tokens masked again, and decodes that are right: each from a sequence after some decoding steps in parallel order."""
    again, right, layout = 0, 0, truth.layout
    for _ in range(DECODES):
        block = int(random.integers(1, layout.time + 1))
        tokens = truth.final.copy()
        tokens[layout.row("V", block + 1, 0) :] = truth.vocabulary.mask
        rows = newest(truth, tokens)
        masked = rows[random.random(len(rows)) < 0.5]
        tokens[masked] = truth.vocabulary.mask
        again += len(masked)
        found = decode(compiled.model, tokens, layout.positions(), compiled.process, Sampling(engine=engine))
        right += bool((found.tokens == truth.final).all())
    return again, right
