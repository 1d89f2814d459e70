"""Tests of winners: each kind on the machine, their texts, and the search for all winners against brute force."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.cases import job
from kit.machine_programs import machine_jobs
from kit.runs import assert_same_run
from kit.winners import CHOSEN, OPEN, ends, program
from oracles.all_winners import TooMany, every_end, fight
from oracles.scalar_machine import run_scalar

from lockstep.pram import winners
from lockstep.pram.access import MODES
from lockstep.pram.contests import Contest
from lockstep.pram.errors import Diagnostic, PramError
from lockstep.pram.instructions import Instruction, Operand, Trap
from lockstep.pram.job import Job
from lockstep.pram.machine import Machine, NoHalt, Run, run
from lockstep.pram.program import parse_program
from lockstep.pram.unwritten import refuse
from lockstep.pram.winners import (
    HIGHEST,
    LOWEST,
    Tried,
    Winner,
    Winners,
    at_random,
    by_choices,
    describe_tried,
    in_order,
    parse_winner,
    run_winners,
)
from lockstep.proofs_check.fuzzing.coverage import coverage

FIXED = settings(derandomize=True, deadline=None, database=None)
MAX_STEPS = 40


#: Each processor writes its pid.
ALL_WRITE = "parallel for i in 0 .. n - 1 do s := i end"


# -- texts -----------------------------------------------------------------------------------------

TEXTS = {
    "lowest": LOWEST, "highest": HIGHEST, "0": in_order(0), "17": in_order(17), "4294967295": in_order(4294967295),
    "random:3": at_random(3), "choices:2": by_choices(2), "choices:2,0,11": by_choices(2, 0, 11),
}  # fmt: skip


@pytest.mark.parametrize(("text", "winner"), TEXTS.items())
def test_the_text_of_a_winner(text: str, winner: Winner) -> None:
    assert parse_winner(text) == winner
    assert str(winner) == text


def test_no_choices_are_the_lowest() -> None:
    assert by_choices() == LOWEST


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *((text, f"{text!r} is not lowest, highest, a seed N, random:N or choices:PID,PID,..")
          for text in ("", "Lowest", " lowest", "-1", "random:", "random", "choices:", "choices: 1", "choices:-1", "1.5")),
        ("7" * 61, f"'{'7' * 60}...' is not lowest, highest, a seed N, random:N or choices:PID,PID,.."),
        ("4294967296", "'4294967296': a seed is at most 4294967295"),
        ("random:4294967296", "'random:4294967296': a seed is at most 4294967295"),
        *((text, f"{text!r} is not choices:PID,PID,.. with a processor between any two commas")
          for text in ("choices:1,,2", "choices:,", "choices:1,", "choices:99999999999")),
    ],
)  # fmt: skip
def test_what_is_no_winner(text: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_winner(text)
    assert str(error.value) == message


@pytest.mark.parametrize("winner", [at_random(1), by_choices(1)])
def test_only_fixed_orders_have_a_precedence(winner: Winner) -> None:
    assert not winner.fixed
    with pytest.raises(ValueError, match="is not a fixed order of the processors, such as lowest, highest or a seed N"):
        winner.precedence(3)


def test_precedences_are_permutations() -> None:
    """`lowest` ranks pids upwards, `highest` downwards. Seeds give every order of three; each seed always the same."""
    assert LOWEST.precedence(4).tolist() == [0, 1, 2, 3] and HIGHEST.precedence(4).tolist() == [3, 2, 1, 0]
    for processors in (1, 2, 5, 64):
        drawn = [in_order(seed).precedence(processors) for seed in range(40)]
        assert all(order.dtype == np.int64 and sorted(order.tolist()) == list(range(processors)) for order in drawn)
    orders = {tuple(in_order(seed).precedence(3).tolist()) for seed in range(60)}
    assert len(orders) == 6
    assert in_order(5).precedence(9).tolist() == in_order(5).precedence(9).tolist()


# -- one winner --------------------------------------------------------------------------------------


@pytest.mark.parametrize("winner", [HIGHEST, *map(in_order, (0, 2, 8))], ids=str)
def test_fixed_winners_equal_the_scalar_machine(winner: Winner) -> None:
    """Compares every step, cost and cell. Winners other than the lowest change some runs."""
    found: Counter[str] = Counter()

    def check(made: Job) -> None:
        order = winner.precedence(made.processors).tolist()
        try:
            ours = run(replace(made, winner=winner), max_steps=MAX_STEPS, trace=True)
        except NoHalt:
            return
        assert_same_run(ours, run_scalar(made, MAX_STEPS, lambda pids: min(pids, key=lambda pid: order[pid])))
        other = winners.run_winners(made, max_steps=MAX_STEPS, most=1, drawn=0).runs[0][1]
        found["differs"] += not isinstance(other, Run) or other.memory.tolist() != ours.memory.tolist()
        found["contested"] += coverage(ours).steps("different values") > 0

    settings(FIXED, max_examples=60)(given(machine_jobs(modes=[OPEN], processors=[2, 3, 5, 8]))(check))()
    for made in map(fight, range(100)):
        check(made)
    assert found["differs"] >= 20 and found["contested"] >= 50, found


def test_a_seed_is_short_for_random() -> None:
    """`run --seed` gives the same runs as before winners had names, for three seeds."""
    made = program(ALL_WRITE, 4)
    assert [run(made, seed=seed).outputs["s"] for seed in (0, 1, 2)] == [3, 3, 1]
    assert [run(replace(made, winner=at_random(seed))).outputs["s"] for seed in (0, 1, 2)] == [3, 3, 1]
    assert run(replace(made, mode="CRCW priority"), seed=0).outputs["s"] == 0


@pytest.mark.parametrize("mode", [mode for mode in MODES if not MODES[mode].winner_open])
def test_other_modes_leave_no_winner_open(mode: str) -> None:
    with pytest.raises(PramError, match=f"mode {mode} leaves no winner open, so `highest` cannot be chosen"):
        replace(program(ALL_WRITE), mode=mode, winner=HIGHEST)


@pytest.mark.parametrize(("body", "n", "declared", "choices", "outputs"), CHOSEN)
def test_choices(body: str, n: int, declared: str, choices: tuple[int, ...], outputs: dict[str, object]) -> None:
    assert run(replace(program(body, n, declared), winner=by_choices(*choices))).outputs == outputs


@pytest.mark.parametrize(
    ("body", "n", "choices", "message"),
    [
        ("s := pid", 3, (3,), "step 1: choice 1 of the winner choices:3 is processor 3, but s is written by processors 0, 1 and 2"),
        ("s := pid\nif pid < 2 then t := pid end", 3, (1, 2),
         "step 4: choice 2 of the winner choices:1,2 is processor 2, but t is written by processors 0 and 1"),
        ("s := pid", 40, (40,),
         "step 1: choice 1 of the winner choices:40 is processor 40, but s is written by processors 0, 1, 2, 3, 4, 5, 6, 7 and 32 more"),
        ("s := pid", 9, (9,),
         "step 1: choice 1 of the winner choices:9 is processor 9, but s is written by processors 0, 1, 2, 3, 4, 5, 6, 7 and 1 more"),
        ("s := pid", 3, (1, 0), "step 2: choice 2 of the winner choices:1,0 is processor 0, but the run has only 1 contested writes"),
        ("s := 5", 3, (1,), "step 2: choice 1 of the winner choices:1 is processor 1, but the run has only 0 contested writes"),
    ],
)  # fmt: skip
def test_choices_that_do_not_fit(body: str, n: int, choices: tuple[int, ...], message: str) -> None:
    with pytest.raises(PramError) as error:
        run(replace(program(body, n), winner=by_choices(*choices)))
    assert error.value.message == message


def test_contested_writes_are_told_of_under_any_winner() -> None:
    """s has two values in step 2, t three in step 3. A cell to which all write 7 is not contested."""
    made = program("s := pid >> 1\nt := pid\ns := 7", 3)
    for winner in (LOWEST, HIGHEST, at_random(4), by_choices(2)):
        found: list[Contest] = []
        machine = Machine(replace(made, winner=winner), contests=found)
        assert len(list(machine.steps())) == 5
        assert found == [Contest(2, 0, (0, 2)), Contest(3, 1, (0, 1, 2))]


# -- every winner ------------------------------------------------------------------------------------


def check_repeats(made: Job, found: Winners, max_steps: int = MAX_STEPS) -> None:
    """The lowest winner comes first, no winner comes twice, and `run` gives the same run for each winner's text."""
    assert found.runs[0][0] == LOWEST
    assert len({winner for winner, _ in found.runs}) == len(found.runs)
    for winner, outcome in found.runs:
        again = replace(made, winner=parse_winner(str(winner)))
        if isinstance(outcome, Run):
            ran = run(again, max_steps=max_steps)
            assert (ran.memory.tolist(), ran.costs, ran.space) == (outcome.memory.tolist(), outcome.costs, outcome.space)
            assert outcome.job.winner == winner
        else:
            with pytest.raises(type(outcome)) as error:
                run(again, max_steps=max_steps)
            assert str(error.value) == str(outcome)


