"""Compares a run's outputs with those that an oracle returned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lockstep.pram.errors import did_you_mean, shorten
from lockstep.pram.inputs import show_value
from lockstep.pram.job import Array


@dataclass(frozen=True)
class Verdict:
    """Whether a run's outputs are right.

    difference: describes the first wrong cell; "" if the outputs are right.
    expected:   the oracle's outputs in the form of `Run.outputs`; None if there is no oracle.
    unjudged:   the names of the inouts that the oracle leaves out.
    """

    right: bool
    difference: str = ""
    expected: dict[str, Any] | None = None
    unjudged: tuple[str, ...] = ()


class WrongForm(ValueError):
    """The value that an oracle returned does not have the form of the program's outputs; the message says why."""


def compare(outputs: Sequence[Array], returned: Any, found: dict[str, Any], who: str = "oracle") -> Verdict:
    """Compare a run's outputs with those that the oracle returned. It may leave out inouts, but not all that there is.

    Args:   outputs: the program's output arrays. returned: what the oracle returned. found: the run's outputs by name.
            who: names the oracle in messages.
    Raises: WrongForm: wrong names, types or shapes.
    """
    _check_names(outputs, returned)
    unjudged = tuple(array.name for array in outputs if array.name not in returned)
    outputs = [array for array in outputs if array.name in returned]
    words = {array.name: expected_words(array, returned[array.name]) for array in outputs}
    differing = [
        (array, offset, said, word)
        for array in outputs
        for offset, (said, word) in enumerate(zip(words[array.name], _flat(found[array.name])))
        if said != word
    ]
    expected = {array.name: _shaped(array, words[array.name]) for array in outputs}
    return Verdict(not differing, _first(differing, who), expected, unjudged)


def _first(differing: Sequence[tuple[Array, int, int, int]], who: str) -> str:
    if not differing:
        return ""
    array, offset, said, word = differing[0]
    more = len(differing) - 1
    others = f"; {more:,} more cell{'s differ' if more > 1 else ' differs'}" if more else ""
    return f"{who} says {show_value(said)}, machine says {word}, at `{array.cell(offset)}`{others}"


def _check_names(outputs: Sequence[Array], returned: Any) -> None:
    names = [array.name for array in outputs]
    have = f"the program's outputs are {', '.join(names)}" if names else "the program has no outputs"
    if not isinstance(returned, dict):
        raise WrongForm(f"it is {type_name(returned)}, not a dictionary of outputs; {have}")
    for name in returned:
        if name not in names:
            raise WrongForm(
                f"it has `{shorten(str(name))}`, which is not an output{did_you_mean(str(name), names) or '; ' + have}"
            )
    for array in outputs:
        if array.name not in returned and (array.role == "output" or not returned):
            raise WrongForm(f"it lacks the output `{array.name}`; {have}")


def expected_words(array: Array, value: Any) -> list[int]:
    """Return the expected words of one output, in the order of its cells. `value` is a number, a flat list or a list of rows.

    Raises: WrongForm: the value has another shape, or an entry that is not an integer.
    """
    flat = _entries(array, value)
    if len(flat) != array.size:
        raise WrongForm(f"output `{array.name}` must be {_shape(array)}, not {len(flat)}")
    for offset, entry in enumerate(flat):
        if not isinstance(entry, int):
            raise WrongForm(f"{array.cell(offset)} = {describe_value(entry)}, not an integer")
    return [int(entry) for entry in flat]


def _entries(array: Array, value: Any) -> list[Any]:
    if not array.shape:
        return [value]
    if not isinstance(value, (list, tuple)):
        raise WrongForm(f"output `{array.name}` must be a list of {_shape(array)}, not {describe_value(value)}")
    if len(array.shape) == 1 or not any(isinstance(row, (list, tuple)) for row in value):
        return list(value)
    rows, columns = array.shape
    if len(value) != rows or any(not isinstance(row, (list, tuple)) or len(row) != columns for row in value):
        raise WrongForm(f"output `{array.name}` must be {rows} rows of {columns} values")
    return [entry for row in value for entry in row]


def _shape(array: Array) -> str:
    if len(array.shape) == 2:
        return f"{array.shape[0]} x {array.shape[1]} values"
    return f"{array.size} value{'' if array.size == 1 else 's'}"


def describe_value(value: Any) -> str:
    """Return a value with its type, such as `5.0, a float`; for lists, dictionaries and None only the type."""
    says_it_all = value is None or isinstance(value, (bytes, list, tuple, dict))
    return type_name(value) if says_it_all else f"{show_value(value)}, {type_name(value)}"


def type_name(value: Any) -> str:
    """Return the type of a value for messages: `a list`, `None`. Bytes hold the name of a type that is not plain."""
    if value is None:
        return "None"
    name = value.decode() if isinstance(value, bytes) else type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _flat(value: Any) -> Iterator[int]:
    if isinstance(value, list):
        for each in value:
            yield from _flat(each)
    else:
        yield int(value)


def _shaped(array: Array, words: list[int]) -> Any:
    """Return words in the form of `Run.outputs`."""
    if not array.shape:
        return words[0]
    if len(array.shape) == 1:
        return words
    columns = array.shape[1]
    return [words[row * columns : (row + 1) * columns] for row in range(array.shape[0])]
