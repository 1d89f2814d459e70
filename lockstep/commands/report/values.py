"""The results of a sweep as values: programs, their cases, decodes and checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lockstep.commands.report.words import NO_ORACLE, extent_text
from lockstep.pram.reached import Unreached
from lockstep.proofs_check.sweeps.plan import Limits
from lockstep.proofs_check.sweeps.result import CHECKED, COMPUTED, FAILED


@dataclass(frozen=True)
class SurveyedCheck:
    """One check of a program, and the number of cases on which it held.

    bound: the bound, if all cases share it; else "". extent: the bounds of a certificate in the largest case; else "".
    """

    construction: str
    what: str
    bound: str
    verdict: str
    held: int
    total: int
    extent: str = ""


@dataclass(frozen=True, slots=True)
class SurveyedDecode:
    """One case in one construction; as lockstep.proofs_check.sweeps.result.SweepDecode, with the run's figures.

    time: in steps; space: words of memory and registers with program counters.
    """

    construction: str
    size: int
    time: int
    space: int
    status: str
    context: int
    steps: int
    measured_context: int | None
    measured_steps: int | None
    params: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SurveyedCase:
    """The result of one case. trouble: why it failed or was stopped.

    judged: whether an oracle judged it. earlier: it failed in an earlier sweep of the same text under other options, and no later
    sweep checked it again.
    """

    seed: int
    size: int
    number: int
    status: str
    judged: bool
    trouble: str
    params: Mapping[str, int] = field(default_factory=dict)
    earlier: bool = False


@dataclass(frozen=True)
class Extent:
    """A set of inputs: their sizes as ascending ranges, and the smallest and largest value of each parameter."""

    sizes: tuple[tuple[int, int], ...] = ()
    params: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @staticmethod
    def of(inputs: Iterable[tuple[int, Mapping[str, int]]]) -> Extent:
        """Of inputs, each a size and its parameters."""
        sizes: set[int] = set()
        params: dict[str, tuple[int, int]] = {}
        for size, given in inputs:
            sizes.add(size)
            for name, value in given.items():
                least, most = params.get(name, (value, value))
                params[name] = min(least, value), max(most, value)
        return Extent(_ranges(sizes), params)

    def __str__(self) -> str:
        return extent_text(self.sizes, self.params)


def _ranges(sizes: Iterable[int]) -> tuple[tuple[int, int], ...]:
    ranges: list[tuple[int, int]] = []
    for size in sorted(set(sizes)):
        if ranges and ranges[-1][1] == size - 1:
            ranges[-1] = ranges[-1][0], size
        else:
            ranges.append((size, size))
    return tuple(ranges)


@dataclass(frozen=True)
class Swept:
    """What a sweep was told to do, so that it can be repeated: when, by which version, and which inputs it drew."""

    date: str
    lockstep: str
    seed: int
    random: int
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class SurveyedProgram:
    """A program, which is a file and a text, with all that was found of it; sha256 of its text.

    file: relative to the database's folder, or `elsewhere-1a2b3c4d/NAME` if it does not lie below.
    namesake: another file's program has the same name. earlier_text: the file has had another text since.
    missing: cases of its last sweep that were not run yet.
    unreached: what no run has reached; None where that was not observed.
    sidecar: the file that judged, where links to one program have several; else "".
    """

    name: str
    file: str
    sha256: str
    limits: Limits
    cases: tuple[SurveyedCase, ...]
    decodes: tuple[SurveyedDecode, ...]
    lines: tuple[SurveyedCheck, ...]
    missing: int = 0
    earlier_text: bool = False
    unreached: Unreached | None = None
    namesake: bool = False
    sidecar: str = ""

    @property
    def title(self) -> str:
        """The program's name, with what distinguishes it from others of that name."""
        about = [self.file] if self.namesake else []
        if self.sidecar:
            about.append(self.sidecar)
        if self.earlier_text:
            about.append("earlier text of this file")
        return f"{self.name} ({', '.join(about)})" if about else self.name

    @property
    def constructions(self) -> tuple[str, ...]:
        return self.limits.constructions

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(case.status for case in self.cases)

    @property
    def troubles(self) -> list[SurveyedCase]:
        return [case for case in self.cases if case.trouble or case.status == FAILED]

    @cached_property
    def runs(self) -> Extent:
        """For which inputs every run on the machine ended and all that was held against it was right."""
        return Extent.of((case.size, case.params) for case in self.cases if case.size not in self._lacking)

    @property
    def machine(self) -> str:
        """`runs`, and whether outputs were judged."""
        return str(self.runs) if self.judged else f"{self.runs} ({NO_ORACLE})"

    @property
    def judged(self) -> bool:
        """Whether every run was judged by an oracle."""
        return all(case.judged for case in self.cases if case.status in (CHECKED, COMPUTED))

    def checked(self, construction: str) -> Extent:
        """For which inputs every case was decoded in this construction, and all that was held against it was right."""
        decodes = self.of(construction)
        lacking = self._lacking | {d.size for d in decodes if d.status != CHECKED}
        return Extent.of((d.size, d.params) for d in decodes if d.size not in lacking)

    @cached_property
    def _lacking(self) -> set[int]:
        """Sizes with a case that failed or of which nothing is known: of such a size nothing is said."""
        return {case.size for case in self.cases if case.status not in (CHECKED, COMPUTED)}

    def of(self, construction: str) -> list[SurveyedDecode]:
        return [d for d in self.decodes if d.construction == construction]


@dataclass(frozen=True)
class Survey:
    """All programs of a database, and their last sweeps.

    path: the database. hidden: how many cases are not shown: those of earlier texts that did not fail, and of other versions or options.
    """

    path: str
    name: str
    programs: tuple[SurveyedProgram, ...]
    sweeps: tuple[Swept, ...]
    hidden: int

    @cached_property
    def counts(self) -> Counter[str]:
        return sum((program.counts for program in self.programs), Counter[str]())

    @property
    def missing(self) -> int:
        """Cases that were planned and not run yet."""
        return sum(program.missing for program in self.programs)

    @property
    def constructions(self) -> list[str]:
        return list(dict.fromkeys(c for program in self.programs for c in program.constructions))
