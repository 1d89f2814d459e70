"""Learned parity: what is trained, how the proof decides, its rails, its file, and the commands."""

from __future__ import annotations

import json
from decimal import Decimal, getcontext
from fractions import Fraction
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from faults.learned import FAILS, NEAR, PASSES, REMASK, WRONG, learned, made, pushed
from kit.commands import FINE, MISUSED, REFUTED, Do
from kit.commands import WRONG as WRONG_INPUT
from safetensors.numpy import save

from lockstep.models.decode import Decoder, decode
from lockstep.models.engines import available
from lockstep.models.files import digest_of
from lockstep.models.sampling import Sampling
from lockstep.proofs_check.tasks.parity import prove_parity
from lockstep.proofs_check.tasks.rounding import Ball
from lockstep.tasks.learned import COUNT, FORMAT, SHAPES, Learned, load_learned, save_learned
from lockstep.tasks.parity import KINDS, ONE, steps_front
from lockstep.tasks.training import samples


def decided(model: Learned, word: tuple[int, ...], engine: str = "dense") -> tuple[list[str], int, str]:
    """What is left behind BOS, the decoding steps and the engine."""
    tokens = model.tokens(KINDS[bit] for bit in word)
    found = decode(model.model(), tokens, model.positions(len(tokens)), "ap-mdm", Sampling("parallel", engine=engine))
    return model.kinds(found.tokens), found.steps, found.engine


def right(word: tuple[int, ...]) -> tuple[list[str], int]:
    return [ONE] * (sum(word) % 2), steps_front(word)


def test_it_is_trained_on_words_of_two_letters_alone() -> None:
    seen = [" ".join(kinds[1:]) for kinds, _ in samples()]
    assert sorted(seen) == sorted(
        ["ZERO ZERO", "ZERO ONE", "ONE ZERO", "ONE ONE", "MASK MASK", "MASK ONE", "ONE MASK", "ONE", ""]
    )
    assert COUNT == 179


def test_a_seed_that_passes_is_right_on_longer_words() -> None:
    """On every word of up to eight letters, and on some long ones."""
    model, rng = learned(PASSES), np.random.default_rng(1)
    assert prove_parity(model.model(), model.places(4)).holds
    words = [word for length in range(9) for word in product((0, 1), repeat=length)]
    words += [tuple(rng.integers(0, 2, length).tolist()) for length in (40, 100)]
    for word in words:
        assert decided(model, word)[:2] == right(word), word


def test_what_the_proof_finds() -> None:
    """The eleven windows that occur, each with its edits."""
    proof = prove_parity(made().weights, made().places)
    found = {" ".join(window): edits for window, edits in proof.windows.items()}
    assert found == {
        "": "-", "ZERO": "- r", "ONE": "- -", "MASK": "- d", "ZERO ZERO": "- r r", "ZERO ONE": "- r -", "ONE ZERO": "- - r",
        "ONE ONE": "- r r", "MASK MASK": "- d d", "MASK ONE": "- d -", "ONE MASK": "- - d",
    }  # fmt: skip
    assert proof.holds and not proof.reason and len(proof.lines) == 5


def test_a_seed_that_fails_is_wrong_where_the_proof_says() -> None:
    model = learned(FAILS)
    proof = prove_parity(model.model(), model.places(4))
    assert not proof.holds and proof.reason == "windows: 1 wrong: BOS ZERO stays as it is, needed each right"
    assert decided(model, (0,))[0] == ["ZERO"]
    assert all(decided(model, word)[0] == right(word)[0] for word in product((0, 1), repeat=2))  # what it was trained on


def test_without_rails_longer_words_are_wrong() -> None:
    """The same weights are right on all words of two letters, and wrong on some of three and on many longer ones."""
    open_ = Learned(learned(PASSES).parameters, rail=0.0)
    assert not prove_parity(open_.model(), open_.places(4)).holds
    wrong = {length: sum(_is_wrong(open_, word) for word in product((0, 1), repeat=length)) for length in (2, 3, 5)}
    assert wrong[2] == 0 < wrong[3] and wrong[5] >= 8, wrong


def _is_wrong(model: Learned, word: tuple[int, ...]) -> bool:
    """Whether another answer is left, or none after twice as many steps as the longest word takes."""
    tokens = model.tokens(KINDS[bit] for bit in word)
    decoder = Decoder(model.model(), tokens, model.positions(len(tokens) + 40), "ap-mdm")
    for step in decoder:
        if step.number > 4 * len(word) or len(step.tokens) > len(word) + 20:
            return True
    return model.kinds(decoder.sequence.tokens) != right(word)[0]


