"""Checks of what verify says: it believes a sidecar only where it says something, and calls nothing right that was not compared."""

from __future__ import annotations

import os
import pickle
import py_compile
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import lockstep
from lockstep.pram.errors import PramError, Source
from lockstep.pram.job import Array
from lockstep.pram.program import load
from lockstep.pram.sidecar import Generator, child, draw_one, generator_for
from lockstep.pram.sidecar.files import fingerprint
from lockstep.pram.sidecar.judging import Verdict, WrongForm, compare
from lockstep.pram.sidecar.process import load_sidecar
from lockstep.proofs_check.failing import shrink_failing
from lockstep.proofs_check.sweeps.check import check_task
from lockstep.proofs_check.sweeps.plan import Limits, SweepPlan, subjects
from lockstep.proofs_check.verification import Options, Report
from mutation.table import Check

COUNT = "program p\nparam n\nprocs max(1, n)\nshared A[n] : inout\nparallel for i in 0 .. n - 1 do A[i] := A[i] + 1 end\n"
RACE = "program p\nmode CRCW arbitrary\nparam n\nprocs n\nshared win : output\nparallel for i in 0 .. n - 1 do win := i end\n"
ADDS = "def oracle(params, arrays): return {'A': [a + 1 for a in arrays['A']]}\n"
MACHINE_ONLY: dict[str, Any] = {"constructions": ("mdm",), "max_context": 0}


@contextmanager
def folder(program: str, sidecar: str = "", **files: str) -> Iterator[Path]:
    """A program's path, with its sidecar and other files beside it."""
    with TemporaryDirectory() as name:
        path = Path(name) / "p.pram"
        path.write_text(program)
        if sidecar:
            path.with_suffix(".py").write_text(sidecar)
        for file, text in files.items():
            (Path(name) / file.replace("_", ".")).write_text(text)
        yield path


def report(program: str, sidecar: str = "", **options: Any) -> Report:
    with folder(program, sidecar) as path:
        return lockstep.verify(load(path), **{"sizes": [1, 2, 3], "random": 1} | MACHINE_ONLY | options)


def _refused(generator: Generator) -> str:
    """Why the sidecar does not judge the right outputs of an input; nothing if it does."""
    try:
        found = generator.judge({"n": 2}, {"A": [3, 4]}, {"A": [4, 5]})
    except PramError as error:
        return error.message
    assert found == Verdict(True, "", {"A": [4, 5]}), f"{found}"
    return ""


