"""`python -m deep`, with tests/ on the path: the tier of more than an hour: proofs, mutants, contracts, samplers, random programs."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from kit.copies import States, every_change_repaired, hits_repaired
from kit.jobs import job_of
from kit.program_mutants import VERDICTS, judged_file, with_contracts
from kit.sampler_runs import Piece, Tally, decoded, sizes
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lockstep.commands.prove.command import fixed_bits, with_models
from lockstep.commands.prove.proving import prove_program
from lockstep.commands.prove.table import proof_record
from lockstep.compiler.names import PARTS, THREE_COPIES, lacking
from lockstep.pram.machine import run
from lockstep.pram.program import load
from lockstep.proofs_check.proofs.solver import Lemmas

ROOT = Path(__file__).parent.parent
PROGRAMS = sorted((ROOT / "examples" / "programs").glob("*.pram"))
FINE, FAILED = 0, 3
#: Seconds that the proof of one program may take in one construction.
MOST_SECONDS = 60
#: Of a run whose model is hit by faults: steps; and how often each state is hit.
MOST_REPAIRED_STEPS, HITS = 200, 20
#: What this process has proved.
LEMMAS = Lemmas()

Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Part:
    """What one part of the tier found: a sentence, tables, whether all of it held, and when and where it was run."""

    name: str
    found: str
    seconds: float
    holds: bool
    tables: tuple[tuple[tuple[str, ...], Rows], ...] = ()
    run: str = ""


def answer(*command: str, bar: bool = False) -> tuple[int, Any]:
    """Exit status and JSON of a command of this project, or of its tests; bar: let it show its own progress."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests"))), "OMP_NUM_THREADS": "1"}
    errors = None if bar else subprocess.PIPE
    done = subprocess.run(
        [sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT, env=environment, check=False
    )
    if not done.stdout.strip():
        raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}: {(done.stderr or '').strip()[-400:]}")
    return done.returncode, json.loads(done.stdout)


def prove(path: Path) -> list[dict[str, Any]]:
    """The proofs of one program, words of 16 bits, or of as many as it declares. What earlier programs proved is used again."""
    program = load(path)
    return [
        proof_record(p) for p in prove_program(program, with_models(program, list(PARTS)), fixed_bits(program), lemmas=LEMMAS)
    ]


def records_of(path: Path) -> list[dict[str, Any]]:
    """As `prove`, by its name, so that a process of a pool finds it."""
    return prove(path)


def proofs(workers: int, done: Callable[[], None]) -> Part:
    """Every program of the corpus in every construction."""
    begin, rows, records = time.perf_counter(), [], []
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        for path, found in zip(PROGRAMS, pool.map(records_of, PROGRAMS)):
            records += found
            cells = {r["construction"]: _cell(r) for r in found}
            rows.append((path.stem, str(found[0]["word_bits"]), *(cells.get(name, "no models") for name in PARTS)))
            done()
    slowest = max(record["seconds"] for record in records)
    obligations = sum(len(record["obligations"]) for record in records)
    holds = all(record["holds"] for record in records) and slowest < MOST_SECONDS
    heads = ("program", "bits of a word", *PARTS)
    words = f"{obligations:,} obligations of {len(PROGRAMS)} programs in {len(PARTS)} constructions, the slowest proof in {slowest:.1f} s"
    return Part("proofs", words, time.perf_counter() - begin, holds, ((heads, rows),))


def _cell(record: dict[str, Any]) -> str:
    return f"{len(record['obligations'])} in {record['seconds']:.1f} s{'' if record['holds'] else ' FAILED'}"


def mutants(workers: int, done: Callable[[], None]) -> Part:
    """All of `make mutants`."""
    begin = time.perf_counter()
    status, found = answer("mutation", "--json")
    records = found["mutants"]
    verdicts, areas = Counter(r["verdict"] for r in records), Counter(r["area"] for r in records)
    words = f"{len(records)} mutants in {len(areas)} areas: " + ", ".join(
        f"{n} {verdict}" for verdict, n in verdicts.most_common()
    )
    done()
    return Part("mutants", words, time.perf_counter() - begin, status == FINE)


#: The example programs that say what they ensure.
PROMISING = with_contracts()


