"""Decodes by samplers: beside plain Python, in every engine, beside the machine; what contradicts a sampler; the commands."""

from __future__ import annotations

import json

import numpy as np
import pytest
from kit.commands import FINE, MISUSED, REFUTED, Do
from kit.decoding import residual_stream, states
from kit.sampled import small, steps_of
from oracles import plain_sampler as plain

import lockstep
from lockstep.models.batch import decode_batch
from lockstep.models.decode import Decoder, decode
from lockstep.models.editing import SequenceEditor
from lockstep.models.engines import ENGINES, available
from lockstep.models.samplers.noise import Noise
from lockstep.models.sampling import Sampling
from lockstep.proofs_check.agreement import check_agreement

FIRST = small()[2].first_block
PLAIN = {
    "threshold:0.9": plain.threshold(0.9),
    "top:3": plain.top(3),
    "top:3,margin": plain.top(3, "margin"),
    "top:2,entropy": plain.top(2, "entropy"),
    "one": plain.top(1),
    "factor:1": plain.factor(1),
    "factor:5.5": plain.factor(5.5),
    "entropy:0": plain.entropy(0, last_counts=False),
    "entropy:1e-5": plain.entropy(1e-5, last_counts=False),
    "entropy:0.1": plain.entropy(0.1, last_counts=False),
    "entropy-sum:0.1": plain.entropy(0.1, last_counts=True),
    "blocks:8": plain.blocks(8, plain.threshold(0.9), FIRST),
    "blocks:8+top:3": plain.blocks(8, plain.top(3), FIRST),
    "blocks:3+top:2,margin": plain.blocks(3, plain.top(2, "margin"), FIRST),
}


@pytest.mark.parametrize("text", PLAIN)
def test_a_decode_is_that_of_plain_python(text: str) -> None:
    """From the softmax over all tokens, in as many steps as the decode takes, up to twenty."""
    _, compiled, layout, _ = small()
    vocabulary, positions = compiled.model.vocabulary, layout.positions().dense()
    head = compiled.model.unembedding.full_matrix(vocabulary)

    def logits_of(tokens: list[int]) -> list[list[float]]:
        return (residual_stream(compiled.model, np.array(tokens), positions) @ head.T).tolist()

    wanted = list(plain.decode(layout.tokens().tolist(), vocabulary.mask, logits_of, PLAIN[text], 20))
    found = steps_of(text)
    assert found[: len(wanted)] == wanted and len(wanted) == min(20, len(found) - (found[-1] == ""))


SOME = ("parallel", "random:1", "entropy:0.1", "blocks:3+random:2", "blocks:8+factor:1", "parallel+cap:0.1",
        "blocks:3+cap:0.2,newest", "blocks:9+wino", "joint", "joint:0.5:0.1", "top:2+anchor")  # fmt: skip


@pytest.mark.parametrize("text", SOME)
def test_every_engine_makes_the_same_steps(text: str) -> None:
    """Also where a rule is wrong: it writes a second BOS, and the indexed engine leaves the rest to the dense one."""
    size = 2 if text.startswith("top") else 1
    wanted = steps_of(text, size=size, seed=3)
    for engine in available():
        assert steps_of(text, engine, size, seed=3) == wanted, engine
    if "random" in text:
        assert steps_of(text, size=size, seed=4) != wanted


def test_logits_of_all_rows_are_those_of_the_reference() -> None:
    """Also of rows that hold a token: samplers that edit them ask for those."""
    _, compiled, layout, _ = small()
    start, rows = layout.tokens(), np.arange(layout.length)
    names = ("dense", "active", "indexed")
    sessions = [ENGINES[name](compiled.model, [start.copy()], [layout.positions()], "cpu") for name in names]
    for step in Decoder(compiled.model, start, layout.positions(), "mdm", Sampling(sampler="parallel")):
        for session in sessions:
            session.predict([0])
        wanted, *others = (session.logits(0, rows) for session in sessions)
        for found in others:
            for part in ("kinds", "ones", "zeros"):
                assert np.array_equal(getattr(found, part), getattr(wanted, part))
        for session in sessions:
            session.update(0, step.change, step.tokens)


