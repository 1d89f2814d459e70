"""Writes random loops; `random_programs.py` writes all other statements."""

from __future__ import annotations

import re
from dataclasses import replace

from lockstep.pram.access import MODES
from lockstep.proofs_check.fuzzing.random_cells import Cells
from lockstep.proofs_check.fuzzing.random_scopes import Expr, Scope, ones


class Loops(Cells):
    """Writes loops. A subclass writes their bodies."""

    def block(self, scope: Scope, most: int = 2) -> list[str]:
        raise NotImplementedError

    def loop(self, scope: Scope) -> tuple[list[str], Scope]:
        """A `for` of up to 3 rounds, or 4 where a bound is a word."""
        if self.chance(5):
            return self.loop_over_a_list(scope)
        name, down = f"i{len(scope.variables)}", self.chance(2)
        low = self.pick(0, 0, 1, 2)
        first, last = self.exactly(low), self.exactly(low + self.pick(0, 1, 2, -1))
        high = max(low, last.high)
        if self.chance(2):
            last, high = self.bound(scope, 3), max(low, 3)
            if any(last.text == a.name for a in self.arrays):  # as a bare bound it could not be assigned in the loop
                last = Expr(f"({last.text} & 3)", 0, 3)
            if not self.wrap and self.chance(3):
                last = self.difference(last, self.bound(scope, 3))
        ranged = scope.ranged | {name} if last.parametric else scope.ranged
        first, last = (last, first) if down else (first, last)
        by, step = self.step(scope) if not down and self.chance(3) else ("", "")
        inside = scope.having(Expr(name, low, high), loop=True).without(last.text).without(by)
        inside = replace(inside, ranged=ranged, leaves="" if scope.padded else "together")
        head = f"for {name} in {first.bare} {'downto' if down else '..'} {last.bare}{step} do"
        return [head, *self.block(inside), "end"], scope

    def loop_over_a_list(self, scope: Scope) -> tuple[list[str], Scope]:
        """A `for` over up to 3 words, which are no reads of memory. Idle processors do not know its variable."""
        known = tuple(variable for variable in scope.variables if variable.text != "y")  # an `out` argument may be a cell
        name, unread = f"i{len(scope.variables)}", replace(scope, reads=False, variables=known)
        items = [
            self.exactly(self.pick(0, 1, 2, 3)) if self.chance(2) else self.mask(self.word(unread, 1), 3, always=True)
            for _ in range(self.pick(2, 1, 3))
        ]
        uniform = not scope.padded and all(item.uniform for item in items)
        inside = scope.having(Expr(name, 0, 3, uniform), loop=True)
        for used in re.findall(r"\w+", " ".join(item.text for item in items)):
            inside = inside.without(used)
        ranged = scope.ranged | {name} if all(item.parametric for item in items) else scope.ranged
        inside = replace(inside, ranged=ranged, leaves="" if scope.padded else "together")
        return [f"for {name} in [{', '.join(item.bare for item in items)}] do", *self.block(inside), "end"], scope

    def step(self, scope: Scope) -> tuple[str, str]:
        """The step of a `for`, and the text with it."""
        by = self.exactly(self.pick(1, 2, 3)) if self.chance(2) else self.positive(self.bound(scope, 3))
        return by.text, f" step {by.bare}"

    def bound(self, scope: Scope, high: int) -> Expr:
        """A uniform word of at most `high` (all ones). Idle processors must compute it as well."""
        if scope.padded:
            scope = replace(scope, variables=tuple(t for t in scope.variables if t.text in scope.fixed), reads=False)
        small = [t for t in scope.variables if t.uniform and t.high <= high]
        # Loops near the largest word are left to tests of their own: machine and evaluator differ there.
        return self.pick(*small) if small and self.chance(2) else self.mask(self.word(scope, 1, uniform=True), high, always=True)

    def difference(self, a: Expr, b: Expr) -> Expr:
        """The end of a range, which may be negative. With `wrap` it may be a large word."""
        b = self.pick(b, b, self.exactly(1))
        return Expr(f"({a.text} - {b.text})", 0, a.high, parametric=a.parametric and b.parametric)

    def counting_loop(self, scope: Scope) -> tuple[list[str], Scope]:
        """A `while` or `repeat` with a counter, so that it ends."""
        name = f"v{len(scope.variables)}"
        start = self.exactly(self.pick(1, 2, 3)) if self.chance(2) else self.mask(self.word(scope, 1, uniform=True), 3)
        after = scope.having(Expr(name, 0, 3))
        inside = replace(after, depth=scope.depth + 1, loops=scope.loops + 1, leaves="together")
        also = self.truth(inside, 1, uniform=self.careful(2)).text
        body = [*self.block(inside), f"  {name} := {name} - 1"]
        if self.chance(2):
            condition = f"{name} != 0 and {also}" if self.risky else self.pick(f"{name} > 0", name, f"{name} != 0 and {also}")
            return [f"local {name} := {start.bare}", f"while {condition} do", *body, "end"], after
        condition = f"{name} == 0 or {also}" if self.risky else self.pick(f"{name} == 0", f"{name} == 0 or {also}")
        return [f"local {name} := {start.bare}", f"{name} := {name} | 1", "repeat", *body, f"until {condition}"], after

    def draining_loop(self, scope: Scope) -> tuple[list[str], Scope]:
        """A loop that removes bits from a word until it is 0."""
        name = f"v{len(scope.variables)}"
        start = self.mask(self.shared_word(scope), self.pick(3, 7), always=True)
        after = scope.having(Expr(name, 0, 7))
        body = self.block(replace(after, depth=scope.depth + 1, loops=scope.loops + 1, leaves="together"), 1)
        less = f"  {name} := {self.pick(f'{name} >> 1', f'{name} & ({name} - 1)')}"
        if self.chance(2):
            return [f"local {name} := {start.bare}", f"while {name} != 0 do", *body, less, "end"], after
        return [f"local {name} := {start.bare}", f"{name} := {name} | 1", "repeat", *body, less, f"until not ({name} > 0)"], after

    def searching_loop(self, scope: Scope) -> tuple[list[str], Scope]:
        """A loop that looks for a word in an array, up to its last cell."""
        lists = [a for a in self.arrays if len(a.shape) == 1 and a.shape[0] > 0]
        if not lists or not self.readable(scope):
            return self.draining_loop(scope)
        array, name = self.pick(*lists), f"v{len(scope.variables)}"
        last = min(array.shape[0] - 1, 3)
        after = scope.having(Expr(name, 0, last))
        cell = self.entry(array, [Expr(name, 0, last)])
        wanted = self.leaf(scope, 0, uniform=True)
        body = self.block(replace(after, depth=scope.depth + 1, loops=scope.loops + 1, leaves="together"), 1)
        head = f"while {name} < {self.exactly(last).text} and {cell.text} != {wanted.text} do"
        return [f"local {name} := 0", head, *body, f"  {name} := {name} + 1", "end"], after

    # -- loops that processors leave one by one ------------------------------------------------------

    def own_loop(self, scope: Scope) -> tuple[list[str], Scope]:
        """A `for` whose bounds may differ; `atmost` or the bounds say how many rounds are enough, or processors tell each other."""
        name = f"i{len(scope.variables)}"
        kind = self.pick(
            "bounded", "bounded", "to_a_number", "from_a_number", "as_many", "up_to_a_variable", "the_smaller", "block_of",
            *["to_a_word"] * (3 if self.tell_each_other() else 0),
        )  # fmt: skip
        head, high = getattr(self, kind)(scope)
        inside = scope.having(Expr(name, 0, high, uniform=False)).for_each(scope.surely or kind == "bounded")
        for kept in head.split():
            inside = inside.without(kept.strip("()"))
        return [f"for {name} in {head} do", *self.block(inside), "end"], scope

    def bounded(self, scope: Scope) -> tuple[str, int]:
        word = self.mask(self.word(scope, 1), 3, always=True)
        rounds = self.rounds(scope, 4)
        if self.chance(3):
            return f"{word.bare} downto {self.exactly(self.pick(0, 1)).bare} atmost {rounds}", 3
        end = f"{word.text} - 1" if self.chance(2) else word.bare
        return f"{self.exactly(self.pick(0, 0, 1)).bare} .. {end}{self.own_step(scope)} atmost {rounds}", 3

    def tell_each_other(self) -> bool:
        """Whether processors can tell each other through one cell that they go on."""
        return self.mode.startswith("CRCW") and self.mode != "CRCW sum"

    def to_a_word(self, scope: Scope) -> tuple[str, int]:
        """Bounds that do not tell how many rounds are enough, if the word differs."""
        word = self.mask(self.word(scope, 1), 3, always=True)
        word = replace(word, text=f"({word.text} & 3)")
        if self.chance(3):
            return f"{word.bare} downto {self.exactly(self.pick(0, 1)).bare}", 3
        end = f"{word.text} - 1" if scope.surely and self.chance(2) else word.bare
        return f"{self.exactly(self.pick(0, 0, 1)).bare} .. {end}{self.own_step(scope)}", 3

    def own_step(self, scope: Scope) -> str:
        return f" step {self.positive(self.mask(self.word(scope, 1), 3, always=True)).bare}" if self.chance(4) else ""

    def rounds(self, scope: Scope, enough: int) -> str:
        """The bound of a loop: most are large enough."""
        if not self.careful(4):
            return self.exactly(self.pick(0, 1, 2)).bare
        if self.chance(4):
            return f"{self.bound(scope, 3).text} + {self.exactly(enough).text}"
        return self.exactly(enough).bare

    def small(self, scope: Scope) -> Expr:
        """A word from 0 to 3 of which the analysis sees that it is not negative: no difference, and `& 3` if words are signed."""
        word = self.mask(self.word(scope, 1), 3, always=True)
        return replace(word, text=f"({word.text} & 3)") if self.signed or "-" in word.text else word

    def to_a_number(self, scope: Scope) -> tuple[str, int]:
        word = self.small(scope)
        start = f"max({word.bare}, {self.exactly(1).text})" if self.chance(3) else word.bare
        step = self.step(scope)[1] if self.chance(3) else self.own_step(scope)
        return f"{start} .. {self.exactly(self.pick(2, 3)).bare}{step}", 3

    def from_a_number(self, scope: Scope) -> tuple[str, int]:
        return f"{self.exactly(3).bare} downto {self.small(scope).bare}", 3

    def as_many(self, scope: Scope) -> tuple[str, int]:
        """As many rounds for all, from different starts."""
        fitting = [t for t in scope.variables if t.high + 4 <= self.limit]
        start = self.pick(*fitting) if fitting else self.number(1)
        return f"{start.text} .. {start.text} + {self.exactly(self.pick(0, 1, 2)).text}", start.high + 2

    def up_to_a_variable(self, scope: Scope) -> tuple[str, int]:
        ranged = [t for t in scope.variables if t.text in scope.ranged and t.high < self.limit]
        if not ranged:
            return self.to_a_number(scope)
        end = self.pick(*ranged)
        last = self.exactly(end.high).bare
        options = (f"0 .. {end.text}", f"0 .. {end.text} - 1", f"{end.text} + 1 .. {last}", f"{end.text} downto 0")
        return self.pick(*options), end.high

    def the_smaller(self, scope: Scope) -> tuple[str, int]:
        word = self.word(scope, 1)
        less = self.pick("", " - 1")
        first, second = self.pick((word.bare, self.exactly(3).text), (self.exactly(3).bare, word.text))
        return f"{self.exactly(self.pick(0, 1)).bare} .. min({first}, {second}){less}", 3

    def block_of(self, scope: Scope) -> tuple[str, int]:
        """The items of a block, one block for each value of a variable."""
        fitting = [t for t in scope.variables if 4 * (t.high + 1) <= self.limit]
        if not fitting:
            return self.to_a_number(scope)
        which, size = self.pick(*fitting), self.exactly(self.pick(1, 2, 3))
        return f"{which.text} * {size.text} .. ({which.text} + 1) * {size.text} - 1", (which.high + 1) * 3

    def counted_loop(self, scope: Scope) -> tuple[list[str], Scope]:
        """A loop to a word that differs, which reads an array at its variable in each round, where no flag tells who goes on."""
        lists = [a for a in self.arrays if len(a.shape) == 1 and a.shape[0] > 0]
        if not lists or not self.readable(scope) or self.tell_each_other():
            return self.own_loop(scope)
        array, name, read = self.pick(*lists), f"i{len(scope.variables)}", f"v{len(scope.variables) + 1}"
        high = ones(min(array.shape[0], 4)) >> 1
        word, item = self.mask(self.word(scope, 1), high, always=True), Expr(name, 0, high, uniform=False)
        cell = self.entry(array, [item])
        inside = scope.having(item, Expr(read, 0, array.high, uniform=False)).for_each(surely=True)
        body = [f"  local {read} := {cell.text}", *self.block(inside)]
        if self.chance(2):
            return [f"for {name} in 0 .. ({word.text} & {self.exactly(high).text}) do", *body, "end"], scope
        head = [f"local {name} := {self.pick('0', word.bare)}", f"while {name} <= {word.text} do"]
        return [*head, *body, f"  {name} += 1", "end"], scope.having(replace(item, high=high + 1))

    def bounded_loop(self, scope: Scope) -> tuple[list[str], Scope]:
        """A `while` or `repeat` that each processor leaves for itself: with `atmost`, or under CRCW where some may idle without."""
        name, high = f"v{len(scope.variables)}", self.pick(1, 3)
        flagged = scope.surely and self.tell_each_other() and self.chance(2)
        start = self.mask(self.word(scope, 1), high, always=True)
        after = scope.having(Expr(name, 0, high, uniform=False))
        inside = after.for_each(surely=True)
        bound = "" if flagged else f" atmost {self.rounds(scope, high)}"
        also = self.truth(inside, 1).text
        body = [*self.block(inside), f"  {name} {self.pick('-= 1', '/= 2', f':= {name} >> 1', f'&= {name} - 1')}"]
        if self.chance(2):
            condition = self.pick(f"{name} > 0", name, f"{name} != 0 and {also}")
            return [f"local {name} := {start.bare}", f"while {condition}{bound} do", *body, "end"], after
        condition = self.pick(f"{name} == 0", f"{name} == 0 or {also}")
        return [f"local {name} := {start.text} | 1", "repeat", *body, f"until {condition}{bound}"], after

    def leave(self, scope: Scope) -> tuple[list[str], Scope]:
        """A `break`, for all processors or for some."""
        if self.chance(6):
            return ["break"], scope
        return [f"if {self.truth(scope, 1, uniform=scope.leaves == 'together').bare} then break end"], scope

    def readable(self, scope: Scope) -> bool:
        """Whether all processors may read one cell."""
        return scope.reads and (scope.alone or MODES[self.mode].concurrent_reads or not self.keeps_apart())

    def shared_word(self, scope: Scope) -> Expr:
        """A uniform word, from shared memory if all may read one cell."""
        cell = self.cell(scope, False, True, 0) if self.readable(scope) else None
        return cell or self.word(scope, 1, uniform=True)
