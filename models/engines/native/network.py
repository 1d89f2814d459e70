"""A Boolean network over bit planes. A *plane* holds one bit of every row; a *literal* is a plane or its complement.

Literals are 2 * node + complement; node 0 is the constant 0, so 0 and 1 are the constants. Equal nodes are made once, so that the
carries of one sum share all that they have in common.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

#: What a tape computes; the numbers are those of tape.h.
AND, ANDN, NOR, XOR, MAJ, MAJN, XOR3, COPY, NOT = range(9)


class Network:
    """Nodes in the order in which they can be computed. `nodes[i]` is (operation, literals ..), or None for an input.

    Arguments of a node are literals without complement: ANDN and MAJN complement one of theirs.
    """

    def __init__(self) -> None:
        self.nodes: list[tuple[int, ...] | None] = [None]
        self._made: dict[tuple[int, ...], int] = {}
        self._holds: dict[int, tuple[int, int]] = {}

    def input(self) -> int:
        self.nodes.append(None)
        return 2 * (len(self.nodes) - 1)

    def _node(self, *key: int) -> int:
        if key not in self._made:
            self.nodes.append(key)
            self._made[key] = 2 * (len(self.nodes) - 1)
        return self._made[key]

    def _implied(self, a: int) -> tuple[int, int]:
        """The nodes that are 1, and those that are 0, wherever a conjunction is 1; as bit masks."""
        if a & 1:
            return 0, 1 << (a >> 1)
        ones, zeros = self._holds.get(a, (0, 0))
        return ones | 1 << (a >> 1), zeros

    def exclusive(self, a: int, b: int) -> bool:
        """Whether two literals are seen to be never 1 together. False says nothing."""
        (ones, zeros), (more, none) = self._implied(a), self._implied(b)
        return bool(ones & none or zeros & more)

    def both(self, a: int, b: int) -> int:
        a, b = min(a, b), max(a, b)
        if a == 0 or a ^ b == 1:
            return 0
        if a == 1 or a == b:
            return b
        if not (a | b) & 1:
            made = self._node(AND, a, b)
        elif a & b & 1:
            made = self._node(NOR, a ^ 1, b ^ 1)
        else:
            made = self._node(ANDN, a, b ^ 1) if b & 1 else self._node(ANDN, b, a ^ 1)
        if made not in self._holds:
            (ones, zeros), (more, none) = self._implied(a), self._implied(b)
            self._holds[made] = (ones | more, zeros | none)
        return made

    def either(self, a: int, b: int) -> int:
        return self.both(a ^ 1, b ^ 1) ^ 1

    def every(self, literals: Iterable[int]) -> int:
        return reduce(self.both, sorted(set(literals)), 1)

    def some(self, literals: Iterable[int]) -> int:
        return self.every(a ^ 1 for a in literals) ^ 1

    def xor(self, a: int, b: int) -> int:
        odd = (a ^ b) & 1
        a, b = sorted((a & ~1, b & ~1))
        if a == b:
            return odd
        return (b if a == 0 else self._node(XOR, a, b)) ^ odd

    def xor3(self, a: int, b: int, c: int) -> int:
        odd = (a ^ b ^ c) & 1
        a, b, c = sorted((a & ~1, b & ~1, c & ~1))
        if a == b:
            return c ^ odd
        if b == c:
            return a ^ odd
        return (self.xor(b, c) if a == 0 else self._node(XOR3, a, b, c)) ^ odd

    def majority(self, a: int, b: int, c: int) -> int:
        a, b, c = sorted((a, b, c))
        for x, y, z in ((a, b, c), (b, c, a), (a, c, b)):
            if x == y:
                return x
            if x ^ y == 1:
                return z
        if a <= 1:
            return self.either(b, c) if a else self.both(b, c)
        flip = (a & 1) + (b & 1) + (c & 1) >= 2  # the majority of complements is the complement of the majority
        if flip:
            a, b, c = sorted((a ^ 1, b ^ 1, c ^ 1))
        complemented = [x for x in (a, b, c) if x & 1]
        if not complemented:
            return self._node(MAJ, a, b, c) ^ flip
        return self._node(MAJN, complemented[0] ^ 1, *(x for x in (a, b, c) if not x & 1)) ^ flip

    def needed(self, literals: Iterable[int]) -> list[int]:
        """The nodes that some literals depend on, themselves included, in the order in which they can be computed."""
        found: set[int] = set()
        open_nodes = [a >> 1 for a in literals]
        while open_nodes:
            node = open_nodes.pop()
            if node not in found:
                found.add(node)
                open_nodes += [a >> 1 for a in (self.nodes[node] or (0,))[1:]]
        return sorted(found - {0})
