"""Mutants of the front end and of lowering: jumps, bounds, guards of idle processors, registers, addresses."""

from __future__ import annotations

from lockstep.pram import analysis, derived, functions
from lockstep.pram.emitting import Emitter
from lockstep.pram.lowering import _Lowering as Lowering
from lockstep.pram.program import _Instantiation as Instantiation
from lockstep.pram.range_ends import EndEmitter
from mutation.planting import Rewrite
from mutation.table import Mutant

LOWERING, ANALYSIS = "lowering", "analysis of programs"

MUTANTS = (
    Mutant(
        LOWERING,
        "jumps land one instruction early",
        Rewrite(Lowering.patch, "len(self.code) if target is None", "len(self.code) - 1 if target is None"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "while does not test again",
        Rewrite(Lowering.while_loop, "self.patch(again, start)", "self.patch(again, start + 2)"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "repeat skips its first instruction",
        Rewrite(Lowering.repeat_loop, "self.patch(again, start)", "self.patch(again, start + 1)"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "for between parameters runs one round too many",
        Rewrite(Lowering.loop_test, 'return "lt" if', 'return "le" if'),
        "evaluator",
    ),
    Mutant(
        LOWERING, "for between words runs one round too few", Rewrite(Lowering.loop_test, 'else "le"', 'else "lt"'), "evaluator"
    ),
    Mutant(LOWERING, "downto runs one round too many", Rewrite(Lowering.loop_test, 'return "gt"', 'return "ge"'), "evaluator"),
    Mutant(
        LOWERING,
        "downto starts one lower",
        Rewrite(
            Lowering.start_down,
            "derived.exclusive(first, self.symbols.signed)",
            "derived.clamp_if_empty(first, Binary('<=', last, first))",
        ),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "downto steps by two",
        Rewrite(Lowering.for_loop, 'self.emit("sub", v, constant(1)', 'self.emit("sub", v, constant(2)'),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "single runs on processor 1",
        Rewrite(Lowering.statement, 'self.emit("eq", PID, constant(0)', 'self.emit("eq", PID, constant(1)'),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "a guarded body runs on all processors",
        Rewrite(
            Lowering.guarded, 'self.emit("jz", Operand("register", active), at=at, decides=decides)', 'self.emit("nop", at=at)'
        ),
        "evaluator",
    ),
    Mutant(LOWERING, "idle processors wait no time", Rewrite(Lowering.pad_item, "self.pad(body)", "pass"), "evaluator"),
    Mutant(
        LOWERING,
        "idle processors execute one nop too few",
        Rewrite(Lowering.pad_item, 'self.emit("nop", at=at)', "pass"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "pads execute the instructions that they replace",
        Rewrite(Lowering.pad, "self.as_idle(True)", "self.as_idle(False)"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "pads lack the control instructions of loops",
        Rewrite(Lowering.for_loop, "self.as_idle(False)", "self.as_idle(was_idle)"),
        "evaluator",
    ),
    Mutant(
        LOWERING, "then is not padded for else", Rewrite(Lowering.padded_if, "self.pad(statement.otherwise)", "pass"), "evaluator"
    ),
    Mutant(LOWERING, "else is not padded for then", Rewrite(Lowering.padded_if, "self.pad(statement.then)", "pass"), "evaluator"),
    Mutant(
        LOWERING, "an if inside a pad takes both paths", Rewrite(Lowering.padded_if, "if self.idle:", "if False:"), "evaluator"
    ),
    Mutant(
        LOWERING,
        "the register of a local is used again",
        Rewrite(Lowering.statement, "self.locals[name] = register", "self.locals[name] = register; self.free -= 1"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "the second operand overwrites the first one's register",
        Rewrite(Lowering.chain, "x = Term(self.value(chain[0].left))", "x = Term(self.value(chain[0].left)); self.free = 1"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "registers are never freed",
        Rewrite(Lowering.scope.__wrapped__, "self.free, self.locals = free, names", "self.locals = names"),
        "registers",
    ),
    Mutant(
        LOWERING,
        "a loop variable is visible after its loop",
        Rewrite(Lowering.scope.__wrapped__, "self.free, self.locals = free, names", "self.free = free"),
        "evaluator",
        "analysis has refused every name that is used outside of its scope or hides another, so nothing looks",
    ),
    Mutant(LOWERING, "wrap is ignored", Rewrite(Emitter.__init__, "Trap.OPERANDS if", "self.checked if"), "evaluator"),
    Mutant(
        LOWERING,
        "sums and products always wrap",
        Rewrite(Emitter.__init__, "self.modular = Trap.UNDEFINED if wraps else self.checked", "self.modular = Trap.UNDEFINED"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "shifts always wrap",
        Rewrite(
            Emitter.__init__, "self.arithmetic = Trap.OPERANDS if wraps else self.checked", "self.arithmetic = Trap.OPERANDS"
        ),
        "evaluator",
    ),
    Mutant(
        LOWERING, "not keeps its operand", Rewrite(Lowering.value, 'Binary("==", operand', 'Binary("!=", operand'), "evaluator"
    ),
    Mutant(
        LOWERING,
        "the index of an inner range is not what is left of the division",
        Rewrite(
            Lowering.divide_pid,
            "_register(quotient), extent, rd=items[number]",
            "_register(quotient), constant(0), rd=items[number]",
        ),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "the index of an outer range is not divided",
        Rewrite(Lowering.divide_pid, 'self.emit("div", index, extent', 'self.emit("div", index, constant(1)'),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "items do not start at the low end",
        Rewrite(Lowering.parallel, "low, x, rd=item, at=part.at", "constant(0), x, rd=item, at=part.at"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "the last item is left out",
        Rewrite(EndEmitter.first_end, "derived.exclusive(end, self.symbols.signed)", "end"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "ranges of words have one item too few",
        Rewrite(EndEmitter.first_end, 'FirstEnd("le", high', 'FirstEnd("lt", high'),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "an inner range of words has an item too many",
        Rewrite(Lowering.extent_of_words, "end.operand, constant(1), rd=extent", "end.operand, constant(2), rd=extent"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "what is taken from the end of a range is left out",
        Rewrite(Lowering.has_item, "if end.shift is not None", "if False"),
        "ranges",
    ),
    Mutant(LOWERING, "items wrap around what is taken", Rewrite(Lowering.has_item, '"addsat", x', '"add", x'), "ranges"),
    Mutant(
        LOWERING,
        "the range to a difference has no last item",
        Rewrite(EndEmitter.exclusive_end, "Number(1), at)", "Number(0), at)"),
        "ranges",
    ),
    Mutant(
        LOWERING,
        "a range to e - 1 ends at e - 1 below 0",
        Rewrite(EndEmitter.first_end, 'FirstEnd("lt", above', 'FirstEnd("le", above'),
        "ranges",
    ),
    Mutant(
        LOWERING,
        "the number after the parameters of an end may be no word",
        Rewrite(Lowering.has_item, "trap=end.trap, checks", "checks"),
        "ranges",
    ),
    Mutant(LOWERING, "items wrap around to 0", Rewrite(Lowering.parallel, 'self.of_words("addsat")', '"add"'), "ranges"),
    Mutant(
        LOWERING,
        "a range that starts beyond the largest word wraps",
        Rewrite(Lowering.low_end, "self.parameter(derived.saturated(low))", "self.parameter(low)"),
        "ranges",
    ),
    Mutant(
        LOWERING,
        "a range that starts at a number beyond the largest word wraps",
        Rewrite(
            Lowering.low_end,
            "isinstance(low, Number) and 0 <= low.value <= largest_word(MIN_WORD_BITS)",
            "isinstance(low, Number)",
        ),
        "ranges",
    ),
    Mutant(
        LOWERING,
        "subscripts of a matrix are exchanged",
        Rewrite(
            Lowering.address,
            "operands = [self.value(s) for s in subscripts]",
            "operands = [self.value(s) for s in subscripts][::-1]",
        ),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "a row index is not multiplied by the row length",
        Rewrite(Lowering.address, "self.parameter(derived.extent_of(name, axis, len(subscripts)))", "constant(1)"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "a row index is not multiplied by a row length that is a parameter",
        Rewrite(derived.offset_of, 'Binary("*", offset, extent_of(array, axis, axes), at)', "offset"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "row indices are not checked",
        Rewrite(Lowering.address, "checks=(of_axes[0],) if axis == 1 else ()", "checks=()"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "parameter subscripts are not checked",
        Rewrite(Lowering.address, "tuple(IndexCheck(name, axis, s) for axis, s in enumerate(subscripts))", "()"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "an inner range has one item too few",
        Rewrite(
            derived.extent,
            'Binary("+", Binary("-", part.high, part.low, at), Number(1), at)',
            'Binary("-", part.high, part.low, at)',
        ),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "bounds of idle processors may be negative",
        Rewrite(derived.nonnegative_bounds, "if not loop.down and is_parametric(loop.first):", "if False:"),
        "evaluator",
    ),
    Mutant(LOWERING, "lg rounds down", Rewrite(functions.lg, "(x - 1).bit_length()", "x.bit_length() - 1"), "evaluator"),
    Mutant(
        LOWERING,
        "inputs are laid out after work arrays",
        Rewrite(Instantiation._arrays, "for role in ROLES for s in declared", "for role in reversed(ROLES) for s in declared"),
        "evaluator",
    ),
    Mutant(
        LOWERING,
        "words are two bits shorter by default",
        Rewrite(Instantiation.word_bits, "2 * largest.bit_length() + 2", "2 * largest.bit_length()"),
        "evaluator",
    ),
    Mutant(
        ANALYSIS,
        "a local assigned by some processors counts as equal on all",
        Rewrite(analysis._Checker._assigned, "context.divergent or not", "not"),
        "refused texts",
    ),
    Mutant(
        ANALYSIS,
        "pid counts as equal on all processors",
        Rewrite(analysis._Checker._varies, 'node.name == "pid" or', ""),
        "refused texts",
    ),
    Mutant(
        ANALYSIS,
        "control is allowed where processors are idle",
        Rewrite(analysis._Checker._control, "if not context.divergent:", "if True:"),
        "refused texts",
    ),
    Mutant(
        ANALYSIS,
        "loop variables may be assigned",
        Rewrite(analysis._Checker._assign, "if name in context.loops:", "if False:"),
        "refused texts",
    ),
    Mutant(
        ANALYSIS,
        "a loop's bound may be assigned in it",
        Rewrite(analysis._Checker._keep_bound, "Name(name.name) in kept", "False"),
        "refused texts",
    ),
    Mutant(
        ANALYSIS,
        "bounds of idle processors may read shared memory",
        Rewrite(analysis._Checker._bound_error, "padded = context.assigned is not None", "padded = False"),
        "refused texts",
    ),
    Mutant(
        ANALYSIS,
        "a name may hide another",
        Rewrite(analysis._Checker._declare, "if first is not None:", "if False:"),
        "refused texts",
    ),
    Mutant(
        ANALYSIS,
        "words may have square roots",
        Rewrite(analysis._Checker._call, "not FUNCTIONS[name].operation and", "False and"),
        "refused texts",
    ),
)