def contracts(workers: int, done: Callable[[], None]) -> Part:
    """Mutants of example programs with contracts: those whose outputs are wrong are found by a contract, or by the machine."""
    begin, found = time.perf_counter(), []
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        for of_program in pool.map(judged_file, PROMISING):
            found.append(of_program)
            done()
    counts = sum((of_program.counts for of_program in found), Counter())
    words = f"{counts.total():,} mutants of {len(found)} programs: " + ", ".join(f"{counts[v]:,} {v}" for v in VERDICTS)
    missed = [f"{of_program.program} {what}" for of_program in found for what in of_program.missed]
    words += f"; FAILED: {'; '.join(missed)}" if missed else ""
    heads = ("program", "mutants", *VERDICTS)
    return Part("contracts", words, time.perf_counter() - begin, not missed, ((heads, [of_program.row for of_program in found]),))


#: Straight code of up to so many processors and steps, and so many random programs, on which samplers are held.
SAMPLER_SIZE, SAMPLER_PROGRAMS = 4, 150
SAMPLED: list[Piece] = [*sizes(SAMPLER_SIZE), *range(SAMPLER_PROGRAMS)]


def samplers(workers: int, done: Callable[[], None]) -> Part:
    """Samplers by closed form, by counting and decoded: all on straight code, and drawn ones on random programs."""
    begin, tally, failed = time.perf_counter(), Tally(), ""
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        for found, differs in pool.map(decoded, SAMPLED):
            tally, failed = tally.joined(found), failed or differs
            done()
    rows = [(name, f"{cases:,}", f"{tally.right[name]:,}") for name, cases in sorted(tally.cases.items())]
    words = f"{sum(tally.cases.values()):,} samplers on {len(SAMPLED)} small programs by closed form, counted and decoded"
    words += f"; FAILED: {failed}" if failed else ""
    return Part(
        "samplers", words, time.perf_counter() - begin, not failed, ((("what speaks of them", "samplers", "right"), rows),)
    )


def repair(workers: int, done: Callable[[], None]) -> Part:
    """Faults in models with three copies: all items of every example at once, and every single change in tree_sum with words of 6 bits."""
    begin, hit, states = time.perf_counter(), 0, 0
    try:
        for path in PROGRAMS:
            job = job_of(path.stem, 1)
            if not lacking(THREE_COPIES, job.rules) and run(job).time <= MOST_REPAIRED_STEPS:
                found = States.of(job, THREE_COPIES)
                hits_repaired(found, 1, HITS)
                hit, states = hit + 1, states + len(found.sequences)
            done()
        single = every_change_repaired(States.of(replace(job_of("tree_sum", 2), word_bits=6), THREE_COPIES))
    except AssertionError as wrong:
        return Part("repair", str(wrong), time.perf_counter() - begin, False)
    words = f"{hit} example programs, {states} states, each hit {HITS} times in one copy of every item and BOS; {single:,} single changes"
    return Part("repair", words, time.perf_counter() - begin, True)


def sudoku(puzzles: str) -> Part:
    """All Sudokus of a file, or of an example, each held against exact cover. It shows its own progress.

    Args: puzzles: a file with one in each line, such as the public list top1465, or an example's name.
    """
    begin = time.perf_counter()
    status, found = answer("lockstep.cli", "task", "sudoku", puzzles, "--json", bar=True)
    records = found["puzzles"]
    steps = sorted(record["decoding_steps"] for record in records)
    held = sum(record["holds"] for record in records)
    words = f"{held} of {len(records)} puzzles of {Path(puzzles).name} are right"
    words += f"; decoding steps {steps[len(steps) // 2]:,} in the middle, {steps[-1]:,} at most"
    return Part("sudoku", words, time.perf_counter() - begin, status == FINE and held == len(records) > 0)


def random_programs(number: int, seed: int, workers: int) -> Part:
    """A campaign of `lockstep fuzz`, each program in one construction: three times as many programs for the same time.

    It shows its own progress.
    """

    constructions = ("--process", "all", "--schedule", "all", "--in-turn")
    campaign = ("--programs", str(number), "--seed", str(seed), "--workers", str(workers))
    status, found = answer("lockstep.cli", "fuzz", *campaign, *constructions, "--json", bar=True)
    decodes, refused = (", ".join(f"{k} {n:,}" for k, n in found[key].items()) for key in ("decodes", "refused"))
    words = (
        f"checked on {found['held']:,} of {found['programs']:,} programs of seed {seed}, {found['undecoded']:,} left undecoded,"
        f" {found['steps']:,} steps,"
        f" {found['decoding_steps']:,} decoding steps; decoded: {decodes}; refused by the machine: {refused}"
    )
    words += f"; FAILED: {found['failing']['command']}" if found["failing"] else ""
    rows = [(group, ", ".join(f"{kind} {n:,}" for kind, n in kinds.items())) for group, kinds in found["coverage"].items()]
    return Part("random programs", words, found["seconds"], status == FINE, ((("met", "how often"), rows),))


