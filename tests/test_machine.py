"""Tests the machine against hand-written examples, against an independent scalar machine, and for laws of the access modes."""

from collections import Counter
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import seed as drawn_with
from kit.machine_programs import machine_jobs, runs
from kit.runs import HINT, assert_same_run, did, expected_step, same, step_with_seed
from oracles.scalar_machine import COMPUTE, ScalarConflict, ScalarEndless, ScalarRefusal, ScalarTrap, run_scalar

from lockstep.pram.access import MODES
from lockstep.pram.errors import PramError
from lockstep.pram.instructions import INSTRUCTIONS, Example, Instruction, Operand, Trap
from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, NO_DESTINATION, Machine, Run, register_destination, register_of, run
from lockstep.pram.winner import at_random
from lockstep.proofs_check.fuzzing.coverage import Coverage, coverage

MAX_STEPS = 40
#: The same jobs in every run of the tests.
FIXED = settings(derandomize=True, deadline=None, database=None)
COMBINED = ["CRCW max", "CRCW min"]
#: For each mode, the modes that must run its jobs in the same way; under `arbitrary` the lowest pid wins.
STRONGER = {
    "EREW": [mode for mode in MODES if mode not in ("EREW", "CROW")],
    "CROW": ["CREW", "CRCW common", "CRCW arbitrary", "CRCW priority", *COMBINED, "CRCW sum"],
    "CREW": ["CRCW common", "CRCW arbitrary", "CRCW priority", *COMBINED, "CRCW sum"],
    "ERCW common": ["ERCW arbitrary", "ERCW priority", "CRCW common", "CRCW arbitrary", "CRCW priority", *COMBINED],
    "ERCW arbitrary": ["CRCW arbitrary"],
    "ERCW priority": ["ERCW arbitrary", "CRCW arbitrary", "CRCW priority"],
    "CRCW common": ["CRCW arbitrary", "CRCW priority", *COMBINED],
    "CRCW priority": ["CRCW arbitrary"],
}
PID, ZERO = Operand("pid"), Operand("constant", 0)

EXAMPLES = [
    pytest.param(row.name, example, id=f"{row.name} {example.x} {example.y} {example.z}")
    for row in INSTRUCTIONS.values()
    for example in row.examples
]


# -- hand-written examples -------------------------------------------------------------------------


def example_job(
    name: str, example: Example, kind: Literal["constant", "parameter", "register"], trap: Trap = Trap.NOTHING
) -> Job:
    """The instruction at place 0, target 2. Operands are constants, or the parameters or registers 0 .. 2 for x, y, z."""
    words, fields = (example.x, example.y, example.z), INSTRUCTIONS[name].operands
    indices = words if kind == "constant" else range(3)
    x, y, z = (Operand(kind, index) if f in fields else None for f, index in zip("xyz", indices))
    rd, target = 3 if "rd" in fields else None, 2 if "L" in fields else None
    code = (Instruction(name, x, y, z, rd, target, trap=trap), Instruction("halt"), Instruction("halt"))
    memory = np.zeros(1 << example.bits, np.int64)
    memory[(example.x + example.y) % len(memory)] = example.memory
    return Job(code, 4, 1, example.bits, "EREW", memory, words)


@pytest.mark.parametrize("kind", ["constant", "parameter", "register"])
@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_example(name: str, example: Example, kind: Literal["constant", "parameter", "register"]) -> None:
    """The scalar machine must agree with the examples, too."""
    job = example_job(name, example, kind)
    machine = Machine(job)
    machine.registers[:3, 0] = example.x, example.y, example.z
    assert did(machine.step()) == [expected_step(name, example)]
    assert kind == "register" or run_scalar(job, 2).steps[0] == [expected_step(name, example)]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_example_traps(name: str, example: Example) -> None:
    """Checked arithmetic refuses exactly what the example says, and otherwise computes the same."""
    job = example_job(name, example, "constant", Trap.ARITHMETIC)
    if not example.traps:
        assert did(Machine(job).step()) == [expected_step(name, example)] == run_scalar(job, MAX_STEPS).steps[0]
        return
    refusals = r"(overflow|underflow|shift by|division of|\w+\(0\) is not defined)"
    with pytest.raises(PramError, match=f"^error: step 1: processor 0: {refusals}"):
        Machine(job).step()
    with pytest.raises(ScalarTrap):
        run_scalar(job, MAX_STEPS)


