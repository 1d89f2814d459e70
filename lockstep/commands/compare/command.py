"""`lockstep compare`: one run in every process and schedule, side by side."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from lockstep.commands.compare.table import comparison_table, in_words, serially
from lockstep.common.arguments import parse_sizes
from lockstep.common.console import FAILED, emit, err, progress_bar
from lockstep.common.ending import end_with_run, given_parameters
from lockstep.common.faults import Kind, check_faults, parse_rates
from lockstep.common.inputs import job_and_input, winner_named
from lockstep.common.options import Bits, Every, File, FixedWinner, Input, Json, Seed, Sidecar, Size, Steps
from lockstep.common.paths import check_writable
from lockstep.models.faults import Faults
from lockstep.pram.inputs import InputFile
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS
from lockstep.pram.program import Program, load

if TYPE_CHECKING:
    from lockstep.commands.compare.rows import Point
    from lockstep.commands.compare.samplers import Share


def compare(file: File, input: Input = None, size: Size = None, seed: Seed = 0, winner: FixedWinner = None, word_bits: Bits = None,
            every: Every = None,
            samplers: Annotated[bool, typer.Option("--samplers",
                    help="Compare samplers of masked diffusion instead: which masks a decoding step unmasks.")] = False,
            explain: Annotated[bool, typer.Option("--explain", help="With --samplers: say why each is right or wrong.")] = False,
            plot: Annotated[Optional[Path], typer.Option("--plot", show_default=False,
                    help="Also draw how all grow with the size, to a file NAME.svg, .png or .pdf; with --samplers, the share of "
                         "right runs.")] = None,
            corrupt: Annotated[Optional[str], typer.Option("--corrupt", show_default=False,
                    help="Instead, decode with faults at these rates, 1e-4,1e-3,1e-2: how many runs still end right.")] = None,
            fault_kind: Kind = None,
            runs: Annotated[int, typer.Option("--runs", min=1, help="Decodes for each rate of --corrupt.")] = 20,
            sizes: Annotated[Optional[str], typer.Option("--sizes", show_default=False,
                    help="Sizes of the figure: 1..8 or 1,2,4 [1, 2, 4, .. up to --size].")] = None,
            max_context: Annotated[int, typer.Option(min=0,
                    help="Most tokens of a context; longer ones are computed, not decoded.")] = 20_000,
            max_decoding_steps: Annotated[int, typer.Option(min=0,
                    help="Most decoding steps; longer decodes are computed, not decoded.")] = 2000,
            max_steps: Steps = DEFAULT_MAX_STEPS, no_sidecar: Sidecar = False, json_: Json = False) -> None:  # fmt: skip
    """Compare all generation processes on one run.

    The machine runs one input. Every process and schedule decodes the same run: decoding steps, context, tokens, and the
    multiply-adds of a serial machine stand side by side, each by its closed form and as counted.
    With --samplers, masked diffusion decodes it by many samplers: which of them are right, by theorem and in the decode.
    """
    check_faults(corrupt, fault_kind)
    rates = None if corrupt is None else parse_rates(corrupt)
    if rates is not None and samplers:
        raise typer.BadParameter("--samplers compares samplers without faults: leave one out", param_hint="--corrupt")
    if rates is not None and plot is not None:
        _check_figure(plot)
    drawn = [] if rates is not None and sizes is None else _sizes_of_figure(plot if rates is None else None, sizes, size)
    _check_samplers(samplers, explain, every)
    program = load(file)
    job, given = job_and_input(program, input, size, seed, word_bits, winner_named(program, winner), use_sidecar=not no_sidecar)
    limits = {"max_context": max_context, "max_decoding_steps": max_decoding_steps, "max_steps": max_steps}
    drawing: dict[str, Any] = {"seed": seed, "word_bits": word_bits, "use_sidecar": not no_sidecar, "max_steps": max_steps}
    if samplers:
        _compare_samplers(program, job, given, limits, explain, plot, drawn, drawing, json_)
        return
    if rates is not None:
        _corrupt(program, job, rates, Faults(0, fault_kind or "random", seed), runs, limits, plot, json_)
        return
    from lockstep.commands.compare.rows import compare_job, growth

    with progress_bar(err, f"decoding {program.name}") as progress:
        found = compare_job(job, every=every, **limits, progress=progress)
    points: list[Point] = []
    if plot is not None:
        with progress_bar(err, f"running {program.name}") as progress:
            points = growth(program, drawn, **drawing, progress=progress)
        from lockstep.commands.compare.plot import draw_growth

        draw_growth(program.name, points, plot)
    params = given_parameters(program, job)
    record: dict[str, Any] = {**found.record, "params": params, "words": [*in_words(found), *serially(found.rows)]}
    emit(record | ({"growth": [asdict(p) for p in points]} if points else {}), comparison_table(found, params), json_)
    end_with_run(program, job, found.run, given)
    if not found.holds:
        raise typer.Exit(FAILED)


def _check_samplers(samplers: bool, explain: bool, every: int | None) -> None:
    """Refuse options that do not go together."""
    if explain and not samplers:
        raise typer.BadParameter("this says why samplers are right or wrong: give --samplers, too", param_hint="--explain")
    if samplers and every is not None:
        raise typer.BadParameter("samplers are of masked diffusion, which never erases", param_hint="--every")


def _compare_samplers(program: Program, job: Job, given: InputFile, limits: dict[str, int], explain: bool, plot: Path | None,
                      sizes: list[int], drawing: dict[str, Any], json_: bool) -> None:  # fmt: skip
    """Compare samplers on one run, and draw the figure of several. Arguments after `given` are options of the command."""
    from lockstep.commands.compare.sampler_table import sampler_table
    from lockstep.commands.compare.samplers import compare_samplers, shares

    with progress_bar(err, f"decoding {program.name}") as progress:
        found = compare_samplers(job, **limits, seed=drawing["seed"], progress=progress)
    points: list[Share] = []
    if plot is not None:
        with progress_bar(err, f"running {program.name}") as progress:
            points = shares(program, sizes, **drawing, progress=progress)
        from lockstep.commands.compare.sampler_plot import draw_shares

        draw_shares(program.name, points, sizes, plot)
    params = given_parameters(program, job)
    record = {**found.record, "params": params} | ({"shares": [asdict(point) for point in points]} if points else {})
    emit(record, sampler_table(found, params, explain), json_)
    end_with_run(program, job, found.run, given)
    if not found.holds:
        raise typer.Exit(FAILED)


def _corrupt(program: Program, job: Job, rates: tuple[float, ...], faults: Faults, runs: int, limits: dict[str, int],
             plot: Path | None, json_: bool) -> None:  # fmt: skip
    """Decode with faults in every process; table, and figure. Exits with status 3 if what repairs faults did not."""
    from lockstep.commands.compare.corrupted import corrupt_job, corrupted_table

    with progress_bar(err, f"decoding {program.name}") as progress:
        found = corrupt_job(job, rates, faults, runs, **limits, progress=progress)
    if plot is not None:
        from lockstep.commands.compare.corrupted_plot import draw_corrupted

        draw_corrupted(found, plot)
    emit(found.record, corrupted_table(found), json_)
    if not found.holds:
        raise typer.Exit(FAILED)


def _sizes_of_figure(plot: Path | None, sizes: str | None, size: int | None) -> list[int]:
    """The sizes of the figure; none without a figure. Refuses a file that cannot be written."""
    if plot is None:
        if sizes is not None:
            raise typer.BadParameter("these are the sizes of the figure: give --plot, too", param_hint="--sizes")
        return []
    _check_figure(plot)
    if sizes is not None:
        return sorted(parse_sizes(sizes))
    if size is None:
        raise typer.BadParameter("the figure needs inputs of several sizes: give --size N or --sizes 1,2,4", param_hint="--plot")
    return sorted({size, *(1 << power for power in range(size.bit_length()))})


def _check_figure(plot: Path) -> None:
    """Refuse a file that is no figure or cannot be written."""
    if plot.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise typer.BadParameter(f"{plot} does not end with .svg, .png or .pdf", param_hint="--plot")
    check_writable(plot, "--plot")
