"""Compiles and decodes one job, with a certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler import masked_arm
from lockstep.compiler.compile import Compiled, Layout, compile_job, takes_time
from lockstep.compiler.processor import Code
from lockstep.models import decode as models_decode
from lockstep.models.decode import Decoding, TooLong
from lockstep.models.editing import NotCertain, NotFinished, OutOfPositions
from lockstep.models.engines import ENGINES, MAX_CONTEXT, pick
from lockstep.models.orders import ORDERS
from lockstep.models.sampling import AUTO, DEFAULT_SAMPLING, Sampling
from lockstep.pram.errors import PramError
from lockstep.pram.inputs import show_value
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Run, run
from lockstep.pram.progress import Progress, silent
from lockstep.pram.unwritten import refuse
from lockstep.proofs_check.certificate import require_certificate
from lockstep.proofs_check.theorems import BOUNDS

#: Values of --engine; `auto` picks an engine by size.
ENGINE_CHOICES = (AUTO, *ENGINES)


@dataclass(frozen=True)
class DecodeOptions:
    """The options of a decode.

    construction: one of `lockstep.compiler.compile.CONSTRUCTIONS`. time: number of blocks to lay out (mdm, arm); by default
    the time of the run. compiled: the model to use; by default one with the least widths. strict: refuse reads of cells that
    nothing has written. sampling: its engine is one of ENGINE_CHOICES.
    """

    construction: str = "mdm"
    dtype: str = "float64"
    time: int | None = None
    compiled: Compiled | None = None
    max_steps: int = DEFAULT_MAX_STEPS
    strict: bool = False
    sampling: Sampling = Sampling(engine=AUTO)


PLAIN = DecodeOptions()


@dataclass(frozen=True)
class Decoded:
    """What the model generated.

    outputs: by name. steps: decoding steps. context: its length at the start and after each step. engine: the engine that
    decoded, with the reason if it is not the one asked for.
    """

    outputs: dict[str, int | list[int] | list[list[int]]]
    steps: int
    context: tuple[int, ...]
    tokens: NDArray[np.int64]
    run: Run
    layout: Layout
    engine: str

    def __repr__(self) -> str:
        """A short text; the fields have the rest."""
        return f"<Decoded: {self.steps} decoding steps, context {max(self.context)}, {self.engine}, outputs {show_value(self.outputs)}>"

    @property
    def record(self) -> dict[str, Any]:
        """Its values for JSON and tables."""
        return {"outputs": self.outputs, "decoding_steps": self.steps, "context": max(self.context), "time": self.run.time,
                "engine": self.engine, **self.run.job.winner_record}  # fmt: skip


def decode_job(job: Job, options: DecodeOptions = PLAIN, progress: Progress = silent) -> Decoded:
    """Compile a job and generate its run.

    Args:   progress: called with the numbers of decoding steps done and expected.
    Raises: PramError: the machine refuses the run (models never trap, so they are not run), there are too few
            blocks, the context is too long, or `options.compiled` is a model of another program or word size.
            NotCertified: the dtype is not exact at these widths. NoPermutation: the permutation does not have each
            masked position once.
    """
    prepared = Prepared.run(job, options)
    compiled = options.compiled or compile_job(job, prepared.blocks, options.dtype, options.construction, options.sampling)
    check_fits(compiled, job)
    require_certificate(compiled)
    bound = BOUNDS[compiled.construction].every(options.sampling.every)
    steps = bound.steps(job, prepared.machine_run.time)
    sampling = pick_engine(options.sampling, bound.peak_context(job, prepared.blocks), steps, compiled.model.causal)
    layout = lay_out(compiled, job, prepared.blocks, sampling)
    start = layout.tokens()
    most = steps if sampling.order == "parallel" else int((start == compiled.model.vocabulary.mask).sum())
    try:
        decoding = models_decode.decode(
            compiled.model, start, layout.positions(), compiled.process, sampling, lambda n: progress(n, most)
        )
    except (TooLong, NotFinished, OutOfPositions) as error:
        raise prepared.explain(error) from None
    return prepared.finish(layout, decoding)


@dataclass(frozen=True)
class Prepared:
    """A job with its run on the machine, to be decoded with room for `blocks` steps."""

    job: Job
    machine_run: Run
    blocks: int

    @staticmethod
    def run(job: Job, options: DecodeOptions) -> Prepared:
        """Run a job on the machine; raises what `decode_job` raises."""
        machine_run = run(job, max_steps=options.max_steps, warn=refuse if options.strict else None)
        return Prepared(job, machine_run, machine_run.time if options.time is None else options.time)

    def explain(self, error: TooLong | NotFinished | OutOfPositions) -> PramError:
        """The error that tells users why the decode failed."""
        if isinstance(error, NotFinished) and not isinstance(error, NotCertain):
            return self._out_of_blocks(error.step)
        return self.job.error(f"{error}")

    def _out_of_blocks(self, step: int) -> PramError:
        return self.job.error(
            f"decoding step {step}: no room for more steps: not all processors have halted after {self.blocks} steps; "
            f"the run takes {self.machine_run.time}: lay out more with --time"
        )

    def finish(self, layout: Layout, decoding: Decoding) -> Decoded:
        """The result of a decode.

        Raises: PramError: processors have not halted, or the outputs are not the machine's.
        """
        tokens, cells = decoding.tokens, self.job.outputs
        if not layout.halted(tokens):
            raise self._out_of_blocks(decoding.steps)
        if not np.array_equal(layout.output_words(tokens), self.machine_run.memory[cells.start : cells.stop]):
            raise self.job.error("the model's outputs are not the machine's: its weights are not what this program compiles to")
        outputs = outputs_of(self.job, layout, tokens)
        return Decoded(outputs, decoding.steps, decoding.context, tokens, self.machine_run, layout, decoding.engine)


def check_fits(compiled: Compiled, job: Job) -> None:
    """Raises: PramError: the model was compiled for another mode, code or word size than this job has."""
    compiled.check_mode(job)
    if compiled.code != Code.of(job):
        raise job.error("this model was compiled from another program")
    if compiled.widths.word != job.word_bits:
        raise job.error(f"this model was compiled for words of {compiled.widths.word} bits, and this run has {job.word_bits}")


def pick_engine(sampling: Sampling, length: int, steps: int, causal: bool) -> Sampling:
    """The same options, with a definite engine in place of AUTO.

    Args: length: of the context. steps: decoding steps of the order; with a sampler there may be one for each token.
    """
    if sampling.engine != AUTO:
        return sampling
    steps = steps if sampling.sampler is None else length
    fastest = pick(length, steps, causal, sampling.chooses) if sampling.device == "cpu" else "dense"
    return replace(sampling, engine=fastest)


def lay_out(compiled: Compiled, job: Job, time: int, sampling: Sampling = DEFAULT_SAMPLING) -> Layout:
    """The layout of a job, for an engine and, where positions hold it, an order.

    Raises: PramError: it is beyond the model's widths or the engine's limit; the message names both numbers. Or the weights are
            those of another kind of orders.
    """
    engine = sampling.engine
    _check_ranks(compiled, job, sampling.order)
    try:
        layout = compiled.layout(job, time, sampling)
    except ValueError as error:
        raise job.error(f"this model is too small for the run: {error}; compile it for more bits") from None
    way_out = ", or --process ap-mdm" if takes_time(compiled.construction) else ""
    if layout.length > MAX_CONTEXT[engine]:
        raise job.error(
            f"context of {layout.length} tokens; the {engine} engine's limit is {MAX_CONTEXT[engine]}: take a smaller input{way_out}"
        )
    return layout


def _check_ranks(compiled: Compiled, job: Job, order: str) -> None:
    """Raises: PramError: the weights of a masked-arm prefer kinds of tokens and the order does not, or the other way round."""
    by_kind = order in ORDERS and ORDERS[order].by_kind
    if isinstance(compiled.widths, masked_arm.Widths) and (compiled.widths.rank > 0) != by_kind:
        has = "prefers kinds of tokens" if compiled.widths.rank else "orders tokens by their positions alone"
        raise job.error(
            f"this model {has}, so it does not write in the order {order}: decode the program instead of the model file"
        )


def outputs_of(job: Job, layout: Layout, tokens: NDArray[np.int64]) -> dict[str, int | list[int] | list[list[int]]]:
    """The outputs in a final sequence, by name."""
    words = layout.output_words(tokens)
    memory = np.zeros(job.space, np.int64)
    memory[job.outputs.start : job.outputs.stop] = words
    return {a.name: a.read(memory) for a in job.arrays if a.is_output}
