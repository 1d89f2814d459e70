"""An editor: a model that carries out a script of edits on the text behind it, and leaves the text alone.

    BOS  commands ..  SEP  text ..   ->   BOS  SEP  text ..

Places count the letters from 1; a letter is inserted behind a place, and behind place 0 it comes first. The first command acts. In one
step its letter is remasked, or a mask is inserted. In the next, the mask takes its letter or is deleted, and the command is remasked.
In the third, the command is deleted, so the next one is first. Letters behind the place move, and nothing has to write them again:
each row finds its place by its distance from SEP, as it stands there now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lockstep.compiler.circuit import Match
from lockstep.compiler.linear import word_of
from lockstep.models.tokens import MASK
from lockstep.models.transformer import Tokens
from lockstep.tasks.kit import BOS, YES, EditBuilder, Task
from lockstep.tasks.pictures import Picture, Sign

SEP, LETTER = "SEP", "LETTER"
INSERT, DELETE, REPLACE = "INSERT", "DELETE", "REPLACE"
COMMANDS = (INSERT, DELETE, REPLACE)
#: Decoding steps of a command.
STEPS = 3
#: The layers: what each row finds of the command and of its own place; and what it does.
FIND, ACT = 0, 1
EVERY_ROW: tuple[Match, ...] = ()


@dataclass(frozen=True)
class Edit:
    """A command. place: of the letter; for INSERT, of the one before it, or 0. letter: the number of the new one; DELETE has none."""

    command: str
    place: int
    letter: int = 0


@dataclass(frozen=True)
class Editor(Task):
    """The circuit for letters of so many bits."""

    letter_bits: int

    def start(self, script: Iterable[Edit], text: Iterable[int]) -> Tokens:
        """Return BOS, the commands, SEP and the text."""
        token = self.circuit.vocabulary.token
        commands = [token(edit.command, edit.place << self.letter_bits | edit.letter) for edit in script]
        return np.array([token(BOS), *commands, token(SEP), *(token(LETTER, letter) for letter in text)], np.int64)

    def text(self, tokens: Sequence[int] | Tokens) -> list[int] | None:
        """Return the letters of a finished sequence; None if something else stands there."""
        kinds = [self.circuit.vocabulary.split(int(token)) for token in tokens]
        if [kind for kind, _ in kinds] != [BOS, SEP, *[LETTER] * (len(kinds) - 2)]:
            return None
        return [letter for _, letter in kinds[2:]]


def editor(place_bits: int, letter_bits: int, index_bits: int) -> Editor:
    """The circuit for places and letters of so many bits, in sequences of up to 2^index_bits rows."""
    bits = letter_bits + place_bits
    b = EditBuilder({SEP: 0, **dict.fromkeys(COMMANDS, bits), LETTER: letter_bits}, 1 << index_bits, depth=2)
    first, mask, rank = b.place("first").flag, b.is_kind(MASK), b.rank.flag
    letter, place = [*b.token_bits][:letter_bits], word_of([*b.token_bits][letter_bits:])

    # each row finds SEP and the first command
    sep = b.read(FIND, "sep", b.body, EVERY_ROW, (b.is_kind(SEP),), {"rank": rank})["rank"].flag
    flags = {kind: b.is_kind(kind) for kind in COMMANDS}
    found = b.read(FIND, "command", b.body, EVERY_ROW, (first,), {**flags, "place": place, "letter": letter})
    inserts, deletes, replaces = (found[kind].flag for kind in COMMANDS)
    reached, not_past = b.field("place reached"), b.field("place not past")
    own = rank - sep  # 0 for SEP, then 1, 2, .. for letters, and less for commands
    b.at_least(FIND, own - found["place"].flag, [b.body], {reached.bit(): 1})
    b.at_least(FIND, found["place"].flag - own, [b.body], {not_past.bit(): 1})

    # while a mask stands in the text, it takes its letter or is deleted, and the command is done; a mask in front is no command
    masked = b.read(ACT, "mask", b.body, EVERY_ROW, (mask,), {"found": YES}, rank)["found"].flag
    here = [reached.flag, not_past.flag, 1 - masked]
    b.edit("remask", [deletes + replaces, *here, b.is_kind(LETTER)], ACT)
    b.edit("insert", [inserts, *here], ACT)
    b.edit("remask", [mask], ACT)
    b.take(LETTER, [inserts + replaces, mask], enumerate(found["letter"]), ACT)
    b.edit("delete", [deletes, mask], ACT)
    b.edit("remask", [inserts + deletes + replaces, first, masked], ACT)
    b.edit("delete", [first, mask], ACT)
    return Editor(b.made(), index_bits, {"first": [1]}, letter_bits)


def picture_of(task: Editor, alphabet: Sequence[str]) -> Picture:
    """How sequences are shown: letters as they are, a command with its sign, place and letter."""
    letter = Sign("", task.letter_bits, names=tuple(alphabet))
    place = Sign("", task.circuit.vocabulary.bits(INSERT) - task.letter_bits, shift=task.letter_bits)
    signs = {LETTER: letter, INSERT: replace(place, text="+", then=letter), DELETE: replace(place, text="-")}
    return Picture(signs | {REPLACE: replace(place, text="=", then=letter)})


def steps(script: Sequence[Edit]) -> int:
    """The decoding steps: three for each command."""
    return STEPS * len(script)


def context(script: Sequence[Edit], length: int) -> int:
    """The longest sequence for a text of this length: that of the start, and one mask more if the first command inserts.

    Each command takes its own token away when it ends, so later insertions never need more.
    """
    return 2 + len(script) + length + (bool(script) and script[0].command == INSERT)


def written(edit: Edit) -> int:
    """The letters that the model writes for a command."""
    return 0 if edit.command == DELETE else 1


def emitted_again(edit: Edit, length: int) -> int:
    """The letters that a process which only appends must log for the same command, on a text of this length.

    Its log says what stands at each place, and the newest entry of a place counts. So besides a new letter, all letters behind the
    place are logged again, one place further on.
    """
    behind = length - edit.place
    return {INSERT: 1 + behind, DELETE: behind, REPLACE: 1}[edit.command]
