"""Counts the statements, operators and other features of a program, from its syntax tree, its text and its analysis."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from lockstep.pram import syntax
from lockstep.pram.parameters import is_parametric
from lockstep.pram.program import Program
from lockstep.pram.syntax import INF

#: What the syntax tree does not tell apart, with a pattern of the text.
WRITTEN = {
    "const": r"^const ",
    "several locals": r"\blocal \w+, ",
    "semicolon": r";$",
    "barrier": r"\bbarrier\b",
    "operator and :=": r" [-+*/%&|^]= | <<= | >>= ",
    "negative number": r"(?<![\w)\]] )-\d",
    "minus a word": r"-[A-Za-z(]",
    "step": r" step ",
    "if as a value": r"(:=|[(\[,]|if) if ",
    "for over a list": r"^ *for \w+ in \[",
    "parallel over a list": r"^ *parallel for .* in \[",
    "on": r"^ *parallel for .* on ",
    "combine": r"\bcombine (\+|max|min|and|or) .*:=",
    "combine of an array": r"^shared combine ",
    "extent ..": r"^shared .*\[.* \.\. .*\]",
    "proc": r"^proc ",
    "call": r"^ *f\d\(",
    "call as a value": r":= f\d\([^|]*$",
    "call in an expression": r":= .*\(?f\d\(.*\) \|",
    "call with an array": r"\bf\d\([A-E](\[|,)",
}


def count_features(tree: syntax.ProgramText) -> Counter[str]:
    """Count nodes by kind, operators ("word +", "parameter +") and the features that `_features` names."""
    params = {d.name: d for d in tree.declarations if isinstance(d, syntax.Param)}
    arrays = {d.name for d in tree.declarations if isinstance(d, syntax.Shared)}
    lists = {d.name for d in tree.declarations if isinstance(d, syntax.Shared) and d.dimensions}
    nodes = [*syntax.walk(tree, without=(syntax.Print,)), *(n for n in syntax.walk(tree) if isinstance(n, syntax.Print))]
    arrays |= {n.name for n in nodes if isinstance(n, syntax.LocalArray)}
    data = {n.name for n in nodes if isinstance(n, syntax.Local) and reads_memory(n.value, arrays)}
    found: Counter[str] = Counter()
    known = {**params, INF: None}
    for node in nodes:
        found[type(node).__name__] += 1
        found["copy of an array"] += isinstance(node, syntax.Assign) and node.name in lists
        if isinstance(node, (syntax.While, syntax.Repeat)) and reads_memory(node.condition, arrays | data):
            found["loop by data"] += 1
        found.update(_features(node, params, known, arrays))
    return found


def count_written(text: str) -> Counter[str]:
    """Count the lines with each row of WRITTEN, but for `print` statements and contracts, which are not compiled."""
    text = re.sub(r"(?m)^ *(print|assert|requires|ensures) .*$| invariant .*?(?= do$|$)", "", text)
    return Counter({name: len(re.findall(f"(?m){pattern}", text)) for name, pattern in WRITTEN.items()})


def count_contracts(program: Program) -> Counter[str]:
    """Count the contracts by their words, and what stands in them."""
    found = Counter(clause.kind for clause in program.contracts.clauses)
    for clause in program.contracts.clauses:
        for node in syntax.walk(clause.condition):
            match node:
                case syntax.Quantified(word):
                    found[word] += 1
                case syntax.Call(("old" | "sorted" | "distinct" | "permutation") as word):
                    found[word] += 1
                case syntax.Binary("==>"):
                    found["==>"] += 1
    return found


def count_loops(program: Program) -> Counter[str]:
    """Count the loops that processors leave one by one: "while bounded", "for inferred", "repeat flagged" and so on."""
    found: Counter[str] = Counter()
    for node in syntax.walk(program.tree):
        found["return from a call for each"] += isinstance(node, syntax.Called) and node.at in program.analysis.calls
        if isinstance(node, (syntax.While, syntax.Repeat, syntax.For)) and node.at in program.analysis.loops:
            loop = program.analysis.loops[node.at]
            inferred = "by index" if loop.by_index else "inferred"
            kind = "flagged" if loop.rounds is None else "bounded" if node.bound is not None else inferred
            found[f"{type(node).__name__.lower()} {kind}"] += 1
            found["break for each"] += any(isinstance(below, syntax.Break) for below in syntax.walk(node))
    return found


def reads_memory(expression: syntax.Expression, names: set[str]) -> bool:
    """Whether an expression contains an indexed array or one of these names."""
    return any(isinstance(n, syntax.Index) or isinstance(n, syntax.Name) and n.name in names for n in syntax.walk(expression))


def may_fail(expression: syntax.Expression, names: set[str]) -> bool:
    """Whether an expression reads memory, divides, or takes a logarithm."""
    partial = ("lg", "ctz", "floor", "ceil")
    return reads_memory(expression, names) or any(
        isinstance(n, syntax.Binary) and n.operator in ("/", "%") or isinstance(n, syntax.Call) and n.function in partial
        for n in syntax.walk(expression)
    )


def _features(
    node: syntax.Node, params: dict[str, syntax.Param], known: dict[str, syntax.Param | None], arrays: set[str]
) -> Iterator[str]:
    """known: the parameters and `inf`."""
    match node:
        case syntax.Binary() | syntax.Not() | syntax.Call() | syntax.Conditional():
            yield f"{'parameter' if is_parametric(node, known) else 'word'} {_operation(node)}"
            yield from _guarded(node, params, arrays)
        case syntax.Name(name) if name == INF:
            yield INF
        case syntax.Name(name) | syntax.Assign(name) if name in arrays:
            yield f"scalar {type(node).__name__}"
        case syntax.Index(name, subscripts) | syntax.Store(name, subscripts):
            yield f"{type(node).__name__} {len(subscripts)}"
        case syntax.If(_, _, otherwise):
            yield "if with control" if any(isinstance(below, syntax.CONTROL) for below in syntax.walk(node)) else "if padded"
            yield "else" if otherwise else "no else"
            yield "elif" if len(otherwise) == 1 and isinstance(otherwise[0], syntax.If) else "if"
        case syntax.For(_, first, last, down):
            plain = is_parametric(first, params) and is_parametric(last, params)
            yield f"for {'down' if down else 'up'} between {'parameters' if plain else 'words'}"
            yield "for to a difference" if _is_difference(first if down else last, params) else "other for"
        case syntax.Parallel(ranges):
            yield f"parallel {len(ranges)}"
            yield "parallel between " + ("parameters" if is_parametric(ranges[0].high, params) else "words")
            yield from ("parallel to a difference" for r in ranges if _is_difference(r.high, params))
            yield from ("inner range between words" for r in ranges[1:] if not is_parametric(r.high, params))
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


def _is_difference(end: syntax.Expression, params: dict[str, syntax.Param]) -> bool:
    return isinstance(end, syntax.Binary) and end.operator == "-" and not is_parametric(end, params)


def _operation(node: syntax.Binary | syntax.Not | syntax.Call | syntax.Conditional) -> str:
    """The name of an operator or function; `floor(log(x))` and `floor(a / b)` are functions of their own."""
    match node:
        case syntax.Binary(name):
            return name
        case syntax.Not():
            return "not"
        case syntax.Call(("floor" | "ceil") as name, (syntax.Call(inner, _),)):
            return f"{name}({inner})"
        case syntax.Call("floor", (syntax.Binary("/"),)):
            return "floor(/)"
        case syntax.Call(name):
            return name
    return "if"


def _guarded(node: syntax.Expression, params: dict[str, syntax.Param], arrays: set[str]) -> Iterator[str]:
    match node:
        case syntax.Binary(("and" | "or") as name, _, right) if may_fail(right, arrays) and not is_parametric(right, params):
            yield f"guarded {name}"
