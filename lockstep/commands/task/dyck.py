"""`lockstep task dyck`: words of Dyck languages, as samples, or all of them up to a length; and an ARM that cannot write them all."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from lockstep.commands.task.solved import Solved, finish
from lockstep.commands.task.telling import PageFile, Told, Trace
from lockstep.common.console import err, progress_bar
from lockstep.common.options import Dtype, Engine, Json, Seed
from lockstep.models.names import EngineName
from lockstep.models.sampling import AUTO, Sampling

if TYPE_CHECKING:
    from lockstep.models.samples import Sample
    from lockstep.tasks.kit import Task

#: The windows and the choices grow fast with k; this many letters prove in minutes.
MOST_LETTERS, MOST_PROVED, MOST_PROVED_LENGTH = 8, 3, 20
#: With so many positions a sample of 10,000 or so outgrows them.
POSITIONS = 1024
#: For `auto`: the fastest engine of those that know the odds of all tokens.
SAMPLING_ENGINE = "indexed"
REPORTED = "Theorem 5: no fixed autoregressive model generates two-sided Dyck-k"


def dyck(letters: Annotated[int, typer.Option("-k", min=1, max=MOST_LETTERS, help="Letters of the alphabet; each has an inverse.")] = 2,
         samples: Annotated[Optional[int], typer.Option("--samples", min=1, help="Draw so many words [10].", show_default=False)] = None,
         seed: Seed = 0,
         one_sided: Annotated[bool, typer.Option("--one-sided", help="Brackets: only a letter and its inverse cancel.")] = False,
         prove: Annotated[Optional[int], typer.Option("--prove", min=0, max=MOST_PROVED_LENGTH, show_default=False,
                                                      help="Follow all choices up to this length, and prove all gates.")] = None,
         arm: Annotated[Optional[int], typer.Option("--arm", min=1, max=12, show_default=False,
                                                    help="Find where an ARM fails, k = 1, whose head has this exponent.")] = None,
         positions: Annotated[int, typer.Option("--positions", min=8, max=1 << 16, help="Tokens that a sample may have; a longer one is "
                                                "refused, not cut.")] = POSITIONS,
         trace: Trace = False, page: PageFile = None,
         engine: Engine = "auto", dtype: Dtype = "float64", json_: Json = False) -> None:  # fmt: skip
    """Generate words of a Dyck language, and check that they are all of it."""
    if [samples is None, prove is None, arm is None].count(False) > 1:
        raise typer.BadParameter("--samples, --prove and --arm are three things to do: choose one", param_hint="--samples")
    if (trace or page) and (prove is not None or arm is not None):
        raise typer.BadParameter(
            "this shows the first sample: leave --prove and --arm out", param_hint="--trace" if trace else "--page"
        )
    if arm is not None:
        _judge_arm(arm, json_)
    elif prove is not None:
        if letters > MOST_PROVED:
            raise typer.BadParameter(f"with more than {MOST_PROVED} letters there are too many neighbours", param_hint="-k")
        _prove(letters, prove, not one_sided, json_)
    else:
        _sample(letters, not one_sided, samples or 10, seed, positions, engine, dtype, Told(trace, page), json_)


def _named(k: int, two_sided: bool) -> str:
    return f"{'two' if two_sided else 'one'}-sided Dyck-{k}"


def _sample(k: int, two_sided: bool, many: int, seed: int, positions: int, engine: EngineName, dtype: str,
            told: Told, json_: bool) -> None:  # fmt: skip
    from lockstep.models.samples import decode_samples
    from lockstep.tasks.dyck import START, dyck, picture_of

    task = dyck(k, (positions - 1).bit_length(), two_sided)
    start = task.tokens(START), task.positions(positions)
    sampling = Sampling(engine=SAMPLING_ENGINE if engine == AUTO else engine, seed=seed)
    started = time.perf_counter()
    found: list[Sample] = []
    with progress_bar(err, f"samples of {_named(k, two_sided)}") as progress:
        drawn = decode_samples(task.model(dtype), start, "ap-mdm", sampling, range(many))
        while part := list(islice(drawn, 8)):
            found += part
            progress(len(found), many)
    answer, measured, expected = _counted(task, found, k, two_sided, positions)
    solved = Solved(f"{many:,} samples of {_named(k, two_sided)}, seed {seed}, in {dtype}", answer, measured, expected,
                    time.perf_counter() - started, REPORTED)  # fmt: skip
    told.finish(solved, json_, task, start[0], positions, picture_of(k), None, dtype, replace(sampling, sample=0))


def _counted(task: Task, found: list[Sample], k: int, two_sided: bool, positions: int) -> tuple[dict[str, Any], ...]:
    """The answer, what was measured, and what is expected of them."""
    from lockstep.models.decode import Decoding
    from lockstep.proofs_check.tasks.dyck import LEAST_CHANCE, chance_of_more, chi_squared, is_dyck, lengths, word_of

    decoded = [each for each in found if isinstance(each, Decoding)]
    words = [word_of(each.tokens.tolist(), task.circuit.vocabulary) for each in decoded]
    counts = Counter(len(word) for word in words if word is not None)
    statistic, degrees = chi_squared(counts, len(found), lengths(k, min(40, positions - 4)))
    chance = chance_of_more(statistic, degrees)
    rounds = [(each.steps - 3) // 4 for each in decoded]
    answer = {
        "outside_the_language": sum(word is None or not is_dyck(word, two_sided) for word in words),
        "words": [_text(word) for word in words[:10] if word is not None],
    }
    measured = {
        "steps_other_than_4_C_+_3": sum(each.steps % 4 != 3 for each in decoded),
        "rounds_C": f"mean {sum(rounds) / max(1, len(rounds)):.3f}, most {max(rounds, default=0)}",
        "decoding_steps": max((each.steps for each in decoded), default=0),
        "context": max((each.peak_context for each in decoded), default=0),
        f"refused,_longer_than_{positions:,}_tokens": len(found) - len(decoded),
        "lengths": {str(length): counts[length] for length in sorted(counts)[:6]},
        "chi_squared_of_lengths": f"{statistic:.1f}, {degrees} degrees of freedom",
        "lengths_by_chance": bool(chance >= LEAST_CHANCE),
        "engine": decoded[0].engine if decoded else "",
    }
    return answer, measured, {"outside_the_language": 0, "steps_other_than_4_C_+_3": 0, "lengths_by_chance": True}


def _text(word: tuple[tuple[int, int], ...]) -> str:
    """Letters as a, b, c, and their inverses as A, B, C."""
    return "".join(chr(ord("aA"[bit]) + letter) for letter, bit in word) or "(empty)"


def _prove(k: int, most: int, two_sided: bool, json_: bool) -> None:
    from lockstep.proofs_check.tasks.dyck import follow_all, language, lengths
    from lockstep.proofs_check.tasks.dyck_windows import check_windows
    from lockstep.tasks.dyck import dyck

    task, started = dyck(k, max(5, (3 * most + 6).bit_length()), two_sided), time.perf_counter()
    with progress_bar(err, "all choices, states") as progress:
        found = follow_all(task, most, progress)
    with progress_bar(err, "all neighbours") as progress:
        windows = check_windows(task, k, two_sided, progress)
    wanted, chain = language(k, most, two_sided), lengths(k, most)
    answer = {
        f"words_up_to_{most}": len(found.words),
        "outside_the_language": len(found.words - wanted),
        "missing": len(wanted - found.words),
        "other_ends": found.others,
    }
    measured = {
        "lengths": {str(length): str(found.lengths.get(length, 0)) for length in sorted(chain)},
        "states": found.states,
        "neighbours": windows,
        "layers": len(task.circuit.layers),
    }
    expected = {f"words_up_to_{most}": len(wanted), "outside_the_language": 0, "missing": 0, "other_ends": 0,
                "lengths": {str(length): str(chain[length]) for length in sorted(chain)}}  # fmt: skip
    note = "Letters never vanish, as the gates show: so sequences with more letters lead to no word that is missing here."
    finish(
        Solved(f"all choices of {_named(k, two_sided)}, up to {most} letters", answer, measured, expected, time.perf_counter() - started,
               REPORTED, (note,)),
        json_,
    )  # fmt: skip


def _judge_arm(exponent: int, json_: bool) -> None:
    from lockstep.proofs_check.tasks.bounded import first_failure

    started = time.perf_counter()
    with progress_bar(err, "lengths of words") as progress:
        found = first_failure(exponent, progress)
    what = "may end, and is wrong" if found.ends else "may not end, and is right"
    answer = {
        "first_length_that_is_wrong": found.length,
        "the_word": f"{found.letters} letters, {found.inverses} inverses: {what}",
    }
    note = "That no fixed ARM does is stated, not checked: `lockstep theorems` has what it rests on."
    finish(
        Solved(f"an ARM of two-sided Dyck-1, one averaging head of exponent {exponent}", answer,
               {"certified_up_to": found.certified, "wrong_behind_the_certificate": found.length > found.certified},
               {"wrong_behind_the_certificate": True}, time.perf_counter() - started, REPORTED, (note,)),
        json_,
    )  # fmt: skip
