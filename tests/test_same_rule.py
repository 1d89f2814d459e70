"""One rule for the exit status of `sweep` and `report`: 0 only if something was compared, and all of it held."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from kit.commands import FINE, REFUTED, Do
from kit.sweeps import GOOD, TINY, Told, failed, files, fine, swept

from lockstep.commands.report import write
from lockstep.commands.report.survey import survey
from lockstep.commands.report.verdict import reasons
from lockstep.pram.program import load
from lockstep.pram.reached import Unreached
from lockstep.proofs_check.sweeps.plan import Limits, Task
from lockstep.proofs_check.sweeps.result import Result
from lockstep.proofs_check.sweeps.store import writing
from lockstep.proofs_check.theorems import BOUNDS

#: The same without a claim; it takes 8 steps.
SILENT = TINY
CLAIMS = TINY.replace("procs n", "procs n\nclaim time == 8")
COUNT = "program count\nparam n\nshared s : output\nfor i in 1 .. n do single do s := i end end\n"


def least(construction: str, n: int = 1) -> tuple[int, int]:
    """Context and decoding steps of the shortest decode of SILENT."""
    job = load("tiny.pram").instantiate({"n": n}, {"A": [0] * n})
    return BOUNDS[construction].peak_context(job, 8), BOUNDS[construction].steps(job, 8)


#: Text of tiny.pram, whether it has an oracle, options of a sweep, and the line that says why the status is 3; or none.
#: {mdm} and {ap} stand for the least contexts, {mdm_steps} for the fewest decoding steps.
RULE = {
    "decoded": (SILENT, False, "", ""),
    "decoded in part": (SILENT, False, "--max-context {mdm}", ""),
    "machine alone, oracle": (SILENT, True, "--max-context 0", ""),
    "machine alone, claim": (CLAIMS, False, "--max-context 0", ""),
    "machine alone, neither": (
        SILENT, False, "--max-context 0",
        "tiny: nothing was compared, since --max-context 0 decodes nothing, and there is neither an oracle nor a claim:"
        " write one, or allow a longer context",
    ),
    "all too long": (
        CLAIMS, True, "--max-context 1",
        "mdm of tiny: nothing was decoded, since every context is longer than --max-context 1; the shortest needs {mdm}",
    ),
    "all of one construction too long": (
        CLAIMS, True, "--process all --schedule two-step --max-context {ap}",
        "mdm of tiny: nothing was decoded, since every context is longer than --max-context {ap}; the shortest needs {mdm}\n"
        "arm of tiny: nothing was decoded, since every context is longer than --max-context {ap}; the shortest needs {mdm}",
    ),
    "too many decoding steps": (
        CLAIMS, True, "--max-decoding-steps 1",
        "mdm of tiny: nothing was decoded, since every decode takes more steps than --max-decoding-steps 1; the shortest takes"
        " {mdm_steps}",
    ),
    "no run ends": (
        CLAIMS, True, "--max-steps 7",
        "tiny: no run came to an end within --max-steps 7: allow more steps, or sweep smaller sizes",
    ),
    "a run fails": (CLAIMS.replace("== 8", "== 7"), True, "", "tiny: 2 cases failed; the report shows what went wrong"),
}  # fmt: skip


@pytest.mark.parametrize("what", RULE)
def test_sweep_and_report_say_the_same(what: str, do: Do) -> None:
    text, oracle, options, reason = RULE[what]
    files(Path(), tiny_pram=text, **({"tiny_py": GOOD} if oracle else {}))
    (mdm, mdm_steps), (ap, _) = least("mdm"), least("ap-mdm")
    known = {"mdm": mdm, "ap": ap, "mdm_steps": mdm_steps}
    process = "" if "--process" in options else "--process mdm"
    ran = do(f"sweep tiny.pram --sizes 1,2 --random 1 --workers 0 {process} {options.format(**known)}")
    reported = do("report sweep.sqlite")
    expected = reason.format(**known).splitlines()
    for outcome in (ran, reported):
        assert outcome.status == (REFUTED if reason else FINE)
        assert outcome.err.splitlines() == ["wrote sweep.md and sweep.html", *expected]
    record = json.loads(do("report sweep.sqlite --json").out)
    assert (record["holds"], record["reasons"]) == (not reason, expected)


def test_beyond_one_limit_or_the_other(do: Do) -> None:
    """Of two sizes one is beyond this limit, the other beyond that one."""
    Path("wide.pram").write_text(
        "program wide\nparam n\nprocs n * n\nshared s : output\nfor i in n .. 2 do single do s := i end end\n"
    )
    jobs = {n: load("wide.pram").instantiate({"n": n}, {}) for n in (1, 3)}
    times = {n: json.loads(do(f"run wide.pram --size {n} --json").out)["time"] for n in jobs}
    contexts = {n: BOUNDS["mdm"].peak_context(job, times[n]) for n, job in jobs.items()}
    steps = {n: BOUNDS["mdm"].steps(job, times[n]) for n, job in jobs.items()}
    assert contexts[1] < contexts[3] and steps[1] > steps[3]
    outcome = do(
        f"sweep wide.pram --sizes 1,3 --random 1 --workers 0 --process mdm --out wide.sqlite --max-context {contexts[3] - 1}"
        f" --max-decoding-steps {steps[1] - 1}"
    )
    assert outcome.status == REFUTED and outcome.err.splitlines()[-1] == (
        f"mdm of wide: nothing was decoded, since every decode is beyond --max-context {contexts[3] - 1} or --max-decoding-steps"
        f" {steps[1] - 1}; the least context is {contexts[1]}, the fewest steps are {steps[3]}"
    )


def test_each_program_counts(do: Do) -> None:
    """One that was compared does not speak for the others, and runs that are stopped say nothing."""
    files(Path(), tiny_pram=SILENT, count_pram=COUNT)
    outcome = do("sweep tiny.pram count.pram --sizes 30 --random 1 --workers 0 --process mdm --max-steps 99 --max-context 5000")
    assert outcome.status == REFUTED and outcome.err.splitlines()[1:] == [
        "count: no run came to an end within --max-steps 99: allow more steps, or sweep smaller sizes"
    ]


LIMITS = Limits(("mdm",), "float64", 100, 100, 100)


def test_an_unfinished_sweep_is_judged_by_what_is_there(do: Do, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    files(tmp_path / "p", tiny_pram=TINY, tiny_py=GOOD)

    class Stops(Told):
        most = 4

        def results(self, tasks):  # type: ignore[no-untyped-def]
            for number, found in enumerate(super().results(tasks)):
                if number == self.most:
                    raise KeyboardInterrupt
                yield found

    with pytest.raises(KeyboardInterrupt):
        swept(tmp_path / "p", tmp_path / "sweep.sqlite", Stops(fine), limits=LIMITS)
    outcome = do("report sweep.sqlite")
    more = "unfinished: 2 cases still to be run; the same sweep goes on from here"
    assert (outcome.status, outcome.err.splitlines()[1:]) == (FINE, [more])
    files(tmp_path / "p", more_pram=TINY.replace("tiny", "more"), more_py=GOOD)
    with pytest.raises(KeyboardInterrupt):
        swept(tmp_path / "p", tmp_path / "sweep.sqlite", Stops(fine), limits=replace(LIMITS, max_steps=50), sizes=[1, 2, 3, 4, 5])
    assert do("report sweep.sqlite").status == FINE  # something of both is there
    Stops.most = 0
    with pytest.raises(KeyboardInterrupt):
        swept(tmp_path / "p", tmp_path / "sweep.sqlite", Stops(fine), limits=replace(LIMITS, max_steps=51))
    outcome = do("report sweep.sqlite")
    assert outcome.status == REFUTED and outcome.err.splitlines()[2:] == ["more: no case was run", "tiny: no case was run"]


def test_a_database_without_programs(do: Do, tmp_path: Path) -> None:
    with writing(tmp_path / "sweep.sqlite"):
        pass
    outcome = do("report sweep.sqlite")
    assert outcome.status == REFUTED and "nothing was swept: sweep a program into this database" in outcome.err


def test_what_is_checked_is_said_in_sizes_and_parameters(do: Do) -> None:
    """Sizes 1..40 whose inputs have n <= 2: not a word of n <= 40, anywhere."""
    sidecar = GOOD.replace(
        '{"n": size}, {"A": rng.integers(0, 9, size)', '{"n": min(size, 2)}, {"A": rng.integers(size, 99, min(size, 2))'
    )
    files(Path(), tiny_pram=TINY, tiny_py=sidecar)
    outcome = do("sweep tiny.pram --sizes 1..40 --random 1 --workers 0 --process mdm --max-context 0")
    assert outcome.status == FINE
    texts = {"table": " ".join(outcome.out.split()), **{n: Path(n).read_text() for n in ("sweep.md", "sweep.html")}}
    assert "sizes 1..40, n 1..2" in texts["table"]
    assert "| sizes 1..40, n 1..2 | nothing |" in texts["sweep.md"] and "checked for sizes 1–40, n 1–2<" in texts["sweep.html"]
    for name, text in texts.items():
        wrong = re.search(r"\bn (<=|≤|\\<=|&lt;=|=|1..|1–)\s?40|>n<|\| n \||against n\b|each n\b", text)
        assert not wrong, f"{name}: {wrong and wrong.group()}"
    (program,) = json.loads(do("report sweep.sqlite --json").out)["programs"]
    assert program["checked_for"]["machine"] == {"sizes": [[1, 40]], "params": {"n": [1, 2]}}


# -- what no run has reached ---------------------------------------------------------------------

NINE = (9, 1, "true", "A[i] > 15")
PLACES = {1: ((3, 0, "line", ""), NINE), 2: (NINE,), 3: ((7, 2, "false", "n > 2"), NINE)}


def observed(task: Task) -> Result:
    """Nobody looked at the second input of a size."""
    return replace(fine(task), unreached=None if task.number else PLACES[task.size])


def test_what_no_run_has_reached_is_said_everywhere(do: Do, tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    (tmp_path / "p").mkdir()
    files(tmp_path / "p", tiny_pram=TINY.replace("tiny", "small"), tiny_py=GOOD)
    database = tmp_path / "sweep.sqlite"
    swept(tmp_path / "p", database, Told(observed), limits=LIMITS)
    (program,) = survey(database).programs
    assert program.unreached == Unreached.of([NINE])
    said = "never true: `A[i] > 15` (line 9)"
    assert program.unreached.text == said
    outcome = do("report sweep.sqlite")
    assert f"small: {said}" in outcome.out.splitlines()
    assert "\nNever true: \\`A\\[i\\] \\> 15\\` (line 9).\n" in Path("sweep.md").read_text()
    assert "<p class=about>Never true: `A[i] &gt; 15` (line 9).</p>" in Path("sweep.html").read_text()
    (record,) = json.loads(do("report sweep.sqlite --json").out)["programs"]
    assert record["unreached"] == {
        "lines": [],
        "sides": [{"line": 9, "column": 1, "of": "A[i] > 15", "never": "true"}],
        "contracts": [],
    }


@pytest.mark.parametrize(("places", "found"), [(None, None), ((), Unreached())])
def test_nobody_looked_is_not_all_was_reached(
    places: tuple[tuple[int, int, str, str], ...] | None, found: object, tmp_path: Path
) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    swept(tmp_path, tmp_path / "sweep.sqlite", Told(lambda task: replace(fine(task), unreached=places)), limits=LIMITS)
    whole = survey(tmp_path / "sweep.sqlite")
    assert whole.programs[0].unreached == found
    write(whole, tmp_path / "sweep.md")
    assert "never" not in (tmp_path / "sweep.md").read_text()


def test_a_failure_is_a_reason_whatever_else_was_compared(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    database = tmp_path / "sweep.sqlite"
    swept(tmp_path, database, Told(lambda task: (failed if task.size == 2 else fine)(task)), limits=LIMITS)
    assert reasons(survey(database)) == ["tiny: 2 cases failed; the report shows what went wrong"]
