"""Samplers: guesses against the softmax over all tokens, rules against hand-made guesses, and what users write."""

from __future__ import annotations

import numpy as np
import pytest
from kit.random_models import KINDS, random_model

from lockstep.models.drawing import Logits
from lockstep.models.samplers import ALIASES, SAMPLERS, Guesses, State, chances, guess, sampler
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.torch_transformer import TorchTransformer


def plain(full: np.ndarray) -> tuple[int, float, float, float]:
    """Token, confidence, margin and entropy of a row, from the logits of all tokens but MASK, which has -inf."""
    weights = np.exp(full - full.max())
    chances = weights / weights.sum()
    first, second = np.sort(chances)[::-1][:2]
    some = chances[chances > 0]
    return int(chances.argmax()), float(first), float(first - second), float(-(some * np.log(some)).sum())


def all_logits(logits: Logits, vocabulary: Vocabulary, row: int) -> np.ndarray:
    """The logit of every token, one after the other."""
    found = np.full(vocabulary.size, -np.inf)
    for number, (kind, bits) in enumerate(vocabulary.kinds):
        for value in range(1 << bits):
            rails = (logits.ones if value >> j & 1 else logits.zeros for j in range(bits))
            found[vocabulary.token(kind, value)] = logits.kinds[row, number] + sum(rail[row, j] for j, rail in enumerate(rails))
    found[vocabulary.mask] = -np.inf
    return found


def wide(logits: Logits) -> Logits:
    return Logits(*(np.asarray(part, np.float64) for part in (logits.kinds, logits.ones, logits.zeros)))


def added(logits: Logits, noise: Logits) -> Logits:
    return Logits(logits.kinds + noise.kinds, logits.ones + noise.ones, logits.zeros + noise.zeros)


