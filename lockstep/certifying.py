"""Certificates for bounds that a user names, rather than for one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compiler.compile import CONSTRUCTIONS, Compiled, Widths, compile_code
from compiler.in_place import OWN_PARAMETERS
from compiler.processor import Code, bits_for
from pram.program import Program
from proofs_check.certificate import Certificate, certify, horizon
from proofs_check.theorems import theorem4


@dataclass(frozen=True)
class Bounded:
    """The certificate of a program's model for runs of at most T steps, P processors and S cells.

    fits: whether the model's bits cover the bounds (always, unless it was given). horizon: the most bits of `what` that
    this dtype is certified for.
    """

    program: str
    compiled: Compiled
    certificate: Certificate
    what: str
    needed: int
    fits: bool
    horizon: int

    @property
    def holds(self) -> bool:
        return self.fits and self.certificate.holds

    def record(self) -> dict[str, Any]:
        """For JSON."""
        lines = [{"what": x.what, "measured": x.measured, "limit": x.limit, "holds": x.holds} for x in self.certificate.lines]
        return {
            "program": self.program, "construction": self.compiled.construction, "dtype": self.certificate.dtype,
            "holds": self.holds, "bounds": f"{self.what} <= 2^{self.needed}", "fits": self.fits,
            "horizon": f"{self.what} <= 2^{self.horizon}", "smallest_gap": self.certificate.smallest_gap, "lines": lines,
        }  # fmt: skip


def certify_bounds(program: Program, construction: str, time: int, processors: int, space: int, word_bits: int, dtype: str,
                   compiled: Compiled | None = None) -> Bounded:  # fmt: skip
    """Certify a program's model, or one that was compiled before, for all runs within the bounds."""
    code = compiled.code if compiled else Code(program.code.instructions, program.code.registers, len(program.code.derived))
    name = compiled.construction if compiled else construction
    needed = least_widths(name, code, time, processors, space, compiled.widths.word if compiled else word_bits)
    compiled = compiled or compile_code(code, needed, dtype, name)
    what, bits = needed.extent
    fits = bits <= compiled.widths.extent[1] and needed.pid <= compiled.widths.pid
    certificate = certify(compiled.model, compiled.circuit)
    return Bounded(program.name, compiled, certificate, what, bits, fits, horizon(compiled))


def least_widths(construction: str, code: Code, time: int, processors: int, space: int, word_bits: int) -> Widths:
    """The least bit widths for runs of at most so many steps, processors and cells."""
    kind, pid = CONSTRUCTIONS[construction].bits, bits_for(processors)
    if construction not in theorem4.BOUNDS:
        return kind(word_bits, max(1, time.bit_length()), pid)
    letters = {"h": code.parameters + len(OWN_PARAMETERS), "S": space, "P": processors, "k": code.registers}
    return kind(word_bits, theorem4.BOUNDS[construction].context(letters).bit_length(), pid)
