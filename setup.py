"""Compiles the native engine, once for each kind of processor. All else of the package is in pyproject.toml.

Without a C++ compiler the package installs all the same; then the other engines decode, more slowly.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from pathlib import Path

import pybind11
from setuptools import Extension, setup

FOLDER = "models/engines/native"
SOURCES = sorted(Path(FOLDER, "src").iterdir())
#: Tells modules apart that were compiled from other sources.
DIGEST = hashlib.sha256(b"".join(file.read_bytes() for file in SOURCES)).hexdigest()[:16]
#: Names of the modules, the best first, with what each may use of a processor; the last runs everywhere.
KINDS = {"_plain": []}
if platform.machine() in ("x86_64", "AMD64") and sys.platform == "linux":
    V3 = ["-mavx2", "-mbmi", "-mbmi2", "-mlzcnt", "-mpopcnt", "-mfma"]
    V4 = [*V3, "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vbmi", "-mgfni"]
    KINDS = {"_avx512": V4, "_avx2": V3, **KINDS}


def extension(name: str, flags: list[str]) -> Extension:
    return Extension(
        f"lockstep.models.engines.native.{name}",
        [f"{FOLDER}/src/module.cpp"],
        include_dirs=[pybind11.get_include(), f"{FOLDER}/src"],
        define_macros=[("NATIVE_NAME", name), ("NATIVE_SOURCES", f'"{DIGEST}"')],
        depends=[str(file) for file in SOURCES],
        extra_compile_args=["-O3", "-std=c++17", "-g0", "-fvisibility=hidden", *flags],
        language="c++",
        optional=True,
    )


setup(ext_modules=[extension(name, flags) for name, flags in KINDS.items()])
