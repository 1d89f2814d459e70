"""Semantic analysis: checks names, types and uniformity before a program is lowered.

A local is *uniform* when all processors hold the same value in it. A fixpoint finds the uniform locals: every local
starts as uniform. It becomes varying when a varying value is assigned to it, or when only some processors assign to it.
The same fixpoint finds how each loop runs (`lockstep.pram.loop_kinds`). A last pass then reports all errors at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lockstep.pram.access import MODES
from lockstep.pram.bound_checking import BoundChecker
from lockstep.pram.checking import Context
from lockstep.pram.contracts.checking import ContractChecker
from lockstep.pram.contracts.kinds import Clause, clause_of, promised
from lockstep.pram.declarations import Declarations, Symbols, combines_nothing, with_local_arrays
from lockstep.pram.errors import Diagnostic, PramError, Source, Span, did_you_mean
from lockstep.pram.expression_text import shown_text
from lockstep.pram.loop_kinds import LoopKind, LoopKinds, control_ifs
from lockstep.pram.rewriting import rewrite
from lockstep.pram.syntax import (
    Assert,
    Assign,
    Break,
    Called,
    Expression,
    For,
    Halt,
    If,
    Index,
    Local,
    LocalArray,
    Name,
    Node,
    Parallel,
    PrefixSum,
    Print,
    ProgramText,
    Repeat,
    Return,
    Several,
    Single,
    Snapshot,
    Statement,
    Store,
    Text,
    While,
    walk,
)

#: What to write instead of control inside `parallel`.
ADVICE = {
    ("parallel", "parallel"): "; for pairs, write two ranges: `i in .., j in ..`",
    ("halt", "parallel"): "; `return` ends the item of one processor",
    ("halt", "single"): "; `return` ends the `single`",
}


@dataclass(frozen=True)
class Analysis:
    """An analysed program.

    tree: the program with rewritten statements. control_ifs: the places of the `if`s that cost only the branch taken.
    loops: how each loop runs that does not run for all processors together, by its place. calls: the places of the calls in which
    each processor returns for itself. warnings: what is seldom meant.
    """

    tree: ProgramText
    symbols: Symbols
    control_ifs: frozenset[Span]
    loops: Mapping[Span, LoopKind]
    calls: frozenset[Span] = frozenset()
    warnings: tuple[Diagnostic, ...] = ()


def analyse(tree: ProgramText, source: Source) -> Analysis:
    """Check names, types and uniformity, and return what lowering needs.

    Raises: PramError: with one diagnostic for each error, in the order of the text.
    """
    errors: list[Diagnostic] = []
    symbols = with_local_arrays(Declarations(tree, source, errors).symbols(), tree, source, errors)
    tree = rewrite(tree, symbols)
    varying: dict[Span, Span] = {}
    kinds = LoopKinds(tree, symbols)
    known = (-1, -1)
    while known != (len(varying), len(kinds.apart)):  # each round only adds to them
        known = len(varying), len(kinds.apart)
        _Checker(symbols, source, varying, [], control_ifs(tree, kinds.apart), kinds).block(tree.body, Context())
    ifs = control_ifs(tree, kinds.apart)
    checker = _Checker(symbols, source, varying, errors, ifs, kinds)
    checker.block(tree.body, Context())
    checker.promises(tree)
    if errors:
        unique = {(d.span, d.message): d for d in errors}
        raise PramError(sorted(unique.values(), key=lambda d: (d.span.own.line, d.span.own.column) if d.span else (0, 0)))
    return Analysis(tree, symbols, ifs, kinds.found, frozenset(kinds.calls), tuple(checker.warnings))


class _Checker(BoundChecker):
    """One pass over the statements: marks varying locals and reports errors."""

    def __init__(
        self, symbols: Symbols, source: Source, varying: dict[Span, Span], errors: list[Diagnostic], ifs: frozenset[Span],
        kinds: LoopKinds,
    ) -> None:  # fmt: skip
        super().__init__(symbols, source, varying, errors)
        self.control_ifs, self.kinds = ifs, kinds

    def block(self, statements: Iterable[Statement], context: Context) -> None:
        for statement in statements:
            context = self.statement(statement, context)

    def statement(self, statement: Statement, context: Context) -> Context:
        """Check one statement, and return the context of the next one in its block."""
        match statement:
            case Local(name, value, at, items):
                self.expression(value, context)
                inner = self._assigned(at, value, at, self._declare(name, at, context, loop=bool(items)))
                return replace(inner, ranges=self.listed_range(name, items, inner))
            case Assert():
                self._contract(clause_of(statement), context)
            case Snapshot():
                pass
            case LocalArray():
                pass  # it was declared with the shared arrays
            case Assign(name, value, at):
                self._combined(statement, context)
                self.expression(value, context)
                self._assign(name, value, at, context)
            case Store(name, subscripts, value, at):
                self._combined(statement, context)
                self.expression(Index(name, subscripts, at), context)
                self.expression(value, context)
            case PrefixSum(name, target, at):  # all others are rewritten
                self.expression(target, context)
                if name in self.symbols.arrays:
                    self._error(f"`{name}` is shared: the first argument of a prefix sum is a local", at)
                if target.name in {**context.scope, **self.symbols.params} or target.name == "pid":
                    self._error(
                        f"`{target.name}` is no shared cell: the second argument is what all processors add to", target.at
                    )
            case Several():
                self._several(statement, context)
            case If():
                self._if(statement, context)
            case For():
                self._for(statement, context)
            case While() | Repeat():
                self._while(statement, context)
            case Parallel():
                self._parallel(statement, context)
            case Single(body, at):
                self._control("single", at, context)
                self.block(body, replace(self._padded(statement, context, "single"), loop="", returns="item"))
            case Halt(at):
                self._control("halt", at, context)
            case Break(at):
                self._break(at, context)
            case Called(_, body):
                self.block(body, replace(context, loop="", returns=self.kinds.note_call(statement, context) or context.returns))
            case Return(at) if context.returns == "together":
                self._control("return", at, context)
            case Return(at) if not context.returns:
                self._error(
                    "`return` ends an item of a `parallel for` or a `single`, but there is none around it; write `halt`", at
                )
            case Print(items):
                for item in items:
                    if not isinstance(item, Text):
                        self.expression(item, context)
        return context

    def _contract(self, clause: Clause, context: Context) -> None:
        ContractChecker(clause, self.symbols, context.scope, self.source, self.errors).check()

    def _invariants(self, loop: While | Repeat | For, context: Context) -> None:
        for invariant in loop.invariants:
            self._contract(Clause("invariant", invariant.condition, invariant.at), context)

    def promises(self, tree: ProgramText) -> None:
        """Check what the program requires and ensures."""
        for clause in promised(tree):
            self._contract(clause, Context())

    # -- names ---------------------------------------------------------------------------------

    def _declare(self, name: str, at: Span, context: Context, loop: bool = False) -> Context:
        earlier = self.symbols.params.get(name) or self.symbols.arrays.get(name)
        first = earlier.at if earlier else context.scope.get(name)
        if first is not None:
            self._error(f"`{name}` is declared twice; first at {first.line}:{first.column} (no name hides another)", at)
        if name == "pid":
            self._error("`pid` is the processor's number and cannot be declared", at)
        return context.declare(name, at, loop)

    def _assign(self, name: str, value: Expression, at: Span, context: Context) -> None:
        if name in context.scope:
            if name in context.loops:
                self._error(f"loop variable `{name}` cannot be assigned", at)
            self._assigned(context.scope[name], value, at, context)
        elif name in self.symbols.params or name == "pid":
            self._error(f"`{name}` cannot be assigned: it is {'a parameter' if name != 'pid' else 'the processor number'}", at)
        elif name not in self.symbols.arrays:
            hint = (
                did_you_mean(name, {*context.scope, *self.symbols.arrays})
                or f"; to make a new local, write `local {name} := ...`"
            )
            self._error(f"undeclared name `{name}`{hint}", at)
        else:
            self.expression(Name(name, at), context)

    def _combined(self, statement: Assign | Store, context: Context) -> None:
        """Refuse a `combine` of a local, or under a mode that combines no writes."""
        if statement.rule and isinstance(statement, Assign) and statement.name in context.scope:
            self._error(f"`combine` writes to shared memory, and `{statement.name}` is a local", statement.at)
        elif statement.rule and not MODES[self.symbols.mode].combines:
            self._error(combines_nothing(self.symbols.mode), statement.at)

    def _assigned(self, declared: Span, value: Expression, at: Span, context: Context) -> Context:
        if context.divergent or not self.uniform(value, context):
            self.varying.setdefault(declared, at)
        return context

    def _several(self, statement: Several, context: Context) -> None:
        for value in statement.values:
            self.expression(value, context)
        for target, value in zip(statement.targets, statement.values):
            if isinstance(target, Name):
                self._assign(target.name, value, target.at, context)
            else:
                self.expression(target, context)

    # -- control -------------------------------------------------------------------------------

    def _control(self, word: str, at: Span, context: Context) -> None:
        if not context.divergent:
            return
        why = "there is one level of processors" if word == context.divergent else "idle processors could not follow it"
        self._error(f"`{word}` cannot stand inside {context.place}: {why}{ADVICE.get((word, context.divergent), '')}", at)

    def _break(self, at: Span, context: Context) -> None:
        if not context.loop:
            self._error("`break` leaves a loop, but there is none around it here", at)
        elif context.loop == "together":
            self._control("break", at, context)

    def _if(self, statement: If, context: Context) -> None:
        self.expression(statement.condition, context)
        uniform = not context.divergent and self.uniform(statement.condition, context)
        if uniform and statement.at in self.control_ifs:
            inner = context
        elif uniform:
            inner = self._padded(statement, context, "")
        else:
            inner = self._padded(statement, context, context.divergent or "an `if` whose condition differs per processor")
        self.block(statement.then, inner)
        self.block(statement.otherwise, inner)

    def _padded(self, statement: Node, context: Context, divergent: str) -> Context:
        """Return the context inside a region in which idle processors run nops instead."""
        assigned = context.assigned
        if assigned is None:
            assigned = self._assignments(statement, context)
        return replace(context, divergent=divergent, assigned=assigned)

    def _assignments(self, region: Node, context: Context) -> frozenset[Span]:
        nodes = [node for node in walk(region) if isinstance(node, (Local, Assign, Several))]
        places = {node.at for node in nodes if isinstance(node, Local)}
        names = {node.name for node in nodes if isinstance(node, Assign)}
        names |= {t.name for node in nodes if isinstance(node, Several) for t in node.targets if isinstance(t, Name)}
        return frozenset(places | {at for name, at in context.scope.items() if name in names})

    # -- loops ---------------------------------------------------------------------------------

    def _while(self, loop: While | Repeat, context: Context) -> None:
        word = "while" if isinstance(loop, While) else "repeat"
        apart = self.kinds.note(loop, context)
        if loop.bound is not None:
            self.rounds_bound(loop.bound, context)
        elif context.divergent and not apart:
            self._error(
                f"`{word}` inside {context.place} needs `atmost`: write `{_bounded_form(loop)}`, with B rounds enough for every "
                "processor; only the modes CRCW find by themselves when all are done",
                loop.at,
            )
        inner = self._apart(loop, context) if apart else replace(context, loop="together")
        self._invariants(loop, context)
        if isinstance(loop, While):
            self.expression(loop.condition, context)
        self.block(loop.body, inner)
        if isinstance(loop, Repeat):
            self.expression(loop.condition, inner)

    def _apart(self, loop: Node, context: Context) -> Context:
        """Return the context in a loop in which each processor stops for itself."""
        return replace(self._padded(loop, context, context.divergent or "a loop that processors leave one by one"), loop="apart")

    def _for(self, loop: For, context: Context) -> None:
        by = () if loop.by is None else (loop.by,)
        for expression in (loop.first, loop.last, *by):
            self.expression(expression, context)
        self.listed(loop.items, context)
        if loop.bound is not None:
            self.rounds_bound(loop.bound, context)
        why = next((found for b in (loop.first, loop.last, *by) if (found := self.bound(b, context))), None)
        apart = self.kinds.note_for(loop, context, differs=why is not None)
        if why is not None and not apart:
            node, text = why
            self._error(f"{text}; write `atmost B` before `do`, with B rounds enough for every processor", node.at)
        inner = self._declare(loop.variable, loop.at, context, loop=True)
        if apart or not (self.uniform(loop.first, context) and self.uniform(loop.last, context)):
            self.varying[loop.at] = loop.at
        self.keep_bound(loop, context, apart)
        self._invariants(loop, inner)
        inner = replace(inner, ranges=self.ranges(loop, context))
        self.block(loop.body, self._apart(loop, inner) if apart else replace(inner, loop="together"))

    def _parallel(self, statement: Parallel, context: Context) -> None:
        self._control("parallel", statement.at, context)
        if statement.processors is not None:
            self._error("`on` divides the items of one range among processors; here are several ranges", statement.processors.at)
        inner = replace(self._padded(statement, context, "parallel"), loop="", returns="item")
        for part in statement.ranges:
            self.listed(part.items, context, same=True)
            for bound in (part.low, part.high):
                self.expression(bound, context)
                if not self.uniform(bound, context):
                    name = next(n for n in walk(bound) if isinstance(n, Name) and self._varies(n, context))
                    why = self._differs(name.name, context)
                    self._error(f"the range of a `parallel for` differs per processor: {why}", name.at)
            inner = replace(self._declare(part.variable, part.at, inner, loop=True), ranges=self.ranges(part, inner))
            self.varying[part.at] = part.at
        self.block(statement.body, inner)


def _bounded_form(loop: While | Repeat) -> str:
    """Return the line with `atmost` that a loop needs."""
    condition = shown_text(loop.condition)
    return f"while {condition} atmost B do" if isinstance(loop, While) else f"until {condition} atmost B"
