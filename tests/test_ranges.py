"""Ranges of `parallel for` at the ends of the word: every range of short words, for every number of processors.

What a range means is said here in plain integers: processor pid has item low + index, if that is at most high. The machine
runs the body on those processors, with those items, or it refuses the run for a reason that holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from operator import add
from typing import Union

import numpy as np
import pytest

from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.program import Program, parse_program
from lockstep.proofs_check.agreement import check_agreement

#: The items of each processor that has any, or why the run is refused.
Outcome = Union[dict[int, tuple[int, ...]], str]
PROCESSORS, ITEM, END = "processors are needed", "item ", "the largest word of"
#: Parameters start at 0, so bounds that can be negative are a parameter minus this.
OFF = 3
LOW, HIGH = f"n - {OFF}", f"m - {OFF}"
#: The two bounds of a range; each is a parameter expression or a word.
FORMS = {"words": ("a", "b"), "parameters": (LOW, HIGH), "a word first": ("a", HIGH), "a word last": (LOW, "b")}


def program(ranges: str, items: str = "i", wrap: str = "") -> Program:
    """Return a program in which each processor with an item stores it in its own cell."""
    words = [f"local {name} := {bound}" for name, bound in (("a", LOW), ("b", HIGH)) if name in ranges.replace(",", " ").split()]
    body = " ".join(f"A[pid] := {item}" for item in items)
    head = f"program t param n, m, p, w word w {wrap} procs p shared A[p] : output "
    return parse_program(head + " ".join([*words, f"parallel for {ranges} do {body} end"]))


def outcome(text: Program, low: int, high: int, processors: int, bits: int) -> Outcome:
    job = text.instantiate({"n": low + OFF, "m": high + OFF, "p": processors, "w": bits})
    try:
        trace = run(job, trace=True).trace
    except PramError as error:
        return next((kind for kind in (PROCESSORS, END, ITEM) if kind in error.message), error.message)
    found: dict[int, tuple[int, ...]] = {}
    for number in (n for n, i in enumerate(job.code) if i.name == "store"):
        for step in trace:
            for pid in np.flatnonzero(step.counter == number).tolist():
                found[pid] = (*found.get(pid, ()), int(step.value[pid]))
    return found


def meaning(bounds: Sequence[tuple[int, int]], word_last: bool, processors: int, bits: int) -> Outcome:
    """Return the meaning in plain integers. word_last: the first range ends at a word that the program computes."""
    top, extents = (1 << bits) - 1, [max(0, high - low + 1) for low, high in bounds]
    if prod(extents) > processors:
        return PROCESSORS
    lows = [low for low, _ in bounds]
    indices = product(*map(range, extents))  # the last range counts fastest
    items = {pid: tuple(map(add, lows, each)) for pid, each in enumerate(indices)}
    if any(not 0 <= item <= top for each in items.values() for item in each):
        return ITEM
    if bounds[0][1] == top and (
        len(items) < processors if word_last else items
    ):  # no word is left for the others, or for top + 1
        return END
    return items


def numbers(bits: int, bound: str) -> range:
    """Return the values for a bound: all words, and for a parameter expression also some just outside."""
    return range(1 << bits) if bound in "ab" else range(-2, (1 << bits) + 3)


def check(text: Program, bits: int, form: str, inner: Sequence[tuple[int, int]] = ()) -> set[str]:
    """Check every first range on every number of processors; return the kinds of results that occurred."""
    met = set()
    lows, highs = (numbers(bits, bound) for bound in FORMS[form])
    for low, high, processors in product(lows, highs, range(1, (1 << bits) + 1)):
        wanted = meaning([(low, high), *inner], FORMS[form][1] == "b", processors, bits)
        found = outcome(text, low, high, processors, bits)
        assert found == wanted, f"{low} .. {high} on {processors} processors of {bits} bits: {found}, not {wanted}"
        met.add(wanted if isinstance(wanted, str) else "items" if wanted else "none")
    return met


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("bits", "wrap"), [(2, ""), (2, "wrap"), (3, ""), (3, "wrap"), (4, "")])
def test_every_range(bits: int, wrap: str, form: str) -> None:
    met = check(program("i in {} .. {}".format(*FORMS[form]), wrap=wrap), bits, form)
    assert met == {"items", "none", PROCESSORS, END} | ({ITEM} if form != "words" else set())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bits", [2, 3])
def test_every_first_range_of_two(bits: int, form: str) -> None:
    """Second ranges of each kind: inside the word, at its end, past it, empty."""
    top, met = (1 << bits) - 1, set()
    more = ((0, 0), (top - 2, top - 1), (top, top), (-1, 0), (top + 2, 1)) if bits == 2 else ()
    for inner in ((0, 1), (top - 1, top), (top, top + 1), (1, 0), *more):
        bounds = " .. ".join(str(bound) if bound >= 0 else f"(0 - {-bound})" for bound in inner)
        text = program("i in {} .. {}, j in {}".format(*FORMS[form], bounds), "ij")
        met |= check(text, bits, form, [inner])
    assert met == {"items", "none", PROCESSORS, END, ITEM}


def test_ranges_that_start_at_a_number() -> None:
    """A first item past the largest word makes the range empty."""
    for low in (0, 1, 3, 4, 7, 9, 15, 16, 18, 20, 1 << 24, (1 << 40) + 2):
        text = program(f"i in {low} .. {HIGH}")
        for bits, high, processors in product((2, 3, 4), range(-2, 6), (1, 3, 4)):
            wanted = meaning([(low, high)], False, processors, bits)
            assert outcome(text, 0, high, processors, bits) == wanted, (low, bits, high, processors)


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_models_run_ranges_whose_sums_leave_the_longest_word(construction: str) -> None:
    """The first range is empty, although 16777210 + 6 is 0 in words of 24 bits. The second has two items near the largest word."""
    declared = "program t mode CREW word 24 procs 8 shared A[8] : output, x : input, y : input "
    text = parse_program(declared + "parallel for i in x .. y do A[pid] := i end")
    for low, high, wanted in ((16777210, 2, [0] * 8), (16777213, 16777214, [16777213, 16777214, *[0] * 6])):
        job = text.instantiate({}, {"x": low, "y": high})
        done = run(job)
        assert done.outputs == {"A": wanted}
        compiled = compile_job(job, done.time, construction=construction)
        agreement = check_agreement(compiled, job, done.time)
        assert agreement.divergence is None and agreement.outputs_agree


@pytest.mark.parametrize(("low", "add"), [("0", "add"), ("1", "addsat"), ("a", "addsat"), ("n", "addsat"), ("9", "addsat")])
def test_which_sum_an_item_is(low: str, add: str) -> None:
    """0 + pid is always a word, so a range from 0 needs no saturating add."""
    code = program(f"i in {low} .. {HIGH}").code
    sums = [i for i in code.instructions if i.name in ("add", "addsat")]
    assert [i.name for i in sums] == [add]
