"""Theorems as data: a statement, closed forms, and functions that compare runs and decodes with them.

Each file of `proofs_check/theorems/` defines one THEOREM; `lockstep.proofs_check.theorems` collects them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lockstep.pram.machine import Run
from lockstep.pram.program import Program
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import Bound, ClosedForm
from lockstep.proofs_check.report import Check, span


@dataclass(frozen=True)
class Theorem:
    """One theorem as an executable claim.

    place:      its position in tables; theorems are sorted by it.
    statement:  the claim. measured: what is measured. decided: how the verdict is reached. source: the paper. All are texts.
    forms:      its closed forms by construction and quantity. bounds: those that are known before a decode.
    of_runs:    checks a program's runs on the machine. of_decodes: checks the decodes of a construction in an order; where
                a sampler picks positions, `sampler top:4` stands in place of the order.
    elsewhere:  the commands that check it, if neither does: it is about a task, not about programs.
    stated:     what belongs to it and is not checked, each with its assumption, if it has one, and its source.
    """

    name: str
    place: int
    statement: str
    measured: str
    decided: str
    source: str
    forms: Mapping[str, Mapping[str, ClosedForm]] = field(default_factory=dict)
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    of_runs: Callable[[Program, Sequence[tuple[dict[str, int], Run]], str], Iterable[Check]] | None = None
    of_decodes: Callable[[str, Sequence[CheckedDecode], str, str], Iterable[Check]] | None = None
    elsewhere: tuple[str, ...] = ()
    stated: tuple[str, ...] = ()


def equality(what: str, on: str, form: ClosedForm, rows: Sequence[CheckedDecode], found: Callable[[CheckedDecode], int],
             letters: Callable[[CheckedDecode], dict[str, int]]) -> Check:  # fmt: skip
    """A row that holds if `found` equals the closed form on every decode."""
    values = [found(m) for m in rows]
    holds = values == [form(letters(m)) for m in rows]
    return Check(what, on, str(form), span(values), holds, process=rows[0].compiled.construction)


def steps_and_context(bound: Bound, on: str, rows: Sequence[CheckedDecode]) -> Iterator[Check]:
    """Two rows: decoding steps and context length equal the closed forms of a bound on every decode."""

    def letters(m: CheckedDecode) -> dict[str, int]:
        return bound.letters(m.job, m.time)

    yield equality("decoding steps", on, bound.decoding_steps, rows, lambda m: m.agreement.steps, letters)
    yield equality("context length", on, bound.context, rows, lambda m: max(m.agreement.context), letters)
