"""Mutants of the native engine: each must give other tokens than the reference somewhere, or miss a model that it should leave alone.

Those of the C++ text are compiled together, which takes some seconds. Those of the translation are planted in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from kit import decoding
from kit.adding_models import FAR, NEARLY, adding_model, careless, changing_words, silent_causal, unclear_edits
from kit.causal import (
    asking_causal,
    careless_causal,
    counts_masks,
    finding_causal,
    follows,
    mixes,
    same_predictions,
    told,
    tying_causal,
    unclear_causal,
)
from kit.decoding import ENCODERS
from kit.jobs import job_of, sums_of
from kit.made_models import BROKEN, finding_model, gives_up, lookup_model, returning_model, spread_out, tampered, vanishing_model
from kit.native_mutants import Switchboard, compiled, compiler, switched
from kit.translations import nothing_prepared
from mutation.planting import Rewrite

from lockstep.models.engines import ENGINES
from lockstep.models.engines.native import heads, modules, readout, translate
from lockstep.models.engines.native.session import FAULTS, TIES, UNCLEAR, NativeSession
from lockstep.models.engines.session import Unsuitable
from lockstep.pram.machine import run

pytestmark = pytest.mark.skipif(not modules.usable() or not compiler(), reason="there is no C++ compiler")

#: File, what stands there once, what the mutant has instead, and what is broken.
OF_THE_TEXT = (
    ("lookups.h", "if (best_goes || tie_may_go) old.state |= SEARCH;", "", "the best key stays the best when it goes"),
    ("lookups.h", "if (!b.best || recency > t.keys[b.best].recency)", "if (!b.best)", "a more recent key is not read"),
    ("lookups.h", "for (u32 row : h.fresh) answer(to, t, rows, row, news);", "", "rows that ask anew get no answer"),
    ("decoder.h", "pass_ <= (u32)last", "true", "rows that ask anew are never listed"),
    ("lookups.h", "place_key(t, row, 0, 0, 0);", "", "rows that are gone stay keys"),
    ("lookups.h", "tie |= (b.state & TIED) != 0;", "", "ties are not noticed"),
    ("decoder.h", "rows.push_back(row);", "", "rows that read another value are not computed"),
    ("decoder.h", "keep[v] |= (u64)anew_.has(row[i]) << i;", "", "a row whose token changed stops if its first layer does not"),
    ("positions.h", "from / 8 < runs.back().first + 8", "true", "a run of bits of positions has more than eight bytes"),
    (
        "bits.h",
        "to[64 * w + i] = i < rows ? record[chosen[w]] : 0;",
        "to[64 * w + i] = i < rows && w ? record[chosen[w]] : 0;",
        "the first word of a record counts as 0",
    ),
    ("records.h", "t.faults && v < V", "false && v < V", "rows with a fault are computed all the same"),
    ("decoder.h", "found.bits & REMASK ? vocabulary_.mask : ", "", "nothing is remasked"),
    ("records.h", "raise(FIRST_TOKEN);", ";", "the first token may come twice"),
    ("network.h", "if (b & 1) return node(MAJN, b ^ 1, a, c);", "", "a complement in a majority is lost"),
    ("forms.h", "rest = sum(rest, t.weight);", "", "a complement does not change the constant"),
    ("gates.h", "left -= t.weight > spare ? t.weight : 0;", "", "literals that are needed count twice"),
    ("gates.h", "if (carry) carries.push_back(carry);", "", "sums have no carries"),
    ("gates.h", "refuse(network.some(planes));", "", "a column may hold more than a bit"),
    ("layers.h", "if (!complete[f]) forms_of[f].plus(forms_of[f - 1]);", "", "the difference from a form counts as a form"),
    ("schedule.h", "last_[a >> 1] == step", "last_[a >> 1] <= step + 1", "a plane is used again while something reads it"),
    ("lookups.h", "old.value -= k.value, old.recency--;", "", "rows that leave stay in a sum"),
    ("lookups.h", "b.value += value, b.recency++;", "b.value += value;", "the rows of a sum are not counted"),
    (
        "lookups.h",
        "if (k.bucket == bucket && (!bucket || k.value == value)) return;",
        "if (k.bucket == bucket) return;",
        "a value that changes is not added up",
    ),
    ("lookups.h", "if (t.sums.most) return true;", "", "who asks for a sum is not answered anew"),
    (
        "lookups.h",
        "sum += b.value, rows_found += b.recency;",
        "sum = b.value, rows_found = b.recency;",
        "of rows of two cares some are not added up",
    ),
    ("lookups.h", "far |= !is_known(t.sums, sum, rows_found);", "", "sums that are too large are not noticed"),
    (
        "lookups.h",
        "return sum <= sums.largest && (!sum || rows + sums.more <= sums.most / sum);",
        "return sum <= sums.largest;",
        "the number of rows does not limit a sum",
    ),
    ("decoder.h", "if (layers[l]->far) raise(FAR);", "", "a sum that is too large does not end a decode"),
    (
        "decoder.h",
        "if (vocabulary_.strict && found.bits & UNSURE) raise(UNCLEAR);",
        "",
        "an edit takes a token that roundings choose",
    ),
    ("tape.h", "EACH(MAJN, (~a & (b | c)) | (b & c))", "EACH(MAJN, (a & (b | c)) | (b & c))", "a majority misses a complement"),
)
#: The same for the decoder of causal models.
OF_APPENDING = (
    ("enter(t, 64 * V, lane);", "for (size_t k = 0; !lane && k < n; k++) enter(t, 64 * V, k);", "rows see later ones of their block"),
    ("for (int h : t.heads) answer(t, layers[l]->heads[(size_t)h], row_of[lane], 64 * V, lane);",
     "for (int h : t.heads) if (lane + 1 < n) answer(t, layers[l]->heads[(size_t)h], row_of[lane + 1], 64 * V, lane + 1);",
     "rows are answered before their own key is there"),
    ("if (!t.visible.of(out, stride, lane))", "if (false)", "rows that are no keys are found"),
    ("if (b.stamp != era_ || recency > b.recency)", "if (true)", "the last key is read, not the most recent one"),
    ("b.state |= TIED;", "", "ties are not noticed"),
    ("if (b.stamp != era_) b.stamp = era_, b.value = 0, b.recency = 0;", "", "rows that are no more are added up"),
    ("b.value += t.value.of(out, stride, lane), b.recency++;", "b.value = t.value.of(out, stride, lane), b.recency++;",
     "a sum has its last row alone"),
    ("if (b.stamp == era_) sum += b.value, rows += b.recency;", "if (b.stamp == era_) sum = b.value, rows = b.recency;",
     "of rows of two cares some are not added up"),
    ("if (!is_known(t.sums, sum, rows)) raise(FAR);", "", "sums that are too large are not noticed"),
    ("if (!h.asks.of(out_.data(), stride, lane))", "if (false)", "rows that do not ask read a sum"),
    ("if (tied)", "if (false)", "who finds a tie is answered"),
    ("(i64)b.recency == best || b.state & TIED", "b.state & TIED", "keys of two cares that tie are not noticed"),
    ("if (b.stamp != era_ || (i64)b.recency < best)", "if ((i64)b.recency < best)", "buckets of rows that are no more are read"),
    ("if ((i64)b.recency > best)", "if (best < 0)", "of keys of two cares the first one is read"),
    ("if (h.asks.of(out_.data(), stride, lane))", "if (true)", "rows that ask nothing find keys"),
    ("h.sink", "0", "who finds nothing reads 0"),
    ("(word & ~(h.mask << h.shift)) | value << h.shift", "word | value << h.shift", "what a row read before a change stays"),
    ("era_++;", "", "keys of rows that are no more are found"),
    ("if (first < computed_)", "if (first + 1 < computed_)", "a change of the last row is not noticed"),
    ("told_ = 0;", "", "rows that were computed anew are not told"),
    ("const size_t first = count ? std::min(now, (size_t)*std::min_element(rows, rows + count)) : now;", "const size_t first = now;",
     "rows that change keep their tokens"),
    ("if (first < length)", "if (false)", "masks that are gone count"),
    ("record(row_of[lane])[t.first_kept + g] = kept_[64 * V * g + lane];", "", "nothing is kept between layers"),
    ("if (found.bits & UNSURE) raise(UNCLEAR);", "", "a token is appended although it is unclear how likely it is"),
    ("return collect<V>(row_of, n, true);", "return collect<V>(row_of, n, false);", "rows that hold no mask are never unclear"),
    ("if (fault || !(found.bits & CERTAIN))", "if (fault)", "a token is appended at any probability"),
    ("if (fault || !length || length >= most)", "if (fault || !length || length + 1 >= most)", "the last position gets no token"),
    ("changed.push_back((u32)length);", "", "a step does not say what it appended"),
    ("predict();", "", "a stride predicts nothing"),
)  # fmt: skip
#: The same for functions of the translation.
OF_THE_TRANSLATION = (
    (heads.Asking._key_side, "gates.refuse(network.both(odd, possible))", "pass", "key bits of 2 count as 1"),
    (heads.Asking._key_side, "gates.refuse(network.both(visible, gates.within(size, score + 1, most) ^ 1))", "pass",
     "recency is not limited"),
    (heads.Asking._query, "self.gates.refuse(self.network.either(yes, no) ^ 1)", "pass", "queries of half a half count"),
    (heads.Asking._head, "if any(self._at_first(self.forms, self.matches + m) for m in matches):", "if False:",
     "the first row may care for a bit"),
    (heads.Asking._head, " - self.low[v]", "", "what the first row holds is taken from 0"),
    (translate._Translator._read, "int(value) << j", "int(value)", "all bits that are read weigh the same"),
    (heads.Asking._head, "if side.sums[0] and sink:", "if False:", "the first row may give a sum something"),
    (heads.Asking._key_side, "gates.refuse(network.both(weighs, gates.within(size, floor, floor) ^ 1))", "pass",
     "rows of a sum may weigh more than others"),
    (heads.Asking._key_side, "at_least(size, least + 1)", "at_least(size, floor)", "rows of a sum may weigh almost nothing"),
    (readout._Readout.put, "if controls:", "if False:", "an edit may take a token that roundings choose"),
    (readout._Readout.put, "[clear ^ 1, remask ^ 1, delete ^ 1]", "[clear ^ 1, delete ^ 1]", "masks that stay masks must be certain"),
    (readout._Readout._best, "int(other < kind)", "0", "two kinds are the best"),
)  # fmt: skip
#: The same for what tells the decoder of causal models what others did.
OF_THE_SESSION = ((NativeSession.update, "change.rows", "change.rows[-1:]", "only the last row that changed is told"),)


same_tokens = partial(decoding.same_tokens, reference=decoding.remembered)  # no mutant is in the reference
whole_job = partial(decoding.whole_job, reference=decoding.remembered)


def conforms() -> bool:
    """Whether the native engine gives the reference's tokens in these cases, and leaves alone what it should."""
    try:
        same_tokens(*lookup_model(7), "native", order="left-to-right")
        assert same_tokens(*lookup_model(7), "native") == "native"
        assert same_tokens(*spread_out(5, 70), "native") == "native"
        for model in (vanishing_model, finding_model, returning_model):
            assert same_tokens(*model(), "native", "ap-mdm", most=12) == "native"
        for broken in BROKEN:
            assert same_tokens(*tampered(broken), "native", most=20) == gives_up("native", broken)
        for name, size in (("tree_sum", 3), ("counter", 1)):
            for construction in ENCODERS:
                job = job_of(name, size, 8)
                assert whole_job(job, run(job).time, "native", construction) == "native"
        adds_up()
    except (AssertionError, Unsuitable, IndexError):
        return False
    return True


