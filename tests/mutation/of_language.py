"""Mutants of the constructs of textbooks: loops that processors leave one by one, values with `if`, division, signed words."""

from __future__ import annotations

from lockstep.pram import analysis, bound_checking, bounds, checks, clamping, functions, loop_kinds, printing, rewriting, showing
from lockstep.pram.automaton import Automaton
from lockstep.pram.building import Builder
from lockstep.pram.declarations import Declarations
from lockstep.pram.emitting import Emitter
from lockstep.pram.loop_lowering import LoopEmitter
from lockstep.pram.lowering import _Lowering as Lowering
from lockstep.pram.machine import Machine
from mutation.planting import Rewrite
from mutation.table import Mutant

ANALYSIS = "analysis of programs"
LOOPS, LISTS, WORDS = "loops that processors leave one by one", "lists", "words of programs"
FREE, PARSING = "statements that take no step", "parsing"

#: What follows a test in `statement`, where a `print` is noted.
NOTED = "\n                self.points.append(point_of"

MUTANTS = (
    Mutant(
        PARSING,
        "a rule that builds a node passes its value on",
        Rewrite(Automaton._after_passing, "action[0] is None", "action[1] == 1"),
        "both loops",
    ),
    Mutant(
        PARSING,
        "what may stand there is what may start a program",
        Rewrite(Automaton.parse, "set(actions[states[-1]])", "set(actions[states[0]])"),
        "both loops",
    ),
    Mutant(
        PARSING,
        "the parser takes a token before it is seen",
        Rewrite(Automaton._tokens, "        see(token)\n        yield token", "        yield token\n        see(token)"),
        "both loops",
    ),
    Mutant(
        LOOPS,
        "who is done goes on in the live copy",
        Rewrite(LoopEmitter.while_apart, "if done is not None:", "if False:"),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "the idle copy of a while has a step too few",
        Rewrite(LoopEmitter.while_apart, "self.asleep_value(loop.condition)", "pass"),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "the rounds of atmost are not counted",
        Rewrite(LoopEmitter.next_round, 'else "add", k, constant(1)', 'else "add", k, constant(0)'),
        "evaluator",
    ),
    Mutant(
        LOOPS, "a break goes to the start of the idle body", Rewrite(LoopEmitter.leave, "len(self.code)", "jump"), "evaluator"
    ),
    Mutant(
        LOOPS,
        "nobody tells that it goes on",
        Rewrite(LoopEmitter.tell, 'self.emit("store", flag, constant(0), k, at=loop.at)', 'self.emit("nop", at=loop.at)'),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "nobody tells that it goes on in a for",
        Rewrite(LoopEmitter.for_apart, "self.tell(loop, k)", "self.nops(4 * (not self.is_bounded(loop)), at)"),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "a for asks a step late whether any goes on",
        Rewrite(LoopEmitter.for_apart, "outs += self.ask(loop, k)", "outs += self.ask(loop, k) and self.nops(1, at) or outs"),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "too few rounds are accepted",
        Rewrite(checks._check_unfinished, "if len(pids):", "if False:"),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "looking ahead changes registers",
        Rewrite(Machine.look_ahead, "self.registers, self._marks = kept, bytearray(marks)", "pass"),
        "evaluator",
        "a processor that is not done ends the run, and one that is done leaves the loop, where its temporaries are dead",
    ),
    Mutant(
        LOOPS, "a step of 0 is accepted", Rewrite(checks._check_step, "if not steps.all():", "if False:"), "evaluator"
    ),
    Mutant(
        LOOPS,
        "a break of all counts as one of each",
        Rewrite(loop_kinds._is_control, "return type(statement) in together", "return False"),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "a for has a round too few",
        Rewrite(bounds._rounds, 'Binary("+", steps, Number(1), at)', "steps"),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "signed words are not negative in the bounds of a for",
        Rewrite(bounds._Known.end, "self.symbols.signed", "False"),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "on starts every round at its first item",
        Rewrite(rewriting._Rewriter._in_rounds, 'Binary("*", Name(round_), processors, at)', 'Binary("*", Number(0), processors, at)'),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "a return goes to the end of the block",
        Rewrite(Lowering.pad_item, "self.patch(jump, item.marks[place])", "self.patch(jump)"),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "a return goes one step too far",
        Rewrite(Lowering.pad_item, "item.marks[place]", "item.marks[place] + 1"),
        "evaluator",
    ),
    Mutant(
        LOOPS,
        "a return of the pad marks the place before it",
        Rewrite(Lowering.end_item, "= len(self.code)", "= jump"),
        "evaluator",
    ),
    Mutant(
        ANALYSIS,
        "a return outside of any item is accepted",
        Rewrite(analysis._Checker.statement, "if not context.returns:", "if False:"),
        "refused texts",
    ),
    Mutant(
        LISTS,
        "the numbers of items start at 1",
        Rewrite(rewriting._item, "enumerate(listed.items)", "enumerate(listed.items, 1)"),
        "evaluator",
    ),
    Mutant(
        LISTS,
        "a list takes the time of one item",
        Rewrite(rewriting._item, 'Binary("*", Binary("==", index, Number(number), item.at), item, item.at)', "item"),
        "evaluator",
    ),
    Mutant(
        LISTS,
        "a parallel for takes its first list twice",
        Rewrite(rewriting._Rewriter._one, "[_item(part, part.at) for", "[_item(replace(part, items=ranges[0].items), part.at) for"),
        "evaluator",
    ),
    Mutant(
        LISTS,
        "the variable of a list may be assigned",
        Rewrite(analysis._Checker.statement, "loop=bool(items)", "loop=False"),
        "refused texts",
    ),
    Mutant(
        LISTS,
        "a local of a list may be assigned in the loop",
        Rewrite(analysis._Checker.keep_bound, "apart else None, *listed]", "apart else None]"),
        "refused texts",
    ),
    Mutant(
        LISTS,
        "a list may hold shared memory",
        Rewrite(analysis._Checker.listed, "if isinstance(node, Index) or", "if False and"),
        "refused texts",
    ),
    Mutant(
        LISTS,
        "the items of a parallel for may differ per processor",
        Rewrite(analysis._Checker.listed, "elif same and", "elif False and"),
        "refused texts",
    ),
    Mutant(
        LISTS,
        "the bounds of a for take the first item of a list for its largest",
        Rewrite(bound_checking._of_all, "Call(function, (a, b), b.at)", "a"),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "a value with if takes the time of one side",
        Rewrite(Emitter.conditional, "self.branch_value(expression.no, target, idle=True)", "pass"),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "a guarded side is computed in any case",
        Rewrite(Emitter.guarded_truth, 'branch = self.emit("jz", x, at=at)', 'branch = self.emit("jz", constant(1), at=at)'),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "a remainder is not taken away",
        Rewrite(Emitter.remainder, 'self.emit("sub", x, product', 'self.emit("sub", x, constant(0)'),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "several assignments see each other",
        Rewrite(Lowering.several, "zip(registers, statement.values)", "zip(registers, statement.values[:1] * len(registers))"),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "signed words compare as unsigned ones",
        Rewrite(Emitter.of_words, "if self.symbols.signed else operation", "if False else operation"),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "division by zero is accepted",
        Rewrite(Machine._apply, "if operation.undefined is not None and instruction.trap is not Trap.NOTHING:", "if False:"),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "a sum is judged part by part",
        Rewrite(Emitter.chain, "ends = not part if following is None else following.operator not in SIGNS", "ends = True"),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "a sum in parentheses is judged by itself",
        Rewrite(Emitter.term, "part=True", "part=False"),
        "evaluator",
    ),
    Mutant(WORDS, "a sum that is no word passes", Rewrite(checks._check_whole, "if np.count_nonzero(bad):", "if False:"), "evaluator"),
    Mutant(
        WORDS,
        "parameters in sums must be words",
        Rewrite(Emitter.is_always_word, 'kind in ("register", "pid")', 'kind != "constant"'),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "a negative argument of max is a large word",
        Rewrite(Emitter.difference, 'self.emit("max", x, y', 'self.emit("max", x, constant(0)'),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "a max of negative numbers is 0",
        Rewrite(Emitter.extreme, 'if all(unsure) if name == "max" else any(unsure):', "if False:"),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "the plus terms of an argument of max are its minus terms",
        Rewrite(clamping.sides, "_side(plus, is_parametric)", "_side(minus, is_parametric)"),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "a negative parameter in max is refused",
        Rewrite(clamping.floored, "if may_be_negative(expression, params) else", "if False else"),
        "evaluator",
    ),
    Mutant(
        WORDS,
        "negative words that wrap have a logarithm",
        Rewrite(Machine._apply, "signed or self.job.signed else x", "signed else x"),
        "evaluator",
    ),
    Mutant(WORDS, "lg of words rounds down", Rewrite(functions.resolve, "return (call.function, call.arguments)",
           'return ("floor(log)" if call.function == "lg" else call.function, call.arguments)'), "evaluator"),
    Mutant(
        FREE,
        "a barrier takes a step",
        Rewrite(Builder.barrier, "return ()", "return (If(Number(0), (), (), span(word)),)"),
        "free statements",
    ),
    Mutant(
        FREE,
        "a print takes a step",
        Rewrite(Lowering.statement, "self.points.append(point_of(statement, self))", 'self.emit("nop", at=statement.at)'),
        "free statements",
    ),
    Mutant(
        FREE,
        "a negative number in a print makes all words signed",
        Rewrite(Declarations._of_words, "walk(statement, without=(Print,))", "walk(statement)"),
        "free statements",
    ),
    Mutant(FREE, "idle processors print", Rewrite(Lowering.statement, f"if not self.idle:{NOTED}", f"if True:{NOTED}"), "printed"),
    Mutant(
        FREE,
        "a print before a loop prints in each round",
        Rewrite(LoopEmitter.only_once, "if point.index == start:", "if False:"),
        "printed",
    ),
    Mutant(
        FREE,
        "a print inside a loop prints in its first round only",
        Rewrite(LoopEmitter.only_once, "self.points[:noted]", "self.points"),
        "printed",
    ),
    Mutant(
        FREE,
        "a print overwrites the registers of locals",
        Rewrite(printing._item, "dict(emitter.locals), emitter.free, emitter.free", "dict(emitter.locals), 0, emitter.free"),
        "printed",
    ),
    Mutant(
        FREE,
        "a print names the step before it",
        Rewrite(showing.Printer._print, "machine.costs.time + 1", "machine.costs.time"),
        "printed",
    ),
    Mutant(
        FREE,
        "some processors print for all",
        Rewrite(showing.Printer._print, "len(pids) == machine.running and", ""),
        "printed",
    ),
    Mutant(
        FREE,
        "a print shows signed words as unsigned ones",
        Rewrite(showing.Printer._run_aside, "if self.job.signed else words", "if False else words"),
        "printed",
    ),
    Mutant(
        FREE,
        "a print shows the first processor's value for all",
        Rewrite(showing.Printer._run_aside, "len(item.code) - 1, pids)", "len(item.code) - 1, pids[:1]).repeat(len(pids))"),
        "printed",
    ),
)  # fmt: skip
