"""Tests of every engine: it gives the tokens of the reference at every decoding step, or it gives up with a reason."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kit import decoding
from kit.cases import EXAMPLE_SIZES
from kit.decoding import ENCODERS, residual_stream
from kit.jobs import job_of
from kit.machine_programs import LOOKUPS, machine_jobs, runs
from kit.made_models import (
    BROKEN,
    MIXED,
    SOFT,
    finding_model,
    forgetful,
    gives_up,
    leaking_model,
    lookup_model,
    nearby_model,
    negative_model,
    returning_model,
    settle,
    tampered,
    vanishing_model,
    wide_model,
)
from kit.random_models import chain_model, random_model

from lockstep.compiler.compile import compile_job
from lockstep.compiler.names import lacking
from lockstep.models.decode import Decoder
from lockstep.models.engines import ENGINES, Unsuitable, available
from lockstep.models.engines.active import ActiveSession
from lockstep.models.orders import ORDERS
from lockstep.models.positions import Positions
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Layer
from lockstep.pram.access import MODES
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import check_agreement

CHECKS = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
OTHERS = [name for name in available() if name != "dense"]
same_tokens = partial(decoding.same_tokens, reference=decoding.remembered)
whole_job = partial(decoding.whole_job, reference=decoding.remembered)


def modes_of(engine: str, construction: str) -> list[str]:
    """The modes of which a construction has models that an engine computes; `test_sums.py` has more of `CRCW sum`."""
    return LOOKUPS if engine == "active" or lacking(construction, ["sum"]) else list(MODES)


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("construction", ENCODERS)
def test_random_machine_programs(engine: str, construction: str) -> None:
    finished = []

    @settings(CHECKS, max_examples=60)
    @given(machine_jobs(modes=modes_of(engine, construction), word_bits=(4,)))
    def check(job: Job) -> None:
        found = runs(job)
        assume(found is not None and found.time <= 20 and job.processors * found.time <= 80)
        assert found is not None
        finished.append(whole_job(job, found.time, engine, construction))

    check()
    assert set(finished) == {engine}


@pytest.mark.parametrize("engine", OTHERS)
@settings(CHECKS, max_examples=25)
@given(job=machine_jobs(modes=LOOKUPS, word_bits=(4,), processors=(1, 2, 3)), order=st.sampled_from([o for o in ORDERS if o != "parallel"]),
       seed=st.integers(0, 99))  # fmt: skip
def test_every_order(engine: str, job: Job, order: str, seed: int) -> None:
    found = runs(job)
    assume(found is not None and job.processors * found.time <= 30)
    assert found is not None
    assert whole_job(job, found.time, engine, order=order, seed=seed) == engine


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("construction", ENCODERS)
@pytest.mark.parametrize("name", [*EXAMPLE_SIZES, "counter"])
def test_examples(name: str, construction: str, engine: str) -> None:
    job = job_of(name, 1 if name == "counter" else EXAMPLE_SIZES[name])
    assert whole_job(job, run(job).time, engine, construction) == engine


@pytest.mark.parametrize("engine", OTHERS)
def test_float32_and_spare_blocks(engine: str) -> None:
    job = job_of("hillis_steele", 2, 8)
    assert whole_job(job, run(job).time + 3, engine, dtype="float32") == engine
    assert whole_job(job, run(job).time, engine, "ap-mdm", "float32") == engine


@settings(CHECKS, max_examples=25)
@given(machine_jobs(modes=LOOKUPS, word_bits=(4,), processors=(1, 2, 3)), st.sampled_from(sorted(ENCODERS)))
def test_active_holds_the_same_residuals(job: Job, construction: str) -> None:
    """The streams are equal bit for bit, in every row and dimension, at every decoding step."""
    found = runs(job)
    assume(found is not None and job.processors * found.time <= 40)
    assert found is not None
    compiled = compile_job(job, found.time, construction=construction)
    layout = compiled.layout(job, found.time)
    dense = layout.positions().dense()
    session = ActiveSession(compiled.model, [layout.tokens()], [layout.positions()])
    session.predict([0])
    for step in Decoder(compiled.model, layout.tokens(), layout.positions(), process=compiled.process):
        session.update(0, step.change, step.sequence)
        session.predict([0])
        tokens = step.tokens
        assert np.array_equal(session.residual().numpy(), residual_stream(compiled.model, tokens, dense[: len(tokens)]))


# -- models that no compiler made ----------------------------------------------------------


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("seed", range(5))
def test_soft_heads_with_real_weights_are_left_to_the_reference(engine: str, seed: int) -> None:
    model = random_model(seed)
    positions = np.random.default_rng(seed).normal(size=(6, 7))
    tokens = np.array([0, 1, 1, 1, 4, 1])
    used = same_tokens(model, tokens, positions, engine)
    assert used == f"dense (not {engine}: layers.0.q has weights that are not integers)"


@pytest.mark.parametrize("engine", OTHERS)
def test_a_hand_made_chain_without_a_sink(engine: str) -> None:
    """The model's only head is no lookup: rows that do not ask read the average of all rows."""
    model, tokens, positions = chain_model(5)
    assert same_tokens(model, tokens, positions, engine).startswith(f"dense (not {engine}: ")


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("order", ORDERS)
def test_a_hand_made_lookup(engine: str, order: str) -> None:
    model, tokens, positions = lookup_model(7)
    assert same_tokens(model, tokens, positions, engine, order=order) == engine
    assert Decoder(model, tokens, positions, sampling=Sampling(engine=engine)).engine == engine


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("engine", OTHERS)
def test_broken_preconditions_never_differ_silently(engine: str, name: str) -> None:
    """The tokens are those of the reference. The indexed engine gives the reason why it gave up."""
    assert same_tokens(*tampered(name), engine, most=20) == gives_up(engine, name)


