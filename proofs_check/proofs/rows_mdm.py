"""The interface of masked diffusion (`lockstep.compiler.mdm`): blocks of V, C and A rows, and the sums that gates add on each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import z3

from lockstep.compiler import blocks
from lockstep.compiler.compile import Widths
from lockstep.compiler.linear import Bit
from lockstep.compiler.processor import Code, Size
from lockstep.proofs_check.proofs.columns import complement_field, flags, numbers, processor_fields, sum_fields, wins, words
from lockstep.proofs_check.proofs.interface import (
    SUM,
    Adds,
    Copy,
    Equal,
    Executes,
    FieldTable,
    Interface,
    LookupRule,
    RowKind,
    Term,
    Terms,
    Unit,
    Value,
    bit_of,
    operand_copies,
    operand_lookups,
    when,
)
from lockstep.proofs_check.proofs.mixing import (
    Stores,
    adds_up,
    bid_terms,
    by_value,
    count_terms,
    counting_heads,
    counting_lookups,
    flag_terms,
    mixed_fields,
    mixes,
    mixing_units,
    only,
    stores_of,
)

SLOTS = ("x", "y")
COLUMNS = {"V": ("value", "WORD"), "C": ("next", "HALT"), "A": ("destination", "NONE")}
OWNED = (
    Unit.of(1, reads="role.A, token.bits", writes="address"),
    Unit.of(1, reads="role.parameter, role.input, token.bits", writes="value"),
    Unit.of(1, reads="role.A, masked.own, token.REG", writes="is_register"),
    Unit.of(1, reads="role.A, masked.own, token.WORD", writes="is_cell"),
    Unit.of(1, reads="role.output, token.MASK, unfinished", writes="emit.WORD, reading"),
    *(Unit.of(1, reads=f"role.{role}, token.MASK, halted", writes=f"emit.{kind}") for role, (_, kind) in COLUMNS.items()),
)
OWNED_BY_SUMS = (Unit.of(2, reads="share", writes="high"), Unit.of(3, reads="rest", writes="out"))


def interface_of(code: Code, size: Size, widths: Widths) -> Interface:
    """The interface of masked diffusion."""
    assert isinstance(widths, blocks.Widths)
    given = _position_fields(code, size, widths)
    return Interface(
        fields=given | _fields(size) | rule_fields(code, size, widths.pid),
        positions=frozenset({*given, SUM}),
        heads=_heads(code, size),
        lookups=_lookups(code, size),
        rows=lambda: with_rules(code, size, _rows(code, size), "masked.own"),
        slots=SLOTS,
        own_units=(*OWNED, *units_of_rules(code, "role.A, masked.own, token.WORD")),
        rom_inputs=frozenset({"token.MASK", "masked.previous", "halted"}),
    )


def _position_fields(code: Code, size: Size, widths: blocks.Widths) -> FieldTable:
    """The fields that position encodings write, besides `sum`, the address of an output."""
    priority, rank = numbers(1 << widths.time + widths.pid, "priority"), numbers((1 << widths.pid) - 1, "rank")
    roles = (f"role.{role}" for role in (*COLUMNS, "parameter", "input", "output"))
    return {
        **flags("one", "first", "last", *roles),
        **words(widths.time, "time", "time.previous"),
        **words(widths.pid, "pid"),
        **words(max(size.word, size.index), "address"),
        **words(size.word, "value"),
        **numbers((1 << widths.time) - 1, "step"),
        **(rank if by_value(code) else priority),
        **numbers(3 << widths.pid, "place"),
    }


def _fields(size: Size) -> FieldTable:
    tokens = (f"token.{kind}" for kind in ("BOS", "MASK", "HALT", "REG", "WORD"))
    states = ("masked.own", "masked.previous", "halted", "unfinished", "is_register", "is_cell", "reading")
    return {
        **flags(*tokens, *states),
        **words(size.token, "token.bits"),
        **processor_fields(size, SLOTS, ("WORD", "PC", "HALT", "REG", "NONE")),
    }


def _heads(code: Code, size: Size) -> dict[str, Copy]:
    complement = {"complement": "~token.bits"} if only(code, "min") else {}
    return {
        "fetch": Copy.of(("token.MASK",), {"pc": "token.bits"}, size.counter),
        "gather": Copy.of(("role.A",), {"value": "token.bits", **complement}, size.word),
        "masked.own": Copy.of(("role.A",), {"masked.own": "one - token.BOS"}, 1),
        "masked.previous": Copy.of(("token.MASK",), {"masked.previous": "one - token.BOS"}, 1),
        "halted": Copy.of(("token.MASK",), {"halted": "one - token.BOS"}, 1),
        "unfinished": Copy.of(("role.output",), {"unfinished": "one - token.BOS"}, 1),
        **operand_copies(SLOTS, size, "value"),
        "memory": Copy.of(("fetch", "reading"), {"out": "value"}, size.word, layer=3),
        **heads_of_rules(code, size),
    }


def rule_fields(code: Code, size: Size, pid_bits: int) -> FieldTable:
    """The fields of writes that are combined."""
    return complement_field(code, size) | sum_fields(code, size, "rest") | mixed_fields(code, size, pid_bits, left=True)


def heads_of_rules(code: Code, size: Size) -> dict[str, Copy]:
    """The heads of writes that are combined; the one that reads memory brings what they leave."""
    low, found = size.word // 2, {}
    if adds_up(code):
        found["combine"] = Copy.of(("by.sum" if mixes(code) else "is_cell",), {"share": "#value"}, 1, layer=2)
    rest = {"rest": f"share - #high<<{low}"} if adds_up(code) else {}
    if mixes(code):
        out = {"out": f"left + high<<{low}" if adds_up(code) else "left"}
        found["rule"] = Copy.of(("role.A",), {"following": "token.bits"}, size.counter)
        found |= counting_heads(code, size, "value")
        found["memory"] = Copy.of(("fetch", "reading"), out | rest, size.word, layer=3)
    elif adds_up(code):
        found["memory"] = Copy.of(("fetch", "reading"), {"out": "high"} | rest, size.word, layer=3, out=low)
    return found


def units_of_rules(code: Code, here: str) -> tuple[Unit, ...]:
    """The hidden units of writes that are combined. Args: here: what tells rows of writes."""
    found = [Unit.of(1, reads="role.input, token.bits", writes="share" if adds_up(code) else "left")]
    found += mixing_units(code, here, "value", "left") if mixes(code) else []
    found += OWNED_BY_SUMS if adds_up(code) else ()
    return tuple(found) if adds_up(code) or mixes(code) else ()


def _lookups(code: Code, size: Size) -> dict[str, LookupRule]:
    """Lookups of rows of the previous step, of the same step or of any step. A rows publish writes; in each step the winner is last."""
    before, now, pid = Equal.of("time.previous", "time"), Equal.of("time", "time"), Equal.of("pid", "pid")
    trace = ("token.MASK", "role.V + role.C + role.A")
    return {
        "fetch": LookupRule.of("token.MASK", (before, pid), ("role.C",)),
        "gather": LookupRule.of("role.A", (now, pid), ("role.V",)),
        "masked.own": LookupRule.of("role.A", (now,), trace, ("place",)),
        "masked.previous": LookupRule.of("token.MASK", (before,), trace, ("place",)),
        "halted": LookupRule.of("token.MASK", (pid,), ("token.HALT",), ("step",)),
        "unfinished": LookupRule.of("role.output", (Equal.of("", "token.HALT"),), ("last",), ("place",)),
        **operand_lookups(SLOTS, "first", ("is_register + role.parameter + first",), ("step",)),
        **cell_rules(code, size),
    }


def cell_rules(code: Code, size: Size) -> dict[str, LookupRule]:
    """Lookups of cells: the last write or the word that was given; all writes of a step to the same cell, if they are added up."""
    latest, now, address = wins(code, "value", "priority"), Equal.of("time", "time"), Equal.of("address", "address", size.word)
    of_sums = "by.sum" if mixes(code) else "is_cell"
    combine = {"combine": LookupRule.of(of_sums, (now, address), (of_sums,), adds=True)}
    rule = {"rule": LookupRule.of("role.A", (now, Equal.of("pid", "pid")), ("role.C",))}
    return {
        **(combine if adds_up(code) else {}),
        **(rule | counting_lookups(code, (now, address)) if mixes(code) else {}),
        "memory": LookupRule.of(
            "fetch + reading",
            (Equal.of("sum", "address", size.word),),
            ("is_cell + role.input",),
            latest if latest == ("priority",) else ("step", *latest),
        ),
    }


def _rows(code: Code, size: Size) -> Iterator[RowKind]:
    for role, (column, kind) in COLUMNS.items():
        yield from _trace_rows(code, size, role, column, kind)
    for role in ("parameter", "input"):
        yield RowKind(f"{role}", {f"role.{role}": 1, "token.WORD": 1, "sum": 0, "value": 0}, _given(size))
    output = {"role.output": 1}
    yield RowKind("output, written", {**output, "token.WORD": 1}, _nothing)
    for unfinished in (0, 1):
        name = f"output, masked, {'waiting' if unfinished else 'all halted'}"
        known = {**output, "token.MASK": 1, "unfinished": unfinished}
        yield RowKind(name, known, _nothing if unfinished else _finished)


def _trace_rows(code: Code, size: Size, role: str, column: str, kind: str) -> Iterator[RowKind]:
    known = {f"role.{role}": 1, "sum": 0}
    masked = {**known, "token.MASK": 1}
    adds = _published(size) if role == "A" else _nothing
    for number in range(len(code.instructions)):
        ready = {**masked, "masked.previous": 0, "halted": 0, "pc": number}
        yield RowKind(f"{role}, ready", ready, adds, executes=Executes(number, column))  # type: ignore[arg-type]
    yield RowKind(f"{role}, waiting", {**masked, "masked.previous": 1, "halted": 0}, adds)
    yield RowKind(f"{role}, halted", {**masked, "halted": 1}, _emitted(kind))
    for token in ("HALT", "REG", "WORD", None):
        written = {**known, f"token.{token}": 1} if token else known
        yield RowKind(f"{role}, written {token or 'without a flag'}", written, adds)


def with_rules(code: Code, size: Size, rows: Iterator[RowKind], hidden: str = "") -> Iterator[RowKind]:
    """The same kinds of rows, with the sums for writes that are combined. Input words are shares, or what is left, from layer 1 on.

    Args: hidden: the field that hides a write while it is 1; "": none does.
    """
    mixed, sums = stores_of(code) if mixes(code) else None, adds_up(code)
    for row in rows:
        combined = mixed is not None or sums
        yield replace(row, adds=_combined(size, row.adds, "role.input" in row.known, sums, mixed, hidden)) if combined else row


@cache
def _combined(size: Size, adds: Adds, given: bool, sums: bool, mixed: Stores | None, hidden: str) -> Adds:
    def combined(layer: int, v: Value) -> dict[Bit, Term]:
        found = _digits(size, layer, v) if sums else {}
        if layer == 1 and given and sums:
            found["share", 0] = sum(v("token.bits", j) * (1 << j) for j in range(size.word))
        elif layer == 1 and given:
            found |= {("left", j): v("token.bits", j) for j in range(size.word)}
        if layer == 1 and mixed is not None:
            here = v("role.A") == 1, v("token.WORD") == 1, not hidden or v(hidden) == 0
            found |= flag_terms(mixed, v, *here)
        if layer == 2 and mixed is not None:
            rules = frozenset(rule for _, rule in mixed)
            bids, counts = bid_terms(rules, size, v, "value"), count_terms(rules, size, v)
            found |= bids | {("left", j): bids.get(("left", j), 0) + count for j, count in counts.items()}
        return found

    return lambda layer, v: {**adds(layer, v), **combined(layer, v)}


def _digits(size: Size, layer: int, v: Value) -> dict[Bit, Term]:
    """The digits of a share: the high one in layer 2, the low one in layer 3."""
    low = size.word // 2
    if layer == 2:
        return {("high", j): bit_of(v("share"), low + j) for j in range(size.word - low)}
    return {("out", j): bit_of(v("rest"), j) for j in range(low)} if layer == 3 else {}


def _nothing(layer: int, v: Value) -> Terms:
    return {}


@cache
def _emitted(kind: str) -> Adds:
    return lambda layer, v: {(f"emit.{kind}", 0): 1} if layer == 1 else {}


@cache
def _given(size: Size) -> Adds:
    """Parameters and inputs: the bits of their token are copied to `value`."""
    return lambda layer, v: {("value", j): v("token.bits", j) for j in range(size.word)} if layer == 1 else {}


def _finished(layer: int, v: Value) -> Terms:
    return {("emit.WORD", 0): 1, ("reading", 0): 1} if layer == 1 else {}


@cache
def _published(size: Size) -> Adds:
    """A rows: the token names a register or a cell. Lookups can find it when its block has no mask."""
    return lambda layer, v: published(size, v, v("masked.own") == 0) if layer == 1 else {}


def published(size: Size, v: Value, complete: bool | z3.BoolRef = True) -> dict[Bit, Term]:
    """The address of an A row, and that it is a key, if its block is complete."""
    width = min(size.token, max(size.word, size.index))
    return {
        **{("address", j): v("token.bits", j) for j in range(width)},
        ("is_register", 0): when(v("token.REG") == 1, complete),
        ("is_cell", 0): when(v("token.WORD") == 1, complete),
    }
