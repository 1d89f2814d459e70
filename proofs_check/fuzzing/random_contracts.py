"""Writes contracts into random programs: they hold by construction. And negates one contract of a program, which must be found.

The writer of statements leaves a *spot* wherever a contract may stand, with the facts that it knows there: a local has the value
that it was just assigned, a condition holds in its branch, a loop variable is in its range. When the whole program is written, some
spots get a fact, or something that is always true. So these choices come last, and the statements do not depend on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from random import Random
from typing import Any

import numpy as np

from lockstep.pram import syntax
from lockstep.pram.access import MODES
from lockstep.pram.analysis import analyse
from lockstep.pram.contracts.kinds import Clause
from lockstep.pram.program import Program
from lockstep.pram.steps import Run
from lockstep.proofs_check.fuzzing.random_declarations import Declarations
from lockstep.proofs_check.fuzzing.random_scopes import ArrayShape, Scope
from lockstep.proofs_check.fuzzing.shrinking import Choose

#: A spot in a text, with its number.
SPOT = re.compile("\x00(\\d+)\x01")
#: A call of a procedure, which cannot stand in a contract.
CALL = re.compile(r"\bf\d+\(")
LOOP_HEAD = re.compile(r"(for|while) .* do|repeat")
FOR = re.compile(r"for (\w+) in (.+?) (\.\.|downto) (.+?)( step .+?)?( atmost .+)? do")
LISTED = re.compile(r"(?:parallel )?for (\w+) in \[(.+)\] do")
ITEMS = re.compile(r"parallel for (\w+) in ([^,]+) \.\. ([^,]+?)(?: on .+)? do")
#: Functions that contracts do not have for negative numbers.
OF_BITS = re.compile(r"\b(popcount|ctz)\b")


@dataclass(frozen=True)
class Spot:
    """A place for a contract. facts: what is known to hold there. word: the word of a contract that fits."""

    word: str
    scope: Scope
    facts: tuple[str, ...]


class Contracts(Declarations):
    """Writes contracts; a subclass writes the statements, and calls `spotted` with each of them."""

    def __init__(self, choose: Choose) -> None:
        super().__init__(choose)
        self.spots: list[Spot] = []

    # -- spots -----------------------------------------------------------------------------------

    def spot(self, word: str, scope: Scope, *facts: str) -> str:
        self.spots.append(Spot(word, scope, facts))
        return f"\x00{len(self.spots) - 1}\x01"

    def spotted(self, lines: list[str], scope: Scope, after: Scope) -> list[str]:
        """A statement with spots in it and after it."""
        found: list[str] = []
        for line in lines:
            if LOOP_HEAD.fullmatch(line):
                spot = self.spot("invariant", scope, *self.of_loop(line))
                line = line + spot if line == "repeat" else line.removesuffix(" do") + spot + " do"
            found.append(line)
            if line.startswith("parallel for ") and line.endswith(" do"):
                found.append("  " + self.spot("assert", scope, *self.of_items(line)))
            elif line == "single do":
                found.append("  " + self.spot("assert", scope, "pid == 0"))
            elif facts := self.of_branch(line, lines[0]):
                found.append("  " + self.spot("assert", scope, *facts))
        return [*found, self.spot("assert", after, *self.of_statement(lines))]

    # -- facts -----------------------------------------------------------------------------------

    def known(self, *texts: str) -> bool:
        """Whether contracts compute what the machine does: with exact integers."""
        joined = " ".join(texts)
        ill = any(text in joined for text in self.numbers_joined)
        return not (self.wrap or ill or self.signed and OF_BITS.search(joined))

    def reads(self, text: str) -> bool:
        return any(re.search(rf"\b{array.name}\b", text) for array in (*self.arrays, *self.own_arrays))

    def parametric_text(self, text: str) -> bool:
        """Whether an expression is made of parameters and numbers alone."""
        names = set(re.findall(r"[A-Za-z_]\w*", re.sub(r"0x\w+", "", text)))
        words = {"lg", "max", "min", "not", "and", "or", "if", "then", "else"}
        return names <= {p.text for p in self.params} | words and not any(t in text for t in self.numbers_joined)

    def of_loop(self, head: str) -> tuple[str, ...]:
        if (found := FOR.fullmatch(head)) is not None:
            name, first, direction, last, step, _ = found.groups()
            if not self.parametric_text(first):
                return ()
            down = direction == "downto"
            start = f"{name} <= max({first}, {self.least} - 1)" if down else f"{name} >= ({first})"
            end = f"{name} >= min({first}, ({last}) - 1)" if down else f"{name} <= max({first}, ({last}) + 1)"
            return (start, f"{start} and {end}") if step is None and self.parametric_text(last) else (start,)
        listed = LISTED.fullmatch(head)
        return self.of_list(listed.groups()) if listed else ()

    def of_list(self, listed: tuple[str, ...]) -> tuple[str, ...]:
        name, items = listed
        if self.wrap or "(" in items or not self.parametric_text(items):
            return ()
        return (" or ".join(f"{name} == {item}" for item in items.split(", ")), f"exists q in [{items}] : {name} == q")

    def of_items(self, head: str) -> tuple[str, ...]:
        if (found := ITEMS.fullmatch(head)) is not None and self.parametric_text(f"{found[2]} {found[3]}"):
            return (f"{found[1]} >= ({found[2]}) and {found[1]} <= ({found[3]})",)
        listed = LISTED.fullmatch(head)
        return self.of_list(listed.groups()) if listed else ()

    def of_branch(self, line: str, first: str) -> tuple[str, ...]:
        """What holds at the start of a branch; at an `else`, who is there may see what the others wrote."""
        if (found := re.fullmatch(r"(?:el)?if (.+) then", line)) is not None and self.known(found[1]):
            return (f"({found[1]}) != 0", f"not (({found[1]}) == 0)")
        condition = re.fullmatch(r"if (.+) then", first)
        if line == "else" and condition and self.known(condition[1]) and not self.reads(condition[1]):
            return (f"({condition[1]}) == 0",)
        return ()

    def of_statement(self, lines: list[str]) -> tuple[str, ...]:
        first, last = lines[0], lines[-1]
        if len(lines) == 1 and (found := re.fullmatch(r"(?:local )?(\w+) := (.+)", first)) is not None:
            name, value = found.groups()
            if not self.reads(name):
                changed = re.search(rf"\b{name}\b", value)
                return () if changed or not self.known(value) else (f"{name} == ({value})",)
        cell = re.fullmatch(r"([A-E]\[.+?\]|[A-E]) := (.+)", first) if len(lines) == 1 else None
        if cell is not None and not MODES[self.mode].concurrent_writes and self.known(*cell.groups()):
            inside = cell[1].partition("[")[2]
            return (f"{cell[1]} == ({cell[2]})",) if not self.reads(f"{inside} {cell[2]}") else ()
        return self.of_loop_end(lines, last)

    def of_loop_end(self, lines: list[str], last: str) -> tuple[str, ...]:
        """A loop that nobody leaves early ends as its condition says."""
        if any("break" in line for line in lines):
            return ()
        while_, until = (re.fullmatch(rf"{word} (.+?)( atmost .+)?{do}", text) for word, do, text in
                         (("while", " do", next((t for t in lines if t.startswith("while ")), "")), ("until", "", last)))  # fmt: skip
        condition = while_ or until
        if condition is None or self.reads(condition[1]) or not self.known(condition[1]):
            return ()
        return (f"({condition[1]}) {'==' if while_ else '!='} 0",)

    # -- what always holds -------------------------------------------------------------------------

    @property
    def least(self) -> str:
        return "0 - inf - 1" if self.signed else "0"

    def always(self, scope: Scope, promise: bool = False) -> str:
        """Something that holds of all words, arrays and inputs. promise: outside of the statements, of shared arrays."""
        lists = [a for a in self.arrays if len(a.shape) == 1]
        kinds: list[Callable[[], str]] = [lambda: self.of_array(self.pick(*self.arrays))]
        kinds += [lambda: self.of_list_of_cells(self.pick(*lists))] * 2 if lists else []
        kinds += [self.of_input] * 2 if any(np.size(given) for given in self.inputs.values()) else []
        if not promise:
            kinds += [lambda: self.of_word(self.pick(*scope.variables).text)]
            kinds += [lambda: self.of_own(self.pick(*self.own_arrays))] if self.own_arrays else []
        return self.pick(*kinds)()

    def of_word(self, name: str) -> str:
        return self.pick(
            f"{name} >= {self.least}", f"{name} <= inf", f"{name} * {name} * {name} * {name} >= 0", f"(inf + 1) * 2 > {name}",
            f"{name} > 5 ==> {name} >= 5", f"(if {name} > 1 then {name} else 2) > 1", f"count(q in [{name}, {name}] : q == {name}) == 2",
            f"forall q in {name} .. {name} + 1, r in {name} .. q : q >= r", "pid >= 0",
        )  # fmt: skip

    def subscripts(self, array: ArrayShape) -> tuple[str, str]:
        """The ranges of a quantifier over all cells, and the subscripts."""
        names = "qrs"[: len(array.shape)]
        ranges = ", ".join(
            f"{q} in {first} .. {first + extent - 1}" for q, first, extent in zip(names, array.firsts, array.shape)
        )
        return ranges, f"[{', '.join(names)}]"

    def of_array(self, array: ArrayShape) -> str:
        if not array.shape:
            return self.pick(
                f"{array.name} >= {self.least}", f"old({array.name}) <= inf", f"old({array.name} + 1) > {self.least}"
            )
        ranges, inside = self.subscripts(array)
        cell = array.name + inside
        return self.pick(
            f"forall {ranges} : {cell} >= {self.least}", f"forall {ranges} : {cell} <= inf", f"permutation({array.name}, {array.name})",
            f"not exists {ranges} : {cell} > inf", f"count({ranges} : {cell} <= inf) == {prod(array.shape)}",
            f"old({array.name}) == old({array.name})", f"forall {ranges} : old({cell}) == 0 or old({cell}) != 0",
        )  # fmt: skip

    def of_list_of_cells(self, array: ArrayShape) -> str:
        if not array.shape[0]:
            return f"sorted({array.name}) and distinct({array.name})"
        (ranges, inside), name = self.subscripts(array), array.name
        first, last = array.firsts[0], array.firsts[0] + array.shape[0] - 1
        return self.pick(
            f"max({ranges} : {name}{inside}) >= min({ranges} : {name}{inside})",
            f"exists {ranges} : {name}{inside} == max(r in {first} .. {last} : {name}[r])",
            f"sorted({name}) ==> {name}[{first}] <= {name}[{last}]",
            f"distinct({name}) ==> count({ranges} : {name}{inside} == {name}[{last}]) == 1",
            f"sum({ranges} : {name}{inside}) <= {array.shape[0]} * max({ranges} : {name}{inside})",
            f"forall q in {first} .. {last - 1}, r in q + 1 .. {last} : q < r",
        )

    def of_own(self, array: ArrayShape) -> str:
        ranges, inside = self.subscripts(array)
        return self.pick(f"forall {ranges} : {array.name}{inside} >= {self.least}", f"{array.name} == {array.name}",
                         f"forall {ranges} : old({array.name}{inside}) == 0")  # fmt: skip

    def of_input(self, old: str = "old") -> str:
        """What was given, which the writer knows. old: around what is read."""
        array = self.pick(*(a for a in self.arrays if np.size(self.inputs.get(a.name, []))))
        given = np.reshape(np.array(self.inputs[array.name]), array.shape)
        cells = given.ravel().tolist()
        if not array.shape:
            return f"{old}({array.name}) == {cells[0]}"
        number = self.pick(*range(len(cells)))
        place = ", ".join(str(int(k) + f) for k, f in zip(np.unravel_index(number, array.shape), array.firsts))
        ranges, inside = self.subscripts(array)
        cell = f"{old}({array.name}{inside})"
        return self.pick(
            f"{old}({array.name}[{place}]) == {cells[number]}", f"sum({ranges} : {cell}) == {sum(cells)}",
            f"{'' if cells == sorted(cells) else 'not '}sorted({old}({array.name}))", f"max({ranges} : {cell}) == {max(cells)}",
            f"{'' if len(set(cells)) == len(cells) else 'not '}distinct({old}({array.name}))",
            f"count({ranges} : {cell} == {cells[number]}) == {cells.count(cells[number])}",
            f"exists {ranges} : {cell} == {cells[number]}", f"min({ranges} : {cell}) == {min(cells)}",
        )  # fmt: skip

    # -- the whole program -----------------------------------------------------------------------------

    def with_contracts(self, text: str) -> str:
        """The text with contracts in some of its spots."""
        lines = []
        for line in text.split("\n"):
            written = SPOT.sub(lambda found: self.at(self.spots[int(found[1])]), line)
            lines += [] if SPOT.search(line) and not written.strip() else [written]
        return "\n".join(lines)

    def at(self, spot: Spot) -> str:
        if not self.chance(6 if not spot.facts else 3):
            return ""
        facts = [fact for fact in spot.facts if not CALL.search(fact)]
        condition = self.pick(*facts) if facts and not self.chance(4) else self.always(spot.scope)
        return f" invariant {condition}" if spot.word == "invariant" else f"assert {condition}"

    def promises(self, statements: str) -> list[str]:
        """Declarations of what the input fulfils and the run leaves."""
        found = []
        for _ in range(self.pick(0, 0, 1, 2)):
            inputs = any(np.size(cells) for cells in self.inputs.values())
            name = self.pick(*self.given)
            given = f"{name} {self.pick('==', '<=', '>=')} {self.given[name]}"
            found.append(f"requires {self.of_input('') if inputs and self.chance(2) else given}")
        for _ in range(self.pick(0, 0, 1, 2)):
            kept = [a.name for a in self.arrays if not self.is_assigned(a.name, statements)]
            same = [f"{name} == old({name})" for name in kept]
            found.append(f"ensures {self.pick(*same) if same and self.chance(2) else self.always(Scope(()), promise=True)}")
        return found

    def is_assigned(self, name: str, statements: str) -> bool:
        lines = [line for line in statements.split("\n") if not line.lstrip().startswith("print ")]
        left = [line.partition(":=")[0] if ":=" in line else line for line in lines]
        return any(re.search(rf"\b{name}\b", text) for text in left)


def negated(program: Program, run: Run, random: Random) -> tuple[Program, Clause] | None:
    """The program with one of its contracts negated which the run has reached, and this contract; None if it reached none."""
    reached = [c for c in program.contracts.clauses if c.at in run.reached.tested]
    if not reached:
        return None
    chosen = random.choice(reached)
    tree = _negated(program.tree, chosen)
    return Program(tree, program.source, analyse(tree, program.source)), chosen


def _negated(node: Any, clause: Clause) -> Any:
    """The tree with the contract of one place negated."""
    if isinstance(node, tuple):
        return tuple(_negated(part, clause) for part in node)
    if isinstance(node, (syntax.Assert, syntax.Invariant, syntax.Requires, syntax.Ensures)):
        return replace(node, condition=syntax.Not(node.condition, node.at)) if node.at == clause.at else node
    inside = ("body", "then", "otherwise", "invariants", "declarations")
    changed = {name: _negated(getattr(node, name), clause) for name in inside if hasattr(node, name)}
    return replace(node, **changed) if changed else node
