"""The certificate: the weights compute *exactly* what the circuit means in this dtype. Without it, a run is refused.

It follows from the weights and the ranges of the fields (docs/certificate.md derives it):

- the weights equal those that the circuit assembles to, entry for entry;
- every weight is an integer (Q after division by the inverse temperature), so all exact values are integers;
- each sum stays below 2^p of its unit in any order of summation, so floating point never rounds
  (p is 53 in float64, 24 in float32);
- two scores are equal or differ by at least the head's gap, and exp(-gap) is exactly 0: attention copies one row.

So float and exact arithmetic agree bit for bit, in any order of summation.
The certificate assumes the circuit's own invariants (no ties, fields in range). `Circuit.evaluate` checks them as it runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lockstep.compiler.assemble import Scores, assemble
from lockstep.compiler.circuit import Circuit, Lookup, Pool
from lockstep.compiler.compile import Compiled, compile_code
from lockstep.compiler.invariants import find_shares
from lockstep.compiler.names import NotConstructed
from lockstep.models.engines.bounds import EXACT_BITS, Interval, Matrix, to_float64
from lockstep.models.processes import REMAINDER, THRESHOLD
from lockstep.models.transformer import Layer, Transformer, Weights
from lockstep.proofs_check.refusals import NotCertified

#: A share may be less than this away from its sum. Gates that read it take it for the sum.
LARGEST_OFF = 0.25
#: Bounds are computed in float64; this factor covers their rounding errors.
MARGIN = 1 + 2.0**-40

#: No model is certified for so many bits of T * P or N: its largest sums have more.
MOST_EXTENT_BITS = 60


@dataclass(frozen=True)
class CertificateLine:
    """One condition: `found`, such as a largest sum, is at most `limit`, such as 2^p."""

    what: str
    found: float
    limit: float
    holds: bool


@dataclass(frozen=True)
class Certificate:
    """All conditions for one model and dtype. `smallest_gap` is in units of the softmax's argument."""

    dtype: str
    lines: tuple[CertificateLine, ...]
    smallest_gap: float

    @property
    def holds(self) -> bool:
        return all(line.holds for line in self.lines)

    @property
    def largest_sum(self) -> CertificateLine:
        """The sum that comes nearest to 2^p."""
        return max((line for line in self.lines if line.limit >= 2.0**24), key=lambda line: line.found)

    @property
    def worst(self) -> CertificateLine:
        """The line that fails; if none fails, the one that is nearest to its limit."""

        def nearness(line: CertificateLine) -> float:
            return line.found / line.limit if line.limit else float("inf") if line.found else 0.0

        return max(self.lines, key=lambda line: (not line.holds, nearness(line)))

    @property
    def reason(self) -> str:
        """Why it does not hold."""
        worst = self.worst
        return f"{self.dtype} is not exact here: {worst.what} = {worst.found:.3g}, of at most {worst.limit:.3g}"


def certify(model: Transformer, circuit: Circuit) -> Certificate:
    """Bound every sum of the model's forward pass, for all fields in their ranges.

    The circuit contributes the weights to compare with and the range of each residual dimension.
    """
    return _Certifier(model, circuit).certificate()


def require_certificate(compiled: Compiled) -> Certificate:
    """The certificate of a compiled model.

    Raises: NotCertified: it does not hold. The message says up to which T * P (for AP-MDM: context N) it would.
    """
    certificate = certify(compiled.model, compiled.circuit)
    if certificate.holds:
        return certificate
    message, (what, needs) = certificate.reason, compiled.widths.extent
    if certificate.dtype != "float64":
        limit, words = horizon(compiled), f"words of {compiled.widths.word} bits and pids of {compiled.widths.pid}"
        upto = f"up to {what} = 2^{limit}, and this run needs 2^{needs}" if limit else f"at no {what} with {words}"
        message += f"; it is certified {upto}: use --dtype float64"
    raise NotCertified(message)


def horizon(compiled: Compiled) -> int:
    """The most bits of T * P (for AP-MDM, of N) at which this code, word size and dtype are certified; 0 if none."""
    low, high = compiled.widths.pid + 1, MOST_EXTENT_BITS
    if not _is_certified(compiled, low):
        return 0
    while high - low > 1:  # more bits make no sum smaller
        bits = (low + high) // 2
        low, high = (bits, high) if _is_certified(compiled, bits) else (low, bits)
    return low