@pytest.mark.parametrize("text", ["top:1", "parallel+cap:0.1", "blocks:9+wino"])
def test_sequences_that_share_a_pass_are_decoded_as_alone(text: str) -> None:
    _, compiled, layout, _ = small(1)
    starts = [(layout.tokens(), layout.positions())] * 2
    for engine in ("dense", "indexed"):
        sampling = Sampling(engine=engine, sampler=text, seed=3)
        alone = decode(compiled.model, *starts[0], "mdm", sampling)
        for found in decode_batch(compiled.model, starts, "mdm", sampling):
            assert (found.tokens.tolist(), found.steps, found.engine) == (alone.tokens.tolist(), alone.steps, engine)


def test_temperature_and_noise_are_the_same_in_every_engine() -> None:
    noisy = {"temperature": 4.0, "noise": Noise(5, 2.0), "seed": 3}
    wanted = steps_of("blocks:3+top:1", size=1, **noisy)
    for engine in available():
        assert steps_of("blocks:3+top:1", engine, size=1, **noisy) == wanted
    assert wanted != steps_of("blocks:3+top:1", size=1, **{**noisy, "noise": Noise(6, 2.0)})
    assert wanted != steps_of("blocks:3+top:1", size=1, seed=3)
    assert wanted[-2] == steps_of("parallel", size=1)[-2], "noise inside the margin changes the order alone"


def test_the_native_engine_hands_over() -> None:
    _, compiled, layout, _ = small()
    if "native" in available():
        found = decode(compiled.model, layout.tokens(), layout.positions(), "mdm", Sampling(engine="native", sampler="top:3"))
        assert found.engine.startswith("indexed (not native: ")


def test_parallel_is_the_order_parallel() -> None:
    for size in (1, 2):
        _, compiled, layout, _ = small(size)
        plainly = Decoder(compiled.model, layout.tokens(), layout.positions(), "mdm", Sampling())
        assert steps_of("parallel", size=size) == list(states(plainly, 400))


