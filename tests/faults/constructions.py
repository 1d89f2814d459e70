"""Faults to plant: constructions that compile one instruction as if it were another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lockstep.compiler.circuit import Circuit
from lockstep.compiler.compile import CONSTRUCTIONS, Widths
from lockstep.compiler.processor import Code


def misread(monkeypatch: pytest.MonkeyPatch, construction: str, instruction: str, other: str) -> None:
    """Let a construction build its circuits for code in which an instruction stands for another of the same operands."""
    right = CONSTRUCTIONS[construction]

    def build(code: Code, widths: Widths) -> Circuit:
        misread = tuple(replace(i, name=other) if i.name == instruction else i for i in code.instructions)
        return right.build(replace(code, instructions=misread), widths)

    monkeypatch.setitem(CONSTRUCTIONS, construction, replace(right, build=build))
