"""Decodes a file of inputs, one in each line, with one model and as few passes as memory allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, Layout, Widths, compile_code
from lockstep.compiler.processor import Code
from lockstep.models.batch import SequenceFailed, decode_batch
from lockstep.models.engines import MAX_CONTEXT
from lockstep.models.sampling import Sampling
from lockstep.pram.errors import Diagnostic, PramError, Source, Span, fail
from lockstep.pram.input_files import check_winner, placing, winner_given
from lockstep.pram.inputs import InputFile, read_input_lines
from lockstep.pram.program import Program, read_text
from lockstep.pram.progress import Progress, silent
from lockstep.pram.winner import LOWEST, Winner
from lockstep.proofs_check.certificate import require_certificate
from lockstep.proofs_check.decoding import PLAIN, Decoded, DecodeOptions, Prepared, check_fits, lay_out, pick_engine
from lockstep.proofs_check.theorems import BOUNDS


@dataclass(frozen=True)
class InputLine:
    """One line of an input file; in `source` it has the same line number as in the file."""

    source: Source
    number: int
    given: InputFile

    @contextmanager
    def blaming_sidecar(self) -> Iterator[None]:
        """Add to errors that the body raises that they concern the input on this line."""
        try:
            with placing(self.source):
                yield
        except PramError as error:
            if any(d.source == self.source for d in error.diagnostics):
                raise
            here = Diagnostic("with the input on this line", self.source, Span(self.number, 1))
            raise PramError([*error.diagnostics, here]) from None


def read_batch(path: Path) -> list[InputLine]:
    """The inputs of a file.

    Raises: PramError: a line is no input, or the file has none.
    """
    lines = [InputLine(*parts) for parts in read_input_lines(read_text(path), path)]
    if not lines:
        raise fail("the file has no inputs; each line is one, as in an input file", Source(str(path), ""))
    return lines


def decode_lines(program: Program, lines: Sequence[InputLine], options: DecodeOptions = PLAIN, *, word_bits: int | None = None,
                 winner: Winner | None = None, progress: Progress = silent) -> list[Decoded]:  # fmt: skip
    """Decode every input as `lockstep.proofs_check.decoding.decode_job` does; arguments and errors are the same.

    All inputs run on the machine before the first is decoded. Inputs with the same word size share a model.

    Args: winner: who wins concurrent writes; by default the winner that a line names, else the lowest.
          progress: called with the number of inputs done and of all.
    """
    prepared, compiled = [], options.compiled
    for line in lines:
        with line.blaming_sidecar():
            check_winner(line.given, compiled.winner if compiled else None)
            job = program.instantiate(*line.given.inputs, word_bits)
            job = replace(job, winner=winner or winner_given(program, line.given) or LOWEST)
            prepared.append(Prepared.run(job, options))
    found: dict[int, Decoded] = {}
    for numbers in _groups([p.job.word_bits for p in prepared]):
        group, here = [prepared[n] for n in numbers], [lines[n] for n in numbers]
        model = compiled or _compile(group, options.dtype, options.construction)
        require_certificate(model)
        sampling = _pick(group, model, options.sampling)
        for part in _parts([BOUNDS[model.construction].peak_context(p.job, p.blocks) for p in group]):
            done = len(found)
            decoded = _decode(model, group[part], here[part], sampling, lambda n: progress(done + n, len(lines)))  # noqa: B023
            found |= zip(numbers[part], decoded)
    return [found[n] for n in range(len(lines))]


def _groups(word_bits: Sequence[int]) -> list[list[int]]:
    """The indices of inputs, grouped by word size: a model has one word size."""
    return [[n for n, bits in enumerate(word_bits) if bits == size] for size in dict.fromkeys(word_bits)]


def _compile(prepared: Sequence[Prepared], dtype: str, construction: str) -> Compiled:
    """One model, with the least widths that fit all inputs."""
    each = [CONSTRUCTIONS[construction].widths(p.job, p.blocks) for p in prepared]
    return compile_code(Code.of(prepared[0].job), widest(each), dtype, construction)


def widest(each: Sequence[Widths]) -> Widths:
    """The least widths that cover all of these; they must have the same type."""
    return type(each[0])(*(max(getattr(widths, f.name) for widths in each) for f in fields(each[0])))


def _pick(prepared: Sequence[Prepared], compiled: Compiled, sampling: Sampling) -> Sampling:
    """Pick the engine for the batch as if it were one long decode."""
    bound = BOUNDS[compiled.construction]
    longest = max(bound.peak_context(p.job, p.blocks) for p in prepared)
    return pick_engine(sampling, longest, sum(bound.steps(p.job, p.machine_run.time) for p in prepared))


def _parts(contexts: Sequence[int]) -> Iterator[slice]:
    """Slices of inputs whose layouts fit into memory together."""
    first = rows = 0
    for number, context in enumerate(contexts):
        if number > first and rows + context > MAX_CONTEXT["indexed"]:
            yield slice(first, number)
            first, rows = number, 0
        rows += context
    yield slice(first, len(contexts))


def _decode(compiled: Compiled, prepared: Sequence[Prepared], lines: Sequence[InputLine], sampling: Sampling,
            watch: Callable[[int], None]) -> list[Decoded]:  # fmt: skip
    layouts: list[Layout] = []
    for p, line in zip(prepared, lines):
        with line.blaming_sidecar():
            check_fits(compiled, p.job)
            layouts.append(lay_out(compiled, p.job, p.blocks, sampling.engine))
    starts = [(layout.tokens(), layout.positions()) for layout in layouts]
    try:
        decodings = decode_batch(compiled.model, starts, compiled.process, sampling, watch)
    except SequenceFailed as failed:
        with lines[failed.number].blaming_sidecar():
            raise prepared[failed.number].explain(failed.cause) from None
    found = []
    for p, line, layout, decoding in zip(prepared, lines, layouts, decodings):
        with line.blaming_sidecar():
            found.append(p.finish(layout, decoding))
    return found
