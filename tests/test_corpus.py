"""The corpus: all of examples/programs against their oracles, their claims, the mode they declare, and the models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockstep.compiler.compile import CONSTRUCTIONS
from lockstep.compiler.names import lacking
from lockstep.pram.access import MODES
from lockstep.pram.contracts.holding import Broken
from lockstep.pram.contracts.kinds import Contracts
from lockstep.pram.errors import PramError
from lockstep.pram.expression_text import expression_text
from lockstep.pram.machine import Run, run
from lockstep.pram.program import Program, load
from lockstep.pram.sidecar import Generator, Inputs, generator_for
from lockstep.pram.sidecar.judging import Verdict
from lockstep.proofs_check.claims import check_claims
from lockstep.proofs_check.verification import Options, verify

ROOT = Path(__file__).parent.parent
PROGRAMS = sorted((ROOT / "examples" / "programs").glob("*.pram"))
NAMES = [path.stem for path in PROGRAMS]

#: Every program is run on at least so many inputs, spread evenly over its sizes.
INPUTS = 100
#: From the smallest that makes sense; powers of two, their neighbours, others.
SIZES = [*range(1, 18), 31, 32, 33, 63, 64]
#: Programs that take an empty input, too; with n^2 or n^3 processors; whose time is exponential.
OTHER_SIZES = {
    **dict.fromkeys(("odd_even_sort", "rank_sort", "p_ary_search", "nearest_smaller", "or_constant"), [0, *SIZES]),
    **dict.fromkeys(("horn_sat", "string_matching"), [0, *SIZES]),
    "shortest_paths": [0, *SIZES[:-2]],
    "matrix_product": range(17),
    "closure": range(1, 13),
    "counter": range(1, 9),
    "qbf": range(1, 5),
    "turing": range(1, 5),
    "hanoi": range(8),
    "lfsr": range(1, 11),
    "subset_sum": range(8),
    **dict.fromkeys(("matrix_chain", "edit_distance"), range(1, 18)),
}

#: Programs that would run in a weaker mode as well, and why they are declared stronger.
STRONGER_THAN_NEEDED: dict[str, str] = dict.fromkeys(
    ("block_search", "dfa", "nearest_smaller", "pointer_jumping", "range_minima", "rank_merge", "replicate", "sparse_matvec"),
    "CROW would do, as each cell has one writer; textbooks say CREW",
) | {"or_constant": "ERCW common would do, as reads are exclusive; textbooks say CRCW common"}

#: Programs with several right outputs, so that a function judges them.
MANY_RIGHT_OUTPUTS = ["bfs", "boruvka", "cole_vishkin", "components"]

#: What model and machine are compared on: one input of each size, as far as its context is not longer than the limit.
#: Every program must be decoded once at least by each process: the programs below are, by MDM, only with a higher limit.
MODEL_SIZES = range(1, 4)
MODEL_CONTEXT = 200
OTHER_MODEL_SIZES = {"dyck": [1, 2], "qbf": [1], "horn_sat": [0, 1]}
LONGER_CONTEXT = {
    **dict.fromkeys(["components", "dyck", "euler_tour", "turing"], 300),
    **dict.fromkeys(["horn_sat", "gcds"], 410),
    **dict.fromkeys(["block_search", "boruvka", "cole_vishkin", "edit_distance", "qbf"], 600),
}
#: For programs whose drawn inputs are all too long. `turing`: two states that go right, left and left again; a tape of 3 cells.
MODEL_INPUT: dict[str, Inputs] = {
    "edit_distance": ({"n": 1, "m": 1}, {"X": [1], "Y": [2]}),
    "turing": ({"q": 2, "cells": 3}, {"next": [1, 2, 0, 0], "write": [1, 1, 1, 0], "right": [1, 0, 0, 0]}),
}


# -- the checks, each a function so that the last section can show them failing ----------------------------


def draw(generator: Generator, sizes: Iterable[int]) -> list[Inputs]:
    """At least INPUTS draws, without those that repeat."""
    sizes = list(sizes)
    each = -(-INPUTS // len(sizes))
    drawn = [generator.inputs(size, np.random.default_rng((size, number))) for size in sizes for number in range(each)]
    assert len(drawn) >= INPUTS
    return list({repr(inputs): inputs for inputs in drawn}.values())


def missing_claims(program: Program) -> set[str]:
    return {"time", "space"} - {claim.quantity for claim in program.claims if claim.relation == "=="}


def check_runs(program: Program, generator: Generator, inputs: Iterable[Inputs]) -> None:
    """Outputs are right and claims hold, under CRCW arbitrary whoever wins."""
    assert generator.has_judge
    seeds = (None, 1, 2) if program.symbols.mode == "CRCW arbitrary" else (None,)
    runs = []
    for params, arrays in inputs:
        ended = [run(program.instantiate(params, arrays), seed=seed) for seed in seeds]
        assert all_right(generator, (params, arrays), ended), (params, arrays, [ran.outputs for ran in ended])
        runs += [(params, ran) for ran in ended]
    assert [check for check in check_claims(program, runs, "") if not check.holds] == []


def all_right(generator: Generator, inputs: Inputs, runs: Iterable[Run]) -> bool:
    """Whether all runs on one input are right; the same outputs are judged once."""
    found = {repr(ran.outputs): ran.outputs for ran in runs}
    return all(is_right(generator.judge(*inputs, outputs), outputs) for outputs in found.values())


def is_right(verdict: Verdict | None, outputs: dict[str, Any]) -> bool:
    """Nobody judges outputs without a cell, and all others must be right."""
    return verdict.right if verdict is not None else all(words == [] for words in outputs.values())


def needs_its_mode(program: Program, generator: Generator, inputs: Iterable[Inputs]) -> bool:
    """Whether each mode right below it refuses a run, or lets a wrong one pass."""
    inputs = list(inputs)
    weaker = MODES[program.symbols.mode].weaker
    return all(any(fails_in(mode, program, generator, drawn) for drawn in inputs) for mode in weaker)


def fails_in(mode: str, program: Program, generator: Generator, inputs: Inputs) -> bool:
    assert generator.has_judge
    job = replace(program.instantiate(*inputs), mode=mode, contracts=Contracts())  # the judge says what is wrong
    seeds = (None, 1, 2, 3) if MODES[mode].winner_open else (None,)
    try:
        return not all_right(generator, inputs, [run(job, seed=seed) for seed in seeds])
    except PramError as error:
        assert f"(mode {mode})" in error.message
        return True


def asked_once(judge: Callable[..., Verdict | None]) -> Callable[..., Verdict | None]:
    """A judge that knows its verdicts. A sidecar answers the same question in the same way, and each answer takes a process."""
    known: dict[str, Verdict | None] = {}

    def ask(*question: Any) -> Verdict | None:
        key = repr(question)
        if key not in known:
            known[key] = judge(*question)
        return known[key]

    return ask


@cache
def inputs_of(path: Path) -> tuple[Generator, list[Inputs]]:
    """What a program is run on; two tests ask for it."""
    program = load(path)
    generator = generator_for(program)
    generator.judge = asked_once(generator.judge)  # type: ignore[method-assign]
    return generator, draw(generator, OTHER_SIZES.get(program.name, SIZES))


@pytest.fixture(scope="module", params=PROGRAMS, ids=NAMES)
def path(request: pytest.FixtureRequest) -> Path:
    """Each program in turn. The tests of one program run one after the other, so that they share its sidecar and inputs."""
    found: Path = request.param
    return found


# -- on every program ----------------------------------------------------------------------------------------


def test_has_an_oracle_and_exact_claims(path: Path) -> None:
    program = load(path)
    assert program.name == path.stem
    kind = "accepts" if path.stem in MANY_RIGHT_OUTPUTS else "oracle"
    assert generator_for(program).judge_label == f"{kind} in {path.stem}.py"
    assert missing_claims(program) == set()


def test_runs_are_right_and_claims_hold(path: Path) -> None:
    program = load(path)
    generator, inputs = inputs_of(path)
    if program.has_inputs:
        assert len(inputs) >= INPUTS // 4, "a generator that hardly varies"
    check_runs(program, generator, inputs)


def test_needs_the_mode_it_declares(path: Path) -> None:
    program = load(path)
    assert needs_its_mode(program, *inputs_of(path)) == (path.stem not in STRONGER_THAN_NEEDED)


def test_model_agrees_with_machine(path: Path) -> None:
    name = path.stem
    options = Options(tuple(CONSTRUCTIONS), max_context=LONGER_CONTEXT.get(name, MODEL_CONTEXT))
    sizes = OTHER_MODEL_SIZES.get(name, MODEL_SIZES)
    program = load(path)
    report = verify(program, options, inputs=MODEL_INPUT.get(name), sizes=sizes, random=1)
    assert report.holds, (report.trouble, [check for check in report.checks if not check.holds])
    assert {process for case in report.cases for process in case.decodes} == {
        construction for construction in CONSTRUCTIONS if not lacking(construction, program.rules)
    }


def test_tables_name_programs() -> None:
    tables = (OTHER_SIZES, STRONGER_THAN_NEEDED, LONGER_CONTEXT, OTHER_MODEL_SIZES, MODEL_INPUT)
    assert {name for table in tables for name in table} <= set(NAMES)


# -- docs/corpus.md ----------------------------------------------------------------------------------------------


def rows(document: str) -> Iterator[list[str]]:
    """The cells of the table's rows that name a program, without the idea in the last one."""
    for line in document.splitlines():
        if line.startswith("| ["):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-2]]


