"""Models of CRCW max, min and sum, token by token beside the machine; what they refuse; the share of a sum."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kit.commands import WRONG, Do
from kit.decoding import FASTEST, mostly_fastest
from oracles.all_winners import fight

from lockstep.compiler.circuit import Pool, Ramp, Threshold
from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_code, compile_job, least_widths
from lockstep.compiler.invariants import CircuitError, check_circuit, find_shares
from lockstep.compiler.linear import Linear
from lockstep.compiler.names import PARTS, NotConstructed
from lockstep.compiler.processor import Code
from lockstep.compiler.storage import load_program_or_model, save_compiled
from lockstep.models.decode import decode
from lockstep.models.engines import ENGINES
from lockstep.models.files import load_model, save_model
from lockstep.models.sampling import Sampling
from lockstep.pram.access import MODES
from lockstep.pram.errors import PramError
from lockstep.pram.instructions import Instruction, Operand
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program
from lockstep.pram.winner import HIGHEST, LOWEST
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.certificate import certify, horizon, require_certificate
from lockstep.proofs_check.decoding import DecodeOptions, decode_job
from lockstep.proofs_check.refusals import NotCertified
from lockstep.proofs_check.verification import Options, verify

PID = Operand("pid")
COMBINED = ["CRCW max", "CRCW min", "CRCW sum"]
#: Constructions with models of each mode.
PAIRS = [(mode, name) for mode in COMBINED for name in PARTS if MODES[mode].combining not in PARTS[name].lacks]
EVERY_MODE = (
    "program p\nmode {}\nparam n\nprocs n\nshared A[n] : input, s : output\nparallel for i in 0 .. n - 1 do s := A[i] end\n"
)


def number(value: int) -> Operand:
    return Operand("constant", value)


def meeting(seed: int, processors: int, word_bits: int, mode: str) -> Job:
    """All load a word, store it to one of a few cells, load one of these, and do it again. All words add up to a word."""
    random = np.random.default_rng(seed)
    code = [Instruction("load", PID, number(0), rd=0)]
    for _ in range(2):
        mask = number(int(random.integers(0, 4)))
        code += [
            Instruction("and", PID, mask, rd=1),
            Instruction("store", Operand("register", 1), number(processors), Operand("register", 0)),
            Instruction("load", Operand("register", 1), number(processors), rd=2),
            Instruction("and", Operand("register", 2), number(1), rd=0),
        ]
    words = random.multinomial(int(random.integers(1 << word_bits - 1, 1 << word_bits)), np.ones(processors) / processors)
    memory = np.concatenate([words, np.zeros(4, np.int64)])
    return Job(
        (*code, Instruction("halt")), 3, processors, word_bits, mode, memory, (), processors, range(processors, processors + 4)
    )


def agrees(
    job: Job, construction: str, dtype: str = "float64", order: str = "parallel", engine: str = FASTEST.engine
) -> Compiled:
    time = run(job).time
    compiled = compile_job(job, time, dtype, construction)
    found = check_agreement(compiled, job, time, Sampling(order, 1, engine))
    assert found.divergence is None and found.outputs_agree, found.divergence
    require_certificate(compiled)
    return compiled


# -- beside the machine ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("mode", "construction"), PAIRS)
def test_every_token(mode: str, construction: str, dtype: str) -> None:
    """In float32 where that is certified."""
    for word_bits, processors in ((4, 2), (4, 8), (6, 5), (8, 16)):
        job = meeting(processors, processors, word_bits, mode)
        try:
            agrees(job, construction, dtype, engine="dense" if dtype == "float32" else FASTEST.engine)
        except NotCertified:
            assert dtype == "float32" and mode != "CRCW sum"


@pytest.mark.parametrize(("mode", "construction"), PAIRS)
def test_random_programs_whose_writes_meet(mode: str, construction: str) -> None:
    found: Counter[str] = Counter()
    for job in (fight(seed, mode=mode) for seed in range(60)):
        try:
            other = run(
                replace(job, mode="CRCW arbitrary", winner=LOWEST if mode == "CRCW max" else HIGHEST), max_steps=20
            ).memory.tolist()
            ours = run(job, max_steps=20).memory.tolist()
        except PramError:
            continue
        agrees(job, construction, engine=mostly_fastest(found["ran"]).engine)
        found.update(ran=1, differs=ours != other)
    assert found["ran"] >= 30 and found["differs"] >= 5, found


@pytest.mark.parametrize("order", ["left-to-right", "random", "random-subsets"])
@pytest.mark.parametrize("mode", COMBINED)
def test_any_order(mode: str, order: str) -> None:
    for processors in (2, 3, 5):
        agrees(meeting(processors, processors, 4, mode), "mdm", order=order)


@pytest.mark.parametrize(("mode", "construction"), PAIRS)
def test_another_write_rule_gives_other_tokens(mode: str, construction: str) -> None:
    """The control: the weights of max and min differ, and only those of the job's mode are right."""
    other = {"CRCW max": "CRCW min", "CRCW min": "CRCW max", "CRCW sum": "CRCW max"}[mode]
    job = meeting(1, 8, 6, mode)
    time, widths = run(job).time, least_widths(construction, job, run(job).time)
    wrong = compile_code(replace(Code.of(job), combining=MODES[other].combining), widths, construction=construction)
    layout = compile_job(replace(job, mode=other), time, construction=construction).layout(replace(job, mode=other), time)
    decoding = decode(wrong.model, layout.tokens(), layout.positions(), wrong.process)
    cells = job.outputs
    assert layout.output_words(decoding.tokens).tolist() != run(job).memory[cells.start : cells.stop].tolist()


