"""The standard library: what its procedures leave, against plain Python; their exact costs; their modes; their promises."""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from random import Random
from typing import Any

import pytest
from kit.runs import assert_same
from oracles.calls import with_bodies
from oracles.evaluator import evaluate

from lockstep.pram.format import format_text
from lockstep.pram.libraries import standard_libraries, standard_text
from lockstep.pram.machine import Run, run
from lockstep.pram.parser import parse
from lockstep.pram.program import parse_program
from lockstep.pram.syntax import Proc

SIZES = (*range(1, 10), 15, 16, 17)


def lg(n: int) -> int:
    return (n - 1).bit_length()


def program(mode: str, declarations: str, calls: str) -> str:
    return f"program t\nmode {mode}\nparam n\nprocs n\n{declarations}\n{calls}\n"


ONE = "shared A[n] : inout, s : output"
TWO = "shared A[n] : inout, S[n] : output"


class Row:
    """text: in the weakest mode. python: what the arrays are, from A (and K). time: the steps of the whole program, the end with them."""

    def __init__(self, text: str, python: Callable[[list[int], list[int]], dict[str, Any]], time: Callable[[int], int]) -> None:
        self.text, self.python, self.time = text, python, time


def sums(A: list[int]) -> list[int]:
    return [sum(A[: i + 1]) for i in range(len(A))]


def kept(A: list[int], K: list[int]) -> dict[str, Any]:
    found = [a for a, k in zip(A, K) if k]
    return {"B": found + [0] * (len(A) - len(found)), "P": sums(K), "K": K, "A": A}


def rounds(n: int) -> int:
    """The rounds of a bitonic sort: for blocks of 2, 4, .. cells 1, 2, .."""
    return comb(lg(n) + 1, 2)


ROWS = {
    "prefix_sum": Row(program("EREW", TWO, "prefix_sum(A, S)"), lambda A, _: {"A": A, "S": sums(A)}, lambda n: 10 + 13 * lg(n)),
    "prefix_sum in place": Row(program("EREW", ONE, "prefix_sum(A, A)"), lambda A, _: {"A": sums(A)}, lambda n: 10 + 13 * lg(n)),
    "total": Row(program("EREW", ONE, "s := total(A)"), lambda A, _: {"s": sum(A)}, lambda n: 9 + 17 * lg(n)),
    "maximum": Row(program("EREW", ONE, "maximum(A, s)"), lambda A, _: {"s": max(A)}, lambda n: 9 + 17 * lg(n)),
    "minimum": Row(program("EREW", ONE, "s := minimum(A)"), lambda A, _: {"s": min(A)}, lambda n: 9 + 17 * lg(n)),
    "reduce": Row(program("EREW", ONE, "s := reduce(max, A)"), lambda A, _: {"s": max(A)}, lambda n: 9 + 17 * lg(n)),
    "reduce to a local": Row(
        program("CREW", ONE, "local z := 1 + total(A)\nsingle do s := z end"), lambda A, _: {"s": 1 + sum(A)},
        lambda n: 1 + 4 + 17 * lg(n) + 1 + 4 + 1,
    ),
    "broadcast": Row(
        program("EREW", TWO + ", x : input", "broadcast(x, S)"), lambda A, K: {"S": [K[0]] * len(A)}, lambda n: 9 + 14 * lg(n)),
    "compact": Row(
        program("EREW", "shared A[n] : inout, K[n] : inout, B[n] : output, P[n] : output", "compact(A, K, B, P)"), kept,
        lambda n: 9 + 13 * lg(n) + 12 + 1,
    ),
    "reverse": Row(program("EREW", ONE, "reverse(A)"), lambda A, _: {"A": A[::-1]}, lambda n: 4 + 1 + 4 + 1),
    "swap": Row(program("EREW", ONE, "single do swap(A[0], A[n - 1]) end"), lambda A, _: {"A": [A[-1], *A[1:-1], A[0]][: len(A)]},
                lambda n: 3 + 4 + 1),
    "bitonic_sort": Row(
        program("EREW", ONE, "bitonic_sort(A)"), lambda A, _: {"A": sorted(A)}, lambda n: 4 + 7 * lg(n) + 26 * rounds(n)),
}  # fmt: skip


def run_row(row: Row, n: int, seed: int) -> tuple[Run, list[int], list[int], str]:
    random = Random(seed)
    A, K = [random.randrange(100) for _ in range(n)], [random.randrange(2) for _ in range(n)]
    made = parse_program(row.text)
    arrays: dict[str, Any] = {"A": A} | ({"K": K} if "K[n]" in row.text else {}) | ({"x": K[0]} if " x " in row.text else {})
    ours = run(made.instantiate({"n": n}, arrays, 20))
    libraries = tuple(parse(source.text, source.name)[0] for source in made.source.used)
    assert_same(ours, evaluate(with_bodies(parse(row.text)[0], libraries), {"n": n}, arrays, word_bits=20))
    return ours, A, K, row.text


