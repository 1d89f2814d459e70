"""Rewrites statements that stand for others, before a program is analysed and lowered.

| written                              | means                                                                         |
|--------------------------------------|-------------------------------------------------------------------------------|
| `A := B` for arrays                  | `parallel for i in 0 .. n - 1 do A[i] := B[i] end`                            |
| `w[e]` for a local array w           | `w[pid, e]` for a work array with a row for each processor                    |
| `parallel for i in a .. b on p do`   | rounds of p items: `for` around `parallel for`                                |
| `for i in [e, f] do`                 | `for t in 0 .. 1 do local i := (t == 0) * e + (t == 1) * f`, with the body    |
| `parallel for i in [e, f] do`        | the same with `parallel for`                                                  |
| `ps(x, A[e])`, `psm(x, A[e])`        | `for t in 0 .. P - 1 do if pid == t then .. end end`: x is added, each in turn |
| `INFINITY`, `MIN`, `true`, `false`   | `inf`, the least word, 1 and 0, in a program that does not declare these       |

So their costs follow from those of what they mean (docs/language.md, section 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockstep.pram.assignments import assigned
from lockstep.pram.declarations import Symbols
from lockstep.pram.errors import Span
from lockstep.pram.foreign import FALSE, LARGEST, LEAST, TRUE
from lockstep.pram.syntax import (
    FIELDS,
    INF,
    Assert,
    Assign,
    Binary,
    Call,
    Ensures,
    Expression,
    For,
    If,
    Index,
    Local,
    Name,
    Number,
    Parallel,
    PrefixSum,
    ProgramText,
    Quantified,
    Range,
    Requires,
    Statement,
    Store,
    with_contracts,
)

#: How the name of a variable ends that gives the processors their turns in a prefix sum.
TURN = ".turn"


def rewrite(tree: ProgramText, symbols: Symbols) -> ProgramText:
    """Return the program with the statements of the table replaced. Declarations stay as they are, but for names in contracts."""
    rewriter = _Rewriter(symbols, _names_of_books(tree, symbols))
    promises = {id(d): rewriter.node(d) for d in tree.declarations if isinstance(d, (Requires, Ensures))}
    declarations = tuple(promises.get(id(declaration), declaration) for declaration in tree.declarations)
    return replace(tree, declarations=declarations, body=tuple(rewriter.node(statement) for statement in tree.body))


class _Rewriter:
    def __init__(self, symbols: Symbols, meanings: Mapping[str, Expression]) -> None:
        self.symbols, self.meanings = symbols, meanings
        self.bound: frozenset[str] = frozenset()  # variables of quantifiers
        self.in_contract = False

    def node(self, node: Any) -> Any:
        """Return a node with everything below it rewritten; the same object if nothing changes."""
        if isinstance(node, Binary):
            return self._chain(node)
        if isinstance(node, Quantified):
            return self._quantified(node)
        changed = {name: new for name in FIELDS[type(node)] if (new := self._field(old := getattr(node, name))) is not old}
        return self._one(with_contracts(replace(node, **changed) if changed else node, self._contract))

    def _contract(self, condition: Expression) -> Any:
        self.in_contract = True
        new = self.node(condition)
        self.in_contract = False
        return new

    def _quantified(self, node: Quantified) -> Quantified:
        """Rewrite a quantifier. Its variables mean themselves, whatever their names mean in books."""
        outer, ranges = self.bound, []
        for part in node.ranges:
            ranges.append(self.node(part))
            self.bound |= {part.variable}
        body, self.bound = self.node(node.body), outer
        return replace(node, ranges=tuple(ranges), body=body)

    def _field(self, value: Any) -> Any:
        if isinstance(value, tuple):
            new = tuple(self.node(item) for item in value)
            return value if all(a is b for a, b in zip(new, value)) else new
        return None if value is None else self.node(value)

    def _chain(self, top: Binary) -> Binary:
        """Rewrite a chain of operators without recursion over its left operands."""
        chain = [top]
        while isinstance(below := chain[-1].left, Binary):
            chain.append(below)
        left: Expression = self.node(chain[-1].left)
        for old in reversed(chain):
            right = self.node(old.right)
            left = old if left is old.left and right is old.right else replace(old, left=left, right=right)
        assert isinstance(left, Binary)
        return left

    def _one(self, node: Any) -> Any:
        match node:
            case Name(name, at) if name in self.meanings and name not in self.bound:
                return replace(self.meanings[name], at=at)
            case Name(name, at) if self.in_contract and self._is_local(name):
                return Index(name, (Name("pid", at),), at)  # the array of one processor is a row
            case PrefixSum(name, target) if target.name in self.symbols.arrays and name not in self.symbols.arrays:
                return self._in_turn(node)
            case Assign(name, Name(other), at, "") if self._is_array(name) and self._is_array(other):
                return self._copy(name, other, at)
            case Index(name, subscripts) | Store(name, subscripts) if self._is_local(name):
                return replace(node, subscripts=(Name("pid", node.at), *subscripts))
            case For() if node.items:
                asserts = (Assert(i.condition, i.at, word="invariant") for i in node.invariants)
                body = (_item(node, node.at), *asserts, *node.body)
                return replace(node, variable=_index(node.variable), body=body, invariants=())
            case Parallel(ranges, body, processors):
                if any(part.items for part in ranges):
                    items = [_item(part, part.at) for part in ranges if part.items]
                    counted = tuple(replace(p, variable=_index(p.variable)) if p.items else p for p in ranges)
                    node = replace(node, ranges=counted, body=(*items, *body))
                return self._in_rounds(node, processors) if processors is not None and len(ranges) == 1 else node
        return node

    def _is_array(self, name: str) -> bool:
        return name in self.symbols.arrays and bool(self.symbols.arrays[name].dimensions)

    def _is_local(self, name: str) -> bool:
        return name in self.symbols.arrays and self.symbols.arrays[name].role == "local"

    def _copy(self, name: str, other: str, at: Span) -> Statement:
        """`A := B` for arrays of the same shape. Their first subscripts may differ."""
        target, source = self.symbols.arrays[name], self.symbols.arrays[other]
        names = [f"{name}.{axis}" for axis in range(len(target.dimensions))]  # no program can write such names
        ranges = tuple(
            Range(i, Number(0), Binary("-", extent, Number(1), extent.at), replace(at, column=at.column + 1 + k))
            for k, (i, extent) in enumerate(zip(names, target.dimensions))
        )
        of_target, of_source = (
            tuple(_shifted(Name(i, at), first) for i, first in zip(names, array.firsts or (Number(0),) * len(names)))
            for array in (target, source)
        )
        return Parallel(ranges, (Store(name, of_target, Index(other, of_source, at), at),), None, at)

    def _in_turn(self, sum_: PrefixSum) -> Statement:
        """The processors take turns, in the order of their pids."""
        target, at = sum_.target, sum_.at
        turn, old, added = f"{sum_.name}{TURN}", Name(f"{sum_.name}.old", at), Name(sum_.name, at)
        last = Binary("-", self.symbols.procs, Number(1), at)
        total, index = Binary("+", old, added, at), target.subscripts if isinstance(target, Index) else ()
        store: Statement = Store(target.name, index, total, at) if index else Assign(target.name, total, at)
        # each of the two below the loop needs a place of its own
        inner = replace(at, column=at.column + 1)
        mine = If(
            Binary("==", Name("pid", at), Name(turn, at), at),
            (Local(old.name, target, inner), store, Assign(sum_.name, old, at)),
            (),
            inner,
        )
        return For(turn, Number(0), last, False, (mine,), None, None, at)

    def _in_rounds(self, loop: Parallel, processors: Expression) -> Statement:
        """p items at a time: round t starts at item a + t p, and its last item is at most b."""
        (part,) = loop.ranges
        low, high, at = part.low, part.high, processors.at
        round_, start = f"{part.variable}.round", f"{part.variable}.start"
        last_round = _div(_minus(high, low), processors)
        step = Binary("*", Name(round_), processors, at)
        first_item = step if low == Number(0) else Binary("+", step, low, low.at)
        left = Call("min", (_minus(high, Name(start)), _minus(processors, Number(1))), high.at)
        items = replace(part, low=Name(start, part.at), high=Binary("+", Name(start), left, high.at))
        inner = replace(loop, ranges=(items,), processors=None)
        return For(round_, Number(0), last_round, False, (Local(start, first_item, low.at), inner), None, None, at)


def _names_of_books(tree: ProgramText, symbols: Symbols) -> Mapping[str, Expression]:
    """Return what names of books mean, as far as the program does not declare them."""
    minus_one = Binary("-", Binary("-", Number(0), Name(INF)), Number(1))
    meanings: dict[str, Expression] = dict.fromkeys(LARGEST, Name(INF))
    meanings |= dict.fromkeys(LEAST, minus_one if symbols.signed else Number(0))
    meanings |= dict.fromkeys(TRUE, Number(1)) | dict.fromkeys(FALSE, Number(0))
    declared = {*symbols.params, *symbols.arrays, *assigned(tree)}
    return {name: meaning for name, meaning in meanings.items() if name not in declared}


def _index(variable: str) -> str:
    """The variable that counts the items of a list; no program can write such a name."""
    return f"{variable}.item"


def _item(listed: For | Range, at: Span) -> Local:
    """`local i := (t == 0) * e + (t == 1) * f + ..`: the item with the number t."""
    index, total = Name(_index(listed.variable), at), None
    for number, item in enumerate(listed.items):
        term = Binary("*", Binary("==", index, Number(number), item.at), item, item.at)
        total = term if total is None else Binary("+", total, term, item.at)
    assert total is not None
    return Local(listed.variable, total, at, listed.items)


def _shifted(index: Name, first: Expression) -> Expression:
    return index if first == Number(0) else Binary("+", index, first, index.at)


def _minus(a: Expression, b: Expression) -> Binary:
    return Binary("-", a, b, a.at)


def _div(a: Expression, b: Expression) -> Binary:
    return Binary("/", a, b, b.at)
