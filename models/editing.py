"""Decoding one sequence step by step: turns predictions into edits, and carries out those that the order selects."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from lockstep.models.drawing import Sampler
from lockstep.models.edited import Edited
from lockstep.models.erasing import Marks, erasure
from lockstep.models.orders import ORDERS, selector
from lockstep.models.picking import Ask, Asking, Picker, check_sampler
from lockstep.models.processes import PROCESSES, THRESHOLD, Edits, no_edits
from lockstep.models.sampling import DEFAULT_SAMPLING, Sampling
from lockstep.models.sequence import Change, TokenSequence
from lockstep.models.tokens import Vocabulary
from lockstep.models.transformer import Prediction, Tokens


class NotFinished(Exception):
    """Masks remain but no position is ready."""

    def __init__(self, step: int, masks: int) -> None:
        self.step, self.masks = step, masks
        super().__init__(f"decoding step {step}: no position is ready, but {masks} are still masked")


class NothingPredicted(NotFinished):
    """The last row predicts no token, so none can be appended."""

    def __init__(self, step: int, length: int, max_length: int) -> None:
        self.step, self.masks = step, max_length - length
        Exception.__init__(
            self, f"decoding step {step}: the row at position {length - 1} predicts nothing, but {self.masks} more are to come"
        )


class NothingToErase(NotFinished):
    """The model wrote RETURN where there is no CALL and SEP in front of it."""

    def __init__(self, step: int) -> None:
        self.step, self.masks = step, 0
        Exception.__init__(self, f"decoding step {step}: there is no CALL and SEP in front of RETURN, so nothing can be erased")


class MaskedAgain(NotFinished):
    """A sampler masks tokens again and again, so that the decode does not end."""

    def __init__(self, step: int, masks: int) -> None:
        self.step, self.masks = step, masks
        Exception.__init__(self, f"decoding step {step}: the sampler masks tokens again and again; {masks} are still masked")


class NotCertain(NotFinished):
    """A mask takes a token that is not certain. Without a sampler the decode would take the best one, and hide the others."""

    def __init__(self, step: int, row: int, masks: int) -> None:
        self.step, self.row, self.masks = step, row, masks
        Exception.__init__(
            self,
            f"decoding step {step}: the mask at position {row} takes a token, and no token is certain there; "
            "such a model needs a sampler, which draws one",
        )


class OutOfPositions(Exception):
    """The sequence grew longer than there are position encodings."""

    def __init__(self, step: int, length: int, max_length: int) -> None:
        super().__init__(f"decoding step {step}: the sequence grows to {length} tokens, but there are {max_length} positions")


@dataclass(frozen=True)
class DecodingStep:
    """A decoding step: its number, from 1, its change, and the sequence, which the next step edits in place.

    appends: whether it appended a token. erased: the rows whose token an erasure changed, right before this step.
    erasure: the positions from CALL to SEP that this erasure took out; the last token went, too.
    edited:  how it changed the sequence, after the erasure; None if a session carried the step out itself.
    found:   [heads of all layers, rows of `edited`], what each head of the asking rows found (`Session.found`); None unless asked for.
    """

    number: int
    change: Change
    sequence: Tokens
    appends: bool = False
    erased: Tokens = field(default_factory=lambda: np.zeros(0, np.int64))
    erasure: range | None = None
    edited: Edited | None = None
    found: Tokens | None = None

    @property
    def changed(self) -> Tokens:
        """All rows whose token may be another one than after the step before."""
        return np.concatenate([self.erased, self.change.rows])

    @property
    def tokens(self) -> Tokens:
        """A copy of the sequence, which later steps do not change."""
        return self.sequence.copy()

    def written(self, before: int, mask: int) -> int:
        """The tokens that this step generated: masks that it unmasked, or the token that it appended.

        Args: before: the length before the step. If a step inserts or deletes, tokens move, and none is generated.
        """
        if self.appends:
            return 1
        return int((self.sequence[self.change.rows] != mask).sum()) if self.change.length == before else 0


class SequenceEditor:
    """Edits a sequence as a process says, one decoding step after the other. The caller supplies the predictions.

    Args:   tokens: [N] int64, the start sequence. max_length: the number of position encodings.
    Raises: ValueError: there is no such process, order or sampler, or the process does not take this one. NoPermutation: the user's
            permutation does not have each masked position once.
    """

    def __init__(self, tokens: Tokens, vocabulary: Vocabulary, max_length: int, process: str = "mdm",
                 sampling: Sampling = DEFAULT_SAMPLING) -> None:  # fmt: skip
        if process not in PROCESSES or sampling.order not in ORDERS:
            raise ValueError(f"unknown process or order: {process!r}, {sampling.order!r}")
        self.process = PROCESSES[process]
        self.process.check_order(sampling.order)
        ordered = replace(sampling, order=self.process.fills or sampling.order)
        rules = check_sampler(process, sampling)
        self.picker = None if rules is None else Picker(rules, vocabulary, tokens, sampling)
        self.select = selector(tokens, vocabulary, ordered)
        self.sequence, self.max_length, self.number = TokenSequence(tokens, vocabulary.mask), max_length, 0
        self.marks = Marks.of(vocabulary) if self.process.appends else None
        self.sampler = None if sampling.sample is None else Sampler(vocabulary, sampling.seed, sampling.sample)
        self.erased = np.zeros(0, np.int64)
        self.erasure: range | None = None
        self.pending = no_edits()
        self.renewed = np.zeros(max_length, np.bool_)

    @property
    def is_finished(self) -> bool:
        """Whether decoding ends here for any prediction."""
        if self.marks:
            return int(self.sequence.tokens[-1]) == self.marks.end
        if self.process.appends:
            return len(self.sequence) >= self.max_length
        if self.picker is not None:
            return not self.picker.goes_on(self.sequence.masks)
        return self.process.ends_without_masks and not self.sequence.masks

    def erase(self) -> Change | None:
        """Erase by the rule of `lockstep.models.erasing` if it applies. Callers do this before they predict.

        Raises: NothingToErase: the last token is RETURN, and the rule does not apply.
        """
        tokens = self.sequence.tokens
        if not self.marks or int(tokens[-1]) != self.marks.returns:
            return None
        after = self.marks.reduced(tokens)
        if after is None:
            raise NothingToErase(self.number + 1)
        change, self.erasure = erasure(tokens, after), self.marks.erased(tokens)
        self.sequence.shorten(after)
        self.erased = change.rows
        return change

    def step(self, rows: Tokens, prediction: Prediction, logits: Ask, alone: Ask) -> DecodingStep | None:
        """Carry out the next decoding step, and return it. Return None at a fixed point.

        Args:   rows: ascending, the rows that `prediction` is for: at first all, later all whose prediction may have changed.
                logits: gives those of some rows, of the same prediction. Where tokens are drawn, or a sampler picks positions,
                they are asked for.
                alone: gives those of some rows, each as if it alone were masked. Samplers that look again ask for them.
        Raises: NotFinished: masks remain but no position is ready, or the last row predicts nothing. OutOfPositions: the sequence
                outgrows its positions. MaskedAgain: a sampler comes to no end. NotCertain: there is no sampler, and a mask takes a
                token that is not certain.
        """
        if self.sampler is None:
            self._require_certain(rows, prediction)
        elif self.process.appends:  # whatever the last row predicts, a token is drawn from it
            prediction = replace(prediction, probability=np.ones_like(prediction.probability))
        edits = self._edits(rows, prediction, Asking(logits, alone))
        before, appends = len(self.sequence), edits.appends(len(self.sequence))
        length = before + int(edits.insert.sum()) - int(edits.delete.sum()) if edits.shifts_positions else before + appends
        if length > self.max_length:
            self.end(length)
            return None
        edited = Edited.of(edits, self.sequence.tokens, self.sequence.mask)
        change = self.sequence.edit(edits)
        if not len(change.rows) and change.length == before and not (self.picker and self.picker.undone):
            self.end()
            return None
        self.number += 1
        erased, gone, self.erased, self.erasure = self.erased, self.erasure, self.erased[:0], None
        return DecodingStep(self.number, change, self.sequence.tokens, appends, erased, gone, edited)

    def _edits(self, rows: Tokens, prediction: Prediction, asking: Asking) -> Edits:
        """The edits of a step, from the arguments of `step`."""
        if self.picker is not None:
            if self.number >= self.picker.most_steps:
                raise MaskedAgain(self.number + 1, self.sequence.masks)
            return self.picker.edits(rows, self.sequence.tokens, asking)
        self.pending = self._updated_edits(rows, prediction)
        edits = self.select(self.pending)
        return edits if self.sampler is None else self._drawn(edits, self.sampler, asking.logits)

    def end(self, length: int = 0) -> None:
        """Raise the error for the end of a decode that makes no more steps, if it is one.

        Args:   length: what the sequence would grow to, if there are no positions for it.
        Raises: as `step`.
        """
        if length:
            raise OutOfPositions(self.number + 1, length, self.max_length)
        if self.process.appends:
            raise NothingPredicted(self.number + 1, len(self.sequence), self.max_length)
        if self.picker is not None and not self.sequence.masks:
            return
        if self.process.ends_without_masks:
            raise NotFinished(self.number + 1, self.sequence.masks)

    def follow(self, steps: int, tokens: Tokens, masks: int) -> None:
        """Take over the sequence after steps that a session has made."""
        self.number += steps
        self.sequence.follow(tokens, masks)

    def _require_certain(self, rows: Tokens, prediction: Prediction) -> None:
        if self.process.takes is None:
            return
        takes = self.process.takes(self.sequence.tokens[rows], prediction, self.sequence.mask)
        doubtful = np.flatnonzero(takes & (prediction.probability < THRESHOLD))
        if len(doubtful):
            raise NotCertain(self.number + 1, int(rows[doubtful[0]]), self.sequence.masks)

    def _drawn(self, edits: Edits, sampler: Sampler, logits: Ask) -> Edits:
        """The edits, with drawn tokens where they write one that a row predicts."""
        if self.process.appends:
            writes, asked = np.ones(len(edits), np.bool_), edits.rows - 1
        else:
            was_mask = self.sequence.tokens[edits.rows] == self.sequence.mask
            writes = was_mask & (edits.tokens != self.sequence.mask) & ~edits.delete
            asked = edits.rows
        if not writes.any():
            return edits
        tokens = edits.tokens.copy()
        tokens[writes] = sampler.draw(logits(asked[writes]))
        return replace(edits, tokens=tokens)

    def _updated_edits(self, rows: Tokens, prediction: Prediction) -> Edits:
        """Return the pending edits, in which those of `rows` are replaced.

        Other pending edits stay valid: an edit depends on its row's token and prediction alone, and neither changed.
        """
        pending = self.pending
        if self.process.appends:  # only the last row counts, and its prediction is new
            return self.process.propose(rows, self.sequence.tokens[rows], prediction, self.sequence.mask)
        new = self.process.propose(rows, self.sequence.tokens[rows], prediction, self.sequence.mask)
        if not len(pending):
            return new
        self.renewed[rows] = True
        old = pending.take(~self.renewed[pending.rows] & (pending.rows < len(self.sequence)))
        self.renewed[rows] = False
        if not len(old):
            return new
        both = Edits.joined(old, new)
        return both.take(np.argsort(both.rows))
