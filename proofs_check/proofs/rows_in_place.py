"""Rows of both schedules of any-process masked diffusion: shared fields, lookups, and the terms of edit bits.

L = end + 1 is the length of the sequence, N = full the full length. The terms are inequalities over a row's fields, written
from the docstring of `lockstep.compiler.in_place`.
"""

from __future__ import annotations

import z3

from lockstep.compiler import in_place
from lockstep.compiler.linear import Bit
from lockstep.compiler.processor import Size
from lockstep.proofs_check.proofs.columns import flags, numbers, words
from lockstep.proofs_check.proofs.interface import Copy, FieldTable, LookupRule, Term, Terms, Unit, Value, when

#: Roles of both schedules; each schedule adds its own.
ROLES = ("PC", "register", "cell", "parameter", "first output", "last output")
EVERY_ROW = ("one",)
ALL_BUT_BOS, WRITTEN = "one - token.BOS", "one - token.MASK - token.BOS"

READ_BY_ENDS = "end, full, token.BOS, vanishing"
SHRINK = (
    Unit.of(1, reads="token.MASK, vanishing", writes="control.delete"),
    Unit.of(1, reads="address, role.cell, value.first output", writes="from_low"),
    Unit.of(1, reads="address, role.cell, value.last output", writes="past_high"),
    Unit.of(2, reads="shrinking, token.MASK, first, from_low", writes="control.remask"),
    Unit.of(2, reads="shrinking, token.MASK, first, past_high", writes="control.remask"),
)


def position_fields(size: Size, widths: in_place.Widths, *roles: str) -> FieldTable:
    """The fields that position encodings write."""
    return {
        **flags("one", "first", *(f"role.{role}" for role in (*ROLES, *roles))),
        **numbers((1 << widths.length) - 1, "index", "full"),
        **words(widths.pid, "pid"),
        **numbers((1 << widths.pid) - 1, "rank"),
        **words(max(size.word, size.index), "address"),
        **words(size.word, "value"),
    }


def shared_fields(size: Size, widths: in_place.Widths, *tokens: str) -> FieldTable:
    """The other fields of both schedules; tokens: the kinds of tokens that have a flag."""
    states = ("ended", "vanishing", "growing", "is_last", "shrinking", "from_low", "past_high")
    return {
        **flags(*(f"token.{kind}" for kind in tokens), *states, *(f"control.{edit}" for edit in ("remask", "insert", "delete"))),
        **words(size.token, "token.bits"),
        **numbers((1 << widths.length) - 1, "end"),
        **numbers((1 << size.word) - 1, "value.first output", "value.last output"),
    }


def output_copies() -> dict[str, Copy]:
    """The heads that copy the range of the outputs."""
    return {
        "low": Copy.of(EVERY_ROW, {"value.first output": "#token.bits", "vanishing": "token.MASK"}, 1),
        "high": Copy.of(EVERY_ROW, {"value.last output": "#token.bits"}, 1),
    }


def end_lookups() -> dict[str, LookupRule]:
    """Lookups of all rows but BOS: the last position, and the parameters that say where outputs are."""
    return {
        "end": LookupRule.of(ALL_BUT_BOS, (), (ALL_BUT_BOS,), ("index",)),
        "low": LookupRule.of(ALL_BUT_BOS, (), ("role.first output",)),
        "high": LookupRule.of(ALL_BUT_BOS, (), ("role.last output",)),
    }


def word(v: Value, name: str, width: int) -> Term:
    """The integer of a field's bits."""
    return z3.Sum([z3.IntVal(1 << j) * v(name, j) for j in range(width)])


def ending(size: Size, v: Value, running: Term) -> dict[Bit, Term]:
    """Layer 1: whether the run is over (L = N, no processor runs, parameters are there), the outputs' range, deletion."""
    masked = v("token.MASK") == 1
    address = word(v, "address", size.word)
    cell = v("role.cell") == 1
    return {
        ("shrinking", 0): when(v("end") + 1 - v("full") - running - v("vanishing") >= 0),
        ("from_low", 0): when(cell, address >= v("value.first output")),
        ("past_high", 0): when(cell, address >= v("value.last output") + 1),
        ("control.delete", 0): when(masked, v("vanishing") == 1),
    }


def shrunk(v: Value) -> Term:
    """Layer 2: at the end, remask all but outputs and PC_0; one term for rows below the outputs, one for rows above."""
    dropped = v("shrinking") == 1, v("token.MASK") == 0, v("first") == 0
    return when(*dropped, v("from_low") == 0) + when(*dropped, v("past_high") == 1)


def length_invariant(v: Value) -> list[z3.BoolRef]:
    """Condition on every row: the sequence is not longer than N."""
    return [v("end") + 1 <= v("full")]


def running_invariants(v: Value) -> list[z3.BoolRef]:
    """Conditions while the machine runs: L = N, parameters are there, and no row is behind the end."""
    return [v("full") == v("end") + 1, v("index") <= v("end"), v("vanishing") == 0]


def nonzero(terms: Terms) -> dict[Bit, Term]:
    """The terms without those that are the number 0."""
    return {bit: term for bit, term in terms.items() if not (isinstance(term, int) and term == 0)}
