"""Theorem 3: the Masked-ARM writes what AO-MDM unmasks, in the same order; its layers between the two new ones are the old ones."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from typing import NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import seed as drawn_with
from kit.any_order import FASTEST, FOUR, check_old_layers, unmasked, written
from kit.jobs import PATHS, job_of
from kit.machine_programs import machine_jobs, runs
from kit.small import apart, counting
from test_mdm import CHECKS

from lockstep.compiler.compile import Compiled, compile_code, compile_job
from lockstep.compiler.masked_arm import Widths, as_masked_arm
from lockstep.compiler.names import AO_MDM, MASKED_ARM, NotConstructed
from lockstep.compiler.processor import Code
from lockstep.models.sampling import Sampling
from lockstep.pram.access import MODES
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.certificate import horizon
from lockstep.proofs_check.theorems import BOUNDS


class Pair(NamedTuple):
    """A job and its models: of ao-mdm, whose weights are those of mdm, and of masked-arm in orders by position and by kind."""

    job: Job
    time: int
    old: Compiled
    by_position: Compiled
    by_kind: Compiled


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.stem)
def pair(request: pytest.FixtureRequest) -> Pair:
    """Each example program in turn. The tests of one program run one after the other, so that they share its models."""
    job = job_of(request.param.stem, 1)
    time = run(job).time
    new = (
        compile_job(job, time, construction=MASKED_ARM, sampling=Sampling(order)) for order in ("left-to-right", "most-confident")
    )
    return Pair(job, time, compile_job(job, time), *new)


def test_the_trajectories_are_equal_in_four_orders(pair: Pair) -> None:
    """The three orders by position have one model: `test_orders_by_position_have_the_same_weights`."""
    job, time = pair.job, pair.time
    for order in FOUR:
        made = pair.by_kind if order == "most-confident" else pair.by_position
        found = written(made, job, time, order, seed=3)
        assert found == unmasked(pair.old, job, time, order, seed=3), order
        assert len(found) == BOUNDS[MASKED_ARM].steps(job, time) == 3 * job.processors * time + len(job.outputs)


def test_the_old_layers_are_the_old_ones(pair: Pair) -> None:
    """So what is proved of them carries over. The width is as the theorem says, and all invariants hold."""
    old, longest = pair.old, BOUNDS[AO_MDM].peak_context(pair.job, pair.time)
    b, q = old.model.vocabulary.most_bits, (longest - 1).bit_length()
    for new in (pair.by_position, pair.by_kind):
        check_old_layers(old.model, new.model)
        assert new.model.width == old.model.width + 3 * q + b + 9


def test_random_machine_programs() -> None:
    """At least 300 distinct ones, one order each: both beside the machine after every step, steps and context to the letter.

    So both have one trajectory. For a fifth of the programs, it is also compared directly.
    """
    seen: dict[int, str] = {}
    orders = cycle(FOUR)

    def check(job: Job) -> None:
        ran = runs(job)
        assume(ran is not None and BOUNDS[AO_MDM].peak_context(job, ran.time) <= 60)
        assert ran is not None
        key, order, time = (
            hash((job.code, job.memory.tobytes(), job.parameters, job.mode, job.processors)),
            next(orders),
            ran.time,
        )
        assume(key not in seen)
        old, new = compile_job(job, time), compile_job(job, time, construction=MASKED_ARM, sampling=Sampling(order))
        if len(seen) % 5 == 0:
            assert written(new, job, time, order, seed=len(seen)) == unmasked(old, job, time, order, seed=len(seen))
        sampling = Sampling(order, len(seen), FASTEST)
        for compiled in (replace(old, construction=AO_MDM), new):  # the weights of ao-mdm are those of mdm
            agreement = check_agreement(compiled, job, time, sampling)
            assert agreement.divergence is None, str(agreement.divergence)
            assert agreement.outputs_agree
            bound = BOUNDS[compiled.construction]
            assert (agreement.steps, {*agreement.context}) == (bound.steps(job, time), {bound.peak_context(job, time)})
        seen[key] = order

    for number, mode in enumerate(MODES):
        some = settings(CHECKS, derandomize=False, max_examples=48)
        drawn_with(number)(some(given(machine_jobs(modes=[mode]))(check)))()
    assert len(seen) >= 300 and {*seen.values()} == {*FOUR}


def test_orders_by_position_have_the_same_weights() -> None:
    """They are position data. An order by kind has other weights, in the last layer alone."""
    job = counting()
    made = {order: compile_job(job, run(job).time, construction=MASKED_ARM, sampling=Sampling(order)) for order in FOUR}
    tensors = {order: dict(compiled.model.tensors()) for order, compiled in made.items()}
    first = tensors["left-to-right"]
    for order in ("right-to-left", "permutation"):
        assert all((values == first[name]).all() for name, values in tensors[order].items())
    different = {name for name, values in tensors["most-confident"].items() if not (values == first[name]).all()}
    assert different == {"layers.4.q", "layers.4.k"}


def test_blocks_to_spare() -> None:
    """Rows of halted processors are filled as they become ready, in each order."""
    job = apart()
    time = run(job).time
    for order in FOUR:
        for construction in (AO_MDM, MASKED_ARM):
            compiled = compile_job(job, time + 2, construction=construction, sampling=Sampling(order))
            agreement = check_agreement(compiled, job, time + 2, Sampling(order, 1, FASTEST))
            assert agreement.divergence is None and agreement.outputs_agree, f"{construction}, {order}: {agreement.divergence}"


def test_the_circuit_evaluates_to_the_weights() -> None:
    """No lookup ties and no field leaves its range, in every fifth step of a decode: `Circuit.evaluate` says so where one does."""
    job = counting()
    compiled = compile_job(job, run(job).time, construction=MASKED_ARM, sampling=Sampling("most-confident"))
    layout = compiled.layout(job, run(job).time, Sampling("most-confident"))
    positions, tokens, circuit = layout.positions().dense(), layout.tokens(), compiled.circuit
    bits = max(bits for name, bits in circuit.vocabulary.kinds if not name.endswith("@"))
    for number, (position, token) in enumerate(written(compiled, job, run(job).time, "most-confident")):
        kind, value = circuit.vocabulary.split(token)
        pair, row = circuit.vocabulary.token(f"{kind}@", position << bits | value), layout.before.length + number  # type: ignore[union-attr]
        if number % 5 == 0:
            assert set(circuit.predict(circuit.evaluate(tokens, positions))[row:]) == {pair}
        tokens[row] = pair


def test_a_circuit_that_edits_what_it_wrote_is_refused() -> None:
    edits = compile_job(counting(), 3, construction="ap-mdm").circuit
    with pytest.raises(AssertionError, match="edits tokens that it has written"):
        as_masked_arm(edits, 6)


def test_how_far_float32_goes() -> None:
    """The place in the order is a score, so it takes bits: 20 of a position are certified, and 16 if kinds have ranks."""
    code = Code.of(counting())
    assert horizon(compile_code(code, Widths(4, 5, 1), "float32", MASKED_ARM)) == 20
    assert horizon(compile_code(code, Widths(4, 5, 1, rank=2), "float32", MASKED_ARM)) == 16


def test_too_many_positions_are_refused() -> None:
    job = counting()
    compiled = compile_code(Code.of(job), Widths(4, 5, 1, index=3), construction=MASKED_ARM)
    with pytest.raises(ValueError, match="positions do not fit 3 bits"):
        compiled.layout(job, run(job).time)
    with pytest.raises(
        NotConstructed, match="a token and a position take 61 bits, and a pair of masked-arm has at most 58: take smaller"
    ):
        compile_code(Code.of(job), Widths(32, 20, 7), construction=MASKED_ARM)


def test_a_program_that_changes_no_register() -> None:
    """No row emits REG, so no head may read that one does."""
    job = parse_program("program p\nshared s : output\ns := 3\n").instantiate({}, {})
    time = run(job).time
    for order in FOUR:
        found = check_agreement(
            compile_job(job, time, construction=MASKED_ARM, sampling=Sampling(order)), job, time, Sampling(order)
        )
        assert found.divergence is None and found.outputs_agree