@pytest.mark.parametrize("name", WRONG)
def test_wrong_models_are_refused(name: str) -> None:
    """Each by its part of the proof, which is the first to fail; what follows from it may fail besides."""
    part, build = WRONG[name]
    model = build()
    failed = [line.what for line in prove_parity(model.weights, model.places).lines if not line.holds]
    assert failed[0] == part and {*failed[1:]} <= {"rails: far rows do not act", "steps"}


def test_what_makes_wrong_models_does_nothing_else() -> None:
    model = pushed(made(), "ONE", NEAR, REMASK, 0.0, sees="MASK")
    assert prove_parity(model.weights, model.places).holds


def test_positions_behind_the_window_share_an_encoding() -> None:
    """The proof is told of four positions, and what holds of the fourth holds of all later ones."""
    model = learned(PASSES)
    places = model.places(50)
    assert (places[:4] == model.places(4)).all() and (places[3:] == places[3]).all()
    assert (model.positions(50).rows(slice(None), np.dtype("float64")) == places).all()


@pytest.mark.parametrize("engine", ["active", "indexed", "native"])
def test_engines_of_integers_leave_it_to_dense(engine: str) -> None:
    if engine not in available():
        pytest.skip("the native engine is not compiled")
    left, steps, used = decided(learned(PASSES), (1, 1, 0, 1, 0), engine)
    assert (left, steps) == right((1, 1, 0, 1, 0))
    assert used == f"dense (not {engine}: layers.0.q has weights that are not integers)"


def test_other_models_are_none_of_the_proofs() -> None:
    with pytest.raises(ValueError, match="not float32"):
        learned(PASSES).model("float32")
    with pytest.raises(ValueError, match="one layer of one head in float64"):
        model = made().weights
        prove_parity(type(model)(model.vocabulary, model.embedding, (), model.unembedding), made().places)


# -- rounding -----------------------------------------------------------------------------------------


def test_balls_hold_exact_and_computed_values() -> None:
    """Exact values by fractions; computed ones in every order of summation."""
    rng = np.random.default_rng(7)
    for _ in range(20):
        x, matrix = rng.normal(size=(1, 5)), rng.normal(size=(1, 5))
        bias = np.array([-(x @ matrix.T)[0, 0]])  # most of the sum cancels
        ball = Ball.exact(x).under(matrix, bias)
        product_ = Ball.exact(x).times(Ball.exact(matrix.T))
        terms = [float(a * b) for a, b in zip(x[0], matrix[0])]
        exact = sum((Fraction(a) * Fraction(b) for a, b in zip(x[0], matrix[0])), Fraction(0))
        assert _holds(ball, exact + Fraction(bias[0])) and _holds(product_, exact)
        assert ball.radius[0, 0] < 1e-13
        for order in permutations(range(5)):
            assert _holds(ball, Fraction(_summed([terms[i] for i in order] + [bias[0]])))
            assert _holds(ball, Fraction(_summed([bias[0]] + [terms[i] for i in order])))


def test_the_softmax_of_a_ball_holds_those_of_its_scores() -> None:
    """Centres against fifty digits; and any scores within the radius."""
    getcontext().prec = 50
    rng = np.random.default_rng(8)
    for spread in (0.0, 1e-13, 0.01):
        centre = rng.normal(size=(1, 3)) * 3
        ball = Ball(centre, np.full((1, 3), spread)).softmax()
        for signs in product((-1, 0, 1), repeat=3):
            scores = [Decimal(float(s)) + Decimal(sign) * Decimal(spread) for s, sign in zip(centre[0], signs)]
            whole = sum((s.exp() for s in scores), Decimal(0))
            for number, s in enumerate(scores):
                off = abs(s.exp() / whole - Decimal(float(ball.centre[0, number])))
                assert off <= Decimal(float(ball.radius[0, number]))
        assert ball.radius.max() < 3 * spread + 1e-13


def _holds(ball: Ball, value: Fraction) -> bool:
    return abs(value - Fraction(float(ball.centre.ravel()[0]))) <= Fraction(float(ball.radius.ravel()[0]))


def _summed(terms: list[float]) -> float:
    total = terms[0]
    for term in terms[1:]:
        total += term
    return total


# -- the file -----------------------------------------------------------------------------------------


def test_a_file_holds_the_parameters(tmp_path: Path) -> None:
    save_learned(tmp_path / "p.safetensors", learned(PASSES), {"seed": "0"})
    read, about = load_learned(tmp_path / "p.safetensors")
    assert all((read.parameters[name] == learned(PASSES).parameters[name]).all() for name in SHAPES)
    assert about["seed"] == "0" and (tmp_path / "p.safetensors").stat().st_size < 4000


