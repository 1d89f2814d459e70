"""Checks of `compare`: a wrong count or a decode that was not made must not pass for agreement."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from kit.small import counted_cell, counting

from lockstep.commands.compare import rows
from lockstep.commands.compare.plot import GAP, spread
from lockstep.commands.compare.rows import AGREES, FAILED, LEFT_OUT, Counts, compare_job
from lockstep.commands.compare.table import in_words, serially
from lockstep.compiler.names import ERASING, EVERY
from lockstep.proofs_check.theorems import BOUNDS
from mutation.planting import Attribute
from mutation.table import Check


def comparisons() -> None:
    """Every construction is compared; what is off by one fails, and what is not decoded says why."""
    found = compare_job(counted_cell(1))
    assert {row.system: row.verdict for row in found.rows} == dict.fromkeys(EVERY, AGREES), f"{[row.why for row in found.rows]}"
    assert found.holds
    for what in asdict(found.rows[0].form or Counts(0, 0, 0, 0, 0)):
        with Attribute(rows, "by_form", _more(rows.by_form, what), "").planted():
            wrong = compare_job(counted_cell(1))
        verdicts = {row.verdict for row in wrong.rows}
        assert verdicts == {FAILED} and not wrong.holds, f"{what} is one more: {verdicts}"
    for limits, says in (({"max_context": 0}, "--max-context 0"), ({"max_decoding_steps": 0}, "--max-decoding-steps 0")):
        left = compare_job(counted_cell(1), **limits)
        assert all(row.verdict == LEFT_OUT and says in row.why and row.counted is None for row in left.rows), f"{says}: decoded"
        assert [row.form for row in left.rows] == [row.form for row in found.rows], f"{says}: other closed forms"


def _more(right: Callable[..., Counts], what: str) -> Callable[..., Counts]:
    def wrong(*arguments: Any) -> Counts:
        values = asdict(right(*arguments))
        return Counts(**values | {what: values[what] + 1})

    return wrong


def comparisons_in_words() -> None:
    """The sentences of a run that takes 9 steps on one processor."""
    found = compare_job(counting(2), max_context=0)
    words = in_words(found)
    erasing = BOUNDS[ERASING].steps(counting(2), 9)
    assert found.run.time == 9 and words[:3] == [
        "arm, ao-mdm and masked-arm take a decoding step for each token they make: 27.",
        f"arm erasing takes a decoding step for each token it makes: {erasing}.",
        "mdm makes the same run in 9 steps (1.0 T).",
    ], f"{found.run.time}: {words}"
    assert words[3] == "The context of arm, ao-mdm, masked-arm and mdm holds the whole run: 28 and 55 tokens.", words[3]
    assert re.fullmatch(
        r"arm erasing needs a context of \d+ tokens \(\d\.\d for each word of space\), however long the run is\.", words[4]
    )
    assert words[5].startswith("ap-mdm two-step takes ") and words[5].endswith(" for each word of space)."), words[5]
    assert words[7] == "revision takes 9 steps (1.0 T), in a context of 22 tokens (1.0 for each word of space).", words[7]
    for words_of_space, copies, said in ((3.0, 3, words[8]), (5.0, 5, words[9])):
        context = f"{1 + copies * 21} tokens ({words_of_space} for each word of space)"
        assert said == f"revision {copies}-copies takes 9 steps (1.0 T), in a context of {context}.", said
    saved = f"9 decoding steps instead of {erasing}"
    assert words[10] == f"So what revision saves beside arm erasing is time, not space: {saved}.", words[10]
    assert len(words) == 11 and len(serially(found.rows)) == 5, f"{serially(found.rows)}"
    assert "if it keeps keys and values" in serially(found.rows)[0] and "keeps" not in serially(found.rows)[1]


def labels() -> None:
    """Names in a figure stand apart, and none above or below its axes."""
    for heights in ([0.0, 0.0, 0.01], [0.98, 0.97, 1.0], [0.1, 0.9]):
        found = sorted(spread(heights))
        assert all(b - a >= GAP - 1e-9 for a, b in zip(found, found[1:])), f"{heights}: {found}"
        assert 0 <= found[0] and found[-1] <= 1, f"{heights}: {found}"


CHECKS = (
    Check("comparisons", "rows of `compare`, right, with a count that is one more, and beyond its limits", comparisons),
    Check("comparisons in words", "the sentences of `compare`, against those written by hand", comparisons_in_words),
    Check("labels", "the places of names in a figure: their distances, and its ends", labels),
)
