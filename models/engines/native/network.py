"""A Boolean network over bit planes. A *plane* holds one bit of every row; a *literal* is a plane or its complement.

Literals are 2 * node + complement; node 0 is the constant 0, so 0 and 1 are the constants. Equal nodes are made once, so that the
carries of one sum share all that they have in common.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import chain

import numpy as np
from numpy.typing import NDArray

#: What a tape computes; the numbers are those of tape.h.
AND, ANDN, NOR, XOR, MAJ, MAJN, XOR3, COPY, NOT = range(9)
#: Stands for the operation of an input.
INPUT = -1

#: An operation and three literals; those of two have 0 as the third.
Node = tuple[int, int, int, int]
INPUT_NODE = (INPUT, 0, 0, 0)


@dataclass(frozen=True)
class Nodes:
    """The nodes of a network as arrays, int64.

    operation: [nodes], INPUT for inputs and the constant. arguments: [nodes, 3], numbers of nodes; 0 where there is none.
    depth: [nodes], how many operations stand one after the other, at most, before the node is computed, itself included.
    """

    operation: NDArray[np.int64]
    arguments: NDArray[np.int64]
    depth: NDArray[np.int64]


class Network:
    """Nodes in the order in which they can be computed. `nodes[i]` is None for an input.

    Arguments of a node are literals without complement: ANDN and MAJN complement one of theirs.
    """

    def __init__(self) -> None:
        self.nodes: list[Node | None] = [None]
        self._made: dict[Node, int] = {}
        self._implications: dict[int, tuple[set[int], set[int]]] = {}
        self._sums: dict[tuple[int, int, int], tuple[int, int]] = {}

    def input(self) -> int:
        self.nodes.append(None)
        return 2 * (len(self.nodes) - 1)

    def _node(self, operation: int, a: int, b: int, c: int = 0) -> int:
        key = (operation, a, b, c)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = 2 * len(self.nodes)
            self.nodes.append(key)
        return made

    # -- conjunctions --------------------------------------------------------------------------

    def both(self, a: int, b: int) -> int:
        if a > b:
            a, b = b, a
        if a <= 1:
            return b if a else 0
        if a | 1 == b | 1:
            return b if a == b else 0
        if a & 1:
            return self._node(NOR, a ^ 1, b ^ 1) if b & 1 else self._node(ANDN, b, a ^ 1)
        return self._node(ANDN, a, b ^ 1) if b & 1 else self._node(AND, a, b)

    def either(self, a: int, b: int) -> int:
        return self.both(a ^ 1, b ^ 1) ^ 1

    def every(self, literals: Iterable[int]) -> int:
        return reduce(self.both, sorted(set(literals)), 1)

    def some(self, literals: Iterable[int]) -> int:
        return self.every(a ^ 1 for a in literals) ^ 1

    def exclusive(self, a: int, b: int) -> bool:
        """Whether two literals are seen to be never 1 together. False says nothing."""
        return not self._implied(a)[0].isdisjoint(self._implied(b)[1])

    def _implied(self, a: int) -> tuple[set[int], set[int]]:
        """The literals that are 1 wherever a literal is 1, and their complements."""
        if a not in self._implications:
            implied, literals = set[int](), [a]
            while literals:
                b = literals.pop()
                if b not in implied:
                    implied.add(b)
                    literals += self._conjuncts(b)
            self._implications[a] = implied, {b ^ 1 for b in implied}
        return self._implications[a]

    def _conjuncts(self, a: int) -> tuple[int, ...]:
        """The literals that a literal is the conjunction of, if it is one."""
        operation, b, c, _ = INPUT_NODE if a & 1 else self.nodes[a >> 1] or INPUT_NODE
        if operation == AND:
            return b, c
        if operation == ANDN:
            return b, c ^ 1
        return (b ^ 1, c ^ 1) if operation == NOR else ()

    # -- sums ----------------------------------------------------------------------------------

    def xor(self, a: int, b: int) -> int:
        odd = (a ^ b) & 1
        a, b = (a & ~1, b & ~1) if a < b else (b & ~1, a & ~1)
        if a == b:
            return odd
        return (self._node(XOR, a, b) if a else b) ^ odd

    def xor3(self, a: int, b: int, c: int) -> int:
        odd = (a ^ b ^ c) & 1
        a, b, c = sorted((a & ~1, b & ~1, c & ~1))
        if a == b:
            return c ^ odd
        if b == c:
            return a ^ odd
        return (self._node(XOR3, a, b, c) if a else self._node(XOR, b, c)) ^ odd

    def add(self, a: int, b: int, c: int) -> tuple[int, int]:
        """Both bits of a + b + c."""
        found = self._sums.get((a, b, c))
        if found is None:
            found = self._sums[a, b, c] = self.xor3(a, b, c), self.majority(a, b, c)
        return found

    def majority(self, a: int, b: int, c: int) -> int:
        a, b, c = sorted((a, b, c))
        if a <= 1:
            return self.either(b, c) if a else self.both(b, c)
        if a | 1 == b | 1:
            return a if a == b else c
        if b | 1 == c | 1:
            return b if b == c else a
        complemented = (a & 1) + (b & 1) + (c & 1)
        if complemented >= 2:  # the majority of complements is the complement of the majority
            return self._majority(a ^ 1, b ^ 1, c ^ 1, 3 - complemented) ^ 1
        return self._majority(a, b, c, complemented)

    def _majority(self, a: int, b: int, c: int, complemented: int) -> int:
        """Args: three nodes in order, of which at most one is complemented: so many."""
        if not complemented:
            return self._node(MAJ, a, b, c)
        if a & 1:
            return self._node(MAJN, a ^ 1, b, c)
        return self._node(MAJN, b ^ 1, a, c) if b & 1 else self._node(MAJN, c ^ 1, a, b)

    def needed(self, literals: Iterable[int]) -> list[int]:
        """The nodes that some literals depend on, themselves included, in the order in which they can be computed."""
        nodes, wanted, found = self.nodes, bytearray(len(self.nodes)), list[int]()
        for a in literals:
            wanted[a >> 1] = 1
        number = len(nodes)
        while (number := wanted.rfind(1, 1, number)) > 0:  # arguments have lower numbers
            found.append(number)
            node = nodes[number]
            if node is not None:
                wanted[node[1] >> 1] = wanted[node[2] >> 1] = wanted[node[3] >> 1] = 1
        found.reverse()
        return found

    def arrays(self) -> Nodes:
        """The nodes that there are now."""
        whole = [node or INPUT_NODE for node in self.nodes]
        table = np.fromiter(chain.from_iterable(whole), np.int64, 4 * len(whole)).reshape(-1, 4)
        depth = [0] * len(whole)
        for number, (operation, a, b, c) in enumerate(whole):
            if operation != INPUT:
                depth[number] = 1 + max(depth[a >> 1], depth[b >> 1], depth[c >> 1])
        return Nodes(table[:, 0], table[:, 1:] >> 1, np.array(depth))
