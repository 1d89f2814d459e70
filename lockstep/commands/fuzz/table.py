"""What a campaign of random programs has met, as a record for JSON and as a table for people."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lockstep.common.keeping import Kept
from lockstep.common.tables import count
from lockstep.proofs_check.fuzzing.campaign import CampaignOutcome
from lockstep.proofs_check.fuzzing.counts import lacking


def fuzz_record(outcome: CampaignOutcome, seed: int, seconds: float, kept: Kept | None) -> dict[str, Any]:
    counts = outcome.counts
    return {
        "programs": counts.programs, "seed": seed, "holds": outcome.holds, "held": counts.passed,
        "refused": dict(counts.refused), "steps": counts.steps, "decodes": dict(counts.decodes), "decoding_steps": counts.decoding_steps,
        "left_undecoded": dict(counts.left_out), "undecoded": counts.undecoded,
        "reached": {what: {"reached": counts.reached[what], "of": counts.reachable[what]} for what in ("lines", "sides")},
        "coverage": counts.coverage(), "lacking": lacking(counts.coverage()),
        "seconds": round(seconds, 3), "failing": vars(kept) if kept else None,
    }  # fmt: skip


def fuzz_table(outcome: CampaignOutcome, seed: int, seconds: float) -> RenderableType:
    """How many programs and decodes, what was refused, and of each group of kinds how many were met, with the rarest."""
    counts = outcome.counts
    title = f"random programs, seed {seed}: machine and model side by side"
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), title=title, title_justify="left", show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    pace = f", {60 * counts.programs / seconds:,.0f} a minute" if seconds else ""
    table.add_row("programs", f"{counts.programs:,}{pace}")
    table.add_row("every check held", f"{counts.passed:,}, {counts.steps:,} steps", style="red" if outcome.failure else "green")
    table.add_row("left undecoded", f"{counts.undecoded:,}", style="yellow" if counts.undecoded else "")
    for construction in sorted(counts.decodes.keys() | counts.left_out.keys()):
        left = f", {counts.left_out[construction]:,} too long to decode" if counts.left_out[construction] else ""
        table.add_row(f"decoded by {construction}", f"{count(counts.decodes[construction], 'run')}{left}")
    table.add_row("decoding steps", f"{counts.decoding_steps:,}")
    refused = ", ".join(f"{kind} {number:,}" for kind, number in counts.refused.most_common())
    table.add_row("refused by the machine", f"{counts.refused.total():,}" + (f": {refused}" if refused else ""))
    lines, sides = (f"{counts.reached[what]:,} of {counts.reachable[what]:,} {what}" for what in ("lines", "sides"))
    table.add_row("reached by the runs", f"{lines}, {sides} of conditions and loops")
    table.add_section()
    for group, kinds in counts.coverage().items():
        table.add_row(Text(LABELS[group]), Text(_met(kinds)))
    style = "green" if outcome.holds else "bold red"
    return Group(table, Text(_verdict(outcome), style=style))


def _verdict(outcome: CampaignOutcome) -> str:
    """Only what was decoded counts as checked."""
    if outcome.failure:
        return f"program {outcome.failure.number} FAILED"
    left = f"; {outcome.counts.undecoded:,} left undecoded" if outcome.counts.undecoded else ""
    return f"checked on {count(outcome.counts.passed, 'program')}{left}"


LABELS = {
    "statements": "statements", "operators": "operators on words", "arrays": "arrays and scalars", "control": "kinds of control",
    "instructions": "instructions executed", "modes": "access modes", "resolved": "concurrent accesses resolved",
    "refused": "conflicts refused", "divergence": "processors apart",
}  # fmt: skip


def _met(kinds: dict[str, int]) -> str:
    """`10 of 10 kinds; rarest: Halt 31, Single 90`; what was never met comes first."""
    met = sum(number > 0 for number in kinds.values())
    rarest = sorted(kinds.items(), key=lambda item: item[1])[:3]
    if len(kinds) == 1:
        return ", ".join(f"{number:,} {kind}" for kind, number in kinds.items())
    return f"{met} of {len(kinds)} kinds; rarest: " + ", ".join(f"{kind} {number:,}" for kind, number in rarest)
