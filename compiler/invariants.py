"""Invariants of a circuit, checked between building and assembling it.

`check_circuit` raises CircuitError unless
- the readout has a score of 1 and a score of 0 for each bit of a token.
- no lookup, gate or readout reads a bit before it is written. (A bit that nothing writes is 0: a program need not
  use every field of its circuit. `unused_fields` lists the fields that nothing reads);
- the BOS row does not ask and meets no condition, and no row finds it, so that it can be the sink. In a causal circuit it may
  ask and predict, but no row finds it, and nothing that a key has reads what may be more than 0 on it. Where positions mark it,
  the same holds for any token there, but for what rows give that find a row in any case;
- no gate is constant on rows whose fields are in range: a gate that never fires, or always fires, is a mistake;
- the recency of no key exceeds recency_max;
- a share, which a pool brings, is only copied, and read by thresholds of the form 4 share + 4 (integer) + 1.
"""

from __future__ import annotations

from collections.abc import Iterable

from lockstep.compiler.circuit import Circuit, Gate, Lookup, Pool, Ramp
from lockstep.compiler.linear import Bit, Linear


class CircuitError(Exception):
    """A circuit breaks an invariant. The message names the invariant and the place."""


def check_circuit(circuit: Circuit) -> None:
    """Check all invariants.

    Raises: CircuitError: an invariant does not hold. The message names the first one.
    """
    _check_order(circuit)
    _check_readout(circuit)
    _check_gates(circuit)
    (_check_causal_sink if circuit.causal else _check_marked_sink if circuit.marks_sink else _check_sink)(circuit)
    _check_recency(circuit)
    find_shares(circuit)


def form_range(form: Linear, circuit: Circuit) -> tuple[int, int]:
    """The least and largest value of a form, if all fields are in range and `one` is 1."""
    low = high = form.constant
    for (name, index), coefficient in form.terms.items():
        top = circuit.fields[name].highs[index]
        bottom = 1 if (name, index) in circuit.one.terms else 0
        low += coefficient * (bottom if coefficient > 0 else top)
        high += coefficient * (top if coefficient > 0 else bottom)
    return low, high


def unused_fields(circuit: Circuit) -> set[str]:
    """The names of fields that nothing reads. There are none if the code uses every instruction."""
    return set(circuit.fields) - _check_order(circuit)


def _check_order(circuit: Circuit) -> set[str]:
    """Check that nothing is read before it is written. Return the names of all fields that are read."""
    bits = {f.bit(j) for f in circuit.fields.values() for j in range(f.width)}
    pending = {bit for layer in circuit.layers for bit in layer.written}
    if unknown := pending - bits:
        raise CircuitError(f"written but not in any field: {sorted(unknown)[0]}")
    read: set[Bit] = {*circuit.sink.terms, *circuit.one.terms}  # by every head
    ready: set[Bit] = {b for b in bits if b[0] in circuit.positions or b[0] == circuit.token_bits.name}
    for number, layer in enumerate(circuit.layers, 1):
        unwritten = pending - ready
        for lookup in layer.lookups:
            _read(_forms(lookup), unwritten, read, f"lookup {lookup.name!r} of layer {number}")
        ready |= {bit for lookup in layer.lookups for _, bit in lookup.reads}
        _read([gate.form for gate in layer.gates], pending - ready, read, f"a gate of layer {number}")
        ready |= {bit for gate in layer.gates for bit in gate.writes}
    readout = circuit.readout
    control = circuit.control.forms if circuit.control else ()
    _read([*readout.kinds.values(), *readout.ones, *readout.zeros, *control], set(), read, "the readout")
    return {name for name, _ in read}


def _check_readout(circuit: Circuit) -> None:
    """The readout has a score of 1 and a score of 0 for each bit of a token, and a score for each kind that it names."""
    readout, bits = circuit.readout, circuit.vocabulary.most_bits
    for name, forms in (("1", readout.ones), ("0", readout.zeros)):
        if len(forms) != bits:
            raise CircuitError(f"the readout has {len(forms)} scores of {name}, and tokens have {bits} bits")
    if unknown := readout.kinds.keys() - {name for name, _ in circuit.vocabulary.kinds}:
        raise CircuitError(f"the readout scores {sorted(unknown)[0]}, which is no kind of token")


