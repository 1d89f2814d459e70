"""`lockstep task parity`: whether a word of 0s and 1s has an odd number of 1s."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from lockstep.commands.task.solved import Solved, decode_task, finish
from lockstep.commands.task.telling import JobFile, PageFile, Trace, step_rows, write_task_job, write_task_page
from lockstep.common.options import Dtype, Engine, Json

Way = Literal["at-once", "front"]


def parity(word: Annotated[str, typer.Argument(help="The word, such as 110101.", show_default=False)],
           way: Annotated[Way, typer.Option("--way", help="at-once: in 4 decoding steps. front: as in the paper.")] = "at-once",
           trace: Trace = False, page: PageFile = None, export: JobFile = None,
           engine: Engine = "auto", dtype: Dtype = "float64", json_: Json = False) -> None:  # fmt: skip
    """Tell whether a word of 0s and 1s has an odd number of 1s."""
    for place, letter in enumerate(word, 1):
        if letter not in "01":
            raise typer.BadParameter(f"{letter!r} at place {place} is neither 0 nor 1", param_hint="WORD")
    from lockstep.tasks.parity import FORMS, KINDS, ONE, PICTURE, WAYS

    bits = [int(letter) for letter in word]
    build, steps = WAYS[way]
    task = build(max(2, len(bits).bit_length()))
    tokens = task.tokens(KINDS[bit] for bit in bits)
    longest = max(3, len(tokens))
    decoding, seconds = decode_task(task, tokens, engine, dtype, longest)
    left = task.kinds(decoding.tokens)
    solved = Solved(
        title=f"parity of {len(bits):,} letters, {way.replace('-', ' ')}, in {dtype}",
        answer={"odd": left == [ONE] if left in ([], [ONE]) else f"no answer: {' '.join(left)}"},
        measured={"decoding_steps": decoding.steps, "context": decoding.peak_context, "engine": decoding.engine},
        expected={"odd": sum(bits) % 2 == 1, "decoding_steps": steps(bits), "context": len(bits) + 1},
        seconds=seconds,
        reported="100 % on words of any length, learned from words of length 2",
        forms={"decoding_steps": FORMS[way], "context": "n + 1"},
    )
    if page is not None:
        write_task_page(page, task, tokens, longest, PICTURE, solved)
    if export is not None:
        write_task_job(export, task, tokens, longest, decoding, dtype)
    finish(solved, json_, step_rows(task, tokens, longest, PICTURE, engine, dtype) if trace else None)
