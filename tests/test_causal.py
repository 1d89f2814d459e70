"""Causal models: no row sees a later one. Agreement of decodes would not notice a mask that lets one position too many through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kit.made_models import lookup_model
from kit.random_models import KINDS, random_model
from numpy.typing import NDArray

from lockstep.models.batch import decode_batch
from lockstep.models.decode import Decoder, decode
from lockstep.models.engines import ENGINES, Session, Unsuitable
from lockstep.models.files import ModelFileError, load_model, save_model
from lockstep.models.positions import Positions
from lockstep.models.processes import THRESHOLD
from lockstep.models.sampling import Sampling
from lockstep.models.sequence import Change
from lockstep.models.torch_transformer import TorchTransformer
from lockstep.models.transformer import Layer, Prediction, Transformer

LENGTH = 9
#: The engines that compute causal models.
CAUSAL = ("dense", "indexed")


def random_causal(seed: int) -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """Two layers of random weights, whose heads mix rows; random tokens and positions."""
    random, model = np.random.default_rng(seed), random_model(seed)
    both = (*model.layers, *random_model(seed + 100).layers)
    layers = tuple(Layer(*(part / 4 for part in vars(layer).values())) for layer in both)  # small scores: heads mix all rows
    return replace(model, layers=layers, causal=True), random.integers(0, KINDS.size, LENGTH), random.normal(size=(LENGTH, 7))


def finding_causal(seed: int) -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """A lookup made by hand: every row asks for a random number, which earlier rows have, or later ones, or none."""
    model, _, positions = lookup_model(LENGTH)
    (layer,) = model.layers
    q = layer.q.copy()
    q[0, 4] = 0  # every row asks
    random = np.random.default_rng(seed)
    positions[1:, 4:10] = random.integers(0, 2, (LENGTH - 1, 6))
    positions[1:, 10] = 1 + random.permutation(LENGTH - 1)
    model.unembedding.kind[2, 3], model.unembedding.one[0, 3] = 32, 8  # what finds nothing becomes an A, too
    causal = replace(model, layers=(replace(layer, q=q),), causal=True)
    return causal, np.array([0, *random.integers(2, 4, LENGTH - 1)]), positions


def streams(model: Transformer, tokens: NDArray[Any], positions: NDArray[Any]) -> NDArray[Any]:
    reference = TorchTransformer(model)
    return reference.forward(reference.embed(torch.from_numpy(tokens)) + reference.tensor(positions)).numpy()


@pytest.mark.parametrize("seed", range(10))
def test_no_row_of_the_reference_sees_a_later_one(seed: int) -> None:
    """Whatever stands behind a row, its stream is the same bit for bit; and the row behind it does see it."""
    model, tokens, positions = random_causal(seed)
    whole = streams(model, tokens, positions)
    for row in range(1, LENGTH):
        other, moved = tokens.copy(), positions.copy()
        other[row], moved[row] = (tokens[row] + 1) % KINDS.size, positions[row] + 1
        found = streams(model, other, moved)
        assert np.array_equal(found[:row], whole[:row])
        assert (found[row:] != whole[row:]).any(axis=1).all(), "a row does not see one before it"


def told(engine: str, model: Transformer, tokens: NDArray[Any], positions: NDArray[Any], first: int) -> Prediction:
    """What a session predicts on every row, if the first so many tokens are given at once and the others one by one."""
    session: Session = ENGINES[engine](model, [tokens[:first]], [Positions.of(positions)], "cpu")
    parts = session.predict([0])
    for length in range(first + 1, len(tokens) + 1):
        session.update(0, Change(np.array([length - 1]), length), tokens[:length])
        parts += session.predict([0])
    assert np.array_equal(np.concatenate([rows for rows, _ in parts]), np.arange(len(tokens)))
    return Prediction(*(np.concatenate([getattr(p, name) for _, p in parts]) for name in ("token", "probability")), None)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("first", [1, 4, LENGTH])
def test_the_cache_gives_what_the_whole_sequence_gives(first: int, seed: int) -> None:
    """Soft heads with random weights: one position too many, or one too few, changes every probability."""
    model, tokens, positions = random_causal(seed)
    reference = TorchTransformer(model)
    whole = reference.predict(reference.tensor(streams(model, tokens, positions))).on_cpu()
    found = told("dense", model, tokens, positions, first)
    assert np.array_equal(found.token, whole.token)
    assert np.allclose(found.probability, whole.probability, rtol=1e-9, atol=0)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("first", [1, 4, LENGTH])
def test_the_indexed_engine_finds_no_later_row(first: int, seed: int) -> None:
    model, tokens, positions = finding_causal(seed)
    dense, indexed = (told(engine, model, tokens, positions, first) for engine in CAUSAL)
    assert np.array_equal(dense.token, indexed.token)
    assert np.array_equal(dense.probability >= 0.9, indexed.probability >= 0.9)


def test_these_lookups_have_later_rows_to_find() -> None:
    """With full attention, most of these models predict something else: so the test above is not empty."""
    different = 0
    for seed in range(60):
        model, tokens, positions = finding_causal(seed)
        full = replace(model, causal=False)
        different += not np.array_equal(streams(model, tokens, positions), streams(full, tokens, positions))
    assert different >= 40


@pytest.mark.parametrize("engine", [name for name in ENGINES if name not in CAUSAL])
def test_other_engines_leave_causal_models_to_these(engine: str) -> None:
    model, tokens, positions = finding_causal(0)
    with pytest.raises(Unsuitable):
        ENGINES[engine](model, [tokens], [Positions.of(positions)], "cpu")
    left = Decoder(model, tokens[:3], positions, "arm", Sampling(engine=engine)).engine
    assert left.startswith("indexed (not native: " if engine == "native" else "dense (not active: ")


@pytest.mark.parametrize("engine", CAUSAL)
def test_rows_behind_one_that_changes_are_computed_anew(engine: str) -> None:
    """Tokens change, go and come back: each time the last rows are those of a session that starts there."""
    for seed in range(8):
        model, tokens, positions = finding_causal(seed)
        session = ENGINES[engine](model, [tokens[:5]], [Positions.of(positions)], "cpu")
        session.predict([0])
        other = tokens.copy()
        other[3] = tokens[2]
        changes = ((Change(np.array([3]), 5), other[:5]), (Change(np.zeros(0, np.int64), 4), other[:4]),
                   (Change(np.array([4, 5]), 6), np.append(other[:4], tokens[4:6])))  # fmt: skip
        for change, now in changes:
            session.update(0, change, now)
            ((rows, found),) = session.predict([0])
            fresh = ENGINES["dense"](model, [now], [Positions.of(positions)], "cpu")
            ((_, wanted),) = fresh.predict([0])
            assert rows[-1] == len(now) - 1 and (len(change.rows) == 0 or rows[0] <= change.rows[0])
            assert found.token.tolist() == wanted.token[rows].tolist()
            assert ((found.probability >= THRESHOLD) == (wanted.probability[rows] >= THRESHOLD)).all()


@pytest.mark.parametrize("engine", CAUSAL)
def test_several_sequences_are_decoded_as_each_alone(engine: str) -> None:
    starts = [(finding_causal(2)[1][:n], Positions.of(finding_causal(seed)[2])) for seed, n in ((2, 1), (3, 4), (4, 6))]
    model = finding_causal(2)[0]
    together = decode_batch(model, starts, "arm", Sampling(engine=engine))
    for (tokens, positions), found in zip(starts, together):
        alone = decode(model, tokens, positions, "arm", Sampling(engine="dense"))
        assert (found.tokens.tolist(), found.context) == (alone.tokens.tolist(), alone.context)
        assert found.steps == LENGTH - len(tokens) and found.context == tuple(range(len(tokens), LENGTH + 1))


def test_keys_that_tie_are_left_to_the_reference() -> None:
    model, tokens, positions = finding_causal(5)
    positions[2, 4:7] = positions[3, 4:7] = positions[4, 7:10] = 1
    positions[2, 10] = positions[3, 10] = LENGTH + 1
    found = decode(model, tokens[:6], positions, "arm", Sampling(engine="indexed"))
    assert found.engine.startswith("dense (not indexed: ")


def test_files_keep_that_a_model_is_causal(tmp_path: Path) -> None:
    model = random_causal(0)[0]
    for causal in (True, False):
        save_model(tmp_path / "m", replace(model, causal=causal), {})
        assert load_model(tmp_path / "m")[0].causal is causal


def test_a_file_with_unknown_attention_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lockstep.models import files

    monkeypatch.setitem(files.CAUSAL, True, {"attention": "sideways"})
    save_model(tmp_path / "m", random_causal(0)[0], {})
    with pytest.raises(ModelFileError, match="its attention is 'sideways', but this version knows 'causal'"):
        load_model(tmp_path / "m")
