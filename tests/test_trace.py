"""Tests traces: a reader that was written from docs/trace.md replays the machine and every decode."""

import base64
import json

import pytest
from kit.jobs import DIRECTORY
from kit.traces import assert_decode_replays, assert_machine_replays, drawn, options, read, traced
from oracles.trace_reader import DecodeReader, Reader, WrongVersion

from lockstep.common.tracing import machine
from lockstep.common.tracing.columns import Columns
from lockstep.common.tracing.machine import traced_run
from lockstep.common.tracing.page import COLUMNS, HEADER, page_of
from lockstep.common.tracing.trace import Trace, trace_job
from lockstep.compiler.compile import compile_job
from lockstep.compiler.names import EVERY
from lockstep.pram.access import RULES
from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.program import load, parse_program

#: Every process on one program, and those of parallel order on others: branches, concurrent writes, a two-dimensional array, lists.
CASES = [
    *(("tree_sum", 3, name) for name in EVERY),
    *((name, size, process) for name, size in (("list_rank", 2), ("closure", 1), ("dyck", 1)) for process in ("mdm", "ap-mdm")),
]
FAILING = """program bad mode EREW param n procs n shared A[n] : input, s : output
parallel for i in 0 .. n - 1 do s := A[0] end
"""


@pytest.mark.parametrize("name, size, construction", CASES)
def test_the_reader_replays_machine_and_decode(name: str, size: int, construction: str) -> None:
    program = load(DIRECTORY / f"{name}.pram")
    job = drawn(program, size)
    trace = traced(program, job, construction)
    assert_machine_replays(trace, job)
    assert assert_decode_replays(trace, 0, job) > 10
    (process,) = trace.header["processes"]
    assert (process["wrong"], process["stuck"], trace.failed) == (None, None, "")
    assert process["steps"] == process["forms"]["decoding steps"]["value"]
    assert max(read(trace).column("0.context")) == process["forms"]["context"]["value"] == process["layout"]["length"]


@pytest.mark.parametrize("mode", ["CRCW priority", "CRCW max", "CRCW min", "CRCW sum"])
def test_the_reader_replays_concurrent_writes(mode: str) -> None:
    program = parse_program(f"""program w mode {mode} param n procs n shared A[n] : input, B[n] : output, s : output
        parallel for i in 0 .. n - 1 do B[i] := A[i] s := A[i] B[i >> 1] := i end""")
    job = program.instantiate({"n": 4}, {"A": [3, 1, 9, 2]})
    trace = traced(program, job)
    assert_machine_replays(trace, job)
    assert (len(read(trace).column("machine.lost")) > 0) == (mode != "CRCW sum")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("mode", ["CRCW max", "CRCW min", "CRCW sum"])
def test_the_reader_replays_writes_with_rules_of_their_own(rule: str, mode: str) -> None:
    program = parse_program(f"""program w mode {mode} param n procs n shared A[n] : input, s : output, t : output
        parallel for i in 0 .. n - 1 do combine {rule} s := A[i] t := A[i] combine {rule} s := A[i] end""")
    job = program.instantiate({"n": 4}, {"A": [3, 1, 9, 1]})
    trace = traced(program, job)
    assert_machine_replays(trace, job)
    assert {entry["rule"] for entry in trace.header["code"]} == {None, rule}


def test_several_decodes_stand_in_one_trace() -> None:
    program = load(DIRECTORY / "tree_sum.pram")
    job = drawn(program, 4)
    trace = traced(program, job, "mdm", "ap-mdm one-step")
    assert [assert_decode_replays(trace, number, job) for number in range(2)] == [
        sum(read(trace).column(f"{number}.counts")) for number in range(2)
    ]


@pytest.mark.parametrize("order, relation", [("right-to-left", "=="), ("random", "=="), ("random-subsets", "<=")])
def test_forms_hold_in_other_orders(order: str, relation: str) -> None:
    program = load(DIRECTORY / "tree_sum.pram")
    job = drawn(program, 3)
    trace = trace_job(program, job, [options("mdm", order)])
    assert_decode_replays(trace, 0, job)
    steps, form = trace.header["processes"][0]["steps"], trace.header["processes"][0]["forms"]["decoding steps"]
    assert form["relation"] == relation
    assert steps == form["value"] if relation == "==" else steps < form["value"]


