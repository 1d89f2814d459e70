"""Altered model files with a valid digest: each command that takes a model file refuses it with one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kit.commands import FINE, WRONG, Do
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from lockstep.models.files import ModelFileError, digest_of, load_model

Tensors, Text = dict[str, NDArray[Any]], dict[str, str]
Edit = Callable[[Tensors, Text], object]
Value = Callable[[NDArray[Any]], NDArray[Any]]


def tamper(path: Path, edit: Edit) -> None:
    """Alter a model file, and compute its digest again."""
    with safe_open(path, framework="np") as file:
        text, tensors = dict(file.metadata()), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del text["digest"]
    edit(tensors, text)
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    path.write_bytes(save(tensors, {**text, "digest": digest_of(tensors, text)}))


def says(**changes: str) -> Edit:
    return lambda tensors, text: text.update(changes)


def without(*names: str) -> Edit:
    return lambda tensors, text: [tensors.pop(name) for name in names]


def has(name: str, value: Value) -> Edit:
    """Change one tensor."""
    return lambda tensors, text: tensors.update({name: value(tensors[name])})


def all_are(dtype: type, named: str) -> Edit:
    def edit(tensors: Tensors, text: Text) -> None:
        with np.errstate(over="ignore"):  # some weights are infinite as float16
            tensors.update({name: tensor.astype(dtype) for name, tensor in tensors.items()})
        text["dtype"] = named

    return edit


def kinds(change: Callable[[dict[str, int]], object]) -> Edit:
    """Change the vocabulary."""

    def edit(tensors: Tensors, text: Text) -> None:
        bits = dict(json.loads(text["vocabulary"]))
        change(bits)
        text["vocabulary"] = json.dumps(list(bits.items()))

    return edit


def with_edit_bits(tensors: Tensors, text: Text) -> None:
    tensors["control.weight"] = np.zeros((3, tensors["embedding.kind"].shape[1]))
    tensors["control.bias"] = np.zeros(3)


def with_a_stray(tensors: Tensors, text: Text) -> None:
    tensors["layers.1.more"] = np.zeros(2)


def one_head(tensors: Tensors, text: Text) -> None:
    tensors.update({f"layers.1.{part}": tensors[f"layers.1.{part}"][:1] for part in "qkvo"})


def first(value: float) -> Value:
    """Change the first entry of a tensor."""

    def edit(tensor: NDArray[Any]) -> NDArray[Any]:
        tensor = tensor.copy()
        tensor.reshape(-1)[0] = value
        return tensor

    return edit


ANOTHER = "made by another version, or damaged: "
MDM: list[tuple[str, Edit, str]] = [
    ("more bits of PC", kinds(lambda bits: bits.update(PC=bits["PC"] + 1)), ANOTHER + "its vocabulary"),
    ("more bits of REG", kinds(lambda bits: bits.update(REG=bits["REG"] + 1)), ANOTHER + "its vocabulary"),
    ("fewer bits of WORD", kinds(lambda bits: bits.update(WORD=3)), ANOTHER + "its vocabulary"),
    ("one kind more", kinds(lambda bits: bits.update(MORE=2)), ANOTHER + "its vocabulary"),
    ("one kind less", kinds(lambda bits: bits.popitem()), ANOTHER + "its vocabulary"),
    ("no MASK", kinds(lambda bits: bits.pop("MASK")), "its metadata cannot be read: a vocabulary has MASK"),
    ("bits of -1", kinds(lambda bits: bits.update(PC=-1)), "its metadata cannot be read: a vocabulary has MASK"),
    ("bits beyond memory", kinds(lambda bits: bits.update(PC=10**9)), "its metadata cannot be read: a vocabulary has MASK"),
    ("a kind twice", says(vocabulary='[["MASK", 0], ["MASK", 0]]'), "its metadata cannot be read: a vocabulary has MASK"),
    ("a vocabulary that is no JSON", says(vocabulary="{"), "its metadata cannot be read: "),
    ("a vocabulary of numbers", says(vocabulary="[1, 2]"), "its metadata cannot be read: "),
    ("two layers", says(layers="2"), "it holds tensors that a model of 2 layers does not have: layers.2.b_in, "),
    ("four layers", says(layers="4"), "incomplete: 'layers.3.q' is missing"),
    ("abc layers", says(layers="abc"), "its metadata cannot be read: invalid literal"),
    ("time bits below 0", says(time_bits="-5"), "its metadata is wrong: time_bits -5 is not in 1 .. 40"),
    ("words of 99 bits", says(word_bits="99"), "its metadata is wrong: word_bits 99 is not in 2 .. 24"),
    ("another construction", says(construction="ap-mdm"), "its metadata is incomplete: 'length_bits'"),
    ("no such construction", says(construction="none"), "its metadata is incomplete: 'none'"),
    ("other time bits", says(time_bits="7"), ANOTHER + "its d_model is "),
    ("no dtype", lambda tensors, text: text.pop("dtype"), "incomplete: 'dtype' is missing"),
    ("edit bits", with_edit_bits, ANOTHER + "control.bias is of shape [3], but this version compiles it absent"),
    ("a tensor less", without("layers.1.b_in"), "incomplete: 'layers.1.b_in' is missing"),
    ("a tensor more", with_a_stray, "it holds tensors that a model of 3 layers does not have: layers.1.more"),
    ("one head", one_head, ANOTHER + "layers.1.k is of shape [1, "),
    ("one hidden unit less", has("layers.1.w_in", lambda t: t[:-1]), ANOTHER + "layers.1.w_in is of shape ["),
    ("a matrix transposed", has("layers.1.w_in", lambda t: t.T), ANOTHER + "layers.1.w_in is of shape ["),
    ("a matrix of no shape", has("layers.1.w_in", lambda t: t.sum()), ANOTHER + "layers.1.w_in is "),
    ("an embedding of one row", has("embedding.kind", lambda t: t[0]), ANOTHER + "embedding.kind is of shape ["),
    ("one tensor float32", has("layers.0.w_in", np.float32), "layers.0.w_in is float32 in a model of float64"),
    ("the embedding float32", has("embedding.kind", np.float32), "embedding.kind is float32 in a model of float64"),
    ("all float16", all_are(np.float16, "float16"), "its dtype is 'float16', but weights are float64 or float32"),
    ("all int64", all_are(np.int64, "int64"), "its dtype is 'int64', but weights are float64 or float32"),
    ("float32 that says float64", all_are(np.float32, "float64"), "embedding.kind is float32 in a model of float64"),
    ("an inf", has("layers.1.q", first(float("inf"))), "layers.1.q has an entry that is not a finite number"),
    ("a NaN", has("layers.1.w_in", first(float("nan"))), "layers.1.w_in has an entry that is not a finite number"),
]
AP_MDM: list[tuple[str, Edit, str]] = [
    ("no edit bits", without("control.weight", "control.bias"), ANOTHER + "control.bias is absent, but this version"),
    ("no bias of edit bits", without("control.bias"), "it holds tensors that a model of 3 layers does not have: control.weight"),
    ("another schedule", says(construction="ap-mdm one-step"), ANOTHER),
]
CASES = [("mdm", *case) for case in MDM] + [("ap-mdm", *case) for case in AP_MDM]


@pytest.mark.parametrize(("process", "case", "edit", "message"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_a_file_of_something_else_is_refused(process: str, case: str, edit: Edit, message: str, do: Do) -> None:
    assert do(f"compile tiny.pram --out m.safetensors --word-bits 5 --process {process}").status == FINE
    tamper(Path("m.safetensors"), edit)
    for command in ("certify m.safetensors", "prove m.safetensors", "decode m.safetensors --input in.json"):
        outcome = do(command)
        assert (outcome.status, outcome.out) == (WRONG, ""), f"{command}: {outcome}"
        assert outcome.err.startswith(f"m.safetensors: error: {message}") and outcome.err.count("\n") == 1, outcome.err


def test_a_file_whose_digest_is_made_anew_is_taken(do: Do) -> None:
    """Without an alteration, the file of the test above is accepted."""
    for process in ("mdm", "ap-mdm"):
        do(f"compile tiny.pram --out m.safetensors --word-bits 5 --process {process}")
        tamper(Path("m.safetensors"), lambda tensors, text: None)
        assert do("decode m.safetensors --input in.json").status == FINE


def test_a_layer_count_of_any_length_is_refused(do: Do) -> None:
    do("compile tiny.pram --out m.safetensors --word-bits 5")
    for count in ("9" * 20, "9" * 5000, "-1"):
        tamper(Path("m.safetensors"), says(layers=count))
        with pytest.raises(ModelFileError):
            load_model(Path("m.safetensors"))
