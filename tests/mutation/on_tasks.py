"""Checks of models of the paper's tasks: all short sequences, against what the task says."""

from __future__ import annotations

from contextlib import redirect_stderr, suppress
from io import StringIO
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import typer
from faults.learned import FAILS, PASSES, WRONG, learned
from test_editor import edited, right, short_scripts, test_what_is_emitted_again_has_moved_or_is_new
from test_learned import (
    test_balls_hold_exact_and_computed_values,
    test_the_softmax_of_a_ball_holds_those_of_its_scores,
    write_parameters,
)
from test_log import newest_entries
from test_parity import decided

from lockstep.commands.task.parity import learned as proved_model
from lockstep.compiler.invariants import CircuitError
from lockstep.models.decode import decode
from lockstep.models.editing import NotCertain, OutOfPositions
from lockstep.models.files import ModelFileError
from lockstep.proofs_check.tasks.parity import prove_parity
from lockstep.tasks import editor
from lockstep.tasks.learned import load_learned, save_learned
from lockstep.tasks.parity import KINDS, ONE, WAYS, steps_front
from lockstep.tasks.training import train
from mutation.table import Check


def parity(way: str) -> None:
    build, steps = WAYS[way]
    task = build(4)
    for length in range(7):
        for word in product((0, 1), repeat=length):
            left, made, context, _ = decided(task, word, "dense")
            assert left == [ONE] * (sum(word) % 2), f"{word} leaves {left}"
            assert (made, context) == (steps(word), length + 1), f"{word}: {made} steps, context {context}"


def learned_parity() -> None:
    """A model that passes the proof is right on short words; each wrong model is refused by its part."""
    model = learned(PASSES)
    proof = prove_parity(model.model(), model.places(4))
    assert proof.holds, proof.reason
    for word in ((), (0,), (1, 1, 0, 1, 0, 0), (0, 0, 1, 1, 1)):
        tokens = model.tokens(KINDS[bit] for bit in word)
        found = decode(model.model(), tokens, model.positions(len(tokens)), "ap-mdm")
        assert (model.kinds(found.tokens), found.steps) == ([ONE] * (sum(word) % 2), steps_front(word)), word


def refusing() -> None:
    """The proof refuses each wrong model, by the part that it names."""
    for name, (part, build) in WRONG.items():
        wrong = build()
        failed = [line.what for line in prove_parity(wrong.weights, wrong.places).lines if not line.holds]
        assert part in failed, f"{name}: {failed or 'it passes the proof'}"


def training() -> None:
    """Seeds train to models that the proof tells apart."""
    for seed, passes in ((PASSES, True), (FAILS, False)):
        found = train(seed).learned
        proof = prove_parity(found.model(), found.places(4))
        assert proof.holds == passes, f"seed {seed}: {proof.reason or 'it passes the proof'}"


def editing() -> None:
    """Short scripts, by a circuit that is built anew; decoding steps and contexts besides."""
    task = editor.editor(3, 2, 4)
    for script, text in short_scripts():
        found = edited(task, (script, text), "dense")
        assert found[:3] == right(script, text), f"{script} on {text} leaves {found[0]}, {found[1]} steps, context {found[2]}"
        assert editor.context(script, len(text)) == found[2], f"{script} on {text}: context {found[2]}"


def files_of_learned_models() -> None:
    """What is no learned model is not read; one that fails the proof is read and not decoded."""
    with TemporaryDirectory() as folder, redirect_stderr(StringIO()):
        path = Path(folder) / "p.safetensors"
        for changed in ({"b_in": np.zeros(7)}, {"k": np.zeros(0)}, {"rail": np.zeros(1)}, {"k": np.full((4, 4), np.nan)}):
            write_parameters(path, **changed)
            with suppress(ModelFileError):
                load_learned(path)
                raise AssertionError(f"{[*changed]} is read")
        save_learned(path, learned(FAILS), {})
        with suppress(typer.Exit):
            proved_model(path)
            raise AssertionError("a model that fails the proof is decoded")


def rounding() -> None:
    test_balls_hold_exact_and_computed_values()
    test_the_softmax_of_a_ball_holds_those_of_its_scores()


CHECKS = (
    Check("learned parity", "a learned model that passes the proof decides words", learned_parity, (OutOfPositions,)),
    Check("refusals of the proof of parity", "wrong models, each refused by its part of the proof", refusing),
    Check("training of parity", "one seed whose model passes the proof, one whose model fails it", training),
    Check("editor", "short scripts, decoded: the text that is left, decoding steps and context", editing,
          (CircuitError, NotCertain, OutOfPositions)),
    Check("letters emitted again", "letters that moved or are new after an edit, counted one by one",
          test_what_is_emitted_again_has_moved_or_is_new),
    Check("log of replacements", "random logs: the newest entry of each place, in one decoding step", lambda: newest_entries("dense", 8),
          (CircuitError, NotCertain)),
    Check("files of learned models", "files that are refused, and a model that is not decoded", files_of_learned_models),
    Check("rounding", "numbers with a radius, against exact fractions and other orders of summation", rounding),
) + tuple(
    Check(f"parity {way}", f"all words of up to 6 letters, decoded by parity {way}: the answer, steps and context",
          lambda way=way: parity(way), (CircuitError, NotCertain, OutOfPositions))
    for way in WAYS
)  # fmt: skip
