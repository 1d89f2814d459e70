"""Model files and job files: damaged files are refused, and another decoder can read them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from oracles.numpy_decoder import decode as foreign_decode
from safetensors import safe_open
from safetensors.numpy import load, save, save_file

from lockstep.commands.compile import compile_to_file
from lockstep.commands.export.job_file import export_job
from lockstep.compiler.blocks import Widths
from lockstep.compiler.compile import compile_program
from lockstep.compiler.storage import load_program_or_model
from lockstep.models.atomic import write_atomically
from lockstep.models.files import JOB_FORMAT, MODEL_FORMAT, ModelFileError, load_model, save_model
from lockstep.models.transformer import Transformer
from lockstep.pram.errors import PramError
from lockstep.pram.program import Program, parse_program

COUNT = "program count\nparam n\nprocs n\nshared A[n] : inout\nparallel for i in 0 .. n - 1 do A[i] := A[i] + i end\n"
SWAP = "program swap\nshared x : inout, y : inout\nsingle do\n  local t := x\n  x := y\n  y := t\nend\n"
GRID = "program grid\nmode CREW\nparam n\nprocs n * n\nshared M[n, n] : output, q : input\n"
GRID += "parallel for i in 0 .. n - 1, j in 0 .. n - 1 do\n  M[i, j] := (i << j) ^ q\nend\n"

#: Program, parameters, inputs, outputs by name in flat lists.
JOBS: list[tuple[str, dict[str, int], dict[str, Any], dict[str, list[int]]]] = [
    (COUNT, {"n": 3}, {"A": [5, 0, 9]}, {"A": [5, 1, 11]}),
    (SWAP, {}, {"x": 7, "y": 2}, {"x": [2], "y": [7]}),
    (GRID, {"n": 2}, {"q": 6}, {"M": [6, 6, 7, 4]}),
]
DTYPES = ("float64", "float32")
WIDTHS = Widths(word=4, time=4, pid=1)

#: The interchange contract (docs/interchange.md).
JOB_METADATA = {"format", "process", "layers", "mask_id", "threshold", "word_bits", "dtype", "outputs", "word_tokens",
                "program_sha256", "time", "decoding_steps", "expected"}  # fmt: skip
LAYER = ("q", "k", "v", "o", "w_in", "b_in", "w_out")


def model(dtype: str = "float64") -> Transformer:
    return compile_program(parse_program(SWAP), WIDTHS, dtype).model


def tensors(model: Transformer) -> list[NDArray[Any]]:
    layers = [getattr(layer, part) for layer in model.layers for part in LAYER]
    return [*layers, *(getattr(f, part) for f in (model.embedding, model.unembedding) for part in ("kind", "one", "zero"))]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "m.safetensors"
    save_model(path, model(), {"note": "ours"})
    return path


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_model_comes_back_bit_by_bit(dtype: str, tmp_path: Path) -> None:
    made = model(dtype)
    save_model(tmp_path / "m.safetensors", made, {"note": "ours"})
    back, metadata = load_model(tmp_path / "m.safetensors")
    assert metadata["note"] == "ours" and metadata["dtype"] == dtype and back.vocabulary == made.vocabulary
    for before, after in zip(tensors(made), tensors(back), strict=True):
        assert before.dtype == after.dtype == np.dtype(dtype) and before.shape == after.shape
        assert before.tobytes() == after.tobytes()


def test_the_same_model_has_the_same_digest(stored: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "again", model(), {"note": "ours"})
    first, again = (safe_open(path, framework="np").metadata() for path in (stored, tmp_path / "again"))
    assert first == again and len(first["digest"]) == 64


@pytest.mark.parametrize("keep", [0, 4, 8, 200, 0.5, -1])
def test_a_truncated_file_is_refused(keep: float, stored: Path) -> None:
    data = stored.read_bytes()
    stored.write_bytes(data[: int(keep * len(data)) if 0 < keep < 1 else int(keep)])
    with pytest.raises(ModelFileError, match="^not a safetensors file, or cut short: "):
        load_model(stored)


def header_length(data: bytes) -> int:
    return 8 + int.from_bytes(data[:8], "little")


@pytest.mark.parametrize("where", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("bit", [0, 7])
def test_a_flipped_bit_in_the_weights_is_refused(where: float, bit: int, stored: Path) -> None:
    data = bytearray(stored.read_bytes())
    start = header_length(data)
    data[start + int(where * (len(data) - 1 - start))] ^= 1 << bit
    stored.write_bytes(data)
    with pytest.raises(ModelFileError, match="^damaged: its contents do not match its digest$"):
        load_model(stored)


def test_a_flipped_bit_anywhere_in_the_header_is_refused(stored: Path) -> None:
    data = stored.read_bytes()
    for at in range(0, header_length(data), 37):
        stored.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(ModelFileError, match="^(not a safetensors file, or cut short|damaged|its format )"):
            load_model(stored)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(ModelFileError, match="^not a safetensors file, or cut short: "):
        load_model(path)
    path.write_text("program t\n")
    with pytest.raises(ModelFileError, match="^not a safetensors file, or cut short: "):
        load_model(path)
    for metadata, format in ((None, "None"), ({"format": "pt"}, "'pt'")):
        save_file({"weight": np.zeros(2)}, path, metadata)
        with pytest.raises(ModelFileError, match=f"^its format is {format}, but this version reads '{MODEL_FORMAT}'$"):
            load_model(path)
    save_file({"weight": np.zeros(2)}, path, {"format": JOB_FORMAT})
    with pytest.raises(
        ModelFileError, match="^this is an exported job, for other decoders; give a program or a file made by `compile`$"
    ):
        load_model(path)


def rewritten(path: Path, **changes: str) -> None:
    """Change metadata, but not the weights and the digest."""
    with safe_open(path, framework="np") as file:
        metadata = {**file.metadata(), **changes}
    path.write_bytes(save(load(path.read_bytes()), metadata))


def compiled(tmp_path: Path) -> tuple[Program, Path]:
    program, path = parse_program(SWAP, "swap.pram"), tmp_path / "swap.safetensors"
    compile_to_file(program, path, WIDTHS, "float64", "mdm")
    return program, path


def test_a_compiled_program_comes_back_with_its_model(tmp_path: Path) -> None:
    program, path = compiled(tmp_path)
    back, made = load_program_or_model(path)
    assert made is not None and made.widths == WIDTHS
    assert (back.source, back.sha256) == (program.source, program.sha256)
    assert all(np.array_equal(a, b) for a, b in zip(tensors(made.model), tensors(model()), strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"program": SWAP.replace("x := y", "x := t")},
        {"word_bits": "5"},
        {"program_sha256": "0" * 64},
        {"dtype": "float32"},
        {"extra": ""},
    ],
    ids=("program", "word_bits", "hash", "dtype", "extra"),
)
def test_tampered_metadata_is_refused(changes: dict[str, str], tmp_path: Path) -> None:
    _, path = compiled(tmp_path)
    rewritten(path, **changes)
    with pytest.raises(PramError) as caught:
        load_program_or_model(path)
    assert str(caught.value) == f"{path}: error: damaged: its contents do not match its digest"


def test_a_file_of_a_wrong_program_is_refused_whatever_its_digest(tmp_path: Path) -> None:
    _, path = compiled(tmp_path)
    loaded, metadata = load_model(path)
    kept = {k: v for k, v in metadata.items() if k not in ("format", "dtype", "layers", "vocabulary")}
    for changes, message in (
        ({"program": SWAP + "# more\n"}, "damaged: the program in it does not match its hash"),
        (
            {"program": "program t end"},
            "its metadata is incomplete: swap.pram:1:11: error: unexpected `end`: nothing is open here",
        ),
        ({"word_bits": "many"}, "its metadata is incomplete: invalid literal"),
        ({"word_bits": "6"}, "made by another version, or damaged: its d_model is 93, but this version compiles 107"),
    ):
        save_model(path, loaded, kept | changes)
        with pytest.raises(PramError) as caught:
            load_program_or_model(path)
        assert str(caught.value).startswith(f"{path}: error: {message}")


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m"
    write_atomically(path, b"first")
    for name in ("replace", "fdopen"):
        with monkeypatch.context() as patch, pytest.raises(OSError, match="disk"):
            patch.setattr(f"lockstep.models.atomic.os.{name}", _fail)
            write_atomically(path, b"second")
        assert [p.name for p in tmp_path.iterdir()] == ["m"]
        assert path.read_bytes() == b"first"


def _fail(*arguments: Any) -> None:
    raise OSError("disk full")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("text", "params", "arrays", "outputs"), JOBS, ids=("count", "swap", "grid"))
def test_a_foreign_decoder_reads_an_export(
    text: str, params: dict[str, int], arrays: dict[str, Any], outputs: dict[str, list[int]], dtype: str, tmp_path: Path
) -> None:
    program, path = parse_program(text), tmp_path / "job.safetensors"
    metadata, _ = export_job(program, program.instantiate(params, arrays), path, dtype=dtype)
    decoded = foreign_decode(path)
    assert decoded.outputs == decoded.expected == outputs
    assert str(decoded.steps) == decoded.metadata["decoding_steps"] == metadata["decoding_steps"]
    assert decoded.metadata["dtype"] == dtype and decoded.metadata["program_sha256"] == program.sha256
    assert len(set(decoded.context)) == 1


def test_a_job_file_holds_what_the_contract_says(tmp_path: Path) -> None:
    program, path = parse_program(SWAP), tmp_path / "job.safetensors"
    export_job(program, program.instantiate({}, {"x": 7, "y": 2}), path)
    with safe_open(path, framework="np") as job:
        metadata, held = job.metadata(), {name: job.get_tensor(name) for name in job.keys()}  # noqa: SIM118
    assert set(metadata) == JOB_METADATA
    assert (metadata["format"], metadata["process"], metadata["threshold"]) == ("lockstep-job-1", "mdm", "0.9")
    layers = [f"layers.{i}.{part}" for i in range(int(metadata["layers"])) for part in LAYER]
    assert set(held) == {"tokens", "position_encoding", "token_embedding", "unembedding", *layers}
    width, size = held["token_embedding"].shape[1], held["token_embedding"].shape[0]
    assert held["tokens"].dtype == "int64" and held["position_encoding"].shape == (len(held["tokens"]), width)
    assert held["unembedding"].shape == (size, width) and size <= 1 << 16
    heads, head, _ = held["layers.0.q"].shape
    assert held["layers.0.k"].shape == held["layers.0.v"].shape == (heads, head, width)
    assert held["layers.0.o"].shape == (heads, width, head)
    assert held["layers.0.w_in"].shape == held["layers.0.w_out"].shape[::-1] == (len(held["layers.0.b_in"]), width)
    assert json.loads(metadata["expected"]) == {"x": [2], "y": [7]}
    assert held["tokens"][json.loads(metadata["outputs"])["x"]] == int(metadata["mask_id"])
