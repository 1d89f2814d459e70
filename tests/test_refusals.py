"""What must be refused, or must not: cases that once went wrong in silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from kit.jobs import DIRECTORY, job_of
from oracles.evaluator import evaluate
from oracles.numpy_decoder import decode as foreign_decode

import lockstep
from lockstep.commands.compile import compile_to_file
from lockstep.commands.export.job_file import export_job
from lockstep.compiler import blocks, in_place
from lockstep.compiler.compile import CONSTRUCTIONS
from lockstep.compiler.storage import load_program_or_model
from lockstep.models.files import load_model, save_model
from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.program import load, parse_program
from lockstep.proofs_check.decoding import DecodeOptions, decode_job
from lockstep.proofs_check.refusals import NotCertified
from lockstep.proofs_check.theorems import BOUNDS

DOUBLE = "program t param n shared A[n] : inout for i in 0 .. n - 1 do A[i] := A[i] + A[i] end"


def same_as_evaluator(text: str, params: dict[str, int], word_bits: int | None = None) -> None:
    program = parse_program(text)
    found = lockstep.run(program, params, word_bits=word_bits)
    expected = evaluate(program.tree, params, {}, word_bits=word_bits)
    assert (found.outputs, found.time) == (expected.outputs, expected.time)


@pytest.mark.parametrize("condition", ["n and x == 1", "x == 1 or 6", "n or x == 1"])
def test_numbers_are_no_truth_values(condition: str) -> None:
    """`and` and `or` are bitwise on words: 2 and 1 would be 0."""
    with pytest.raises(PramError, match="takes truth values; compare the word first"):
        parse_program(f"program t param n shared s : output local x := 1 if {condition} then s := 1 end")


def test_truth_values_of_parameters_may_be_joined() -> None:
    text = "program t param n shared s : output local x := 1 if n > 1 and x == 1 or not (n == 3) then s := n and 1 end"
    for n in (1, 2, 3):
        same_as_evaluator(text, {"n": n})


@pytest.mark.parametrize("bounds", ["n - 5 .. n - 3", "n - 5 .. n + 1", "n - 3 downto n - 5", "n downto n - 5"])
def test_loops_with_negative_items_where_nobody_is_active(bounds: str) -> None:
    text = f"program t mode CREW param n procs 2 shared A[8] : output if n >= 5 then for j in {bounds} do A[pid] := j end end"
    for n in (1, 3):
        same_as_evaluator(text, {"n": n})


def test_a_shared_scalar_that_bounds_a_loop_may_be_assigned() -> None:
    same_as_evaluator("program t shared s : output, c : output s := 3 for j in 0 .. s do s := 0 c := c + 1 end", {})


def test_an_empty_range_far_away() -> None:
    same_as_evaluator("program t param n procs 4 shared c : output parallel for i in n .. 0 do c := 1 end", {"n": 2**62}, 4)


def test_deeply_nested_ifs_are_lowered() -> None:
    """Once cubic in the depth: 240 took half a minute."""
    text = "program t local x := 1 " + "if x then " * 240 + "x := 2 " + "end " * 240
    assert lockstep.run(parse_program(text), {}).time == 1 + 2 * 240 + 1 + 1


def test_a_model_of_another_program_or_word_is_refused() -> None:
    program, other = parse_program(DOUBLE), parse_program(DOUBLE.replace("+ A[i]", "* A[i]"))
    made = lockstep.compile(program, blocks.Widths(8, 7, 1))
    assert lockstep.decode(program, {"n": 2}, {"A": [9, 13]}, word_bits=8, compiled=made).outputs == {"A": [18, 26]}
    with pytest.raises(PramError, match="compiled from another program"):
        lockstep.decode(other, {"n": 2}, {"A": [9, 13]}, word_bits=8, compiled=made)
    with pytest.raises(PramError, match="compiled for words of 8 bits, and this run has 10"):
        lockstep.decode(program, {"n": 2}, {"A": [9, 13]}, compiled=made)


def test_a_tampered_model_with_a_right_digest_is_refused(tmp_path: Path) -> None:
    program = load(DIRECTORY / "tree_sum.pram")
    compile_to_file(program, tmp_path / "m.safetensors", blocks.Widths(8, 7, 2), "float64", "mdm")
    model, metadata = load_model(tmp_path / "m.safetensors")
    w_out = model.layers[1].w_out.copy()
    w_out[:, 3] = 0
    layers = (model.layers[0], replace(model.layers[1], w_out=w_out), model.layers[2])
    save_model(tmp_path / "m.safetensors", replace(model, layers=layers), metadata)
    loaded, compiled = load_program_or_model(tmp_path / "m.safetensors")
    with pytest.raises(NotCertified, match="weights: tensors unlike the circuit's = 1, of at most 0"):
        decode_job(loaded.instantiate({"n": 2}, {"A": [1, 2]}, 8), DecodeOptions(compiled=compiled))


def test_an_ap_mdm_model_file_decodes(tmp_path: Path) -> None:
    compile_to_file(load(DIRECTORY / "tree_sum.pram"), tmp_path / "m.safetensors", in_place.Widths(8, 8, 2), "float32", "ap-mdm")
    program, compiled = load_program_or_model(tmp_path / "m.safetensors")
    job = program.instantiate({"n": 4}, {"A": [3, 1, 4, 1]}, 8)
    decoded, time, bound = decode_job(job, DecodeOptions(compiled=compiled)), run(job).time, BOUNDS["ap-mdm"]
    assert (decoded.outputs, decoded.steps) == ({"total": 9}, bound.steps(job, time))
    assert max(decoded.context) == bound.peak_context(job, time)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("process", CONSTRUCTIONS)
@pytest.mark.parametrize(("name", "size"), [("tree_sum", 3), ("hillis_steele", 3), ("bitonic_sort", 4)])
def test_exported_jobs_decode_without_our_code(name: str, size: int, process: str, dtype: str, tmp_path: Path) -> None:
    """Grow and shrink included: outputs, decoding steps and peak context."""
    job = job_of(name, size)
    metadata, _ = export_job(
        load(DIRECTORY / f"{name}.pram"), job, tmp_path / "job.safetensors", construction=process, dtype=dtype
    )
    decoded = foreign_decode(tmp_path / "job.safetensors")
    assert decoded.outputs == decoded.expected == {k: [v] if isinstance(v, int) else v for k, v in lockstep_outputs(job).items()}
    assert decoded.steps == int(metadata["decoding_steps"])
    assert max(decoded.context) == BOUNDS[process].peak_context(job, int(metadata["time"]))


def lockstep_outputs(job: object) -> dict[str, object]:
    return run(job).outputs  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("for i = 0 .. 3 do end", "unexpected `=`; a loop is written `for i in 0 .. 3 do`"),
        (
            "mode crcw common",
            "CRCW needs a write rule: `CRCW common`, `CRCW arbitrary`, `CRCW priority`, `CRCW max`, `CRCW min` or `CRCW sum`",
        ),
    ],
)
def test_words_a_newcomer_stumbled_over(text: str, message: str) -> None:
    with pytest.raises(PramError) as caught:
        parse_program(f"program t {text}")
    assert caught.value.message == message
