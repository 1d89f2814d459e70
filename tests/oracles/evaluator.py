"""A second evaluator of the PRAM language, sharing only the syntax tree with the project.

It is an oracle: it walks the tree statement by statement for all processors in lock step, never
makes machine code, and counts steps by the table of docs/language.md section 5. Values of an expression
are lists, one entry for each active processor, in order of pid. Idle processors are those that
exist but are not in `active`; the steps of a statement are counted even when `active` is empty.

Its parts: `meaning` (statements that stand for others), `memory` (declarations, and the memory before the first step), `words`
(expressions and accesses), `ends` (the ends of ranges), `contracts` (what is checked at no cost), `apart` (loops that processors leave
one by one; `leaving` and `rounds` tell which, and for how long), and here all other statements.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, Name, ProgramText, Statement
from oracles.apart import Apart
from oracles.memory import Arrays
from oracles.plain import Params, Printed, Trap, common

STEPS_PER_FURTHER_RANGE = 4  # what decodes the items of a further range of a `parallel for`
STEPS_OF_AN_EXTENT = 3  # the number of items of a further range whose bounds are words
STEPS_OF_NO_ITEMS = 2  # a range before such a range has no items if that has none


class Halted(Exception):
    """All processors have executed `halt`."""


class _Left(Exception):
    """All processors leave the innermost loop."""


class _Returned(Exception):
    """All processors leave the body of a procedure."""


@dataclass(frozen=True)
class Result:
    outputs: dict[str, Any]
    memory: list[int]
    time: int
    processors: int
    word_bits: int
    shared_accesses: int
    printed: list[Printed]


def evaluate(tree: ProgramText, params: Params, arrays: Arrays, word_bits: int | None = None, max_steps: int = 10**6) -> Result:
    """Run a program on its inputs, and return its results and costs."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 10_000))  # trees are 256 levels deep, and sums some thousand terms long
    run = Run(tree, params, arrays, word_bits, max_steps)
    run.promises(syntax.Requires)
    with suppress(Halted):
        run.block(run.tree.body, run.everyone)
        run.step()
    run.promises(syntax.Ensures)
    outputs = {a.name: a.nested(run.memory) for a in run.arrays.values() if a.role in ("output", "inout")}
    return Result(outputs, [word % run.limit for word in run.memory], run.time, run.processors, run.bits, run.shared_accesses,
                  run.printed)  # fmt: skip