@pytest.mark.parametrize("checked", [False, True])
def test_every_winner_equals_brute_force(checked: bool) -> None:
    """On random programs with contested writes, both find the same set of results. Some runs trap, some never halt."""
    found: Counter[str] = Counter()
    for made in map(fight, range(600)):
        if checked:
            made = replace(made, code=tuple(replace(i, trap=Trap.ARITHMETIC) if n % 2 else i for n, i in enumerate(made.code)))
        ours = run_winners(made, max_steps=20)
        try:
            wanted = every_end(made, 20)
        except TooMany:
            assert not ours.every
            continue
        assert (ends(ours) == wanted) if ours.every else (ends(ours) <= wanted)
        check_repeats(made, ours, 20)
        found["every" if ours.every else "some"] += 1
        found["several"] += len(wanted) > 1
        found["times"] += len({time for kind, time, _ in wanted if kind == "ended"}) > 1
        found["refused and not"] += len({kind for kind, _, _ in wanted}) > 1

    assert found["every"] >= 500 and found["several"] >= 200, found
    assert found["times"] >= 3 and (not checked or found["refused and not"] >= 3), found


def check_every(made: Job, winners_found: list[str], max_steps: int = MAX_STEPS) -> Winners:
    ours = run_winners(made, max_steps=max_steps)
    assert ours.every
    assert sorted(str(winner) for winner, _ in ours.runs) == sorted(winners_found)
    bare = replace(made, code=tuple(replace(i, checks=()) for i in made.code))  # which the scalar machine knows nothing of
    assert ends(ours) == every_end(bare, max_steps)
    check_repeats(made, ours, max_steps)
    return ours


