"""The check itself: what it reports when a token is wrong, and that it looks at every one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from faults.decoders import Recorded
from kit.cases import EXAMPLE_SIZES
from kit.decoding import FASTEST
from kit.jobs import DIRECTORY, job_of

from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_job
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Factored
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import load
from lockstep.proofs_check import agreement
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.claims import check_claims, to_sympy
from lockstep.proofs_check.theorems import BOUNDS


@pytest.mark.parametrize("order", ["parallel", "left-to-right", "random", "random-subsets"])
@pytest.mark.parametrize("name", EXAMPLE_SIZES)
def test_examples_agree(name: str, order: str) -> None:
    sample = job_of(name, EXAMPLE_SIZES[name] if order == "parallel" else 1)
    time = run(sample).time
    found = check_agreement(compile_job(sample, time), sample, time, replace(FASTEST, order=order))
    assert found.divergence is None, str(found.divergence)
    assert found.outputs_agree
    if order == "parallel":
        assert found.steps == BOUNDS["mdm"].steps(sample, time)


def small() -> tuple[Job, Compiled, int]:
    job = load(DIRECTORY / "tree_sum.pram").instantiate({"n": 2}, {"A": [3, 4]})
    time = run(job).time
    return job, compile_job(job, time), time


@pytest.mark.parametrize("admits", [True, False])
@pytest.mark.parametrize("order", ["parallel", "left-to-right"])
def test_every_wrong_token_is_reported(monkeypatch: pytest.MonkeyPatch, order: str, admits: bool) -> None:
    """Whatever position the model gets wrong, the check names it, even if it was not said to have changed."""
    job, compiled, time = small()
    layout = compiled.layout(job, time)
    recorded = Recorded.of(compiled, layout, Sampling(order))
    for position in range(layout.first_block, layout.length):
        monkeypatch.setattr(agreement, "Decoder", recorded.liar(position, admits))
        divergence = check_agreement(compiled, job, time, Sampling(order)).divergence
        role, step, pid = layout.locate(position)
        assert divergence is not None
        fields = {"V": "value", "C": "next program counter", "A": "destination", "output": "output"}
        assert (divergence.field, divergence.processor) == (fields[role], pid)
        if order == "parallel":  # the machine's side names the rows of its step as well
            assert divergence.step == (step or time + 1)


@pytest.mark.parametrize("process", CONSTRUCTIONS)
def test_a_change_that_neither_side_speaks_of_is_found_at_the_end(monkeypatch: pytest.MonkeyPatch, process: str) -> None:
    """The first input word, which no step edits."""
    job, _, time = small()
    compiled = compile_job(job, time, construction=process)
    recorded = Recorded.of(compiled, compiled.layout(job, time), Sampling())
    monkeypatch.setattr(agreement, "Decoder", recorded.liar(1, False))
    assert check_agreement(compiled, job, time).divergence is not None


def test_the_text_of_a_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    job, compiled, time = small()
    layout = compiled.layout(job, time)
    weights = compiled.model.layers[1].w_out
    weights[compiled.circuit.offsets()["sum"]] *= -1
    divergence = check_agreement(compiled, job, time).divergence
    assert str(divergence).replace(str(DIRECTORY), "DIR") == (
        "decoding step 4, position 16, processor 0, value: expected WORD 3, found WORD 2\n"
        "DIR/tree_sum.pram:13:17: instruction 3: add\n"
        "    local h := (m + 1) >> 1        # ceil(m/2)\n"
        "                  ^"
    )
    assert layout.locate(layout.row("V", 4, 0)) == ("V", 4, 0)


def test_tokens_left_masked_are_found() -> None:
    job, compiled, time = small()
    quiet = Factored(*(np.zeros_like(part) for part in vars(compiled.model.unembedding).values()))
    still = replace(compiled, model=replace(compiled.model, unembedding=quiet))
    divergence = check_agreement(still, job, time).divergence
    assert divergence is not None and (divergence.step, divergence.found) == (1, "MASK")


def test_claims_are_evaluated_exactly() -> None:
    """A wrong claim shows its first counterexample."""
    text = (DIRECTORY / "tree_sum.pram").read_text().replace("9 + 17 * lg(n)", "10 + 17 * lg(n) - 1 / n")
    from lockstep.pram.program import parse_program

    program = parse_program(text, "t.pram")
    runs = [({"n": n}, run(program.instantiate({"n": n}, {"A": [1] * n}))) for n in (1, 2, 3, 4)]
    check = next(iter(check_claims(program, runs, "4 runs")))
    assert (check.holds, check.measured) == (False, "26, claimed == 27, at n = 2; `claim time == 9 + 17 * lg(n)` fits all sizes")
    assert check.bound == "== 10 + 17 * lg(n) - 1 / n"


def test_claims_in_sympy_have_the_same_values() -> None:
    claim = load(DIRECTORY / "tree_sum.pram").claims[0]
    form = to_sympy(claim.bound)
    (n,) = form.free_symbols
    assert [int(form.subs(n, value)) for value in (1, 2, 3, 4, 5, 64)] == [9, 26, 43, 43, 60, 111]
    assert np.array_equal([9 + 17 * (v - 1).bit_length() for v in (1, 2, 3, 4, 5, 64)], [9, 26, 43, 43, 60, 111])
