"""Mutants of the native engine's C++ text: compiled into modules of their own, which a session then loads."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sysconfig
import tempfile
import zlib
from functools import cache
from pathlib import Path
from types import ModuleType

import pybind11

from lockstep.models.engines import native

SOURCES = Path(native.__file__).parent / "src"
#: Gone when the tests end.
FOLDER = tempfile.TemporaryDirectory()


def compiler() -> str | None:
    return shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")


def flags() -> list[str]:
    includes = [f"-I{pybind11.get_include()}", f"-I{sysconfig.get_paths()['include']}"]
    return ["-O0", "-std=c++17", "-g0", "-w", "-fvisibility=hidden", "-fPIC", *includes]


@cache
def headers() -> Path:
    """pybind11's headers, compiled once for all mutants: they take most of the time."""
    path = Path(FOLDER.name) / "headers.h"
    path.write_text("#include <pybind11/numpy.h>\n#include <pybind11/pybind11.h>\n")
    subprocess.run(
        [str(compiler()), *flags(), "-x", "c++-header", str(path), "-o", f"{path}.gch"], check=True, capture_output=True
    )
    return path


def compiled_mutant(folder: Path, file: str, old: str, new: str) -> ModuleType:
    """A module in which `old`, which stands once in one of the files, is `new`; without optimisation, to compile fast.

    Raises: ValueError: it does not stand there once. subprocess.CalledProcessError: the mutant does not compile.
    """
    shutil.copytree(SOURCES, folder / "src")
    path = folder / "src" / file
    text = path.read_text()
    if text.count(old) != 1:
        raise ValueError(f"{file} has {old!r} {text.count(old)} times, not once")
    path.write_text(text.replace(old, new))
    name = f"_mutant_{zlib.crc32((file + old + new).encode())}"  # pybind11 gives modules of one name only once
    target = folder / f"{name}.so"
    more = ["-include", str(headers()), "-shared", f"-DNATIVE_NAME={name}"]
    command = [str(compiler()), *flags(), *more, str(folder / "src" / "module.cpp"), "-o", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    spec = importlib.util.spec_from_file_location(name, target)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