def test_the_first_run_is_the_lowest_winners() -> None:
    made = program(ALL_WRITE)
    winner, first = run_winners(replace(made, winner=HIGHEST)).runs[0]
    assert winner == LOWEST and isinstance(first, Run)
    plain = run(made)
    assert (first.outputs, first.costs, first.space) == (plain.outputs, plain.costs, plain.space)
    assert first.memory.tolist() == plain.memory.tolist() and vars(first.job).keys() == vars(made).keys()


def test_equal_values_are_one_option() -> None:
    """Processors 0 and 1 write 0, 2 and 3 write 1. So there are two winners: processors 0 and 2 stand for them."""
    check_every(program("s := pid >> 1", 4), ["lowest", "choices:2"])


def test_another_winner_traps() -> None:
    found = check_every(program("s := pid\nsingle do t := 1 - s end"), ["lowest", "choices:1", "choices:2"])
    refused = {str(winner): outcome.message for winner, outcome in found.runs if isinstance(outcome, PramError)}
    assert refused == {"choices:2": "step 5: processor 0: underflow: 1 - 2 is negative; `word 6 signed` has negative words"}


def test_the_lowest_winner_traps() -> None:
    """The first run is an error; the other winners are tried all the same."""
    found = check_every(program("s := pid\nsingle do t := s - 1 end"), ["lowest", "choices:1", "choices:2"])
    assert isinstance(found.runs[0][1], PramError) and all(isinstance(outcome, Run) for _, outcome in found.runs[1:])


def test_the_winner_decides_how_long_it_runs() -> None:
    """The winner decides how many rounds a loop has."""
    found = check_every(program("s := pid\nlocal x := s\nwhile x > 0 do x := x - 1 end"), ["lowest", "choices:1", "choices:2"])
    times = [outcome.time for _, outcome in found.runs if isinstance(outcome, Run)]
    assert times == [5, 9, 13]


def test_the_winner_decides_whether_it_ends() -> None:
    found = check_every(program("s := pid\nwhile s == 1 do end"), ["lowest", "choices:1", "choices:2"], max_steps=20)
    assert [isinstance(outcome, NoHalt) for _, outcome in found.runs] == [False, True, False]


def test_contested_writes_follow_from_earlier_choices() -> None:
    """Only if processor 1 wins, all write t too; only if 2 wins that, all write s again."""
    body = "s := pid\nif s == 1 then t := pid end\nif t == 2 then s := pid + 5 end"
    check_every(
        program(body), ["lowest", "choices:2", "choices:1", "choices:1,1", "choices:1,2", "choices:1,2,1", "choices:1,2,2"]
    )


@pytest.mark.parametrize("mode", [mode for mode in MODES if not MODES[mode].winner_open])
def test_other_modes_have_one_run(mode: str) -> None:
    made = parse_program(f"program p\nmode {mode}\nprocs 2\nshared A[2] : output\nA[pid] := pid").instantiate({})
    found = run_winners(made)
    assert found.every and [winner for winner, _ in found.runs] == [LOWEST] and str(found) == "every winner (1 run)"


