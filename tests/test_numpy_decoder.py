"""The NumPy decoder against hand-made jobs whose every step can be followed on paper."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles.numpy_decoder import decode, transition
from safetensors.numpy import save_file


def write(
    path: Path,
    process: str,
    tokens: list[int],
    weights: dict[str, Any],
    outputs: dict[str, list[int]],
    expected: dict[str, list[int]],
    word_tokens: int = 1,
) -> Path:
    """A job with V tokens (MASK is 0); features: token one-hots, position one-hots, then scratch."""
    layers = len({name.split(".")[1] for name in weights if name.startswith("layers.")})
    metadata = {"format": "lockstep-job-1", "process": process, "layers": str(layers), "mask_id": "0"}
    metadata |= {"outputs": json.dumps(outputs), "expected": json.dumps(expected), "word_tokens": str(word_tokens)}
    if process == "mdm":
        metadata["threshold"] = "0.9"
    tensors = {name: np.ascontiguousarray(value, dtype=np.float64) for name, value in weights.items()}
    save_file(tensors | {"tokens": np.array(tokens, dtype=np.int64)}, path, metadata=metadata)
    return path


def layer(number: int, d: int, heads: int = 2, d_head: int = 3, f: int = 4) -> dict[str, Any]:
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys("qkv", (heads, d_head, d))
    shapes |= {"o": (heads, d, d_head), "w_in": (f, d), "b_in": (f,), "w_out": (d, f)}
    return {f"layers.{number}.{part}": np.zeros(shape) for part, shape in shapes.items()}


def test_mdm_waits_for_what_it_reads(tmp_path: Path) -> None:
    """Position 1 turns into token 3 at once; position 2 into token 4, once it sees that; position 3 never."""
    vocabulary, positions = 5, 4
    seen, ready, d = vocabulary + positions, vocabulary + positions + 1, vocabulary + positions + 2
    weights = layer(0, d) | layer(1, d)
    weights["token_embedding"] = np.eye(vocabulary, d)
    weights["position_encoding"] = np.eye(positions, d, k=vocabulary)
    weights["layers.0.q"][1, 2, vocabulary + 2] = 50  # position 2 attends to position 1
    weights["layers.0.k"][1, 2, vocabulary + 1] = 1
    weights["layers.0.v"][1, 0, 3] = 1  # and fetches "token 3"
    weights["layers.0.o"][1, seen, 0] = 1
    weights["layers.1.w_in"][1, [seen, vocabulary + 2]] = 20, 20  # both: 40 - 30 = 10, else 0
    weights["layers.1.b_in"][1] = -30
    weights["layers.1.w_out"][ready, 1] = 1
    weights["unembedding"] = np.zeros((vocabulary, d))
    weights["unembedding"][0] = 1000  # the logit of MASK is left out
    weights["unembedding"][3, vocabulary + 1] = 9
    weights["unembedding"][4, ready] = 1
    path = write(tmp_path / "job", "mdm", [1, 0, 0, 0], weights, {"A": [2, 1]}, {"A": [2, 1]}, word_tokens=2)
    job = decode(path)
    assert job.final == [1, 3, 4, 0]
    assert job.outputs == job.expected == {"A": [2, 1]}
    assert (job.steps, job.context) == (2, [4, 4, 4])
    assert job.metadata["process"] == "mdm"


def ap_mdm_job(path: Path, positions: int) -> Path:
    """[a M M M b]: position 0 remasks "a", 1 and 4 delete a MASK, 3 inserts after "b"; M becomes b at 0, else c.

    Step 1: M c c b (position 1 deleted; 4 held b, so it stays). Step 2: b c c b M. Then the MASK at 4 is deleted
    while 3 inserts another: g changes nothing."""
    a, b, c, vocabulary = 1, 2, 3, 4
    d = vocabulary + 6
    weights = layer(0, d)
    weights["token_embedding"] = np.eye(vocabulary, d)
    weights["position_encoding"] = np.eye(positions, d, k=vocabulary)
    weights["unembedding"] = np.zeros((vocabulary, d))
    weights["unembedding"][b, vocabulary] = 1
    weights["unembedding"][c, vocabulary + 1 :] = 1
    weights["control.weight"] = np.zeros((3, d))
    weights["control.weight"][0, [a, vocabulary]] = 1  # remask
    weights["control.weight"][1, [b, vocabulary + 3]] = 1  # insert
    weights["control.weight"][2, [vocabulary + 1, vocabulary + 4]] = 1  # delete
    weights["control.bias"] = np.array([-1.0, -1.0, 0.0])  # a value of exactly 0 is not set
    return write(path, "ap-mdm", [a, 0, 0, 0, b], weights, {"x": [0], "y": [1, 3]}, {"x": [1], "y": [2, 1]})


def test_ap_mdm_remask_delete_insert(tmp_path: Path) -> None:
    job = decode(ap_mdm_job(tmp_path / "job", positions=6))
    assert job.final == [2, 3, 3, 2, 0]
    assert job.outputs == job.expected == {"x": [1], "y": [2, 1]}
    assert (job.steps, job.context) == (2, [5, 4, 5])


def test_limits_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="exceeds 4"):
        decode(ap_mdm_job(tmp_path / "short", positions=4))
    with pytest.raises(RuntimeError, match="still changing"):
        decode(ap_mdm_job(tmp_path / "long", positions=6), max_steps=1)


@pytest.mark.parametrize(
    ("token", "bits", "result"),
    [
        (5, (0, 0, 0), [5]),
        (5, (1, 0, 0), [0]),
        (5, (0, 0, 1), [5]),  # delete removes nothing but a MASK
        (5, (1, 0, 1), [0]),  # and it looks at the sequence before the remask
        (5, (1, 1, 1), [0, 0]),
        (5, (0, 1, 0), [5, 0]),
        (0, (0, 0, 0), [7]),
        (0, (1, 0, 0), [0]),
        (0, (0, 0, 1), []),
        (0, (1, 0, 1), []),
        (0, (0, 1, 0), [7, 0]),
        (0, (0, 1, 1), [0]),
        (0, (1, 1, 1), [0]),
    ],
)
def test_transition_of_one_position(token: int, bits: tuple[int, int, int], result: list[int]) -> None:
    around = transition(np.array([9, token, 9]), np.array([7, 7, 7]), np.array([(0, 0, 0), bits, (0, 0, 0)]), mask=0)
    assert around.tolist() == [9, *result, 9]
