"""The interface of the two-step schedule (`lockstep.compiler.two_step`): its kinds of rows, and the sums that gates add on each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from lockstep.compiler import in_place
from lockstep.compiler.compile import Widths
from lockstep.compiler.linear import Bit
from lockstep.compiler.processor import Code, Size
from lockstep.proofs_check.proofs import rows_in_place
from lockstep.proofs_check.proofs.columns import complement_field, flags, processor_fields, sum_fields, wins, words
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
    bit_of,
    clamped,
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
BUFFERS = {"VAL": "value", "DST": "destination", "NPC": "next"}
KINDS = ("MASK", "HALT", "REG", "PC", "WORD", None)
BUFFER_ROLES = "role.VAL, role.DST, role.NPC"
OWNED = (
    Unit.of(1, reads="index, end, full, ended, token.MASK", writes="control.insert"),
    Unit.of(1, reads="index, end, token.BOS", writes="is_last"),
    Unit.of(1, reads="full, end", writes="growing"),
    Unit.of(1, reads=f"{rows_in_place.READ_BY_ENDS}, unhalted", writes="shrinking"),
    Unit.of(1, reads=f"{BUFFER_ROLES}, token.MASK, counterpart.PC", writes="control.remask"),
    Unit.of(1, reads="role.PC, token.PC", writes="control.remask"),
    Unit.of(1, reads="role.cell, role.register, token.MASK", writes="emit.WORD"),
    Unit.of(1, reads="role.PC, token.MASK, counterpart.HALT", writes="emit.PC, emit.HALT"),
    Unit.of(1, reads="role.PC, token.MASK, pc", writes="out"),
    Unit.of(2, reads="is_last, growing, ended, token.MASK", writes="control.insert"),
    Unit.of(2, reads=f"{BUFFER_ROLES}, token.MASK, growing", writes="control.remask"),
    Unit.of(2, reads="role.DST, emit.REG, token.REG, pid", writes="owner"),
    *rows_in_place.SHRINK,
)
OWNED_BY_SUMS = (
    Unit.of(2, reads="share", writes="high"),
    Unit.of(3, reads="share, high", writes="out"),
    Unit.of(3, reads="high", writes="out"),
)


def interface_of(code: Code, size: Size, widths: Widths) -> Interface:
    """The interface of the two-step schedule."""
    assert isinstance(widths, in_place.Widths)
    given = rows_in_place.position_fields(size, widths, *BUFFERS)
    return Interface(
        fields=given
        | _fields(size, widths)
        | complement_field(code, size)
        | sum_fields(code, size)
        | mixed_fields(code, size, widths.pid),
        positions=frozenset(given),
        heads=_heads(code, size),
        lookups=_lookups(code, size),
        rows=lambda: _rows(code, size),
        slots=SLOTS,
        own_units=(*OWNED, *_units_of_rules(code)),
        rom_inputs=frozenset({"token.MASK", "counterpart.PC"}),
        invariants=rows_in_place.length_invariant,
        while_running=rows_in_place.running_invariants,
    )


def _fields(size: Size, widths: in_place.Widths) -> FieldTable:
    return {
        **rows_in_place.shared_fields(size, widths, "BOS", "MASK", "HALT", "REG", "PC", "WORD"),
        **flags("counterpart.PC", "counterpart.HALT", "unhalted"),
        **words(size.word, "written"),
        **words(widths.pid, "owner"),
        **processor_fields(size, SLOTS, ("WORD", "PC", "HALT", "REG", "NONE")),
    }


def _heads(code: Code, size: Size) -> dict[str, Copy]:
    complement = {"complement": "~token.bits"} if only(code, "min") else {}
    buffers = tuple(f"role.{name}" for name in BUFFERS)
    kinds = {f"counterpart.{kind}": f"token.{kind}" for kind in ("PC", "HALT")}
    return {
        "counterpart": Copy.of((*buffers, "role.PC"), {"pc": "token.bits", **kinds}, size.counter),
        "gather": Copy.of(("role.DST",), {"written": "token.bits", **complement}, size.word),
        "end": Copy.of(rows_in_place.EVERY_ROW, {"end": "index", "ended": "token.HALT"}, 1),
        "unhalted": Copy.of(rows_in_place.EVERY_ROW, {"unhalted": "one - token.BOS"}, 1),
        **rows_in_place.output_copies(),
        **operand_copies(SLOTS, size, "token.bits + value"),
        "memory": Copy.of(("fetch",), {"out": "token.bits"}, size.word, layer=3),
        "target": Copy.of(
            ("role.cell", "role.register"), {"control.remask": "emit.REG + emit.WORD", "out": "written"}, size.word, layer=3
        ),
        **(_heads_of_rules(code, size) if adds_up(code) or mixes(code) else {}),
    }


def _heads_of_rules(code: Code, size: Size) -> dict[str, Copy]:
    """Cells combine what is written to them, so only registers read the word that is written."""
    remask = {"control.remask": "emit.REG + emit.WORD"}
    of_winner = {"out": "left"} if mixes(code) and by_value(code) else {}
    found = {
        "target.cell": Copy.of(("role.cell",), {**remask, **of_winner}, size.word, layer=3),
        "target": Copy.of(("role.register",), {**remask, "out": "written"}, size.word, layer=3),
    }
    if adds_up(code):
        found["combine"] = Copy.of(("role.cell",), {"share": "#written"}, 1, layer=2)
    if mixes(code):
        found["rule"] = Copy.of(("role.DST",), {"following": "token.bits"}, size.counter)
        found |= counting_heads(code, size, "written", "role.cell")
    return found


def _units_of_rules(code: Code) -> tuple[Unit, ...]:
    mixing = mixing_units(code, "role.DST, token.WORD", "written", "out") if mixes(code) else ()
    return (*(OWNED_BY_SUMS if adds_up(code) else ()), *mixing)


def _lookups(code: Code, size: Size) -> dict[str, LookupRule]:
    """Lookups of rows of the same processor, of cells by address, and of the DST row whose token (or next token) names a row."""
    pid, roles = Equal.of("pid", "pid"), " + ".join(f"role.{name}" for name in BUFFERS)
    targeted = max((i.rd or 0 for i in code.instructions), default=0).bit_length()
    target = (
        Equal.of("role.register", "emit.REG + token.REG"),
        Equal.of("address", f"out:{targeted} + sum + token.bits"),
        Equal.of("pid", "owner"),
    )
    decided = "emit.REG + emit.WORD + token.REG + token.WORD"
    return {
        "counterpart": LookupRule.of(f"{roles} + role.PC", (Equal.of("role.PC", "role.NPC"), pid), ("role.PC + role.NPC",)),
        "gather": LookupRule.of("role.DST", (pid,), ("role.VAL",)),
        "unhalted": LookupRule.of(rows_in_place.ALL_BUT_BOS, (Equal.of("", "token.HALT"),), ("role.PC",), ("rank",)),
        **rows_in_place.end_lookups(),
        **operand_lookups(SLOTS, "role.DST", ("role.register + role.parameter + role.DST",)),
        "memory": LookupRule.of("fetch", (Equal.of("sum", "address", size.word),), ("role.cell",)),
        "target": LookupRule.of("role.cell + role.register", target, ("role.DST", decided), wins(code, "written", "rank")),
        **(_lookups_of_rules(code, size, target, decided) if adds_up(code) or mixes(code) else {}),
    }


def _lookups_of_rules(code: Code, size: Size, target: tuple[Equal, ...], decided: str) -> dict[str, LookupRule]:
    address = (Equal.of("address", "token.bits", size.word),)
    found = {
        name: LookupRule.of(asks, target, ("role.DST", decided), wins(code, "written", "rank"))
        for name, asks in (("target", "role.register"), ("target.cell", "role.cell"))
    }
    if adds_up(code):
        writes = ("by.sum",) if mixes(code) else ("role.DST", "token.WORD")
        found["combine"] = LookupRule.of("role.cell", address, writes, adds=True)
    if mixes(code):
        found["rule"] = LookupRule.of("role.DST", (Equal.of("pid", "pid"),), ("role.NPC",))
        found |= counting_lookups(code, address, "role.cell")
    return found


def _rows(code: Code, size: Size) -> Iterator[RowKind]:
    free, adds = frozenset({"first"}), _adds(size, adds_up(code), stores_of(code) if mixes(code) else None)
    for role in (*BUFFERS, *rows_in_place.ROLES):
        for kind in KINDS:
            known = {f"role.{role}": 1, **({f"token.{kind}": 1} if kind else {})}
            name = f"{role}, {'masked' if kind == 'MASK' else kind or 'NONE'}"
            if role in BUFFERS and kind == "MASK":
                yield RowKind(f"{name}, no PC", {**known, "counterpart.PC": 0}, adds, free)
                runs = {**known, "counterpart.PC": 1, "counterpart.HALT": 0}
                for number in range(len(code.instructions)):
                    executes = Executes(number, BUFFERS[role])  # type: ignore[arg-type]
                    yield RowKind(f"{name}, PC", {**runs, "pc": number}, adds, free, executes)
            else:
                yield RowKind(name, known, adds, free)


@cache
def _adds(size: Size, sums: bool, mixed: Stores | None) -> Adds:
    low, rules = size.word // 2, frozenset(rule for _, rule in mixed or ())

    def adds(layer: int, v: Value) -> Terms:
        masked, buffer = v("token.MASK") == 1, any(v(f"role.{b}") == 1 for b in BUFFERS)
        match layer:
            case 1:
                written = v("role.DST") == 1, v("token.WORD") == 1
                of_rules = flag_terms(mixed, v, *written) if mixed is not None else {}
                first = _first(size, v, masked, buffer) | rows_in_place.ending(size, v, v("unhalted"))
                return rows_in_place.nonzero(first | of_rules)
            case 2:
                insert = when(v("is_last") == 1, v("growing") == 1, not masked, v("ended") == 0)
                remask = when(masked, not buffer, v("growing") == 1) + rows_in_place.shrunk(v)
                register = v("emit.REG") == 1 or v("token.REG") == 1
                owner = {("owner", j): when(v("role.DST") == 1, register, v("pid", j) == 1) for j in range(v.width("pid"))}
                high = {("high", j): bit_of(v("share"), low + j) for j in range(size.word - low if sums else 0)}
                of_rules = bid_terms(rules, size, v, "written")
                of_rules |= {("out", j): count for j, count in count_terms(rules, size, v).items()}
                edits = {("control.insert", 0): insert, ("control.remask", 0): remask}
                return rows_in_place.nonzero({**edits, **owner, **high, **of_rules})
        return rows_in_place.nonzero(_digits(size, v)) if sums else {}

    return adds


def _digits(size: Size, v: Value) -> dict[Bit, Term]:
    """Layer 3 of a sum: the low digit is what the high digit leaves of the share. That is a digit, as layer 2 is proved."""
    low = size.word // 2
    high = [v("high", j) for j in range(size.word - low)]
    rest = clamped(v("share") - sum(bit * (1 << low + j) for j, bit in enumerate(high)), (1 << low) - 1)
    return {("out", j): bit_of(rest, j) for j in range(low)} | {("out", low + j): bit for j, bit in enumerate(high)}


def _first(size: Size, v: Value, masked: bool, buffer: bool) -> dict[Bit, Term]:
    """Layer 1 without the end of the run: growth, waiting, clearing, and the tokens of masked cells, registers and PCs."""
    is_pc, length = v("role.PC") == 1, v("end") + 1
    commits, halts = is_pc and masked, v("counterpart.HALT")
    remask = when(masked, buffer, v("counterpart.PC") == 0) + when(not masked, buffer) + when(is_pc, v("token.PC") == 1)
    terms: dict[Bit, Term] = {
        ("control.insert", 0): when(masked, v("ended") == 0, v("index") >= 2 * length - v("full")),
        ("is_last", 0): when(v("index") >= v("end")),
        ("growing", 0): when(v("full") > length),
        ("control.remask", 0): remask,
        ("emit.WORD", 0): when(masked, v("role.cell") == 1 or v("role.register") == 1),
        ("emit.PC", 0): when(commits, halts == 0),
        ("emit.HALT", 0): when(commits, halts == 1),
    }
    return terms | {("out", j): when(commits, v("pc", j) == 1) for j in range(size.counter)}
