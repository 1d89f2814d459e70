"""Mutants of decodes that write one token in a step: orders, the transformation of circuits, layouts, what the checker expects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lockstep.common import permutations
from lockstep.common.permutations import PermutationFile
from lockstep.compiler import masked_arm
from lockstep.compiler.masked_arm import Layout, _Transformation
from lockstep.models import orders
from lockstep.models.processes import PROCESSES
from lockstep.proofs_check.constructions.mdm import MdmExpectation
from lockstep.proofs_check.constructions.readiness import Waiting
from mutation.of_checks import bound
from mutation.planting import Entry, Rewrite
from mutation.table import Mutant

ORDERS, MASKED, EXPECTED = "decoding orders", "construction masked-arm", "expected trajectories"
AGREEMENT, AO_MDM = "agreement of masked-arm", "agreement of ao-mdm"


def row(area: str, breaks: str, function: Any, old: str, new: str, check: str) -> Mutant:
    return Mutant(area, breaks, Rewrite(function, old, new), check)


def process(name: str, change: str, **changed: object) -> Entry:
    value = replace(PROCESSES[name], **changed)  # type: ignore[arg-type]
    return Entry(PROCESSES, "lockstep.models.processes.PROCESSES", name, value, change)  # type: ignore[arg-type]


MUTANTS = (
    row(ORDERS, "the last in the order comes first", orders._first, "argmin", "argmax", "orders"),
    row(ORDERS, "kinds with many bits come first", orders.selector, "bits_of(proposed.tokens, vocabulary) *",
        "-bits_of(proposed.tokens, vocabulary) *", "orders"),
    row(ORDERS, "the bits of a kind are those of the next", orders.bits_of, 'side="right") - 1', 'side="left") - 1', "orders"),
    row(ORDERS, "the user's permutation is ignored", orders._permuted, "sampling.permutation is None", "True", "orders"),
    row(ORDERS, "a position may come twice", orders._permuted, "left.remove(position)", "pass", "orders"),
    row(ORDERS, "positions may be missing", orders._permuted, "if left:", "if False:", "orders"),
    row(ORDERS, "turns count from the end", orders.turns, "np.arange(len(ordered))", "np.arange(len(ordered))[::-1]", "orders"),
    row(ORDERS, "a comment in a file is read", permutations.read_permutation, 'line.partition("#")[0]', 'line.replace("#", "")',
        "permutation files"),
    row(ORDERS, "a mistake in a file is blamed on the next position", PermutationFile.blamed, "self.places[error.entry]",
        "self.places[(error.entry + 1) % len(self.places)]", "permutation files"),
    row(ORDERS, "signs in a file pass", permutations.read_permutation, 'f"[0-9]{{', 'f"-?[0-9]{{', "permutation files"),
    row(MASKED, "one bit of a position is not matched", _Transformation._rebuild, "zip(self.index, [*self.bits][self.b :])",
        "zip([*self.index][1:], [*self.bits][self.b + 1 :])", AGREEMENT),
    row(MASKED, "rows that are not ready are read", _Transformation._next_pair, "(self.any_kind,)", "(self.work,)", AGREEMENT),
    row(MASKED, "the place in the order is left out", _Transformation._next_pair, "preferred + self.priority.flag", "preferred",
        AGREEMENT),
    row(MASKED, "kinds with many bits have the highest rank", masked_arm.ranks_of, "reverse=True", "reverse=False", AGREEMENT),
    row(MASKED, "an order by kind has no ranks", _Transformation._next_pair, "if self.by_kind else {}", "if False else {}",
        AGREEMENT),
    row(MASKED, "a row stays masked when its pair is written", _Transformation._rebuild, "[self.work, 1 - self.found.flag]",
        "[self.work]", AGREEMENT),
    row(MASKED, "given tokens lose their bits", _Transformation._rebuild, "[self.bits[j], 1 - is_pair]",
        "[self.bits[j], 1 - is_pair, self.work]", AGREEMENT),
    row(MASKED, "the kind of a pair is not read back", _Transformation._rebuild, "if kind in old.kind_flags]",
        'if kind == "REG"]', AGREEMENT),
    row(MASKED, "open pairs ask old heads, as masks do", _Transformation.circuit, "old.kind_flags | open_pairs | pairs",
        "open_pairs | old.kind_flags | pairs", AGREEMENT),
    row(MASKED, "an old layer lacks a gate", _Transformation.circuit, "*old.layers, self",
        "Layer(old.layers[0].lookups, old.layers[0].gates[1:]), *old.layers[1:], self", "old layers"),
    row(MASKED, "an old layer stands twice", _Transformation.circuit, "*old.layers, self", "*old.layers, old.layers[0], self",
        "old layers"),
    row(MASKED, "the layout has the order backwards", Layout.positions, "masked.sum() - 1 - turns(start, mask, self.sampling)",
        "turns(start, mask, self.sampling)", AGREEMENT),
    row(MASKED, "the layout ignores the order", Layout.in_order, "sampling=sampling", "sampling=self.sampling", AGREEMENT),
    row(MASKED, "each row says the position of the one before", Layout.positions, "np.arange(len(before))",
        "np.arange(len(before)) - 1", AGREEMENT),
    row(MASKED, "pairs are read with a position of one bit less", Layout.named, "values >> bits", "values >> bits + 1", AGREEMENT),
    Mutant(MASKED, "pairs are written in the order of AO-MDM", process("masked-arm", "fills = the chosen order", fills=""),
           AGREEMENT),
    Mutant(MASKED, "one decoding step more is claimed", bound("masked-arm", decoding_steps="3 * P * T + out + 1"), AGREEMENT),
    Mutant(MASKED, "the context is claimed without the pairs", bound("masked-arm", context="1 + h + inp + out + 3 * P * T"),
           AGREEMENT),
    row(EXPECTED, "a block is expected before the one before it is full", Waiting.released_by,
        "if not self.missing[step] else []", "if True else []", AO_MDM),
    row(EXPECTED, "rows of halted processors are expected late", Waiting.released_by,
        'if role == "C" and self.final[row] == self.halt:', 'if role == "V" and self.final[row] == self.halt:', AO_MDM),
    row(EXPECTED, "outputs are expected when the first processor halts", Waiting.released_by,
        "if not self.running else []", "if True else []", AO_MDM),
    row(EXPECTED, "an order by kind is expected to be one by position", MdmExpectation.one_by_one,
        "bits[kind] * len(final) + turn", "turn", AO_MDM),
)  # fmt: skip
