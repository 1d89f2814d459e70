"""Models whose position encodings let another processor win: token by token beside the machine, on writes that are contested."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from kit.decoding import FASTEST
from kit.machine_programs import runs
from kit.small import counted_cell, hot_cell
from oracles.all_winners import fight
from oracles.numpy_decoder import decode as foreign_decode

from lockstep.commands.export.job_file import export_job
from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_job
from lockstep.models.decode import decode
from lockstep.models.engines import available, takes_causal
from lockstep.models.sampling import Sampling
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import Run, run
from lockstep.pram.program import parse_program
from lockstep.pram.winners import HIGHEST, LOWEST, Winner, at_random, by_choices, in_order
from lockstep.proofs_check.agreement import Agreement, check_agreement
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.fuzzing.coverage import coverage

WINNERS = [LOWEST, HIGHEST, in_order(0), in_order(2)]
OPEN = "CRCW arbitrary"
ORDERS = [("left-to-right", 0), *((order, seed) for order in ("random", "random-subsets") for seed in range(2))]
ENGINES = available()


def jobs() -> list[Job]:
    """Some made by hand, some random; in each, processors contest a cell."""
    made = [replace(each, mode=OPEN) for each in (hot_cell(5), hot_cell(3, 3), counted_cell(4))]
    return made + [each for each in map(fight, range(60)) if _is_contested(runs(each, 14))]


def _is_contested(found: Run | None) -> bool:
    return found is not None and coverage(found).steps("different values") > 0


JOBS = jobs()


def agree(job: Job, construction: str = "mdm", engine: str = FASTEST.engine, order: str = "parallel", seed: int = 0) -> Agreement:
    """Decode beside the machine; every token must be the machine's."""
    time = run(job).time
    compiled = compile_job(job, time, construction=construction)
    engine = engine if takes_causal(engine) or not compiled.model.causal else FASTEST.engine
    found = check_agreement(compiled, job, time, Sampling(order, seed, engine))
    assert found.divergence is None, str(found.divergence)
    assert found.outputs_agree
    assert found.engine == engine
    return found


def under(job: Job, winner: Winner) -> Job | None:
    """The job with another winner, if it then ends in time."""
    changed = replace(job, winner=winner)
    return changed if runs(changed, 20) else None


def test_the_winners_differ() -> None:
    """On these jobs each winner gives other outputs than each other one, somewhere."""
    assert len(JOBS) >= 20
    ends = [[run(replace(job, winner=w), max_steps=20).memory.tolist() for w in WINNERS] for job in JOBS if _halts(job)]
    for a in range(len(WINNERS)):
        for b in range(a):
            assert sum(end[a] != end[b] for end in ends) >= 3, (WINNERS[a], WINNERS[b])


def _halts(job: Job) -> bool:
    return all(under(job, winner) for winner in WINNERS)


@pytest.mark.parametrize("winner", WINNERS, ids=str)
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_every_token_is_the_machines(construction: str, winner: Winner) -> None:
    compared = [agree(made, construction) for job in JOBS if (made := under(job, winner))]
    assert len(compared) >= 20


@pytest.mark.parametrize("winner", WINNERS, ids=str)
def test_in_every_decoding_order(winner: Winner) -> None:
    for job in JOBS[:4]:
        if made := under(job, winner):
            for order, seed in ORDERS:
                agree(made, order=order, seed=seed)


@pytest.mark.parametrize("winner", WINNERS, ids=str)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_in_every_engine(construction: str, engine: str, winner: Winner) -> None:
    for job in JOBS[:8]:
        if made := under(job, winner):
            agree(made, construction, engine)


def compiled_for(job: Job, construction: str) -> Compiled:
    return compile_job(job, 30, construction=construction)


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_weights_know_nothing_of_the_winner(construction: str) -> None:
    """Bit for bit; widths, vocabulary and certificate too. And one model decodes under every winner."""
    job = JOBS[0]
    first, *others = (compiled_for(replace(job, winner=winner), construction) for winner in WINNERS)
    for other in others:
        ours, its = dict(first.model.tensors()), dict(other.model.tensors())
        assert ours.keys() == its.keys() and all(np.array_equal(ours[name], its[name]) for name in ours)
        assert (asdict(first.widths), first.model.vocabulary) == (asdict(other.widths), other.model.vocabulary)
        assert certify(first.model, first.circuit) == certify(other.model, other.circuit)
    outputs = []
    for winner in WINNERS:
        made = replace(job, winner=winner)
        layout = first.layout(made, run(made).time)
        decoding = decode(first.model, layout.tokens(), layout.positions(), process=first.process)
        outputs.append(tuple(layout.output_words(decoding.tokens).tolist()))
        assert outputs[-1] == tuple(run(made).memory[job.outputs.start : job.outputs.stop].tolist())
    assert len(set(outputs)) >= 3


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_only_numbers_of_two_fields_change(construction: str) -> None:
    """Position encodings of two winners differ in `priority` or `rank` only, and nowhere else."""
    job = JOBS[0]
    compiled = compiled_for(job, construction)
    names = [field.name for field in compiled.circuit.fields.values() for _ in field.highs]
    ours, its = (compiled.layout(replace(job, winner=winner), 12).positions().dense() for winner in (LOWEST, HIGHEST))
    assert {names[column] for column in (ours != its).nonzero()[1].tolist()} == {
        "rank" if construction.startswith("ap-mdm") or construction == "revision" else "priority"
    }


@pytest.mark.parametrize("winner", [at_random(3), by_choices(2, 0)], ids=str)
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_a_model_has_a_fixed_order(construction: str, winner: Winner) -> None:
    compiled = compiled_for(JOBS[0], construction)
    with pytest.raises(PramError) as error:
        compiled.layout(replace(JOBS[0], winner=winner), 12)
    assert error.value.message == (
        f"the winner {winner} is no fixed order of the processors, and a model has one: take lowest, highest or a seed N "
        "(the machine runs any winner)"
    )


@pytest.mark.parametrize("winner", WINNERS, ids=str)
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_another_decoder_lets_the_same_processor_win(construction: str, winner: Winner, tmp_path: Path) -> None:
    """The exported file, in NumPy alone; the winner is the last of an order worked out here."""
    text = f"program p\nmode {OPEN}\nparam n\nprocs n\nshared s : output\ns := pid\n"
    program = parse_program(text)
    job = replace(program.instantiate({"n": 5}), winner=winner)
    metadata, _ = export_job(program, job, tmp_path / "job", construction=construction)
    assert metadata["winner"] == str(winner)
    found = foreign_decode(tmp_path / "job")
    first = {"lowest": 0, "highest": 4}.get(str(winner), int(winner.precedence(5).argmin()))
    assert found.outputs == found.expected == {"s": [first]}
    assert found.metadata["winner"] == str(winner)


def test_export_names_no_winner_where_none_is_open(tmp_path: Path) -> None:
    program = parse_program("program p\nshared s : output\nsingle do s := 3 end\n")
    metadata, _ = export_job(program, program.instantiate({}), tmp_path / "job")
    assert "process" in metadata and "winner" not in metadata
