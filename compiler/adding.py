"""Concurrent writes by `+`: one averaging head brings the sum of a cell's writes, and gates take it apart.

The head brings a *share*, a number within 1/4 of the sum S. Gates of two layers turn it into digits, exactly:
[4 share - 4 k + 1 >= 0] is [S >= k] for every such share, and it is 0 or 1. First comes the high digit of S, then the low
digit from what is left. docs/certificate.md shows why no rounding changes this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lockstep.compiler.circuit import At, Builder, Threshold
from lockstep.compiler.linear import Bit, Linear


def low_bits(word: int) -> int:
    """The bits of the low digit; the high digit has the others."""
    return word // 2


def exponent_for(word: int, pid: int) -> int:
    """Each row of a sum weighs e^-exponent beside the sink: so little that 2^pid rows take at most 1/16 from a word."""
    return math.ceil((word + pid + 4) * math.log(2))


def add_digit(builder: Builder, at: At, share: Linear, shift: int, bits: Sequence[Bit]) -> None:
    """Add the gates that write a digit of a share, in units of 2^shift, to some bits. Gate k changes the bits j with 2^j | k."""
    for k in range(1, 1 << len(bits)):
        changes = {bit: 1 if k >> j & 1 else -1 for j, bit in enumerate(bits) if k % (1 << j) == 0}
        builder.gate(at, Threshold(share * 4 - (k << shift + 2) + 1, changes))
