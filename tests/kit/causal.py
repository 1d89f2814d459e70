"""Lookups of causal models made by hand, sessions that are told of steps, and what they predict, beside the reference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kit.made_models import lookup_model
from lockstep.models.decode import decode
from lockstep.models.engines import ENGINES, Session
from lockstep.models.engines.session import Stepping
from lockstep.models.positions import Positions
from lockstep.models.processes import THRESHOLD
from lockstep.models.sampling import Sampling
from lockstep.models.sequence import Change
from lockstep.models.transformer import Prediction, Transformer

LENGTH = 9


def finding_causal(seed: int, length: int = LENGTH) -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """A lookup made by hand: every row asks for a random number, which earlier rows have, or later ones, or none.

    In every other one V and O are negated: the same function, but what the sink holds is not the least that can be read.
    """
    model, _, positions = lookup_model(length)
    (layer,) = model.layers
    q, sign = layer.q.copy(), (-1) ** seed
    q[0, 4] = 0  # every row asks
    random = np.random.default_rng(seed)
    positions[1:, 4:10] = random.integers(0, 2, (length - 1, 6))
    positions[1:, 10] = 1 + random.permutation(length - 1)
    model.unembedding.kind[2, 3], model.unembedding.one[0, 3] = 32, 8  # what finds nothing becomes an A, too
    causal = replace(model, layers=(replace(layer, q=q, v=sign * layer.v, o=sign * layer.o),), causal=True)
    return causal, np.array([0, *random.integers(2, 4, length - 1)]), positions


def asking_causal(seed: int) -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """The same, but only rows with a MASK ask, and a row that finds nothing predicts nothing."""
    model, tokens, positions = finding_causal(seed)
    asking = lookup_model(LENGTH)[0]
    (layer,) = model.layers
    tokens[np.random.default_rng(seed).permutation(np.arange(1, LENGTH))[:4]] = 1
    layer = replace(layer, q=asking.layers[0].q)
    return replace(asking, layers=(layer,), causal=True), tokens, positions


def careless_causal(seed: int, tie: bool = False) -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """Keys of about a third of the rows match any number, and may be more recent than one that matches.

    Args: tie: row 4 finds row 2, which has its number, and row 3, which matches any, equally recent.
    """
    model, tokens, positions = finding_causal(seed)
    (layer,) = model.layers
    k = layer.k.copy()
    k[0, :3] /= 2  # a bit is 2 or 0, and 1 if the key does not care
    k[0, :3, [0, 3]] *= 2
    any_number = np.random.default_rng(seed).permutation(LENGTH - 1) < LENGTH // 3
    if tie:
        positions[2, 4:7], positions[[2, 3], 10], any_number[1:3] = positions[4, 7:10], LENGTH, (False, True)
    positions[1:, 4:7] = np.where(any_number[:, None], 1, 2 * positions[1:, 4:7])
    positions[1:, 10] += 3 * (LENGTH + 1) * any_number  # in place of half for each bit
    return replace(model, layers=(replace(layer, k=k),)), tokens, positions


def unclear_causal() -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """Logits that differ by so little that only the reference may say how likely a token is."""
    model, tokens, positions = finding_causal(0)
    for part in (model.unembedding.kind, model.unembedding.one, model.unembedding.zero):
        part /= 8
    return model, tokens, positions


def tying_causal() -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """Row 4 finds rows 2 and 3, which have one number and are equally recent."""
    model, tokens, positions = finding_causal(5)
    positions[2, 4:7] = positions[3, 4:7] = positions[4, 7:10] = 1
    positions[2, 10] = positions[3, 10] = LENGTH + 1
    return model, tokens, positions


def told(engine: str, model: Transformer, tokens: NDArray[Any], positions: NDArray[Any], first: int) -> Prediction:
    """What a session predicts on every row, if the first so many tokens are given at once and the others one by one."""
    session = started(engine, model, tokens[:first], positions)
    found = nothing_predicted(len(tokens))
    note(found, session)
    for length in range(first + 1, len(tokens) + 1):
        session.update(0, Change(np.array([length - 1]), length), tokens[:length])
        assert length - 1 in note(found, session)
    assert (found.token >= 0).all()
    return found


def started(engine: str, model: Transformer, tokens: NDArray[Any], positions: NDArray[Any]) -> Session:
    return ENGINES[engine](model, [tokens], [Positions.of(positions)], "cpu")


def nothing_predicted(length: int) -> Prediction:
    return Prediction(np.full(length, -1), np.full(length, np.nan), None)


def note(found: Prediction, session: Session) -> list[int]:
    """Take what a session predicts. Return the rows; they may have been predicted before."""
    ((rows, prediction),) = session.predict([0])
    assert (np.diff(rows) > 0).all()
    found.token[rows], found.probability[rows] = prediction.token, prediction.probability
    return rows.tolist()


def same_predictions(found: Prediction, expected: Prediction) -> None:
    assert np.array_equal(found.token, expected.token)
    assert np.array_equal(found.probability >= THRESHOLD, expected.probability >= THRESHOLD)


def changed_somehow(tokens: NDArray[Any], most: int, random: np.random.Generator) -> NDArray[Any]:
    """The sequence after a step: cut down, with other tokens from some row on, or with one token more."""
    cut = int(random.integers(1, len(tokens) + 1))
    match random.choice(["append", "append", "cut", "change"]):
        case "append" if len(tokens) < most:
            return np.append(tokens, random.integers(2, 4))
        case "change":
            return np.append(tokens[:cut], random.integers(2, 4, len(tokens) - cut))
        case _:
            return tokens[:cut]


def tell(session: Session, before: NDArray[Any], after: NDArray[Any]) -> None:
    """Tell a session that a step made one sequence of another."""
    common = min(len(before), len(after))
    differ = np.flatnonzero(before[:common] != after[:common])
    session.update(0, Change(np.concatenate([differ, np.arange(common, len(after))]), len(after)), after)


def follows(seed: int) -> None:
    """After each step, what native predicted last of every row is what the reference says of the whole sequence."""
    model, whole, positions = finding_causal(seed)
    random, tokens = np.random.default_rng(seed), whole[:4]
    session, found = started("native", model, tokens, positions), nothing_predicted(LENGTH)
    note(found, session)
    for _ in range(25):
        for _ in range(int(random.integers(1, 3))):  # a session may be told of several steps before it is asked
            after = changed_somehow(tokens, LENGTH, random)
            tell(session, tokens, after)
            tokens = after
        note(found, session)
        same_predictions(found.part(slice(len(tokens))), told("dense", model, tokens, positions, len(tokens)))


def mixes(seed: int) -> None:
    """Strides of native's own, steps of its own, and steps that cut the sequence down or change it."""
    model, whole, positions = finding_causal(seed)
    random, tokens = np.random.default_rng(seed), whole[:2]
    session = started("native", model, tokens, positions)
    assert isinstance(session, Stepping)
    for _ in range(12):
        most = int(random.integers(1, LENGTH))
        expected = decode(model, tokens, positions[: min(LENGTH, len(tokens) + most)], "arm", Sampling(engine="dense"))
        if most == 1 and len(tokens) < LENGTH:
            made = session.step("arm")
            assert made is not None and (made[0].rows.tolist(), made[0].length) == ([len(tokens)], len(tokens) + 1)
            found, masks = made[1], made[2]
        else:
            lengths, found, masks = session.stride("arm", most)
            assert lengths == list(expected.context[1:])
        assert found.tolist() == expected.tokens.tolist() and masks == 0
        before = found.copy()  # the session edits its own in place
        tokens = changed_somehow(before, LENGTH, random)
        tell(session, before, tokens)


def counts_masks() -> None:
    model, tokens, positions = finding_causal(4)
    session: Any = started("native", model, tokens[:4], positions)
    for after in ([0, 1, 1], [0, 1, 2, 3, 1], [0, 1, 2, 3, 1, 1], [0, 3]):
        session.update(0, Change(np.arange(1, len(after)), len(after)), np.array(after))
        assert session.decoder.masks == after.count(1)
