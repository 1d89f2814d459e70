"""Trains the learned model of parity, on words of two letters and what front elimination makes of them.

It imports PyTorch, which takes a second. What comes out is NumPy arrays, and `lockstep.proofs_check.tasks.parity` decides on them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from lockstep.models.tokens import MASK
from lockstep.tasks.kit import BOS
from lockstep.tasks.learned import SHAPES, VOCABULARY, Learned
from lockstep.tasks.parity import KINDS, ONE, ZERO

#: Training ends at this loss, or after this many steps.
LOSS, MOST_STEPS = 1e-3, 1000
RATE = 1e-2
#: Where parameters start: normal numbers times this. Biases start at 0.
SPREAD = 0.5

#: A sequence with BOS, and for each row whether it is remasked, has a mask inserted after it, and is deleted.
Sample = tuple[list[str], list[list[bool]]]


@dataclass(frozen=True)
class Trained:
    """What training ended with: the model, the steps that it took, and the loss."""

    learned: Learned
    steps: int
    loss: float


def edits(kinds: Sequence[str]) -> list[list[bool]]:
    """What front elimination does to at most two letters behind BOS: ZEROs and two ONEs are remasked, and masks are deleted."""
    pair = kinds[1:] == [ONE, ONE]
    return [[kind == ZERO or pair and kind == ONE, False, kind == MASK] for kind in kinds]


def samples() -> list[Sample]:
    """Every sequence that front elimination goes through from the words of two letters: nine."""
    found: list[Sample] = []
    left = [[BOS, *word] for word in product(KINDS, repeat=2)]
    while left:
        kinds = left.pop(0)
        if (sample := (kinds, edits(kinds))) not in found:
            found.append(sample)
            left.append([MASK if remask else kind for kind, (remask, _, delete) in zip(*sample) if not delete])
    return found


def by_length(some: Sequence[Sample]) -> list[tuple[Tensor, Tensor]]:
    """Return the samples of each length together: tokens [B, N], and the control bits that are wanted, [B, N, 3]."""
    groups = [[sample for sample in some if len(sample[0]) == length] for length in sorted({len(kinds) for kinds, _ in some})]
    return [
        (
            torch.tensor([[VOCABULARY.token(kind) for kind in kinds] for kinds, _ in group]),
            torch.tensor([rows for _, rows in group], dtype=torch.float64),
        )
        for group in groups
    ]


class Network(torch.nn.Module):
    """The same layer without rails, for sequences of at most three tokens."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        for name, shape in SHAPES.items():
            start = torch.randn(*shape, generator=generator, dtype=torch.float64) * SPREAD
            self.register_parameter(name, torch.nn.Parameter(torch.zeros_like(start) if len(shape) == 1 else start))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the control logits, [B, N, 3]. tokens: [B, N]."""
        p = dict(self.named_parameters())
        x = p["embedding"][tokens] + p["positions"][: tokens.shape[1]]  # [B, N, d]
        scores = (x @ p["q"].T) @ (x @ p["k"].T).mT  # [B, N, N]
        x = x + torch.softmax(scores, -1) @ (x @ p["v"].T) @ p["o"].T
        x = x + torch.relu(x @ p["w_in"].T + p["b_in"]) @ p["w_out"].T
        return x @ p["control_weight"].T + p["control_bias"]


def train(seed: int, progress: Callable[[int, int], None] = lambda done, most: None) -> Trained:
    """Train one model, until its loss is LOSS or for MOST_STEPS.

    Args: seed: of its first parameters; nothing else is drawn. progress: gets the steps done, and the most there may be.
    """
    network = Network(seed)
    data = by_length(samples())
    count = sum(len(tokens) for tokens, _ in data)
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    for step in range(1, MOST_STEPS + 1):
        # the mean over samples, each of which is the mean over its rows
        losses = [binary_cross_entropy_with_logits(network(tokens), wanted) * len(tokens) for tokens, wanted in data]
        loss = torch.stack(losses).sum() / count
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress(step, MOST_STEPS)
        if loss.item() < LOSS:
            break
    parameters = {name: value.detach().numpy().copy() for name, value in network.named_parameters()}
    return Trained(Learned(parameters), step, loss.item())
