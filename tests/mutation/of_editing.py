"""Mutants of both schedules of any-process masked diffusion: each drops a condition, or the order of writers."""

from __future__ import annotations

from lockstep.compiler import hits, in_place, one_step, two_step
from mutation.circuits import without_literal, without_match, without_recency
from mutation.planting import Planting, Rewrite
from mutation.table import Mutant

TWO, ONE = "ap-mdm", "ap-mdm one-step"
INSERT, REMASK, DELETE, SHRINK = (("control.insert", 0), ("control.remask", 0), ("control.delete", 0), ("shrinking", 0))
WORD, PC = ("emit.WORD", 0), ("emit.PC", 0)


def both(breaks: str, writes: tuple[str, int], literal: str, layer: int = 1) -> tuple[Mutant, Mutant]:
    """The same in both schedules."""
    two, one = (row(c, breaks, without_literal(c, writes, (literal, 0), layer)) for c in (TWO, ONE))
    return two, one


def row(construction: str, breaks: str, plant: Planting, check: str = "", equivalent: str = "") -> Mutant:
    return Mutant(f"construction {construction}", breaks, plant, check or f"agreement of {construction}", equivalent)


def two(breaks: str, writes: tuple[str, int], literal: str, layer: int = 1, **how: str) -> Mutant:
    return row(TWO, breaks, without_literal(TWO, writes, (literal, 0), layer), **how)


def one(breaks: str, writes: tuple[str, int], literal: str, layer: int = 1, **how: str) -> Mutant:
    return row(ONE, breaks, without_literal(ONE, writes, (literal, 0), layer), **how)


SHARED = (
    both("a running PC is not remasked", REMASK, "token.PC"),
    both("the sequence shrinks again while it deletes", SHRINK, "vanishing"),
    both("all-halted without L = N", SHRINK, "full"),
    both("cells from the first output not kept", REMASK, "from_low", 2),
    both("cells past the last output kept", REMASK, "past_high", 2),
    both("HALT not kept", REMASK, "first", 2),
    both("delete before the first parameter is masked", DELETE, "vanishing"),
)

MUTANTS = (
    *(pair[0] for pair in SHARED),
    row(TWO, "commit without pid order", without_recency(TWO, "target")),
    two("buffers not wiped", REMASK, "role.VAL", check="circuit invariants"),
    two("insert without the HALT test, last token", INSERT, "ended", 2, check="final sequence"),
    row(TWO, "any row counts as the last", without_recency(TWO, "end"), "residuals of ap-mdm"),
    two("insert without the HALT test, masks", INSERT, "ended", check="insert rule"),
    two("insert without L < N", INSERT, "growing", 2),
    two(
        "insert at every last token, masked or not",
        INSERT,
        "token.MASK",
        2,
        check="insert rule",
        equivalent="while L < N a mask that is last inserts by the other rule",
    ),
    two("new masks do not wait", REMASK, "growing", 2),
    two("waiting buffers do not wait", REMASK, "counterpart.PC"),
    two("shrink before all have halted", SHRINK, "unhalted"),
    two("BOS counts as the last token", ("is_last", 0), "token.BOS", check="circuit invariants"),
    row(
        TWO,
        "one more mask is inserted",
        Rewrite(two_step._TwoStepBuilder._grow, "index - 2 * end - 2 + full", "index - 2 * end - 1 + full"),
        "small layouts of ap-mdm",
    ),
    row(TWO, "registers of other processors are targeted", without_match(TWO, "target", -1)),
    row(TWO, "register destinations are treated as cells", without_match(TWO, "target", 0)),
    row(
        TWO,
        "stores have an owner, as writes of registers have",
        Rewrite(two_step._TwoStepBuilder._target, '[role["DST"], to_register, self.pid[j]]', '[role["DST"], self.pid[j]]'),
    ),
    row(TWO, "a processor reads another one's program counter", without_match(TWO, "counterpart", 1)),
    row(
        TWO,
        "outputs end one cell early",
        Rewrite(in_place.InPlaceBuilder.shrink, "address - self.high.flag - 1 - outside", "address - self.high.flag - outside"),
    ),
    *(pair[1] for pair in SHARED),
    row(ONE, "move without pid order", without_recency(ONE, "hit")),
    one("inputs after the first step insert as well", INSERT, "no_masks", 2),
    one("inputs insert after HALT", INSERT, "ended", 2),
    one("inputs insert at L = N", INSERT, "growing", 2),
    one("the last word inserts twice", INSERT, "is_last", 2),
    one("masks before the last word insert", INSERT, "behind", 2),
    one("more masks insert than are missing", INSERT, "late", 2),
    one("masks do not wait", REMASK, "token.MASK", check="circuit invariants"),
    one("both slots open at the start", WORD, "role.second"),
    one("every masked slot opens", WORD, "started"),
    one("slots open before L = N", PC, "full"),
    one("registers run the code of a halted processor", REMASK, "runs"),
    one("every register moves", REMASK, "address"),
    one("cells that are written are not remasked", REMASK, "hit", 3, check="circuit invariants"),
    one("shrink before all have halted", SHRINK, "running"),
    one("shrink before the start", SHRINK, "started"),
    row(
        ONE,
        "a halted processor is found before a running one",
        Rewrite(one_step._OneStepBuilder._first_lookups, 'self.rank.flag + kind["PC"] * processors', "self.rank.flag"),
    ),
    row(
        ONE,
        "masked slots of registers can be read",
        Rewrite(
            one_step._OneStepBuilder._operand_keys,
            "(register + parameter + pid, self._written_or_executing())",
            "(register + parameter + pid,)",
        ),
        "residuals of ap-mdm one-step",
    ),
    row(
        ONE,
        "one more mask is inserted",
        Rewrite(one_step._OneStepBuilder._grow, "index - 2 * end - 3 + full", "index - 2 * end - 2 + full"),
        "small layouts of ap-mdm one-step",
    ),
    row(
        ONE,
        "a store writes its address",
        Rewrite(
            hits.HitBuilder.look_up_hits, "value in enumerate(self._of_winner(word))", "value in enumerate(self.processor.sum)"
        ),
    ),
)
