"""The interface of revision with several copies (`lockstep.compiler.copies`): a layer of votes, and rows that all say what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

import z3

from lockstep.compiler import copies
from lockstep.compiler.compile import Widths
from lockstep.compiler.processor import Code, Size
from lockstep.compiler.state import ROLES
from lockstep.proofs_check.proofs import rows_revision
from lockstep.proofs_check.proofs.columns import flags, numbers, processor_fields, words
from lockstep.proofs_check.proofs.interface import (
    Adds,
    Copy,
    Equal,
    Executes,
    FieldTable,
    Form,
    Interface,
    InterfaceOf,
    LookupRule,
    RowKind,
    Terms,
    Unit,
    Value,
    when,
)
from lockstep.proofs_check.proofs.mixing import bid_terms, count_terms, counting_heads, mixes, only, rules_of
from lockstep.proofs_check.proofs.rows_in_place import nonzero
from lockstep.proofs_check.proofs.specification import INSTRUCTIONS

#: What is 1 on the first row; what says which rows lookups of the machine's step find.
SINK, ALONE = "emit.BOS", "copy.0"
TOKENS = ("token.MASK", "token.PC")
VOTED = frozenset({*TOKENS, "token.bits", "votes", "votes.runs"})
OWNED = (
    Unit.of(0, reads="votes, role.PC, emit.BOS", writes="value"),
    Unit.of(0, reads="votes, role.PC", writes="own.pc"),
    Unit.of(0, reads="votes.runs, role.PC", writes="own.runs"),
    Unit.of(1, reads="role.cell", writes="emit.WORD"),
    Unit.of(1, reads="role.PC, runs", writes="emit.HALT"),
    Unit.of(2, reads="role.register, role.parameter, emit.WORD, value", writes="emit.WORD"),
    Unit.of(2, reads="role.register, role.parameter, emit.WORD, value", writes="out"),
    Unit.of(3, reads="role.cell, hit, value", writes="out"),
)


def interface(code: Code, size: Size, widths: Widths, number: int) -> Interface:
    """The interface of so many copies. What it shares with revision is taken from there."""
    base = rows_revision.interface_of(code, size, widths)
    given = {name: base.fields[name] for name in base.positions} | flags(SINK, *(f"copy.{n}" for n in range(number)))
    fields = base.fields | given | _fields(size, number)
    del fields["token.BOS"]
    return replace(
        base,
        fields=fields,
        positions=frozenset(given),
        heads=_heads(code, size, base, number),
        lookups=_lookups(base, number),
        rows=lambda: _rows(code, size, number),
        own_units=(*OWNED, *(unit for unit in base.own_units if unit not in rows_revision.OWNED)),
        ahead=1,
        bos=RowKind("BOS", {SINK: 1}, _silent, free=VOTED),
    )


def _silent(layer: int, value: Value) -> Terms:
    return {}


def _fields(size: Size, number: int) -> FieldTable:
    return {
        **words(size.counter, "own.pc"),
        **flags(*TOKENS, "own.runs"),
        **numbers(number, "votes.runs"),
        **processor_fields(size, rows_revision.SLOTS, copies.CopiesBuilder.EMITTED),
        "votes": (size.token, number),
    }


def _heads(code: Code, size: Size, base: Interface, number: int) -> dict[str, Copy]:
    """Those of revision, of which two read what is elected, and one for each copy."""
    votes = Copy.of(("one",), {"votes": "token.bits", "votes.runs": "token.PC + token.MASK"}, size.token, layer=0)
    counter = Copy.of(("role.PC", "role.register"), {"pc": "own.pc", "runs": "own.runs"}, size.counter)
    memory = {**base.heads, "counter": counter, "memory": Copy.of(("fetch",), {"out": "value"}, size.word, layer=3)}
    counting = counting_heads(code, size, "z", "role.cell", layer=3, bos=SINK) if mixes(code) else {}
    return {**memory, **counting, **{f"copy.{n}": votes for n in range(number)}}


def _lookups(base: Interface, number: int) -> dict[str, LookupRule]:
    """Those of revision find rows of the first copy. A head of votes finds the row that is the same in another copy."""
    alone = {name: replace(rule, candidates=(*rule.candidates, Form.of(ALONE))) for name, rule in base.lookups.items()}
    item = tuple(Equal.of(name, name) for name in (*(f"role.{role}" for role in ROLES), "address", "pid"))
    return alone | {f"copy.{n}": LookupRule.of(f"one - {SINK}", item, (f"copy.{n}",)) for n in range(number)}


def _rows(code: Code, size: Size, number: int) -> Iterator[RowKind]:
    """Rows at rest, then those of running processors at each instruction. Tokens may be any: nothing but votes comes of them."""
    adds = _adds(size, number, only(code, "min"), rules_of(code) if mixes(code) else frozenset())
    free = frozenset(TOKENS)
    for role in ROLES:
        known = {f"role.{role}": 1, SINK: 0, **({} if role == "PC" else {"value": 0})}
        rests = {"runs": 0} if role in ("PC", "register") else {}
        yield RowKind(f"{role}, at rest" if rests else role, {**known, **rests}, adds, free)
    for place, instruction in enumerate(code.instructions):
        known = {"runs": 1, "pc": place, SINK: 0}
        yield RowKind("PC, runs", {**known, "role.PC": 1}, adds, free, Executes(place, "counter"))
        writes = INSTRUCTIONS[instruction.name].to == "register"
        for register in range(code.registers):
            hit = writes and instruction.rd == register
            own = {**known, "role.register": 1, "value": 0, "address": register}
            yield RowKind(f"register, {'hit' if hit else 'missed'}", own, adds, free, Executes(place, "value") if hit else None)


@cache
def _adds(size: Size, number: int, smallest: bool, mixed: frozenset[str]) -> Adds:
    most = number // 2 + 1

    def elected(v: Value, name: str, bit: int, here: bool) -> z3.ArithRef | int:
        return when(here, v(name, bit) >= most)

    def adds(layer: int, v: Value) -> Terms:
        is_pc, is_cell = v("role.PC") == 1, v("role.cell") == 1
        keeps = v("role.register") == 1 or v("role.parameter") == 1
        match layer:
            case 0:
                value = {("value", j): elected(v, "votes", j, not is_pc) for j in range(size.word)}
                counter = {("own.pc", j): elected(v, "votes", j, is_pc) for j in range(size.counter)}
                return nonzero(value | counter | {("own.runs", 0): elected(v, "votes.runs", 0, is_pc)})
            case 1:
                return nonzero({("emit.WORD", 0): int(is_cell), ("emit.HALT", 0): when(is_pc, v("runs") == 0)})
            case 2:
                missed = when(keeps, v("emit.WORD") == 0)
                kept = {("out", j): when(keeps, v("emit.WORD") == 0, v("value", j) == 1) for j in range(size.word)}
                stored = {("complement", j): when(v("stores") == 1, v("z", j) == 0) for j in range(size.word if smallest else 0)}
                return nonzero({("emit.WORD", 0): missed, **kept, **stored, **bid_terms(mixed, size, v, "z")})
        counts = count_terms(mixed, size, v)
        return nonzero({("out", j): when(is_cell, v("hit") == 0, v("value", j) == 1) + counts[j] for j in range(size.word)})

    return adds


#: By the number of copies.
interface_of: dict[int, InterfaceOf] = {number: partial(interface, number=number) for number in copies.CONSTRUCTION}
