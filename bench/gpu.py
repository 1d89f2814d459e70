"""`python -m bench.gpu`: decodes on a GPU, each token compared with a decode on the CPU, and tokens a second.

`--device cpu` rehearses it without a GPU.
"""

from __future__ import annotations

import time
from typing import Annotated

import numpy as np
import torch
import typer
from kit.jobs import DIRECTORY, WORD_BITS
from rich.console import Console
from rich.table import Table

from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_code, is_causal
from lockstep.compiler.processor import Code
from lockstep.models.decode import Decoding, decode
from lockstep.models.engines import available
from lockstep.models.on_device import decode_on_device
from lockstep.models.sampling import Sampling
from lockstep.pram.machine import run
from lockstep.pram.program import load

BATCHES = (1, 16, 256)
PROGRAM = "tree_sum"


def main(device: Annotated[str, typer.Option(help="cuda, or cpu for a rehearsal.")] = "cuda",
         most: Annotated[int, typer.Option(help="The largest batch.")] = BATCHES[-1],
         size: Annotated[int, typer.Option(help="The size of the inputs.")] = 8) -> None:  # fmt: skip
    """Decode batches of inputs of one program, in every construction, in float64 and float32."""
    if device == "cuda" and not torch.cuda.is_available():
        print("torch finds no cuda device: nothing was run")
        raise typer.Exit(1)
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    table = Table("process", "dtype", "batch", "decoding steps", "tokens", "tokens a second", title=f"{PROGRAM} {size} on {name}")
    for construction in (name for name in CONSTRUCTIONS if not is_causal(name)):
        for dtype in ("float64", "float32"):
            compiled, starts, wanted = _inputs(construction, dtype, most, size)
            for batch in (b for b in BATCHES if b <= most):
                taken = _seconds(compiled, starts[:batch], wanted[:batch], device)
                tokens = sum(_unmasked(compiled, start[0], found) for start, found in zip(starts[:batch], wanted[:batch]))
                row = (
                    construction,
                    dtype,
                    batch,
                    max(found.steps for found in wanted[:batch]),
                    f"{tokens:,}",
                    f"{tokens / taken:,.0f}",
                )
                table.add_row(*map(str, row))
    Console(width=100).print(table)
    print("every token is that of the CPU")


def _inputs(construction: str, dtype: str, count: int, size: int) -> tuple[Compiled, list, list[Decoding]]:  # type: ignore[type-arg]
    """One model, starts for so many random inputs, and what a decode on the CPU makes of each."""
    program, chance = load(DIRECTORY / f"{PROGRAM}.pram"), np.random.default_rng(0)
    jobs = [program.instantiate({"n": size}, {"A": chance.integers(0, 99, size).tolist()}, WORD_BITS) for _ in range(count)]
    length = run(jobs[0]).time
    compiled = compile_code(Code.of(jobs[0]), CONSTRUCTIONS[construction].widths(jobs[0], length), dtype, construction)
    layouts = [compiled.layout(job, length) for job in jobs]
    starts = [(layout.tokens(), layout.positions()) for layout in layouts]
    engine = "native" if "native" in available() else "dense"
    wanted = [decode(compiled.model, *start, compiled.process, Sampling(engine=engine)) for start in starts]
    return compiled, starts, wanted


def _seconds(compiled: Compiled, starts: list, wanted: list[Decoding], device: str) -> float:  # type: ignore[type-arg]
    """The wall time of the second decode of a batch; the first may compile kernels. Every token must be right."""
    for _ in range(2):
        begin = time.perf_counter()
        found = decode_on_device(compiled.model, starts, compiled.process, device)
        taken = time.perf_counter() - begin  # the results are on the CPU, so the device is done
    for one, other in zip(found, wanted, strict=True):
        assert isinstance(one, Decoding), one
        assert (one.tokens.tolist(), one.steps, one.context) == (other.tokens.tolist(), other.steps, other.context), (
            "other tokens"
        )
    return taken


def _unmasked(compiled: Compiled, start: np.ndarray, found: Decoding) -> int:
    """The tokens of a decode: all that were masks at the start, or all of the last sequence where that grew and shrank."""
    masks = int((start == compiled.model.vocabulary.mask).sum())
    return masks or max(found.context)


if __name__ == "__main__":
    typer.run(main)
