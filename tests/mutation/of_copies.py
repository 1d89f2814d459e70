"""Mutants of revision with several copies: each lets one changed copy through, or gives a copy another vote."""

from __future__ import annotations

from dataclasses import replace

from lockstep.compiler import copies, invariants
from lockstep.compiler.circuit import Circuit, Field
from lockstep.compiler.linear import Linear
from lockstep.compiler.names import THREE_COPIES
from lockstep.models.engines import plan
from lockstep.proofs_check.proofs import repairing
from mutation.planting import Planting, Rebuilt, Rewrite
from mutation.table import Mutant

KNOW = copies.CopiesBuilder.know
MARKED, SINKS = invariants._check_marked_sink, "marked first rows"
REPAIRS, PROVES, REFUSES = "copies are repaired", "proof of copies", "proofs refuse wrong votes"


def row(breaks: str, plant: Planting, check: str = REPAIRS, equivalent: str = "") -> Mutant:
    return Mutant("construction copies", breaks, plant, check, equivalent)


def by_token(circuit: Circuit) -> None:
    """The token BOS marks the first row, wherever it stands."""
    flag = circuit.fields["token.BOS"] = circuit.kind_flags["BOS"] = Field("token.BOS", 1, (1,))
    was = circuit.sink
    circuit.sink = flag.flag
    for layer in circuit.layers:
        for number, lookup in enumerate(layer.lookups):
            if lookup.asks == 1 - was:
                layer.lookups[number] = replace(lookup, asks=1 - flag.flag)


def late_reader(circuit: Circuit) -> None:
    """The second layer's head reads a token beside what was elected."""
    (lookup,) = (x for x in circuit.layers[1].lookups if x.name == "counter")
    reads = (*lookup.reads[:-1], (Linear({("token.PC", 0): 1}), ("runs", 0)))
    circuit.layers[1].lookups[0] = replace(lookup, reads=reads)


TWICE = Rewrite(KNOW, "(copy.flag,), reads)", "(copy.flag,), [(form * (2 if number == 1 else 1), bit) for form, bit in reads])")
ONE_IS_ENOUGH = Rewrite(copies.CopiesBuilder._elect, "self.copies // 2 + 1", "1")
ALL_MUST = Rewrite(copies.CopiesBuilder._elect, "self.copies // 2 + 1", "self.copies")
COPY_TWICE = Rewrite(KNOW, "(copy.flag,), reads)", "(self.copy[number % 2].flag,), reads)")

FILL, AGREES, READ_OUT = copies.CopiesBuilder.fill, "agreement of copies", "outputs of copies"
FROM_TOKEN = Rebuilt(THREE_COPIES, late_reader, "`runs` comes from a token")

MUTANTS = (
    row("two votes are counted for one copy", TWICE),
    row("one vote is enough", ONE_IS_ENOUGH),
    row("all copies must vote for a 1", ALL_MUST),
    row("copy 0 is read twice", COPY_TWICE),
    row("parameters are not rewritten", Rewrite(FILL, '+ role["parameter"], 1', ", 1")),
    row("cells that no store hits are not rewritten", Rewrite(FILL, 'At.ROM, [role["cell"]]', 'At.MEMORY, [role["cell"], self.hit.flag]')),
    row("registers that are missed are not rewritten", Rewrite(FILL, 'role["register"] + role', "role")),
    row("processors that have halted are not rewritten", Rewrite(FILL, '{self.processor.emit["HALT"].bit(): 1}', "{self.stores.bit(): 1}")),
    row("the token BOS marks the first row", Rebuilt(THREE_COPIES, by_token, "the sink is the row that holds BOS")),
    row("a copy finds rows of any processor", Rewrite(KNOW, "*self.address, *self.pid)", "*self.address)")),
    row("a counter reads the token of the program counter", FROM_TOKEN),
    row("stores of every copy count", Rewrite(copies.CopiesBuilder.declare_places, "(self.copy[0].flag,)", "()"), AGREES),
    row("outputs are the first copy's",
        Rewrite(copies.Layout.output_words, "bits.sum(axis=0) > self.COPIES // 2", "bits[0] == 1"), READ_OUT),
    row("one copy says whether it has halted", Rewrite(copies.Layout.halted, "> self.COPIES // 2", "> 0"), READ_OUT),
    row("the proof: two votes for one copy", TWICE, PROVES),
    row("the proof: one vote is enough", ONE_IS_ENOUGH, PROVES),
    row("the proof: all copies must vote", ALL_MUST, PROVES),
    row("the proof: copy 0 is read twice", COPY_TWICE, PROVES),
    row("the proof: a counter reads a token", FROM_TOKEN, PROVES),
    row("votes that decide otherwise are not seen",
        Rewrite(repairing._check_vote, "not np.array_equal(written[count], written[group[0]])", "False"), REFUSES),
    row("heads that read one copy twice are not seen",
        Rewrite(repairing._check_heads, "sorted(found) != list(range(copies))", "False"), REFUSES),
    row("heads that count a copy twice are not seen",
        Rewrite(repairing._check_heads, "not np.array_equal(copied, others)", "False"), REFUSES),
    row("readers behind the first layer are not seen",
        Rewrite(repairing._check_behind, "if matrix[:, columns].any():", "if False:"), REFUSES),
    row("gates of the first layer may read tokens", Rewrite(repairing._check_gates, "sorted(reads - positions - votes)", "[]"), REFUSES),
    row("heads may choose rows by tokens", Rewrite(repairing._check_heads, "sorted(chosen - positions)", "[]"), REFUSES),
    row("a marked first row may ask", Rewrite(MARKED, "_most_on(lookup.asks, fixed, may, circuit) > 0", "False"), SINKS),
    row("a marked first row may be found",
        Rewrite(MARKED, "any(_most_on(form, fixed, may, circuit) > 0 for form in lookup.conditions)", "False"), SINKS),
    row("a marked first row may have a recency", Rewrite(MARKED, "lookup.recency.terms.keys() & may or", ""), SINKS),
    row("a marked first row may give its token", Rewrite(MARKED, "not all(m.query == m.key for m in lookup.matches)", "False"), SINKS),
    row("gates may fire on a marked first row", Rewrite(MARKED, "may |= {*given}", "pass"), SINKS),
    row("no bit of positions marks the first row", Rewrite(plan._marks, "int(rows.sum()) == len(first)", "False"), AGREES),
)  # fmt: skip
