"""Mutants of contracts: where they are checked, what they mean, what is said of them."""

from __future__ import annotations

from lockstep.pram.contracts import meaning
from lockstep.pram.contracts.checking import ContractChecker
from lockstep.pram.contracts.explaining import _Explainer
from lockstep.pram.contracts.kinds import Clause
from lockstep.pram.contracts.meaning import Scope, View
from lockstep.pram.contracts.translating import _Translator
from lockstep.pram.contracts.watching import Watcher
from lockstep.pram.loop_lowering import LoopEmitter
from lockstep.pram.lowering import _Lowering as Lowering
from lockstep.pram.program import _Instantiation
from lockstep.pram.rewriting import _Rewriter as Rewriter
from lockstep.proofs_check.fuzzing import random_contracts
from lockstep.proofs_check.fuzzing.random_contracts import Contracts
from mutation.planting import Rewrite
from mutation.table import Mutant

WHERE, MEANING, WORDS, RANDOM = "places of contracts", "meaning of contracts", "errors of contracts", "random contracts"
CASES, PLACES, WRONG, BROKEN, CAMPAIGN = (
    "contract cases", "contract places", "wrong contracts", "broken contracts", "contracts of a campaign",
)  # fmt: skip
AT_THE_START = "self.invariants(loop, start)"
OF_A_FOR = "self.invariants(loop, start, variable, -1 if loop.down else 0)"

OF_PLACES = (
    Mutant(
        WHERE,
        "an assert before a loop is checked in every round",
        Rewrite(Watcher._arrive, "before is not None and point.skips", "False"),
        PLACES,
    ),
    Mutant(
        WHERE,
        "a loop forgets who jumps back to it",
        Rewrite(LoopEmitter.only_once, "point.skips | {again}", "point.skips"),
        PLACES,
    ),
    Mutant(
        WHERE, "only the first processor is checked", Rewrite(Watcher._of_processors, "if row in seen and", "if seen and"), CASES
    ),
    Mutant(
        WHERE, "processors with other pids count as the same", Rewrite(Watcher._of_processors, '"pid" in named', "False"), CASES
    ),
    Mutant(WHERE, "no processor is named where not all fail", Rewrite(Watcher._check_point, " and len(seen) == 1", ""), CASES),
    Mutant(
        WHERE,
        "memory is seen as it was at the first check",
        Rewrite(Watcher._view, "self._now is None or self._now[0] != machine.costs.time", "self._now is None"),
        CASES,
    ),
    Mutant(WHERE, "what is ensured is not checked", Rewrite(Watcher.check, "if not machine.running", "if False"), CASES),
    Mutant(WHERE, "what is required is checked nowhere before a run", Rewrite(_Instantiation.job, "require(job)", "pass"), CASES),
    Mutant(
        WHERE, "asserts are left out", Rewrite(Lowering.statement, "self.points.append(self.contract(statement))", "pass"), CASES
    ),
    Mutant(
        WHERE,
        "idle processors check asserts",
        Rewrite(
            Lowering.statement,
            "case Assert() | Snapshot():\n            if not self.idle:",
            "case Assert() | Snapshot():\n            if True:",
        ),
        PLACES,
    ),
    Mutant(
        WHERE,
        "an assert is checked an instruction early",
        Rewrite(Lowering.contract, "ContractPoint(len(self.code),", "ContractPoint(max(0, len(self.code) - 1),"),
        PLACES,
    ),
    Mutant(WHERE, "a while has no invariants", Rewrite(LoopEmitter.while_loop, AT_THE_START, "pass"), CASES),
    Mutant(WHERE, "a repeat has no invariants", Rewrite(LoopEmitter.repeat_loop, AT_THE_START, "pass"), CASES),
    Mutant(WHERE, "a for has no invariants", Rewrite(LoopEmitter.for_loop, OF_A_FOR, "pass"), CASES),
    Mutant(
        WHERE,
        "a while that processors leave one by one has no invariants",
        Rewrite(LoopEmitter.while_apart, AT_THE_START, "pass"),
        CASES,
    ),
    Mutant(
        WHERE,
        "a repeat that processors leave one by one has no invariants",
        Rewrite(LoopEmitter.repeat_apart, AT_THE_START, "pass"),
        CASES,
    ),
    Mutant(
        WHERE, "a for that processors leave one by one has no invariants", Rewrite(LoopEmitter.for_apart, OF_A_FOR, "pass"), CASES
    ),
    Mutant(
        WHERE, "a downto is one too high before its rounds", Rewrite(LoopEmitter.for_loop, "-1 if loop.down else 0", "0"), CASES
    ),
    Mutant(
        WHERE,
        "the same of one that processors leave one by one",
        Rewrite(LoopEmitter.for_apart, "-1 if loop.down else 0", "0"),
        CASES,
    ),
    Mutant(WHERE, "what a register has more is ignored", Rewrite(Watcher._of_processors, " + known.plus", ""), CASES),
)

