"""How many rounds a loop takes that halves a range, as a binary search does."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from kit.runs import SAYS, assert_same
from oracles.evaluator import evaluate as evaluate_oracle
from oracles.plain import Trap
from test_language import machine_run

from lockstep.pram import loop_kinds
from lockstep.pram.analysis import analyse
from lockstep.pram.errors import PramError
from lockstep.pram.parameters import evaluate
from lockstep.pram.parser import parse
from lockstep.pram.program import Program, parse_program
from lockstep.pram.syntax import FIELDS, Number

HEAD = """program t
mode CREW
param n, m, p = 3, b = (n + p - 1) / p
procs p
word 12
shared A[n] : input, B[m] : input, C[1 .. n + 1] : input, F[p] : input, L[p] : input, x : input, s : input
shared R[p] : output, W[p], M[n, m]
parallel for i in 0 .. p - 1 do
  local c, mid := 0, 0
"""
VALUES = {"n": 7, "m": 3, "p": 3, "b": 3}

ALL, OWN = "local lo, hi := 0, n", "local lo := b * i local hi := min(n, b * (i + 1))"
UNKNOWN, ONE = "local lo, hi := 0, L[i]", "local lo, hi := 1, L[i]"


def search(condition: str = "lo < hi", test: str = "mid < x", middle: str = "(lo + hi) / 2", yes: str = "lo := mid + 1",
           no: str = "hi := mid") -> str:  # fmt: skip
    return f"while {condition} do c += 1 mid := {middle} if {test} then {yes} else {no} end end"


UPPER = {"middle": "(lo + hi + 1) / 2", "yes": "lo := mid", "no": "hi := mid - 1"}
APART = {"yes": "lo := mid", "no": "hi := mid"}
CLOSED = {"condition": "lo <= hi", "no": "hi := mid - 1"}

#: What stands before the loop, the loop, and its rounds for n = 7 and m = 3, counted by hand.
TOLD = [
    (ALL, search(), 3),
    (ALL, search("hi > lo"), 3),
    (ALL, search("lo < hi and F[i] == 0"), 3),
    (ALL, search("F[i] == 0 and lo < hi and c < 9"), 3),
    (ALL, search("lo != hi"), 3),
    (ALL, search("hi != lo"), 3),
    (ALL, search("hi - lo >= 1"), 3),
    (ALL, search("lo + 3 < hi"), 3),  # V is 7 - 3
    (ALL, search("hi - lo > 3", **APART), 3),
    ("local lo, hi := 0, n + 2", search("hi - lo > 1", **APART), 4),  # V is 9 - 1
    ("local lo, hi := 0, n + 1", search("hi - lo > 1", **APART), 3),
    ("local lo, hi := 0, n + 2", search("lo + 1 < hi", **APART), 4),
    (ALL, search(**CLOSED), 4),  # V is 7 + 1
    ("local lo, hi := 0, n - 1", search(**CLOSED), 3),
    ("local lo, hi := 1, n", search(**CLOSED), 3),
    (ALL, search(middle="(lo + hi) >> 1"), 3),
    (ALL, search(middle="(hi + lo) / 2"), 3),
    (ALL, search(middle="lo + (hi - lo) / 2"), 3),
    (ALL, search(middle="(hi - lo) / 2 + lo"), 3),
    (ALL, search(middle="lo + ((hi - lo) >> 1)"), 3),
    (ALL, search(**UPPER), 3),
    (ALL, search(**{**UPPER, "middle": "lo + (hi - lo + 1) / 2"}), 3),
    (ALL, search(no="hi := mid - 1"), 3),
    (ALL, search(yes="lo := mid + 2"), 3),
    (ALL, search(yes="lo := hi"), 3),
    (ALL, search(yes="break"), 3),
    (ALL, search(yes="R[i] := mid return"), 3),
    (ALL, search(test="mid == x", yes="break", no="if mid < x then lo := mid + 1 else hi := mid end"), 3),
    (ALL, search(test="mid == x", yes="return", no="lo := hi"), 3),
    (ALL, "while lo < hi do mid := (lo + hi) >> 1 if A[mid] == x then c := 1 return end"
          " if A[mid] < x then lo := mid + 1 else hi := mid end end", 3),
    (ALL, "while lo < hi do if F[i] > 0 then break end local y := (lo + hi) / 2 for t in 0 .. 1 do c += y end"
          " if y < x then lo := y + 1 c += 1 else c += 2 hi := y print y end end", 3),
    ("local lo := 0", "while lo < n do mid := (lo + n) / 2 lo := mid + 1 end", 3),  # one end stays
    (OWN, search(), 2),
    (OWN, search(test="A[mid] < x"), 2),
    ("local lo, hi := F[i], n", search(), 3),
    ("local lo, hi := 2, n", search(), 3),
    ("local lo, hi := 4, n", search(), 2),
    ("local lo := max(4, F[i]) local hi := n", search(), 2),
    ("local lo := 0 local hi := min(n, L[i])", search(), 3),
    ("local lo := F[i] & 3 local hi := n", search(), 3),
    ("local lo := 0 local k := n + 1 local hi := k", search(), 4),
    ("local lo := 0 local hi := F[i] hi := n + 1", search(), 4),
    ("local lo := 0 local hi := n hi := hi + 1", search(), 4),
    ("local first := b * i local last := min(n, first + b) local lo := first local hi := last", search(), 2),
    ("local lo := 0 local k := n local hi := k k := L[i]", search(), 3),
    ("local lo := R[i] local hi := R[i] + 3", search(), 2),
    ("local lo := 0 for t in 0 .. 4 do local hi := t", f"{search()} end", 3),
    ("local lo, hi := 0, n if F[i] > 0 then", f"{search()} end", 3),
    (UNKNOWN, search(test="A[mid] < x"), 4),  # hi is at most 13, or the first read is refused
    ("local lo, hi := F[i], L[i]", search(test="A[mid] < x"), 4),
    (UNKNOWN, search(test="B[mid] < x"), 3),
    (UNKNOWN, search(test="A[mid] < B[mid]"), 3),
    (UNKNOWN, search(test="C[mid] < x"), 5),  # its last subscript is 8
    (ONE, search(test="C[mid] < x"), 4),
    (UNKNOWN, search(test="M[mid, 0] < x"), 4),
    (UNKNOWN, search(test="M[0, mid] < x"), 3),
    (UNKNOWN, search(test="A[mid] < x and F[i] == 0"), 4),
    (UNKNOWN, search(test="F[i] == 0", yes="c := A[mid] lo := mid + 1", no="c := A[mid] + 1 hi := mid"), 4),
    (UNKNOWN, search(test="F[i] == 0", yes="break", no="c := A[mid] hi := mid"), 4),
    (UNKNOWN, search(yes="lo := mid + 1 c += A[mid]", no="hi := mid c += A[mid]"), 4),
    (UNKNOWN, search(test="A[mid] < x", **CLOSED), 4),  # V is at most 14
    (UNKNOWN, search(test="A[mid] < x", **UPPER), 4),
    (UNKNOWN, search("hi - lo > 1", "A[mid] < x", **APART), 4),
    ("local lo, hi := 9, L[i]", search(test="A[mid] < x"), 1),  # the first read is refused
    ("local lo, hi := n, 0", search(), 0),
]  # fmt: skip
NOT_TOLD = [
    (ALL, search(yes="lo := mid + 0")),
    (ALL, search(yes="lo := mid")),
    (ALL, search(no="hi := mid + 1")),
    (ALL, search(no="c += 1")),
    (ALL, search(no="if x > 3 then hi := mid end")),
    (ALL, search(yes="lo := mid + 1 hi := mid")),
    (ALL, search(yes="lo := mid + 1 lo := mid + 2")),
    (ALL, search(yes="lo := mid + 1 lo := lo - 1")),
    (ALL, search(yes="lo := F[i]")),
    (ALL, search(yes="lo := lo + 1")),
    (ALL, search(yes="lo, c := mid + 1, 0")),
    (ALL, search(yes="lo := mid + F[i]")),
    (ALL, search(yes="lo := c + 1")),
    (ALL, search(yes="mid := lo lo := mid + 1")),
    (ALL, search(yes="for t in 0 .. 1 do lo := mid + 1 end")),
    (ALL, search(yes="for t in 0 .. 1 do mid := lo end lo := mid + 1")),
    (ALL, search(middle="(lo + hi) / 3")),
    (ALL, search(middle="(lo + hi) / 2 / 2")),
    (ALL, search(middle="lo + hi / 2")),
    (ALL, search(middle="(lo + c) / 2")),
    (ALL, search(middle="2 * ((lo + hi) / 2)")),
    (ALL, search(middle="(lo + hi + 1) / 2")),  # hi := mid changes nothing where hi - lo is 1
    (ALL, search("lo <= hi")),
    (ALL, search(**{**CLOSED, "yes": "lo := mid"})),
    (ALL, search("hi - lo > 1", no="hi := mid + 1")),
    (ALL, search("lo < hi or F[i] == 0")),
    (ALL, search("not (lo >= hi)")),
    (ALL, search("lo < n")),
    (ALL, search("2 * lo < hi")),
    (ALL, search("F[i] == 0")),
    (ALL, search("lo != hi", no="hi := mid - 1")),  # lo may pass hi
    (ALL, search("lo + 1 != hi", **APART)),
    (ONE, search("lo != hi")),
    (ALL, "while lo < hi do if x > 3 then mid := (lo + hi) / 2 end if mid < x then lo := mid + 1 else hi := mid end end"),
    (ALL, "while lo < hi do lo := lo - 0 mid := (lo + hi) / 2 if mid < x then lo := mid + 1 else hi := mid end end"),
    (ALL, "while lo < hi do if mid < x then lo := mid + 1 else hi := mid end mid := (lo + hi) / 2 end"),
    (ALL, "repeat mid := (lo + hi) / 2 if mid < x then lo := mid + 1 else hi := mid end until lo >= hi"),
    ("local lo := 0", "while lo < s do mid := (lo + s) / 2 if A[mid] < x then lo := mid + 1 else s := mid end end"),  # others write s
    (ALL, "while lo < hi do s := (lo + hi) / 2 if s < x then lo := s + 1 else hi := s end end"),
    (UNKNOWN, search()),
    (UNKNOWN, search(test="A[mid + 1] < x")),
    (UNKNOWN, search(test="A[lo] < x")),
    (UNKNOWN, search(test="F[i] == 0 and A[mid] < x")),
    (UNKNOWN, search(yes="lo := mid + 1 c := A[mid]")),
    (UNKNOWN, search("lo < hi and A[mid] < x")),  # the middle of the round before
    (UNKNOWN, search(no="hi := mid print A[mid]")),
    ("local lo, hi := 0, n if F[i] > 0 then hi := L[i] end", search()),
    ("local lo, hi := 0, n for t in 0 .. 1 do", f"{search()} hi := L[i] end"),
    ("local lo, hi := 0, n for t in 0 .. 1 do hi := hi + L[i] end", search()),
    ("local lo, hi := 0, n lo, hi := 0, L[i]", search()),
    ("local lo := 0 local hi := max(n, L[i])", search()),
    ("local lo := R[i] R[i] := 9 local hi := R[i] + 3", search()),
    ("local k := F[i] local lo := k k := 9 local hi := k + L[i]", search()),
]  # fmt: skip


def text(start: str, loop: str) -> str:
    return f"{HEAD}  {start}\n  {loop}\n  R[i] := c\nend\n"


def rounds(start: str, loop: str, mode: str = "CREW", word: str = "word 12") -> int | None:
    """The rounds of a loop for n = 7 and m = 3; None if they must be written down."""
    written = text(start, loop).replace("CREW", mode).replace("word 12", word)
    try:
        found = analyse(*parse(written)).loops
    except PramError as error:
        assert all("needs `atmost`" in one.message for one in error.diagnostics), str(error)
        return None
    (kind,) = (kind for at, kind in found.items() if not kind.by_index)
    return None if kind.rounds is None else evaluate(kind.rounds, VALUES)


@pytest.mark.parametrize(("start", "loop", "expected"), TOLD)
def test_rounds(start: str, loop: str, expected: int) -> None:
    assert rounds(start, loop) == expected


@pytest.mark.parametrize(("start", "loop"), NOT_TOLD)
def test_rounds_that_must_be_written(start: str, loop: str) -> None:
    assert rounds(start, loop) is None


def test_modes() -> None:
    """Where processors can tell each other that they are done, they take no more rounds than they need."""
    assert [rounds(ALL, search(), mode) for mode in ("EREW", "CROW", "CRCW sum", "CRCW common")] == [3, 3, 3, None]


SIGNED = [
    (ALL, search(), 3),
    (OWN, search(), 2),  # what differs cancels; of n - b * i nothing is known
    (UNKNOWN, search(test="A[mid] < x"), 4),
    ("local lo := F[i] & 3 local hi := L[i]", search(test="A[mid] < x"), 4),
    ("local lo, hi := F[i], L[i]", search(test="A[mid] < x"), None),  # lo may be negative, and the middle 0
    ("local lo, hi := F[i], n", search(), None),
    (ALL, search("lo != hi"), None),
]


@pytest.mark.parametrize(("start", "loop", "expected"), SIGNED)
def test_signed_words_may_be_negative(start: str, loop: str, expected: int | None) -> None:
    assert rounds(start, loop, word="word 12 signed") == expected


def test_nothing_is_told_of_words_that_wrap() -> None:
    assert [rounds(ALL, search(), word=word) for word in ("word 12 wrap", "word 12 wrap signed")] == [None, None]


def test_the_evaluator_is_told_nothing_either() -> None:
    """The rows that both refuse, and a row that the evaluator takes."""
    arrays = {"A": [0] * 7, "B": [0] * 3, "C": [0] * 8, "F": [0] * 3, "L": [0] * 3, "x": 0, "s": 0}
    told = []
    for start, loop in [*NOT_TOLD, (ALL, search())]:
        try:
            evaluate_oracle(parse(text(start, loop))[0], {"n": 7, "m": 3}, arrays)
        except Trap as trap:
            assert trap.kind == "input"
        else:
            told.append(loop)
    assert told == [search()]


# -- runs --------------------------------------------------------------------------------------


def ends(program: Program, arrays: dict[str, Any]) -> str:
    """Compare outputs and costs with those of the evaluator, or the kinds of errors; return "ran" or the kind."""
    params = {"n": 7, "m": 3}
    try:
        theirs = evaluate_oracle(program.tree, params, arrays)
    except Trap as trap:
        with pytest.raises(PramError) as refused:
            machine_run(program, params, arrays)
        assert any(words in refused.value.message for words in SAYS[trap.kind])
        return trap.kind
    assert_same(machine_run(program, params, arrays), theirs)
    return "ran"


@pytest.mark.parametrize(("start", "loop", "expected"), TOLD)
def test_runs_equal_the_evaluator(start: str, loop: str, expected: int) -> None:
    """For several ends and keys: nobody is not done after the last round."""
    program = parse_program(text(start, loop))
    fixed = {"A": [0, 0, 2, 2, 3, 5, 5], "B": [1, 1, 4], "C": list(range(8)), "s": 0}
    kinds = {
        ends(program, {**fixed, "F": [first, 0, 1], "L": [last, last, 3], "x": x})
        for (first, last), x in product(((0, 3), (2, 13)), (0, 9))
    }
    assert "rounds" not in kinds and ("ran" in kinds or expected == 1)


BLOCKS = """program t
mode CREW
param n, p
param b = (n + p - 1) / p
procs p
shared A[n] : input, key[p] : input, R[p] : output
parallel for i in 0 .. p - 1 do
  local lo := b * i
  local hi := min(n, b * (i + 1))
  while lo < hi do
    local mid := lo + (hi - lo) / 2
    if A[mid] < key[i] then lo := mid + 1 else hi := mid end
  end
  R[i] := lo
