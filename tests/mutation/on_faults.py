"""Checks on faults: the tokens that are drawn, and decodes with faults against a decode that starts anew after each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from kit.jobs import job_of

from lockstep.compiler.names import ARM, MDM, REVISION, THREE_COPIES
from lockstep.compiler.processor import Size, vocabulary
from lockstep.models.decode import Decoder
from lockstep.models.editing import NotFinished
from lockstep.models.faults import Faults, Injector
from lockstep.models.sampling import Sampling
from lockstep.proofs_check.decoding import DecodeOptions
from lockstep.proofs_check.disturbed import INSTEAD, Disturbable
from mutation.table import Check


def faults_are_drawn() -> None:
    """Which tokens take the place of another one, and how many change."""
    v = vocabulary(Size(2, 1, 1, 1))

    def drawn(kind: str, token: int) -> set[int]:
        injector = Injector(Faults(1, kind), v, INSTEAD)  # type: ignore[arg-type]
        return {injector.another(token) for _ in range(500)}

    for token in range(v.size):
        assert drawn("random", token) == {*range(v.size)} - {token, v.mask}, f"random faults of {v.text(token)}"
    words = {v.token("WORD", 1), v.token("WORD", 2)}
    assert drawn("plausible", v.token("WORD", 3)) == words, "plausible faults of a word"
    assert drawn("plausible", v.token("HALT")) == {v.token("PC", 0), v.token("PC", 1)}, "plausible faults of HALT"
    rows, _ = Injector(Faults(0.5), v, INSTEAD).draw(np.full(1000, v.token("WORD", 3)), np.arange(1000))
    assert 400 < len(rows) < 600, f"{len(rows)} of 1000 tokens change at a rate of 0.5"


def decodes_with_faults() -> None:
    """The last sequence is that of a decode which starts anew, from tokens, after every step; what is reported follows from it."""
    for construction in (MDM, ARM, REVISION, THREE_COPIES):
        of = Disturbable(job_of("or_constant", 2), DecodeOptions(construction, sampling=Sampling(engine="indexed")))
        for seed in range(4):
            _same_as_anew(of, Faults(0.02, "plausible", seed), construction)
    of = Disturbable(job_of("tree_sum", 2), DecodeOptions(THREE_COPIES))
    found = [of.disturb(Faults(0.01, "random", seed)) for seed in range(30)]
    assert {d.covered for d in found} == {True, False}, "some steps change two copies of an item, others do not"
    right = next(d for d in found if d.covered)
    assert right.right and not right.breaks_theorem and not any(right.spread)
    assert replace(right, outputs=(1, 1)).breaks_theorem and not replace(right, covered=False, outputs=(1, 1)).breaks_theorem
    assert not replace(right, ended=False).right, "a decode that does not end is not right"


def _same_as_anew(of: Disturbable, faults: Faults, construction: str) -> None:
    """Decode step by step, each with a new decoder; outputs that are no majority of copies are compared as they are."""
    model, process, injector = of.compiled.model, of.compiled.process, Injector(faults, of.compiled.model.vocabulary, INSTEAD)
    tokens, count, spread = of.layout.tokens(), 0, []
    for number, right in enumerate(of.undisturbed, 1):
        try:
            step = next(iter(Decoder(model, tokens, of.positions, process, of.sampling)), None)
        except NotFinished:
            step = None
        if step is None:
            break
        tokens = step.tokens
        spread.append(int((tokens != right).sum()))
        if number < len(of.undisturbed):
            rows, new = injector.draw(tokens, of.exposed(tokens))
            assert 0 not in rows, f"{construction}: BOS changes"
            tokens[rows], count = new, count + len(rows)
    found = of.disturb(faults)
    assert found.faults == count, f"{construction}: {found.faults} faults are reported, and {count} were drawn"
    assert list(found.spread[: len(spread)]) == spread, f"{construction}: {found.spread} wrong rows, not {spread}"
    last = of.undisturbed[-1]
    wrong = sum(a != b for a, b in zip(tokens.tolist(), last.tolist())) + abs(len(tokens) - len(last))
    assert sum(found.wrong.values()) == wrong or found.steps > len(spread), f"{construction}: wrong rows at the end"


CHECKS = (
    Check("faults that are drawn", "tokens in place of others, of both kinds, and how many change", faults_are_drawn),
    Check("decodes with faults", "decodes that start anew after every step, and what is reported", decodes_with_faults),
)