def here() -> str:
    """Day, commit and machine of a run that begins now."""
    command = ("git", "rev-parse", "--short", "HEAD")
    commit = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip() or "unknown"
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{datetime.date.today()}, commit {commit}; {machine}"


def markdown(parts: list[Part]) -> str:
    return "\n".join(_lines(parts)) + "\n"


def _lines(parts: list[Part]) -> Iterator[str]:
    yield "# The last deep run\n"
    yield "Written by `make deep`. A part that was run by itself (`make deep ONLY=proofs`) has taken the place of an earlier one.\n"
    yield from _table(("part", "found", "minutes", "verdict", "run"), [_row(part) for part in parts])
    for part in parts:
        for heads, rows in part.tables:
            yield f"\n## {part.name}\n"
            yield from _table(heads, rows)


def _row(part: Part) -> tuple[str, ...]:
    return part.name, part.found, f"{part.seconds / 60:.1f}", "held" if part.holds else "FAILED", part.run


def _table(heads: tuple[str, ...], rows: Rows) -> Iterator[str]:
    for cells in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(cells)} |"


def earlier(record: Path) -> dict[str, Part]:
    """The parts of a record, by name."""
    return {part["name"]: Part(**part) for part in json.loads(record.read_text(encoding="utf-8"))} if record.exists() else {}


def shown(run: Callable[[int, Callable[[], None]], Part], total: int, workers: int) -> Part:
    """Run a part with a bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(run.__name__, total=total)
        return run(workers, lambda: bar.advance(task))


def main(
    programs: Annotated[int, typer.Option(min=1, help="Random programs.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random programs.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = os.cpu_count() or 1,
    only: Annotated[Optional[str], typer.Option(help="proofs, mutants, contracts, samplers, repair, sudoku, or random programs.",
                                                show_default=False)] = None,
    puzzles: Annotated[str, typer.Option("--sudoku", help="A file of Sudokus, one in each line.")] = "sudoku_hard",
    file: Annotated[Optional[Path], typer.Option("--markdown", help="Write the tables to a file, and to a record beside it, NAME.json.",
                                                 show_default=False)] = None,
) -> None:  # fmt: skip
    """All proofs, all mutants, samplers by the thousand and many random programs. Exit status: 0 all held, 3 something did not."""
    parts: dict[str, Callable[[], Part]] = {
        "proofs": lambda: shown(proofs, len(PROGRAMS), workers),
        "mutants": lambda: shown(mutants, 1, workers),
        "contracts": lambda: shown(contracts, len(PROMISING), workers),
        "samplers": lambda: shown(samplers, len(SAMPLED), workers),
        "repair": lambda: shown(repair, len(PROGRAMS), workers),
        "sudoku": lambda: sudoku(puzzles),
        "random programs": lambda: random_programs(programs, seed, workers),
    }
    if only and only not in parts:
        raise typer.BadParameter(f"there is no part {only!r}; there are {', '.join(parts)}", param_hint="--only")
    record = file.with_suffix(".json") if file else None
    found = earlier(record) if record and only else {}
    wanted = [only] if only else list(parts)
    for name in wanted:
        run = here()  # before it, since the commit may be another in some hours
        found[name] = replace(parts[name](), run=run)
        if file and record:  # after each part, so that none of these hours is lost
            ordered = [found[other] for other in parts if other in found]
            record.write_text(json.dumps([asdict(part) for part in ordered], indent=1) + "\n", encoding="utf-8")
            file.write_text(markdown(ordered), encoding="utf-8")
    print(markdown([found[name] for name in wanted]))
    raise typer.Exit(FINE if all(found[name].holds for name in wanted) else FAILED)


if __name__ == "__main__":
    typer.run(main)