# -- refusals ----------------------------------------------------------------------------------------


def test_a_construction_without_the_mode_refuses_it() -> None:
    why = "a cell finds its writes in layer 3, and the gates that take a sum apart would need layer 4"
    with pytest.raises(NotConstructed, match=f"^ap-mdm one-step has no models of the write rule `\\+`: {why}$"):
        compile_job(meeting(1, 2, 4, "CRCW sum"), 10, construction="ap-mdm one-step")


def test_commands_say_that_a_construction_lacks_the_mode(do: Do) -> None:
    Path("p.pram").write_text(EVERY_MODE.format("CRCW sum"))
    refused = do("compile p.pram --process ap-mdm --schedule one-step")
    assert refused.status == WRONG and refused.err.startswith(
        "error: ap-mdm one-step has no models of the write rule `+`: a cell"
    )
    report = do("verify p.pram --sizes 1..2 --process all --schedule all --no-sidecar")
    assert "nothing decoded in ap-mdm one-step, which has no models of these write rules" in " ".join(report.out.split())
    shown = do("space p.pram --sizes 2")
    assert shown.status == 0 and "- computed from the closed form: this process and schedule has no models" in shown.out


def test_sums_are_decoded_in_long_contexts() -> None:
    """By the fastest engine, where the reference would take minutes."""
    program = parse_program(EVERY_MODE.format("CRCW sum"))
    report = verify(program, Options(), sizes=[60], random=1)
    assert report.holds, report.failures
    (decoded,) = (check for check in report.checks if check.what == "context length")
    assert int(decoded.measured) > 1000


@pytest.mark.parametrize(
    ("word", "dtype", "longest"), [(17, "float64", 20_000), (18, "float64", 400), (4, "float32", 20_000), (5, "float32", 400)]
)
def test_sums_in_long_words_have_a_limit_of_their_own(word: int, dtype: str, longest: int) -> None:
    """Only `dense` decodes them all. A limit that the user sets holds."""
    job = meeting(1, 2, word, "CRCW sum")
    assert Options(dtype=dtype).longest_context(job) == longest
    assert Options(dtype=dtype, max_context=1500).longest_context(job) == 1500
    assert Options(dtype=dtype).longest_context(replace(job, mode="CRCW max")) == 20_000


@pytest.mark.parametrize(("rule", "longest"), [("and", 400), ("or", 400), ("max", 20_000), ("min", 20_000), ("+", 20_000)])
def test_counted_bits_are_decoded_up_to_short_contexts(rule: str, longest: int) -> None:
    """Only the reference decodes heads that count, bit by bit."""
    text = f"program t mode CRCW max param n procs n word 8 shared s combine {rule} s := pid"
    assert Options().longest_context(parse_program(text).instantiate({"n": 3}, {})) == longest


def test_a_report_names_what_was_not_decoded() -> None:
    program = parse_program(EVERY_MODE.format("CRCW sum"))
    report = verify(program, Options(tuple(CONSTRUCTIONS)), sizes=[2], random=1)
    assert report.holds and report.lacking == ("ap-mdm one-step", "revision")
    assert {name for case in report.cases for name in case.decodes} == {"mdm", "ap-mdm", "arm", "arm erasing"}
    assert verify(parse_program(EVERY_MODE.format("CRCW max")), Options(tuple(CONSTRUCTIONS)), sizes=[2], random=1).lacking == ()


