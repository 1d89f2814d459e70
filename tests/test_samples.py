"""Samples: tokens drawn from the model's whole distribution, the same by every engine. Without a sampler, no doubtful token is taken."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import torch
from kit.commands import Do
from kit.decoding import starts_of, sums
from kit.random_models import KINDS, random_model

from lockstep.models.decode import Decoder, Decoding, decode
from lockstep.models.drawing import Logits, Sampler, odds
from lockstep.models.editing import NotCertain, OutOfPositions
from lockstep.models.engines import ENGINES, Unsuitable, available
from lockstep.models.on_device import decode_on_device
from lockstep.models.positions import Positions
from lockstep.models.samples import decode_samples
from lockstep.models.sampling import Sampling
from lockstep.models.torch_transformer import TorchTransformer
from lockstep.proofs_check.tasks.dyck import chance_of_more
from lockstep.tasks.counting_arm import counting_arm, numbered
from lockstep.tasks.dyck import GO, START, dyck


def softmax_of(seed: int) -> tuple[Logits, np.ndarray]:
    """Logits of some rows of a random model, and the softmax over all its tokens but MASK, from the full matrix."""
    model = random_model(seed)
    x = np.random.default_rng(seed).normal(size=(5, model.width))
    full = x @ model.unembedding.full_matrix(KINDS).T
    full[:, KINDS.mask] = -np.inf
    weights = np.exp(full - full.max(axis=1, keepdims=True))
    return TorchTransformer(model).logits(torch.from_numpy(x)), weights / weights.sum(axis=1, keepdims=True)


def probability(kinds: np.ndarray, ones: np.ndarray, token: int) -> float:
    """That of a token, from the odds of kinds and bits of one row."""
    kind, value = KINDS.split(token)
    bits = [ones[j] if value >> j & 1 else 1 - ones[j] for j in range(KINDS.bits(kind))]
    return float(kinds[[name for name, _ in KINDS.kinds].index(kind)] * np.prod(bits))


@pytest.mark.parametrize("seed", range(5))
def test_the_odds_are_the_softmax_over_all_tokens(seed: int) -> None:
    logits, wanted = softmax_of(seed)
    kinds, ones = odds(logits, KINDS)
    for row in range(len(wanted)):
        found = [probability(kinds[row], ones[row], token) for token in range(KINDS.size)]
        assert np.allclose(found, wanted[row], rtol=1e-12, atol=0)


def test_large_logits_round_nothing() -> None:
    logits = Logits(np.array([[0, 0, 2048.0, 1024]]), np.full((1, 3), 1024.0), np.full((1, 3), 1024.0))
    kinds, ones = odds(logits, KINDS)
    assert kinds.tolist() == [[0, 0, 0.0 + kinds[0, 2], kinds[0, 3]]] and ones.tolist() == [[0.5] * 3]
    assert (kinds[0, 2], kinds[0, 3]) == (0.0, 1.0), "3072 beside 4096"


@pytest.mark.parametrize("seed", range(3))
def test_draws_follow_the_odds(seed: int) -> None:
    logits, wanted = softmax_of(seed)
    sampler, many = Sampler(KINDS, seed, 0), 4000
    drawn = np.array([sampler.draw(logits) for _ in range(many)])
    for row in range(len(wanted)):
        counts = Counter(drawn[:, row].tolist())
        cells = [(counts[token], many * chance) for token, chance in enumerate(wanted[row]) if many * chance >= 5]
        statistic = sum((found - expected) ** 2 / expected for found, expected in cells)
        assert chance_of_more(statistic, len(cells) - 1) > 1e-6
        assert KINDS.mask not in counts


def test_chances_of_chi_squared() -> None:
    """Values from tables."""
    for statistic, degrees, chance in ((3.841459, 1, 0.05), (5.991465, 2, 0.05), (11.070498, 5, 0.05), (18.307038, 10, 0.05),
                                       (16.2662, 3, 0.001), (0.0, 4, 1.0)):  # fmt: skip
        assert chance_of_more(statistic, degrees) == pytest.approx(chance, rel=1e-4)


# -- decodes -------------------------------------------------------------------------------------------

TASK = dyck(2, 7)
MODEL = TASK.model()
ROOM = TASK.positions(128)


def words(engine: str, seed: int, samples: range) -> list[tuple[list[int], int, int]]:
    found = [decode(MODEL, TASK.tokens(START), ROOM, "ap-mdm", Sampling(engine=engine, seed=seed, sample=n)) for n in samples]
    return [(each.tokens.tolist(), each.steps, each.peak_context) for each in found]


DENSE = words("dense", 1, range(12))


@pytest.mark.parametrize("engine", [name for name in available() if name != "dense"])
def test_every_engine_draws_the_same(engine: str) -> None:
    assert words(engine, 1, range(12)) == DENSE


def test_the_native_engine_hands_over() -> None:
    if "native" in available():
        found = decode(MODEL, TASK.tokens(START), ROOM, "ap-mdm", Sampling(engine="native", seed=1, sample=0))
        assert found.engine.startswith("indexed (not native: ")


def test_the_seed_and_the_number_of_the_sample_count() -> None:
    assert words("dense", 1, range(12)) == DENSE
    assert words("dense", 2, range(12)) != DENSE
    assert len({str(word) for word in DENSE}) > 3


@pytest.mark.parametrize("engine", ["dense", "indexed", "active"])
def test_samples_together_are_those_alone(engine: str) -> None:
    together = list(decode_samples(MODEL, (TASK.tokens(START), ROOM), "ap-mdm", Sampling(engine=engine, seed=1), range(12)))
    assert [each.tokens.tolist() for each in together if isinstance(each, Decoding)] == [tokens for tokens, _, _ in DENSE]
    some = list(decode_samples(MODEL, (TASK.tokens(START), ROOM), "ap-mdm", Sampling(engine=engine, seed=1), [7, 3]))
    assert [each.tokens.tolist() for each in some if isinstance(each, Decoding)] == [DENSE[7][0], DENSE[3][0]]


@pytest.mark.parametrize("engine", ["dense", "indexed", "active"])
def test_what_outgrows_its_positions_is_refused(engine: str) -> None:
    """Samples that fit are as they are with more room, and the others are errors."""
    small = TASK.positions(8)
    found = list(decode_samples(MODEL, (TASK.tokens(START), small), "ap-mdm", Sampling(engine=engine, seed=1), range(12)))
    assert any(isinstance(each, OutOfPositions) for each in found)
    for each, (tokens, steps, longest) in zip(found, DENSE):
        if isinstance(each, OutOfPositions):
            assert longest > 8 and "but there are 8 positions" in str(each)
        else:
            assert (each.tokens.tolist(), each.steps, each.peak_context) == (tokens, steps, longest) and longest <= 8


@pytest.mark.parametrize("process", ["mdm", "ap-mdm", "ao-mdm", "arm"])
def test_where_every_token_is_certain_a_sample_is_the_decode(process: str) -> None:
    any_order = process == "ao-mdm"
    compiled, ((tokens, positions),) = starts_of(sums(2), "mdm" if any_order else process)
    order = "random" if any_order else "parallel"
    for engine in ("dense", "indexed"):
        plain = decode(compiled.model, tokens, positions, process, Sampling(order, engine=engine))
        sample = decode(compiled.model, tokens, positions, process, Sampling(order, engine=engine, sample=3))
        assert (sample.tokens.tolist(), sample.steps, sample.engine) == (plain.tokens.tolist(), plain.steps, engine)


# -- refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", available())
def test_a_token_that_is_not_certain_is_refused(engine: str) -> None:
    """With the row and the step: also where the steps before are certain."""
    said = "^decoding step {}: the mask at position {} takes a token, and no token is certain there; such a model needs a sampler"
    with pytest.raises(NotCertain, match=said.format(1, 1)):
        decode(MODEL, TASK.tokens(START), ROOM, "ap-mdm", Sampling(engine=engine))
    started = TASK.tokens((GO, GO))
    assert next(iter(Decoder(MODEL, started, ROOM, "ap-mdm", Sampling(engine=engine)))).tokens.tolist() == [0, 1, 2, 1]
    with pytest.raises(NotCertain, match=said.format(2, 3)):
        decode(MODEL, started, ROOM, "ap-mdm", Sampling(engine=engine))


def test_it_is_refused_on_a_device_as_well() -> None:
    starts = [(TASK.tokens((GO, GO)), ROOM), (TASK.tokens(()), ROOM)]
    error, fine = decode_on_device(MODEL, starts, "ap-mdm")
    with pytest.raises(NotCertain) as alone:
        decode(MODEL, *starts[0], "ap-mdm")
    assert isinstance(error, NotCertain) and (str(error), error.row) == (str(alone.value), 3)
    assert isinstance(fine, Decoding) and fine.steps == 0


def test_an_arm_draws_though_no_token_is_certain() -> None:
    """Its letters are as likely as their inverses, so without a sampler it writes nothing."""
    arm, tokens = counting_arm(10, 40), np.zeros(1, np.int64)
    model, places = arm.model(), numbered(arm, 21)
    with pytest.raises(Exception, match="the row at position 0 predicts nothing"):
        decode(model, tokens, places, "arm")
    found = {
        engine: [decode(model, tokens, places, "arm", Sampling(engine=engine, sample=n)).tokens.tolist() for n in range(5)]
        for engine in ENGINES
        if engine in available() and engine != "active"
    }
    assert all(samples == found["dense"] for samples in found.values())
    assert len({str(sample) for sample in found["dense"]}) == 5 and all(len(sample) == 21 for sample in found["dense"])


def test_a_session_without_odds_leaves_the_decode_to_the_next() -> None:
    """In the middle of a decode: the next engine starts from the sequence as it is."""
    decoder = Decoder(MODEL, TASK.tokens(START), Positions.of(ROOM), "ap-mdm", Sampling(engine="active", seed=1, sample=1))
    steps = iter(decoder)
    for _ in range(4):
        next(steps)

    def refuse(number: int, rows: np.ndarray) -> Logits:
        raise Unsuitable("it has had enough")

    decoder.session.logits = refuse  # type: ignore[method-assign]
    assert [step.tokens.tolist() for step in steps][-1] == DENSE[1][0]
    assert decoder.engine == "dense (not active: it has had enough)"


def test_decode_draws_samples(alone: Do) -> None:
    """Every token of a program's model is certain, so each sample is the run."""
    for process in ("mdm", "ap-mdm"):
        plain = json.loads(alone(f"decode tree_sum --size 2 --process {process} --engine dense --json").out)
        drawn = json.loads(alone(f"decode tree_sum --size 2 --process {process} --samples 2 --json").out)
        assert drawn == {**plain, "samples": 2}
    outcome = alone("decode tree_sum --size 2 --samples 2 --trace")
    assert outcome.status == 2 and "--samples takes one input, and shows no steps" in outcome.err
