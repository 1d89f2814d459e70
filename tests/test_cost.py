"""`lockstep cost`: exact figures equal those of decodes; claims that are false and times that nobody knows are noticed."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from kit.commands import TINY
from kit.decoding import FASTEST

from lockstep.commands.cost import calibrate, check, measure, sizes
from lockstep.commands.cost.calibrate import Calibration
from lockstep.commands.cost.check import compare
from lockstep.commands.cost.forms import contexts, letters, phases
from lockstep.commands.cost.model import FEATURES, Dimensions, Work, features, fit, memory_unit
from lockstep.commands.cost.predict import forecast
from lockstep.commands.cost.sizes import SmallRuns, plan_run, run_small_sizes
from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_job
from lockstep.models.decode import Decoder
from lockstep.models.engines import MAX_CONTEXT
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, NO_DESTINATION, Machine, Step, run
from lockstep.pram.program import Program, load, parse_program
from lockstep.pram.sidecar import generator_for
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.refusals import NotCertified

PROGRAMS = Path(__file__).parent.parent / "examples" / "programs"
IDLE = SmallRuns((), "", 1.0, 1.0)
#: Programs with sizes: one and many processors, no inputs, processors that halt early, concurrent writes, parameters that are computed.
SIZES = [("hillis_steele", 1), ("hillis_steele", 5), ("tree_sum", 4), ("counter", 2), ("bitonic_sort", 2), ("or_constant", 4),
         ("odd_even_sort", 3), ("list_rank", 2), ("closure", 1), ("subset_sum", 1)]  # fmt: skip


def example(name: str) -> Program:
    return load(PROGRAMS / f"{name}.pram")


class Observed(NamedTuple):
    """What a decode did: its steps, the lengths of its sequences from the first on, and the tokens it unmasked or appended."""

    steps: int
    lengths: list[int]
    unmasked: int


def observed(compiled: Compiled, job: Job, time: int) -> Observed:
    layout = compiled.layout(job, time)
    decoder = Decoder(compiled.model, layout.tokens(), layout.positions(), compiled.process, FASTEST)
    before, lengths, unmasked, mask = layout.tokens(), [layout.tokens().size], 0, compiled.model.vocabulary.mask
    steps = 0
    for step in decoder:
        after = step.sequence.copy()
        if compiled.model.causal:
            unmasked += 1
        elif len(after) == len(before):  # only growing and shrinking move tokens, and neither generates any
            unmasked += int(((before != after) & (after != mask)).sum())
        before, steps = after, step.number
        lengths.append(len(after))
    return Observed(steps, lengths, unmasked)


def run_and_put(trace: list[Step]) -> dict[str, int]:
    """The letters of tokens that only a run knows: instructions, and the cells and registers that its steps leave."""
    places = [enumerate(s.destination.tolist()) for s in trace]
    put = [{(p if d < NO_DESTINATION else "cell", d) for p, d in of if d != NO_DESTINATION} for of in places]
    return {"run": sum(int((s.counter != HALTED).sum()) for s in trace), "put": sum(map(len, put))}


def changed_words(job: Job) -> int:
    """The words of the state that steps change: of the first step, input cells only."""
    machine, changed = Machine(job), 0
    before = machine.memory.copy(), machine.registers.copy(), machine.counter.copy()
    for step in machine.steps():
        after = machine.memory.copy(), machine.registers.copy(), machine.counter.copy()
        first = int((before[0] != after[0])[: job.inputs].sum())
        changed += first if step.number == 1 else sum(int((a != b).sum()) for a, b in zip(before, after))
        before = after
    return changed


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
@pytest.mark.parametrize(("name", "size"), SIZES)
def test_forecasts_are_what_decodes_are(name: str, size: int, construction: str) -> None:
    program = example(name)
    params, arrays = generator_for(program).inputs(size, np.random.default_rng(1))
    planned = plan_run(program, None, params, 12)
    job = program.instantiate(params, arrays, 12)
    exact = run(job, trace=True)
    assert (planned.time, planned.relation) == (exact.time, "==")
    (found,) = forecast(program, planned, [construction], IDLE).processes
    compiled = compile_job(job, exact.time, construction=construction)
    steps, lengths, unmasked = observed(compiled, job, exact.time)
    assert (found.steps, found.context, found.widths) == (steps, max(lengths), compiled.widths)
    values = letters(construction, job, exact.time)
    appended = compiled.model.causal
    seen = [n - 1 for n in lengths[1:]] if appended else lengths[:-1] if construction == "mdm" else lengths
    assert [length for many, length in contexts(construction, values) for _ in range(many)] == seen
    assert FACTS[construction].tokens(values | run_and_put(exact.trace) | {"new": changed_words(job)}) == unmasked
    assert found.tokens == unmasked if construction == "mdm" or appended else unmasked <= found.tokens
    assert found.tokens_bound == (construction != "mdm" and not appended)


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.pram")), ids=lambda path: path.stem)
def test_outlines_have_the_sizes_of_jobs(path: Path) -> None:
    program = load(path)
    params, arrays = generator_for(program).inputs(3, np.random.default_rng(0))
    job, outline = program.instantiate(params, arrays, 16), program.outline(params, 15, 16)
    for quantity in (
        "processors",
        "registers",
        "space",
        "inputs",
        "outputs",
        "parameters",
        "code",
        "arrays",
        "word_bits",
        "values",
    ):
        assert getattr(outline, quantity) == getattr(job, quantity)


def test_large_sizes_take_no_memory() -> None:
    program = example("hillis_steele")
    program.outline({"n": 4}, 15)
    tracemalloc.start()
    planned = plan_run(program, 10**6, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (planned.time, planned.job.processors, planned.job.space, planned.job.word_bits) == (4 + 13 * 20, 10**6, 10**6, 24)
    assert peak < 1 << 20


@pytest.mark.parametrize(
    ("name", "n", "settings", "params", "time"),
    [
        ("bitonic_sort", 2**20, {}, {"k": 20}, 4 + 22 * 20 + 13 * 400),
        ("counter", 12, {}, {"b": 12}, 4 + 4096 * 103),
        ("hanoi", 3, {"moves": 10**9}, {"n": 3, "moves": 10**9}, 4 + 10**9 * 70),
        ("components", 9, {"m": 4, "rounds": 3}, {"n": 9, "m": 4}, 6 + 84 * 3),
    ],
)
def test_what_n_means(name: str, n: int, settings: dict[str, int], params: dict[str, int], time: int) -> None:
    planned = plan_run(example(name), n, settings)
    assert (planned.params, planned.time) == (params, time)


@pytest.mark.parametrize(
    ("name", "n", "settings", "message"),
    [
        ("bitonic_sort", 1000, {}, "n is computed from k here, and never 1000: it is 512 at k = 9 and 1024 at k = 10"),
        ("qbf", 3, {}, "--size sets `n` or the only parameter that is not given otherwise, and there are m, c"),
        ("counter", 3, {"b": 3}, "and there is none left"),
        ("hillis_steele", None, {}, "missing parameter `n`: set it with --param n=VALUE, or with --size"),
        ("hillis_steele", 4, {"m": 3}, "this program has no parameter `m`"),
        ("hillis_steele", 10**9, {}, "procs is 1000000000 (with n = 1000000000); the limit is 16777216"),
        ("components", 10**6, {"m": 4}, "give them with --param rounds=VALUE"),
    ],
)
def test_what_cannot_be_sized_up(name: str, n: int | None, settings: dict[str, int], message: str) -> None:
    with pytest.raises(PramError) as caught:
        plan_run(example(name), n, settings)
    assert message in str(caught.value)


def test_words_must_name_what_there_is() -> None:
    with pytest.raises(PramError, match="a pid is a word of 8 bits, so there can be at most 256"):
        plan_run(example("hillis_steele"), 1000, {}, 8)


def test_without_a_claim_the_machine_is_asked_if_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    program = parse_program(TINY.replace("claim time == 8", ""))
    planned = plan_run(program, 100, {})
    assert (planned.time, planned.relation) == (8, "==") and "measured" in planned.basis
    with pytest.raises(PramError, match="add one, such as"):
        plan_run(program, 2**21, {})
    endless = parse_program("program endless param n shared s : output while n > 0 do s := 1 end")
    monkeypatch.setattr(sizes, "MOST_RUN", 500_000)
    with pytest.raises(PramError, match="a run takes more than 1000 steps"):
        plan_run(endless, 1, {})


def test_a_bound_is_called_one() -> None:
    planned = plan_run(parse_program(TINY.replace("== 8", "<= 9")), 10**6, {})
    assert (planned.time, planned.relation) == (9, "<=")


def test_false_claims_are_noticed() -> None:
    assert all(check.holds for check in run_small_sizes(parse_program(TINY)).checks)
    assert not all(check.holds for check in run_small_sizes(parse_program(TINY.replace("== 8", "== 8 + n / 16"))).checks)


def test_a_decode_notices_what_small_runs_do_not() -> None:
    program = parse_program(TINY.replace("== 8", "== 8 + n / 17"))
    assert all(check.holds for check in run_small_sizes(program).checks)
    planned = plan_run(program, 17, {})
    job = program.instantiate({"n": 17}, {"A": [1] * 17})
    (comparison,) = compare(job, planned.time, ["ap-mdm"], None, ["dense"])
    assert not comparison.holds and comparison.trouble == "T is 8, not 9"
    (comparison,) = compare(job, 8, ["ap-mdm"], None, ["dense"])
    assert comparison.holds


def tiny(n: int) -> Job:
    """It takes 8 steps."""
    return parse_program(TINY).instantiate({"n": n}, {"A": [1] * n})


def test_a_bound_is_held_as_one() -> None:
    (comparison,) = compare(tiny(3), 100, ["mdm"], None, ["dense"], "<=")
    assert comparison.holds and comparison.measured and not comparison.left_out
    (comparison,) = compare(tiny(3), 8, ["mdm"], None, ["dense"], "<=")
    assert comparison.holds
    (comparison,) = compare(tiny(3), 7, ["mdm"], None, ["dense"], "<=")
    assert comparison.trouble == "T is 8, not at most 7"
    (comparison,) = compare(tiny(3), 100, ["mdm"], None, ["dense"])
    assert comparison.trouble == "T is 8, not 100"


def test_under_a_bound_decodes_are_held_at_the_time_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = check.fastest_decode
    monkeypatch.setattr(check, "fastest_decode", lambda *a: replace(taken(*a), tokens=taken(*a).tokens + 1))
    (comparison,) = compare(tiny(3), 100, ["mdm"], None, ["dense"], "<=")
    assert comparison.trouble == "76 tokens, not 75"


def test_time_is_held_without_a_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MAX_CONTEXT, "dense", 80)
    monkeypatch.setattr(check, "fastest_decode", lambda *a: pytest.fail("decoded"))
    (comparison,) = compare(tiny(3), 8, ["mdm"], None, ["dense"])
    assert (comparison.holds, comparison.left_out, comparison.measured) == (True, "context 81, limit 80", 0)
    (comparison,) = compare(tiny(3), 9, ["mdm"], None, ["dense"])
    assert (comparison.trouble, comparison.left_out) == ("T is 8, not 9", "context 81, limit 80")
    monkeypatch.setitem(MAX_CONTEXT, "dense", 6000)
    slow = Calibration("here", {"dense": {"mdm": [1e3] * len(FEATURES["dense"])}}, {}, 1.0)
    (comparison,) = compare(tiny(3), 9, ["mdm"], slow, ["dense"])
    assert (comparison.trouble, comparison.left_out) == (
        "T is 8, not 9",
        "would take more than 10 s",
    ) and comparison.predicted > 10


def test_time_is_held_where_there_is_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(compiled: object) -> None:
        raise NotCertified("float64 is not exact here")

    def give_up(*a: object, **options: object) -> None:
        raise ValueError("no room for it")

    for name, stub, left_out in (
        ("require_certificate", refuse, "float64 is not exact here"),
        ("compile_job", give_up, "no room for it"),
    ):
        monkeypatch.setattr(check, name, stub)
        for said, trouble in ((8, ""), (9, "T is 8, not 9")):
            (comparison,) = compare(tiny(3), said, ["mdm"], None)
            assert (comparison.engine, comparison.trouble, comparison.left_out) == ("", trouble, left_out)


# -- the model of cost -----------------------------------------------------------------------------


def test_fit_finds_the_coefficients() -> None:
    rows = [[1, x, x * x] for x in range(1, 8)]
    assert fit(rows, [3 + 2 * x * x for _, x, _ in rows]) == pytest.approx([3, 0, 2], abs=1e-9)
    assert fit(rows, [100 - x for _, x, _ in rows])[1:] == [0, 0]  # a time that shrinks with work is noise


def test_features_follow_the_work() -> None:
    model = Dimensions(10, (2, 1, 1), (4, 4, 4), (5, 5, 5), (50, 30, 20), 10)
    planned = plan_run(example("hillis_steele"), 64, {}, 16)
    work = Work("mdm", model, letters("mdm", planned.job, planned.time), 1.0, 1.0)
    context, steps = 15_876, 83
    dense = dict(zip(FEATURES["dense"], features("dense", work)))
    assert dense == {
        "decoding steps": steps,
        "C x weights": steps * context * 10 * (16 * 4 + 30),
        "C^2 x H": steps * context**2 * 4,
    }
    indexed = features("indexed", work)
    assert indexed[3] == 4 * (context + 82 * 384 + 64) and indexed[4] == 4 * context
    assert features("native", work) == [100, steps + 1, context, indexed[3], 0]
    # A causal model appends 3 P T words and the outputs. Each row after the given ones goes through all layers alone. The context
    # counts in the middle of the run.
    causal = replace(work, construction="arm", letters=letters("arm", planned.job, planned.time))
    given, written = context - 15_808, 15_808
    assert features("native", causal) == [100, written, (given + context) / 2, 4 * (given + written - 1), 100 * written]
    # One decoding step of one-step, of 64 processors with 5 registers and all of them running: registers stop after layer 1.
    values = letters("ap-mdm one-step", planned.job, planned.time)
    (alike,) = (p for p in phases("ap-mdm one-step", values, 1.0, 0.5) if p.steps == planned.time)
    assert (alike.rows, alike.later) == (2 * (values["k"] + 1.5) * 64, 2 * 2 * 64)
    assert model.nonzeros == 100
    assert memory_unit("dense", model, 1000) == 8 * (2 * 1000**2 + 40_000)


def test_a_calibration_is_kept_for_this_machine_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert calibrate.cached() is None
    made = calibrate.Calibration(calibrate.this_machine(), {"dense": {"mdm": [1.0]}}, {"dense": [1.0, 2.0]}, 1.1)
    calibrate.save(made)
    assert calibrate.cached() == made
    monkeypatch.setattr(calibrate, "__version__", "another")
    assert calibrate.cached() is None
    calibrate.cache_file().write_text("{")
    assert calibrate.cached() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(calibrate.cache_file()))
    with pytest.raises(PramError, match="the measurements cannot be written"):
        calibrate.save(made)


def test_calibrating_measures_each_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "RUNS", {"dense": (("sums", 1), ("sums", 2))})
    monkeypatch.setattr(calibrate, "LONGER", {"dense": ("spin", 1)})
    monkeypatch.setattr(calibrate, "CAUSAL_RUNS", {"dense": (("sums", 1), ("sums", 2))})
    monkeypatch.setattr(calibrate, "MEMORY_RUNS", {"dense": (2, 3)})
    told: list[tuple[int, int]] = []
    made = calibrate.calibrate(lambda done, total: told.append((done, total)))
    assert told == [(i, 13) for i in range(1, 14)]
    assert set(made.time["dense"]) == set(CONSTRUCTIONS) and all(any(row) for row in made.time["dense"].values())
    assert made.worst >= 1
    if measure.STATUS.is_file():
        assert made.memory["dense"][0] > 1 << 24