def row_of(program: Program) -> list[str]:
    """What the document must say: `| [name](file) | parameters | mode | P | T | S |`."""
    symbols = program.symbols
    claims = {claim.quantity: code(expression_text(claim.bound)) for claim in program.claims if claim.relation == "=="}
    derived = [p.name if p.value is None else f"{p.name} = {expression_text(p.value)}" for p in symbols.params.values()]
    name = f"[{program.name}](../examples/programs/{program.name}.pram)"
    processors = code(expression_text(symbols.procs))
    return [name, code(", ".join(derived)), symbols.mode, processors, claims["time"], claims["space"]]


def code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def test_the_table_of_the_corpus() -> None:
    assert list(rows((ROOT / "docs" / "corpus.md").read_text())) == [row_of(load(path)) for path in PROGRAMS]


# -- the checks find what they are for -------------------------------------------------------------------------


def changed(tmp_path: Path, name: str, old: str, new: str, sidecar: tuple[str, str] = ("", "")) -> Program:
    """A program of the corpus with one text in it replaced, and perhaps one in its sidecar."""
    for suffix, (before, after) in ((".pram", (old, new)), (".py", sidecar)):
        text = (ROOT / "examples" / "programs" / f"{name}{suffix}").read_text()
        assert before in text
        (tmp_path / f"{name}{suffix}").write_text(text.replace(before, after))
    return load(tmp_path / f"{name}.pram")


