"""What follows from the rules of a task by themselves: facts that their proof makes use of, and that each mask has one thing to do.

Facts that no case can show, as they are about whole sequences, say in words why they hold. All others are checked here, in all cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lockstep.compiler.linear import Bit
from lockstep.models.tokens import MASK
from lockstep.proofs_check.tasks.cases import AllCases, Cases, Needed, RowDiffers, flags
from lockstep.proofs_check.tasks.rules import Flags, Follows, Itself, Nearest, Rows, Says, any_of

REMASK, DELETE, TAKE = "control.remask", "control.delete", "take."


@dataclass(frozen=True)
class Implied:
    """Checks what follows from rules. Each check raises RowDiffers if something does not."""

    cases: AllCases

    def check_facts(self) -> None:
        """Facts that follow from what rows say, or from other facts, do so."""
        rules = self.cases.rules
        for fact in rules.facts:
            if fact.layer is not None:
                self._check_said(rules.layers[fact.layer].says, fact.holds, fact.because)
            elif fact.fields:
                others = Needed(frozenset((field, 0) for field in fact.fields))
                for cases in self.cases.all(self.cases.read(fact.holds) | others, without=fact):
                    self._holds(fact.because, fact.holds, cases, {})
        for follows in rules.follows:
            self._check_follows(follows)
        for itself in rules.itself:
            self._check_itself(itself)
        for nearest in rules.nearest:
            self._check_nearest(nearest)

    def _check_said(self, said: Mapping[Bit, Says], holds: Says, what: str, roles: Sequence[str] | None = None) -> None:
        """What rows say in one layer makes something hold, in all cases."""
        for cases in self.cases.all(self.cases.read(holds, said=said), roles):
            self._holds(what, holds, cases, said)

    def _holds(self, what: str, holds: Says, cases: Cases, said: Mapping[Bit, Says]) -> None:
        held = flags(holds(cases.rows(self.cases.widths, said=said)), (cases.count,))
        if not held.all():
            raise RowDiffers(f"{what}: not so; the row: {cases.text(int(np.argmin(held)))}")

    def _check_follows(self, follows: Follows) -> None:
        """Whoever meets a row by the one head meets it by the other."""
        first, then = self.cases.rules.heads[follows.first], self.cases.rules.heads[follows.then]
        read, asked, held = self.cases.read, Needed(), Needed()
        for finds in (first, then):
            asked |= read(finds.asks) | read(finds.meets, 2)
            held |= read(finds.meets, 2, which=1)
        for asking in self.cases.all(asked):
            for found in self.cases.all(held):
                q, k = asking.rows(self.cases.widths, (-1, 1)), found.rows(self.cases.widths, (1, -1))
                shape = asking.count, found.count
                one, other = (flags(f.asks(q), shape) & flags(f.meets(q, k), shape) for f in (first, then))
                if (one & ~other).any():
                    raise RowDiffers(f"who finds a row by {follows.first} does not find one by {follows.then}")

    def _check_itself(self, itself: Itself) -> None:
        """The row of a role meets itself if it looks, and no row at another position does."""
        finds = self.cases.rules.heads[itself.head]
        asked = self.cases.read(finds.asks) | self.cases.read(finds.meets, 2)
        held = self.cases.read(finds.meets, 2, which=1)
        for here in self.cases.all(asked | held, [itself.role], by_position=True):
            alone, q, count = here.rows(self.cases.widths), here.rows(self.cases.widths, (-1, 1)), (here.count,)
            meets = flags(finds.meets(alone, alone), count) | ~flags(finds.asks(alone), count)
            for found in self.cases.all(held, by_position=True):
                k = found.rows(self.cases.widths, (1, -1))
                others = flags(finds.meets(q, k), (here.count, found.count)) & (q.at("number") != k.at("number"))
                if others.any() or not meets.all():
                    raise RowDiffers(f"the {itself.role} row does not find itself by {itself.head}")

    def _check_nearest(self, nearest: Nearest) -> None:
        """The order of a row is that of what it gives."""
        finds = self.cases.rules.heads[nearest.head]
        gives = finds.gives[nearest.field]
        for cases in self.cases.all(self.cases.read(finds.order) | self.cases.read(gives)):
            row = cases.rows(self.cases.widths)
            if (nearest.order(np.asarray(gives(row))) != finds.order(row)).any():
                raise RowDiffers(f"{nearest.head}: {nearest.field} does not say what comes before it")

    def check_settled(self) -> None:
        """Each mask stays, vanishes, or takes one token, of a kind that may stand there."""
        rules = self.cases.rules
        takes = {name.removeprefix(TAKE): name for name in self.cases.widths if name.startswith(TAKE)}
        (said,) = [layer.says for layer in rules.layers if (REMASK, 0) in layer.says]

        def settled(row: Rows, kinds: Sequence[str]) -> Flags:
            taken = {kind: row.flag(name) for kind, name in takes.items()}
            number = sum((flag.astype(np.int64) for flag in taken.values()), np.int64(0))
            others = any_of(flag for kind, flag in taken.items() if kind not in kinds)
            waits = row.flag(REMASK) | row.flag(DELETE)
            return np.asarray(~row.is_a(MASK) | waits | ((number == 1) & ~others))

        for name, role in rules.roles.items():
            what = f"each mask of role {name} stays, vanishes or takes one token that may stand there"
            self._check_said(said, lambda row, kinds=role.kinds: settled(row, kinds), what, [name])  # type: ignore[misc]
