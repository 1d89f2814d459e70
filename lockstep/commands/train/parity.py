"""`lockstep train parity`: trains models until one of them is proved to be right on words of any length."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from lockstep.common.console import FAILED, emit, err, progress_bar
from lockstep.common.options import Json
from lockstep.common.paths import writable_model_path
from lockstep.common.tables import BAD, GOOD, LABEL, heading, narrow_table
from lockstep.pram.winner import MOST_SEED

if TYPE_CHECKING:
    from lockstep.proofs_check.tasks.parity import ParityProof
    from lockstep.tasks.training import Trained

#: What the proof is about, in one sentence.
WINDOW = "The claim about any length is a claim about windows of three tokens: rails that nobody learns keep all others out."


def parity(out_: Annotated[Path, typer.Option("--out", help="File to write the model to.", show_default=False)],
           seed: Annotated[int, typer.Option("--seed", min=0, max=MOST_SEED, help="The first seed to try.")] = 0,
           tries: Annotated[int, typer.Option("--tries", min=1, help="Give up after this many seeds.")] = 10,
           json_: Json = False) -> None:  # fmt: skip
    """Train a model of parity on words of two letters, until one is proved right for any length.

    Each seed is trained, and then the proof decides: on the weights, not on test words. The first model that passes is written.
    """
    target = writable_model_path(out_)
    tried: list[Try] = []
    while len(tried) < tries and not (tried and tried[-1].proof.holds):
        with progress_bar(err, f"training seed {seed + len(tried)}") as progress:
            tried.append(Try.of(seed + len(tried), progress))
    if tried[-1].proof.holds:
        from lockstep.tasks.learned import save_learned

        save_learned(target, tried[-1].trained.learned, tried[-1].about)
    emit(record(tried, target), table(tried, target), json_)
    if not tried[-1].proof.holds:
        print("none of the seeds passes the proof, and nothing was written", file=sys.stderr)
        raise typer.Exit(FAILED)


@dataclass(frozen=True)
class Try:
    """One seed: what training ended with, and what the proof says of it."""

    seed: int
    trained: Trained
    proof: ParityProof

    @staticmethod
    def of(seed: int, progress: Any) -> Try:
        """Train it and prove it. progress: as `train` takes it."""
        from lockstep.proofs_check.tasks.parity import prove_parity
        from lockstep.tasks.training import train  # imports PyTorch

        trained = train(seed, progress)
        return Try(seed, trained, prove_parity(trained.learned.model(), trained.learned.places(4)))

    @property
    def about(self) -> dict[str, str]:
        """What the file says of the model."""
        return {"seed": str(self.seed), "steps": str(self.trained.steps), "loss": repr(self.trained.loss)}


def record(tried: Sequence[Try], target: Path) -> dict[str, Any]:
    """For JSON."""
    from lockstep.tasks.learned import COUNT

    last = tried[-1]
    return {
        "file": str(target) if last.proof.holds else None, "parameters": COUNT, "failed_the_proof": sum(not t.proof.holds for t in tried),
        "tried": [{"seed": t.seed, "steps": t.trained.steps, "loss": t.trained.loss, "reason": t.proof.reason} for t in tried],
        "proof": [{"what": line.what, "found": line.found, "needed": line.needed, "holds": line.holds} for line in last.proof.lines],
        "holds": last.proof.holds,
    }  # fmt: skip


def table(tried: Sequence[Try], target: Path) -> Group:
    """The seeds, then the proof of the last one."""
    from lockstep.tasks.learned import COUNT

    seeds, parts = narrow_table(), narrow_table()
    for column in ("seed", "steps", "loss", "proof"):
        seeds.add_column(column, overflow="fold")
    for t in tried:
        verdict = Text("holds", style=GOOD) if t.proof.holds else Text(f"FAILED: {t.proof.reason}", style=BAD)
        seeds.add_row(str(t.seed), str(t.trained.steps), f"{t.trained.loss:.2g}", verdict)
    for column in ("part of the proof", "found", "needed", "verdict"):
        parts.add_column(column, overflow="fold")
    for line in tried[-1].proof.lines:
        verdict = Text("holds", style=GOOD) if line.holds else Text("FAILED", style=BAD)
        parts.add_row(Text(line.what, style=LABEL), Text(line.found), Text(line.needed), verdict)
    failed = sum(not t.proof.holds for t in tried)
    ending = f"{len(tried)} trained, {failed} failed the proof" + (f"; wrote {target}" if failed < len(tried) else "")
    title = f"parity, learned: {COUNT} parameters, trained on words of two letters"
    return Group(heading(title), seeds, Text(), parts, Text(f"\n{ending}"), Text(WINDOW))
