"""Prints machine code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lockstep.pram.access import RULE_SIGNS
from lockstep.pram.errors import Source
from lockstep.pram.expression_text import expression_text
from lockstep.pram.instructions import INSTRUCTIONS, Instruction, Operand
from lockstep.pram.lowering import MachineCode
from lockstep.pram.syntax import Expression

#: The length of the longest instruction name.
NAME_WIDTH = max(map(len, INSTRUCTIONS))


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
    """Return an instruction's text, such as `add    r2, r0, {n}`; a store with a rule of its own ends in `by RULE`."""
    values = {"rd": f"r{instruction.rd}", "L": str(instruction.target)}
    for name in ("x", "y", "z"):
        operand = getattr(instruction, name)
        if operand is not None:
            values[name] = operand_text(operand, derived)
    text = re.sub(r"rd|[xyzL]", lambda found: values[found[0]], instruction.row.operands)
    rule = f" by {RULE_SIGNS[instruction.rule]}" if instruction.rule else ""
    return f"{instruction.name:<{NAME_WIDTH}} {text}{rule}".rstrip()


def listing(code: MachineCode, source: Source) -> list[tuple[int, str, int, str]]:
    """Return (index, instruction, source line number, source line) for each instruction.

    Of consecutive instructions of one line, only the first has the line's text.
    """
    rows, previous = [], 0
    for index, instruction in enumerate(code.instructions):
        line = instruction.at.own.line if instruction.at else 0
        rows.append((index, instruction_text(instruction, code.derived), line, source.line(line) if line != previous else ""))
        previous = line
    return rows
