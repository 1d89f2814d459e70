"""`lockstep compare`: one run in every construction, in a table, in words, as JSON and as a figure."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from kit.commands import FINE, MISUSED, REFUTED, WRONG, Do
from kit.jobs import DIRECTORY, job_of

import lockstep
from lockstep.commands.compare import rows
from lockstep.commands.compare.plot import GAP, LOOKS, MACHINE, spread
from lockstep.commands.compare.rows import SYSTEMS, compare_job, growth, name_of
from lockstep.commands.compare.table import in_words, serially
from lockstep.compiler.names import AO_MDM, ARM, EVERY, FIVE_COPIES, MASKED_ARM, MDM, ONE_STEP, REVISION, THREE_COPIES, TWO_STEP
from lockstep.pram.program import load
from lockstep.proofs_check.theorems import BOUNDS


def test_every_construction_has_a_row() -> None:
    """On tree_sum with 8 numbers: figures by closed form, as counted, and by hand."""
    found = compare_job(job_of("tree_sum", 8))
    by_name = {row.system: row for row in found.rows}
    assert set(by_name) == set(EVERY) and found.rows[0].system == ARM
    assert found.holds and (found.run.time, found.run.job.processors, found.run.job.state_words) == (60, 4, 41)
    for row in found.rows:
        assert (row.verdict, row.why, row.depth) == (
            "agrees",
            "",
            {MASKED_ARM: 5, THREE_COPIES: 4, FIVE_COPIES: 4}.get(row.system, 3),
        )
        assert row.form == row.counted is not None
        assert row.bound is None or row.form is not None and row.form.operations <= row.bound
    steps = {name: row.form.steps for name, row in by_name.items() if row.form}
    assert (steps[ARM], steps[MDM], steps[TWO_STEP], steps[ONE_STEP], steps[REVISION]) == (721, 61, 130, 70, 60)
    assert steps[AO_MDM] == steps[MASKED_ARM] == 3 * 4 * 60 + 1
    contexts = {name: row.form.context for name, row in by_name.items() if row.form}
    assert (contexts[ARM], contexts[MDM], contexts[TWO_STEP], contexts[ONE_STEP], contexts[REVISION]) == (734, 734, 60, 89, 46)
    arm, mdm = by_name[ARM].form, by_name[MDM].form
    assert arm and mdm and arm.tokens == mdm.tokens == 721
    assert by_name[ARM].kept is not None and by_name[ARM].kept < arm.operations and by_name[MDM].kept is None


def test_it_says_so_in_words() -> None:
    found = compare_job(job_of("tree_sum", 8), max_context=0)
    assert in_words(found) == [
        "arm, ao-mdm and masked-arm take a decoding step for each token they make: 721.",
        "arm erasing takes a decoding step for each token it makes: 1,372.",
        "mdm makes the same run in 61 steps (1.0 T).",
        "The context of arm, ao-mdm, masked-arm and mdm holds the whole run: 734 and 1,455 tokens.",
        "arm erasing needs a context of 139 tokens (3.4 for each word of space), however long the run is.",
        "ap-mdm two-step takes 130 steps (2.2 T), in a context of 60 tokens (1.5 for each word of space).",
        "ap-mdm one-step takes 70 steps (1.2 T), in a context of 89 tokens (2.2 for each word of space).",
        "revision takes 60 steps (1.0 T), in a context of 46 tokens (1.1 for each word of space).",
        "revision 3-copies takes 60 steps (1.0 T), in a context of 136 tokens (3.3 for each word of space).",
        "revision 5-copies takes 60 steps (1.0 T), in a context of 226 tokens (5.5 for each word of space).",
        "So what revision saves beside arm erasing is time, not space: 60 decoding steps instead of 1,372.",
    ]
    assert serially(found.rows)[-1] == (
        "No such bound holds for arm erasing, ap-mdm two-step, ap-mdm one-step, revision, revision 3-copies and revision 5-copies: "
        "positions get new tokens again."
    )
    assert re.fullmatch(
        r"A serial machine needs \d.\de\d+ multiply-adds for mdm: at most c N\^3 = \d.\de\d+ \(Theorem 2\)\.",
        serially(found.rows)[3],
    )


def test_the_table_has_the_figures(do: Do) -> None:
    outcome = do("compare tree_sum --size 2 --json")
    record = json.loads(outcome.out)
    table = do("compare tree_sum --size 2")
    assert outcome.status == table.status == FINE
    assert "tree_sum, n 2: T = 26 steps, P = 1 processor, 11 words of space" in table.out
    for system in record["systems"]:
        name = " ".join(filter(None, (system["process"], system["schedule"])))
        (line,) = (
            line for line in table.out.partition("closed forms")[0].splitlines() if re.match(rf"{re.escape(name)} +\d+ ", line)
        )
        form = system["by_form"]
        figures = [str(system["depth"]), *(str(form[x]) for x in ("steps", "steps", "context", "tokens"))]
        assert line.replace(name, "", 1).replace(",", "").split()[:5] == figures, line
        assert system["verdict"] == "agrees" and line.split()[-1] == "agrees" and form == system["counted"]
        forms = system["forms"]
        assert re.search(
            rf"^{re.escape(name)} +{re.escape(forms['decoding_steps'])} +{re.escape(forms['context'])} *$", table.out, re.M
        )
    for text in record["words"]:
        assert "".join(text.split()) in "".join(table.out.split())


def test_what_is_too_long_is_computed(do: Do) -> None:
    """A row says why there is no decode, and has its closed forms all the same."""
    limited = json.loads(do("compare tree_sum --size 8 --max-context 100 --max-decoding-steps 100 --json").out)["systems"]
    whole = json.loads(do("compare tree_sum --size 8 --json").out)["systems"]
    assert [s["by_form"] for s in limited] == [s["by_form"] for s in whole]
    assert {s["verdict"] for s in whole} == {"agrees"}
    verdicts = {" ".join(filter(None, (s["process"], s["schedule"]))): (s["verdict"], s["why"], s["counted"]) for s in limited}
    assert verdicts["arm"] == verdicts["mdm"] == ("left out", "context 734 is more than --max-context 100", None)
    assert verdicts["ap-mdm two-step"] == ("left out", "130 decoding steps are more than --max-decoding-steps 100", None)
    assert verdicts["ap-mdm one-step"][0] == "agrees"
    outcome = do("compare tree_sum --size 8 --max-context 100")
    assert outcome.status == FINE and "arm was not decoded: context 734 is more than --max-context 100\n" in outcome.out


def test_an_engines_limit_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_CONTEXT", dict.fromkeys(rows.MAX_CONTEXT, 100))
    found = {row.system: row for row in compare_job(job_of("tree_sum", 8)).rows}
    assert found[ARM].verdict == "left out" and re.fullmatch("context 734 is more than the .+ engine takes, 100", found[ARM].why)
    assert found[TWO_STEP].verdict == "agrees"


def test_a_construction_without_models_of_the_mode_says_so(do: Do) -> None:
    outcome = do("compare histogram --size 2 --json")
    lacking = [system for system in json.loads(outcome.out)["systems"] if system["verdict"] == "no model"]
    names = ["ap-mdm one-step", "revision", "revision 3-copies", "revision 5-copies"]
    assert [" ".join(filter(None, (s["process"], s["schedule"]))) for s in lacking] == names
    for name, system in zip(names, lacking):
        assert system["depth"] is None and system["by_form"] is None
        assert system["why"].startswith(f"{name} has no models of the write rule `+`: ")
    assert (
        outcome.status == FINE and "ap-mdm one-step has no models of the write rule `+`" in do("compare histogram --size 2").out
    )


@pytest.mark.parametrize("what", ["steps", "context", "tokens", "operations", "passes"])
def test_a_closed_form_that_is_not_what_is_counted_fails(what: str, do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    right = rows.by_form

    def wrong(*arguments: object) -> rows.Counts:
        values = asdict(right(*arguments))  # type: ignore[arg-type]
        return rows.Counts(**values | {what: values[what] + 1})

    monkeypatch.setattr(rows, "by_form", wrong)
    outcome = do("compare plain.pram --json")
    assert outcome.status == REFUTED
    for system in json.loads(outcome.out)["systems"]:
        counted = system["counted"][what]
        assert (system["verdict"], system["why"]) == ("FAILED", f"{what} {counted:,}, not {counted + 1:,}")
    assert "FAILED: arm: " in do("compare plain.pram").out


def test_a_decode_that_leaves_the_machine_fails(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    from lockstep.models.decode import Decoder

    original = Decoder.__iter__

    def early(self: Decoder):  # type: ignore[no-untyped-def]
        yield next(original(self))

    monkeypatch.setattr(Decoder, "__iter__", early)
    outcome = do("compare plain.pram --json")
    assert outcome.status == REFUTED
    assert {system["verdict"] for system in json.loads(outcome.out)["systems"]} == {"FAILED"}


def test_an_input_file_and_its_claims(do: Do) -> None:
    outcome = do("compare tiny.pram --input in.json --json")
    record = json.loads(outcome.out)
    assert outcome.status == FINE and (record["program"], record["params"], record["time"]) == ("tiny", {"n": 4}, 8)
    false = do("compare liar.pram --input in.json")
    assert false.status == REFUTED and "claim time == 7 is false" in false.err and "arm" in false.out


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        ("tiny.pram", MISUSED, "an input is missing; give --input FILE or --size N"),
        ("tiny.pram --size 2 --sizes 1..4", MISUSED, "these are the sizes of the figure: give --plot, too"),
        ("tiny.pram --size 2 --plot figure.gif", MISUSED, "figure.gif does not end with .svg, .png or .pdf"),
        ("tiny.pram --size 2 --plot no/figure.svg", MISUSED, "there is no directory no"),
        ("tiny.pram --input in.json --plot f.svg", MISUSED, "the figure needs inputs of several sizes"),
        ("tiny.pram --input negative.json", WRONG, "A[2] = -4"),
        ("stuck.pram --max-steps 9", WRONG, "stuck.pram:2:1: error: "),
        ("none.pram --size 2", WRONG, "none.pram"),
    ],
)
def test_wrong_input_is_one_line(line: str, status: int, says: str, do: Do) -> None:
    outcome = do(f"compare {line}")
    assert (outcome.status, outcome.out) == (status, "") and says in " ".join(outcome.err.replace("│", " ").split())
    assert not list(Path().glob("*.svg"))


def test_growth_is_of_every_size() -> None:
    points = growth(load(DIRECTORY / "tree_sum.pram"), [1, 2, 8])
    assert [(p.size, p.time, p.space) for p in points] == [(1, 9, 10), (2, 26, 11), (8, 60, 41)]
    job = job_of("tree_sum", 8)
    for system in SYSTEMS:
        assert points[2].steps[system] == BOUNDS[system].steps(job, 60)
        assert points[2].contexts[system] == BOUNDS[system].peak_context(job, 60)


@pytest.mark.parametrize(("kind", "starts"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_figure(kind: str, starts: bytes, do: Do) -> None:
    """The same file for the same runs; every construction has its name in both halves."""
    first = do(f"compare tiny.pram --size 3 --max-context 0 --plot one.{kind} --json")
    again = do(f"compare tiny.pram --size 3 --max-context 0 --plot two.{kind} --sizes 3,1,2")
    assert first.status == again.status == FINE
    assert [point["size"] for point in json.loads(first.out)["growth"]] == [1, 2, 3]
    page = Path(f"one.{kind}").read_bytes()
    assert page.startswith(starts) and page == Path(f"two.{kind}").read_bytes()
    if kind == "svg":
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", page.decode())
        for system in SYSTEMS:
            assert texts.count(name_of(system)) == 2
        assert {"machine, T", "machine, space", "tiny: decoding steps", "tiny: context, tokens"} <= set(texts)


def test_a_figure_leaves_out_what_has_no_models(do: Do) -> None:
    assert do("compare histogram --size 2 --max-context 0 --plot f.svg").status == FINE
    page = Path("f.svg").read_text()
    assert ">ap-mdm two-step<" in page and "one-step" not in page


def test_labels_do_not_lie_on_each_other() -> None:
    for heights in ([0.5, 0.5, 0.51], [0.97, 0.97, 0.99], [0.0, 0.2, 0.9], [0.9, 0.1]):
        found = spread(heights)
        assert min(abs(a - b) for a, b in combinations(found, 2)) >= GAP - 1e-9 and max(found) <= 1
        assert [i for i, _ in sorted(enumerate(found), key=lambda x: x[1])] == list(np.argsort(heights, kind="stable"))
    assert spread([0.0, 0.2, 0.9]) == [0.0, 0.2, 0.9]


#: What people see who lack the cones for red, or for green (Machado et al., 2009), on linear RGB.
SEEN = {
    "everybody": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
}


def laboratory(colour: str, seen: str) -> np.ndarray:
    """A colour in CIELAB, as somebody sees it."""
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.clip(SEEN[seen] @ np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4), 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(xyz / [0.9505, 1, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("seen", SEEN)
def test_colours_are_told_apart(seen: str) -> None:
    colours = [MACHINE["color"], *(colour for colour, *_ in LOOKS)][: len(SYSTEMS) + 1]
    for one, other in combinations(colours, 2):
        assert np.linalg.norm(laboratory(one, seen) - laboratory(other, seen)) > 15, (one, other)
    assert len(LOOKS) >= len(SYSTEMS) and len({marker for _, marker, _ in LOOKS}) == len(LOOKS)


def test_from_python() -> None:
    program = lockstep.load("tree_sum")
    found = lockstep.compare(program, {"n": 4}, {"A": [3, 1, 4, 1]})
    assert found.holds and [row.system for row in found.rows] == list(SYSTEMS)
    assert found.run.outputs == {"total": 9} and found.rows[0].counted is not None
    computed = lockstep.compare(program, {"n": 4}, {"A": [3, 1, 4, 1]}, max_context=0)
    assert {row.verdict for row in computed.rows} == {"left out"}
    assert [row.form for row in computed.rows] == [row.form for row in found.rows]
