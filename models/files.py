"""Models and jobs in safetensors files. Files are written atomically.

A *model* file (`lockstep-model-1`) holds factored weights, metadata and a digest of both. A *job* file
(`lockstep-job-1`) is the interchange format for other decoders: full matrices, a start sequence and its positions.
docs/interchange.md defines it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from lockstep.models.atomic import write_atomically
from lockstep.models.tokens import MASK, MOST_VALUE_BITS, Vocabulary
from lockstep.models.transformer import DTYPES, FACTORED_PARTS, LAYER_PARTS, Factored, Layer, Tokens, Transformer, Weights

MODEL_FORMAT = "lockstep-model-1"
JOB_FORMAT = "lockstep-job-1"
#: What the metadata says of attention. Files of models that attend to all rows say nothing.
CAUSAL: dict[bool, dict[str, str]] = {False: {}, True: {"attention": "causal"}}


class ModelFileError(Exception):
    """The file is not a model file of Lockstep, or it is damaged. The message says which."""


def save_model(path: Path, model: Transformer, metadata: Mapping[str, str]) -> None:
    """Write a model and the caller's metadata, which `load_model` returns."""
    tensors = dict(model.tensors())
    text = {
        **metadata,
        "format": MODEL_FORMAT,
        "dtype": model.dtype_name,
        "layers": str(len(model.layers)),
        "vocabulary": json.dumps(model.vocabulary.kinds),
        **CAUSAL[model.causal],
    }
    write_atomically(path, save(tensors, {**text, "digest": digest_of(tensors, text)}))


def load_model(path: Path) -> tuple[Transformer, dict[str, str]]:
    """Read a model and the metadata that were passed to `save_model`.

    Raises: ModelFileError: the file is damaged, or is not a model file of this format.
    """
    tensors, text = read_tensors(path, MODEL_FORMAT)
    try:
        layers = tuple(Layer(*(tensors[f"layers.{i}.{part}"] for part in LAYER_PARTS)) for i in range(int(text["layers"])))
        embedding, unembedding = (
            Factored(*(tensors[f"{name}.{p}"] for p in FACTORED_PARTS)) for name in ("embedding", "unembedding")
        )
        control = (tensors.get("control.weight"), tensors.get("control.bias"))
        model = Transformer(_vocabulary(text["vocabulary"]), embedding, layers, unembedding, *control, causal=_is_causal(text))
        check_entries(tensors, text["dtype"])
    except KeyError as error:
        raise ModelFileError(f"incomplete: {error} is missing") from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ModelFileError(f"its metadata cannot be read: {error}") from None
    if unexpected := sorted(tensors.keys() - dict(model.tensors()).keys()):
        raise ModelFileError(f"it holds tensors that a model of {len(layers)} layers does not have: {', '.join(unexpected)}")
    return model, text


def read_tensors(path: Path, form: str) -> tuple[dict[str, Weights], dict[str, str]]:
    """Read the tensors and the metadata of a file of this format, and compare them with its digest.

    Raises: ModelFileError: the file is damaged, or has another format.
    """
    try:
        with safe_open(path, framework="np") as file:
            text = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(f"not a safetensors file, or cut short: {error}") from None
    if text.get("format") == JOB_FORMAT and form == MODEL_FORMAT:
        raise ModelFileError("this is an exported job, for other decoders; give a program or a file made by `compile`")
    if text.get("format") != form:
        raise ModelFileError(f"its format is {text.get('format')!r}, but this version reads {form!r}")
    digest = text.pop("digest", "")
    if digest != digest_of(tensors, text):
        raise ModelFileError("damaged: its contents do not match its digest")
    return tensors, text


def _is_causal(text: Mapping[str, str]) -> bool:
    """Return whether the metadata says that attention is causal.

    Raises: ValueError: it says something else of attention.
    """
    if text.get("attention", "causal") != "causal":
        raise ValueError(
            f"its attention is {text['attention']!r}, but this version knows 'causal' and, without a word, full attention"
        )
    return "attention" in text


def _vocabulary(text: str) -> Vocabulary:
    """Return the vocabulary from its JSON text in the metadata.

    Raises: ValueError, TypeError: the text is no vocabulary.
    """
    kinds = tuple((str(name), int(bits)) for name, bits in json.loads(text))
    names = [name for name, _ in kinds]
    if len({*names}) < len(names) or MASK not in names or not all(0 <= bits <= MOST_VALUE_BITS for _, bits in kinds):
        raise ValueError(f"a vocabulary has {MASK}, each kind once, and bits from 0 to {MOST_VALUE_BITS}")
    return Vocabulary(kinds)


def check_entries(tensors: Mapping[str, Weights], dtype: str) -> None:
    """Check that all tensors have the dtype in the metadata and that their entries are finite.

    Raises: ModelFileError: they do not, or are not.
    """
    if dtype not in DTYPES:
        raise ModelFileError(f"its dtype is {dtype!r}, but weights are {' or '.join(DTYPES)}")
    for name, tensor in sorted(tensors.items()):
        if tensor.dtype != DTYPES[dtype]:
            raise ModelFileError(f"{name} is {tensor.dtype} in a model of {dtype}")
        if not np.isfinite(tensor).all():
            raise ModelFileError(f"{name} has an entry that is not a finite number")


def save_job(path: Path, model: Transformer, tokens: Tokens, positions: NDArray[Any], metadata: Mapping[str, str]) -> None:
    """Write a job: the model with full matrices, the start sequence and the position encoding.

    Args:   tokens: [N] int64. positions: [N_max, d].
    Raises: ValueError: the vocabulary is too large for full matrices.
    """
    tensors: dict[str, NDArray[Any]] = {n: t for n, t in model.tensors() if n.startswith(("layers.", "control."))}
    tensors["tokens"] = tokens
    tensors["position_encoding"] = positions.astype(model.dtype)
    tensors["token_embedding"] = model.embedding.full_matrix(model.vocabulary)
    tensors["unembedding"] = model.unembedding.full_matrix(model.vocabulary)
    text = {
        **metadata,
        "format": JOB_FORMAT,
        "layers": str(len(model.layers)),
        "mask_id": str(model.vocabulary.mask),
        "dtype": model.dtype_name,
        **CAUSAL[model.causal],
    }
    write_atomically(path, save({name: np.ascontiguousarray(t) for name, t in tensors.items()}, text))


def digest_of(tensors: Mapping[str, Weights], text: Mapping[str, str]) -> str:
    """Return the SHA-256 hash of metadata and of the tensors' names, shapes, dtypes and values."""
    digest = hashlib.sha256(json.dumps(sorted(text.items())).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.shape} torch.{tensor.dtype}".encode())  # "torch." stands in files since the first version
        digest.update(tensor.tobytes())
    return digest.hexdigest()
