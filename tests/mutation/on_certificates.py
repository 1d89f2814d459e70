"""Checks of the certificate: it refuses what is planted, and its bounds are added up once more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kit.small import counted_cell, hot_cell, small_job
from numpy.typing import NDArray

from lockstep.compiler import blocks, mdm, processor
from lockstep.compiler.assemble import assemble
from lockstep.compiler.circuit import Circuit, Ramp
from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_code, compile_job
from lockstep.compiler.processor import Code
from lockstep.models.transformer import LAYER_PARTS, Factored, Transformer
from lockstep.proofs_check.certificate import certify, require_certificate
from lockstep.proofs_check.refusals import NotCertified
from mutation.circuits import weight
from mutation.planting import Attribute
from mutation.table import Check

NOT_ITS_OWN = "weights: tensors unlike the circuit's"


def failing(model: Transformer, compiled: Compiled) -> list[str]:
    return [line.what for line in certify(model, compiled.circuit).lines if not line.holds]


def certificate_finds() -> None:
    """Weights that are not the circuit's, in every matrix; weights that are no integers; gaps and sums that are too small or large."""
    compiled = compile_job(hot_cell(), 9)
    for layer in (1, 2, 3):
        for part in LAYER_PARTS:
            if not len(getattr(compiled.model.layers[layer - 1], part).nonzero()):
                continue
            model = weight(layer, part, becomes="one more").tamper(compiled.model, compiled.circuit)
            assert NOT_ITS_OWN in failing(model, compiled), f"layer {layer}, {part}: a weight is one more"
    for part in ("embedding.kind", "embedding.one", "unembedding.kind", "unembedding.one", "unembedding.zero"):
        model = weight(0, part).tamper(compiled.model, compiled.circuit)
        assert NOT_ITS_OWN in failing(model, compiled), f"{part}: a weight is negated"
    _no_integers(compiled)
    layers = tuple(replace(x, q=x.q / 512) for x in compiled.model.layers)
    gaps = [what for what in failing(replace(compiled.model, layers=layers), compiled) if what.endswith(": leak, exp(-2)")]
    heads = sum(len(x.lookups) for x in compiled.circuit.layers)
    assert len(gaps) == heads, f"{len(gaps)} of {heads} heads that leak"
    with Attribute(processor, "SHARPNESS", 2, "").planted():
        flat = compile_job(hot_cell(), 9)
    assert failing(flat.model, flat) == ["readout: weight of wrong tokens"], f"{failing(flat.model, flat)}"
    _beyond_the_horizon()


def _no_integers(compiled: Compiled) -> None:
    """Halves that the circuit itself asks for, so that the weights are those that it assembles to."""
    for what, change in (
        ("W_in, b, W_out: distance from integers", lambda c: c.layers[0].gates.append(Ramp(c.fields["x"][0] * 0.5, {("out", 0): 1}))),  # type: ignore[arg-type]
        ("K, V, O: distance from integers", lambda c: c.layers[1].lookups.append(
            replace(c.layers[1].lookups[0], name="half", reads=((c.fields["token.bits"][0] * 0.5, ("out", 0)),)))),  # type: ignore[arg-type]
    ):  # fmt: skip
        circuit = mdm.build(compiled.code, compiled.widths)  # type: ignore[arg-type]
        change(circuit)
        found = failing(assemble(circuit), replace(compiled, circuit=circuit))
        assert found and all(line.endswith(what) for line in found), f"{found}, not {what}"


def _beyond_the_horizon() -> None:
    """float32 sums: refused one bit beyond the horizon, in words that say so; 24-bit words at once."""
    wide = compile_code(Code.of(hot_cell()), blocks.Widths(4, 19, 2), "float32")
    _refused(wide, "up to T * P = 2^20, and this run needs 2^21: use --dtype float64")
    require_certificate(compile_code(Code.of(hot_cell()), blocks.Widths(4, 18, 2), "float32"))
    _refused(
        compile_code(Code.of(small_job()), blocks.Widths(24, 4, 2), "float32"), "at no T * P with words of 24 bits and pids of 2"
    )


def _refused(compiled: Compiled, says: str) -> None:
    try:
        require_certificate(compiled)
    except NotCertified as error:
        assert says in str(error), f"{error}, not {says}"
        return
    raise AssertionError(f"certified: {compiled.widths}")