@pytest.mark.parametrize("name", ROWS)
def test_against_plain_python_and_the_evaluator(name: str) -> None:
    row = ROWS[name]
    for n in SIZES:
        for seed in range(2):
            ours, A, K, _ = run_row(row, n, seed)
            assert {k: v for k, v in ours.outputs.items() if k in row.python(A, K)} == row.python(A, K)
            assert ours.time == row.time(n)


def test_every_procedure_says_what_it_promises() -> None:
    for name in standard_libraries():
        tree, _ = parse(standard_text(name), f"<{name}>")
        procs = [d for d in tree.declarations if isinstance(d, Proc)]
        assert tree.library and procs and all(proc.promises for proc in procs), name


@pytest.mark.parametrize("name", standard_libraries())
def test_every_library_can_be_used_by_name(name: str) -> None:
    """`use` checks all of its procedures, also those that nothing calls."""
    made = parse_program(f"program t\nuse <{name}>\nhalt\n")
    assert made.source.used[0].text == standard_text(name)
    assert made.sha256 != parse_program("program t\nhalt\n").sha256


def numbers(calls: int, processors: int, seed: int | None, bits: int) -> list[list[int]]:
    """The numbers of each processor, from a program that draws them one after the other."""
    text = f"program t\nparam k{'' if seed is None else ', seed'}\nprocs {processors}\nshared A[k, {processors}] : output\n"
    text += f"for t in 0 .. k - 1 do parallel for i in 0 .. {processors - 1} do A[t, i] := random() end end\n"
    given = {"k": calls} | ({} if seed is None else {"seed": seed})
    found: Any = run(parse_program(text).instantiate(given, {}, bits), max_steps=10**6).outputs["A"]
    return [[row[p] for row in found] for p in range(processors)]


def linear(calls: int, pid: int, seed: int, bits: int) -> list[int]:
    """The same in plain Python."""
    k = bits // 2
    a, half = (0x9E3779 // 2 ** (27 - k) * 8 + 5) % 2**k, k // 2
    b = 0x6487ED // 2 ** (24 - k) | 1
    x, found = (pid % 2**k * b + seed) % 2**k, []
    for _ in range(calls):
        x = (a * x + 1) % 2**k
        found.append((x >> half) + (x % 2**half << k - half))
    return found


@pytest.mark.parametrize("bits", [2, 3, 4, 7, 10, 16, 24])
@pytest.mark.parametrize("seed", [None, 1, 12345])
def test_random_numbers(bits: int, seed: int | None) -> None:
    """In words of every length; without a seed as with 1."""
    processors = min(3, 2**bits // 2)
    calls = min(40, 2 ** (bits - 1) // processors // 2) if bits < 8 else 40
    found = numbers(max(calls, 1), processors, seed, bits) if bits > 3 else []
    assert found == [linear(max(calls, 1), p, seed or 1, bits) for p in range(len(found))]


def test_random_numbers_take_all_values_before_one_returns() -> None:
    for bits in range(4, 17):
        found = linear(2 ** (bits // 2), 3, 7, bits)
        assert sorted(found) == list(range(2 ** (bits // 2)))


def test_two_calls_of_random_draw_two_numbers() -> None:
    """All calls of a processor share its generator; one takes as many steps as another."""
    text = "program t\nshared A[4] : output\nsingle do\n" + "".join(f"A[{k}] := random()\n" for k in range(4)) + "end\n"
    found = run(parse_program(text).instantiate({}, {}, 16))
    assert found.outputs["A"] == linear(4, 0, 1, 16)
    assert found.time == 3 + 4 * 23 + 1


def test_the_steps_of_random_numbers() -> None:
    """As docs/language.md says: for a local, and for a cell."""
    steps = {}
    for name in ("random", "random_bit"):
        for before, place in (("local z := 0", "z"), ("", "A[0]")):
            text = f"program t\nshared A[1] : output\nsingle do\n{before}\n{place} := {name}()\nend\n"
            steps[name, place] = run(parse_program(text).instantiate({}, {}, 16)).time - 4 - bool(before)
    assert steps == {("random", "z"): 22, ("random", "A[0]"): 23, ("random_bit", "z"): 23, ("random_bit", "A[0]"): 26}


def test_random_bits() -> None:
    text = "program t\nshared A[200] : output\nsingle do for t in 0 .. 199 do A[t] := random_bit() end end\n"
    bits: Any = run(parse_program(text).instantiate({}, {}, 24)).outputs["A"]
    assert bits == [x & 1 for x in linear(200, 0, 1, 24)] and 80 <= sum(bits) <= 120
    assert {tuple(bits[k : k + 3]) for k in range(198)} == {(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)}


@pytest.mark.parametrize("name", standard_libraries())
def test_libraries_have_the_standard_layout(name: str) -> None:
    assert format_text(standard_text(name)) == standard_text(name)