def _forms(lookup: Lookup) -> list[Linear]:
    matches = [form for m in lookup.matches for form in (m.query, m.key, m.care)]
    return [lookup.asks, lookup.recency, *lookup.conditions, *matches, *(form for form, _ in lookup.reads)]


def _read(forms: Iterable[Linear], unwritten: set[Bit], read: set[Bit], reader: str) -> None:
    """Add the bits that forms read to `read`."""
    for form in forms:
        for bit in form.terms:
            if bit in unwritten:
                raise CircuitError(f"{reader} reads {bit[0]}[{bit[1]}] before it is written")
        read.update(form.terms)


def _check_sink(circuit: Circuit) -> None:
    """Compute the BOS row layer by layer. It reads nothing, so its fields are those of its token and `one`."""
    row: dict[Bit, int] = {circuit.kind_flags["BOS"].bit(): 1, next(iter(circuit.one.terms)): 1}

    def value(form: Linear) -> int:
        return form.constant + sum(c * row.get(bit, 0) for bit, c in form.terms.items())

    for number, layer in enumerate(circuit.layers, 1):
        for lookup in layer.lookups:
            where = f"lookup {lookup.name!r} of layer {number}"
            if value(lookup.asks) != 0:
                raise CircuitError(f"{where}: the BOS row asks")
            if not lookup.conditions or any(value(condition) != 0 for condition in lookup.conditions):
                raise CircuitError(f"{where}: the BOS row meets a condition, or the lookup has none")
            if any(value(form) != form.constant for form, _ in lookup.reads) or value(lookup.recency) != 0:
                raise CircuitError(f"{where}: the BOS row has a value or a recency")
        for gate in layer.gates:
            if value(gate.form) >= _fires(gate):
                raise CircuitError(f"a gate of layer {number} fires on the BOS row")


def _check_marked_sink(circuit: Circuit) -> None:
    """Compute what may be more than 0 on a BOS row that positions mark, so that its token may be any.

    A head may give what the token says if nobody reads it there: each row asks for what it is itself, so that it finds a row.
    """
    fixed = {*circuit.sink.terms, *circuit.one.terms}
    fields = [circuit.token_bits, *circuit.kind_flags.values()]
    may = fixed | {f.bit(j) for f in fields for j in range(f.width)}
    for number, layer in enumerate(circuit.layers, 1):
        given = []
        for lookup in layer.lookups:
            where = f"lookup {lookup.name!r} of layer {number}"
            if _most_on(lookup.asks, fixed, may, circuit) > 0:
                raise CircuitError(f"{where}: the BOS row asks")
            if not lookup.conditions or any(_most_on(form, fixed, may, circuit) > 0 for form in lookup.conditions):
                raise CircuitError(f"{where}: the BOS row meets a condition, or the lookup has none")
            gives = [bit for form, bit in lookup.reads if may & form.terms.keys()]
            if lookup.recency.terms.keys() & may or (gives and not all(m.query == m.key for m in lookup.matches)):
                raise CircuitError(f"{where}: the BOS row has a value or a recency")
            given += gives
        may |= {*given}
        if any(_most_on(gate.form, fixed, may, circuit) >= _fires(gate) for gate in layer.gates):
            raise CircuitError(f"a gate of layer {number} fires on the BOS row")


def _check_causal_sink(circuit: Circuit) -> None:
    """Compute what may be more than 0 on the BOS row, layer by layer. It finds no row, so it reads 0.

    Only queries may read these bits: all that makes a row a key, and all that it gives, are 0 on BOS.
    """
    fixed = {circuit.kind_flags["BOS"].bit(), *circuit.one.terms}
    may = fixed | {circuit.fields[name].bit(j) for name in circuit.asking for j in range(circuit.fields[name].width)}
    for number, layer in enumerate(circuit.layers, 1):
        for lookup in layer.lookups:
            where = f"lookup {lookup.name!r} of layer {number}"
            given = [form for form, _ in lookup.reads] + [form for m in lookup.matches for form in (m.key, m.care)]
            if not lookup.conditions or any(form.constant for form in (*lookup.conditions, lookup.recency)):
                raise CircuitError(f"{where}: the BOS row meets a condition, or the lookup has none")
            if any(may & form.terms.keys() for form in (*given, *lookup.conditions, lookup.recency)):
                raise CircuitError(f"{where}: the BOS row has a key, a value or a recency")
        may |= {bit for gate in layer.gates if _most_on(gate.form, fixed, may, circuit) >= _fires(gate) for bit in gate.writes}