def test_every_row_has_examples() -> None:
    assert all(row.examples for row in INSTRUCTIONS.values())
    assert set(COMPUTE) | {"load", "store", "jmp", "jz", "nop", "halt"} == set(INSTRUCTIONS)


# -- against the scalar machine --------------------------------------------------------------------


def assert_same_refusal(ours: PramError, scalar: ScalarRefusal) -> None:
    """Check that both errors name the same step, and that the accesses named in a conflict do conflict."""
    step, text = ours.message.split(": ", 1)
    assert step == f"step {scalar.step}"
    if not isinstance(scalar, ScalarTrap):  # traps are compared by the examples above
        assert text.split(HINT)[0] in scalar.texts


def compare(job: Job) -> Run | ScalarRefusal:
    """Run a job on both machines, and return the result that they share."""
    try:
        scalar = run_scalar(job, MAX_STEPS)
    except ScalarRefusal as refusal:
        with pytest.raises(PramError) as refused:
            run(job, max_steps=MAX_STEPS)
        assert_same_refusal(refused.value, refusal)
        return refusal
    ours = run(job, max_steps=MAX_STEPS, trace=True)
    assert_same_run(ours, scalar)
    return ours


def test_machine_equals_scalar_machine() -> None:
    found: list[Run | ScalarRefusal] = []

    def check(job: Job) -> None:
        found.append(compare(job))

    for number, mode in enumerate(MODES):  # all draws together would favour some modes
        drawn_with(number)(settings(FIXED, max_examples=150)(given(machine_jobs(modes=[mode]))(check)))()
    kinds = Counter(type(outcome) for outcome in found)
    assert kinds[Run] >= 500 and kinds[ScalarConflict] >= 10 and kinds[ScalarEndless], kinds
    assert_covered(sum((coverage(outcome) for outcome in found if isinstance(outcome, Run)), Coverage()))


def assert_covered(total: Coverage) -> None:
    """The random jobs cover all features of the machine."""
    assert all(total.instructions[name] >= 50 for name in INSTRUCTIONS), total
    assert all(total.modes[mode] >= 50 for mode in MODES), total
    operands = [f"{name} {kind}" for name in "xyz" for kind in ("register", "constant", "parameter", "pid")]
    assert all(total.operands[operand] >= 20 for operand in operands), total
    events = ["divergent", "concurrent reads", "concurrent writes", "different values", "read and write", "wrapped address"]
    assert all(total.steps(event) >= 20 for event in events), total
    assert all(total.events[mode, "divergent"] >= 20 for mode in MODES), total
    assert all(total.events[mode, "read and write"] for mode in MODES if mode[:2] != "ER"), total
    assert all(total.events[mode, "concurrent writes"] >= 10 for mode in MODES if MODES[mode].concurrent_writes), total
    differ = [row.name for row in MODES.values() if row.concurrent_writes and not row.same_value]
    assert all(total.events[mode, "different values"] for mode in differ), total
    forbidden = [("EREW", event) for event in events[1:5]]
    forbidden += [(mode, event) for mode in ("CREW", "CROW") for event in events[2:4]]
    forbidden += [(mode, event) for mode in MODES if mode[:2] == "ER" for event in (events[1], events[4])]
    forbidden += [("ERCW common", "different values"), ("CRCW common", "different values")]
    assert not any(total.events[pair] for pair in forbidden), total


@pytest.mark.parametrize("mode", ["EREW", "CROW", "CREW", "ERCW common", "ERCW priority", "CRCW common", "CRCW sum"])
def test_conflicts_equal_scalar_machine(mode: str) -> None:
    """Run programs for CRCW priority, which may have any conflict, in a stricter mode."""
    found: Counter[type] = Counter()

    @settings(FIXED, max_examples=240)
    @given(machine_jobs(modes=["CRCW priority"], processors=[2, 3, 5, 8]))
    def check(job: Job) -> None:
        found[type(compare(replace(job, mode=mode)))] += 1

    check()
    assert found[ScalarConflict] >= 10 and found[Run] >= 10, found


