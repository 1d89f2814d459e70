"""What exact models are sure of: confidence by the kind of token, with temperature and noise."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from kit.sampled import small

from lockstep.compiler.compile import Compiled
from lockstep.models.decode import decode
from lockstep.models.drawing import Logits
from lockstep.models.engines import ENGINES
from lockstep.models.positions import Positions
from lockstep.models.samplers import guess
from lockstep.models.samplers.noise import Noise

BITS = 16.0  # what a bit adds to the logit of a token that has it right


@cache
def halfway(size: int, dtype: str = "float64", word_bits: int = 6) -> tuple[Compiled, Logits, np.ndarray, np.ndarray, int]:
    """A sequence of which half is decoded: its model, the logits of its masks, their positions, what is right there, how many are ready."""
    job, compiled, layout, time = small(size, dtype, word_bits)
    truth = decode(compiled.model, layout.tokens(), layout.positions()).tokens
    here = layout.row("V", time // 2, 0)
    tokens, rows = truth.copy(), np.arange(here, len(truth))
    tokens[here:] = compiled.model.vocabulary.mask
    session = ENGINES["dense"](compiled.model, [tokens], [Positions.of(layout.positions())], "cpu")
    session.predict([0])
    return compiled, session.logits(0, rows), rows, truth[here:], 3 * job.processors


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_only_the_kind_of_a_token_makes_confidence_differ(dtype: str, temperature: float) -> None:
    """Ready: (1 + e^(-16 / T))^-bits at temperature T, beside other kinds, each of whose best tokens is e^(-16 (bits + 2) / T) as
    likely. Not ready: flat."""
    compiled, logits, rows, truth, ready = halfway(4, dtype)
    vocabulary = compiled.model.vocabulary
    found = guess(rows, logits, vocabulary, temperature)
    assert np.array_equal(found.token[:ready], truth[:ready])
    all_bits = [vocabulary.bits(vocabulary.split(int(token))[0]) for token in truth[:ready]]
    for row, bits in enumerate(all_bits):
        form = (1 + np.exp(-BITS / temperature)) ** -bits
        others = (
            len(vocabulary.kinds)
            * np.exp(-BITS / temperature * (bits + 2))
            * (1 + np.exp(-BITS / temperature)) ** vocabulary.most_bits
        )
        assert form / (1 + others) * (1 - 1e-12) <= found.confidence[row] <= form * (1 + 1e-12)
    assert len(set(found.confidence[:ready].round(15))) == len(set(all_bits)) > 1
    flat = found.take(np.arange(ready, len(rows)))
    assert flat.confidence == pytest.approx(1 / (vocabulary.size - 1), rel=1e-12)
    assert flat.entropy == pytest.approx(np.log(vocabulary.size - 1), rel=1e-12)
    assert not flat.margin.any() and not flat.token.any(), "BOS, the first of all that are equal"


def worst(compiled: Compiled, truth: np.ndarray, size: float) -> Logits:
    """The noise that is worst for the right tokens: -size on their kind and on the right value of every bit, size on the others."""
    vocabulary, most = compiled.model.vocabulary, compiled.model.vocabulary.most_bits
    kinds = np.full((len(truth), len(vocabulary.kinds)), size)
    ones = np.zeros((len(truth), most))
    for row, token in enumerate(truth.tolist()):
        kind, value = vocabulary.split(token)
        kinds[row, [name for name, _ in vocabulary.kinds].index(kind)] = -size
        ones[row] = [-size if value >> j & 1 else size for j in range(most)]
    return Logits(kinds, ones, -ones)


def test_noise_below_half_a_bit_changes_no_best_token() -> None:
    """A bit's logits are 16 apart, so noise of size s leaves 16 - 2 s. Whatever the noise is, the best token stays for s < 8."""
    compiled, logits, rows, truth, ready = halfway(4)
    which = np.arange(ready)
    few = Logits(logits.kinds[which], logits.ones[which], logits.zeros[which])
    for size, stays in ((4, True), (7.9, True), (7.999999, True), (8.000001, False), (9, False)):
        found = guess(rows[which], few, compiled.model.vocabulary, 1.0, worst(compiled, truth[which], size))
        assert (found.token == truth[which]).all() == stays, size
        assert (found.token == truth[which]).any() == stays, size


def noisy(size: float, temperature: float, draws: int = 20) -> tuple[float, float, int]:
    """Of so many draws: the least confidence of a ready row, the largest of one that is not, and how often all best tokens are right."""
    compiled, logits, rows, truth, ready = halfway(2, word_bits=10)
    vocabulary, random = compiled.model.vocabulary, np.random.default_rng(1)
    least, most, right = 1.0, 0.0, 0
    for _ in range(draws):
        noise = Noise(1, size).draw(random, len(rows), len(vocabulary.kinds), vocabulary.most_bits)
        found = guess(rows, logits, vocabulary, temperature, noise)
        least, most = min(least, found.confidence[:ready].min()), max(most, found.confidence[ready:].max())
        right += np.array_equal(found.token[:ready], truth[:ready])
    return least, most, right


def test_readiness_shows_up_to_noise_of_4() -> None:
    for temperature in (1.0, 4.0):
        for size in (1, 2, 4):
            least, most, right = noisy(size, temperature)
            assert least > most and right == 20
    assert noisy(6, 1.0)[0] < noisy(6, 1.0)[1], "a row that is not ready looks surer than one that is"
    assert noisy(7.9, 1.0)[2] == 20 and noisy(16, 1.0)[2] < 20
    least, most, _ = noisy(2, 4.0)
    assert least > 0.75 and most < 0.02, "the setting that docs/samplers.md recommends"


def test_noise_is_uniform() -> None:
    found = Noise(1, 2.5).draw(np.random.default_rng(0), 400, 3, 2)
    assert [part.shape for part in vars(found).values()] == [(400, 3), (400, 2), (400, 2)]
    every = np.concatenate([part.ravel() for part in vars(found).values()])
    assert -2.5 <= every.min() < -2.45 and 2.45 < every.max() <= 2.5 and abs(every.mean()) < 5 * 2.5 / np.sqrt(3 * len(every))
