"""The newest entry of each place in a log of replacements: one layer, one head, one decoding step."""

from __future__ import annotations

import random

import pytest

from lockstep.models.decode import decode
from lockstep.models.engines import available
from lockstep.models.sampling import Sampling
from lockstep.proofs_check.certificate import certify
from lockstep.tasks.log import log


def newest_entries(engine: str, runs: int) -> None:
    """Random logs, against a dictionary; places without an entry keep their mask."""
    rng, task = random.Random(4), log(9, 2, 6)
    for _ in range(runs):
        entries = [(rng.randint(1, 9), rng.randrange(4)) for _ in range(rng.randrange(1, 40))]
        tokens = task.start(entries)
        found = decode(task.model(), tokens, task.positions(len(tokens)), "ap-mdm", Sampling(engine=engine))
        newest = dict(entries)
        assert task.letters(found.tokens) == [newest.get(place) for place in range(1, 10)], entries
        assert (found.steps, found.peak_context, found.engine) == (1, len(tokens), engine)


@pytest.mark.parametrize("engine", available())
def test_the_newest_entry_of_a_place_is_one_lookup(engine: str) -> None:
    newest_entries(engine, 8)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_is_one_head_of_one_layer_and_certified(dtype: str) -> None:
    task = log(100, 5, 12)
    assert [len(layer.lookups) for layer in task.circuit.layers] == [1]
    assert certify(task.model(dtype), task.circuit).holds
    with pytest.raises(ValueError, match="4097 positions do not fit 12 index bits"):
        task.positions(4097)
