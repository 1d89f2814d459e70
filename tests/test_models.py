"""The model by itself: factored tokens against full matrices, the sampler, the decoding loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from kit.decoding import predicted
from kit.made_models import lookup_model
from kit.random_models import KINDS, chain_model, made, random_model

from lockstep.models.decode import decode
from lockstep.models.editing import NotFinished
from lockstep.models.engines import ENGINES
from lockstep.models.orders import ORDERS, selector
from lockstep.models.processes import PROCESSES, THRESHOLD, Edits
from lockstep.models.sampling import Sampling
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.torch_transformer import TorchTransformer
from lockstep.models.transformer import MAX_FULL_VOCABULARY, Factored, Layer


def test_vocabulary_numbers_tokens() -> None:
    assert (KINDS.size, KINDS.mask, KINDS.token("B", 5)) == (12, 1, 9)
    assert [KINDS.split(t) for t in (0, 1, 3, 11)] == [("BOS", 0), (MASK, 0), ("A", 1), ("B", 7)]
    assert [KINDS.text(t) for t in (0, 9)] == ["BOS", "B 5"]
    for wrong in (lambda: KINDS.token("A", 2), lambda: KINDS.split(12), lambda: KINDS.split(-1)):
        with pytest.raises(ValueError, match="A has values|no token"):
            wrong()


@pytest.mark.parametrize("seed", range(5))
def test_embedding_is_a_row_of_the_full_matrix(seed: int) -> None:
    model = random_model(seed)
    embedded = TorchTransformer(model).embed(torch.arange(KINDS.size)).numpy()
    assert np.allclose(embedded, model.embedding.full_matrix(KINDS))


@pytest.mark.parametrize("seed", range(20))
def test_prediction_is_the_full_softmax_without_mask(seed: int) -> None:
    model = random_model(seed)
    x = np.random.default_rng(seed).normal(size=(6, 7))
    logits = x @ model.unembedding.full_matrix(KINDS).T
    logits[:, KINDS.mask] = -np.inf
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    prediction = predicted(model, x)
    assert np.array_equal(prediction.token, softmax.argmax(1))
    assert np.allclose(prediction.probability, softmax.max(1))


def test_large_vocabularies_are_not_spelled_out() -> None:
    large = Vocabulary(((MASK, 0), ("WORD", 17)))
    factored = Factored(np.zeros((2, 1)), np.zeros((17, 1)), np.zeros((17, 1)))
    with pytest.raises(
        ValueError, match=f"vocabulary of 131073 tokens is too large for full matrices; the limit is {MAX_FULL_VOCABULARY}"
    ):
        factored.full_matrix(large)


def test_the_sampler_unmasks_what_is_likely_enough() -> None:
    tokens = np.array([0, 1, 1, 1])
    prediction = made([4, 5, 6, 7], [1.0, THRESHOLD, 0.89, 1.0])
    after = PROCESSES["mdm"].step(tokens, prediction, 1, lambda ready: ready)
    assert after.tolist() == [0, 5, 1, 7]
    assert tokens.tolist() == [0, 1, 1, 1]


def test_orders_choose_a_non_empty_part() -> None:
    ready, none = np.array([3, 5, 8, 9]), np.zeros(4, np.bool_)
    sizes = {name: {1} for name in ORDERS} | {"parallel": {4}, "random-subsets": {1, 2, 3, 4}}
    for name in ORDERS:
        select = selector(np.zeros(10, np.int64), Vocabulary((("MASK", 0), ("A", 3))), Sampling(name, 1))
        chosen = [select(Edits(ready, ready - 2, none, none)).rows.tolist() for _ in range(30)]
        assert {len(rows) for rows in chosen} == sizes[name]
        assert all(set(rows) <= set(ready.tolist()) for rows in chosen)


def test_decoding_counts_steps_and_context() -> None:
    model, tokens, positions = chain_model(5)
    decoding = decode(model, tokens, positions)
    assert decoding.tokens.tolist() == [0, 3, 3, 3, 3]
    assert (decoding.steps, decoding.context, decoding.peak_context) == (4, (5,) * 5, 5)


def test_decoding_that_cannot_go_on_is_an_error() -> None:
    model, tokens, positions = chain_model(5)
    positions[3, 2 + 5 + 2], positions[3, 2 + 5 + 4] = 0, 1  # position 3 waits for position 4, which waits for it
    with pytest.raises(NotFinished, match="^decoding step 3: no position is ready, but 2 are still masked$"):
        decode(model, tokens, positions)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("last", [True, False], ids=["behind", "before"])
def test_a_layer_may_have_no_heads(engine: str, last: bool) -> None:
    """A layer that adds nothing changes nothing. Engines that look for lookups leave it to the reference."""
    model, tokens, positions = lookup_model(7)
    d = model.width
    nothing = Layer(*(np.zeros(shape) for shape in ((0, 2, d), (0, 2, d), (0, 2, d), (0, d, 2), (0, d), (0,), (d, 0))))
    layers = (*model.layers, nothing) if last else (nothing, *model.layers)
    wanted = decode(model, tokens, positions, sampling=Sampling(engine="dense"))
    found = decode(replace(model, layers=layers), tokens, positions, sampling=Sampling(engine=engine))
    assert np.array_equal(found.tokens, wanted.tokens) and found.steps == wanted.steps
    assert found.engine.startswith(engine if engine in ("dense", "active") else f"dense (not {engine}: ")
