"""Campaigns of random programs: contracts that do not hold are found, and so is a machine that does not check them."""

from __future__ import annotations

import re

import pytest

from lockstep.pram.contracts.watching import Watcher
from lockstep.proofs_check.fuzzing import random_programs
from lockstep.proofs_check.fuzzing.campaign import fuzz
from lockstep.proofs_check.verification import Options

BARE = Options(constructions=(), max_steps=1500)


def test_a_machine_that_checks_no_contracts_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step only: what is negated anywhere else is not found."""
    monkeypatch.setattr(
        Watcher, "_arrive", lambda self, machine, before: self.met.update(c.at for c in self.job.contracts.clauses)
    )
    failure = fuzz(60, 1, BARE).failure
    assert failure is not None and failure.check.what == "a negated contract"
    assert failure.check.measured == "the run ends" and re.fullmatch(r"(assert|invariant) at \d+:\d+", failure.check.bound)


def test_a_contract_that_does_not_hold_fails_a_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_programs._Writer, "of_word", lambda self, name: "pid > 9")
    failure = fuzz(60, 1, BARE).failure
    assert failure is not None and failure.check.what == "refusal" and "does not hold: pid is" in failure.check.measured
