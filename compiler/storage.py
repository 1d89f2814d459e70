"""Compiled programs in model files: the weights, and the program text they were made from."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path

from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_program
from lockstep.compiler.names import MODEL_BITS
from lockstep.models.files import ModelFileError, load_model, save_model
from lockstep.models.transformer import Transformer
from lockstep.pram.access import MODES
from lockstep.pram.errors import PramError, Source, fail
from lockstep.pram.program import Program, load, parse_program
from lockstep.pram.winner import parse_winner


def save_compiled(path: Path, program: Program, compiled: Compiled) -> None:
    """Write a model file: the weights, the program that they were compiled from, and for which bits, process and winner.

    Of the program's path only the file name is kept: a model file is given to others.
    """
    winner = {} if compiled.winner is None else {"winner": str(compiled.winner)}
    metadata = {
        **{f"{name}_bits": str(value) for name, value in asdict(compiled.widths).items()},
        "construction": compiled.construction,
        "program_sha256": program.sha256,
        "program": program.source.text,
        "program_name": Path(program.source.name).name.encode("utf-8", "backslashreplace").decode(),
        **winner,
    }
    save_model(path, compiled.model, metadata)


def load_program_or_model(path: Path) -> tuple[Program, Compiled | None]:
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
        winner = parse_winner(metadata["winner"]) if "winner" in metadata else None
    except (KeyError, ValueError, PramError) as error:
        raise ModelFileError(f"its metadata is incomplete: {str(error).splitlines()[0]}") from None
    for name, value in asdict(widths).items():
        least, most = MODEL_BITS[name]
        if not least <= value <= most:
            raise ModelFileError(f"its metadata is wrong: {name}_bits {value} is not in {least} .. {most}")
    if winner is not None and not (winner.fixed and MODES[program.symbols.mode].winner_open):
        raise ModelFileError(f"its metadata is wrong: a model of mode {program.symbols.mode} cannot let the winner be {winner}")
    if program.sha256 != metadata.get("program_sha256"):
        raise ModelFileError("damaged: the program in it does not match its hash")
    made = compile_program(program, widths, model.dtype_name, construction)
    if unlike := _difference(model, made.model):
        raise ModelFileError(f"made by another version, or damaged: {unlike}")
    return program, replace(made, model=model, winner=winner)


def _difference(found: Transformer, made: Transformer) -> str:
    """Where two models differ in anything but the values of their weights, which certificates and proofs look at; "" if nowhere."""
    if found.embedding.kind.dim() == 2 and found.width != made.width:
        return f"its d_model is {found.width}, and this version compiles {made.width}"
    if found.vocabulary != made.vocabulary:
        return "its vocabulary is not what this version compiles"
    ours, its = ({name: list(tensor.shape) for name, tensor in model.tensors()} for model in (found, made))
    for name in sorted(ours.keys() | its.keys()):
        if ours.get(name) != its.get(name):
            sizes = (f"of {shape}" if shape else "absent" for shape in (ours.get(name), its.get(name)))
            return "{} is {}, and this version compiles it {}".format(name, *sizes)
    return ""
