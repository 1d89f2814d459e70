"""Tests of the files that a sidecar reads, and of attacks by sidecars."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from kit.commands import FINE, REFUTED, WRONG, Do
from kit.sidecars import HEAD, INPUTS, RIGHT, generator, judged

from lockstep.pram.errors import Source
from lockstep.pram.sidecar import SidecarFailed
from lockstep.pram.sidecar.files import FOLDER, UNKNOWN, fingerprint, name_of
from lockstep.pram.sidecar.judging import Verdict
from lockstep.pram.sidecar.process import SidecarProcess, load_sidecar

# -- files that it reads -------------------------------------------------------------------------------


def test_what_lies_beside_a_sidecar_can_be_imported_and_is_noted(do: Do) -> None:
    Path("helper.py").write_text("K = 1\n")
    Path("data.txt").write_text("0")
    Path("lists").mkdir()
    found = generator(
        "import helper, statistics\n    from pathlib import Path\n    data = Path(__file__).with_name('data.txt')\n"
        "    K = helper.K + int(data.read_text())\n"
        "    K += len(os.listdir('lists')) + os.path.exists('/nowhere')\n    return {'A': [a + K for a in arrays['A']]}"
    )
    assert found.judge({"n": 1}, {"A": [1]}, {"A": [2]}) == Verdict(True, "", {"A": [2]})
    files = dict(found.files)
    names = {name for name in files if not name.endswith(".so")}
    assert names == {"data.txt", "helper.py", "helper/__init__.py", "lists", "/nowhere"}
    assert files["helper/__init__.py"] == "" and files["lists"].startswith(FOLDER)
    Path("data.txt").write_text("5")
    assert dict(found.files) == files, "fingerprints are those of what was read"
    assert found.judge({"n": 1}, {"A": [1]}, {"A": [7]})
    assert dict(found.files)["data.txt"] == UNKNOWN, "it changed between two calls"


def test_files_that_are_only_written_are_not_noted(do: Do) -> None:
    found = generator("open('log.txt', 'a').write('x'); " + RIGHT)
    assert found.judge({"n": 1}, {"A": [1]}, {"A": [2]}) and Path("log.txt").read_text() == "x"
    assert dict(found.files) == {}


def test_a_sidecar_stays_loaded_until_what_it_imported_changes(do: Do) -> None:
    Path("helper.py").write_text("K = 1\n")
    body = "return {'A': [a + helper.K for a in arrays['A']]}"
    first = generator(body, "import helper\n" + INPUTS)
    assert generator(body, "import helper\n" + INPUTS).sidecar is first.sidecar
    Path("helper.py").write_text("K = 2\n")  # of the same length, perhaps within the same second
    second = generator(body, "import helper\n" + INPUTS)
    assert second.sidecar is not first.sidecar
    verdict = second.judge({"n": 1}, {"A": [1]}, {"A": [2]})
    assert verdict is not None and verdict.difference == "oracle says 3, machine says 2, at `A[0]`"


def test_fingerprints(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    one = fingerprint(tmp_path, "a")
    assert one == fingerprint(tmp_path, str(tmp_path / "a")) != ""
    (tmp_path / "a").write_text("y")
    assert fingerprint(tmp_path, "a") != one
    assert fingerprint(tmp_path, "b") == ""
    assert fingerprint(tmp_path.parent, tmp_path.name) != fingerprint(tmp_path, "a")
    assert name_of(tmp_path, str(tmp_path.resolve() / "d" / "a")) == "d/a" and name_of(tmp_path, "/x/a") == "/x/a"


def test_processes_are_ended_when_nobody_needs_them(do: Do) -> None:
    process = SidecarProcess(Source("tiny.py", HEAD + INPUTS))
    number = process._process.pid
    assert process.call("inputs", 1, np.random.default_rng(0))[0] == {"n": 1}
    del process
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_the_same_text_is_loaded_once(do: Do) -> None:
    source = Source("tiny.py", HEAD + INPUTS)
    assert load_sidecar(source) is load_sidecar(source)
    assert load_sidecar(source, 3) is not load_sidecar(source)


# -- attacks -----------------------------------------------------------------------------------------------


def test_a_function_that_is_none_is_refused(do: Do) -> None:
    """A decorator that forgets to return the function."""
    Path("tiny.py").write_text("def forget(function): pass\n@forget\ndef oracle(params, arrays): return {}\n")
    outcome = do("verify tiny.pram --sizes 1")
    assert outcome.status == WRONG and "`oracle` is not a function but of type NoneType" in outcome.err


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_a_sidecar_that_is_no_file_is_not_ignored(kind: str, do: Do) -> None:
    if kind == "folder":
        Path("tiny.py").mkdir()
    else:
        Path("tiny.py").symlink_to("/nowhere/tiny.py")
    outcome = do("verify tiny.pram --sizes 1")
    assert outcome.status == WRONG and outcome.err.startswith("tiny.py: error: ")


def test_outputs_without_a_cell_are_not_judged(do: Do) -> None:
    Path("none.pram").write_text("program none\nparam n\nshared A[n] : input, B[n - 1] : output\n")
    Path("none.py").write_text(
        "def inputs(size, rng): return {'n': 1}, {'A': [1]}\ndef oracle(params, arrays): return {'B': []}\n"
    )
    outcome = do("verify none.pram --max-context 0")
    assert outcome.status == REFUTED and "nothing was compared" in outcome.out


def test_what_an_input_file_expects_is_held_against_outputs(do: Do) -> None:
    Path("e.json").write_text('{"params": {"n": 2}, "arrays": {"A": [1, 2]}, "expected": {"A": [2, 4]}}')
    Path("no.json").write_text('{"params": {"n": 2}, "arrays": {"A": [1, 2]}, "expected": {"B": [2, 4]}}')
    for oracle in ("", f"{HEAD}def oracle(params, arrays): {RIGHT}\n"):
        if oracle:
            Path("tiny.py").write_text(oracle)
        for command in ("run", "verify", "modes", "profile", "decode", "export"):
            outcome = do(f"{command} tiny.pram --input e.json")
            assert outcome.status == REFUTED and "the file says 4, machine says 3, at `A[1]`" in " ".join(
                (outcome.out + outcome.err).split()
            ), (command, outcome)
            other = do(f"{command} tiny.pram --input no.json")
            assert other.status == WRONG and other.err.startswith("no.json:1:59: error: "), other.err
    Path("e.jsonl").write_text(Path("e.json").read_text() + "\n")
    assert "line 1 of e.jsonl: the file says 4, machine says 3, at `A[1]`" in do("decode tiny.pram --input e.jsonl").err


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("os.fork(); " + RIGHT, ""),
        ("[os.write(fd, b'garbage!' * 4) for fd in range(3, 12) if fd not in (8,)]", "`oracle` "),
        ("return {'A': [10**5000] * 2}", "an integer of 16610 bits"),
    ],
)
def test_spoilt_answers(body: str, says: str, do: Do) -> None:
    """A fork of the sidecar's process gives no answer, and a damaged answer is an error within the time limit."""
    if "garbage" in body:
        body = (
            "\n    for fd in range(3, 12):\n        try: os.write(fd, b'garbage!' * 4)\n        except OSError: pass\n    "
            + RIGHT
        )
    try:
        found = judged(body, 5)
    except SidecarFailed as error:
        assert says and says in error.message
        return
    assert found is not None and (found.right or says in found.difference)


