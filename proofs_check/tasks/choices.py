"""All choices of a sampler: what each decoding step of a model that edits may lead to, with exact probabilities.

The probabilities are those of the weights. Logits are integers; where two tokens' logits are equal, both are as likely, and where
they differ, they do so by so much that the less likely token has probability 0, exactly. So a row's distribution is uniform over its
best tokens, and its probabilities are fractions. A model of which this does not hold is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch

from lockstep.models.drawing import Logits, odds
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.torch_transformer import TorchTransformer
from lockstep.models.transformer import Transformer

#: exp(-VANISHED) is 0 in float64, next to 1 in a sum and alone.
VANISHED = 746
#: Sequences in one forward pass.
TOGETHER = 512
#: Far beyond what rounding does to a probability in float64.
ROUNDING = 2.0**-48

#: A sequence of tokens, and what follows it, each with its probability.
State = tuple[int, ...]
Options = tuple[tuple[State, Fraction], ...]


class NotUniform(Exception):
    """A row's distribution is not uniform over its best tokens."""


@dataclass(frozen=True)
class Choices:
    """The choices of a model with control bits.

    same: the token for which a token stands, so that fewer states are told apart; the caller shows that no row sees a difference.
    """

    model: Transformer
    positions: Positions
    same: Callable[[int], int] = lambda token: token

    def of_rows(self, states: Sequence[State], only: slice = slice(None)) -> Iterator[list[Options]]:
        """Yield, for each of some sequences of one length, what each of its rows becomes: no, one or two tokens. only: some rows."""
        torch_model, (length,) = TorchTransformer(self.model), {len(state) for state in states}
        if length > len(self.positions):
            raise ValueError(f"a sequence grows to {length} tokens, but there are {len(self.positions)} positions")
        places = torch_model.tensor(self.positions.rows(slice(length), self.model.dtype))
        known: dict[bytes, Options] = {}
        for first in range(0, len(states), TOGETHER):
            tokens = np.array(states[first : first + TOGETHER], np.int64)
            with torch.inference_mode():
                x = torch_model.embed(torch.from_numpy(tokens.ravel())).view(*tokens.shape, -1) + places
                x = torch_model.forward(x)[:, only].flatten(0, 1)
                logits, control = torch_model.logits(x), torch_model.predict(x).control
            assert control is not None, "the model has no control bits"
            rows = _rows(logits, control.numpy(), tokens[:, only].ravel())
            options = [
                known.get(key) or known.setdefault(key, self._options(logits, i, row)) for i, (key, row) in enumerate(rows)
            ]
            each = len(options) // len(tokens)
            yield from (options[at : at + each] for at in range(0, len(options), each))

    def _options(self, logits: Logits, row: int, known: tuple[int, tuple[bool, ...]]) -> Options:
        """The transition of section 3 of arXiv 2510.06190: remask, then delete, then insert."""
        token, (remask, insert, delete) = known
        mask = self.model.vocabulary.mask
        behind = (mask,) if insert else ()
        if token == mask and delete:
            return ((behind, Fraction(1)),)
        if remask or token != mask:
            return (((mask if remask else token, *behind), Fraction(1)),)
        drawn: dict[State, Fraction] = {}
        for each, probability in distribution(logits, row, self.model.vocabulary):
            kept = (self.same(each), *behind)
            drawn[kept] = drawn.get(kept, Fraction(0)) + probability
        return tuple(drawn.items())


def _rows(logits: Logits, control: np.ndarray, tokens: np.ndarray) -> Iterator[tuple[bytes, tuple[int, tuple[bool, ...]]]]:
    """Of each row a key, in which rows agree that have the same token, control bits and logits; its token and control bits."""
    said = np.concatenate([tokens[:, None], control, logits.kinds, logits.ones, logits.zeros], axis=1)
    for i in range(len(said)):
        yield said[i].tobytes(), (int(tokens[i]), tuple(bool(bit) for bit in control[i]))


def distribution(logits: Logits, row: int, vocabulary: Vocabulary) -> list[tuple[int, Fraction]]:
    """The tokens of positive probability of a row, each with its probability.

    Raises: NotUniform: logits are no integers, or differ by so little that a worse token has a probability, or the sampler's
            probabilities are others.
    """
    kinds, ones, zeros = (np.asarray(part[row], np.float64) for part in (logits.kinds, logits.ones, logits.zeros))
    if any((part != np.rint(part)).any() for part in (kinds, ones, zeros)):
        raise NotUniform(f"row {row}: a logit is no integer")
    gaps = np.abs(ones - zeros)
    scores = np.array([kinds[n] + np.maximum(ones, zeros)[:bits].sum() for n, (_, bits) in enumerate(vocabulary.kinds)])
    named = np.array([name != MASK for name, _ in vocabulary.kinds])
    below = scores[named].max() - scores
    if ((gaps > 0) & (gaps < VANISHED)).any() or ((below > 0) & (below < VANISHED + len(ones))).any():
        raise NotUniform(f"row {row}: a token that is not the best has a probability")
    best = [n for n in np.flatnonzero(named & (below == 0)).tolist()]
    tokens = [token for n in best for token in _values(*vocabulary.kinds[n], vocabulary, ones, zeros)]
    found = [(token, Fraction(1, len(tokens))) for token in tokens]
    _compare_with_sampler(found, logits, row, vocabulary)
    return found


