"""Contracts of the examples find wrong programs: mutants of four programs here, of all in `make deep ONLY=contracts`."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from kit.program_mutants import PROGRAMS, VERDICTS, Judge, Mutant, judged, mutants, with_contracts

from lockstep.pram.program import load, parse_program
from lockstep.pram.syntax import Assign, For, Number, Repeat, While, walk

DOCS = Path(__file__).parent.parent / "docs"
#: Programs, and how many of their mutants contracts find on few inputs.
QUICK = {"merge_sort": 15, "first_arc": 11, "parity": 20, "bfs": 21}

SMALL = """program small
mode   EREW
param  n
procs  n
shared A[n] : inout
ensures sorted(A)

for i in 0 .. n - 1 do
  parallel for j in i .. n - 1 do
    if not A[j] <= max(i, 2) then print A[j] + 1 end
  end
end
"""


def test_all_mutants_of_a_small_program() -> None:
    """By hand: of each operator, number and bound, but not in what is printed or declared."""
    assert [mutant.what for mutant in mutants(parse_program(SMALL))] == [
        "line 8: last + 1", "line 8: last - 1", "line 8: 0 becomes 1", "line 8: - becomes +", "line 8: 1 becomes 2",
        "line 8: 1 becomes 0", "line 9: low + 1", "line 9: low - 1", "line 9: high + 1", "line 9: high - 1",
        "line 9: - becomes +", "line 9: 1 becomes 2", "line 9: 1 becomes 0", "line 10: without not", "line 10: <= becomes <",
        "line 10: <= becomes >", "line 10: <= becomes >=", "line 10: max becomes min", "line 10: 2 becomes 3", "line 10: 2 becomes 1",
    ]  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_no_wrong_mutant_is_missed(name: str) -> None:
    found = judged(load(PROGRAMS / f"{name}.pram"), range(1, 6), 3)
    assert found.missed == () and found.counts["contracts"] >= QUICK[name]
    assert found.total == len(list(mutants(load(PROGRAMS / f"{name}.pram"))))


def test_each_verdict() -> None:
    """Of `maximum`: a wrong range, one too long, no change, no program; and what is missed where no contract is checked."""
    program = load(PROGRAMS / "maximum.pram")
    kinds = {re.sub("line .*: ", "", mutant.what): mutant for mutant in mutants(program)}
    judge = Judge(program, [1, 2, 3], 2)
    assert judge.verdict(kinds["high - 1"]) == "contracts"
    assert judge.verdict(kinds["high + 1"]) == "machine"
    assert judge.verdict(Mutant("none", program.tree.body)) == "equivalent"
    assert judge.verdict(Mutant("no such name", (Assign("nothing", Number(1)),))) == ""
    judge.program = replace(program, has_contracts=False)
    assert judge.verdict(kinds["high - 1"]) == "missed"


def test_without_contracts_wrong_mutants_are_missed() -> None:
    found = judged(replace(load(PROGRAMS / "parity.pram"), has_contracts=False), range(1, 6), 3)
    assert len(found.missed) == 13 == found.counts["missed"] and not found.counts["contracts"]


# -- what the documents say -------------------------------------------------------------------------------------


def loops_with_invariants(path: Path) -> int:
    loops = (node for node in walk(load(path).tree) if isinstance(node, (While, Repeat, For)))
    return sum(bool(loop.invariants) for loop in loops)


def test_the_corpus_names_programs_with_contracts() -> None:
    text = (DOCS / "corpus.md").read_text().split("## Contracts", 1)[1]
    promising = [path.stem for path in with_contracts()]
    loops = {path.stem: loops_with_invariants(path) for path in with_contracts()}
    invariants = [name for name, number in loops.items() if number]
    assert [f"`{name}`" for name in promising] == re.findall("`[a-z_0-9]+`", paragraph(text, "Programs with contracts"))
    assert [f"`{name}`" for name in invariants] == re.findall("`[a-z_0-9]+`", paragraph(text, "Loops with an invariant"))
    assert f"{len(promising)} programs say" in text and f"{sum(loops.values())} loops" in text


def paragraph(text: str, start: str) -> str:
    return text.split(start, 1)[1].split("\n\n", 1)[0]


def test_the_table_of_mutants_is_of_all_programs() -> None:
    """The deep run judged the programs that have contracts now, and missed none."""
    (part,) = (p for p in json.loads((DOCS / "deep.json").read_text()) if p["name"] == "contracts")
    (((*heads,), rows),) = part["tables"]
    assert heads == ["program", "mutants", *VERDICTS] and part["holds"]
    assert [name for name, *_ in rows] == [path.stem for path in with_contracts()]
    all_of, *each = (f"{sum(int(row[column]) for row in rows):,}" for column in range(1, 2 + len(VERDICTS)))
    by_contracts, by_machine, equivalent, _ = each
    text = (DOCS / "corpus.md").read_text()
    assert f"Of {all_of} mutants" in text and f"contracts find {by_contracts} of them" in text
    assert f"the other {by_machine}. {equivalent} are equivalent. None is missed." in text
    for name, total, *counts in rows:
        assert sum(map(int, counts)) == int(total) > 0, name
        assert counts[VERDICTS.index("missed")] == "0"
