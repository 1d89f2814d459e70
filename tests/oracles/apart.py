"""The loops of the evaluator that processors leave one by one. `oracles.leaving` says which loops these are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Union

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, ProgramText, Statement
from oracles.contracts import Promising
from oracles.counted import Counted
from oracles.ends import ONE
from oracles.halved import Halved
from oracles.memory import Arrays
from oracles.plain import Params, Trap, common
from oracles.rounds import Rounds

Loop = Union[syntax.While, syntax.Repeat, syntax.For]
Each = dict[int, int]  # a number for each processor


class Apart(Promising):
    """A run that can leave loops one by one. `gone` are those who have left the innermost such loop by `break`, `ended` those who
    have ended their item by `return`."""

    def __init__(self, tree: ProgramText, params: Params, arrays: Arrays, word_bits: int | None, max_steps: int) -> None:
        super().__init__(tree, params, arrays, word_bits, max_steps)
        self.gone: set[int] = set()
        self.ended: set[int] = set()
        self.apart = False
        self.all_return = False  # whether `return` is for all processors at once

    def block(self, body: tuple[Statement, ...], active: list[int]) -> None:
        raise NotImplementedError

    @contextmanager
    def loop_for_each(self) -> Iterator[None]:
        outer = self.gone, self.apart
        self.gone, self.apart = set(), True
        yield
        self.gone, self.apart = outer

    def round(self, body: tuple[Statement, ...], live: list[int]) -> list[int]:
        """Run a body. Return those who have not left."""
        self.block(body, live)
        return self.present(live)

    def present(self, active: list[int]) -> list[int]:
        return [p for p in active if p not in self.gone and p not in self.ended]

    def going(self, s: syntax.While | syntax.Repeat, live: list[int]) -> list[int]:
        """Those of whom the condition says that they go on."""
        wanted = isinstance(s, syntax.While)
        return [p for p, truth in zip(live, self.test(s.condition, live)) if truth == wanted]

    def loop_apart(self, s: syntax.While | syntax.Repeat, active: list[int]) -> None:
        bound = self.leaving.kinds[id(s)]
        with self.loop_for_each():
            if bound is None:
                self.until_all_are_done(s, active)
            else:
                self.some_rounds(s, active, self.rounds_of(bound, active))

    def some_rounds(self, s: syntax.While | syntax.Repeat, live: list[int], rounds: int) -> None:
        """All processors take that many rounds, whether they are done or not."""
        for _ in range(rounds):
            self.invariants(s, live)
            self.step()
            if isinstance(s, syntax.While):
                live = self.round(s.body, self.going(s, live))
            else:
                live = self.going(s, self.round(s.body, live))
            self.step(2)
        self.invariants(s, live)
        self.step()
        if isinstance(s, syntax.While):
            live = self.would_go_on(s, live)
        self.refuse(live)

    def until_all_are_done(self, s: syntax.While | syntax.Repeat, live: list[int]) -> None:
        """A cell holds the number of the last round in which a processor went on; those who do not go on read it."""
        number = self.first_number(s)
        while True:
            self.invariants(s, live)
            if isinstance(s, syntax.Repeat):
                live = self.round(s.body, live)
            live = self.going(s, live)
            number = self.tell(s, number, live)
            if not live:
                return
            if isinstance(s, syntax.While):
                live = self.round(s.body, live)
            self.step(2)

    def first_number(self, s: Loop) -> int:
        self.step(2)
        self.shared_accesses += self.processors
        return self.memory[self.flags[id(s)]] + 1

    def tell(self, s: Loop, number: int, live: list[int]) -> int:
        """Those who go on write the number of this round, all others read the cell. Return the number of the next round."""
        self.step(4)
        self.shared_accesses += self.processors
        if live:
            self.memory[self.flags[id(s)]] = self.wrapped(number)
        return number + 1

    def rounds_of(self, bound: Expression | Rounds | Halved | Counted, active: list[int]) -> int:
        """The number of rounds, which all processors put into a register, idle ones too."""
        if not isinstance(bound, (Rounds, Halved, Counted)):
            return common(self.moved(bound, self.everyone))
        self.step()
        rounds = bound.value(self.params)
        if rounds > self.most:
            raise Trap("parameter", f"{rounds} rounds are no word of {self.bits} bits")
        return rounds

    def would_go_on(self, s: syntax.While | syntax.Repeat, live: list[int]) -> list[int]:
        """As `going`, at no cost: who has made too few rounds is told from who is done."""
        costs = self.time, self.shared_accesses
        found = self.going(s, live)
        self.time, self.shared_accesses = costs
        return found

    def refuse(self, live: list[int]) -> None:
        if live:
            raise Trap("rounds", f"processor {live[0]} is not done")

    # -- for -----------------------------------------------------------------------------------

    def listed(self, s: syntax.For | syntax.Range, numbers: dict[int, int], active: list[int]) -> None:
        """Give a variable over a list its item: each item is computed, compared, multiplied and added."""
        if s.items:
            columns = [self.value(item, active) for item in s.items]
            self.step(3 * len(s.items) - 1)
            if self.wrap:  # each item is multiplied, modulo 2^w
                columns = [[self.wrapped(v) for v in column] for column in columns]
            self.use(s.items, columns)
            self.set(s.variable, [columns[numbers[p]][k] for k, p in enumerate(active)], active)
            if isinstance(s, syntax.For):
                self.invariants(s, active)

    def for_apart(self, s: syntax.For, active: list[int]) -> None:
        here = dict(zip(active, self.first_values(s, active)))
        lasts = self.last_values(s, active)
        steps = [1] * len(active) if s.by is None else self.value(s.by, active)
        by = dict(zip(active, steps))
        bound = self.leaving.kinds[id(s)]
        with self.loop_for_each():
            if bound is None:
                self.for_until_all_are_done(s, active, here, lasts, by)
            else:
                self.for_some_rounds(s, active, here, lasts, by, self.rounds_of(bound, active))

    def for_some_rounds(self, s: syntax.For, live: list[int], here: Each, lasts: Each, by: Each, rounds: int) -> None:
        for _ in range(rounds):
            self.before_round(s, live, here)
            self.step(2)
            live = self.with_items(s, live, here, lasts)
            self.step()
            live = self.for_round(s, live, here, by)
        self.before_round(s, live, here)
        self.step()
        self.refuse(self.not_past(s, live, here, lasts))

    def for_until_all_are_done(self, s: syntax.For, live: list[int], here: Each, lasts: Each, by: Each) -> None:
        """As `until_all_are_done`. A round begins with the comparison, and ends with its step and a jump."""
        number = self.first_number(s)
        while True:
            self.before_round(s, live, here)
            self.step()
            live = self.with_items(s, live, here, lasts)
            self.step()
            number = self.tell(s, number, live)
            if not live:
                return
            live = self.for_round(s, live, here, by)

    def before_round(self, s: syntax.For, live: list[int], here: Each) -> None:
        """Check the invariants, also after the last round; those of a list are checked when the item is known."""
        if not s.items:
            self.invariants(s, live, {p: here[p] - s.down for p in live})

    def for_round(self, s: syntax.For, live: list[int], here: Each, by: Each) -> list[int]:
        """Run the body for those who have an item, with a step before or after it. Return those who have not left."""
        self.step(s.down)
        if s.down:
            here.update({p: here[p] - 1 for p in live})
        self.set(s.variable, [here[p] for p in live], live)
        self.listed(s, here, live)
        live = self.round(s.body, live)
        if not s.down:
            self.advance(s, live, here, by)
        self.step(3 - s.down)
        return live

    def with_items(self, s: syntax.For, live: list[int], here: dict[int, int], lasts: dict[int, int]) -> list[int]:
        """Those who have an item in this round."""
        return self.not_past(s, live, here, lasts)

    def not_past(self, s: syntax.For, live: list[int], here: dict[int, int], lasts: dict[int, int]) -> list[int]:
        """Those who have an item. A last bound made of parameters is used now, and must be a word."""
        if live and id(s.last) in self.constants:
            edge = lasts[live[0]] if s.down else max(self.least, lasts[live[0]] + 1)
            if not self.least <= edge <= self.most:
                raise Trap("parameter", f"the bound {edge} is no word of {self.bits} bits")
        return [p for p in live if (here[p] > lasts[p] if s.down else here[p] <= lasts[p])]

    def first_values(self, s: syntax.For, active: list[int]) -> list[int]:
        """The first items; of a loop that counts down, the numbers above them."""
        if not s.down:
            return self.moved(s.first, active)
        if id(s.first) in self.constants:
            above = [max(self.least, v + 1) for v in self.value(s.first, active)]
            self.step()
        elif self.takes_words(s.first) and not self.is_below(s.first):
            above = [max(0, v + 1) for v in self.end(s.first, active)]
        elif isinstance(s.first, syntax.Binary) and s.first.operator == "-" and s.first.right == ONE:
            return self.moved(s.first.left, active)
        else:
            above = [v + 1 for v in self.value(s.first, active)]
            self.step()
        if any(v > self.most for v in above):
            raise Trap("overflow", f"`{s.variable}` starts above the largest word")
        return above

    def last_values(self, s: syntax.For, active: list[int]) -> dict[int, int]:
        """The last items. An end `e - 1` may be -1: then there are none."""
        if not s.down and self.takes_words(s.last) and not self.is_below(s.last):
            return dict(zip(active, self.end(s.last, active)))
        is_less = isinstance(s.last, syntax.Binary) and s.last.operator == "-" and s.last.right == ONE
        if isinstance(s.last, syntax.Binary) and is_less and not s.down and id(s.last) not in self.constants:
            return {p: v - 1 for p, v in zip(active, self.value(s.last.left, active))}
        return dict(zip(active, self.value(s.last, active)))

    def advance(self, s: syntax.For, live: list[int], here: dict[int, int], by: dict[int, int]) -> None:
        if s.by is not None:
            self.check_steps(s.by, [by[p] for p in live])
        here.update({p: here[p] + by[p] for p in live})
        if any(here[p] > self.most for p in live):
            raise Trap("overflow", f"`{s.variable}` steps past the largest word")

    def check_steps(self, e: Expression, steps: list[int]) -> None:
        if 0 in steps:
            raise Trap("undefined", "a step of 0")
        self.use([e], [steps])
