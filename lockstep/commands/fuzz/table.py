"""The results of a campaign of random programs, as a record for JSON and as a table."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.common.keeping import KeptInput
from lockstep.common.tables import BAD, CAUTION, GOOD, LABEL, count, heading, narrow_table
from lockstep.proofs_check.fuzzing.campaign import CampaignOutcome
from lockstep.proofs_check.fuzzing.counts import lacking


def fuzz_record(outcome: CampaignOutcome, seed: int, seconds: float, kept: KeptInput | None) -> dict[str, Any]:
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
    """Programs, decodes and refused runs; for each group of language features, how many kinds occurred, and the rarest."""
    counts = outcome.counts
    title = f"random programs, seed {seed}: machine and model side by side"
    table = narrow_table(show_header=False)
    table.add_column(style=LABEL, no_wrap=True)
    table.add_column(overflow="fold")
    pace = f", {60 * counts.programs / seconds:,.0f} a minute" if seconds else ""
    table.add_row("programs", f"{counts.programs:,}{pace}")
    table.add_row("every check held", f"{counts.passed:,}, {counts.steps:,} steps", style=BAD if outcome.failure else GOOD)
    table.add_row("left undecoded", f"{counts.undecoded:,}", style=CAUTION if counts.undecoded else "")
    for construction in sorted(counts.decodes.keys() | counts.left_out.keys()):
        left = f", {counts.left_out[construction]:,} too long to decode" if counts.left_out[construction] else ""
        table.add_row(f"decoded by {construction}", f"{count(counts.decodes[construction], 'run')}{left}")
    table.add_row("decoding steps", f"{counts.decoding_steps:,}")
    refused = ", ".join(f"{kind} {number:,}" for kind, number in counts.refused.most_common())
    others = f" ({counts.under_others:,} under another winner than the lowest)" if counts.under_others else ""
    table.add_row("refused by the machine", f"{counts.refused.total():,}{others}" + (f": {refused}" if refused else ""))
    lines, sides = (f"{counts.reached[what]:,} of {counts.reachable[what]:,} {what}" for what in ("lines", "sides"))
    table.add_row("reached by the runs", f"{lines}, {sides} of conditions and loops")
    table.add_row("")
    for group, kinds in counts.coverage().items():
        table.add_row(Text(LABELS[group]), Text(_met(kinds)))
    style = GOOD if outcome.holds else BAD
    return Group(heading(title), table, Text(""), Text(_verdict(outcome), style=style))


def _verdict(outcome: CampaignOutcome) -> str:
    """The last line. Only programs that were decoded count as checked."""
    if outcome.failure:
        return f"program {outcome.failure.number} FAILED"
    left = f"; {outcome.counts.undecoded:,} left undecoded" if outcome.counts.undecoded else ""
    return f"checked on {count(outcome.counts.passed, 'program')}{left}"


LABELS = {
    "statements": "statements", "operators": "operators on words", "values": "other values", "written": "ways to write",
    "loops": "loops left one by one", "contracts": "contracts", "arrays": "arrays and scalars", "control": "kinds of control",
    "instructions": "instructions executed", "modes": "access modes", "resolved": "concurrent accesses resolved",
    "rules": "values combined by", "refused": "conflicts refused", "divergence": "processors apart",
}  # fmt: skip


def _met(kinds: dict[str, int]) -> str:
    """A text such as `10 of 10 kinds; rarest: Halt 31, Single 90`; kinds that never occurred come first."""
    met = sum(number > 0 for number in kinds.values())
    rarest = sorted(kinds.items(), key=lambda item: item[1])[:3]
    if len(kinds) == 1:
        return ", ".join(f"{number:,} {kind}" for kind, number in kinds.items())
    return f"{met} of {len(kinds)} kinds; rarest: " + ", ".join(f"{kind} {number:,}" for kind, number in rarest)
