"""Mutants of procedures: arguments, names, `return`, places, one level of processors, the standard library."""

from __future__ import annotations

from lockstep.pram import checked_procedures, errors, flattening, hoisting, loop_kinds, profile, side_by_side
from lockstep.pram.analysis import _Checker as Checker
from lockstep.pram.binding import Binder, Procedures
from lockstep.pram.copying import Copier
from lockstep.pram.flattening import _Flattener as Flattener
from lockstep.pram.lowering import _Lowering as Lowering
from lockstep.pram.procedures import _Expander as Expander
from mutation.planting import Rewrite
from mutation.table import Mutant

ARGUMENTS, RETURN, DIVIDED = "arguments of procedures", "return of procedures", "one level of processors"
WHERE = "places of calls"

CALLS, REFUSED, PLACES, PARTS = "calls", "refused procedures", "places of calls", "divided processors"

MUTANTS = (
    Mutant(ARGUMENTS, "an operand is computed into a local", Rewrite(Binder.value, "self.scope.is_operand(value)", "False"), CALLS),
    Mutant(ARGUMENTS, "any value is put into the body", Rewrite(Binder.value, "self.scope.is_operand(value)", "True"), CALLS),
    Mutant(
        ARGUMENTS, "a value that the body assigns changes the caller", Rewrite(Binder.value, "formal.name not in self.assigned", "True"),
        CALLS,
    ),
    Mutant(
        ARGUMENTS, "a value that is an `out`, too, changes in the body", Rewrite(Binder.value, "not self.may_change(value)", "True"), CALLS
    ),
    Mutant(
        ARGUMENTS, "an `out` of an inner call does not count as assigned", Rewrite(Procedures._out, 'f.kind == "place"', "False"),
        CALLS,
    ),
    Mutant(ARGUMENTS, "a subscript is computed at each use", Rewrite(Binder.subscripts, "s if ok else", "s if True else"), CALLS),
    Mutant(ARGUMENTS, "the subscripts of a row stand behind", Rewrite(
        Copier.index, "for r in row), *subscripts)", "for r in reversed(row)), *subscripts)"), CALLS),
    Mutant(ARGUMENTS, "the extent of a row is that of the array", Rewrite(Copier.extent, "extents[len(row)]", "extents[0]"),
           CALLS),
    Mutant(ARGUMENTS, "an operator has its operands exchanged", Rewrite(
        Copier.operation, "Call(operator.name, arguments, at)", "Call(operator.name, arguments[::-1], at)"), CALLS),
    Mutant(ARGUMENTS, "a local keeps its name", Rewrite(Copier.own, 'f"{name}.{self.number}"', "name"), CALLS),
    Mutant(ARGUMENTS, "a local array is new in each call", Rewrite(
        Copier.statement, "self.kept.setdefault((name, new.dimensions), own.name)", "own.name"), CALLS),
    Mutant(ARGUMENTS, "the value of a call in an expression starts at 1", Rewrite(
        Expander.value, "Number(0, call.at)", "Number(1, call.at)"),
           "calls in the evaluator"),
    Mutant(ARGUMENTS, "a value is put in the first place", Rewrite(
        Expander.with_value, "(*given[:first], place, *given[first:])", "(place, *given)"), CALLS),
    Mutant(RETURN, "all return together", Rewrite(loop_kinds.LoopKinds.note_call, "if context.divergent:", "if False:"), CALLS),
    Mutant(RETURN, "who returned goes on in the pad at its start", Rewrite(
        Lowering.pad_item, "self.patch(jump, item.marks[place])", "self.patch(jump, min(item.marks.values()))"), CALLS),
    Mutant(RETURN, "who did not return waits a step less", Rewrite(
        Lowering.called, "self.patch(leave)", "self.patch(leave, len(self.code) - 1)"),
        CALLS),
    Mutant(RETURN, "a return ends the item", Rewrite(Lowering.called, "with self.new_item() as item:", "for item in [self.item]:"), CALLS),
    Mutant(RETURN, "a together return is no control", Rewrite(loop_kinds._is_control, "case Break() | Return():", "case Break():"), CALLS),
    Mutant(RETURN, "a return inside an item of a body leaves the body", Rewrite(
        Checker._parallel, 'loop="", returns="item"', 'loop=""'), CALLS),
    Mutant(DIVIDED, "the ranges change places", Rewrite(
        Flattener.parallel, "(*self.loop.ranges, *ranges)", "(*ranges, *self.loop.ranges)"), PARTS),
    Mutant(DIVIDED, "a local that differs is computed once", Rewrite(Flattener.needed, "if local.name in names:", "if False:"),
           PARTS),
    Mutant(DIVIDED, "statements between change places", Rewrite(Flattener.put, "self.close()", "pass"), PARTS),
    Mutant(DIVIDED, "a local is computed anew after what it is made of has changed", Rewrite(
        Flattener.forget, "self.stale.add(local.name)", "self.carried[local.name] = local"), REFUSED),
    Mutant(DIVIDED, "what a round changes, the next one does not see", Rewrite(
        flattening._reassigned, "nodes = list(walk(statement))", "nodes = list(walk(statement)) if isinstance(statement, Assign) else []"),
        REFUSED),
    Mutant(DIVIDED, "a local array is the same in all parts", Rewrite(
        flattening._private_in_parts, "n.name not in shared", "False"), REFUSED),
    Mutant(DIVIDED, "a pid is the same in all parts", Rewrite(Flattener.is_pure, '{"pid", *self.shared}', "self.shared"), REFUSED),
    Mutant(DIVIDED, "a local of a processor keeps what an item finds", Rewrite(
        flattening._assigned_by, "(Assign, Several, PrefixSum)", "(Several, PrefixSum)"), REFUSED),
    Mutant(DIVIDED, "conditions may differ", Rewrite(Flattener.same, "node.name in self.differs", "False"), REFUSED),
    Mutant(DIVIDED, "a local of one part is used in the next", Rewrite(
        Flattener.close, "self.gone |= declared - self.carried.keys()", "pass"), REFUSED),
    Mutant(DIVIDED, "the second call has the values of the first", Rewrite(
        side_by_side._Merger.merged, "Number(number, value.at)", "Number(0, value.at)"), PARTS),
    Mutant(WHERE, "a body has the places of its text alone", Rewrite(
        Copier.place, "Span(at.line, at.column, self.call, self.source)", "Span(at.line, at.column)"), PLACES),
    Mutant(WHERE, "an error shows the innermost call only", Rewrite(
        errors.Diagnostic.render, "for call in self.span.calls", "for call in self.span.calls[:1]"), PLACES),
    Mutant(WHERE, "a profile has one row for all calls", Rewrite(profile._row, "at.way", "()"), PLACES),
    Mutant(WHERE, "messages show the numbers of calls", Rewrite(
        errors.Diagnostic.__post_init__, "without_numbers(self.message)", "self.message"),
           REFUSED),
    Mutant(WHERE, "a call of itself is not found", Rewrite(
        checked_procedures._recursions, "if called in within:", "if called in within[1:]:"), REFUSED),
    Mutant(WHERE, "a call in a condition of a while is made once", Rewrite(
        hoisting.Hoister.refuse, "self.calls.is_procedure(node)", "False"), REFUSED),
    Mutant(WHERE, "a call on the right of `and` is made in any case", Rewrite(
        hoisting.Hoister.chain, 'if old.operator in ("and", "or"):', "if False:"), REFUSED),
    Mutant(WHERE, "a `parallel` in a `parallel` is flattened wherever it stands", Rewrite(
        flattening._nests, "any(_holds_parallel(call) for call in calls)", "any(map(_holds_parallel, loop.body))"), REFUSED),
    Mutant("standard library", "no seed is 0", Rewrite(Expander.body, "SEED: Number(1)", "SEED: Number(0)"), "library"),
    Mutant("standard library", "`cell` is never true", Rewrite(Copier.is_cell, "isinstance(place, Index) or", "False and"), "library"),
)  # fmt: skip
