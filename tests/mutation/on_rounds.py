"""Checks of what the language infers or writes out: rounds told by bounds, halving or arrays, prefix sums, names of books."""

from __future__ import annotations

import test_halving_rounds
import test_index_rounds
import test_modulo
import test_names_of_books
import test_prefix_sums
import test_rounds_of_loops

from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program
from mutation.table import Check


def rounds_by_index() -> None:
    for loop, expected in test_index_rounds.TOLD:
        found = test_index_rounds.rounds(loop)
        assert found == expected, f"{found} rounds, not {expected}: {loop}"
    for loop in test_index_rounds.NOT_TOLD:
        found = test_index_rounds.rounds(loop)
        assert found is None, f"{found} rounds, which nothing tells: {loop}"
    says = test_index_rounds.what_a_loop_that_would_go_on_says()
    assert says.endswith("; the arrays that tell its rounds have no more cells"), says
    test_index_rounds.test_flags_go_first(*test_index_rounds.TOLD[0])


def rounds_by_halving() -> None:
    for start, loop, expected in test_halving_rounds.TOLD:
        found = test_halving_rounds.rounds(start, loop)
        assert found == expected, f"{found} rounds, not {expected}: {start} {loop}"
    for start, loop in test_halving_rounds.NOT_TOLD:
        found = test_halving_rounds.rounds(start, loop)
        assert found is None, f"{found} rounds, which nothing tells: {start} {loop}"
    for row in test_halving_rounds.SIGNED:
        test_halving_rounds.test_signed_words_may_be_negative(*row)
    test_halving_rounds.test_nothing_is_told_of_words_that_wrap()
    test_halving_rounds.test_modes()


def rounds_by_bounds() -> None:
    for bounds, expected in test_rounds_of_loops.COMPUTED:
        test_rounds_of_loops.test_computed_parameters_may_be_negative(bounds, expected)


def prefix_sums() -> None:
    test_prefix_sums.test_each_gets_what_those_before_it_added()
    test_prefix_sums.test_costs("s", 0)
    test_prefix_sums.test_the_names_are_not_reserved()


def names_of_books() -> None:
    for kind in test_names_of_books.KINDS:
        test_names_of_books.test_every_name(*kind)
    test_names_of_books.test_a_name_that_is_declared_keeps_its_meaning("shared s : output\nlocal MAX := 3\ns := MAX\n")


def constants_modulo() -> None:
    for text in test_modulo.MEANT:
        test_modulo.test_constants_of_any_size(text, "wrap")
    for kind, text in (("wrap", "s := A[0] / n"), ("wrap", "for i in n .. s do end"), ("", "s := n"), ("", "s := A[0] ^ n")):
        program = parse_program(test_modulo.HEAD.format(kind).replace("procs 2\n", "") + text + "\n")
        try:
            run(program.instantiate(test_modulo.VALUES, {"A": [3, 100]}))
        except PramError as error:
            assert "does not fit a word of 8 bits" in error.message, error.message
        else:
            raise AssertionError(f"not refused: word 8 {kind}: {text}")


CHECKS = (
    Check("rounds by index", "how many rounds arrays tell, for loops counted by hand", rounds_by_index),
    Check("rounds by halving", "how many rounds halving tells, for loops counted by hand", rounds_by_halving),
    Check("rounds by bounds", "how many rounds bounds with negative parameters tell, counted by hand", rounds_by_bounds),
    Check("prefix sums", "what `ps` leaves in cells and locals, in plain Python, and its time", prefix_sums, (PramError,)),
    Check("names of books", "`INFINITY`, `MIN` and their kin against plain numbers", names_of_books, (PramError,)),
    Check(
        "constants modulo",
        "constants of any size with `wrap`, in plain integers, and where they are refused",
        constants_modulo,
        (PramError,),
    ),
)
