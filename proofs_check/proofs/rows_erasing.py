"""The interface of autoregression with erasing (`lockstep.compiler.erasing`). As in `rows_arm`, a row has an own part and a next part.

Rows of one cycle are proved. The rule that erases reads tokens alone, and all cycles have the same positions. So no row is of
another kind. What follows RETURN and END is never predicted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from lockstep.compiler.blocks import Widths as BlockWidths
from lockstep.compiler.compile import Widths
from lockstep.compiler.processor import Code, Size
from lockstep.models.erasing import CALL, END, MARKS, RETURN, SEP
from lockstep.proofs_check.proofs.columns import flags, numbers, processor_fields, words
from lockstep.proofs_check.proofs.interface import SUM, Adds, FieldTable, Interface, RowKind, Terms, Unit, Value
from lockstep.proofs_check.proofs.mixing import by_value
from lockstep.proofs_check.proofs.rows_arm import NEXT as BLOCKS
from lockstep.proofs_check.proofs.rows_arm import executing, heads, lookups
from lockstep.proofs_check.proofs.rows_mdm import COLUMNS, SLOTS, published, rule_fields, units_of_rules, with_rules

#: What may follow a token of each own role; "" is nothing. `new` are the rows of the next snapshot, which have no own role.
FOLLOWS = {
    "BOS": ("",), "parameter": ("",), "mark": ("zero", "start", CALL, "cell", "counter", ""), "input": ("zero", "start"),
    "register": ("zero", "V"), "V": ("V", "C"), "C": ("C", "A", "start", "zero", "V"), "A": ("A", "V", SEP),
    "new": ("cell", "counter", "register", RETURN),
}  # fmt: skip
#: The tokens that a row of each own role may hold; None stands for one without a flag.
TOKENS: dict[str, tuple[str | None, ...]] = {
    "BOS": ("BOS",), "parameter": ("WORD",), "mark": (None,), "input": ("WORD",), "register": ("WORD",), "V": ("WORD",),
    "C": ("HALT", None), "A": ("REG", "WORD", None), "new": ("WORD", "HALT", None),
}  # fmt: skip
GIVEN = ("parameter", "input", "register")
ROLES = (*COLUMNS, *GIVEN)
#: What a row emits that predicts a token of the first snapshot, or a mark.
FIXED = {"zero": "WORD", "start": "PC", CALL: CALL, SEP: SEP, RETURN: RETURN}
NEXT = tuple(f"next.{role}" for role in (*COLUMNS, "cell", "counter", "register", "stop", *FIXED))
FETCHING = (*BLOCKS, "next.counter")
#: The fields of positions that the processor's gates write, too.
SHARED = (SUM, "x.index")
OWNED = (
    Unit.of(1, reads="role.A, token.bits", writes="address"),
    Unit.of(1, reads="role.parameter, role.input, role.register, token.bits", writes="value"),
    Unit.of(1, reads="role.A, token.REG", writes="is_register"),
    Unit.of(1, reads="role.A, token.WORD", writes="is_cell"),
    Unit.of(1, reads="next.stop, unfinished", writes=f"emit.{END}"),
    Unit.of(1, reads="next.cell, next.stop, unfinished", writes="emit.WORD, reading"),
    Unit.of(1, reads="next.counter, next.stop, unfinished, halted", writes="emit.HALT"),
    Unit.of(1, reads="next.counter, next.stop, unfinished, halted", writes="emit.PC"),
    Unit.of(1, reads="next.counter, next.stop, unfinished, pc", writes="out"),
    Unit.of(1, reads="next.register", writes="emit.WORD, x.asks"),
    Unit.of(2, reads="next.register, x", writes="out"),
    *(Unit.of(1, reads=f"next.{role}", writes=f"emit.{kind}") for role, kind in FIXED.items()),
    *(Unit.of(1, reads=f"next.{role}, halted", writes=f"emit.{kind}") for role, (_, kind) in COLUMNS.items()),
)


def interface_of(code: Code, size: Size, widths: Widths) -> Interface:
    """The interface of autoregression with erasing."""
    assert isinstance(widths, BlockWidths)
    given = _position_fields(code, size, widths)
    return Interface(
        fields=given | _fields(size) | rule_fields(code, size, widths.pid),
        positions=frozenset({*given, *SHARED}),
        heads=heads(code, size, FETCHING, "next.stop"),
        lookups=lookups(code, size, FETCHING, "next.stop", "is_register + role.register"),
        rows=lambda: with_rules(code, size, _rows(code, size)),
        slots=SLOTS,
        own_units=(*OWNED, *units_of_rules(code, "role.A, token.WORD")),
        rom_inputs=frozenset({*BLOCKS, "halted"}),
        marks=MARKS,
    )


def _position_fields(code: Code, size: Size, widths: BlockWidths) -> FieldTable:
    """The fields that position encodings write, besides SHARED: the cell and the register that the next snapshot asks for."""
    priority, rank = numbers(1 << widths.time + widths.pid, "priority"), numbers((1 << widths.pid) - 1, "rank")
    return {
        **flags("one", "first", "last", *(f"role.{role}" for role in ROLES), *NEXT),
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
        **processor_fields(size, SLOTS, ("WORD", "PC", "HALT", "REG", "NONE", *MARKS)),
    }


def _rows(code: Code, size: Size) -> Iterator[RowKind]:
    for own, following in FOLLOWS.items():
        for token in TOKENS[own]:
            for role in following:
                yield from _followed(code, size, own, token, role)


def _followed(code: Code, size: Size, own: str, token: str | None, role: str) -> Iterator[RowKind]:
    """The kinds of rows with these two parts. What the next part asks is read from other rows, so it is not known here."""
    name, known = f"{own} {token or 'without a flag'}, next {role or 'nothing'}", _known(own, token)
    if role in COLUMNS:
        still = known | dict.fromkeys(SHARED, 0)
        yield from executing(code, name, still, role, lambda emits: _adds(size, own, (f"emit.{emits}",) if emits else ()))
    elif role == "register":
        yield RowKind(name, known | {"next.register": 1, SUM: 0}, _adds(size, own, ("emit.WORD", "x.asks"), "register"))
    elif role in ("cell", "counter"):
        yield from _continued(size, name, own, known | {f"next.{role}": 1, "x.index": 0}, role)
    else:
        here = known | dict.fromkeys(SHARED, 0) | ({f"next.{role}": 1} if role else {})
        yield RowKind(name, here, _adds(size, own, (f"emit.{FIXED[role]}",) if role else ()))


def _known(own: str, token: str | None) -> dict[str, int]:
    """What is known of a row from its own role and its token."""
    known = {f"token.{token}": 1} if token else {}
    if own in ROLES:
        known[f"role.{own}"] = 1
    if own not in COLUMNS:
        known["value"] = 0
    return known


def _continued(size: Size, name: str, own: str, known: dict[str, int], role: str) -> Iterator[RowKind]:
    """A cell or a program counter of the next snapshot; on the row behind the outputs, END in its place if all have halted."""
    yield RowKind(f"{name}, all halted", known | {"next.stop": 1, "unfinished": 0}, _adds(size, own, (f"emit.{END}",)))
    for stop, where in (({}, ""), ({"next.stop": 1, "unfinished": 1}, ", behind the outputs")):
        here = {**known, **stop}
        if role == "cell":
            yield RowKind(f"{name}{where}", here, _adds(size, own, ("emit.WORD", "reading")))
            continue
        for halted, kind in enumerate(("PC", "HALT")):
            adds = _adds(size, own, (f"emit.{kind}",), "counter")
            yield RowKind(f"{name}{where}, {kind}", {**here, SUM: 0, "halted": halted}, adds)


@cache
def _adds(size: Size, own: str, emitted: tuple[str, ...], copied: str = "") -> Adds:
    """What the own part publishes, and what the next part sets; a program counter or a register is copied to `out`."""

    def adds(layer: int, v: Value) -> Terms:
        if layer == 2 and copied == "register":
            return {("out", j): v("x", j) for j in range(size.word)}
        if layer != 1:
            return {}
        given = {("value", j): v("token.bits", j) for j in range(size.word)} if own in GIVEN else {}
        counter = {("out", j): v("pc", j) for j in range(size.counter)} if copied == "counter" else {}
        return {**given, **(published(size, v) if own == "A" else {}), **counter, **{(field, 0): 1 for field in emitted}}

    return adds
