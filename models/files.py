"""Models and jobs in safetensors files, written whole or not at all.

A *model* file (`lockstep-model-1`) holds factored weights and a digest of everything in it. A *job* file
(`lockstep-job-1`) is the interchange format: full matrices, a start sequence and its positions, for decoders
that are not ours; docs/interchange.md is its contract.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lockstep.models.atomic import write_atomically
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import DTYPES, FACTORED_PARTS, LAYER_PARTS, Factored, Layer, Transformer

MODEL_FORMAT = "lockstep-model-1"
JOB_FORMAT = "lockstep-job-1"
#: A kind of tokens has at most 2^40 values.
MOST_VALUE_BITS = 40


class ModelFileError(Exception):
    """The file is not a model file of ours, or is damaged; the message says which."""


def save_model(path: Path, model: Transformer, metadata: Mapping[str, str]) -> None:
    """Write a model; `metadata` is the caller's and comes back from `load_model`."""
    tensors = dict(model.tensors())
    text = {
        **metadata,
        "format": MODEL_FORMAT,
        "dtype": model.dtype_name,
        "layers": str(len(model.layers)),
        "vocabulary": json.dumps(model.vocabulary.kinds),
    }
    write_atomically(path, save(tensors, {**text, "digest": _digest(tensors, text)}))


def load_model(path: Path) -> tuple[Transformer, dict[str, str]]:
    """Read a model and the metadata that `save_model` was given.

    Raises: ModelFileError: it is anything but an undamaged model file of this format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            text = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(f"not a safetensors file, or cut short: {error}") from None
    if text.get("format") == JOB_FORMAT:
        raise ModelFileError("this is an exported job, for other decoders; give a program or a file made by `compile`")
    if text.get("format") != MODEL_FORMAT:
        raise ModelFileError(f"format {text.get('format')!r}; this version reads {MODEL_FORMAT!r}")
    digest = text.pop("digest", "")
    if digest != _digest(tensors, text):
        raise ModelFileError("damaged: its contents do not match its digest")
    try:
        layers = tuple(Layer(*(tensors[f"layers.{i}.{part}"] for part in LAYER_PARTS)) for i in range(int(text["layers"])))
        embedding, unembedding = (
            Factored(*(tensors[f"{name}.{p}"] for p in FACTORED_PARTS)) for name in ("embedding", "unembedding")
        )
        control = (tensors.get("control.weight"), tensors.get("control.bias"))
        model = Transformer(_vocabulary(text["vocabulary"]), embedding, layers, unembedding, *control)
        _check_tensors(tensors, text["dtype"])
    except KeyError as error:
        raise ModelFileError(f"incomplete: {error} is missing") from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ModelFileError(f"its metadata cannot be read: {error}") from None
    if unexpected := sorted(tensors.keys() - dict(model.tensors()).keys()):
        raise ModelFileError(f"it holds what is no part of a model of {len(layers)} layers: {', '.join(unexpected)}")
    return model, text


def _vocabulary(text: str) -> Vocabulary:
    """The vocabulary that the metadata spells in JSON.

    Raises: ValueError, TypeError: it spells none.
    """
    kinds = tuple((str(name), int(bits)) for name, bits in json.loads(text))
    names = [name for name, _ in kinds]
    if len({*names}) < len(names) or MASK not in names or not all(0 <= bits <= MOST_VALUE_BITS for _, bits in kinds):
        raise ValueError(f"a vocabulary has {MASK}, each kind once, and bits from 0 to {MOST_VALUE_BITS}")
    return Vocabulary(kinds)


def _check_tensors(tensors: Mapping[str, Tensor], dtype: str) -> None:
    """Refuse tensors that are not of the dtype that the metadata names, or hold what is no finite number."""
    if dtype not in DTYPES:
        raise ModelFileError(f"dtype {dtype!r}, where weights are {' or '.join(DTYPES)}")
    for name, tensor in sorted(tensors.items()):
        if tensor.dtype != DTYPES[dtype]:
            raise ModelFileError(f"{name} is {str(tensor.dtype).removeprefix('torch.')} in a model of {dtype}")
        if not bool(torch.isfinite(tensor).all()):
            raise ModelFileError(f"{name} has an entry that is no finite number")


def save_job(path: Path, model: Transformer, tokens: Tensor, positions: Tensor, metadata: Mapping[str, str]) -> None:
    """Write a job: the model spelled out, x_0 and the position encoding.

    Args:   tokens: [N] int64. positions: [N_max, d].
    Raises: ValueError: the vocabulary is too large to spell out.
    """
    tensors = {name: t for name, t in dict(model.tensors()).items() if name.startswith(("layers.", "control."))}
    tensors["tokens"] = tokens
    tensors["position_encoding"] = positions.to(model.dtype)
    tensors["token_embedding"] = model.embedding.full_matrix(model.vocabulary)
    tensors["unembedding"] = model.unembedding.full_matrix(model.vocabulary)
    text = {
        **metadata,
        "format": JOB_FORMAT,
        "layers": str(len(model.layers)),
        "mask_id": str(model.vocabulary.mask),
        "dtype": model.dtype_name,
    }
    write_atomically(path, save({name: t.contiguous() for name, t in tensors.items()}, text))


def _digest(tensors: Mapping[str, Tensor], text: Mapping[str, str]) -> str:
    """SHA-256 over names, shapes, values and metadata."""
    digest = hashlib.sha256(json.dumps(sorted(text.items())).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.reshape(-1).contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return digest.hexdigest()
