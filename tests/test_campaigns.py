"""Campaigns of random programs: what they meet, what they find, and what they leave."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faults.constructions import misread
from hypothesis import HealthCheck, given, settings
from kit.commands import FINE, REFUTED, Do
from kit.decoding import FASTEST
from oracles.reaching import everything, watch
from oracles.scalar_machine import SIGNED_NAMES

from lockstep.commands.fuzz import keeping
from lockstep.compiler.names import lacking as lacks
from lockstep.pram.access import MODES
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program
from lockstep.pram.winners import HIGHEST, LOWEST, Winner
from lockstep.proofs_check.fuzzing import random_programs
from lockstep.proofs_check.fuzzing.campaign import failed_checks, fuzz, random_of
from lockstep.proofs_check.fuzzing.counts import CONTRACTS, GROUPS, REFUSALS, REFUSED, CampaignCounts, lacking
from lockstep.proofs_check.fuzzing.features import count_features
from lockstep.proofs_check.fuzzing.random_programs import language_program
from lockstep.proofs_check.fuzzing.shrinking import make_at_random, shrink
from lockstep.proofs_check.refusals import NotCertified
from lockstep.proofs_check.verification import Options, cases

#: Runs on the machine only.
BARE = Options(constructions=(), max_steps=1500)
ALL = Options(constructions=("mdm", "ap-mdm", "ap-mdm one-step"), max_steps=300, max_context=4000, engine=FASTEST.engine)
#: How often 1700 programs must meet every kind of a group, about half of what they do.
LEAST = {"statements": 80, "operators": 165, "values": 100, "written": 25, "arrays": 250, "control": 18, "loops": 16, "contracts": 45,
         "instructions": 300, "modes": 40, "resolved": 20, "rules": 7, "refused": 4, "divergence": 12000}  # fmt: skip


def test_programs_meet_every_kind() -> None:
    outcome = fuzz(1700, 1, BARE)
    coverage = outcome.counts.coverage()
    assert outcome.failure is None and outcome.counts.programs == 1700
    assert coverage.keys() == LEAST.keys() == set(GROUPS)
    coverage["statements"]["Halt"] *= 20  # ends a program, so that a few must do
    for name in SIGNED_NAMES:
        coverage["instructions"][name] *= 4  # few programs have signed words
    done, bounded = (
        outcome.counts.refused["not done"],
        sum(coverage["loops"][f"{kind} bounded"] for kind in ("while", "repeat", "for")),
    )
    assert 4 <= done <= bounded / 10  # most loops with `atmost` are done in time
    assert {group: lacking({group: coverage[group]}, least) for group, least in LEAST.items()} == dict.fromkeys(GROUPS, [])
    assert outcome.counts.passed >= 1130 and outcome.counts.refused["other"] == 0
    assert outcome.counts.passed + outcome.counts.refused.total() - outcome.counts.under_others == 1700
    assert outcome.counts.refused.keys() >= {
        "conflict",
        "index outside",
        "underflow",
        "too many items",
        "no word",
        "not done",
        "undefined",
        "end of a range",
    }
    assert outcome.counts.covered.steps("saturated sum") >= 5


@pytest.mark.parametrize(
    ("methods", "instead", "missing"),
    [
        ("single", "parallel", "statements: Single"),
        ("own_loop counted_loop", "local", "loops: for inferred"),
        ("to_a_word", "to_a_number", "loops: for flagged"),
        ("bounded_loop", "local", "loops: while flagged"),
        ("leave", "local", "statements: Break"),
        ("several", "local", "statements: Several"),
        ("other_operation", "leaf", "values: word floor(/)"),
        ("function", "leaf", "values: word ctz"),
        ("halt", "single", "statements: Halt"),
        ("parallel parallel_on", "single", "statements: Parallel"),
        ("keeps_apart", None, "refused: CREW write"),
    ],
)
def test_a_kind_that_is_lacking_is_noticed(
    methods: str, instead: str | None, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = getattr(random_programs._Writer, instead) if instead else lambda self: True
    for method in methods.split():
        monkeypatch.setattr(random_programs._Writer, method, other)
    if instead is None:  # no program takes risks
        monkeypatch.setattr(random_programs._Writer, "careful", lambda self, risks=12: True)
        never = property(lambda self: False, lambda self, value: None)
        monkeypatch.setattr(random_programs._Writer, "colliding", never, raising=False)
    assert missing in lacking(fuzz(150, 1, BARE).counts.coverage())


def test_write_rules_that_are_lacking_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_programs._Writer, "write_rule", lambda self, one_in: "")
    found = {kind for kind in lacking(fuzz(150, 1, BARE).counts.coverage()) if "combine" in kind or "rules" in kind}
    assert found == {"written: combine", "written: combine of an array", "rules: and", "rules: or"}


def test_contracts_that_are_lacking_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_programs._Writer, "at", lambda self, spot: "")
    monkeypatch.setattr(random_programs._Writer, "promises", lambda self, statements: [])
    found = {kind for kind in lacking(fuzz(40, 1, BARE).counts.coverage()) if kind.startswith("contracts: ")}
    assert found == {f"contracts: {kind}" for kind in CONTRACTS}


def test_machine_programs_meet_every_conflict() -> None:
    """What modes refuse: texts cannot read and write one cell in a step, machine programs can."""
    from kit.machine_programs import machine_jobs

    counts = CampaignCounts()

    modes = list(dict.fromkeys(kind.rsplit(" ", 1)[0] for kind in REFUSED))

    @settings(max_examples=3000, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(machine_jobs(modes=modes, reckless=True))
    def check(job: Job) -> None:
        try:
            run(job, max_steps=40)
        except PramError as error:
            counts.refuse(str(error))

    check()
    wanted = [*REFUSED, *(f"{mode} read and write" for mode in modes if not MODES[mode].concurrent_reads)]
    assert {kind: counts.conflicts[kind] for kind in wanted if counts.conflicts[kind] < 5} == {}
    assert set(counts.conflicts) == set(wanted) and counts.refused["other"] == 0


def test_an_unknown_refusal_is_counted_as_other() -> None:
    counts = CampaignCounts()
    counts.refuse("step 3: processors 0 and 2 write A[1] (mode CREW)")
    counts.refuse("something new")
    assert counts.refused == {"conflict": 1, "other": 1} and counts.conflicts == {"CREW write": 1}


def what_campaigns_reach() -> None:
    """Lines and sides of the programs that ran, against the watched walk over their syntax trees."""
    counts, reached, reachable = CampaignCounts(), Counter(), Counter()
    for number in range(60):
        case = language_program(random_of(4, number))
        before = counts.passed + counts.undecoded
        assert failed_checks(case, BARE, counts) == []
        if counts.passed + counts.undecoded > before:
            tree = parse_program(case.text).tree
            run = watch(tree, case.params, case.arrays, BARE.max_steps)
            lines, sides = everything(run)
            reachable.update(lines=len(lines), sides=sum(side[2] != "arrived" for side in sides))
            reached.update(lines=len(run.lines), sides=sum(side[2] != "arrived" for side in run.sides))
    assert (counts.reached, counts.reachable) == (reached, reachable)
    assert 0 < reached["lines"] < reachable["lines"] and 0 < reached["sides"] < reachable["sides"]


def test_what_campaigns_reach() -> None:
    what_campaigns_reach()


def test_the_row_shows_what_was_not_reached(do: Do) -> None:
    bare = "fuzz --programs 10 --seed 2 --max-context 0"
    record = json.loads(do(f"{bare} --json").out)["reached"]
    assert all(0 < record[what]["reached"] < record[what]["of"] for what in ("lines", "sides")) and len(record) == 2
    counts = [f"{record[what]['reached']} of {record[what]['of']} {what}" for what in ("lines", "sides")]
    table = " ".join(do(bare).out.split())
    assert f"reached by the runs {counts[0]}, {counts[1]} of conditions and loops" in table


def test_campaigns_do_not_depend_on_workers() -> None:
    here, there, other = fuzz(45, 3, BARE), fuzz(45, 3, BARE, workers=2), fuzz(45, 4, BARE)
    assert here == there != other


def test_what_a_campaign_counts_as_refused_verify_refuses_in_the_same_words(do: Do) -> None:
    refused = 0
    for number in range(80):
        case = language_program(random_of(5, number))
        try:
            run(parse_program(case.text).instantiate(case.params, case.arrays), max_steps=1000)
            continue
        except PramError as error:
            message = error.message
        refused += 1
        counts = CampaignCounts()
        assert failed_checks(case, BARE, counts) == [] and counts.refused.total() == 1
        Path("t.pram").write_text(case.text)
        Path("t.json").write_text(json.dumps({"params": case.params, "arrays": case.arrays}))
        outcome = do("verify t.pram --input t.json --max-steps 1000 --shrink 0")
        assert outcome.status == REFUTED and f"error: {message}" in outcome.err
    assert refused >= 6


def test_a_campaign_on_the_command_line(do: Do) -> None:
    outcome = do("fuzz --programs 25 --seed 7 --process all --schedule all --json")
    record = json.loads(outcome.out)
    assert (outcome.status, record["programs"], record["holds"], record["failing"]) == (FINE, 25, True, None)
    assert record["held"] + record["undecoded"] + sum(record["refused"].values()) == 25
    decodes: Counter[str] = Counter()
    for number in range(25):
        case = language_program(random_of(7, number))
        rules = parse_program(case.text).rules
        decodes.update(
            {
                name: winners_that_run(case)
                for name in (*ALL.constructions, "arm", "arm erasing", "revision")
                if not lacks(name, rules)
            }
        )
    left = Counter(record["left_undecoded"])  # contexts of programs that add up or count writers are limited
    assert Counter(record["decodes"]) + left == decodes and decodes["mdm"] > record["held"] and left["mdm"] <= 4
    assert record["decoding_steps"] > record["steps"] > 0
    table = do("fuzz --programs 10 --seed 2").out
    assert "programs" in table and "conflicts refused" in table and "checked on" in table
    assert not list(Path().glob("failing*"))


@pytest.mark.parametrize("construction", ["mdm", "ap-mdm", "ap-mdm one-step"])
def test_a_fault_is_found_and_shrinks_and_is_repeated(construction: str, do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shrinker may take two minutes, for a busy machine; it is stopped at the first program of fewer lines."""
    with monkeypatch.context() as planted:
        misread(planted, construction, "shl", "shr")
        planted.setattr(keeping, "shrink", until_smaller)
        outcome = do("fuzz --programs 100 --seed 3 --process all --schedule all --max-context 1500 --shrink 120 --json")
        failing = json.loads(outcome.out)["failing"]
        assert outcome.status == REFUTED and failing["check"].startswith(f"{construction}: ")
        text = Path(failing["program"]).read_text()
        found, small = (int(failing[key].split()[0]) for key in ("found", "shrunk"))
        assert "<<" in text and small < found, text
        again = do(failing["command"].removeprefix("lockstep ") + " --shrink 0 --json")
        failed = [(c["process"], c["what"]) for c in json.loads(again.out)["checks"] if c["verdict"] == "FAILED"]
        assert again.status == REFUTED and tuple(failing["check"].split(": ")) in failed
    assert failed_checks(random_programs.TextCase(text, **json.loads(Path(failing["input"]).read_text())), ALL) == []


