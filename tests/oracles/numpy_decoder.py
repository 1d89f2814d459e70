"""Decodes an exported job (`lockstep export`) with NumPy alone: an independent reading of the interchange format.

It shares no code with the project; it follows the published equations, one forward pass per step."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

Array = np.ndarray[Any, Any]
PARTS = ("q", "k", "v", "o", "w_in", "b_in", "w_out")


@dataclass(frozen=True)
class Decoded:
    outputs: dict[str, list[int]]
    expected: dict[str, list[int]]
    steps: int  # steps that changed the sequence
    context: list[int]  # context length at the start and after each step
    metadata: dict[str, str]
    final: list[int]


#: The keys and values of rows that were computed before: for each layer [heads, rows, a] each.
Kept = list[tuple[Array, Array]]


def hidden_states(weights: dict[str, Array], layers: int, tokens: Array, kept: Kept | None = None) -> Array:
    """One row per position: embeddings, then every layer (attention, then MLP, both residual).

    kept: of a causal model, where position i attends to 0 .. i, so that a row stays what it is when tokens are appended. Only the
    rows behind the kept ones are computed, and kept too. Without it, each position attends to all."""
    if len(tokens) > len(weights["position_encoding"]):
        raise ValueError(f"context of {len(tokens)} positions exceeds {len(weights['position_encoding'])}")
    first = kept[0][0].shape[1] if kept else 0
    x = weights["token_embedding"][tokens[first:]] + weights["position_encoding"][first : len(tokens)]
    later = np.arange(first, len(tokens))[:, None] < np.arange(len(tokens))
    for i in range(layers):
        q, k, v, o, w_in, b_in, w_out = (weights[f"layers.{i}.{part}"] for part in PARTS)
        keys, values = x @ k.transpose(0, 2, 1), x @ v.transpose(0, 2, 1)  # [heads, rows, a]
        if kept is not None:
            if first:
                keys, values = (np.concatenate(pair, axis=1) for pair in zip(kept[i], (keys, values)))
            kept[i : i + 1] = [(keys, values)]
        attended = np.zeros_like(x)
        for h in range(len(q)):
            scores = (x @ q[h].T) @ keys[h].T
            if kept is not None:
                scores[later] = -np.inf
            scores -= scores.max(axis=1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=1, keepdims=True)
            attended += (scores @ values[h]) @ o[h].T
        x = x + attended
        x = x + np.maximum(x @ w_in.T + b_in, 0) @ w_out.T
    return x


def best_tokens(x: Array, unembedding: Array, mask: int) -> tuple[Array, Array]:
    """The most likely token other than MASK for each row, and its probability."""
    logits = x @ unembedding.T
    logits[:, mask] = -np.inf
    best = logits.argmax(axis=1)
    logits -= logits[np.arange(len(x)), best][:, None]
    return best, 1 / np.exp(logits, out=logits).sum(axis=1)


def transition(tokens: Array, best: Array, bits: Array, mask: int) -> Array:
    """AP-MDM's g: insert after delete after remask, all judged on the sequence before the step."""
    new: list[int] = []
    for token, choice, (remask, insert, delete) in zip(tokens, best, bits, strict=True):
        if not (delete and token == mask):
            new.append(mask if remask else int(choice) if token == mask else int(token))
        if insert:
            new.append(mask)
    return np.array(new, dtype=np.int64)


def append(weights: dict[str, Array], layers: int, tokens: Array, mask: int, threshold: float,
           marks: dict[str, int], lengths: list[int]) -> Array:  # fmt: skip
    """Autoregression: the last position predicts the next token, until every position has one, or until END.

    lengths: gets the length after each step. marks: the tokens of the rule C CALL T SEP A RETURN => C A; empty without it."""
    kept: Kept = []
    while tokens[-1] != marks["END"] if marks else len(tokens) < len(weights["position_encoding"]):
        if marks and tokens[-1] == marks["RETURN"]:
            sep = max(i for i, token in enumerate(tokens) if token == marks["SEP"])
            call = max(i for i, token in enumerate(tokens[:sep]) if token == marks["CALL"])
            tokens, kept = np.concatenate([tokens[:call], tokens[sep + 1 : -1]]), []
        last = hidden_states(weights, layers, tokens, kept)[-1:]
        (best,), (probability,) = best_tokens(last, weights["unembedding"], mask)
        if probability < threshold:
            break
        tokens = np.append(tokens, best)
        lengths.append(len(tokens))
    return tokens


def decode(path: str | Path, max_steps: int = 1_000_000) -> Decoded:
    with safe_open(path, framework="np") as job:
        metadata = dict(job.metadata())
        weights = {name: job.get_tensor(name) for name in job.keys()}  # noqa: SIM118 (not a mapping)
    if metadata["format"] != "lockstep-job-1" or metadata["process"] not in ("mdm", "ap-mdm", "arm", "revision"):
        raise ValueError(f"not a job this decoder knows: {metadata['format']}, {metadata['process']}")
    mask, layers, tokens = int(metadata["mask_id"]), int(metadata["layers"]), weights["tokens"]
    context = [len(tokens)]
    if metadata["process"] == "arm":
        marks = json.loads(metadata.get("erasing", "{}"))
        tokens = append(weights, layers, tokens, mask, float(metadata["threshold"]), marks, context)
    while metadata["process"] != "arm":
        x = hidden_states(weights, layers, tokens)
        masked = np.arange(len(tokens)) if metadata["process"] == "revision" else np.flatnonzero(tokens == mask)
        found, probability = best_tokens(x[masked], weights["unembedding"], mask)
        new = tokens.copy()
        if metadata["process"] in ("mdm", "revision"):
            sure = probability >= float(metadata["threshold"])
            new[masked[sure]] = found[sure]
        else:
            new[masked] = found
            new = transition(tokens, new, x @ weights["control.weight"].T + weights["control.bias"] > 0, mask)
        if np.array_equal(new, tokens):
            break
        tokens = new
        context.append(len(tokens))
        if len(context) > max_steps:
            raise RuntimeError(f"still changing after {max_steps} steps")
    base = int(metadata["word_tokens"])
    outputs = {name: [int(tokens[i]) - base for i in places] for name, places in json.loads(metadata["outputs"]).items()}
    expected = json.loads(metadata["expected"])
    return Decoded(outputs, expected, len(context) - 1, context, metadata, tokens.tolist())