end
"""


@pytest.mark.parametrize("mode", ["EREW", "CREW", "CROW", "ERCW common"])
def test_blocks_are_searched_under_modes_without_flags(mode: str) -> None:
    """Against Python's `bisect_left`; the time is that of `atmost` with the same number of rounds."""
    program = parse_program(BLOCKS.replace("CREW", mode))
    written = parse_program(BLOCKS.replace("CREW", mode).replace("lo < hi do", "lo < hi atmost lg(min(n, b) + 1) do"))
    rng = np.random.default_rng(7)
    for n, p in product(range(10), (1, 2, 3)):
        words, keys = np.sort(rng.integers(0, 9, n)).tolist(), rng.integers(0, 10, p).tolist()
        b = -(-n // p)
        found = machine_run(program, {"n": n, "p": p}, {"A": words, "key": keys})
        places = [
            bisect_left(words, key, min(n, b * i), min(n, b * (i + 1))) if b * i < n else b * i for i, key in enumerate(keys)
        ]
        assert found.outputs == {"R": places}
        assert found.time == machine_run(written, {"n": n, "p": p}, {"A": words, "key": keys}).time


def most_taken(loop: str, last: int, n: int, keys: Iterable[int], start: str = UNKNOWN) -> int:
    """The most rounds that a processor takes for the range 0 .. last."""
    program = parse_program(text(start, loop))
    fixed = {"A": [*range(n)], "B": [0], "C": [0] * (n + 1), "F": [0] * 3, "L": [last] * 3, "s": 0}
    return max(machine_run(program, {"n": n, "m": 1}, {**fixed, "x": x}).outputs["R"][0] for x in keys)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 7, 8, 9])
