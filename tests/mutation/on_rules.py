"""Checks of rules on all values that they speak of: scores, inserts, and what limits arithmetic."""

from __future__ import annotations

from itertools import product

import numpy as np
from kit.small import counting, hot_cell

from lockstep.compiler import in_place
from lockstep.compiler.assemble import INVERSE_TEMPERATURE, _Assembler
from lockstep.compiler.circuit import At, Builder, Circuit, Match, Readout
from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.compiler.processor import Code
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.proofs_check.certificate import certify, horizon
from mutation.table import Check


def score_rule() -> None:
    """A head of two bits, one of which keys may leave open, and a condition: for every query, key and recency up to 9 the score
    of a key that matches is its recency, of any other below the sink's; rows that do not ask read the sink."""
    for most in range(10):
        b = Builder()
        bos, one, asks, met, open_ = (b.field(name) for name in ("bos", "one", "asks", "met", "open"))
        q, k, recency = b.field("q", 2), b.field("k", 2), b.field("recency", 1, max(most, 1))
        matches = (Match(q[0], k[0]), Match(q[1], k[1], 1 - open_.flag))
        b.look_up(At.ROM, "x", asks.flag, matches, (met.flag,), ((k[0], ("q", 0)),), recency.flag, most)
        empty = Readout({}, (), ())
        circuit = Circuit(
            Vocabulary((("BOS", 0), (MASK, 0))), b.fields, {"BOS": bos}, q, bos.flag, one.flag, b.layers, empty, frozenset()
        )
        query, key, _, _ = _Assembler(circuit).head(b.layers[At.ROM].lookups[0])
        _score_rule(circuit, query / INVERSE_TEMPERATURE, key, most)


def _score_rule(circuit: Circuit, query: object, key: object, most: int) -> None:
    column = circuit.offsets()

    def row(**fields: int) -> object:
        values = np.zeros(circuit.width)
        values[column["one"]] = 1
        for name, value in fields.items():
            values[column[name[:-1] if name[-1] in "01" else name] + int(name[-1] if name[-1] in "01" else 0)] = value
        return values

    bits = [(a, b) for a in (0, 1) for b in (0, 1)]
    for asks, q in product((0, 1), bits):
        asking = query @ row(asks=asks, q0=q[0], q1=q[1])  # type: ignore[operator]
        sink = asking @ (key @ row(bos=1))  # type: ignore[operator]
        for met, left, k, recency in product((0, 1), (0, 1), bits, range(most + 1)):
            if left and k[1]:
                continue
            score = asking @ (key @ row(met=met, open=left, k0=k[0], k1=k[1], recency=recency))  # type: ignore[operator]
            found = asks and met and q[0] == k[0] and (left or q[1] == k[1])
            right = score - sink == recency + 1 if found else score < sink
            assert right, (
                f"asks {asks} for {q}, key {k}, met {met}, open {left}, recency {recency} of {most}: {score - sink:+.0f}"
            )


def largest_score() -> None:
    """What limits T * P, to the letter: the read of shared memory scores at most 3 (w + 1) (2^(t + p) + 1) + 1."""
    for dtype, precision in (("float64", 53), ("float32", 24)):
        for word in (4, 8) if dtype == "float32" else (4,):
            compiled = compile_job(hot_cell(word_bits=word), 9, dtype)

            def most(bits: int, word: int = word) -> int:
                return 3 * (word + 1) * ((1 << bits) + 1) + 1

            found, wanted = certify(compiled.model, compiled.circuit).largest_sum, most(compiled.widths.extent[1])
            assert found.found == wanted, f"{found.what} = {found.found:.0f}, not {wanted}"
            limit = horizon(compiled)
            last = max(bits for bits in range(precision) if most(bits) <= 2**precision)
            assert limit == last, f"{dtype}, words of {word} bits: horizon 2^{limit}, not 2^{last}"


def insert_rule() -> None:
    """For all lengths L <= N <= 31: a mask inserts iff its index >= 2 L - N, the last token iff it is none and L < N."""
    circuit = CONSTRUCTIONS["ap-mdm"].build(Code.of(counting()), in_place.Widths(4, 5, 1))
    column = {name: start for name, start in circuit.offsets().items()}
    rows = [
        (index, length - 1, full, mask, ended)
        for full in range(1, 32) for length in range(1, full + 1) for index in range(1, length) for mask in (0, 1) for ended in (0, 1)
    ]  # fmt: skip
    stream = np.zeros((len(rows), circuit.width), np.int64)
    stream[:, [column[name] for name in ("index", "end", "full", "token.MASK", "ended")]] = rows
    stream[:, column["one"]] = 1
    for layer in circuit.layers[:2]:
        before = stream.copy()
        for gate in layer.gates:
            if writes := {b: c for b, c in gate.writes.items() if b[0] in ("control.insert", "is_last", "growing")}:
                values = gate(circuit._values(gate.form, before))
                for bit, coefficient in writes.items():
                    stream[:, column[bit[0]]] += coefficient * values
    index, last, full, mask, ended = np.array(rows).T
    length = last + 1
    wanted = (ended == 0) & np.where(mask == 1, index >= 2 * length - full, (index == last) & (length < full))
    wrong = np.flatnonzero((stream[:, column["control.insert"]] > 0) != wanted)
    assert not len(wrong), f"index, end, N, masked, ended = {rows[wrong[0]]}"


CHECKS = (
    Check("score rule", "the scores of a head, for every query, key, condition and recency up to 9", score_rule),
    Check("insert rule", "when a row of ap-mdm inserts, for every index and length up to 31", insert_rule),
    Check("largest score", "the largest sum of the certificate and its horizon, in closed form", largest_score),
)
