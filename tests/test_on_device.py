"""Decodes that stay on one device, here the CPU, beside decodes step by step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from kit.decoding import ENCODERS, starts_of, sums
from kit.made_models import finding_model, lookup_model, returning_model, vanishing_model
from kit.random_models import chain_model, endless_model
from oracles.numpy_decoder import transition

from lockstep.models import on_device
from lockstep.models.decode import Decoding, decode
from lockstep.models.editing import NotFinished, OutOfPositions
from lockstep.models.on_device import decode_on_device
from lockstep.models.positions import Positions
from lockstep.models.sampling import Sampling
from lockstep.models.torch_transformer import TorchPrediction

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("construction", ENCODERS)
def test_sequences_of_several_lengths(construction: str, device: str) -> None:
    compiled, starts = starts_of(sums(2, 1, 3, 2), construction)
    for (tokens, positions), found in zip(
        starts, decode_on_device(compiled.model, starts, compiled.process, device), strict=True
    ):
        alone = decode(compiled.model, tokens, positions, compiled.process, Sampling(engine="dense"))
        assert isinstance(found, Decoding)
        assert (found.tokens.tolist(), found.steps, found.context) == (alone.tokens.tolist(), alone.steps, alone.context)


@pytest.mark.parametrize("made", [finding_model, vanishing_model, lookup_model])
def test_models_made_by_hand(made: object) -> None:
    model, tokens, positions = made(7) if made is lookup_model else made()  # type: ignore[operator]
    process = "mdm" if made is lookup_model else "ap-mdm"
    (found,) = decode_on_device(model, [(tokens, Positions.of(positions))], process)
    alone = decode(model, tokens, positions, process)
    assert isinstance(found, Decoding)
    assert (found.tokens.tolist(), found.steps, found.context) == (alone.tokens.tolist(), alone.steps, alone.context)


def test_decodes_that_do_not_end_well() -> None:
    """The errors of a decode alone; another sequence of the same model is decoded all the same."""
    model, tokens, positions = chain_model(5)
    stuck = positions.copy()
    stuck[3, 2 + 5 + 2], stuck[3, 2 + 5 + 4] = 0, 1
    error, fine = decode_on_device(model, [(tokens, Positions.of(stuck)), (tokens, Positions.of(positions))])
    with pytest.raises(NotFinished) as alone:
        decode(model, tokens, stuck)
    assert isinstance(error, NotFinished) and str(error) == str(alone.value)
    assert isinstance(fine, Decoding) and fine.tokens.tolist() == decode(model, tokens, positions).tokens.tolist()
    start, room = np.zeros(1, np.int64), np.zeros((5, 1))
    (error,) = decode_on_device(endless_model(), [(start, Positions.of(room))], "ap-mdm")
    with pytest.raises(OutOfPositions) as grown:
        decode(endless_model(), start, room, "ap-mdm")
    assert isinstance(error, OutOfPositions) and str(error) == str(grown.value)


def test_every_transition_of_three_positions() -> None:
    """With each choice of tokens and control bits, among sequences of other lengths, against plain NumPy."""
    mask, word, best = 9, 3, 7
    for bits in range(1 << 12):
        control = np.array([[bits >> 3 * row + j & 1 for j in range(3)] for row in range(3)], bool)
        tokens = np.array([mask if bits >> 9 + row & 1 else word for row in range(3)])
        wanted = transition(tokens, np.array([best] * 3), control, mask).tolist()
        padded = torch.tensor([[*tokens.tolist(), mask, mask, mask, mask]])
        alive = torch.arange(7)[None] < 3
        said = torch.cat([torch.from_numpy(control), torch.ones(4, 3, dtype=torch.bool)])  # what padding says does not count
        prediction = TorchPrediction(torch.full((7,), best), torch.ones(7), said)
        after, length = on_device.RULES["ap-mdm"](padded, alive, prediction, mask)
        assert after[0, : int(length)].tolist() == wanted, (tokens, control)


def test_returning_positions() -> None:
    """This model goes on for ever, so its first steps are compared."""
    model, tokens, positions = returning_model()
    together = on_device._OnDevice(model, [(tokens, Positions.of(positions))], "ap-mdm")
    from lockstep.models.decode import Decoder

    for _, step in zip(range(12), Decoder(model, tokens, positions, "ap-mdm")):
        together._step()
        assert together.tokens[0, : int(together.length)].tolist() == step.tokens.tolist()
