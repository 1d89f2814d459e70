"""Writes random procedures, and calls of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lockstep.pram.access import MODES
from lockstep.proofs_check.fuzzing.random_parallel import Parallels
from lockstep.proofs_check.fuzzing.random_scopes import Expr, Scope


@dataclass(frozen=True)
class ProcedureShape:
    """A procedure `name(x, out y)` or, if `array`, `name(X[], x, out y)`; x and y are in 0 .. high.

    returns: its body has a `return`, or a loop, so that it is called only where some processors may be idle.
    """

    name: str
    high: int
    array: bool
    returns: bool


class RandomProcedures(Parallels):
    """Writes procedures and calls. A subclass writes bodies."""

    procs: list[ProcedureShape] = []

    def procedures(self, pid: Expr) -> list[str]:
        """Declare one or two procedures, in two programs of five. Their bodies see no local array of the program."""
        self.procs, own, self.own_arrays = [], self.own_arrays, []
        lines = [line for number in range(self.pick(0, 0, 0, 1, 2)) for line in self.procedure(f"f{number}", pid)]
        self.own_arrays = own
        return lines

    def procedure(self, name: str, pid: Expr) -> list[str]:
        """A procedure; often its second one calls the first."""
        array, returns, high = bool(self.rows()) and self.chance(2), self.chance(2), min(self.pick(3, 7), self.limit)
        x, y = Expr("x", 0, high, uniform=False), Expr("y", 0, high, uniform=False)
        assignable = frozenset({"y", "x"} if self.chance(3) else {"y"})
        scope = Scope((x, y, pid), assignable, padded=True, divergent=True, surely=returns, depth=1, item=returns)
        scope = replace(scope, loops=self.pick(1, 2, 2) if returns else 2)
        first = [f"  y := X[{self.mask(x, 1, always=True).bare}] & {self.number(high).text}"] if array else []
        last = [f"  y := {self.mask(self.word(scope, 1), high, always=True).bare}"] if self.chance(2) else []
        body = [*first, *self.block(scope, 3), *last]
        self.procs.append(ProcedureShape(name, high, array, returns))
        return [f"proc {name}({'X[], ' if array else ''}x, out y)", *body, "end"]

    def rows(self) -> list[str]:
        """Arrays, and rows of arrays, with the subscripts 0 and 1; only where the mode lets many processors read a cell."""
        if not MODES[self.mode].concurrent_reads:
            return []
        fitting = [a for a in self.arrays if a.shape and a.shape[-1] >= 2 and not a.firsts[-1] and 0 not in a.shape]
        return [a.name + (f"[{', '.join(map(str, a.firsts[:-1]))}]" if len(a.shape) > 1 else "") for a in fitting]

    def call(self, scope: Scope) -> tuple[list[str], Scope]:
        """A call: a statement, or a value."""
        known = [p for p in self.procs if scope.surely or not p.returns]
        known = [p for p in known if not p.array or self.rows()]
        if not known:
            return self.local(scope)
        proc = self.pick(*known)
        places = [t for t in scope.variables if t.text in scope.assignable and not t.uniform and t.high >= proc.high]
        cell = self.written_cell(scope)
        places += [cell] if cell is not None and cell.high >= proc.high else []
        if not places:
            return self.local(scope)
        place = self.pick(*places)
        given = [self.pick(*self.rows())] if proc.array else []
        value = self.mask(self.word(scope, 1), proc.high)
        # An expression of parameters stands in the body as it is, and is judged even where no processor computes it.
        given.append("pid" if value.parametric and self.risky else value.bare)
        if self.chance(3):
            return [f"{place.text} := {proc.name}({', '.join(given)})"], scope
        if self.chance(4):
            return [f"{place.text} := {self.mask(self.value_of(scope, proc, given), place.high, always=True).bare}"], scope
        return [f"{proc.name}({', '.join([*given, place.text])})"], scope

    def value_of(self, scope: Scope, proc: ProcedureShape, given: list[str]) -> Expr:
        other = self.word(scope, 1)
        return Expr(f"({proc.name}({', '.join(given)}) | {other.text})", 0, max(proc.high, other.high), uniform=False)

    def local(self, scope: Scope) -> tuple[list[str], Scope]:
        raise NotImplementedError

    def written_cell(self, scope: Scope) -> Expr | None:
        raise NotImplementedError
