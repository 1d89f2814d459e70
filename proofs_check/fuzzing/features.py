"""Counts the statements, operators and other features of a program, from its syntax tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lockstep.pram import syntax
from lockstep.pram.parameters import is_parametric


def count_features(tree: syntax.ProgramText) -> Counter[str]:
    """Count nodes by kind, operators ("word +", "parameter +") and the features that `_features` names."""
    params = {d.name: d for d in tree.declarations if isinstance(d, syntax.Param)}
    arrays = {d.name for d in tree.declarations if isinstance(d, syntax.Shared)}
    nodes = list(syntax.walk(tree))
    data = {n.name for n in nodes if isinstance(n, syntax.Local) and reads_memory(n.value, arrays)}
    found: Counter[str] = Counter()
    for node in nodes:
        found[type(node).__name__] += 1
        if isinstance(node, (syntax.While, syntax.Repeat)) and reads_memory(node.condition, arrays | data):
            found["loop by data"] += 1
        found.update(_features(node, params, arrays))
    return found


def reads_memory(expression: syntax.Expression, names: set[str]) -> bool:
    """Whether an expression contains an indexed array or one of these names."""
    return any(isinstance(n, syntax.Index) or isinstance(n, syntax.Name) and n.name in names for n in syntax.walk(expression))


def _features(node: syntax.Node, params: dict[str, syntax.Param], arrays: set[str]) -> Iterator[str]:
    match node:
        case syntax.Binary(name):
            yield f"{'parameter' if is_parametric(node, params) else 'word'} {name}"
        case syntax.Not():
            yield "parameter not" if is_parametric(node, params) else "word not"
        case syntax.Call(name):
            yield f"parameter {name}"
        case syntax.Name(name) | syntax.Assign(name) if name in arrays:
            yield f"scalar {type(node).__name__}"
        case syntax.Index(_, subscripts) | syntax.Store(_, subscripts):
            yield f"{type(node).__name__} {len(subscripts)}"
        case syntax.If(_, _, otherwise):
            yield "if with control" if any(isinstance(below, syntax.CONTROL) for below in syntax.walk(node)) else "if padded"
            yield "else" if otherwise else "no else"
            yield "elif" if len(otherwise) == 1 and isinstance(otherwise[0], syntax.If) else "if"
        case syntax.For(_, first, last, down):
            plain = is_parametric(first, params) and is_parametric(last, params)
            yield f"for {'down' if down else 'up'} between {'parameters' if plain else 'words'}"
        case syntax.Parallel(ranges):
            yield f"parallel {len(ranges)}"
            yield "parallel between " + ("parameters" if is_parametric(ranges[0].high, params) else "words")
        case syntax.Mode(name):
            yield f"mode {name}"
        case syntax.Param(_, value):
            yield "param given" if value is None else "param derived"
        case syntax.Word(_, wrap):
            yield "wrap" if wrap else "word"
        case syntax.Shared(_, dimensions, role, low):
            yield from (role, f"shared {len(dimensions)}", "in range" if low is not None else "no range")
    if isinstance(node, (syntax.Parallel, syntax.If)):
        yield from (f"for inside {type(node).__name__}" for inner in syntax.walk(node) if isinstance(inner, syntax.For))
