"""Mutants of what concurrent writes leave: on the machine, in the order of modes, in models, certificates and proofs."""

from __future__ import annotations

from typing import Any

import numpy as np

from lockstep.commands.modes import trying as modes
from lockstep.compiler import adding, arm, assemble, combining, compile, hits, invariants, names, processor, storage, two_step
from lockstep.compiler.blocks import BlockBuilder
from lockstep.compiler.mixing import Mixing
from lockstep.pram import access, building, lexemes
from lockstep.pram.access import Combining, Owners
from lockstep.pram.analysis import _Checker
from lockstep.pram.instructions import Instruction
from lockstep.pram.lowering import _Lowering
from lockstep.pram.machine import Machine
from lockstep.proofs_check import closed_forms
from lockstep.proofs_check.certificate import _Certifier
from lockstep.proofs_check.proofs.instructions import InstructionProver
from lockstep.proofs_check.proofs.weights import Network
from mutation.of_machine import mode
from mutation.planting import Attribute, Rewrite
from mutation.table import Mutant

COMBINING = "combining writes"
RULES, EVALUATOR, TEXT, ORDER = "write rules", "rules of arrays", "rules in texts", "order of modes"
MDM, TWO, ONE, ARM = (f"combined writes of {c}" for c in (names.MDM, names.TWO_STEP, names.ONE_STEP, names.ARM))
PROOFS, SHARE, READERS, OTHERS = "combined proofs", "share certificate", "share readers", "other write rules"


