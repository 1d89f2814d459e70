"""How many rounds a `for` takes whose bounds differ from processor to processor."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lockstep.pram.analysis import analyse
from lockstep.pram.errors import PramError
from lockstep.pram.parameters import evaluate
from lockstep.pram.parser import parse

HEAD = "program t\nparam n, b\nprocs n\nshared A[n] : inout\nparallel for i in 1 .. n do\n  "
VALUES = {"n": 20, "b": 3}


def rounds(bounds: str, head: str = HEAD, computed: Mapping[str, int] = VALUES) -> int | None:
    """The rounds of `for j in BOUNDS` on processors 1 .. n, for n = 20 and b = 3; None if they must be written down."""
    text = head + f"local x := A[i - 1]\n  for j in {bounds} do A[i - 1] := j end\nend\n"
    try:
        loops = analyse(*parse(text)).loops
    except PramError as error:
        assert "write `atmost B` before `do`" in str(error)
        return None
    (kind,) = loops.values()
    assert kind.rounds is not None
    return evaluate(kind.rounds, {**VALUES, **computed})


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ("i * b .. (i + 1) * b - 1", 3),
        ("i .. n", 20),
        ("0 .. i", 21),
        ("i downto 0", 21),
        ("n downto i", 20),
        ("i * b .. min(n, (i + 1) * b) - 1", 3),  # the least of what both ends of the `min` give
        ("i * b .. min((i + 1) * b, n) - 1", 3),
        ("i * b + 1 .. min(n, min(i * n, (i + 1) * b))", 3),
        ("max(0, i * b) .. (i + 1) * b - 1", 3),
        ("max(i * b, 19) .. n", 2),
        ("max(19, i * b) .. n", 2),
        ("i .. min(n, x)", 20),  # one end of the `min` is enough
        ("min(n, x) downto i", 20),
        ("0 .. max(n, x)", None),
        ("0 .. x", None),
        ("x .. n", 21),
        ("i * i .. n step i", 20),
        ("i * b .. n step b", 6),
    ],
)
def test_rounds(bounds: str, expected: int | None) -> None:
    assert rounds(bounds) == expected


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ("i .. n", 20),
        ("i * b .. (i + 1) * b - 1", 3),
        ("i * b .. min(n, (i + 1) * b) - 1", 3),
        ("2 * i .. n", 19),
        ("x .. n", None),  # x may be negative
        ("x & 3 .. n", 21),
        ("i * i .. n", None),
        ("0 .. b * i", None),  # b may be negative
        ("0 .. i * i", None),
    ],
)
def test_signed_words_may_be_negative(bounds: str, expected: int | None) -> None:
    assert rounds(bounds, HEAD.replace("param", "word 16 signed\nparam")) == expected


COMPUTED = [
    ("0 .. (d - e) * i", None),  # it has 3 rounds for i = 1, but d is -5: d * i, at most d, would be less
    ("0 .. (i + 1) * (i - d)", None),
    ("0 .. (n - b) * i", 398),  # given parameters are not negative
    ("i .. n - d * i", 25),  # the machine refuses to multiply by a negative parameter
    ("0 .. max(0, d) * i", 1),
    ("(d - e) * i .. (d - e) * (i + 1)", 4),
    ("d + i .. d + i + 2", 3),
]


@pytest.mark.parametrize(("bounds", "expected"), COMPUTED)
def test_computed_parameters_may_be_negative(bounds: str, expected: int | None) -> None:
    values = {"d": -5, "e": -8}
    assert rounds(bounds, HEAD.replace("n, b", "n, b, d = n - 25, e = d - b"), values) == expected
