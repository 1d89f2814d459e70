"""Dyck-k by editing: all choices, all neighbours, samples, the command; and the ARM that cannot."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from kit.commands import Do

from lockstep.models.decode import Decoding, decode
from lockstep.models.samples import decode_samples
from lockstep.models.sampling import Sampling
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.tasks import dyck as checks
from lockstep.proofs_check.tasks.bounded import first_failure
from lockstep.proofs_check.tasks.choices import Choices, NotUniform
from lockstep.proofs_check.tasks.dyck import chi_squared, follow_all, is_dyck, language, lengths, word_of
from lockstep.proofs_check.tasks.dyck_windows import WindowDiffers, check_windows
from lockstep.tasks.counting_arm import counting_arm
from lockstep.tasks.dyck import START, dyck
from lockstep.tasks.parity import WAYS


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize(("k", "most"), [(1, 6), (2, 4), (3, 2)])
def test_all_choices_lead_to_the_language(k: int, most: int, two_sided: bool) -> None:
    found = follow_all(dyck(k, 5, two_sided), most)
    assert found.words == language(k, most, two_sided) and not found.others
    assert found.lengths == lengths(k, most)


def test_languages_by_hand() -> None:
    a, A, b, B = (0, 0), (0, 1), (1, 0), (1, 1)  # noqa: N806
    for word in ((), (a, A), (a, b, B, A), (a, A, b, B)):
        assert is_dyck(word, True) and is_dyck(word, False)
    for word in ((A, a), (A, b, B, a), (a, B, b, A)):
        assert is_dyck(word, True) and not is_dyck(word, False)
    for word in ((a,), (a, B), (a, b, A, B), (a, a)):
        assert not is_dyck(word, True)
    # two-sided, k = 1: as many letters as inverses; one-sided: the Catalan numbers, with k^n colours
    for most in (2, 4, 6):
        assert len(language(1, most, True)) == sum(math.comb(n, n // 2) for n in range(0, most + 1, 2))
        assert len(language(2, most, False)) == sum(math.comb(2 * n, n) // (n + 1) * 2**n for n in range(most // 2 + 1))


def test_the_chain_of_lengths_by_hand() -> None:
    """No pair in any round: sum of 2^-(c+1) (2/3)^c = 3/4. The probabilities of all lengths add up to 1, slowly: the tail is heavy."""
    assert lengths(1, 0) == {0: Fraction(3, 4)} == lengths(2, 0)
    total = [sum(lengths(2, most).values()) for most in (10, 100)]
    assert total[0] < total[1] < 1 and total[1] > Fraction(98, 100)


@pytest.mark.parametrize(("k", "two_sided"), [(1, True), (1, False), (2, True)])
def test_gates_for_all_neighbours(k: int, two_sided: bool) -> None:
    tokens = dyck(k, 5).circuit.vocabulary.size - 1
    assert check_windows(dyck(k, 9, two_sided), k, two_sided) == tokens + 2 * tokens**2 + tokens**3 + tokens**4


def test_what_differs_is_said() -> None:
    with pytest.raises(WindowDiffers, match=r"^Window\(cell=0, own=\('MASK', 0\).* becomes .* not one of "):
        check_windows(dyck(1, 5, two_sided=False), 1, two_sided=True)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("two_sided", [True, False])
def test_it_is_certified(two_sided: bool, dtype: str) -> None:
    task = dyck(8, 11, two_sided)
    model = task.model(dtype)
    assert certify(model, task.circuit).holds
    assert (len(model.layers), len(model.layers[0].q)) == (1, 3)


@pytest.mark.parametrize("two_sided", [True, False])
def test_samples(two_sided: bool) -> None:
    task = dyck(3, 9, two_sided)
    start = task.tokens(START), task.positions(512)
    found = list(decode_samples(task.model(), start, "ap-mdm", Sampling(engine="indexed", seed=5), range(300)))
    decoded = [each for each in found if isinstance(each, Decoding)]
    words = [word_of(each.tokens.tolist(), task.circuit.vocabulary) for each in decoded]
    assert all(word is not None and is_dyck(word, two_sided) for word in words) and len(words) > 290
    assert all(each.steps % 4 == 3 and each.steps >= 3 for each in decoded)
    statistic, degrees = chi_squared(Counter(len(word or ()) for word in words), 300, lengths(3, 40))
    assert checks.chance_of_more(statistic, degrees) > 1e-6 and degrees >= 3


def test_a_model_whose_probabilities_are_no_fractions_is_refused() -> None:
    """Scores of kinds that are 1, not 1024: tokens that should never come have a probability."""
    task = dyck(1, 5)
    model = task.model()
    head = model.unembedding
    small = replace(model, unembedding=replace(head, kind=head.kind / 1024))
    with pytest.raises(NotUniform, match="a token that is not the best has a probability"):
        list(Choices(small, task.positions(8)).of_rows([tuple(task.tokens(START).tolist())]))


# -- the ARM -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [6, 7, 8, 9, 10])
def test_where_a_bounded_arm_fails(exponent: int) -> None:
    """The share of n letters, half of them counted twice, is n g / (e^x + n), with g = e^x rounded. The gates lose 4 (n - share) - 1 of
    END's 2048, and its probability is 0 from 745.14 on. Up to its certificate it is right.
    """
    found, gain = first_failure(exponent), round(math.exp(exponent))
    lost = (n for n in range(2, 1000, 2) if 2048 * (4 * (n - n * gain / (math.exp(exponent) + n)) - 1) > 745.14)
    assert (found.length, found.letters, found.ends) == ((n := next(lost)), n // 2, False)
    assert 0 < found.certified < found.length
    assert certify((arm := counting_arm(exponent, found.certified)).model(), arm.circuit).holds


# -- the command ---------------------------------------------------------------------------------------


def test_the_command_draws(alone: Do) -> None:
    shown = json.loads(alone("task dyck -k 1 --samples 20 --seed 3 --json").out)
    assert shown["holds"] and shown["outside_the_language"] == 0 and len(shown["words"]) == 10
    assert shown == {**json.loads(alone("task dyck -k 1 --samples 20 --seed 3 --json").out), "seconds": shown["seconds"]}
    other = json.loads(alone("task dyck -k 1 --samples 20 --seed 4 --json --engine dense").out)
    assert other["words"] != shown["words"] and other["engine"] == "dense"
    assert "reported in the paper, not checked here" in alone("task dyck --samples 2").out


def test_the_command_refuses_what_has_no_room(alone: Do) -> None:
    shown = json.loads(alone("task dyck --samples 20 --positions 8 --json").out)
    assert shown["refused,_longer_than_8_tokens"] > 0 and shown["context"] <= 8 and shown["outside_the_language"] == 0


def test_the_command_proves(alone: Do) -> None:
    for sides, words in (("", 9), (" --one-sided", 4)):
        shown = json.loads(alone(f"task dyck -k 1 --prove 4{sides} --json").out)
        assert shown["holds"] and shown["words_up_to_4"] == words and shown["neighbours"] == 7461
        assert shown["lengths"] == {"0": "3/4", "2": "27/184", "4": "729/20884"}


def test_the_command_judges_an_arm(alone: Do) -> None:
    shown = json.loads(alone("task dyck --arm 6 --json").out)
    assert (shown["holds"], shown["first_length_that_is_wrong"], shown["certified_up_to"]) == (True, 12, 6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--samples 3 --prove 4", "three things to do"),
        ("-k 4 --prove 2", "too many neighbours"),
        ("-k 0", "greater than or equal to 1"),
        ("--samples 0", "greater than or equal to 1"),
        ("--positions 7", "greater than or equal to 8"),
    ],
)
def test_what_makes_no_sense_is_refused(alone: Do, options: str, said: str) -> None:
    outcome = alone(f"task dyck {options}")
    assert outcome.status == 2 and said in " ".join(outcome.err.split())


def test_a_wrong_distribution_ends_with_status_3(alone: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "lengths", lambda k, most: {0: Fraction(1)})
    assert alone("task dyck -k 1 --prove 2").status == 3


def test_parity_needs_no_sampler() -> None:
    """Its masks are deleted and take no token, so it is decoded as before."""
    task = WAYS["front"][0](4)
    assert decode(task.model(), task.tokens(["ONE", "ONE"]), task.positions(3), "ap-mdm").steps == 2
