"""Small runs that samplers are judged on: straight code, in which all processors halt together, and code with early halts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from random import Random
from typing import Union

import numpy as np

from lockstep.compiler.compile import compile_job
from lockstep.models.sampling import Sampling
from lockstep.pram.instructions import PID, Instruction, Operand, constant
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.samplers.counting import Truth
from lockstep.proofs_check.samplers.holding import Held, hold

#: What cases without a closed form are counted under.
COUNTED = "counting alone"


def straight(processors: int, time: int, outputs: int) -> Job:
    """A job of exactly `time` steps, all processors halting in the last; every kind of instruction in turn."""
    kinds = (Instruction("mov", PID, rd=0), Instruction("store", PID, constant(0), PID), Instruction("nop"))
    return _job([kinds[step % 3] for step in range(time - 1)], processors, outputs)


def branching(random: Random) -> Job:
    """Random jumps forwards, and halts that some processors jump over: processors halt in different steps."""
    length, code = random.randint(3, 9), list[Instruction]()
    while len(code) < length:
        later = random.randint(len(code) + 1, length)
        over = Instruction("jz", random.choice((PID, Operand("register", 0))), target=len(code) + 2)
        code += random.choice([
            [Instruction("xor", PID, constant(random.randrange(4)), rd=0)], [Instruction("nop")], [over, Instruction("halt")],
            [Instruction("jz", Operand("register", 0), target=later)], [Instruction("jz", PID, target=later)],
            [Instruction("store", PID, constant(0), Operand("register", 0))],
        ])  # fmt: skip
    return _job(code, random.randint(1, 4), random.randint(0, 4))


def _job(code: Iterable[Instruction], processors: int, outputs: int) -> Job:
    return Job(
        code=(*code, Instruction("halt")), registers=1, processors=processors, word_bits=4, mode="EREW",
        memory=np.zeros(8, np.int64), outputs=range(outputs),
    )  # fmt: skip


def on_grid(processors: int, time: int, outputs: int) -> Iterator[str]:
    """The samplers that are held on straight code of this size: every K and B, up to more rows than there are."""
    total = 3 * processors * time + outputs
    yield from (
        "parallel",
        "one",
        "one,left-to-right",
        "random:1",
        "threshold:0.01",
        "threshold:1",
        "entropy:1e-6",
        "entropy:0.1",
    )
    for taken in range(1, min(total, 6 * processors) + 2):
        yield from (f"top:{taken},{first}" for first in ("confidence", "margin", "entropy", "left-to-right", "random"))
    inner = (
        "threshold",
        "factor:1",
        "factor:3",
        "random:2",
        "top:2,left-to-right",
        *(f"top:{taken}" for taken in (2, 3, 4, 5, 6)),
    )
    yield from (f"blocks:{size}+{rule}" for size in range(1, total + 2) for rule in inner)


def at_edges(truth: Truth) -> Iterator[str]:
    """Samplers right below and above the numbers on which their verdict turns."""
    vocabulary, near = truth.vocabulary.size, 1e-6
    rows = min((level.rows for level in truth.levels if level.others), default=1)
    for below in (1 - near, 1 + near):
        yield f"factor:{(rows + 2) * (1 - 1 / (vocabulary - 1)) * below:.15g}"
        yield f"factor:{(truth.levels[0].rows + 1) * truth.levels[0].doubt * below:.15g}"
        yield f"threshold:{below / (vocabulary - 1):.15g}"
        yield f"entropy:{truth.levels[0].entropy * below:.15g}"
        yield f"entropy:{truth.ready['WORD'].entropy * below:.15g}"
        yield f"entropy-sum:{max(level.entropy for level in truth.levels) * below:.15g}"
        yield f"entropy-sum:{(truth.levels[0].entropy + np.log(vocabulary - 1)) * below:.15g}"
    yield f"threshold:{truth.least_confidence:.17g}"


def drawn(random: Random) -> Iterator[str]:
    """Samplers with random numbers."""
    yield from ("parallel", "one", "one,left-to-right", "random:1", "entropy-sum:0.1", "entropy:1e-5")
    yield from (
        f"top:{random.randint(1, 8)}",
        f"top:{random.randint(1, 3)},left-to-right",
        f"factor:{random.uniform(0.01, 9):.6f}",
    )
    for inner in ("threshold", "factor:1", f"top:{random.randint(1, 5)}", f"random:{random.randint(1, 5)}"):
        yield f"blocks:{random.randint(1, 20)}+{inner}"


def truth_of(job: Job) -> Truth:
    """The run of a job, without a model of its own."""
    time = run(job).time
    return Truth.of(compile_job(job, time), job, time)


#: A piece of work for one process: straight code of a size, or the random program of a seed.
Piece = Union[tuple[int, int, int], int]


def decoded(piece: Piece) -> tuple[Tally, str]:
    """Hold the samplers of one piece of work beside decodes; also what differs, "" if nothing does."""
    try:
        return (on_branching([piece], decodes=True)[0] if isinstance(piece, int) else on_straight([piece], decodes=True)), ""
    except AssertionError as differs:
        return Tally(), f"{differs}"


class Tally:
    """Cases that were held, and how many of them are right, by the theorem that speaks about them."""

    def __init__(self) -> None:
        self.cases: Counter[str] = Counter()
        self.right: Counter[str] = Counter()

    def add(self, held: Held, where: str) -> None:
        """Raises: AssertionError: the closed form, counting and the decode differ."""
        assert not held.differences, f"{where}, {held.sampler}: {held.differences[0]}"
        name = held.judged.theorem if held.judged else COUNTED
        self.cases[name] += 1
        self.right[name] += held.outcome is not None and held.outcome.right

    def joined(self, other: Tally) -> Tally:
        """Both together."""
        both = Tally()
        both.cases, both.right = self.cases + other.cases, self.right + other.right
        return both


def on_straight(sizes: Iterable[tuple[int, int, int]], decodes: bool) -> Tally:
    """Hold all samplers of the grid, and those at edges, on straight code of these sizes (processors, time, outputs)."""
    tally = Tally()
    for size in sizes:
        job = straight(*size)
        compiled = compile_job(job, size[1])
        truth = Truth.of(compiled, job, size[1])
        assert truth.together
        for text in (*on_grid(*size), *at_edges(truth)):
            tally.add(hold(truth, text, compiled if decodes else None), f"{size}")
    return tally


def on_branching(seeds: Iterable[int], decodes: bool) -> tuple[Tally, int]:
    """Hold drawn samplers on random programs; also how many have early halts."""
    tally, early = Tally(), 0
    for seed in seeds:
        random = Random(seed)
        job = branching(random)
        time = run(job).time
        compiled = compile_job(job, time)
        truth = Truth.of(compiled, job, time)
        early += not truth.together
        for text in (*drawn(random), *at_edges(truth)):
            tally.add(hold(truth, text, compiled if decodes else None, Sampling(seed=seed)), f"seed {seed}")
    return tally, early


def sizes(most: int) -> list[tuple[int, int, int]]:
    """Processors and steps up to `most`, with 0, 1 and 3 outputs."""
    return list(product(range(1, most + 1), range(1, most + 1), (0, 1, 3)))
