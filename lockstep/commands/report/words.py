"""Texts of reports: what statuses mean, and for which inputs something holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lockstep.common.tables import count

#: What the statuses of cases and decodes mean.
MEANINGS = {
    "checked": "Run on the machine, judged by an oracle if there is one, decoded in each process, and compared token by token; "
               "every check held.",
    "computed": "Run on the machine and judged as well, but beyond the limits of the sweep in at least one process: there, decoding "
                "steps and context are the theorem's closed forms, and nothing was decoded.",
    "failed": "A check does not hold, or something went wrong; each one is listed.",
    "stopped": "The machine was stopped at --max-steps, so nothing is known about the case.",
}  # fmt: skip

#: Texts for cases that nothing checked, and that no oracle judged.
NOTHING, NO_ORACLE = "nothing", "no oracle"


def extent_text(sizes: Sequence[tuple[int, int]], params: Mapping[str, tuple[int, int]]) -> str:
    """The inputs that were run, such as `sizes 1..40, n 1..2`; or `nothing`."""
    if not sizes:
        return NOTHING
    one = len(sizes) == 1 and sizes[0][0] == sizes[0][1]
    named = [f"{name} {_range(*ends)}" for name, ends in params.items()]
    return ", ".join([f"size{'' if one else 's'} {', '.join(_range(*ends) for ends in sizes)}", *named])


def _range(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first}..{last}"


def of_all(held: int, total: int) -> str:
    return f"{held:,} of {total:,}"


def cases(done: int, missing: int) -> str:
    """`15 cases`, or `9 of 15 cases` if some are still to be run."""
    return f"{done:,} of {count(done + missing, 'case')}" if missing else count(done, "case")
