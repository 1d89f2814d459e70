"""Mutants of models of the paper's tasks: what their gates say, and how rows find each other."""

from __future__ import annotations

from typing import Any

from lockstep.tasks import kit, parity
from mutation.planting import Rewrite
from mutation.table import Mutant

AREA = "tasks"


def row(breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant(AREA, breaks, Rewrite(function, old, new), check, equivalent)


MUTANTS = (
    row("at once: a ZERO stays", parity.at_once, "[b.is_kind(ZERO)]", "[b.is_kind(ZERO), right]", "parity at-once"),
    row("at once: ones pair while there is a ZERO", parity.at_once, "b.is_kind(ONE), 1 - zero, 1 - mask", "b.is_kind(ONE), 1 - mask",
        "parity at-once"),
    row("at once: ones pair while there is a mask", parity.at_once, "b.is_kind(ONE), 1 - zero, 1 - mask", "b.is_kind(ONE), 1 - zero",
        "parity at-once"),
    row("at once: the last one vanishes too", parity.at_once, "[*settled, odd, right]", "[*settled, odd]", "parity at-once"),
    row("at once: ones at even places stay", parity.at_once, "[*settled, 1 - odd]", "[*settled, odd]", "parity at-once"),
    row("at once: masks stay", parity.at_once, "[b.is_kind(MASK)]", "[b.is_kind(MASK), right]", "parity at-once"),
    row("front: a ZERO in the second place stays", parity.front, "first + second", "first", "parity front"),
    row("front: the first of two ones stays", parity.front, "first, after]", "first, before]", "parity front"),
    row("front: the second one goes alone", parity.front, "second, before]", "second]", "parity front"),
    row("front: masks stay", parity.front, "[b.is_kind(MASK)]", "[b.is_kind(MASK), first]", "parity front"),
    row("a row finds itself in place of its neighbour", kit.TaskBuilder.neighbour, "there[j], here[j]", "here[j], here[j]",
        "parity front"),
    row("any row is found", kit.TaskBuilder.any_row, "(self.is_kind(kind),)", "()", "parity at-once"),
    row("flags stand one row later", kit.Task.positions, "flags[1:]", "flags[:-1]", "parity front"),
)  # fmt: skip
