"""A decode that is watched step by step: how each step changed the sequence, what heads found, and which step of the machine it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lockstep.compiler.compile import Compiled, Layout, compile_job
from lockstep.models.decode import Decoder, Decoding
from lockstep.models.edited import Edited
from lockstep.models.editing import DecodingStep
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Tokens
from lockstep.pram.job import Job
from lockstep.proofs_check.agreement import Beside, Divergence
from lockstep.proofs_check.certificate import require_certificate
from lockstep.proofs_check.decoding import PLAIN, Decoded, DecodeOptions, Prepared, check_fits, lay_out, pick_engine
from lockstep.proofs_check.theorems import BOUNDS


@dataclass(frozen=True)
class WatchedStep:
    """One decoding step.

    number:  of the decoding step, from 1. time: the step of the machine that it belongs to: 0 before the first, T + 1 after the last.
    edited:  how it changed the sequence. erasure: the positions that were erased before it, beside the last; None if nothing was.
    found:   what each head of the asking rows found (`lockstep.models.engines.Session`), [heads, rows of `edited`]; None unless asked for.
    context: the length after the step.
    """

    number: int
    time: int
    edited: Edited
    erasure: range | None
    found: Tokens | None
    context: int
    sequence: Tokens

    @property
    def tokens(self) -> Tokens:
        """A copy of the sequence after this step, [context]. Later steps edit `sequence` in place."""
        return self.sequence.copy()


class Watching:
    """A decode to iterate over, once. It ends at its first wrong token, beside the machine's run.

    steps: how many decoding steps parallel order takes.

    Args:   heads: whether steps say what heads found. certified: whether the dtype must be exact at these widths.
    Raises: as `lockstep.proofs_check.decoding.decode_job`.
    """

    def __init__(self, job: Job, options: DecodeOptions = PLAIN, heads: bool = False, certified: bool = True) -> None:
        prepared = self.prepared = Prepared.run(job, options)
        self.job, self.run = job, prepared.machine_run
        self.compiled: Compiled = options.compiled or compile_job(
            job, prepared.blocks, options.dtype, options.construction, options.sampling
        )
        check_fits(self.compiled, job)
        if certified:
            require_certificate(self.compiled)
        self.sampling = self._with_engine(options.sampling, prepared)
        self.layout: Layout = lay_out(self.compiled, job, prepared.blocks, self.sampling)
        self.start = self.layout.tokens()
        self.context = [len(self.start)]
        compiled, positions = self.compiled, self.layout.positions()
        self.decoder = Decoder(compiled.model, self.start, positions, compiled.process, self.sampling, edits=True, heads=heads)
        self._beside = Beside(self.layout, self.decoder, compiled.construction, self.sampling)
        self._clock = self.layout.clock(self.run.time)

    def _with_engine(self, sampling: Sampling, prepared: Prepared) -> Sampling:
        bound = BOUNDS[self.compiled.construction].every(sampling.every)
        length, self.steps = bound.peak_context(self.job, prepared.blocks), bound.steps(self.job, prepared.machine_run.time)
        return pick_engine(sampling, length, self.steps, self.compiled.model.causal)

    def __iter__(self) -> Iterator[WatchedStep]:
        for step in self._beside:
            self.context.append(step.change.length)
            yield self._watched(step)

    def _watched(self, step: DecodingStep) -> WatchedStep:
        assert step.edited is not None
        return WatchedStep(
            step.number, self._clock(step), step.edited, step.erasure, step.found, step.change.length, step.sequence
        )

    def decoded(self) -> Decoded:
        """The result of the decode, which has come to its end.

        Raises: PramError: a token is wrong, processors have not halted, or the outputs are not the machine's.
        """
        if self.divergence is not None:
            raise self.job.error(str(replace(self.divergence, line="")))
        beside = self._beside
        decoding = Decoding(beside.tokens.copy(), beside.number, tuple(self.context), self.engine)
        return self.prepared.finish(self.layout, decoding)

    @property
    def divergence(self) -> Divergence | None:
        """The first wrong token, once the decode has come there."""
        return self._beside.divergence

    @property
    def stuck(self) -> str:
        """Why the decode ended although masks remain; "" if it did not."""
        return self._beside.stuck

    @property
    def engine(self) -> str:
        """The engine that decodes, with the reason if it is not the one asked for."""
        return self.decoder.engine

    @property
    def expected(self) -> Tokens:
        """The sequence that the machine's run has after the last step in parallel and fixed orders; in others, the final one."""
        return self._beside.expectation.tokens
