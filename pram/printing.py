"""What `print` statements show: the code of their expressions, beside the machine code of the program.

A `print` takes no step and adds no instruction. Lowering notes a *point*: processors that arrive at its instruction show its
items. The code of an item is its own. The machine runs it aside, on the registers and the memory of that moment
(`lockstep.pram.showing`).
"""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.pram.emitting import Emitter
from lockstep.pram.errors import Span
from lockstep.pram.instructions import Instruction
from lockstep.pram.syntax import Expression, Print, Text


@dataclass(frozen=True)
class Aside:
    """The code of an expression. Operand x of its last instruction is the value.

    below: how many registers the program has in use; the code may read these. registers: how many it needs itself.
    derived: its derived parameters, as in a MachineCode.
    """

    code: tuple[Instruction, ...]
    below: int
    registers: int
    derived: tuple[Expression, ...]


#: A text, a parameter expression, or the code of an expression of words.
Item = Text | Expression | Aside


@dataclass(frozen=True)
class Point:
    """A `print` at the instruction `index`. Who comes there by a jump of `skips` starts another round, and shows nothing.

    everyone: it stands outside `parallel` and `single`, so all processors run it.
    """

    index: int
    items: tuple[Item, ...]
    at: Span
    everyone: bool
    skips: frozenset[int] = frozenset()


def point_of(statement: Print, emitter: Emitter) -> Point:
    """Return the point of a `print` at the place that an emitter has reached."""
    items = tuple(_item(item, emitter) for item in statement.items)
    return Point(len(emitter.code), items, statement.at, not emitter.guards)


def _item(item: Text | Expression, emitter: Emitter) -> Item:
    if isinstance(item, Text) or emitter.symbols.is_parametric(item):
        return item
    own = Emitter(emitter.symbols)
    own.locals, own.free, own.most_registers = dict(emitter.locals), emitter.free, emitter.free
    own.emit("halt", own.value(item), at=item.at)
    return Aside(tuple(own.code), emitter.free, max(own.most_registers, 1), tuple(own.derived))
