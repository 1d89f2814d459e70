"""The transition of any-process masked diffusion, on control bits made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from kit.random_models import endless_model

from lockstep.models.decode import decode
from lockstep.models.editing import OutOfPositions
from lockstep.models.processes import PROCESSES
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Prediction

MASK = 9


def step(tokens: list[int], control: list[str], best: list[int] | None = None) -> list[int]:
    """Carry out one transition. `control` has the letters r, i, d for each position; by default every position predicts 7."""
    bits = np.array([[letter in word for letter in "rid"] for word in control])
    prediction = Prediction(np.array(best or [7] * len(tokens)), np.ones(len(tokens)), bits)
    before = np.array(tokens)
    after = PROCESSES["ap-mdm"].step(before, prediction, MASK, lambda ready: ready)
    assert before.tolist() == tokens
    return after.tolist()


@pytest.mark.parametrize(
    ("token", "control", "after"),
    [
        (3, "", [3]),  # a token stays
        (MASK, "", [7]),  # a mask takes its token
        (3, "r", [MASK]),  # remask, whatever was there
        (MASK, "r", [MASK]),  # a mask that must wait
        (3, "i", [3, MASK]),  # insert puts a mask after the position
        (MASK, "i", [7, MASK]),
        (MASK, "ri", [MASK, MASK]),
        (3, "ri", [MASK, MASK]),
        (MASK, "d", []),  # delete removes what was a mask before the step
        (3, "d", [3]),  # but not other tokens
        (3, "rd", [MASK]),  # nor a mask of this step
        (MASK, "rd", []),
        (MASK, "di", [MASK]),  # insert comes after delete
        (3, "di", [3, MASK]),
        (MASK, "rid", [MASK]),
        (3, "rid", [MASK, MASK]),
    ],
)
def test_one_position(token: int, control: str, after: list[int]) -> None:
    assert step([token], [control]) == after


def test_several_edits_in_one_step() -> None:
    """Inserts and deletes shift later tokens. Every edit depends on the sequence before the step."""
    tokens = [1, MASK, MASK, 4, MASK, 6]
    assert step(tokens, ["i", "d", "i", "r", "d", "i"], [5, 5, 2, 5, 5, 5]) == [1, MASK, 2, MASK, MASK, 6, MASK]
    assert step(tokens, ["", "d", "d", "", "d", ""]) == [1, 4, 6]
    assert step(tokens, ["i"] * 6) == [1, MASK, 7, MASK, 7, MASK, 4, MASK, 7, MASK, 6, MASK]


def test_the_table_says_which_orders_exist() -> None:
    fixed = ("left-to-right", "right-to-left", "permutation", "most-confident")
    assert {name: (p.ends_without_masks, p.orders) for name, p in PROCESSES.items()} == {
        "mdm": (True, ("parallel", *fixed, "random", "random-subsets")),
        "ap-mdm": (False, ("parallel",)),
        "ao-mdm": (True, (*fixed, "random")),
        "masked-arm": (True, fixed),
        "arm": (False, ("parallel", "left-to-right")),
        "revision": (False, ("parallel",)),
    }
    assert [name for name, p in PROCESSES.items() if p.revises] == ["revision"]
    assert [name for name, p in PROCESSES.items() if p.appends] == ["arm"]


def test_outgrowing_the_positions_is_an_error() -> None:
    with pytest.raises(OutOfPositions, match="^decoding step 3: the sequence grows to 8 tokens, but there are 5 positions$"):
        decode(endless_model(), np.array([0]), np.zeros((5, 1)), process="ap-mdm")


def test_synchronous_updates_take_no_other_order() -> None:
    with pytest.raises(ValueError, match="the updates of ap-mdm are synchronous: its only order is parallel"):
        decode(endless_model(), np.array([0]), np.zeros((5, 1)), "ap-mdm", Sampling("random"))