def test_pairs_name_their_positions() -> None:
    """The tokens of the pairs, at the positions that they name, are the trace of any-order masked diffusion."""
    program = load(DIRECTORY / "tree_sum.pram")
    job = drawn(program, 2)
    reader = read(traced(program, job, "masked-arm", "ao-mdm"))
    pairs, plain = (DecodeReader(reader, number) for number in range(2))
    written = {place: pairs.split(token) for place, token in zip(pairs.column("places"), pairs.column("tokens"), strict=True)}
    last = list(plain.steps())[-1].after
    first = 1 + pairs.header["layout"]["parameters"] + pairs.header["layout"]["inputs"]
    assert {place: (kind.removesuffix("@"), value) for place, (kind, value) in written.items()} == {
        place: plain.split(last[place]) for place in range(first, len(last))
    }


# -- what fails ----------------------------------------------------------------------------------


def test_a_run_that_fails_ends_at_the_step_that_failed() -> None:
    program = parse_program(FAILING)
    job = program.instantiate({"n": 4}, {"A": [5, 1, 1, 1]})
    trace = traced(program, job, "mdm", "ap-mdm")
    with pytest.raises(PramError) as refused:
        run(job)
    error = trace.header["error"]
    assert error["message"] == trace.failed == str(refused.value)
    assert trace.header["processes"] == [] and error["step"] == trace.header["T"] + 1
    assert (error["kind"], len(error["processors"]), error["line"]) == ("read", 2, 2)
    reader = read(trace)
    assert len(reader.rows("read")) == error["step"]
    assert reader.rows("read")[-1] == [error["cell"]] * 4, "all four wanted to read A[0]"
    assert job.cell_name(error["cell"]) == "A[0]"
    assert_machine_replays(trace, job)


def test_messages_name_no_folder() -> None:
    program = parse_program(FAILING, "/home/somebody/bad.pram")
    message = traced(program, program.instantiate({"n": 4}, {"A": [5, 1, 1, 1]})).failed
    lines = message.splitlines()
    assert lines[0].startswith("bad.pram:2:") and lines[1].strip().startswith("parallel") and lines[2].strip() == "^"


def test_a_run_that_is_given_up_is_traced() -> None:
    program = parse_program("program e mode EREW param n procs 1 shared s : output while 1 == 1 do s := s + 1 end")
    job = program.instantiate({"n": 1}, {})
    trace = trace_job(program, job, [], max_steps=9)
    assert (trace.header["T"], trace.header["error"]["kind"], trace.header["error"]["cell"]) == (9, "no halt", -1)
    assert read(trace).rows("destination")[-1] == [-1]
    assert traced_run(job, 9)[1] is not None


def test_a_run_of_too_many_steps_is_not_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MOST_STEPS", 30)
    job = drawn(load(DIRECTORY / "tree_sum.pram"), 3)
    with pytest.raises(PramError, match="the run takes more than 30 steps: too many for a trace"):
        traced_run(job)
    assert len(traced_run(job, 30)[0].trace) == 30, "the user's limit comes first"


def test_a_model_that_fails_ends_at_its_first_wrong_token() -> None:
    program = load(DIRECTORY / "tree_sum.pram")
    job = drawn(program, 4)
    compiled = compile_job(job, run(job).time, "float64", "mdm")
    wrong = None
    for unit in range(compiled.model.layers[1].w_out.shape[1]):
        kept = compiled.model.layers[1].w_out[:, unit].copy()
        compiled.model.layers[1].w_out[:, unit] = 0
        trace = trace_job(program, job, [options("mdm", compiled=compiled)], certified=False)
        compiled.model.layers[1].w_out[:, unit] = kept
        wrong = trace.header["processes"][0]["wrong"]
        if wrong is not None and wrong["many"]:
            break
    assert wrong is not None
    decode = DecodeReader(read(trace), 0)
    *_, last = decode.steps()
    expected = decode.column("expected")
    different = [at for at, (mine, theirs) in enumerate(zip(last.after, expected, strict=True)) if mine != theirs]
    assert (wrong["position"], wrong["many"], wrong["step"]) == (different[0], len(different), decode.header["steps"])
    kind, value = decode.split(last.after[wrong["position"]])
    assert wrong["found"] == (f"{kind} {value}" if dict(decode.header["vocabulary"])[kind] else kind)
    assert trace.failed == wrong["message"] and f"decoding step {wrong['step']}" in wrong["message"]


