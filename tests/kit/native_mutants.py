"""Mutants of the native engine's C++ text: all are compiled into one module, in which a switch says which of them is planted."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pybind11

from lockstep.models.engines import native

SOURCES = Path(native.__file__).parent / "src"
#: A file, what stands there once, and what the mutant has instead.
Text = tuple[str, str, str]
#: Which mutant is planted, counted from 1. It stands before the first line of the sources.
SWITCH = 'extern "C" { __attribute__((visibility("default"))) int planted = 0; }\n'
#: Pieces with a value: a constant's, a condition, an operation of tapes, or nothing but the value.
VALUES = (r"(const \w+ \w+ = )(.*)(;)", r"(if \()(.*)(\))", r"(EACH\(\w+, )(.*)(\))", r"()([^;]*[^; ])()")


def compiler() -> str | None:
    return shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")


def switched(number: int, old: str, new: str) -> str:
    """C++ text that does what is new if the mutant is planted, and else what is old: of a statement, a value, or a case of a choice.

    Raises: ValueError: a piece of another kind.
    """
    planted = f"planted == {number}"
    for form in VALUES:
        if (before := re.fullmatch(form, old)) and (after := re.fullmatch(form, new)):
            return f"{before[1]}({planted} ? {after[2]} : {before[2]}){before[3]}"
    if old.endswith(";"):
        return f"if ({planted}) {{ {new} }} else {{ {old} }}"
    if (choice := re.fullmatch(r"(.*) \? (.*) : ", old)) and not new:
        return f"!({planted}) && ({choice[1]}) ? {choice[2]} : "
    raise ValueError(f"neither a statement nor a value: {old!r}")


@dataclass(frozen=True)
class Switchboard:
    """A compiled module with mutants, and its switch."""

    module: ModuleType
    planted: ctypes.c_int

    @contextmanager
    def planting(self, number: int) -> Iterator[ModuleType]:
        """The module with one mutant; 0 is none."""
        self.planted.value = number
        try:
            yield self.module
        finally:
            self.planted.value = 0


def compiled(mutants: Sequence[Text]) -> Switchboard:
    """A module with these mutants; without optimisation, to compile fast.

    Raises: ValueError: what a mutant replaces does not stand there once. subprocess.CalledProcessError: it does not compile.
    """
    with tempfile.TemporaryDirectory() as folder:
        sources, target = Path(folder) / "src", Path(folder) / "_mutants.so"
        shutil.copytree(SOURCES, sources)
        for number, (file, old, new) in enumerate(mutants, 1):
            _replace(sources / file, old, switched(number, old, new))
        (sources / "switch.h").write_text(SWITCH)
        includes = [f"-I{pybind11.get_include()}", f"-I{sysconfig.get_paths()['include']}", "-include", str(sources / "switch.h")]
        flags = ["-O0", "-std=c++17", "-g0", "-w", "-fvisibility=hidden", "-fPIC", "-shared", "-DNATIVE_NAME=_mutants"]
        command = [str(compiler()), *flags, *includes, str(sources / "module.cpp"), "-o", str(target)]
        subprocess.run(command, check=True, capture_output=True)
        spec = importlib.util.spec_from_file_location("_mutants", target)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return Switchboard(module, ctypes.c_int.in_dll(ctypes.CDLL(str(target)), "planted"))


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if text.count(old) != 1:
        raise ValueError(f"{path.name} has {old!r} {text.count(old)} times, not once")
    path.write_text(text.replace(old, new))
