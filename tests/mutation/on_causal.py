"""Checks of causal models: what their rows see, how decodes of them end, what may stand on BOS, and what files keep."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from kit.decoding import residual_stream
from kit.random_models import KINDS, random_model
from kit.small import counted_cell, hot_cell

from lockstep.compiler.circuit import Circuit
from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.compiler.invariants import CircuitError, check_circuit
from lockstep.compiler.linear import Linear
from lockstep.compiler.processor import Code
from lockstep.models.decode import decode
from lockstep.models.editing import NothingPredicted
from lockstep.models.engines import ENGINES
from lockstep.models.files import load_model, save_model
from lockstep.models.positions import Positions
from lockstep.models.processes import Edits
from lockstep.models.sequence import Change, TokenSequence
from lockstep.models.transformer import Layer, Transformer
from lockstep.pram.machine import run
from lockstep.proofs_check.agreement import check_agreement
from mutation.table import Check

LENGTH = 7


def soft_model(seed: int) -> Transformer:
    """A causal model of random weights whose heads mix all rows that they see."""
    model = random_model(seed)
    return replace(
        model, layers=tuple(Layer(*(part / 4 for part in vars(layer).values())) for layer in model.layers), causal=True
    )


def rows_seen() -> None:
    """Whatever stands behind a row, its stream is the same; and a cache gives what the whole sequence gives."""
    for seed in range(4):
        random, model = np.random.default_rng(seed), soft_model(seed)
        tokens, positions = random.integers(0, KINDS.size, LENGTH), random.normal(size=(LENGTH, 7))
        whole = residual_stream(model, tokens, positions)
        for row in range(1, LENGTH):
            moved = positions.copy()
            moved[row] += 1
            found = residual_stream(model, tokens, moved)
            assert np.array_equal(found[:row], whole[:row]), "a row sees a later one"
            assert (found[row:] != whole[row:]).any(axis=1).all(), "a row does not see itself, or one before it"
        session = ENGINES["dense"](model, [tokens[:3]], [Positions.of(positions)], "cpu")
        told = [session.predict([0])[0][1].probability]
        for length in range(4, LENGTH + 1):
            session.update(0, Change(np.array([length - 1]), length), tokens[:length])
            told.append(session.predict([0])[0][1].probability)
        from lockstep.models.torch_transformer import TorchTransformer

        wanted = TorchTransformer(model).predict(torch.from_numpy(whole)).on_cpu().probability
        assert np.allclose(np.concatenate(told), wanted, rtol=1e-9, atol=0), "the cache gives something else"


def kept_rows() -> None:
    """A session that hears of tokens that changed or went gives what one gives that starts there."""
    model, positions = soft_model(0), [Positions.of(np.random.default_rng(1).normal(size=(LENGTH, 7)))]
    for change, tokens in (
        (Change(np.array([2]), 3), [0, 2, 4]), (Change(np.array([1]), 3), [0, 3, 3]), (Change(np.zeros(0, np.int64), 2), [0, 2])
    ):  # fmt: skip
        session = ENGINES["dense"](model, [np.array([0, 2, 3])], positions, "cpu")
        session.predict([0])
        session.update(0, change, np.array(tokens))
        ((rows, found),) = session.predict([0])
        ((_, wanted),) = ENGINES["dense"](model, [np.array(tokens)], positions, "cpu").predict([0])
        assert len(rows) and rows[-1] == len(tokens) - 1, "the last row is not read out"
        assert np.allclose(found.probability, wanted.probability[rows], rtol=1e-9, atol=0), "a row that changed was kept"


def followed_tokens() -> None:
    """What a session has written stays, when a token is appended to it that the session has not written."""
    sequence = TokenSequence(np.array([0, 2]), mask=1)
    for token in (2, 3, 2):  # now there is room for eight
        sequence.edit(_appending(len(sequence), token))
    written = [0, 2, 2, 3, 2, 3]
    sequence.follow(np.array(written), 0)
    sequence.edit(_appending(len(sequence), 2))
    assert sequence.tokens.tolist() == [*written, 2], "tokens are lost"


def _appending(length: int, token: int) -> Edits:
    return Edits(np.array([length]), np.array([token]), np.zeros(1, np.bool_), np.zeros(1, np.bool_))


def too_few_blocks() -> None:
    """A decode without room for the run ends where the outputs should begin."""
    for job in (counted_cell(), hot_cell(3, 1)):
        assert job.outputs
        blocks = run(job).time - 1
        compiled = compile_job(job, blocks, construction="arm")
        layout = compiled.layout(job, blocks)
        try:
            decode(compiled.model, layout.tokens(), layout.positions(), "arm")
        except NothingPredicted as stuck:
            assert stuck.step == 3 * job.processors * blocks + 1, f"it ends at step {stuck.step}"
        else:
            raise AssertionError("outputs are written although a processor runs on")


def spare_blocks() -> None:
    """Blocks behind the last step are filled as the expectation says."""
    for job in (counted_cell(), hot_cell(3, 1)):
        time = run(job).time + 2
        found = check_agreement(compile_job(job, time, construction="arm"), job, time)
        assert found.divergence is None, str(found.divergence)


#: From the forms of a lookup to those of one in which BOS has something.
BREACHES: dict[str, Callable[[Circuit], None]] = {}


def _breach(name: str, **changes: object) -> None:
    def change(circuit: Circuit) -> None:
        circuit.layers[0].lookups[0] = replace(circuit.layers[0].lookups[0], **changes)  # type: ignore[arg-type]

    BREACHES[name] = change


_asked = Linear({("next.V", 0): 1})
_breach("no condition", conditions=())
_breach("a condition that is always met", conditions=(Linear(constant=1),))
_breach("a condition on what it asks", conditions=(_asked,))
_breach("a value of what it asks", reads=((_asked, ("halted", 0)),))
_breach("a recency of what it asks", recency=_asked, recency_max=1)


def _later_breach(circuit: Circuit) -> None:
    """The first slot finds rows that ask it: so BOS, if an instruction of step 1 reads an operand."""
    lookup = circuit.layers[1].lookups[0]
    circuit.layers[1].lookups[0] = replace(lookup, conditions=(Linear({("x.asks", 0): 1}),))


def sink_of_causal_circuits() -> None:
    """BOS may ask, but nothing that a key has may be more than 0 on it: each breach is refused."""
    row, job = CONSTRUCTIONS["arm"], counted_cell()
    for name, change in {**BREACHES, "a condition that layer 1 writes": _later_breach}.items():
        circuit = row.build(Code.of(job), row.widths(job, 9))
        change(circuit)
        try:
            check_circuit(circuit)
        except CircuitError as error:
            assert "BOS" in str(error), f"{name}: {error}"
        else:
            raise AssertionError(f"{name} is taken")


def files_of_causal_models() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for causal in (True, False):
            save_model(Path(folder) / "m", replace(soft_model(0), causal=causal), {})
            assert load_model(Path(folder) / "m")[0].causal == causal, "the file forgets that its model is causal"


CHECKS = (
    Check(
        "rows seen by causal models", "prefixes of random weights with and without a cache", rows_seen, (IndexError, RuntimeError)
    ),
    Check("kept rows", "a session of a causal model after steps that change rows, against one that starts there", kept_rows),
    Check("followed tokens", "a sequence to which a session and its owner append by turns", followed_tokens),
    Check("too few blocks of arm", "where a decode ends that has no room for its run", too_few_blocks),
    Check("spare blocks of arm", "every token of a decode with blocks to spare, against the machine", spare_blocks),
    Check("sink of causal circuits", "`check_circuit` on circuits in which BOS could be found", sink_of_causal_circuits),
    Check("files of causal models", "a model comes back causal, or not", files_of_causal_models),
)
