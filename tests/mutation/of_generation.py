"""Mutants of transitions, samplers, the decoding loop, and the model's own arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lockstep.models import files, orders, processes, sequence, torch_transformer, transformer
from lockstep.models.editing import SequenceEditor
from lockstep.models.processes import PROCESSES, Edits, edit
from lockstep.models.transformer import Prediction, Tokens
from mutation.planting import Attribute, Entry, Rewrite
from mutation.table import Mutant

PROCESS, LOOP, MODEL = "transitions and samplers", "decoding loop", "model arithmetic"
FILES = "model files"
TRANSITION = "transition table"


def lossy(rows: Tokens, tokens: Tokens, prediction: Prediction, mask: int) -> Edits:
    """Drops three updates of ten."""
    assert prediction.control is not None
    generator = np.random.default_rng(len(tokens))
    dropped = generator.random(len(tokens)) < 0.3
    control = prediction.control & ~dropped[:, None]
    control[:, 0] |= dropped & (tokens == mask)
    return edit(rows, tokens, replace(prediction, control=control), mask)


LOSSY = Entry(
    PROCESSES,
    "lockstep.models.processes.PROCESSES",
    "ap-mdm",
    replace(PROCESSES["ap-mdm"], propose=lossy),
    "drops three updates of ten",
)  # type: ignore[arg-type]
REORDERED = Entry(
    PROCESSES,
    "lockstep.models.processes.PROCESSES",
    "ap-mdm",
    replace(PROCESSES["ap-mdm"], orders=PROCESSES["mdm"].orders),
    "orders = those of mdm",
)  # type: ignore[arg-type]

MUTANTS = (
    Mutant(
        PROCESS,
        "a mask that is remasked stays as it was",
        Rewrite(edit, "after = np.where(remask, mask, after)", "pass"),
        TRANSITION,
    ),
    Mutant(
        PROCESS,
        "unmasked tokens are replaced",
        Rewrite(edit, "np.where(was_mask, prediction.token, tokens)", "prediction.token"),
        TRANSITION,
    ),
    Mutant(
        PROCESS,
        "delete removes masks that this step made",
        Rewrite(edit, "delete & was_mask", "delete & (after == mask)"),
        TRANSITION,
    ),
    Mutant(PROCESS, "delete removes tokens as well", Rewrite(edit, "delete & was_mask", "delete"), TRANSITION),
    Mutant(
        PROCESS, "deleted positions insert nothing", Rewrite(edit, "insert[acts])", "insert[acts] & ~vanish[acts])"), TRANSITION
    ),
    Mutant(
        PROCESS,
        "insert comes before the position",
        Rewrite(processes.apply, "starts = np.cumsum(lengths) - lengths", "starts = np.cumsum(lengths) - 1"),
        TRANSITION,
    ),
    Mutant(
        PROCESS,
        "remask and insert are exchanged",
        Rewrite(edit, "remask, insert, delete = prediction", "insert, remask, delete = prediction"),
        "agreement of ap-mdm",
    ),
    Mutant(PROCESS, "a sampler that drops updates, two-step", LOSSY, "agreement of ap-mdm"),
    Mutant(PROCESS, "a sampler that drops updates, one-step", LOSSY, "agreement of ap-mdm one-step"),
    Mutant(
        PROCESS, "tokens just below the threshold are unmasked", Attribute(processes, "THRESHOLD", 0.89, "0.9 -> 0.89"), "sampler"
    ),
    Mutant(PROCESS, "tokens at the threshold stay masked", Rewrite(processes.unmask, ">= THRESHOLD", "> THRESHOLD"), "sampler"),
    Mutant(PROCESS, "unmasked tokens may change", Rewrite(processes.unmask, "(tokens == mask) &", ""), "sampler"),
    Mutant(PROCESS, "everything is unmasked at once", Attribute(processes, "THRESHOLD", 0.0, "0.9 -> 0"), "agreement of mdm"),
    Mutant(PROCESS, "any-process edits may be made in part", REORDERED, "orders"),
    Mutant(
        PROCESS,
        "a random subset may be empty",
        Rewrite(orders._subset, "kept[random.integers(len(ready))] = True", "pass"),
        "orders",
    ),
    Mutant(
        LOOP,
        "a decode that is stuck ends without an error",
        Rewrite(SequenceEditor.end, "if self.process.ends_without_masks:", "if False:"),
        "stuck decodes",
    ),
    Mutant(
        LOOP,
        "the sequence may outgrow its positions",
        Rewrite(SequenceEditor.step, "if length > self.max_length:", "if False:"),
        "stuck decodes",
    ),
    Mutant(LOOP, "decoding steps count from 0", Rewrite(SequenceEditor.step, "self.number += 1", "pass"), "closed forms of mdm"),
    Mutant(
        LOOP, "waiting edits are dropped", Rewrite(SequenceEditor._updated_edits, "if not len(old):", "if True:"), "active engine"
    ),
    Mutant(
        LOOP,
        "old edits of rows that were predicted again are kept",
        Rewrite(SequenceEditor._updated_edits, "~self.renewed[pending.rows] &", ""),
        "any order",
    ),
    Mutant(
        LOOP,
        "waiting edits are not sorted",
        Rewrite(SequenceEditor._updated_edits, "both.take(np.argsort(both.rows))", "both"),
        "active engine",
    ),
    Mutant(
        LOOP,
        "masks are not counted",
        Rewrite(
            sequence.TokenSequence.edit,
            "self.masks += int((tokens == self.mask).sum()) - int((before == self.mask).sum())",
            "pass",
        ),
        "agreement of mdm",
    ),
    Mutant(
        LOOP,
        "new positions are not among the changes",
        Rewrite(sequence.TokenSequence._replace, "np.concatenate([rows, np.arange(common, len(after))])", "rows"),
        "active engine",
    ),
    Mutant(
        LOOP,
        "rows that moved are not among the changes",
        Rewrite(
            sequence.TokenSequence._replace,
            "np.concatenate([rows, np.arange(common, len(after))])",
            "np.arange(common, len(after))",
        ),
        "indexed engine",
    ),
    Mutant(
        MODEL,
        "MASK may be predicted",
        Rewrite(torch_transformer.TorchTransformer.predict, ".masked_fill(self.is_mask, -torch.inf)", ""),
        "full softmax",
    ),
    Mutant(
        MODEL,
        "probabilities ignore other values of bits",
        Rewrite(torch_transformer.TorchTransformer.predict, "torch.logaddexp(one, zero)", "torch.maximum(one, zero)"),
        "full softmax",
    ),
    Mutant(
        MODEL,
        "the bits of a token are predicted backwards",
        Rewrite(torch_transformer.TorchTransformer.predict, "<< self.places", "<< self.places.flip(0)"),
        "full softmax",
    ),
    Mutant(
        MODEL,
        "the bits of a token are embedded one too high",
        Rewrite(
            torch_transformer.TorchTransformer.embed,
            "(tokens - self.offsets[kind])[:, None]",
            "(tokens - self.offsets[kind] + 1)[:, None]",
        ),
        "full softmax",
    ),
    Mutant(
        MODEL,
        "full matrices have bits exchanged",
        Rewrite(transformer.Factored.full_matrix, "(1 - chosen) @ self.zero[:bits]", "(1 - chosen) @ self.one[:bits]"),
        "foreign decoder",
    ),
    Mutant(
        MODEL,
        "hidden units may be negative",
        Rewrite(torch_transformer.TorchLayer.feed_forward, "torch.relu(linear", "(linear"),
        "residuals of mdm",
    ),
    Mutant(
        MODEL,
        "the softmax runs over queries",
        Rewrite(torch_transformer.TorchLayer.attend, "dim=-1", "dim=-2"),
        "residuals of mdm",
    ),
    Mutant(
        MODEL,
        "an edit bit of exactly 0 is set",
        Rewrite(torch_transformer.TorchTransformer._control, "+ self.control_bias > 0", "+ self.control_bias >= 0"),
        "full softmax",
    ),
    Mutant(
        FILES,
        "matrices come back in another order",
        Rewrite(files.load_model, "for part in LAYER_PARTS)) for", "for part in LAYER_PARTS[::-1])) for"),
        "model files",
    ),
    Mutant(
        FILES,
        "a damaged file passes",
        Rewrite(files.read_tensors, "if digest != digest_of(tensors, text):", "if False:"),
        "model files",
    ),
)