OF_MEANING = (
    Mutant(MEANING, "old is memory now", Rewrite(Watcher._check_point, "else self.start", "else now"), CASES),
    Mutant(MEANING, "at the end, old is memory now", Rewrite(Watcher._end, "self.start", "self._view(machine)"), CASES),
    Mutant(MEANING, "old means nothing", Rewrite(_Translator.call, 'self.memory, "o"', 'self.memory, "m"'), CASES),
    Mutant(
        MEANING,
        "in a procedure, old is the start of the run",
        Rewrite(Watcher._check_point, "if point.label else", "if False else"),
        CASES,
    ),
    Mutant(
        MEANING,
        "signed locals are seen as bits",
        Rewrite(Watcher._of_register, "if self.job.signed else words", "if False else words"),
        CASES,
    ),
    Mutant(
        MEANING,
        "signed cells are seen as bits",
        Rewrite(View.cells, "if array.signed_bits else words", "if False else words"),
        CASES,
    ),
    Mutant(
        MEANING,
        "a local array is that of all",
        Rewrite(Rewriter._one, "self.in_contract and self._is_local(name)", "False"),
        CASES,
    ),
    Mutant(
        MEANING,
        "names of books mean nothing in contracts",
        Rewrite(Rewriter.node, "else node, self._contract)", "else node, lambda c: c)"),
        CASES,
    ),
    Mutant(
        MEANING,
        "a variable of a quantifier is what books call so",
        Rewrite(Rewriter._one, " and name not in self.bound", ""),
        CASES,
    ),
    Mutant(
        MEANING,
        "what follows from nothing is false",
        Rewrite(_Translator.chain, "(not {text} or c.meant", "(not {text} and c.meant"),
        CASES,
    ),
    Mutant(MEANING, "exists asks for all", Rewrite(_Translator.quantified, 'f"any({body}', 'f"all({body}'), CASES),
    Mutant(MEANING, "count counts all items", Rewrite(_Translator.quantified, " if {body})", ")"), CASES),
    Mutant(
        MEANING,
        "the largest is the least",
        Rewrite(meaning.most, "max(found) if largest else min(found)", "min(found) if largest else max(found)"),
        CASES,
    ),
    Mutant(MEANING, "a subscript may be one too small", Rewrite(View._offset, "if not first <=", "if not first - 1 <="), CASES),
    Mutant(
        MEANING, "subscripts count backwards", Rewrite(View._offset, "subscript - first", "first + extent - 1 - subscript"), CASES
    ),
    Mutant(MEANING, "rows start where cells do", Rewrite(View.row, " * length", ""), CASES),
    Mutant(MEANING, "quotients are rounded up", Rewrite(meaning.divide, "a // b", "-(-a // b)"), CASES),
    Mutant(MEANING, "equal cells are distinct", Rewrite(meaning.is_distinct, "==", "<="), CASES),
)

OF_WORDS = (
    Mutant(
        WORDS, "requires may read any array", Rewrite(ContractChecker._may_read, 'role not in ("input", "inout")', "False"), WRONG
    ),
    Mutant(WORDS, "a quantifier may hide names", Rewrite(ContractChecker._quantified, "*self.symbols.params, ", ""), WRONG),
    Mutant(WORDS, "a number is a truth value", Rewrite(ContractChecker.truth, 'kind != "truth"', 'kind == "array"'), WRONG),
    Mutant(WORDS, "a whole array is a truth value", Rewrite(ContractChecker.truth, 'kind != "truth"', 'kind == "number"'), WRONG),
    Mutant(WORDS, "old may stand in old", Rewrite(ContractChecker._old, "elif self.in_old", "elif False"), WRONG),
    Mutant(
        WORDS,
        "sums nest as deep as they are long",
        Rewrite(_Translator.chain, "kind is not None and kind == before", "False"),
        WRONG,
    ),
    Mutant(WORDS, "another item is named", Rewrite(_Explainer.witness, "== truth", "!= truth"), BROKEN),
    Mutant(
        WORDS,
        "the left side is named where the right one fails",
        Rewrite(_Explainer.false, "self.false(right) if self.value(left) else self.false(left)", "self.false(left)"),
        BROKEN,
    ),
    Mutant(WORDS, "an invariant over a list is called an assert", Rewrite(Rewriter._one, ', word="invariant"', ""), BROKEN),
    Mutant(
        WORDS,
        "a ==> that meant nothing is passed over",
        Rewrite(Clause.conditions, 'isinstance(node, Binary) and node.operator == "==>"', "False"),
        "vacuous contracts",
    ),
    Mutant(WORDS, "an empty range counts as met", Rewrite(Scope.items, "marks and high >= low", "marks"), "vacuous contracts"),
)

OF_RANDOM = (
    Mutant(
        RANDOM,
        "contracts are said to be negated, and are not",
        Rewrite(random_contracts.negated, "_negated(program.tree, chosen)", "program.tree"),
        CAMPAIGN,
    ),
    Mutant(
        RANDOM,
        "an item is said to be after its first one",
        Rewrite(Contracts.of_items, ">= ({found[2]})", "> ({found[2]})"),
        CAMPAIGN,
    ),
    Mutant(
        RANDOM,
        "loops are said to start after their first item",
        Rewrite(Contracts.of_loop, "{name} >= ({first})", "{name} > ({first})"),
        CAMPAIGN,
    ),
    Mutant(
        RANDOM,
        "a written array is taken for the given one",
        Rewrite(Contracts.promises, "if not self.is_assigned(a.name, statements)", ""),
        CAMPAIGN,
    ),
)

MUTANTS = (*OF_PLACES, *OF_MEANING, *OF_WORDS, *OF_RANDOM)