def test_every_round_is_needed(n: int) -> None:
    """Some key needs all rounds: bit_length(V) with V = n, or n - 1; or 2 n - 1, where only the array tells."""
    keys = range(n + 2)
    assert most_taken(search(), n, n, keys, ALL) == n.bit_length()
    assert most_taken(search(**UPPER), n, n, keys, ALL) == n.bit_length()
    assert most_taken(search("lo + 1 < hi", **APART), n, n, keys, ALL) == max(0, n - 1).bit_length()
    assert (
        most_taken(search("lo < hi + 1", yes="lo := mid + 1", no="hi := mid - 1"), n, n, keys[n + 1 :], ALL)
        == (n + 1).bit_length()
    )
    if n:
        assert most_taken(search(test="A[mid] < x"), 2 * n - 1, n, [0]) == (2 * n - 1).bit_length()
        with pytest.raises(PramError, match=f"index {n} is outside `A`"):
            most_taken(search(test="A[mid] < x"), 2 * n, n, [0])


def test_a_bound_that_is_too_small_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_kinds, "rounds_by_halving", lambda *_: Number(2))
    with pytest.raises(PramError, match="processor 0 is not done after 2 rounds of this `while`"):
        most_taken(search(), 7, 7, [0], ALL)


def renamed(node: Any) -> Any:
    """A node with the names that a copy of a procedure's locals may have."""
    if isinstance(node, tuple):
        return tuple(map(renamed, node))
    if type(node) not in FIELDS:
        return node
    fields = {field: renamed(getattr(node, field)) for field in FIELDS[type(node)]}
    name = getattr(node, "name", None)
    return replace(node, **fields, **({"name": f"{name}.1"} if name in ("lo", "hi", "mid") else {}))


