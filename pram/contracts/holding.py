"""Checks one contract: whether it holds, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lockstep.pram.contracts.explaining import explain
from lockstep.pram.contracts.kinds import Clause
from lockstep.pram.contracts.meaning import NoValue, Scope, View
from lockstep.pram.contracts.translating import translate
from lockstep.pram.errors import PramError, Span, fail
from lockstep.pram.job import Array, Job


class Broken(PramError):
    """A contract does not hold, or has no value. processors: those for which."""

    processors: tuple[int, ...] = ()


class Unmet(Broken):
    """An input is not what the program requires."""

    def of(self, origin: str) -> Unmet:
        """Return a copy that says where the input is from."""
        first, *others = self.diagnostics
        return Unmet([replace(first, message=f"{first.message} (input from {origin})"), *others])


def dimensions_of(arrays: Mapping[str, Array]) -> dict[str, int]:
    """Return how many subscripts each array takes."""
    return {name: len(array.shape) for name, array in arrays.items()}


def check(clause: Clause, scope: Scope, dimensions: Mapping[str, int], job: Job, where: str = "") -> None:
    """Check a contract once.

    Raises: Broken: it does not hold, or has no value.
    """
    scope.met.add(clause.at)
    prefix = f"{where}: " if where else ""
    try:
        if translate(clause.condition, dimensions)(scope):
            return
        scope.width = 0
        why = explain(clause.condition, scope, dimensions)
    except NoValue as error:
        raise Broken(fail(f"{prefix}`{clause.name}` has no value: {error.message}", job.source, error.at).diagnostics) from None
    raise Broken(fail(f"{prefix}`{clause.name}` does not hold{': ' if why else ''}{why}", job.source, clause.at).diagnostics)


def require(job: Job) -> frozenset[Span]:
    """Check that the input of a job is what its program requires. Return the places that were put to the test.

    Raises: Unmet: it is not, or a requirement has no value.
    """
    met: set[Span] = set()
    if job.contracts.requires:
        arrays = {array.name: array for array in job.arrays}
        given = View(job.memory, arrays)
        for clause in job.contracts.requires:
            try:
                check(clause, Scope(job.values, given, given, met), dimensions_of(arrays), job)
            except Broken as error:
                raise Unmet(error.diagnostics) from None
    return frozenset(met)
