"""Checks of decodes that write one token in a step: AO-MDM and Masked-ARM beside the machine, in four orders."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from kit.any_order import FOUR, check_old_layers, written
from kit.decoding import FASTEST
from kit.small import apart, counting, parameters

from lockstep.common.permutations import read_permutation
from lockstep.compiler.compile import compile_job
from lockstep.compiler.invariants import CircuitError
from lockstep.compiler.names import AO_MDM, MASKED_ARM
from lockstep.models.editing import NotFinished
from lockstep.models.orders import NoPermutation
from lockstep.models.sampling import Sampling
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.theorems import BOUNDS
from mutation.table import Check


def agreement(construction: str) -> None:
    """Every token after every decoding step, outputs, steps and context. In one job, processors halt one after the other."""
    for job, spare in ((counting(), 0), (apart(2), 1), (parameters(), 0)):
        time = run(job).time
        for order in FOUR:
            compiled = compile_job(job, time + spare, construction=construction, sampling=Sampling(order))
            found = check_agreement(compiled, job, time + spare, Sampling(order, 1, FASTEST.engine))
            assert found.divergence is None, f"{order}: {found.divergence}"
            assert found.outputs_agree and found.layout.halted(found.tokens), f"{order}: outputs or halts are read wrongly"
            if not spare:
                _check_bound(construction, job, time, found.steps, max(found.context))


def _check_bound(construction: str, job: Job, time: int, steps: int, context: int) -> None:
    bound = BOUNDS[construction]
    wanted = bound.steps(job, time), bound.peak_context(job, time)
    assert (steps, context) == wanted, f"{steps} steps and context {context}, not {wanted}"


def old_layers() -> None:
    """The layers of mdm stand in the Masked-ARM number for number, and the first pair is right."""
    job = counting()
    time = run(job).time
    old, new = compile_job(job, time), compile_job(job, time, construction=MASKED_ARM)
    check_old_layers(old.model, new.model)
    assert written(new, job, time, "left-to-right")[0][0] == old.layout(job, time).first_block  # type: ignore[union-attr]


def permutation_files() -> None:
    """Positions, comments, the place of a wrong one; one that is missing is blamed on the end of the file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "order.txt"
        file.write_text("3 1 # 9\n\n  2\n")
        found = read_permutation(file)
        assert found.positions == (3, 1, 2), f"{found.positions}"
        for entry, place in ((0, "1:1"), (1, "1:3"), (2, "3:3"), (3, "3:4")):
            try:
                with found.blamed():
                    raise NoPermutation(entry, "wrong")
            except PramError as error:
                assert f"order.txt:{place}: error: wrong" in str(error), f"{error}, not at {place}"
        file.write_text("3 -1")
        try:
            read_permutation(file)
        except PramError as error:
            assert "order.txt:1:3: error: `-1` is no position" in str(error), str(error)
        else:
            raise AssertionError("-1 passes for a position")


CHECKS = (
    *(
        Check(
            f"agreement of {construction}",
            "every token after every decoding step against the machine, in four orders",
            partial(agreement, construction),
            (CircuitError, NotFinished, PramError),
        )
        for construction in (AO_MDM, MASKED_ARM)
    ),
    Check("old layers", "the layers of mdm inside a Masked-ARM, number for number", old_layers, (CircuitError,)),
    Check("permutation files", "the positions of a file, and the places of mistakes", permutation_files, (NoPermutation,)),
)
