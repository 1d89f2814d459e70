"""Tests the evaluator against results counted by hand from docs/language.md, and the machine against the same times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from oracles.evaluator import Result, evaluate
from oracles.plain import Trap

from lockstep.pram import machine
from lockstep.pram.parser import parse
from lockstep.pram.program import parse_program

PROGRAMS = Path(__file__).parent.parent / "examples" / "programs"


def run(text: str, arrays: dict[str, Any] | None = None, word_bits: int | None = None, **params: int) -> Result:
    return evaluate(parse("program test " + text)[0], params, arrays or {}, word_bits, max_steps=10**4)


def run_example(name: str, arrays: dict[str, Any], **params: int) -> Result:
    return evaluate(parse((PROGRAMS / f"{name}.pram").read_text(encoding="utf-8"))[0], params, arrays)


def trap(text: str, arrays: dict[str, Any] | None = None, word_bits: int | None = None, **params: int) -> str:
    with pytest.raises(Trap) as caught:
        run(text, arrays, word_bits, **params)
    return caught.value.kind


#: Statements with their steps, without the last step of the program; one processor, n = 5, x = 3, A[i] = i, mode CRCW common.
COSTS = [
    ("x := 1", 1),
    ("x := pid", 1),
    ("x := n * n + lg(n)", 1),
    ("x := x + 1", 1),
    ("x := (x + 1) * (x - n / 2)", 3),
    ("x := not (x == 1 and x < 2)", 4),
    ("x := A[n - 1]", 1),
    ("x := A[x + 1]", 2),
    ("x := A[A[x]] + s", 4),
    ("x := M[1, n - 3]", 1),
    ("x := M[1, x - 1]", 4),
    ("x := M[x - 2, 0]", 4),
    ("s := 4", 1),
    ("s := s + 1", 3),
    ("A[x + 1] := x * 2", 3),
    ("M[1, 2] := x + 1", 2),
    ("M[x, x - 1] := x + 1", 5),
    ("if x == 3 then x := 1 else x := x + 1 x := A[x] end", 1 + 2 + 1 + 2),
    ("if n == 5 then x := 1 elif x then s := x + 1 end", 2 + 1 + (2 + 2)),
    ("if x == 3 then single do s := 1 end else x := 2 end", 1 + 2 + 4),
    ("if x == 4 then single do s := 1 end else x := 2 end", 1 + 2 + 1),
    ("if x == 4 then for i in 1 .. 3 do x := 1 end end", 1 + 2 + (1 + 3 * 5 + 2)),
    ("while x > 0 do x := x - 1 end", 3 * (1 + 1 + 2) + 2),
    ("repeat x := x - 1 until x == 0", 3 * (1 + 1 + 1)),
    ("for i in 0 .. n - 1 do x := i end", 1 + 5 * 5 + 2),
    ("for i in x downto x - 3 do x := i end", 1 + 1 + 4 * 5 + 2),
    ("for i in 0 .. 0 - 1 do x := i end", 1 + 2),
    ("parallel for i in x .. x + 0 do s := i end", 1 + 4 + 1),
    ("parallel for i in 0 .. 0 - 1 do for j in 1 .. 2 do x := i end end", 4 + (1 + 2 * 5 + 2)),
    ("parallel for i in 0 .. 0, j in 2 .. 2, h in 0 .. 0 do x := j end", 4 + 4 + 4 + 1),
    ("single do x := 1 end", 3 + 1),
    ("x := x / 2", 1),
    ("x := floor(x / 2) + 1", 2),
    ("x := x % 2", 3),
    ("x := (x + 1) % (n + A[x])", 1 + 2 + 3),
    ("x := max(x, 2)", 1),
    ("x := min(x + 1, A[x])", 1 + 1 + 1),
    ("x := lg(x) + popcount(x)", 3),
    ("x := floor(log(x)) * ceil(log(x + 1)) + ctz(x)", 1 + 2 + 1 + 1 + 1),
    ("x := x - 5 + n", 2),
    ("x := n - 9 + x + (x - 1)", 1 + 1 + 1),
    ("x := max(1, x - n)", 1 + 2),
    ("x := max(x - (n - A[x]) + 1 - 2, 1)", (2 + 1) + 2 + 1),
    ("x := min(max(0, x - A[x]), x - 1)", ((1 + 2) + 1) + 1 + 1),
    ("x := inf", 1),
    ("x := if x == 3 then 1 else x + 1", 1 + 2 + 1 + 1),
    ("x := if x then A[x] * 2 else s", 2 + 2 + 1),
    ("A[0] := x * (if x < 2 then x else n) + 1", (1 + 2 + 1 + 1) + 2 + 1),
    ("x := x == 3 and x < 5", 3),
    ("x := x == 3 and A[x] == 3", 1 + 2 + 2),
    ("x := x == 1 or x / x == 1", 1 + 2 + 2),
    ("local y := 1 x, y := y, x", 1 + (1 + 1) + (1 + 1)),
    ("s, A[0] := x + 1, x", (1 + 1) + (1 + 1)),
    ("A[x], x := A[0], x * 2 + 1", (1 + 2) + (1 + 1)),
    ("local a, b := x, x + 1", 1 + 1),
    ("x += 1", 1),
    ("s += x;", 3),
    ("A[x + 1] /= 2", (1 + 2) + (1 + 1)),
    ("local w[2] w[1] := x", 0 + 3),
    ("local w[2] x := w[x - 2] + 1", (1 + 3) + 1),
    ("x := C[1, x - 2, 0]", 1 + 5),
    ("C[1, 0, 1] := x", 1),
    ("C[x - 2, 0, x - 3] := x", 2 + 5),
    ("while x > 0 atmost 3 do x -= 1 end", 1 + 3 * (1 + 1 + 4) + 1),
    ("while x > 0 atmost n + 2 do x -= 1 end", 1 + 7 * (1 + 1 + 4) + 1),
    ("local y := 4 while x > 0 atmost y do x -= 1 end", 1 + 1 + 4 * (1 + 1 + 4) + 1),
    ("local y := 3 while x > 0 atmost (y + 1) * 1 do x -= 1 end", 1 + 2 + 4 * (1 + 1 + 4) + 1),
    ("while x > 0 atmost 3 do x -= 1 if x == 1 then break end end", 1 + 3 * (1 + (1 + (1 + 2 + 1)) + 4) + 1),
    ("while x == 0 atmost 0 do x := 1 end", 1 + 1),
    ("repeat x -= 1 until x == 0 atmost 3", 1 + 3 * (1 + 1 + 4) + 1),
    ("single do while x > 0 do x -= 1 end end", 3 + 2 + 3 * (1 + 1 + 7) + (1 + 5)),
    ("single do repeat x -= 1 until x == 0 end", 3 + 2 + 2 * (1 + 1 + 7) + (1 + 1 + 5)),
    ("single do for i in 0 .. A[x] do s := i end end", 3 + 1 + 1 + 2 + 4 * (1 + 9) + 6),
    ("single do for i in x .. A[x] - 1 do s := i end end", 3 + 1 + 1 + 2 + 0 * (1 + 9) + 6),
    ("single do for i in A[x] downto 2 do s := i end end", 3 + 2 + 0 + 2 + 2 * (1 + 9) + 6),
    ("single do for i in 0 .. A[x] step x - 1 do s := i end end", 3 + 1 + 1 + 1 + 2 + 2 * (1 + 9) + 6),
    ("single do for i in 0 .. A[x] do if i == 1 then break end end end", 3 + 1 + 1 + 2 + 2 * (1 + 2 + 1 + 9) + 6),
    ("single do for i in 0 .. A[x] do if i == 1 then return end end end", 3 + 1 + 1 + 2 + 2 * (1 + 2 + 1 + 9) + 6),
    ("while x > 0 do x -= 1 if x == 1 then break end end", (1 + 1 + 3 + 2) + (1 + 1 + 1 + 1 + 1 + 1)),
    ("for i in 0 .. n do if i == 2 then break end end", 1 + 2 * (3 + 4) + (2 + 1 + 1 + 1)),
    ("for i in 1 .. n step 2 do x := i end", 1 + 3 * (1 + 4) + 2),
    ("for i in 1 .. n step x - 1 do A[0] := i end", 1 + 1 + 3 * (1 + 4) + 2),
    ("for i in x + 1 .. n do x := i end", 1 + 2 * (1 + 4) + 2),
    ("for i in (x + 1) * 1 .. n + x - 3 do A[0] := i end", 2 + (1 + 2) + 2 * (1 + 4) + 2),
    ("for i in 0 .. x - 5 do s := i end", 1 + (1 + 2) + 0 * (1 + 4) + 2),
    ("for i in 0 .. n - x - 3 do s := i end", 1 + (0 + 2) + 0 * (1 + 4) + 2),
    ("for i in 0 .. A[0] - 1 do s := i end", 1 + (1 + 1) + 0 * (1 + 4) + 2),
    ("for i in A[0] - 1 downto 0 do s := i end", (1 + 1) + 1 + 0 * (1 + 4) + 2),
    ("for i in x - 4 downto 0 do s := i end", (1 + 2) + 1 + 0 * (1 + 4) + 2),
    ("for i in x * 2 - A[x] downto 2 do s := i end", (2 + 1 + 2) + 1 + 2 * (1 + 4) + 2),
    ("single do for i in 0 .. A[x] - x * 2 do s := i end end", 3 + 1 + (2 + 1 + 2) + 2 + 6),
    ("single do for i in A[x] - x * 2 downto 0 atmost 2 do s := i end end", 3 + (2 + 1 + 2) + 1 + 2 * (1 + 6) + 1),
    ("parallel for i in 0 .. n - (2 << x) do s := 1 end", 4 + (1 + 1) + 1),
    ("parallel for i in 0 .. x - A[n - 1] do s := i end", 4 + (1 + 1) + 1),
    ("parallel for i in 0 .. x - 3 - 1 do s := i end", 4 + (1 + 1) + 1),
    ("parallel for i in 1 .. n - x - 1 do s := i end", 4 + (0 + 1) + 1),
    ("single do for i in x - 1 .. A[x] atmost 2 do x := i end end", 3 + 1 + 1 + 1 + 2 * (1 + 6) + 1),
    ("for i in 0 .. A[x] - 1 atmost (x + 1) * 1 do s := i end", 1 + 1 + 2 + 4 * (1 + 6) + 1),
    ("for i in 2 downto 0 atmost 3 do x := i end", 1 + 1 + 3 * (1 + 6) + 1),
    ("for i in x downto 1 atmost 4 do A[0] := i end", 1 + 1 + 4 * (1 + 6) + 1),
    ("for i in 0 .. x step 2 atmost 5 do A[0] := i end", 1 + 1 + 5 * (1 + 6) + 1),
    ("parallel for i in 0 .. 0, j in 0 .. x - 3 do s := j end", 4 + 4 + ((1 + 2) + 3) + 1),
    ("parallel for i in 0 .. 0, j in 0 .. x * 2 - 7 do s := j end", 4 + 4 + ((2 + 2) + 3) + 1),
    ("parallel for i in 0 .. 0, j in 0 .. n - x - 2 do s := j end", 4 + 4 + (2 + 3) + 1),
    ("parallel for i in 0 .. 0, j in 0 .. 0, h in 0 .. x - 3 do s := j end", 4 + 4 + (4 + 2) + ((1 + 2) + 3) + 1),
    ("single do return x := 1 end", 3 + 1 + 1),
    ("single do if x == 3 then return end s := x end x := 1", 3 + (1 + 2 + 1) + 1 + 1),
    ("parallel for i in 0 .. 0 do for j in 1 .. 4 do if j == 2 then return end end end", 4 + (1 + 4 * ((1 + 2 + 1) + 4) + 2)),
    ("single do while x > 0 atmost 5 do x -= 1 return end end", 3 + 1 + 5 * (1 + 2 + 4) + 1),
    ("barrier x := 1 barrier", 1),
    ('print "x", A[x + 1] * 2, x x := 1 print x', 1),
    ("if x == 3 then print x else x := 1 print x end print x", 1 + 2 + 1),
    ("if x == 3 then barrier else barrier x := 1 end", 1 + 2 + 1),
    ("single do barrier end parallel for i in 0 .. 0 do barrier end", 3 + 4),
    ("for i in [7, n, x] do s := 1 + i - i end", 1 + 3 * ((3 * 3 - 1) + 3 + 4) + 2),
    ("for i in [x + 1, (x + 2) * 2] do s := i end", 1 + 2 * ((1 + 2 + 3 * 2 - 1) + 1 + 4) + 2),
    ("for i in [x] do s := i break end", 1 + (2 + (3 - 1) + 1 + 1)),
    ("parallel for i in [n] do s := i end", 4 + (3 - 1) + 1),
    ("parallel for i in [x * 2], j in [n - 1] do s := i + j end", (4 + 4) + (1 + 2) + 2 + 2),
    ("parallel for i in [4, x, 2] on 1 do A[i] := i end", (1 + 3 * 4 + 2) + 3 * (1 + (3 + 4) + (3 * 3 - 1) + 1)),
    ("single do for i in [1, 2, 5] do if i == x - 1 then break end end end", 3 + 1 + 1 + 3 * (8 + (2 + 2 + 1) + 6) + 1),
    ("halt", 1 - 1),
    ("while n do if x > 1 then halt end end", 1 + (1 + 1) + 1 - 1),
]


@pytest.mark.parametrize(("statement", "steps"), COSTS)
def test_time_is_what_the_table_says(statement: str, steps: int) -> None:
    text = f"mode CRCW common param n shared s : inout, A[n] : inout, M[4, 3], C[2, 2, 2] local x := 3 {statement}"
    arrays = {"s": 0, "A": [0, 1, 2, 3, 4]}
    assert run(text, arrays, n=5).time == 1 + steps + 1
    assert machine.run(parse_program("program test " + text).instantiate({"n": 5}, arrays)).time == 1 + steps + 1


#: The range of i, a `for` whose bounds differ, C of its bounds, and its rounds; four processors, n = 10, b = 3.
ROUNDS = [
    ("0 .. 3", "i * b .. (i + 1) * b - 1", 1 + 2, 3),  # of the end, C((i + 1) * b)
    ("0 .. 3", "i * b .. min(n, (i + 1) * b) - 1", 1 + 3, 3),
    ("0 .. 3", "i * b .. min((i + 1) * b, n) - 1", 1 + 3, 3),
    ("0 .. 3", "i + 1 .. n - 1", 1 + 0, 9),
    ("0 .. n - 7", "i .. n - 1", 1 + 0, 10),
    ("2 .. 5", "i * i .. n step i", 1 + 0, 7),  # from 4; a step that differs is taken as 1
    ("2 .. 5", "i * i .. n step b", 1 + 0, 3),  # 4, 7, 10
    ("1 .. 4", "0 .. i - 1", 1 + 0, 4),
    ("1 .. 4", "0 .. i", 1 + 0, 5),
    ("0 .. 3", "i downto 0", 1 + 0, 4),
    ("0 .. 3", "i - 1 downto 0", 1 + 0, 3),
    ("0 .. 3", "max(1, i) .. 3", 1 + 0, 3),
    ("0 .. 3", "n / 2 .. n / 2 + i", 1 + 1, 4),
    ("0 .. 3", "A[i] .. 4", 1 + 0, 5),
    ("0 .. 3", "pid .. pid + i", 1 + 1, 4),
]


@pytest.mark.parametrize(("items", "bounds", "cost", "rounds"), ROUNDS)
def test_rounds_follow_from_bounds_that_differ(items: str, bounds: str, cost: int, rounds: int) -> None:
    """Time and values: in each round every processor that has an item adds it."""
    head = "mode CREW param n, b procs 4 shared A[4] : input, B[6] : output "
    text = f"{head} parallel for i in {items} do local x := 0 for j in {bounds} do x += j end B[i] := x end"
    arrays = {"A": [0, 3, 4, 5]}
    result = run(text, arrays, n=10, b=3)
    assert result.time == 4 + 1 + (cost + 1 + rounds * (1 + 6) + 1) + 1 + 1
    ours = machine.run(parse_program("program test " + text).instantiate({"n": 10, "b": 3}, arrays))
    assert (ours.time, ours.outputs) == (result.time, result.outputs)


def test_return_ends_one_item() -> None:
    """The others go on; with `on` the same processor takes its next item, and after the block all go on."""
    head = "mode CREW procs 4 shared A[6] : input, B[6] : output, C[4] : output "
    search = "parallel for i in 0 .. 5 on 4 do for j in 0 .. 5 do if A[j] == i then B[i] := j + 10 return end end B[i] := 7 end "
    text = head + search + "C[pid] := pid + 1"
    arrays = {"A": [2, 0, 0, 5, 9, 2]}
    outputs = {"B": [11, 7, 10, 7, 7, 13], "C": [1, 2, 3, 4]}
    found = machine.run(parse_program("program test " + text).instantiate({}, arrays))
    assert found.outputs == run(text, arrays).outputs == outputs
    body = 1 + 6 * ((1 + 1 + 2) + (1 + 1) + 1 + 4) + 2 + 1
    assert found.time == run(text, arrays).time == (1 + 2 * 4 + 2) + 2 * (1 + (4 + 3) + body) + 2 + 1


def test_lists_give_their_values() -> None:
    """Items of a `parallel for` in order, twice the same value, and rounds of a `for` in which each processor has its own values."""
    head = "mode CREW procs 6 shared B[6] : output, C[3, 2] : output local m := 4 "
    text = head + "parallel for i in [5, m, 0] do B[i] := pid + 1 end "
    text += "parallel for i in [2, m - 4], j in [1, 0] do C[i, j] := pid + 1 end "
    text += "parallel for i in 1 .. 3 do for d in [i * 2, 7, 0 * i, 7] do B[i] := B[i] * 8 + d end end"
    rounds = [int(f"{2 * i}707", 8) for i in (1, 2, 3)]
    outputs = {"B": [3, *rounds, 2, 1], "C": [[4, 3], [0, 0], [2, 1]]}
    found = machine.run(parse_program("program test " + text).instantiate({}, {}, 20))
    assert found.outputs == run(text, word_bits=20).outputs == outputs


@pytest.mark.parametrize(("last", "rounds"), [("d", 6), ("d - 1", 5), ("min(d, 2)", 3), ("n", 11)])
def test_a_list_of_parameters_bounds_the_rounds_of_a_for(last: str, rounds: int) -> None:
    head = "mode CREW param n procs 3 shared B[6] : output "
    text = f"{head} parallel for d in [1, n - 5, 0] do local x := 0 for j in 0 .. {last} do x += 1 end B[d] := x end"
    result = run(text, n=10)
    cost = 3 * 3 - 1 + ("min" in last)
    control = 1 + rounds * (1 + 4) + 2 if last == "n" else 1 + 1 + rounds * (1 + 6) + 1
    assert result.time == 4 + cost + 1 + control + 1 + 1
    ours = machine.run(parse_program("program test " + text).instantiate({"n": 10}, {}))
    assert (ours.time, ours.outputs) == (result.time, result.outputs)


def test_a_loop_that_tells_through_a_cell_leaves_its_last_round_in_it() -> None:
    head = "procs 3 shared A[3] : output, F local x := 0"
    loop = "parallel for i in 0 .. 2 do while x < i do x += 1 A[i] := x end end"
    for mode in ("CRCW common", "CRCW arbitrary", "CRCW priority"):
        result = run(f"mode {mode} {head} {loop}")
        assert result.memory == [0, 1, 2, 0, 2]
        assert result.time == 1 + 4 + (2 + 2 * (1 + 2 + 7) + (1 + 5)) + 1
        assert result.shared_accesses == 3 + 3 * 3 + 3  # all at the start and in each of three rounds; A once and twice


@pytest.mark.parametrize("mode", ["common", "arbitrary", "priority", "max", "min"])
def test_a_for_goes_on_while_any_processor_has_an_item(mode: str) -> None:
    """Processor i has i + 1 items, and the last has none. Four rounds, of which the last only finds that all are done."""
    text = f"mode CRCW {mode} procs 4 shared A[4] : input, B[4] : output, F "
    text += "parallel for i in 0 .. 3 do local x := 0 for j in 1 .. A[i] do x += j end B[i] := x end"
    arrays = {"A": [1, 2, 3, 0]}
    result = run(text, arrays)
    assert result.memory == [1, 2, 3, 0, 1, 3, 6, 0, 0, 3]
    assert result.time == 4 + 1 + (1 + 1 + 2 + 3 * (1 + 9) + 6) + 1 + 1
    assert result.shared_accesses == 4 + 4 + 4 * 4 + 4  # A; all at the start, and in each of four rounds; B
    ours = machine.run(parse_program("program test " + text).instantiate({}, arrays))
    assert (ours.time, ours.memory.tolist(), ours.costs.shared_accesses) == (result.time, result.memory, result.shared_accesses)


@pytest.mark.parametrize("k", range(5))
def test_tree_sum_and_hillis_steele_take_the_stated_time(k: int) -> None:
    numbers = [3 * i % 7 for i in range(1 << k)]
    total = run_example("tree_sum", {"A": numbers}, n=1 << k)
    assert (total.outputs, total.time) == ({"total": sum(numbers)}, 9 + 17 * k)
    sums = run_example("hillis_steele", {"A": numbers}, n=1 << k)
    assert sums.outputs == {"A": [sum(numbers[: i + 1]) for i in range(1 << k)]}
    assert sums.time == 4 + 13 * k


def test_examples_compute_what_they_are_named_for() -> None:
    assert run_example("bitonic_sort", {"A": [5, 1, 4, 4, 0, 9, 2, 3]}, k=3).outputs["A"] == [0, 1, 2, 3, 4, 4, 5, 9]
    assert run_example("closure", {"R": [[0, 1, 0], [0, 0, 1], [0, 0, 0]]}, n=3).outputs["R"] == [[1, 1, 1], [0, 1, 1], [0, 0, 1]]
    assert run_example("components", {"U": [0, 2, 1, 3], "V": [2, 0, 3, 1]}, n=4, m=4).outputs["D"] == [0, 1, 0, 1]
    assert run_example("dyck", {"X": [0, 2, 3, 1]}, k=2).outputs["ok"] == 1
    assert run_example("dyck", {"X": [0, 2, 1, 3]}, k=2).outputs["ok"] == 0
    assert run_example("list_rank", {"next": [2, 4, 3, 1]}, n=4).outputs["rank"] == [3, 0, 2, 1]


def test_memory_lies_in_groups_and_outputs_are_nested() -> None:
    text = "param n shared O[2] : output, w, B[n, 2] : inout, A : input, Z : output O[1] := A w := 7 B[1, 0] := 9 Z := 8"
    result = run(text, {"A": 6, "B": [1, 2, 3, 4]}, n=2)
    assert result.memory == [6, 1, 2, 9, 4, 0, 6, 8, 7]
    assert result.outputs == {"O": [0, 6], "B": [[1, 2], [9, 4]], "Z": 8}
    assert result.shared_accesses == 5
    assert (result.processors, result.word_bits) == (1, 2 * 4 + 2)


def test_processors_run_in_lock_step() -> None:
    rotate = "mode CREW procs 4 shared A[4] : inout parallel for i in 0 .. 2 do A[i] := A[i + 1] end"
    result = run(rotate, {"A": [1, 2, 3, 4]})
    assert (result.outputs["A"], result.shared_accesses) == ([2, 3, 4, 4], 6)
    ranges = "procs 16 shared A[3, 3] : output parallel for i in 0 .. 2, j in 1 .. 3 do A[i, j - 1] := pid + 1 end"
    assert run(ranges).outputs["A"] == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def test_access_modes_judge_each_step() -> None:
    write = "procs 4 shared s : output parallel for i in 1 .. 3 do s := "
    read = "procs 2 shared s local x := s"
    assert trap(read) == trap("mode EREW " + read) == "conflict"
    assert run("mode CREW " + read).shared_accesses == 2
    assert trap(f"mode CREW {write} 1 end") == trap(f"mode CRCW common {write} i end") == "conflict"
    assert run(f"mode CRCW common {write} 5 end").outputs["s"] == 5
    assert [run(f"mode CRCW {rule} {write} i end").outputs["s"] for rule in ("arbitrary", "priority")] == [1, 1]


#: Programs of 2 processors with words of 4 bits, and the kind of error that ends them.
TRAPS = [
    ("local x := 15 x := x + 1", "overflow"),
    ("local x := 9 x := x << 1", "overflow"),
    ("local x := 0 x := x - 1", "underflow"),
    ("local x := 4 x := 1 << x", "shift"),
    ("local x := 1 x := x >> 4", "shift"),
    ("for i in 14 .. 15 do end", "overflow"),
    ("shared A[3] single do A[3] := 1 end", "index"),
    ("shared M[3, 2] local x := 2 single do M[0, x] := 1 end", "index"),
    ("while pid == 0 do end", "disagree"),
    ("repeat until pid == 0", "disagree"),
    ("if pid then halt end", "disagree"),
    ("parallel for i in 0 .. 2 do end", "items"),
    ("parallel for i in 0 .. 0, j in 0 .. 2 do end", "items"),
    ("local x := 16", "parameter"),
    ("local x := 1 x := x * (2 - 3)", "parameter"),
    ("local x := 1 x := x + 5 - 7", "underflow"),
    ("local x := 1 x := x - (x - 15) + 1", "overflow"),
    ("local x := 1 x := (x - 2) * x - 1 + 5", "underflow"),
    ("local x := 1 x := max(x - 2, x - 3)", "underflow"),
    ("local x := 9 x := max(0, x + 9 - 10)", "overflow"),
    ("local x := 9 x := max(0, 10 - (x + 9))", "overflow"),
    ("local x := 1 x := min(0, x - 2)", "underflow"),
    ("local x := 1 x := max(x, 16)", "parameter"),
    ("parallel for i in 0 - 1 .. 0 do end", "parameter"),
    ("while 1 do end", "steps"),
    ("local x := 0 x := 3 / x", "undefined"),
    ("local x := 0 x := 3 % x", "undefined"),
    ("local x := 0 x := lg(x)", "undefined"),
    ("local x := 0 x := ctz(x) + floor(log(x))", "undefined"),
    ("local x := 0 if x != 0 and 3 / x == 1 then end x := lg(x)", "undefined"),
    ("while pid < 3 atmost 2 do end", "rounds"),
    ("repeat until pid == 3 atmost 1", "rounds"),
    ("repeat until pid < 3 atmost 0", "rounds"),
    ("for i in 0 .. pid + 2 atmost 3 do end", "rounds"),
    ("local x := 0 for i in 0 .. 3 step x do end", "undefined"),
    ("for i in 0 .. pid step 0 do end", "undefined"),
    ("local x := 15 for i in x downto pid atmost 3 do end", "overflow"),
    ("for i in 14 + pid .. 15 do end", "parameter"),
    ("local x := 2 parallel for i in 0 .. 0, j in 0 .. x do end", "items"),
    ("local x := 15 parallel for i in 0 .. 0, j in 1 .. x do end", "overflow"),
    ("local w[2] w[pid + 1] := 1", "index"),
    ("shared A[1 .. 3] local x := 0 single do A[x] := 1 end", "index"),
    ("param n", "input"),
    ("shared A[2] : input", "input"),
]


@pytest.mark.parametrize(("text", "kind"), TRAPS)
def test_traps(text: str, kind: str) -> None:
    declarations, statements = (text, "") if text.startswith(("param n", "shared A[2]")) else ("", text)
    assert trap(f"procs 2 {declarations} {statements}", word_bits=4) == kind


def test_wrap_takes_away_arithmetic_traps_only() -> None:
    text = "word 4 wrap shared A[4] : output, B[3] local x := 9 A[0] := x << 1 A[1] := 1 - x A[2] := x + x * x A[3] := 1 << x "
    assert run(text).outputs["A"] == [2, 8, 10, 0]
    assert trap(text + "x := B[x]") == "index"
    assert trap(text + "for i in 15 .. 15 do end") == "overflow"


def test_what_no_processor_uses_does_no_harm() -> None:
    unused = "if x == 2 then x := n - 1 end parallel for i in 0 .. n - 1 do x := n - 1 end for i in 5 .. n - 1 do end"
    assert run("param n local x := 1 " + unused, n=0).time == 1 + (1 + 2 + 1) + (4 + 1) + 3 + 1
    assert trap("local x := 1 parallel for i in 0 .. 0 - 1 do for j in 0 .. (x - 2) * 1 do end end") == "underflow"


@pytest.mark.parametrize(
    "given", [{"A": [1]}, {"A": [1, 9]}, {"A": [1, -1]}, {"A": 1}, {"A": [[1, 2]]}, {}, {"A": [1, 2], "B": [1]}]
)
def test_bad_inputs_are_refused(given: dict[str, Any]) -> None:
    text = "shared A[2] : input in 0 .. 8"
    assert run(text, {"A": [8, 0]}).memory == [8, 0]
    assert trap(text, given) == "input"
