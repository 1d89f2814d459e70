"""Checks of samples and of the Dyck generator."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
from kit.made_models import finding_model, vanishing_model
from kit.random_models import KINDS
from test_samples import probability, softmax_of

from lockstep.compiler.invariants import CircuitError
from lockstep.models.decode import Decoder, Decoding, decode
from lockstep.models.drawing import Logits, Sampler, odds
from lockstep.models.editing import NotCertain, NotFinished, OutOfPositions, SequenceEditor
from lockstep.models.engines import Unsuitable, available
from lockstep.models.on_device import _OnDevice, decode_on_device
from lockstep.models.positions import Positions
from lockstep.models.samples import decode_samples
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Prediction, Tokens
from lockstep.proofs_check.tasks.bounded import first_failure
from lockstep.proofs_check.tasks.choices import NotUniform
from lockstep.proofs_check.tasks.dyck import chance_of_more, follow_all, language, lengths
from lockstep.proofs_check.tasks.dyck_windows import WindowDiffers, check_windows
from lockstep.tasks.counting_arm import counting_arm, numbered
from lockstep.tasks.dyck import GO, START, dyck
from mutation.table import Check

#: What a broken generator may end with.
REFUSALS = (CircuitError, NotUniform, WindowDiffers, OutOfPositions, NotFinished, ValueError)


def odds_of_tokens() -> None:
    for seed in range(3):
        logits, wanted = softmax_of(seed)
        kinds, ones = odds(logits, KINDS)
        for row in range(len(wanted)):
            found = [probability(kinds[row], ones[row], token) for token in range(KINDS.size)]
            assert np.allclose(found, wanted[row], rtol=1e-12, atol=0), f"{found}, not {wanted[row].tolist()}"


def draws_of_tokens() -> None:
    logits, wanted = softmax_of(0)
    sampler, many = Sampler(KINDS, 0, 0), 2000
    drawn = np.array([sampler.draw(logits) for _ in range(many)])
    for row in range(len(wanted)):
        counts = Counter(drawn[:, row].tolist())
        cells = [(counts[token], many * chance) for token, chance in enumerate(wanted[row]) if many * chance >= 5]
        statistic = sum((found - expected) ** 2 / expected for found, expected in cells)
        assert chance_of_more(statistic, len(cells) - 1) > 1e-6, f"row {row}: {counts}"


def samples_by_every_engine() -> None:
    """The same words by every engine, and again; others with another seed or number. One that has no odds leaves the rest to the next."""
    task = dyck(1, 7)
    model, start, room = task.model(), task.tokens(START), task.positions(128)

    def words(engine: str, seed: int) -> list[list[int]]:
        return [_word(Decoder(model, start, room, "ap-mdm", Sampling(engine=engine, seed=seed, sample=n))) for n in range(8)]

    first = words("dense", 1)
    assert len({str(word) for word in first}) > 2, "samples are alike"
    for engine in available():
        assert words(engine, 1) == first, engine
    assert words("dense", 2) != first, "seeds are alike"
    handing_over = Decoder(model, start, room, "ap-mdm", Sampling(engine="active", seed=1, sample=2))
    next(iter(handing_over))
    handing_over.session.logits = _refuse  # type: ignore[method-assign]
    assert _word(handing_over, 1) == first[2], "the next engine goes on differently"
    _what_is_drawn()


def _refuse(number: int, rows: Tokens) -> Logits:
    raise Unsuitable("it has had enough")


def _what_is_drawn() -> None:
    """Of masks, those that take a token: not one that stays a mask, and not one that goes. Rows that are no masks draw nothing."""
    asked: list[int] = []

    def logits(rows: Tokens) -> Logits:
        asked.extend(rows.tolist())
        return Logits(np.zeros((len(rows), 4)), np.zeros((len(rows), 3)), np.zeros((len(rows), 3)))

    mask, control = KINDS.mask, np.array([[letter in bits for letter in "rid"] for bits in ("", "ri", "d", "", "i", "r")])
    editor = SequenceEditor(np.array([0, mask, mask, mask, mask, 3]), KINDS, 9, "ap-mdm", Sampling(sample=0))
    step = editor.step(np.arange(6), Prediction(np.full(6, 5), np.zeros(6), control), logits, logits)
    assert asked == [3, 4], f"rows {asked} draw a token"
    assert step is not None and (step.tokens[[0, 1, 2, 5, 6]] == [0, mask, mask, mask, mask]).all(), step


def _word(decoder: Decoder, before: int = 0) -> list[int]:
    """What a decode leaves that should end soon. before: steps that it has made."""
    steps = before + sum(1 for _ in islice(decoder, 200))
    assert steps < 200, "it does not end"
    assert steps % 4 == 3, "a word of C rounds takes 4 C + 3 steps"
    return decoder.sequence.tokens.tolist()


def samples_of_an_arm() -> None:
    arm, start = counting_arm(10, 20), np.zeros(1, np.int64)
    model, places = arm.model(), numbered(arm, 11)
    for engine in ("dense", "indexed"):
        found = [decode(model, start, places, "arm", Sampling(engine=engine, sample=n)).tokens for n in range(12)]
        assert all(len(tokens) == 11 for tokens in found)
        assert all((tokens[1:] > model.vocabulary.mask).all() for tokens in found), "BOS or MASK is drawn"
        ups = [(tokens == model.vocabulary.token("L0", 0)).cumsum() for tokens in found]
        downs = [(tokens == model.vocabulary.token("L0", 1)).cumsum() for tokens in found]
        end = model.vocabulary.token("END")
        for tokens, up, down in zip(found, ups, downs):
            first = np.flatnonzero(tokens == end)[:1]
            assert (up[first] == down[first]).all(), "it ends where letters and inverses are not as many"


def samples_that_outgrow() -> None:
    """They are refused. Those that fit are the same as alone, with more room."""
    task = dyck(1, 7)
    model, start = task.model(), task.tokens(START)
    for engine in ("indexed", "active"):
        found = list(decode_samples(model, (start, task.positions(8)), "ap-mdm", Sampling(engine=engine, seed=1), range(12)))
        for n, each in enumerate(found):
            alone = decode(model, start, task.positions(128), "ap-mdm", Sampling(seed=1, sample=n))
            if alone.peak_context > 8:
                assert isinstance(each, OutOfPositions), "a sample that outgrows its positions is not refused"
            else:
                assert isinstance(each, Decoding) and each.tokens.tolist() == alone.tokens.tolist(), f"sample {n}"
        assert any(isinstance(each, OutOfPositions) for each in found) and any(isinstance(each, Decoding) for each in found)


def doubtful_tokens() -> None:
    """By every engine and on a device, with the row and the step; masks that stay masks or go need no certain token."""
    task = dyck(1, 5)
    model, start, room = task.model(), task.tokens((GO, GO)), task.positions(16)
    said = "decoding step 2: the mask at position 3 takes a token"
    for engine in available():
        try:
            steps = sum(1 for _ in islice(Decoder(model, start, room, "ap-mdm", Sampling(engine=engine)), 4))
            assert steps, "no step is made"
            raise AssertionError(f"{engine} takes a token that is not certain")
        except NotCertain as refused:
            assert str(refused).startswith(said), f"{engine}: {refused}"
    together = _OnDevice(model, [(start, room)], "ap-mdm")
    for _ in range(4):
        together._step()
    (found,) = together.results([len(start)])
    assert isinstance(found, NotCertain) and str(found).startswith(said), f"on a device: {found}"
    for made in (vanishing_model, finding_model):
        made_model, tokens, positions = made()
        for engine in available():
            _ = decode(made_model, tokens, positions, "ap-mdm", Sampling(engine=engine))
        (found,) = decode_on_device(made_model, [(tokens, Positions.of(positions))], "ap-mdm")
        assert isinstance(found, Decoding), found
    _two_kinds()


def _two_kinds() -> None:
    """A token with more than half of all probability, and less than 0.9, is not certain either."""
    made_model, tokens, positions = finding_model()
    made_model.unembedding.kind[2, 3], made_model.unembedding.zero[0, 3] = 2, 1
    try:
        decode(made_model, tokens, positions, "ap-mdm")
        raise AssertionError("a token of probability 0.7 is taken")
    except NotCertain:
        pass


def dyck_choices() -> None:
    for k, most, two_sided in ((2, 4, True), (1, 4, True), (1, 4, False)):
        found = follow_all(dyck(k, 5, two_sided), most)
        wanted = language(k, most, two_sided)
        outside, missing = len(found.words - wanted), len(wanted - found.words)
        assert found.words == wanted, f"k {k}: {outside} words outside, {missing} missing"
        assert not found.others, f"{found.others} fixed points that are no words"
        assert found.lengths == lengths(k, most), f"k {k}: lengths {found.lengths}"


def dyck_neighbours() -> None:
    for two_sided in (True, False):
        check_windows(dyck(1, 6, two_sided), 1, two_sided)


def bounded_arm() -> None:
    """Exponents 6 and 8 are wrong at 12 and 34 letters for the first time, as the share of the head says, and certified before."""
    for exponent, length in ((6, 12), (8, 34)):
        found = first_failure(exponent)
        assert (found.length, found.letters, found.ends) == (length, length // 2, False), found
        assert 0 < found.certified < length


CHECKS = (
    Check("odds of tokens", "odds of kinds and bits, against the softmax over the full matrix of the output head", odds_of_tokens),
    Check("draws of tokens", "2,000 draws of five rows, against the softmax", draws_of_tokens, (IndexError,)),
    Check("samples by every engine", "eight words of Dyck-1 by each engine, again, and by another seed", samples_by_every_engine,
          (*REFUSALS, Unsuitable, IndexError)),
    Check("samples of an ARM", "twelve sequences of the counting ARM by two engines", samples_of_an_arm, (*REFUSALS, IndexError)),
    Check("samples that outgrow", "twelve words of Dyck-1 in 8 positions, beside those with room", samples_that_outgrow, REFUSALS),
    Check("doubtful tokens", "masks that would take a token that is not certain, in every engine and on a device", doubtful_tokens,
          REFUSALS),
    Check("dyck choices", "all choices of Dyck-1 and Dyck-2 up to 4 letters: words, fixed points, and the fractions of lengths",
          dyck_choices, REFUSALS),
    Check("dyck neighbours", "every gate of Dyck-1 for all neighbours, and every head at all positions", dyck_neighbours, REFUSALS),
    Check("bounded ARM", "the first words that ARMs of two exponents judge wrongly", bounded_arm, (CircuitError,)),
)  # fmt: skip
