"""Parity by editing: every short word, long ones, closed forms with equality, and what holds of its circuits."""

from __future__ import annotations

import json
import time
from itertools import product

import numpy as np
import pytest
from kit.commands import Do

from lockstep.models.decode import decode
from lockstep.models.engines import available
from lockstep.models.engines.dense import DenseSession
from lockstep.models.processes import PROCESSES
from lockstep.models.sampling import Sampling
from lockstep.models.tokens import MASK
from lockstep.proofs_check.certificate import certify
from lockstep.tasks.kit import Task
from lockstep.tasks.parity import KINDS, ONE, WAYS, ZERO


def decided(task: Task, word: tuple[int, ...], engine: str) -> tuple[list[str], int, int, str]:
    """What is left behind BOS, the decoding steps, the longest context and the engine."""
    tokens = task.tokens(KINDS[bit] for bit in word)
    found = decode(task.model(), tokens, task.positions(max(3, len(tokens))), "ap-mdm", Sampling("parallel", engine=engine))
    return task.kinds(found.tokens), found.steps, found.peak_context, found.engine


@pytest.mark.parametrize("way", WAYS)
def test_every_short_word(way: str) -> None:
    build, steps = WAYS[way]
    task = build(5)
    for length in range(9):
        for word in product((0, 1), repeat=length):
            assert decided(task, word, "dense")[:3] == ([ONE] * (sum(word) % 2), steps(word), length + 1), word


@pytest.mark.parametrize("engine", available())
@pytest.mark.parametrize("way", WAYS)
def test_every_engine(way: str, engine: str) -> None:
    build, steps = WAYS[way]
    word = tuple(np.random.default_rng(3).integers(0, 2, 40).tolist())
    left, made, context, used = decided(build(7), word, engine)
    assert (left, made, context, used) == ([ONE] * (sum(word) % 2), steps(word), 41, engine)


@pytest.mark.parametrize("length", [100, 1000, 2000])
def test_long_words_take_four_steps(length: int) -> None:
    task, word = WAYS["at-once"][0](11), tuple(np.random.default_rng(length).integers(0, 2, length).tolist())
    started = time.process_time()
    assert decided(task, word, available()[-1])[:2] == ([ONE] * (sum(word) % 2), 4)
    assert time.process_time() - started < 60


# -- every gate, for all neighbours ------------------------------------------------------------------


def next_at_once(word: tuple[str, ...]) -> list[str]:
    """What one step makes of a word, written apart from the circuit: ZEROs first, then both of a pair; masks go."""
    settled = ZERO not in word and MASK not in word

    def vanishes(place: int) -> bool:
        pairs = place % 2 == 0 or word[place : place + 1] == (ONE,)
        return word[place - 1] == ZERO or (settled and pairs)

    return [MASK if vanishes(place) else kind for place, kind in enumerate(word, 1) if kind != MASK]


def next_front(word: tuple[str, ...]) -> list[str]:
    """The same for the paper's elimination."""
    pair = word[:2] == (ONE, ONE)
    return [MASK if place <= 2 and (kind == ZERO or pair) else kind for place, kind in enumerate(word, 1) if kind != MASK]


NEXT = {"at-once": next_at_once, "front": next_front}
LONGEST = 6


def seen(word: tuple[str, ...], place: int) -> tuple[object, ...]:
    """All that the row at a place may look at: itself, where it stands, its neighbours, whether there are ZEROs and masks."""
    around = tuple(word[i - 1] if 1 <= i <= len(word) else "" for i in (place - 1, place + 1))
    return word[place - 1], place % 2, min(place, 3), around, ZERO in word, MASK in word


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("way", WAYS)
def test_one_step_of_every_sequence(way: str, dtype: str) -> None:
    """Heads find what they mean at every position (the certificate), so a row is a function of what it sees. From length 5 on nothing
    new is seen: so these sequences are all cases."""
    task = WAYS[way][0](4)
    model, positions, mask = task.model(dtype), task.positions(LONGEST + 1), task.circuit.vocabulary.mask
    cases: list[set[tuple[object, ...]]] = []
    for length in range(LONGEST + 1):
        cases.append(set())
        for word in product((ZERO, ONE, MASK), repeat=length):
            tokens = task.tokens(word)
            ((rows, prediction),) = DenseSession(model, [tokens], [positions]).predict([0])
            after = PROCESSES["ap-mdm"].step(tokens, prediction, mask, lambda ready: ready)
            assert task.kinds(after) == NEXT[way](word), word
            cases[-1] |= {seen(word, place) for place in range(1, length + 1)}
    assert not cases[LONGEST] - set().union(*cases[:LONGEST])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("way", WAYS)
def test_it_is_certified(way: str, dtype: str) -> None:
    task = WAYS[way][0](11)
    model = task.model(dtype)
    assert certify(model, task.circuit).holds and len(model.layers) == 1


def test_a_word_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="9 positions do not fit 3 index bits"):
        WAYS["front"][0](3).positions(9)


def test_the_command(alone: Do) -> None:
    """The answer, the closed form and the paper's figure, which is only reported."""
    for word, way in (("110101", "at-once"), ("1", "front"), ("0001", "front")):
        shown = json.loads(alone(f"task parity {word} --way {way} --json").out)
        assert (shown["odd"], shown["holds"], shown["context"]) == (word.count("1") % 2 == 1, True, len(word) + 1)
    shown = alone("task parity 110101")
    assert shown.status == 0 and shown.out.count("equal") == 3 and "reported in the paper, not checked here" in shown.out


def test_what_is_no_word_is_refused(alone: Do) -> None:
    outcome = alone("task parity 1102")
    assert outcome.status == 2 and "'2' at place 4 is neither 0 nor 1" in outcome.err


def test_a_wrong_answer_ends_with_status_3(alone: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WAYS, "at-once", (WAYS["at-once"][0], lambda word: 5))
    assert alone("task parity 11").status == 3
