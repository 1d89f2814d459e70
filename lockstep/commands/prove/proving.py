"""Proves a program's weights in each construction, and certifies their arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from time import process_time

from lockstep.compiler.compile import Compiled, compile_code, find_construction
from lockstep.compiler.processor import Code
from lockstep.pram.program import Program
from lockstep.pram.progress import Progress, silent
from lockstep.proofs_check.certificate import Certificate, certify
from lockstep.proofs_check.proofs.prove import Proof, prove
from lockstep.proofs_check.proofs.replay import Counterexample
from lockstep.proofs_check.proofs.solver import Lemmas

#: Bits of a step number or a position, and of a pid: as `lockstep compile` takes them.
EXTENT_BITS, PID_BITS = 12, 6


@dataclass(frozen=True)
class CertifiedProof:
    """The proof of one construction, with its certificate."""

    program: str
    proof: Proof
    certificate: Certificate
    seconds: float
    counterexamples: tuple[Counterexample, ...]

    @property
    def holds(self) -> bool:
        return self.proof.holds and self.certificate.holds

    @property
    def title(self) -> str:
        compiled = self.proof.compiled
        bits, dtype = compiled.widths.word, compiled.model.dtype_name
        verdict = f"proved for all words of {bits} bits" if self.holds else "NOT PROVED"
        others = ", ".join(f"{n} {name} bits" for name, n in asdict(compiled.widths).items() if name != "word")
        return f"{self.program}, {compiled.construction}, {dtype} weights, {others}: {verdict}"

    @property
    def rows(self) -> list[tuple[str, str, str, float, bool, str]]:
        """A row for each obligation: what is proved, for what, by which method, seconds, whether it holds, and why not."""
        found = [(o.what, o.covers, o.how, o.seconds, o.holds, o.trouble) for o in self.proof.obligations]
        worst = "" if self.certificate.holds else self.certificate.worst.what
        lines = f"{len(self.certificate.lines)} bounds"
        return [
            *found,
            ("arithmetic is exact, attention copies one row", lines, "certificate", 0.0, self.certificate.holds, worst),
        ]


def prove_program(program: Program, constructions: Sequence[str], bits: int, given: Compiled | None = None,
                  progress: Progress = silent, lemmas: Lemmas | None = None) -> list[CertifiedProof]:  # fmt: skip
    """Prove a program's weights in some constructions, or those of a model that was compiled before.

    Args: lemmas: proofs of other programs, to be used again.
    """
    code, lemmas = Code.of_program(program), Lemmas() if lemmas is None else lemmas
    compiled = [given] if given else [_compile(code, name, bits) for name in constructions]
    return [_prove(program.name, model, lemmas, progress) for model in compiled]


def _compile(code: Code, construction: str, bits: int) -> Compiled:
    return compile_code(code, find_construction(construction).of_bits(bits, EXTENT_BITS, PID_BITS), construction=construction)


def _prove(name: str, compiled: Compiled, lemmas: Lemmas, progress: Progress) -> CertifiedProof:
    started = process_time()  # what else runs on the machine does not count: a limit on it must hold there, too
    proof = prove(compiled, lemmas, progress)
    certificate = certify(compiled.model, compiled.circuit)
    return CertifiedProof(name, proof, certificate, process_time() - started, tuple(proof.counterexamples()))
