"""Mutants of what runs are said to reach, and of how inputs are drawn."""

from __future__ import annotations

from lockstep.pram import drawing, probing
from lockstep.pram.drawing import STYLES
from lockstep.pram.emitting import Emitter
from lockstep.pram.lowering import _Lowering as Lowering
from lockstep.pram.machine import Machine
from lockstep.pram.reached import Reached, Unreached, _few, _ranges, _witnesses, unreached
from lockstep.proofs_check.fuzzing.counts import CampaignCounts
from mutation.planting import Entry, Rewrite
from mutation.table import Mutant

REACHED, DRAWING, PROBING = "reached lines", "drawing of inputs", "probing"
WALK, WORDS, STYLED, PROBES = "reached", "reached in words", "styles", "probes"

OF_RUNS = (
    Mutant(REACHED, "the loops of idle processors count", Rewrite(Emitter.emit, "self.pads > 0", "False"), WALK),
    Mutant(REACHED, "the nops of idle processors count", Rewrite(Emitter.emit, "at=at, idle=True", "at=at, idle=False"), WALK),
    Mutant(REACHED, "instructions after a pad count as idle", Rewrite(Lowering.pad, "self.pads -= 1", "pass"), WALK),
    Mutant(
        REACHED,
        "the sides of repeat are exchanged",
        Rewrite(
            Machine._next,
            "(JUMPED if jumps else 0) | (FOLLOWED if follows else 0)",
            "((JUMPED if jumps else 0) | (FOLLOWED if follows else 0)) if instruction.jumps_to > index else "
            "((FOLLOWED if jumps else 0) | (JUMPED if follows else 0))",
        ),
        WALK,
    ),
    Mutant(
        REACHED,
        "the sides of all conditions are exchanged",
        Rewrite(_witnesses, '"true": FOLLOWED, "false": JUMPED', '"true": JUMPED, "false": FOLLOWED'),
        WALK,
    ),
    Mutant(
        REACHED,
        "a side counts only if all processors take it",
        Rewrite(Machine._next, "JUMPED if jumps else 0", "0 if follows else JUMPED"),
        WALK,
    ),
    Mutant(
        REACHED,
        "a branch that only some processors take is ignored",
        Rewrite(Machine._next, "FOLLOWED if follows else 0", "0 if jumps else FOLLOWED"),
        WALK,
    ),
    Mutant(
        REACHED,
        "lines of stores are missed",
        Rewrite(Machine.step, "|= RAN", "|= 0 if isinstance(row.destination, Cell) else RAN"),
        WALK,
    ),
    Mutant(
        REACHED, "a loop that is skipped counts as entered", Rewrite(_witnesses, '"entered": FOLLOWED', '"entered": RAN'), WALK
    ),
    Mutant(
        REACHED,
        "ranges are not reported",
        Rewrite(Lowering.parallel, "statement.body, at, statement", "statement.body, at"),
        WALK,
    ),
    Mutant(REACHED, "the end of the program counts as a line", Rewrite(_witnesses, "instructions[:-1]", "instructions"), WORDS),
    Mutant(REACHED, "several runs reach only what each of them reaches", Rewrite(Reached.__or__, "a | b", "a & b"), WORDS),
    Mutant(REACHED, "several runs lack what any of them lacks", Rewrite(Unreached.__and__, "if item in both", ""), WORDS),
    Mutant(
        REACHED, "an item counts only if all its instructions run", Rewrite(unreached, "& mark}", "& mark and index % 2}"), WALK
    ),
    Mutant(
        REACHED,
        "lines in a side that was not taken are named as well",
        Rewrite(Unreached.text, "if item[:2] not in far", ""),
        WORDS,
    ),
    Mutant(
        REACHED, "lines behind a halt are not named", Rewrite(Unreached.text, "if self.items and not parts:", "if False:"), WORDS
    ),
    Mutant(REACHED, "lines with a gap are named as one range", Rewrite(_ranges, "pair[1] - pair[0]", "0"), WORDS),
    Mutant(REACHED, "the number of items left out is not shown", Rewrite(_few, "if more > 0", "if False"), WORDS),
    Mutant(
        REACHED,
        "a campaign counts every line as reached",
        Rewrite(CampaignCounts.reach, "len(every.lines) - len(left.lines)", "len(every.lines)"),
        "reached in campaigns",
    ),
)