@pytest.mark.parametrize("size", [2, 4])
def test_steps_of_rules_that_are_right(size: int) -> None:
    """Closed forms: T + 1 where all that is ready goes at once; ceil((3 P T + out) / k) with k | 3 P."""
    job, compiled, _, time = small(size)
    every = 3 * job.processors * time + len(job.outputs)
    forms = {"parallel": time + 1, "threshold:0.9": time + 1, "factor:1": time + 1, "entropy-sum:0.1": time + 1, "one": every}
    forms |= {f"top:{k}": -(-every // k) for k in range(1, 3 * job.processors + 1) if 3 * job.processors % k == 0}
    forms |= {f"blocks:{3 * job.processors}+random:2": time * -(-3 * job.processors // 2) + 1}
    for text, steps in forms.items():
        found = check_agreement(compiled, job, time, Sampling(engine="indexed", sampler=text))
        assert (found.divergence, found.steps, found.written) == (None, steps, every), text


def test_a_wrong_rule_ends_at_its_first_wrong_token() -> None:
    job, compiled, time = small()[0], small()[1], small()[3]
    found = check_agreement(compiled, job, time, Sampling(sampler="top:2"))
    assert found.divergence is not None and (found.steps, found.divergence.found) == (2, "BOS")
    position = found.divergence.position
    assert str(found.divergence).startswith(f"decoding step 2, position {position}, processor 0, value: expected WORD ")


# -- refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("process", "options", "message"),
    [
        ("arm", {"sampler": "top:2"}, "a sampler decides which masks mdm unmasks, and arm takes none"),
        ("ao-mdm", {"sampler": "top:2", "order": "random"}, "a sampler decides which masks mdm unmasks, and ao-mdm takes none"),
        ("mdm", {"sampler": "top:2", "order": "random"}, "a sampler takes the place of an order: leave random out"),
        ("mdm", {"sampler": "top:2", "sample": 0}, "a sampler takes best tokens, and a sample draws them: choose one"),
        ("mdm", {"sampler": "top:2", "temperature": 0.0}, "temperature is a number above 0, not 0"),
        ("mdm", {"temperature": 2.0}, "temperature and noise change what a sampler sees: name one, for example parallel"),
        ("mdm", {"noise": Noise(0, 1.0)}, "temperature and noise change what a sampler sees: name one, for example parallel"),
        ("mdm", {"sampler": "top:0"}, "top:0: in top:K, K is a whole number from 1, not 0"),
    ],
)
def test_options_that_contradict_a_sampler_are_refused(process: str, options: dict[str, object], message: str) -> None:
    _, compiled, layout, _ = small()
    with pytest.raises(ValueError) as refused:
        SequenceEditor(layout.tokens(), compiled.model.vocabulary, layout.length, process, Sampling(**options))  # type: ignore[arg-type]
    assert str(refused.value) == message


@pytest.mark.parametrize("text", ["", "1", "1:", ":2", "a:1", "1:a", "-1:2", "1:-2", "1:nan", "1:inf", "1:2:3"])
def test_what_is_no_noise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write SEED:SIZE, a whole number and a number from 0, as in 1:2.5$"):
        Noise.read(text)
    assert str(Noise.read("12:2.50")) == "12:2.5"


# -- the commands --------------------------------------------------------------------------------------


def test_decode_takes_a_sampler(do: Do) -> None:
    plainly = json.loads(do("decode tree_sum --size 2 --engine dense --json").out)
    found = json.loads(do("decode tree_sum --size 2 --sampler topk_margin:3 --engine dense --json").out)
    assert found == {**{key: value for key, value in plainly.items() if key != "order"}, "sampler": "top:3,margin"}
    outcome = do("decode tree_sum --size 2 --sampler top:2 --json")
    assert (outcome.status, outcome.out) == (REFUTED, "")
    said = "FAILED: top:2 is wrong for this run: decoding step 2, position 10, "
    assert outcome.err.startswith(said) and "expected " in outcome.err and outcome.err.endswith("found BOS\n"), outcome.err
    traced = do("decode tree_sum --size 2 --sampler top:2 --trace --json")
    assert traced.status == REFUTED and len(json.loads(traced.out)["steps"]) == 2 and traced.err == outcome.err


def test_decode_with_noise_and_anchor(do: Do) -> None:
    first, again, other = (do(f"decode tree_sum --size 2 --sampler blocks:3+one --temperature 4 --noise {noise} --anchor --trace --json")
                           for noise in ("1:2", "1:2", "2:2"))  # fmt: skip
    assert first.status == FINE and first == again and first.out != other.out
    assert json.loads(first.out)["sampler"] == "blocks:3+one+anchor"
    assert json.loads(do("decode tree_sum --size 2 --anchor --json").out)["sampler"] == "parallel+anchor"


def test_from_python() -> None:
    program = lockstep.load("tree_sum")
    given = {"n": 2}, {"A": [3, 1]}
    steps = list(lockstep.decoding(program, *given, engine="dense", sampler="one", temperature=4, noise="1:2"))
    assert len(steps) == 79 and {len(step.edited.unmasked) for step in steps} == {1}
    wrong = lockstep.decoding(program, *given, engine="dense", sampler="top:2")
    assert len(list(wrong)) == 2 and wrong.divergence is not None and wrong.divergence.step == 2
    report = lockstep.verify(program, inputs=given, sampler="top:2", engine="dense")
    assert not report.holds and report.trouble == str(wrong.divergence)
    with pytest.raises(ValueError, match="a sampler decides which masks mdm unmasks, and arm takes none"):
        lockstep.verify(program, inputs=given, constructions=("arm",), sampler="one")


def test_verify_takes_a_sampler(alone: Do) -> None:
    report = json.loads(alone("verify tree_sum --sizes 2 --random 1 --sampler one --json").out)
    checks = {check["what"]: check for check in report["checks"] if check["process"] == "mdm"}
    assert report["holds"] and checks["every token"]["bound"] == "right, sampler one"
    assert [checks["decoding steps"][key] for key in ("bound", "measured", "verdict")] == [
        "as sampler one makes them",
        "79",
        "measured",
    ]
    assert checks["multiply-adds"]["bound"] == "<= c N^3"
    named_as_an_order = json.loads(alone("verify tree_sum --sizes 1 --random 1 --sampler parallel --json").out)
    assert [check["verdict"] for check in named_as_an_order["checks"] if check["what"] == "decoding steps"] == ["measured"]
    back = json.loads(alone("verify tree_sum --sizes 1 --random 1 --sampler blocks:3+cap:0.2,newest --json").out)
    assert back["holds"] and "measured" in [check["verdict"] for check in back["checks"] if check["what"] == "multiply-adds"]
    assert checks["context length"]["verdict"] == "checked"


def test_verify_fails_where_a_sampler_is_wrong(alone: Do) -> None:
    outcome = alone(
        "verify tree_sum --sizes 2 --random 1 --sampler top:2,margin --temperature 2 --noise 1:0.5 --seed 3 --shrink 0 --json"
    )
    report = json.loads(outcome.out)
    assert outcome.status == REFUTED and report["divergence"].startswith("decoding step 2, position ")
    command = report["failing"]["command"]
    assert " --sampler top:2,margin --seed 3 --temperature 2 --noise 1:0.5 " in command
    again = json.loads(alone(command.removeprefix("lockstep ") + " --shrink 0 --json").out)
    assert again["divergence"] == report["divergence"]
    assert "tree_sum-failing.html" in json.dumps(report["failing"])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("decode tree_sum --size 2 --sampler top:0", "--sampler: top:0: in top:K, K is a whole number from 1, not 0"),
        (
            "decode tree_sum --size 2 --sampler best",
            "--sampler: best: there is no sampler best: write parallel, threshold:P, top:K, ",
        ),
        (
            "decode tree_sum --size 2 --sampler one --order random",
            "--sampler: a sampler takes the place of an order: leave random out",
        ),
        (
            "decode tree_sum --size 2 --sampler one --process arm",
            "--sampler: a sampler decides which masks mdm unmasks, and arm takes none",
        ),
        (
            "verify tree_sum --sampler one --process all",
            "--sampler: a sampler decides which masks mdm unmasks, and ap-mdm takes none",
        ),
        (
            "decode tree_sum --size 2 --sampler one --noise 1",
            "--noise: 1: write SEED:SIZE, a whole number and a number from 0, as in 1:2.5",
        ),
        (
            "decode tree_sum --size 2 --noise 1:1",
            "--sampler: temperature and noise change what a sampler sees: name one, for example parallel",
        ),
        ("decode tree_sum --size 2 --sampler one --temperature 0", "--sampler: temperature is a number above 0, not 0"),
        (
            "decode tree_sum --size 2 --sampler one --samples 2",
            "--sampler: a sampler takes best tokens, and --samples draws them: choose one",
        ),
        (
            "decode tree_sum --size 2 --sampler one --time 40",
            "--sampler: --sampler makes room for the steps of the run: leave --time out",
        ),
        ("decode tree_sum --input in.jsonl --sampler one", "--sampler: --sampler takes one input"),
    ],
)
def test_the_commands_refuse_in_one_line(command: str, said: str, do: Do) -> None:
    outcome = do(command)
    assert outcome.status == MISUSED and outcome.out == ""
    assert f"Invalid value for {said}" in " ".join(outcome.err.replace("│", " ").split()), outcome.err