def noise_like(logits: Logits, random: np.random.Generator) -> Logits:
    return Logits(*(random.uniform(-2, 2, part.shape) for part in (logits.kinds, logits.ones, logits.zeros)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(8))
def test_guesses_are_those_of_the_softmax_over_all_tokens(seed: int, dtype: str) -> None:
    random = np.random.default_rng(seed)
    model = random_model(seed, dtype=dtype)
    x = TorchTransformer(model).tensor(random.normal(size=(6, model.width)))
    logits = TorchTransformer(model).logits(x)
    temperature, noise = (1.0, None) if seed < 4 else (random.uniform(0.5, 3), noise_like(logits, random))
    found = guess(np.arange(6), logits, KINDS, temperature, noise)
    wanted = wide(logits) if noise is None else added(wide(logits), noise)
    for row in range(6):
        token, *rest = plain(all_logits(wanted, KINDS, row) / temperature)
        assert found.token[row] == token
        assert [found.confidence[row], found.margin[row], found.entropy[row]] == pytest.approx(rest, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_chances_are_those_of_the_softmax_over_all_tokens(seed: int) -> None:
    random = np.random.default_rng(seed)
    model = random_model(seed)
    logits = TorchTransformer(model).logits(TorchTransformer(model).tensor(random.normal(size=(KINDS.size, model.width))))
    temperature, noise = (1.0, None) if seed < 2 else (random.uniform(0.5, 3), noise_like(logits, random))
    found = chances(np.arange(KINDS.size), logits, KINDS, temperature, noise)
    wanted = wide(logits) if noise is None else added(wide(logits), noise)
    for token in range(KINDS.size):
        weights = np.exp(all_logits(wanted, KINDS, token) / temperature)
        assert found[token] == pytest.approx(weights[token] / weights.sum(), rel=1e-12)


def test_float32_logits_lose_no_rank() -> None:
    """As exact models have them: a kind by 40, and bits of 16. In float32 every probability would be 1.0."""
    vocabulary = Vocabulary((("BOS", 0), (MASK, 0), ("HALT", 0), ("PC", 3), ("WORD", 8)))
    scores = np.zeros((4, 5), np.float32)
    scores[[1, 2, 3], [2, 3, 4]] = 40
    ones = np.where(np.arange(4)[:, None] > 0, 16, np.zeros((4, 8))).astype(np.float32)
    scores[1:] -= 16 * np.array([0, 0, 0, 3, 8], np.float32)  # what bits add is taken off again
    found = guess(np.arange(4), Logits(scores, ones, np.zeros((4, 8), np.float32)), vocabulary)
    assert found.confidence[0] == pytest.approx(1 / (vocabulary.size - 1), rel=1e-14)
    assert (found.margin[0], found.token[0]) == (0, 0)
    assert found.entropy[0] == pytest.approx(np.log(vocabulary.size - 1), rel=1e-14)
    for row, bits in ((2, 3), (3, 8)):
        assert 1 - found.confidence[row] == pytest.approx(1 - (1 + np.exp(-16)) ** -bits, rel=1e-6)
        each = np.log1p(np.exp(-16)) + 16 * np.exp(-16) / (1 + np.exp(-16))
        assert found.entropy[row] == pytest.approx(bits * each, rel=1e-6)
    assert 1 >= found.confidence[1] > found.confidence[2] > found.confidence[3] > 1 - 1e-5


def test_entropies_of_certain_rows_are_not_rounded_away() -> None:
    vocabulary = Vocabulary((("BOS", 0), (MASK, 0), ("WORD", 2)))
    logits = Logits(np.array([[0, 0, 0.0], [60.0, 0, 0]]), np.full((2, 2), 30.0), np.zeros((2, 2)))
    found = guess(np.arange(2), logits, vocabulary)
    assert found.entropy[0] == pytest.approx(2 * np.exp(-30) * 31, rel=1e-4)  # WORD by 60, its bits by 30 each: BOS is rarer
    assert found.entropy[1] == pytest.approx(np.log(2), rel=1e-10)
    assert found.margin[1] == 0


# -- rules on guesses by hand --------------------------------------------------------------------------

CONFIDENCE = np.array([0.95, 0.2, 0.99, 0.2, 0.9, 0.97])
MADE = Guesses(np.array([5, 6, 8, 9, 11, 12]), np.arange(6), CONFIDENCE, np.array([0.1, 0.2, 0.5, 0.0, 0.9, 0.9]),
               np.array([0.3, 2.0, 0.1, 2.0, 0.1, 0.4]))  # fmt: skip


def picked(text: str, guesses: Guesses = MADE, first: int = 4, seed: int = 0) -> list[int]:
    return sampler(text).pick(guesses, State(first, np.random.default_rng(seed))).tolist()


#: What each rule picks of MADE.
PICKS = [
    ("parallel", [0, 2, 4, 5]),
    ("threshold", [0, 2, 4, 5]),
    ("threshold:0.95", [0, 2, 5]),
    ("threshold:1", [2]),
    ("threshold:1,margin", [4]),
    ("threshold:1,left-to-right", [0]),
    ("threshold:0.2", [0, 1, 2, 3, 4, 5]),
    ("top", [2]),
    ("top:2", [2, 5]),
    ("top:5", [0, 1, 2, 4, 5]),  # of the two equal ones, the left
    ("top:99", [0, 1, 2, 3, 4, 5]),
    ("top:3,margin", [2, 4, 5]),
    ("top:1,entropy", [2]),
    ("top:3,entropy", [0, 2, 4]),
    ("top:2,left-to-right", [0, 1]),
    ("one", [2]),
    ("one,margin", [4]),
    ("one,left-to-right", [0]),
    ("factor:0.01", [2]),  # 2 (1 - 0.99) = 0.02: at least one
    ("factor:0.05", [2]),  # then 3 (1 - 0.97) = 0.09
    ("factor:0.1", [2, 5]),  # then 4 (1 - 0.95) = 0.2
    ("factor:0.3", [0, 2, 5]),  # then 5 (1 - 0.9) = 0.5
    ("factor", [0, 2, 4, 5]),  # then 6 (1 - 0.2) = 4.8
    ("factor:4.9", [0, 1, 2, 4, 5]),
    ("factor:9", [0, 1, 2, 3, 4, 5]),
    ("entropy:0", [2]),
    ("entropy:0.1", [2, 4]),  # 0.1 + 0.1 - 0.1
    ("entropy:0.2", [0, 2, 4]),  # and 0.5 - 0.3
    ("entropy:0.9", [0, 1, 2, 4, 5]),  # the last is not ready: 2.9 - 2
    ("entropy-sum:0.05", [2]),
    ("entropy-sum:0.19", [2]),
    ("entropy-sum:0.2", [2, 4]),
    ("entropy-sum:0.9", [0, 2, 4, 5]),
    ("entropy-sum:0.9,margin", [2, 4, 5]),
    ("blocks:4", [0]),  # position 5 is in 4 .. 7
    ("blocks:4+top:2", [0, 1]),
    ("blocks:5+top:2", [0, 2]),
    ("blocks:5+top:9", [0, 1, 2]),
    ("blocks:2+top:9", [0]),
    ("wino", [0, 2, 4, 5]),
    ("wino:0.99:0.9", [2]),
    ("joint", [0, 2, 4, 5]),
    ("joint:0.95:0", [2, 5]),
    ("joint:0.99:0", [2]),
    ("blocks:99+top:2", [2, 5]),
    ("top:2+blocks:4", [0, 1]),
    ("maskgit_plus", [2]),
    ("maskgit_plus:2", [2, 5]),
    ("topk_margin:3", [2, 4, 5]),
    ("entropy", [2]),
]


@pytest.mark.parametrize(("text", "wanted"), PICKS)
def test_what_each_rule_picks(text: str, wanted: list[int]) -> None:
    assert picked(text) == wanted


@pytest.mark.parametrize("text", ["random:2", "origin:2", "top:2,random", "blocks:4+random", "one,random"])
def test_random_rules_draw_from_the_seed(text: str) -> None:
    found = [picked(text, seed=seed) for seed in range(40)]
    assert found == [picked(text, seed=seed) for seed in range(40)]
    assert all(each == sorted(set(each)) for each in found)
    reach = {row for each in found for row in each}
    assert reach == ({0, 1} if "blocks" in text else set(range(6)))
    assert {len(each) for each in found} == {2 if ":2" in text else 1}


def test_only_parallel_picks_none() -> None:
    flat = Guesses(np.arange(3), np.zeros(3, np.int64), np.full(3, 0.1), np.zeros(3), np.full(3, 2.3))
    assert picked("parallel", flat) == []
    for name, row in SAMPLERS.items():
        text = ":".join([name, *("1" if number.usual is None else f"{number.usual:g}" for number in row.numbers)])
        assert name == "parallel" or len(picked(text, flat)) == 1, text


# -- what users write ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("threshold", "threshold:0.9"),
        ("top:4,margin", "top:4,margin"),
        ("top:4,confidence", "top:4"),
        ("origin", "random:1"),
        ("entropy", "top:1,entropy"),
        ("entropy:1e-6", "entropy:1e-06"),
        ("topk_margin:2", "top:2,margin"),
        ("blocks", "blocks:32+threshold:0.9"),
        ("top:2+blocks:6", "blocks:6+top:2"),
    ],
)
def test_the_text_of_a_sampler_says_it_whole(text: str, whole: str) -> None:
    assert sampler(text).text == whole
    assert sampler(whole) == sampler(text)


