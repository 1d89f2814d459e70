"""One run under the samplers of masked diffusion: counted without a model, judged by closed forms, and decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lockstep.compiler.compile import Compiled, compile_job
from lockstep.compiler.names import MDM, lacking
from lockstep.models.decode import TooLong
from lockstep.models.engines import MAX_CONTEXT
from lockstep.models.samplers import sampler
from lockstep.models.samplers.blocks import Blocks
from lockstep.models.samplers.rule import Rule
from lockstep.models.samplers.top import Top
from lockstep.models.sampling import Sampling
from lockstep.pram.errors import fail
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Run, run
from lockstep.pram.program import Program
from lockstep.pram.progress import Progress, silent
from lockstep.pram.sidecar import draw, generator_for
from lockstep.proofs_check.certificate import require_certificate
from lockstep.proofs_check.refusals import NotCertified
from lockstep.proofs_check.samplers.counting import Counted, Truth, count
from lockstep.proofs_check.samplers.explaining import explain
from lockstep.proofs_check.samplers.forms import forced_steps
from lockstep.proofs_check.samplers.holding import Held, hold
from lockstep.proofs_check.samplers.writing_back import WrittenBack, hold_writing_back

#: What decodes: many decodes of one run, most of them one token at a time. Its start counts once.
ENGINE = "indexed"


def usual_samplers(processors: int) -> list[str]:
    """The samplers of the table, for so many processors: deployed rules, and those on both sides of their conditions."""
    block = 3 * processors
    texts = (
        "parallel", "threshold:0.9", "one", "one,left-to-right", f"top:{block}", f"top:{block},margin", f"top:{block - 1}", "top:4",
        f"top:{2 * block}", "factor:1", f"factor:{block + 3}", "entropy:0.1", "entropy:1e-6", "entropy-sum:0.1", "random:1",
        f"blocks:{block}+threshold", f"blocks:{block}+random:2", f"blocks:{processors}+top:99", "blocks:32+threshold",
        "blocks:32+top:2", "blocks:32+top:4", "blocks:32+factor:1", "cap:0.1", f"blocks:{block}+threshold+cap:0.1,newest",
        "joint:0.5:0", "joint:0.5:0.5",
    )  # fmt: skip
    return list(dict.fromkeys(sampler(text).text for text in texts))


@dataclass(frozen=True)
class SamplerRow:
    """A sampler on the run. undecoded: why the model did not decode it; "" if it did. words: the verdict, and why, in sentences."""

    held: Held
    undecoded: str
    words: tuple[str, ...]

    @property
    def outcome(self) -> Counted:
        """What was counted, or else decoded."""
        assert self.held.outcome is not None, f"{self.held.sampler} is neither counted nor decoded"
        return self.held.outcome

    @property
    def record(self) -> dict[str, Any]:
        """Its values for JSON. Steps, tokens and tau are those up to the end, or to the first wrong token."""
        held, counted = self.held, self.outcome
        return {
            "sampler": held.sampler, "decoding_steps": counted.steps, "tokens": counted.unmasked, "tau": round(counted.tau, 6),
            "tokens_a_pass": round(counted.unmasked / counted.steps, 6) if counted.steps else 0,
            "right": counted.right, "ended": counted.ended, "first_wrong": asdict(counted.wrong) if counted.wrong else None,
            "theorem": held.judged.theorem if held.judged else None, "counted": held.counted is not None,
            "decoded": held.decoded is not None,
            "undecoded": self.undecoded or None, "differences": list(held.differences), "words": list(self.words),
        }  # fmt: skip


@dataclass(frozen=True)
class SamplerComparison:
    """One run of the machine, a row for each sampler, and what becomes of tokens that are written back; None if decodes were left out."""

    run: Run
    rows: tuple[SamplerRow, ...]
    written_back: WrittenBack | None

    @property
    def holds(self) -> bool:
        """Whether decodes, counting and closed forms agree. A sampler that is wrong is no failure: that is its verdict."""
        back = self.written_back
        return not any(row.held.differences for row in self.rows) and not (back and back.differences)

    @property
    def record(self) -> dict[str, Any]:
        """Its values for JSON."""
        job = self.run.job
        machine = {"time": self.run.time, "processors": job.processors, "outputs": len(job.outputs)}
        return {"program": job.name, **machine, **job.winner_record, "samplers": [row.record for row in self.rows],
                "written_back": asdict(self.written_back) if self.written_back else None}  # fmt: skip


def compare_samplers(job: Job, *, seed: int = 0, max_context: int, max_decoding_steps: int, max_steps: int = DEFAULT_MAX_STEPS,
                     progress: Progress = silent) -> SamplerComparison:  # fmt: skip
    """Run a job, and hold each sampler of the table on it.

    Args:   seed: of random samplers. max_context, max_decoding_steps: longer decodes are counted, not made. progress: called with
            samplers done and all.
    Raises: PramError: the machine refuses the run, or masked diffusion has no model of it.
    """
    found = run(job, max_steps=max_steps)
    if why := lacking(MDM, job.rules):
        raise fail(why, job.source)
    compiled = compile_job(job, found.time)
    truth = Truth.of(compiled, job, found.time)
    counted = [hold(truth, text, sampling=Sampling(seed=seed)) for text in usual_samplers(job.processors)]
    sampling = Sampling(seed=seed, engine=ENGINE)
    why, rows = _undecodable(compiled, truth, max_context), []
    for number, each in enumerate(counted):
        progress(number, len(counted) + 1)
        row = _row(truth, each, compiled, sampling, why, max_decoding_steps)
        if row.held.outcome is not None:
            rows.append(row)
    progress(len(counted), len(counted) + 1)
    left = why or any(row.undecoded for row in rows if row.held.counted)
    back = None if left else hold_writing_back(compiled, truth, ENGINE, seed)
    return SamplerComparison(found, tuple(rows), back)


def _row(truth: Truth, counted: Held, compiled: Compiled, sampling: Sampling, why: str, most: int) -> SamplerRow:
    """A row. What is not counted takes about as many decoding steps as there are tokens."""
    steps = counted.counted.steps if counted.counted else len(truth.masked)
    if not why and steps > most:
        why = f"{steps:,} decoding steps are more than --max-decoding-steps {most:,}"
    held = counted
    try:
        held = counted if why else hold(truth, counted.sampler, compiled, sampling)
    except TooLong as error:
        why = str(error)
    return SamplerRow(held, why, explain(truth, held))


def _undecodable(compiled: Compiled, truth: Truth, max_context: int) -> str:
    """Why no decode is made; "" if they are."""
    length = len(truth.final)
    if length > max_context:
        return f"context {length:,} is more than --max-context {max_context:,}"
    if length > MAX_CONTEXT[ENGINE]:
        return f"context {length:,} is more than the {ENGINE} engine takes, {MAX_CONTEXT[ENGINE]:,}"
    try:
        require_certificate(compiled)
    except NotCertified as error:
        return str(error)
    return ""


# -- shares of right runs ----------------------------------------------------------------------------

#: The samplers of the figure, by line: a letter, and what it stands for.
LINES: dict[str, tuple[str, Sequence[int]]] = {
    "top:K": ("top:{}", (1, 2, 3, 4, 5, 6, 8, 9, 12, 16, 24)),
    "blocks:B": ("blocks:{}", (1, 2, 3, 4, 6, 8, 12, 24, 32, 64)),
    "blocks:B+top:2": ("blocks:{}+top:2", (1, 2, 3, 4, 6, 8, 12, 24, 32, 64)),
    "blocks:B+top:4": ("blocks:{}+top:4", (1, 2, 3, 4, 6, 8, 12, 24, 32, 64)),
}
#: The runs of each size.
RUNS = 3


@dataclass(frozen=True)
class Share:
    """A point of the figure: a line and a number, runs that are right of all, and decoding steps for each step of the machine."""

    line: str
    number: int
    right: int
    runs: int
    steps: float


def shares(program: Program, sizes: Sequence[int], *, seed: int = 0, word_bits: int | None = None, use_sidecar: bool = True,
           max_steps: int = DEFAULT_MAX_STEPS, progress: Progress = silent) -> list[Share]:  # fmt: skip
    """Count each sampler of the figure on several runs of each size. Nothing is decoded.

    Raises: PramError: the machine refuses a run, or a sidecar fails.
    """
    generator = generator_for(program, use_sidecar, word_bits)
    truths = []
    for number, (params, arrays) in enumerate(draw(generator, list(sizes), RUNS, seed)):
        with generator.blaming_sidecar():
            job = program.instantiate(params, arrays, word_bits)
        time = run(job, max_steps=max_steps).time
        truths.append(Truth.of(compile_job(job, time), job, time))
        progress(number + 1, len(sizes) * RUNS)
    return list(_points(truths, seed))


def _points(truths: Sequence[Truth], seed: int) -> Iterator[Share]:
    for line, (form, numbers) in LINES.items():
        for number in numbers:
            rules = sampler(form.format(number))
            counted = [count(truth, rules, seed) for truth in truths]
            steps = [_steps(truth, each, rules.rule) / truth.sizes.time for truth, each in zip(truths, counted)]
            yield Share(line, number, sum(each.right for each in counted), len(counted), sum(steps) / len(steps))


def _steps(truth: Truth, counted: Counted, rule: Rule) -> int:
    """The decoding steps of a sampler. A wrong one takes a fixed number of rows in each step, so they are known as well."""
    match rule:
        case Top(most):
            return forced_steps(truth.sizes, most)
        case Blocks(size, Top(most)):
            return forced_steps(truth.sizes, most, size)
    return counted.steps


__all__ = ["LINES", "SamplerComparison", "SamplerRow", "Share", "compare_samplers", "shares", "usual_samplers"]
