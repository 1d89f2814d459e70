"""Prints expressions and machine code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lockstep.pram.errors import Source
from lockstep.pram.instructions import INSTRUCTIONS, Instruction, Operand
from lockstep.pram.lowering import MachineCode
from lockstep.pram.syntax import COMPARISONS, Binary, Call, Expression, Index, Name, Not, Number, left_chain

#: How tightly operators bind. Comparisons do not chain: an operand that is a comparison needs parentheses.
PRECEDENCE = {"or": 1, "and": 2, "not": 3} | dict.fromkeys(COMPARISONS, 4)
PRECEDENCE |= {"|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10}
ATOM = 11
#: The length of the longest instruction name.
NAME_WIDTH = max(map(len, INSTRUCTIONS))


def expression_text(expression: Expression, outer: int = 0) -> str:
    """Return the text of an expression, without needless parentheses. A result that binds less than `outer` gets some."""
    match expression:
        case Number(value):
            return str(value)
        case Name(name):
            return name
        case Index(name, subscripts):
            return f"{name}[{', '.join(expression_text(s) for s in subscripts)}]"
        case Call(function, arguments):
            return f"{function}({', '.join(expression_text(a) for a in arguments)})"
        case Not(operand):
            text, level = f"not {expression_text(operand, 3)}", 3
        case Binary(symbol):
            text, level = _chain_text(left_chain(expression)), PRECEDENCE[symbol]
    return f"({text})" if level < outer else text


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


def operand_text(operand: Operand, derived: Sequence[Expression]) -> str:
    """Return an operand's text: r3, 5, pid, or a derived parameter in braces such as {n - 1} or {&A}, the address of A."""
    match operand.kind:
        case "register":
            return f"r{operand.number}"
        case "constant":
            return str(operand.number)
        case "parameter":
            return f"{{{expression_text(derived[operand.number])}}}"
    return "pid"


def instruction_text(instruction: Instruction, derived: Sequence[Expression]) -> str:
    """Return an instruction's text, such as `add    r2, r0, {n}`."""
    values = {"rd": f"r{instruction.rd}", "L": str(instruction.target)}
    for name in ("x", "y", "z"):
        operand = getattr(instruction, name)
        if operand is not None:
            values[name] = operand_text(operand, derived)
    text = re.sub(r"rd|[xyzL]", lambda found: values[found[0]], instruction.row.operands)
    return f"{instruction.name:<{NAME_WIDTH}} {text}".rstrip()


def listing(code: MachineCode, source: Source) -> list[tuple[int, str, int, str]]:
    """Return (index, instruction, source line number, source line) for each instruction.

    Of consecutive instructions of one line, only the first has the line's text.
    """
    rows, previous = [], 0
    for index, instruction in enumerate(code.instructions):
        line = instruction.at.line if instruction.at else 0
        rows.append((index, instruction_text(instruction, code.derived), line, source.line(line) if line != previous else ""))
        previous = line
    return rows
