"""Tests of what `requires` does to drawn inputs: shapes, parameters, words that are drawn anew, and errors."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kit.commands import Do
from kit.jobs import PATHS

from lockstep import load, parse_program, verify
from lockstep.pram import requiring
from lockstep.pram.drawing import STYLES, draw, draw_styled, random_arrays
from lockstep.pram.errors import PramError
from lockstep.pram.probing import is_ordinary, probes, reach
from lockstep.pram.program import Program
from lockstep.pram.reached import reached_nothing
from lockstep.pram.requiring import MOST_DRAWS
from lockstep.proofs_check.failing import shrink_failing
from lockstep.proofs_check.fuzzing.inputs import choices_of, input_maker
from lockstep.proofs_check.verification import Options

Params, Arrays = dict[str, int], dict[str, Any]
SIZES, NUMBERS = (1, 2, 3, 4, 6), range(9)


def of(shared: str, requires: str = "", params: str = "n", more: str = "") -> Program:
    return parse_program(f"program t\nmode CREW\nparam {params}\nprocs max(1, n)\n{shared}\n{requires}\n{more}\n")


def draws(program: Program, sizes: Any = SIZES, numbers: Any = NUMBERS) -> tuple[list[tuple[Params, Arrays]], int]:
    """Inputs of some sizes, and how many draws were rejected. Each is what the program requires."""
    rejected: list[int] = []
    found = [draw(program, size, number, 1, note=rejected.append) for size in sizes for number in numbers]
    for each in found:
        program.instantiate(*each)
    return found, sum(rejected)


def ascends(words: list[int]) -> bool:
    return all(a <= b for a, b in pairwise(words))


def apart(words: list[int]) -> bool:
    return len(set(words)) == len(words)


# -- shapes ----------------------------------------------------------------------------------------

A, AB, UV, M = (
    "shared A[n] : input",
    "shared A[n] : input, B[n] : input",
    "shared U[m] : input, V[m] : input",
    "shared M[n, n] : input",
)
EDGES = "forall e in 0 .. m - 1 : U[e] < n and V[e] < n"
#: Declarations, what is required, the parameters, and the same in Python. All of these are drawn directly: no draw is rejected.
SHAPES: list[tuple[str, str, str, Callable[[Params, Arrays], bool]]] = [
    (A, "sorted(A)", "n", lambda p, a: ascends(a["A"])),
    (A, "distinct(A)", "n", lambda p, a: apart(a["A"])),
    (A, "permutation(A)", "n", lambda p, a: sorted(a["A"]) == list(range(p["n"]))),
    (AB, "permutation(A, B)", "n", lambda p, a: Counter(a["A"]) == Counter(a["B"])),
    (AB, "permutation(A, B) and sorted(B) and distinct(A)", "n", lambda p, a: a["B"] == sorted(a["A"]) and apart(a["A"])),
    (f"{AB}, C[2 * n] : input", "permutation(C, A, B) and sorted(C)", "n", lambda p, a: a["C"] == sorted(a["A"] + a["B"])),
    (AB, "A == B and distinct(A)", "n", lambda p, a: a["A"] == a["B"] and apart(a["A"])),
    (A, "sorted(A) and distinct(A) and forall i in 0 .. n - 1 : n <= A[i] and A[i] < 3 * n", "n",
     lambda p, a: ascends(a["A"]) and apart(a["A"]) and all(p["n"] <= x < 3 * p["n"] for x in a["A"])),
    (A, "forall i in 0 .. n - 1 : 100 > A[i] and A[i] > 97", "n", lambda p, a: {98, 99} >= set(a["A"])),
    (A, "forall i in 0 .. n - 1 : A[i] > 1000", "n", lambda p, a: all(x > 1000 for x in a["A"])),
    (A, "forall i in 0 .. n - 2 : A[i] < A[i + 1]", "n", lambda p, a: ascends(a["A"]) and apart(a["A"])),
    (A, "forall i in 1 .. n - 1 : A[(i - 1) / 2] >= A[i]", "n",
     lambda p, a: all(a["A"][(i - 1) // 2] >= a["A"][i] for i in range(1, p["n"]))),
    (A, "forall i in 0 .. n - 1 : A[i] % 4 == 3 or A[i] == 0", "n", lambda p, a: {0, 3, 7, 11, 15} >= set(a["A"])),
    (A, "forall i in 0 .. n - 1 : i > 0 ==> A[i] < i", "n", lambda p, a: all(x < i for i, x in enumerate(a["A"]) if i)),
    (A, "n > 3 ==> A[0] == n", "n", lambda p, a: p["n"] <= 3 or a["A"][0] == p["n"]),
    (M, "forall i in 0 .. n - 1 : sorted(M[i]) and M[i, 0] == i", "n",
     lambda p, a: all(ascends(row) and row[0] == i for i, row in enumerate(np.reshape(a["M"], (p["n"], p["n"])).tolist()))),
    (UV, EDGES, "n, m", lambda p, a: all(x < p["n"] for x in a["U"] + a["V"])),
    (UV, f"{EDGES} and U[e] != V[e]", "n, m", lambda p, a: all(u != v and u < p["n"] > v for u, v in zip(a["U"], a["V"]))),
    (UV, f"{EDGES} and U[e] < V[e]", "n, m", lambda p, a: all(u < v < p["n"] for u, v in zip(a["U"], a["V"]))),
    ("shared O[n + 1] : input, C[m] : input", "sorted(O) and O[0] == 0 and O[n] == m and forall e in 0 .. m - 1 : C[e] < n", "n, m",
     lambda p, a: ascends(a["O"]) and a["O"][0] == 0 and a["O"][-1] == p["m"] and all(c < p["n"] for c in a["C"])),
    ("shared x : input, y : input", "0 < x and x < n and y == n + 100", "n", lambda p, a: 0 < a["x"] < p["n"] == a["y"] - 100),
    ("word 6 signed shared A[n] : input", "sorted(A) and forall i in 0 .. n - 1 : A[i] < 0 - 20", "n",
     lambda p, a: ascends(a["A"]) and all(-32 <= x < -20 for x in a["A"])),
    ("shared A[1 .. n] : input", "forall i in 1 .. n : A[i] <= i", "n", lambda p, a: all(x <= i for i, x in enumerate(a["A"], 1))),
    ("shared A[n] : input in 0 .. 5", "distinct(A)", "n", lambda p, a: apart(a["A"]) and set(a["A"]) <= set(range(6))),
]  # fmt: skip


@pytest.mark.parametrize(["shared", "requires", "params", "holds"], SHAPES, ids=[f"{s[0][7:]}: {s[1]}" for s in SHAPES])
def test_shapes_are_drawn_directly(shared: str, requires: str, params: str, holds: Callable[[Params, Arrays], bool]) -> None:
    found, rejected = draws(of(shared, f"requires {requires}", params))
    assert [each for each in found if not holds(*each)] == []
    assert rejected == 0
    assert len({repr(each) for each in found}) > 6


#: As SHAPES, but some cells are drawn anew, and some draws are rejected.
REPAIRED: list[tuple[str, str, str, Callable[[Params, Arrays], bool]]] = [
    (A, "forall i in 0 .. n - 1 : A[i] < n and A[A[i]] == A[i]", "n",
     lambda p, a: all(x < p["n"] and a["A"][x] == x for x in a["A"])),
    (A, "sum(i in 0 .. n - 1 : A[i]) == 10", "n", lambda p, a: sum(a["A"]) == 10),
    (A, "exists i in 0 .. n - 1 : A[i] == 90", "n", lambda p, a: 90 in a["A"]),
    (A, "A[0] != inf and A[0] + A[n - 1] > 25", "n", lambda p, a: a["A"][0] + a["A"][-1] > 25),
    (UV, f"(m <= n * (n - 1) / 2 and ({EDGES} and U[e] < V[e])) "
     "and forall e in 0 .. m - 1, f in 0 .. e - 1 : U[e] != U[f] or V[e] != V[f]", "n, m",
     lambda p, a: apart(list(zip(a["U"], a["V"]))) and all(u < v < p["n"] for u, v in zip(a["U"], a["V"]))),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize(["shared", "requires", "params", "holds"], REPAIRED, ids=[r[1] for r in REPAIRED])
def test_what_has_no_shape_is_drawn_anew(
    shared: str, requires: str, params: str, holds: Callable[[Params, Arrays], bool]
) -> None:
    found, rejected = draws(of(shared, f"requires {requires}", params))
    assert [each for each in found if not holds(*each)] == []
    assert rejected < MOST_DRAWS


EXAMPLES = [path for path in PATHS if load(path).contracts.requires]


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_examples_need_no_sidecar_for_inputs(path: Path) -> None:
    """Shapes suffice for what the examples require; of many inputs at most a few are rejected."""
    found, rejected = draws(load(path), range(1, 7), range(4))
    assert len(found) == 24 and rejected <= 2


def test_draws_are_as_varied_as_what_is_required() -> None:
    """All permutations, all pairs of different words, and all arcs are drawn."""
    arrays = draws(of(A, "requires permutation(A)"), [4], range(300))[0]
    assert len({repr(a) for _, a in arrays}) == 24
    pairs = draws(of("shared A[n] : input in 0 .. 3", "requires distinct(A)"), [2], range(200))[0]
    assert len({repr(a) for _, a in pairs}) == 12
    arcs = draws(of(UV, f"requires {EDGES} and U[e] != V[e]", "n, m"), [3], range(50))[0]
    assert len({arc for _, a in arcs for arc in zip(a["U"], a["V"])}) == 6


def test_styles_stay_as_far_as_they_may() -> None:
    rng = np.random.default_rng
    program = of(A, "requires distinct(A) and forall i in 0 .. n - 1 : A[i] < 40")
    assert min(draw_styled(program, 5, "largest", rng(0))[1]["A"]) >= 29
    assert max(draw_styled(program, 5, "smallest", rng(0))[1]["A"]) <= 10
    heavy = of(A, "requires sorted(A)")
    assert draw_styled(heavy, 5, "largest", rng(0))[1]["A"] == [15] * 5
    named = of(A, "requires sorted(A)", more="if n == 77 then halt end")
    assert any(77 in draw_styled(named, 5, "edges", rng(seed))[1]["A"] for seed in range(20))


# -- without `requires`, and with one that says nothing --------------------------------------------

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


def test_programs_without_requires_draw_as_before() -> None:
    """The digest is that of the inputs that Lockstep drew before it knew `requires`."""
    for text in (TEXT, TEXT.replace("parallel", "requires n >= 0 and forall i in 0 .. n - 1 : A[i] >= 0\nparallel")):
        found = [draw(parse_program(text), size, number, 5) for size in range(1, 6) for number in range(9)]
        assert hashlib.sha256(repr(found).encode()).hexdigest()[:16] == "8024fb8321b53000"


def test_draws_depend_on_their_arguments_only() -> None:
    program = of(UV, f"requires {EDGES} and U[e] != V[e] and n == 1 << 2", "n, m")
    keys = [(size, number, seed) for size in (1, 3) for number in (0, 1) for seed in (0, 1)]
    once = [draw(program, *key) for key in keys]
    assert [draw(program, *key) for key in reversed(keys)] == once[::-1]


# -- parameters ------------------------------------------------------------------------------------


def test_parameters_are_the_size_or_near_it() -> None:
    def first(requires: str, size: int, params: str = "n") -> Params:
        return draw(of("shared A[n] : input", f"requires {requires}", params), size, 0, 0)[0]

    assert first("sorted(A)", 5) == {"n": 5}
    assert first("n > 1", 1) == {"n": 2}
    assert first("n % 7 == 3", 12) == {"n": 10}
    assert first("n >= 300", 2) == {"n": 300}
    assert first("n == 1 << k", 8, "n, k") == {"n": 8, "k": 3}
    assert first("n == 1 << k", 5, "n, k") == {"n": 4, "k": 2}
    assert first("m <= n * (n - 1)", 1, "n, m") in ({"n": 2, "m": 1}, {"n": 1, "m": 0})
    assert first("a + b == n and a < b", 6, "n, a, b")["n"] == 6


def test_parameters_that_programs_compute_and_refuse() -> None:
    text = "program t\nparam n\nparam h = n / 2\nprocs n - 1\nshared A[n] : input\nrequires n > 1 and h > 1\n"
    assert draw(parse_program(text), 1, 0, 0)[0] == {"n": 4}
    with pytest.raises(PramError, match="procs is 0"):
        draw(parse_program(text.replace("n > 1 and h > 1", "sorted(A)")), 1, 0, 0)
    with pytest.raises(PramError, match="the limit is"):
        draw(of(A, "requires sorted(A)"), 1 << 40, 0, 0)


def test_arrays_for_given_parameters() -> None:
    program = of(A, "requires n > 2 and permutation(A)")
    assert sorted(random_arrays(program, {"n": 5}, np.random.default_rng(0))["A"]) == [0, 1, 2, 3, 4]
    with pytest.raises(PramError, match="no input of these parameters was found among 1 choices of parameters that fulfils this"):
        random_arrays(program, {"n": 2}, np.random.default_rng(0))


# -- errors ----------------------------------------------------------------------------------------


#: Draws before these tests give up.
FEW = 120


@pytest.mark.parametrize(
    ["requires", "message", "line"],
    [
        ("requires n > 5 and n < 3", "among 199 choices of parameters", 6),
        ("requires sorted(A)\nrequires A[0] != A[0]", f"in {FEW} draws", 7),
        ("requires forall i in 0 .. n - 1 : A[i] < 0", "draws that fulfils this", 6),
        ("requires A[0] == 3 and A[0] == 4\nrequires n > 0", "draws that fulfils this", 6),
        ("requires A[n] == 1", f"in {FEW} draws", 6),
    ],
)
def test_what_contradicts_itself(requires: str, message: str, line: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requiring, "MOST_DRAWS", FEW)
    program = of("shared A[n] : input, s : input", requires)
    with pytest.raises(PramError, match=f"no input of size 3 was found .*{message}") as caught:
        draw(program, 3, 0, 0)
    (found,) = caught.value.diagnostics
    assert found.span is not None and found.span.line == line and found.source == program.source


SORTED = (
    "program t\nparam n\nprocs n\nshared A[n] : inout\nrequires sorted(A)\nparallel for i in 0 .. n - 1 do A[i] := A[i] + 1 end\n"
)


def test_inputs_from_elsewhere_are_named(alone: Do) -> None:
    Path("t.pram").write_text(SORTED)
    Path("in.json").write_text('{"params": {"n": 2}, "arrays": {"A": [4, 3]}}')
    wanted = "t.pram:5:1: error: `requires` does not hold: A holds 4 before 3, at its cells 0 and 1 (input from in.json)"
    for command in ("run", "verify", "decode", "profile"):
        outcome = alone(f"{command} t.pram --input in.json")
        assert (outcome.status, outcome.out, outcome.err.splitlines()[0]) == (1, "", wanted), command
    Path("t.py").write_text('def inputs(size, rng): return {"n": size}, {"A": list(range(size, 0, -1))}\n')
    wanted = "t.pram:5:1: error: `requires` does not hold: A holds 2 before 1, at its cells 0 and 1 (input from `inputs` in t.py)"
    for line in ("run t.pram --size 2", "verify t.pram --sizes 1..3", "modes t.pram --sizes 2"):
        outcome = alone(line)
        assert (outcome.status, outcome.out, outcome.err.splitlines()[0]) == (1, "", wanted), line
    assert alone("run t.pram --size 2 --no-sidecar").status == 0
    assert sorted(path.name for path in Path().iterdir()) == ["in.json", "t.pram", "t.py"]


def test_verify_says_how_many_draws_were_rejected(alone: Do) -> None:
    Path("t.pram").write_text(SORTED.replace("sorted(A)", "sum(i in 0 .. n - 1 : A[i]) == 10"))
    line = "verify t.pram --max-context 500"
    record = json.loads(alone(f"{line} --json").out)
    rejected: list[int] = []
    for size in (1, 2, 3, 4):
        for number in range(3):
            draw(load("t.pram"), size, number, 0, note=rejected.append)
    assert record["rejected"] == sum(rejected) > 1
    assert f"\n{sum(rejected)} draws rejected by `requires`\n" in alone(line).out
    Path("t.pram").write_text(SORTED)
    assert "\n0 draws rejected by `requires`\n" in alone(line).out
    Path("t.pram").write_text(SORTED.replace("requires sorted(A)\n", ""))
    assert "rejected" not in alone(line).out and json.loads(alone(f"{line} --json").out)["rejected"] is None


# -- probes and shrinking --------------------------------------------------------------------------

GUARDED = """program t
mode CREW
param n
procs n
shared A[n] : input, B[n] : inout
requires n > 2 and sorted(A) and forall i in 0 .. n - 1 : A[i] < n
parallel for i in 0 .. n - 1 do
  B[A[i]] := 1
  if A[i] == 7 then B[i] := 2 end