@pytest.mark.parametrize("mode", ["ERCW arbitrary", "ERCW priority", "CRCW max", "CRCW min", "CRCW sum", "CROW"])
def test_the_ends_of_each_mode_equal_brute_force(mode: str) -> None:
    """On random programs with contested writes. Only an open winner gives several ends."""
    found: Counter[str] = Counter()
    for made in (fight(seed, mode=mode) for seed in range(250)):
        ours = run_winners(made, max_steps=20)
        try:
            wanted = every_end(made, 20)
        except TooMany:
            continue
        assert (ends(ours) == wanted) if ours.every else (ends(ours) <= wanted)
        found.update(kind for kind, _, _ in wanted)
        found["several"] += len(wanted) > 1
    assert found["ended"] >= 20 and (found["several"] > 0) == MODES[mode].winner_open, found


# -- too many winners ----------------------------------------------------------------------------------

EIGHT = ["lowest", "highest", *(f"random:{seed}" for seed in range(6))]


def names(found: Winners) -> list[str]:
    return [str(winner) for winner, _ in found.runs]


@pytest.mark.parametrize(("n", "most", "every"), [(5, 5, True), (5, 4, False), (64, 64, True), (65, 64, False)])
def test_up_to_so_many_winners_all_are_tried(n: int, most: int, every: bool) -> None:
    made = program(ALL_WRITE, n)
    found = run_winners(made, most=most)
    assert found.every == every and len(found.runs) == (n if every else 8)
    check_repeats(made, found)
    assert every or names(found) == EIGHT
    assert str(found) == (f"every winner ({n} runs)" if every else "8 winners")


def test_so_many_are_drawn() -> None:
    assert names(run_winners(program(ALL_WRITE, 5), most=4, drawn=2)) == EIGHT[:4]


def test_many_contested_writes_in_a_row() -> None:
    """Seven contested writes of two processors have 128 winners. The search notices that after far fewer runs."""
    made = program("\n".join(["s := pid"] * 7), 2)
    counted: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        whole = winners._Search._try
        patch.setattr(winners._Search, "_try", lambda self, choices: counted.append(1) or whole(self, choices))
        found = run_winners(made)
    assert names(found) == EIGHT and len(counted) <= 64
    six = run_winners(program("\n".join(["s := pid"] * 6), 2))
    assert six.every and len(six.runs) == 64


@pytest.mark.parametrize(("n", "each"), [(2, 64), (64, 64), (70, 70)])
def test_long_runs_end_the_search(monkeypatch: pytest.MonkeyPatch, n: int, each: int) -> None:
    """A run of 3 steps has two winners. The second is tried if the first leaves enough work. A step counts for at least 64 processors."""
    made = program("s := pid & 1", n)
    assert run(made).time == 3
    for work, every in ((3 * each, True), (3 * each - 1, False)):
        monkeypatch.setattr(winners, "MOST_WORK", work)
        assert run_winners(made).every == every


@given(st.integers(0, 1))
@settings(FIXED, max_examples=2)
def test_warnings_and_refusals_reach_every_run(drawn: int) -> None:
    made = program("s := pid\nif s == 1 then local x := t end")
    warned: list[Diagnostic] = []
    found = run_winners(made, warn=warned.append, drawn=drawn)
    assert len(warned) == 1 and all(isinstance(outcome, Run) for _, outcome in found.runs)
    strict = run_winners(made, warn=refuse)
    assert [isinstance(outcome, Run) for _, outcome in strict.runs] == [True, False, True]


def test_phrases() -> None:
    one, three, eight, four = (Tried(*each) for each in ((1, True), (3, True), (8, False), (4, False)))
    assert describe_tried([one]) == "every winner (1 run)"
    assert describe_tried([one, three]) == "every winner (4 runs)"
    assert describe_tried([eight]) == describe_tried([eight, eight]) == "8 winners"
    assert describe_tried([one, three, eight]) == "every winner (4 runs), 8 winners on 1 input"
    assert describe_tried([three, eight, four]) == "every winner (3 runs), 4..8 winners on 2 inputs"


def test_machine_code_that_diverges() -> None:
    """Two instructions store to one cell in one step; either can win."""
    pid, zero = Operand("pid"), Operand("constant", 0)
    made = job(
        Instruction("jz", pid, target=3),
        Instruction("store", zero, zero, Operand("constant", 5)),
        Instruction("halt"),
        Instruction("store", zero, zero, Operand("constant", 6)),
        processors=3, mode=OPEN, outputs=range(1),
    )  # fmt: skip
    found = check_every(made, ["lowest", "choices:1"])
    assert [outcome.memory[0] for _, outcome in found.runs if isinstance(outcome, Run)] == [6, 5]