@pytest.mark.parametrize(
    ("model", "job", "leaves", "wanted"),
    [
        ("CRCW priority", "CRCW max", "the value of one writer", "the largest value"),
        ("CRCW max", "CRCW min", "the largest value", "the smallest value"),
        ("CRCW sum", "EREW", "the sum of the values", "the value of one writer"),
        ("CRCW min", "CRCW sum", "the smallest value", "the sum of the values"),
    ],
)
def test_a_job_of_another_write_rule_is_refused(model: str, job: str, leaves: str, wanted: str) -> None:
    made, other = meeting(1, 2, 4, model), meeting(1, 1, 4, job)
    compiled = compile_job(made, 20)
    text = f"this model was compiled for another mode: in it, concurrent writes leave {leaves}, and under {job} {wanted}"
    for use in (lambda: compiled.layout(other, 20), lambda: decode_job(other, DecodeOptions(compiled=compiled))):
        with pytest.raises(PramError) as error:
            use()
        assert error.value.message == text


def test_modes_of_one_rule_share_a_model() -> None:
    """EREW, CROW, ERCW priority and others differ in what the machine refuses, not in the weights."""
    codes = {mode: Code.of(meeting(1, 2, 4, mode)) for mode in MODES}
    assert len({code for mode, code in codes.items() if mode not in COMBINED}) == 1
    assert len({*codes.values()}) == 4


def test_a_model_file_has_its_write_rule(tmp_path: Path) -> None:
    program = parse_program(EVERY_MODE.format("CRCW max"), "p.pram")
    compiled = compile_code(Code.of_program(program), CONSTRUCTIONS["mdm"].of_bits(4, 4, 2))
    file = tmp_path / "m.safetensors"
    save_compiled(file, program, compiled)
    model, metadata = load_model(file)
    assert metadata["combining"] == "max"
    loaded = load_program_or_model(file)[1]
    assert loaded is not None and loaded.code == compiled.code and loaded.code.combining == "max"
    save_model(file, model, {**metadata, "combining": "min"})
    with pytest.raises(PramError, match="a model of mode CRCW max combines writes by max, not min"):
        load_program_or_model(file)
    save_model(file, model, {name: text for name, text in metadata.items() if name != "combining"})
    with pytest.raises(PramError, match="combines writes by max, not order"):
        load_program_or_model(file)


# -- sizes and horizons ------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [2, 4, 8, 12])
def test_gates(word: int) -> None:
    """max adds no gate and no field, min the complement of a word, sum two digits. Only one-step takes gates for min."""
    low = word // 2
    digits = (1 << word - low) - 1 + (1 << low) - 1
    expected = {
        ("mdm", "max"): (0, 0), ("mdm", "min"): (0, word), ("mdm", "sum"): (digits + word, 2 + word - low),
        ("ap-mdm", "max"): (0, 0), ("ap-mdm", "min"): (0, word), ("ap-mdm", "sum"): (digits + word - low, 1 + word - low),
        ("ap-mdm one-step", "max"): (0, 0), ("ap-mdm one-step", "min"): (word, word),
    }  # fmt: skip
    code = Code.of(meeting(1, 2, 4, "CREW"))
    for (construction, combining), (gates, columns) in expected.items():
        row = CONSTRUCTIONS[construction]
        plain, made = (row.build(replace(code, combining=name), row.of_bits(word, 6, 2)) for name in ("order", combining))
        assert sum(len(x.gates) for x in made.layers) - sum(len(x.gates) for x in plain.layers) == gates, (
            construction,
            combining,
        )
        assert made.width - plain.width == columns


@pytest.mark.parametrize(
    ("mode", "word", "dtype", "most"),
    [
        ("CRCW priority", 8, "float64", 48), ("CRCW max", 8, "float64", 40), ("CRCW min", 8, "float64", 40),
        ("CRCW max", 16, "float64", 31), ("CRCW max", 24, "float64", 22), ("CRCW priority", 8, "float32", 19),
        ("CRCW max", 8, "float32", 11), ("CRCW min", 16, "float32", 0),
    ],
)  # fmt: skip
def test_a_value_in_the_recency_takes_its_bits_from_the_horizon(mode: str, word: int, dtype: str, most: int) -> None:
    """T * P up to 2^most is certified in mdm; a larger one is refused."""
    code = Code.of(meeting(1, 2, 4, mode))
    row = CONSTRUCTIONS["mdm"]
    compiled = compile_code(code, row.of_bits(word, 4, 2), dtype)
    assert horizon(compiled) == most
    beyond = compile_code(code, row.of_bits(word, max(most - 1, 1), 2), dtype)
    with pytest.raises(NotCertified, match=f"{dtype} is not exact here: layer 3, head memory: sums of scores"):
        require_certificate(beyond)


