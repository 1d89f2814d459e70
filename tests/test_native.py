"""The native engine: its gates against arithmetic, its modules against each other, and the corpus against the machine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit import decoding
from kit.causal import finding_causal, same_predictions, told
from kit.jobs import PATHS, job_of
from kit.made_models import BROKEN, gives_up, lookup_model, tampered
from numpy.typing import NDArray

from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.compiler.names import MASKED_ARM, ONE_STEP, REVISION, NotConstructed, lacking
from lockstep.models.decode import Decoder, decode
from lockstep.models.editing import NotFinished
from lockstep.models.engines import ENGINES, Unsuitable
from lockstep.models.engines.native import modules
from lockstep.models.engines.native.forms import Form, Gates, Network, taken_faults
from lockstep.models.engines.native.heads import Packer
from lockstep.models.engines.native.readout import read_out
from lockstep.models.engines.native.session import MOST_TOKENS, NativeSession
from lockstep.models.engines.plan import ReadoutPlan, to_sparse
from lockstep.models.positions import Positions
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Transformer
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.sweeps import plan
from lockstep.proofs_check.sweeps.plan import version

INPUTS = 5
same_tokens = partial(decoding.same_tokens, reference=decoding.remembered)
whole_job = partial(decoding.whole_job, reference=decoding.remembered)
compiled_only = pytest.mark.skipif(not modules.usable(), reason="the native engine was not compiled")
native: Any = modules.module()


def value(network: Network, literal: int, planes: Sequence[int]) -> int:
    """A literal where the inputs are these, by the meaning of each operation."""
    known = {0: 0}
    inputs = iter(planes)
    for number, node in enumerate(network.nodes[1:], 1):
        if node is None:
            known[number] = next(inputs)
            continue
        a, b, *more = (known[x >> 1] for x in node[1:])
        c = more[0] if more else 0
        known[number] = {
            "AND": a & b, "ANDN": a & ~b & 1, "NOR": 1 - (a | b), "XOR": a ^ b, "MAJ": int(a + b + c >= 2),
            "MAJN": int(1 - a + b + c >= 2), "XOR3": a ^ b ^ c,
        }[native.OPERATIONS[node[0]]]  # fmt: skip
    return known[literal >> 1] ^ literal & 1


forms = st.tuples(st.lists(st.integers(-9, 9), min_size=INPUTS, max_size=INPUTS), st.integers(-20, 20))
settled = settings(derandomize=True, deadline=None, database=None, max_examples=150)


def form_of(weights: Sequence[int], constant: int) -> tuple[Gates, Form]:
    """Gates over a network with an input for each weight, and the form of these inputs."""
    gates, form = native.Gates(), native.Form(constant)
    for weight in weights:
        form.add(gates.network.input(), weight)
    return gates, form


def every_case(weights: Sequence[int], constant: int) -> list[tuple[list[int], int]]:
    """All values of the planes, with the value of the form."""
    cases = [[n >> j & 1 for j in range(INPUTS)] for n in range(1 << INPUTS)]
    return [(planes, constant + sum(w * p for w, p in zip(weights, planes))) for planes in cases]


@compiled_only
@settled
@given(forms, st.integers(-40, 40))
def test_thresholds(made: tuple[list[int], int], bound: int) -> None:
    gates, form = form_of(*made)
    found = gates.at_least(form, bound)
    for planes, x in every_case(*made):
        assert value(gates.network, found, planes) == int(x >= bound)


@compiled_only
@settled
@given(forms, st.integers(-30, 30), st.integers(0, 20))
def test_ranges(made: tuple[list[int], int], least: int, more: int) -> None:
    gates, form = form_of(*made)
    found = gates.within(form, least, least + more)
    for planes, x in every_case(*made):
        assert value(gates.network, found, planes) == int(least <= x <= least + more)


@compiled_only
@settled
@given(forms, st.integers(0, 9))
def test_numbers(made: tuple[list[int], int], bits: int) -> None:
    gates, form = form_of(*made)
    network = gates.network
    planes_of, weighted = gates.number(form, bits), gates.weighted(form)
    for planes, x in every_case(*made):
        assert sum(value(network, a, planes) << j for j, a in enumerate(planes_of)) == x % (1 << bits)
        assert sum(value(network, a, planes) * w for a, w in weighted) == x


@compiled_only
@settled
@given(forms)
def test_relu(made: tuple[list[int], int]) -> None:
    gates, form = form_of(*made)
    clipped = gates.relu(form)
    for planes, x in every_case(*made):
        assert clipped.constant + sum(w * value(gates.network, a, planes) for a, w in clipped.terms) == max(x, 0)


@compiled_only
@settled
@given(st.tuples(st.lists(st.integers(-2, 2), min_size=INPUTS, max_size=INPUTS), st.integers(-2, 2)))
def test_bits_are_right_or_refused(made: tuple[list[int], int]) -> None:
    gates, form = form_of(*made)
    gates.about = "it"
    bit, network = gates.bit(form), gates.network
    fault = taken_faults(gates).get("it", 0)
    for planes, x in every_case(*made):
        assert value(network, fault, planes) == int(x not in (0, 1))
        if x in (0, 1):
            assert value(network, bit, planes) == x


@compiled_only
@settled
@given(st.lists(st.sampled_from(["both", "either", "xor", "xor3", "majority"]), min_size=1, max_size=8), st.data())
def test_networks_compute_what_they_say(names: list[str], data: st.DataObject) -> None:
    network = native.Gates().network
    made = [0, 1, *(network.input() for _ in range(INPUTS))]
    cases = [[n >> j & 1 for j in range(INPUTS)] for n in range(1 << INPUTS)]
    means = {
        "both": min,
        "either": max,
        "xor": lambda *x: sum(x) % 2,
        "xor3": lambda *x: sum(x) % 2,
        "majority": lambda *x: sorted(x)[1],
    }
    for name in names:
        count = 3 if name in ("xor3", "majority") else 2
        parts = [data.draw(st.sampled_from(made)) ^ data.draw(st.integers(0, 1)) for _ in range(count)]
        made.append(getattr(network, name)(*parts))
        for planes in cases:
            assert value(network, made[-1], planes) == means[name](*(value(network, a, planes) for a in parts))


kinds_of_tokens = st.tuples(st.integers(0, 2), st.lists(st.integers(-2, 2), min_size=INPUTS, max_size=INPUTS))
pairs = st.tuples(st.integers(0, INPUTS), st.integers(0, INPUTS))


@compiled_only
@settled
@given(st.lists(kinds_of_tokens, min_size=2, max_size=4), st.lists(pairs, min_size=2, max_size=2), st.sampled_from([4, 8, 16]))
def test_a_token_is_certain_where_its_probability_says_so(
    kinds: list[tuple[int, list[int]]], bits: list[tuple[int, int]], unit: int
) -> None:
    """Against the softmax over all tokens. Each bit has the logits of two planes; the last plane is none."""
    gates, columns = native.Gates(), native.Stream([0] * (INPUTS + 1))
    network = gates.network
    for column in range(INPUTS):
        columns.add(column, network.input(), 1)
    rows = [[0] * (INPUTS + 1), *([unit * w for w in weights] + [0] for _, weights in kinds)]
    rows += [[unit * (c == chosen) for c in range(INPUTS + 1)] for part in (0, 1) for chosen in (pair[part] for pair in bits)]
    sizes = [-1, *(size for size, _ in kinds)]
    offsets = np.cumsum([0, 1, *(1 << size for size, _ in kinds)])[:-1]
    plan = ReadoutPlan(to_sparse(np.array(rows, float)), np.array(sizes, np.int32), offsets, 0, len(bits), 0, np.zeros(0))
    if not any(any(row) for row in rows):
        return
    outputs = Packer()
    read_out(native, plan, columns, gates, (), outputs)
    (*best, certain, unclear), ones = outputs.words[0], outputs.words[1]
    for n in range(1 << INPUTS):
        planes = [n >> j & 1 for j in range(INPUTS)]
        logits = np.array(rows) @ [*planes, 0]
        choice = [int(logits[1 + len(kinds) + j] > logits[1 + len(kinds) + len(bits) + j]) for j in range(len(bits))]
        tokens = {
            (k, value_): logits[1 + k]
            + sum(logits[1 + len(kinds) + j + len(bits) * (1 - (value_ >> j & 1))] for j in range(size))
            for k, (size, _) in enumerate(kinds)
            for value_ in range(1 << size)
        }
        most = max(tokens.values())
        probability = 1 / sum(float(np.exp(score - most)) for score in tokens.values())
        wins = [value(network, a, planes) for a in best]
        kind = wins.index(1) - 1
        found = kind, sum(choice[j] << j for j in range(kinds[kind][0]))
        assert sum(wins) == 1 and tokens[found] == most and [value(network, a, planes) for a in ones] == choice
        if value(network, certain, planes):
            assert probability >= 0.9 and not value(network, unclear, planes)
        elif not value(network, unclear, planes):
            assert probability < 0.9


# -- the decoder -----------------------------------------------------------------------------------


def beside_the_machine(job: Job, construction: str) -> str:
    """Every token after every decoding step is the machine's, which takes no reference: its time grows with the context squared."""
    time = run(job, max_steps=1 << 20).time
    found = check_agreement(compile_job(job, time, construction=construction), job, time, Sampling(engine="native"))
    assert found.divergence is None, str(found.divergence)
    return found.engine


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.stem)
def example(request: pytest.FixtureRequest) -> Job:
    """Each example program in turn, on one input that the tests of all constructions share."""
    return job_of(request.param.stem, 2, 16)


