"""Checks that all fields and heads of a construction exist: the bits and ranges of fields, and the heads of each layer.

The other obligations only look at fields and heads that exist. None of them would notice a missing head, a missing bit, or a
field whose range is 0.
"""

from __future__ import annotations

from lockstep.compiler.processor import Code, Size, vocabulary
from lockstep.proofs_check.proofs.division import PRODUCT, most_product
from lockstep.proofs_check.proofs.interface import COUNTER, EMITTED, FETCH, JUMPS, OUT, SUM, FieldTable, Interface
from lockstep.proofs_check.proofs.mixing import adds_up, by_value, mixes, only
from lockstep.proofs_check.proofs.operations import AMOUNTS, OVER, PARTIAL, SIGNED_OVER
from lockstep.proofs_check.proofs.signed_division import DOWN, UP
from lockstep.proofs_check.proofs.specification import OPERATIONS
from lockstep.proofs_check.proofs.structure import WrongStructure
from lockstep.proofs_check.proofs.weights import Network


def flags(*names: str) -> FieldTable:
    """Fields of one bit."""
    return dict.fromkeys(names, (1, 1))


def numbers(most: int, *names: str) -> FieldTable:
    """Fields of one column that holds an integer up to `most`."""
    return dict.fromkeys(names, (1, most))


def words(bits: int, *names: str) -> FieldTable:
    """Fields that have this number of bits."""
    return dict.fromkeys(names, (bits, 1))


def processor_fields(size: Size, slots: tuple[str, ...], emitted: tuple[str, ...]) -> FieldTable:
    """The fields of every processor: operand slots, emitted tokens, program counter, and the address for layer 3."""
    return {
        **flags(FETCH, *(EMITTED + kind for kind in emitted)),
        **flags(*(f"{slot}.{part}" for slot in slots for part in ("asks", "parameter", "pid"))),
        **words(size.word, SUM, *slots),
        **words(size.index, *(f"{slot}.index" for slot in slots)),
        **words(size.counter, COUNTER),
        **words(size.token, OUT),
    }


def used_fields(size: Size) -> FieldTable:
    """The fields of operations; a processor has those that its program uses."""
    words_of = {**words(size.word, PARTIAL, *AMOUNTS), **words(size.counter, *JUMPS), **numbers(most_product(size.word), PRODUCT)}
    words_of |= numbers(1 << size.word, UP, DOWN)
    return {**flags("sums", "sum.emit", OVER, SIGNED_OVER, *OPERATIONS), **words_of}


def complement_field(code: Code, size: Size) -> FieldTable:
    """The complement of a written value, which a model holds if the smallest value is always left."""
    return words(size.word, "complement") if only(code, "min") else {}


def sum_fields(code: Code, size: Size, *rests: str) -> FieldTable:
    """The share of a sum, and its high digit, which models hold that add up; in some also what is left for the low digit."""
    if not adds_up(code):
        return {}
    low = size.word // 2
    return numbers((1 << size.word) - 1, "share") | words(size.word - low, "high") | numbers((1 << low) - 1, *rests)


def wins(code: Code, value: str, otherwise: str) -> tuple[str, ...]:
    """The fields in which the write that is left in a cell is the largest, of several writes of one step."""
    if not by_value(code):
        return (otherwise,)
    return "bid" if mixes(code) else "complement" if only(code, "min") else value, "rank"


def check_columns(network: Network, interface: Interface, size: Size) -> int:
    """Check that fields, heads and tokens are exactly those of the construction. Returns: the number of columns.

    Raises: WrongStructure: something is missing, surplus or different.
    """
    used = used_fields(size)
    _same("fields", set(network.fields) - used.keys(), set(interface.fields))
    for name, (bits, most) in ((n, {**used, **interface.fields}[n]) for n in network.fields):
        columns = network.fields[name]
        if len(columns) != bits:
            raise WrongStructure(f"{name} has {len(columns)} bits, not {bits}")
        highs = {int(network.highs[c]) for c in columns}
        if highs != {most} and name != PARTIAL:  # the range of a partial product is computed from its gates
            raise WrongStructure(f"{name} holds up to {min(highs)}, not {most}")
    _same("fields of positions", set(network.positions), set(interface.positions))
    for number, layer in enumerate(network.layers, 1 - interface.ahead):
        wanted = {name for name, copy in interface.heads.items() if copy.layer == number}
        _same(f"heads of layer {number + interface.ahead}", set(layer.copies), wanted)
    if (network.control is None) != ("control.remask" not in interface.fields):
        raise WrongStructure("edit bits are missing" if network.control is None else "edit bits: the construction has none")
    wanted_tokens = vocabulary(size, interface.marks)
    if network.vocabulary != wanted_tokens:
        raise WrongStructure(f"tokens are {_kinds(network.vocabulary.kinds)}, not {_kinds(wanted_tokens.kinds)}")
    return len(network.names)


def _same(what: str, found: set[str], wanted: set[str]) -> None:
    if missing := sorted(wanted - found):
        raise WrongStructure(f"{what}: {missing[0]} is missing")
    if surplus := sorted(found - wanted):
        raise WrongStructure(f"{what}: {surplus[0]} is not in the interface")


def _kinds(kinds: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{name} of {bits} bits" for name, bits in kinds)


__all__ = ["check_columns", "complement_field", "flags", "numbers", "processor_fields", "sum_fields", "wins", "words"]
