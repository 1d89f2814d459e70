"""Agreement: after every decoding step, every token matches the machine's run, and the outputs equal its memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.models.orders import ORDERS
from lockstep.proofs_check.catalog import Theorem
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.report import Check


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    total = len(rows)
    agree = sum(m.agreement.divergence is None for m in rows)
    fixed = order in ORDERS and (order == "parallel" or ORDERS[order].turns is not None)
    when = "right after every step" if fixed else f"right, {order}"
    yield Check("every token", on, when, f"{agree} of {total}", agree == total, process=construction)
    if not any(m.job.outputs for m in rows):
        yield Check("model outputs", on, "the program has none", "not compared", True, "skipped", construction)
        return
    same = sum(m.agreement.outputs_agree for m in rows)
    yield Check("model outputs", on, "machine's memory", f"{same} of {total}", same == total, process=construction)


THEOREM = Theorem(
    name="agreement",
    place=0,
    statement="The model generates exactly the run of the machine: each value, destination and program counter of each step.",
    measured="every token after every decoding step, and the words of the outputs",
    decided="equality with the machine's run, token by token",
    source="the constructions in the proofs of Theorems 1, 3 and 4, arXiv 2510.06190",
    of_decodes=of_decodes,
)
