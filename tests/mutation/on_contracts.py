"""Checks of contracts: what they mean, where they are checked, what their errors say."""

from __future__ import annotations

import pytest
import test_contract_errors as errors
import test_contract_meaning as meaning
import test_contracts as contracts
from kit.contract_cases import ARRAYS, CASES, HEAD, OF_SIGNED_WORDS, SIGNED, TOGETHER, UNDER_CRCW
from kit.planted import in_evaluator, on_machine, plant

from lockstep.pram.errors import PramError
from lockstep.proofs_check.fuzzing.campaign import fuzz
from lockstep.proofs_check.verification import Options
from mutation.table import Check

#: Every so many of the cases have contracts planted in them.
EVERY = 3


def cases() -> None:
    for head, rows, given in (
        (HEAD, CASES, ARRAYS),
        (TOGETHER, UNDER_CRCW, {"A": ARRAYS["A"]}),
        (SIGNED, OF_SIGNED_WORDS, {"A": [3, 1, 4, -9]}),
        (HEAD, meaning.OF_PROCEDURES, ARRAYS),
    ):
        for statements, verdict in rows:
            assert (found := meaning.both(head + statements, given)) == verdict, f"{statements}: {found}"
    for promise, verdict in meaning.PROMISES:
        meaning.test_what_a_program_requires_and_ensures(promise, verdict)


def places() -> None:
    for head, rows, given in ((HEAD, CASES, ARRAYS), (TOGETHER, UNDER_CRCW, {"A": ARRAYS["A"]})):
        for statements, verdict in rows[::EVERY]:
            if verdict == "holds":
                program = plant(head + statements)
                assert on_machine(program, {}, given, 2000) == in_evaluator(program, {}, given, 2000), statements


def wrong() -> None:
    for text, where, message in errors.WRONG:
        errors.test_before_a_run(text, where, message)
    for condition, message in errors.DEEP:
        errors.test_how_deep_contracts_may_be(condition, message)


def explained() -> None:
    for text, where, message in errors.BROKEN:
        errors.test_in_a_run(text, where, message)


def campaign() -> None:
    failure = fuzz(90, 1, Options(constructions=(), max_steps=400)).failure
    assert failure is None, failure


FAILS = (PramError, pytest.fail.Exception)
CHECKS = (
    Check(
        "contract cases",
        "contracts that hold and that fail, for whom and when, on the machine and in the evaluator",
        cases,
        FAILS,
    ),
    Check("contract places", "who checks contracts at all places of programs, with which values and memory", places, FAILS),
    Check(
        "wrong contracts",
        "the message for each mistake in a contract, and how deep contracts may be",
        wrong,
        (*FAILS, SyntaxError),
    ),
    Check("broken contracts", "what is said of contracts that fail in a run, word by word", explained, FAILS),
    Check("contracts of a campaign", "random contracts that hold, and negated ones", campaign, FAILS),
    Check(
        "vacuous contracts",
        "which contracts no run has put to the test",
        contracts.test_contracts_that_no_run_put_to_the_test,
        FAILS,
    ),
)
