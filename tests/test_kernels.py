"""The input of the indexed engine's kernels: numbers that are exact in float32 or float64, and the forms of MLPs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from kit.cases import EXAMPLE_SIZES
from kit.decoding import remembered, whole_job
from kit.jobs import job_of

from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.models.engines import Unsuitable, bounds
from lockstep.models.engines import plan as plan_module
from lockstep.models.engines.plan import as_differences, plan
from lockstep.pram.machine import run


def kernels_count_in(construction: str, dtype: str = "float64") -> type:
    job = job_of("hillis_steele", 4, 16)
    compiled = compile_job(job, run(job).time, dtype, construction)
    layout = compiled.layout(job, run(job).time)
    found = plan(compiled.model, layout.positions(), int(layout.tokens()[0]))
    reals = {array.dtype.type for array in (*(m.bias for m in found.mlps), *(h.half for h in found.heads))}
    assert len(reals) == 1
    return reals.pop()


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_kernels_count_in_float32_only_where_that_is_exact(construction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels in float64 give the same tokens. Small programs would always use float32."""
    assert kernels_count_in(construction) is np.float32
    exact, job = bounds.bound, job_of("hillis_steele", 4, 16)
    compiled = compile_job(job, run(job).time, construction=construction)
    positions = compiled.layout(job, run(job).time).positions()
    least = next(bits for bits in range(53) if not _rounds(lambda: exact(compiled.model, positions, bits)))  # noqa: B023
    assert 16 < least <= 22  # words of 16 bits, and a little more
    monkeypatch.setattr(plan_module, "bound", lambda model, positions, bits=53: exact(model, positions, bits if bits > 30 else 8))
    assert kernels_count_in(construction) is np.float64
    for name, size in EXAMPLE_SIZES.items():
        job = job_of(name, size)
        assert whole_job(job, run(job).time, "indexed", construction, reference=remembered) == "indexed"


def _rounds(bounding: Callable[[], object]) -> bool:
    try:
        bounding()
    except Unsuitable:
        return True
    return False


def test_forms_go_on_from_the_one_before() -> None:
    """A row is stored complete where that has fewer entries. The sums of the rows are the forms."""
    forms = np.array([[1, 2, 0, 0, 0], [1, 2, 4, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 3, 1]], float)
    added, complete = as_differences(forms)
    assert complete.tolist() == [True, False, True, False]
    assert np.count_nonzero(added) == 5
    row = np.zeros(5)
    for form, more, whole in zip(forms, added, complete):
        row = more if whole else row + more
        assert np.array_equal(row, form)
