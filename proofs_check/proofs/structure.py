"""Checks of single matrix entries: the fields that heads and hidden units read and write, embedding, readout, edit bits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lockstep.models.processes import REMAINDER
from lockstep.models.tokens import MASK
from lockstep.proofs_check.proofs.division import DIVIDE, PRODUCT
from lockstep.proofs_check.proofs.interface import COUNTER, EMITTED, FETCH, JUMPS, OUT, SELECTORS, SUM, Copy, Interface
from lockstep.proofs_check.proofs.operations import AMOUNTS, OVER, PARTIAL, SIGNED_OVER
from lockstep.proofs_check.proofs.signed_division import DOWN, SIGNED_DIVIDE, UP
from lockstep.proofs_check.proofs.specification import OPERATIONS
from lockstep.proofs_check.proofs.weights import Exact, Network


class WrongStructure(Exception):
    """A matrix does not have the claimed structure; the message says where."""


def check_heads(network: Network, interface: Interface) -> int:
    """Check that each head copies exactly its fields: compare O V, entry for entry. Returns: the number of heads.

    Raises: WrongStructure: a head copies something else.
    """
    for number, layer in enumerate(network.layers, 1):
        for name, found in layer.copies.items():
            wrong = np.argwhere(found != _copied(network, interface.heads[name])).tolist()
            if wrong:
                to, source = wrong[0]
                raise WrongStructure(
                    f"layer {number}, head {name}: {network.text(to)} gets {found[to, source]:g} of {network.text(source)}"
                )
    return sum(len(layer.copies) for layer in network.layers)


def _copied(network: Network, copy: Copy) -> Exact:
    """The matrix O V that a head must have, [d, d]."""
    matrix = np.zeros((len(network.names),) * 2)
    for field, form in copy.to.items():
        for j, column in enumerate(network.fields[field][copy.first.get(field, 0) :][: copy.width]):
            matrix[column] = network.row(form, j)
    return matrix


def check_units(network: Network, interface: Interface) -> int:
    """Check that each hidden unit reads and writes fields of one circuit only. Returns: the number of units.

    Raises: WrongStructure: a unit reads or writes another field.
    """
    for number, layer in enumerate(network.layers, 1):
        allowed = list(_circuits(network, interface, number - interface.ahead))
        for unit in range(len(layer.gates.bias)):
            reads, writes = ({network.names[c][0] for c, _ in entries} for entries in layer.gates.unit(unit))
            if not any(reads <= r and writes <= w for r, w in allowed):
                raise WrongStructure(f"layer {number}, hidden unit {unit} reads {sorted(reads)} and writes {sorted(writes)}")
    return sum(len(layer.gates.bias) for layer in network.layers)


def _circuits(network: Network, interface: Interface, layer: int) -> Iterator[tuple[set[str], set[str]]]:
    """For each circuit with gates in a layer: the fields that it may read, and those that it may write."""
    for unit in interface.own_units:
        if unit.layer == layer:
            yield set(unit.reads), set(unit.writes)
    if layer == 1:
        yield _rom(network, interface)
    words = {"x", "y"}
    if layer == 2:
        yield {"sums", *words}, {SUM}
        goes_on = {"mul": PARTIAL, "addsat": OVER, "saddsat": SIGNED_OVER} | {name: amount for amount, name in AMOUNTS.items()}
        for name in OPERATIONS:
            yield {name, *words}, {goes_on.get(name, OUT)}
        yield {DIVIDE, *words}, {PRODUCT}
        yield {SIGNED_DIVIDE, *words}, {UP}
        yield {SIGNED_DIVIDE, *words}, {DOWN}
        for jump in JUMPS:
            yield {jump, interface.slots[0]}, {OUT}
    if layer == 3:
        yield {SUM, "sum.emit"}, {OUT}
        yield {SUM, OVER}, {OUT}
        yield {SUM, SIGNED_OVER}, {OUT}
        yield {PARTIAL}, {OUT}
        yield {DIVIDE, *words, PRODUCT}, {OUT}
        yield {SIGNED_DIVIDE, *words, UP, DOWN}, {OUT}
        for amount in AMOUNTS:
            yield {amount, "x"}, {OUT}


def _rom(network: Network, interface: Interface) -> tuple[set[str], set[str]]:
    """The fields of the ROM: it reads the program counter, roles, and the construction's `rom_inputs`."""
    roles = {name for name in network.fields if name.startswith(("role.", "next."))}
    slots = {*interface.slots, *(f"{s}.{part}" for s in interface.slots for part in SELECTORS)}
    emits = {name for name in network.fields if name.startswith(EMITTED)}
    writes = {*slots, *emits, *OPERATIONS, "sums", "sum.emit", FETCH, OUT, *JUMPS, *interface.published, "control.remask"}
    return {COUNTER, *interface.rom_inputs, *roles}, writes


def check_embedding(network: Network) -> int:
    """Check that a token sets its bits, and the flag of its kind if there is one. Returns: the number of rows compared.

    Raises: WrongStructure: a row writes something else.
    """
    kinds, ones, zeros = network.embedding
    for (name, _), row in zip(network.vocabulary.kinds, kinds):
        flag = network.columns.get((f"token.{name}", 0))
        _only(network, row, {} if flag is None else {flag: 1}, f"embedding of {name}")
    for j, row in enumerate(ones):
        _only(network, row, {network.columns["token.bits", j]: 1}, f"embedding of bit {j}")
    for j, row in enumerate(zeros):
        _only(network, row, {}, f"embedding of bit {j} being 0")
    return len(kinds) + len(ones) + len(zeros)