def test_names_that_no_program_can_write() -> None:
    tree, source = parse(text(ALL, search()))
    tree = replace(tree, body=renamed(tree.body))
    (kind,) = analyse(tree, source).loops.values()
    assert kind.rounds is not None and evaluate(kind.rounds, VALUES) == 3


# -- all ways of small loops -------------------------------------------------------------------


def drawn(rng: np.random.Generator) -> tuple[str, str, tuple[str, str]]:
    """A condition, a middle and two changes, with numbers of which only some halve a range."""

    def near() -> str:
        number = int(rng.choice([-2, -1, 0, 0, 1, 2]))
        return f"{'-' if number < 0 else '+'} {abs(number)}"

    condition = f"lo {near()} {rng.choice(['<', '<=', '!='])} hi"
    middle = [f"(lo + hi {near()}) / 2", f"lo + (hi - lo {near()}) / 2", f"(lo + hi) / 2 {near()}"][rng.integers(3)]
    changes = [f"{a} := {rng.choice(['mid', 'mid', b])} {near()}" for a, b in (("lo", "hi"), ("hi", "lo"))]
    return condition, middle, (changes[0], changes[int(rng.integers(2))])


def longest(condition: str, middle: str, changes: tuple[str, str], low: int, high: int, limit: int) -> int:
    """The most rounds of all ways, by Python's integers. A way ends where a local would be negative; at most `limit` are followed."""
    ends = {"lo": low, "hi": high}
    if min(low, high) < 0 or not limit or not eval(condition, {}, ends):
        return 0
    ends["mid"] = eval(middle.replace("/", "//"), {}, ends)
    after = []
    for name, value in (change.split(" := ") for change in changes if ends["mid"] >= 0):
        moved = {**ends, name: eval(value, {}, ends)}
        after.append(longest(condition, middle, changes, moved["lo"], moved["hi"], limit - 1))
    return 1 + max(after, default=0)


def test_no_loop_takes_more_rounds_than_told() -> None:
    rng, told = np.random.default_rng(3), 0  # 44 of the loops drawn are told
    for _ in range(200):
        condition, middle, changes = drawn(rng)
        loop = search(condition, "x > 0", middle, *changes)
        try:
            (kind,) = analyse(*parse(text("local lo, hi := 0, n", loop))).loops.values()
        except PramError:
            continue
        told += 1
        assert kind.rounds is not None
        for n in range(14):
            most = evaluate(kind.rounds, {**VALUES, "n": n})
            assert longest(condition, middle, changes, 0, n, most + 1) <= most, (loop, n)
    assert told == 44
