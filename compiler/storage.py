"""Compiled programs in model files. A model file holds the weights and the text of the program that they were compiled from."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from os.path import relpath
from pathlib import Path

from lockstep.compiler.compile import Compiled, compile_program, find_construction
from lockstep.compiler.names import MODEL_BITS
from lockstep.models.files import ModelFileError, load_model, save_model
from lockstep.models.transformer import Transformer
from lockstep.pram.access import MODES
from lockstep.pram.errors import PramError, Source, fail
from lockstep.pram.program import Program, load, parse_program
from lockstep.pram.winner import parse_winner


def save_compiled(path: Path, program: Program, compiled: Compiled) -> None:
    """Write a model file: the weights, the text of their program, the widths, the construction, the write rule and the winner.

    People share model files, so the file keeps only the last part of the program's path.
    """
    winner = {} if compiled.winner is None else {"winner": str(compiled.winner)}
    metadata = {
        **{f"{name}_bits": str(value) for name, value in asdict(compiled.widths).items()},
        "construction": compiled.construction,
        "combining": compiled.code.combining,
        "program_sha256": program.sha256,
        "program": program.source.text,
        **_libraries(program.source),
        "program_name": Path(program.source.name).name.encode("utf-8", "backslashreplace").decode(),
        **winner,
    }
    save_model(path, compiled.model, metadata)


def _libraries(source: Source) -> dict[str, str]:
    """The texts of the libraries that a program uses, by their paths from its folder."""
    folder = Path(source.name).parent
    names = [used.name if used.name.startswith("<") else relpath(used.name, folder) for used in source.used]
    return {"used": json.dumps([[name, used.text] for name, used in zip(names, source.used)])} if names else {}


def load_program_or_model(path: Path) -> tuple[Program, Compiled | None]:
    """Load a program from a program file, or a program and its compiled model from a model file.

    Raises: PramError: the file is neither, or it is damaged.
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
        used = tuple(Source(name, text) for name, text in json.loads(metadata.get("used", "[]")))
        program = parse_program(metadata["program"], metadata["program_name"], used)
        construction = metadata["construction"]
        bits = find_construction(construction).bits
        widths = bits(**{f.name: int(metadata[f"{f.name}_bits"]) for f in fields(bits)})
        winner = parse_winner(metadata["winner"]) if "winner" in metadata else None
    except (KeyError, ValueError, TypeError, PramError) as error:
        raise ModelFileError(f"its metadata is incomplete: {str(error).splitlines()[0]}") from None
    for name, value in asdict(widths).items():
        least, most = MODEL_BITS[name]
        if not least <= value <= most:
            raise ModelFileError(f"its metadata is wrong: {name}_bits {value} is not in {least} .. {most}")
    if winner is not None and not (winner.fixed and MODES[program.symbols.mode].winner_open):
        raise ModelFileError(f"its metadata is wrong: a model of mode {program.symbols.mode} cannot let the winner be {winner}")
    combining, wanted = metadata.get("combining", "order"), MODES[program.symbols.mode].combining
    if combining != wanted:
        raise ModelFileError(
            f"its metadata is wrong: a model of mode {program.symbols.mode} combines writes by {wanted}, not {combining}"
        )
    if program.sha256 != metadata.get("program_sha256"):
        raise ModelFileError("damaged: the program in it does not match its hash")
    compiled = compile_program(program, widths, model.dtype_name, construction)
    if difference := _difference(model, compiled.model):
        raise ModelFileError(f"made by another version, or damaged: {difference}")
    return program, replace(compiled, model=model, winner=winner)


def _difference(loaded: Transformer, compiled: Transformer) -> str:
    """Describe the first difference in width, vocabulary or tensor shapes; "" if there is none.

    The values of the weights are not compared here: certificates and proofs check them.
    """
    if loaded.embedding.kind.ndim == 2 and loaded.width != compiled.width:
        return f"its d_model is {loaded.width}, but this version compiles {compiled.width}"
    if loaded.vocabulary != compiled.vocabulary:
        return "its vocabulary differs from the one that this version compiles"
    shapes, expected = ({name: list(tensor.shape) for name, tensor in model.tensors()} for model in (loaded, compiled))
    for name in sorted(shapes.keys() | expected.keys()):
        if shapes.get(name) != expected.get(name):
            sizes = (f"of shape {shape}" if shape else "absent" for shape in (shapes.get(name), expected.get(name)))
            return "{} is {}, but this version compiles it {}".format(name, *sizes)
    return ""