def _only(network: Network, row: Exact, wanted: dict[int, int], what: str) -> None:
    for column in np.flatnonzero(row).tolist():
        if column not in wanted:
            raise WrongStructure(f"{what} writes {network.text(column)}")
    for column, value in wanted.items():
        if row[column] != value:
            raise WrongStructure(f"{what} writes {row[column]:g} to {network.text(column)}, not {value}")


def check_control(network: Network) -> int:
    """Check that each edit bit is set exactly where its field is 1 or more. Returns: the number of edit bits.

    Raises: WrongStructure: an edit bit reads another field, or has another threshold.
    """
    if network.control is None:
        return 0
    weight, bias = network.control
    for edit, row, constant in zip(("remask", "insert", "delete"), weight, bias):
        column = network.columns[f"control.{edit}", 0]
        others = [int(c) for c in np.flatnonzero(row) if c != column]
        if others or [row[column] * v + constant > 0 for v in (0, 1, 2, 3)] != [False, True, True, True]:
            raise WrongStructure(f"edit bit {edit} is not set where control.{edit} is 1")
    return len(bias)


def check_readout(network: Network) -> int:
    """Check the probabilities of tokens. Returns: the number of settings that were checked.

    On a row that emits a kind, the token of this kind with the bits of `out` has a probability of at least 0.9, for all bits.
    On a row that emits nothing, no token has 0.9.

    Raises: WrongStructure: a token has another probability, or the readout reads another field.
    """
    emits = {name.removeprefix(EMITTED): cs[0] for name, cs in network.fields.items() if name.startswith(EMITTED)}
    reads = {*emits.values(), *network.fields[OUT]}
    for rows, what in zip(network.unembedding, ("kinds", "bits that are 1", "bits that are 0")):
        others = [c for c in np.flatnonzero(rows.any(axis=0)) if c not in reads]
        if others:
            raise WrongStructure(f"readout of {what} reads {network.text(int(others[0]))}")
    for kind in (None, *emits):
        _check_setting(network, emits, kind)
    return 1 + len(emits)


def _check_setting(network: Network, emits: dict[str, int], kind: str | None) -> None:
    """Check a row that emits one kind (None: nothing), each bit separately."""
    kinds, ones, zeros = network.unembedding
    base, out = np.zeros(len(network.names)), network.fields[OUT]
    if kind is None:
        for rows in (kinds, ones, zeros):
            if (rows @ base != 0).any():
                raise WrongStructure("readout where nothing is emitted")
        return
    base[emits[kind]] = 1
    _reads_own_bit(network)
    scores = kinds @ base
    least = {}
    for j, column in enumerate(out):
        rails = []
        for bit in (0, 1):
            row = base.copy()
            row[column] = bit
            one, zero = float(ones[j] @ row), float(zeros[j] @ row)
            rails.append(((one if bit else zero), (zero if bit else one)))
        least[j] = rails
    _check_margin(network, kind, scores, least)


def _reads_own_bit(network: Network) -> None:
    """Check that rail j reads bit j of `out` and no other bit, and that kinds read none."""
    kinds, ones, zeros = network.unembedding
    out = network.fields[OUT]
    if kinds[:, out].any():
        raise WrongStructure("readout of kinds reads out")
    for j in range(len(ones)):
        for k, column in enumerate(out):
            if k != j and (ones[j, column] or zeros[j, column]):
                raise WrongStructure(f"readout of bit {j} reads {network.text(column)}")


def _check_margin(network: Network, kind: str, scores: Exact, rails: dict[int, list[tuple[float, float]]]) -> None:
    """Bound the weight of all wrong tokens relative to the right one, for all values of the bits."""
    right = dict(zip((name for name, _ in network.vocabulary.kinds), scores))[kind]
    wrong, own = 0.0, 1.0
    for j in range(network.vocabulary.bits(kind)):
        own *= 1 + max(float(np.exp(min(bad - good, 700.0))) for good, bad in rails[j])
    wrong += own - 1
    for (name, bits), score in zip(network.vocabulary.kinds, scores):
        if name in (kind, MASK):
            continue
        exponent = score - right + _gain(rails, bits) - _loss(rails, network.vocabulary.bits(kind))
        wrong += float(np.exp(min(exponent, 700.0)))
    if not wrong < REMAINDER:
        raise WrongStructure(f"readout of {kind}: wrong tokens weigh {wrong:.3g} of the right one")


def _gain(rails: dict[int, list[tuple[float, float]]], bits: int) -> float:
    """The most that the bits of another kind add to its score: the logarithm of a sum over both values of each bit."""
    return sum(max(float(np.logaddexp(good, bad)) for good, bad in rails[j]) for j in range(bits))


def _loss(rails: dict[int, list[tuple[float, float]]], bits: int) -> float:
    """The least that the right bits add to the score of a kind."""
    return sum(min(good for good, _ in rails[j]) for j in range(bits))
