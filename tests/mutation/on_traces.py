"""Checks of traces: a reader of docs/trace.md replays them."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from kit.commands import WRONG
from kit.jobs import DIRECTORY
from kit.trace_rows import assert_rows_of_run, rows_of_decode
from kit.traces import assert_decode_replays, assert_machine_replays, drawn, traced
from test_trace import (
    test_a_model_that_fails_ends_at_its_first_wrong_token,
    test_a_page_holds_the_trace,
    test_a_run_that_fails_ends_at_the_step_that_failed,
    test_columns_come_back,
    test_columns_refuse_what_they_cannot_hold,
    test_forms_hold_in_other_orders,
    test_numbers_that_javascript_cannot_hold_are_strings,
    test_pairs_name_their_positions,
    test_texts_of_a_program_do_nothing_in_a_page,
    test_the_reader_replays_concurrent_writes,
)
from typer.testing import CliRunner

from lockstep.cli import app
from lockstep.common.tracing import page
from lockstep.compiler.names import EVERY, NotConstructed, lacking
from lockstep.pram.program import load, parse_program
from mutation.table import Check


def replays() -> None:
    program = load(DIRECTORY / "tree_sum.pram")
    job = drawn(program, 2)
    trace = traced(program, job, "mdm", "ap-mdm", "arm erasing")
    assert_machine_replays(trace, job)
    for number in range(3):
        assert_decode_replays(trace, number, job)
    for mode in ("CRCW priority", "CRCW max", "CRCW sum"):
        test_the_reader_replays_concurrent_writes(mode)


def failing() -> None:
    test_a_run_that_fails_ends_at_the_step_that_failed()
    test_a_model_that_fails_ends_at_its_first_wrong_token()


def columns() -> None:
    for values in ([], [127, -128], [128], [-129], [2**31 - 1, -(2**31)], [5] * 1000, list(range(-500, 5000, 7))):
        test_columns_come_back(values)
    test_columns_refuse_what_they_cannot_hold()


def headers() -> None:
    test_numbers_that_javascript_cannot_hold_are_strings()
    test_forms_hold_in_other_orders("random-subsets", "<=")
    test_forms_hold_in_other_orders("right-to-left", "==")


def pages() -> None:
    test_a_page_holds_the_trace()
    test_texts_of_a_program_do_nothing_in_a_page()


#: An EREW program with a branch, so that some processors run nops; words are signed and become negative.
SIGNED = """program s mode EREW param n procs n word 8 signed shared A[n] : inout
parallel for i in 0 .. n - 1 do
  if A[i] > 1 then
    A[i] := A[i] - 9
  end
end
"""


def rows_of_runs() -> None:
    program = parse_program(SIGNED)
    assert_rows_of_run(program.instantiate({"n": 3}, {"A": [3, 0, 5]}))
    assert_rows_of_run(drawn(load(DIRECTORY / "tree_sum.pram"), 4))


def rows_of_decodes() -> None:
    """What changed is in sight and has a mark, with a few exceptions; rows are not too wide."""
    job = drawn(load(DIRECTORY / "tree_sum.pram"), 2)
    state, appended = rows_of_decode(job, "ap-mdm")[1:], rows_of_decode(job, "arm")[1:]
    assert all(any(cell.startswith("*") for cell in row[4:]) for row in [*state[:-1], *appended])
    assert not any(cell.startswith("*") for cell in state[-1]), "the last step only deletes"
    assert all(row[-1].startswith("*") for row in appended), "the last token of a row is the appended one"
    assert any("*r" in cell for row in state for cell in row)


CLASH = "program clash\nparam n\nprocs n\nshared A[n] : input, s : output\nparallel for i in 0 .. n - 1 do\n  s := A[0]\nend\n"
ADDS = "program adds\nmode CRCW sum\nparam n\nprocs n\nword 4\nshared s : output\nparallel for i in 0 .. n - 1 do s := 1 end\n"


def shown_pages() -> None:
    """What `show` leaves: exit status, message and page of runs that end and that fail."""
    with TemporaryDirectory() as folder, patch.object(page, "TEMPLATE", Path(folder) / "template.html"):
        page.TEMPLATE.write_text(f"{page.HEADER}\n{page.COLUMNS}")
        for name, text in (("clash", CLASH), ("adds", ADDS)):
            (Path(folder) / f"{name}.pram").write_text(text)

        def show(name: str, *flags: str) -> tuple[int, dict[str, Any]]:
            out = Path(folder) / "out.html"
            outcome = CliRunner().invoke(app, ["show", str(Path(folder) / f"{name}.pram"), "--size", "2", "-o", str(out), *flags])
            return outcome.exit_code, json.loads(out.read_text().splitlines()[0])

        status, header = show("clash")
        assert status == WRONG and header["error"]["message"].startswith("clash.pram:6:8: error: step ")
        status, header = show("adds", "--process", "all", "--no-heads", "--order", "right-to-left")
        orders = {each["construction"]: each["order"] for each in header["processes"]}
        assert status == 0 and set(orders) == {name for name in EVERY if not lacking(name, ["sum"])}
        assert (orders["mdm"], orders["ap-mdm"], orders["masked-arm"]) == ("right-to-left", "parallel", "right-to-left")


CHECKS = (
    Check("trace replays", "machine and decodes, replayed by a reader of docs/trace.md, against both", replays),
    Check("failing traces", "traces of a run and of a model that fail: where they end, and why", failing),
    Check("columns of traces", "packed columns, unpacked by a reader of docs/trace.md", columns),
    Check("headers of traces", "closed forms of other orders, and long numbers", headers),
    Check(
        "traced pairs", "the pairs of masked-arm in a trace, against any-order masked diffusion", test_pairs_name_their_positions
    ),
    Check("rows of runs", "the rows of `run --trace`, against the machine step by step", rows_of_runs),
    Check("rows of decodes", "the rows of `decode --trace`: what changed is in sight and marked", rows_of_decodes),
    Check("shown pages", "the exit status, the message and the page that `show` leaves", shown_pages, (NotConstructed,)),
    Check("pages", "texts of programs in a page, and the trace that is read back from it", pages),
)
