"""Decoding many sequences with one model: each gives the same result as alone."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kit.commands import FINE, MISUSED, WRONG, Do
from kit.decoding import FASTEST, TOGETHER, starts_of, sums
from kit.jobs import DIRECTORY
from kit.machine_programs import machine_jobs, runs
from kit.made_models import lookup_model

from lockstep.compiler.compile import CONSTRUCTIONS, Compiled
from lockstep.compiler.names import lacking
from lockstep.models import batch
from lockstep.models.batch import SequenceFailed, Start, decode_batch
from lockstep.models.decode import decode
from lockstep.models.engines import ENGINES, Unsuitable
from lockstep.models.engines.dense import DenseSession
from lockstep.models.engines.indexed import IndexedSession
from lockstep.models.positions import Positions
from lockstep.models.sampling import Sampling
from lockstep.pram.job import Job
from lockstep.proofs_check.batch import widest

TREE_SUM = DIRECTORY / "tree_sum.pram"


def same_as_alone(compiled: Compiled, starts: list[Start], engine: str, order: str = "parallel", seed: int = 0) -> None:
    """Against each sequence decoded alone. For the reference, which takes the longest, the fastest engine decodes it: `test_engines.py`
    holds them to the same tokens after the same steps."""
    found = decode_batch(compiled.model, starts, compiled.process, Sampling(order, seed, engine))
    other = FASTEST.engine if engine == "dense" else engine
    for decoding, start in zip(found, starts, strict=True):
        alone = decode(compiled.model, *start, compiled.process, Sampling(order, seed, other))
        assert np.array_equal(decoding.tokens, alone.tokens)
        used = "dense" if engine == "dense" else alone.engine
        assert (decoding.steps, decoding.context, decoding.engine) == (alone.steps, alone.context, used)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_sums_of_many_sizes(construction: str, engine: str) -> None:
    same_as_alone(*starts_of(sums(3, 1, 2, 3, 1, 4, 2, 3, 3), construction), engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("order", ["left-to-right", "random", "random-subsets"])
def test_every_order(order: str, engine: str) -> None:
    same_as_alone(*starts_of(sums(2, 1, 2, 2, 1), "mdm"), engine, order, seed=5)


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
@settings(derandomize=True, deadline=None, database=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(job=machine_jobs(word_bits=(4,)), seed=st.integers(0, 99))
def test_random_programs_with_other_memories(construction: str, job: Job, seed: int) -> None:
    """One code and many memories: no sequence reads the writes of another."""
    assume(not lacking(construction, job.rules))
    chance = np.random.default_rng(seed)
    rest = np.zeros(len(job.memory) - job.inputs, np.int64)  # models start cells without an input at 0
    memories = (np.concatenate([chance.integers(0, 16, job.inputs), rest]) for _ in range(5))
    jobs = [job, *(replace(job, memory=memory) for memory in memories)]
    found = [runs(each) for each in jobs]
    jobs = [each for each, its in zip(jobs, found) if its is not None and job.processors * its.time <= 60]
    assume(len(jobs) > 1)
    compiled, starts = starts_of(jobs, construction)
    for engine in TOGETHER:
        same_as_alone(compiled, starts, engine)


@pytest.mark.parametrize("engine", TOGETHER)
def test_it_is_one_pass(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All sequences that fit into one pass are predicted in one pass."""
    compiled, starts = starts_of(sums(2, 2, 2, 2, 2, 2))
    seen: list[int] = []
    made = ENGINES[engine]

    def counted(*arguments: object) -> object:
        session = made(*arguments)  # type: ignore[arg-type]
        predict = session.predict
        monkeypatch.setattr(session, "predict", lambda live: (seen.append(len(live)), predict(live))[1], raising=False)
        return session

    monkeypatch.setitem(ENGINES, engine, counted)  # type: ignore[arg-type]
    monkeypatch.setattr(batch, "decode", None)
    found = decode_batch(compiled.model, starts, sampling=Sampling(engine=engine))
    assert seen == [6] * found[0].steps
    monkeypatch.setattr(batch, "MOST_PAIRS", 3 * len(starts[0][1]) ** 2)
    monkeypatch.setattr(batch, "MOST_ROWS", 3 * len(starts[0][1]))
    seen.clear()
    decode_batch(compiled.model, starts, sampling=Sampling(engine=engine))
    assert seen == [3] * 2 * found[0].steps


def test_the_dense_batch_predicts_bit_for_bit_what_the_reference_does() -> None:
    """Padding rows have attention weight 0."""
    compiled, starts = starts_of(sums(1, 3, 2))
    tokens, positions = [tokens for tokens, _ in starts], [each for _, each in starts]
    for (_, found), t, p in zip(DenseSession(compiled.model, tokens, positions).predict([0, 1, 2]), tokens, positions):
        ((_, alone),) = DenseSession(compiled.model, [t], [p]).predict([0])
        assert np.array_equal(found.token, alone.token) and np.array_equal(found.probability, alone.probability)


def test_rows_of_other_sequences_are_not_found() -> None:
    """Without sequence numbers above the bits of queries and keys, only one sequence has a first row that is a sink."""
    compiled, starts = starts_of(sums(2, 2))
    tokens, positions = [tokens for tokens, _ in starts], [each for _, each in starts]
    session = IndexedSession(compiled.model, tokens, positions)
    for layer in session.layers:
        layer.batch = layer.batch._replace(number=np.zeros_like(layer.batch.number))
    with pytest.raises(Unsuitable):
        session.predict([0, 1])


