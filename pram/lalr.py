"""Takes the steps of Lark's parser from Lark's own tables, faster than Lark does.

An expression has a grammar rule for each level of operators, so the value of a name passes through ten rules that leave it as
it is. Where these end depends on two states and the next token. It is remembered, and the rules between are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lark import Token
from lark.parse_tree_builder import ExpandSingleChild
from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_parser_state import ParseConf


class Reduce(NamedTuple):
    """A rule is complete: the last `size` values become one. origin: its name. same: it is one value, and stays as it is."""

    size: int
    make: Callable[[list[Any]], Any]
    origin: str
    same: bool


class Steps:
    """The tables of a grammar. actions: by state and type of the next token, the next state, or a rule. following: by state and rule."""

    def __init__(self, tables: ParseConf[int]) -> None:
        self.actions: dict[int, dict[str, int | Reduce]] = {}
        self.following: dict[int, dict[str, int]] = {}
        for state, row in tables.states.items():
            self.following[state] = {name: arg for name, (action, arg) in row.items() if action is Shift}
            self.actions[state] = {
                name: arg if action is Shift else _reduce(arg, tables.callbacks[arg]) for name, (action, arg) in row.items()
            }
        self._reached: dict[tuple[int, int, str], int] = {}

    def take(self, token: Token, states: list[int], values: list[Any]) -> bool:
        """Take the next token. Return whether the grammar allows it; if not, the stacks are as Lark leaves them."""
        kind = token.type
        while True:
            action = self.actions[states[-1]].get(kind)
            if action is None:
                return False
            if isinstance(action, int):
                states.append(action)
                values.append(token)
                return True
            size, make, origin, _ = action
            if size:
                below = values[-size:]
                del states[-size:], values[-size:]
            else:
                below = []
            values.append(make(below))
            states.append(self._after(states[-1], self.following[states[-1]][origin], kind))

    def _after(self, before: int, state: int, kind: str) -> int:
        """Return the state after all rules that leave the last value as it is. before: the state below it."""
        found = self._reached.get((before, state, kind))
        if found is None:
            found = state
            while isinstance(action := self.actions[found].get(kind), Reduce) and action.same:
                found = self.following[before][action.origin]
            self._reached[before, state, kind] = found
        return found


def _reduce(rule: Any, make: Callable[[list[Any]], Any]) -> Reduce:
    size = len(rule.expansion)
    return Reduce(size, make, rule.origin.name, size == 1 and isinstance(make, ExpandSingleChild))
