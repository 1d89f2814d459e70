"""Mutants of autoregression: its construction, causal attention, and what is appended."""

from __future__ import annotations

from typing import Any

from lockstep.compiler import arm, invariants
from lockstep.compiler.blocks import BlockBuilder
from lockstep.compiler.circuit import Circuit
from lockstep.models import editing, files, processes, torch_transformer
from lockstep.models.engines import caching
from lockstep.models.sequence import TokenSequence
from lockstep.proofs_check.constructions.arm import ArmExpectation
from mutation.circuits import tampered_lookup, weight, without_match
from mutation.planting import Rewrite
from mutation.table import Mutant

ARM, CAUSAL = "construction arm", "causal models"
AGREES, LAYOUTS, SINK, SEEN = "agreement of arm", "small layouts of arm", "sink of causal circuits", "rows seen by causal models"
POSITIONS, KEYS = arm.Layout._block_positions, BlockBuilder._operand_keys


def row(area: str, breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant(area, breaks, Rewrite(function, old, new), check, equivalent)


MUTANTS = (
    Mutant(ARM, "arm: program counters of any processor are fetched", without_match("arm", "fetch", -1), AGREES),
    Mutant(ARM, "arm: values of any step are gathered, not of the same step", without_match("arm", "gather", 0), AGREES),
    Mutant(ARM, "arm: outputs do not wait for the end", tampered_lookup("arm", "unfinished", reads=()), "too few blocks of arm"),
    row(ARM, "arm: halted processors run on", arm.ArmBuilder._first_lookups, "[*counter, (halt, self.halted.bit())]", "counter", AGREES),
    row(ARM, "arm: registers of all processors are confused", KEYS, "owner=[*owner]", "owner=[]", AGREES),
    row(ARM, "arm: keys have a pid for an owner", arm.ArmBuilder.circuit, "keys(self.owner)", "keys(self.pid)", AGREES),
    row(ARM, "arm: parameters have owners", KEYS, "owned=1 - parameter", "owned=Linear(constant=1)", AGREES),
    row(ARM, "arm: registers have no owner", POSITIONS, 'np.where(role == BLOCK_ROLES.index("A"), pid, 0)', "0", AGREES),
    row(ARM, "arm: the previous step is the step itself", POSITIONS, '"time.previous", before, step - 1', '"time.previous", before, step',
        AGREES),
    row(ARM, "arm: a row computes for its own processor", POSITIONS, '"pid.next", before, pid', '"pid.next", blocks, pid', AGREES),
    row(ARM, "arm: pids are one less", POSITIONS, '"value", blocks, np.where(source, pid + 1, 0)',
        '"value", blocks, np.where(source, pid, 0)', AGREES),
    row(ARM, "arm: outputs read the first cells", arm.Layout.positions, "np.arange(cells.start, cells.stop)",
        "np.arange(len(cells))", LAYOUTS),
    row(ARM, "arm: the first of several writes that are added up counts", arm.Layout._precedence, "[::-1]", "", "combined writes of arm"),
    row(ARM, "arm: spare blocks are expected to hold HALT last", ArmExpectation.__iter__, "[word, halt, none]", "[word, none, halt]",
        "spare blocks of arm"),
    row(ARM, "arm: pids have a bit more", arm.ArmBuilder.__init__, "(builder.field(name, widths.pid)",
        "(builder.field(name, widths.pid + 1)", "closed forms of arm"),
    Mutant(ARM, "arm: a head weighs half", weight(1, "k", "fetch", 0, "a half"), "certificate of arm"),
    Mutant(ARM, "arm: program counters of any step are fetched", without_match("arm", "fetch", 0), "proof of arm"),
    row(CAUSAL, "circuits are evaluated with full attention", Circuit._look_up, "if self.causal:", "if False:", "residuals of arm"),
    row(CAUSAL, "a row sees the next one", torch_transformer.later, "triu(1 + before)", "triu(2 + before)", SEEN),
    row(CAUSAL, "a row does not see itself", torch_transformer.later, "triu(1 + before)", "triu(before)", SEEN),
    row(CAUSAL, "the reference has full attention", torch_transformer.TorchLayer.attend, "if causal:", "if False:", SEEN),
    row(CAUSAL, "the cache sees all of a prompt", caching._Kept.after, "later(len(x), x.device, first)", "later(len(x), x.device, end)",
        SEEN),
    row(CAUSAL, "a row that changes is kept", caching.unchanged, "int(change.rows[0])", "int(change.rows[0]) + 1", "kept rows"),
    row(CAUSAL, "the last row of a sequence that became shorter is not read out again", caching.unchanged, "else change.length - 1",
        "else change.length", "kept rows"),
    row(CAUSAL, "tokens are appended at any probability", processes.append, ">= THRESHOLD", ">= 0", "too few blocks of arm"),
    row(CAUSAL, "an appended token is the mask", TokenSequence._append, "self.room[length] = token", "pass", AGREES),
    row(CAUSAL, "tokens that a session wrote are lost", TokenSequence.follow, "self.room = ", "", "followed tokens"),
    row(CAUSAL, "decodes end one token early", editing.SequenceEditor.is_finished, ">= self.max_length", ">= self.max_length - 1", AGREES),
    row(CAUSAL, "files do not say that a model is causal", files._is_causal, 'return "attention" in text', "return False",
        "files of causal models"),
    row(CAUSAL, "BOS may meet conditions", invariants._check_causal_sink,
        "not lookup.conditions or any(form.constant for form in (*lookup.conditions, lookup.recency))", "False", SINK),
    row(CAUSAL, "BOS may have a recency", invariants._check_causal_sink, "(*given, *lookup.conditions, lookup.recency)):\n",
        "(*given, *lookup.conditions)):\n", SINK),
    row(CAUSAL, "BOS may give a value", invariants._check_causal_sink, "(*given, *lookup.conditions, lookup.recency)):\n",
        "(*lookup.conditions, lookup.recency)):\n", SINK),
    row(CAUSAL, "gates write nothing on BOS", invariants._check_causal_sink, "may |= {", "may | {", SINK),
)  # fmt: skip
