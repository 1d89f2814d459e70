"""Causal models: no row sees a later one. Agreement of decodes would not notice a mask that lets one position too many through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kit.causal import (
    LENGTH,
    asking_causal,
    careless_causal,
    counts_masks,
    finding_causal,
    follows,
    mixes,
    same_predictions,
    told,
    tying_causal,
    unclear_causal,
)
from kit.decoding import same_tokens
from kit.made_models import BROKEN, gives_up, tampered
from kit.random_models import KINDS, random_model
from numpy.typing import NDArray

from lockstep.models import engines
from lockstep.models.batch import decode_batch
from lockstep.models.decode import Decoder, decode
from lockstep.models.engines import ENGINES, ROWS_BEFORE_INDEXED, Unsuitable, available, pick, takes_causal
from lockstep.models.files import ModelFileError, load_model, save_model
from lockstep.models.positions import Positions
from lockstep.models.processes import THRESHOLD
from lockstep.models.sampling import Sampling
from lockstep.models.sequence import Change
from lockstep.models.torch_transformer import TorchTransformer
from lockstep.models.transformer import Layer, Transformer

#: The engines that compute causal models. Those that keep what they computed refuse a step that changes it.
CAUSAL = tuple(name for name in available() if takes_causal(name))
FAST, KEEPING = ([name for name in CAUSAL if name != other] for other in ("dense", "native"))


native_only = pytest.mark.skipif("native" not in CAUSAL, reason="the native engine was not compiled")


def random_causal(seed: int) -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """Two layers of random weights, whose heads mix rows; random tokens and positions."""
    random, model = np.random.default_rng(seed), random_model(seed)
    both = (*model.layers, *random_model(seed + 100).layers)
    layers = tuple(Layer(*(part / 4 for part in vars(layer).values())) for layer in both)  # small scores: heads mix all rows
    return replace(model, layers=layers, causal=True), random.integers(0, KINDS.size, LENGTH), random.normal(size=(LENGTH, 7))


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


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("first", [1, 4, LENGTH])
def test_a_fast_engine_finds_no_later_row(first: int, seed: int, engine: str) -> None:
    model, tokens, positions = finding_causal(seed)
    same_predictions(told(engine, model, tokens, positions, first), told("dense", model, tokens, positions, first))


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize("seed", range(10))
def test_whatever_stands_behind_a_row_its_prediction_is_the_same(seed: int, engine: str) -> None:
    """All rows are given at once, and those behind one have other tokens and numbers; or there are none."""
    model, tokens, positions = finding_causal(seed)
    random = np.random.default_rng(seed)
    whole = told(engine, model, tokens, positions, LENGTH)
    for row in range(1, LENGTH):
        other, moved = tokens.copy(), positions.copy()
        other[row:] = random.integers(2, 4, LENGTH - row)
        moved[row:, 4:10] = random.integers(0, 2, (LENGTH - row, 6))
        found = told(engine, model, other, moved, LENGTH), told(engine, model, tokens[:row], positions, row)
        for prediction in found:
            same_predictions(prediction.part(slice(row)), whole.part(slice(row)))


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize("first", [1, 60, 150, 700, 1100])
def test_many_rows_at_once_see_no_later_one(first: int, engine: str) -> None:
    """The native engine computes up to 512 rows together, and 64 of them in each word."""
    model, tokens, positions = finding_causal(first, 1100)
    same_predictions(told(engine, model, tokens, positions, first), told("dense", model, tokens, positions, 1))


def test_these_lookups_have_later_rows_to_find() -> None:
    """With full attention, most of these models predict something else: so the test above is not empty."""
    different = 0
    for seed in range(60):
        model, tokens, positions = finding_causal(seed)
        full = replace(model, causal=False)
        different += not np.array_equal(streams(model, tokens, positions), streams(full, tokens, positions))
    assert different >= 40


def test_active_leaves_causal_models_to_the_others() -> None:
    model, tokens, positions = finding_causal(0)
    with pytest.raises(Unsuitable):
        ENGINES["active"](model, [tokens], [Positions.of(positions)], "cpu")
    left = Decoder(model, tokens[:3], positions, "arm", Sampling(engine="active")).engine
    assert left.startswith("dense (not active: ")


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


@native_only
@pytest.mark.parametrize("seed", range(40))
def test_native_follows_rows_that_change_or_go(seed: int) -> None:
    follows(seed)


@native_only
@pytest.mark.parametrize("seed", range(20))
def test_native_steps_and_steps_of_others_mix(seed: int) -> None:
    mixes(seed)


@native_only
def test_native_counts_masks_that_it_is_told() -> None:
    counts_masks()


@native_only
def test_a_whole_decode_of_arm_is_what_its_steps_are() -> None:
    model, tokens, positions = finding_causal(3)
    whole = decode(model, tokens[:2], positions, "arm", Sampling(engine="native"))
    steps = list(Decoder(model, tokens[:2], positions, "arm", Sampling(engine="native")))
    reference = decode(model, tokens[:2], positions, "arm", Sampling(engine="dense"))
    assert whole.engine == "native" and whole.tokens.tolist() == reference.tokens.tolist() == steps[-1].tokens.tolist()
    assert whole.context == reference.context == (2, *(step.change.length for step in steps))


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize("seed", range(20))
def test_rows_that_do_not_ask_or_predict_nothing(seed: int, engine: str) -> None:
    model, tokens, positions = asking_causal(seed)
    for first in (1, 5, LENGTH):
        same_predictions(told(engine, model, tokens, positions, first), told("dense", model, tokens, positions, first))
    assert same_tokens(model, tokens[:5], positions, engine, "arm") == engine


@native_only
def test_probabilities_that_are_unclear_are_left_to_the_reference() -> None:
    model, tokens, positions = unclear_causal()
    assert same_tokens(model, tokens[:2], positions, "native", "arm").endswith(
        " (not native: a probability is too near to the threshold)"
    )
    with pytest.raises(Unsuitable, match="a probability is too near to the threshold"):
        told("native", model, tokens, positions, 2)


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize("name", BROKEN)
def test_broken_preconditions_never_differ_silently(name: str, engine: str) -> None:
    """A causal model gives up for the reason for which an encoder does, or writes the same tokens."""
    model, tokens, positions = tampered(name)
    causal = replace(model, causal=True)
    for first in (2, 4, 6):
        assert same_tokens(causal, tokens[:first], positions, engine, "arm") in (engine, gives_up(engine, name))


@pytest.mark.parametrize("engine", CAUSAL)
def test_several_sequences_are_decoded_as_each_alone(engine: str) -> None:
    starts = [(finding_causal(2)[1][:n], Positions.of(finding_causal(seed)[2])) for seed, n in ((2, 1), (3, 4), (4, 6))]
    model = finding_causal(2)[0]
    together = decode_batch(model, starts, "arm", Sampling(engine=engine))
    for (tokens, positions), found in zip(starts, together):
        alone = decode(model, tokens, positions, "arm", Sampling(engine="dense"))
        assert (found.tokens.tolist(), found.context) == (alone.tokens.tolist(), alone.context)
        assert found.steps == LENGTH - len(tokens) and found.context == tuple(range(len(tokens), LENGTH + 1))


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize("seed", range(30))
def test_keys_that_match_any_number(seed: int, engine: str) -> None:
    model, tokens, positions = careless_causal(seed)
    for first in (1, 5, LENGTH):
        same_predictions(told(engine, model, tokens, positions, first), told("dense", model, tokens, positions, first))


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize("tying", [tying_causal(), careless_causal(5, tie=True)], ids=["one number", "any number"])
def test_keys_that_tie_are_left_to_the_reference(engine: str, tying: tuple[Any, Any, Any]) -> None:
    model, tokens, positions = tying
    found = decode(model, tokens[:6], positions, "arm", Sampling(engine=engine))
    assert found.engine == f"dense (not {engine}: a query finds two keys that are equally recent)"


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


def test_auto_takes_the_fastest_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    if "native" in CAUSAL:
        assert pick(10, 5, causal=True) == pick(ROWS_BEFORE_INDEXED + 1, 5, causal=True) == "native"
    monkeypatch.setattr(engines, "usable", tuple)
    assert pick(ROWS_BEFORE_INDEXED, 5, causal=True) == "dense"
    assert pick(ROWS_BEFORE_INDEXED + 1, 5, causal=True) == "indexed"
