"""`python -m deep`, with tests/ on the path: the tier that takes hours - all proofs, all mutants, random programs by the thousand."""

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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

ROOT = Path(__file__).parent.parent
PROGRAMS = sorted((ROOT / "examples" / "programs").glob("*.pram"))
FINE, FAILED = 0, 3
#: Seconds that the proof of one program may take in one construction.
MOST_SECONDS = 60

Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Part:
    """What one part of the tier found: a sentence, tables with their titles, and whether all of it held."""

    name: str
    found: str
    seconds: float
    holds: bool
    tables: tuple[tuple[tuple[str, ...], Rows], ...] = ()


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
    """The proofs of one program, words of 16 bits, or of as many as it declares."""
    records: list[dict[str, Any]] = answer("lockstep.cli", "prove", str(path), "--process", "all", "--schedule", "all", "--json")[
        1
    ]
    return records


def proofs(workers: int, done: Callable[[], None]) -> Part:
    """Every program of the corpus in every construction."""
    begin, rows, records = time.perf_counter(), [], []
    with ThreadPoolExecutor(workers) as pool:
        for path, found in zip(PROGRAMS, pool.map(prove, PROGRAMS)):
            records += found
            cells = [f"{len(r['obligations'])} in {r['seconds']:.1f} s{'' if r['holds'] else ' FAILED'}" for r in found]
            rows.append((path.stem, str(found[0]["word_bits"]), *cells))
            done()
    slowest = max(record["seconds"] for record in records)
    obligations = sum(len(record["obligations"]) for record in records)
    holds = all(record["holds"] for record in records) and slowest < MOST_SECONDS
    heads = ("program", "bits of a word", *(record["construction"] for record in records[:3]))
    words = f"{obligations:,} obligations of {len(PROGRAMS)} programs in 3 constructions, the slowest proof in {slowest:.1f} s"
    return Part("proofs", words, time.perf_counter() - begin, holds, ((heads, rows),))


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


def random_programs(number: int, seed: int, workers: int) -> Part:
    """A campaign of `lockstep fuzz`, each program in one construction: three times as many programs for the same time.

    It shows its own progress.
    """

    constructions = ("--process", "all", "--schedule", "all", "--in-turn")
    campaign = ("--programs", str(number), "--seed", str(seed), "--workers", str(workers))
    status, found = answer("lockstep.cli", "fuzz", *campaign, *constructions, "--json", bar=True)
    decodes, refused = (", ".join(f"{k} {n:,}" for k, n in found[key].items()) for key in ("decodes", "refused"))
    words = (
        f"checked on {found['held']:,} of {found['programs']:,} programs of seed {seed}, {found['steps']:,} steps,"
        f" {found['decoding_steps']:,} decoding steps; decoded: {decodes}; refused by the machine: {refused}"
    )
    words += f"; FAILED: {found['failing']['command']}" if found["failing"] else ""
    rows = [(group, ", ".join(f"{kind} {n:,}" for kind, n in kinds.items())) for group, kinds in found["coverage"].items()]
    return Part("random programs", words, found["seconds"], status == FINE, ((("met", "how often"), rows),))


def head() -> str:
    """The commit that is checked out."""
    command = ("git", "rev-parse", "--short", "HEAD")
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip() or "unknown"


def markdown(parts: list[Part], command: str, commit: str) -> str:
    return "\n".join(_lines(parts, command, commit)) + "\n"


def _lines(parts: list[Part], command: str, commit: str) -> Iterator[str]:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    yield "# The last deep run\n"
    yield f"Written by `{command}` on {datetime.date.today()} at commit {commit}; {machine}.\n"
    yield from _table(("part", "found", "minutes", "verdict"), [_row(part) for part in parts])
    for part in parts:
        for heads, rows in part.tables:
            yield f"\n## {part.name}\n"
            yield from _table(heads, rows)


def _row(part: Part) -> tuple[str, ...]:
    return part.name, part.found, f"{part.seconds / 60:.1f}", "held" if part.holds else "FAILED"


def _table(heads: tuple[str, ...], rows: Rows) -> Iterator[str]:
    for cells in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(cells)} |"


def main(
    programs: Annotated[int, typer.Option(min=1, help="Random programs.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random programs.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = os.cpu_count() or 1,
    file: Annotated[Optional[Path], typer.Option("--markdown", help="Write the tables to a file.", show_default=False)] = None,
) -> None:
    """All proofs, all mutants and many random programs. Exit status: 0 all held, 3 something did not."""
    commit, parts = head(), []  # now, since it may be another in some hours
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        for run, total in ((proofs, len(PROGRAMS)), (mutants, 1)):
            task = bar.add_task(run.__name__, total=total)
            parts.append(run(workers, lambda: bar.advance(task)))  # noqa: B023
    parts.append(random_programs(programs, seed, workers))
    text = markdown(parts, f"make deep PROGRAMS={programs}", commit)
    print(text)
    if file:
        file.write_text(text, encoding="utf-8")
    raise typer.Exit(FINE if all(part.holds for part in parts) else FAILED)


if __name__ == "__main__":
    typer.run(main)
