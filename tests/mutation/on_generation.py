"""Checks of transitions, samplers, the decoding loop, engines, and of what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from kit.adding_models import (
    FAR,
    MANY,
    NEARLY,
    OUT,
    adding_model,
    begun,
    careless,
    changing_words,
    long_numbers,
    twice,
    unclear_edits,
)
from kit.decoding import ENCODERS, TOGETHER, predicted, remembered, same_tokens, starts_of, sums, whole_job
from kit.jobs import sums_of
from kit.made_models import (
    BROKEN,
    finding_model,
    gives_up,
    leaking_model,
    lookup_model,
    nearby_model,
    negative_model,
    returning_model,
    settle,
    tampered,
    vanishing_model,
    wide_model,
)
from kit.random_models import chain_model, endless_model, made, random_model
from kit.rounding import farthest
from kit.small import apart, counted_cell, counting, hot_cell, small_job
from numpy.typing import NDArray
from oracles.numpy_decoder import transition

from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.models import batch
from lockstep.models.batch import SequenceFailed, decode_batch
from lockstep.models.decode import Decoder, decode
from lockstep.models.editing import NotFinished, OutOfPositions
from lockstep.models.engines import Unsuitable, distances, indexed
from lockstep.models.engines.plan import plan
from lockstep.models.engines.shares import Share
from lockstep.models.orders import ORDERS, NoPermutation, selector
from lockstep.models.positions import Positions
from lockstep.models.processes import PROCESSES, Edits
from lockstep.models.sampling import Sampling
from lockstep.models.tokens import Vocabulary
from lockstep.models.torch_transformer import TorchTransformer
from lockstep.models.transformer import Prediction, Transformer
from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.proofs_check.decoding import DecodeOptions, decode_job
from mutation.on_models import REFUSALS
from mutation.planting import Attribute
from mutation.table import Check

MASKED, WORD, BEST = 9, 3, 7
#: Each decode of the reference is made once, before the first mutant is planted.
beside_the_reference = partial(same_tokens, reference=remembered)


def transition_table() -> None:
    """Every sequence of three positions, each masked or not, with every choice of control bits: against plain NumPy."""
    bits = list(product((False, True), repeat=3))
    for tokens in product((WORD, MASKED), repeat=3):
        for control in product(bits, repeat=3):
            wanted = transition(np.array(tokens), np.array([BEST] * 3), np.array(control), MASKED).tolist()
            prediction = Prediction(np.array([BEST] * 3), np.ones(3), np.array(control))
            found = PROCESSES["ap-mdm"].step(np.array(tokens), prediction, MASKED, lambda ready: ready).tolist()
            assert found == wanted, f"{tokens} with remask, insert, delete {control}: {found}, not {wanted}"


def sampler() -> None:
    """Masked positions that are likely enough, and no others."""
    tokens, probability = np.array([0, 1, 1, 1, 1]), [1.0, 0.9, 0.8999, 1.0, 0.5]
    after = PROCESSES["mdm"].step(tokens, made([4, 5, 6, 7, 8], probability), 1, lambda ready: ready).tolist()
    assert after == [0, 5, 1, 7, 1], f"{after}"


def orders() -> None:
    """How many ready positions each order edits; which one a fixed order edits; which orders synchronous updates take."""
    sizes = {name: {1} for name in ORDERS} | {"parallel": {4}, "random-subsets": {1, 2, 3, 4}}
    for name in ORDERS:
        found = [chosen(Sampling(name, seed)) for seed in range(60)]
        assert {len(rows) for rows in found} == sizes[name], f"{name} chooses {sorted(map(len, found))}"
        assert all(set(rows) <= set(READY) for rows in found), name
    wanted = {"left-to-right": [3], "right-to-left": [9], "most-confident": [8]}
    assert {name: chosen(Sampling(name)) for name in wanted} == wanted, "another position is chosen"
    assert chosen(Sampling("permutation", permutation=(9, 3, 5, 8))) == [9], "another position is chosen than the user's first"
    _raises(NoPermutation, "position 3 comes a second time", lambda: chosen(Sampling("permutation", permutation=(3, 5, 3, 8, 9))))
    _raises(NoPermutation, "position 4 is not masked at the start", lambda: chosen(Sampling("permutation", permutation=(3, 4))))
    _raises(NoPermutation, "position 8 is missing", lambda: chosen(Sampling("permutation", permutation=(9, 5, 3))))
    compiled = compile_job(counting(), 1, construction="ap-mdm")
    layout = compiled.layout(counting(), 1)
    for order in [o for o in ORDERS if o != "parallel"]:
        try:
            Decoder(compiled.model, layout.tokens(), layout.positions(), "ap-mdm", Sampling(order))
        except ValueError:
            continue
        raise AssertionError(f"synchronous updates are made in the order {order}")


#: Masked positions that are ready, and what they would get: two words, a sign without bits, a word.
READY, GETS = [3, 5, 8, 9], [2, 3, 10, 4]


def chosen(sampling: Sampling) -> list[int]:
    """The positions that a first step edits."""
    kinds, none = Vocabulary((("BOS", 0), ("MASK", 0), ("WORD", 3), ("SIGN", 0))), np.zeros(4, np.bool_)
    tokens = np.array([1 if row in READY else 0 for row in range(10)])
    rows: list[int] = selector(tokens, kinds, sampling)(Edits(np.array(READY), np.array(GETS), none, none)).rows.tolist()
    return rows


def stuck_decodes() -> None:
    """Masks that wait for each other, and a sequence that grows for ever, are errors."""
    model, tokens, positions = chain_model(5)
    positions[3, 2 + 5 + 2], positions[3, 2 + 5 + 4] = 0, 1
    _raises(NotFinished, "decoding step 3: no position is ready", lambda: decode(model, tokens, positions))
    endless = endless_model()
    room = np.zeros((4, endless.width))
    _raises(OutOfPositions, "but there are 4 positions", lambda: _bounded(endless, room))


def _bounded(model: Transformer, positions: NDArray[Any]) -> None:
    for number, _ in enumerate(Decoder(model, np.zeros(1, np.int64), positions, process="ap-mdm")):
        if number > 8:
            return


def _raises(error: type[Exception], says: str, action: object) -> None:
    try:
        action()  # type: ignore[operator]
    except error as found:
        assert says in str(found), f"{found}, not {says}"
        return
    except Exception as other:  # it ends in an error, but not in one that says why
        raise AssertionError(f"{type(other).__name__}: {other}, not {error.__name__}") from None
    raise AssertionError(f"no {error.__name__}")


def full_softmax() -> None:
    """Predictions of a random model against the full matrix, its softmax without MASK; edit bits where their form is above 0."""
    for seed in range(4):
        model = random_model(seed)
        x = np.random.default_rng(seed).normal(size=(40, model.width))
        logits = x @ model.unembedding.full_matrix(model.vocabulary).T
        logits[:, model.vocabulary.mask] = -np.inf
        probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        found = predicted(model, x)
        assert np.array_equal(found.token, probability.argmax(1)), "another token"
        assert np.allclose(found.probability, probability.max(1)), "another probability"
        embedded = TorchTransformer(model).embed(torch.arange(model.vocabulary.size)).numpy()
        assert np.allclose(embedded, model.embedding.full_matrix(model.vocabulary)), "another embedding"
    weight, bias = np.ones((3, 1)), np.array([-1.0, 0.0, 1.0])
    edits = TorchTransformer(Transformer(model.vocabulary, model.embedding, (), model.unembedding, weight, bias))
    found_bits = edits._control(edits.tensor(np.array([[0.0], [1.0]])))
    assert found_bits is not None and found_bits.tolist() == [[False, False, True], [False, True, True]], "edit bits"


def engine(name: str) -> None:
    """The same tokens as the reference at every decoding step, for models of every construction, in every order, and for a
    lookup made by hand; where a precondition is broken, the tokens are the same and the indexed engine says why it gave up."""
    for order in ORDERS:
        used = beside_the_reference(*lookup_model(7), name, order=order)
        assert used == name, used
        used = beside_the_reference(*negative_model(), name, order=order)
        assert used == name, used
    for broken in BROKEN:
        used = beside_the_reference(*tampered(broken), name, most=20)
        assert used == gives_up(name, broken), f"{broken}: {used}, not {gives_up(name, broken)}"
    for made_up in (vanishing_model, finding_model):
        used = beside_the_reference(*made_up(), name, "ap-mdm")
        assert used == name, used
    used = beside_the_reference(*returning_model(), name, "ap-mdm", most=12)
    assert used == name, used
    used = beside_the_reference(*leaking_model(), name, "ap-mdm")
    assert used.startswith(f"dense (not {name}: "), used
    used = beside_the_reference(*wide_model(), name)
    assert used == name, used
    if name == "active":
        used = beside_the_reference(*nearby_model(), name, order="left-to-right")
        assert used.startswith("dense (not active: a head does not read"), used
    for seed in range(20, 32):
        _changed_model(name, seed)
    for construction in ENCODERS:
        for job in (counted_cell(), apart(2, lowest_last=False), small_job()):
            used = whole_job(job, run(job).time, name, construction, reference=remembered)
            assert used == name, used
    for order in [o for o in ORDERS if o != "parallel"]:
        used = whole_job(hot_cell(2, 1), run(hot_cell(2, 1)).time, name, order=order, seed=1, reference=remembered)
        assert used == name, used


def _changed_model(name: str, seed: int) -> None:
    """A lookup with a few weights and positions changed: no engine may differ from the reference."""
    generator = np.random.default_rng(seed)
    model, tokens, positions = lookup_model(8)
    positions = np.concatenate([positions, positions, positions])
    positions[8:, 10] = np.arange(8, 24)
    q = model.layers[0].q.reshape(-1)
    q[int(generator.integers(len(q)))] = int(generator.integers(-2, 3)) * 1024
    for _ in range(int(generator.integers(0, 3))):
        positions[int(generator.integers(7)), int(generator.integers(14))] = int(generator.integers(0, 3))
    beside_the_reference(model, tokens, positions, name, order=str(generator.choice(list(ORDERS))), seed=seed, most=20)
    control = generator.integers(-2, 3, (3, 14)).astype(float)
    settle(model)
    edits = Transformer(
        model.vocabulary, model.embedding, model.layers, model.unembedding, control,
        generator.integers(-1, 2, 3).astype(float),
    )  # fmt: skip
    beside_the_reference(edits, tokens, positions, name, "ap-mdm", most=12)


def sums_by_indexed() -> None:
    """Heads that add up: the same tokens as the reference, for models of `CRCW sum` and for models made by hand, or the reason why not;
    and how far the reference may be."""
    name = "indexed"
    for model, process in ((adding_model(12), "mdm"), (careless(adding_model(12)), "mdm"), (adding_model(12, edits=True), "ap-mdm"),
                           (begun(adding_model(12, causal=True)), "arm"), (adding_model(16), "mdm"),
                           (changing_words(), "ap-mdm"), (begun(careless(adding_model(12, causal=True))), "arm")):  # fmt: skip
        used = beside_the_reference(*model, name, process, "left-to-right" if process == "mdm" else "parallel", most=12)
        assert used == name, used
    for model, process, why in (
        (adding_model(20), "mdm", FAR),
        (begun(adding_model(12, 4, causal=True)), "arm", FAR),
        (twice(adding_model(12)), "mdm", "layer 2: a head asks for a share"),
        (long_numbers(), "mdm", MANY),
        (unclear_edits(), "ap-mdm", "a token is the best one by too little"),
    ):
        used = beside_the_reference(*model, name, process, most=12)
        assert used == f"dense (not {name}: {why})", f"{used}, not {why}"
    for what, (change, reason, _) in NEARLY.items():
        used = beside_the_reference(*adding_model(12, change=change), name, most=8)
        assert used.startswith(f"dense (not {name}: {reason}") if reason else used == name, f"{what}: {used}, not {reason}"
    small, long = sums_of(5, 9, 1, word=4), sums_of(130_000, 1, 2, word=17)  # who reads the long one reads more than 62 bits
    for construction, job in (("mdm", small), ("ap-mdm", small), ("mdm", long)):
        used = whole_job(job, run(job).time, name, construction, reference=remembered)
        assert used == name, used
    worst, bounds = farthest(sums_of(5, 9, 1, word=4), "mdm", "float64")
    assert (worst <= bounds.columns[-1]).all(), "the reference is farther than its bound"
    assert not bounds.columns[-1].min(), "no column is exact"
    _limits_of_shares()


def _limits_of_shares() -> None:
    """By hand: the largest sums with which a share is 1/8 off, what the sum over gates of the lowest bit rounds, and which probabilities
    are too near to the threshold."""
    for exponent, rounded, unit in ((10, 1e-4, 2.0**-23), (13, 0.0, 2.0**-19), (11, 0.0, 2.0**-52)):
        share = Share.of(exponent, 3.0, rounded, unit)
        for rows in (1, 2, 40):
            largest = share.most // (rows + share.more)
            off = 3 * (rows * math.exp(-exponent) + rounded + (2 * rows + 16) * unit)  # of a sum of 1
            one_more = 3 * (math.exp(-exponent) + 2 * unit)
            assert largest * off <= 1 / 8 < (largest + 2) * (off + one_more), f"sums of {rows} rows up to {largest}"
    model, tokens, positions = adding_model(12)
    found = plan(model, Positions.of(positions), int(tokens[0])).distances.columns[0][OUT] * 2**53
    _raises(Unsuitable, "too many terms", partial(distances._Follow(model)._rounded, np.array(1 << 15), np.array(1.0)))
    units = 30 * sum(62 - 4 * k if k % 2 else 61 - 4 * k for k in range(1, 16))  # terms, and their largest sum
    assert units <= found <= 2 * units, f"the lowest bit is up to {found} units of rounding off, not {units}"
    least, most = (math.log(p / (1 - p)) for p in indexed._unclear(0.01, 0.2))
    assert math.isclose(least, math.log(0.89 / 0.11) - 0.4) and math.isclose(most, math.log(0.91 / 0.09) + 0.4), "other margins"


def refused_decodes() -> None:
    """Too few blocks, too small a model, another program's model: an error, whatever the model has generated."""
    for job in (apart(), apart(lowest_last=False), replace(apart(2, lowest_last=False), outputs=range(0))):
        time = run(job).time
        for blocks in (1, time - 1):
            _raises(
                PramError,
                f"not all processors have halted after {blocks} steps",
                partial(decode_job, job, DecodeOptions(time=blocks)),
            )
        assert decode_job(job, DecodeOptions(time=time + 1)).steps, "nothing decoded"
        small = compile_job(job, 3)
        _raises(PramError, "this model is too small for the run", partial(decode_job, job, DecodeOptions(compiled=small)))
        others = DecodeOptions(compiled=compile_job(counting(), 40))
        _raises(PramError, "compiled from another program", partial(decode_job, job, others))
    for construction in CONSTRUCTIONS:
        compiled = compile_job(apart(), 40, construction=construction)
        layout = compiled.layout(apart(), 30)
        assert not layout.halted(layout.tokens()), f"{construction}: the start is taken for the end"
        full = np.full(layout.length, compiled.circuit.vocabulary.token("HALT"))
        assert layout.halted(full) == (construction in ("mdm", "arm", "revision")), (
            f"{construction}: any HALT is taken for the end"
        )