@compiled_only
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_every_example_program_token_for_token(example: Job, construction: str) -> None:
    """Under CRCW sum two constructions have no models."""
    job = example
    if why := lacking(construction, job.rules):
        assert construction in (ONE_STEP, REVISION) and job.rules == ("sum",)
        with pytest.raises(NotConstructed, match=f"^{re.escape(why)}$"):
            beside_the_machine(job, construction)
        return
    assert beside_the_machine(job, construction) == "native"


@pytest.fixture(params=[name for name in modules.usable() if name != "_plain"] + ["_plain"])
def one_module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the compiled modules in turn."""
    if request.param not in modules.usable():
        pytest.skip("the native engine was not compiled")
    module = modules.module(request.param)
    monkeypatch.setitem(
        ENGINES,
        "native",
        lambda model, tokens, positions, device, every=False: NativeSession(model, tokens, positions, module, every),
    )


@pytest.mark.usefixtures("one_module")
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_every_compiled_module(construction: str) -> None:
    """Blocks of 64, 256 and 512 rows, and the transposition of each."""
    for program, size in (("hillis_steele", 3), ("counter", 2)):
        job = job_of(program, size, 16)
        assert whole_job(job, run(job, max_steps=1 << 20).time, "native", construction) == "native"
    assert beside_the_machine(job_of("hillis_steele", 24, 16), construction) == "native"


@pytest.mark.usefixtures("one_module")
def test_no_row_of_a_block_sees_a_later_one() -> None:
    """The same blocks of a causal model, given at once, beside the reference, which is given one token after the other."""
    model, tokens, positions = finding_causal(0, 900)
    reference = told("dense", model, tokens, positions, 1)
    for first in (60, 250, 500, 900):
        same_predictions(told("native", model, tokens, positions, first), reference)


@compiled_only
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_words_too_long_to_address_buckets(construction: str) -> None:
    """Queries of 24 bits and more are hashed."""
    job = job_of("tree_sum", 3, 24)
    assert whole_job(job, run(job).time, "native", construction) == "native"


@compiled_only
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_a_whole_decode_is_what_its_steps_are(construction: str) -> None:
    job = job_of("bitonic_sort", 3, 8)
    time = run(job).time
    compiled = compile_job(job, time, construction=construction)
    layout = compiled.layout(job, time)
    start = (compiled.model, layout.tokens(), layout.positions(), compiled.process)
    seen: list[int] = []
    whole = decode(*start, Sampling(engine="native"), seen.append)
    steps = list(Decoder(*start, Sampling(engine="native")))
    reference = decode(*start, Sampling(engine="dense"))
    assert np.array_equal(whole.tokens, reference.tokens) and whole.context == reference.context and whole.engine == "native"
    assert whole.steps == reference.steps == steps[-1].number == seen[-1]
    assert whole.context[1:] == tuple(step.change.length for step in steps)


def ended(engine: str, model: Transformer, tokens: NDArray[Any], positions: NDArray[Any]) -> tuple[object, str]:
    """The tokens and contexts of a whole decode, or why it ends without them; and who decoded."""
    decoder = Decoder(model, tokens, positions, sampling=Sampling(engine=engine))
    try:
        contexts = list(decoder.contexts())
    except NotFinished as error:
        return str(error), decoder.engine
    return (contexts, decoder.sequence.tokens.tolist()), decoder.engine


@compiled_only
@pytest.mark.parametrize("name", BROKEN)
def test_a_whole_decode_that_it_gives_up_goes_on_elsewhere(name: str) -> None:
    found, used = ended("native", *tampered(name))
    assert (found, used) == (ended("dense", *tampered(name))[0], gives_up("native", name))


@compiled_only
@pytest.mark.parametrize("token", [-1, 4, 1 << 40])
def test_tokens_outside_the_vocabulary_are_refused(token: int) -> None:
    model, tokens, positions = lookup_model(7)
    assert model.vocabulary.size == 4
    tokens[3] = token
    with pytest.raises(Unsuitable, match="a token is none of the vocabulary"):
        ENGINES["native"](model, [tokens], [Positions.of(positions)])


def test_without_a_compiled_module_another_engine_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules, "usable", lambda: [])
    modules.module.cache_clear()
    try:
        used = same_tokens(*lookup_model(7), "native")
    finally:
        modules.module.cache_clear()
    assert used == "indexed (not native: it was not compiled: there was no C++ compiler when Lockstep was installed)"


@compiled_only
def test_the_best_module_of_this_processor() -> None:
    flags = {"avx2", "bmi1", "bmi2", "abm", "fma"}
    found = modules.usable()
    assert found[-1] == "_plain" and ("_avx2" in found) == (flags <= modules._flags())
    assert np.all([name in modules.MODULES for name in found])


@compiled_only
def test_the_module_was_compiled_from_these_sources() -> None:
    """After a change to them, `make` compiles it anew. A sweep tells results of other sources apart."""
    folder = Path(modules.__file__).parent / "src"
    text = b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
    assert modules.sources() == hashlib.sha256(text).hexdigest()[:16]


def test_results_of_other_sources_are_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = version.__wrapped__()
    monkeypatch.setattr(plan, "sources", lambda: "others")
    assert version.__wrapped__() != before


def test_tokens_of_more_than_32_bits_are_left_to_others() -> None:
    """The compiled decoder has 32 bits for a predicted token. Pairs of masked-arm with words of 24 bits have more."""
    job = parse_program("program p\nword 24\nparam n\nprocs n\nshared s : output\nsingle do s := n end\n").instantiate(
        {"n": 40}, {}
    )
    time, sampling = run(job).time, Sampling("left-to-right", engine="native")
    compiled = compile_job(job, time, construction=MASKED_ARM, sampling=sampling)
    assert compiled.model.vocabulary.size > MOST_TOKENS
    layout = compiled.layout(job, time, sampling)
    decoder = Decoder(compiled.model, layout.tokens(), layout.positions(), compiled.process, sampling)
    assert decoder.engine == "indexed (not native: the vocabulary has too many tokens)"
    agreement = check_agreement(compiled, job, time, sampling)
    assert agreement.divergence is None and agreement.outputs_agree
