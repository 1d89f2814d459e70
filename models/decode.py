"""The decoding loop of every process, order and engine. It counts decoding steps and the context length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from lockstep.models.alone import logits_alone
from lockstep.models.drawing import Logits
from lockstep.models.editing import DecodingStep, SequenceEditor
from lockstep.models.engines import ENGINES, MAX_CONTEXT, SUCCESSORS, Session, Unsuitable
from lockstep.models.engines.session import Stepping
from lockstep.models.positions import Positions
from lockstep.models.processes import PROCESSES, Edits
from lockstep.models.sampling import DEFAULT_SAMPLING, Sampling
from lockstep.models.sequence import Change
from lockstep.models.transformer import Prediction, Tokens, Transformer, Weights

#: Decoding steps that are made in one go, if nobody looks at each.
STRIDE = 1000


class TooLong(Exception):
    """The chosen engine cannot compute this model, and the context is too long for the dense engine."""


@dataclass(frozen=True)
class Decoding:
    """A finished decode.

    tokens: the last sequence. steps: decoding steps. context: the context length at the start and after each step.
    engine: the engine that computed it. If it is not the chosen one, the reason stands behind the name.
    """

    tokens: Tokens
    steps: int
    context: tuple[int, ...]
    engine: str

    @property
    def peak_context(self) -> int:
        return max(self.context)


class Decoder:
    """Decodes step by step, until the process changes nothing. Iterate over it once.

    Args:   tokens: [N] int64, the start sequence. positions: row i belongs to position i; dense [N_max, d] or columns.
            edits, heads: each step says how it changed the sequence, and also what each head found. Then no session carries
            steps out itself.
    Raises: NotFinished: masks remain but no position is ready. OutOfPositions: the sequence outgrows `positions`.
            TooLong: the engine gives up, and the dense engine cannot take over. ValueError: the process does not take this order
            or sampler, or a matrix of the model does not fit its vocabulary.
            NoPermutation: the user's permutation does not have each masked position once. NotCertain: as `SequenceEditor.step`.
    """

    def __init__(self, model: Transformer, tokens: Tokens, positions: Weights | Positions, process: str = "mdm",
                 sampling: Sampling = DEFAULT_SAMPLING, edits: bool = False, heads: bool = False) -> None:  # fmt: skip
        if sampling.engine not in ENGINES:
            raise ValueError(f"unknown engine: {sampling.engine!r}")
        model.check_vocabulary()
        self.positions = Positions.of(positions)
        self.editor = SequenceEditor(tokens, model.vocabulary, len(self.positions), process, sampling)
        self.model, self.device, self.sequence = model, sampling.device, self.editor.sequence
        # Sessions that carry out steps themselves draw nothing, and edit all that is ready.
        self.process, self.in_parallel = process, sampling.order == "parallel" and not sampling.chooses
        self.told, self.heads = edits or heads, heads
        self.reason = ""
        self.untold: Change | None = None  # what the session has not been told of yet
        self.stale = False  # whether the next step needs a new session
        self.session = self._start(sampling.engine)

    @property
    def engine(self) -> str:
        """The name of the current engine. If it is not the chosen one, the reason stands behind the name."""
        return self.session.name + (f" ({self.reason})" if self.reason else "")

    def __iter__(self) -> Iterator[DecodingStep]:
        while not self.editor.is_finished:
            step = self._step()
            if step is None:
                return
            yield step

    def contexts(self, progress: Callable[[int], None] = lambda step: None) -> Iterator[int]:
        """Decode to the end; yields the context length after each decoding step."""
        while not self.editor.is_finished:
            if (stepping := self._stepping()) is not None:
                lengths, tokens, masks = stepping.stride(self.process, STRIDE)
                self.editor.follow(len(lengths), tokens, masks)
                yield from lengths
                progress(self.editor.number)
                if self.editor.is_finished or len(lengths) == STRIDE:
                    continue
            step = self._step()  # also where a stride ends early: it says why
            if step is None:
                return
            yield step.change.length
            progress(step.number)

    # -- steps ---------------------------------------------------------------------------------

    def _stepping(self) -> Stepping | None:
        """The session, if it carries out the steps of this decode itself. Sessions do not erase."""
        fitting = self.in_parallel and not self.editor.marks and not self.told
        own = fitting and self.process in getattr(self.session, "processes", ())  # asked in every step
        return self.session if own else None  # type: ignore[return-value]

    def _step(self) -> DecodingStep | None:
        if (stepping := self._stepping()) is not None:
            try:
                return self._follow(stepping)
            except Unsuitable as reason:
                self.session = self._fall_back(self.session.name, reason)
                return self._step()
        if self.untold is not None:
            told, self.untold = self.untold, None
            self._update(told)
        erasure = self.editor.erase()
        if self.stale:
            self.session, self.stale = self._start(self.session.name), False
        elif erasure is not None:
            self._update(erasure)
        step = self.editor.step(*self._predict(), self._logits, self._alone)
        if step is None:
            return None
        if self.heads and step.edited is not None:
            step = replace(step, found=self.session.found(0, step.edited.asking))
        self.untold = step.change
        return step

    def _follow(self, session: Stepping) -> DecodingStep | None:
        made = session.step(self.process)
        if made is None:
            self.editor.end(session.grown)
            return None
        change, tokens, masks = made
        self.editor.follow(1, tokens, masks)
        return DecodingStep(self.editor.number, change, tokens, self.editor.process.appends)

    # -- the engine, and the next one where it gives up ---------------------------------------

    def _start(self, engine: str) -> Session:
        try:
            return ENGINES[engine](self.model, [self.sequence.tokens], [self.positions], self.device, self.editor.process.revises)
        except Unsuitable as reason:
            return self._fall_back(engine, reason)

    def _predict(self) -> tuple[Tokens, Prediction]:
        try:
            return self.session.predict([0])[0]
        except Unsuitable as reason:
            self.session = self._fall_back(self.session.name, reason)
            return self._predict()

    def _logits(self, rows: Tokens) -> Logits:
        try:
            return self.session.logits(0, rows)
        except Unsuitable as reason:
            self.session = self._fall_back(self.session.name, reason)
        self._predict()  # the next engine has not seen this sequence
        return self._logits(rows)

    def _alone(self, rows: Tokens) -> Logits:
        try:
            return logits_alone(self.model, self.sequence.tokens, self.positions, rows, self.device)
        except Unsuitable as reason:
            raise TooLong(f"{reason}") from None

    def disturb(self, rows: Tokens, tokens: Tokens) -> None:
        """Give rows other tokens between two decoding steps. The next step sees them. No session may carry out steps itself."""
        none = np.zeros(len(rows), np.bool_)
        change = self.sequence.edit(Edits(rows, tokens, none, none))
        if self.editor.process.appends:  # its sessions keep what they have computed of a row
            self.untold, self.stale = None, True
        elif self.untold is not None:  # a session is told once of what changed between two predictions
            self.untold = Change(np.union1d(self.untold.rows, change.rows), change.length)

    def _update(self, change: Change) -> None:
        try:
            self.session.update(0, change, self.sequence.tokens)
        except Unsuitable as reason:
            self.session = self._fall_back(self.session.name, reason)

    def _fall_back(self, engine: str, reason: Unsuitable) -> Session:
        self.reason = self.reason or f"not {engine}: {reason}"
        if engine in SUCCESSORS:
            return self._start(SUCCESSORS[engine])
        if len(self.sequence) > MAX_CONTEXT["dense"]:
            raise TooLong(f"{self.reason}; and {len(self.sequence)} tokens are too many for the dense engine") from None
        return ENGINES["dense"](self.model, [self.sequence.tokens], [self.positions], self.device, self.editor.process.revises)


def stays_on_device(sampling: Sampling, process: str) -> bool:
    """Whether a decode in which nobody looks at steps is made on an accelerator as a whole."""
    whole = sampling.device != "cpu" and sampling.engine == "dense" and sampling.order == "parallel"
    return whole and not sampling.chooses and not PROCESSES[process].appends


def decode(model: Transformer, tokens: Tokens, positions: Weights | Positions, process: str = "mdm",
           sampling: Sampling = DEFAULT_SAMPLING, progress: Callable[[int], None] = lambda step: None) -> Decoding:  # fmt: skip
    """Decode to the end. Arguments and errors are those of `Decoder`. `progress` gets the number of decoding steps, now and then.

    Source: Theorem 1 for `mdm`, Theorem 4 for `ap-mdm`.
    """
    if stays_on_device(sampling, process):
        from lockstep.models.on_device import decode_on_device  # imports PyTorch

        (found,) = decode_on_device(model, [(tokens, Positions.of(positions))], process, sampling.device)
        if not isinstance(found, Decoding):
            raise found
        return found
    decoder = Decoder(model, tokens, positions, process, sampling)
    context = (len(tokens), *decoder.contexts(progress))
    return Decoding(decoder.sequence.tokens.copy(), len(context) - 1, context, decoder.engine)