OF_INPUTS = (
    Mutant(
        DRAWING, "the neighbours of constants are not drawn", Rewrite(drawing.cell_choice, "(c - 1, c, c + 1)", "(c,)"), STYLED
    ),
    Mutant(
        DRAWING,
        "edges leave declared ranges",
        Rewrite(drawing.cell_choice, "top if each.array.high is None else each.high", "top"),
        STYLED,
    ),
    Mutant(
        DRAWING,
        "edges are small words",
        Rewrite(drawing.cell_choice, "top if each.array.high is None else each.high", "each.high"),
        STYLED,
    ),
    Mutant(
        DRAWING,
        "parameters do not count as constants",
        Rewrite(drawing.program_constants, "| set(program.values(params).values())", ""),
        STYLED,
    ),
    Mutant(DRAWING, "no uniform input is drawn", Rewrite(drawing.style_of, "if number else", "if number >= 0 else"), STYLED),
    Mutant(DRAWING, "all sizes have the same styles", Rewrite(drawing.style_of, "2 * (size - 1) + number", "number"), STYLED),
    Mutant(
        DRAWING,
        "descending words ascend",
        Entry(STYLES, "lockstep.pram.drawing.STYLES", "descending", STYLES["ascending"], "those of ascending"),
        STYLED,
    ),
    Mutant(
        DRAWING, "arrays are not equal to each other", Rewrite(drawing._equal, "int(fraction *", "int(rng.random() *"), STYLED
    ),
    Mutant(DRAWING, "edges may be no words", Rewrite(drawing.largest_input_word, ", word_bits)", ", None)"), STYLED),
    Mutant(
        DRAWING,
        "edges repeat while others are left out",
        Rewrite(drawing._edges, "rng.permutation(choice.edges)", "choice.edges[:3]"),
        STYLED,
    ),
    Mutant(PROBING, "every word is ordinary", Rewrite(probing.is_ordinary, "return False", "return True"), PROBES),
    Mutant(PROBING, "failures become notes", Rewrite(probing._try, "if probe.ordinary:", "if False:"), PROBES),
    Mutant(
        PROBING, "inputs that reach nothing new are kept", Rewrite(probing._try, "unreached(program, both) ==", "None =="), PROBES
    ),
    Mutant(
        PROBING,
        "probing goes on when everything is reached",
        Rewrite(probing.reach, "or not unreached(program, found.reached)", ""),
        PROBES,
    ),
    Mutant(PROBING, "steps are not bounded", Rewrite(probing.reach, "found.steps >= STEPS_IN_ALL", "False"), PROBES),
    Mutant(
        PROBING,
        "a probe that reaches the limit of steps counts as refused",
        Rewrite(probing._try, "isinstance(error, NoHalt) and limit < max_steps", "False"),
        PROBES,
    ),
    Mutant(PROBING, "large sizes are probed", Rewrite(probing._chosen, "<= MOST_ROOM", "< 1 << 60"), PROBES),
    Mutant(PROBING, "no word is extreme", Rewrite(probing._extreme, "if each.array.high is None", "if False"), PROBES),
    Mutant(PROBING, "declared ranges are left", Rewrite(probing._extreme, "if each.array.high is None", "if True"), PROBES),
    Mutant(PROBING, "no input consists of edges only", Rewrite(probing._series, "MOST_EDGES //", "0 //"), PROBES),
)

MUTANTS = (*OF_RUNS, *OF_INPUTS)
