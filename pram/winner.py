"""Winners: rules that decide who wins a concurrent write, for modes that leave this open; each has a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

#: Seeds are words of 32 bits.
MOST_SEED = (1 << 32) - 1
FORMS = "lowest, highest, a seed N, random:N or choices:PID,PID,.."
FIXED_FORMS = "lowest, highest or a seed N"

Kind = Literal["lowest", "highest", "order", "random", "choices"]

_NUMBER = "[0-9]{1,10}"
_TEXT = re.compile(f"(?P<plain>lowest|highest)|(?P<order>{_NUMBER})|random:(?P<random>{_NUMBER})|choices:(?P<choices>[0-9,]+)")


@dataclass(frozen=True)
class Winner:
    """A rule that decides every concurrent write of a run.

    kind:    "lowest", "highest": that pid wins.
             "order": a fixed order of the processors, drawn from `seed`.
             "random": an order that is drawn again in every step.
             "choices": the processors in `choices` win the contested writes, one after the other, by step and then by cell;
             the lowest pid wins the writes after these.
    A write is contested if at least two processors write different values to one cell in one step.
    """

    kind: Kind
    seed: int = 0
    choices: tuple[int, ...] = ()

    @property
    def fixed(self) -> bool:
        """Whether it is one order of the processors for the whole run. Models support no other winners."""
        return self.kind in ("lowest", "highest", "order")

    def __str__(self) -> str:
        """The text that `parse_winner` reads."""
        match self.kind:
            case "order":
                return f"{self.seed}"
            case "random":
                return f"random:{self.seed}"
            case "choices":
                return f"choices:{','.join(map(str, self.choices))}"
        return self.kind

    def precedence(self, processors: int) -> NDArray[np.int64]:
        """Return the rank of each processor: int64 [processors], a permutation of 0 .. P - 1; rank 0 wins over all.

        Raises: ValueError: the order is not fixed.
        """
        if not self.fixed:
            raise ValueError(f"the winner {self} is not a fixed order of the processors, such as {FIXED_FORMS}")
        if self.kind == "order":
            return np.random.default_rng(self.seed).permutation(processors).astype(np.int64)
        ascending = np.arange(processors, dtype=np.int64)
        return ascending if self.kind == "lowest" else ascending[::-1].copy()


LOWEST, HIGHEST = Winner("lowest"), Winner("highest")


def in_order(seed: int) -> Winner:
    """Return a winner that is a fixed order of the processors."""
    return Winner("order", seed)


def at_random(seed: int) -> Winner:
    """Return a winner that draws an order again in every step."""
    return Winner("random", seed)


def by_choices(*pids: int) -> Winner:
    """Return a winner by which these processors win the first contested writes, and the lowest pid wins the others."""
    return Winner("choices", choices=pids) if pids else LOWEST


def parse_winner(text: str) -> Winner:
    """Return the winner with this text, as `str(winner)` writes it.

    Raises: ValueError: the text names no winner; the message lists the forms.
    """
    found = _TEXT.fullmatch(text)
    if not found:
        raise ValueError(f"{_shortened(text)!r} is not {FORMS}")
    if found["plain"]:
        return LOWEST if text == "lowest" else HIGHEST
    if found["choices"]:
        pids = found["choices"].split(",")
        if not all(re.fullmatch(_NUMBER, pid) for pid in pids):
            raise ValueError(f"{_shortened(text)!r} is not choices:PID,PID,.. with a processor between any two commas")
        return by_choices(*map(int, pids))
    seed = int(found["order"] or found["random"])
    if seed > MOST_SEED:
        raise ValueError(f"{text!r}: a seed is at most {MOST_SEED}")
    return in_order(seed) if found["order"] else at_random(seed)


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "..."
