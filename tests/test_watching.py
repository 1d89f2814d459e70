"""Tests decodes that are iterated over: the step of the machine of each decoding step, places, closed forms, the first wrong token."""

from dataclasses import replace

import numpy as np
import pytest
from kit.jobs import DIRECTORY, job_of

import lockstep
from lockstep.compiler.compile import Compiled, compile_job
from lockstep.compiler.names import EVERY
from lockstep.models.sampling import Sampling
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import Machine, run
from lockstep.proofs_check.agreement import Divergence, check_agreement
from lockstep.proofs_check.closed_forms import ClosedForm
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.decoding import DecodeOptions, decode_job
from lockstep.proofs_check.theorems import BOUNDS
from lockstep.proofs_check.watching import Watching

ONE_BY_ONE = ("ao-mdm", "masked-arm")


def watched(job: Job, construction: str, order: str = "") -> Watching:
    order = order or ("left-to-right" if construction in ONE_BY_ONE else "parallel")
    return Watching(job, DecodeOptions(construction, sampling=Sampling(order, engine="indexed")))


def clock_of_the_expectation(watching: Watching) -> list[int]:
    """How many steps the expectation's machine has made when it yields each decoding step."""
    expectation = FACTS[watching.compiled.construction].expectation(watching.layout)
    return [expectation.machine.costs.time for _ in expectation]


@pytest.mark.parametrize("name, size", [("tree_sum", 4), ("list_rank", 2), ("dyck", 1)])
@pytest.mark.parametrize("construction", [name for name in EVERY if name not in ONE_BY_ONE])
def test_a_decoding_step_belongs_to_the_step_that_the_expectation_has_made(construction: str, name: str, size: int) -> None:
    """The machine makes a step right before the decoding steps that write it. It makes none before the first and after the last."""
    watching = watched(job_of(name, size), construction)
    found = [step.time for step in watching]
    last = watching.run.time + 1
    assert [min(time, last - 1) for time in found] == clock_of_the_expectation(watching)
    assert found.count(last) == {"ap-mdm": 2, "ap-mdm one-step": 2, "mdm": 1}.get(construction, found.count(last))
    ends = {"arm": len(watching.job.outputs), "arm erasing": len(watching.job.outputs) + 3}
    assert found.count(last) == ends.get(construction, found.count(last))
    assert watching.divergence is None


@pytest.mark.parametrize("construction, order", [(name, "left-to-right") for name in ONE_BY_ONE] + [
    ("mdm", "right-to-left"), ("mdm", "random"), ("mdm", "random-subsets"), ("masked-arm", "right-to-left")
])  # fmt: skip
def test_in_other_orders_it_is_one_more_than_the_blocks_that_are_full(construction: str, order: str) -> None:
    watching = watched(job_of("tree_sum", 3), construction, order)
    layout = watching.layout
    blocks = getattr(layout, "before", layout)
    each, mask = 3 * watching.job.processors, layout.circuit.vocabulary.mask
    before = blocks.tokens()
    for step in watching:
        trace = before[blocks.first_block : blocks.first_output].reshape(-1, each)
        full = int(np.argmin([*(trace != mask).all(axis=1), False]))
        assert step.time == full + 1
        before = layout.rebuilt(step.tokens) if layout is not blocks else step.tokens


@pytest.mark.parametrize("construction", EVERY)
def test_steps_count_and_contexts_are_those_of_the_decode(construction: str) -> None:
    job = job_of("tree_sum", 3)
    watching = watched(job, construction)
    steps = [(step.number, step.context) for step in watching]
    agreement = check_agreement(watching.compiled, job, run(job).time, watching.sampling)
    assert [number for number, _ in steps] == list(range(1, agreement.steps + 1))
    assert (len(watching.start), *(context for _, context in steps)) == agreement.context


@pytest.mark.parametrize("construction", ["ap-mdm", "ap-mdm one-step"])
def test_every_token_of_a_state_says_where_it_stands(construction: str) -> None:
    """After each step of the machine, the tokens that `locate` calls cells, registers and counters hold what the machine has."""
    job = job_of("list_rank", 2)
    watching, machine = watched(job, construction), Machine(job)
    places = [watching.layout.locate(position) for position in range(watching.layout.length)]
    vocabulary, each = watching.layout.circuit.vocabulary, {"ap-mdm": 2}.get(construction, 1)
    made = seen = 0
    for step in watching:
        if not 1 <= step.time <= watching.run.time:
            continue
        made += 1
        if made % each:
            continue
        machine.step()
        for (role, when, number), token in zip(places, step.tokens.tolist(), strict=True):
            if role == "start" or token == vocabulary.mask:
                continue
            kind, value = vocabulary.split(token)
            wanted = machine.memory[number] if role == "cell" else machine.registers[int(role[1:]), number] if role[0] == "R" else (
                -1 if kind == "HALT" else value)  # fmt: skip
            if role == "PC":
                assert machine.counter[number] == wanted
            else:
                assert value == wanted
            assert when == 0
            seen += 1
    assert seen == watching.run.time * (job.space + job.processors * (job.registers + 1))