def row(breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant(COMBINING, breaks, Rewrite(function, old, new), check, equivalent)


def operation(rule: Combining, wrong: np.ufunc) -> Attribute:
    """Another operation for a rule."""
    operations = tuple(wrong if access.NUMBERS[rule] == n else o for n, o in enumerate(access.OPERATIONS))
    return Attribute(access, "OPERATIONS", operations, f"`{rule}` is {wrong.__name__}")


MUTANTS = (
    Mutant(COMBINING, "CROW has no owners", mode("CROW", owned=False), RULES),
    Mutant(COMBINING, "ERCW lets several read a cell", mode("ERCW priority", concurrent_reads=True), RULES),
    Mutant(COMBINING, "ERCW common takes values that differ", mode("ERCW common", same_value=False), RULES),
    Mutant(COMBINING, "ERCW arbitrary leaves no winner open", mode("ERCW arbitrary", winner_open=False), RULES),
    Mutant(COMBINING, "CRCW max is CRCW min", mode("CRCW max", combining="min"), RULES),
    Mutant(COMBINING, "CRCW sum is CRCW priority", mode("CRCW sum", combining="order"), RULES),
    Mutant(COMBINING, "the largest value loses", operation("max", np.minimum), RULES),
    Mutant(COMBINING, "`and` leaves what some value has", operation("and", np.bitwise_or), RULES),
    Mutant(COMBINING, "`or` adds up", operation("or", np.add), RULES),
    row("a write's own rule does not count", Instruction.rule_in, "self.rule or combining", "combining", RULES),
    row("two rules may meet in a cell", access.combine, "if len(others):", "if False:", RULES),
    row("the rule of the first write is that of all", access.combine, "later & (rules == number)", "later & (rules[0] == number)", RULES),
    row("an array's rule does not count", _Lowering.store, "rule = rule or self.symbols.arrays[index.name].rule", "pass", EVALUATOR),
    row("an array's rule replaces that of a write", _Lowering.store, "rule or self.symbols.arrays[index.name].rule",
        "self.symbols.arrays[index.name].rule or rule", EVALUATOR),
    row("who owns a cell may lose it", Owners.claim, "(owners >= 0) & (owners != writes.pids)", "owners > writes.pids", RULES),
    row("a cell of another owner may be written", Owners.claim, "if len(found):", "if False:", RULES),
    row("nobody comes to own a cell", Owners.claim, "self.pids[writes.cells] = writes.pids", "pass", RULES),
    row("a sum may be longer than a word by one bit", access._no_word, "words >> word_bits", "words >> word_bits + 1", RULES),
    row("what is combined is not stored", Machine._allowed, "stored, conflict = access.combine", "_, conflict = access.combine", RULES),
    row("a mode that is stronger than a weakest one is a weakest one", modes.weakest, "not weaker_modes(result.mode) & holds",
        "True", ORDER),
    row("only modes right below count as weaker", access.weaker_modes, ".union(*map(weaker_modes, MODES[name].weaker))", "", ORDER),
    row("outputs of another mode may differ", modes._difference, "found[name] != wanted[name]", "False", ORDER),
    row("the value has no place in the recency", combining.value_and_rank, "word_of(value) * (1 << rank_bits)",
        "word_of(value) * 0", MDM),
    row("the rank outweighs the lowest bit of the value", combining.value_and_rank, "word_of(value) * (1 << rank_bits)",
        "word_of(value) * (1 << rank_bits - 1)", TWO),
    row("the complement is the value", combining.complement_reads, "yield 1 - bit", "yield bit", MDM),
    row("the smallest value is not looked for", combining.add_complement, 'if code.how == "min" else None', "if False else None",
        TWO),
    row("the value outweighs the step", BlockBuilder._cell_recency, "self.step.flag * (most + 1) + wins", "self.step.flag + wins", MDM),
    row("one-step: the complement is not made", hits.HitBuilder.look_up_hits, "1 - bit]", "bit]", PROOFS),
    row("a digit changes at the wrong counts", adding.add_digit, "if k % (1 << j) == 0", "if k % (2 << j) == 0", MDM),
    row("a digit begins one too late", adding.add_digit, "(k << shift + 2) + 1", "(k << shift + 2) - 3", PROOFS),
    row("a threshold of a digit takes shares within 1/8", adding.add_digit, "share * 4 - (k << shift + 2) + 1",
        "share * 4 - (k << shift + 2)", MDM),
    row("one-step: the rank does not count", hits.HitBuilder.look_up_hits, "reads, *recency)", "reads, recency[0] * 0, recency[1])", ONE),
    row("writers weigh as much as BOS allows a word alone", adding.exponent_for, "word + pid + 4", "word + 4", SHARE),
    row("blocks: input words are no shares", BlockBuilder._read_combined, "1 << j} if", "0} if", MDM),
    row("blocks: sums of all steps are one", BlockBuilder._read_combined, "(*self.time, *[*self.address][: self.size.word])",
        "[*self.address][: self.size.word]", MDM),
    row("two-step: all writes are added up to every cell", two_step._TwoStepBuilder._add_up, '"combine", self.role["cell"].flag, same,',
        '"combine", self.role["cell"].flag, (),', TWO),
    row("the flag of a rule stands at the next store", Mixing.add_flags, "number + 1", "number + 2", MDM),
    row("the largest value is not left", Mixing.add_bids, "{self.bid.bit(j): 1, left.bit(j): 1}", "{self.bid.bit(j): 1}", TWO),
    row("the smallest value bids itself", Mixing.add_bids, "1 - bit], {self.bid", "bit], {self.bid", PROOFS),
    row("`or` takes two writers", Mixing.add_counts, "Threshold(share * 4 - 3, {bit: 1})", "Threshold(share * 4 - 7, {bit: 1})", ONE),
    row("`and` counts ones", Mixing.add_counts, "(1 - bit, self.zeros", "(bit, self.zeros", TWO),
    row("`and` of one writer is 0", Mixing.add_counts, "self.writers.flag * 4 - 3", "self.writers.flag * 4 - 7", PROOFS),
    row("who counts writers weighs them as if there were one", Mixing._pool, "exponent_for(self.pid_bits, self.pid_bits)",
        "exponent_for(self.pid_bits, 0)", SHARE),
    row("two rules that come together are one", processor.Code.how.fget, '"mixed" if others or first in', '"mixed" if first in', MDM),
    row("blocks: a write reads the counter of any processor", BlockBuilder._read_rules, "(*self.time, *self.pid)", "self.time", MDM),
    row("blocks: input words are not left", BlockBuilder._read_combined, "else {self.left.bit(j): 1}", "else {self.left.bit(0): 1}", MDM),
    row("arm: the first of several counts is read", arm.Layout._precedence, "isinstance(lookup, Pool)", 'lookup.name == "combine"', ARM),
    row("two-step: a cell does not read what the winner leaves", two_step._TwoStepBuilder._target, "if mixed else []", "if False else []",
        TWO),
    row("two-step: the rule is read off the value", two_step._TwoStepBuilder._first_lookups, '(role["NPC"],), next_counter',
        '(role["VAL"],), next_counter', TWO),
    row("two-step: writes of all rules are added up", two_step._TwoStepBuilder._combine,
        '(self.mixing.by["sum"].flag,) if self.code.how == "mixed" else writes', "writes", TWO),
    row("one-step: all stores have one rule", hits.HitBuilder.store, "instruction.rule_in(self.code.combining)",
        "self.code.rules[0]", ONE),
    row("the width has no column for the writers of `and`", closed_forms._letters_of_rules, '(word + 1) * ("and" in rules)',
        'word * ("and" in rules)', TWO),
    row("proofs do not look at the flag of a rule", InstructionProver._rule, "{flag: 1} if", "{} if", PROOFS),
    row("proofs move no bits", Network.row, "0 <= bit - part.shift <", "bit <", PROOFS),
    row("a local is combined", _Checker._combined, "statement.name in context.scope", "False", TEXT),
    row("every mode combines writes", access.Mode.combines.fget, 'self.combining != "order"', "True", TEXT),
    row("any word is a rule", building._known_rule, "rule not in RULES", "False", TEXT),
    row("layout tears a rule off its write", lexemes._start, 'found[at - 2].text == "combine"', "False", TEXT),
    row("O does not undo the weight of a writer", assemble.Scores.of, "round(math.exp(lookup.exponent))",
        "round(math.exp(lookup.exponent)) // 2", MDM),
    row("BOS weighs no more than a writer", assemble.Scores.of, "Scores(far, lookup.exponent,", "Scores(far, 0,", TWO),
    row("a model takes runs of other write rules", compile.Compiled.check_mode, "wanted != self.code.combining", "False", OTHERS),
    row("a construction compiles what it lacks", names.lacking, 'next(why, "")', '""', OTHERS),
    row("a file's write rule is not compared", storage._from_model, "combining != wanted", "False", OTHERS),
    row("what writers take from BOS is left out", _Certifier._share, "pool.most * weight +", "weight +", SHARE),
    row("roundings of a sum are left out", _Certifier._share, "(2 * pool.most + 16) * unit", "unit", SHARE),
    row("a share may be 1/2 away", _Certifier._share, "off < LARGEST_OFF)", "off < 2 * LARGEST_OFF)", SHARE),
    row("a gate of any form reads a share", invariants._takes_a_share, "factors == [4] and fours", "True", READERS),
    row("a gate without the 1 reads a share", invariants._takes_a_share, "gate.form.constant % 4 == 1", "True", READERS),
    row("lookups may look for a share", invariants._reads_no_share, "shares & form.terms.keys()", "set()", READERS),
)  # fmt: skip
