"""Tests of drawn inputs, their styles, and probes that try to reach what no run reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kit.jobs import PATHS
from oracles.plain import outside

from lockstep.pram import probing
from lockstep.pram.drawing import (
    STYLES,
    cell_choice,
    draw,
    draw_styled,
    largest_input_word,
    program_constants,
    random_inputs,
    style_of,
)
from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.probing import FIRST_NUMBER, MOST_EDGES, MOST_SIZES, Probing, probes, reach
from lockstep.pram.program import Program, load, parse_program
from lockstep.pram.ranges import input_ranges
from lockstep.pram.reached import reached_nothing, unreached

TEXT = """program t
mode CREW
param n
param k = n + 40
procs n
shared A[n] : input, M[n, 2] : inout in 5 .. 90, s : input in 7 .. 7, none[0] : input, B[n] : output
parallel for i in 0 .. n - 1 do
  if A[i] == 100 then B[i] := M[i, 1 - 1] end
end
"""
WITHIN = [style for style in STYLES if style not in ("edges", "mixed")]


def flat(arrays: dict[str, Any], name: str) -> list[int]:
    return np.ravel(np.array(arrays[name], dtype=object)).tolist()


def drawn(style: str, size: int = 6, text: str = TEXT, seeds: int = 30) -> Iterator[dict[str, Any]]:
    program = parse_program(text)
    for seed in range(seeds):
        yield draw_styled(program, size, style, np.random.default_rng(seed))[1]


# -- styles ----------------------------------------------------------------------------------------


def test_the_first_input_of_a_size_is_uniform() -> None:
    program = parse_program(TEXT)
    for size, seed in ((1, 0), (4, 0), (4, 9)):
        rng = np.random.default_rng((seed, size, 0))
        wanted = {name: rng.integers(low, high + 1, cells).tolist() for name, low, high, cells in
                  (("A", 0, 15, size), ("s", 7, 7, 1), ("M", 5, 90, 2 * size))}  # fmt: skip
        params, arrays = draw(program, size, 0, seed)
        assert params == {"n": size} and arrays == {**wanted, "s": 7, "none": []}
        assert (params, arrays) == random_inputs(program, size, np.random.default_rng((seed, size, 0)))


def test_a_few_inputs_of_a_few_sizes_meet_every_style() -> None:
    assert {style_of(size, number) for size in range(1, 5) for number in range(3)} == set(STYLES)
    assert {style_of(size, 0) for size in range(99)} == {"uniform"}
    for size in range(6):
        assert {style_of(size, number) for number in range(9)} == set(STYLES)


def test_an_input_depends_on_size_number_and_seed_alone() -> None:
    program = parse_program(TEXT)
    keys = [(size, number, seed) for size in (3, 4) for number in range(9) for seed in (0, 1)]
    once = [draw(program, *key) for key in keys]
    assert [draw(program, *key) for key in reversed(keys)] == once[::-1]
    assert len({repr(inputs) for inputs in once}) >= len(keys) - 8  # those of only the smallest or largest words repeat


def test_largest_smallest_and_equal() -> None:
    for arrays in drawn("largest"):
        assert (set(flat(arrays, "A")), set(flat(arrays, "M")), arrays["s"]) == ({15}, {90}, 7)
    for arrays in drawn("smallest"):
        assert (set(flat(arrays, "A")), set(flat(arrays, "M")), arrays["s"]) == ({0}, {5}, 7)
    words = [(set(flat(arrays, "A")), set(flat(arrays, "M"))) for arrays in drawn("equal", seeds=300)]
    assert all(len(a) == len(m) == 1 for a, m in words)
    assert set().union(*(a for a, _ in words)) == set(range(16))
    assert min(set().union(*(m for _, m in words))) == 5 and max(set().union(*(m for _, m in words))) == 90


def test_arrays_of_one_range_are_equal_together() -> None:
    text = "program t\nparam n\nshared A[n] : input, B[n] : input, C[n] : input in 1 .. 16"
    for arrays in drawn("equal", text=text):
        assert arrays["A"] == arrays["B"] == [word - 1 for word in arrays["C"]]


def test_sorted_words() -> None:
    for style, down in (("ascending", False), ("descending", True)):
        seen = [arrays for arrays in drawn(style)]
        assert all(flat(arrays, name) == sorted(flat(arrays, name), reverse=down) for arrays in seen for name in "AM")
        assert {word for arrays in seen for word in arrays["A"]} == set(range(16))


def test_edges_are_ends_of_ranges_and_constants_with_their_neighbours() -> None:
    program = parse_program(TEXT)
    params = {"n": 6}
    constants = program_constants(program, params)
    assert constants == {0, 1, 100, 6, 46}  # n, k and the numbers of the statements
    ranges = {each.array.name: each for each in input_ranges(program, params)}
    top = largest_input_word(program, params)
    assert top == 2**24 - 1
    wanted = {"A": [0, 1, 2, 5, 6, 7, 14, 15, 45, 46, 47, 99, 100, 101], "M": [5, 6, 7, 45, 46, 47, 89, 90], "s": [7]}
    assert {name: cell_choice(ranges[name], constants, top).edges.tolist() for name in "AMs"} == wanted
    seen = {name: {word for arrays in drawn("edges", seeds=99) for word in flat(arrays, name)} for name in "AMs"}
    assert {name: sorted(words) for name, words in seen.items()} == wanted
    mixed = {word for arrays in drawn("mixed", seeds=99) for word in arrays["A"]}
    assert mixed == {*wanted["A"], *range(16)}


def test_edges_are_words() -> None:
    """Edges never exceed the declared or requested word size."""
    text = "program t\nword 5\nshared A[9] : input\nif A[0] == 100 or A[1] == 31 or A[2] == 40000000 then halt end"
    assert max(word for arrays in drawn("edges", text=text) for word in arrays["A"]) == 31
    program = parse_program(text.replace("word 5\n", ""))
    assert {word for arrays in drawn("edges", text=program.source.text) for word in arrays["A"]} >= {99, 100, 101}
    for seed in range(20):
        params, arrays = draw_styled(program, 1, "edges", np.random.default_rng(seed), word_bits=6)
        assert max(arrays["A"]) <= 63
        program.instantiate(params, arrays, 6)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_examples_take_what_is_drawn(path: Path) -> None:
    program = load(path)
    for size in range(1, 5):
        for number in range(9):
            try:
                params, arrays = draw(program, size, number, 3)
            except PramError as error:
                assert "is empty" in error.message
                continue
            program.instantiate(params, arrays)
            if style_of(size, number) in WITHIN:
                assert outside(program, params, arrays) == []


# -- probes ----------------------------------------------------------------------------------------

HEAD = "program t\nmode CREW\nparam n\nprocs n\nshared A[n] : input, B[n] : output\n"
SQUARE = "single do\nB[0] := A[0] * A[0] B[0] := A[0] + 1 end"
LARGE = HEAD + "parallel for i in 0 .. n - 1 do\nif A[i] > 15 then\nB[i] := 1 end end"


def tried(text: str, sizes: range = range(1, 4), **more: Any) -> tuple[Program, Probing]:
    program = parse_program(text)
    return program, reach(program, reached_nothing(program), sizes, **more)


def test_what_small_words_do_not_reach_is_reached() -> None:
    program = parse_program(LARGE)
    reached = reached_nothing(program)
    for size in range(1, 5):
        for seed in range(112):
            reached |= run(program.instantiate(*random_inputs(program, size, np.random.default_rng((size, seed))))).reached
    assert unreached(program, reached).text == "no run reached line 8; never true: `A[i] > 15` (line 7)"
    found = reach(program, reached, range(1, 5))
    assert not unreached(program, found.reached) and len(found.found) == 1 and not found.failures and not found.notes
    (probe,) = found.found
    assert not probe.ordinary and any(word > 15 for word in probe.inputs[1]["A"])


def test_what_was_found_reaches_what_is_said() -> None:
    """Each probe in `found` reaches something new; together they reach what `reached` says."""
    ladder = "if A[0] == 77 then B[0] := 1 elif A[0] < 2 then B[0] := 2 elif A[0] == 9 then B[0] := 3 end"
    for text in (LARGE, HEAD.replace("procs n", "procs n\nword 10") + f"single do {ladder} end"):
        program, found = tried(text, seed=4)
        reached = reached_nothing(program)
        for probe in found.found:
            more = reached | run(program.instantiate(*probe.inputs)).reached
            assert len(unreached(program, more).items) < len(unreached(program, reached).items)
            reached = more
        assert reached == found.reached and not unreached(program, reached)


def test_nothing_is_drawn_where_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_try", lambda *arguments: pytest.fail("run"))
    program = parse_program(HEAD + "halt")
    reached = run(program.instantiate({"n": 1}, {"A": [1]})).reached
    assert reach(program, reached, range(1, 4)) == Probing(reached)


def test_what_is_out_of_reach_stays_so() -> None:
    program, found = tried(HEAD + "if A[0] > A[0] then\nB[0] := 1 end")
    assert unreached(program, found.reached).text == "no run reached line 7; never true: `A[0] > A[0]` (line 6)"
    assert len(found.found) == 1


def test_refusals_of_ordinary_probes_are_failures_and_of_others_notes() -> None:
    never = "if n > 60 then B[0] := 1 end\n"
    _, found = tried(HEAD.replace("procs n", "procs n\nword 6") + never + SQUARE)
    assert [each.error.message for each in found.failures] != []
    assert all("overflow" in each.error.message and each.probe.ordinary for each in found.failures)
    assert {each.error.diagnostics[0].span.line for each in found.failures} == {9}
    _, found = tried(HEAD.replace("procs n", "procs n\nword 8") + never + SQUARE)
    assert found.failures == () and len(found.notes) == 1 and not found.notes[0].probe.ordinary
    assert "overflow: " in found.notes[0].error.message
    _, found = tried(HEAD.replace("A[n] : input", "A[n] : input in 0 .. 15") + never + SQUARE)
    assert found.failures == found.notes == ()


def test_probes_take_a_bounded_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "STEPS_EACH", 300)
    monkeypatch.setattr(probing, "STEPS_IN_ALL", 1000)
    program, found = tried(HEAD + "while 1 do\nend")
    assert found.steps == 1200 and found.failures == found.notes == found.found == ()
    _, found = tried(HEAD + "while 1 do\nend", max_steps=20)
    assert found.steps == 20 * len(list(probes(program, range(1, 4))))
    for refused in (found.failures, found.notes):
        assert [each.error.message.split(" (")[0] for each in refused] == ["step 20: no halt within 20 steps"]


def test_a_step_of_many_processors_counts_as_several() -> None:
    wide = HEAD.replace("procs n", "procs 4096") + "if n > 9 then B[0] := 1 end"
    assert [tried(text, range(1, 2))[1].steps % 5 for text in (wide, wide + " local x := 1")] == [0, 0]


def test_probes_are_few_and_different() -> None:
    program = parse_program(TEXT)
    found = list(probes(program, range(1, 60)))
    sizes = {probe.inputs[0]["n"] for probe in found}
    assert len(sizes) == MOST_SIZES and {min(sizes), max(sizes)} == {1, 59}
    assert len(found) <= 12 * MOST_SIZES + MOST_EDGES and len({repr(probe.inputs) for probe in found}) == len(found)
    assert found == list(probes(program, range(1, 60))) != list(probes(program, range(1, 60), seed=1))
    for probe in found:
        program.instantiate(*probe.inputs)
        assert probe.ordinary == (outside(program, *probe.inputs) == [])
        assert "M" not in outside(program, *probe.inputs)
    assert not any(probe.inputs in [draw(program, n, k, 0) for k in range(3) for n in sizes] for probe in found[:MOST_SIZES])
    assert FIRST_NUMBER > 10**6


def test_probes_hold_words_at_the_ends_of_the_word() -> None:
    for declared, asked, bits in (("word 7\n", None, 7), ("", 9, 9), ("", None, 24)):
        program = parse_program(f"program t\nparam n\n{declared}shared A[n] : input")
        seen = {word for probe in probes(program, range(1, 9), 0, asked) for word in probe.inputs[1]["A"]}
        assert seen >= {(1 << bits) - 1, (1 << bits) - 2, 1 << (bits - 1), (1 << (bits - 1)) - 1}
        assert max(seen) == (1 << bits) - 1
        large = {word for word in seen if 15 < word < 1 << bits // 2}
        assert bits < 24 or len(large) > 20


def test_programs_without_free_inputs_are_probed_in_their_ranges() -> None:
    program = parse_program("program t\nparam n\nshared A[n] : input in 3 .. 4")
    assert all(probe.ordinary for probe in probes(program, range(1, 9)))
    none = parse_program("program t\nparam n\nlocal x := n")
    assert [probe.inputs for probe in probes(none, [2, 1, 2])] == [({"n": 1}, {}), ({"n": 2}, {})]


def test_large_sizes_are_not_probed() -> None:
    program = parse_program(LARGE)
    assert {probe.inputs[0]["n"] for probe in probes(program, [2, 17_000])} == {2}
