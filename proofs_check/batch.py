"""Decodes a file of inputs, one in each line, with one model: in this process or in several, in as few passes as memory allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from math import ceil
from pathlib import Path

from lockstep.compiler.compile import Compiled, Layout, Widths, compile_code, least_widths
from lockstep.compiler.processor import Code
from lockstep.models.batch import SequenceFailed, decode_batch
from lockstep.models.engines import MAX_CONTEXT
from lockstep.models.sampling import Sampling
from lockstep.pram.errors import Diagnostic, PramError, Source, Span, fail
from lockstep.pram.input_files import check_winner, placing, winner_given
from lockstep.pram.inputs import InputFile, read_input_lines
from lockstep.pram.program import Program
from lockstep.pram.progress import Progress, silent
from lockstep.pram.texts import read_text
from lockstep.pram.winner import LOWEST, Winner
from lockstep.proofs_check.certificate import require_certificate
from lockstep.proofs_check.decoding import PLAIN, Decoded, DecodeOptions, Prepared, check_fits, lay_out, pick_engine
from lockstep.proofs_check.theorems import BOUNDS
from lockstep.proofs_check.workers import cores, processes


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


#: A decode takes as long as this many tokens take a fast engine, besides its own; and a pair of rows takes the dense engine as
#: long as this part of a token.
START, PAIR = 7_000, 1 / 15
#: From so many tokens on, about three seconds of a fast engine, processes save more time than their starts take.
WORTH_PROCESSES = 2_000_000
#: Each worker gets about so many shares of the lines: few, so that many lines share a pass; some, so that no worker waits long.
SHARES = 4


class LineFailed(Exception):
    """The input with this number, among those that were decoded together, could not be decoded."""

    def __init__(self, number: int, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(number, diagnostics)
        self.number, self.diagnostics = number, diagnostics


@dataclass(frozen=True)
class Share:
    """Inputs that one process decodes with one model. numbers: their indices among all inputs. rows: how many fit into memory."""

    numbers: Sequence[int]
    prepared: Sequence[Prepared]
    compiled: Compiled
    sampling: Sampling
    rows: int = MAX_CONTEXT["indexed"]

    def part(self, of: slice) -> Share:
        return replace(self, numbers=self.numbers[of], prepared=self.prepared[of])

    def cut(self, workers: int) -> Iterator[Share]:
        """The same inputs in small shares for workers, which share the memory."""
        most = ceil(len(self.numbers) / (workers * SHARES))
        for first in range(0, len(self.numbers), most):
            yield replace(self.part(slice(first, first + most)), rows=self.rows // workers)

    @property
    def contexts(self) -> list[int]:
        """The peak context of each input."""
        bound = BOUNDS[self.compiled.construction].every(self.sampling.every)
        return [bound.peak_context(p.job, p.blocks) for p in self.prepared]

    @property
    def work(self) -> float:
        """How long it will take about, as the number of tokens that a fast engine decodes in that time."""
        bound, dense = BOUNDS[self.compiled.construction].every(self.sampling.every), self.sampling.engine in ("dense", "active")
        steps = [bound.steps(p.job, p.machine_run.time) for p in self.prepared]
        return sum(START + n + dense * PAIR * n * n * t for n, t in zip(self.contexts, steps))


def decode_lines(program: Program, lines: Sequence[InputLine], options: DecodeOptions = PLAIN, *, word_bits: int | None = None,
                 winner: Winner | None = None, workers: int | None = 0, progress: Progress = silent) -> list[Decoded]:  # fmt: skip
    """Decode every input as `lockstep.proofs_check.decoding.decode_job` does; arguments and errors are the same.

    All inputs run on the machine before the first is decoded. Inputs with the same word size share a model.

    Args:   winner: who wins concurrent writes; by default the winner that a line names, else the lowest.
            workers: number of processes; 0: this one decodes; None: one for each core if the decodes take long enough.
            progress: called with the number of inputs done and of all.
    Raises: PramError: also if a worker died.
    """
    prepared = _run(program, lines, options, word_bits, winner)
    shares = list(_shares(prepared, options))
    if workers is None:
        long = options.sampling.device == "cpu" and sum(share.work for share in shares) >= WORTH_PROCESSES
        workers = cores() if long and len(lines) > 1 else 0
    found: dict[int, Decoded] = {}
    try:
        if workers:
            _in_processes(shares, workers, found, lambda: progress(len(found), len(lines)))
        else:
            for share in shares:
                done = len(found)
                decoded = _decode(share, lambda n: progress(done + n, len(lines)))  # noqa: B023
                found |= zip(share.numbers, decoded)
    except LineFailed as failed:
        with lines[failed.number].blaming_sidecar():
            raise PramError(failed.diagnostics) from None
    return [found[n] for n in range(len(lines))]


def _run(program: Program, lines: Sequence[InputLine], options: DecodeOptions, word_bits: int | None,
         winner: Winner | None) -> list[Prepared]:  # fmt: skip
    """Run all inputs on the machine."""
    prepared, compiled = [], options.compiled
    for line in lines:
        with line.blaming_sidecar():
            check_winner(line.given, compiled.winner if compiled else None)
            job = program.instantiate(*line.given.inputs, word_bits)
            job = replace(job, winner=winner or winner_given(program, line.given) or LOWEST)
            prepared.append(Prepared.run(job, options))
    return prepared


def _shares(prepared: Sequence[Prepared], options: DecodeOptions) -> Iterator[Share]:
    """One for each word size: a model has one word size."""
    for numbers in _groups([p.job.word_bits for p in prepared]):
        group = [prepared[n] for n in numbers]
        model = options.compiled or _compile(group, options)
        require_certificate(model)
        yield Share(numbers, group, model, _pick(group, model, options.sampling))


def _in_processes(shares: Sequence[Share], workers: int, found: dict[int, Decoded], progress: Callable[[], None]) -> None:
    """Decode in processes; the results go into `found`."""
    small = [part for share in shares for part in share.cut(workers)]
    with processes(min(workers, len(small))) as pool:
        for share, decoded in zip(small, pool.map(_decode, small)):
            found |= zip(share.numbers, decoded)
            progress()


def _groups(word_bits: Sequence[int]) -> list[list[int]]:
    """The indices of inputs, grouped by word size: a model has one word size."""
    return [[n for n, bits in enumerate(word_bits) if bits == size] for size in dict.fromkeys(word_bits)]


def _compile(prepared: Sequence[Prepared], options: DecodeOptions) -> Compiled:
    """One model, with the least widths that fit all inputs."""
    each = [least_widths(options.construction, p.job, p.blocks, options.sampling) for p in prepared]
    return compile_code(Code.of(prepared[0].job), widest(each), options.dtype, options.construction)


def widest(each: Sequence[Widths]) -> Widths:
    """The least widths that cover all of these; they must have the same type."""
    return type(each[0])(*(max(getattr(widths, f.name) for widths in each) for f in fields(each[0])))


def _pick(prepared: Sequence[Prepared], compiled: Compiled, sampling: Sampling) -> Sampling:
    """Pick the engine for the batch as if it were one long decode."""
    bound = BOUNDS[compiled.construction].every(sampling.every)
    longest = max(bound.peak_context(p.job, p.blocks) for p in prepared)
    steps = sum(bound.steps(p.job, p.machine_run.time) for p in prepared)
    return pick_engine(sampling, longest, steps, compiled.model.causal)


def _parts(contexts: Sequence[int], most: int) -> Iterator[slice]:
    """Slices of inputs whose layouts fit into memory together."""
    first = rows = 0
    for number, context in enumerate(contexts):
        if number > first and rows + context > most:
            yield slice(first, number)
            first, rows = number, 0
        rows += context
    yield slice(first, len(contexts))


def _decode(share: Share, watch: Callable[[int], None] = lambda done: None) -> list[Decoded]:
    """Decode a share. `watch` gets the number of inputs done.

    Raises: LineFailed: an input cannot be decoded; it has the index among all inputs.
    """
    found: list[Decoded] = []
    for part in _parts(share.contexts, share.rows):
        found += _decode_together(share.part(part), lambda n: watch(len(found) + n))  # noqa: B023
    return found


def _decode_together(share: Share, watch: Callable[[int], None]) -> list[Decoded]:
    model, layouts = share.compiled, list[Layout]()
    for number, p in zip(share.numbers, share.prepared):
        with _numbered(number):
            check_fits(model, p.job)
            layouts.append(lay_out(model, p.job, p.blocks, share.sampling))
    starts = [(layout.tokens(), layout.positions()) for layout in layouts]
    try:
        decodings = decode_batch(model.model, starts, model.process, share.sampling, watch)
    except SequenceFailed as failed:
        explained = share.prepared[failed.number].explain(failed.cause)
        raise LineFailed(share.numbers[failed.number], explained.diagnostics) from None
    found = []
    for number, p, layout, decoding in zip(share.numbers, share.prepared, layouts, decodings):
        with _numbered(number):
            found.append(p.finish(layout, decoding))
    return found


@contextmanager
def _numbered(number: int) -> Iterator[None]:
    """Raise errors of the body with the number of their input: so they can travel between processes."""
    try:
        yield
    except PramError as error:
        raise LineFailed(number, error.diagnostics) from None