def sidecars_that_end() -> None:
    """Whatever ends a sidecar is an error, and the next call is answered."""
    for body, says in (
        ("import sys; sys.exit(0)", "calls sys.exit(0)"), ("import os; os._exit(0)", "ended with status 0"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"), ("while True: pass", "has not answered"),
    ):  # fmt: skip
        with folder(COUNT, f"def oracle(params, arrays):\n    {body}\n") as path:
            found = _refused(generator_for(load(path), timeout=0.5))
            assert says in found, f"{body}: {found or 'right'}"
    with folder(COUNT, f"COUNT = []\n{ADDS.replace('return', 'COUNT.append(1); return', 1)}") as path:
        generator = generator_for(load(path))
        assert not _refused(generator) and not _refused(generator)
    drawn = "import numpy as np\ndef inputs(size, rng): return {'n': 1}, {'A': [np.random.default_rng().integers(1 << 40)]}\n"
    with folder(COUNT, drawn) as path:
        try:
            draw_one(generator_for(load(path)), 1, 0, 0)
        except PramError:
            return
    raise AssertionError("an input that cannot be drawn again is drawn")


def oracles() -> None:
    """Outputs of another form are refused, and the first difference is found."""
    arrays = (Array("A", "output", 0, (2,)), Array("s", "output", 2, ()))
    found: dict[str, Any] = {"A": [4, 5], "s": 6}
    for said, right in (({"A": [4, 5], "s": 6}, True), ({"A": [4, 0], "s": 6}, False), ({"A": [4, 5], "s": 7}, False)):
        verdict = compare(arrays, said, found)
        assert (verdict.right, bool(verdict.difference)) == (right, not right), f"{said}: {verdict}"
    kept = (Array("A", "inout", 0, (2,)), arrays[1])
    partly = compare(kept, {"s": 6}, found)
    assert partly == Verdict(True, "", {"s": 6}, ("A",)), f"{partly}"
    try:
        raise AssertionError(f"nothing is taken for outputs: {compare(kept[:1], {}, found)}")
    except WrongForm:
        pass
    for unfit in (
        {"A": [4, 5]},
        {"A": [4, 5], "s": 6, "t": 1},
        {"A": [4], "s": 6},
        {"A": [4, 5, 6], "s": 6},
        {"A": [4, 5.0], "s": 6},
        None,
    ):
        try:
            raise AssertionError(f"{unfit} is taken for outputs: {compare(arrays, unfit, found)}")
        except KeyError as error:
            raise AssertionError(f"{unfit} is taken for outputs: {error}") from None
        except WrongForm:
            pass
    for answer in ("'False'", "1", "(x for x in ())", "None", "[]"):
        with folder(COUNT, f"def accepts(params, arrays, outputs): return {answer}\n") as path:
            assert _refused(generator_for(load(path))), f"{answer} is taken for True"
    for text in ("def oracel(params, arrays): pass\ndef inputs(size, rng): pass\n", "x = 1\n"):
        with folder(COUNT, text) as path:
            try:
                raise AssertionError(f"{text!r} is a sidecar: {generator_for(load(path))}")
            except PramError:
                pass


def what_sidecars_read() -> None:
    """Files that are opened, imported or listed are noted, and what changes is loaded anew."""
    module = ModuleType("none")
    with folder(COUNT, ADDS, data_txt="1", helper_py="K = 1\n") as path:
        watch = child.Watch(str(path.parent.resolve()) + os.sep)
        for event, arguments in (
            ("open", (str(path.parent / "data.txt"), "r", 0)), ("open", (str(path.parent / "log.txt"), "w", 0)),
            ("os.scandir", (str(path.parent),)), ("open", (os.__file__, "r", 0)),
        ):  # fmt: skip
            watch(event, arguments)
        watch.find_spec("helper")
        names = {Path(found).name for found in watch.paths if not found.endswith(".so")}
        assert names == {"data.txt", path.parent.name, "helper.py", "__init__.py"}, f"{names}"
        _check_changes(path)
        _check_byte_code(watch, path.parent)
    module.__dict__["oracle"] = sys.exit
    try:
        answer = child.answer(module, "p.py", watch, child.Call(pickle.dumps(("oracle", (0,)))))
    except SystemExit:
        raise AssertionError("an oracle that exits ends its process without an answer") from None
    assert answer[0] == "error" and "sys.exit(0)" in str(answer[1]), f"{answer}"


def _check_byte_code(watch: child.Watch, folder: Path) -> None:
    """Byte code of a source that has changed since, but is as long and as old as it was, is not used."""
    helper = folder / "helper.py"
    py_compile.compile(str(helper))
    old = helper.stat()
    helper.write_text("K = 3\n")
    os.utime(helper, ns=(old.st_atime_ns, old.st_mtime_ns))
    spec = child.from_source(watch)(str(folder)).find_spec("helper")
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    assert found.K == 3, "the module is that of its byte code"


def _check_changes(path: Path) -> None:
    source = Source(str(path.with_suffix(".py")), "import helper\n" + ADDS)
    first = load_sidecar(source)
    assert load_sidecar(source) is first, "loaded twice"
    before = fingerprint(path.parent, "helper.py")
    (path.parent / "helper.py").write_text("K = 2\n")
    assert fingerprint(path.parent, "helper.py") != before, "a changed file has the same fingerprint"
    assert load_sidecar(source) is not first, "what it imports has changed, and it is not loaded anew"


def files_of_cases() -> None:
    """A case of a sweep says what its sidecar read, also where it fails."""
    for oracle in ("import helper\n" + ADDS, "import helper\ndef oracle(params, arrays): return open('/nowhere')\n"):
        with folder(COUNT, oracle, helper_py="K = 1\n") as path:
            tasks, _ = SweepPlan(subjects([path], Limits(("mdm",), "float64", 0, 9, 99)), [1], 1, 0).tasks()
            found = dict(check_task(tasks[0]).files)
            assert found.keys() >= {"helper.py"}, f"{found}"
            assert ("/nowhere" in found) == ("nowhere" in oracle), f"{found}"


def verdicts() -> None:
    """Nothing compared is no success; what is wrong under one winner is wrong; every failure has its input."""
    nothing = report(COUNT)
    assert not nothing.holds and "nothing was compared" in nothing.conclusion, nothing.conclusion
    assert report(COUNT, ADDS).holds
    silent = report("program p\nparam n\nlocal x := n\n", "def oracle(params, arrays): return {}\n", max_context=1000)
    strengths = {check.what: check.verdict for check in silent.checks if check.what.endswith("outputs")}
    assert strengths == {"machine outputs": "skipped", "model outputs": "skipped"} and silent.holds, f"{strengths}"
    text = COUNT.replace("A[n] : inout", "A[n] : inout, last : output")
    partly = report(text, "def oracle(params, arrays): return {'last': 0}\n", max_context=1000)
    left_out = [(check.bound, check.verdict) for check in partly.checks if check.what == "inout A"]
    assert left_out == [("left out by oracle in p.py", "skipped")], f"{left_out}"
    long = report(COUNT, ADDS, max_context=10)
    assert not long.holds and "--max-context" in long.conclusion, long.conclusion
    for value, wins in (("0", "choices:1"), ("params['n'] - 1", "lowest")):
        raced = report(RACE, f"def oracle(params, arrays): return {{'win': {value}}}\n", max_context=1000, sizes=[3])
        assert not raced.holds and str(raced.failed[0].winner) == wins, (
            f"{raced.conclusion}: {[str(f.winner) for f in raced.failed]}"
        )
        decoded = {str(m.job.winner) for case in raced.cases for rows in case.decodes.values() for m in rows}
        assert decoded == {"lowest", "highest"}, f"decoded: {decoded}"
    claimed = report(COUNT.replace("shared", "claim time == 8 / (n - n)\nshared", 1))
    assert not claimed.holds and "cannot be computed" in claimed.failed[0].trouble


def refusals() -> None:
    """A run that the machine refuses fails, and shrinks to one that is refused in the same way."""
    text = COUNT.replace("A[n] : inout", "A[n] : inout in 1 .. 9") + "if n < 3 then single do A[0] := A[0] - 20 end end\n"
    text += "if n > 5 then single do A[n] := 0 end end\n"
    program_options = {"sizes": [9], "random": 1}
    with folder(text) as path:
        found = lockstep.verify(load(path), **program_options, **MACHINE_ONLY)
        assert [check.what for check in found.checks if not check.holds] == ["machine runs"], found.conclusion
        small = shrink_failing(load(path), found.failed[0], Options(constructions=(), max_context=0), seconds=10)
        assert small.inputs == ({"n": 6}, {"A": [1] * 6}), f"{small.inputs}"


def what_is_not_reached() -> None:
    """Inputs are looked for that reach what none does; what is left is named."""
    text = COUNT + "parallel for i in 0 .. n - 1 do\n  if A[i] == 41 then A[i] := 0 end\n  if n > 60 then A[i] := 1 end\nend\n"
    found = report(f"{text}", word_bits=8)
    assert found.unreached is not None and [side[3:] for side in found.unreached.sides] == [("n > 60",)], f"{found.unreached}"


CHECKS = (
    Check(
        "sidecars that end",
        "sidecars that exit, crash, never end or draw at will, against an error of each kind",
        sidecars_that_end,
    ),
    Check("oracles", "what sidecars return, against the program's outputs", oracles),
    Check("what sidecars read", "files opened, imported and listed, against what is noted of them", what_sidecars_read),
    Check("files of cases", "what a case of a sweep says its sidecar read, against what it read", files_of_cases),
    Check("verdicts", "reports of programs, right, wrong and without anything to compare", verdicts),
    Check("refusals", "a run that the machine refuses, against the input that is left of it", refusals),
    Check(
        "what is not reached",
        "a report's line on branches, against a program with one that no input reaches",
        what_is_not_reached,
    ),
)
