"""What stands for something else, written out for the evaluator: `A := B` for arrays, `parallel for .. on p`, `INFINITY`, `MIN`."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from lockstep.pram import syntax
from lockstep.pram.errors import Span
from lockstep.pram.syntax import Expression, Name, Number, ProgramText, Statement

ZERO, ONE = Number(0), Number(1)
Body = tuple[Statement, ...]


#: What books call the largest word and the least one.
TOP = {"INFINITY", "INF", "Infinity", "infinity", "oo", "MAXINT", "INT_MAX", "MAX"}
BOTTOM = {"MIN", "INT_MIN", "MININT"}
YES, NO = {"true", "True", "TRUE"}, {"false", "False", "FALSE"}


def written_out(tree: ProgramText, signed: bool) -> ProgramText:
    arrays = {d.name: d for d in tree.declarations if isinstance(d, syntax.Shared) and d.dimensions}
    return replace(tree, body=_block(_with_extremes(tree, signed), arrays))


def _with_extremes(tree: ProgramText, signed: bool) -> Body:
    """The statements, with what the names of books mean that the program uses, but neither declares nor assigns."""
    nodes = list(syntax.walk(tree))
    own = {getattr(n, field, None) for n in nodes if not isinstance(n, Name) for field in ("name", "variable")}
    own |= {target.name for n in nodes if isinstance(n, syntax.Several) for target in n.targets}
    least = syntax.Binary("-", syntax.Binary("-", ZERO, Name("inf")), ONE) if signed else ZERO
    meant = {
        **dict.fromkeys(TOP, Name("inf")),
        **dict.fromkeys(BOTTOM, least),
        **dict.fromkeys(YES, ONE),
        **dict.fromkeys(NO, ZERO),
    }
    meant = {name: value for name, value in meant.items() if name not in own}
    used = any(isinstance(n, Name) and n.name in meant for n in nodes)
    return tuple(_put(s, meant) for s in tree.body) if used else tree.body


def _put(node: Any, meant: dict[str, Expression]) -> Any:
    if isinstance(node, Name):
        return replace(meant[node.name], at=node.at) if node.name in meant else node
    if isinstance(node, tuple):
        return tuple(_put(part, meant) for part in node)
    if not is_dataclass(node) or isinstance(node, (Span, syntax.Assert, syntax.Invariant)):
        return node  # names in contracts get their meaning where these are checked
    return replace(node, **{f.name: _put(getattr(node, f.name), meant) for f in fields(node)})


def _block(body: Body, arrays: dict[str, syntax.Shared]) -> Body:
    return tuple(_statement(s, arrays) for s in body)


def _statement(s: Statement, arrays: dict[str, syntax.Shared]) -> Statement:
    match s:
        case syntax.Assign(name, Name(other)) if name in arrays and other in arrays:
            return _copy(arrays[name], arrays[other], s)
        case syntax.If():
            return replace(s, then=_block(s.then, arrays), otherwise=_block(s.otherwise, arrays))
        case syntax.Parallel() if s.processors is not None:
            return _in_rounds(replace(s, body=_block(s.body, arrays)), s.processors)
        case syntax.Parallel() | syntax.While() | syntax.Repeat() | syntax.For() | syntax.Single() | syntax.Called():
            return replace(s, body=_block(s.body, arrays))
    return s


def _copy(target: syntax.Shared, source: syntax.Shared, s: syntax.Assign) -> Statement:
    """One item for each cell; each item copies its own."""
    names = [f"item {axis}" for axis in range(len(target.dimensions))]
    ranges = tuple(syntax.Range(name, ZERO, _minus(extent, ONE, s.at), s.at) for name, extent in zip(names, target.dimensions))
    value = syntax.Index(source.name, _subscripts(names, source, s.at), s.at)
    return syntax.Parallel(ranges, (syntax.Store(target.name, _subscripts(names, target, s.at), value, s.at),), None, s.at)


def _subscripts(names: list[str], array: syntax.Shared, at: Span) -> tuple[Expression, ...]:
    firsts = array.firsts or (ZERO,) * len(names)
    return tuple(Name(name, at) if first == ZERO else _plus(Name(name, at), first, at) for name, first in zip(names, firsts))


def _in_rounds(s: syntax.Parallel, processors: Expression) -> Statement:
    """A `for` over rounds. Round t has the items from low + t p, at most p of them, and none after high."""
    (part,), at = s.ranges, s.at
    product: Expression = syntax.Binary("*", Name("round"), processors, at)
    start = syntax.Local("start", product if part.low == ZERO else _plus(product, part.low, at), at)
    more = syntax.Call("min", (_minus(part.high, Name("start"), at), _minus(processors, ONE, at)), at)
    items = replace(part, low=Name("start"), high=_plus(Name("start"), more, at))
    rounds = syntax.Binary("/", _minus(part.high, part.low, at), processors, at)
    body = (start, replace(s, ranges=(items,), processors=None))
    return syntax.For("round", ZERO, rounds, False, body, None, None, processors.at)


def _plus(a: Expression, b: Expression, at: Span) -> Expression:
    return syntax.Binary("+", a, b, at)


def _minus(a: Expression, b: Expression, at: Span) -> Expression:
    return syntax.Binary("-", a, b, at)
