"""`lockstep task parity`: whether a word of 0s and 1s has an odd number of 1s."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from lockstep.commands.task.solved import OfLetters, Solved, decode_task
from lockstep.commands.task.telling import JobFile, PageFile, Told, Trace
from lockstep.common.console import FAILED
from lockstep.common.options import Dtype, Engine, Json
from lockstep.pram.errors import Source, fail

Way = Literal["at-once", "front"]
#: What is said of every answer of a learned model.
WINDOW = "Proved on the weights for any length: that is a claim about windows of three tokens, since rails keep all others out."


def parity(word: Annotated[str, typer.Argument(help="The word, such as 110101.", show_default=False)],
           way: Annotated[Optional[Way], typer.Option("--way", help="at-once: in 4 decoding steps. front: as in the paper [at-once].",
                                                      show_default=False)] = None,
           model: Annotated[Optional[Path], typer.Option("--model", help="A learned model, made by `train parity`.",
                                                         show_default=False)] = None,
           trace: Trace = False, page: PageFile = None, export: JobFile = None,
           engine: Engine = "auto", dtype: Dtype = "float64", json_: Json = False) -> None:  # fmt: skip
    """Tell whether a word of 0s and 1s has an odd number of 1s."""
    for place, letter in enumerate(word, 1):
        if letter not in "01":
            raise typer.BadParameter(f"{letter!r} at place {place} is neither 0 nor 1", param_hint="WORD")
    if model is not None and (way or dtype != "float64"):
        raise typer.BadParameter("a learned model has its own way, and it is proved in float64", param_hint="--model")
    from lockstep.tasks.parity import FORMS, KINDS, ONE, PICTURE

    bits = [int(letter) for letter in word]
    task, steps = set_by_hand(way or "at-once", len(bits)) if model is None else learned(model)
    tokens = task.tokens(KINDS[bit] for bit in bits)
    longest = max(3, len(tokens))
    decoding, seconds = decode_task(task, tokens, engine, dtype, longest)
    left = task.kinds(decoding.tokens)
    which = "learned" if model is not None else (way or "at-once").replace("-", " ")
    solved = Solved(
        title=f"parity of {len(bits):,} letters, {which}, in {dtype}",
        answer={"odd": left == [ONE] if left in ([], [ONE]) else f"no answer: {' '.join(left)}"},
        measured={"decoding_steps": decoding.steps, "context": decoding.peak_context, "engine": decoding.engine},
        expected={"odd": sum(bits) % 2 == 1, "decoding_steps": steps(bits), "context": len(bits) + 1},
        seconds=seconds,
        reported="100 % on words of any length, learned from words of length 2",
        notes=(WINDOW,) if model is not None else (),
        forms={"decoding_steps": FORMS["front" if model is not None else way or "at-once"], "context": "n + 1"},
    )
    Told(trace, page, export).finish(solved, json_, task, tokens, longest, PICTURE, decoding, dtype)


def set_by_hand(way: str, length: int) -> tuple[OfLetters, Callable[[Sequence[int]], int]]:
    """Return the model for words of this length, and the closed form of its decoding steps."""
    from lockstep.tasks.parity import WAYS

    build, steps = WAYS[way]
    return build(max(2, length.bit_length())), steps


def learned(path: Path) -> tuple[OfLetters, Callable[[Sequence[int]], int]]:
    """Return the model of a file, and the closed form of its decoding steps. One that is not proved might decode for ever.

    Raises: PramError: the file holds no such model. typer.Exit: the proof fails; the line before says where.
    """
    from lockstep.models.files import ModelFileError
    from lockstep.proofs_check.tasks.parity import prove_parity
    from lockstep.tasks.learned import load_learned
    from lockstep.tasks.parity import steps_front

    if not path.is_file():
        raise fail("no such file", Source(str(path), ""))
    try:
        found, _ = load_learned(path)
    except ModelFileError as error:
        raise fail(str(error), Source(str(path), "")) from None
    proof = prove_parity(found.model(), found.places(4))
    if not proof.holds:
        print(f"{path}: error: the proof fails, so nothing is decoded: {proof.reason}", file=sys.stderr)
        raise typer.Exit(FAILED)
    return found, steps_front
