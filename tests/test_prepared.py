"""Translations that are kept: what they depend on, and what they serve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from kit.decoding import same_tokens
from kit.made_models import finding_model, lookup_model
from kit.translations import nothing_prepared

from lockstep.models.decode import decode
from lockstep.models.engines.native import prepared
from lockstep.models.engines.native.modules import usable
from lockstep.models.engines.native.prepared import MOST_KEPT, Preparing, digest
from lockstep.models.engines.native.session import NativeSession
from lockstep.models.engines.session import Unsuitable
from lockstep.models.positions import Positions
from lockstep.models.sampling import Sampling
from lockstep.models.tokens import Vocabulary
from lockstep.models.transformer import Factored, Transformer

compiled_only = pytest.mark.skipif(not usable(), reason="the native engine was not compiled")


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    with nothing_prepared():
        yield


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Preparing]:
    """Grows by one with each translation."""
    found: list[Preparing] = []
    translate = Preparing._made

    def counted(self: Preparing) -> prepared.Prepared:
        found.append(self)
        return translate(self)

    monkeypatch.setattr(Preparing, "_made", counted)
    return found


def with_controls() -> Transformer:
    return finding_model()[0]


NAMES = [name for name, weights in with_controls().tensors() if weights.size]


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_is_in_the_key(name: str) -> None:
    model, positions = with_controls(), Positions.of(finding_model()[2])
    before = digest(model, positions, 0)
    weights = dict(model.tensors())[name]
    for at in (0, -1):
        old = weights.flat[at]
        weights.flat[at] = old + 1
        assert digest(model, positions, 0) != before
        weights.flat[at] = old
        assert digest(model, positions, 0) == before


def test_the_shape_of_weights_is_in_the_key() -> None:
    """Two models with the same bytes."""
    model, _, positions = lookup_model(7)
    embedding = model.embedding
    other = replace(
        model, embedding=Factored(embedding.kind[:2], np.concatenate([embedding.kind[2:], embedding.one]), embedding.zero)
    )
    assert digest(model, Positions.of(positions), 0) != digest(other, Positions.of(positions), 0)


def test_what_else_is_in_the_key() -> None:
    model, _, positions = lookup_model(7)
    before = digest(model, Positions.of(positions), 0)
    assert digest(model, Positions.of(positions), 1) != before
    kinds = replace(model, vocabulary=Vocabulary((("BOS", 0), ("MASK", 0), ("B", 1))))
    assert digest(kinds, Positions.of(positions), 0) != before
    for row, column, value in ((3, 10, 99), (3, 10, -1), (0, 10, 5), (2, 10, 2.5)):  # the range, the first row, a fraction
        changed = positions.copy()
        changed[row, column] = value
        assert digest(model, Positions.of(changed), 0) != before, (row, column, value)
    moved = positions.copy()
    moved[[1, 2]] = moved[[2, 1]]
    assert digest(model, Positions.of(moved), 0) == before


@compiled_only
def test_a_model_is_translated_once(made: list[Preparing]) -> None:
    model, tokens, positions = lookup_model(7)
    first = same_tokens(model, tokens, positions, "native"), len(made)
    assert first == ("native", 2)  # a row showed that a column holds more than a bit
    assert (same_tokens(model, tokens, positions, "native"), len(made)) == first


@compiled_only
def test_what_cannot_be_translated_is_tried_once(made: list[Preparing]) -> None:
    model, tokens, positions = lookup_model(7)
    positions[3, 10] = -1
    for _ in range(2):
        with pytest.raises(Unsuitable, match="the position encoding has negative values"):
            NativeSession(model, [tokens], [Positions.of(positions)])
    assert len(made) == 1
    positions[3, 10] = 0
    assert NativeSession(model, [tokens], [Positions.of(positions)]).name == "native" and len(made) == 2


@compiled_only
def test_a_weight_that_changes_in_place_is_seen(made: list[Preparing]) -> None:
    model, tokens, positions = lookup_model(7)
    before = decode(model, tokens, positions, sampling=Sampling(engine="native"))
    model.unembedding.one[0, 11], model.unembedding.zero[0, 12] = 48, 16
    after = decode(model, tokens, positions, sampling=Sampling(engine="native"))
    assert after.tokens.tolist() == decode(model, tokens, positions).tokens.tolist() != before.tokens.tolist()
    assert len(made) == 4  # each twice


@compiled_only
def test_columns_that_were_too_wide_are_known_the_next_time(made: list[Preparing]) -> None:
    """The first sequence shows that a column holds more than a bit; the second starts with that."""
    model, tokens, positions = lookup_model(7)
    first = NativeSession(model, [tokens], [Positions.of(positions)])
    first.preparing.wide.add("layer 1, column 12")
    NativeSession(model, [tokens], [Positions.of(positions)])
    assert made[-1].wide == {"layer 1, column 12"} and len(made) == 2


@compiled_only
def test_no_more_are_kept_than_the_limit(made: list[Preparing]) -> None:
    model, tokens, positions = lookup_model(7)
    for n in range(MOST_KEPT + 3):
        positions[6, 10] = 6 + n
        NativeSession(model, [tokens], [Positions.of(positions)])
    assert len(prepared._kept) == MOST_KEPT == len(prepared._wide) and len(made) == MOST_KEPT + 3
    NativeSession(model, [tokens], [Positions.of(positions)])
    assert len(made) == MOST_KEPT + 3