class Run(Apart):
    """One run, statement by statement."""

    def block(self, body: tuple[Statement, ...], active: list[int]) -> None:
        for s in body:
            active = self.present(active)
            match s:
                case syntax.Store():
                    self.store(s.name, s.subscripts, s.value, active, s.rule)
                case syntax.Assign(name, value) if name in self.arrays:
                    self.store(name, (), value, active, s.rule)
                case syntax.Local(name, value) | syntax.Assign(name, value):
                    self.set(name, self.assigned(value, active), active)
                case syntax.Several():
                    self.several(s, active)
                case syntax.PrefixSum():
                    self.prefix_sum(s, active)
                case syntax.If():
                    self.conditional(s, active)
                case syntax.While() | syntax.Repeat() if id(s) in self.leaving.kinds:
                    self.loop_apart(s, active)
                case syntax.While() | syntax.Repeat():
                    self.loop_together(s, active)
                case syntax.For() if id(s) in self.leaving.kinds:
                    self.for_apart(s, active)
                case syntax.For():
                    with suppress(_Left):
                        self.loop(s, active)
                case syntax.Parallel():
                    self.parallel(s)
                case syntax.Single(inner):
                    self.step(2)
                    self.items(inner, [0])
                case syntax.Halt():
                    self.step()
                    raise Halted
                case syntax.Called(_, inner):
                    self.called(s, inner, active)
                case syntax.Return():
                    self.step()
                    if self.all_return:
                        raise _Returned
                    self.ended |= set(active)
                case syntax.Print():
                    self.show(s, active)
                case syntax.Assert() if active:
                    self.hold(s.word, s, active)
                case syntax.Called(_, inner) if not any(isinstance(n, syntax.Return) for n in syntax.walk(s)):
                    self.block(inner, active)
                case syntax.Called() | syntax.CallStatement() | syntax.SideBySide():
                    raise TypeError("no procedures that return early, and no calls that are not written out")
                case syntax.Snapshot(label):
                    self.keep(label, active)
                case syntax.Break():
                    self.step()
                    if not self.apart:
                        raise _Left
                    self.gone |= set(active)

    def called(self, s: syntax.Called, body: tuple[Statement, ...], active: list[int]) -> None:
        """The body of a procedure: a `return` ends it, for all at once, or one by one. Then those who wait take a step at its end."""
        alone, outer = id(s) in self.leaving.returning, (self.ended, self.all_return, self.gone, self.apart)
        if id(s) in self.leaving.returning_together or alone:
            self.all_return = not alone
        self.ended, self.gone, self.apart = set(self.ended), set(), False
        with suppress(_Returned):
            self.block(body, active)
        self.ended, self.all_return, self.gone, self.apart = outer
        if alone:
            self.step()

    def show(self, s: syntax.Print, active: list[int]) -> None:
        """Print, at no cost: each processor for itself, whatever the mode lets them read together."""
        for p in active:
            costs = self.time, self.shared_accesses
            self.printed.append((self.time + 1, s.at.line, p, tuple(self.printed_value(item, p) for item in s.items)))
            self.time, self.shared_accesses = costs

    def printed_value(self, item: syntax.Text | Expression, p: int) -> str | int | None:
        if isinstance(item, syntax.Text):
            return item.value
        try:
            return self.value(item, [p])[0]
        except Trap:
            return None

    def several(self, s: syntax.Several, active: list[int]) -> None:
        """All values first, each at least a step; then the assignments from left to right."""
        values = [self.assigned(value, active) for value in s.values]
        for target, column in zip(s.targets, values):
            if target.name in self.arrays:
                self.store(target.name, target.subscripts if isinstance(target, syntax.Index) else (), column, active)
            else:
                self.step()
                self.set(target.name, column, active)

    def prefix_sum(self, s: syntax.PrefixSum, active: list[int]) -> None:
        """One processor after the other, whether it takes part or not: who does adds its value, and gets the cell's."""
        subscripts = s.target.subscripts if isinstance(s.target, syntax.Index) else ()
        self.step()
        for turn in self.everyone:
            here = [turn] if turn in active else []
            self.step(4)  # whose turn is it?
            before = self.value(s.target, here)
            added = self.value(Name(s.name), here)
            self.step()
            self.store(s.target.name, subscripts, [self.word("+", a, b) for a, b in zip(before, added)], here)
            self.step()
            self.set(s.name, before, here)
            self.step(3)
        self.step(2)

    def loop_together(self, s: syntax.While | syntax.Repeat, active: list[int]) -> None:
        with suppress(_Left):
            self.invariants(s, active)
            if isinstance(s, syntax.While):
                while common(self.test(s.condition, active)):
                    self.block(s.body, active)
                    self.step()
                    self.invariants(s, active)
            else:
                self.block(s.body, active)
                while not common(self.test(s.condition, active)):
                    self.invariants(s, active)
                    self.block(s.body, active)

    def conditional(self, s: syntax.If, active: list[int]) -> None:
        """Run an `if`: with control that all processors share inside, they take one branch; otherwise both branches cost."""
        truths = self.test(s.condition, active)
        if self.leaving.is_shared_control(s, self.apart, not self.all_return):
            self.block(s.then if common(truths) else s.otherwise, active)
            self.step()  # after either branch: a `halt` in one is as soon as a `halt` in the other
            return
        self.block(s.then, [p for p, v in zip(active, truths) if v])
        self.block(s.otherwise, [p for p, v in zip(active, truths) if not v])
        self.step()

    def bounds(self, *expressions: Expression) -> list[int]:
        """The bounds of a `for` or `parallel`; idle processors evaluate them too, since they follow the control."""
        return [common(self.bound(e, self.everyone)) for e in expressions]

    def check_items(self, *bounds: int) -> None:
        """Items in use must be words; only parameter-only bounds can break this."""
        if min(bounds) < self.least or max(bounds) > self.most:
            raise Trap("parameter", f"items {bounds} are not all words of {self.bits} bits")

    def loop(self, s: syntax.For, active: list[int]) -> None:
        first, last, *steps = self.bounds(s.first, s.last, *(() if s.by is None else (s.by,)))
        self.step(id(s.first) in self.constants or s.down or isinstance(s.first, Name) and s.first.name not in self.arrays)
        by = steps[0] if steps else 1
        if active and (first >= last if s.down else first <= last):
            self.check_items(first, last)
        if not active and not self.signed:  # idle processors skip items that are negative: nobody uses them
            first, last = (first, max(0, last)) if s.down else (max(0, first), last)
        item = first
        above = max(self.least, item + s.down)  # a loop without rounds may start below the words: then it counts from the least
        self.before_round(s, active, dict.fromkeys(active, above))
        while item >= last if s.down else item <= last:
            self.step(3 if s.down else 2)
            self.locals[s.variable] = [item] * self.processors
            self.listed(s, dict.fromkeys(active, item), self.present(active))
            self.block(s.body, active)
            self.step(1 if s.down else 2)
            item = item - 1 if s.down else self.next_item(s, item, by)
            self.before_round(s, self.present(active), dict.fromkeys(active, item + s.down))
        self.step(2)

    def next_item(self, s: syntax.For, item: int, by: int) -> int:
        if s.by is not None:
            self.check_steps(s.by, [by])
        if item + by > self.most:
            raise Trap("overflow", f"`{s.variable}` steps past {item}")
        return item + by

    def parallel(self, s: syntax.Parallel) -> None:
        """Give the items to the processors, one each, in order: the last range counts fastest."""
        lows = self.bounds(*(r.low for r in s.ranges))
        bounds = list(zip(lows, self.bounds(*(r.high for r in s.ranges))))
        self.step(3 + STEPS_PER_FURTHER_RANGE * (len(s.ranges) - 1))
        self.extents_of_words(s, [high for _, high in bounds])
        self.check_edge(s.ranges[0].high, self.everyone)
        extents = [max(0, high - low + 1) for low, high in bounds]
        if prod(extents) > self.processors:
            raise Trap("items", f"{prod(extents)} processors needed, there are {self.processors}")
        fields = [[p // max(1, prod(extents[k + 1 :])) % max(1, extent) if k else p // max(1, prod(extents[1:]))
                   for p in self.everyone] for k, extent in enumerate(extents)]  # fmt: skip
        active = self.everyone[: prod(extents)]
        if active:
            self.check_items(*chain(*bounds))
        self.check_end(s.ranges[0], bounds[0][1], active)
        for r, (low, _), field in zip(s.ranges, bounds, fields):
            self.locals[r.variable] = [low + index for index in field]
        for r in s.ranges:
            self.listed(r, dict(enumerate(self.locals[r.variable])), active)
        self.items(s.body, active)

    def items(self, body: tuple[Statement, ...], active: list[int]) -> None:
        """Run the body of a `parallel` or `single`. Who has ended its item waits for the others."""
        outer, self.ended, self.all_return = (self.ended, self.all_return), set(self.ended), False
        self.block(body, active)
        self.ended, self.all_return = outer
        self.step()

    def extents_of_words(self, s: syntax.Parallel, highs: list[int]) -> None:
        """Count the items of further ranges whose bounds are words."""
        computed = [not {id(r.low), id(r.high)} <= self.constants for r in s.ranges]
        for k in range(1, len(computed)):
            self.step(STEPS_OF_AN_EXTENT * computed[k] + STEPS_OF_NO_ITEMS * any(computed[k + 1 :]))
            if computed[k] and highs[k] + 1 > self.most:
                raise Trap("overflow", f"{highs[k]} + 1 is no word of {self.bits} bits")

    def check_end(self, first: syntax.Range, high: int, active: list[int]) -> None:
        """Refuse a first range that ends at the largest word: a parametric one with items, any other if a processor has no item."""
        if self.starts_at_the_largest(first.high) and len(active) < self.processors:
            raise Trap("end", f"the first range ends at a difference from the largest word of {self.bits} bits")
        if high == self.most and (active if id(first.high) in self.constants else len(active) < self.processors):
            raise Trap("end", f"the first range ends at {high}, the largest word of {self.bits} bits")
