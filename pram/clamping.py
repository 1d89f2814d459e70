"""What `max` needs of its arguments under unsigned words: one that is negative is as good as 0, where the other is a word.

A difference is split into its plus terms and its minus terms. Each of the two is a sum of its own, with one operand for all its
terms that are made of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile

from lockstep.pram.errors import Span
from lockstep.pram.syntax import Binary, Call, Expression, Name, Number, Param, left_chain, walk

#: The operators of sums.
SIGNS = ("+", "-")

IsParametric = Callable[[Expression], bool]

#: A term and the place of the operator before it.
Placed = tuple[Expression, Span]


def is_sum(expression: Expression) -> bool:
    """Return whether an expression is a sum or a difference."""
    return isinstance(expression, Binary) and expression.operator in SIGNS


def sides(expression: Expression, is_parametric: IsParametric) -> tuple[Expression, Expression] | None:
    """Return the sum of the plus terms and that of the minus terms; None if there are no minus terms."""
    plus: list[Placed] = []
    minus: list[Placed] = []
    for term, added, at in terms(expression, True, expression.at):
        (plus if added else minus).append((term, at))
    return (_side(plus, is_parametric), _side(minus, is_parametric)) if minus else None


def taken_from_parameters(expression: Expression, is_parametric: IsParametric) -> tuple[Expression, Expression] | None:
    """Return the sum of all parameters and that of the words taken from it; None if words are added, or none are taken."""
    found = list(terms(expression, True, expression.at))
    words = [(term, at) for term, added, at in found if not is_parametric(term)]
    if not words or any(added and not is_parametric(term) for term, added, _ in found):
        return None
    (known, _, _), *further = [term for term in found if is_parametric(term[0])]
    for term, added, at in further:
        known = Binary("+" if added else "-", known, term, at)
    return known, _sum(words)


def terms(expression: Expression, added: bool, at: Span) -> Iterator[tuple[Expression, bool, Span]]:
    """Yield each term, whether it is added, and its place. Sums in parentheses are opened."""
    if not (isinstance(expression, Binary) and is_sum(expression)):
        yield expression, added, at
        return
    sums = list(takewhile(is_sum, reversed(left_chain(expression))))[::-1]
    yield sums[0].left, added, at
    for node in sums:
        yield from terms(node.right, added is (node.operator == "+"), node.at)


def _side(terms: list[Placed], is_parametric: IsParametric) -> Expression:
    """Return the sum of terms: first those of words, then those of parameters together."""
    known, words = ([term for term in terms if is_parametric(term[0]) is wanted] for wanted in (True, False))
    together = [(_sum(known), known[0][1])] if known else []
    return _sum([*words, *together])


def _sum(terms: list[Placed]) -> Expression:
    total = terms[0][0]
    for term, at in terms[1:]:
        total = Binary("+", total, term, at)
    return total


def floored(expression: Expression, params: Mapping[str, Param]) -> Expression:
    """Return max(0, e) for a parameter expression e; or e, if its text shows that it is not negative."""
    return Call("max", (Number(0), expression), expression.at) if may_be_negative(expression, params) else expression


def may_be_negative(expression: Expression, params: Mapping[str, Param]) -> bool:
    """Return whether the text of a parameter expression leaves room for a negative value."""
    for node in walk(expression):
        match node:
            case Binary("-"):
                return True
            case Number(value) if value < 0:
                return True
            case Name(name) if name in params and (computed := params[name].value) and may_be_negative(computed, params):
                return True
    return False
