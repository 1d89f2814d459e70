"""The interface of revision (`lockstep.compiler.revision`): its kinds of rows, and the sums that gates add on each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from lockstep.compiler import revision
from lockstep.compiler.compile import Widths
from lockstep.compiler.linear import Bit
from lockstep.compiler.processor import Code, Size
from lockstep.compiler.state import ROLES
from lockstep.proofs_check.proofs.columns import complement_field, flags, numbers, processor_fields, wins, words
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
from lockstep.proofs_check.proofs.rows_in_place import nonzero
from lockstep.proofs_check.proofs.specification import INSTRUCTIONS

SLOTS = ("x", "y", "z")
KINDS = ("MASK", "PC", None)
OWNED = (
    Unit.of(1, reads="role.register, role.parameter, token.bits", writes="value"),
    Unit.of(2, reads="role.register, token.MASK, emit.WORD", writes="emit.WORD"),
    Unit.of(3, reads="role.cell, token.MASK, hit", writes="emit.WORD"),
)


def interface_of(code: Code, size: Size, widths: Widths) -> Interface:
    """The interface of revision."""
    assert isinstance(widths, revision.Widths)
    given = _position_fields(size, widths)
    return Interface(
        fields=given | _fields(size) | complement_field(code, size) | mixed_fields(code, size, widths.pid, following=False),
        positions=frozenset(given),
        heads=_heads(code, size),
        lookups=_lookups(code, size),
        rows=lambda: _rows(code, size),
        slots=SLOTS,
        own_units=(*OWNED, *_units_of_rules(code)),
        rom_inputs=frozenset({"runs", "address"}),
        published=frozenset({"stores", *(f"by.{rule}" for rule in rules_of(code) if mixes(code))}),
    )


def _position_fields(size: Size, widths: revision.Widths) -> FieldTable:
    return {
        **flags("one", *(f"role.{role}" for role in ROLES)),
        **words(widths.pid, "pid"),
        **numbers((1 << widths.pid) - 1, "rank"),
        **words(max(size.word, size.index), "address"),
        **words(size.word, "value"),
    }


def _fields(size: Size) -> FieldTable:
    return {
        **flags(*(f"token.{kind}" for kind in ("BOS", "MASK", "PC")), "runs", "stores", "hit"),
        **words(size.token, "token.bits"),
        **processor_fields(size, SLOTS, ("WORD", "PC", "HALT")),
    }


def _units_of_rules(code: Code) -> tuple[Unit, ...]:
    if mixes(code):
        return tuple(mixing_units(code, "", "z", "out", layer=3))
    return (Unit.of(2, reads="stores, z", writes="complement"),) if only(code, "min") else ()


def _heads(code: Code, size: Size) -> dict[str, Copy]:
    of_winner = {"out": "left" if mixes(code) else "z"} if by_value(code) or not mixes(code) else {}
    return {
        "counter": Copy.of(("role.PC", "role.register"), {"pc": "token.bits", "runs": "token.PC + token.MASK"}, size.counter),
        **operand_copies(SLOTS, size, "value"),
        "memory": Copy.of(("fetch",), {"out": "token.bits"}, size.word, layer=3),
        "hit": Copy.of(("role.cell",), {"hit": "stores", **of_winner}, size.word, layer=3),
        **(counting_heads(code, size, "z", "role.cell", layer=3) if mixes(code) else {}),
    }


def _lookups(code: Code, size: Size) -> dict[str, LookupRule]:
    """Registers, parameters and cells hold their word. A PC provides the pid."""
    pid, address = Equal.of("pid", "pid"), Equal.of("address", "sum", size.word)
    return {
        "counter": LookupRule.of("role.PC + role.register", (pid,), ("role.PC",)),
        **operand_lookups(SLOTS, "role.PC", ("role.register + role.parameter + role.PC",)),
        "memory": LookupRule.of("fetch", (Equal.of("sum", "address", size.word),), ("role.cell",)),
        "hit": LookupRule.of("role.cell", (address,), ("stores",), wins(code, "z", "rank")),
        **(counting_lookups(code, (address,), "role.cell") if mixes(code) else {}),
    }


def _rows(code: Code, size: Size) -> Iterator[RowKind]:
    """Rows at rest, then those of running processors at each instruction. Only a PC has a value at the start: its pid."""
    adds = _adds(size, only(code, "min"), rules_of(code) if mixes(code) else frozenset())
    for role in ROLES:
        for kind in KINDS:
            known = {f"role.{role}": 1, **({} if role == "PC" else {"value": 0}), **({f"token.{kind}": 1} if kind else {})}
            rests = {"runs": 0} if role in ("PC", "register") else {}
            name = f"{role}, {'masked' if kind == 'MASK' else kind or 'written'}"
            yield RowKind(f"{name}, at rest" if rests else name, {**known, **rests}, adds)
    for number, instruction in enumerate(code.instructions):
        known = {"runs": 1, "pc": number}
        for kind in ("MASK", "PC"):
            name = f"PC, {'masked' if kind == 'MASK' else 'written'}, runs"
            yield RowKind(name, {**known, "role.PC": 1, f"token.{kind}": 1}, adds, executes=Executes(number, "counter"))
        writes = INSTRUCTIONS[instruction.name].to == "register"
        for register in range(code.registers):
            own = {**known, "role.register": 1, "value": 0, "address": register}
            hit = writes and instruction.rd == register
            executes = Executes(number, "value") if hit else None
            for masked in (1, 0):
                name = f"register, {'masked' if masked else 'written'}, {'hit' if hit else 'missed'}"
                yield RowKind(name, {**own, "token.MASK": masked}, adds, executes=executes)


@cache
def _adds(size: Size, smallest: bool, mixed: frozenset[str]) -> Adds:
    def adds(layer: int, v: Value) -> Terms:
        masked, is_cell, is_register = (v(name) == 1 for name in ("token.MASK", "role.cell", "role.register"))
        match layer:
            case 1:
                holds = is_register or v("role.parameter") == 1
                return nonzero({("value", j): v("token.bits", j) if holds else 0 for j in range(size.word)})
            case 2:
                stored: dict[Bit, Term] = {
                    ("complement", j): when(v("stores") == 1, v("z", j) == 0) for j in range(size.word if smallest else 0)
                }
                filled = when(is_register, masked, v("emit.WORD") == 0)
                return nonzero({("emit.WORD", 0): filled, **stored, **bid_terms(mixed, size, v, "z")})
        counts = {("out", j): count for j, count in count_terms(mixed, size, v).items()}
        filled = 1 if is_cell and masked else when(is_cell, v("hit") == 1)
        return nonzero({("emit.WORD", 0): filled, **counts})

    return adds
