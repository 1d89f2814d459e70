"""Collects the declarations of a program, and checks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from lockstep.pram import functions, parameters
from lockstep.pram.access import MODES
from lockstep.pram.contracts.translating import IN_CONTRACTS, word_of_contracts
from lockstep.pram.errors import Diagnostic, Source, Span, did_you_mean
from lockstep.pram.syntax import (
    INF,
    Binary,
    Call,
    Claim,
    Expression,
    Index,
    LocalArray,
    Mode,
    Name,
    Node,
    Number,
    Param,
    Print,
    Procs,
    ProgramText,
    Shared,
    Word,
    walk,
)

QUANTITIES = ("time", "work", "space", "procs")


#: Operators and functions that are not defined for all words.
PARTIAL_OPERATORS, PARTIAL_FUNCTIONS = ("/", "%"), ("lg", "ctz", "floor", "ceil")


@dataclass(frozen=True)
class Symbols:
    """The parameters, arrays and settings that a program declares.

    negative: a statement, or the range of an array, contains a negative number.
    """

    params: Mapping[str, Param]
    arrays: Mapping[str, Shared]
    mode: str = "EREW"
    word: Word | None = None
    procs: Expression = Number(1)
    claims: tuple[Claim, ...] = ()
    negative: bool = False

    @property
    def signed(self) -> bool:
        """Whether words are signed: `word` says so, or there is no `word`, but a negative number."""
        return self.negative if self.word is None else self.word.signed

    def is_parametric(self, expression: Expression) -> bool:
        """Return whether an expression in a statement contains only numbers, parameters and `inf`."""
        return parameters.is_parametric(expression, self._fixed)

    @cached_property
    def _fixed(self) -> Mapping[str, object]:
        """The names that stand for one number."""
        return {**self.params, INF: None}

    def is_guarded(self, node: Binary) -> bool:
        """Return whether an `and` or `or` leaves out its right side where the left side decides."""
        if node.operator not in ("and", "or") or self.is_parametric(node.right):
            return False
        return any(_may_fail(below, self.arrays) for below in walk(node.right))


def _is_negative(node: Node) -> bool:
    """Return whether a node is a number with a minus before it. The builder puts `0 - e` for `-e`, with one place."""
    match node:
        case Number(value):
            return value < 0
        case Binary("-", Number(0, at)):
            return at == node.at
    return False


def _may_fail(node: Node, arrays: Mapping[str, Shared]) -> bool:
    """Return whether a part of an expression reads shared memory, or is not defined for all words."""
    match node:
        case Index():
            return True
        case Name(name):
            return name in arrays
        case Binary(operator):
            return operator in PARTIAL_OPERATORS
        case Call(function):
            return function in PARTIAL_FUNCTIONS
    return False


def combines_nothing(mode: str) -> str:
    """Return the message for a `combine` under a mode that combines no writes."""
    return f"`combine` needs a mode that combines writes: {', '.join(f'`{m}`' for m in MODES if MODES[m].combines)}; the mode is {mode}"


class Declarations:
    """Collects the declarations and checks the parameter expressions in them."""

    def __init__(self, tree: ProgramText, source: Source, errors: list[Diagnostic]) -> None:
        self.tree, self.source, self.errors = tree, source, errors
        self.params: dict[str, Param] = {}
        self.arrays: dict[str, Shared] = {}
        self.once: dict[type, Mode | Word | Procs] = {}
        self.claims: list[Claim] = []
        self.places = {d.name: d.at for d in reversed(tree.declarations) if isinstance(d, (Param, Shared))}

    def symbols(self) -> Symbols:
        for declaration in self.tree.declarations:
            self._declare(declaration)
        mode, word, procs = (self.once.get(kind) for kind in (Mode, Word, Procs))
        symbols = Symbols(
            self.params,
            self.arrays,
            mode.name if isinstance(mode, Mode) else "EREW",
            word if isinstance(word, Word) else None,
            procs.count if isinstance(procs, Procs) else Number(1),
            tuple(self.claims),
            any(_is_negative(node) for node in self._of_words()),
        )
        combines = symbols.mode in MODES and MODES[symbols.mode].combines
        if isinstance(mode, Mode) and symbols.signed and combines:
            self._error(f"{mode.name} combines unsigned words only, and the words of this program are signed", mode.at)
        for array in self.arrays.values():
            if array.rule and not combines:
                self._error(combines_nothing(symbols.mode), array.at)
        return symbols

    def _of_words(self) -> Iterator[Node]:
        """Yield the nodes of everything that holds words: statements, and the ranges of arrays."""
        for statement in self.tree.body:
            yield from walk(statement, without=(Print,))
        for shared in (d for d in self.tree.declarations if isinstance(d, Shared)):
            for bound in (shared.low, shared.high):
                yield from walk(bound) if bound is not None else ()

    def _declare(self, declaration: Node) -> None:
        match declaration:
            case Param(name, value, at):
                self._parametric(value, "a parameter")
                if self._new(name, at):
                    self.params[name] = declaration
            case Shared(name, dimensions, _, low, high, firsts, at):
                for expression in (*dimensions, *firsts, low, high):
                    self._parametric(expression, "an array's size or range")
                if self._new(name, at):
                    self.arrays[name] = declaration
            case Claim(quantity, _, bound, at):
                if quantity not in QUANTITIES:
                    known = did_you_mean(quantity, QUANTITIES) or f"; a claim is about {', '.join(QUANTITIES)}"
                    self._error(f"unknown quantity `{quantity}`{known}", at)
                self._parametric(bound, "a claim", outputs=True)
                self.claims.append(declaration)
            case Mode() | Word() | Procs():
                self._single(declaration)

    def add_local_array(self, node: LocalArray, procs: Expression) -> None:
        for dimension in node.dimensions:
            self._parametric(dimension, "an array's size or range")
        if self._new(node.name, node.at):
            self.arrays[node.name] = Shared(node.name, (procs, *node.dimensions), "local", None, None, (), node.at)

    def _single(self, declaration: Mode | Word | Procs) -> None:
        kind = type(declaration)
        if kind in self.once:
            self._error(f"second `{kind.__name__.lower()}`; the first is on line {self.once[kind].at.line}", declaration.at)
        self.once[kind] = declaration
        match declaration:
            case Mode(name, at) if name not in MODES:
                self._error(f"unknown access mode `{name}`", at)
            case Word(expression) | Procs(expression):
                self._parametric(expression, f"`{kind.__name__.lower()}`")

    def _new(self, name: str, at: Span) -> bool:
        for earlier in (self.params.get(name), self.arrays.get(name)):
            if earlier is not None:
                self._error(f"`{name}` is declared twice; first at {earlier.at.line}:{earlier.at.column}", at)
                return False
        if name == "pid":
            self._error("`pid` is the processor's number and cannot be declared", at)
        return name != "pid"

    def _parametric(self, expression: Expression | None, where: str, outputs: bool = False) -> None:
        if expression is None:
            return
        if ghosts := [node for node in walk(expression) if word_of_contracts(node)]:
            self._error(f"`{word_of_contracts(ghosts[0])}` {IN_CONTRACTS}", ghosts[0].at)
            return
        self._calls(expression)
        for node in walk(expression):
            if isinstance(node, Index):
                self._error(f"{where} may use only numbers and parameters; `{node.name}[...]` is shared memory", node.at)
            elif isinstance(node, Name) and node.name not in self.params and not (outputs and self._is_output(node.name)):
                if node.name == INF:
                    self._error(
                        f"{where} cannot use `inf`, the largest word: the size of words depends on the declarations", node.at
                    )
                elif node.name in self.arrays or node.name == "pid":
                    what = "numbers, parameters and scalar outputs" if outputs else "numbers and parameters"
                    neither = "none of these" if outputs else "neither"
                    self._error(f"{where} may use only {what}; `{node.name}` is {neither}", node.at)
                elif later := self.places.get(node.name):
                    self._error(
                        f"`{node.name}` cannot be used before its declaration at {later.line}:{later.column} is complete", node.at
                    )
                else:
                    self._error(f"undeclared name `{node.name}`{did_you_mean(node.name, self.params)}", node.at)

    def _calls(self, expression: Expression) -> None:
        """Check that the functions exist. Those that a `floor` or `ceil` rounds are part of it."""
        inner: set[int] = set()
        for node in walk(expression):
            if isinstance(node, Call) and id(node) not in inner:
                inner |= {id(a) for a in node.arguments if node.function in functions.ROUNDING}
                if not functions.resolve(node)[0]:
                    self._error(functions.no_such_function(node), node.at)

    def _is_output(self, name: str) -> bool:
        array = self.arrays.get(name)
        return array is not None and not array.dimensions and array.role in ("output", "inout")

    def _error(self, message: str, at: Span) -> None:
        self.errors.append(Diagnostic(message, self.source, at))


def with_local_arrays(symbols: Symbols, tree: ProgramText, source: Source, errors: list[Diagnostic]) -> Symbols:
    """Return the symbols with the local arrays of the statements: each is shared memory with a row for each processor."""
    declarations = Declarations(tree, source, errors)
    declarations.params, declarations.arrays = dict(symbols.params), dict(symbols.arrays)
    for node in walk(tree):
        if isinstance(node, LocalArray):
            declarations.add_local_array(node, symbols.procs)
    return replace(symbols, arrays=declarations.arrays)
