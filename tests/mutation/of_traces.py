"""Mutants of traces: their columns, their headers, the page that holds one."""

from __future__ import annotations

from lockstep.commands.show import command
from lockstep.common.tracing import columns, decode_text, decodes, machine, machine_text, page, trace
from lockstep.common.tracing.columns import Columns
from lockstep.common.tracing.decode_text import DecodeRows
from lockstep.common.tracing.machine_text import StepWatch
from lockstep.common.tracing.tokens import TraceTokens
from lockstep.compiler import names
from mutation.planting import Entry, Rewrite
from mutation.table import Mutant

COLUMNS, RUNS, DECODES, PAGES = "columns of traces", "traces of runs", "traces of decodes", "pages"
TEXTS = "text of traces"

MUTANTS = (
    Mutant(COLUMNS, "a width holds one number more", Rewrite(columns._width, "high < 1 <<", "high <= 1 <<"), COLUMNS),
    Mutant(COLUMNS, "a width holds one negative number more", Rewrite(columns._width, "<= low", "<= low + 1"), COLUMNS),
    Mutant(COLUMNS, "all bytes of a number stand together", Rewrite(columns._planes, "width).T", "width)"), COLUMNS),
    Mutant(COLUMNS, "differences start with the second number", Rewrite(Columns.add, "prepend=0", "prepend=flat[:1]"), COLUMNS),
    Mutant(COLUMNS, "a column starts where the one before does", Rewrite(Columns.add, "self._end += len(data)", "pass"), COLUMNS),
    Mutant(
        RUNS,
        "lost writes belong to the step after",
        Rewrite(machine.add_machine, "(step.number - 1)", "step.number"),
        "trace replays",
    ),
    Mutant(
        RUNS,
        "the step that failed is left out",
        Rewrite(machine.add_machine, "(*steps, error.failure.attempt)", "steps"),
        "failing traces",
    ),
    Mutant(
        RUNS,
        "the counters at the end are those before the last step",
        Rewrite(machine.add_machine, "steps[-1].next", "steps[-1].counter"),
        "trace replays",
    ),
    Mutant(
        RUNS, "memory starts as zeros", Rewrite(machine.add_machine, "run.job.memory)", "0 * run.job.memory)"), "trace replays"
    ),
    Mutant(RUNS, "long numbers are numbers", Rewrite(machine._number, "1 << EXACT_BITS", "1 << 99"), "headers of traces"),
    Mutant(
        RUNS,
        "the cell of a conflict is not told",
        Rewrite(machine._error, "if failure.cell is None", "if True"),
        "failing traces",
    ),
    Mutant(DECODES, "inserted masks are not told", Rewrite(decodes._flags, " + INSERTS * edited.insert", ""), "trace replays"),
    Mutant(DECODES, "appended tokens are not told", Rewrite(decodes._flags, " + APPENDS * edited.appended", ""), "trace replays"),
    Mutant(
        DECODES, "erasures keep SEP", Rewrite(decodes.add_steps, "step.erasure.stop)", "step.erasure.stop - 1)"), "trace replays"
    ),
    Mutant(
        DECODES,
        "rows to the right count as rows to the left",
        Rewrite(decodes._entries, " + (found > asking)", ""),
        "trace replays",
    ),
    Mutant(
        DECODES,
        "distances are counted from the row that is edited",
        Rewrite(decodes._add_heads, "step.edited.asking", "step.edited.rows"),
        "trace replays",
    ),
    Mutant(
        DECODES,
        "rows that do not ask find nothing",
        Rewrite(decodes._entries, "ENTRIES[NOT_ASKING], np", "NOTHING_ENTRY, np"),
        "trace replays",
    ),
    Mutant(
        DECODES,
        "every order has the closed form of parallel order",
        Rewrite(decodes._forms, 'if order == "parallel" else BOUNDS[AO_MDM].decoding_steps', "or order"),
        "headers of traces",
    ),
    Mutant(
        DECODES, "an upper bound counts as equal", Rewrite(decodes._forms, '"==" if exact else "<="', '"=="'), "headers of traces"
    ),
    Mutant(
        DECODES,
        "of wrong tokens the last is named",
        Rewrite(decodes._wrong, "int(different[0])", "int(different[-1]) + 1"),
        "failing traces",
    ),
    Mutant(
        DECODES,
        "the right sequence is the one at the start",
        Rewrite(decodes.add_decode, "watching.expected", "watching.start"),
        "failing traces",
    ),
    Mutant(
        DECODES, "values of pairs have one bit", Rewrite(TraceTokens._split, "(1 << self.value_bits) - 1", "1"), "traced pairs"
    ),
    Mutant(
        DECODES,
        "pairs name the position behind theirs",
        Rewrite(TraceTokens._split, "value >> self.value_bits", "(value >> self.value_bits) + 1"),
        "traced pairs",
    ),
    Mutant(
        PAGES,
        "a text may end the script",
        Entry(page.ESCAPED, "lockstep.common.tracing.page.ESCAPED", "<", "<", "< stays"),
        PAGES,
    ),
    Mutant(
        PAGES,
        "marks are looked for in the trace",
        Rewrite(page.page_of, "decode(), after])", "decode(), after]).replace(COLUMNS, HEADER)"),
        PAGES,
    ),
    Mutant(
        TEXTS,
        "the memory is shown as it was before the step",
        Rewrite(machine_text.steps_table, "memory.whole(step.written)", "memory.whole({})"),
        "rows of runs",
    ),
    Mutant(TEXTS, "nops count as active", Rewrite(StepWatch.__call__, "running[~self.pads[running]]", "running"), "rows of runs"),
    Mutant(TEXTS, "words without sign", Rewrite(machine_text._signed, "if job.signed", "if False"), "rows of runs"),
    Mutant(
        TEXTS,
        "a long sequence is shown from its start",
        Rewrite(DecodeRows._first, "if not changed:", "if True:"),
        "rows of decodes",
    ),
    Mutant(
        TEXTS,
        "rows are as wide as they like",
        Rewrite(DecodeRows._sequence, "> self.room:", "> 10 * self.room:"),
        "rows of decodes",
    ),
    Mutant(
        TEXTS,
        "register numbers have no letter",
        Entry(decode_text.LETTERS, "lockstep.common.tracing.decode_text.LETTERS", "REG", "", "REG is a number"),
        "rows of decodes",
    ),
    Mutant(
        PAGES,
        "a run that fails counts as a wrong model",
        Rewrite(command._end, "trace.error is not None", "False"),
        "shown pages",
    ),
    Mutant(
        PAGES,
        "all takes constructions that do not have the program",
        Rewrite(names.constructed, "if not lacking(name, rules)", ""),
        "shown pages",
    ),
    Mutant(
        PAGES,
        "the order is not taken",
        Rewrite(trace.decodes_of, "order if order in", "usual_order(process) if order in"),
        "shown pages",
    ),
    Mutant(
        PAGES,
        "messages name the folder of the program",
        Rewrite(machine.without_folder, "Path(program.source.name).name", "program.source.name"),
        "shown pages",
    ),
)
