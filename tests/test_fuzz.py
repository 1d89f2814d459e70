"""20,000 mutated programs and inputs: each gives a run or a clean error at its place, soon."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from types import FrameType

import pytest
from kit.commands import FINE, REFUTED, WRONG, Do
from kit.fuzzing import Outcome, cases, check_clean, files, inputs, mutate_json, mutate_text, programs

from lockstep.pram.errors import Diagnostic, PramError, Source, Span
from lockstep.pram.program import parse_program

#: Seconds of processor time that one mutant may take, many times what any does. A busy machine does not count.
PATIENCE = 20


COMMANDS = (
    "run t.pram --max-steps 99",
    "asm t.pram",
    "run t.pram --json --strict --max-steps 99",
    "run t.pram --max-steps 99 --size 3",
)


def give_up(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"a mutant took more than {PATIENCE} s")


def counted(outcomes: Iterator[Outcome], number: int) -> Counter[str]:
    """How many came to which stage; none may hang."""
    found: Counter[str] = Counter()
    before = signal.signal(signal.SIGPROF, give_up)
    try:
        for _ in range(number):
            signal.setitimer(signal.ITIMER_PROF, PATIENCE)
            found[next(outcomes).stage] += 1
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_mutated_programs(seed: int) -> None:
    found = counted(programs(Random(seed)), 2000)
    assert found.total() == 2000
    assert found["parsing"] >= 500 and found["analysis"] >= 300 and found["instantiation"] >= 60, found
    assert found["running"] >= 50 and found["ran"] >= 300, found


@pytest.mark.parametrize("seed", range(2))
def test_mutated_inputs(seed: int, tmp_path: Path) -> None:
    found = counted(inputs(Random(seed), tmp_path), 3000)
    assert found.total() == 3000
    assert found["instantiation"] >= 900 and found["running"] >= 50 and found["ran"] >= 400, found


def test_wrong_bytes_in_files(tmp_path: Path) -> None:
    found = counted(files(Random(0), tmp_path), 2000)
    assert found.total() == 2000
    assert found["reading"] >= 200 and found["parsing"] >= 100 and found["instantiation"] >= 300 and found["ran"] >= 300, found


def test_mutants_on_the_command_line(do: Do) -> None:
    """Exit statuses, nothing on standard output beside an error, no traceback."""
    random, statuses = Random(0), Counter()
    for number, case in enumerate(islice(cases(random), 60)):
        Path("t.pram").write_text(mutate_text(random, case.text) if number % 3 else case.text)
        given = f'{{"params": {case.params}, "arrays": {case.arrays}}}'.replace("'", '"')
        Path("in.json").write_text(given if number % 3 else mutate_json(random, given))
        command = COMMANDS[number % 7 % 4]
        outcome = do(command if "asm" in command or "size" in command else f"{command} --input in.json")
        statuses[outcome.status] += 1
        assert outcome.status in (FINE, WRONG, REFUTED), outcome
        assert "Traceback" not in outcome.err
        if outcome.status == WRONG:
            assert outcome.out == "" and (": error: " in outcome.err or outcome.err.startswith("error: ")), outcome
        else:  # a false claim is an error at its place, beside the outputs
            errors = [line for line in outcome.err.splitlines() if ": error: " in line]
            assert outcome.out != "" and all(outcome.status == REFUTED and " is false: " in line for line in errors), outcome
    assert statuses[FINE] >= 10 and statuses[WRONG] >= 20, statuses


MODEL_COMMANDS = (
    "decode t.pram --size 2 --max-steps 12",
    "compile t.pram --word-bits 6 --time-bits 4 --pid-bits 2 --out m.safetensors",
    "export t.pram --size 2 --max-steps 15 --out j.safetensors",
    "verify t.pram --sizes 1,2 --random 1 --max-context 150 --max-steps 30 --shrink 0",
)


def test_mutants_that_are_programs_on_the_commands_that_make_models(do: Do) -> None:
    random, statuses = Random(0), Counter()
    for case in islice(cases(random), 150):
        text = mutate_text(random, case.text)
        try:
            parse_program(text)
        except PramError:
            continue
        Path("t.pram").write_text(text)
        outcome = do(MODEL_COMMANDS[statuses.total() % 4])
        statuses[outcome.status] += 1
        assert outcome.status in (FINE, WRONG, REFUTED), outcome
        assert (outcome.status == WRONG) == (outcome.out == "") and (outcome.status != WRONG or ": error: " in outcome.err), (
            outcome
        )
        failed = [line for line in outcome.out.splitlines() if "FAILED" in line]
        kinds = ("runs left undecoded", "claim", "machine runs", "FAILED: ")
        assert all(any(kind in line for kind in kinds) for line in failed), outcome
    assert statuses[FINE] >= 15 and statuses[WRONG] >= 15, statuses


@pytest.mark.parametrize(
    "diagnostic",
    [
        Diagnostic("no source"),
        Diagnostic("no place", Source("t.pram", "program t")),
        Diagnostic("beyond the line", Source("t.pram", "program t"), Span(1, 11)),
        Diagnostic("beyond the text", Source("t.pram", "program t"), Span(2, 1)),
        Diagnostic("", Source("t.pram", "program t"), Span(1, 1)),
        Diagnostic("far too long " * 30, Source("t.pram", "program t"), Span(1, 1)),
    ],
    ids=lambda d: d.message[:20],
)
def test_errors_that_are_not_clean_are_found(diagnostic: Diagnostic) -> None:
    with pytest.raises(AssertionError):
        check_clean(PramError(diagnostic))


def test_a_mutant_that_hangs_is_found() -> None:
    def hanging() -> Iterator[Outcome]:
        signal.raise_signal(signal.SIGPROF)
        yield Outcome("ran")

    with pytest.raises(TimeoutError):
        counted(hanging(), 1)
