"""Decodes by the reference that stay on one device. Only results come back: no prediction is copied between steps.

Several sequences are decoded together, in parallel order. Each has a row of a tensor, padded to the longest. A sequence that has
ended does not change any more. The rules of processes are those of `lockstep.models.processes`, on tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from lockstep.models.decode import Decoding
from lockstep.models.editing import NotCertain, NotFinished, OutOfPositions
from lockstep.models.positions import Positions
from lockstep.models.processes import PROCESSES, THRESHOLD
from lockstep.models.torch_transformer import TorchPrediction, TorchTransformer
from lockstep.models.transformer import Tokens, Transformer

#: Decoding steps between two questions whether all sequences have ended. Each question waits for the device.
STRIDE = 8


def decode_on_device(model: Transformer, starts: Sequence[tuple[Tokens, Positions]], process: str = "mdm", device: str = "cpu",
                     progress: Callable[[int], None] = lambda ended: None) -> list[Decoding | NotFinished | OutOfPositions]:  # fmt: skip
    """Decode all sequences together, with the results of `lockstep.models.decode.decode`.

    Args:    progress: called with the number of sequences that have ended, now and then.
    Returns: for each start, its decode or the error with which it ended.
    Raises:  ValueError: the process does not take the order `parallel`.
    """
    PROCESSES[process].check_order("parallel")
    together = _OnDevice(model, starts, process, device)
    together.decode(progress)
    return together.results([len(tokens) for tokens, _ in starts])


class _OnDevice:
    """B sequences. steps: decoding steps, [B]. lengths: after each step, [B] each. outgrown: a length that has no positions, or 0, [B].

    doubtful: 1 + the position of a mask that takes a token which is not certain, or 0, [B].
    """

    def __init__(
        self, model: Transformer, starts: Sequence[tuple[Tokens, Positions]], process: str = "mdm", device: str = "cpu"
    ) -> None:
        self.model, self.mask, self.process = TorchTransformer(model, device), model.vocabulary.mask, process
        most = max(len(positions) for _, positions in starts)
        tokens, places = np.full((len(starts), most), self.mask), np.zeros((len(starts), most, model.width), model.dtype)
        for row, (start, positions) in enumerate(starts):
            tokens[row, : len(start)] = start
            places[row, : len(positions)] = positions.rows(slice(None), model.dtype)
        self.tokens, self.positions = torch.from_numpy(tokens).to(device), self.model.tensor(places)
        self.length, self.most = (
            torch.tensor(numbers, device=device)
            for numbers in ([len(start) for start, _ in starts], [len(positions) for _, positions in starts])
        )
        self.columns = torch.arange(most, device=device)
        self.steps, self.outgrown, self.doubtful = (torch.zeros_like(self.length) for _ in range(3))
        self.lengths: list[Tensor] = []

    def decode(self, progress: Callable[[int], None] = lambda ended: None) -> None:
        """Make decoding steps until no sequence changes. `progress` gets the number of sequences that have ended, now and then."""
        changed = torch.ones_like(self.length, dtype=torch.bool)
        with torch.no_grad():
            while changed.any():
                progress(int((~changed).sum()))
                for _ in range(STRIDE):
                    changed = self._step()

    def results(self, before: Sequence[int]) -> list[Decoding | NotFinished | OutOfPositions]:
        """The result of each sequence. before: its length at the start."""
        masks = ((self.tokens == self.mask) & self._alive()).sum(1)
        numbers = torch.stack([self.steps, masks, self.length, self.outgrown, self.most, self.doubtful]).T.tolist()
        lengths, tokens = torch.stack(self.lengths).T.tolist(), self.tokens.cpu().numpy()
        found: list[Decoding | NotFinished | OutOfPositions] = []
        for row, (steps, masked, length, outgrown, most, doubtful) in enumerate(numbers):
            if doubtful:
                found.append(NotCertain(steps + 1, doubtful - 1, masked))
            elif outgrown:
                found.append(OutOfPositions(steps + 1, outgrown, most))
            elif masked and PROCESSES[self.process].ends_without_masks:
                found.append(NotFinished(steps + 1, masked))
            else:
                context = (before[row], *lengths[row][:steps])
                found.append(Decoding(tokens[row, :length].copy(), steps, context, "dense"))
        return found

    def _alive(self) -> Tensor:
        """Where a row of the tensor is a position of its sequence, [B, N]."""
        return self.columns < self.length[:, None]

    def _step(self) -> Tensor:
        """Make one decoding step. Returns which sequences it changed, [B]."""
        alive = self._alive()
        prediction = self._predict(alive)
        tokens, length = RULES[self.process](self.tokens, alive, prediction, self.mask)
        outgrown = length > self.most
        self.outgrown = torch.where(outgrown, length, self.outgrown)
        if PROCESSES[self.process].takes:
            doubtful = _doubtful(self.tokens, alive, prediction, self.mask)
            self.doubtful = torch.where(doubtful.any(1), 1 + doubtful.long().argmax(1), self.doubtful)
        stops = outgrown | (self.doubtful > 0)
        tokens, length = torch.where(stops[:, None], self.tokens, tokens), torch.where(stops, self.length, length)
        changed = ((tokens != self.tokens) & alive).any(1) | (length != self.length)
        self.tokens, self.length, self.steps = tokens, length, self.steps + changed
        self.lengths.append(length)
        return changed

    def _predict(self, alive: Tensor) -> TorchPrediction:
        x = self.model.embed(self.tokens.flatten()).view(*self.tokens.shape, -1) + self.positions
        return self.model.predict(self.model.forward(x, ~alive).flatten(0, 1))


def _unmask(tokens: Tensor, alive: Tensor, prediction: TorchPrediction, mask: int) -> tuple[Tensor, Tensor]:
    """The tokens and lengths after a step of `unmask`. tokens, alive: [B, N]; predictions: [B N]."""
    ready = (tokens == mask) & (prediction.probability.view_as(tokens) >= THRESHOLD) & alive
    return torch.where(ready, prediction.token.view_as(tokens), tokens), alive.sum(1)


def _revise(tokens: Tensor, alive: Tensor, prediction: TorchPrediction, mask: int) -> tuple[Tensor, Tensor]:
    """The tokens and lengths after a step of `revise`; the same shapes."""
    ready = (prediction.probability.view_as(tokens) >= THRESHOLD) & alive
    return torch.where(ready, prediction.token.view_as(tokens), tokens), alive.sum(1)


def _edit(tokens: Tensor, alive: Tensor, prediction: TorchPrediction, mask: int) -> tuple[Tensor, Tensor]:
    """The tokens and lengths after a step of `edit`; the same shapes."""
    assert prediction.control is not None, "the model has no control bits"
    remask, insert, delete = (bits.view_as(tokens) & alive for bits in prediction.control.unbind(1))
    was_mask = tokens == mask
    after = torch.where(was_mask, prediction.token.view_as(tokens), tokens).masked_fill(remask, mask)
    kept = alive & ~(delete & was_mask)
    sizes = kept.long() + insert
    ends = sizes.cumsum(1)
    # A position that is gone, and one beyond the room there is, are written to a column that is cut off.
    room = tokens.shape[1]
    where = torch.where(kept, ends - sizes, room).clamp(max=room)
    moved = torch.full((len(tokens), room + 1), mask, dtype=tokens.dtype, device=tokens.device).scatter(1, where, after)
    return moved[:, :room], ends[:, -1]


def _doubtful(tokens: Tensor, alive: Tensor, prediction: TorchPrediction, mask: int) -> Tensor:
    """The masks that control bits leave to take a token which is not certain, [B, N]."""
    assert prediction.control is not None, "the model has no control bits"
    remask, _, delete = (bits.view_as(tokens) for bits in prediction.control.unbind(1))
    return (tokens == mask) & alive & ~remask & ~delete & (prediction.probability.view_as(tokens) < THRESHOLD)


#: How each process edits that works in parallel order. One that appends keeps what it has computed, so it stays with its engine.
RULES = {"mdm": _unmask, "ap-mdm": _edit, "revision": _revise}
assert RULES.keys() == {name for name, process in PROCESSES.items() if "parallel" in process.orders and not process.appends}