def certified_sums() -> None:
    """Bounds of hidden units and of what they write, added up once more in plain integers from the circuit."""
    for construction in CONSTRUCTIONS:
        compiled = compile_job(counted_cell(), 9, construction=construction)
        circuit, lines = compiled.circuit, certify(compiled.model, compiled.circuit).lines
        measured = {line.what: line.found for line in lines}
        high = {f.bit(j): f.highs[j] for f in circuit.fields.values() for j in range(f.width)}
        for number, layer in enumerate(circuit.layers, 1):
            units = [
                (g.form, o, s, g.writes)
                for g in layer.gates
                for o, s in (((0, 1),) if isinstance(g, Ramp) else ((1, 1), (0, -1)))
            ]
            wanted = max(max(_above(form, o, high), _below(form, o, high)) for form, o, _, _ in units)
            assert measured[f"layer {number}: sums of gates"] == wanted, (
                f"layer {number}: gates {measured[f'layer {number}: sums of gates']}, not {wanted}"
            )
            most = max(_written(bit, units, high, circuit.one.terms) for bit in high)
            assert measured[f"layer {number}: sums of writes"] == most, (
                f"layer {number}: writes {measured[f'layer {number}: sums of writes']}, not {most}"
            )

        _matrices(compiled.model, circuit)
        turned = tuple(replace(x, v=-x.v) for x in compiled.model.layers)
        head = Factored(*(-part for part in vars(compiled.model.unembedding).values()))
        _matrices(replace(compiled.model, layers=turned, unembedding=head), circuit)


def _matrices(model: Transformer, circuit: Circuit) -> None:
    """Values of heads, logits and edit bits: the largest row of each matrix, by loops over its entries."""
    measured = {line.what: line.found for line in certify(model, circuit).lines}
    high = [h for f in circuit.fields.values() for h in f.highs]

    def most(matrix: NDArray[Any]) -> float:
        rows = [[w * h for w, h in zip(row, high)] for row in matrix.tolist()]
        return max(max(sum(x for x in row if x > 0), -sum(x for x in row if x < 0)) for row in rows)

    head = model.unembedding
    wanted = {"readout: sums of logits": most(head.kind) + most(head.one) + most(head.zero)}
    if model.control_weight is not None:
        wanted["readout: sums of edit bits"] = most(model.control_weight) + 1
    for number, (layer, meaning) in enumerate(zip(model.layers, circuit.layers), 1):
        for i, lookup in enumerate(meaning.lookups):
            wanted[f"layer {number}, head {lookup.name}: sums of values"] = most(layer.v[i])
    for what, value in wanted.items():
        assert measured[what] == value, f"{what} {measured[what]}, not {value}"


def _above(form: object, offset: int, high: dict[tuple[str, int], int]) -> int:
    return sum(c * high[b] for b, c in form.terms.items() if c > 0) + max(form.constant + offset, 0)  # type: ignore[attr-defined]


def _below(form: object, offset: int, high: dict[tuple[str, int], int]) -> int:
    return sum(-c * high[b] for b, c in form.terms.items() if c < 0) + max(-form.constant - offset, 0)  # type: ignore[attr-defined]


def _written(bit: tuple[str, int], units: list[object], high: dict[tuple[str, int], int], one: object) -> int:
    """The most that partial sums at a bit reach: all that adds, or all that takes, with what the bit holds."""
    up = down = 0
    for form, offset, sign, writes in units:  # type: ignore[misc]
        if bit not in writes:
            continue
        least = sum(c * (high[b] if c > 0 else -(-1 if b in one else 0)) for b, c in form.terms.items() if c > 0 or b in one)  # type: ignore[operator, attr-defined]
        most = max(0, least + form.constant + offset)  # type: ignore[attr-defined]
        if sign * writes[bit] > 0:
            up += sign * writes[bit] * most
        else:
            down -= sign * writes[bit] * most
    return max(up, down) + high[bit]


CHECKS = (
    Check(
        "certificate finds",
        "planted faults in every matrix, halves, leaks, flat logits, float32 beyond its horizon",
        certificate_finds,
    ),
    Check(
        "certified sums", "the certificate's bounds of hidden units, writes, values and logits, in plain integers", certified_sums
    ),
)