def _values(kind: str, bits: int, vocabulary: Vocabulary, ones: np.ndarray, zeros: np.ndarray) -> Iterator[int]:
    """The tokens of a kind whose bits are each the better one, or one of two that are equally good."""
    values = [0]
    for j in range(bits):
        allowed = [bit for bit in (0, 1) if (ones[j] >= zeros[j] if bit else zeros[j] >= ones[j])]
        values = [value | bit << j for value in values for bit in allowed]
    yield from (vocabulary.token(kind, value) for value in values)


def _compare_with_sampler(found: Iterable[tuple[int, Fraction]], logits: Logits, row: int, vocabulary: Vocabulary) -> None:
    """The sampler's own probabilities are these, but for the rounding of float64; where these are 0, the sampler's are exactly 0."""
    part = Logits(logits.kinds[row : row + 1], logits.ones[row : row + 1], logits.zeros[row : row + 1])
    kinds, ones = (each[0] for each in odds(part, vocabulary))
    total = 0.0
    for token, probability in found:
        kind, value = vocabulary.split(token)
        number = [name for name, _ in vocabulary.kinds].index(kind)
        bits = [ones[j] if value >> j & 1 else 1 - ones[j] for j in range(vocabulary.bits(kind))]
        its = float(kinds[number] * np.prod(bits))
        total += its
        if abs(its - float(probability)) > ROUNDING:
            raise NotUniform(f"row {row}: the sampler draws token {token} with probability {its}, not {probability}")
    if abs(total - 1) > ROUNDING:
        raise NotUniform(f"row {row}: the sampler draws other tokens with probability {1 - total}")


@dataclass(frozen=True)
class Explored:
    """Every state that is reached, with what follows it, and its probability. A fixed point is followed by itself alone."""

    start: State
    edges: dict[State, dict[State, Fraction]]

    @property
    def ends(self) -> set[State]:
        """The fixed points."""
        return {state for state, after in self.edges.items() if list(after) == [state]}


def explore(choices: Choices, start: State, weight: Callable[[int], int], most: int,
            progress: Callable[[int, int], None] = lambda done, total: None) -> Explored:  # fmt: skip
    """Follow every choice from a start, but not into sequences of which the weights of the tokens add up to more than `most`.

    Args: progress: gets the states that have been followed, and those that are known.
    """
    edges: dict[State, dict[State, Fraction]] = {}
    todo = {start}
    while todo:
        found: set[State] = set()
        for states in _by_length(todo):
            for state, rows in zip(states, choices.of_rows(states)):
                edges[state] = _successors(rows, weight, most)
                found.update(edges[state])
            progress(len(edges), len(edges) + len(todo))
        todo = found - edges.keys()
    return Explored(start, edges)


def _by_length(states: Iterable[State]) -> list[list[State]]:
    groups: dict[int, list[State]] = {}
    for state in sorted(states):
        groups.setdefault(len(state), []).append(state)
    return list(groups.values())


def _successors(rows: Sequence[Options], weight: Callable[[int], int], most: int) -> dict[State, Fraction]:
    """All that rows may become together."""
    parts: dict[State, tuple[Fraction, int]] = {(): (Fraction(1), 0)}
    for options in rows:
        after: dict[State, tuple[Fraction, int]] = {}
        for before, (probability, weighs) in parts.items():
            for tokens, its in options:
                total = weighs + sum(map(weight, tokens))
                if total <= most:
                    state = before + tokens
                    chance = probability if its == 1 else probability * its
                    after[state] = (after[state][0] + chance if state in after else chance, total)
        parts = after
    return {state: chance for state, (chance, _) in parts.items()}


def flows(explored: Explored, homes: Iterable[State]) -> Callable[[State], dict[State, Fraction]]:
    """Return what says, for a state, with which probability each home or fixed point is the next one that is reached.

    Args:   homes: states of which every cycle of more than one state has one. What is not followed goes nowhere.
    Raises: ValueError, when it is called: a cycle has none.
    """
    stops, known = explored.ends | set(homes), dict[State, dict[State, Fraction]]()
    entered: set[State] = set()

    def flow(state: State) -> dict[State, Fraction]:
        if state not in known:
            if state in entered:
                raise ValueError(f"a cycle goes through {state}, and through no state that it was expected to")
            entered.add(state)
            found: dict[State, Fraction] = {}
            for after, chance in explored.edges[state].items():
                for end, its in {after: Fraction(1)}.items() if after in stops else flow(after).items():
                    found[end] = found.get(end, Fraction(0)) + chance * its
            known[state] = found
        return known[state]

    return flow
