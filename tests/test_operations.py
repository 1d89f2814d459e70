"""Theorem 2, counted: closed forms of multiply-adds, against a decoder that counts its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from kit.counting import counted_decode
from kit.decoding import FASTEST
from kit.jobs import job_of

from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.models.processes import PROCESSES, usual_order
from lockstep.models.sampling import Sampling
from lockstep.pram.instructions import Instruction
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.operations import Prices, passes_made
from lockstep.proofs_check.theorems import BOUNDS
from lockstep.proofs_check.theorems.theorem2 import CUBIC, KEPT, OPERATIONS, counted_operations, letters, of_decodes

#: Three programs, each under another access mode.
JOBS = [("tree_sum", 2), ("broadcast", 2), ("or_constant", 2)]


@pytest.mark.parametrize("construction", OPERATIONS)
@pytest.mark.parametrize(("name", "size"), JOBS)
def test_closed_forms_are_what_a_decoder_counts(name: str, size: int, construction: str) -> None:
    job = job_of(name, size)
    time = run(job).time
    compiled = compile_job(job, time, construction=construction)
    values = letters(construction, job, time, Prices.of(compiled.model))
    found = counted_decode(compiled, job, time)
    words = compiled.layout(job, time).output_words(np.array(found.tokens))
    assert words.tolist() == run(job).memory[job.outputs.start : job.outputs.stop].tolist()
    assert OPERATIONS[construction](values) == found.multiply_adds
    agreement = check_agreement(compiled, job, time, Sampling(usual_order(compiled.process), engine=FASTEST.engine))
    assert found.passes == [context for _, context in passes_made(agreement.context, compiled.process)]
    assert counted_operations(CheckedDecode(job, compiled, agreement)) == found.multiply_adds
    if construction in CUBIC:
        assert found.multiply_adds <= CUBIC[construction](values) == sum(letters_of_c(values)) * max(agreement.context) ** 3


def letters_of_c(values: dict[str, int]) -> tuple[int, int]:
    return values["u"], values["v"]


@pytest.mark.parametrize(("name", "size"), JOBS)
def test_kept_keys_and_values_save_what_a_decoder_saves(name: str, size: int) -> None:
    job = job_of(name, size)
    time = run(job).time
    for construction, form in KEPT.items():
        compiled = compile_job(job, time, construction=construction)
        prices, bound = Prices.of(compiled.model), BOUNDS[construction]
        found, anew = counted_decode(compiled, job, time, keeps=True), counted_decode(compiled, job, time)
        assert found.tokens == anew.tokens and found.passes == anew.passes
        assert found.multiply_adds < anew.multiply_adds
        assert form(letters(construction, job, time, prices)) == found.multiply_adds
        assert prices.decode_keeping(FACTS[construction].contexts(bound.letters(job, time), bound)) == found.multiply_adds


def test_only_causal_models_keep_keys_and_values() -> None:
    causal = {name for name, construction in CONSTRUCTIONS.items() if PROCESSES[construction.process].appends}
    assert set(KEPT) <= causal
    with pytest.raises(ValueError, match="rows of an encoder change with every token"):
        Prices(1, 1, causal=False).decode_keeping([(1, 2)])


def test_by_hand() -> None:
    """Contexts 2, 2, 3 at 10 a row and 1 a pair; a causal row i has i + 1 pairs."""
    assert Prices(10, 1, causal=False).decode([(2, 2), (1, 3)]) == 2 * (20 + 4) + 30 + 9
    assert Prices(10, 1, causal=True).decode([(2, 2), (1, 3)]) == 2 * (20 + 3) + 30 + 6
    assert Prices(10, 1, causal=True).decode_keeping([(1, 2), (1, 3)]) == 30 + 6
    assert Prices(10, 1, causal=True).decode_keeping([(1, 3), (1, 2), (1, 3)]) == (30 + 6) + (20 + 3) + (10 + 3)


def small(space: int, inputs: int, outputs: range, processors: int) -> Job:
    cells = np.zeros(space, np.int64)
    return Job((Instruction("halt"),), 1, processors, 8, "CREW", cells, inputs=inputs, outputs=outputs)


@pytest.mark.parametrize("construction", OPERATIONS)
def test_closed_forms_add_up_the_contexts_of_all_passes(construction: str) -> None:
    """Every way to grow; without inputs, without outputs."""
    facts, bound = FACTS[construction], BOUNDS[construction]
    prices = Prices(1000, 1, causal=construction in KEPT)
    for space, processors, time in product((1, 2, 5, 9, 30), (1, 2, 3, 7), (1, 2, 11)):
        for inputs, out in product({0, 1, space}, {0, 1, space}):
            job = small(space, inputs, range(out), processors)
            passes = list(facts.contexts(bound.letters(job, time), bound))
            assert OPERATIONS[construction](letters(construction, job, time, prices)) == prices.decode(passes)


def test_counts_have_no_limit_of_63_bits() -> None:
    job = job_of("tree_sum", 2)
    values = letters("mdm", job, 1 << 40, Prices(1, 1, causal=False))
    context = values["N"]
    assert OPERATIONS["mdm"](values) == ((1 << 40) + 1) * (context + context**2) > 1 << 100


@pytest.mark.parametrize("order", ["left-to-right", "random-subsets"])
def test_the_bound_is_of_every_order(order: str) -> None:
    """In other orders the bound alone is checked, and it fails where a decode takes more steps than the context has tokens."""
    job = job_of("tree_sum", 1)
    time = run(job).time
    compiled = compile_job(job, time)
    agreement = check_agreement(compiled, job, time)
    (check,) = of_decodes("mdm", [CheckedDecode(job, compiled, agreement)], "1 run", order)
    assert (check.bound, check.holds) == ("<= c N^3", True)
    long = replace(agreement, context=agreement.context[:1] * (10**3 * len(agreement.tokens)))
    (check,) = of_decodes("mdm", [CheckedDecode(job, compiled, long)], "1 run", order)
    assert not check.holds
