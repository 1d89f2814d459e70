"""The directed search for what the float32 horizon promises: where all processors fight over one cell, at every width."""

from __future__ import annotations

import pytest
from kit.small import hot_cell

from lockstep.compiler.blocks import Widths
from lockstep.compiler.compile import Compiled, compile_code
from lockstep.compiler.processor import Code
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.certificate import horizon, require_certificate
from lockstep.proofs_check.refusals import NotCertified


def with_widths(sample: Job, bits: int, dtype: str) -> Compiled:
    """The job's model with time and pid bits that add up to `bits`."""
    return compile_code(Code.of(sample), Widths(sample.word_bits, bits - 2, 2), dtype)


def test_hot_cell_beyond_the_float32_horizon() -> None:
    """Inside the certified horizon every hot cell is right; the first failure comes within 8 times of it."""
    samples = [hot_cell(4, rounds) for rounds in (1, 2, 3)]
    limit = horizon(with_widths(samples[0], 8, "float32"))
    times = [run(sample).time for sample in samples]

    def fails(bits: int) -> bool:
        return any(check_agreement(with_widths(s, bits, "float32"), s, t).divergence is not None for s, t in zip(samples, times))

    assert limit >= 17
    assert not any(fails(bits) for bits in range(6, limit + 1))
    assert any(fails(bits) for bits in range(limit + 1, limit + 4))
    with pytest.raises(NotCertified, match=rf"up to T \* P = 2\^{limit}, and this run needs 2\^{limit + 1}: use --dtype float64"):
        require_certificate(with_widths(samples[0], limit + 1, "float32"))
    assert check_agreement(with_widths(samples[0], limit + 6, "float64"), samples[0], times[0]).divergence is None