def until_smaller(
    make: Any, start: random_programs.TextCase, choices: Any, fails: Any, size: Any, *more: Any
) -> random_programs.TextCase:
    """The shrinker, stopped at the first case that has fewer lines; what is shown is lines, too."""
    smaller: list[random_programs.TextCase] = []

    def stopping(case: random_programs.TextCase) -> bool:
        if smaller:
            raise Stopped
        failing: bool = fails(case)
        smaller.extend([case] if failing and size(case)[0] < size(start)[0] else [])
        return failing

    try:
        return shrink(make, start, choices, stopping, size, *more)
    except Stopped:
        return smaller[0]


def test_in_turn_each_program_has_one_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: Counter[str] = Counter()
    for n in range(40):
        case, name = language_program(random_of(3, n)), ALL.constructions[n % 3]
        if not lacks(name, parse_program(case.text).rules):
            wanted[name] += winners_that_run(case, 300)
    # The usual limit of contexts: a shorter one for programs that add up or count writers, which only `dense` decodes
    options = replace(ALL, max_context=Options().max_context)
    counts = fuzz(40, 3, options, in_turn=True).counts
    assert counts.decodes + counts.left_out == wanted and min(counts.decodes.values()) > 5
    with monkeypatch.context() as planted:
        misread(planted, "ap-mdm one-step", "shl", "shr")
        failure = fuzz(100, 1, options, in_turn=True).failure
    assert failure is not None and failure.number % 3 == 2 and failure.options.constructions == ("ap-mdm one-step",)


