"""Writes random programs of the language, with inputs.

The analysis accepts these programs, and most of them run to their end. For that, the writer tracks which values are uniform,
bounded or distinct (see `lockstep.proofs_check.fuzzing.random_scopes`). One program in two is risky, so that every kind
of run-time error occurs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

from hypothesis import strategies as st

from lockstep.pram.access import MODES, RULES
from lockstep.proofs_check.fuzzing.random_contracts import SPOT, Contracts
from lockstep.proofs_check.fuzzing.random_procedures import RandomProcedures
from lockstep.proofs_check.fuzzing.random_scopes import Expr, Scope, ones
from lockstep.proofs_check.fuzzing.shrinking import Choose, strategy

#: Modes that are drawn twice as often, since what they refuse happens seldom.
OFTEN = ("EREW", "CROW", "ERCW common")


@dataclass(frozen=True)
class TextCase:
    """A program text with the parameters and arrays to run it on."""

    text: str
    params: dict[str, int]
    arrays: dict[str, Any]


def language_programs(shrinkable: bool = False) -> st.SearchStrategy[TextCase]:
    """A strategy for programs of 1 .. 6 processors with arrays of up to 9 cells; most runs take 10 .. 300 steps.

    shrinkable: draw choice by choice, which finds smaller failing programs, but varies a few programs
    over and over; otherwise Hypothesis draws only a seed, and every program is a fresh one.
    """
    if shrinkable:
        return strategy(write_program)
    return st.integers(0, 2**63).map(lambda seed: language_program(Random(seed)))


def language_program(random: Random) -> TextCase:
    """A random program, drawn with `random`."""
    return write_program(Choose(random.randrange))


def write_program(choose: Choose) -> TextCase:
    """The program and input that these choices make; the first options make the smallest program."""
    return _Writer(choose).case()


class _Writer(RandomProcedures, Contracts):
    """Writes one program."""

    def __init__(self, choose: Choose) -> None:
        super().__init__(choose)
        self.fuel = 14

    def case(self) -> TextCase:
        self.mode = self.pick(*MODES, *OFTEN)
        head = ["program random", f"mode {self.mode}"] if self.mode != "EREW" or self.chance(2) else ["program random"]
        head += self.parameters()
        self.processors = self.pick(1, 2, 3, 4, 5, 6, 4, 6)
        head += [f"procs {self.exactly(self.processors).bare}"] if self.processors > 1 or self.chance(2) else []
        shared = [self.shared(name) for name in "ABCDE"[: self.pick(1, 2, 3, 4, 5, 2, 3, 4, 5)]]
        own = self.own_array()
        head += self.word_size() + shared + ([f"claim procs <= {self.exactly(6).bare}"] if self.chance(8) else [])
        pid = Expr("pid", 0, self.processors - 1, uniform=False, distinct=True)
        procedures = self.procedures(pid)
        body = own + self.block(Scope((pid,), alone=self.processors == 1), 6)
        statements = "\n".join(line[2:] for line in body)
        written = self.with_contracts(statements)  # these choices come last, so that statements do not depend on them
        bodies = [line for line in (SPOT.sub("", line) for line in procedures) if line.strip()]
        head += self.promises(SPOT.sub("", "\n".join([*bodies, statements])))
        return TextCase("\n".join([*head, *bodies, "", written, ""]), self.given, self.inputs)

    # -- statements ----------------------------------------------------------------------------

    def block(self, scope: Scope, most: int = 2) -> list[str]:
        """A few statements, indented."""
        lines: list[str] = []
        for number in range(most):
            found = self.draw.group(partial(self.another, scope, number == 0 and most > 2))
            if found is None:
                break
            more, after = found
            lines += self.spotted(more, scope, after)
            lines[-2] += ";" if self.chance(12) else ""
            scope = after
            lines += ["barrier"] if self.chance(30) else []
            lines += [self.printed(scope)] if self.chance(20) else []
        return [f"  {line}" for line in lines]

    def another(self, scope: Scope, surely: bool) -> tuple[list[str], Scope] | None:
        """One more statement of a block; None at its end. surely: a statement must follow."""
        return self.statement(scope) if surely or self.pick(False, True, True, True) else None

    def statement(self, scope: Scope) -> tuple[list[str], Scope]:
        """A random statement, and the scope after it."""
        kinds = [self.local, self.assign, self.store, self.store, self.store, self.store, self.several]
        kinds += [self.prefix_sum] if self.chance(3) else []
        kinds += [self.call] * 2 if self.procs else []
        if scope.leaves:
            kinds.append(self.leave)
        if scope.item:
            kinds.append(self.end_item)
        if scope.depth < 3 and self.fuel > 0:
            kinds += [self.branch, self.branch]
            if scope.loops < 2:
                kinds += [self.loop, self.own_loop, self.bounded_loop]
                kinds += [self.bounded_loop, self.counted_loop, self.counted_loop] if scope.surely else []
            if not scope.padded:
                kinds += [*[self.control] * 6, self.choose]
        self.fuel -= 1
        return self.pick(*kinds)(scope)

    def local(self, scope: Scope) -> tuple[list[str], Scope]:
        """Declare a local. A distinct one keeps its value; any other may be assigned words with as many bits."""
        uniform = not scope.divergent and self.chance(2)
        value = self.word(scope, 2, uniform)
        name = f"v{len(scope.variables)}"
        if self.chance(6):
            return self.two_locals(scope)
        term = Expr(name, value.low, value.high, False, distinct=True)
        if not value.distinct:
            term = Expr(name, 0, min(ones(max(value.high, 1)), self.limit), uniform)
        return [f"local {name} := {value.bare}"], scope.having(term, assignable=not value.distinct)

    def assign(self, scope: Scope) -> tuple[list[str], Scope]:
        variables = [t for t in scope.variables if t.text in scope.assignable]
        if not variables:
            return self.local(scope)
        term = self.pick(*variables)
        if self.chance(3):
            return [self.augmented(scope, term)], scope
        return [f"{term.text} := {self.mask(self.word(scope, 2, term.uniform), term.high).bare}"], scope

    def two_locals(self, scope: Scope) -> tuple[list[str], Scope]:
        """Declare two locals at once."""
        values = [self.word(scope, 1) for _ in range(2)]
        first = len(scope.variables)
        terms = [Expr(f"v{first + k}", 0, min(ones(max(v.high, 1)), self.limit), uniform=False) for k, v in enumerate(values)]
        names, texts = ", ".join(t.text for t in terms), ", ".join(v.bare for v in values)
        return [f"local {names} := {texts}"], scope.having(*terms, assignable=True)

    def augmented(self, scope: Scope, target: Expr) -> str:
        """`x += e` and its kin. Most keep the target in its range."""
        value = self.word(scope, 1, target.uniform)
        if self.wrap and self.chance(3):  # any integer is as good as its word
            return f"{target.text} {self.pick('+', '*', '^')}= {self.limit + 1 + self.pick(1, 2, 3, self.limit)}"
        if self.wrap or not self.careful(4):
            return f"{target.text} {self.pick('+', '-', '*', '<<')}= {value.bare}"
        if self.chance(2):
            return f"{target.text} {self.pick('|', '^')}= {self.mask(value, target.high).bare}"
        if self.chance(4):
            return f"{target.text} -= {target.text} & {value.text}"
        return (
            f"{target.text} {self.pick('/', '%')}= {self.positive(value).bare}"
            if self.chance(2)
            else f"{target.text} &= {value.bare}"
        )

    def several(self, scope: Scope) -> tuple[list[str], Scope]:
        """`a, b := e, f`: locals and cells get values together; often two locals change places."""
        variables = [t for t in scope.variables if t.text in scope.assignable]
        cell = self.written_cell(scope)
        targets = [t for t in (cell, self.pick(*variables) if variables else None) if t is not None]
        if len(targets) < 2:
            return self.assign(scope)
        if len(variables) > 1 and self.chance(2):
            targets = [variables[0], self.pick(*variables[1:])]
        values = [self.mask(self.word(scope, 1, t.uniform and t is not cell), t.high) for t in targets]
        if targets[0].uniform == targets[1].uniform and cell not in targets and targets[0].high == targets[1].high:
            values = targets[::-1]
        return [f"{', '.join(t.text for t in targets)} := {', '.join(v.bare for v in values)}"], scope

    def prefix_sum(self, scope: Scope) -> tuple[list[str], Scope]:
        """`ps` on any cell, since the processors take turns. The local then has what other processors wrote."""
        variables = [
            t for t in scope.variables if t.text in scope.assignable and not t.uniform and t.text != "y"
        ]  # y may be a cell
        cell = self.cell(scope, False, False, 1)
        if cell is None or not variables:
            return self.local(scope)
        return [f"{self.pick('ps', 'psm')}({self.pick(*variables).text}, {cell.text})"], scope

    def written_cell(self, scope: Scope) -> Expr | None:
        """A cell that each processor may write whatever it likes to."""
        mode = MODES[self.mode]
        free = scope.alone or (mode.concurrent_writes and not mode.same_value) or not self.careful()
        return self.cell(scope, not free, False, 1)

    def store(self, scope: Scope) -> tuple[list[str], Scope]:
        """Write a cell or a scalar, as the mode allows: each processor its own, all the same value, or anything."""
        mode = MODES[self.mode]
        allowed = mode.concurrent_writes and not mode.same_value
        meet = not scope.alone and (self.colliding and self.chance(2) or allowed and self.chance(4))
        free = scope.alone or allowed or not self.careful()
        same = mode.same_value and not free and self.chance(2)
        cell = self.cell(scope, not (free or same or meet), meet, 1)
        if cell is None:
            return self.local(scope)
        distinct = [t for t in scope.variables if t.distinct]
        rule = self.write_rule(2)
        large = (
            meet and (RULES[rule] if rule else mode.combining) == "sum" and not self.careful(1)
        )  # some sums are to be no words
        if self.chance(8) and not same:
            return [self.augmented(scope, cell)], scope
        if large:
            value = self.number(self.limit)
        else:
            value = self.pick(*distinct) if meet and distinct else self.mask(self.word(scope, 2, same), cell.high)
        return [f"{self.combined(rule)}{cell.text} := {value.bare}"], scope

    def printed(self, scope: Scope) -> str:
        """A `print`. It may read what others read or write in this step."""
        items = ['"at"'] if self.chance(3) else []
        return f"print {', '.join([*items, *(self.word(scope, 2).bare for _ in range(self.pick(1, 2)))])}"

    def condition(self, scope: Scope, uniform: bool) -> Expr:
        return self.word(scope, 1, uniform) if self.chance(4) else self.truth(scope, 2, uniform)

    def branch(self, scope: Scope) -> tuple[list[str], Scope]:
        """A padded `if`; some conditions select processors by a distinct variable."""
        distinct = [t for t in scope.variables if t.distinct]
        if distinct and self.chance(3):
            condition, inside = self.guard(scope, self.pick(*distinct))
            outside = replace(scope.pad(uniform=False), surely=True)
        else:
            uniform = self.chance(2)
            condition = self.condition(scope, uniform).bare
            inside = outside = scope.pad(uniform, keep=self.chance(2))
        return [f"if {condition} then", *self.block(inside), *self.rest(outside), "end"], scope

    def guard(self, scope: Scope, distinct: Expr) -> tuple[str, Scope]:
        """A condition on a distinct variable that only some processors meet, and the scope of these."""
        value = self.pick(*range(distinct.low, max(distinct.low, distinct.high) + 1))
        relation = self.pick("==", "<=", ">=")
        low, high = (distinct.low if relation == "<=" else value), (distinct.high if relation == ">=" else value)
        inside = scope.pad(uniform=False)
        variables = tuple(replace(t, low=low, high=high) if t == distinct else t for t in inside.variables)
        inside = replace(inside, surely=True, variables=variables, alone=scope.alone or relation == "==")
        return f"{distinct.text} {relation} {self.exactly(value).text}", inside

    def rest(self, scope: Scope) -> list[str]:
        """What follows the `then` part of an `if`: nothing, `else`, or `elif`."""
        kind = self.pick("", "else", "elif")
        if kind == "elif" and scope.depth < 5:
            uniform = self.chance(2)
            condition, inside = self.condition(scope, uniform).bare, scope.pad(uniform)
            return [f"elif {condition} then", *self.block(inside), *self.rest(inside)]
        return ["else", *self.block(scope)] if kind == "else" else []

    # -- control that all processors share ---------------------------------------------------------

    def control(self, scope: Scope) -> tuple[list[str], Scope]:
        kinds = [self.parallel, self.parallel, self.parallel, self.parallel_on, self.copy, self.single]
        if self.chance(8):
            kinds.append(self.halt)
        if scope.loops < 2:
            kinds += [self.counting_loop, self.counting_loop, self.draining_loop, self.searching_loop]
        return self.pick(*kinds)(scope)

    def choose(self, scope: Scope) -> tuple[list[str], Scope]:
        """An `if` with control in it: only the branch that is taken costs time."""
        condition = self.truth(scope, 1, uniform=True)
        inside = replace(scope, depth=scope.depth + 1)
        held, after = self.control(inside)
        then = [*(f"  {line}" for line in held), *self.block(after, 1)]
        return [f"if {condition.bare} then", *then, *self.rest(inside), "end"], scope

    def single(self, scope: Scope) -> tuple[list[str], Scope]:
        return ["single do", *self.block(replace(scope.pad(uniform=False), alone=True, surely=True, item=True), 3), "end"], scope

    def end_item(self, scope: Scope) -> tuple[list[str], Scope]:
        """A `return`, for all items or for some."""
        if self.chance(8):
            return ["return"], scope
        return [f"if {self.truth(scope, 1).bare} then return end"], scope

    def halt(self, scope: Scope) -> tuple[list[str], Scope]:
        return ["halt"], scope