def test_a_sidecar_ends_with_who_asked_it(do: Do) -> None:
    """The process that called ends during the call."""
    import subprocess
    import time

    body = "open('pid', 'w').write(str(os.getpid()))\n    while True: pass"
    Path("tiny.py").write_text(f"{HEAD}def oracle(params, arrays):\n    {body}\n")
    asked = subprocess.Popen([sys.executable, "-m", "lockstep.cli", "run", "tiny.pram", "--size", "1", "--sidecar-timeout", "0"])
    until = time.monotonic() + 30
    while not (Path("pid").exists() and Path("pid").read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    number = int(Path("pid").read_text())
    asked.kill()
    asked.wait()
    while time.monotonic() < until:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("it goes on")


def test_no_sidecar_means_none_where_an_input_is_drawn(do: Do) -> None:
    Path("tiny.py").write_text("raise SystemExit(3)\n")
    assert do("run tiny.pram --size 2 --no-sidecar").status == FINE
    Path("tiny.py").write_text("import time\ndef inputs(size, rng):\n    time.sleep(9)\n")
    assert "has not answered after 0.5 seconds" in do("run tiny.pram --size 2 --sidecar-timeout 0.5").err


def test_a_given_input_is_not_blamed_on_the_sidecar(do: Do) -> None:
    Path("tiny.py").write_text(HEAD + INPUTS)
    Path("short.json").write_text('{"params": {"n": 3}, "arrays": {"A": [1, 2]}}')
    assert do("verify tiny.pram --input short.json").err.startswith("short.json:1:")
    Path("tiny.py").write_text("def inputs(size, rng): return {'n': size}, {'A': [1] * (size - 1)}\n")
    assert do("run tiny.pram --size 3").err.startswith("tiny.py:1:1: error: `inputs` returns a wrong input: ")


def test_a_winner_that_no_model_has_is_not_passed_over(do: Do) -> None:
    Path("w.pram").write_text("program w\nmode CRCW arbitrary\nprocs 3\nshared x : output\nx := pid\n")
    Path("w.py").write_text("def oracle(params, arrays): return {'x': 2}\n")
    outcome = do("verify w.pram --winner choices:2 --json")
    checks = {check["what"]: check for check in json.loads(outcome.out)["checks"]}
    assert outcome.status == REFUTED and checks["runs left undecoded"]["bound"] == "a model has one order of the processors"
    assert do("verify w.pram --winner choices:2 --max-context 0").status == FINE
    assert do("modes w.pram").status == REFUTED


def test_theorems_say_why_they_fail(do: Do) -> None:
    Path("tiny.py").write_text(f"{HEAD}def oracle(params, arrays): return {{'A': [0] * params['n']}}\n")
    outcome = do("theorems tiny.pram --sizes 1")
    assert outcome.status == REFUTED and "oracle says 0, machine says" in outcome.err and "FAILED: " in outcome.err
