"""Checks of autoregression with erasing: cycles of several lengths, the rule itself, and how decodes end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import typer
from kit.counting import counted_decode
from kit.small import apart, counted_cell, counting, parameters

from lockstep.common.arguments import check_every
from lockstep.compiler.compile import compile_job
from lockstep.compiler.names import ERASING
from lockstep.models.decode import Decoder
from lockstep.models.editing import NothingToErase, OutOfPositions
from lockstep.models.erasing import Marks
from lockstep.models.sampling import Sampling
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.operations import Prices, passes_made
from lockstep.proofs_check.theorems import BOUNDS, theorem2
from lockstep.proofs_check.theorems.erasing import of_decodes
from mutation.table import Check

#: In the last one, processors are at different places and halt in different steps.
JOBS = (counted_cell(2), parameters(), apart())
#: Steps in a cycle: some that T is a multiple of and some that it is not, more than T.
EVERY = (2, 5, 40)


def decodes() -> Iterator[CheckedDecode]:
    """All jobs with all lengths of cycles, in turn by the reference and by an engine that keeps tables."""
    for job, (number, every) in product(JOBS, enumerate(EVERY)):
        time, engine = run(job).time, ("indexed", "dense")[number % 2]
        sampling = Sampling(engine=engine, every=every)
        compiled = compile_job(job, time, construction=ERASING, sampling=sampling)
        decode = check_agreement(compiled, job, time, sampling)
        assert decode.engine == engine, decode.engine
        found = CheckedDecode(job, compiled, decode)
        assert found.every == every, f"it erases every {found.every} steps, not every {every}"
        yield found


def cycles() -> None:
    """Every token of every cycle against the machine; and steps and contexts to the letter."""
    for decode in decodes():
        agreement = decode.agreement
        assert agreement.divergence is None, str(agreement.divergence)
        assert agreement.outputs_agree and agreement.written == agreement.steps, "other outputs, or another number of tokens"
        bound = BOUNDS[ERASING].every(decode.every)
        wanted = bound.steps(decode.job, decode.time), bound.peak_context(decode.job, decode.time)
        assert (agreement.steps, max(agreement.context)) == wanted, f"{agreement.steps, max(agreement.context)}, not {wanted}"
        rows = list(of_decodes(ERASING, [decode], "", "parallel"))
        assert len(rows) == 3 and all(row.holds for row in rows), f"{len(rows)} rows, of which some may fail"
        passes = list(FACTS[ERASING].contexts(bound.letters(decode.job, decode.time), bound))
        assert passes == passes_made(agreement.context, "arm"), "other passes"


def operations_of_cycles() -> None:
    """Multiply-adds of cycles of three lengths by closed form, against a decoder that counts its own."""
    job = counting()
    time = run(job).time
    for every in (None, 2, 40):
        if every is None:
            compiled = compile_job(job, time, construction=ERASING)
            for keeps, form in ((False, theorem2.OPERATIONS), (True, theorem2.KEPT)):
                counted = counted_decode(compiled, job, time, keeps=keeps).multiply_adds
                found = form[ERASING](theorem2.letters(ERASING, job, time, Prices.of(compiled.model)))
                assert found == counted, f"{found} by closed form, {counted} counted"
            continue
        compiled = compile_job(job, time, construction=ERASING, sampling=Sampling(every=every))
        decode = CheckedDecode(job, compiled, check_agreement(compiled, job, time, Sampling(every=every)))
        assert all(check.holds for check in theorem2.of_decodes(ERASING, [decode], "", "parallel")), f"every {every}: FAILED"


def rule() -> None:
    """C CALL T SEP A RETURN becomes C A, with the last SEP and the CALL that belongs to it."""
    marks = Marks(call=1, sep=2, returns=3, end=4)
    for before, after in (
        ([0, 1, 7, 2, 9, 3], [0, 9]), ([0, 1, 7, 2, 1, 9, 3], [0, 1, 9]), ([0, 1, 5, 1, 7, 2, 9, 3], [0, 1, 5, 9]),
        ([0, 1, 7, 2, 8, 1, 7, 2, 9, 3], [0, 1, 7, 2, 8, 9]), ([0, 1, 9, 3], None), ([0, 2, 9, 3], None), ([0, 2, 1, 3], None),
    ):  # fmt: skip
        found = marks.reduced(np.array(before))
        assert (found if found is None else found.tolist()) == after, f"{before} becomes {found}"


def ends() -> None:
    """Decodes that start behind a mark, and one without enough positions."""
    job = counted_cell()
    compiled = compile_job(job, run(job).time, construction=ERASING, sampling=Sampling(every=2))
    layout = compiled.layout(job, run(job).time, Sampling(every=2))
    start, token = layout.tokens(), compiled.circuit.vocabulary.token
    assert not list(Decoder(compiled.model, np.append(start, token("END")), layout.positions(), "arm")), "END does not end"
    for tokens, positions, error in (
        (np.append(start, token("RETURN")), layout.positions().dense(), NothingToErase),
        (start, layout.positions().dense()[:30], OutOfPositions),
    ):
        try:
            list(Decoder(compiled.model, tokens, positions, "arm"))
        except (NothingToErase, OutOfPositions) as found:
            assert type(found) is error, f"{type(found).__name__}: {found}"
        else:
            raise AssertionError(f"no {error.__name__}")


def options() -> None:
    """--every is refused where nothing erases."""
    check_every(2, ["mdm", ERASING])
    check_every(None, ["mdm"])
    try:
        check_every(2, ["mdm", "arm"])
    except typer.BadParameter:
        return
    raise AssertionError("it is taken")


CHECKS = (
    Check("cycles", "arm erasing with cycles of 2 to 40 steps, every token against the machine", cycles,
          (NothingToErase, OutOfPositions, IndexError)),
    Check("operations of cycles", "multiply-adds of arm erasing, against a decoder that counts its own", operations_of_cycles),
    Check("rule of erasing", "sequences and what the rule leaves of them, by hand", rule, (IndexError,)),
    Check("ends of erasing decodes", "decodes that start behind RETURN or END, or have too few positions", ends, (IndexError, ValueError)),
    Check("options of erasing", "--every with and without a construction that erases", options),
)  # fmt: skip
