"""Checks of what decodes say of themselves: how a step changed the sequence, and what heads found."""

from __future__ import annotations

from kit.jobs import job_of
from kit.telling import check_edits, check_found, decoder_of, told
from test_telling import (
    test_a_position_that_is_deleted_may_get_a_mask_in_its_place,
    test_an_appended_token_is_predicted_by_the_row_before_it,
    test_each_kind_of_edit,
)

from mutation.table import Check


def told_edits() -> None:
    for construction in ("mdm", "ap-mdm", "arm erasing"):
        decoder, _ = decoder_of(job_of("tree_sum", 2), construction, "indexed")
        for step in told(decoder):
            check_edits(step)


def kinds_of_edits() -> None:
    test_each_kind_of_edit()
    test_a_position_that_is_deleted_may_get_a_mask_in_its_place()
    test_an_appended_token_is_predicted_by_the_row_before_it()


def found_rows() -> None:
    """Every head of some steps, by every engine that keeps its own account."""
    for construction, engine, every in (
        ("ap-mdm", "indexed", 3), ("ap-mdm", "dense", 3), ("ap-mdm", "active", 3), ("arm", "indexed", 9), ("arm", "dense", 9)
    ):  # fmt: skip
        decoder, places = decoder_of(job_of("tree_sum", 2), construction, engine, heads=True)
        for number, step in enumerate(told(decoder)):
            if number % every == 0:
                check_found(decoder.model, places, step, engine == "indexed")


CHECKS = (
    Check(
        "told edits", "what decoding steps say of their edits, carried out in plain Python, against the next sequence", told_edits
    ),
    Check("kinds of edits", "what is unmasked, remasked, rewritten, inserted and deleted, by hand", kinds_of_edits),
    Check("found rows", "the row that each head says it found, against softmax attention in NumPy", found_rows),
)
