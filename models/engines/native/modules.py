"""The compiled modules of this package, and the one for this CPU."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

#: What CPUs offer, as Linux names it.
AVX2 = {"avx2", "bmi1", "bmi2", "abm", "fma"}
AVX512 = AVX2 | {"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512vbmi", "gfni"}
#: The names of the modules, the best first, and what each needs. setup.py compiles them.
MODULES: dict[str, set[str]] = {"_avx512": AVX512, "_avx2": AVX2, "_plain": set()}


@cache
def usable() -> tuple[str, ...]:
    """The modules that were compiled and that this CPU runs, the best first."""
    offered = _flags()
    return tuple(name for name, needs in MODULES.items() if needs <= offered and find_spec(f"{__package__}.{name}"))


def _flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return set(line.partition(":")[2].split())


def sources() -> str:
    """A hash of the sources that the module for this CPU was compiled from; "" without one."""
    return str(getattr(module(), "sources", ""))


@cache
def module(name: str = "") -> ModuleType | None:
    """A compiled module, by default the best one that runs here; None if there is none."""
    chosen = name or next(iter(usable()), "")
    return import_module(f"{__package__}.{chosen}") if chosen in usable() else None
