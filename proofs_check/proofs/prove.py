"""Proves all obligations of one compiled model; docs/proofs.md says what they imply together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from lockstep.compiler.compile import Compiled
from lockstep.compiler.names import AO_MDM, COPIES, EVERY, MDM, PARTS
from lockstep.compiler.processor import Size
from lockstep.pram.progress import Progress, silent
from lockstep.proofs_check.proofs.attention import Misread, misread_example, misreads
from lockstep.proofs_check.proofs.columns import check_columns
from lockstep.proofs_check.proofs.instructions import InstructionProver
from lockstep.proofs_check.proofs.interface import Interface, InterfaceOf, RowKind
from lockstep.proofs_check.proofs.repairing import check_repair
from lockstep.proofs_check.proofs.replay import Counterexample, counterexample
from lockstep.proofs_check.proofs.rows import Failed, Fault, RowProver
from lockstep.proofs_check.proofs.solver import Lemmas
from lockstep.proofs_check.proofs.specification import INSTRUCTIONS
from lockstep.proofs_check.proofs.structure import (
    WrongStructure,
    check_control,
    check_embedding,
    check_heads,
    check_readout,
    check_units,
)
from lockstep.proofs_check.proofs.weights import Network, NotReadable, read_weights

#: The interface of each construction, in the file of its kinds of rows. The weights of ao-mdm are those of mdm.
INTERFACES: dict[str, InterfaceOf] = {
    name: parts.of(import_module(f"{__package__}.rows_{parts.module}").interface_of)
    for name, parts in (PARTS | {AO_MDM: PARTS[MDM]} | {name: EVERY[name] for name in COPIES}).items()
}

#: Longer words are refused: each possible value of a sum of partial products is run.
MOST_PROVED_BITS = 16

#: How an obligation is proved: by entries of matrices; by Z3, once or for each shift amount; gate by gate on all values, with
#: a comparison of coefficients; or by the word operations that were proved before, with everything else constant.
How = Literal["structure", "solver", "solver, each amount", "parts, exhaustive run", "operations"]
CLOSED_BY: dict[str, How] = {
    **dict.fromkeys(("shl", "shr", "sar"), "solver, each amount"),
    **dict.fromkeys(("mul", "div", "sdiv"), "parts, exhaustive run"),
}


def interface_of(compiled: Compiled) -> Interface:
    """The interface of a model's construction, for its code and widths."""
    return INTERFACES[compiled.construction](compiled.code, Size.of(compiled.code, compiled.widths.word), compiled.widths)


@dataclass(frozen=True)
class Obligation:
    """One group of claims, with its proof.

    covers: the cases of the proof, as text. fault: the place where it fails on rows. misread: the head that reads a wrong
    row. broken: the reason of any other failure.
    """

    what: str
    covers: str
    how: How
    seconds: float
    fault: Fault | None = None
    broken: str = ""
    misread: Misread | None = None

    @property
    def holds(self) -> bool:
        return self.fault is None and not self.broken

    @property
    def trouble(self) -> str:
        return self.broken or (f"{self.fault.kind.name}: {self.fault.refuted.what}" if self.fault else "")


@dataclass(frozen=True)
class Proof:
    """All obligations of a model, and the parts that counterexamples need. asked: number of queries to Z3."""

    compiled: Compiled
    network: Network | None
    interface: Interface
    obligations: tuple[Obligation, ...]
    asked: int

    @property
    def holds(self) -> bool:
        return all(obligation.holds for obligation in self.obligations)

    def counterexamples(self) -> Iterator[Counterexample]:
        """A state for each obligation that fails on rows or on a head."""
        for obligation in self.obligations:
            if obligation.fault is not None and self.network is not None:
                yield counterexample(self.compiled, self.network, self.interface, obligation.fault)
            if obligation.misread is not None and self.network is not None:
                yield misread_example(self.compiled, self.network, self.interface, obligation.misread)


def prove(compiled: Compiled, lemmas: Lemmas | None = None, progress: Progress = silent, until_failure: bool = False) -> Proof:
    """Prove a compiled model's weights. The result contains the obligations that fail, with the rows on which they fail.

    Args:   lemmas: proofs of other models, to be used again. until_failure: leave out what comes after one that fails.
    Raises: ValueError: words of more than MOST_PROVED_BITS bits, or a construction that has no interface.
    """
    if compiled.widths.word > MOST_PROVED_BITS:
        raise ValueError(f"words of {compiled.widths.word} bits: proofs are for words of up to {MOST_PROVED_BITS}")
    if compiled.construction not in INTERFACES:
        raise ValueError(f"{compiled.construction} has no interface, so it cannot be proved")
    interface = interface_of(compiled)
    started, lemmas = time.perf_counter(), lemmas or Lemmas()
    try:
        network = read_weights(compiled.model, compiled.circuit)
    except NotReadable as error:
        broken = Obligation("weights are integers", "", "structure", time.perf_counter() - started, broken=str(error))
        return Proof(compiled, None, interface, (broken,), 0)
    before = lemmas.asked
    found: list[Obligation] = []
    for obligation in _Prover(compiled, network, interface, lemmas, progress).obligations():
        found.append(obligation)
        if until_failure and not obligation.holds:
            break
    return Proof(compiled, network, interface, tuple(found), lemmas.asked - before)


