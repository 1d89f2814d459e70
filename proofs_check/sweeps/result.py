"""The result of one case of a sweep, as plain values: they travel between machines and into the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lockstep.proofs_check.report import Check

#: A decode: it was made beside the machine, and every check held. A case: all its decodes are checked.
CHECKED = "checked"
#: A decode: it is beyond the sweep's limits, so there are only closed forms. A case: its run was checked, some decode was not made.
COMPUTED = "computed"
#: A check does not hold, or an error occurred.
FAILED = "failed"
#: A case: the machine reached the limit of steps, so there is no verdict.
STOPPED = "stopped"

STATUSES = (CHECKED, COMPUTED, FAILED, STOPPED)


@dataclass(frozen=True)
class SweepDecode:
    """One decode: peak context and decoding steps by the theorem's closed forms, and the measured values if it was made."""

    construction: str
    status: str
    context: int
    steps: int
    measured_context: int | None = None
    measured_steps: int | None = None


@dataclass(frozen=True)
class Result:
    """A case: the numbers of its run, its checks, and a text that says what is wrong.

    time: in steps. work: in instructions. space: in words, S + P (k + 1). right: the oracle's verdict; None without one.
    These are None if the run did not end.
    files: name and fingerprint of each file and folder that the sidecar has read, at the time of the run. Names below the
    program's folder (`Subject.folder`) are relative to it, others absolute (pram/sidecar/files.py).
    unreached: the items of `lockstep.pram.reached.Unreached` that the run did not reach; None if the run did not end.
    """

    status: str
    params: Mapping[str, int] = field(default_factory=dict)
    time: int | None = None
    work: int | None = None
    processors: int | None = None
    space: int | None = None
    right: bool | None = None
    decodes: tuple[SweepDecode, ...] = ()
    checks: tuple[Check, ...] = ()
    trouble: str = ""
    files: tuple[tuple[str, str], ...] = ()
    unreached: tuple[tuple[int, int, str, str], ...] | None = None
