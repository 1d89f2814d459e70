"""Checks of procedures: what calls mean and cost, what is refused, the standard library."""

from __future__ import annotations

from kit.lessons import rendered
from test_library import ROWS, run_row, test_random_numbers, test_two_calls_of_random_draw_two_numbers
from test_procedure_errors import ERRORS, HEAD, test_too_many_calls
from test_procedures import (
    RETURNS,
    SAME,
    test_a_body_does_not_see_the_locals_of_its_caller,
    test_a_call_in_a_parallel_divides_its_processors,
    test_a_call_is_its_body,
    test_a_local_array_of_a_procedure_keeps_its_words,
    test_calls_side_by_side,
    test_errors_show_the_line_of_the_body_and_of_every_call,
    test_names_of_a_body_are_its_own,
    test_return_ends_the_call,
    test_rows_and_extents,
    test_statements_between_keep_their_order,
    test_the_evaluator_agrees,
    test_the_profile_has_a_row_for_each_call,
    test_what_differs_from_item_to_item_is_computed_anew,
)

from lockstep.pram.errors import PramError
from lockstep.pram.program import parse_program
from mutation.table import Check


def calls() -> None:
    for name in SAME:
        test_a_call_is_its_body(name)
    for name in RETURNS:
        test_return_ends_the_call(name)
    for check in (test_names_of_a_body_are_its_own, test_rows_and_extents, test_a_body_does_not_see_the_locals_of_its_caller,
                  test_a_local_array_of_a_procedure_keeps_its_words):  # fmt: skip
        check()


def divided() -> None:
    for check in (test_a_call_in_a_parallel_divides_its_processors, test_what_differs_from_item_to_item_is_computed_anew,
                  test_statements_between_keep_their_order, test_calls_side_by_side):  # fmt: skip
        check()


def places() -> None:
    test_errors_show_the_line_of_the_body_and_of_every_call()
    test_the_profile_has_a_row_for_each_call()


def refusals() -> None:
    for text, place, message in ERRORS:
        whole = HEAD + text + "\n"
        try:
            parse_program(whole, "t.pram")
        except PramError as error:
            assert str(error).startswith(rendered(whole, place, message)), f"{error}, not {place}: {message}"
        else:
            raise AssertionError(f"not refused: {text}")
    test_too_many_calls()


def library() -> None:
    for name, row in ROWS.items():
        for n in (1, 3, 4, 5):
            ours, A, K, _ = run_row(row, n, 0)
            assert {k: v for k, v in ours.outputs.items() if k in row.python(A, K)} == row.python(A, K), name
            assert ours.time == row.time(n), name
    for bits in (4, 7, 16):
        test_random_numbers(bits, 5)
    test_two_calls_of_random_draw_two_numbers()


def own_expansion() -> None:
    for name in [*SAME, *RETURNS]:
        test_the_evaluator_agrees(name)


CHECKS = (
    Check("calls", "what calls leave and cost, against programs without calls, written by hand", calls, (PramError,)),
    Check(
        "calls in the evaluator", "the same against the evaluator, which puts bodies in place itself", own_expansion, (PramError,)
    ),
    Check("divided processors", "calls with a `parallel` of their own in a `parallel`, and side by side", divided, (PramError,)),
    Check("places of calls", "errors and profiles name the line of the body and of each call", places),
    Check("refused procedures", "the whole text of each error of procedures and calls", refusals),
    Check("library", "the standard library against plain Python, its exact steps", library, (PramError,)),
)