@pytest.mark.parametrize("engine", OTHERS)
def test_rows_that_read_a_row_that_vanishes_are_computed_anew(engine: str) -> None:
    model, tokens, positions = vanishing_model()
    decode = Decoder(model, tokens, positions, process="ap-mdm")
    assert [step.tokens.tolist() for step in decode] == [[0, 1, 2, 2, 3], [0, 2, 2, 2, 3]]
    assert same_tokens(model, tokens, positions, engine, "ap-mdm") == engine


@pytest.mark.parametrize("engine", OTHERS)
def test_a_row_that_comes_back_is_computed_anew_in_every_layer(engine: str) -> None:
    model, tokens, positions = returning_model()
    decode = iter(Decoder(model, tokens, positions, process="ap-mdm"))
    assert [next(decode).tokens.tolist() for _ in range(4)] == [[0, 1], [0, 2, 1], [0, 1], [0, 2, 1]]
    assert same_tokens(model, tokens, positions, engine, "ap-mdm", most=12) == engine


def test_a_key_that_comes_near_the_best_is_noticed() -> None:
    """Decoding goes from the left. Position 3 is a key from the start; then position 2 becomes a less recent key."""
    model, tokens, positions = nearby_model()
    assert Decoder(model, tokens, positions, sampling=Sampling(engine="active")).engine == "active"
    assert same_tokens(model, tokens, positions, "active", order="left-to-right") == f"dense (not active: {SOFT})"


