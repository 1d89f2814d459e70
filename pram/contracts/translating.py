"""Translates an expression of a contract to a function in Python.

So a contract is checked in a fraction of a microsecond for each operator, and quantifiers run as loops of Python do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from lockstep.pram.contracts.meaning import FUNCTIONS_OF_CONTRACTS, Scope
from lockstep.pram.errors import Span
from lockstep.pram.functions import resolve
from lockstep.pram.syntax import (
    Binary,
    Call,
    Conditional,
    Expression,
    Index,
    Name,
    Node,
    Not,
    Number,
    Quantified,
    Range,
    left_chain,
)

#: Functions of whole arrays, which contracts alone have, with how many arrays each takes.
OF_ARRAYS = {"sorted": (1,), "distinct": (1,), "permutation": (1, 2, 3)}
OLD = "old"

#: What follows a word that is no part of what is computed.
IN_CONTRACTS = "stands in contracts only: `requires`, `ensures`, `assert` and `invariant`"


def word_of_contracts(node: Node) -> str:
    """Return the word by which a node stands in contracts only; "" if it has none."""
    match node:
        case Binary("==>"):
            return "==>"
        case Quantified(word):
            return word
        case Call(function) if function in (OLD, *OF_ARRAYS):
            return function
    return ""


#: Operators that are not those of Python, with their functions.
CHECKED = {"/": "divide", "%": "remainder", "*": "product", "<<": "left", ">>": "right"}
#: Of operators that may stand side by side, what they have in common.
ALIKE = {"+": "sum", "-": "sum", "&": "&", "|": "|", "^": "^", "and": "and", "or": "or"} | dict.fromkeys(CHECKED, "checked")

#: A contract, or a part of one, as a function: returns a truth value, a number, or the cells of an array.
Translated = Callable[[Scope], object]


def translate(expression: Expression, dimensions: Mapping[str, int]) -> Translated:
    """Return the function of an expression.

    Args: dimensions: of each array, how many subscripts it takes.
    """
    kept = _TRANSLATED.get(id(expression))
    if kept is not None and kept[0] is expression and kept[1] == dimensions:
        return kept[2]
    translator = _Translator(dimensions)
    text = translator.text(expression)
    names = {**FUNCTIONS_OF_CONTRACTS, "P": tuple(translator.places)}
    found: Translated = eval(f"lambda c: (lambda v, m, o: {text})(c.values, c.now, c.old)", names)
    if len(_TRANSLATED) >= MOST_KEPT:
        _TRANSLATED.clear()
    _TRANSLATED[id(expression)] = expression, dict(dimensions), found
    return found


#: Translated expressions, by their identity: equal expressions have other places. The expression is kept, so its identity is its own.
_TRANSLATED: dict[int, tuple[Expression, dict[str, int], Translated]] = {}
MOST_KEPT = 1000


class _Translator:
    """Makes the text of an expression in Python. In it, v has values, m is memory now, o memory earlier, P the places."""

    def __init__(self, dimensions: Mapping[str, int]) -> None:
        self.dimensions = dimensions
        self.places: list[Span] = []
        self.bound: dict[str, str] = {}
        self.memory = "m"

    def place(self, at: Span) -> str:
        self.places.append(at)
        return f"P[{len(self.places) - 1}]"

    def text(self, expression: Expression) -> str:
        match expression:
            case Number(value):
                return f"({value})"
            case Name(name):
                return self.name(name)
            case Index(name, subscripts, at):
                whole = len(subscripts) == self.dimensions[name]
                inside = "".join(f"{self.text(s)}, " for s in subscripts)
                return f"{self.memory}.{'at' if whole else 'row'}({name!r}, ({inside}), {self.place(at)})"
            case Not(operand):
                return f"(not {self.text(operand)})"
            case Conditional(condition, yes, no):
                return f"({self.text(yes)} if {self.text(condition)} else {self.text(no)})"
            case Binary():
                return self.chain(expression)
            case Quantified():
                return self.quantified(expression)
            case Call():
                return self.call(expression)

    def name(self, name: str) -> str:
        if name in self.bound:
            return self.bound[name]
        if name in self.dimensions:
            return f"{self.memory}.cell({name!r})" if not self.dimensions[name] else self.array(Name(name))
        return f"v[{name!r}]"

    def chain(self, top: Binary) -> str:
        """A chain of operators. Neighbours that bind alike share their parentheses: Python refuses two hundred levels of them."""
        chain, before = left_chain(top), None
        text = self.text(chain[0].left)
        for node in chain:
            right, kind = self.text(node.right), ALIKE.get(node.operator)
            joins = kind is not None and kind == before
            if node.operator == "==>":
                text = f"(not {text} or c.meant({self.place(node.at)}) and {right})"
            elif node.operator in CHECKED:
                further = f", ({CHECKED[node.operator]}, {right}, {self.place(node.at)}))"
                text = (text[:-1] if joins else f"computed({text}") + further
            else:
                text = (text[:-1] if joins else f"({text}") + f" {node.operator} {right})"
            before = kind
        return text

    def quantified(self, node: Quantified) -> str:
        outer = dict(self.bound)
        marks = node.word == "forall"
        parts = []
        for part in node.ranges:
            source = self.source(part, node.at, marks)
            self.bound = {**self.bound, part.variable: f"q{len(self.bound)}"}
            parts.append(f"for {self.bound[part.variable]} in {source}")
        loops, body = " ".join(parts), self.text(node.body)
        self.bound = outer
        match node.word:
            case "forall":
                return f"all({body} {loops})"
            case "exists":
                return f"any({body} {loops})"
            case "sum":
                return f"sum({body} {loops})"
            case "count":
                return f"sum(1 {loops} if {body})"
        return f"most({node.word == 'max'}, ({body} {loops}), {self.place(node.at)})"

    def source(self, part: Range, at: Span, marks: bool) -> str:
        if part.items:
            return f"c.listed(({''.join(self.text(item) + ', ' for item in part.items)}), {self.place(at)}, {marks})"
        return f"c.items({self.text(part.low)}, {self.text(part.high)}, {self.place(at)}, {marks})"

    def call(self, call: Call) -> str:
        if call.function == OLD:
            before, self.memory = self.memory, "o"
            text = self.text(call.arguments[0])
            self.memory = before
            return text
        if call.function in OF_ARRAYS:
            arrays = [self.array(argument) for argument in call.arguments]
            if call.function == "permutation" and len(arrays) == 1:
                arrays.append(f"range(len({arrays[0]}))")
            return f"is_{call.function}({', '.join(arrays)})"
        name, arguments = resolve(call)
        return f"function({name!r}, {self.place(call.at)}, {', '.join(map(self.text, arguments))})"

    def array(self, argument: Expression) -> str:
        """The cells of an array, of a row, or of one of these earlier."""
        if isinstance(argument, Name):
            return f"{self.memory}.row({argument.name!r}, (), None)"
        return self.text(argument)


def names_in(expression: Expression) -> frozenset[str]:
    """Return the names of values in an expression that its quantifiers do not bind, in an order-free set; arrays too."""
    found: set[str] = set()
    todo: list[tuple[object, frozenset[str]]] = [(expression, frozenset())]
    while todo:
        node, bound = todo.pop()
        match node:
            case Name(name) if name not in bound:
                found.add(name)
            case Quantified(_, ranges, body):
                for part in ranges:
                    todo += [(below, bound) for below in _ends(part)]
                    bound |= {part.variable}
                todo.append((body, bound))
            case Index(_, subscripts) | Call(_, subscripts):
                todo += [(below, bound) for below in subscripts]
            case Binary():
                chain = left_chain(node)
                todo += [(chain[0].left, bound), *((below.right, bound) for below in chain)]
            case Not(operand):
                todo.append((operand, bound))
            case Conditional(condition, yes, no):
                todo += [(condition, bound), (yes, bound), (no, bound)]
    return frozenset(found)


def _ends(part: Range) -> Iterable[Expression]:
    return part.items or (part.low, part.high)
