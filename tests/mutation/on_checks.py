"""Checks of checks: each plants faults of its own and asks whether the project's check speaks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from faults.circuits import BREACHES
from faults.circuits import circuit as sound_circuit
from faults.decoders import Liar, Recorded
from kit.small import counted_cell, counting

from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_job
from lockstep.compiler.invariants import CircuitError, check_circuit
from lockstep.models.decode import Decoder
from lockstep.models.editing import DecodingStep, NotFinished
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Factored
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program
from lockstep.proofs_check import agreement
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.claims import check_claims
from lockstep.proofs_check.theorems import THEOREMS
from mutation.planting import Attribute
from mutation.table import Check


def agreement_finds() -> None:
    """A decoder that gets one position wrong, and admits it or not: the check names processor, field and step."""
    _outputs_and_lengths()
    job = counting(1)
    time = run(job).time
    compiled = compile_job(job, time)
    layout = compiled.layout(job, time)
    fields = {"V": "value", "C": "next program counter", "A": "destination"}
    counters = [int(step.counter[0]) for step in run(job, trace=True).trace]
    recorded = {order: Recorded.of(compiled, layout, Sampling(order)) for order in ("parallel", "left-to-right")}
    for position in range(layout.first_block, layout.length):
        block, rest = divmod(position - layout.first_block, 3)
        for admits in (True, False):
            for order, steps in recorded.items():
                found = _lied_to(compiled, job, time, steps.liar(position, admits), order)
                assert found is not None, f"position {position} is wrong, admitted {admits}, {order}: nothing is said"
                assert (found.field, found.processor) == (fields["VCA"[rest]], 0), f"position {position}: {found}"
                assert order != "parallel" or found.step == block + 1, f"position {position}: {found}"
                assert found.line.startswith(f"instruction {counters[block]}:"), f"position {position}: {found}"
    for construction in CONSTRUCTIONS:  # the first input or parameter, which no step edits
        given = counted_cell(1)
        time = run(given).time
        edited = compile_job(given, time, construction=construction)
        liar = Recorded.of(edited, edited.layout(given, time), Sampling()).liar(1, False)
        assert _lied_to(edited, given, time, liar, "parallel") is not None, f"{construction}: position 1"


def _lied_to(compiled: Compiled, job: Job, time: int, liar: Callable[..., Liar], order: str) -> agreement.Divergence | None:
    with Attribute(agreement, "Decoder", liar, "").planted():
        return check_agreement(compiled, job, time, Sampling(order)).divergence


class Stuck(Decoder):
    """Ends as if it could not go on."""

    def __iter__(self) -> Iterator[DecodingStep]:
        number = 0
        for step in super().__iter__():
            number = step.number
            yield step
        raise NotFinished(number + 1, 0)


def _outputs_and_lengths() -> None:
    job = counted_cell(1)
    time = run(job).time
    with Attribute(agreement, "Decoder", Stuck, "").planted():
        stuck = check_agreement(compile_job(job, time), job, time).divergence
    assert stuck is not None and stuck.field == "end", f"a decoder that is stuck at the end: {stuck}"
    quiet = compile_job(job, time)
    silent = Factored(*(np.zeros_like(part) for part in vars(quiet.model.unembedding).values()))
    masked = check_agreement(replace(quiet, model=replace(quiet.model, unembedding=silent)), job, time).divergence
    assert masked is not None and (masked.step, masked.found) == (1, "MASK"), f"nothing is unmasked: {masked}"
    found = check_agreement(compile_job(job, time), job, time)
    wrong = found.tokens.copy()
    wrong[-1] ^= 1
    assert found.outputs_agree and not replace(found, tokens=wrong).outputs_agree, "outputs that are not the machine's pass"
    compiled = compile_job(job, time, construction="ap-mdm")
    cut = replace(compiled.model, control_bias=np.array([-1.0, -9.0, -1.0]))
    found = check_agreement(replace(compiled, model=cut), job, time)
    assert found.divergence is not None and found.divergence.field == "context length", f"{found.divergence}"


def invariants_find() -> None:
    for breach, message in BREACHES:
        broken = sound_circuit()
        breach(broken)
        try:
            check_circuit(broken)
        except CircuitError as error:
            text = str(error)
            assert message.replace("\\", "") in text, f"{text}, not {message}"
            continue
        raise AssertionError(f"nothing is said where {message}")


#: Claims about the program below at n = 1, 2, 3, whose times are 5, 8 and 11; the first counterexample, or what was measured.
CLAIMS = (
    ("time == 2 + 3 * n", True, "5..11"), ("time == 5", False, "8, claimed == 5, at n = 2"), ("time <= 11", True, "5..11"),
    ("time <= 10", False, "11, claimed <= 10, at n = 3"), ("space == n", True, "1..3"), ("space <= 2", False, "3, claimed <= 2, at n = 3"),
    ("procs == 1", True, "1"), ("procs == 2", False, "1, claimed == 2, at n = 1; `claim procs == 1` fits all sizes"),
    ("work == 2 + 3 * n", True, "5..11"), ("work <= 4", False, "5, claimed <= 4, at n = 1"),
)  # fmt: skip


def claims_find() -> None:
    """Claims that hold and claims that do not, on three runs."""
    for claim, holds, measured in CLAIMS:
        body = "local x := 0\nrepeat x := x + 1 until x == n"
        program = parse_program(f"program t\nparam n\nshared A[n] : output\nclaim {claim}\n{body}\n")
        runs = [({"n": n}, run(program.instantiate({"n": n}, {}))) for n in (1, 2, 3)]
        (row,) = check_claims(program, runs, "3 runs")
        assert (row.holds, row.measured) == (holds, measured), f"{claim}: {row.measured}, not {measured}"


def theorems_find() -> None:
    """Each row of each theorem, with what it measures made wrong."""
    for construction in CONSTRUCTIONS:
        job = counted_cell(1)
        time = run(job).time
        compiled = compile_job(job, time, construction=construction)
        found = check_agreement(compiled, job, time)
        longer = replace(compiled.circuit.vocabulary, kinds=(*compiled.circuit.vocabulary.kinds, ("MORE", 0)))
        model = replace(compiled.model, vocabulary=longer, layers=compiled.model.layers[:2])
        more = replace(found, steps=found.steps + 1, context=tuple(c + 1 for c in found.context), tokens=found.tokens * 0)
        right, wrong = CheckedDecode(job, compiled, found), CheckedDecode(job, replace(compiled, model=model), more)
        held = {row.what for row in _rows(construction, right) if not row.holds}
        assert not held, f"{construction}: {held} fail"
        passed = {row.what for row in _rows(construction, wrong) if row.holds}
        assert passed == {"every token", "d_model"}, f"{construction}: {passed} hold of what is wrong"


def _rows(construction: str, measured: CheckedDecode) -> list[object]:
    return [row for t in THEOREMS if t.of_decodes for row in t.of_decodes(construction, [measured], "1 run", "parallel")]  # type: ignore[misc]


CHECKS = (
    Check(
        "agreement finds",
        "a decoder that gets one position wrong, for every position; decoders that stop early or late",
        agreement_finds,
        (IndexError,),
    ),
    Check("invariants find", "circuits that break one invariant each", invariants_find, (ValueError,)),
    Check("claims find", "claims that hold and claims that do not", claims_find),
    Check("theorems find", "measures that are off by one", theorems_find),
)
