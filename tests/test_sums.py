"""Heads that add up, in engines that compute in integers: models of `CRCW sum`, models made by hand, and how far the reference may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kit import decoding
from kit.adding_models import (
    FAR,
    MANY,
    NEARLY,
    Parts,
    adding_model,
    begun,
    careless,
    changing_words,
    in_float32,
    long_numbers,
    silent_causal,
    twice,
    unclear_edits,
)
from kit.decoding import starts_of
from kit.jobs import sums_of
from kit.machine_programs import machine_jobs, runs
from kit.rounding import farthest

from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.compiler.names import AO_MDM, MASKED_ARM, lacking
from lockstep.models.batch import decode_batch
from lockstep.models.decode import decode
from lockstep.models.engines import available, takes_causal
from lockstep.models.engines.distances import LARGEST_LOGIT_OFF
from lockstep.models.orders import ORDERS
from lockstep.models.sampling import Sampling
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import check_agreement

CHECKS = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
#: The engines that compute sums: `active` looks for heads that read one row.
ENGINES = [name for name in available() if takes_causal(name) and name != "dense"]
SUMMING = [name for name in CONSTRUCTIONS if not lacking(name, ["sum"])]
same_tokens = partial(decoding.same_tokens, reference=decoding.remembered)
whole_job = partial(decoding.whole_job, reference=decoding.remembered)


# -- models of CRCW sum ----------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("construction", SUMMING)
def test_random_machine_programs(engine: str, construction: str) -> None:
    """Each is decoded by the engine, to its end, with the reference's tokens after every step."""

    @settings(CHECKS, max_examples=40)
    @given(machine_jobs(modes=["CRCW sum"], word_bits=(4,)))
    def check(job: Job) -> None:
        found = runs(job)
        assume(found is not None and job.processors * found.time <= 60)
        assert found is not None
        assert whole_job(job, found.time, engine, construction) == engine

    check()


@pytest.mark.parametrize("engine", ENGINES)
@settings(CHECKS, max_examples=25)
@given(job=machine_jobs(modes=["CRCW sum"], word_bits=(4,), processors=(2, 3)),
       order=st.sampled_from([order for order in ORDERS if order != "parallel"]), seed=st.integers(0, 99))  # fmt: skip
def test_every_order(engine: str, job: Job, order: str, seed: int) -> None:
    """Sums are read while some of their rows are still masks."""
    found = runs(job)
    assume(found is not None and job.processors * found.time <= 30)
    assert found is not None
    assert whole_job(job, found.time, engine, order=order, seed=seed) == engine


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("order", ["left-to-right", "right-to-left", "permutation", "most-confident"])
def test_one_token_at_a_time(engine: str, order: str) -> None:
    """AO-MDM and Masked-ARM, beside the machine."""
    job = sums_of(3, 9, 2, 1, word=4)
    time, sampling = run(job).time, Sampling(order, 3, engine)
    old, new = compile_job(job, time), compile_job(job, time, construction=MASKED_ARM, sampling=Sampling(order))
    for compiled in (replace(old, construction=AO_MDM), new):
        found = check_agreement(compiled, job, time, sampling)
        assert found.divergence is None and found.outputs_agree and found.engine == engine


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("construction", SUMMING)
def test_long_words_and_many_writers(engine: str, construction: str) -> None:
    """Words of 16 and of 17 bits, of which the largest is a sum: who reads it reads more than 62 bits. 40 writers. Then float32."""
    for job in (
        sums_of(65_000, 500, 35),
        sums_of(130_000, 1, 2, word=17),
        sums_of(*range(40), word=10),
        sums_of(*[1] * 15, word=4),
    ):
        time = run(job).time
        found = check_agreement(compile_job(job, time, construction=construction), job, time, Sampling(engine=engine))
        assert found.divergence is None and found.outputs_agree and found.engine == engine
    job = sums_of(1, 2, 4, word=4)
    spare = 0 if construction == "arm erasing" else 2
    assert whole_job(job, run(job).time + spare, engine, construction, "float32") == engine


@pytest.mark.parametrize("engine", ENGINES)
def test_words_that_the_reference_may_round_too_much_are_left_to_it(engine: str) -> None:
    job = sums_of(70, 80, 3, word=8)
    used = whole_job(job, run(job).time, engine, "ap-mdm", "float32")
    assert used.startswith(f"dense (not {engine}: a head adds up, and the reference may round logits by ")


@pytest.mark.parametrize("construction", SUMMING)
def test_many_inputs_at_once(construction: str) -> None:
    """No sequence adds up rows of another one."""
    compiled, starts = starts_of([sums_of(*words, word=6) for words in ((9, 20), (3, 1, 30), (40,))], construction)
    sampling = Sampling(engine="indexed")
    together = decode_batch(compiled.model, starts, compiled.process, sampling)
    for found, start in zip(together, starts):
        alone = decode(compiled.model, *start, compiled.process, Sampling(engine="dense"))
        assert found.engine == "indexed"
        assert found.tokens.tolist() == alone.tokens.tolist() and found.context == alone.context


def test_active_leaves_sums_to_the_reference() -> None:
    job = sums_of(3, 9, 2, word=4)
    assert whole_job(job, run(job).time, "active") == "dense (not active: a head does not read one row alone)"