def adds_up() -> None:
    """The same for heads that add up."""
    for made in (adding_model(12), careless(adding_model(12))):
        assert same_tokens(*made, "native", order="left-to-right") == "native"
    assert same_tokens(*adding_model(12, edits=True), "native", "ap-mdm", most=8) == "native"
    assert same_tokens(*changing_words(), "native", "ap-mdm", most=8) == "native"
    for made, process in (
        (adding_model(20), "mdm"),
        (adding_model(12, 4), "mdm"),
        (adding_model(20, edits=True, exponent=5), "ap-mdm"),
    ):
        assert same_tokens(*made, "native", process, most=8) == f"dense (not native: {FAR})"
    assert same_tokens(*unclear_edits(), "native", "ap-mdm", most=8) == f"dense (not native: {FAULTS[UNCLEAR]})"
    for change, _, reason in NEARLY.values():
        used = same_tokens(*adding_model(12, change=change), "native", most=8)
        assert f"not native: {reason}" in used if reason else used == "native"
    for construction in ("mdm", "ap-mdm"):
        job = sums_of(5, 9, 1, word=4)
        assert whole_job(job, run(job).time, "native", construction) == "native"


def appends() -> bool:
    """The same for causal models: what rows see, what a session follows, how decodes end, and whole jobs, with two cares and with one."""
    try:
        for seed in range(6):
            for model, first in (
                (finding_causal(seed), 1),
                (finding_causal(seed), 6),
                (asking_causal(seed), 5),
                (careless_causal(seed), 4),
            ):
                same_predictions(told("native", *model, first), told("dense", *model, first))
                assert same_tokens(*begun(model, 3), "native", "arm") == "native"
            follows(seed)
            mixes(seed)
        counts_masks()
        assert same_tokens(*begun(unclear_causal(), 2), "native", "arm").endswith(f"(not native: {FAULTS[UNCLEAR]})")
        for tying in (tying_causal(), careless_causal(5, tie=True)):
            assert same_tokens(*begun(tying, 6), "native", "arm").endswith(f"(not native: {FAULTS[TIES]})")
        for made in (adding_model(12, causal=True), careless(adding_model(12, causal=True)), silent_causal()):
            assert same_tokens(*begun(made, 4), "native", "arm") == "native"
        assert same_tokens(*begun(adding_model(12, 4, causal=True), 4), "native", "arm") == f"dense (not native: {FAR})"
        for job, construction in ((job_of("hillis_steele", 3, 8), "arm"), (sums_of(5, 9, 1, word=4), "arm erasing")):
            assert whole_job(job, run(job).time, "native", construction) == "native"
    except (AssertionError, Unsuitable, IndexError):
        return False
    return True


