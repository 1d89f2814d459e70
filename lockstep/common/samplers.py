"""The options about samplers, as values: --sampler, --anchor, --temperature, --noise."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from lockstep.common.console import FAILED
from lockstep.compiler.names import process_of
from lockstep.pram.job import Job

if TYPE_CHECKING:
    from lockstep.proofs_check.decoding import DecodeOptions


def read_sampled(sampler: str | None, anchor: bool, temperature: float, noise: str | None, order: str | None,
                 constructions: Iterable[str]) -> dict[str, Any]:  # fmt: skip
    """The fields of `lockstep.models.sampling.Sampling` that the options about samplers set.

    Args:   anchor: whether given tokens are written back, which is a part of a sampler. order: the one that the user chose.
            constructions: those that are decoded.
    Raises: typer.BadParameter: there is no such sampler or noise, or the order or a construction's process takes none.
    """
    from lockstep.models.picking import check_sampler
    from lockstep.models.samplers import sampler as read
    from lockstep.models.samplers.noise import Noise
    from lockstep.models.sampling import Sampling

    try:
        drawn = None if noise is None else Noise.read(noise)
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint="--noise") from None
    try:
        named = f"{sampler or 'parallel'}+anchor" if anchor else sampler
        whole = None if named is None else read(named).text
        sampling = Sampling(order or "parallel", sampler=whole, temperature=temperature, noise=drawn)
        for process in dict.fromkeys(process_of(name) for name in constructions):
            check_sampler(process, sampling)
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint="--sampler") from None
    return {"sampler": whole, "temperature": temperature, "noise": drawn}


@contextmanager
def saying_why(job: Job, options: DecodeOptions) -> Iterator[None]:
    """Say on standard error, after a decode by a sampler, why it is right or wrong. After another failure nothing is said."""
    from lockstep.proofs_check.samplers.explaining import explain_job

    try:
        yield
    except typer.Exit as ended:
        if ended.exit_code == FAILED:
            print(*explain_job(job, options.sampling, options.compiled, options.max_steps), file=sys.stderr)
        raise
    print(*explain_job(job, options.sampling, options.compiled, options.max_steps), file=sys.stderr)
