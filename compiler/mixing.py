"""Concurrent writes of programs with several write rules, or with `and` or `or`: the row of a write knows its rule.

After a store comes the next instruction. So the program counter that a writer goes to says which store it was, and gates of layer 1
set the flag of its rule. A program with one of the other rules needs none of this: `lockstep.compiler.combining`, `adding`.

| rule     | what is left                                                                                           |
|----------|--------------------------------------------------------------------------------------------------------|
| max, min | what the lookup finds that reads the write: `bid`, the value or its complement, stands in its recency  |
| +        | two digits of the share of the values                                                                  |
| or       | for each bit [ones >= 1]: the share of the writers that have a 1 there                                 |
| and      | for each bit [writers >= 1] - [zeros >= 1]: the share of all writers, and of those that have a 0 there |

The shares of `and` and `or` count writers, so one gate takes each of them for an integer.
"""

from __future__ import annotations

from collections.abc import Sequence

from lockstep.compiler.adding import exponent_for
from lockstep.compiler.circuit import At, Builder, Field, Match, Pool, Threshold
from lockstep.compiler.linear import Bit, Linear, equals
from lockstep.compiler.processor import Code, Size
from lockstep.pram.access import Combining


class Mixing:
    """The fields that tell rules apart, and the heads and gates of all rules but `+`.

    by: flags of the rules, on rows of writes. left: the word that is left where it is no sum, if a row holds it for others.

    Args: alone: 1 on the rows of writes that count, if several rows are alike.
    """

    def __init__(self, builder: Builder, code: Code, size: Size, pid_bits: int, at: At = At.OPERANDS,
                 alone: tuple[Linear, ...] = ()) -> None:  # fmt: skip
        field, rules = builder.field, code.rules
        self.builder, self.code, self.pid_bits, self.at, self.alone = builder, code, pid_bits, at, alone
        self.by = {rule: field(f"by.{rule}") for rule in rules}
        most = 1 << pid_bits
        self.ones = field("ones", size.word, most) if "or" in rules else None
        self.zeros = field("zeros", size.word, most) if "and" in rules else None
        self.writers = field("writers", 1, most) if "and" in rules else None
        self.bid = field("bid", size.word) if code.has_extremes else None

    def add_flags(self, here: Sequence[Linear], following: Field) -> None:
        """Set the flag of the rule on rows of writes. Args: here: 1 there. following: the program counter after the store."""
        for number, rule in self.code.stores():
            self.builder.when(At.ROM, [*here, *equals([*following], number + 1)], {self.by[rule].bit(): 1})

    def add_bids(self, value: Sequence[Linear], left: Field) -> None:
        """Where the largest or the smallest value is left: make what decides, and the word that is left where this write wins."""
        for j, bit in enumerate(value if self.bid is not None else ()):
            assert self.bid is not None
            if "max" in self.by:
                self.builder.when(At.OPERANDS, [self.by["max"].flag, bit], {self.bid.bit(j): 1, left.bit(j): 1})
            if "min" in self.by:
                self.builder.when(At.OPERANDS, [self.by["min"].flag, 1 - bit], {self.bid.bit(j): 1})
                self.builder.when(At.OPERANDS, [self.by["min"].flag, bit], {left.bit(j): 1})

    def add_counts(self, asks: Linear | None, same: Sequence[Match], value: Sequence[Linear], left: Sequence[Bit]) -> None:
        """Count writers under `or` and `and`, and write what they leave to some bits.

        Args: asks: who asks; None: the writers themselves. same: the bits in which they agree with a writer. value: what it writes.
        """
        if self.ones is not None:
            self._pool("or", asks, same, [(bit, self.ones.bit(j)) for j, bit in enumerate(value)])
            for share, bit in zip(self.ones, left):
                self.builder.gate(self.at, Threshold(share * 4 - 3, {bit: 1}))
        if self.zeros is not None and self.writers is not None:
            reads = [(1 - bit, self.zeros.bit(j)) for j, bit in enumerate(value)]
            self._pool("and", asks, same, [*reads, (Linear(constant=1), self.writers.bit())])
            self.builder.gate(self.at, Threshold(self.writers.flag * 4 - 3, dict.fromkeys(left, 1)))
            for share, bit in zip(self.zeros, left):
                self.builder.gate(self.at, Threshold(share * 4 - 3, {bit: -1}))

    def _pool(self, rule: Combining, asks: Linear | None, same: Sequence[Match], reads: Sequence[tuple[Linear, Bit]]) -> None:
        flag = self.by[rule].flag
        exponent, most = exponent_for(self.pid_bits, self.pid_bits), 1 << self.pid_bits
        conditions = flag, *self.alone
        pool = Pool(
            f"combine.{rule}", flag if asks is None else asks, tuple(same), conditions, tuple(reads), exponent=exponent, most=most
        )
        self.builder.head(self.at, pool)
