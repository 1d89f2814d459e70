"""What every construction says of its decodes, beside the bounds in its theorem's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lockstep.proofs_check.closed_forms import Bound, ClosedForm
from lockstep.proofs_check.expectation import Expectation

#: The letters of a decode, and its bound.
Letters = Mapping[str, int]


@dataclass(frozen=True)
class Phase:
    """Equal decoding steps: how many, their context, and the rows that engines which skip rows compute in the first layer and in later
    layers."""

    steps: int
    context: int
    rows: float
    later: float


@dataclass(frozen=True)
class Facts:
    """What a construction's decodes are made of.

    expectation: the sequence after every decoding step, for a layout of its own kind.
    width:       d_model. vocabulary: how many tokens there are. depth: layers.
    tokens:      tokens that are generated in all decoding steps: `run` counts the pairs of a processor and a step at which it had
                 not halted, `put` the registers and cells written in each step, `new` the words that each step changes.
    contexts:    pairs (decoding steps, context that the model sees), from the start, for letters and a bound.
    phases:      the same with the rows computed; takes also the parts of P T at which processors run, and at which they write.
    erases:      the sequence is cut down again and again.
    in_place:    the sequence grows and shrinks, and a step edits the state of the machine where it stands.
    same_tokens: `tokens` has none of these: all runs of a size have as many.
    assumed:     what its proofs take for granted beside what all do.
    """

    expectation: Callable[[Any], Expectation]
    width: ClosedForm
    tokens: ClosedForm
    contexts: Callable[[Letters, Bound], Iterator[tuple[int, int]]]
    phases: Callable[[Letters, Bound, float, float], list[Phase]]
    erases: bool = False
    in_place: bool = False
    same_tokens: bool = False
    assumed: tuple[str, ...] = ()
    vocabulary: ClosedForm = ClosedForm("4 + (1 << r) + (1 << c) + (1 << w)")
    depth: ClosedForm = ClosedForm("3")
