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
from kit.decoding import FASTEST

from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.program import Program, parse_program
from lockstep.proofs_check.agreement import check_agreement

#: The items of each processor that has any, or why the run is refused.
Outcome = Union[dict[int, tuple[int, ...]], str]
PROCESSORS, ITEM, END = "processors are needed", "item ", "the largest word of"
NO_WORD = "the number"
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
    return items_of(text, {"n": low + OFF, "m": high + OFF, "p": processors, "w": bits})


def items_of(text: Program, params: dict[str, int]) -> Outcome:
    job = text.instantiate(params)
    try:
        trace = run(job, trace=True).trace
    except PramError as error:
        return next((kind for kind in (PROCESSORS, END, ITEM, NO_WORD) if kind in error.message), error.message)
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


#: Ends that may be negative: what is added, what is taken, and the greatest value of the former that a first range may have.
DIFFERENCES = {"b - c": lambda b, c: (b, c), "b - 1": lambda b, c: (b, 1), "m - c": lambda b, c: (b, c),
               "m - c - 1": lambda b, c: (b - 1, c), "b - c - 1": lambda b, c: (b - c, 1), "b - m": lambda b, c: (b, b)}  # fmt: skip


def difference(end: str, low: int, b: int, c: int, processors: int, bits: int) -> Outcome:
    """Return the meaning of `parallel for i in low .. END`, where `b` and `c` are words, and `m` is a parameter with the value of b."""
    top, (added, taken) = (1 << bits) - 1, DIFFERENCES[end](b, c)
    if added < 0 and end == "b - c - 1":
        return "negative"
    if end.startswith("m") and added + 1 > top:
        return NO_WORD
    wanted = meaning([(low, added - taken)], True, processors, bits)
    if end in ("b - c", "b - m") and added == top and isinstance(wanted, dict) and len(wanted) < processors:
        return END
    return wanted


@pytest.mark.parametrize("end", DIFFERENCES)
def test_every_difference(end: str, bits: int = 2) -> None:
    """A range to a difference is empty where that is negative, whatever the words are."""
    head = "program t param n, m, d, p, w word w procs p shared A[p] : output local a := n local b := m local c := d "
    text, met = parse_program(f"{head} parallel for i in a .. {end} do A[pid] := i end"), set()
    words = range(1 << bits)
    for low, b, c, processors in product(words, words, words, range(1, (1 << bits) + 1)):
        wanted = difference(end, low, b, c, processors, bits)
        found = items_of(text, {"n": low, "m": b, "d": c, "p": processors, "w": bits})
        if isinstance(found, str) and "is negative" in found:
            found = "negative"
        assert found == wanted, f"{low} .. {end} with b = {b}, c = {c} on {processors} of {bits} bits: {found}, not {wanted}"
        met.add(wanted if isinstance(wanted, str) else "items" if wanted else "none")
    assert met >= {"items", "none"}


ENDS_OF_LOOPS = ("b - c", "m - c - 1", "b - 1")
WAYS = ("for i in 0 .. {}", "for i in {} downto 0", "parallel for h in 0 .. 0, i in 0 .. {}")


@pytest.mark.parametrize("end", ENDS_OF_LOOPS)
@pytest.mark.parametrize("how", WAYS)
def test_every_difference_ends_other_ranges(how: str, end: str) -> None:
    """Loops, and further ranges: the sum of i + 1 over all items."""
    head = "program t mode CRCW sum param m, d word 4 procs 7 shared A : output local b := m local c := d "
    if how.startswith("for"):
        text = f"{head} local s := 0 {how.format(end)} do s += i + 1 end single do A := s end"
    else:
        text = f"{head} {how.format(end)} do A := i + 1 end"
    program = parse_program(text)
    for b, c in product(range(5), range(16)):
        added, taken = DIFFERENCES[end](b, c)
        assert run(program.instantiate({"m": b, "d": c})).outputs == {"A": sum(range(1, added - taken + 2))}


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
        agreement = check_agreement(compiled, job, done.time, FASTEST)
        assert agreement.divergence is None and agreement.outputs_agree


@pytest.mark.parametrize(("low", "add"), [("0", "add"), ("1", "addsat"), ("a", "addsat"), ("n", "addsat"), ("9", "addsat")])
def test_which_sum_an_item_is(low: str, add: str) -> None:
    """0 + pid is always a word, so a range from 0 needs no saturating add."""
    code = program(f"i in {low} .. {HIGH}").code
    sums = [i for i in code.instructions if i.name in ("add", "addsat")]
    assert [i.name for i in sums] == [add]