def winners_that_run(case: random_programs.TextCase, steps: int = 1000) -> int:
    """How many decodes a construction makes of a program: one, or two where the mode leaves the winner open."""
    if not runs_within(case, steps):
        return 0
    if not MODES[parse_program(case.text).symbols.mode].winner_open:
        return 1
    return 1 + runs_within(case, steps, HIGHEST)


def runs_within(case: random_programs.TextCase, steps: int, winner: Winner = LOWEST) -> bool:
    try:
        job = parse_program(case.text).instantiate(case.params, case.arrays)
        run(replace(job, winner=winner), max_steps=steps)
    except PramError:
        return False
    return True


class Stopped(BaseException):
    """No Exception, which Hypothesis would take for a failure of the case."""


def test_programs_shrink_to_less_than_half() -> None:
    """While a text shifts a word to the left in a loop: what takes long in a campaign is the decoding, not this.

    The shrinker may take two minutes, for a busy machine; it is stopped as soon as it is there, after some seconds.
    """
    fitting = (n for n in range(300) if shifts_in_a_loop(case := language_program(random_of(3, n))) and len(case.text) > 900)
    number = next(fitting)
    found, choices = make_at_random(random_programs.write_program, random_of(3, number))
    assert found == language_program(random_of(3, number))

    def fails(case: random_programs.TextCase) -> bool:
        shifts = shifts_in_a_loop(case)
        if shifts and len(case.text) < 0.5 * len(found.text):
            raise Stopped
        return shifts

    with pytest.raises(Stopped):
        shrink(random_programs.write_program, found, choices, fails, lambda case: (len(case.text),), 120)


