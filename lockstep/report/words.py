"""How strongly a report says what it says."""

from __future__ import annotations

from collections.abc import Iterable

#: What the statuses of cases and decodes mean.
MEANINGS = {
    "checked": "Run on the machine, judged by an oracle if there is one, decoded in each process, and compared token by token; "
               "every check held.",
    "computed": "Run on the machine and judged as well, but beyond the limits of the sweep in at least one process: there, decoding "
                "steps and context are the theorem's closed forms, and nothing was decoded.",
    "failed": "A check does not hold, or something went wrong; each one is listed.",
    "stopped": "The machine was stopped at --max-steps; nothing is said of the case.",
}  # fmt: skip

#: Of each construction, how it is called in texts.
NAMES = {"mdm": "MDM", "ap-mdm": "AP-MDM, two-step", "ap-mdm one-step": "AP-MDM, one-step"}


def sizes_text(sizes: Iterable[int]) -> str:
    """`n <= 64` for all sizes from 1; else `n = 3..9, 16`, or `no n`."""
    spans: list[list[int]] = []
    for size in sorted(set(sizes)):
        if spans and spans[-1][1] == size - 1:
            spans[-1][1] = size
        else:
            spans.append([size, size])
    if not spans:
        return "no n"
    if len(spans) == 1 and spans[0][0] == 1 and spans[0][1] > 1:
        return f"n <= {spans[0][1]}"
    return "n = " + ", ".join(str(first) if first == last else f"{first}..{last}" for first, last in spans)


def of_all(held: int, total: int) -> str:
    return f"{held:,} of {total:,}"


def cases(done: int, missing: int) -> str:
    """`15 cases`, or `9 of 15 cases` where some are still to be run."""
    return f"{done:,} of {count(done + missing, 'case')}" if missing else count(done, "case")


def count(number: int, what: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