def _most_on(form: Linear, fixed: set[Bit], may: set[Bit], circuit: Circuit) -> int:
    """The largest value of a form on a row where the bits `fixed` are 1 and no others than `may` are more than 0."""
    highs = ((bit, c, 1 if bit in fixed else circuit.fields[bit[0]].highs[bit[1]]) for bit, c in form.terms.items())
    return form.constant + sum(c * high for bit, c, high in highs if bit in fixed or (bit in may and c > 0))


def _fires(gate: Gate) -> int:
    """The least value of its form at which a gate writes something."""
    return 1 if isinstance(gate, Ramp) else 0


def _check_gates(circuit: Circuit) -> None:
    for number, layer in enumerate(circuit.layers, 1):
        for gate in layer.gates:
            low, high = form_range(gate.form, circuit)
            if not gate.writes:
                raise CircuitError(f"a gate of layer {number} writes nothing")
            if not low < 0 <= high:
                raise CircuitError(
                    f"a gate of layer {number} is constant: its form is in {low} .. {high}, writes {dict(gate.writes)}"
                )


def _check_recency(circuit: Circuit) -> None:
    for layer in circuit.layers:
        for lookup in layer.lookups:
            low, high = form_range(lookup.recency, circuit)
            if low < 0 or high > lookup.recency_max:
                raise CircuitError(f"lookup {lookup.name!r}: recency {low} .. {high} exceeds {lookup.recency_max}")


def find_shares(circuit: Circuit) -> set[Bit]:
    """Return the bits that hold shares: those that pools write, and those to which lookups copy them.

    Raises: CircuitError: something reads a share in another way.
    """
    shares: set[Bit] = set()
    for number, layer in enumerate(circuit.layers, 1):
        for lookup in layer.lookups:
            where = f"lookup {lookup.name!r} of layer {number}"
            _reads_no_share(shares, [lookup.asks, lookup.recency, *lookup.conditions], where)
            _reads_no_share(shares, [form for m in lookup.matches for form in (m.query, m.key, m.care)], where)
            if isinstance(lookup, Pool):
                _reads_no_share(shares, [form for form, _ in lookup.reads], where)
        copied = [
            bit for lookup in layer.lookups for form, bit in lookup.reads if isinstance(lookup, Pool) or _copies(form, shares)
        ]
        shares |= {*copied}
        for gate in layer.gates:
            if shares & gate.form.terms.keys() and not _takes_a_share(gate, shares):
                raise CircuitError(f"a gate of layer {number} reads a share, but is not of the form 4 share + 4 (integer) + 1")
    readout, control = circuit.readout, circuit.control.forms if circuit.control else ()
    _reads_no_share(shares, [*readout.kinds.values(), *readout.ones, *readout.zeros, *control], "the readout")
    return shares


def _copies(form: Linear, shares: set[Bit]) -> bool:
    """Whether a read copies a share, besides integers."""
    return [form.terms[bit] for bit in form.terms if bit in shares] == [1]


def _takes_a_share(gate: Gate, shares: set[Bit]) -> bool:
    """Whether a gate is [4 share + 4 (integer) + 1 >= 0]: it is the same for every number within 1/4 of an integer."""
    factors = [factor for bit, factor in gate.form.terms.items() if bit in shares]
    fours = all(factor % 4 == 0 for factor in gate.form.terms.values())
    return not isinstance(gate, Ramp) and factors == [4] and fours and gate.form.constant % 4 == 1


def _reads_no_share(shares: set[Bit], forms: Iterable[Linear], where: str) -> None:
    for form in forms:
        if shared := shares & form.terms.keys():
            raise CircuitError(f"{where} reads the share {sorted(shared)[0][0]}")