def begun(model: tuple[Any, Any, Any], first: int) -> tuple[Any, Any, Any]:
    """A model whose decode starts with so many tokens."""
    return model[0], model[1][:first], model[2]


def test_the_engine_conforms() -> None:
    assert conforms() and appends()


@pytest.fixture(scope="module")
def mutants() -> Switchboard:
    return compiled([*(row[:3] for row in OF_THE_TEXT), *(("appending.h", *row[:2]) for row in OF_APPENDING)])


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """A mutant must translate, and what it translates must not be kept."""
    with nothing_prepared():
        yield


@pytest.mark.parametrize("number", range(1, 1 + len(OF_THE_TEXT)), ids=[row[-1] for row in OF_THE_TEXT])
def test_mutants_of_the_text(number: int, mutants: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    with mutants.planting(number) as module:
        load(module, monkeypatch)
        assert not conforms(), OF_THE_TEXT[number - 1][-1]


@pytest.mark.parametrize("number", range(1, 1 + len(OF_APPENDING)), ids=[row[-1] for row in OF_APPENDING])
def test_mutants_of_appending(number: int, mutants: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    with mutants.planting(len(OF_THE_TEXT) + number) as module:
        load(module, monkeypatch)
        assert not appends(), OF_APPENDING[number - 1][-1]


def test_without_a_mutant_the_module_conforms(mutants: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is the change that the others fail by, and not how they are compiled."""
    load(mutants.module, monkeypatch)
    assert conforms() and appends()


def test_what_cannot_be_planted() -> None:
    """Text that is not there once, and a piece that is neither a statement nor a value."""
    with pytest.raises(ValueError, match="0 times, not once"):
        compiled([("tape.h", "no such text;", "")])
    with pytest.raises(ValueError, match="neither a statement nor a value"):
        switched(1, "a & b", "")


def load(mutant: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def session(model: Any, tokens: Any, positions: Any, device: str, every: bool = False) -> NativeSession:
        return NativeSession(model, tokens, positions, mutant, every)

    monkeypatch.setitem(ENGINES, "native", session)


@pytest.mark.parametrize(("function", "old", "new", "breaks"), OF_THE_TRANSLATION, ids=[row[-1] for row in OF_THE_TRANSLATION])
def test_mutants_of_the_translation(function: Any, old: str, new: str, breaks: str) -> None:
    with Rewrite(function, old, new).planted():
        assert not conforms(), breaks


@pytest.mark.parametrize(("function", "old", "new", "breaks"), OF_THE_SESSION, ids=[row[-1] for row in OF_THE_SESSION])
def test_mutants_of_the_session(function: Any, old: str, new: str, breaks: str) -> None:
    with Rewrite(function, old, new).planted():
        assert not appends(), breaks