# -- the format ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        [],
        [0],
        [-1],
        [127, -128],
        [128],
        [-129],
        [32767, -32768],
        [32768],
        [2**31 - 1, -(2**31)],
        [5] * 1000,
        list(range(-500, 5000, 7)),
    ],
    ids=str,
)
def test_columns_come_back(values: list[int]) -> None:
    columns = Columns()
    columns.add("before", [1, 2, 3])
    columns.add("it", values)
    header = {"version": 3, "columns": columns.index}
    assert Reader(header, columns.packed()).column("it") == values
    assert Reader(header, columns.packed()).column("before") == [1, 2, 3]


def test_columns_refuse_what_they_cannot_hold() -> None:
    with pytest.raises(ValueError, match="column it holds integers of more than 32 bits"):
        Columns().add("it", [1 << 40])


def test_a_column_of_large_steps_is_no_difference() -> None:
    columns = Columns()
    columns.add("it", [2**31 - 1, -(2**31), 2**31 - 1])
    assert columns.index["it"][3] is False


def test_a_reader_of_another_version_refuses() -> None:
    with pytest.raises(WrongVersion):
        Reader({"version": 1, "columns": {}}, b"")


def test_numbers_that_javascript_cannot_hold_are_strings() -> None:
    """A derived parameter may be no word: it is an error only where it is used."""
    program = parse_program("program b mode EREW param n procs 1 shared s : output s := n * n * n * n")
    header = traced(program, program.instantiate({"n": 1 << 14}, {})).header
    assert header["parameters"] == [0, str(1 << 56)] and header["error"]["kind"] == "trap"
    assert traced(program, program.instantiate({"n": 1 << 13}, {})).header["parameters"] == [0, 1 << 52]


# -- the page ------------------------------------------------------------------------------------

TEMPLATE = (
    f'<title>t</title><script type="application/json">{HEADER}</script><script type="text/plain">{COLUMNS}</script><p>end</p>'
)
HOSTILE = "</script><img src=x onerror=alert(1)>\"'`&amp; @HEADER@ @COLUMNS@ \u2028 \u2029 \x01 <!-- \U0001f642"


def page_parts(page: str) -> tuple[Trace, str]:
    """The trace in a page of TEMPLATE, and the text around it."""
    before, between, after = TEMPLATE.split(HEADER)[0], '</script><script type="text/plain">', "</script><p>end</p>"
    assert page.startswith(before) and page.endswith(after)
    header, columns = page[len(before) : -len(after)].split(between)
    return Trace(json.loads(header), base64.b64decode(columns)), header


def test_a_page_holds_the_trace() -> None:
    program = load(DIRECTORY / "tree_sum.pram")
    trace = traced(program, drawn(program, 2), "mdm")
    assert page_parts(page_of(trace, TEMPLATE))[0] == trace


def test_texts_of_a_program_do_nothing_in_a_page() -> None:
    program = parse_program(
        f"program h mode EREW param n procs 1 shared s : output s := 1 # {HOSTILE.replace(chr(10), '')}", "</script>.pram"
    )
    trace = traced(program, program.instantiate({"n": 1}, {}), "mdm")
    found, header = page_parts(page_of(trace, TEMPLATE))
    assert found.header["source"] == program.source.text and HOSTILE in found.header["source"]
    assert "<" not in header and "\u2028" not in header and "\u2029" not in header and "\x01" not in header
    assert page_of(trace, TEMPLATE).count("</script>") == 2


# -- from Python ---------------------------------------------------------------------------------


def test_arrays_of_a_job_say_their_shapes() -> None:
    program = parse_program("program m mode EREW param n procs 1 shared M[n, 2] : input, s : output s := M[1, 1]")
    header = traced(program, program.instantiate({"n": 2}, {"M": [[1, 2], [3, 4]]})).header
    assert [(a["name"], a["base"], a["shape"]) for a in header["arrays"]] == [("M", 0, [2, 2]), ("s", 4, [])]
    assert header["outputs"] == [4, 5]
    assert header["code"][-1]["text"].startswith("halt") and header["params"] == {"n": 2}


def test_a_sum_of_heads_is_told() -> None:
    """Under CRCW sum a head adds up: only the dense engine decodes it."""
    program = parse_program("""program w mode CRCW sum param n procs n shared A[n] : input, s : output
        parallel for i in 0 .. n - 1 do s := A[i] end""")
    job = program.instantiate({"n": 4}, {"A": [3, 1, 9, 2]})
    trace = traced(program, job, "ap-mdm")
    assert trace.header["processes"][0]["engine"] == "indexed"
    found = [entry for made in DecodeReader(read(trace), 0).steps() for head in made.found for entry in head]
    assert "several" in found