def test_pairs_have_places_of_their_own() -> None:
    layout = watched(job_of("tree_sum", 2), "masked-arm").layout
    assert layout.locate(layout.before.length + 3) == ("pair", 0, 3)
    assert layout.locate(layout.before.length - 1) == layout.before.locate(layout.before.length - 1)


def test_closed_forms_show_numbers() -> None:
    letters = {"T": 60, "out": 1, "P": 4, "N": 9, "n0": 3}
    assert ClosedForm("T + min(1, out)").filled(letters) == "60 + min(1, 1)"
    assert ClosedForm("2 * T + lg(N - n0) + 4").filled(letters) == "2 * 60 + lg(9 - 3) + 4"


@pytest.mark.parametrize("construction", EVERY)
def test_filled_forms_have_the_same_value(construction: str) -> None:
    bound, job = BOUNDS[construction], job_of("tree_sum", 5)
    letters = bound.letters(job, run(job).time)
    for form in (bound.decoding_steps, bound.context):
        assert ClosedForm(form.filled(letters))({}) == form(letters)


def broken(job: Job) -> tuple[Compiled, Divergence]:
    """A model of mdm in which a hidden unit of layer 2 is missing, so that a token is wrong, and the first wrong token."""
    time = run(job).time
    compiled = compile_job(job, time, "float64", "mdm")
    weights = compiled.model.layers[1]
    for unit in range(weights.w_out.shape[1]):
        kept = weights.w_out[:, unit].copy()
        weights.w_out[:, unit] = 0
        divergence = check_agreement(compiled, job, time, Sampling(engine="dense")).divergence
        if divergence is not None and divergence.position >= 0:
            return compiled, divergence
        weights.w_out[:, unit] = kept
    raise AssertionError("no unit matters")


def test_the_first_wrong_token_has_a_place_and_both_sequences() -> None:
    compiled, divergence = broken(job_of("tree_sum", 4))
    assert divergence is not None and divergence.sequences is not None
    wanted, found = divergence.sequences
    text = compiled.circuit.vocabulary.text
    different = np.flatnonzero(wanted != found)
    assert len(different), "the sequences are the same"
    assert divergence.position == different[0]
    assert (divergence.expected, divergence.found) == (text(int(wanted[different[0]])), text(int(found[different[0]])))
    assert replace(divergence, sequences=None) == divergence


def test_a_wrong_token_ends_the_decode() -> None:
    """The last step is the wrong one, its sequence is not the expected one, and the result is refused with the place of the token."""
    job = job_of("tree_sum", 4)
    compiled, divergence = broken(job)
    watching = Watching(job, DecodeOptions(compiled=compiled, sampling=Sampling(engine="dense")), certified=False)
    *_, last = watching
    assert watching.divergence == divergence and last.number == divergence.step
    assert last.tokens[divergence.position] != watching.expected[divergence.position]
    with pytest.raises(PramError) as refused:
        watching.decoded()
    assert refused.value.message == str(divergence).splitlines()[0]


@pytest.mark.parametrize("construction", ["mdm", "ap-mdm", "arm erasing"])
def test_a_decode_that_was_watched_has_the_result_of_decode(construction: str) -> None:
    job = job_of("tree_sum", 3)
    options = DecodeOptions(construction, sampling=Sampling(engine="dense"))
    watching = Watching(job, options)
    for _ in watching:
        pass
    found, plain = watching.decoded(), decode_job(job, options)
    assert (found.record, found.context, found.tokens.tolist()) == (plain.record, plain.context, plain.tokens.tolist())


def test_the_api() -> None:
    """`lockstep.decoding` gives the steps that `lockstep.decode` makes, and says how each changed the sequence."""
    program = lockstep.load(DIRECTORY / "tree_sum.pram")
    given = {"n": 4}, {"A": [3, 1, 4, 1]}
    for construction in ("mdm", "ap-mdm"):
        steps = list(lockstep.decoding(program, *given, construction=construction, heads=True))
        assert len(steps) == lockstep.decode(program, *given, construction=construction).steps
        assert all(step.found is not None and step.found.shape[1] == len(step.edited.rows) for step in steps)
    remasked = sum(len(step.edited.remasked) for step in steps)
    assert remasked > 0 and steps[-1].context == 3
