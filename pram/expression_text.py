"""Prints expressions as programs write them."""

from __future__ import annotations

from collections.abc import Sequence

from lockstep.pram.syntax import (
    COMPARISONS,
    Binary,
    Call,
    Conditional,
    Expression,
    Index,
    Name,
    Not,
    Number,
    Quantified,
    Range,
    left_chain,
)

#: The longest expression that a message repeats.
MOST_SHOWN = 60

#: How tightly operators bind. Comparisons do not chain: an operand that is a comparison needs parentheses.
PRECEDENCE = {"==>": 0, "or": 1, "and": 2, "not": 3} | dict.fromkeys(COMPARISONS, 4)
PRECEDENCE |= {"|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10}
ATOM = 11
PID = Name("pid")


def expression_text(expression: Expression, outer: int = 0) -> str:
    """Return the text of an expression, without needless parentheses. A result that binds less than `outer` gets some."""
    match expression:
        case Number(value):
            return str(value)
        case Name(name):
            return name
        case Index(name, subscripts, at):
            written = [s for s in subscripts if s != PID or s.at != at]  # the row of a local array has the place of its name
            return f"{name}[{', '.join(expression_text(s) for s in written)}]" if written else name
        case Conditional(condition, yes, no):
            text, level = f"if {expression_text(condition)} then {expression_text(yes)} else {expression_text(no)}", 0
        case Quantified(word, ranges, body):
            inside = f"{', '.join(map(range_text, ranges))} : {expression_text(body)}"
            text, level = (f"{word} {inside}", 0) if word in ("forall", "exists") else (f"{word}({inside})", ATOM)
        case Call(function, arguments):
            return f"{function}({', '.join(expression_text(a) for a in arguments)})"
        case Not(operand):
            text, level = f"not {expression_text(operand, 3)}", 3
        case Binary(symbol):
            text, level = _chain_text(left_chain(expression)), PRECEDENCE[symbol]
    return f"({text})" if level < outer else text


def range_text(part: Range) -> str:
    """Return the text of a range of a quantifier."""
    if part.items:
        return f"{part.variable} in [{', '.join(map(expression_text, part.items))}]"
    return f"{part.variable} in {expression_text(part.low)} .. {expression_text(part.high)}"


def shown_text(expression: Expression) -> str:
    """Return the text of an expression for a message; `...` if it is long."""
    text = expression_text(expression)
    return text if len(text) <= MOST_SHOWN else "..."


def _chain_text(chain: Sequence[Binary]) -> str:
    """Return the text of a chain of operators. A left part that binds less than the operator after it gets parentheses."""
    parts, opened, level = [expression_text(chain[0].left, PRECEDENCE[chain[0].operator])], 0, ATOM
    for node in chain:
        before, level = level, PRECEDENCE[node.operator]
        if before < level or before == level == PRECEDENCE["=="]:  # comparisons do not chain
            opened += 1
            parts.append(")")
        parts.append(f" {node.operator} {expression_text(node.right, level + 1)}")
    return "(" * opened + "".join(parts)
