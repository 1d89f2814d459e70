"""Names and limits that are needed where the compiler is not: what constructions are called, and how many bits models have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from lockstep.models.names import ProcessName
from lockstep.pram.access import RULE_SIGNS, Combining
from lockstep.pram.word import MAX_WORD_BITS, MIN_WORD_BITS

#: Generation processes, keys of `lockstep.models.processes.PROCESSES`. The first is the default.
PROCESSES: tuple[str, ...] = get_args(ProcessName)
#: Schedules: two of ap-mdm, then one of arm, then two of revision. The schedule of arm without erasing, that of revision with one
#: copy, and those of all other processes, have no name: they go by the first.
ScheduleName = Literal["two-step", "one-step", "erasing", "3-copies", "5-copies"]
SCHEDULES: tuple[str, ...] = get_args(ScheduleName)


@dataclass(frozen=True)
class Parts:
    """A construction's row.

    process, schedule: its generation process, and its schedule; "" where the process has one only.
    module: its file in `lockstep.compiler`, in `lockstep.proofs_check.constructions`, and behind `rows_` in
            `lockstep.proofs_check.proofs`.
    lacks:  the write rules (`lockstep.pram.access`) that it does not have, each with the reason.
    copies: how many copies of every item its sequence holds.
    """

    process: str
    schedule: str
    module: str
    lacks: Mapping[Combining, str] = field(default_factory=dict)
    copies: int = 1

    def of(self, found: Any) -> Any:
        """What its file says of it. If it serves several numbers of copies, it has a table of them."""
        return found[self.copies] if self.copies > 1 else found


class NotConstructed(ValueError):
    """A construction has no models of a program; the message says why."""


#: Constructions, keys of every table that has a row for each. The table of all: a construction is added here.
MDM, TWO_STEP, ONE_STEP, ARM, ERASING, REVISION = "mdm", "ap-mdm", "ap-mdm one-step", "arm", "arm erasing", "revision"
#: A store's address and value are ready after layer 2.
SUM_TOO_DEEP = "a cell finds its writes in layer 3, and the gates that take a sum apart would need layer 4"
PARTS = {
    MDM: Parts("mdm", "", "mdm"),
    TWO_STEP: Parts("ap-mdm", "two-step", "two_step"),
    ONE_STEP: Parts("ap-mdm", "one-step", "one_step", {"sum": SUM_TOO_DEEP}),
    ARM: Parts("arm", "", "arm"),
    ERASING: Parts("arm", "erasing", "erasing"),
    REVISION: Parts("revision", "", "revision", {"sum": SUM_TOO_DEEP}),
}

#: Constructions made from another one, which `--process all` leaves out: two write one token in a decoding step, and the others do what
#: revision does, on several copies.
AO_MDM, MASKED_ARM, THREE_COPIES, FIVE_COPIES = "ao-mdm", "masked-arm", "revision 3-copies", "revision 5-copies"
DERIVED = {
    AO_MDM: Parts("ao-mdm", "", "ao_mdm"),
    MASKED_ARM: Parts("masked-arm", "", "masked_arm"),
    THREE_COPIES: Parts("revision", "3-copies", "copies", {"sum": SUM_TOO_DEEP}, 3),
    FIVE_COPIES: Parts("revision", "5-copies", "copies", {"sum": SUM_TOO_DEEP}, 5),
}
EVERY = PARTS | DERIVED
#: How many copies those with several have.
COPIES = {name: parts.copies for name, parts in EVERY.items() if parts.copies > 1}

#: Least and most bits that models are compiled for: of a word, a step number (mdm), a position (ap-mdm), a pid, and for masked-arm of
#: a position that a pair names and of the rank of a kind.
MODEL_BITS = {
    "word": (MIN_WORD_BITS, MAX_WORD_BITS),
    "time": (1, 40),
    "length": (4, 40),
    "pid": (1, 24),
    "index": (1, 40),
    "rank": (0, 3),
}


def process_of(construction: str) -> str:
    """The generation process of a construction."""
    return EVERY[construction].process


def schedule_of(construction: str) -> str:
    """Its schedule; "" where its process has one only."""
    return EVERY[construction].schedule


def schedules_of(process: str) -> tuple[str, ...]:
    """The names of its schedules, the default first."""
    return tuple(parts.schedule or SCHEDULES[0] for parts in EVERY.values() if parts.process == process)


def lacking(construction: str, rules: Iterable[Combining]) -> str:
    """Why a construction has no models that combine concurrent writes by these rules; "" if it has."""
    lacks = EVERY[construction].lacks
    why = (
        f"{construction} has no models of the write rule `{RULE_SIGNS[rule]}`: {lacks[rule]}" for rule in rules if rule in lacks
    )
    return next(why, "")


def constructed(constructions: Iterable[str], rules: Collection[Combining]) -> list[str]:
    """Those of these constructions that have models which combine concurrent writes by these rules."""
    return [name for name in constructions if not lacking(name, rules)]


def construction_of(process: str, schedule: str) -> str | None:
    """The construction of a process in a schedule; the default one means nothing to a process that has one only. None: there is none."""
    wanted = (name for name, parts in EVERY.items() if parts.process == process and (parts.schedule or SCHEDULES[0]) == schedule)
    return next(wanted, None)