class _Prover:
    def __init__(self, compiled: Compiled, network: Network, interface: Interface, lemmas: Lemmas, progress: Progress) -> None:
        self.compiled, self.network, self.interface, self.progress = compiled, network, interface, progress
        self.row_prover = RowProver(network, self.interface, lemmas)
        self.instruction_prover = InstructionProver(self.row_prover, compiled.code, compiled.widths.word)
        self.known: dict[str, Obligation] = lemmas.rows(self._what_rows_depend_on())

    def _what_rows_depend_on(self) -> object:
        """All that the obligations on rows look at: the interface, the columns, what heads there are, and the gates."""
        compiled, network = self.compiled, self.network
        heads = tuple((tuple(layer.copies), layer.gates.digest) for layer in network.layers)
        columns = network.names, network.highs.tobytes(), network.positions
        return compiled.construction, compiled.code, compiled.widths, columns, heads

    def obligations(self) -> Iterator[Obligation]:
        network, interface, compiled = self.network, self.interface, self.compiled
        size = Size.of(compiled.code, compiled.widths.word)
        there = self._structure("all fields and heads exist", "{} columns", lambda: check_columns(network, interface, size))
        yield there
        if not there.holds:  # all others need the names of fields and heads
            return
        yield self._structure("the embedding sets the kind and bits of a token", "{} rows", lambda: check_embedding(network))
        yield self._attention()
        yield self._structure(
            "each head copies the fields of its lookup only", "{} heads", lambda: check_heads(network, interface)
        )
        yield self._structure(
            "each hidden unit reads and writes its own fields", "{} hidden units", lambda: check_units(network, interface)
        )
        kinds = [interface.bos, *interface.rows()]
        groups: dict[str, list[RowKind]] = {}
        for kind in kinds:
            groups.setdefault(self._group(kind), []).append(kind)
        yield from self._operations(kinds)
        done = 0
        for name, members in groups.items():
            yield self._rows(name, members)
            done += len(members)
            self.progress(done, len(kinds))
        yield self._structure(
            "the readout emits the right token with probability 0.9", "{} settings", lambda: check_readout(network)
        )
        if network.control is not None:
            yield self._structure("edit bits equal their fields", "{} bits", lambda: check_control(network))
        if copies := COPIES.get(compiled.construction):
            yield self._structure(
                "what a minority of the copies holds changes nothing", "{} votes", lambda: check_repair(network, copies)
            )

    def _operations(self, kinds: list[RowKind]) -> Iterator[Obligation]:
        """Prove each word operation and the branch test on the first row that uses it; other rows use the same gates."""
        bits, seen = self.compiled.widths.word, set()
        for kind in kinds:
            if kind.executes is None:
                continue
            meaning = INSTRUCTIONS[self.compiled.code.instructions[kind.executes.number].name]
            if kind.executes.computes == "value" and meaning.value is not None:
                name, of = meaning.value, "x" if meaning.value == "copy" else "x, y"
            elif meaning.next == "branch" and kind.executes.computes in ("next", "counter"):
                name, of = "branch where x = 0", "x"
            else:
                continue
            if name not in seen:
                seen.add(name)
                words = f"all 2^{bits * len(of.split())} words {of}" if of == "x" else f"all 2^{2 * bits} pairs x, y"
                what = "loading from x + y" if name == "loaded" else name
                yield self._rows(f"word operation: {what}", [kind], words, CLOSED_BY.get(name, "solver"))

    def _group(self, kind: RowKind) -> str:
        if kind.executes is None:
            return "rows that do not execute: sums of all gates"
        return f"instruction {self.compiled.code.instructions[kind.executes.number].name}"

    def _rows(self, name: str, kinds: list[RowKind], covers: str = "", how: How = "solver") -> Obligation:
        """The obligation on these rows; it is proved once for models that differ in nothing that it looks at."""
        if name not in self.known:
            self.known[name] = self._walked(name, kinds, covers, how)
        return self.known[name]

    def _walked(self, name: str, kinds: list[RowKind], covers: str, how: How) -> Obligation:
        started, fault = time.perf_counter(), None
        for kind in kinds:
            try:
                self.instruction_prover.prove(kind) if kind.executes else self.row_prover.prove(kind)
            except Failed as failed:
                fault = failed.fault
                break
        if kinds[0].executes and not covers:
            numbers = {kind.executes.number for kind in kinds if kind.executes}
            covers, how = f"{len(numbers)} in the code, {len(kinds)} rows", "operations"
        return Obligation(name, covers or f"{len(kinds)} kinds of rows", how, time.perf_counter() - started, fault)

    def _attention(self) -> Obligation:
        started = time.perf_counter()
        found = misreads(self.network, self.interface)
        heads = sum(len(layer.scores) for layer in self.network.layers)
        first = found[0] if found else None
        broken = first.text(self.network) if first else ""
        what, covers = "each head finds the row that its lookup means", f"{heads} heads, all pairs of rows"
        return Obligation(what, covers, "structure", time.perf_counter() - started, broken=broken, misread=first)

    def _structure(self, what: str, covers: str, check: Callable[[], int]) -> Obligation:
        started = time.perf_counter()
        try:
            found, broken = check(), ""
        except WrongStructure as error:
            found, broken = 0, str(error)
        return Obligation(what, covers.format(found), "structure", time.perf_counter() - started, broken=broken)