def shifts_in_a_loop(case: random_programs.TextCase) -> bool:
    found = count_features(parse_program(case.text).tree)
    return bool(found["word <<"] and found["While"] + found["Repeat"])


def test_a_defect_that_raises_is_a_failure(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **more: object) -> None:
        raise AssertionError("the compiler is broken")

    monkeypatch.setattr(cases, "compile_code", broken)
    outcome = do("fuzz --programs 5 --shrink 1 --out .")
    assert outcome.status == REFUTED and "AssertionError fails on failing.pram and failing.json" in outcome.out


@pytest.mark.parametrize(
    "error", [PramError([]), NotCertified("not exact"), ValueError("broken")], ids=lambda e: type(e).__name__
)
def test_only_the_machine_refuses(error: Exception, do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler or a certificate that gives up on every program leaves no campaign green."""

    def broken(*arguments: object, **more: object) -> None:
        raise error

    monkeypatch.setattr(cases, "require_certificate", broken)
    outcome = do("fuzz --programs 5 --shrink 0 --out .")
    assert outcome.status == REFUTED and f"{type(error).__name__} fails on failing.pram" in outcome.out


def test_a_text_that_is_no_program_fails() -> None:
    (failed,) = failed_checks(random_programs.TextCase("program", {}, {}), ALL)
    assert failed.failed and failed.what == "PramError"


def test_a_refusal_in_unknown_words_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(REFUSALS, "conflict")
    failure = fuzz(60, 1, BARE).failure
    assert failure is not None and failure.check.what == "refusal" and "(mode " in failure.check.measured


def test_what_checks_nothing_is_no_success(do: Do) -> None:
    number = next(n for n in range(99) if not runs_within(language_program(random_of(n, 0)), 1000))
    outcome = do(f"fuzz --programs 1 --seed {number}")
    assert outcome.status == REFUTED and "checked on 0 programs" in outcome.out


def test_what_is_left_undecoded_is_not_checked(do: Do) -> None:
    """Nothing decoded: nothing checked, exit status 3; something decoded: only that counts."""
    outcome = do("fuzz --programs 5 --seed 8 --process all --max-context 0 --json")
    record = json.loads(outcome.out)
    ran = 5 - sum(record["refused"].values())
    assert (outcome.status, record["holds"], record["held"], record["decodes"]) == (REFUTED, False, 0, {})
    assert record["undecoded"] == ran > 0 and record["left_undecoded"] == dict.fromkeys(("mdm", "ap-mdm", "arm", "revision"), ran)
    table = do("fuzz --programs 5 --seed 8 --max-context 0").out
    assert f"checked on 0 programs; {ran} left undecoded" in table and f"0 runs, {ran} too long to decode" in table
    some = fuzz(20, 2, replace(ALL, max_context=700)).counts
    assert some.passed + some.undecoded + some.refused.total() == 20 and min(some.passed, some.undecoded) > 0
    assert some.passed <= min(some.decodes.values()) < max(some.decodes.values()) < 20  # mdm's contexts are the longest


def test_float32_may_not_reach(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object) -> None:
        raise NotCertified("not exact")

    monkeypatch.setattr(cases, "require_certificate", refused)
    outcome = do("fuzz --programs 5 --dtype float32 --json")
    assert outcome.status == REFUTED and json.loads(outcome.out)["refused"]["not certified"] > 2


def test_a_shrinker_that_fails_hides_no_failure(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **more: object) -> None:
        raise RuntimeError("not now")

    monkeypatch.setattr(cases, "compile_code", broken)
    monkeypatch.setattr(keeping, "shrink", broken)
    outcome = do("fuzz --programs 5 --shrink 1 --out .")
    assert (outcome.status, outcome.err) == (REFUTED, "error: shrinking failed: RuntimeError: not now\n")
    assert "RuntimeError fails on failing.pram and failing.json" in outcome.out and "shrunk" not in outcome.out


def test_usage(do: Do) -> None:
    assert "there is no directory nowhere" in do("fuzz --out nowhere").err
    assert "its only order is parallel" in do("fuzz --process ap-mdm --order random").err