@pytest.mark.parametrize("engine", OTHERS)
def test_a_row_that_is_read_with_almost_no_weight_is_noticed(engine: str) -> None:
    """Once the key is gone, position 1 is unmasked."""
    model, tokens, positions = leaking_model()
    decode = Decoder(model, tokens, positions, process="ap-mdm")
    assert [step.tokens.tolist() for step in decode] == [[0, 1, 2], [0, 2, 2]]
    reason = SOFT if engine == "active" else MIXED
    assert same_tokens(model, tokens, positions, engine, "ap-mdm") == f"dense (not {engine}: {reason})"


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("order", ORDERS)
def test_positions_are_bytes_where_tokens_are_wide(engine: str, order: str) -> None:
    model, tokens, positions = wide_model()
    assert same_tokens(model, tokens, positions, engine, order=order) == engine
    ends = [
        list(Decoder(*made, sampling=Sampling(order)))[-1].tokens.tolist()
        for made in ((model, tokens, positions), lookup_model(7))
    ]
    assert [a == b for a, b in zip(*ends)].index(False) == 4, "the byte is read"


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("order", ORDERS)
def test_values_below_zero(engine: str, order: str) -> None:
    assert same_tokens(*negative_model(), engine, order=order) == engine
    assert same_tokens(*finding_model(), engine, "ap-mdm") == engine


@pytest.mark.parametrize("seed", range(300))
def test_random_integer_models(seed: int) -> None:
    """Random weights of lookups are changed. No engine differs from the reference."""
    generator = np.random.default_rng(seed)
    model, tokens, positions = lookup_model(7)
    (layer,) = model.layers
    parts = {part: tensor.copy() for part, tensor in vars(layer).items()}
    for _ in range(int(generator.integers(1, 4))):
        part = parts[str(generator.choice(["q", "k", "v", "o", "w_in", "b_in", "w_out"]))].reshape(-1)
        part[int(generator.integers(len(part)))] = int(generator.integers(-2, 3)) * int(generator.choice([1, 1, 8, 1024]))
    for _ in range(int(generator.integers(0, 3))):
        positions[int(generator.integers(7)), int(generator.integers(14))] = int(generator.integers(0, 3))
    for i in range(1, 7):
        tokens[i] = int(generator.choice([1, 1, 1, 2, 3]))
    model = replace(model, layers=(Layer(**parts),))
    order = str(generator.choice(list(ORDERS)))
    for engine in OTHERS:
        same_tokens(model, tokens, positions, engine, order=order, seed=seed, most=20)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("seed", range(40))
def test_random_integer_models_that_insert_and_delete(seed: int, layers: int) -> None:
    generator = np.random.default_rng(seed)
    model, tokens, positions = lookup_model(8)
    settle(model)
    positions = np.concatenate([positions, positions, positions])
    positions[8:, 10] = np.arange(8, 24)
    control = generator.integers(-2, 3, (3, 14)).astype(float)
    model = replace(model, control_weight=control, control_bias=generator.integers(-1, 2, 3).astype(float))
    model = replace(model, layers=(*model.layers, *(forgetful(model.layers[0], generator) for _ in range(layers - 1))))
    for engine in OTHERS:
        same_tokens(model, tokens, positions, engine, "ap-mdm", most=12)


def test_unsuitable_is_what_sessions_raise() -> None:
    model, tokens, positions = tampered("soft heads")
    with pytest.raises(Unsuitable, match="different scores may be so close"):
        ENGINES["indexed"](model, [tokens], [Positions.of(positions)])


# -- devices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["indexed", "native"])
def test_some_engines_compute_on_the_cpu_alone(engine: str) -> None:
    job = job_of("tree_sum", 2)
    compiled = compile_job(job, run(job).time)
    layout = compiled.layout(job, run(job).time)
    with pytest.raises(Unsuitable, match="it computes on the CPU, not on cuda"):
        ENGINES[engine](compiled.model, [layout.tokens()], [layout.positions()], "cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no cuda device")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("construction", ENCODERS)
@pytest.mark.parametrize("engine", ["dense", "active"])
def test_an_accelerator_gives_the_same_tokens(engine: str, construction: str, dtype: str) -> None:
    for name, size in (*EXAMPLE_SIZES.items(), ("counter", 2)):
        job = job_of(name, size)
        time = run(job).time
        compiled = compile_job(job, time, dtype, construction)
        agreement = check_agreement(compiled, job, time, Sampling(engine=engine, device="cuda"))
        assert agreement.divergence is None and agreement.engine == engine
