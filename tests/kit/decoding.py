"""Decodes beside the reference, and sequences to start from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kit.jobs import DIRECTORY
from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_code, compile_job, is_causal
from lockstep.compiler.processor import Code
from lockstep.models.batch import Start
from lockstep.models.decode import Decoder
from lockstep.models.editing import NotFinished, OutOfPositions
from lockstep.models.engines import ENGINES, available
from lockstep.models.positions import Positions
from lockstep.models.sampling import DEFAULT_SAMPLING, Sampling
from lockstep.models.torch_transformer import TorchTransformer
from lockstep.models.transformer import Prediction, Transformer
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import load
from lockstep.proofs_check.batch import widest

#: Constructions whose models attend to all rows, which every engine computes. The active engine leaves the others alone.
ENCODERS = tuple(name for name in CONSTRUCTIONS if not is_causal(name))
#: Engines that take several sequences in one pass.
TOGETHER = [name for name in ENGINES if name not in ("active", "native")]
#: The fastest engine, for tests of something else: `test_engines.py` holds all of them against the reference, token by token.
FASTEST = Sampling(engine=available()[-1])


def mostly_fastest(number: int) -> Sampling:
    """For one of many random jobs: the reference for every eighth, and the fastest engine for the others."""
    return FASTEST if number % 8 else DEFAULT_SAMPLING


#: The tokens after a decoding step, or how a decode ends.
State = list[int] | str


def states(decoder: Decoder, most: int) -> Iterator[State]:
    """The tokens after each of at most so many decoding steps, and how it ends: the text of the error, or nothing."""
    decode, end = iter(decoder), ""
    for _ in range(most):
        try:
            step = next(decode, None)
        except (NotFinished, OutOfPositions) as error:
            step, end = None, str(error)
        if step is None:
            yield end
            return
        yield step.sequence.tolist()


#: What `remembered` has seen.
REMEMBERED: dict[str, list[State]] = {}


def reference(start: Sequence[Any], most: int) -> Iterable[State]:
    """What the reference says of a decode. start: the arguments of `Decoder` but the sampling, then order and seed."""
    *arguments, order, seed = start
    return states(Decoder(*arguments, Sampling(order, seed, "dense")), most)


def remembered(start: Sequence[Any], most: int) -> Iterable[State]:
    """The same, decoded once: for tests that plant nothing in the reference, and hold several engines against it."""
    model, tokens, positions, *options = start
    digest = hashlib.sha256(repr((model.vocabulary, most, *options)).encode())
    for part in (*dict(model.tensors()).values(), tokens, Positions.of(positions).dense()):
        digest.update(f"{part.dtype}{part.shape}".encode() + part.tobytes())
    key = digest.hexdigest()
    if key not in REMEMBERED:
        REMEMBERED[key] = list(reference(start, most))
    return REMEMBERED[key]


def same_tokens(model: Transformer, tokens: NDArray[Any], positions: Positions | NDArray[Any], engine: str,
                process: str = "mdm", order: str = "parallel", seed: int = 0, most: int = 10_000,
                reference: Callable[[Sequence[Any], int], Iterable[State]] = reference) -> str:  # fmt: skip
    """Decode beside the reference; every token after every step must be the same. Which engine finished."""
    ours = Decoder(model, tokens, positions, process, Sampling(order, seed, engine))
    for found, expected in zip_longest(states(ours, most), reference((model, tokens, positions, process, order, seed), most)):
        assert found == expected
    return ours.engine


def residual_stream(model: Transformer, tokens: NDArray[Any], positions: NDArray[Any]) -> NDArray[Any]:
    """The stream after the last layer by the reference, [N, d]."""
    reference = TorchTransformer(model)
    return reference.forward(reference.embed(torch.from_numpy(tokens)) + reference.tensor(positions)).numpy()


def predicted(model: Transformer, stream: NDArray[Any]) -> Prediction:
    """What the reference reads out of a stream after the last layer, [N, d]."""
    reference = TorchTransformer(model)
    return reference.predict(reference.tensor(stream)).on_cpu()


def whole_job(job: Job, time: int, engine: str, construction: str = "mdm", dtype: str = "float64", **options: object) -> str:
    compiled: Compiled = compile_job(job, time, dtype, construction)
    layout = compiled.layout(job, time)
    start = layout.tokens()
    return same_tokens(compiled.model, start, layout.positions(), engine, compiled.process, **options)  # type: ignore[arg-type]


def starts_of(jobs: list[Job], construction: str = "mdm", spare: int = 0) -> tuple[Compiled, list[Start]]:
    """One model for all jobs, which have the same code, and what it starts from."""
    times = [run(job).time + spare for job in jobs]
    row = CONSTRUCTIONS[construction]
    widths = widest([row.widths(job, time) for job, time in zip(jobs, times)])
    compiled = compile_code(Code.of(jobs[0]), widths, construction=construction)
    layouts = [compiled.layout(job, time) for job, time in zip(jobs, times)]
    return compiled, [(layout.tokens(), layout.positions()) for layout in layouts]


def sums(*sizes: int) -> list[Job]:
    """Sums of several sizes, with other numbers each."""
    program, chance = load(DIRECTORY / "tree_sum.pram"), np.random.default_rng(1)
    return [program.instantiate({"n": n}, {"A": chance.integers(0, 99, n).tolist()}, 16) for n in sizes]
