"""What the checker knows of each construction, one file each.

The file is named as the construction's in `compiler/` and defines FACTS; `lockstep.compiler.names.EVERY` lists them.
"""

from __future__ import annotations

from importlib import import_module

from lockstep.compiler.names import EVERY
from lockstep.proofs_check.constructions.facts import Facts

#: By the construction's name.
FACTS: dict[str, Facts] = {name: parts.of(import_module(f"{__name__}.{parts.module}").FACTS) for name, parts in EVERY.items()}
