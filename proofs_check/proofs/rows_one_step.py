"""The interface of the one-step schedule (`lockstep.compiler.one_step`): its kinds of rows, and the sums that gates add on each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from lockstep.compiler import in_place
from lockstep.compiler.compile import Widths
from lockstep.compiler.linear import Bit
from lockstep.compiler.processor import Code, Size
from lockstep.proofs_check.proofs import rows_in_place
from lockstep.proofs_check.proofs.columns import complement_field, flags, numbers, processor_fields, wins
from lockstep.proofs_check.proofs.interface import (
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
    operand_copies,
    operand_lookups,
    when,
)
from lockstep.proofs_check.proofs.mixing import (
    bid_terms,
    by_value,
    count_terms,
    counting_heads,
    counting_lookups,
    mixed_fields,
    mixes,
    mixing_units,
    only,
    rules_of,
)
from lockstep.proofs_check.proofs.specification import INSTRUCTIONS

SLOTS = ("x", "y", "z")
KINDS = ("MASK", "HALT", "PC", None)
OPENS = "end, full, started, role.second, token.MASK"
OWNED = (
    Unit.of(1, reads="index, last_word", writes="behind"),
    Unit.of(1, reads="index, end, full", writes="late"),
    Unit.of(1, reads="index, last_word, token.BOS, token.MASK", writes="is_last"),
    Unit.of(1, reads="full, end", writes="growing"),
    Unit.of(1, reads="last_word, end, token.BOS", writes="no_masks"),
    Unit.of(1, reads="token.MASK", writes="control.remask"),
    Unit.of(1, reads="role.PC, token.PC", writes="control.remask"),
    Unit.of(1, reads="role.PC, runs, token.MASK", writes="executes, control.remask"),
    Unit.of(1, reads=f"{OPENS}, role.cell, role.register", writes="control.remask, emit.WORD"),
    Unit.of(1, reads=f"{OPENS}, role.PC", writes="control.remask, emit.PC"),
    Unit.of(1, reads="role.cell, started, token.MASK", writes="emit.WORD"),
    Unit.of(1, reads=f"{rows_in_place.READ_BY_ENDS}, running, started", writes="shrinking"),
    Unit.of(1, reads="role.register, runs, pc, address, token.MASK", writes="control.remask"),
    Unit.of(2, reads="behind, late", writes="control.insert"),
    Unit.of(2, reads="growing, ended, is_last", writes="control.insert"),
    Unit.of(2, reads="growing, ended, no_masks, role.cell, is_last, token.MASK", writes="control.insert"),
    Unit.of(3, reads="hit, token.MASK", writes="control.remask"),
    *rows_in_place.SHRINK,
)


def interface_of(code: Code, size: Size, widths: Widths) -> Interface:
    """The interface of the one-step schedule."""
    assert isinstance(widths, in_place.Widths)
    given = rows_in_place.position_fields(size, widths, "second")
    return Interface(
        fields=given
        | _fields(size, widths)
        | complement_field(code, size)
        | mixed_fields(code, size, widths.pid, following=False),
        positions=frozenset(given),
        heads=_heads(code, size),
        lookups=_lookups(code, size),
        rows=lambda: _rows(code, size),
        slots=SLOTS,
        own_units=(*OWNED, *_units_of_rules(code)),
        rom_inputs=frozenset({"token.MASK", "runs", "address"}),
        invariants=rows_in_place.length_invariant,
        while_running=rows_in_place.running_invariants,
        published=frozenset({"stores", *(f"by.{rule}" for rule in rules_of(code) if mixes(code))}),
    )


def _fields(size: Size, widths: in_place.Widths) -> FieldTable:
    states = ("runs", "running", "started", "behind", "late", "no_masks", "executes", "stores", "hit")
    return {
        **rows_in_place.shared_fields(size, widths, "BOS", "MASK", "HALT", "PC"),
        **flags(*states),
        **numbers((1 << widths.length) - 1, "last_word"),
        **processor_fields(size, SLOTS, ("WORD", "PC", "HALT")),
    }


def _units_of_rules(code: Code) -> tuple[Unit, ...]:
    if mixes(code):
        return tuple(mixing_units(code, "", "z", "out", layer=3))
    return (Unit.of(2, reads="stores, z", writes="complement"),) if only(code, "min") else ()


def _heads(code: Code, size: Size) -> dict[str, Copy]:
    of_winner = {"out": "left" if mixes(code) else "z"} if by_value(code) or not mixes(code) else {}
    return {
        "counter": Copy.of(("role.PC", "role.register"), {"pc": "token.bits", "runs": "token.PC"}, size.counter),
        "end": Copy.of(rows_in_place.EVERY_ROW, {"end": "index"}, 1),
        "last word": Copy.of(rows_in_place.EVERY_ROW, {"last_word": "index", "ended": "token.HALT"}, 1),
        "running": Copy.of(rows_in_place.EVERY_ROW, {"running": "token.PC", "started": "one - token.BOS"}, 1),
        **rows_in_place.output_copies(),
        **operand_copies(SLOTS, size, "token.bits + value"),
        "memory": Copy.of(("fetch",), {"out": "token.bits"}, size.word, layer=3),
        "hit": Copy.of(("role.cell",), {"hit": "stores", **of_winner}, size.word, layer=3),
        **(counting_heads(code, size, "z", "role.cell", layer=3) if mixes(code) else {}),
    }


def _lookups(code: Code, size: Size) -> dict[str, LookupRule]:
    """Lookups of registers and cells find the slot that is not masked. The masked PC slot provides the pid."""
    pid, address = Equal.of("pid", "pid"), Equal.of("address", "sum", size.word)
    registers = ("role.register + role.parameter + executes", f"{rows_in_place.WRITTEN} + executes")
    return {
        "counter": LookupRule.of("role.PC + role.register", (pid,), ("role.PC", rows_in_place.WRITTEN)),
        "last word": LookupRule.of(rows_in_place.ALL_BUT_BOS, (), (rows_in_place.ALL_BUT_BOS, rows_in_place.WRITTEN), ("index",)),
        "running": LookupRule.of(rows_in_place.ALL_BUT_BOS, (), ("role.PC", rows_in_place.WRITTEN), ("token.PC", "rank")),
        **rows_in_place.end_lookups(),
        **operand_lookups(SLOTS, "executes", registers),
        "memory": LookupRule.of("fetch", (Equal.of("sum", "address", size.word),), ("role.cell", rows_in_place.WRITTEN)),
        "hit": LookupRule.of("role.cell", (address,), ("stores",), wins(code, "z", "rank")),
        **(counting_lookups(code, (address,), "role.cell") if mixes(code) else {}),
    }


def _rows(code: Code, size: Size) -> Iterator[RowKind]:
    smallest, free = only(code, "min"), frozenset({"first", "role.second"})
    mixed = rules_of(code) if mixes(code) else frozenset()
    adds, hit = _adds(size, smallest, mixed), _adds(size, smallest, mixed, True)
    for role in rows_in_place.ROLES:
        for kind in KINDS:
            known = {f"role.{role}": 1, **({f"token.{kind}": 1} if kind else {})}
            name = f"{role}, {'masked' if kind == 'MASK' else kind or 'written'}"
            idle = role == "register" or (role == "PC" and kind == "MASK")
            yield RowKind(f"{name}, at rest", {**known, "runs": 0}, adds, free) if idle else RowKind(name, known, adds, free)
    running, free = {"runs": 1, "started": 1}, free | {"token.HALT", "token.PC"}
    for number in range(len(code.instructions)):
        known = {**running, "pc": number}
        executes = Executes(number, "counter")
        yield RowKind(
            "PC, masked, runs", {**known, "role.PC": 1, "token.MASK": 1}, adds, free - {"token.PC", "token.HALT"}, executes
        )
        yield from _register_rows(code, number, {**known, "role.register": 1}, free, (adds, hit))


def _register_rows(
    code: Code, number: int, known: dict[str, int], free: frozenset[str], adds: tuple[Adds, Adds]
) -> Iterator[RowKind]:
    """Both slots of each register of a running processor. The register that the instruction writes moves to its other slot."""
    instruction = code.instructions[number]
    writes = INSTRUCTIONS[instruction.name].to == "register"
    for register in range(code.registers):
        hit = writes and instruction.rd == register
        own = {**known, "address": register}
        executes = Executes(number, "value") if hit else None
        which, masked = "hit" if hit else "missed", {**own, "token.MASK": 1}
        yield RowKind(f"register, masked, {which}", masked, adds[hit], free - {"token.HALT", "token.PC"}, executes)
        yield RowKind(f"register, written, {which}", {**own, "token.MASK": 0}, adds[hit], free)


@cache
def _adds(size: Size, smallest: bool, mixed: frozenset[str], hit: bool = False) -> Adds:
    def adds(layer: int, v: Value) -> Terms:
        masked = v("token.MASK") == 1
        match layer:
            case 1:
                return rows_in_place.nonzero(
                    _first(size, v, masked, hit) | rows_in_place.ending(size, v, v("running") + 1 - v("started"))
                )
            case 2:
                grows = v("growing") == 1, v("ended") == 0
                others = v("no_masks") == 1, v("role.cell") == 1, not masked, v("is_last") == 0
                insert = when(v("behind") == 1, v("late") == 1) + when(*grows, v("is_last") == 1) + when(*grows, *others)
                stored = {("complement", j): when(v("stores") == 1, v("z", j) == 0) for j in range(size.word if smallest else 0)}
                bids = bid_terms(mixed, size, v, "z")
                return rows_in_place.nonzero(
                    {("control.insert", 0): insert, ("control.remask", 0): rows_in_place.shrunk(v), **stored, **bids}
                )
        counts = {("out", j): count for j, count in count_terms(mixed, size, v).items()}
        return rows_in_place.nonzero({("control.remask", 0): v("hit") * (-1 if masked else 1), **counts})

    return adds


def _first(size: Size, v: Value, masked: bool, hit: bool) -> dict[Bit, Term]:
    """Layer 1 without the end of the run: growth, the start, and the slots that move."""
    index, end, full, last = v("index"), v("end"), v("full"), v("last_word")
    longest = v.most("index")
    is_pc, is_cell, is_register = (v(f"role.{role}") == 1 for role in ("PC", "cell", "register"))
    executes = is_pc and masked and v.known("runs") == 1
    short = v("started") + v("role.second")  # at L = N, 0 on first slots without a word, which open
    opens = end + 1 - full - short >= 0
    moves = when(masked) - when(executes) - when(masked, hit) + when(not masked, hit)
    opened = when(masked, is_cell or is_register, opens), when(masked, is_pc, opens)
    return {
        ("behind", 0): when(index > last),
        ("late", 0): when(index >= 2 * end + 3 - full),
        ("is_last", 0): when(index >= last + (longest if masked else 0)),
        ("growing", 0): when(full > end + 1),
        ("no_masks", 0): when(last >= end),
        ("executes", 0): when(executes),
        ("control.remask", 0): moves + when(is_pc, v("token.PC") == 1) - opened[0] - opened[1],
        ("emit.WORD", 0): opened[0] + when(masked, is_cell, v("started") == 1),
        ("emit.PC", 0): opened[1],
    }
