"""Certificates for all runs within bounds that the user gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Optional

from lockstep.compiler import blocks, erasing, in_place
from lockstep.compiler.compile import Compiled, Widths, compile_code, find_construction
from lockstep.compiler.in_place import OWN_PARAMETERS
from lockstep.compiler.names import ERASING, process_of
from lockstep.compiler.processor import Code, bits_for
from lockstep.pram.program import Program
from lockstep.proofs_check.certificate import Certificate, certify, horizon
from lockstep.proofs_check.theorems import theorem4

#: Bounds on steps, processors and cells that apply if neither the user nor a model file gives any.
DEFAULTS = {"T": 1000, "P": 64, "S": 1000}


@dataclass(frozen=True)
class Limit:
    """One bound on runs: its letter, the largest value, and who set it."""

    letter: str
    most: int
    origin: str


@dataclass(frozen=True)
class BoundsCertificate:
    """The certificate of a program's model for all runs within some limits.

    needed: the fewest bits for these limits. horizon: the most bits of `compiled.widths.extent` for which this dtype is certified,
    with the model's bits of words and pids; 0 if there are none.
    """

    program: str
    compiled: Compiled
    certificate: Certificate
    limits: tuple[Limit, ...]
    needed: Widths
    horizon: int

    @property
    def what(self) -> str:
        return self.needed.extent[0]

    @property
    def fits(self) -> bool:
        """Whether the model has enough bits for the limits; always true unless the user gave a model file."""
        has = asdict(self.compiled.widths)
        return all(bits <= has[name] for name, bits in asdict(self.needed).items())

    @property
    def holds(self) -> bool:
        return self.fits and self.certificate.holds

    def record(self) -> dict[str, Any]:
        """For JSON; `horizon` is null if there is none."""
        lines = [{"what": x.what, "found": x.found, "limit": x.limit, "holds": x.holds} for x in self.certificate.lines]
        return {
            "program": self.program, "construction": self.compiled.construction, "dtype": self.certificate.dtype,
            "holds": self.holds, "limits": {limit.letter: limit.most for limit in self.limits},
            "bounds": f"{self.what} <= 2^{self.needed.extent[1]}", "fits": self.fits,
            "horizon": f"{self.what} <= 2^{self.horizon}" if self.horizon else None,
            "smallest_gap": self.certificate.smallest_gap, "lines": lines,
        }  # fmt: skip


def certify_bounds(program: Program, construction: str, asked: Mapping[str, Optional[int]], word_bits: int, dtype: str,
                   compiled: Compiled | None = None) -> BoundsCertificate:  # fmt: skip
    """Certify a program's model for all runs within the bounds.

    Args:   asked: the largest T, P and S; for None, the model file's bound applies, or one of DEFAULTS if there is no file.
            compiled: the model of a model file.
    """
    code = compiled.code if compiled else Code.of_program(program)
    name = compiled.construction if compiled else construction
    limits = _limits(name, asked, compiled.widths if compiled else None)
    most = {limit.letter: limit.most for limit in limits}
    needed = least_widths(name, code, most, compiled.widths.word if compiled else word_bits)
    compiled = compiled or compile_code(code, needed, dtype, name)
    certificate = certify(compiled.model, compiled.circuit)
    return BoundsCertificate(program.name, compiled, certificate, limits, needed, horizon(compiled))


def _limits(construction: str, asked: Mapping[str, Optional[int]], own: Widths | None) -> tuple[Limit, ...]:
    """A limit for each letter that a construction's weights depend on. A model file bounds its context N instead of S."""
    found = []
    for letter in _letters(construction):
        most = asked[letter]
        if most is not None:
            found.append(Limit(letter, most, "asked for"))
        elif own is None:
            found.append(Limit(letter, DEFAULTS[letter], "by default"))
        elif letter == "P":
            found.append(Limit(letter, 1 << own.pid, "the model's own"))
        else:
            by_step = "L" if isinstance(own, erasing.Widths) else "T"
            letter, bits = (by_step, own.time) if isinstance(own, blocks.Widths) else ("N", _length_of(own))
            found.append(Limit(letter, (1 << bits) - 1, "the model's own"))
    return tuple(found)


def _length_of(widths: Widths) -> int:
    """The bits of a position."""
    assert isinstance(widths, in_place.Widths)
    return widths.length


def _letters(construction: str) -> tuple[str, ...]:
    """What bounds the weights of a construction, the first by its own number of bits."""
    if process_of(construction) == "revision":
        return ("P",)
    return ("T", "P") if _takes_time(construction) else ("P", "S")


def _takes_time(construction: str) -> bool:
    """Whether its weights depend on the steps of a run, and not on its cells or on processors alone."""
    return construction not in theorem4.BOUNDS and construction != ERASING


def least_widths(construction: str, code: Code, most: Mapping[str, int], word_bits: int) -> Widths:
    """The smallest bit widths for runs of at most T steps or S cells (or a context of N, or L steps in a cycle) on P processors.

    A cycle of arm erasing has the most steps on one processor.
    """
    kind: Callable[[int, int, int], Widths] = find_construction(construction).of_bits
    pid = bits_for(most["P"])
    if process_of(construction) == "revision":
        return kind(word_bits, 0, pid)
    if construction not in theorem4.BOUNDS:
        steps = most["T"] if _takes_time(construction) else most.get("L") or -(-(most["S"] + code.registers + 1) // 3)
        return kind(word_bits, max(1, steps.bit_length()), pid)
    letters = {"h": code.parameters + len(OWN_PARAMETERS), "k": code.registers, **most}
    longest = most["N"] if "N" in most else theorem4.BOUNDS[construction].context(letters)
    return kind(word_bits, longest.bit_length(), pid)
