"""Prints proofs as records for JSON and as tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.commands.prove.proving import CertifiedProof
from lockstep.common.tables import BAD, GOOD, heading, narrow_table
from lockstep.proofs_check.proofs.assumed import assumptions


def proof_record(proved: CertifiedProof) -> dict[str, Any]:
    """A record for JSON."""
    keys = ("obligation", "covers", "closed_by", "seconds", "holds", "trouble")
    compiled = proved.proof.compiled
    return {
        "program": proved.program, "construction": compiled.construction,
        **{f"{name}_bits": n for name, n in asdict(compiled.widths).items()}, "holds": proved.holds,
        "seconds": round(proved.seconds, 3), "solver_queries": proved.proof.asked,
        "obligations": [dict(zip(keys, (*row[:3], round(row[3], 3), *row[4:]))) for row in proved.rows],
        "counterexamples": [vars(example) for example in proved.counterexamples],
        "assumed": list(assumptions(compiled.construction)),
    }  # fmt: skip


def proof_table(proved: CertifiedProof) -> RenderableType:
    """The obligations, the failures, and the assumptions."""
    table = narrow_table()
    for column in ("obligation", "for", "closed by", "verdict"):
        table.add_column(column, no_wrap=column == "verdict", overflow="fold")
    for what, covers, how, _, holds, _ in proved.rows:
        good = "certified" if how == "certificate" else "proved"
        verdict = Text(good, style=GOOD) if holds else Text("FAILED", style=BAD)
        table.add_row(Text(what), Text(covers), Text(how), verdict)
    troubles = [Text(f"{row[0]}: {row[5]}", style=BAD) for row in proved.rows if not row[4]]
    examples = [Text(f"\n{example}", style=BAD) for example in proved.counterexamples]
    text = f"\n{proved.seconds:.1f} seconds, {proved.proof.asked} solver queries. What is assumed:"
    assumed = [Text(f"{n}. {line}") for n, line in enumerate(assumptions(proved.proof.compiled.construction), 1)]
    return Group(heading(proved.title), table, *troubles, *examples, Text(text), *assumed, Text(""))