def test_checked_arithmetic_equals_scalar_machine() -> None:
    """If arithmetic is checked, both machines stop in the same step."""
    found: Counter[type] = Counter()

    @settings(FIXED, max_examples=150)
    @given(machine_jobs())
    def check(job: Job) -> None:
        checked = tuple(replace(instruction, trap=Trap.ARITHMETIC) for instruction in job.code)
        found[type(compare(replace(job, code=checked)))] += 1

    check()
    assert found[ScalarTrap] >= 20 and found[Run] >= 20, found


# -- the laws of the modes -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", STRONGER)
def test_accepted_in_a_mode_runs_the_same_in_stronger_modes(mode: str) -> None:
    accepted: list[Run] = []

    @settings(FIXED, max_examples=60)
    @given(machine_jobs(modes=[mode]))
    def check(job: Job) -> None:
        if (first := runs(job, MAX_STEPS)) is None:
            return
        accepted.append(first)
        assert all(same(runs(replace(job, mode=stronger), MAX_STEPS), first) for stronger in STRONGER[mode])
        if not mode.endswith(("priority", "arbitrary")):  # all who write a cell agree, so no seed matters
            assert same(runs(replace(job, mode="CRCW arbitrary"), MAX_STEPS, seed=7), first)

    check()
    assert len(accepted) >= 30


def test_arbitrary_lets_one_writer_win() -> None:
    others: list[bool] = []

    @settings(FIXED, max_examples=150)
    @given(machine_jobs(modes=["CRCW arbitrary"], processors=[2, 3, 5, 8]))
    def check(job: Job) -> None:
        for seed in range(2):
            machine = Machine(replace(job, winner=at_random(seed)))
            while machine.running and machine.costs.time < MAX_STEPS:
                others.append(step_with_seed(machine))

    check()
    assert sum(others) >= 10


def test_a_seed_decides() -> None:
    """All processors write their pid to cell 0. The same seed gives the same run; some seeds give other runs."""
    job = tiny("CRCW arbitrary", Instruction("store", ZERO, ZERO, PID))
    winners = [int(run(job, seed=seed).memory[0]) for seed in range(40)]
    assert set(winners) == {0, 1, 2}
    assert winners == [int(run(job, seed=seed).memory[0]) for seed in range(40)]
    assert run(job).memory[0] == run(replace(job, mode="CRCW priority")).memory[0] == 0


# -- exact texts -----------------------------------------------------------------------------------


def tiny(mode: str, *code: Instruction, processors: int = 3) -> Job:
    return Job((*code, Instruction("halt")), 1, processors, 4, mode, np.zeros(16, np.int64))


def refusal(job: Job, max_steps: int = MAX_STEPS) -> str:
    with pytest.raises(PramError) as refused:
        run(job, max_steps=max_steps)
    return str(refused.value)


#: Processor 0 loads cell 2, while processor 1 stores to cell 2 and processor 2 to cell 3.
READ_MEETS_WRITE = (
    Instruction("jz", PID, target=3),
    Instruction("store", PID, Operand("constant", 1), PID),
    Instruction("halt"),
    Instruction("load", Operand("constant", 2), ZERO, rd=0),
    Instruction("store", Operand("register", 0), Operand("constant", 8), Operand("constant", 9)),
)

#: Processors 0 and 1, at different instructions, load cell 5.
READS_MEET = (
    Instruction("jz", PID, target=3),
    Instruction("load", PID, Operand("constant", 4), rd=0),
    Instruction("halt"),
    Instruction("load", Operand("constant", 5), ZERO, rd=0),
)

SHARED = Operand("constant", 7)


@pytest.mark.parametrize("mode", ["EREW", "CROW", "CREW"])
def test_text_of_concurrent_write(mode: str) -> None:
    job = tiny(mode, Instruction("nop"), Instruction("store", SHARED, ZERO, PID), processors=2)
    assert refusal(job) == f"error: step 2: processors 0 and 1 write cell 7 (mode {mode})"


def test_text_of_concurrent_read() -> None:
    assert refusal(tiny("EREW", *READS_MEET)) == "error: step 2: processors 0 and 1 read cell 5 (mode EREW)"
    assert refusal(tiny("ERCW common", *READS_MEET)) == "error: step 2: processors 0 and 1 read cell 5 (mode ERCW common)"
    assert all(runs(tiny(mode, *READS_MEET)) for mode in MODES if mode[:2] == "CR")


