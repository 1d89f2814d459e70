"""The counts of a campaign of random programs: programs, runs, decodes, refusals, and coverage by kind."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import get_args

from lockstep.pram import syntax
from lockstep.pram.access import MODES, RULES
from lockstep.pram.instructions import INSTRUCTIONS
from lockstep.pram.program import Program
from lockstep.pram.reached import Reached, Unreached, items, unreached
from lockstep.pram.syntax import COMPARISONS, INF
from lockstep.proofs_check.fuzzing.coverage import Coverage
from lockstep.proofs_check.fuzzing.features import WRITTEN

#: Kinds of refused runs, each with a pattern of the machine's message; the first match counts.
REFUSALS = {
    "conflict": r"\(mode [A-Za-z ]+\)",
    "overflow": r"overflow: ",
    "underflow": r"underflow: ",
    "shift too far": r"shift by ",
    "index outside": r"index -?\d+ is outside",
    "no word": r"the number -?\d+ used here|item -?\d+ ",
    "end of a range": r"the largest word of",
    "too many items": r"processors are needed for these items",
    "disagreement": r"disagree on this",
    "not done": r"is not done after",
    "undefined": r"processor \d+: (division of|lg\(0\)|log\(0\)|ctz\(0\)|the step of this)",
    "parameter value": r"value of more than|division by zero|is not defined",
    "declaration": r"word size|a pid is a word|an address is a word|procs is|has extent|declared range",
    "no halt": r"no halt within",
}
OTHER = "other"
#: A contract of a random program holds, so a run that breaks one is refused for no known reason.
BROKEN = r"`(requires|ensures|assert|invariant)` (does not hold|has no value)"
CONFLICTS = {
    "sum": r"the sum \d+ does not fit",
    "rules": r" by different rules",
    "owner": r"owns as the first",
    "values": r"write different values",
    "read and write": r"reads and \d+ writes",
    "read": r" read ",
    "write": r" write ",
}

#: Conflicts that modes refuse and that compiled programs can have; their loads and stores never share a step.
REFUSED = tuple(
    f"{mode} {conflict}"
    for mode, row in MODES.items()
    for conflict, refused in (
        ("read", not row.concurrent_reads),
        ("write", not row.concurrent_writes),
        ("values", row.same_value),
        ("owner", row.owned),
        ("sum", row.combining == "sum"),
    )
    if refused
)
#: Concurrent accesses that modes resolve.
RESOLVED = tuple(
    f"{mode} {event}"
    for mode, row in MODES.items()
    for event, allowed in (
        ("concurrent reads", row.concurrent_reads),
        ("concurrent writes", row.concurrent_writes),
        ("different values", row.concurrent_writes and not row.same_value),
    )
    if allowed
)
OPERATORS = ("+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", *COMPARISONS, "and", "or", "not", "max", "min")
#: Other expressions of words.
VALUES = ("word lg", "word floor(log)", "word ceil(log)", "word ctz", "word popcount", "word floor(/)", "word if", "guarded and",
          "guarded or", INF)  # fmt: skip
SHAPES = ("shared 0", "shared 1", "shared 2", "shared 3", "Index 1", "Index 2", "Index 3", "Store 1", "Store 2", "Store 3",
          "scalar Name", "scalar Assign", "input", "output", "inout", "work", "in range")  # fmt: skip
CONTROL = ("if padded", "if with control", "elif", "else", "for inside If", "for inside Parallel", "parallel 1", "parallel 2",
           "parallel 3", "for up between words", "for down between words", "parallel between words", "inner range between words",
           "for to a difference", "parallel to a difference", "loop by data", "copy of an array")  # fmt: skip
#: Loops that processors leave one by one: with `atmost`, with rounds from their bounds or arrays, and through a cell.
LOOPS = ("while bounded", "repeat bounded", "for bounded", "for inferred", "for by index", "while by index", "while flagged",
         "repeat flagged", "for flagged", "break for each", "return from a call for each")  # fmt: skip
#: Contracts by their words, what stands in them, and those that were negated, so that the machine must find them broken.
CONTRACTS = ("requires", "ensures", "assert", "invariant", "forall", "exists", "sum", "count", "max", "min", "old", "sorted",
             "distinct", "permutation", "==>", "negated")  # fmt: skip
#: Statements that are gone when a program is expanded, or that no program writes.
UNCOUNTED = (syntax.CallStatement, syntax.SideBySide, syntax.Snapshot)
#: The groups in the order of the table. `instructions` has all of them, since compiled programs use all.
GROUPS = ("statements", "operators", "values", "written", "arrays", "control", "loops", "contracts", "instructions", "modes", "resolved",
          "rules", "refused", "divergence")  # fmt: skip


@dataclass
class CampaignCounts:
    """Counts that add up.

    passed: programs that every chosen construction decoded and that passed every check. undecoded: programs that passed, but
    some construction did not decode them, since the context was too long; left_out: how often, by construction.
    refused: runs that the machine refused, by kind; conflicts: those that the mode forbids, as "EREW read".
    under_others: of these, the runs of programs that end under the lowest winner, and were refused under another one.
    features: of the program texts. contracts: those of the texts, and how many were negated. covered: what the machine's runs
    exercised. reachable: "lines" and "sides" (of conditions, loops and ranges) of the programs that ran; reached: those that the runs
    reached.
    """

    programs: int = 0
    passed: int = 0
    undecoded: int = 0
    steps: int = 0
    decoding_steps: int = 0
    decodes: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    under_others: int = 0
    conflicts: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    contracts: Counter[str] = field(default_factory=Counter)
    covered: Coverage = field(default_factory=Coverage)
    reachable: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: CampaignCounts) -> CampaignCounts:
        return CampaignCounts(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def refuse(self, message: str) -> str:
        """Count a run that the machine refused with this message. Returns: the kind, or OTHER."""
        kinds = (kind for kind, words in REFUSALS.items() if re.search(words, message))
        kind = OTHER if re.search(BROKEN, message) else next(kinds, OTHER)
        self.refused[kind] += 1
        if kind == "conflict":
            mode = re.findall(r"\(mode ([A-Za-z ]+)\)", message)[-1]
            how = next(how for how, words in CONFLICTS.items() if re.search(words, message))
            self.conflicts[f"{mode} {how}"] += 1
        return kind

    def reach(self, program: Program, reached: Reached) -> None:
        """Count the lines and sides of a program, and those that its run reached."""
        every, left = Unreached(items(program)), unreached(program, reached)
        self.reachable.update(lines=len(every.lines), sides=len(every.sides))
        self.reached.update(lines=len(every.lines) - len(left.lines), sides=len(every.sides) - len(left.sides))

    def coverage(self) -> dict[str, dict[str, int]]:
        """How often each kind of each of GROUPS was met, with 0 for those that never were."""
        events = Counter({f"{mode} {event}": count for (mode, event), count in self.covered.events.items()})
        kinds = {
            "statements": {
                kind.__name__: self.features[kind.__name__] for kind in get_args(syntax.Statement) if kind not in UNCOUNTED
            },
            "operators": {name: self.features[f"word {name}"] for name in OPERATORS},
            "values": {name: self.features[name] for name in VALUES},
            "written": {name: self.features[name] for name in WRITTEN},
            "arrays": {name: self.features[name] for name in SHAPES},
            "control": {name: self.features[name] for name in CONTROL},
            "loops": {name: self.features[name] for name in LOOPS},
            "contracts": {name: self.contracts[name] for name in CONTRACTS},
            "instructions": {name: self.covered.instructions[name] for name in INSTRUCTIONS},
            "modes": {mode: self.covered.modes[mode] for mode in MODES},
            "resolved": {name: events[name] for name in RESOLVED},
            "rules": {rule: self.covered.steps(f"different values by {rule}") for rule in RULES},
            "refused": {name: self.conflicts[name] for name in REFUSED},
            "divergence": {"divergent steps": self.covered.steps("divergent")},
        }
        return {group: kinds[group] for group in GROUPS}


def lacking(coverage: dict[str, dict[str, int]], least: int = 1) -> list[str]:
    """The kinds that were met fewer than `least` times."""
    return [f"{group}: {kind}" for group, kinds in coverage.items() for kind, count in kinds.items() if count < least]
