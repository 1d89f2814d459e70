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
from kit.decoding import ENCODERS
from kit.jobs import job_of
from kit.made_models import BROKEN, finding_model, gives_up, lookup_model, returning_model, tampered, vanishing_model
from kit.native_mutants import Switchboard, compiled, compiler, switched
from kit.translations import nothing_prepared
from mutation.planting import Rewrite

from lockstep.models.engines import ENGINES
from lockstep.models.engines.native import heads, modules, readout, translate
from lockstep.models.engines.native.session import NativeSession
from lockstep.models.engines.session import Unsuitable
from lockstep.pram.machine import run

pytestmark = pytest.mark.skipif(not modules.usable() or not compiler(), reason="there is no C++ compiler")

#: File, what stands there once, what the mutant has instead, and what is broken.
OF_THE_TEXT = (
    ("lookups.h", "if (best_goes || tie_may_go) old.state |= SEARCH;", "", "the best key stays the best when it goes"),
    ("lookups.h", "if (!b.best || recency > t.keys[b.best - 1].recency)", "if (!b.best)", "a more recent key is not read"),
    ("lookups.h", "for (u32 row : h.fresh) answer(to, t, rows, row, news);", "", "rows that ask anew get no answer"),
    ("decoder.h", "pass_ <= (u32)last", "true", "rows that ask anew are never listed"),
    ("lookups.h", "if (t.keys[row].bucket) place_key(t, row, 0, 0, 0);", "", "rows that are gone stay keys"),
    ("lookups.h", "tie |= (b.state & TIED) != 0;", "", "ties are not noticed"),
    ("decoder.h", "rows.push_back(row);", "", "rows that read another value are not computed"),
    ("decoder.h", "keep[v] |= (u64)anew_.has(row[i]) << i;", "", "a row whose token changed stops if its first layer does not"),
    ("positions.h", "from / 8 < runs.back().first + 8", "true", "a run of bits of positions has more than eight columns"),
    (
        "bits.h",
        "to[64 * w + i] = i < rows ? record[chosen[w]] : 0;",
        "to[64 * w + i] = i < rows && w ? record[chosen[w]] : 0;",
        "the first word of a record counts as 0",
    ),
    ("decoder.h", "t.faults && v < V", "false && v < V", "rows with a fault are computed all the same"),
    ("decoder.h", "found.bits & REMASK ? vocabulary_.mask : ", "", "nothing is remasked"),
    ("decoder.h", "raise(FIRST_TOKEN);", ";", "the first token may come twice"),
    ("network.h", "if (b & 1) return node(MAJN, b ^ 1, a, c);", "", "a complement in a majority is lost"),
    ("forms.h", "rest = sum(rest, t.weight);", "", "a complement does not change the constant"),
    ("gates.h", "left -= t.weight > spare ? t.weight : 0;", "", "literals that are needed count twice"),
    ("gates.h", "if (carry) carries.push_back(carry);", "", "sums have no carries"),
    ("gates.h", "refuse(network.some(planes));", "", "a column may hold more than a bit"),
    ("layers.h", "if (!complete[f]) forms_of[f].plus(forms_of[f - 1]);", "", "the difference from a form counts as a form"),
    ("schedule.h", "last_[a >> 1] == step", "last_[a >> 1] <= step + 1", "a plane is used again while something reads it"),
    ("tape.h", "EACH(MAJN, (~a & (b | c)) | (b & c))", "EACH(MAJN, (a & (b | c)) | (b & c))", "a majority misses a complement"),
)
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
    (readout._Readout._best, "int(other < kind)", "0", "two kinds are the best"),
)  # fmt: skip


same_tokens = partial(decoding.same_tokens, reference=decoding.remembered)  # no mutant is in the reference
whole_job = partial(decoding.whole_job, reference=decoding.remembered)


def conforms() -> bool:
    """Whether the native engine gives the reference's tokens in these cases, and leaves alone what it should."""
    try:
        same_tokens(*lookup_model(7), "native", order="left-to-right")
        assert same_tokens(*lookup_model(7), "native") == "native"
        for model in (vanishing_model, finding_model, returning_model):
            assert same_tokens(*model(), "native", "ap-mdm", most=12) == "native"
        for broken in BROKEN:
            assert same_tokens(*tampered(broken), "native", most=20) == gives_up("native", broken)
        for name, size in (("tree_sum", 3), ("counter", 1)):
            for construction in ENCODERS:
                job = job_of(name, size, 8)
                assert whole_job(job, run(job).time, "native", construction) == "native"
    except (AssertionError, Unsuitable, IndexError):
        return False
    return True


def test_the_engine_conforms() -> None:
    assert conforms()


@pytest.fixture(scope="module")
def mutants() -> Switchboard:
    return compiled([row[:3] for row in OF_THE_TEXT])


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


def test_without_a_mutant_the_module_conforms(mutants: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is the change that the others fail by, and not how they are compiled."""
    load(mutants.module, monkeypatch)
    assert conforms()


def test_what_cannot_be_planted() -> None:
    """Text that is not there once, and a piece that is neither a statement nor a value."""
    with pytest.raises(ValueError, match="0 times, not once"):
        compiled([("tape.h", "no such text;", "")])
    with pytest.raises(ValueError, match="neither a statement nor a value"):
        switched(1, "a & b", "")


def load(mutant: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def session(model: Any, tokens: Any, positions: Any, device: str) -> NativeSession:
        return NativeSession(model, tokens, positions, mutant)

    monkeypatch.setitem(ENGINES, "native", session)


@pytest.mark.parametrize(("function", "old", "new", "breaks"), OF_THE_TRANSLATION, ids=[row[-1] for row in OF_THE_TRANSLATION])
def test_mutants_of_the_translation(function: Any, old: str, new: str, breaks: str) -> None:
    with Rewrite(function, old, new).planted():
        assert not conforms(), breaks
