"""Compiled programs in model files: the weights, and the program text they were made from."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from compiler.compile import CONSTRUCTIONS, Compiled, Widths
from lockstep.decoding import compile_program
from models.files import ModelFileError, load_model, save_model
from pram.errors import PramError, Source, fail
from pram.program import Program, load, parse_program
from proofs_check.certificate import require_certificate


def compile_to_file(program: Program, path: Path, widths: Widths, dtype: str, construction: str) -> dict[str, Any]:
    """Compile, certify and write; what was made, as a record.

    Raises: NotCertified: the dtype is not exact for these widths; nothing is written.
    """
    compiled = compile_program(program, widths, dtype, construction)
    require_certificate(compiled)
    bits = {f"{name}_bits": value for name, value in asdict(widths).items()}
    metadata = {
        **{name: str(value) for name, value in bits.items()},
        "construction": construction,
        "program_sha256": program.sha256,
        "program": program.source.text,
        "program_name": program.source.name,
    }
    save_model(path, compiled.model, metadata)
    layers = compiled.model.layers
    return {
        "file": str(path), "program": program.name, "process": construction, "dtype": dtype, **bits, "d_model": compiled.model.width,
        "depth": len(layers), "heads": [layer.q.shape[0] for layer in layers], "d_ff": [layer.w_in.shape[0] for layer in layers],
        "program_sha256": program.sha256,
    }  # fmt: skip


def program_or_model(path: Path) -> tuple[Program, Compiled | None]:
    """A program file, or a model file with the program in it.

    Raises: PramError: it is neither, or damaged.
    """
    if path.suffix != ".safetensors":
        return load(path), None
    nowhere = Source(str(path), "")
    if not path.is_file():
        raise fail("no such file", nowhere)
    try:
        return _from_model(path)
    except ModelFileError as error:
        raise fail(str(error), nowhere) from None


def _from_model(path: Path) -> tuple[Program, Compiled]:
    model, metadata = load_model(path)
    try:
        program = parse_program(metadata["program"], metadata["program_name"])
        construction = metadata["construction"]
        bits = CONSTRUCTIONS[construction].bits
        widths = bits(**{f.name: int(metadata[f"{f.name}_bits"]) for f in fields(bits)})
    except (KeyError, ValueError, PramError) as error:
        raise ModelFileError(f"its metadata is incomplete: {error}") from None
    if program.sha256 != metadata.get("program_sha256"):
        raise ModelFileError("damaged: the program in it does not match its hash")
    made = compile_program(program, widths, str(model.dtype).removeprefix("torch."), construction)
    if made.model.width != model.width:
        raise ModelFileError("made by another version: its d_model is not what this version compiles")
    return program, replace(made, model=model)
