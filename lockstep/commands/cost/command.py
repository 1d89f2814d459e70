"""`lockstep cost`: predicts what a decode of any size costs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from rich.console import Group

from lockstep.common.arguments import constructions, parse_number, parse_settings, parse_sizes
from lockstep.common.console import FAILED, emit, err, progress_bar, spinner
from lockstep.common.options import Bits, EachParallel, EachSchedule, Json, OptionalFile, Sidecar
from lockstep.pram.program import Program, load

if TYPE_CHECKING:
    from lockstep.commands.cost.calibrate import Calibration
    from lockstep.commands.cost.check import Comparison
    from lockstep.commands.cost.predict import Forecast
    from lockstep.commands.cost.sizes import PlannedRun, SmallRuns

#: If the fit differs from a measurement by a larger factor, the command says that the machine may have been busy.
TRUSTED = 1.5


def cost(file: OptionalFile = None,
         size: Annotated[Optional[str], typer.Option("--size",
                                                     help="Size of the input: 1000, 1e6, 10^6 or 2^20; several with commas.",
                                                     show_default=False)] = None,
         sizes: Annotated[Optional[str], typer.Option("--sizes", help="The same for ranges: 1..8 or 1,2,4.",
                                                      show_default=False)] = None,
         param: Annotated[Optional[list[str]], typer.Option("--param", show_default=False,
                    help="NAME=VALUE: another parameter, or an output in a claim.")] = None,
         process: EachParallel = "all",
         schedule: EachSchedule = "all",
         word_bits: Bits = None,
         exact: Annotated[bool, typer.Option("--exact", help="Show only what follows from T: no time, no memory.")] = False,
         check: Annotated[bool, typer.Option("--check", help="Decode as well, and compare with the prediction.")] = False,
         calibrate: Annotated[bool, typer.Option("--calibrate", help="Measure this machine again (one to three minutes).")] = False,
         no_sidecar: Sidecar = False, json_: Json = False,
         old: Annotated[Optional[str], typer.Option("--n", hidden=True)] = None) -> None:  # fmt: skip
    """Predict what a decode of any size costs.

    T comes from the program's claim. The command compares the claim with small runs and then trusts it. Closed forms give
    context and decoding steps from T, and the tokens (for ap-mdm an upper bound).

    Time and memory are estimates. For them the first `cost` measures this machine, which takes one to three
    minutes, and keeps the figures in ~/.cache/lockstep/cost.json ($XDG_CACHE_HOME, if set). --exact needs no figures.
    """
    if old is not None:
        raise typer.BadParameter(f"this is --size now: --size {old}", param_hint="--n")
    wanted = constructions(process, schedule)
    settings = parse_settings(param or [], "--param")
    chosen = _chosen_sizes(size, sizes)
    if exact and calibrate or file is None and not calibrate:
        raise typer.BadParameter("--exact needs no calibration" if exact else "a program is missing", param_hint="FILE")
    program = load(file) if file else None
    if program is None:
        _calibration(calibrate)
        return
    from lockstep.commands.cost.sizes import plan_run

    small_runs = _check_small_runs(program, word_bits, not no_sidecar)
    planned = [plan_run(program, each, settings, word_bits, not no_sidecar) for each in chosen]
    calibration = None if exact else _calibration(calibrate)  # last: it takes minutes, and nothing else can be wrong by now
    found = [_forecast(program, small_runs, each, wanted, calibration) for each in planned]
    comparisons = [list(_comparisons(program, f, wanted, calibration)) if check else [] for f in found]
    from lockstep.commands.cost.show import record, table

    records = [record(f, h) for f, h in zip(found, comparisons)]
    emit(records if len(chosen) > 1 else records[0], Group(*(table(f, h) for f, h in zip(found, comparisons))), json_)
    if not all(h.holds for each in comparisons for h in each):
        raise typer.Exit(FAILED)


def _chosen_sizes(size: str | None, sizes: str | None) -> list[int] | list[None]:
    """The sizes of --size or --sizes, each once; [None] if neither is there."""
    if size is not None and sizes is not None:
        raise typer.BadParameter("--size and --sizes exclude each other", param_hint="--sizes")
    if sizes is not None:
        return parse_sizes(sizes)
    return [None] if size is None else list(dict.fromkeys(_size(text) for text in size.split(",")))


def _size(text: str) -> int:
    if size := parse_number(text, "--size"):
        return size
    raise typer.BadParameter("sizes start at 1", param_hint="--size")


def _check_small_runs(program: Program, word_bits: int | None, use_sidecar: bool) -> SmallRuns:
    """Run small sizes. If they make a claim false, the command ends."""
    from lockstep.commands.cost.sizes import run_small_sizes

    with spinner(err, f"running {program.name}"):
        small_runs = run_small_sizes(program, word_bits, use_sidecar=use_sidecar)
    false = [check for check in small_runs.checks if not check.holds]
    for check in false:
        print(f"error: {check.what} {check.bound} is false: {check.measured}; so there is no prediction", file=sys.stderr)
    if false:
        raise typer.Exit(FAILED)
    return small_runs


def _calibration(anew: bool) -> Calibration:
    from lockstep.commands.cost import calibrate

    found = None if anew else calibrate.cached()
    if found is None:
        print(
            f"measuring this machine, once: one to three minutes; kept in {calibrate.cache_file()}", file=sys.stderr, flush=True
        )
        with progress_bar(err, "decoding with each engine") as progress:
            found = calibrate.calibrate(progress)
        calibrate.save(found)
        busy = "; if the machine was busy, measure again: --calibrate" if found.worst > TRUSTED else ""
        print(f"measured: estimates may be off by a factor of {found.worst:.2f}{busy}", file=sys.stderr)
    return found


def _forecast(
    program: Program, small_runs: SmallRuns, planned: PlannedRun, wanted: list[str], calibration: Calibration | None
) -> Forecast:
    from lockstep.commands.cost.predict import forecast

    with spinner(err, "compiling"):
        return forecast(program, planned, wanted, small_runs, calibration)


def _comparisons(program: Program, found: Forecast, wanted: list[str], calibration: Calibration | None) -> list[Comparison]:
    """Compare the prediction with a run on an input of this size, and with its decodes."""
    from lockstep.commands.cost.check import compare
    from lockstep.commands.cost.sizes import input_of

    with spinner(err, "decoding"):
        planned = found.planned
        return list(compare(input_of(program, planned), planned.time, wanted, calibration, relation=planned.relation))
