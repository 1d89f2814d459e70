"""What tables show at 80 columns, and what they leave out unless they are asked."""

from __future__ import annotations

import json

from kit.commands import FINE, MDM_CHECKS, Do, rows

from lockstep.common.tables import LEGEND, value_text
from lockstep.models.engines import pick


def test_verify_prints_a_table(do: Do) -> None:
    outcome = do("verify tiny.pram --sizes 1,2 --random 1 --process mdm")
    table = rows(outcome.out)
    assert (outcome.status, outcome.err) == (FINE, "")
    assert table[0] == ["tiny: machine and model on 2 runs, n 1..2"]
    assert table[1] == ["what", "bound", "measured", "verdict"]
    assert ["claim time", "== 8", "8", "checked"] in table
    assert ["decoding steps", "T + min(1, out)", "9", "checked"] in table
    assert table[-1] == ["all 10 checks hold"]
    verdicts = {row[0]: row[-1] for row in table}
    assert {verdicts[what] for what in MDM_CHECKS} == {"checked"}
    assert verdicts["float64 arithmetic"] == "certified" and "FAILED" not in outcome.out


def test_long_arrays_are_shortened_in_tables(do: Do) -> None:
    short, long, data = (do(f"run hillis_steele --size 40{flag}").out for flag in ("", " --full", " --json"))
    sums = json.loads(data)["outputs"]["A"]
    first, last = ", ".join(map(str, sums[:4])), ", ".join(map(str, sums[-4:]))
    assert ["A (output)", f"[{first}, ..., {last}] (40 entries)"] in rows(short)
    assert "".join(str(sums).split()) in "".join(long.split()) and "entries" not in long
    assert value_text([[1] * 30] * 21).endswith("(30 entries)] (21 rows)")
    assert value_text([1] * 20) == str([1] * 20) and value_text([[1, 2], [3]]) == "[[1, 2], [3]]"


def test_verify_explains_its_letters_when_asked(do: Do) -> None:
    short, long = (do(f"verify tiny.pram --sizes 2 --random 1{flag}").out for flag in ("", " --explain"))
    letters = f"{LEGEND}\ndecoded by: {pick(1, 1)}\n"
    assert letters in long and long.replace(letters, "") == short


def test_a_check_is_one_line_of_80_columns(do: Do) -> None:
    """Of runs that only a part of the checks was made on, the heading of that part says so."""
    outcome = do("verify tiny.pram --sizes 2,20 --random 1 --max-context 110 --process all --schedule all")
    assert ["mdm", "1 run, n 2"] in rows(outcome.out) and ["ap-mdm one-step", "1 run, n 2"] in rows(outcome.out)
    lines = [line.rstrip() for line in outcome.out.splitlines()]
    table = lines[: len(lines) - 1 - lines[::-1].index("")]  # what follows are sentences
    assert max(map(len, table)) <= 80
    checks = [
        line for line in table[4:] if line and line.split()[0] not in ("mdm", "ap-mdm", "arm", "ao-mdm", "masked-arm", "revision")
    ]
    assert all(line.split()[-1] in ("checked", "certified", "measured", "skipped") for line in checks)