# -- models that no compiler made ------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [lambda made: made, in_float32], ids=["float64", "float32"])
@pytest.mark.parametrize("order", ORDERS)
def test_a_head_made_by_hand(engine: str, dtype: Callable[[Any], Any], order: str) -> None:
    for length in (8, 12, 16):
        assert same_tokens(*dtype(adding_model(length)), engine, order=order, seed=length) == engine


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("order", ORDERS)
def test_rows_that_any_query_finds(engine: str, order: str) -> None:
    assert same_tokens(*careless(adding_model(12)), engine, order=order) == engine


@pytest.mark.parametrize("engine", ENGINES)
def test_causal_models(engine: str) -> None:
    """Every row adds up what stands before it, and itself. Then it predicts a token, which is appended."""
    for length, careless_too in ((12, False), (12, True), (16, False)):
        model = adding_model(length, causal=True)
        assert same_tokens(*begun(careless(model) if careless_too else model), engine, "arm") == engine
    assert same_tokens(*begun(silent_causal()), engine, "arm") == engine
    assert same_tokens(*begun(adding_model(12, 4, causal=True)), engine, "arm") == f"dense (not {engine}: {FAR})"


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_leave_and_come_back(engine: str) -> None:
    for length in (8, 12, 20):
        assert same_tokens(*adding_model(length, edits=True), engine, "ap-mdm", most=8) == engine
    assert same_tokens(*changing_words(), engine, "ap-mdm", most=8) == engine


@pytest.mark.parametrize("engine", ENGINES)
def test_sums_that_grow_too_large_are_noticed(engine: str) -> None:
    assert same_tokens(*adding_model(20), engine) == f"dense (not {engine}: {FAR})"
    assert same_tokens(*adding_model(12, exponent=5), engine, order="left-to-right") == f"dense (not {engine}: {FAR})"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NEARLY)
def test_what_nearly_adds_up(engine: str, name: str) -> None:
    """The tokens are those of the reference, and the engine gives the reason where it gives up."""
    change, *reasons = NEARLY[name]
    reason = reasons[engine == "native"]
    used = same_tokens(*adding_model(12, change=change), engine, most=8)
    assert f"not {engine}: {reason}" in used if reason else used == engine


def test_sums_of_so_many_bits_that_indexed_could_not_count_their_rows() -> None:
    assert same_tokens(*long_numbers(), "indexed", most=3) == f"dense (not indexed: {MANY})"
    assert same_tokens(*long_numbers(), "native", most=3) == "native"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_head_that_asks_for_a_share_is_left_to_the_reference(engine: str) -> None:
    assert same_tokens(*twice(adding_model(12)), engine) == f"dense (not {engine}: layer 2: a head asks for a share)"


@pytest.mark.parametrize("engine", ENGINES)
def test_an_edit_takes_no_token_that_roundings_choose(engine: str) -> None:
    """Two kinds are equally good for a mask that finds less than it needs."""

    used = same_tokens(*unclear_edits(), engine, "ap-mdm", most=8)
    reasons = {"indexed": "a token is the best one by too little", "native": "a probability is too near to the threshold"}
    assert f"not {engine}: {reasons[engine]}" in used


@pytest.mark.parametrize("seed", range(200))
def test_random_integer_models(seed: int) -> None:
    """Random weights of a head that adds up are changed. No engine differs from the reference."""
    generator = np.random.default_rng(seed)
    edits = bool(seed % 2)

    def change(parts: Parts) -> None:
        for _ in range(int(generator.integers(1, 3))):
            part = getattr(parts, str(generator.choice(["q", "k", "v", "o", "w_in", "b_in", "w_out"]))).reshape(-1)
            at = int(generator.choice(np.flatnonzero(part))) if generator.integers(2) else int(generator.integers(len(part)))
            part[at] += int(generator.integers(-2, 3)) * int(generator.choice([1, 1, 4, 512]))
        for _ in range(int(generator.integers(0, 3))):
            parts.positions[int(generator.integers(12)), int(generator.integers(4, 19))] = int(generator.integers(0, 3))

    made = adding_model(12, int(generator.choice([6, 10, 14])), edits, change)
    order = "parallel" if edits else str(generator.choice(list(ORDERS)))
    for engine in ENGINES:
        same_tokens(*made, engine, "ap-mdm" if edits else "mdm", order=order, seed=seed, most=8)


# -- how far the reference may be ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("construction", SUMMING)
def test_the_reference_is_no_farther_than_its_bound(construction: str, dtype: str) -> None:
    """Each column, in two orders of sums. The engines' stream is the circuit's, in integers."""
    job = sums_of(5, 9, 1, word=4) if dtype == "float32" else sums_of(77, 120, 58, word=8)
    worst, bounds = farthest(job, construction, dtype)
    assert 0 < bounds.logit <= LARGEST_LOGIT_OFF
    assert (worst <= bounds.columns[-1]).all()
    assert worst.max() > 1e-3, "there is a share"
    assert ((0 < worst) & (worst < 1e-4)).any(), "a gate that reads a share is no integer in these orders"
