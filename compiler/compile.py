"""The pipeline: code -> circuit -> checked circuit -> weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from compiler import mdm
from compiler.assemble import assemble
from compiler.circuit import Circuit
from compiler.mdm import Layout, Widths
from compiler.processor import Code
from compiler.verify import check_circuit
from models.transformer import Transformer
from pram.job import Job

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class Compiled:
    """A model with the circuit it was made from; one for each program, word size and bit widths."""

    code: Code
    widths: Widths
    circuit: Circuit
    model: Transformer

    def layout(self, job: Job, time: int) -> Layout:
        """Where everything stands for a job with room for `time` steps.

        Raises: ValueError: the widths are too small for it.
        """
        return Layout(job, self.circuit, self.widths, time)


def compile_code(code: Code, widths: Widths, dtype: str = "float64") -> Compiled:
    """Compile machine code to the weights of a transformer that generates its runs.

    Raises: CircuitError: an invariant of the circuit does not hold (a defect of the compiler).
    Source: Theorem 1.
    """
    circuit = mdm.build(code, widths)
    check_circuit(circuit)
    return Compiled(code, widths, circuit, assemble(circuit, DTYPES[dtype]))


def compile_job(job: Job, time: int, dtype: str = "float64") -> Compiled:
    """Compile a job's code with the least widths for runs of up to `time` steps."""
    return compile_code(Code.of(job), Widths.cover(job.word_bits, time, job.processors), dtype)