end
"""


def test_probes_that_break_requires_are_left_out() -> None:
    """The line after `then` needs words that no input may hold: all probes for it would leave the array."""
    program = parse_program(GUARDED.replace("mode CREW", "mode CRCW common"))
    found = reach(program, reached_nothing(program), [1, 2, 3])
    assert not found.failures and not found.notes
    assert all(probe.inputs[0]["n"] > 2 for probe in probes(program, [1, 2, 3]))
    report = verify(program, sizes=[1, 2, 3], max_context=0)
    assert not report.failed and report.refused == () and report.unreached


def test_words_that_are_required_are_ordinary() -> None:
    program = of(A, "requires forall i in 0 .. n - 1 : A[i] > 50 and A[i] < 60")
    assert is_ordinary(program, ({"n": 2}, {"A": [51, 59]}))
    assert not is_ordinary(of(A, "requires sorted(A)"), ({"n": 2}, {"A": [51, 59]}))


def test_failing_inputs_shrink_to_inputs_that_are_required() -> None:
    program = parse_program(GUARDED.replace("mode CREW", "mode CRCW common").replace("B[A[i]] := 1", "assert A[i] < 2"))
    report = verify(program, sizes=[5], max_context=0)
    small = shrink_failing(program, report.failed[0], Options(max_context=0), sizes=[5], seconds=10)
    assert small.inputs == ({"n": 3}, {"A": [0, 0, 2], "B": [0, 0, 0]})


def test_inputs_that_are_required_have_choices() -> None:
    program = of(UV, f"requires {EDGES} and U[e] != V[e]", "n, m")
    for number in range(20):
        found = draw(program, 4, number, 0)
        make = input_maker(program, found[0], given=found[1])
        assert choices_of(program, found, make) is not None


def test_every_style_fulfils() -> None:
    for style in STYLES:
        program = of(UV, f"requires {EDGES} and U[e] != V[e]", "n, m")
        for seed in range(5):
            program.instantiate(*draw_styled(program, 4, style, np.random.default_rng(seed)))


def test_a_shape_is_no_wider_than_what_is_required() -> None:
    """Shapes are read from what is required, so an input outside of them breaks it."""
    required = requiring.Required(of(A, "requires forall i in 0 .. n - 1 : 3 <= A[i] and A[i] < 3 * n and A[i] % 2 == 1"))
    shapes = required.shapes({"n": 3})
    taken = [word for word in range(16) if shapes.takes(1, word)]
    assert taken == [3, 5, 7]
    assert required.unmet({"n": 3}, shapes, np.array([3, 4, 5])) is not None
    assert required.unmet({"n": 3}, shapes, np.array([3, 7, 5])) is None