@pytest.mark.parametrize("construction", ["mdm", "ap-mdm"])
@pytest.mark.parametrize(("dtype", "word", "pid", "holds"), [
    ("float64", 24, 20, True), ("float64", 16, 24, True), ("float32", 8, 10, True), ("float32", 12, 6, True),
    ("float32", 12, 12, False), ("float32", 16, 8, False),
])  # fmt: skip
def test_the_share_is_certified_within_a_quarter(construction: str, dtype: str, word: int, pid: int, holds: bool) -> None:
    """float64 covers every width; float32 holds words and pids of 18 bits together, and not 24."""
    row = CONSTRUCTIONS[construction]
    code = Code.of(meeting(1, 2, 4, "CRCW sum"))
    if word > 16:
        pool = next(x for x in row.build(code, row.of_bits(word, 6, pid)).layers[1].lookups if isinstance(x, Pool))
        assert pool.most == 1 << pid
        return
    compiled = compile_code(code, row.of_bits(word, 6, pid), dtype, construction)
    (line,) = [line for line in certify(compiled.model, compiled.circuit).lines if "share" in line.what]
    assert line.what == "layer 2, head combine: share: distance from the sum"
    assert line.limit == 0.25 and line.holds == holds == (line.found < 0.25)


def test_shares_of_many_writers() -> None:
    """The head itself, in NumPy: sums of up to 256 writers, and those next to a digit's bounds, are within the certified distance."""
    random = np.random.default_rng(0)
    for dtype in ("float64", "float32"):
        row = CONSTRUCTIONS["mdm"]
        compiled = compile_code(Code.of(meeting(1, 2, 4, "CRCW sum")), row.of_bits(8, 4, 8), dtype)
        pool = next(x for x in compiled.circuit.layers[1].lookups if isinstance(x, Pool))
        (line,) = [line for line in certify(compiled.model, compiled.circuit).lines if "share" in line.what]
        gain = compiled.model.layers[1].o[[x.name for x in compiled.circuit.layers[1].lookups].index("combine")].max()
        for total in (*range(0, 256, 15), 16, 17, 31, 32, 255):
            writers = int(random.integers(1, 257))
            values = random.multinomial(total, np.ones(writers) / writers).astype(dtype)
            weights = np.exp(np.array([0.0] + [-pool.exponent] * writers, dtype))
            weights /= weights.sum()
            share = float(gain * (weights[1:] @ values))
            assert abs(share - total) <= line.found < 0.25


# -- engines and invariants --------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "dense"])
@pytest.mark.parametrize("construction", ["mdm", "ap-mdm"])
def test_engines_decode_sums(construction: str, engine: str) -> None:
    """Every token is right. The active engine says that it is unsuitable, and the dense one goes on."""
    job = meeting(3, 5, 6, "CRCW sum")
    time = run(job).time
    compiled = compile_job(job, time, construction=construction)
    found = check_agreement(compiled, job, time, Sampling(engine=engine))
    assert found.divergence is None
    assert found.engine == ("dense (not active: a head does not read one row alone)" if engine == "active" else engine)


SHARE = ("share", 0)


def test_what_may_read_a_share() -> None:
    row = CONSTRUCTIONS["mdm"]

    def circuit():  # type: ignore[no-untyped-def]
        return row.build(Code.of(meeting(1, 2, 4, "CRCW sum")), row.of_bits(4, 4, 2))

    assert find_shares(circuit()) == {SHARE, ("rest", 0)}
    rest = Linear({("rest", 0): 1})
    for broken, message in (
        (lambda c: c.layers[2].gates.append(Threshold(rest - 1, {("out", 0): 1})), "reads a share"),
        (lambda c: c.layers[2].gates.append(Threshold(rest * 4 - 4, {("out", 0): 1})), "reads a share"),
        (lambda c: c.layers[2].gates.append(Ramp(rest * 4 - 3, {("out", 0): 1})), "reads a share"),
        (lambda c: c.layers[2].lookups.append(replace(c.layers[2].lookups[0], recency=Linear({SHARE: 1}), recency_max=15)),
         "lookup 'memory' of layer 3 reads the share share"),
    ):  # fmt: skip
        made = circuit()
        broken(made)
        with pytest.raises(CircuitError, match=message):
            check_circuit(made)


def test_a_pool_of_too_many_rows_is_an_error() -> None:
    job = meeting(1, 4, 4, "CRCW sum")
    time = run(job).time
    compiled = compile_job(job, time)
    pools = compiled.circuit.layers[1].lookups
    pools[:] = [replace(x, most=1) if isinstance(x, Pool) else x for x in pools]
    layout = compiled.layout(job, time)
    tokens = decode(compiled.model, layout.tokens(), layout.positions(), "mdm").tokens
    with pytest.raises(ValueError, match="head 'combine' finds more than 1 rows"):
        compiled.circuit.evaluate(tokens.tolist(), layout.positions().dense())
