"""The catalog: closed forms in one text, evaluated and in SymPy; found by file; rows that can fail."""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy
from kit.decoding import FASTEST
from kit.jobs import DIRECTORY, job_of

from lockstep.compiler.compile import compile_job
from lockstep.compiler.names import AO_MDM, ARM, ERASING, EVERY, MASKED_ARM, process_of
from lockstep.models.processes import usual_order
from lockstep.models.sampling import Sampling
from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.program import load
from lockstep.proofs_check import theorems
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import LETTERS, OPERATIONS, ClosedForm
from lockstep.proofs_check.theorems import BOUNDS, THEOREMS
from lockstep.proofs_check.theorems.width import WIDTHS

FORMS = [(t.name, c, what, form) for t in THEOREMS for c, forms in t.forms.items() for what, form in forms.items()]


def test_the_catalog() -> None:
    names = [t.name for t in THEOREMS]
    assert names == [
        "agreement",
        "program claims",
        "Theorem 1",
        "Theorem 2",
        "autoregression",
        "erasing",
        "Theorem 3",
        "Theorem 4",
        "revision",
        "repair",
        "Theorem 5",
        "parity by editing",
        "learned parity",
        "editing",
        "samplers",
        "sampler threshold:P",
        "sampler top:K",
        "sampler blocks:B",
        "sampler factor:F",
        "sampler entropy:GAMMA",
        "writing back",
        "constant depth",
        "width",
    ]
    assert set(BOUNDS) == set(EVERY)
    for theorem in THEOREMS:
        assert all((theorem.statement, theorem.measured, theorem.decided, theorem.source))
        assert [theorem.of_runs is None, theorem.of_decodes is None, not theorem.elsewhere].count(False) == 1


@pytest.mark.parametrize(("theorem", "construction", "what", "form"), FORMS, ids=[f"{t} {c} {w}" for t, c, w, _ in FORMS])
def test_closed_forms_in_sympy_have_the_same_values(theorem: str, construction: str, what: str, form: ClosedForm) -> None:
    letters = {symbol.name for symbol in form.sympy.free_symbols}
    assert letters <= set(LETTERS)
    rng = np.random.default_rng(0)
    fixed = {"n0": 1, "N": 70, "j": 1, "b": 9, "q": 7}
    for _ in range(20):
        values = {letter: int(v) for letter, v in zip(LETTERS, rng.integers(1, 60, len(LETTERS)))} | fixed
        assert int(form.sympy.subs({s: values[s.name] for s in form.sympy.free_symbols})) == form(values)


def test_the_letters_of_the_document() -> None:
    """docs/construction.md has a row for each letter, and no other."""
    text = (Path(__file__).parent.parent / "docs" / "construction.md").read_text()
    section = text.split("\n## Letters\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(.+)` \| (.+) \|$", section, re.MULTILINE)
    assert rows == [*LETTERS.items(), *OPERATIONS.items()]


@pytest.mark.parametrize("construction", WIDTHS)
def test_width_is_linear_in_the_bits(construction: str) -> None:
    """O(w + log T + log P), with b and i at most w + c + r: no second difference, along any letter of bits."""
    form = WIDTHS[construction].sympy
    for name in ("w", "t", "p", "q", "c", "i", "b"):
        letter = sympy.Symbol(name, integer=True, nonnegative=True)
        smooth = form.replace(sympy.Max, lambda *args: sum(args)).replace(sympy.floor, lambda x: x)  # at most 1 less
        assert sympy.diff(smooth, letter, 2) == 0


@pytest.mark.parametrize("construction", BOUNDS)
def test_decoding_steps_are_linear_in_the_time(construction: str) -> None:
    steps = BOUNDS[construction].decoding_steps.sympy
    if construction == ERASING:  # y cycles of L steps
        processors, steps_each, snapshot, cycles = (sympy.Symbol(name, integer=True, nonnegative=True) for name in "PLzy")
        assert sympy.expand(sympy.diff(steps, cycles) - (3 * processors * steps_each + snapshot + 3)) == 0
        return
    time = sympy.Symbol("T", integer=True, nonnegative=True)
    allocated = sympy.Symbol("A", integer=True, nonnegative=True)
    tokens = 3 * sympy.Symbol("P", integer=True, nonnegative=True)  # one in a decoding step
    slope = {"ap-mdm": 2, AO_MDM: tokens, MASKED_ARM: tokens, ARM: tokens}.get(construction, 1)
    assert sympy.diff(steps.subs(allocated, time), time) == slope


def test_a_closed_form_is_read_strictly() -> None:
    assert ClosedForm("lg(N - n0) + 2 * T")({"N": 9, "n0": 1, "T": 3}) == 9
    assert str(ClosedForm("2 * T + 1")) == "2 T + 1"
    with pytest.raises(PramError):
        _ = ClosedForm("2 T").expression
    with pytest.raises(PramError):
        ClosedForm("lg(N)")({"N": 0})


@pytest.mark.parametrize("construction", EVERY)
def test_rows_fail_where_a_measure_is_off_by_one(construction: str) -> None:
    """Each row of each theorem, with what it measures made wrong."""
    job = job_of("tree_sum", 2)
    time = run(job).time
    compiled = compile_job(job, time, construction=construction)
    order = usual_order(process_of(construction))
    agreement = check_agreement(compiled, job, time, Sampling(order, engine=FASTEST.engine))
    longer = replace(compiled.circuit.vocabulary, kinds=(*compiled.circuit.vocabulary.kinds, ("MORE", 0)))
    model = replace(compiled.model, vocabulary=longer, layers=compiled.model.layers[:2])
    wrong = CheckedDecode(
        job,
        replace(compiled, model=model),
        replace(
            agreement, steps=agreement.steps + 1, context=tuple(c + 1 for c in agreement.context), tokens=agreement.tokens * 0
        ),
    )

    def verdicts(measured: CheckedDecode) -> dict[str, bool]:
        rows = [t.of_decodes(construction, [measured], "1 run", order) for t in THEOREMS if t.of_decodes]
        return {check.what: check.holds for row in rows for check in row}

    assert all(verdicts(CheckedDecode(job, compiled, agreement)).values())
    assert {what for what, holds in verdicts(wrong).items() if holds} == {"every token", "d_model"}


def test_a_theorem_is_added_by_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the folder is found, and `verify` shows its rows."""
    (tmp_path / "theorem9.py").write_text(
        textwrap.dedent("""
            from lockstep.proofs_check.catalog import Theorem
            from lockstep.proofs_check.report import Check

            def of_runs(program, runs, on):
                yield Check("parity of the time", on, "odd", "even", all(run.time % 2 for _, run in runs))

            THEOREM = Theorem("Theorem 9", 99, "Times are odd.", "time", "parity", "nowhere", of_runs=of_runs)
        """)
    )
    monkeypatch.setattr(theorems, "__path__", [*theorems.__path__, str(tmp_path)])
    found = theorems.find_theorems()
    sys.modules.pop("lockstep.proofs_check.theorems.theorem9")
    assert [t.name for t in found][-1] == "Theorem 9"
    from lockstep.proofs_check.verification import Options, rows, verify

    monkeypatch.setattr(rows, "THEOREMS", found)
    report = verify(load(DIRECTORY / "tree_sum.pram"), Options(["mdm"]), sizes=[1, 2], random=1)
    assert not report.holds
    assert [(c.what, c.verdict) for c in report.checks if c.what.startswith("parity")] == [("parity of the time", "FAILED")]
