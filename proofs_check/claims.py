"""Checks the claims of programs on every run, and converts them to SymPy.

The bound of a claim is an expression of parameters and scalar outputs, evaluated in exact integers. It is never fitted. If it
is false, the message shows a formula that fits all runs.
SymPy only gets syntax trees, never text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lockstep.pram import parameters
from lockstep.pram.errors import PramError
from lockstep.pram.expression_text import expression_text
from lockstep.pram.machine import Run
from lockstep.pram.program import Program
from lockstep.pram.syntax import Binary, Call, Claim, Expression, Name, Number, left_chain
from lockstep.proofs_check.fitting import fitted
from lockstep.proofs_check.report import Check, span

if TYPE_CHECKING:
    import sympy


def check_claims(program: Program, runs: Sequence[tuple[dict[str, int], Run]], on: str) -> Iterable[Check]:
    """One row for each claim: the range of measured values, or the first counterexample."""
    for claim in program.claims:
        yield _check(program, claim, runs, on)


def _check(program: Program, claim: Claim, runs: Sequence[tuple[dict[str, int], Run]], on: str) -> Check:
    what, text = f"claim {claim.quantity}", f"{claim.relation} {expression_text(claim.bound)}"
    measured = [quantity(claim, run) for _, run in runs]
    for (params, run), found in zip(runs, measured):
        try:
            bound = evaluate_bound(program, claim, params, run)
        except PramError as error:
            return Check(what, on, text, f"cannot be computed: {error.message}{_sizes(params)}", False)
        if not (found == bound if claim.relation == "==" else found <= bound):
            fits = _fits(claim.quantity, [(given, value) for (given, _), value in zip(runs, measured)])
            return Check(what, on, text, f"{found}, claimed {claim.relation} {bound}{_sizes(params)}{fits}", False)
    return Check(what, on, text, span(measured), True)


def _fits(what: str, runs: Sequence[tuple[dict[str, int], int]]) -> str:
    """Return a claim that all runs would confirm, ready to paste; "" if there is no simple one."""
    formula = fitted(runs)
    return f"; `claim {what} == {formula}` fits all sizes" if formula is not None else ""


def quantity(claim: Claim, run: Run) -> int:
    """The measured value of the quantity that a claim is about; `space` is the words allocated."""
    return {"time": run.costs.time, "work": run.costs.work, "space": run.space.allocated, "procs": run.job.processors}[
        claim.quantity
    ]


def evaluate_bound(program: Program, claim: Claim, params: dict[str, int], run: Run) -> int:
    """The claimed value for one run, in exact integers."""
    scalars = {name: value for name, value in run.outputs.items() if isinstance(value, int)}
    return parameters.evaluate(claim.bound, {**program.values(params), **scalars}, program.source)


def _sizes(params: dict[str, int]) -> str:
    shown = ", ".join(f"{name} = {value}" for name, value in params.items())
    return f", at {shown}" if shown else ""


def to_sympy(expression: Expression) -> sympy.Expr:
    """Convert a parameter expression to SymPy; lg(x) becomes ceiling(log(x, 2)), `/` becomes floor.

    Raises: ValueError: comparisons and bitwise operators have no such form.
    """
    import sympy  # not at the top: `lockstep run` evaluates claims and must start fast

    match expression:
        case Number(value):
            return sympy.Integer(value)
        case Name(name):
            return sympy.Symbol(name, integer=True, nonnegative=True)
        case Call("lg", (argument,)):
            return sympy.ceiling(sympy.log(to_sympy(argument), 2))
        case Call(("max" | "min") as function, arguments):
            return (sympy.Max if function == "max" else sympy.Min)(*(to_sympy(a) for a in arguments))
        case Call("sqrt", (argument,)):
            return sympy.floor(sympy.sqrt(to_sympy(argument)))
        case Call("ceil", (Binary("/", left, right),)):
            return sympy.ceiling(to_sympy(left) / to_sympy(right))
        case Call("ceil" | "floor" as rounding, (Call("sqrt" | "log" as function, (argument,)),)):
            inner = sympy.sqrt(to_sympy(argument)) if function == "sqrt" else sympy.log(to_sympy(argument), 2)
            return (sympy.ceiling if rounding == "ceil" else sympy.floor)(inner)
        case Binary():
            chain = left_chain(expression)
            value = to_sympy(chain[0].left)
            for node in chain:
                value = _apply(node, value, to_sympy(node.right))
            return value
    raise _no_form(expression)


def _apply(node: Binary, a: sympy.Expr, b: sympy.Expr) -> sympy.Expr:
    """The SymPy expression for one operator of the language."""
    import sympy

    match node.operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return sympy.floor(a / b)
        case "%":
            return sympy.Mod(a, b)
        case "<<":
            return a * 2**b
        case ">>":
            return sympy.floor(a / 2**b)
    raise _no_form(node)


def _no_form(expression: Expression) -> ValueError:
    return ValueError(f"no SymPy form for `{expression_text(expression)}`")
