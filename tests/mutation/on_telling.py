"""Checks of what decodes say of themselves: how a step changed the sequence, and what heads found."""

from __future__ import annotations

from kit.jobs import job_of
from kit.telling import check_edits, check_found, decoder_of, told
from test_telling import (
    test_a_position_that_is_deleted_may_get_a_mask_in_its_place,
    test_an_appended_token_is_predicted_by_the_row_before_it,
    test_each_kind_of_edit,
)
from test_watching import (
    test_a_decode_that_was_watched_has_the_result_of_decode,
    test_a_decoding_step_belongs_to_the_step_that_the_expectation_has_made,
    test_a_wrong_token_ends_the_decode,
    test_closed_forms_show_numbers,
    test_every_token_of_a_state_says_where_it_stands,
    test_in_other_orders_it_is_one_more_than_the_blocks_that_are_full,
    test_the_first_wrong_token_has_a_place_and_both_sequences,
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


def clocks() -> None:
    for construction in ("mdm", "ap-mdm", "arm erasing"):
        test_a_decoding_step_belongs_to_the_step_that_the_expectation_has_made(construction, "tree_sum", 4)
    test_in_other_orders_it_is_one_more_than_the_blocks_that_are_full("mdm", "right-to-left")
    test_in_other_orders_it_is_one_more_than_the_blocks_that_are_full("masked-arm", "right-to-left")


def watched_ends() -> None:
    test_a_wrong_token_ends_the_decode()
    test_a_decode_that_was_watched_has_the_result_of_decode("ap-mdm")


def places() -> None:
    test_every_token_of_a_state_says_where_it_stands("ap-mdm one-step")


CHECKS = (
    Check(
        "told edits", "what decoding steps say of their edits, carried out in plain Python, against the next sequence", told_edits
    ),
    Check("kinds of edits", "what is unmasked, remasked, rewritten, inserted and deleted, by hand", kinds_of_edits),
    Check("clocks", "the step of the machine that each decoding step belongs to, against expectations and full blocks", clocks),
    Check("places", "what stands at each position of a state, against the machine", places),
    Check("watched ends", "the last step and the result of decodes that are watched, right and wrong", watched_ends),
    Check("shown forms", "closed forms with numbers in place of letters, by hand", test_closed_forms_show_numbers),
    Check(
        "wrong tokens",
        "the place of the first wrong token, and both sequences",
        test_the_first_wrong_token_has_a_place_and_both_sequences,
    ),
    Check("found rows", "the row that each head says it found, against softmax attention in NumPy", found_rows),
)