def test_stacked_positions() -> None:
    """Concatenating keeps all rows, even if the parts store a column in different ways."""
    parts = [Positions.of(np.array(rows, float)) for rows in ([[1, 0, 2], [0, 0, 3]], [[0, 300, 1]], [[5, 0, 0], [7, 9, 1]])]
    together = Positions.concatenated(parts)
    assert np.array_equal(together.dense(), np.concatenate([part.dense() for part in parts]))


def test_what_one_engine_cannot_take_is_decoded_alone_and_says_why() -> None:
    """One of the hand-made sequences breaks a condition of the indexed engine."""
    model, tokens, positions = lookup_model(7)
    wrong = positions.copy()
    wrong[6, 11] = 0.5
    starts = [(tokens, Positions.of(each)) for each in (positions, wrong, positions)]
    engines = [decoding.engine for decoding in decode_batch(model, starts, sampling=Sampling(engine="indexed"))]
    assert engines == ["indexed", "dense (not indexed: the position encoding has values that are not integers)", "indexed"]


def test_a_sequence_that_fails_says_which() -> None:
    compiled, starts = starts_of(sums(2, 2))
    _, (short,) = starts_of(sums(2), spare=-3)
    for engine in ENGINES:
        with pytest.raises(SequenceFailed, match="sequence 1: decoding step .* are still masked") as caught:
            decode_batch(compiled.model, [starts[0], short, starts[1]], sampling=Sampling(engine=engine))
        assert caught.value.number == 1
    with pytest.raises(ValueError, match="unknown engine"):
        decode_batch(compiled.model, starts, sampling=Sampling(engine="fast"))


def test_widest() -> None:
    bits = CONSTRUCTIONS["mdm"].bits
    assert [f.name for f in fields(bits)] == ["word", "time", "pid"]
    assert widest([bits(4, 3, 2), bits(4, 1, 5)]) == bits(4, 3, 5)


# -- the command -----------------------------------------------------------------------------------

LINES = ['{"params": {"n": 2}, "arrays": {"A": [3, 1]}}', "", '{"params": {"n": 4}, "arrays": {"A": [3, 1, 4, 1]}}']


def test_the_command(do: Do) -> None:
    Path("many.jsonl").write_text("\n".join(LINES) + "\n")
    for options in ("", " --process ap-mdm --engine indexed", " --engine active --order random"):
        outcome = do(f"decode tiny.pram --input many.jsonl --json{options}")
        assert outcome.status == FINE
        records = [json.loads(line) for line in outcome.out.splitlines()]
        assert [(r["line"], r["outputs"]) for r in records] == [(1, {"A": [4, 2]}), (3, {"A": [4, 2, 5, 2]})]
        for line, record in zip((LINES[0], LINES[2]), records):
            Path("one.json").write_text(line)
            alone = json.loads(do(f"decode tiny.pram --input one.json --json{options}").out)
            assert alone == {key: value for key, value in record.items() if key != "line"}
    assert "[4, 2, 5, 2]" in do("decode tiny.pram --input many.jsonl").out
    do("compile tiny.pram --out m.safetensors")
    assert "[4, 2, 5, 2]" in do("decode m.safetensors --input many.jsonl").out


def test_words_of_several_sizes_have_a_model_each(do: Do) -> None:
    Path("wide.pram").write_text("program wide\nparam n\nword n\nshared s : output\nsingle do s := n end\n")
    Path("many.jsonl").write_text("\n".join(f'{{"params": {{"n": {n}}}}}' for n in (4, 8, 4, 6)))
    records = [json.loads(line) for line in do("decode wide.pram --input many.jsonl --json").out.splitlines()]
    assert [r["outputs"]["s"] for r in records] == [4, 8, 4, 6]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('{"params": {"n": 2}, "arrays": {"A": [3, -1]}}', "3:42: error: A[1] = -1 is not a word"),
        ('{"params": {"n": 2}, "arrays": {"A": [3, 1]}', "3:45: error: not JSON"),
        ('{"params": {"m": 2}}', "3:13: error: "),
        ('{"params": {"n": 2}, "arrays": {"A": [3, 65535]}}', "3:1: error: with the input on this line"),
    ],
)
def test_a_wrong_line_has_its_place(line: str, place: str, do: Do) -> None:
    """No other line is decoded, and nothing is printed."""
    Path("many.jsonl").write_text("\n".join([LINES[0], "", line, LINES[2]]))
    outcome = do("decode tiny.pram --input many.jsonl --word-bits 16")
    assert outcome.status == WRONG and not outcome.out
    assert f"many.jsonl:{place}" in outcome.err, outcome.err


def test_a_file_without_inputs_and_what_excludes_itself(do: Do) -> None:
    Path("many.jsonl").write_text("\n \n")
    outcome = do("decode tiny.pram --input many.jsonl")
    assert outcome.status == WRONG and "many.jsonl: error: the file has no inputs" in outcome.err
    assert do("decode tiny.pram --input many.jsonl --size 3").status == MISUSED
    Path("many.jsonl").write_text("\n".join([LINES[0], LINES[2]]))
    outcome = do("decode tiny.pram --input many.jsonl --time 5")
    assert (
        outcome.status == WRONG
        and "no room for more steps" in outcome.err
        and "many.jsonl:1:1: error: with the input" in outcome.err
    )
