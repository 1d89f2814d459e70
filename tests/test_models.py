"""The model by itself: factored tokens against full matrices, the sampler, the decoding loop."""

from __future__ import annotations

import pytest
import torch

from lockstep.models.decode import decode
from lockstep.models.editing import ORDERS, NotFinished
from lockstep.models.processes import PROCESSES, THRESHOLD
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import MAX_SPELLED, Factored, Layer, Prediction, Transformer

KINDS = Vocabulary((("BOS", 0), (MASK, 0), ("A", 1), ("B", 3)))


def random_model(seed: int, width: int = 7, dtype: torch.dtype = torch.float64) -> Transformer:
    generator = torch.Generator().manual_seed(seed)

    def matrix(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype)

    factored = [Factored(matrix(4, width), matrix(3, width), matrix(3, width)) for _ in range(2)]
    heads = (matrix(2, 4, width), matrix(2, 4, width), matrix(2, 4, width), matrix(2, width, 4))
    layer = Layer(*heads, matrix(5, width), matrix(5), matrix(width, 5))
    return Transformer(KINDS, factored[0], (layer,), factored[1])


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
    tokens = torch.arange(KINDS.size)
    assert torch.allclose(model.embed(tokens), model.embedding.spelled(KINDS)[tokens])


@pytest.mark.parametrize("seed", range(20))
def test_prediction_is_the_full_softmax_without_mask(seed: int) -> None:
    model = random_model(seed)
    x = torch.randn(6, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    logits = x @ model.unembedding.spelled(KINDS).T
    logits[:, KINDS.mask] = -torch.inf
    best, token = torch.softmax(logits, 1).max(1)
    prediction = model.predict(x)
    assert torch.equal(prediction.token, token)
    assert torch.allclose(prediction.probability, best)


def test_large_vocabularies_are_not_spelled_out() -> None:
    large = Vocabulary(((MASK, 0), ("WORD", 17)))
    factored = Factored(torch.zeros(2, 1), torch.zeros(17, 1), torch.zeros(17, 1))
    with pytest.raises(ValueError, match=f"vocabulary of 131073 tokens is not spelled out; the limit is {MAX_SPELLED}"):
        factored.spelled(large)


def made(tokens: list[int], probabilities: list[float]) -> Prediction:
    return Prediction(torch.tensor(tokens), torch.tensor(probabilities), None)


def test_the_sampler_unmasks_what_is_likely_enough() -> None:
    tokens = torch.tensor([0, 1, 1, 1])
    prediction = made([4, 5, 6, 7], [1.0, THRESHOLD, 0.89, 1.0])
    after = PROCESSES["mdm"].step(tokens, prediction, 1, lambda ready: ready)
    assert after.tolist() == [0, 5, 1, 7]
    assert tokens.tolist() == [0, 1, 1, 1]


def test_orders_choose_a_non_empty_part() -> None:
    ready = torch.tensor([3, 5, 8, 9])
    for name, make in ORDERS.items():
        choose = make(torch.Generator().manual_seed(1))
        sizes = set()
        for _ in range(30):
            chosen = choose(ready)
            assert len(chosen) and set(chosen.tolist()) <= set(ready.tolist())
            sizes.add(len(chosen))
        expected = {"parallel": {4}, "left-to-right": {1}, "random": {1}, "random-subsets": {1, 2, 3, 4}}
        assert sizes == expected[name]


def chain_model(length: int) -> tuple[Transformer, torch.Tensor, torch.Tensor]:
    """Position i predicts token A 1 once position i - 1 is no mask: one head finds the row before.

    Residual: 0 mask flag, 1 found-before-unmasked, 2.. one-hot position, then one-hot of the position before.
    """
    width = 2 + 2 * length
    zero = torch.zeros
    kind, one = zero(4, width), zero(3, width)
    kind[1, 0] = 1
    positions = zero(length, width)
    for i in range(length):
        positions[i, 2 + i] = 1
        if i:
            positions[i, 1 + length + i] = 1
    q, k, v, o = zero(1, length, width), zero(1, length, width), zero(1, length, width), zero(1, width, length)
    for i in range(length):
        q[0, i, 2 + length + i] = 100
        k[0, i, 2 + i] = 1
    v[0, 0, 0], o[0, 1, 0] = -1, 1
    layer = Layer(q, k, v, o, zero(1, width), zero(1), zero(width, 1))
    unembedding = Factored(zero(4, width), zero(3, width), zero(3, width))
    unembedding.kind[2, 2 : 2 + length] = 20
    unembedding.kind[2, 1] = 20  # -20 while the row before is masked: all tokens alike
    unembedding.one[0, 2 : 2 + length] = 10
    unembedding.one[0, 1] = 10
    model = Transformer(KINDS, Factored(kind, one, zero(3, width)), (layer,), unembedding)
    return model, torch.tensor([0] + [KINDS.mask] * (length - 1)), positions


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
