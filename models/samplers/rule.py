"""What a sampler is made of: rules that pick, rules that write back, and the rows of their table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from lockstep.models.drawing import Matrix
from lockstep.models.samplers.guesses import Guesses
from lockstep.models.transformer import Tokens

#: What a row of the table decides: where masks may be unmasked, how many of them are, or what is written back afterwards.
Part = Literal["where", "how many", "written back"]


@dataclass(frozen=True)
class State:
    """What a rule sees besides guesses. first: the first generated position. random: drawn from for all random choices of the decode."""

    first: int
    random: np.random.Generator


class Rule(Protocol):
    """Decides which of the proposed unmaskings are carried out in a decoding step.

    pick: from the guesses for all masked positions, of which there is at least one, indices into them, ascending: those that are
          unmasked now, each with its best token, ready or not. At least one, or the decode is stuck (only `parallel` picks none).
    """

    def pick(self, guesses: Guesses, state: State) -> Tokens: ...


@dataclass(frozen=True)
class Written:
    """A decoding step, as a rule that writes back sees it, once the picked masks have their tokens.

    start, before, after: the first sequence, the one before this step, and the one with the tokens that it unmasks, [N] each.
    mask:      the id of MASK.
    reach:     generated positions, ascending: with `blocks:B` those of the block that this step fills, else all.
    picked:    how many masks this step unmasks. last: how many the step before did in the same block; None if there was none.
    guess:     gives the guesses for rows, ascending, from the prediction that this step is made from.
    alone:     gives, for rows that held tokens before the step, the probability of each token if it alone were masked, [n].
    """

    start: Tokens
    before: Tokens
    after: Tokens
    mask: int
    reach: Tokens
    picked: int
    last: int | None
    guess: Callable[[Tokens], Guesses]
    alone: Callable[[Tokens], Matrix]

    @property
    def held(self) -> Tokens:
        """The rows in reach that held a token before the step."""
        rows: Tokens = self.reach[self.before[self.reach] != self.mask]
        return rows


@runtime_checkable
class WritesBack(Protocol):
    """Changes tokens that are there already.

    write: the rows, ascending, and the token that each takes; MASK masks it again.
    edits_on: how many more steps there may be once no mask is left, as long as each changes something.
    """

    edits_on: int

    def write(self, step: Written, state: State) -> tuple[Tokens, Tokens]: ...


@dataclass(frozen=True)
class Number:
    """A number that a rule takes. letter: what forms call it. low, high: its range. usual: where it is left out; None: it may not be.

    whole: whether it is an integer. above: whether it must be larger than `low`.
    """

    letter: str
    low: float
    high: float = np.inf
    usual: float | None = None
    whole: bool = False
    above: bool = False

    @property
    def range(self) -> str:
        """Its range in words."""
        kind = "a whole number" if self.whole else "a number"
        if self.high < np.inf:
            return f"{kind} from {self.low:g} to {self.high:g}" + (f", but not {self.low:g}" if self.above else "")
        return f"{kind} above {self.low:g}" if self.above else f"{kind} from {self.low:g}"

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high and np.isfinite(value) and not (self.above and value == self.low)


@dataclass(frozen=True)
class Row:
    """One row of SAMPLERS. The docstring of `rule` gives its source and what it does.

    make:    from its numbers, in order, and, where it takes one, its suffix -> the rule.
    numbers: those that it takes. suffixes: what may follow a comma; the first is usual. empty: it takes none.
    needs:   the suffix that needs a part which says where.
    """

    name: str
    part: Part
    rule: type
    make: Callable[..., Any]
    numbers: tuple[Number, ...] = ()
    suffixes: tuple[str, ...] = ()
    needs: str = ""

    @property
    def form(self) -> str:
        """How users write it: `top:K`."""
        return ":".join([self.name, *(number.letter for number in self.numbers)])
