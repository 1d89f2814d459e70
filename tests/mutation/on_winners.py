"""Checks of who wins concurrent writes: on the machine, of all winners of a job, and of models."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from kit.decoding import FASTEST
from kit.runs import assert_same_run
from kit.small import counted_cell, hot_cell
from kit.winners import CHOSEN, ends, program
from oracles.all_winners import TooMany, every_end, fight
from oracles.scalar_machine import run_scalar

from lockstep.commands.compile import compile_to_file
from lockstep.commands.modes.trying import ModeResult, try_modes
from lockstep.common.inputs import job_and_input, machine_job_and_input
from lockstep.compiler.blocks import Widths
from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.compiler.storage import load_program_or_model
from lockstep.models.editing import NotFinished, OutOfPositions
from lockstep.pram.access import MODES
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import load, parse_program
from lockstep.pram.winners import HIGHEST, LOWEST, Winner, at_random, by_choices, in_order, run_winners
from lockstep.proofs_check.agreement import check_agreement
from mutation.table import Check

OPEN = "CRCW arbitrary"
#: All write one cell; some write two.
CONTESTED = tuple(replace(job, mode=OPEN) for job in (hot_cell(5), counted_cell(4)))


def fixed_winners() -> None:
    """The machine under fixed orders, against plain Python that picks the winner of each cell."""
    for job in CONTESTED:
        for winner in (LOWEST, HIGHEST, in_order(0), in_order(2)):
            order = winner.precedence(job.processors).tolist()
            assert sorted(order) == list(range(job.processors)), f"{winner}: {order} is no order"
            ours = run(replace(job, winner=winner), trace=True)
            assert_same_run(ours, run_scalar(job, 100, lambda pids, order=order: min(pids, key=lambda pid: order[pid])))
    lowest, highest = (w.precedence(4).tolist() for w in (LOWEST, HIGHEST))
    assert (lowest, highest) == ([0, 1, 2, 3], [3, 2, 1, 0]), f"the lowest is {lowest}, the highest {highest}"
    for mode in MODES:
        if not mode.endswith("arbitrary"):
            _refuses(replace(CONTESTED[0], mode=mode), HIGHEST, "leaves no winner open")


def _refuses(job: Job, winner: Winner, says: str) -> None:
    try:
        run(replace(job, winner=winner))
    except PramError as error:
        assert says in error.message, f"{error.message}, not {says}"
        return
    raise AssertionError(f"{winner} is not refused in mode {job.mode}")


def chosen_winners() -> None:
    """Choices go to contested writes alone, by steps and then by cells; those that do not fit are refused."""
    for body, n, declared, choices, outputs in CHOSEN:
        found = run(replace(program(body, n, declared), winner=by_choices(*choices))).outputs
        assert found == outputs, f"{choices}: {found}, not {outputs}: {body}"
    made = program("s := pid\nif pid < 2 then t := pid end")
    for choices, says in (
        ((3,), "choice 1 of the winner choices:3 is processor 3"),
        ((1, 2), "but t is written by processors 0 and 1"),
        ((1, 1, 0), "has only 2 contested writes"),
    ):
        _refuses(made, by_choices(*choices), says)


def every_winner() -> None:
    """All ends of random jobs whose processors fight over two cells, against trying all writers of all cells."""
    for job in map(fight, range(80)):
        found = run_winners(job, max_steps=16)
        try:
            wanted = every_end(job, 16)
        except TooMany:
            continue
        assert (ends(found) == wanted) if found.every else (ends(found) <= wanted), f"{ends(found)}, not {wanted}"
        assert found.runs[0][0] == LOWEST, f"{found.runs[0][0]} comes first"
    for n, every, count in ((64, True, 64), (65, False, 8)):
        found = run_winners(program("s := pid", n))
        assert (found.every, len(found.runs)) == (every, count), f"{n} winners: {found}"


def models_of_winners(construction: str) -> None:
    """Token by token beside the machine; a winner that no model can have is refused."""
    for job in CONTESTED:
        for winner in (HIGHEST, in_order(0), in_order(2)):
            made = replace(job, winner=winner)
            time = run(made).time
            found = check_agreement(compile_job(made, time, construction=construction), made, time, FASTEST)
            assert found.divergence is None, f"{winner}: {found.divergence}"
    compiled = compile_job(CONTESTED[0], 12, construction=construction)
    for winner in (at_random(1), by_choices(1)):
        try:
            compiled.layout(replace(CONTESTED[0], winner=winner), 12)
        except (PramError, ValueError) as error:
            assert isinstance(error, PramError), f"{winner}: {error}"
            continue
        raise AssertionError(f"a model is laid out for {winner}")


ARBITRARY = "program p\nmode CRCW arbitrary\nparam n\nprocs 3\nshared s : output, t : output\ns := pid\n"
DIFFERENCE = "single do t := n - s end\n"


def _judging(accepts: str, text: str, folder: Path) -> list[ModeResult]:
    """What modes says of a text on n = 2, then 1, with a sidecar that accepts some outputs."""
    (folder / "p.pram").write_text(text)
    (folder / "p.py").write_text(
        "def inputs(size, rng):\n    return {'n': size}, {}\n\ndef oracle(params, arrays):\n    return {}\n\n"
        f"def accepts(params, arrays, outputs):\n    return {accepts}\n"
    )
    return try_modes(load(folder / "p.pram"), [({"n": 2}, {}), ({"n": 1}, {})], use_sidecar=bool(accepts))


def modes_find() -> None:
    """What is right only if one processor wins, or any but the lowest; what another winner refuses; outputs that differ."""
    wrong = 'accepts in p.py rejects the outputs {"s": %d, "t": 0} (with --winner %s)'
    for accepts, text, trouble, ran in (
        ("outputs['s'] == 0", ARBITRARY, wrong % (1, "choices:1"), 2),
        ("outputs['s'] != 0", ARBITRARY, wrong % (0, "lowest"), 2),
        ("outputs['s'] >= 0", ARBITRARY, "", 2),
        (
            "outputs['s'] == 0",
            ARBITRARY + DIFFERENCE,
            "step 5: processor 0: underflow: 1 - 2 is negative; `word 6 signed` has negative words (with --winner choices:2)",
            1,
        ),
        ("", ARBITRARY, "output s depends on who wins a write: 0 with --winner lowest, 1 with --winner choices:1", 2),
    ):
        with TemporaryDirectory() as folder:
            found = _judging(accepts, text, Path(folder))[list(MODES).index("CRCW arbitrary")]
        assert (found.trouble, found.ran, found.holds) == (trouble, ran, not trouble), f"{found.trouble}, not {trouble}"


def winners_given() -> None:
    """An option wins over a file, a file over what is meant otherwise; a model file keeps its winner."""
    program = parse_program(ARBITRARY)
    with TemporaryDirectory() as folder:
        file, model = Path(folder) / "in.json", Path(folder) / "m.safetensors"
        file.write_text('{"params": {"n": 2}, "winner": "highest"}')
        for option, wanted in ((by_choices(1), 1), (None, 2)):
            found = run(job_and_input(program, file, None, 0, None, option)[0]).outputs["s"]
            assert found == wanted, f"{option} beside a file that says highest: {found} wins"
        for seed, text, wanted in ((None, None, HIGHEST), (3, None, at_random(3)), (None, "lowest", LOWEST)):
            found = machine_job_and_input(program, file, None, seed, None, text)[0].winner
            assert found == wanted, f"seed {seed}, --winner {text}: {found}, not {wanted}"
        try:
            job_and_input(parse_program(ARBITRARY.replace("arbitrary", "common")), file, None, 0, None)
        except PramError as error:
            assert "in.json:1:32" in str(error) and "take it out of the file" in str(error), str(error)
        else:
            raise AssertionError("a file names a winner where none is open, and that passes")
        for winner in (None, HIGHEST):
            compile_to_file(program, model, Widths(4, 4, 2), "float64", "mdm", winner)
            _, compiled = load_program_or_model(model)
            assert compiled is not None and compiled.winner == winner, f"{winner} comes back as another winner"


CHECKS = (
    Check("modes find", "programs that are right only if some processors win, by `lockstep modes`", modes_find),
    Check("winners given", "winners of options, input files and model files", winners_given),
    Check("fixed winners", "the machine under fixed orders of the processors, against plain Python", fixed_winners),
    Check("chosen winners", "runs under winners that are chosen one by one, worked out by hand", chosen_winners, (PramError,)),
    Check("every winner", "all ends of a job, whoever wins, against trying all writers of all cells", every_winner, (PramError,)),
    *(
        Check(
            f"winners of {construction}",
            "every token of models in which another processor wins, against the machine",
            partial(models_of_winners, construction),
            (NotFinished, OutOfPositions),
        )
        for construction in CONSTRUCTIONS
    ),
)