@pytest.mark.parametrize(
    ("name", "old", "new", "sidecar"),
    [
        ("permutation", "time == 8", "time == 7", ("", "")),
        ("tree_sum", "17 * lg(n)", "16 * lg(n)", ("", "")),
        ("dfa", "2 * n + q * (s + n)", "2 * n + q * s + n", ("", "")),
        ("blelloch_scan", "", "", ("[:-1]", "[1:]")),  # the oracle of inclusive sums
        ("odd_even_sort", "0 .. n - 1 do", "0 .. n - 2 do", ("", "")),  # a round too few
    ],
)
def test_a_wrong_claim_oracle_or_program_is_found(
    tmp_path: Path, name: str, old: str, new: str, sidecar: tuple[str, str]
) -> None:
    program = changed(tmp_path, name, old, new, sidecar)
    with pytest.raises((AssertionError, Broken)):  # a contract of the program may find it first
        check_runs(program, *inputs_of(Path(program.source.name)))


def test_a_claim_that_is_no_equality_is_found(tmp_path: Path) -> None:
    assert missing_claims(changed(tmp_path, "parity", "time ==", "time <=")) == {"time"}
    assert missing_claims(changed(tmp_path, "parity", "claim  space == n + 1", "")) == {"space"}


@pytest.mark.parametrize(("name", "mode", "weaker"), [("dfa", "CREW", "EREW"), ("closure", "CRCW common", "CREW")])
def test_a_too_weak_mode_is_found(tmp_path: Path, name: str, mode: str, weaker: str) -> None:
    program = changed(tmp_path, name, mode, weaker)
    with pytest.raises(PramError, match=rf"\(mode {weaker}\)"):
        check_runs(program, *inputs_of(Path(program.source.name)))


@pytest.mark.parametrize(("name", "stronger"), [("parity", "CREW"), ("parity", "CRCW common"), ("dfa", "CRCW common")])
def test_a_too_strong_mode_is_found(tmp_path: Path, name: str, stronger: str) -> None:
    declared = next(path for path in PROGRAMS if path.stem == name)
    program = changed(tmp_path, name, load(declared).symbols.mode, stronger)
    generator, inputs = inputs_of(Path(program.source.name))
    assert not needs_its_mode(program, generator, inputs[:30])


def test_priority_that_arbitrary_would_do_for_is_found(tmp_path: Path) -> None:
    program = changed(tmp_path, "components", "CRCW arbitrary", "CRCW priority")
    generator, inputs = inputs_of(Path(program.source.name))
    assert not needs_its_mode(program, generator, inputs[:30])


def test_a_row_that_does_not_fit_is_found() -> None:
    document = (ROOT / "docs" / "corpus.md").read_text()
    right = list(rows(document))
    for wrong in (
        document.replace("9 + 17 *", "9 + 18 *"),
        document.replace("| CREW |", "| EREW |"),
        document.replace("| [", "[", 1),
    ):
        assert list(rows(wrong)) != right
