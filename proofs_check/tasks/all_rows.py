"""Proves on the weights of a task's model that each row does what the rules say, in all cases that a row can be in.

`lockstep.proofs_check.tasks.rules` has the language of the rules. They share no code with the circuit; names of fields say which column
is meant. What is compared comes from the matrices and the position encodings, which are integers. For each layer:

- *heads*: for each pair of positions, and all that may stand in the two rows as far as the head or the rule looks at it, the score less
  that of BOS is at least 1 where the rule lets the one row find the other, and at most -1 elsewhere. It rises with the order of the rule,
  by 1 at least, and no two positions that a row may find have one order. Q has a factor of 1,024, and exp(-1,024) is 0. So exactly the
  row that the rule means is read; if there is none, it is BOS, which gives nothing. As this holds for pairs, it holds for all sequences
  of such rows, of any length up to the longest;
- *what is read* is what the rule says, for all that may stand in the row that is found;
- *gates*: what each column gets is what the rule says, for every combination of position, token and values in the fields that the gates
  read. A gate reads few of them, so all combinations are gone through;
- every column is written once, by what is compared here, and read only after that; BOS stays as it is.

Then the edit bits and the head of the output are compared with the fields in which rows say what they do. The certificate says that
the arithmetic is exact. So by induction over the layers each row of each sequence does what the rules say. What a row has besides its
token and its position comes from one found row of each head; cases in which it does not, or which a `Fact` excludes, are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lockstep.compiler.circuit import Circuit
from lockstep.compiler.linear import Bit
from lockstep.models.drawing import Logits, odds
from lockstep.models.positions import Positions
from lockstep.models.processes import THRESHOLD
from lockstep.models.transformer import Transformer
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.proofs.structure import WrongStructure, check_control, check_embedding
from lockstep.proofs_check.proofs.weights import Exact, Gates, Network, NotReadable, ProofLayer, read_weights
from lockstep.proofs_check.tasks.cases import AllCases, Cases, Needed, RowDiffers, bit_of, flags, numbers
from lockstep.proofs_check.tasks.implied import Implied
from lockstep.proofs_check.tasks.rules import Finds, Flags, Ints, Layer, Rules, Says, Sole

#: Pairs of cases that are compared together.
PAIRS = 1 << 21
BOS = ("token.BOS", 0)


@dataclass(frozen=True)
class Proved:
    """What was compared: heads, columns that gates write, pairs of cases of two rows, and cases of one row."""

    heads: int
    columns: int
    pairs: int
    cases: int


def prove_rows(model: Transformer, circuit: Circuit, positions: Positions, rules: Rules,
               progress: Callable[[int, int], None] = lambda done, total: None) -> Proved:  # fmt: skip
    """Prove that each row of a task's model does what the rules say.

    Args:   circuit: names the columns, and says which values they may have.
    Raises: RowDiffers: it does not, in a case that the message names.
    """
    certificate = certify(model, circuit)
    if not certificate.holds:
        raise RowDiffers(certificate.reason)
    return prove_weights(model, circuit, positions, rules, progress)


def prove_weights(model: Transformer, circuit: Circuit, positions: Positions, rules: Rules,
                  progress: Callable[[int, int], None] = lambda done, total: None) -> Proved:  # fmt: skip
    """As `prove_rows`, without the certificate: that the arithmetic of the weights is exact is taken for granted."""
    if model.vocabulary.kinds != rules.tokens:
        raise RowDiffers(f"tokens are {model.vocabulary.kinds}, not {rules.tokens}")
    try:
        network = read_weights(model, circuit)
        check_embedding(network)
        check_control(network)
    except (NotReadable, WrongStructure) as error:
        raise RowDiffers(str(error)) from None
    return _Prover(network, positions, rules, progress).proved()


class _Prover:
    """Goes through a model layer by layer."""

    def __init__(self, network: Network, positions: Positions, rules: Rules, progress: Callable[[int, int], None]) -> None:
        self.network, self.rules, self.progress = network, rules, progress
        if missing := rules.written - network.columns.keys():
            raise RowDiffers(f"there is no {sorted(missing)[0][0]}")
        encodings = np.asarray(positions.dense(), np.float64)
        self.cases = AllCases(network, rules, encodings)
        self.bos = encodings[0].copy()
        self.bos[network.columns[BOS]] += 1
        self.pairs = self.heads = self.columns = self.done = 0
        self.ready: frozenset[Bit] = frozenset()
        self.written: set[Bit] = {*self.cases.of_positions, *self.cases.of_tokens}
        self.total = sum(len(layer.finds) + len(layer.says) for layer in rules.layers)
        self._check_encodings(encodings)

    def proved(self) -> Proved:
        if len(self.network.layers) != len(self.rules.layers):
            raise RowDiffers(f"there are {len(self.network.layers)} layers, not {len(self.rules.layers)}")
        for number, (layer, meant) in enumerate(zip(self.network.layers, self.rules.layers), 1):
            self._layer(f"layer {number}", layer, meant)
        implied = Implied(self.cases)
        implied.check_facts()
        implied.check_settled()
        self._check_output()
        return Proved(self.heads, self.columns, self.pairs, self.cases.count)

    def _check_encodings(self, encodings: Exact) -> None:
        """Position encodings write their own columns alone, and 1 in `one`; those of BOS nothing else."""
        others = [n for n, bit in enumerate(self.network.names) if bit not in self.cases.of_positions]
        one = self.network.columns["one", 0]
        if len(encodings) != self.rules.length or encodings[:, others].any() or (encodings[:, one] != 1).any():
            raise RowDiffers("position encodings have another length, write other columns, or a row has no `one`")
        if (encodings < 0).any() or (encodings > self.network.highs).any():
            raise RowDiffers("position encodings are out of range")
        covered = np.zeros(len(encodings), int)
        covered[0] = 1
        for role in self.rules.roles.values():
            covered[role.rows] += 1
        if (covered != 1).any():
            raise RowDiffers(f"position {int(np.argmax(covered != 1))} has no role, or several")

    def _layer(self, where: str, layer: ProofLayer, meant: Layer) -> None:
        if set(layer.scores) != set(meant.finds):
            raise RowDiffers(f"{where}: heads are {sorted(layer.scores)}, not {sorted(meant.finds)}")
        gates = {self.network.names[c] for c in np.flatnonzero(layer.gates.w_out.any(axis=1))}
        if gates != set(meant.says):
            raise RowDiffers(f"{where}: gates write {sorted(gates ^ set(meant.says))[0]}, or do not, as the rules say")
        self.ready = frozenset(self.written)
        for name, finds in meant.finds.items():
            self._head(f"{where}, head {name}", layer.scores[name], layer.copies[name], finds)
            self._told()
        self.ready = frozenset(self.written)
        for bit, says in meant.says.items():
            self._write(bit)
            self._gates(f"{where}, gates of {bit[0]}[{bit[1]}]", layer.gates, bit, says)
            self._told()

    def _told(self) -> None:
        self.done += 1
        self.progress(self.done, self.total)

    def _read(self, where: str, needed: Needed) -> Needed:
        """What matters, if all of it has been written by now: cases are those of columns that have."""
        if early := needed.bits - self.ready:
            raise RowDiffers(f"{where}: {sorted(early)[0][0]} is read before it is written")
        return needed

    def _write(self, bit: Bit) -> None:
        if bit in self.written:
            raise RowDiffers(f"{bit[0]}[{bit[1]}] is written twice")
        self.written.add(bit)

    # -- heads ---------------------------------------------------------------------------------

    def _head(self, where: str, scores: Exact, copies: Exact, finds: Finds) -> None:
        read = self.cases.read
        queries, asked = self.cases.columns_of(scores.any(axis=1))
        keys, held = self.cases.columns_of(scores.any(axis=0))
        asked |= read(finds.asks) | read(finds.meets, 2)
        held |= read(finds.meets, 2, which=1) | read(finds.order)
        if isinstance(finds.alone, Sole):
            held |= self._of_sole(where, finds.alone)
        found = [*self.cases.all(self._read(where, held), by_position=True)]
        bilinear = scores[np.ix_(queries, keys)]
        sink = bilinear @ self.bos[keys]
        alone = self.bos[queries] @ bilinear
        orders: dict[int, float] = {}
        for rows in self.cases.all(self._read(where, asked)):
            self._compare(where, rows, rows.columns(self.network, queries), found, keys, bilinear, sink, finds, orders)
        for those in found:
            if (those.columns(self.network, keys) @ alone - self.bos[queries] @ sink > -1).any():
                raise RowDiffers(f"{where}: BOS finds a row")
        led = [orders[order] for order in sorted(orders)]
        if any(after - before < 1 for before, after in pairwise(led)):
            raise RowDiffers(f"{where}: a row of a greater order has no greater score")
        self._reads(where, copies, finds)
        self.heads += 1

    def _of_sole(self, where: str, sole: Sole) -> Needed:
        """What tells rows apart that tie. What they find of it depends on their place alone."""
        head = self.rules.head_of(sole.field)
        if self.cases.read(head.meets, 2) != Needed(places=frozenset({sole.place})):
            raise RowDiffers(f"{where}: {sole.field} is not the same for each {sole.place}")
        return Needed(frozenset({(sole.field, 0)}), frozenset({sole.place})) | self.cases.read(head.asks)

    def _compare(self, where: str, asking: Cases, x: Exact, found: list[Cases], keys: list[int], bilinear: Exact, sink: Exact,
                 finds: Finds, orders: dict[int, float]) -> None:  # fmt: skip
        """The scores of rows that ask, for all rows that may be there."""
        q, silent = asking.rows(self.cases.widths, (-1, 1)), x @ sink
        asks = flags(finds.asks(q), (asking.count, 1))
        seen: list[Ints] = []
        for those in found:
            y = those.columns(self.network, keys).T
            step = max(1, PAIRS // max(1, asking.count))
            for at in range(0, those.count, step):
                part = slice(at, at + step)
                some = Cases({b: v[part] for b, v in those.values.items()}, {p: v[part] for p, v in those.places.items()},
                             min(step, those.count - at))  # fmt: skip
                k = some.rows(self.cases.widths, (1, -1))
                shape = asking.count, some.count
                meets = asks & flags(finds.meets(q, k), shape)
                leads = x @ bilinear @ y[:, part] - silent[:, None]
                if (wrong := np.where(meets, leads < 1, leads > -1)).any():
                    i, j = np.argwhere(wrong)[0].tolist()
                    raise RowDiffers(
                        f"{where}: it should{'' if meets[i, j] else ' not'} find a row, and the score is {leads[i, j]:g} beside that of"
                        f" BOS; asking: {asking.text(i)}; the other: {some.text(j)}"
                    )
                self.pairs += meets.size
                if meets.any():
                    seen.append(self._ordered(where, meets, leads, numbers(finds.order(k), shape), some, orders))
                    if isinstance(finds.alone, Sole):
                        seen[-1] = self._told_apart(where, finds.alone, meets, numbers(finds.order(k), shape), some)
        if seen and not isinstance(finds.alone, str):
            self._apart(where, np.concatenate(seen)[:, [0, 1, 3]])
            self._apart(where, np.concatenate(seen)[:, [0, 1, 4, 2]])
        elif seen and not finds.alone:
            self._apart(where, np.concatenate(seen))

    def _ordered(self, where: str, meets: Flags, leads: Exact, order: Ints, found: Cases, orders: dict[int, float]) -> Ints:
        """Keep the score of each order, which is one. Returns: the rows that ask, orders and positions of what meets, [n, 3]."""
        rows, columns = np.nonzero(meets)
        ordered, led = order[rows, columns], leads[rows, columns]
        for each, score in np.unique(np.stack([ordered, led], axis=1), axis=0).tolist():
            if orders.setdefault(int(each), score) != score:
                raise RowDiffers(f"{where}: rows of order {each:g} have scores {orders[int(each)]:g} and {score:g}")
        return np.unique(np.stack([rows, ordered, found.places["number"][columns]], axis=1), axis=0)

    def _told_apart(self, where: str, sole: Sole, meets: Flags, order: Ints, found: Cases) -> Ints:
        """As `_ordered`; also the place of each row that meets, and what it finds: all such rows look."""
        looks = flags(self.rules.head_of(sole.field).asks(found.rows(self.cases.widths)), (found.count,))
        if (meets & ~looks).any():
            raise RowDiffers(f"{where}: a row that may be found has no {sole.field}")
        rows, columns = np.nonzero(meets)
        last = found.places["number"], found.places[sole.place], found.values[sole.field, 0]
        return np.unique(np.stack([rows, order[rows, columns], *(each[columns] for each in last)], axis=1), axis=0)

    def _apart(self, where: str, seen: Ints) -> None:
        """No two positions that a row may find have one order: the last column is one for all that has the same before it."""
        each, counts = np.unique(np.unique(seen, axis=0)[:, :-1], axis=0, return_counts=True)
        if (counts > 1).any():
            raise RowDiffers(f"{where}: two positions may be found, and both have order {each[np.argmax(counts > 1), 1]}")

    def _reads(self, where: str, copies: Exact, finds: Finds) -> None:
        """What is read is what the rule gives. copies: O V, [d, d]."""
        targets = [(field, j) for field in finds.gives for j in range(self.cases.widths.get(field, 0))]
        extra = {self.network.names[c] for c in np.flatnonzero(copies.any(axis=1))} - set(targets)
        if extra or len({field for field, _ in targets}) < len(finds.gives):
            raise RowDiffers(f"{where}: it writes {sorted(extra)[:1] or sorted(finds.gives)}")
        for field, j in targets:
            row, gives = copies[self.network.columns[field, j]], finds.gives[field]
            self._write((field, j))
            if row @ self.bos:
                raise RowDiffers(f"{where}: BOS gives {field}")
            word = self.cases.widths[field] > 1
            self._same(where, row, lambda some, gives=gives, j=j, word=word: bit_of(gives(some), j, word), (field, j))  # type: ignore[misc]
        self.cases.given |= dict.fromkeys(targets, finds)

    # -- gates ---------------------------------------------------------------------------------

    def _same(self, where: str, row: Exact, says: Says, bit: Bit) -> None:
        """A linear form of what a row has, [d], is what the rule says, in all cases."""
        columns, needed = self.cases.columns_of(row != 0)
        for cases in self.cases.all(self._read(where, needed | self.cases.read(says))):
            self._equal(where, cases, cases.columns(self.network, columns) @ row[columns], says, bit)

    def _gates(self, where: str, gates: Gates, bit: Bit, says: Says) -> None:
        units = np.flatnonzero(gates.w_out[self.network.columns[bit]])
        inward, bias, outward = gates.w_in[units], gates.bias[units], gates.w_out[self.network.columns[bit], units]
        if np.maximum(inward @ self.bos + bias, 0) @ outward:
            raise RowDiffers(f"{where}: BOS gets something")
        columns, needed = self.cases.columns_of(inward.any(axis=0))
        for cases in self.cases.all(self._read(where, needed | self.cases.read(says))):
            hidden = np.maximum(cases.columns(self.network, columns) @ inward[:, columns].T + bias, 0)
            self._equal(where, cases, hidden @ outward, says, bit)
        self.columns += 1

    def _equal(self, where: str, cases: Cases, found: Exact, says: Says, bit: Bit) -> None:
        wanted = numbers(says(cases.rows(self.cases.widths)), (cases.count,))
        high = self.network.highs[self.network.columns[bit]]
        wrong = (found != wanted) | (wanted < 0) | (wanted > high)
        if wrong.any():
            at = int(np.argmax(wrong))
            raise RowDiffers(f"{where}: {found[at]:g}, not {wanted[at]}, of 0 .. {high:g}; the row: {cases.text(at)}")

    # -- the output ----------------------------------------------------------------------------

    def _check_output(self) -> None:
        """A row that takes a kind takes the token of this kind with the bits of `out`, whatever they are, with certainty."""
        takes = {
            name.removeprefix("take."): columns[0] for name, columns in self.network.fields.items() if name.startswith("take.")
        }
        out, (kinds, ones, zeros) = self.network.fields.get("out", ()), self.network.unembedding
        extra = np.flatnonzero(np.concatenate([kinds, ones, zeros]).any(axis=0))
        if not {*extra.tolist()} <= {*takes.values(), *out}:
            raise RowDiffers("the output reads other fields than those of what rows take")
        values = np.arange(1 << len(out))
        for kind, column in takes.items():
            x = np.zeros((len(values), len(self.network.names)))
            x[:, column] = 1
            for j, each in enumerate(out):
                x[:, each] = values >> j & 1
            chance, one = odds(Logits(x @ kinds.T, x @ ones.T, x @ zeros.T), self.network.vocabulary)
            bits = self.network.vocabulary.bits(kind)
            right = np.where((values[:, None] >> np.arange(bits)) & 1, one[:, :bits], 1 - one[:, :bits])
            number = [name for name, _ in self.network.vocabulary.kinds].index(kind)
            if (chance[:, number] * right.prod(axis=1) < THRESHOLD).any():
                raise RowDiffers(f"the output: a row that takes {kind} takes another token")
