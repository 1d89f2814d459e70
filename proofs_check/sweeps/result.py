"""What one case of a sweep found, in plain values: they travel between machines and into the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lockstep.proofs_check.report import Check

#: Of a decode: decoded beside the machine, and every check held. Of a case: all of its decodes.
CHECKED = "checked"
#: Longer than the sweep's limits: closed forms only. Of a case: its run was checked, some decode was left out.
COMPUTED = "computed"
#: A check does not hold, or an error.
FAILED = "failed"
#: Of a case: the machine was stopped at the most steps, so there is no verdict.
STOPPED = "stopped"

STATUSES = (CHECKED, COMPUTED, FAILED, STOPPED)


@dataclass(frozen=True)
class SweepDecode:
    """One construction: peak context and decoding steps by the theorem's closed forms, and as measured if decoded."""

    construction: str
    status: str
    context: int
    steps: int
    measured_context: int | None = None
    measured_steps: int | None = None


@dataclass(frozen=True)
class Result:
    """A case: its run's figures, what was held against what, and what went wrong, in words.

    time, work: in steps and instructions. space: words, S + P (k + 1). right: by the oracle, None without one.
    The figures are None where the run did not end.
    files: name and fingerprint of each file and folder that the sidecar has read, as they were then; a name is relative to
    the program's folder (`Subject.folder`) if it is below that, else absolute (lockstep/sidecar/files.py).
    unreached: the items of `lockstep.pram.reached.Unreached` for what this run did not reach; None where that was not observed.
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