def test_text_of_read_and_write() -> None:
    assert refusal(tiny("EREW", *READ_MEETS_WRITE)) == "error: step 2: processor 0 reads and 1 writes cell 2 (mode EREW)"


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode[:2] == "CR"])
def test_a_load_sees_memory_before_the_step(mode: str) -> None:
    """Processor 0 loads 0, not the 1 that is stored in the same step; then it stores to cell 8 + 0."""
    memory = run(tiny(mode, *READ_MEETS_WRITE)).memory
    assert {cell: int(memory[cell]) for cell in np.flatnonzero(memory).tolist()} == {2: 1, 3: 2, 8: 9}


def test_text_of_different_values() -> None:
    """Processors 0 and 1 write 0, processor 2 writes 1."""
    half = Instruction("shr", PID, Operand("constant", 1), rd=0)
    job = tiny("CRCW common", half, Instruction("store", SHARED, ZERO, Operand("register", 0)))
    assert refusal(job) == "error: step 2: processors 0 and 2 write different values, 0 and 1, to cell 7 (mode CRCW common)"
    assert run(replace(job, processors=2)).memory[7] == 0


#: Processor 1 stores to cell 7 in step 2, processor 0 in step 4.
ONE_AFTER_THE_OTHER = (
    Instruction("jz", PID, target=3),
    Instruction("store", SHARED, ZERO, PID),
    Instruction("halt"),
    Instruction("nop"),
    Instruction("nop"),
    Instruction("store", SHARED, ZERO, PID),
)


def test_text_of_a_cell_of_another_owner() -> None:
    """Who owns a cell may write it again. EREW has no owners."""
    job = tiny("CROW", *ONE_AFTER_THE_OTHER, processors=2)
    assert refusal(job) == "error: step 4: processor 0 writes cell 7, which processor 1 owns as the first to write it (mode CROW)"
    assert run(replace(job, mode="EREW")).memory[7] == 0
    again = tiny("CROW", Instruction("store", PID, ZERO, PID), Instruction("store", PID, ZERO, SHARED))
    assert run(again).memory[:4].tolist() == [7, 7, 7, 0]


def test_text_of_a_sum_that_is_no_word() -> None:
    """0 + 1 + 2 + 3 + 4 + 5 = 15 is a word of 4 bits, 21 is none. A cell that one processor writes has its word."""
    store = Instruction("store", SHARED, ZERO, PID)
    assert run(tiny("CRCW sum", store, processors=6)).memory[7] == 15
    assert refusal(tiny("CRCW sum", store, processors=7)) == (
        "error: step 1: processors 0, 1, 2, 3, 4, 5 and 6 write 0, 1, 2, 3, 4, 5 and 6 to cell 7:"
        + " the sum 21 does not fit a word of 4 bits (mode CRCW sum)"
    )
    assert refusal(tiny("CRCW sum", store, processors=10)) == (
        "error: step 1: processors 0, 1, 2, 3, 4, 5, 6, 7 and 2 more write 0, 1, 2, 3, 4, 5, 6, 7 and 2 more to cell 7:"
        " the sum 45 does not fit a word of 4 bits (mode CRCW sum)"
    )
    assert run(tiny("CRCW sum", Instruction("store", PID, ZERO, PID))).memory[:3].tolist() == [0, 1, 2]


@pytest.mark.parametrize(("mode", "wanted"), [("CRCW max", 6), ("CRCW min", 4), ("CRCW sum", 15), ("CRCW priority", 5)])
def test_what_concurrent_writes_leave(mode: str, wanted: int) -> None:
    """Processors 0, 1 and 2 write 5, 4 and 6 over a 9."""
    code = (Instruction("load", PID, ZERO, rd=0), Instruction("store", SHARED, ZERO, Operand("register", 0)))
    memory = np.array([5, 4, 6, *[9] * 13])
    assert run(replace(tiny(mode, *code), memory=memory)).memory[7] == wanted


def test_text_of_no_halt() -> None:
    assert (
        refusal(tiny("EREW", Instruction("jmp", target=0)), 5)
        == "error: step 5: no halt within 5 steps (--max-steps sets the limit)"
    )


def test_codes_of_registers_have_an_inverse() -> None:
    codes = np.array([register_destination(register) for register in range(8)])
    assert register_of(codes).tolist() == list(range(8)) == [register_of(int(code)) for code in codes]
    assert max(codes) < min(NO_DESTINATION, HALTED)
