"""Programs as other people write them, in tests/outside: they run as printed, or their error shows what to write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.program import load
from lockstep.pram.sidecar import generator_for

FOLDER = Path(__file__).parent / "outside"
PROGRAMS = sorted(FOLDER.glob("*.pram"))

RUNS = "runs"
#: Programs that run, but whose printed text is wrong; the sidecar finds it out.
WRONG = "wrong output"


def recursion(name: str) -> str:
    return (
        f"`{name}` calls itself: the code of a program is the same for every n, so it cannot hold a recursion as deep as n asks for; "
        "write its levels as a loop, as in `for level in 0 .. lg(n) - 1 do parallel for i in 0 .. n - 1 do ... end end`"
    )


def needs_atmost(condition: str) -> str:
    return (
        f"`while` inside `parallel` needs `atmost`: write `while {condition} atmost B do`, with B rounds enough for every "
        "processor; only the modes CRCW find by themselves when all are done"
    )


#: RUNS, WRONG, or LINE:COL and message of the first error, on the way from the text to the outputs at sizes 1 to 4.
EXPECTED = {
    "bfs": RUNS,
    "bitonic": f"16:7: error: {recursion('merge')}",
    "brent": RUNS,
    "chain": RUNS,
    "circular": RUNS,
    "conn": RUNS,
    "csearch": "20:33: error: `or` takes truth values; compare the word first, as in `res != 0 or found[i] != 0`",
    "csort": RUNS,
    "depth": RUNS,
    "disjunction": RUNS,
    "distinct": RUNS,
    "duel": "18:44: error: `exit` cannot stand here; write `return` to end an item, `break` to leave a loop, `halt` to end the "
            "program",
    "edit": RUNS,
    "ercw": RUNS,
    "euler": "4:9: error: procs is 0 (with n = 1); a machine has at least one processor: write `procs max(1, n / 2)`",
    "evenodd": "4:9: error: procs is 0 (with n = 1); a machine has at least one processor: write `procs max(1, n / 2)`",
    "first": RUNS,
    "gcd": RUNS,
    "hcube": RUNS,
    "hist": "6:33: error: step 5: processor 0: index 7 is outside `H` (0 .. 0)",  # without a sidecar, any words are drawn
    "jump": f"8:3: error: {needs_atmost('S[i] != S[S[i]]')}",
    "kogge": RUNS,
    "least": RUNS,
    "local_array": RUNS,
    "luby": RUNS,
    "matvec": RUNS,
    "max1": RUNS,
    "merge": "20:14: error: step 165: 3 processors are needed for these items, but procs is 2; the last item of a range belongs to "
             "it, and `on 2` gives a processor several items",
    "mergesort": f"10:7: error: {recursion('sort')}",
    "min_const": RUNS,
    "oddeven": f"15:5: error: {recursion('oddeven')}",
    "optmax": RUNS,
    "polymul": RUNS,
    "prefix": RUNS,
    "prefix2": RUNS,
    "rank": f"14:7: error: {recursion('rank')}",
    "replica": RUNS,
    "rmq": RUNS,
    "second": WRONG,
    "sieve": RUNS,
    "subarray": "22:19: error: step 15: processor 0: underflow: 3 - 5 is negative; `word 8 signed` has negative words",
    "substr": RUNS,
    "sum": RUNS,
    "swapin": RUNS,
    "tarjan": RUNS,
    "tridiag": "5:21: error: `real` cannot stand here; numbers are integers: scale them, as in `3 * 1000 / 7` for thousandths",
}  # fmt: skip

SIZES = range(1, 5)
DRAWS = 8


def outcome(path: Path) -> str:
    """What EXPECTED says of a program."""
    try:
        program = load(path)
        generator = generator_for(program)
        for size in SIZES:
            for number in range(DRAWS):
                params, arrays = generator.inputs(size, np.random.default_rng((size, number)))
                outputs = run(program.instantiate(params, arrays)).outputs
                verdict = generator.judge(params, arrays, outputs) if generator.has_judge else None
                if verdict is not None and not verdict.right:
                    return WRONG
    except PramError as error:
        return str(error).splitlines()[0].removeprefix(f"{path}:").replace(str(path.with_suffix(".py")), "PYTHON")
    return RUNS


@pytest.mark.parametrize("path", PROGRAMS, ids=[path.stem for path in PROGRAMS])
def test_it_runs_as_printed_or_the_error_shows_what_to_write(path: Path) -> None:
    assert outcome(path) == EXPECTED[path.stem]


def test_the_table_names_every_program() -> None:
    assert set(EXPECTED) == {path.stem for path in PROGRAMS} and len(EXPECTED) == 46


def test_every_program_that_runs_is_judged_where_it_has_a_sidecar() -> None:
    """A sidecar that is not found would judge nothing."""
    judged = {path.stem for path in PROGRAMS if EXPECTED[path.stem] in (RUNS, WRONG) and generator_for(load(path)).has_judge}
    assert judged == {path.stem for path in FOLDER.glob("*.py") if EXPECTED[path.stem] in (RUNS, WRONG)}


def test_a_wrong_program_or_another_message_is_found(tmp_path: Path) -> None:
    for name, old, new, found in (
        ("circular", "(j + d) % n", "(j + 1) % n", WRONG),
        ("sum", "mode   EREW", "mode   EREX", "2:8: error: unknown access mode `EREX`; did you mean `EREW`?"),
    ):
        for suffix in (".pram", ".py"):
            text = (FOLDER / f"{name}{suffix}").read_text()
            (tmp_path / f"{name}{suffix}").write_text(text.replace(old, new))
        assert outcome(tmp_path / f"{name}.pram") == found != EXPECTED[name]