FORMS = (
    "write parallel, threshold:P, top:K, one, random:K, factor:F, entropy:GAMMA, entropy-sum:GAMMA, wino:P:Q, joint:P:Q, blocks:B, anchor, "
    "cap:ETA, rescale:ETA, or origin, maskgit_plus, topk_margin, entropy; parts are joined as in blocks:32+top:2,margin"
)


#: What is no sampler, and how the message begins.
REFUSED = [
    ("best", f"best: there is no sampler best: {FORMS}"),
    ("", f": there is no sampler without a name: {FORMS}"),
    ("top:4+", f"top:4+: there is no sampler without a name: {FORMS}"),
    ("top:0", "top:0: in top:K, K is a whole number from 1, not 0"),
    ("top:2.5", "top:2.5: in top:K, K is a whole number from 1, not 2.5"),
    ("top:-1", "top:-1: in top:K, K is a whole number from 1, not -1"),
    ("top:", "top:: in top:K, K is a whole number from 1, not nothing"),
    ("top:1e9", "top:1e9: in top:K, K is a whole number from 1, not 1e9"),
    ("top:1:2", "top:1:2: write top:K, K a whole number from 1"),
    ("top:4,best", "top:4,best: behind top:K and a comma stands one of confidence, margin, entropy, left-to-right, random, not best"),
    ("factor:1,margin", "factor:1,margin: behind factor:F and a comma stands nothing, not margin"),
    ("factor:0", "factor:0: in factor:F, F is a number above 0, not 0"),
    ("threshold:1.5", "threshold:1.5: in threshold:P, P is a number from 0 to 1, but not 0, not 1.5"),
    ("threshold:nan", "threshold:nan: in threshold:P, P is a number from 0 to 1, but not 0, not nan"),
    ("threshold:1e999", "threshold:1e999: in threshold:P, P is a number from 0 to 1, but not 0, not 1e999"),
    ("entropy:inf", "entropy:inf: in entropy:GAMMA, GAMMA is a number from 0, not inf"),
    ("entropy-sum", "entropy-sum: write entropy-sum:GAMMA, GAMMA a number from 0"),
    ("blocks:0", "blocks:0: in blocks:B, B is a whole number from 1, not 0"),
    ("blocks:2+blocks:4", "blocks:2+blocks:4: blocks and blocks contradict each other: one of them says where"),
    ("top:2+factor:1", "top:2+factor:1: top and factor contradict each other: one of them says how many"),
    ("cap:0.1,newest", "cap:0.1,newest: cap:ETA,newest is for a sampler with blocks, as in blocks:B+cap:0.1,newest"),
    ("cap:0.1+rescale:0.1", "cap:0.1+rescale:0.1: cap and rescale contradict each other: write one of them"),
    ("anchor+anchor", "anchor+anchor: anchor and anchor contradict each other: write one of them"),
    ("cap", "cap: write cap:ETA, ETA a number from 0 to 1"),
    ("cap:1.5", "cap:1.5: in cap:ETA, ETA is a number from 0 to 1, not 1.5"),
    ("wino:0.5+joint", "wino:0.5+joint: wino and joint contradict each other: one of them says how many"),
    ("blocks:2,margin", "blocks:2,margin: behind blocks:B and a comma stands nothing, not margin"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_no_sampler_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        sampler(text)
    assert str(refused.value).startswith(message) and "\n" not in str(refused.value)


def test_every_rule_says_source_and_rule() -> None:
    for row in SAMPLERS.values():
        assert row.rule.__doc__ and "Source:" in row.rule.__doc__
    assert set(ALIASES) == {"origin", "maskgit_plus", "topk_margin", "entropy"}
