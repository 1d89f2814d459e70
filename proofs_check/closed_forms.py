"""Closed forms: expressions over the letters of a run and of a model, evaluated in exact integers.

A closed form is written in the language of parameter expressions, so that one text is printed, evaluated and turned into SymPy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Optional

from lockstep.compiler.compile import Widths
from lockstep.compiler.processor import Code, bits_for
from lockstep.pram import parameters
from lockstep.pram.job import Job
from lockstep.pram.parser import parse
from lockstep.pram.syntax import Claim, Expression
from lockstep.proofs_check.claims import to_sympy

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True)
class ClosedForm:
    """An expression over the letters of LETTERS. Values of more than `bits` bits are refused."""

    text: str
    bits: int = parameters.MAX_PARAMETER_BITS

    @cached_property
    def expression(self) -> Expression:
        tree, _ = parse(f"program form claim time == {self.text}")
        (claim,) = (item for item in tree.declarations if isinstance(item, Claim))
        return claim.bound

    @cached_property
    def sympy(self) -> sympy.Expr:
        return to_sympy(self.expression)

    def __call__(self, letters: Mapping[str, int]) -> int:
        """Its value, in exact integers."""
        return parameters.evaluate(self.expression, letters, bits=self.bits)

    def filled(self, letters: Mapping[str, int]) -> str:
        """The same with numbers in place of letters: `T + min(1, out)` becomes `60 + min(1, 1)`."""
        return re.sub(r"[A-Za-z]\w*", lambda found: str(letters.get(found[0], found[0])), self.text)

    def __str__(self) -> str:
        return self.text.replace(" * ", " ")


#: The letters of closed forms.
LETTERS = {
    "T": "time of the run", "A": "steps that blocks were laid out for", "P": "processors", "k": "registers of a processor",
    "S": "cells of shared memory", "h": "parameters; for ap-mdm with the construction's own two",
    "inp": "input words", "out": "output words", "n0": "context at the start", "N": "full context",
    "F": "positions behind the last word in the full sequence", "w": "bits of a word", "t": "bits of a step number",
    "p": "bits of a pid", "q": "bits of a position that a pair of masked-arm names",
    "c": "bits of a program counter", "r": "bits of a register's index",
    "i": "bits of a register's or parameter's index", "b": "bits of a token", "j": "1 if the program branches, else 0",
    "s": "how many of shl, shr, sar, mul it uses", "f": "flags of its word operations, and the numbers that addsat and divisions keep",
    "m": "1 if all writes leave the smallest value, else 0", "a": "1 if some writes are added up, else 0",
    "x": "1 if writes have several rules, or `and` or `or`, else 0", "l": "1 if x is 1, and some of these rules are max or min, else 0",
    "o": "columns that tell rules of writes apart, if x is 1, else 0",
    "u": "multiply-adds for one row of a forward pass", "v": "multiply-adds for one row and one row that it attends to",
    "g": "the logarithm in the decoding steps of ap-mdm",
    "L": "steps of the machine in a cycle of arm erasing", "y": "cycles of arm erasing: T / L rounded up, at least 1",
    "z": "words of a snapshot of arm erasing: S + P (k + 1)", "d": "cells that arm erasing is given", "e": "z if y > 1, else out",
    "M": "tokens of a whole cycle of arm erasing: 5 + h + 2 z + 3 P L", "n1": "context of arm erasing after it erases: 2 + h + z",
    "K": "tokens that a sampler takes in a decoding step", "B": "rows of a sampler's block",
}  # fmt: skip

#: Operations of closed forms that a reader may not know.
OPERATIONS = {
    "lg": "base-2 logarithm, rounded up",
    "x << y": "x times 2 to the power of y",
    "ceil": "a quotient, rounded up; without it, quotients are rounded down",
    "x % y": "what is left of x after division by y",
}

#: A function from a job and the time of its run to the values of letters.
Letters = Callable[[Job, int], dict[str, int]]

#: The same for decodes that erase; it also takes how often they do, or None for the usual number of steps.
ErasingLetters = Callable[[Job, int, Optional[int]], dict[str, int]]


def letters_of_run(job: Job, time: int) -> dict[str, int]:
    """The letters that all constructions share."""
    return {
        "T": time, "P": job.processors, "k": job.registers, "S": job.space, "h": len(job.parameters),
        "inp": job.inputs, "out": len(job.outputs),
    }  # fmt: skip


def letters_of_model(code: Code, widths: Widths) -> dict[str, int]:
    """The letters of the closed forms of d_model and the vocabulary."""
    counter, register = bits_for(len(code.instructions)), bits_for(code.registers)
    operations = code.operations()
    return {
        "w": widths.word, "t": getattr(widths, "time", 0), "p": widths.pid, "q": getattr(widths, "index", 0), "c": counter, "r": register,
        "i": max(register, bits_for(code.parameters)), "b": max(widths.word, counter, register), "j": int(code.branches),
        "s": sum(name in operations for name in ("shl", "shr", "sar", "mul")),
        "f": len(operations) + sum(name in operations for name in ("add", "addsat", "saddsat", "div"))
        + 2 * ("sdiv" in operations), "m": int(code.how == "min"), "a": int(code.adds),
    } | _letters_of_rules(code, widths.word)  # fmt: skip


def _letters_of_rules(code: Code, word: int) -> dict[str, int]:
    """Of write rules: a flag for each, a column for each bit of `or`, one more for `and`, and a word for values that decide."""
    rules, mixed = code.rules, code.how == "mixed"
    columns = len(rules) + word * ("or" in rules) + (word + 1) * ("and" in rules) + word * code.has_extremes
    return {"x": int(mixed), "l": int(mixed and code.has_extremes), "o": columns if mixed else 0}


@dataclass(frozen=True)
class Bound:
    """Closed forms of the decoding steps (in parallel order) and the peak context of one construction.

    erasing: the letters, if they depend on how often a decode erases.
    """

    decoding_steps: ClosedForm
    context: ClosedForm
    letters: Letters = letters_of_run
    erasing: ErasingLetters | None = None

    def every(self, steps: int | None) -> Bound:
        """The same for decodes that erase after so many steps of the machine; None: after the usual number."""
        erasing = self.erasing
        if erasing is None or steps is None:
            return self
        return replace(self, letters=lambda job, time: erasing(job, time, steps))

    def steps(self, job: Job, time: int) -> int:
        """The decoding steps for a run of `time` steps."""
        return self.decoding_steps(self.letters(job, time))

    def peak_context(self, job: Job, time: int) -> int:
        """The longest context while a run of `time` steps is decoded."""
        return self.context(self.letters(job, time))
