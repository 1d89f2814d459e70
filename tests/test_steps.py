"""Tests what a run says of itself as data: reads, lost writes, names of registers, and the failure of a run that fails."""

from dataclasses import replace

import pytest
from kit.runs import assert_replays, did, failure_text
from kit.small import conflicting, hot_cell
from oracles.scalar_machine import ScalarConflict, run_scalar, start, writers
from oracles.scalar_machine import look as next_step

from lockstep.pram.access import MODES
from lockstep.pram.errors import PramError
from lockstep.pram.instructions import Operand
from lockstep.pram.job import Job
from lockstep.pram.machine import Failure, NoHalt, run
from lockstep.pram.program import parse_program
from lockstep.pram.winner import HIGHEST, LOWEST, Winner, at_random, by_choices, in_order

ZERO = Operand("constant", 0)
#: The modes in which several processors may write a cell.
SHARED = [mode for mode in MODES if MODES[mode].concurrent_writes and not MODES[mode].same_value]
SMALL = "program p mode {mode} param n procs n shared A[n] : inout, s : output "


def failed(job: Job, max_steps: int = 100) -> Failure:
    with pytest.raises(PramError) as error:
        run(job, max_steps=max_steps, trace=True)
    assert error.value.failure is not None
    return error.value.failure


# -- whose write is lost -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", SHARED)
def test_the_writes_that_are_not_lost_leave_the_memory(mode: str) -> None:
    """Four processors write to one cell. Where writes are added up, none is lost; else all but one in each step."""
    job = replace(hot_cell(), mode=mode)
    code = tuple(replace(i, name="mov", x=ZERO, y=None) if i.name == "load" else i for i in job.code)
    lost = assert_replays(replace(job, code=code), 100)
    assert (lost == 0) == (mode == "CRCW sum")
    assert lost % 3 == 0


@pytest.mark.parametrize("winner", [LOWEST, HIGHEST, in_order(3), at_random(5), by_choices(2, 1)], ids=str)
def test_the_winner_keeps_its_write(winner: Winner) -> None:
    assert assert_replays(replace(hot_cell(), mode="CRCW arbitrary", winner=winner), 100) > 0


def test_nobody_loses_a_cell_that_he_alone_writes() -> None:
    program = parse_program(SMALL.format(mode="CRCW priority") + "parallel for i in 0 .. n - 1 do A[i] := i end")
    trace = run(program.instantiate({"n": 4}, {"A": [0] * 4}), trace=True).trace
    assert sum((step.destination >= 0).sum() for step in trace) == 4
    assert not any(len(step.lost) for step in trace)


# -- a run that fails ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_conflict_is_data(mode: str) -> None:
    """Kind, processors and cell are those of one of the forbidden pairs that the scalar machine finds, and the run up to there is kept."""
    for job in conflicting(mode):
        try:
            run_scalar(job, 100)
        except ScalarConflict as refusal:
            failure, theirs = failed(job), start(job)
            assert failure_text(failure) in refusal.texts
            assert (failure.attempt.number, len(failure.run.trace)) == (refusal.step, refusal.step - 1)
            assert failure.run.memory.tolist() == job.memory.tolist() or refusal.step > 1
            if refusal.step == 1:  # what all processors wanted to do
                wanted, _ = next_step(replace(job, mode="CRCW priority"), theirs)
                assert did(failure.attempt) == wanted
                reading = {d.read for d in wanted} - {None}
                assert failure.cell in reading | writers(wanted).keys()


def test_a_sum_that_is_no_word_names_all_its_writers() -> None:
    program = parse_program(SMALL.format(mode="CRCW sum") + "word 4 parallel for i in 0 .. n - 1 do s := 5 end")
    failure = failed(program.instantiate({"n": 4}, {"A": [0] * 4}))
    assert (failure.kind, failure.processors, failure.run.job.cell_name(failure.cell or 0)) == ("sum", (0, 1, 2, 3), "s")


@pytest.mark.parametrize(
    "body, kind, processors",
    [
        ("parallel for i in 0 .. n - 1 do A[i] := 7 / (3 - i) end", "trap", (3,)),
        ("parallel for i in 0 .. n - 1 do A[i + 1] := i end", "trap", (3,)),
        ("word 4 parallel for i in 0 .. n - 1 do A[i] := 14 + i end", "trap", (2,)),
        ("if pid > 1 then s := 1 s := 2 end while pid > 2 do s := 1 end", "trap", (0, 3)),
        ("while 1 == 1 do s := 1 end", "no halt", (0, 1, 2, 3)),
    ],
)
def test_other_failures_name_their_processors(body: str, kind: str, processors: tuple[int, ...]) -> None:
    program = parse_program(SMALL.format(mode="CRCW priority") + body)
    failure = failed(program.instantiate({"n": 4}, {"A": [0] * 4}))
    assert (failure.kind, failure.processors, failure.cell) == (kind, processors, None)
    assert failure.attempt.number == len(failure.run.trace) + 1
    last = failure.run.trace[-1]
    assert failure.attempt.counter.tolist() == last.next.tolist()
    assert (failure.attempt.destination == -1).all() and (failure.attempt.read == -1).all()


def test_a_run_that_is_given_up_keeps_its_steps() -> None:
    job = replace(hot_cell(rounds=20), mode="CRCW priority")
    with pytest.raises(NoHalt) as error:
        run(job, max_steps=7, trace=True)
    failure = error.value.failure
    assert failure is not None
    assert (failure.kind, failure.attempt.number, failure.processors) == ("no halt", 8, (0, 1, 2, 3))
    assert [did(step) for step in failure.run.trace] == [did(step) for step in run(job, trace=True).trace[:7]]


def test_a_run_that_a_choice_ends_is_refused() -> None:
    job = replace(hot_cell(), mode="CRCW arbitrary", winner=by_choices(9))
    failure = failed(job)
    assert (failure.kind, failure.processors) == ("refused", ())


# -- names of registers --------------------------------------------------------------------------


def test_code_names_the_locals_of_each_instruction() -> None:
    """`m` is known from the statement after its own on, `h` inside the loop, `i` inside `parallel`; the end of a block forgets."""
    code = parse_program("""
        program tree mode EREW param n procs n shared A[n] : inout
        local m := n
        while m > 1 do
          local h := m >> 1
          parallel for i in 0 .. h - 1 do
            A[i] := A[i + h]
          end
          m := h
        end
    """).code
    assert len(code.locals) == len(code.instructions)
    known = [tuple(names) for names in code.locals]
    assert list(dict.fromkeys(known)) == [(), ("m",), ("m", "h"), ("m", "h", "i")]
    named = {name: code.locals[at][name] for at, names in enumerate(known) for name in names}
    assert len(set(named.values())) == 3
    stores = [at for at, instruction in enumerate(code.instructions) if instruction.name == "store"]
    assert [known[at] for at in stores] == [("m", "h", "i")]
    assert all(code.locals[at] == {name: named[name] for name in known[at]} for at in range(len(known)))
    assert known[-1] == (), "the end of the program knows no local"
