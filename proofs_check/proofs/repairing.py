"""Proves on the weights that the next decoding step stays the same if a minority of the copies of every item changes.

The construction is `lockstep.compiler.copies`.

Let a minority of the copies of every item hold any tokens, and position 0, too. Three things follow from single entries of matrices:

- The heads of the first layer choose rows by positions alone, one copy each, and add what tokens say to votes: 0 or 1 for each copy.
  So a vote of which all copies agree is 0 or all of them, and the changes move it by a minority.
- No gate of the first layer reads a token, and none reads more than one vote. All that the gates write is the same for all votes up to
  a minority, and the same from a majority on. On the first row it is the same for all votes.
- Nothing behind the first layer reads a token or a vote: no head, no gate, and not the readout.

So every row's prediction is the one without the changes. The rows' own proofs say that each row predicts a token with certainty.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from lockstep.proofs_check.proofs.structure import WrongStructure
from lockstep.proofs_check.proofs.weights import Exact, Network, ProofLayer


def check_repair(network: Network, copies: int) -> int:
    """Check what this page says, for so many copies. Returns: the number of votes.

    Raises: WrongStructure: the message says what reads a token or a vote, or which vote decides otherwise.
    """
    first, *later = network.layers
    tokens = {c for name, columns in network.fields.items() if name.startswith("token.") for c in columns}
    votes = {to for copied in first.copies.values() for to in np.flatnonzero(copied.any(axis=1)).tolist()}
    _check_heads(network, first, tokens, copies)
    _check_gates(network, first, tokens, votes, copies)
    _check_behind(network, later, tokens | votes)
    return len(votes)


def _positions(network: Network) -> set[int]:
    return {c for name in network.positions for c in network.fields[name]}


def _check_heads(network: Network, layer: ProofLayer, tokens: set[int], copies: int) -> None:
    """Each head of the first layer finds one copy by positions, and reads the same of it as all others."""
    positions, kinds = _positions(network), {c for c in tokens if network.names[c][0] != "token.bits"}
    marks = {network.columns[f"copy.{n}", 0]: n for n in range(copies)}
    found, others = [], next(iter(layer.copies.values()))
    for name, score in layer.scores.items():
        chosen = {int(c) for axis in (0, 1) for c in np.flatnonzero(score.any(axis=axis))}
        if wrong := sorted(chosen - positions):
            raise WrongStructure(f"head {name} chooses rows by {network.text(wrong[0])}, which is no position")
        found += [marks[int(c)] for c in np.flatnonzero(score.any(axis=0)) if int(c) in marks]
        copied = layer.copies[name]
        if not np.array_equal(copied, others):
            raise WrongStructure(f"head {name} reads something else than another copy's head")
        for to in np.flatnonzero(copied.any(axis=1)).tolist():
            read = set(np.flatnonzero(copied[to]).tolist())
            if not (copied[to][list(read)] == 1).all() or not (read <= kinds or (len(read) == 1 and read <= tokens)):
                raise WrongStructure(f"head {name} gives {network.text(to)} more than one vote")
    if sorted(found) != list(range(copies)):
        raise WrongStructure(f"the heads read copies {sorted(found)}, not each of {copies}")


def _check_gates(network: Network, layer: ProofLayer, tokens: set[int], votes: set[int], copies: int) -> None:
    """Gates of the first layer read one vote each, and cannot tell a minority from none, nor a majority from all."""
    positions, units = _positions(network), dict[int, list[int]]()
    for unit in range(len(layer.gates.bias)):
        reads = {c for c, _ in layer.gates.unit(unit)[0]}
        if wrong := sorted(reads - positions - votes):
            raise WrongStructure(f"a gate of layer 1 reads {network.text(wrong[0])}, which is no vote")
        if len(reads & votes) > 1:
            raise WrongStructure("a gate of layer 1 reads two votes")
        for vote in reads & votes:
            units.setdefault(vote, []).append(unit)
    for vote, reading in units.items():
        others = sorted({c for unit in reading for c, _ in layer.gates.unit(unit)[0]} - {vote})
        for setting in product((0, 1), repeat=len(others)):
            row = np.zeros(len(network.names))
            row[others] = setting
            _check_vote(network, layer, vote, reading, row, copies)


def _check_vote(network: Network, layer: ProofLayer, vote: int, units: list[int], row: Exact, copies: int) -> None:
    """One vote's gates, for one setting of the positions that they read. The first row has nothing but its mark."""
    is_first, written = row[network.columns[network.sink, 0]] == 1, []
    if is_first and row.sum() > 1:
        return
    for count in range(copies + 1):
        row[vote] = count
        hidden = np.maximum(layer.gates.w_in[units] @ row + layer.gates.bias[units], 0)
        written.append(layer.gates.w_out[:, units] @ hidden)
    minority = copies // 2
    groups = [range(copies + 1)] if is_first else [range(minority + 1), range(minority + 1, copies + 1)]
    for group in groups:
        for count in group:
            if not np.array_equal(written[count], written[group[0]]):
                raise WrongStructure(
                    f"{count} votes for {network.text(vote)} decide otherwise than {group[0]} of {copies} copies"
                )


def _check_behind(network: Network, layers: list[ProofLayer], hidden: set[int]) -> None:
    """Behind the first layer nothing reads these columns."""
    columns = sorted(hidden)

    def check(matrix: Exact, reader: str) -> None:
        if matrix[:, columns].any():
            column = columns[int(np.flatnonzero(matrix[:, columns].any(axis=0))[0])]
            raise WrongStructure(f"{reader} reads {network.text(column)}")

    for number, layer in enumerate(layers, 2):
        for name, score in layer.scores.items():
            check(score, f"layer {number}, head {name}")
            check(score.T, f"layer {number}, head {name}")
            check(layer.copies[name], f"layer {number}, head {name}")
        check(layer.gates.w_in, f"a gate of layer {number}")
    for part in network.unembedding:
        check(part, "the readout")
