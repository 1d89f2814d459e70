"""Checks of the language and the machine."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from kit.cases import EXAMPLES
from kit.runs import (
    HINT,
    SAYS,
    assert_replays,
    assert_same,
    assert_same_run,
    did,
    expected_step,
    failure_text,
    printed_in,
    same,
    step_with_seed,
)
from kit.small import apart, conflicting, counting, hot_cell, language_jobs, parameters, statement_program, texts, trapping
from kit.word_operations import MEANINGS
from oracles.calls import with_bodies
from oracles.evaluator import evaluate
from oracles.plain import Trap
from oracles.scalar_machine import ScalarRefusal, ScalarTrap, look, run_scalar, start
from test_automaton import both_loops_take_the_same
from test_ranges import (
    DIFFERENCES,
    ENDS_OF_LOOPS,
    FORMS,
    WAYS,
    test_every_difference,
    test_every_difference_ends_other_ranges,
    test_every_range,
    test_ranges_that_start_at_a_number,
)
from test_steps import test_code_names_the_locals_of_each_instruction

from lockstep.pram.access import MODES
from lockstep.pram.errors import Diagnostic, PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import Failure, Machine, run
from lockstep.pram.parser import parse
from lockstep.pram.program import parse_program
from lockstep.pram.winner import HIGHEST, LOWEST, at_random, by_choices, in_order
from lockstep.pram.word import WORD_OPERATIONS, exact, wrap
from mutation.table import Check

MOST = 250


def scalar_machine_agrees(job: Job) -> None:
    """Both machines run a job alike, step by step, or refuse it in the same step for the same reason."""
    try:
        theirs = run_scalar(job, MOST)
    except ScalarRefusal as refusal:
        try:
            run(job, max_steps=MOST)
        except PramError as refused:
            step, text = refused.message.split(": ", 1)
            assert step == f"step {refusal.step}", f"{refused.message}, not {refusal}"
            assert isinstance(refusal, ScalarTrap) or text.split(HINT)[0] in refusal.texts, f"{text}, not {refusal}"
            return
        raise AssertionError(f"the machine runs what the scalar machine refuses: {refusal}") from None
    ours = run(job, max_steps=MOST, trace=True)
    assert [did(step) for step in ours.trace] == theirs.steps, "the steps of the two machines are not the same"
    assert_same_run(ours, theirs)


def scalar_machine() -> None:
    for job in (hot_cell(), counting(), apart(), parameters(), *(case.job() for case in EXAMPLES)):
        scalar_machine_agrees(job)
    for job in language_jobs():
        if not any(i.checks for i in job.code):  # the scalar machine knows nothing of indices, items and agreement
            scalar_machine_agrees(job)


def lost_writes() -> None:
    for winner in (LOWEST, HIGHEST, in_order(3), by_choices(2, 1)):
        assert assert_replays(replace(hot_cell(), mode="CRCW arbitrary", winner=winner), MOST) == 6
    for mode in ("CRCW priority", "CRCW max", "CRCW min"):
        assert assert_replays(replace(hot_cell(), mode=mode), MOST) == 6
    assert assert_replays(replace(hot_cell(), mode="CRCW sum"), MOST) == 0


def failures() -> None:
    """What a failed run says as data is what the scalar machine says of it, and its steps are there."""
    for job in (job for mode in MODES for job in conflicting(mode)):
        try:
            run_scalar(job, MOST)
        except ScalarRefusal as refusal:
            failure = _failure(job)
            assert failure_text(failure) in refusal.texts, f"{failure_text(failure)} is not in {refusal.texts}"
            assert (failure.attempt.number, len(failure.run.trace)) == (refusal.step, refusal.step - 1), "steps are missing"
            _, reads = look(replace(job, mode="CRCW priority"), start(job)) if refusal.step == 1 else (0, ())
            assert all(failure.attempt.read[pid] == cell for pid, cell in reads), "the step that failed does not say who reads"
    given_up = _failure(counting(9), 5)
    assert (given_up.kind, given_up.processors, given_up.attempt.number) == ("no halt", (0,), 6)


def _failure(job: Job, most: int = MOST) -> Failure:
    try:
        run(job, max_steps=most, trace=True)
    except PramError as error:
        assert error.failure is not None, "a failed run leaves nothing behind"
        return error.failure
    raise AssertionError("the run does not fail")


def register_names() -> None:
    test_code_names_the_locals_of_each_instruction()


def conflicts() -> None:
    for mode in MODES:
        for job in conflicting(mode):
            scalar_machine_agrees(job)


def traps() -> None:
    for job in trapping():
        scalar_machine_agrees(job)


def arbitrary() -> None:
    """Under a seed one of the writers wins, not always the lowest; a seed decides which."""
    job = Job(**{**vars(hot_cell(8)), "mode": "CRCW arbitrary"})
    wins = []
    for seed in range(6):
        machine = Machine(replace(job, winner=at_random(seed)))
        while machine.running:
            wins.append(step_with_seed(machine))
    assert any(wins), "the lowest pid always wins"
    assert same(run(job, seed=3, trace=True), run(job, seed=3, trace=True)), "one seed, two runs"


def instruction_examples() -> None:
    """The hand-written examples of the instruction table, on the machine."""
    for case in EXAMPLES:
        machine = Machine(case.job())
        found, wanted = did(machine.step())[0], expected_step(case.name, case.example)
        wanted = wanted._replace(destination="r1" if wanted.destination == "r3" else wanted.destination)
        assert found == wanted, f"{case}: {found}, not {wanted}"


def word_table() -> None:
    """Every pair of words of up to 5 bits, in plain integers."""
    for bits in (2, 3, 4, 5):
        top = 1 << bits
        xs, ys = np.repeat(np.arange(top), top), np.tile(np.arange(top), top)
        for name, operation in WORD_OPERATIONS.items():
            meaning = MEANINGS["mov" if name == "copy" else name]
            wanted = [int(meaning(x, y, bits)) % top for x, y in zip(xs.tolist(), ys.tolist())]
            assert wrap(exact(operation, xs, ys, bits), bits).tolist() == wanted, f"{name} of {bits} bits"


def every_shift() -> None:
    """Shifts of edge words by every amount that a word can hold, for every word size up to 14 bits."""
    for bits in range(2, 15):
        top = 1 << bits
        for x in {0, 1, top >> 1, top - 1, 0b1010110101 % top}:
            xs, ys = np.full(top, x), np.arange(top)
            for name, towards in (("shl", 1), ("shr", -1)):
                wanted = [(x << y if towards > 0 else x >> y) % top if y < bits else 0 for y in range(top)]
                found = wrap(exact(WORD_OPERATIONS[name], xs, ys, bits), bits).tolist()
                assert found == wanted, f"{name} of {x} in {bits} bits"


def evaluator() -> None:
    """Every program ends alike on the machine and in the walk over its syntax tree: memory, outputs, time, accesses, or a trap."""
    for case in texts():
        try:
            program = parse_program(case.text)
        except PramError as error:
            raise AssertionError(f"refused: {error.message}: {case.text}") from None
        try:
            theirs = evaluate(with_bodies(parse(case.text)[0]), case.params, case.arrays, max_steps=1500)
        except Trap as trap:
            _refuses(case.text, lambda p=program, c=case: run(p.instantiate(c.params, c.arrays), max_steps=1500), SAYS[trap.kind])
            continue
        try:
            ours = run(program.instantiate(case.params, case.arrays), max_steps=1500)
        except PramError as error:
            raise AssertionError(f"{error.message}: {case.text}") from None
        assert ours.memory.tolist() == theirs.memory and ours.time == theirs.time, (
            f"time {ours.time}, not {theirs.time}; memory {ours.memory.tolist()}, not {theirs.memory}: {case.text}"
        )
        assert_same(ours, theirs)


def ranges() -> None:
    test_ranges_that_start_at_a_number()
    for form in FORMS:
        test_every_range(2, "", form)
    for end in DIFFERENCES:
        test_every_difference(end)
        if end in ENDS_OF_LOOPS:
            for how in WAYS:
                test_every_difference_ends_other_ranges(how, end)


def _refuses(text: str, action: object, says: tuple[str, ...]) -> None:
    try:
        action()  # type: ignore[operator]
    except PramError as error:
        assert any(words in error.message for words in says), f"{error.message}, not {says}: {text}"
        return
    raise AssertionError(f"not refused, though {says}: {text}")


#: Statements that the front end refuses, with words of the reason.
REFUSED = (
    ("if pid then halt end", "`halt` cannot stand inside"),
    ("parallel for i in 0 .. 1 do single do s1 := 1 end end", "`single` cannot stand inside"),
    ("parallel for i in 0 .. 1 do while 1 do end end", "`while` inside `parallel` needs `atmost`"),
    ("local y := pid if y then while 1 do end end", "needs `atmost`"),
    ("local y := 1 single do y := 2 end for i in 0 .. y do end", "loop bound differs per processor"),
    ("local y := pid for i in 0 .. y do end", "loop bound differs per processor"),
    ("parallel for i in 0 .. 1 do parallel for j in 0 .. 1 do end end", "`parallel` cannot stand inside"),
    ("break", "there is none around it"),
    ("if pid then return end", "`return` ends an item"),
    ("while 1 do if pid then break end end", "`break` cannot stand inside"),
    ("for i in 0 .. 1 do i := 2 end", "loop variable `i` cannot be assigned"),
    ("for i in 0 .. x do x := 2 end", "cannot be assigned in it"),
    ("parallel for i in 0 .. pid do end", "differs per processor"),
    ("single do for i in 0 .. s1 do end end", "cannot read shared memory"),
    ("for i in [1, 2] do i := 2 end", "loop variable `i` cannot be assigned"),
    ("for i in [1, x] do x := 2 end", "cannot be assigned in it"),
    ("parallel for i in [1, pid] do end", "the list of a `parallel for` differs per processor"),
    ("for i in [1, s1] do end", "a list holds no shared memory"),
    ("local x := 1", "declared twice"),
    ("y := 1", "undeclared name `y`"),
    ("x := A[1, 2]", "takes 1 subscript"),
    ("x := sqrt(x)", "takes numbers and parameters only"),
    ("x := f(x)", "there is no function `f`"),
    ("if x and pid then end", "`and` takes truth values"),
    ("pid := 1", "cannot be assigned"),
)


def refused_texts() -> None:
    for statement, reason in REFUSED:
        _refuses(statement, lambda s=statement: parse_program(statement_program(s, "procs n\n", "CREW")), (reason,))


def warnings() -> None:
    """Reads of cells that nothing has written: which, and where."""
    text = statement_program("single do x := A[1] s1 := M[1, 0]\nM[2, 0] := 4\ns1 := M[2, 0] end", "procs n\n")
    found: list[Diagnostic] = []
    run(parse_program(text).instantiate({"n": 4}, {"A": [1, 2, 3, 4]}), warn=found.append)
    wanted = ["step 5: processor 0 reads M[1, 0], which nothing has written (it holds 0)"]
    assert [w.message for w in found] == wanted, f"{[w.message for w in found]}, not {wanted}"


def endless_loops() -> None:
    """The words of a run that is given up: which loops, which rounds."""
    text = statement_program("while 1 do\nfor i in 1 .. 2 do x := i end\nend", "procs n\n")
    try:
        run(parse_program(text).instantiate({"n": 4}, {"A": [1, 2, 3, 4]}), max_steps=63)
    except PramError as error:
        loops = "it was in round 5 of this `while`, round 1 of the `for` of line 8"
        wanted = f"step 63: no halt within 63 steps (--max-steps sets the limit): {loops}"
        assert error.message == wanted, f"{error.message}, not {wanted}"
        return
    raise AssertionError("it halts")


def free_statements() -> None:
    """Statements that take no step: with spaces in their place the machine code is the same."""
    for case in texts():
        text = re.sub(r"\bbarrier\b|\bprint [^\n]*", lambda found: " " * len(found[0]), case.text)
        with_them, without = (parse_program(t).code for t in (case.text, text))
        assert with_them.instructions == without.instructions, f"a statement that takes no step changes the code: {case.text}"
        assert (with_them.registers, with_them.derived) == (without.registers, without.derived), case.text


def printed() -> None:
    """What programs print: steps, lines, processors and values, as the walk over the syntax tree prints them."""
    for case in texts():
        program = parse_program(case.text)
        if not program.code.prints and "print" not in case.text:
            continue
        try:
            theirs = evaluate(with_bodies(parse(case.text)[0]), case.params, case.arrays, max_steps=1500)
        except Trap:
            continue
        ours = printed_in(program, program.instantiate(case.params, case.arrays), 1500)
        assert sorted(ours, key=repr) == sorted(theirs.printed, key=repr), f"{ours}, not {theirs.printed}: {case.text}"


def registers() -> None:
    """Registers are reused: so many does each program take, counted by hand."""
    for statement, wanted in (
        ("x := 1", 1),
        ("x := (x + 1) * (x - 1)", 3),
        ("local y := x local z := y", 3),
        ("single do local y := 1 y := 2 end single do local z := 1 z := 2 end", 3),
        ("for i in 1 .. 2 do x := i end for j in 1 .. 2 do x := j end", 3),
    ):
        code = parse_program(statement_program(statement, "procs n\n")).code
        assert code.registers == wanted, f"{statement}: {code.registers} registers, not {wanted}"


def both_loops() -> None:
    both_loops_take_the_same(seed=9, count=8)


MACHINE = (PramError, IndexError)
CHECKS = (
    Check(
        "scalar machine",
        "every step, cost and cell of the machine against an interpreter in plain Python",
        scalar_machine,
        MACHINE,
    ),
    Check("lost writes", "the memory after each step, from the writes that a step does not call lost", lost_writes),
    Check(
        "failures",
        "kind, processors, cell and steps of runs that fail, against every pair of accesses in plain Python",
        failures,
        MACHINE,
    ),
    Check("register names", "the locals that are known at each instruction of a program", register_names),
    Check("conflicts", "what each access mode refuses, against every pair of accesses in plain Python", conflicts, MACHINE),
    Check("traps", "what checked arithmetic refuses, against plain Python", traps, MACHINE),
    Check("seeded writers", "under a seed one of the writers wins, and not always the lowest", arbitrary),
    Check("instruction examples", "the hand-written examples of the instruction table", instruction_examples, MACHINE),
    Check("word table", "every word operation on all words of 2 to 5 bits, in plain integers", word_table),
    Check("every shift", "shifts by every amount, words of 2 to 14 bits", every_shift),
    Check("evaluator", "time, accesses, memory, outputs and traps of programs against a walk over the syntax tree", evaluator),
    Check("ranges", "who runs a `parallel for` with which items, for all ranges of words of 2 bits, in plain integers", ranges),
    Check("both loops", "trees and errors of the loop that parses, against Lark's own", both_loops, (PramError,)),
    Check("refused texts", "programs that the front end must refuse, and why", refused_texts),
    Check("warnings", "reads of cells that nothing has written", warnings),
    Check("endless loops", "in which loop and round a run was given up, word by word", endless_loops),
    Check("free statements", "the machine code with and without the statements that take no step", free_statements),
    Check("printed", "what `print` shows of programs, against a walk over the syntax tree", printed, MACHINE),
    Check("registers", "how many registers programs take, counted by hand", registers),
)
