"""A decode as text: one row a decoding step, with the sequence, in which a mask is a dot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.common.tables import count, narrow_table
from lockstep.common.tracing.machine_text import CHANGED, MOST_ROWS, STYLE
from lockstep.compiler import masked_arm
from lockstep.compiler.compile import Layout
from lockstep.models.tokens import MASK
from lockstep.models.transformer import Tokens
from lockstep.proofs_check.watching import WatchedStep

#: How the kinds of tokens without a value are written. A word is its number, a register r3, a program counter p3.
SIGNS = {
    MASK: "·",
    "BOS": "B",
    "HALT": "H",
    "NONE": "-",
    "CALL": "(",
    "SEP": "|",
    "RETURN": ")",
    "END": "E",
    masked_arm.WORK: ".",
}
LETTERS = {"WORD": "", "REG": "r", "PC": "p"}
#: The edits of a step, with their letters.
EDITS = {"unmasked": "u", "remasked": "r", "rewritten": "w", "inserted": "i", "deleted": "d", "appended": "a"}
#: Columns of a row beside the sequence; tokens that a window shows before the first change.
BESIDE, BEFORE = 34, 2
#: Stands where a sequence goes on.
MORE = ".."


def token_text(layout: Layout, token: int) -> str:
    """A token in a few characters; a pair of masked-arm with the position that it names."""
    vocabulary = layout.circuit.vocabulary
    kind, value = vocabulary.split(token)
    if not kind.endswith(masked_arm.PAIR):
        return SIGNS.get(kind) or f"{LETTERS[kind]}{value}"
    assert isinstance(layout, masked_arm.Layout)
    place, value = value >> layout.value_bits, value & (1 << layout.value_bits) - 1
    kind = kind.removesuffix(masked_arm.PAIR)
    return f"{place}:{SIGNS.get(kind) or f'{LETTERS[kind]}{value}'}"


def edits_of(step: WatchedStep) -> dict[str, list[int]]:
    """The positions of each kind of edit; those of deletes are before the step, the others after it."""
    edited = step.edited
    appended = edited.rows[edited.appended]
    found = {name: getattr(edited, name) for name in EDITS if name != "appended"} | {"appended": appended}
    return {name: rows.tolist() for name, rows in found.items() if len(rows)}


class DecodeRows:
    """Collects the rows of a decode as it goes on: the first MOST_ROWS of them, unless `full`.

    start: the first sequence. word: a token as text. width: of the terminal. timed: whether steps belong to steps of a machine.
    """

    def __init__(self, start: Tokens, word: Callable[[int], str], width: int, full: bool = False, timed: bool = True) -> None:
        self.word, self.timed, self.room, self.most = word, timed, max(20, width - BESIDE), None if full else MOST_ROWS
        self.rows: list[tuple[str, ...]] = [("", "", f"{len(start):,}", "")]
        self.texts = [self._sequence(start, set())]
        self.records: list[dict[str, Any]] = []
        self.made = 0

    def add(self, step: WatchedStep) -> None:
        self.made += 1
        edits = edits_of(step)
        gone = [] if step.erasure is None else [f"e{len(step.erasure) + 1}"]
        erased = {} if step.erasure is None else {"erased": [step.erasure.start, step.erasure.stop]}
        clock = {"time": step.time} if self.timed else {}
        self.records.append({"step": step.number} | clock | {"context": step.context} | erased | edits)
        if self.most is not None and self.made > self.most:
            return
        counts = " ".join([*gone, *(f"{EDITS[name]}{len(rows)}" for name, rows in edits.items())])
        self.rows.append((f"{step.number:,}", f"{step.time:,}", f"{step.context:,}", counts))
        changed = {row for name, rows in edits.items() if name != "deleted" for row in rows}
        self.texts.append(self._sequence(step.sequence, changed))

    def table(self) -> RenderableType:
        """One row for the start and one for each step."""
        table = narrow_table()
        titles = ("step", "time", "context", "edits")
        shown = [number for number, title in enumerate(titles) if self.timed or title != "time"]
        for number in shown:
            table.add_column(titles[number], justify="left" if titles[number] == "edits" else "right", no_wrap=True)
        table.add_column("sequence", no_wrap=True, overflow="ellipsis")
        for row, text in zip(self.rows, self.texts):
            table.add_row(*(row[number] for number in shown), text)
        more = self.made - len(self.rows) + 1
        legend = ", ".join(f"{letter} {name}" for name, letter in EDITS.items())
        ends = [
            f"{legend}, e erased",
            f"· is a mask, {CHANGED} was edited in this step" + (", time is the step of the machine" if self.timed else ""),
            *([f"{count(more, 'more decoding step')}; --full prints all"] if more else []),
        ]  # fmt: skip
        return Group(table, *map(Text, ends), Text(""))

    def _sequence(self, tokens: NDArray[np.int64], changed: set[int]) -> Text:
        """The sequence, or of a long one a part with the first change, and the last one if there is room."""
        first = self._first(tokens, changed)
        text = Text(f"@{first} " if first else "")
        for row, token in enumerate(tokens[first : first + self.room].tolist(), first):
            word = self._word(token, row in changed)
            left = 0 if row + 1 == len(tokens) else len(MORE)
            if len(text) + len(word) + left > self.room:
                text.append(MORE)
                break
            text.append(word, STYLE if row in changed else "").append(" ")
        text.rstrip()
        return text

    def _first(self, tokens: NDArray[np.int64], changed: set[int]) -> int:
        """The first position that is shown: as far to the left as leaves room for the last change, but right before the first one."""
        if not changed:
            return 0
        low, high = min(changed), max(changed)
        first, wide = max(0, low - BEFORE), 0
        for row in range(first, high + 1):
            wide += len(self._word(int(tokens[row]), row in changed)) + 1
            if wide > self.room:
                return first
        while first and wide + len(MORE) + len(f"@{first} ") + len(word := self._word(int(tokens[first - 1]), False)) < self.room:
            first, wide = first - 1, wide + len(word) + 1
        return first

    def _word(self, token: int, changed: bool) -> str:
        return f"{CHANGED if changed else ''}{self.word(token)}"
