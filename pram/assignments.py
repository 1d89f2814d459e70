"""Which names a part of a program declares or assigns."""

from __future__ import annotations

from lockstep.pram.syntax import Assign, For, Local, Node, PrefixSum, Range, Several, Store, walk


def assigned(region: Node) -> frozenset[str]:
    """Return the names that a region declares or assigns, shared ones too."""
    found: set[str] = set()
    for node in walk(region):
        match node:
            case Local(name) | Assign(name) | Store(name):
                found.add(name)
            case Several(targets):
                found |= {target.name for target in targets}
            case PrefixSum(name, target):
                found |= {name, target.name}
            case For(name) | Range(name):
                found.add(name)
    return frozenset(found)
