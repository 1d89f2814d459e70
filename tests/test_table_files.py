"""Inputs from CSV and NumPy files, and parameters that follow from an input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from kit.commands import FINE, WRONG, Do

DOUBLE = "program double\nparam n\nprocs n\nshared A[n] : input, B[n] : output\n\n" \
         "parallel for i in 0 .. n - 1 do B[i] := A[i] * 2 end\n"  # fmt: skip
ROWS = "program rows\nparam n, m, k\nprocs 1\nshared M[n, m] : input, s : output\n\ns := M[n - 1, m - 1] + k\n"

ONE_AXIS = "program row\nparam n, k\nprocs 1\nshared M[n] : input, s : output\n\ns := M[n - 1] + k\n"


def outputs(do: Do, program: str, file: str) -> str:
    Path("t.pram").write_text(program)
    outcome = do(f"run t.pram --input {file} --json")
    assert outcome.status == FINE, outcome.err
    return outcome.out


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.csv", "row.csv", "a.json"])
def test_the_size_follows_from_the_array(name: str, do: Do) -> None:
    np.save("a.npy", np.array([3, 1, 4]))
    np.savez("a.npz", A=np.array([3, 1, 4]))
    Path("a.csv").write_text("A\n3\n1\n4\n")
    Path("row.csv").write_text("3, 1, 4\n")
    Path("a.json").write_text('{"arrays": {"A": [3, 1, 4]}}')
    assert '"B": [6, 2, 8]' in outputs(do, DOUBLE, name)


def test_parameters_stand_beside_arrays(do: Do) -> None:
    np.savez("m.npz", M=np.arange(6).reshape(2, 3), k=np.int64(10))
    assert '"s": 15' in outputs(do, ROWS, "m.npz")
    Path("m.csv").write_text("M,k\n0,10\n1,\n2,\n3,\n")
    assert '"s": 13' in outputs(do, ONE_AXIS, "m.csv")


def test_a_size_that_is_given_is_checked(do: Do) -> None:
    Path("t.pram").write_text(DOUBLE)
    Path("a.json").write_text('{"params": {"n": 2}, "arrays": {"A": [3, 1, 4]}}')
    assert "input `A` is too long: length 3, not 2" in do("run t.pram --input a.json").err


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("a.csv", "A\n3\nx\n", "a.csv:3:1: error: `x` is not an integer"),
        ("a.csv", "A\n3,4\n", "a.csv:2:1: error: 2 values, but 1 columns"),
        ("a.csv", "\n", "a.csv:1:1: error: the file is empty; its first line names the columns, or is a row of numbers"),
        ("a.npy", "no", "a.npy: error: not a NumPy file: "),
        ("none.npz", None, "none.npz: error: no such file"),
    ],
)
def test_what_is_no_table(name: str, text: str | None, error: str, do: Do) -> None:
    Path("t.pram").write_text(DOUBLE)
    if text is not None:
        Path(name).write_text(text)
    outcome = do(f"run t.pram --input {name}")
    assert outcome.status == WRONG and outcome.err.startswith(error)


def test_real_numbers_are_refused(do: Do) -> None:
    Path("t.pram").write_text(DOUBLE)
    np.save("a.npy", np.array([1.5]))
    assert do("run t.pram --input a.npy").err == "a.npy: error: the array holds float64, not integers\n"
