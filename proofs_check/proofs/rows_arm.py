"""The interface of autoregression (`lockstep.compiler.arm`). A row has an own part, its token, and a next part, what it predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from lockstep.compiler.blocks import Widths as BlockWidths
from lockstep.compiler.compile import Widths
from lockstep.compiler.processor import Code, Size
from lockstep.proofs_check.proofs.columns import flags, numbers, processor_fields, words
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
    Terms,
    Unit,
    Value,
    operand_copies,
    operand_lookups,
)
from lockstep.proofs_check.proofs.mixing import by_value, only
from lockstep.proofs_check.proofs.rows_mdm import (
    COLUMNS,
    SLOTS,
    cell_rules,
    heads_of_rules,
    published,
    rule_fields,
    units_of_rules,
    with_rules,
)

#: What may follow a token of each own role; "" is nothing. BOS stands before a block only in programs that are given nothing.
FOLLOWS = {
    "BOS": ("V", "output", ""), "parameter": ("V", "output", ""), "input": ("V", "output", ""), "V": ("V", "C"), "C": ("C", "A"),
    "A": ("A", "V", "output", ""), "output": ("output", ""),
}  # fmt: skip
#: The tokens that a row of each own role may hold; None stands for one without a flag.
TOKENS: dict[str, tuple[str | None, ...]] = {
    "BOS": ("BOS",), "parameter": ("WORD",), "input": ("WORD",), "V": ("WORD",), "C": ("HALT", None),
    "A": ("REG", "WORD", None), "output": ("WORD",),
}  # fmt: skip
ROLES = (*COLUMNS, "parameter", "input")
NEXT = tuple(f"next.{role}" for role in COLUMNS)
OWNED = (
    Unit.of(1, reads="role.A, token.bits", writes="address"),
    Unit.of(1, reads="role.parameter, role.input, token.bits", writes="value"),
    Unit.of(1, reads="role.A, token.REG", writes="is_register"),
    Unit.of(1, reads="role.A, token.WORD", writes="is_cell"),
    Unit.of(1, reads="next.output, unfinished", writes="emit.WORD, reading"),
    *(Unit.of(1, reads=f"next.{role}, halted", writes=f"emit.{kind}") for role, (_, kind) in COLUMNS.items()),
)


def interface_of(code: Code, size: Size, widths: Widths) -> Interface:
    """The interface of autoregression."""
    assert isinstance(widths, BlockWidths)
    given = _position_fields(code, size, widths)
    return Interface(
        fields=given | _fields(size) | rule_fields(code, size, widths.pid),
        positions=frozenset({*given, SUM}),
        heads=heads(code, size, NEXT, "next.output"),
        lookups=lookups(code, size, NEXT, "next.output", "is_register"),
        rows=lambda: with_rules(code, size, _rows(code, size)),
        slots=SLOTS,
        own_units=(*OWNED, *units_of_rules(code, "role.A, token.WORD")),
        rom_inputs=frozenset({*NEXT, "halted"}),
    )


def _position_fields(code: Code, size: Size, widths: BlockWidths) -> FieldTable:
    """The fields that position encodings write, besides `sum`, the address of the next output."""
    priority, rank = numbers(1 << widths.time + widths.pid, "priority"), numbers((1 << widths.pid) - 1, "rank")
    return {
        **flags("one", "first", "last", *(f"role.{role}" for role in ROLES), *NEXT, "next.output"),
        **words(widths.time, "time", "time.previous"),
        **words(widths.pid, "pid", "pid.next", "owner"),
        **words(max(size.word, size.index), "address"),
        **words(size.word, "value"),
        **numbers((1 << widths.time) - 1, "step"),
        **(rank if by_value(code) else priority),
    }


def _fields(size: Size) -> FieldTable:
    tokens = (f"token.{kind}" for kind in ("BOS", "HALT", "REG", "WORD"))
    return {
        **flags(*tokens, "halted", "unfinished", "is_register", "is_cell", "reading"),
        **words(size.token, "token.bits"),
        **processor_fields(size, SLOTS, ("WORD", "PC", "HALT", "REG", "NONE")),
    }


def heads(code: Code, size: Size, fetching: tuple[str, ...], ends: str) -> dict[str, Copy]:
    """The copies of all heads. fetching: where a program counter is asked for; ends: where it is asked who has not halted."""
    complement = {"complement": "~token.bits"} if only(code, "min") else {}
    return {
        "fetch": Copy.of(fetching, {"pc": "token.bits", "halted": "token.HALT"}, size.counter),
        "gather": Copy.of(("role.A",), {"value": "token.bits", **complement}, size.word),
        "unfinished": Copy.of((ends,), {"unfinished": "one - token.BOS"}, 1),
        **operand_copies(SLOTS, size, "value"),
        "memory": Copy.of(("fetch", "reading"), {"out": "value"}, size.word, layer=3),
        **heads_of_rules(code, size),
    }


def lookups(code: Code, size: Size, fetching: tuple[str, ...], ends: str, registers: str) -> dict[str, LookupRule]:
    """Lookups of the previous step, the same step or any step. In each step, the write of the winner is the last."""
    now, pid = Equal.of("time", "time"), Equal.of("pid", "pid")
    before, next_pid = Equal.of("time.previous", "time"), Equal.of("pid.next", "pid")
    latest = "rank" if by_value(code) else "priority"
    operands = operand_lookups(SLOTS, "first", (f"{registers} + role.parameter + first",), ("step",))
    owner = Equal.of("pid.next", "owner", wildcard="role.parameter")
    return {
        "fetch": LookupRule.of(" + ".join(fetching), (before, next_pid), ("role.C",)),
        "gather": LookupRule.of("role.A", (now, pid), ("role.V",)),
        "unfinished": LookupRule.of(ends, (Equal.of("", "token.HALT"),), ("last",), (latest,)),
        **{slot: replace(rule, same=(*rule.same[:-1], owner)) for slot, rule in operands.items()},
        **cell_rules(code, size),
    }


def _rows(code: Code, size: Size) -> Iterator[RowKind]:
    for own, following in FOLLOWS.items():
        for token in TOKENS[own]:
            for role in following:
                yield from _followed(code, size, own, token, role)


def _known(own: str, token: str | None) -> dict[str, int]:
    """What is known of a row from its own role and its token."""
    known = {f"token.{token}": 1} if token else {}
    if own in ROLES:
        known[f"role.{own}"] = 1
    if own in ("parameter", "input", "output", "BOS"):
        known["value"] = 0
    return known


def _followed(code: Code, size: Size, own: str, token: str | None, role: str) -> Iterator[RowKind]:
    """The kinds of rows with these two parts. What the next part asks is read from other rows, so it is not known here."""
    name, known = f"{own} {token or 'without a flag'}, next {role or 'nothing'}", _known(own, token)
    if role in COLUMNS:
        yield from executing(code, name, known | {"sum": 0}, role, lambda emits: _adds(size, own, emits))
    elif role == "output":
        for unfinished in (0, 1):
            here = {**known, "next.output": 1, "unfinished": unfinished}
            waits = "waiting" if unfinished else "all halted"
            yield RowKind(f"{name}, {waits}", here, _adds(size, own, "" if unfinished else "output"))
    else:
        yield RowKind(name, {**known, "sum": 0}, _adds(size, own, ""))


def executing(code: Code, name: str, known: dict[str, int], role: str, adds: Callable[[str], Adds]) -> Iterator[RowKind]:
    """Rows that execute, and those of processors that have halted. adds: by the kind that is emitted, "" where the row executes."""
    column, kind = COLUMNS[role]
    known = known | {f"next.{role}": 1}
    for number in range(len(code.instructions)):
        here = {**known, "halted": 0, "pc": number}
        yield RowKind(f"{name}, runs", here, adds(""), executes=Executes(number, column))  # type: ignore[arg-type]
    yield RowKind(f"{name}, halted", {**known, "halted": 1}, adds(kind))


@cache
def _adds(size: Size, own: str, emits: str) -> Adds:
    """What the own part publishes, and what the next part emits where it does not execute."""
    emitted = {("emit.WORD", 0): 1, ("reading", 0): 1} if emits == "output" else {(f"emit.{emits}", 0): 1} if emits else {}

    def adds(layer: int, v: Value) -> Terms:
        if layer != 1:
            return {}
        given = {("value", j): v("token.bits", j) for j in range(size.word)} if own in ("parameter", "input") else {}
        return {**given, **(published(size, v) if own == "A" else {}), **emitted}

    return adds
