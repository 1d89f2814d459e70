"""Checks of counts of operations and tokens: closed forms and prices, against a decoder that counts its own."""

from __future__ import annotations

from dataclasses import replace

from kit import cases
from kit.counting import counted_decode
from kit.decoding import FASTEST
from kit.small import apart, counted_cell, counting, number

from lockstep.compiler.compile import compile_job
from lockstep.models.processes import usual_order
from lockstep.models.sampling import Sampling
from lockstep.pram.instructions import Instruction
from lockstep.pram.job import Job
from lockstep.proofs_check.activity import counted_run
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.operations import Prices
from lockstep.proofs_check.theorems import BOUNDS
from lockstep.proofs_check.theorems.theorem2 import CUBIC, KEPT, OPERATIONS, counted_operations, letters, of_decodes
from mutation.table import Check

#: An input cell changes in the first step, and words are written that stand there already.
AGAIN = cases.job(
    Instruction("store", number(0), number(0), number(7)),
    Instruction("store", number(0), number(0), number(7)),
    Instruction("store", number(0), number(0), number(6)),
    Instruction("mov", number(2), rd=0),
    Instruction("mov", number(2), rd=0),
    memory=(5, 3), outputs=range(1),
)  # fmt: skip
JOBS: tuple[Job, ...] = (counting(1), counted_cell(1))


#: What the decoder that counts has counted, by construction, job and whether it keeps keys and values.
COUNTED: dict[tuple[str, int, bool], int] = {}


def _counted(construction: str, job: Job, keeps: bool = False) -> int:
    """The multiply-adds of a decode, counted once: no mutant of these checks changes a model, and the decoder is an oracle."""
    key = construction, next(n for n, each in enumerate(JOBS) if each is job), keeps
    if key not in COUNTED:
        time = counted_run(job, 100)[0].time
        COUNTED[key] = counted_decode(compile_job(job, time, construction=construction), job, time, keeps).multiply_adds
    return COUNTED[key]


def operations() -> None:
    """The multiply-adds of every construction: by closed form, from the contexts of a decode, and by a decoder that counts."""
    for construction, form in OPERATIONS.items():
        for job in JOBS:
            run, _ = counted_run(job, 100)
            compiled = compile_job(job, run.time, construction=construction)
            values = letters(construction, job, run.time, Prices.of(compiled.model))
            counted = _counted(construction, job)
            assert form(values) == counted, f"{construction}: {form(values)} by closed form, {counted} counted"
            order = usual_order(compiled.process)
            decode = CheckedDecode(
                job, compiled, check_agreement(compiled, job, run.time, Sampling(order, engine=FASTEST.engine))
            )
            found = counted_operations(decode)
            assert found == counted, f"{construction}: {found} from its contexts, {counted} counted"
            assert all(check.holds for check in of_decodes(construction, [decode], "", order)), f"{construction}: FAILED"
            _rows_that_fail(construction, decode, order)


def _rows_that_fail(construction: str, decode: CheckedDecode, usual: str) -> None:
    """A decode with a pass more, and one with more passes than its context has tokens."""
    context = decode.agreement.context
    for longer, order in ((context + context[-1:], usual), (context * 10**3, "random")):
        if construction in CUBIC or order == usual:
            wrong = replace(decode, agreement=replace(decode.agreement, context=longer))
            (check,) = of_decodes(construction, [wrong], "", order)
            assert not check.holds, f"{construction}: {len(longer)} passes pass in order {order}"


def kept_operations() -> None:
    """What a causal model needs if it keeps keys and values."""
    for construction, form in KEPT.items():
        for job in JOBS:
            run, _ = counted_run(job, 100)
            compiled, bound = compile_job(job, run.time, construction=construction), BOUNDS[construction]
            prices = Prices.of(compiled.model)
            counted = _counted(construction, job, keeps=True)
            wanted = form(letters(construction, job, run.time, prices))
            found = prices.decode_keeping(FACTS[construction].contexts(bound.letters(job, run.time), bound))
            assert (wanted, found) == (counted, counted), f"{construction}: {wanted} and {found}, {counted} counted"


def written_tokens() -> None:
    """The tokens that decodes generate, against the closed forms and the machine's run."""
    for construction, facts in FACTS.items():
        for job in (*JOBS, counted_cell(2), apart(2), AGAIN):
            run, activity = counted_run(job, 100)
            values = BOUNDS[construction].letters(job, run.time) | activity.letters
            compiled = compile_job(job, run.time, construction=construction)
            found = check_agreement(
                compiled, job, run.time, Sampling(usual_order(compiled.process), engine=FASTEST.engine)
            ).written
            assert found == facts.tokens(values), f"{construction}: {found} tokens, not {facts.tokens(values)}"


CHECKS = (
    Check("operations", "multiply-adds by closed form, and of decodes, against a decoder that counts its own", operations),
    Check("kept operations", "the same of a causal decoder that keeps keys and values", kept_operations),
    Check("written tokens", "the tokens that decodes generate, against their closed forms", written_tokens),
)
