"""Tests decodes that say how each step changed the sequence, and which row each head found."""

import numpy as np
import pytest
from kit.jobs import job_of
from kit.small import hot_cell
from kit.telling import Reads, check_edits, check_found, decoder_of, told

from lockstep.compiler.names import COPIES, EVERY, TWO_STEP
from lockstep.models.edited import Edited
from lockstep.models.engines import available
from lockstep.models.engines.session import NOTHING, SEVERAL
from lockstep.models.processes import Edits

JOBS = {"tree_sum": 3, "list_rank": 2}
#: Engines that compute models which attend to all rows, and causal ones; then those that say who does not ask.
ENGINES = {False: available(), True: [name for name in available() if name != "active"]}
EXACT = ("indexed", "native")
#: How many decoding steps go by between two that are looked at, where a step has one edit.
EVERY_STEP = {"arm": 13, "arm erasing": 23, "ao-mdm": 11, "masked-arm": 29}


@pytest.mark.parametrize("engine", available())
@pytest.mark.parametrize("construction", EVERY)
def test_edits_lead_from_each_sequence_to_the_next(construction: str, engine: str) -> None:
    if engine == "active" and construction.startswith("arm"):
        pytest.skip("the active engine leaves causal models to others")
    if engine == "native" and construction in COPIES:
        pytest.skip("the native engine leaves models to others in which positions mark the first row")
    decoder, _ = decoder_of(job_of("tree_sum", 3), construction, engine)
    steps = [check_edits(step) for step in told(decoder)]
    assert len(steps) > 10 and decoder.engine == engine


@pytest.mark.parametrize("order", ["right-to-left", "random", "random-subsets"])
def test_edits_of_other_orders(order: str) -> None:
    decoder, _ = decoder_of(job_of("tree_sum", 3), "mdm", "dense", order)
    for step in told(decoder):
        check_edits(step)


@pytest.mark.parametrize("name, construction", [("list_rank", TWO_STEP), *(("tree_sum", name) for name in EVERY)])
def test_found_rows_are_those_that_attention_reads(name: str, construction: str) -> None:
    """Every head, every edit and every engine, against softmax attention in NumPy. Of steps with one edit, some are looked at."""
    every = EVERY_STEP.get(construction, 1)
    found: dict[str, int] = {}
    known: Reads = {}  # all engines decode one model, and mostly the same sequences
    for engine in ENGINES[construction.startswith("arm")]:
        decoder, places = decoder_of(job_of(name, JOBS[name]), construction, engine, heads=True)
        steps = (step for number, step in enumerate(told(decoder)) if number % every == 0)
        found[engine] = sum(check_found(decoder.model, places, step, engine in EXACT, known) for step in steps)
    assert len(set(found.values())) == 1 and min(found.values()) > 50, found


def test_a_head_that_adds_up_finds_several() -> None:
    job = hot_cell()
    decoder, places = decoder_of(type(job)(**{**vars(job), "mode": "CRCW sum"}), "ap-mdm", "dense", heads=True)
    seen = set()
    for step in told(decoder):
        check_found(decoder.model, places, step, exact=False)
        assert step[0].found is not None
        seen |= set(step[0].found.ravel().tolist())
    assert {SEVERAL, NOTHING} <= seen


def test_each_kind_of_edit() -> None:
    """A sequence of 6: 9 is MASK. Unmask, remask and insert, delete, rewrite, keep and insert."""
    tokens, no = np.array([1, 9, 2, 9, 3, 4]), [False] * 5
    edits = Edits(np.array([1, 2, 3, 4, 5]), np.array([7, 9, 0, 8, 4]), np.array(no), np.array(no))
    edits.delete[2], edits.insert[1], edits.insert[4] = True, True, True
    found = Edited.of(edits, tokens, 9)
    assert found.before.tolist() == [9, 2, 9, 3, 4]
    after = [1, 7, 9, 9, 8, 4, 9]
    assert found.rows_after.tolist() == [1, 2, 4, 4, 5]
    assert (found.unmasked.tolist(), found.remasked.tolist(), found.rewritten.tolist()) == ([1], [2], [4])
    assert (found.inserted.tolist(), found.deleted.tolist()) == ([3, 6], [3])
    assert [after[row] for row in found.inserted] == [9, 9]
    assert not found.appended.any() and found.asking.tolist() == [1, 2, 3, 4, 5]


def test_a_position_that_is_deleted_may_get_a_mask_in_its_place() -> None:
    edits = Edits(np.array([1]), np.array([9]), np.array([True]), np.array([True]))
    found = Edited.of(edits, np.array([1, 9, 2]), 9)
    assert (found.inserted.tolist(), found.deleted.tolist()) == ([1], [1])


def test_an_appended_token_is_predicted_by_the_row_before_it() -> None:
    edits = Edits(np.array([3]), np.array([5]), np.array([False]), np.array([False]))
    found = Edited.of(edits, np.array([1, 2, 3]), 9)
    assert (found.appended.tolist(), found.asking.tolist(), found.before.tolist()) == ([True], [2], [9])
    assert not len(found.unmasked)
