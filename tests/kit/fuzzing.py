"""Mutations of programs and inputs, and what becomes of them: a run or a clean error, never anything else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from lockstep.pram.analysis import analyse
from lockstep.pram.errors import PramError
from lockstep.pram.input_files import reading
from lockstep.pram.machine import run
from lockstep.pram.parser import keywords, parse
from lockstep.pram.program import Program, load, parse_program
from lockstep.pram.sidecar import generator_for
from lockstep.pram.texts import read_text
from lockstep.proofs_check.claims import check_claims
from lockstep.proofs_check.fuzzing.random_programs import TextCase, language_program

PROGRAMS = Path(__file__).parent.parent.parent / "examples" / "programs"
MAX_STEPS = 150

#: What a mutated program or input may come to, in the order in which it is found out.
STAGES = ("reading", "parsing", "analysis", "instantiation", "running", "claims", "ran")

#: Numbers whose squares are refused or small: what is allowed but slow is no business of a fuzzer.
NUMBERS = ("0", "1", "2", "3", "7", "8", "9", "15", "24", "25", "255", "256", "300", "1000000000", "9223372036854775807",
           "9223372036854775808", "18446744073709551616", "99999999999999999999", "0x1F", "0xffffffffff", "1.5", "2k", "1e3")  # fmt: skip
SYMBOLS = (":=", "=", "==", "!=", "<", "<=", ">", ">=", "<<", ">>", "+", "-", "*", "/", "%", "&", "|", "^", "(", ")", "[", "]",
           ",", "..", ".", ":", ";", "#", "{", "}", "≤", "а", "lg", "pid", "n", "A", "B", "i0", "v1", "common", "endif", "\n")  # fmt: skip
CHARACTERS = "abAB01 _()[]:=<>.,#\n\t\r\0\x1b\x0c\x85\u2028\u00a0\ufeff\U0001d4d0é≤∀\ud7ff\"'\\`$?!~@"

#: Values that stand for another in an input file, as JSON.
VALUES = ("-1", "0", "1", "255", "256", "1000000000", "9223372036854775808", "1e400", "-0.0", "1.5", "NaN", "true", "null", '""', '"1"',
          "[]", "[[]]", "[1]", "[[1], 2]", "{}", '{"n": 1}', "1" * 4000, "1" * 5000, "[" * 50 + "]" * 50)  # fmt: skip

#: ... that may well be right.
SMALL = ("0", "1", "2", "3", "4", "5", "6", "7")

Pieces = list[str]
Mutation = Callable[[Random, Pieces, tuple[str, ...]], Pieces]


def delete(random: Random, pieces: Pieces, others: tuple[str, ...]) -> Pieces:
    at = random.randrange(len(pieces))
    return pieces[:at] + pieces[at + 1 :]


def duplicate(random: Random, pieces: Pieces, others: tuple[str, ...]) -> Pieces:
    at = random.randrange(len(pieces))
    return pieces[: at + 1] + pieces[at:]


def swap(random: Random, pieces: Pieces, others: tuple[str, ...]) -> Pieces:
    a, b = random.randrange(len(pieces)), random.randrange(len(pieces))
    changed = list(pieces)
    changed[a], changed[b] = changed[b], changed[a]
    return changed


def substitute(random: Random, pieces: Pieces, others: tuple[str, ...]) -> Pieces:
    """Another piece of the same text, or one from elsewhere."""
    at = random.randrange(len(pieces))
    return [*pieces[:at], random.choice(others if random.random() < 0.5 else pieces), *pieces[at + 1 :]]


def cut(random: Random, pieces: Pieces, others: tuple[str, ...]) -> Pieces:
    return pieces[: random.randrange(len(pieces))]


def change_number(random: Random, pieces: Pieces, others: tuple[str, ...]) -> Pieces:
    """A number for a number, so that the text is often still a program."""
    numbers = [at for at, piece in enumerate(pieces) if piece.isdecimal()]
    at = random.choice(numbers or [0])
    return [*pieces[:at], random.choice(NUMBERS[:18] if random.random() < 0.5 else NUMBERS[:7]), *pieces[at + 1 :]]


def change_name(random: Random, pieces: Pieces, others: tuple[str, ...]) -> Pieces:
    """A name of the text for another one."""
    names = [at for at, piece in enumerate(pieces) if piece.isidentifier() and piece not in keywords()]
    if not names:
        return pieces
    at, other = random.choice(names), random.choice(names)
    return [*pieces[:at], pieces[other], *pieces[at + 1 :]]


MUTATIONS: tuple[Mutation, ...] = (delete, duplicate, swap, substitute, substitute, cut)
GENTLE: tuple[Mutation, ...] = (change_number, change_name)


def mutate_text(random: Random, text: str) -> str:
    """One to three changes of tokens, characters or lines; half the time only of numbers and names."""
    gentle = random.random() < 0.5
    for _ in range(random.choice((1, 1, 2, 3))):
        pattern, others = random.choice(((r"\w+|\s+|[^\w\s]+", (*SYMBOLS, *NUMBERS, *sorted(keywords()))),
                                         (r"(?s).", tuple(CHARACTERS)), (r".*\n?", ("end\n", "\n", "halt\n"))))  # fmt: skip
        if gentle:
            pattern = r"\w+|\s+|[^\w\s]+"
        pieces = re.findall(pattern, text)
        if pieces:
            text = "".join(random.choice(GENTLE if gentle else MUTATIONS)(random, pieces, others))
    return text


def mutate_bytes(random: Random, data: bytes) -> bytes:
    """Another encoding, or a few wrong bytes."""
    kind = random.randrange(6)
    if kind == 0:
        return data.decode("utf-8", "replace").encode(random.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig")), "replace")
    if kind == 1:
        return data.replace(b"\n", random.choice((b"\r\n", b"\r", b"\n\r")))
    at = random.randrange(len(data) + 1)
    junk = bytes(random.randrange(256) for _ in range(random.choice((1, 1, 2, 4))))
    return data[:at] + junk + data[at + (kind % 2) * len(junk) :]


def mutate_json(random: Random, text: str) -> str:
    """Another value, or another token, in an input file."""
    pieces = re.findall(r'"[^"]*"|-?\w+|\s+|.', text)
    for _ in range(random.choice((1, 1, 2))):
        values = [at for at, piece in enumerate(pieces) if piece.isdecimal()]
        if values and random.random() < 0.7:
            pieces[random.choice(values)] = random.choice(VALUES if random.random() < 0.6 else SMALL)
        elif pieces:
            pieces = random.choice(MUTATIONS)(random, pieces, (*VALUES, ",", ":", "{", "}", '"params"', '"arrays"', '"n"', '"A"'))
    return "".join(pieces)


# -- what becomes of them ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """How far it came, and the error that ended it."""

    stage: str
    error: PramError | None = None


def run_text(text: str, case: TextCase) -> Outcome:
    """Parse, analyse, instantiate and run a program on an input that may not fit it."""
    try:
        tree, source = parse(text, "t.pram")
    except PramError as error:
        return Outcome("parsing", error)
    try:
        program = Program(tree, source, analyse(tree, source))
    except PramError as error:
        return Outcome("analysis", error)
    return run_program(program, case.params, case.arrays)


def run_program(program: Program, params: dict[str, Any], arrays: dict[str, Any]) -> Outcome:
    try:
        job = program.instantiate(params, arrays)
    except PramError as error:
        return Outcome("instantiation", error)
    try:
        done = run(job, max_steps=MAX_STEPS, warn=lambda warning: check_clean(PramError(warning)))
    except PramError as error:
        return Outcome("running", error)
    try:
        check_claims(program, [(params, done)], "this run")
    except PramError as error:
        return Outcome("claims", error)
    assert done.time <= MAX_STEPS and done.outputs.keys() == {a.name for a in job.arrays if a.is_output}
    return Outcome("ran")


def run_files(program: Path, inputs: Path) -> Outcome:
    """The same from files."""
    try:
        text = read_text(program)
    except PramError as error:
        return Outcome("reading", error)
    try:
        loaded = parse_program(text, str(program))
    except PramError as error:
        return Outcome("parsing", error)
    return run_input(loaded, inputs)


def run_input(program: Program, inputs: Path) -> Outcome:
    try:
        with reading(inputs) as given:
            assert given is not None
            return _raised(run_program(program, *given.inputs))
    except PramError as error:
        return Outcome("instantiation", error)


def _raised(outcome: Outcome) -> Outcome:
    """Errors in given values are raised again, so that `reading` can place them in the file."""
    if outcome.stage == "instantiation" and outcome.error:
        raise outcome.error
    return outcome


def check_clean(error: PramError) -> None:
    """Every message has one line, a place in its source, and can be printed."""
    assert error.diagnostics
    for diagnostic in error.diagnostics:
        rendered = diagnostic.render()
        rendered.encode()
        assert diagnostic.message and rendered.split("\n")[0].isprintable() and len(diagnostic.message) < 300, rendered
        assert diagnostic.source is not None, rendered
        if diagnostic.span is not None:
            line, column = diagnostic.span.line, diagnostic.span.column
            lines = diagnostic.source.text.split("\n")
            assert 1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1, rendered
            called = 3 * len(diagnostic.span.calls)  # the place, the line and the caret of each call that leads there
            assert len(rendered.split("\n")) - called in (1, 3), rendered
        else:
            assert diagnostic.source.text == "", f"no place: {rendered}"


# -- where they come from --------------------------------------------------------------------------


@cache
def examples() -> tuple[TextCase, ...]:
    """The example programs, with an input of size 2 each."""
    return tuple(_example(path) for path in sorted(PROGRAMS.glob("*.pram")))


def _example(path: Path) -> TextCase:
    program = load(path)
    return TextCase(program.source.text, *generator_for(program).inputs(2, np.random.default_rng(0)))


def short_program(random: Random, most: int = 500) -> TextCase:
    """A random program of up to so many characters: short ones fail in as many ways, and sooner."""
    while len((case := language_program(random)).text) > most:
        pass
    return case


def cases(random: Random) -> Iterator[TextCase]:
    """Programs with inputs: mostly random programs, which are of every kind."""
    while True:
        yield random.choice(examples()) if random.random() < 0.1 else short_program(random)


def programs(random: Random) -> Iterator[Outcome]:
    """What becomes of mutated programs, each on the input of the one it was."""
    for case in cases(random):
        for _ in range(5):
            text = mutate_text(random, case.text)
            yield _examined(text, lambda text=text, case=case: run_text(text, case))


def inputs(random: Random, directory: Path) -> Iterator[Outcome]:
    """What becomes of programs as they were, on mutated input files."""
    file = directory / "in.json"
    for case in cases(random):
        program = parse_program(case.text, "t.pram")
        for _ in range(10):
            text = mutate_json(
                random, json.dumps({"params": case.params, "arrays": case.arrays}, indent=random.choice((None, 1)))
            )
            file.write_text(text)
            yield _examined(text, lambda program=program: run_input(program, file))


def files(random: Random, directory: Path) -> Iterator[Outcome]:
    """What becomes of program files and input files with wrong bytes."""
    program, file = directory / "t.pram", directory / "in.json"
    for case in cases(random):
        texts = [case.text.encode(), json.dumps({"params": case.params, "arrays": case.arrays}).encode()]
        for number in (0, 1):
            changed = list(texts)
            changed[number] = mutate_bytes(random, texts[number])
            program.write_bytes(changed[0])
            file.write_bytes(changed[1])
            yield _examined(repr(changed), lambda: run_files(program, file))


def _examined(what: str, failed_checks: Callable[[], Outcome]) -> Outcome:
    """The outcome, held to what errors promise; if that fails, `what` is shown."""
    try:
        outcome = failed_checks()
        if outcome.error is not None:
            check_clean(outcome.error)
    except Exception as error:
        error.add_note(f"of:\n{what}")
        raise
    return outcome
