"""Runs the rules of a task by themselves, on sequences: no weights, no circuit. It also looks at every fact that a proof makes use of."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lockstep.models.tokens import MASK, Vocabulary
from lockstep.proofs_check.tasks.rules import TOKEN_BITS, Finds, Ints, Rows, Rules

REMASK, INSERT, DELETE, OUT, TAKE = "control.remask", "control.insert", "control.delete", "out", "take."


class Whole(Rows):
    """Rows of one sequence. fields: a whole number in each field, [rows], or in a shape that broadcasts."""

    def __init__(self, fields: dict[str, Ints], places: dict[str, Ints]) -> None:
        super().__init__({}, {}, places)
        self.fields = fields

    def bit(self, field: str, number: int = 0) -> Ints:
        return self.fields[field] >> number & 1

    def number(self, field: str) -> Ints:
        return self.fields[field]

    def shaped(self, *shape: int) -> Whole:
        return Whole(
            {name: value.reshape(shape) for name, value in self.fields.items()},
            {name: value.reshape(shape) for name, value in self.places.items()},
        )


class Ruled:
    """What the rules make of sequences."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.vocabulary = rules, Vocabulary(rules.tokens)

    def sequences(self, tokens: list[int]) -> Iterator[list[int]]:
        """Yield the sequence after each step, until nothing changes."""
        while (after := self.step(tokens)) != tokens:
            tokens = after
            yield tokens

    def step(self, tokens: list[int]) -> list[int]:
        """The sequence after one step. Raises AssertionError: a fact does not hold, or rows tie."""
        rows = self._row_fields(tokens)
        for layer in self.rules.layers:
            found = [self._find(rows, finds) for finds in layer.finds.values()]
            for fields in found:
                rows.fields |= fields
            said: dict[str, Ints] = {}
            for (field, bit), says in layer.says.items():
                values = np.broadcast_to(np.asarray(says(rows)).astype(np.int64), len(tokens) - 1)
                said[field] = said.get(field, np.int64(0)) | values << bit
            rows.fields |= said
        self._check_facts(rows)
        return [tokens[0], *(token for row in range(len(tokens) - 1) for token in self._after(tokens[row + 1], rows, row))]

    def _row_fields(self, tokens: list[int]) -> Whole:
        split = [self.vocabulary.split(token) for token in tokens[1:]]
        for role in self.rules.roles.values():
            assert {kind for kind, _ in split[role.rows.start - 1 : role.rows.stop - 1]} <= set(role.kinds), (
                "a token in a wrong row"
            )
        fields = {f"token.{name}": np.array([kind == name for kind, _ in split], np.int64) for name, _ in self.rules.tokens}
        fields[TOKEN_BITS] = np.array([value for _, value in split], np.int64)
        return Whole(fields, {name: np.asarray(place)[1 : len(tokens)] for name, place in self.rules.places.items()})

    def _find(self, rows: Whole, finds: Finds) -> dict[str, Ints]:
        """What each row finds."""
        size = len(rows.fields[TOKEN_BITS])
        q, k = rows.shaped(-1, 1), rows.shaped(1, -1)
        meets = np.broadcast_to(np.asarray(finds.asks(q)) != 0, (size, size)) & (np.asarray(finds.meets(q, k)) != 0)
        order = np.where(
            meets, np.broadcast_to(np.asarray(finds.order(k)).astype(np.int64), (size, size)), np.iinfo(np.int64).min
        )
        best, some = order.argmax(axis=1), meets.any(axis=1)
        assert ((order == order.max(axis=1, keepdims=True)) & meets).sum(axis=1).max() <= 1, "two rows tie"
        return {
            field: np.where(some, np.broadcast_to(np.asarray(gives(rows)).astype(np.int64), size)[best], 0)
            for field, gives in finds.gives.items()
        }

    def _check_facts(self, rows: Whole) -> None:
        for fact in self.rules.all_facts():
            holds = np.broadcast_to(np.asarray(fact.holds(rows)) != 0, len(rows.fields[TOKEN_BITS]))
            role = self.rules.roles[fact.role].rows if fact.role else slice(1, None)
            where = slice(role.start - 1, None if role.stop is None else role.stop - 1)
            assert holds[where].all(), fact.because

    def _after(self, token: int, rows: Whole, row: int) -> list[int]:
        """What a row becomes: it is remasked, else a mask takes its token; or it is deleted; and a mask may come behind it."""
        of = {name: int(value[row]) for name, value in rows.fields.items()}
        behind = [self.vocabulary.mask] * of[INSERT]
        if token == self.vocabulary.mask and of[DELETE]:
            return behind
        if of[REMASK]:
            return [self.vocabulary.mask, *behind]
        if token != self.vocabulary.mask:
            return [token, *behind]
        (kind,) = [name.removeprefix(TAKE) for name, value in of.items() if name.startswith(TAKE) and value]
        assert kind != MASK
        return [self.vocabulary.token(kind, of[OUT] & (1 << self.vocabulary.bits(kind)) - 1), *behind]
