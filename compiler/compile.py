"""The pipeline: code -> circuit -> checked circuit -> weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Union

from lockstep.compiler import blocks, in_place, masked_arm, revision
from lockstep.compiler.assemble import assemble
from lockstep.compiler.circuit import Circuit
from lockstep.compiler.construction import Construction
from lockstep.compiler.invariants import check_circuit
from lockstep.compiler.names import DERIVED, EVERY, MDM, PARTS, NotConstructed, Parts, lacking
from lockstep.compiler.processor import Code
from lockstep.models.processes import PROCESSES
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import DTYPES, Transformer
from lockstep.pram.access import LEFT, MODES
from lockstep.pram.job import Job
from lockstep.pram.program import Program
from lockstep.pram.winner import Winner

Widths = Union[blocks.Widths, in_place.Widths, revision.Widths]
Layout = Union[blocks.BlockLayout, in_place.Layout, masked_arm.Layout, revision.Layout]


def _made(table: Mapping[str, Parts]) -> dict[str, Construction[Any]]:
    return {name: parts.of(import_module(f"{__package__}.{parts.module}").CONSTRUCTION) for name, parts in table.items()}


#: By name; each has a file of its own.
CONSTRUCTIONS = _made(PARTS)
#: Those that are made from another one.
DERIVED_CONSTRUCTIONS = _made(DERIVED)


def find_construction(name: str) -> Construction[Any]:
    """A construction of either table.

    Raises: KeyError: there is none of this name.
    """
    return DERIVED_CONSTRUCTIONS[name] if name in DERIVED else CONSTRUCTIONS[name]


def least_widths(construction: str, job: Job, time: int, sampling: Sampling | None = None) -> Widths:
    """The least widths for runs of up to `time` steps. sampling: has the order (masked-arm), and how often to erase (arm erasing)."""
    found = find_construction(construction)
    widths: Widths = found.widths(job, found.blocks(job, time, sampling.every if sampling else None))
    return widths.in_order(sampling.order) if sampling and isinstance(widths, masked_arm.Widths) else widths


def takes_time(construction: str) -> bool:
    """Whether its models have bits of a step number, so that a layout has room for so many steps."""
    return issubclass(find_construction(construction).bits, blocks.Widths)


def is_causal(construction: str) -> bool:
    """Whether its models are causal."""
    return PROCESSES[find_construction(construction).process].appends


@dataclass(frozen=True)
class Compiled:
    """A model, with the circuit that it was made from. It serves one program, word size and set of bit widths.

    construction: a name in CONSTRUCTIONS or DERIVED_CONSTRUCTIONS. winner: who wins concurrent writes in its runs, if the user
    chose one. The weights do not depend on the winner.
    """

    construction: str
    code: Code
    widths: Widths
    circuit: Circuit
    model: Transformer
    winner: Winner | None = None

    def __repr__(self) -> str:
        """A short text for people who print a model."""
        return f"<Compiled: {self.construction}, d_model {self.model.width}, {len(self.model.layers)} layers, {self.widths}>"

    @property
    def process(self) -> str:
        """The generation process, a name in `lockstep.models.processes.PROCESSES`."""
        return find_construction(self.construction).process

    def check_mode(self, job: Job) -> None:
        """Raises: PramError: the job's mode combines concurrent writes in another way than this model."""
        wanted = MODES[job.mode].combining
        if wanted != self.code.combining:
            leaves = f"concurrent writes leave {LEFT[self.code.combining]}, and under {job.mode} {LEFT[wanted]}"
            raise job.error(f"this model was compiled for another mode: in it, {leaves}")

    def layout(self, job: Job, time: int, sampling: Sampling | None = None) -> Layout:
        """Return the layout of a job with room for `time` steps.

        Args:   sampling: has what position encodings hold: the order (masked-arm), and how often to erase (arm erasing). None: the
                usual ones.
        Raises: ValueError: the widths are too small for the job. PramError: its mode combines concurrent writes in another way.
        """
        self.check_mode(job)
        found = find_construction(self.construction)
        blocks = found.blocks(job, time, sampling.every if sampling else None)
        layout: Layout = found.layout(job, self.circuit, self.widths, blocks)
        return layout.in_order(sampling) if sampling and isinstance(layout, masked_arm.Layout) else layout


def compile_code(code: Code, widths: Widths, dtype: str = "float64", construction: str = MDM) -> Compiled:
    """Compile machine code to the weights of a transformer that generates its runs.

    Raises: ValueError: there is no such construction or dtype. NotConstructed: the construction does not have this code.
            CircuitError: an invariant of the circuit does not hold (a defect of the compiler).
    Source: Theorem 1 for `mdm`, Theorem 4 for the schedules of `ap-mdm`, Theorem 3 for `masked-arm`.
    """
    if construction not in EVERY or dtype not in DTYPES:
        raise ValueError(f"unknown construction or dtype: {construction!r}, {dtype!r}")
    if why := lacking(construction, code.rules):
        raise NotConstructed(why)
    circuit = find_construction(construction).build(code, widths)
    check_circuit(circuit)
    return Compiled(construction, code, widths, circuit, assemble(circuit, DTYPES[dtype]))


def compile_job(job: Job, time: int, dtype: str = "float64", construction: str = MDM,
                sampling: Sampling | None = None) -> Compiled:  # fmt: skip
    """Compile a job's code with the least widths for runs of up to `time` steps, decoded with these options."""
    return compile_code(Code.of(job), least_widths(construction, job, time, sampling), dtype, construction)


def compile_program(program: Program, widths: Widths, dtype: str = "float64", construction: str = MDM) -> Compiled:
    """Compile a program's code for the given bit widths."""
    return compile_code(Code.of_program(program), widths, dtype, construction)
