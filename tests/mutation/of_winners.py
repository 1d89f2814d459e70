"""Mutants of who wins concurrent writes: the machine's, those of a search through all winners, and those of layouts."""

from __future__ import annotations

from typing import Any

from lockstep.commands.modes import trying as modes
from lockstep.common import inputs
from lockstep.compiler import arm, fixed_winner, in_place, mdm, storage
from lockstep.pram import contests, input_files
from lockstep.pram.contests import Arbiter
from lockstep.pram.winner import Winner
from lockstep.pram.winners import _Search, run_winners
from mutation.of_machine import mode
from mutation.planting import Rewrite
from mutation.table import Mutant

WINNERS = "winners"


def row(breaks: str, function: Any, old: str, new: str, check: str) -> Mutant:
    return Mutant(WINNERS, breaks, Rewrite(function, old, new), check)


MUTANTS = (
    row(
        "the machine ignores the winner",
        Arbiter.__init__,
        "self.winner = job.winner if MODES[job.mode].winner_open else LOWEST",
        "self.winner = LOWEST",
        "fixed winners",
    ),
    Mutant(WINNERS, "CRCW priority leaves the winner open", mode("CRCW priority", winner_open=True), "fixed winners"),
    Mutant(WINNERS, "CRCW arbitrary leaves none open", mode("CRCW arbitrary", winner_open=False), "chosen winners"),
    row("the first processor of an order loses", Arbiter._applied, "np.argsort(-self", "np.argsort(self", "fixed winners"),
    row("an order contains half of the processors", Winner.precedence, "tion(processors)", "tion(processors // 2)",
        "fixed winners"),
    row("the highest winner is the lowest", Winner.precedence, "ascending[::-1].copy()", "ascending", "fixed winners"),
    row("writers of equal values use up a choice", contests.contested,
        "if (written.values[group] != written.values[group[0]]).any()", "if len(group) > 1", "chosen winners"),
    row("choices start with the highest cell of a step", contests.contested,
        "np.flatnonzero(cells[1:] != cells[:-1]) + 1)", "np.flatnonzero(cells[1:] != cells[:-1]) + 1)[::-1]", "chosen winners"),
    row("a choice is used twice", Arbiter._settle, "self._settled += 1", "self._settled += self._settled % 2 == 0",
        "chosen winners"),
    row("unused choices pass", Arbiter.check_end, "made < len(choices)", "False", "chosen winners"),
    row("a chosen processor that does not write is ignored", Arbiter._settle,
        "raise self._wrong_choice(step, written, group, counter)", "return None", "chosen winners"),
    row("only two values of a cell can win", _Search._try, "contest.options[1:]", "contest.options[1:2]", "every winner"),
    row("earlier choices are dropped", _Search._try, "(*choices, *lowest[taken:number])", "lowest[:number]", "every winner"),
    row("only the next contested write is chosen", _Search._try, "contests[taken:]", "contests[taken : taken + 1]",
        "every winner"),
    row("a value is named by its last writer", Arbiter._settle,
        "np.unique(written.values[group], return_index=True)", "np.unique(written.values[group][:-1], return_index=True)",
        "every winner"),
    row("the search stops one winner early", _Search.every, "> self.most", ">= self.most", "every winner"),
    row("the search claims every winner although it stopped", run_winners,
        "or search.every()", "or search.every() or True", "every winner"),
    row("mdm: the layout ignores the winner", mdm.Layout.positions,
        "job.winner.precedence(job.processors)", "np.arange(job.processors)", "winners of mdm"),
    row("arm: the layout ignores the winner", arm.Layout._precedence,
        "self.job.winner.precedence(processors)", "np.arange(processors)", "winners of arm"),
    row("in place: the layout ignores the winner", in_place.Layout.ranks,
        "self.job.winner.precedence(self.job.processors)[pids]", "pids", "winners of ap-mdm"),
    row("in place: the order of the processors is reversed", in_place.Layout.ranks,
        "(1 << self.widths.pid) - 1 - self", "self", "winners of ap-mdm one-step"),
    row("winners without a fixed order are laid out", fixed_winner.check_winner, "not job.winner.fixed", "False", "winners of mdm"),
    row("modes: the lowest winner's outputs are not judged", modes._trouble, "ran in runs:", "ran in runs[1:]:", "modes find"),
    row("modes: other winners' outputs are not judged", modes._trouble, "ran in runs:", "ran in runs[:1]:", "modes find"),
    row("modes: a run that is refused under another winner passes", modes._trouble, "in found.runs:", "in found.runs[:1]:", "modes find"),
    row("modes: outputs may depend on who wins", modes._dependence, "ours != its", "False", "modes find"),
    row("modes: wrong outputs are shown before refused runs", modes._try_mode,
        "key=lambda pair: pair[1].ran", "key=lambda pair: not pair[1].ran", "modes find"),
    row("a file's winner wins over the option", inputs.job_and_input,
        "winner or winner_given(program, given) or otherwise", "winner_given(program, given) or winner or otherwise", "winners given"),
    row("a seed is not asked beside a file's winner", inputs.machine_job_and_input, "named is None and seed is not None", "False",
        "winners given"),
    row("a file may name a winner although the mode leaves none open", input_files.winner_given, "not MODES[mode].winner_open", "False",
        "winners given"),
    row("a model file forgets its winner", storage._from_model, "model=model, winner=winner", "model=model", "winners given"),
)  # fmt: skip
