"""Decoding several sequences with one model. One pass over the weights computes a decoding step of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from lockstep.models.alone import logits_alone
from lockstep.models.decode import Decoding, TooLong, decode, stays_on_device
from lockstep.models.editing import DecodingStep, NotFinished, OutOfPositions, SequenceEditor
from lockstep.models.engines import ENGINES, Session, Unsuitable
from lockstep.models.erasing import Marks
from lockstep.models.positions import Positions
from lockstep.models.processes import PROCESSES
from lockstep.models.sampling import DEFAULT_SAMPLING, Sampling
from lockstep.models.transformer import Prediction, Tokens, Transformer

#: The limits of a pass: pairs of rows that the dense engine scores, and rows of the indexed engine.
MOST_PAIRS, MOST_ROWS = 1 << 22, 1 << 20
#: The longest sequence of a dense pass is at most this many times as long as the shortest.
MAX_LENGTH_RATIO = 1.25

#: A start sequence, [N] int64, and its positions.
Start = tuple[Tokens, Positions]


class SequenceFailed(Exception):
    """One sequence of a batch could not be decoded. It has the sequence's number and the cause."""

    def __init__(self, number: int, cause: NotFinished | OutOfPositions | TooLong) -> None:
        self.number, self.cause = number, cause
        super().__init__(f"sequence {number}: {cause}")


def decode_batch(model: Transformer, starts: Sequence[Start], process: str = "mdm", sampling: Sampling = DEFAULT_SAMPLING,
                 progress: Callable[[int], None] = lambda done: None) -> list[Decoding]:  # fmt: skip
    """Decode each sequence, with the same result as `lockstep.models.decode.decode`. One pass takes as many as fit.

    If an engine cannot take these sequences together, it decodes them one after the other.

    Args:    progress: called with the number of finished sequences.
    Returns: one Decoding for each start, in order.
    Raises:  SequenceFailed: `decode` raises an error for a sequence. ValueError: as `decode`.
    """
    engine = sampling.engine
    if engine not in ENGINES:
        raise ValueError(f"unknown engine: {engine!r}")
    found: dict[int, Decoding] = {}
    for group in _groups(starts, engine):
        done = len(found)
        try:
            if len(group) == 1:
                raise Unsuitable("one sequence shares a pass with no other")
            together = _on_device if stays_on_device(sampling, process) else _in_steps
            found |= together(model, {n: starts[n] for n in group}, process, sampling, lambda n: progress(done + n))  # noqa: B023
        except Unsuitable:  # decoded alone, each sequence gets its own engine and reason
            for number in group:
                with _numbered_errors(number):
                    found[number] = decode(model, *starts[number], process, sampling)
                progress(len(found))
    return [found[number] for number in range(len(starts))]


def _groups(starts: Sequence[Start], engine: str) -> Iterator[list[int]]:
    """Yield the sequences of each pass. They have similar lengths, so that there is little padding."""
    lengths = [len(positions) for _, positions in starts]
    group: list[int] = []
    rows = 0
    for number in sorted(range(len(starts)), key=lengths.__getitem__):
        if group and _exceeds(len(group), rows, lengths[group[0]], lengths[number], engine):
            yield group
            group, rows = [], 0
        group.append(number)
        rows += lengths[number]
    if group:
        yield group


def _exceeds(count: int, rows: int, shortest: int, length: int, engine: str) -> bool:
    """Whether a sequence of this length exceeds the limits of a pass with `count` sequences; the dense engine pads to it."""
    if engine != "dense":
        return rows + length > MOST_ROWS
    return (count + 1) * length**2 > MOST_PAIRS or length > MAX_LENGTH_RATIO * shortest


@contextmanager
def _numbered_errors(number: int) -> Iterator[None]:
    """Raise errors of the body as SequenceFailed, with the number of the sequence."""
    try:
        yield
    except (NotFinished, OutOfPositions, TooLong) as error:
        raise SequenceFailed(number, error) from error


def _on_device(model: Transformer, starts: dict[int, Start], process: str, sampling: Sampling,
               progress: Callable[[int], None]) -> dict[int, Decoding]:  # fmt: skip
    """Decode sequences together on a device. Raises: SequenceFailed: as `decode_batch`."""
    from lockstep.models.on_device import decode_on_device  # imports PyTorch

    found = {}
    for number, result in zip(starts, decode_on_device(model, list(starts.values()), process, sampling.device, progress)):
        if not isinstance(result, Decoding):
            raise SequenceFailed(number, result)
        found[number] = result
    return found


def _in_steps(model: Transformer, starts: dict[int, Start], process: str, sampling: Sampling,
              progress: Callable[[int], None]) -> dict[int, Decoding]:  # fmt: skip
    """Decode sequences together, and edit each on its own. Raises: as `Pass.decode`."""
    if PROCESSES[process].appends and Marks.of(model.vocabulary):
        raise Unsuitable("a sequence of which parts are erased is decoded alone")
    return Pass(model, {n: (start, sampling) for n, start in starts.items()}, process).decode(progress)


class Pass:
    """Sequences that one pass decodes together.

    Args: starts: each sequence by its number, with the options of its decode; they agree in engine and device.
    """

    def __init__(self, model: Transformer, starts: Mapping[int, tuple[Start, Sampling]], process: str) -> None:
        self.model, self.numbers = model, list(starts)
        self.starts, self.samplings = (list(part) for part in zip(*starts.values()))
        self.editors = [
            SequenceEditor(tokens, model.vocabulary, len(positions), process, sampling)
            for (tokens, positions), sampling in starts.values()
        ]

    def decode(self, progress: Callable[[int], None]) -> dict[int, Decoding]:
        """Decode all of them, and return each result by the number of its sequence.

        Raises: Unsuitable: the engine cannot take them together. SequenceFailed: as `decode_batch`.
        """
        sequences = [editor.sequence.tokens for editor in self.editors]
        positions, sampling = [positions for _, positions in self.starts], self.samplings[0]
        session = ENGINES[sampling.engine](self.model, sequences, positions, sampling.device)
        contexts = [[len(tokens)] for tokens in sequences]
        live = [n for n, editor in enumerate(self.editors) if not editor.is_finished]
        while live:
            ended = []
            for n, (rows, prediction) in zip(live, session.predict(live)):
                with _numbered_errors(self.numbers[n]):
                    step = self._step(n, rows, prediction, session)
                if step is not None:
                    session.update(n, step.change, step.sequence)
                    contexts[n].append(step.change.length)
                if step is None or self.editors[n].is_finished:
                    ended.append(n)
            live = [n for n in live if n not in ended]
            progress(len(contexts) - len(live))
        return {
            number: Decoding(editor.sequence.tokens, editor.number, tuple(context), sampling.engine)
            for number, editor, context in zip(self.numbers, self.editors, contexts)
        }

    def _step(self, n: int, rows: Tokens, prediction: Prediction, session: Session) -> DecodingStep | None:
        """The next step of a sequence. Errors are those of `SequenceEditor.step`."""
        tokens, (_, positions) = self.editors[n].sequence.tokens, self.starts[n]
        alone = partial(logits_alone, self.model, tokens, positions, device=self.samplings[n].device)
        return self.editors[n].step(rows, prediction, partial(session.logits, n), alone)