def write_parameters(path: Path, **changed: np.ndarray) -> None:  # type: ignore[type-arg]
    """A file with other tensors, and the digest that belongs to them."""
    tensors = {**learned(PASSES).parameters, **changed}
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items() if tensor.size}
    text = {"format": FORMAT, "dtype": "float64"}
    path.write_bytes(save(tensors, {**text, "digest": digest_of(tensors, text)}))


def test_wrong_files_are_refused_in_one_line(alone: Do) -> None:
    save_learned(Path("fine.safetensors"), learned(PASSES), {})
    data = Path("fine.safetensors").read_bytes()
    Path("short.safetensors").write_bytes(data[:-100])
    Path("flipped.safetensors").write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
    Path("text.safetensors").write_text("parity")
    write_parameters(Path("shape.safetensors"), b_in=np.zeros(7))
    write_parameters(Path("lacks.safetensors"), k=np.zeros(0))
    write_parameters(Path("more.safetensors"), rail=np.zeros(1))
    write_parameters(Path("nan.safetensors"), k=np.full((4, 4), np.nan))
    write_parameters(Path("narrow.safetensors"), k=np.zeros((4, 4), np.float32))
    for name, says in (
        ("short", "not a safetensors file, or cut short"),
        ("flipped", "damaged: its contents do not match its digest"),
        ("text", "not a safetensors file, or cut short"),
        ("shape", "b_in is [7], and in a learned model of parity it is [8]"),
        ("lacks", "k is absent, and in a learned model of parity it is [4, 4]"),
        ("more", "rail is [1], and in a learned model of parity it is absent"),
        ("nan", "k has an entry that is not a finite number"),
        ("narrow", "k is float32 in a model of float64"),
        ("nothing", "no such file"),
    ):
        outcome = alone(f"task parity 11 --model {name}.safetensors")
        assert (outcome.status, outcome.out) == (WRONG_INPUT, "")
        assert outcome.err.startswith(f"{name}.safetensors: error: {says}") and outcome.err.count("\n") == 1


# -- the commands -------------------------------------------------------------------------------------


def test_the_commands(alone: Do) -> None:
    """One seed fails the proof, the next one passes and is written, and decodes."""
    outcome = alone(f"train parity --out p.safetensors --seed {FAILS} --json")
    found = json.loads(outcome.out)
    assert outcome.status == FINE and found["holds"] and found["parameters"] == 179
    assert [row["reason"] == "" for row in found["tried"]] == [False, True] and found["failed_the_proof"] == 1
    assert found["tried"][0]["reason"].startswith("windows: 1 wrong: BOS ZERO stays")
    assert load_learned(Path("p.safetensors"))[1]["seed"] == str(FAILS + 1)
    shown = json.loads(alone("task parity 0110101 --model p.safetensors --json").out)
    assert (shown["odd"], shown["decoding_steps"], shown["holds"]) == (False, steps_front((0, 1, 1, 0, 1, 0, 1)), True)
    shown = alone("task parity 1 --model p.safetensors --engine indexed")
    assert "dense (not indexed: layers.0.q has weights that are not integers)" in shown.out
    assert "a claim about windows of three tokens" in shown.out
    for flags in ("--way front", "--dtype float32"):
        assert alone(f"task parity 1 --model p.safetensors {flags}").status == MISUSED


def test_no_model_is_written_that_fails_the_proof(alone: Do) -> None:
    outcome = alone(f"train parity --out p.safetensors --seed {FAILS} --tries 1")
    assert outcome.status == REFUTED and not Path("p.safetensors").exists()
    assert outcome.err == "none of the seeds passes the proof, and nothing was written\n"
    assert "FAILED: windows: 1 wrong: BOS ZERO stays as it is" in outcome.out
    assert alone("train parity --out nowhere/p.safetensors").status == MISUSED


def test_nothing_is_decoded_that_fails_the_proof(alone: Do) -> None:
    save_learned(Path("p.safetensors"), learned(FAILS), {})
    outcome = alone("task parity 11 --model p.safetensors")
    assert (outcome.status, outcome.out) == (REFUTED, "")
    assert outcome.err.startswith(
        "p.safetensors: error: the proof fails, so nothing is decoded: windows: 1 wrong: BOS ZERO stays"
    )


def test_words_too_long_for_the_dense_engine_are_refused(alone: Do) -> None:
    save_learned(Path("p.safetensors"), learned(PASSES), {})
    outcome = alone(f"task parity {'1' * 6001} --model p.safetensors")
    assert outcome.status == WRONG_INPUT and outcome.err.count("\n") == 1
    assert "6002 tokens are too many for the dense engine" in outcome.err
