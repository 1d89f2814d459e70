"""Runs the LALR(1) tables that Lark makes. Lark's own loop takes longer, and programs are parsed often.

Lark looks up what to do for a rule by comparing rules, and calls a function for each step, even where a rule only passes on what it
has. Here both are found out once, when the tables are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Union

from lark import Lark, Token, UnexpectedToken
from lark.parse_tree_builder import ExpandSingleChild

#: What a terminal does in a state. A number: go to this state. Else reduce: what makes a value of those of the rule's symbols, or None
#: if the rule passes its only value on; how many symbols it has; and the symbol that it makes.
Action = Union[int, tuple[Union[Callable[[list[Any]], Any], None], int, str]]


class Automaton:
    """The tables of a parser. actions: for each state, what each terminal does. after: the state after each symbol that a rule makes."""

    def __init__(self, lark: Lark) -> None:
        made = lark.parse_interactive("").parser_state.parse_conf
        self.lark, self.start, self.end = lark, made.start_state, made.end_state
        self.actions: dict[int, dict[str, Action]] = {}
        self.after: dict[int, dict[str, int]] = {}
        for state, row in made.states.items():
            self.actions[state] = {s: _action(argument, made.callbacks) for s, (_, argument) in row.items() if s.isupper()}
            self.after[state] = {s: argument for s, (_, argument) in row.items() if not s.isupper()}
        self._passed: dict[tuple[int, str, str], int] = {}

    def parse(self, text: str, see: Callable[[Token], None]) -> Any:
        """Return what the rules make of a text.

        Args:   see: called with each token, before the parser takes it.
        Raises: UnexpectedToken, UnexpectedCharacters: at the first one.
        """
        actions, states, values = self.actions, [self.start], list[Any]()
        for token in self._tokens(text, see):
            terminal = token.type
            while not isinstance(action := actions[states[-1]].get(terminal), int):
                if action is None:
                    raise UnexpectedToken(token, set(actions[states[-1]]))  # type: ignore[no-untyped-call]
                build, size, made = action
                if build is None:
                    states[-1] = self._after_passing(states[-2], made, terminal)
                    continue
                first = len(values) - size
                below = values[first:]
                del values[first:], states[first + 1 :]
                values.append(build(below))
                states.append(self.after[states[-1]][made])
                if states[-1] == self.end:
                    return values[-1]
            states.append(action)
            values.append(token)
        raise AssertionError("the end of a text ends its parse")

    def _after_passing(self, state: int, made: str, terminal: str) -> int:
        """Return the state after a rule, and after all rules that pass its value on: each level of operators has such a rule.

        Args: state: before the rule. made: the symbol that it makes. terminal: the next one.
        """
        found = self._passed.get((state, made, terminal))
        if found is None:
            found = self.after[state][made]
            while isinstance(action := self.actions[found].get(terminal), tuple) and action[0] is None:
                found = self.after[state][action[2]]
            self._passed[state, made, terminal] = found
        return found

    def _tokens(self, text: str, see: Callable[[Token], None]) -> Iterator[Token]:
        reading = self.lark.parse_interactive(text)
        tokens: Iterator[Token] = reading.lexer_thread.lex(reading.parser_state)  # type: ignore[no-untyped-call]
        for token in tokens:
            see(token)
            yield token
        yield Token("$END", "", 0, 1, 1)


def _action(argument: Any, callbacks: Any) -> Action:
    if isinstance(argument, int):
        return argument
    build, size = callbacks[argument], len(argument.expansion)
    return None if size == 1 and isinstance(build, ExpandSingleChild) else build, size, argument.origin.name
