"""Checks of what runs are said to reach, and of how inputs are drawn."""

from __future__ import annotations

import pytest
import test_drawing as drawing
import test_reached as reached
from kit.small import texts
from test_campaigns import what_campaigns_reach

from lockstep.pram.errors import PramError
from lockstep.pram.program import parse_program
from mutation.table import Check

#: Every so many of the programs that checks run on are enough here.
EVERY = 1


def against_the_walk() -> None:
    for case in texts()[::EVERY]:
        reached.compare((parse_program(case.text), case.params, case.arrays))


def in_words() -> None:
    for body, text in reached.TEXTS:
        assert (found := reached.said(body, [3, 4])) == text, f"{found!r}, not {text!r}"
    reached.test_a_program_that_no_run_reached()
    reached.test_what_several_runs_did_not_reach()
    reached.test_many_are_cut_and_json_has_all()


def styles() -> None:
    drawing.test_the_first_input_of_a_size_is_uniform()
    drawing.test_a_few_inputs_of_a_few_sizes_meet_every_style()
    drawing.test_largest_smallest_and_equal()
    drawing.test_arrays_of_one_range_are_equal_together()
    drawing.test_sorted_words()
    drawing.test_edges_are_ends_of_ranges_and_constants_with_their_neighbours()
    drawing.test_edges_are_words()


def probing() -> None:
    drawing.test_what_was_found_reaches_what_is_said()
    drawing.test_refusals_of_ordinary_probes_are_failures_and_of_others_notes()
    drawing.test_probes_are_few_and_different()
    drawing.test_probes_hold_words_at_the_ends_of_the_word()
    drawing.test_large_sizes_are_not_probed()
    for test in (drawing.test_nothing_is_drawn_where_nothing_is_left, drawing.test_probes_take_a_bounded_number_of_steps):
        with pytest.MonkeyPatch.context() as patch:
            test(patch)


MISSED = (pytest.fail.Exception, PramError)
CHECKS = (
    Check("reached", "lines, sides and loops that runs reached, against a walk over the syntax tree", against_the_walk),
    Check("reached in words", "what is said of what no run reached, word by word", in_words),
    Check("reached in campaigns", "what a campaign counts as reached, against the same walk", what_campaigns_reach),
    Check("styles", "the built-in drawing of inputs, style by style", styles),
    Check("probes", "which further inputs are tried, kept and reported", probing, MISSED),
)
