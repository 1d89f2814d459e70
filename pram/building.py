"""Builds the syntax tree, while the parser reads a program."""

from __future__ import annotations

from typing import Any, get_args

from lark import Token, Transformer, v_args

from lockstep.pram import syntax
from lockstep.pram.access import MODES, RULES, WRITE_RULES
from lockstep.pram.errors import Span
from lockstep.pram.syntax import (
    INF,
    PREFIX_SUMS,
    QUANTIFIERS,
    Binary,
    Call,
    Expression,
    If,
    Index,
    Name,
    Not,
    Number,
    ProgramText,
    Statement,
)

#: The most subscripts of an array.
MAX_SUBSCRIPTS = 3


class Mistake(Exception):
    """A mistake that the grammar allows: its message and place."""

    def __init__(self, message: str, at: Span) -> None:
        super().__init__(message)
        self.message, self.at = message, at


def span(token: Token) -> Span:
    """Return a token's place."""
    return Span(token.line or 1, token.column or 1)


@v_args(inline=True)
class Builder(Transformer[Token, Any]):
    """Builds a syntax node for each grammar rule, bottom up and without recursion.

    Raises: Mistake: something that the language does not have.
    """

    # -- declarations --------------------------------------------------------------------------

    def start(self, name: Token, *rest: Any) -> ProgramText:
        flat = [item for part in rest for item in (part if isinstance(part, tuple) else (part,))]
        declarations = tuple(item for item in flat if isinstance(item, get_args(syntax.Declaration)))
        return ProgramText(str(name), declarations, tuple(i for i in flat if isinstance(i, get_args(Statement))), span(name))

    def library(self, name: Token, *declarations: Any) -> ProgramText:
        flat = [one for part in declarations for one in (part if isinstance(part, tuple) else (part,))]
        for one in flat:
            if not isinstance(one, (syntax.Use, syntax.Proc)):
                raise Mistake("a library holds procedures and `use` only; a program declares everything else", one.at)
        return ProgramText(str(name), tuple(flat), (), span(name), library=True)

    def mode(self, tokens: tuple[Token, ...]) -> syntax.Mode:
        name = " ".join(tokens)
        if name not in MODES:
            raise Mistake(f"{tokens[0]} needs a write rule: {WRITE_RULES[tokens[0]]}", span(tokens[0]))
        return syntax.Mode(name, span(tokens[0]))

    def mode_name(self, *tokens: Token) -> tuple[Token, ...]:
        return tokens

    def params(self, *parameters: syntax.Param) -> tuple[syntax.Param, ...]:
        return parameters

    def parameter(self, name: Token, value: Expression | None) -> syntax.Param:
        return syntax.Param(str(name), value, span(name))

    def word(self, bits: Expression, *kinds: Token) -> syntax.Word:
        if len(set(kinds)) < len(kinds):
            raise Mistake(f"`{kinds[-1]}` is written twice", span(kinds[-1]))
        return syntax.Word(bits, "wrap" in kinds, "signed" in kinds, bits.at)

    def procs(self, count: Expression) -> syntax.Procs:
        return syntax.Procs(count, count.at)

    def shareds(self, *arrays: syntax.Shared) -> tuple[syntax.Shared, ...]:
        """A kind written once may seem to hold for the arrays before it, too; so the first entry needs its own."""
        later = next((a for a in arrays if a.role != "work"), None)
        if later is not None and arrays[0].role == "work":
            first, kind = arrays[0].name, later.role
            raise Mistake(
                f"`{first}` has no kind: `: {kind}` holds for `{later.name}` only; write `: {kind}` after `{first}`, too, "
                f"or declare it in a `shared` of its own",
                arrays[0].at,
            )
        return arrays

    def shared(self, rule: str | None, name: Token, extents: Any, role: Token | None, low: Any, high: Any) -> syntax.Shared:
        pairs = extents or ()
        at_most_three(pairs, span(name), str(name))
        firsts = tuple(Number(0) if end is None else start for start, end in pairs)
        dimensions = tuple(_extent(start, end) for start, end in pairs)
        return syntax.Shared(
            str(name),
            dimensions,
            str(role or "work"),
            low,
            high,
            firsts if any(f != Number(0) for f in firsts) else (),
            span(name),
            rule or "",
        )

    def combined(self, rule: Token) -> str:
        return _known_rule(rule)

    def extents(self, *pairs: Any) -> tuple[Any, ...]:
        return pairs

    def extent(self, start: Expression, end: Expression | None) -> tuple[Expression, Expression | None]:
        return start, end

    def claim(self, quantity: Token, relation: Token, bound: Expression) -> syntax.Claim:
        return syntax.Claim(str(quantity), str(relation), bound, span(quantity))

    def requires(self, word: Token, condition: Expression) -> syntax.Requires:
        return syntax.Requires(condition, span(word))

    def ensures(self, word: Token, condition: Expression) -> syntax.Ensures:
        return syntax.Ensures(condition, span(word))

    def use(self, word: Token, name: Token) -> syntax.Use:
        standard = name.type == "NAME"
        return syntax.Use(str(name) if standard else str(name)[1:-1], standard, span(word))

    def proc(self, word: Token, name: Token, formals: Any, promises: Any, body: Any) -> syntax.Proc:
        return syntax.Proc(str(name), formals or (), promises, body, span(name))

    def formals(self, *formals: syntax.Formal) -> tuple[syntax.Formal, ...]:
        return formals

    def by_value(self, name: Token, default: Expression | None) -> syntax.Formal:
        return syntax.Formal(str(name), "value", default, span(name))

    def by_place(self, word: Token, name: Token) -> syntax.Formal:
        if word != "out":
            raise Mistake(f"an argument is written `x`, `out y` or `A[]`, not `{word} {name}`", span(word))
        return syntax.Formal(str(name), "place", None, span(name))

    def of_array(self, name: Token) -> syntax.Formal:
        return syntax.Formal(str(name), "array", None, span(name))

    def promises(self, *promises: Any) -> tuple[Any, ...]:
        return promises

    # -- statements ----------------------------------------------------------------------------

    def local(self, names: tuple[Token, ...], values: tuple[Expression, ...]) -> tuple[Statement, ...]:
        _same_number(names, values, span(names[0]))
        return tuple(syntax.Local(str(name), value, span(name)) for name, value in zip(names, values))

    def local_array(self, name: Token, dimensions: tuple[Expression, ...]) -> syntax.LocalArray:
        at_most_three((*dimensions, None), span(name), str(name), "a local array")
        return syntax.LocalArray(str(name), dimensions, span(name))

    def assign(self, targets: tuple[Name | Index, ...], values: tuple[Expression, ...]) -> Statement:
        _same_number(targets, values, targets[0].at)
        return _assign(targets[0], values[0]) if len(targets) == 1 else syntax.Several(targets, values, targets[0].at)

    def augmented(self, target: Name | Index, operator: Token, value: Expression) -> Statement:
        """`x += e` is `x := x + e`."""
        return _assign(target, Binary(str(operator)[:-1], target, value, span(operator)))

    def combine(self, rule: Token, target: Name | Index, value: Expression) -> Statement:
        return _assign(target, value, _known_rule(rule))

    def call_statement(self, name: Token, arguments: tuple[Expression, ...] | None) -> Statement:
        if name in PREFIX_SUMS:
            return _prefix_sum(name, arguments or ())
        return syntax.CallStatement(str(name), arguments or (), span(name))

    def side_by_side(self, word: Token, *calls: Statement) -> Statement:
        for call in calls:
            if not isinstance(call, syntax.CallStatement):
                raise Mistake(
                    "`parallel .. end` holds calls of procedures; items are written `parallel for i in a .. b do`", call.at
                )
        return syntax.SideBySide(tuple(c for c in calls if isinstance(c, syntax.CallStatement)), span(word))

    def assert_(self, word: Token, condition: Expression) -> Statement:
        return syntax.Assert(condition, span(word))

    def if_(self, word: Token, condition: Expression, then: Any, otherwise: Any) -> If:
        return If(condition, then, otherwise, span(word))

    def elif_(self, word: Token, condition: Expression, then: Any, otherwise: Any) -> tuple[Statement, ...]:
        return (If(condition, then, otherwise, span(word)),)

    def else_(self, block: Any) -> tuple[Statement, ...]:
        return tuple(block)

    def no_else(self) -> tuple[Statement, ...]:
        return ()

    def block(self, *statements: Any) -> tuple[Statement, ...]:
        return tuple(one for found in statements for one in (found if isinstance(found, tuple) else (found,)))

    def while_(self, word: Token, condition: Expression, bound: Any, invariants: Any, body: Any) -> syntax.While:
        return syntax.While(condition, body, bound, span(word), invariants)

    def repeat(self, word: Token, invariants: Any, body: Any, condition: Expression, bound: Any) -> syntax.Repeat:
        return syntax.Repeat(body, condition, bound, span(word), invariants)

    def for_(self, word: Token, name: Token, first: Any, way: Token, last: Any, by: Any, bound: Any, *rest: Any) -> syntax.For:
        invariants, body = rest
        if way == "downto" and by is not None:
            raise Mistake("`downto` counts down by 1 and has no `step`; for another step count up, and subtract", by.at)
        return syntax.For(str(name), first, last, way == "downto", body, by, bound, span(word), (), invariants)

    def for_list(self, word: Token, name: Token, items: tuple[Expression, ...], invariants: Any, body: Any) -> syntax.For:
        first, last = _counted(items)
        return syntax.For(str(name), first, last, False, body, None, None, span(word), items, invariants)

    def invariants(self, *parts: Any) -> tuple[syntax.Invariant, ...]:
        return tuple(syntax.Invariant(condition, span(word)) for word, condition in zip(parts[::2], parts[1::2]))

    def list(self, items: tuple[Expression, ...]) -> tuple[Expression, ...]:
        return items

    def listed(self, name: Token, items: tuple[Expression, ...]) -> syntax.Range:
        return syntax.Range(str(name), *_counted(items), span(name), items)

    def range(self, name: Token, low: Expression, high: Expression) -> syntax.Range:
        return syntax.Range(str(name), low, high, span(name))

    def parallel(self, word: Token, _: Token, *rest: Any) -> syntax.Parallel:
        *ranges, processors, body = rest
        return syntax.Parallel(tuple(r for r in ranges if r is not None), body, processors, span(word))

    def given(self, expression: Expression) -> Expression:
        return expression

    def single(self, word: Token, body: Any) -> syntax.Single:
        return syntax.Single(body, span(word))

    def halt(self, word: Token) -> syntax.Halt:
        return syntax.Halt(span(word))

    def break_(self, word: Token) -> syntax.Break:
        return syntax.Break(span(word))

    def return_(self, word: Token) -> syntax.Return:
        return syntax.Return(span(word))

    def barrier(self, word: Token) -> tuple[Statement, ...]:
        """All processors are in step, so there is nothing to wait for: no statement."""
        return ()

    def print_(self, word: Token, *items: Any) -> syntax.Print:
        return syntax.Print(items, span(word))

    def text(self, token: Token) -> syntax.Text:
        return syntax.Text(str(token)[1:-1], span(token))

    def names(self, *names: Token) -> tuple[Token, ...]:
        return names

    def targets(self, *targets: Name | Index) -> tuple[Name | Index, ...]:
        return targets

    def expressions(self, *expressions: Expression) -> tuple[Expression, ...]:
        return expressions

    def arguments(self, *arguments: Expression) -> tuple[Expression, ...]:
        return arguments

    def operator(self, token: Token) -> Name:
        """An operator that is an argument, as in `reduce(+, A)`."""
        return Name(str(token), span(token))

    # -- expressions ---------------------------------------------------------------------------

    def binary(self, left: Expression, operator: Token, right: Expression) -> Binary:
        return Binary(str(operator), left, right, span(operator))

    def conditional(self, word: Token, condition: Expression, yes: Expression, no: Expression) -> syntax.Conditional:
        return syntax.Conditional(condition, yes, no, span(word))

    def not_(self, word: Token, operand: Expression) -> Not:
        return Not(operand, span(word))

    def negative(self, sign: Token, operand: Expression) -> Expression:
        """`-3` is a number; any other `-e` is `0 - e`."""
        if isinstance(operand, Number):
            return Number(-operand.value, span(sign))
        return Binary("-", Number(0, span(sign)), operand, span(sign))

    def quantified(self, word: Token, *rest: Any) -> syntax.Quantified:
        *ranges, body = rest
        if word not in QUANTIFIERS:
            raise Mistake(f"`{word}` takes no range; those that do are {', '.join(f'`{q}`' for q in QUANTIFIERS)}", span(word))
        return syntax.Quantified(str(word), tuple(ranges), body, span(word))

    def number(self, token: Token) -> Number:
        return Number(int(token, 10) if token.isdigit() else int(token, 0), span(token))

    def inf(self, token: Token) -> Name:
        return Name(INF, span(token))

    def name(self, token: Token) -> Name:
        return Name(str(token), span(token))

    def index(self, name: Token, subscripts: tuple[Expression, ...]) -> Index:
        at_most_three(subscripts, span(name), str(name))
        return Index(str(name), subscripts, span(name))

    def call(self, function: Token, arguments: tuple[Expression, ...] | None) -> Call:
        return Call(str(function), arguments or (), span(function))


