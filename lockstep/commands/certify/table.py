"""The certificate as a table: every sum and gap beside its limit, then the conclusions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.common.tables import BAD, GOOD, LABEL, heading, narrow_table

if TYPE_CHECKING:
    from lockstep.commands.certify.bounds import BoundsCertificate


def certificate_table(found: BoundsCertificate) -> RenderableType:
    """The certificate as a table: every sum and gap beside its limit, then the conclusions."""
    certificate = found.certificate
    title = f"{found.program}: {found.compiled.construction} in {certificate.dtype}"
    table = narrow_table()
    for column in ("what", "found", "limit", "verdict"):
        number = column in ("found", "limit")
        table.add_column(column, justify="right" if number else "left", no_wrap=number)
    for place, lines in groupby(certificate.lines, key=lambda line: line.what.partition(": ")[0]):
        table.add_row(Text(place, style=LABEL))
        for line in lines:
            style, verdict = (GOOD, "certified") if line.holds else (BAD, "FAILED")
            what = Text("  " + line.what.partition(": ")[2])
            table.add_row(what, f"{line.found:.10g}", _power_of_two(line.limit), Text(verdict, style=style))
    return Group(heading(title), table, Text("\n" + "\n".join(_about(found))))


def _power_of_two(limit: float) -> str:
    """A limit as text; large limits as powers of two, such as 2^53."""
    return f"2^{int(limit).bit_length() - 1}" if limit >= 2.0**24 else f"{limit:.10g}"


def _about(found: BoundsCertificate) -> Iterator[str]:
    """What the certificate shows, and for which runs."""
    certificate, widths = found.certificate, found.compiled.widths
    yield "found: the largest possible value; of a sum, the largest of all its partial sums in any order"
    limits = " and ".join(f"{limit.letter} <= {limit.most:,} ({limit.origin})" for limit in found.limits)
    what, bits = found.needed.extent
    yield f"runs: {limits}, so {what} <= 2^{bits}"
    if not found.fits:
        has, needs = (", ".join(f"{name} {n}" for name, n in asdict(w).items() if name != "word") for w in (widths, found.needed))
        yield f"FAILED: this model's bits do not cover that: it has {has}; needed are {needs}"
    if certificate.holds:
        within = "" if found.fits else ", in runs that this model's bits cover"
        gap = f"{certificate.smallest_gap:.0f}"
        yield f"smallest score gap: {gap}, so attention leaks exp(-{gap}) = 0{within}"
        yield f"noise at every gate: 0, since every sum is an exact integer{within}"
    else:
        yield f"not certified: {certificate.dtype} may be inexact in these runs; only the certified lines above hold"
    yield (
        f"horizon: {certificate.dtype} is certified up to {what} = 2^{found.horizon}"
        if found.horizon
        else f"horizon: none; {certificate.dtype} is certified for no {what} with words of {widths.word} bits and pids of {widths.pid}"
    )
