"""Mutants of masked diffusion's construction, of what all constructions share, and of how circuits become weights."""

from __future__ import annotations

from lockstep.compiler import assemble, gates, mdm, processor
from lockstep.compiler.blocks import BlockBuilder, BlockLayout
from lockstep.compiler.circuit import Match
from lockstep.compiler.linear import Linear
from lockstep.compiler.processor import Processor
from mutation.circuits import tampered_lookup, without_literal, without_match
from mutation.planting import Attribute, Rewrite
from mutation.table import Mutant

MDM, PROCESSOR, GATES, ASSEMBLY = "construction mdm", "processor and ROM", "gates", "assembly of weights"
HERE = "agreement of mdm"
#: The latest C of its own processor, whatever its step; masked C tokens would be the latest of all.
LATEST = (Linear({("role.C", 0): 1}), 1 - Linear({("token.MASK", 0): 1, ("token.BOS", 0): 1}))
SAME_PID = Match(Linear({("pid", 0): 1}), Linear({("pid", 0): 1}))
GATE = "word operations on the weights"


def lookups(old: str, new: str) -> Rewrite:
    return Rewrite(mdm._MdmBuilder._first_lookups, old, new)


MUTANTS = (
    Mutant(MDM, "recency without pid", tampered_lookup("mdm", "memory", recency=Linear({("step", 0): 1})), HERE),
    Mutant(
        MDM,
        "recency without pid, in the circuit",
        tampered_lookup("mdm", "memory", recency=Linear({("step", 0): 1})),
        "residuals of mdm",
    ),
    Mutant(MDM, "no gate on the own block", tampered_lookup("mdm", "masked.own", reads=()), "any order"),
    Mutant(
        MDM,
        "the latest program counter is fetched, not the previous step's",
        lookups(
            '[*at_previous, *same_pid], (role["C"],), counter)',
            '[*same_pid], (role["C"], 1 - masked - self.kinds["BOS"].flag), counter, self.step.flag, 1 << self.widths.time)',
        ),
        "any order",
    ),
    Mutant(MDM, "a row does not wait for the block before it", tampered_lookup("mdm", "masked.previous", reads=()), HERE),
    Mutant(MDM, "program counters of any processor are fetched", without_match("mdm", "fetch", -1), "residuals of mdm"),
    Mutant(MDM, "values of any step are gathered, not of the same step", without_match("mdm", "gather", 0), HERE),
    Mutant(
        MDM, "halted processors wait for their program counter", without_literal("mdm", ("emit.HALT", 0), ("halted", 0)), HERE
    ),
    Mutant(MDM, "any HALT halts all", without_match("mdm", "halted", 0), HERE),
    Mutant(MDM, "outputs do not wait for the end", tampered_lookup("mdm", "unfinished", reads=()), HERE),
    Mutant(
        MDM,
        "outputs wait for processor 0 only",
        Rewrite(
            BlockLayout._trace_positions,
            '(step == self.time) & (role == BLOCK_ROLES.index("C"))',
            '(step == self.time) & (role == BLOCK_ROLES.index("C")) & (pid == 0)',
        ),
        HERE,
    ),
    Mutant(
        MDM, "registers of all processors are confused", Rewrite(BlockBuilder._operand_keys, "owner=[*owner]", "owner=[]"), HERE
    ),
    Mutant(
        MDM,
        "parameters belong to processor 0",
        Rewrite(BlockBuilder._operand_keys, "owned=1 - parameter", "owned=Linear(constant=1)"),
        HERE,
    ),
    Mutant(
        MDM,
        "the earliest write of a register counts",
        Rewrite(BlockBuilder._operand_keys, "recency=self.step.flag", "recency=Linear()"),
        HERE,
    ),
    Mutant(
        MDM,
        "inputs do not publish their words",
        Rewrite(
            mdm._MdmBuilder._keys_and_values,
            'self.role["parameter"].flag + self.role["input"].flag',
            'self.role["parameter"].flag',
        ),
        HERE,
    ),
    Mutant(
        PROCESSOR,
        "a carry is not subtracted from the bits below",
        Rewrite(Processor.add_increment, "carry[self.out.bit(j - 1)] = -2", "carry[self.out.bit(j - 1)] = -1"),
        HERE,
    ),
    Mutant(PROCESSOR, "instructions are one address later", Rewrite(Processor.counter_is, "number)", "number + 1)"), HERE),
    Mutant(
        PROCESSOR,
        "jumps go one too far",
        Rewrite(
            Processor.next_column,
            "target = instruction.target if instruction.target is not None else 0",
            "target = (instruction.target or 0) + 1",
        ),
        HERE,
    ),
    Mutant(
        PROCESSOR,
        "jz looks at operand y",
        Rewrite(Processor.add_operations, 'total(self.operands["x"])', 'total(self.operands["y"])'),
        HERE,
    ),
    Mutant(
        PROCESSOR,
        "a branch that is not taken sets some bits of its target",
        Rewrite(Processor.add_operations, "self.down[j] - 1 - nonzero", "self.down[j] - 1"),
        "proof of mdm",
    ),
    Mutant(
        PROCESSOR,
        "operands are exchanged",
        Rewrite(Processor.select, "zip(slots, operands)", "zip(reversed(slots), operands)"),
        HERE,
    ),
    Mutant(
        PROCESSOR,
        "a pid is read as register 0",
        Rewrite(Processor.select, 'if operand.kind == "pid":', 'if operand.kind == "none":'),
        HERE,
    ),
    Mutant(
        PROCESSOR,
        "HALT does not clear the flag of PC",
        Rewrite(Processor.next_column, 'self.emit["PC"].bit(): -1, ', ""),
        "proof of mdm",
    ),
    Mutant(
        PROCESSOR,
        "destinations do not clear the flag of NONE",
        Rewrite(Processor._destination_column, 'none = {self.emit["NONE"].bit(): -1}', "none: dict[Bit, int] = {}"),
        HERE,
    ),
    Mutant(
        PROCESSOR,
        "registers are found by a part of their index",
        Rewrite(Processor.add_operands, "zip(self.indices[slot], keys.index)", "zip([*self.indices[slot]][1:], keys.index[1:])"),
        HERE,
    ),
    Mutant(
        PROCESSOR,
        "cells are found by a part of their address",
        Rewrite(Processor.add_fetch, "zip(self.sum, keys.index)", "zip([*self.sum][:-1], keys.index[:-1])"),
        HERE,
    ),
    Mutant(
        PROCESSOR,
        "kinds weigh as little as bits in the logits",
        Rewrite(Processor.readout, "SHARPNESS * (self.size.token + 2)", "SHARPNESS"),
        "proof of mdm",
    ),
    Mutant(PROCESSOR, "logits are too flat", Attribute(processor, "SHARPNESS", 1, "16 -> 1"), "certificate of mdm"),
    Mutant(GATES, "a carry subtracts one from the bits below", Rewrite(gates._carry, "-2", "-1"), GATE),
    Mutant(GATES, "a carry comes one late", Rewrite(gates.add, "- (1 << i)\n", "- (1 << i) - (i > 1)\n"), "proof of ap-mdm"),
    Mutant(GATES, "a saturated sum drops its carry", Rewrite(gates.addsat, "{over.bit(): 1}", "{over.bit(): 0}"), GATE),
    Mutant(
        GATES,
        "a sum of one less than the largest word saturates",
        Rewrite(gates.addsat, "- (1 << w), 1", "- (1 << w) + 2, 1"),
        GATE,
    ),
    Mutant(GATES, "saturated bits are set twice", Rewrite(gates.addsat, ", 1 - result[j]]", "]"), "proof of mdm"),
    Mutant(GATES, "equal words produce a borrow", Rewrite(gates.sub, "word_of([*alu.x][:i]) - 1", "word_of([*alu.x][:i])"), GATE),
    Mutant(GATES, "and fires on one bit", Rewrite(gates.and_, "alu.y[j] - 2", "alu.y[j] - 1"), GATE),
    Mutant(
        GATES,
        "and is forbidden more strongly without its flag",
        Rewrite(gates.and_, "- 2, 1,", "- 2, 2,"),
        GATE,
        "a form that is below 0 without its flag is further below",
    ),
    Mutant(GATES, "or fires without its flag", Rewrite(gates.or_, "- 1, 2,", "- 1, 1,"), GATE),
    Mutant(
        GATES,
        "xor of two ones is one",
        Rewrite(gates.xor, "alu.y[j] - 2, 1, {alu.out.bit(j): -1}", "alu.y[j] - 2, 1, {alu.out.bit(j): 0}"),
        GATE,
    ),
    Mutant(
        GATES, "comparisons have a wrong offset", Rewrite(gates.GATES["lt"].emit, "1 << alu.bits", "(1 << alu.bits) - 2"), GATE
    ),
    Mutant(
        GATES,
        "shifts look at the low bits of the amount",
        Rewrite(gates.GATES["shl"].emit, "equals([*alu.y], s)", "equals([*alu.y][:2], s)"),
        GATE,
    ),
    Mutant(
        GATES,
        "products leave out a part of each row",
        Rewrite(gates.mul, "range(1, w - i + 1)", "range(1, w - i)"),
        "proof of ap-mdm one-step",
    ),
    Mutant(
        GATES,
        "the parity of a product's bit ends too early",
        Rewrite(gates.mul, "range(1, max(2 * k, 1) + 1)", "range(1, max(2 * k - 2, 1) + 1)"),
        GATE,
    ),
    Mutant(
        GATES,
        "the last threshold of a parity is left out",
        Rewrite(gates.mul, "range(1, max(2 * k, 1) + 1)", "range(1, max(2 * k - 1, 1) + 1)"),
        GATE,
    ),
    Mutant(
        ASSEMBLY, "BOS scores as a match with recency 0", Rewrite(assemble.Scores.of, "+ 1, -1,", "+ 1, 0,"), "residuals of mdm"
    ),
    Mutant(
        ASSEMBLY,
        "a wrong bit costs only as much as recency",
        Rewrite(assemble.Scores.of, "Scores(lookup.recency_max + 1", "Scores(lookup.recency_max // 2 + 1"),
        "score rule",
    ),
    Mutant(
        ASSEMBLY,
        "a wrong bit costs the least possible",
        Rewrite(assemble.Scores.of, "Scores(lookup.recency_max + 1", "Scores((lookup.recency_max + 3) // 2"),
        "score rule",
        "half of recency_max + 2 is enough for a row that does not match to score below the sink",
    ),
    Mutant(
        ASSEMBLY,
        "a condition that does not hold costs half",
        Rewrite(assemble._Assembler.head, "unmet * (2 * half)", "unmet * half"),
        "score rule",
    ),
    Mutant(
        ASSEMBLY,
        "rows that do not ask tie with keys that match",
        Rewrite(assemble.Scores.of, "lookup.recency_max + 2", "lookup.recency_max + 1"),
        "residuals of mdm",
    ),
    Mutant(
        ASSEMBLY,
        "the score of a bit ignores wildcard keys",
        Rewrite(assemble._Assembler.head, "2 * self.homogeneous(match.key) - care", "2 * self.homogeneous(match.key) - present"),
        "residuals of mdm",
    ),
    Mutant(
        ASSEMBLY,
        "attention leaks: inverse temperature 2",
        Attribute(assemble, "INVERSE_TEMPERATURE", 2, "1024 -> 2"),
        "certificate of mdm",
    ),
    Mutant(
        ASSEMBLY,
        "thresholds are ramps",
        Rewrite(assemble._Assembler.gates, "not isinstance(gate, Ramp)", "False"),
        "residuals of mdm",
    ),
    Mutant(
        ASSEMBLY,
        "edit bits are set at 0",
        Rewrite(assemble._Assembler.control, "np.full(3, -1.0)", "np.full(3, 1.0)"),
        "agreement of ap-mdm",
    ),
    Mutant(
        ASSEMBLY,
        "rails of 0 bits read 1 bits",
        Rewrite(assemble.assemble, "assembler.rows(readout.zeros)", "assembler.rows(readout.ones)"),
        HERE,
    ),
)