def at_most_three(subscripts: tuple[Any, ...], at: Span, name: str, what: str = "an array") -> None:
    if len(subscripts) > MAX_SUBSCRIPTS:
        raise Mistake(f"`{name}` has {len(subscripts)} subscripts; {what} has at most {MAX_SUBSCRIPTS}", at)


def _same_number(targets: tuple[Any, ...], values: tuple[Expression, ...], at: Span) -> None:
    if len(targets) != len(values):
        raise Mistake(
            f"{len(targets)} names on the left of `:=`, but {len(values)} value{'s' * (len(values) != 1)} on the right", at
        )


def _counted(items: tuple[Expression, ...]) -> tuple[Number, Number]:
    """Return the ends of the range that counts the items of a list from 0."""
    return Number(0, items[0].at), Number(len(items) - 1, items[-1].at)


def _assign(target: Name | Index, value: Expression, rule: str = "") -> Statement:
    if isinstance(target, Name):
        return syntax.Assign(target.name, value, target.at, rule)
    return syntax.Store(target.name, target.subscripts, value, target.at, rule)


def _known_rule(rule: Token) -> str:
    if rule not in RULES:
        meant = "did you mean `+`?" if rule in ("sum", "add", "plus") else f"the rules are {', '.join(f'`{r}`' for r in RULES)}"
        raise Mistake(f"`{rule}` is no write rule; {meant}", span(rule))
    return str(rule)


def _prefix_sum(word: Token, arguments: tuple[Expression, ...]) -> Statement:
    match arguments:
        case (Name(name), (Name() | Index()) as target):
            return syntax.PrefixSum(name, target, span(word))
    raise Mistake(f"`{word}` takes a local and a shared cell: write `{word}(x, s)` or `{word}(x, A[i])`", span(word))


def _extent(start: Expression, end: Expression | None) -> Expression:
    """The number of subscripts from `start` to `end`; if there is no end, `start` is the number itself."""
    if end is None or start == Number(1):
        return start if end is None else end
    return Binary("+", Binary("-", end, start, end.at), Number(1, end.at), end.at)
