"""The interface between an engine and the decoding loop: a session."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Protocol, runtime_checkable

from lockstep.models.drawing import Logits
from lockstep.models.sequence import Change
from lockstep.models.transformer import Prediction, Tokens


class Unsuitable(Exception):
    """This engine cannot compute a model or a sequence exactly. The message says why."""


#: What `Session.found` says instead of a row: the row does not ask; it asks and finds nothing, so it reads the first row; it reads
#: several rows. An engine that computes scores may say NOTHING of a row that does not ask.
NOT_ASKING, NOTHING, SEVERAL = -1, -2, -3


class Session(Protocol):
    """Predicts some sequences, which are numbered, while they are edited. One pass over the model predicts all of them.

    update:   tells the session that a decoding step changed a sequence, and its tokens now.
    predict:  returns, for each sequence in `live`, in order, rows and their predictions. The rows are ascending: those whose
              token changed or whose prediction may differ from the last one; at first, all. Tokens and probabilities are right
              for masked rows, and for all rows of a causal model; control bits for all rows. A probability is on the same side
              of THRESHOLD as the reference's. Sequences that are not live do not change.
    logits:   of some rows, as they were when the last prediction was made: right where tokens are, and in
              models that are not causal for all rows. It may be asked until the next one.
    found:    what each head found when the last prediction was made: of all heads, layer by layer, and of some rows,
              [heads, rows]. It is a row or one of NOT_ASKING, NOTHING and SEVERAL. It may be asked until the next prediction.
    Raises: Unsuitable, from any of them.
    """

    name: str

    def update(self, number: int, change: Change, tokens: Tokens) -> None: ...

    def predict(self, live: Sequence[int]) -> list[tuple[Tokens, Prediction]]: ...

    def logits(self, number: int, rows: Tokens) -> Logits: ...

    def found(self, number: int, rows: Tokens) -> Tokens: ...


@runtime_checkable
class Stepping(Session, Protocol):
    """A session that carries out decoding steps itself, in parallel order, for some processes; `SequenceEditor` does the same, more slowly.

    step:   one step: the change, the sequence after it (which later steps edit in place), and how many masks it has. None where
            nothing changes; then `grown` is the length for which there were no positions, or 0.
    stride: steps until nothing changes or, where the process fills, no mask is left; at most so many. The length after each.
            Where the process appends, nothing changes any more when every position has a token.
    Raises: Unsuitable, from `step`; a stride ends there instead.
    """

    processes: Container[str]

    @property
    def grown(self) -> int: ...

    def step(self, process: str) -> tuple[Change, Tokens, int] | None: ...

    def stride(self, process: str, most: int) -> tuple[list[int], Tokens, int]: ...
