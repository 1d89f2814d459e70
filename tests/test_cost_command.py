"""`lockstep cost` through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit.commands import FINE, MISUSED, REFUTED, TINY, WRONG, Do

from lockstep.commands.cost import calibrate
from lockstep.commands.cost.model import FEATURES
from lockstep.commands.cost.show import size, span
from lockstep.compiler.compile import CONSTRUCTIONS, is_causal
from lockstep.models.engines import MAX_CONTEXT, available, pick, takes_causal

SUMS = Path(__file__).parent.parent / "examples" / "programs" / "hillis_steele.pram"
COUNTER = SUMS.with_name("counter.pram")


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A calibration by which each engine takes a millisecond for a decoding step, and nothing else."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    times = {
        e: {c: [1e-3 * (name == "decoding steps") for name in names] for c in CONSTRUCTIONS} for e, names in FEATURES.items()
    }
    calibrate.save(calibrate.Calibration(calibrate.this_machine(), times, {e: [1e8, 1.0] for e in FEATURES}, 1.0))


def test_exact_figures(do: Do) -> None:
    outcome = do(f"cost {SUMS} --size 1e6 --exact --json")
    found = json.loads(outcome.out)
    assert outcome.status == FINE
    assert (found["time"], found["time_is"], found["processors"], found["word_bits"]) == (264, "==", 10**6, 24)
    mdm, two, one, arm, erasing, revision = found["processes"]
    assert (mdm["decoding_steps"], mdm["context"], mdm["tokens"], mdm["tokens_are"]) == (265, 794_000_004, 793_000_000, "==")
    assert (two["process"], two["decoding_steps"], two["tokens_are"]) == ("ap-mdm", 556, "<=")
    assert (one["context"], one["certified"]) == (14_000_006, {"float64": True, "float32": False})
    assert (arm["decoding_steps"], arm["context"], arm["tokens"]) == (793_000_000, 794_000_004, 793_000_000)
    assert (erasing["process"], erasing["tokens"]) == ("arm erasing", erasing["decoding_steps"])
    assert erasing["context"] < one["context"] * 2 and erasing["decoding_steps"] < 3 * arm["decoding_steps"]
    assert (revision["decoding_steps"], revision["context"]) == (264, 1 + 3 + 10**6 + 6 * 10**6)
    assert mdm["engines"] == [] and found["sentence"] == ""


def test_times_and_memory(do: Do, calibrated: None) -> None:
    found = json.loads(do(f"cost {SUMS} --size 10^6 --process ap-mdm --schedule two-step --json").out)
    (process,) = found["processes"]
    indexed = process["engines"][2]
    assert (indexed["engine"], indexed["within"], indexed["longest"]) == ("indexed", False, 4_000_000)
    assert indexed["seconds"] == pytest.approx(0.557)  # with the last pass, which changes nothing
    fast = pick(14_000_006, 284)
    assert fast == ("native" if "native" in available() else "indexed")
    assert found["sentence"].endswith(f"with the {fast} engine, which refuses contexts beyond {MAX_CONTEXT[fast]:,} tokens")
    table = do(f"cost {SUMS} --size 64,2^10 --process ap-mdm").out
    assert table.count("one decode of hillis_steele") == 2 and "over 6,000" in table


def test_division_in_long_words_is_named(do: Do) -> None:
    text = "program d word {} param n procs n shared A[n] : inout claim time == 8 parallel for i in 0 .. n - 1 do A[i] := A[i] {} 3 end"
    for bits, operator, gates in ((24, "/", 14_321), (16, "/", 0), (24, "+", 0)):
        Path("d.pram").write_text(text.format(bits, operator))
        out = " ".join(do("cost d.pram --size 2 --exact").out.split())
        said = f"Division in words of {bits} bits takes {gates:,} gates: a decoding step is many times slower than without."
        assert (said in out) == (gates > 0) and ("Division" in out) == (gates > 0)


def test_ranges_of_sizes(do: Do) -> None:
    ranged = json.loads(do("cost tiny.pram --sizes 2..4 --exact --json").out)
    assert ranged == json.loads(do("cost tiny.pram --size 2,3,4 --exact --json").out) and len(ranged) == 3
    assert do("cost tiny.pram --sizes 2 --size 3 --exact").status == MISUSED


def test_nothing_is_measured_for_arguments_that_are_wrong(do: Do, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(calibrate, "calibrate", None)  # to call it would be an error
    outcome = do("cost tiny.pram")
    assert outcome.status == WRONG and "missing parameter" in outcome.err and "measuring" not in outcome.err


def test_a_false_claim_ends_it(do: Do) -> None:
    outcome = do("cost liar.pram --size 1e6 --exact")
    assert outcome.status == REFUTED and not outcome.out
    assert outcome.err == (
        "error: claim time == 7 is false: 8, claimed == 7, at n = 1; `claim time == 8` fits all sizes; so there is no "
        "prediction\n"
    )


def test_decodes_are_held_against_it(do: Do) -> None:
    assert do("cost tiny.pram --size 5 --exact --check --process mdm").out.count("agree") == len(available())
    Path("late.pram").write_text(TINY.replace("== 8", "== 8 + n / 17"))
    outcome = do("cost late.pram --size 17 --exact --check --process ap-mdm --schedule one-step")
    assert outcome.status == REFUTED and "FAILED: T is 8, not 9" in outcome.out


def test_a_bound_is_held_against_decodes(do: Do) -> None:
    Path("most.pram").write_text("program most\nshared t : output\nclaim time <= 100\nt := 1\n")
    outcome = do("cost most.pram --exact --check --process mdm")
    assert outcome.status == FINE and outcome.out.count("agree") == len(available())
    Path("over.pram").write_text(TINY.replace("== 8", "<= 8 - n / 17"))
    outcome = do("cost over.pram --size 17 --exact --check --process mdm")
    assert outcome.status == REFUTED and "FAILED: T is 8, not at most 7" in outcome.out


def test_time_is_held_where_nothing_is_decoded(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    for engine in MAX_CONTEXT:
        monkeypatch.setitem(MAX_CONTEXT, engine, 10)
    outcome = do("cost tiny.pram --size 17 --exact --check")
    assert outcome.status == FINE and "compared with a run of the machine; nothing was decoded" in outcome.out
    decodes = [name for engine in available() for name in CONSTRUCTIONS if takes_causal(engine) or not is_causal(name)]
    assert outcome.out.count("T only; not decoded") == len(decodes) and "agree" not in outcome.out
    checked = json.loads(do("cost tiny.pram --size 17 --exact --check --process mdm --json").out)["checked"]
    assert {(each["holds"], each["measured"]) for each in checked} == {(True, 0)} and all(each["left_out"] for each in checked)
    Path("late.pram").write_text(TINY.replace("== 8", "== 8 + n / 17"))
    outcome = do("cost late.pram --size 16,17 --exact --check --process mdm")
    assert outcome.status == REFUTED and outcome.out.count("FAILED: T is 8, not 9") == len(available())


def test_what_is_not_certified_is_said(do: Do) -> None:
    out = do(f"cost {COUNTER} --size 40 --process mdm --exact").out
    assert "mdm: not certified, so a decode is refused: float64 is not exact here" in out


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("cost --size 4", MISUSED, "a program is missing"),
        ("cost tiny.pram --n 4", MISUSED, "--n: this is --size now: --size 4"),
        ("cost tiny.pram --size 4.5 --exact", MISUSED, "'4.5' is not an integer"),
        ("cost tiny.pram --size 2^64 --exact", MISUSED, "'2^64' has more than 63 bits"),
        ("cost tiny.pram --size 0 --exact", MISUSED, "--size: sizes start at 1"),
        ("cost tiny.pram --size 4,0 --exact", MISUSED, "--size: sizes start at 1"),
        ("cost tiny.pram --size many --exact", MISUSED, "'many' is not a number such as 1000, 1e6, 10^6 or 2^20"),
        ("cost tiny.pram --size -4 --exact", MISUSED, "'-4' is not a number"),
        ("cost tiny.pram --param n --exact", MISUSED, "'n' is not NAME=NUMBER"),
        ("cost tiny.pram --param n=1 --param n=2 --exact", MISUSED, "'n=2' names a parameter for the second time"),
        ("cost tiny.pram --size 4 --exact --calibrate", MISUSED, "--exact needs no calibration"),
        ("cost tiny.pram --exact", WRONG, "missing parameter `n`: set it with --param n=VALUE, or with --size"),
        ("cost tiny.pram --size 2^25 --exact", WRONG, "procs is 33554432 (with n = 33554432); the limit is 16777216"),
        ("cost stuck.pram --exact", WRONG, "no halt within"),
        (
            "cost tiny.pram --size 2^21 --exact --check",
            WRONG,
            "no input of these parameters can be drawn to decode: they are too large",
        ),
    ],
)
def test_misuse(line: str, status: int, message: str, do: Do) -> None:
    outcome = do(line)
    assert outcome.status == status
    assert message in " ".join(outcome.err.replace("│", " ").split())


def test_numbers_for_people() -> None:
    assert [span(x) for x in (0.0123, 1.26, 75, 4.2 * 3600, 1e20)] == [
        "12 ms",
        "1.3 s",
        "1.2 minutes",
        "4.2 hours",
        "over 10^6 years",
    ]
    assert [size(x) for x in (365e6, 6.1e12)] == ["365 MB", "6.1 TB"]
