"""What interfaces say of writes by several rules, or by `and` or `or`: their fields, heads and hidden units, and what gates add.

Section 3.8 of docs/language.md says what each rule leaves. A row of a write has a flag for its rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import z3

from lockstep.compiler.linear import Bit
from lockstep.compiler.processor import Code, Size
from lockstep.proofs_check.proofs.interface import Copy, Equal, FieldTable, LookupRule, Term, Unit, Value, when
from lockstep.proofs_check.proofs.specification import INSTRUCTIONS

#: The places of stores, with the rule of each.
Stores = tuple[tuple[int, str], ...]


def stores_of(code: Code) -> Stores:
    """The stores of a code, with their rules: the own one, where the mode combines writes at all."""
    own = code.combining != "order"
    return tuple(
        (number, (own and i.rule) or code.combining)
        for number, i in enumerate(code.instructions)
        if INSTRUCTIONS[i.name].to == "cell"
    )


def rules_of(code: Code) -> frozenset[str]:
    """The rules of its stores; that of the mode where it stores nothing."""
    return frozenset(rule for _, rule in stores_of(code)) or frozenset({code.combining})


def mixes(code: Code) -> bool:
    """Whether rows of writes have flags of rules."""
    rules = rules_of(code)
    return len(rules) > 1 or not rules.isdisjoint({"and", "or"})


def only(code: Code, rule: str) -> bool:
    """Whether all writes have this rule, and no flags say so."""
    return rules_of(code) == {rule}


def adds_up(code: Code) -> bool:
    return "sum" in rules_of(code)


def by_value(code: Code) -> bool:
    """Whether the largest or the smallest value is left of some writes."""
    return not rules_of(code).isdisjoint({"max", "min"})


def mixed_fields(code: Code, size: Size, pid_bits: int, following: bool = True, left: bool = False) -> FieldTable:
    """Args: following: rows of writes hold the program counter after the store. left: others read what is left, whatever the rule."""
    if not mixes(code):
        return {}
    rules, most = rules_of(code), 1 << pid_bits
    return {
        **{f"by.{rule}": (1, 1) for rule in rules},
        **({"following": (size.counter, 1)} if following else {}),
        **({"ones": (size.word, most)} if "or" in rules else {}),
        **({"zeros": (size.word, most), "writers": (1, most)} if "and" in rules else {}),
        **({"bid": (size.word, 1)} if by_value(code) else {}),
        **({"left": (size.word, 1)} if left or by_value(code) else {}),
    }


def counting_heads(code: Code, size: Size, value: str, asks: str = "", layer: int = 2,
                   bos: str = "token.BOS") -> dict[str, Copy]:  # fmt: skip
    """The heads that count writers. Args: value: what they write. asks: who asks; "": the writers. bos: what is 1 on BOS."""
    rules = rules_of(code)
    ones = Copy.of((asks or "by.or",), {"ones": value}, size.word, layer)
    zeros = Copy.of((asks or "by.and",), {"zeros": f"~{value}", "writers": f"one - {bos}"}, size.word, layer)
    return ({"combine.or": ones} if "or" in rules else {}) | ({"combine.and": zeros} if "and" in rules else {})


def counting_lookups(code: Code, same: tuple[Equal, ...], asks: str = "", alone: tuple[str, ...] = ()) -> dict[str, LookupRule]:
    """They find all writes of their rule to a cell.

    Args: same: what a writer and the row that asks agree in. alone: 1 on those that count, if several rows are alike.
    """
    return {
        f"combine.{rule}": LookupRule.of(asks or f"by.{rule}", same, (f"by.{rule}", *alone), adds=True)
        for rule in ("or", "and")
        if rule in rules_of(code)
    }


def mixing_units(code: Code, here: str, value: str, to: str, layer: int = 2) -> Iterator[Unit]:
    """Args: here: what gates read to tell rows of writes; "": the ROM sets the flags. value: what is written. to: where counts lead."""
    rules = rules_of(code)
    flags = sorted(f"by.{rule}" for rule in rules & {"max", "min"})
    for rule in sorted(rules) if here else ():
        yield Unit.of(1, reads=f"{here}, following", writes=f"by.{rule}")
    for flag in flags:
        yield Unit.of(2, reads=f"{flag}, {value}", writes="bid, left")
    for share in (["ones"] if "or" in rules else []) + (["zeros", "writers"] if "and" in rules else []):
        yield Unit.of(layer, reads=share, writes=to)


# -- what gates add ------------------------------------------------------------------------------------


def flag_terms(stores: Stores, v: Value, *here: bool | z3.BoolRef) -> dict[Bit, Term]:
    """Layer 1: the flag of the rule of the store before the program counter `following`, on rows of writes."""
    after = sum(v("following", j) * (1 << j) for j in range(v.width("following")))
    places: dict[str, list[int]] = {}
    for number, rule in stores:
        places.setdefault(rule, []).append(number + 1)
    return {(f"by.{rule}", 0): when(*here, _is_one_of(after, found)) for rule, found in places.items()}


def _is_one_of(number: Term, values: Iterable[int]) -> bool | z3.BoolRef:
    return number in values if isinstance(number, int) else z3.Or(*(number == value for value in values))


def bid_terms(rules: frozenset[str], size: Size, v: Value, value: str) -> dict[Bit, Term]:
    """Layer 2: what decides between values, and the word that is left where this write wins."""
    found: dict[Bit, Term] = {}
    flags = {rule: v(f"by.{rule}") == 1 for rule in ("max", "min") if rule in rules}
    for j in range(size.word if flags else 0):
        bit = v(value, j) == 1
        decides = {"max": bit, "min": v(value, j) == 0}
        found["bid", j] = sum(when(flag, decides[rule]) for rule, flag in flags.items())
        found["left", j] = sum(when(flag, bit) for flag in flags.values())
    return found


def count_terms(rules: frozenset[str], size: Size, v: Value) -> Mapping[int, Term]:
    """What counts of writers leave, bit by bit: under `or` a 1 if a writer has one, under `and` if there are writers, and all have one."""
    found: dict[int, Term] = {}
    for j in range(size.word):
        of_or = when(v("ones", j) >= 1) if "or" in rules else 0
        of_and = when(v("writers") >= 1) - when(v("zeros", j) >= 1) if "and" in rules else 0
        found[j] = of_or + of_and
    return found
