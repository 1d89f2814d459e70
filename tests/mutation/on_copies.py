"""Checks on models with several copies: repair, agreement, outputs by majority, and what the proof of repair says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from kit.copies import States, hits_repaired
from kit.jobs import job_of

from lockstep.compiler import compile as pipeline
from lockstep.compiler.assemble import assemble
from lockstep.compiler.circuit import Circuit, Match, Threshold
from lockstep.compiler.compile import compile_job
from lockstep.compiler.invariants import CircuitError, _check_marked_sink
from lockstep.compiler.linear import Linear
from lockstep.compiler.names import THREE_COPIES
from lockstep.models.sampling import Sampling
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.proofs.prove import prove
from lockstep.proofs_check.proofs.repairing import check_repair
from lockstep.proofs_check.proofs.structure import WrongStructure
from lockstep.proofs_check.proofs.weights import read_weights
from mutation.on_combining import by_rules
from mutation.table import Check


def copies_are_repaired() -> None:
    """One copy of every item, and BOS, hold any tokens before every step."""
    for name in ("tree_sum", "hillis_steele"):
        hits_repaired(States.of(job_of(name, 2), THREE_COPIES), 1, 4)


def copies_agree() -> None:
    """Every token after every step, of runs whose stores collide; under `or` and `and` they are counted."""
    for job in (by_rules(("or", "and")), by_rules(("max", "min")), job_of("or_constant", 2)):
        time = run(job).time
        found = check_agreement(compile_job(job, time, construction=THREE_COPIES), job, time, Sampling(engine="indexed"))
        assert found.divergence is None, str(found.divergence)
        if "or" not in job.rules:  # which it leaves to others
            assert found.engine == "indexed", found.engine  # it gives up where rows tie
        assert found.steps == time


def copies_are_read_out() -> None:
    """The reader takes majorities: of the outputs, and of who has halted."""
    states = States.of(job_of("tree_sum", 2), THREE_COPIES)
    layout, last = states.layout, states.sequences[-1]
    words, random = layout.output_words(last), np.random.default_rng(1)
    for _ in range(20):
        tokens = states.hit(last, random, 1)
        assert np.array_equal(layout.output_words(tokens), words), "outputs are not the majority's"
        assert layout.halted(tokens), "it has halted, and does not say so"
    running = states.hit(states.sequences[-2], random, 0)
    first = layout.first_processor
    running[first :: layout.rows_per_processor(layout.job)][: layout.job.processors] = states.compiled.model.vocabulary.token(
        "HALT"
    )
    assert not layout.halted(running), "one copy alone has halted"


def copies_are_proved() -> None:
    job = job_of("tree_sum", 1)
    proof = prove(compile_job(job, run(job).time, construction=THREE_COPIES))
    trouble = [f"{o.what}: {o.trouble}" for o in proof.obligations if not o.holds]
    assert not trouble, trouble[-1]


# -- wrong circuits that the proof of repair must refuse ------------------------------------------------


def _votes(change: Callable[[Threshold], Threshold]) -> Callable[[Circuit], None]:
    def tamper(circuit: Circuit) -> None:
        gates = circuit.layers[0].gates
        gates[0] = change(gates[0])  # type: ignore[arg-type]

    return tamper


def _head(**changes: object) -> Callable[[Circuit], None]:
    def tamper(circuit: Circuit) -> None:
        lookups = circuit.layers[0].lookups
        lookups[1] = replace(lookups[1], **changes)  # type: ignore[arg-type]

    return tamper


def _doubled(circuit: Circuit) -> None:
    lookup = circuit.layers[0].lookups[1]
    _head(reads=tuple((form * 2, bit) for form, bit in lookup.reads))(circuit)


def _late(circuit: Circuit) -> None:
    gate = circuit.layers[2].gates[0]
    circuit.layers[2].gates[0] = Threshold(gate.form + circuit.token_bits[0], gate.writes)


TOKEN, COPY_0 = Linear({("token.bits", 0): 1}), Linear({("copy.0", 0): 1})
#: How a check notices that rows tie, or that a circuit is none.
REFUSALS = (CircuitError, ValueError)
WRONG: dict[str, tuple[str, Callable[[Circuit], None]]] = {
    "one vote is enough": ("decide otherwise", _votes(lambda g: Threshold(g.form + 1, g.writes))),
    "all must vote": ("decide otherwise", _votes(lambda g: Threshold(g.form - 1, g.writes))),
    "a gate reads a token": ("which is no vote", _votes(lambda g: Threshold(g.form + TOKEN, g.writes))),
    "a copy counts twice": ("reads something else", _doubled),
    "a copy is read twice": ("the heads read copies", _head(conditions=(COPY_0,))),
    "a head chooses by a token": ("which is no position", _head(recency=TOKEN, recency_max=1)),
    "a later gate reads a token": ("a gate of layer 3 reads token.bits", _late),
}


def wrong_votes_are_refused() -> None:
    job = job_of("tree_sum", 1)
    compiled = compile_job(job, run(job).time, construction=THREE_COPIES)
    build = pipeline.find_construction(THREE_COPIES).build
    for name, (says, tamper) in WRONG.items():
        circuit = build(compiled.code, compiled.widths)
        tamper(circuit)
        try:
            check_repair(read_weights(assemble(circuit), circuit), 3)
        except WrongStructure as error:
            assert says in str(error), f"{name}: {error}"
        else:
            raise AssertionError(f"{name}: the proof does not see it")


ONE = Linear({("one", 0): 1})
#: Circuits in which the first row, whose token may be any, does something.
SINKS: dict[str, tuple[str, Callable[[Circuit], None]]] = {
    "it asks": ("the BOS row asks", _head(asks=ONE)),
    "it may be found": ("the BOS row meets a condition", _head(conditions=(ONE,))),
    "its token says who is found": ("the BOS row has a value or a recency", _head(recency=TOKEN, recency_max=1)),
    "it gives its token to who finds nothing": ("the BOS row has a value or a recency", _head(matches=(Match(ONE, COPY_0),))),
    "its votes count": ("a gate of layer 1 fires on the BOS row", _votes(lambda g: Threshold(g.form + 4, g.writes))),
}


def marked_rows_are_checked() -> None:
    job = job_of("tree_sum", 1)
    compiled = compile_job(job, run(job).time, construction=THREE_COPIES)
    for name, (says, tamper) in SINKS.items():
        circuit = pipeline.find_construction(THREE_COPIES).build(compiled.code, compiled.widths)
        tamper(circuit)
        try:
            _check_marked_sink(circuit)
        except CircuitError as error:
            assert says in str(error), f"{name}: {error}"
        else:
            raise AssertionError(f"{name}: nothing says so")


CHECKS = (
    Check("marked first rows", "circuits whose first row asks, is found, or gives what its token says", marked_rows_are_checked),
    Check("copies are repaired", "changed copies of every item, before every step of a run", copies_are_repaired),
    Check(
        "agreement of copies", "every token after every step, where stores of several processors collide", copies_agree, REFUSALS
    ),
    Check("outputs of copies", "outputs and halted processors by majority", copies_are_read_out),
    Check("proof of copies", "all obligations of a model with three copies", copies_are_proved),
    Check(
        "proofs refuse wrong votes", "circuits whose votes are wrong, or that read a token behind them", wrong_votes_are_refused
    ),
)