def alone_is_no_batch(*arguments: object, **options: object) -> None:
    raise AssertionError("a sequence is decoded alone")


def batches() -> None:
    """Sequences of several lengths together, with each engine that takes them, against each alone by the reference."""
    for construction in ("mdm", "ap-mdm"):
        compiled, starts = starts_of(sums(2, 1, 2, 2), construction)
        alone = [decode(compiled.model, *start, process=compiled.process) for start in starts]
        for engine in TOGETHER:
            together = Attribute(batch, "MAX_LENGTH_RATIO", 99.0, "all lengths in one pass")
            with together.planted(), Attribute(batch, "decode", alone_is_no_batch, "nothing is decoded alone").planted():
                found = decode_batch(compiled.model, starts, compiled.process, Sampling(engine=engine))
            for number, (one, other) in enumerate(zip(found, alone)):
                assert np.array_equal(one.tokens, other.tokens), f"{engine}, sequence {number}: another outcome"
                assert (one.steps, one.context) == (other.steps, other.context), f"{engine}, sequence {number}: other steps"
                assert one.engine == engine, one.engine


CHECKS = (
    Check("transition table", "the transition of any-process masked diffusion on all sequences of 3 positions", transition_table),
    Check("sampler", "which positions masked diffusion unmasks", sampler),
    Check("orders", "how many positions each decoding order takes, and which processes take it", orders, (NoPermutation,)),
    Check("stuck decodes", "decodes that cannot go on, or outgrow their positions, are errors", stuck_decodes),
    Check("full softmax", "factored predictions and embeddings against full matrices", full_softmax),
    Check(
        "active engine",
        "the engine's tokens against the reference's after every decoding step",
        partial(engine, "active"),
        (*REFUSALS, IndexError),
    ),
    Check(
        "indexed engine",
        "the engine's tokens against the reference's after every decoding step",
        partial(engine, "indexed"),
        (*REFUSALS, IndexError),
    ),
    Check(
        "sums by indexed",
        "the tokens of models with heads that add up, how far the reference may be, and what is left to the reference",
        sums_by_indexed,
        (*REFUSALS, IndexError),
    ),
    Check(
        "refused decodes",
        "decodes of runs that do not fit are errors, and so are models of other programs",
        refused_decodes,
        REFUSALS,
    ),
    Check(
        "batches",
        "sequences decoded together come out as alone, by the engine that was asked for",
        batches,
        (Unsuitable, SequenceFailed, IndexError, RuntimeError),
    ),
)