def _is_certified(compiled: Compiled, bits: int) -> bool:
    """Whether the model with this extent is certified. It is not where there is none: ids of tokens have too many bits."""
    try:
        other = compile_code(compiled.code, compiled.widths.widened(bits), compiled.model.dtype_name, compiled.construction)
    except NotConstructed:
        return False
    return certify(other.model, other.circuit).holds


class _Certifier:
    """Interval arithmetic over the weights, one layer at a time."""

    def __init__(self, model: Transformer, circuit: Circuit) -> None:
        self.model, self.circuit = model, circuit
        self.high = np.array([h for f in circuit.fields.values() for h in f.highs], float)
        self.low = np.zeros_like(self.high)
        for name, index in circuit.one.terms:
            self.low[circuit.offsets()[name] + index] = 1
        self.range = Interval(self.low, self.high)
        #: How far a column may be from its integer: 1/4 where it holds a share.
        self.off = np.zeros_like(self.high)
        for name, index in find_shares(circuit):
            self.off[circuit.offsets()[name] + index] = LARGEST_OFF
        self.limit = 2.0 ** EXACT_BITS[model.dtype]
        self.lines: list[CertificateLine] = []
        self.gaps: list[float] = []

    def certificate(self) -> Certificate:
        self._weights()
        for number, (layer, meaning) in enumerate(zip(self.model.layers, self.circuit.layers), 1):
            for head, lookup in enumerate(meaning.lookups):
                self._head(layer, head, lookup, f"layer {number}, head {lookup.name}")
            self._feed_forward(layer, f"layer {number}")
        self._readout()
        return Certificate(self.model.dtype_name, tuple(self.lines), min(self.gaps, default=math.inf))

    def _weights(self) -> None:
        """The weights equal the circuit's, entry for entry, so the ranges of its fields apply to them."""
        ours, its = (dict(model.tensors()) for model in (self.model, assemble(self.circuit, self.model.dtype)))
        unlike = sum(not _equal(ours.get(name), its.get(name)) for name in {**ours, **its})
        unlike += self.model.vocabulary != self.circuit.vocabulary
        self.lines.append(CertificateLine("weights: tensors unlike the circuit's", float(unlike), 0.0, unlike == 0))
        self._sum("residual stream: twice the largest value", 2 * float(self.high.max()))

    def _head(self, layer: Layer, head: int, lookup: Lookup, name: str) -> None:
        q, k, v, o = (to_float64(m[head]) for m in (layer.q, layer.k, layer.v, layer.o))
        unit = _unit(q)
        self._integers(f"{name}: K, V, O: distance from integers", k, v, o)
        gap = 2.0 * Scores.of(lookup).half if isinstance(lookup, Pool) else unit
        self._gap(f"{name}: leak, exp(-{gap:.10g})", gap)
        if isinstance(lookup, Pool):
            self._share(lookup, float(o.max()), name)
        query, key = self.range.image_under(q / unit), self.range.image_under(k)
        products = np.stack([a * b for a in (query.low, query.high) for b in (key.low, key.high)])
        score = max(np.maximum(products.max(0), 0).sum(), np.maximum(-products.min(0), 0).sum())
        self._sum(f"{name}: sums of scores", max(score, self._largest_sum(q / unit), self._largest_sum(k)))
        self._sum(f"{name}: sums of values", self._largest_sum(v))

    def _share(self, pool: Pool, gain: float, name: str) -> None:
        """What a pool brings is at most 1/4 from the sum: the rows found weigh something, O is rounded, and each sum rounds.

        With m rows there are at most 2 m + 16 roundings: m in the sum of the weights, m in the sum of the values, and 16 in
        exp, the division, the products and O.
        """
        weight, unit = math.exp(-pool.exponent), float(np.finfo(self.model.dtype).eps)
        relative = pool.most * weight + abs(gain * weight - 1) + (2 * pool.most + 16) * unit
        largest = max(self.circuit.fields[field].highs[index] for _, (field, index) in pool.reads)
        off = largest * relative * MARGIN
        self.lines.append(CertificateLine(f"{name}: share: distance from the sum", off, LARGEST_OFF, off < LARGEST_OFF))

    def _gap(self, name: str, gap: float) -> None:
        """Scores are multiples of the unit of Q, so different ones differ by at least that; exp(-gap) must be 0.

        In a pool, the rows that do not match score at least this less than the sink.
        """
        self.gaps.append(gap)
        leak = float(np.exp(self.model.dtype.type(-gap)))
        self.lines.append(CertificateLine(name, leak, 0.0, leak == 0.0))

    def _feed_forward(self, layer: Layer, name: str) -> None:
        w_in, b_in, w_out = (to_float64(m) for m in (layer.w_in, layer.b_in, layer.w_out))
        self._integers(f"{name}: W_in, b, W_out: distance from integers", w_in, b_in, w_out)
        ends, off = Interval(np.zeros_like(self.high), self.high).image_under(w_in), np.abs(w_in) @ self.off
        positive, negative = ends.high + np.maximum(b_in, 0) + off, np.maximum(-b_in, 0) - ends.low + off
        self._sum(f"{name}: sums of gates", float(np.maximum(positive, negative).max(initial=0)))
        hidden = np.maximum(self.range.image_under(w_in).high + b_in, 0)
        writes = Interval(np.zeros_like(hidden), hidden).image_under(w_out).size
        self._sum(f"{name}: sums of writes", float((writes + self.high).max()))

    def _readout(self) -> None:
        """On a ready row, the right token stays above the threshold. On a row where nothing is ready, all tokens stay below."""
        head = self.model.unembedding
        kind, one, zero = (to_float64(m) for m in (head.kind, head.one, head.zero))
        self._integers("readout: U: distance from integers", kind, one, zero)
        self._sum("readout: sums of logits", self._largest_sum(kind) + self._largest_sum(one) + self._largest_sum(zero))
        bits, kinds = self.model.vocabulary.most_bits, len(kind)
        sharpness = (
            _unit(one) if bits else _unit(kind) / 2 if kind.any() else math.inf
        )  # tokens without bits; none is ever written
        wrong = (1 + np.exp(-sharpness)) ** bits * (1 + kinds * np.exp(-2 * sharpness)) - 1
        self.lines.append(CertificateLine("readout: weight of wrong tokens", float(wrong), REMAINDER, bool(wrong < REMAINDER)))
        if self.model.control_weight is not None:
            self._sum("readout: sums of edit bits", self._largest_sum(to_float64(self.model.control_weight)) + 1)
        flat = 1 / (self.model.vocabulary.size - 1)
        self.lines.append(CertificateLine("readout: probability where nothing is ready", flat, THRESHOLD, flat < THRESHOLD))

    def _largest_sum(self, m: Matrix) -> float:
        """The largest partial sum of a row of m times a residual row, in any order of summation."""
        sums = Interval(np.zeros_like(self.high), self.high).image_under(m).size + np.abs(m) @ self.off
        return float(sums.max(initial=0))

    def _sum(self, what: str, largest: float) -> None:
        self.lines.append(CertificateLine(what, float(largest), self.limit, bool(largest * MARGIN <= self.limit)))

    def _integers(self, what: str, *matrices: Matrix) -> None:
        entries = [m[m != 0] for m in matrices]  # most are 0
        off = max(float(np.abs(m - np.rint(m)).max(initial=0)) for m in entries)
        self.lines.append(CertificateLine(what, off, 0.0, off == 0))


def _equal(ours: Weights | None, its: Weights | None) -> bool:
    """Whether two arrays have the same dtype and the same entries."""
    return ours is not None and its is not None and ours.dtype == its.dtype and np.array_equal(ours, its)


def _unit(matrix: Matrix) -> float:
    """The largest power of two (at least 2^-30) that divides every entry; 1 for a zero matrix."""
    entries = np.unique(np.abs(matrix[matrix != 0]))
    if not len(entries):
        return 1.0
    integers = np.rint(entries * 2.0**30).astype(object)
    return float(min(int(i) & -int(i) for i in integers)) * 2.0**-30
