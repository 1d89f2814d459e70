"""Formulas that fit the costs of several runs exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.commands import Do

from lockstep.common.console import FAILED
from lockstep.proofs_check.fitting import fitted

LOGS = {1: 0, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3, 7: 3, 8: 3}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("7", lambda n: 7),
        ("9 + 17 * lg(n)", lambda n: 9 + 17 * LOGS[n]),
        ("3 * n", lambda n: 3 * n),
        ("5 - n", lambda n: 5 - n),
        ("2 + lg(n) + 4 * n", lambda n: 2 + LOGS[n] + 4 * n),
        ("1 + 2 * n * lg(n)", lambda n: 1 + 2 * n * LOGS[n]),
        ("n + n * n", lambda n: n + n * n),
    ],
)
def test_formulas(formula: str, value: object) -> None:
    assert fitted([({"n": n}, value(n)) for n in range(1, 9)]) == formula  # type: ignore[operator]


def test_two_parameters() -> None:
    runs = [({"n": n, "m": m}, 4 + 3 * n + LOGS[m]) for n in range(1, 5) for m in (1, 2, 4, 7)]
    assert fitted(runs) == "4 + lg(m) + 3 * n"


def test_what_no_formula_fits() -> None:
    assert fitted([({"n": n}, n**3) for n in range(1, 9)]) is None
    assert fitted([({"n": n}, n // 2) for n in range(1, 9)]) is None  # a coefficient of 1/2 fits at even n only
    assert fitted([({"n": 1}, 3), ({"n": 1}, 4)]) is None
    assert fitted([({"n": n}, 2 + 3 * n) for n in (1, 2, 3)]) is None, "5 + 3 * lg(n) fits as well"
    assert fitted([({"n": 4}, 3)]) is None, "one run confirms nothing"
    assert fitted([({"n": 1}, 3), ({"n": 2}, 4)]) is None, "two runs determine a line, and confirm nothing"


PROGRAM = (
    "program t\nparam n\nprocs n\nclaim time == 5\nshared A[n] : inout\n\nparallel for i in 0 .. n - 1 do A[i] := A[i] * 2 end\n"
)


def test_a_false_claim_shows_the_formula(do: Do) -> None:
    Path("t.pram").write_text(PROGRAM)
    outcome = do("verify t.pram --sizes 1..4 --json")
    assert outcome.status == FAILED and "`claim time == 8` fits all sizes" in outcome.out


def test_a_table_of_sizes_shows_formulas(do: Do) -> None:
    Path("t.pram").write_text(PROGRAM.replace("claim time == 5\n", ""))
    out = do("run t.pram --sizes 1..6").out
    assert "claim time == 8\nclaim work == 8 * n\nclaim space == n\n" in out
