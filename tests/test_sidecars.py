"""Tests of sidecars that misbehave: each gets a clear error or has no effect. Only clear verdicts count."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
from kit.commands import FINE, REFUTED, WRONG, Do
from kit.sidecars import HEAD, INPUTS, RIGHT, error_of, generator

from lockstep.pram.errors import PramError
from lockstep.pram.job import Array
from lockstep.pram.program import load
from lockstep.pram.sidecar import draw_one, generator_for
from lockstep.pram.sidecar.judging import Verdict, WrongForm, compare
from lockstep.proofs_check.sweeps.cluster import FOREVER
from lockstep.proofs_check.sweeps.pool import pool

# -- crashes and errors --------------------------------------------------------------------------------

ENDS = {
    "sys.exit(0)": "it calls sys.exit(0); a sidecar must return",
    "sys.exit('done')": "it calls sys.exit('done'); a sidecar must return",
    "raise SystemExit": "it calls sys.exit(None); a sidecar must return",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise GeneratorExit": "GeneratorExit",
    "os._exit(0)": "its process ended with status 0 before it returned",
    "os._exit(7)": "its process ended with status 7 before it returned",
    "os.kill(os.getpid(), signal.SIGSEGV)": f"its process was ended by signal {signal.SIGSEGV.value} (SIGSEGV)",
    "return oracle(params, arrays)": "RecursionError: maximum recursion depth exceeded",
    "os.close(1); os.close(2); os._exit(0)": "its process ended with status 0 before it returned",
}


@pytest.mark.parametrize("body", ENDS)
def test_what_ends_a_sidecar_is_an_error(body: str, do: Do) -> None:
    assert error_of(body).startswith(f"`oracle` fails: {ENDS[body]}")


@pytest.mark.parametrize("body", ENDS)
@pytest.mark.parametrize("command", ["verify tiny.pram --sizes 1..2", "sweep tiny.pram --sizes 1..2 --workers 0 --process mdm"])
def test_no_command_takes_an_end_for_success(command: str, body: str, do: Do) -> None:
    generator(body)
    outcome = do(command)
    assert outcome.status == (WRONG if command.startswith("verify") else REFUTED)
    assert "`oracle` fails: " in outcome.out + outcome.err


def test_workers_survive_a_sidecar_that_exits(do: Do) -> None:
    generator("sys.exit(0)")
    outcome = do("sweep tiny.pram --sizes 1..2 --random 1 --workers 1 --process mdm")
    assert outcome.status == REFUTED and "it calls sys.exit(0)" in outcome.out


def test_a_sidecar_that_kills_every_worker_ends_its_cases_only(do: Do) -> None:
    """Dask removes a worker's slot if it stays empty for some time. Here it must not, however often a worker dies."""
    generator("parent = open(f'/proc/{os.getppid()}/stat').read().split(')')[1].split()[1]; os.kill(int(parent), signal.SIGKILL)")
    outcome = do("sweep tiny.pram --sizes 1..2 --random 1 --workers 1 --process mdm --json")
    (program,) = json.loads(outcome.out)["programs"]
    assert (
        outcome.status == REFUTED
        and [failure["trouble"] for failure in program["failures"]]
        == ["every process that ran this case died: is there enough memory?"] * 2
    )
    with pool(1, None):
        assert dask.config.get("distributed.deploy.lost-worker-timeout") == FOREVER


@pytest.mark.parametrize("text", ["import sys\nsys.exit(0)\n", "import os\nos._exit(0)\n", "raise KeyboardInterrupt\n"])
def test_a_sidecar_that_ends_while_it_is_loaded(text: str, do: Do) -> None:
    Path("tiny.py").write_text(text)
    outcome = do("verify tiny.pram --sizes 1")
    assert outcome.status == WRONG and "tiny.py" in outcome.err and "error: sidecar does not load: " in outcome.err


def test_an_endless_sidecar_is_given_up(do: Do) -> None:
    assert error_of("while True: pass", 0.5) == "`oracle` has not answered after 0.5 seconds (--sidecar-timeout sets the limit)"
    Path("tiny.py").write_text("while True: pass\n")
    outcome = do("verify tiny.pram --sizes 1 --sidecar-timeout 0.5")
    assert outcome.status == WRONG and "error: the sidecar has not answered after 0.5 seconds" in outcome.err


def test_after_an_end_the_next_call_is_answered(do: Do) -> None:
    found = generator("sys.exit(0) if params['n'] == 1 else os._exit(0) if params['n'] == 2 else None; " + RIGHT)
    for size in (1, 2):
        with pytest.raises(PramError):
            found.judge({"n": size}, {"A": [1] * size}, {"A": [2] * size})
    assert found.judge({"n": 3}, {"A": [1] * 3}, {"A": [2] * 3}) == Verdict(True, "", {"A": [2, 2, 2]})


def test_after_a_time_limit_the_next_call_is_answered(do: Do) -> None:
    found = generator("\n    while params['n'] == 1: pass\n    " + RIGHT, timeout=0.5)
    with pytest.raises(PramError):
        found.judge({"n": 1}, {"A": [1]}, {"A": [2]})
    found.sidecar.timeout = 20  # type: ignore[union-attr]
    assert found.judge({"n": 2}, {"A": [1, 1]}, {"A": [2, 2]}) == Verdict(True, "", {"A": [2, 2]})


# -- actions without effect ----------------------------------------------------------------------------

HARMLESS = {
    "output": "print('noise'); os.write(1, b'noise'); ",
    "path": "sys.path.clear(); ",
    "modules": "np.array = None; sys.modules.clear(); ",
    "random state": "random.seed(7); np.random.seed(7); ",
    "arguments": "given, arrays = arrays, {'A': list(arrays['A'])}; given['A'][0] = 99; params['n'] = 1; ",
    "folder": "os.chdir('/'); ",
    "environment": "os.environ.clear(); ",
    "globals": "globals().update(inputs=None); ",
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_a_sidecar_does_to_itself_changes_nothing(what: str, do: Do) -> None:
    before = (random.getstate(), np.random.get_state()[1].tolist(), list(sys.path), os.getcwd(), dict(os.environ))  # type: ignore[call-overload,union-attr,index]
    generator(HARMLESS[what] + RIGHT.replace("np.array(arrays['A']) + 1", "[a + 1 for a in arrays['A']]"))
    outcome = do("verify tiny.pram --sizes 1..3 --json")
    assert outcome.status == FINE, outcome
    assert [c["measured"] for c in json.loads(outcome.out)["checks"] if c["what"] == "machine outputs"] == ["8 of 8"]
    assert before == (random.getstate(), np.random.get_state()[1].tolist(), list(sys.path), os.getcwd(), dict(os.environ))  # type: ignore[call-overload,union-attr,index]


def test_calls_do_not_see_each_other(do: Do) -> None:
    """Each call starts from the same state, so an input depends only on size, number and seed."""
    counting = (
        "COUNT = [0]\ndef inputs(size, rng):\n    COUNT[0] += 1\n    return {'n': 1}, {'A': [COUNT[0] + random.randrange(5)]}\n"
    )
    found = generator(RIGHT, counting)
    assert len({repr(draw_one(found, 1, 0, 0)) for _ in range(5)}) == 1
    assert len({repr(draw_one(found, 1, number, 0)) for number in range(20)}) == 5  # and who forgets `rng` still draws


def test_an_input_that_nobody_can_draw_again_is_an_error(do: Do) -> None:
    found = generator(RIGHT, "def inputs(size, rng): return {'n': 1}, {'A': [np.random.default_rng().integers(1 << 20)]}\n")
    with pytest.raises(
        PramError, match="`inputs` returned two different inputs for the same `rng`; take all randomness from `rng`"
    ):
        draw_one(found, 1, 0, 0)


# -- verdicts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ("'False'", '"False", a str'), ("(x for x in ())", "a generator"), ("1", "1, an int"), ("None", "None"), ("[]", "a list"),
        ("{}", "a dict"), ("0.0", "0.0, a float"), ("np.array([True])", "a list"), ("{1}", "a set"), ("inputs", "a function"),
    ],
)  # fmt: skip
def test_only_true_and_false_are_verdicts(answer: str, what: str, do: Do) -> None:
    Path("tiny.py").write_text(f"{HEAD}{INPUTS}def accepts(params, arrays, outputs): return {answer}\n")
    outcome = do("verify tiny.pram --sizes 1 --max-context 0")
    assert outcome.status == WRONG
    assert outcome.err.startswith(f"tiny.py:4:1: error: `accepts` returns {what}; it must return True or False\n"), outcome.err


@pytest.mark.parametrize(
    ("answer", "status"), [("True", FINE), ("np.bool_(True)", FINE), ("False", REFUTED), ("np.bool_(False)", REFUTED)]
)
def test_numpys_truth_values_are_verdicts(answer: str, status: int, do: Do) -> None:
    Path("tiny.py").write_text(f"{HEAD}def accepts(params, arrays, outputs): return {answer}\n")
    outcome = do("verify tiny.pram --sizes 1 --max-context 0 --shrink 0")
    assert outcome.status == status
    assert ("n 1: accepts in tiny.py returned False" in outcome.out) == (status == REFUTED)


UNFIT = {
    "return {}": "it lacks the output `A`; the program's outputs are A",
    "return None": "it is None, not a dictionary of outputs; the program's outputs are A",
    "return [4, 5]": "it is a list, not a dictionary of outputs; the program's outputs are A",
    "return {'B': [4, 5]}": "it has `B`, which is not an output; the program's outputs are A",
    "return {'a': [4, 5]}": "it has `a`, which is not an output; did you mean `A`?",
    "return {'A': [4, 5], 'n': 2}": "it has `n`, which is not an output; the program's outputs are A",
    "return {'A': [4]}": "output `A` must be 2 values, not 1",
    "return {'A': 4}": "output `A` must be a list of 2 values, not 4, an int",
    "return {'A': (x for x in (4, 5))}": "output `A` must be a list of 2 values, not a generator",
    "return {'A': [4, 5.0]}": "A[1] = 5.0, a float, not an integer",
    "return {'A': [4, '5']}": 'A[1] = "5", a str, not an integer',
    "return {'A': [4, {5}]}": "A[1] = a set, not an integer",
}


@pytest.mark.parametrize("body", UNFIT)
def test_outputs_of_another_form_are_the_sidecars_mistake(body: str, do: Do) -> None:
    assert error_of(body) == f"`oracle` does not return this program's outputs: {UNFIT[body]}"


GRID, LIST, ONE = Array("M", "output", 0, (2, 3)), Array("B", "output", 6, (4,)), Array("s", "output", 10, ())


def test_the_first_difference_is_shown() -> None:
    found: dict[str, Any] = {"M": [[1, 2, 3], [4, 5, 6]], "B": [7, 8, 9, 10], "s": 11}
    right = {"M": [1, 2, 3, 4, 5, 6], "B": [7, 8, 9, 10], "s": 11}
    assert compare((GRID, LIST, ONE), right, found) == Verdict(True, "", found)
    for changed, words in (
        ({"M": [[1, 2, 3], [4, 0, 6]]}, "oracle says 0, machine says 5, at `M[1, 1]`"),
        ({"B": [7, 8, 18, 10]}, "oracle says 18, machine says 9, at `B[2]`"),
        ({"B": [0, 8, 18, 10]}, "oracle says 0, machine says 7, at `B[0]`; 1 more cell differs"),
        ({"B": [-1, 8, 18, 10], "s": True}, "oracle says -1, machine says 7, at `B[0]`; 2 more cells differ"),
        ({"s": 1 << 70}, f"oracle says {1 << 70}, machine says 11, at `s`"),
    ):
        verdict = compare((GRID, LIST, ONE), right | changed, found)
        assert (verdict.right, verdict.difference) == (False, words)
    with pytest.raises(WrongForm, match="output `M` must be 2 rows of 3 values"):
        compare((GRID, LIST, ONE), right | {"M": [[1, 2], [3, 4], [5, 6]]}, found)


def test_a_wrong_value_is_shown_everywhere(do: Do) -> None:
    """The difference is in the table, in JSON, on standard error, in the saved failing input, and in the output of `run`."""
    generator("return {'A': [a + 1 + (a == 4) for a in arrays['A']]}", "def inputs(size, rng): return {'n': 2}, {'A': [3, 4]}\n")
    words = "n 2: oracle says 6, machine says 5, at `A[1]`"
    outcome = do("verify tiny.pram --sizes 2 --max-context 0 --shrink 0")
    assert outcome.status == REFUTED and words in outcome.out and outcome.err == f"FAILED: {words}\n"
    failing = {"params": {"n": 2}, "arrays": {"A": [3, 4]}, "expected": {"A": [4, 6]}}
    assert json.loads(Path("tiny-failing.json").read_text()) == failing
    report = json.loads(do("verify tiny.pram --sizes 2 --max-context 0 --shrink 0 --json").out)
    assert [(f["what"], f["params"], f["trouble"]) for f in report["failures"]] == [("machine outputs", {"n": 2}, words)]


# -- functions of a sidecar ------------------------------------------------------------------------------


def test_a_sidecar_may_have_an_oracle_alone(do: Do) -> None:
    """Without `inputs`, they are drawn from the declared ranges."""
    Path("tiny.py").write_text(f"{HEAD}def oracle(params, arrays): {RIGHT}\n")
    outcome = do("verify tiny.pram --sizes 1..3 --max-context 0")
    assert outcome.status == FINE and "oracle in tiny.py" in outcome.out
    alone = draw_one(generator_for(load("tiny.pram")), 3, 0, 0)
    assert alone == draw_one(generator_for(load("tiny.pram"), use_sidecar=False), 3, 0, 0)


def test_a_sidecar_may_have_inputs_alone(do: Do) -> None:
    Path("tiny.py").write_text(HEAD + INPUTS)
    outcome = do("verify tiny.pram --sizes 1..3")
    assert outcome.status == FINE and "no oracle" in outcome.out


@pytest.mark.parametrize("name", ["oracel", "Oracle", "input", "accept"])
def test_a_misspelt_function_is_refused(name: str, do: Do) -> None:
    meant = {"input": "inputs", "accept": "accepts"}.get(name, "oracle")
    Path("tiny.py").write_text(f"{HEAD}def {name}(params, arrays): {RIGHT}\n")
    outcome = do("verify tiny.pram --sizes 1")
    assert outcome.status == WRONG
    assert outcome.err.startswith(f"tiny.py:3:5: error: a sidecar has no function `{name}`; did you mean `{meant}`?\n")


def test_inputs_may_be_arrays(do: Do) -> None:
    Path("grid.pram").write_text(
        "program grid\nparam n\nshared A[n, 2] : input, t : input, s : output\nsingle do s := A[0, 1] + t end\n"
    )
    Path("grid.py").write_text(
        "import numpy as np\ndef inputs(size, rng): return {'n': np.int64(size)}, {'A': rng.integers(0, 9, (size, 2)), 't': np.int8(2)}\n"
        "def oracle(params, arrays): return {'s': arrays['A'][0][1] + arrays['t']}\n"
    )
    assert do("verify grid.pram --sizes 1..2").status == FINE
    job = load("grid.pram").instantiate({"n": 2}, {"A": np.array([[1, 2], [3, 4]]), "t": np.int64(5)})
    assert job.memory.tolist() == [1, 2, 3, 4, 5, 0]


@pytest.mark.parametrize("command", ["run tiny.pram --size 2", "modes tiny.pram --sizes 2", "theorems tiny.pram --sizes 2"])
def test_every_command_names_the_input_on_which_a_judge_fails(command: str, do: Do) -> None:
    generator("raise ValueError('no')", "def inputs(size, rng): return {'n': size}, {'A': [7] * size}\n")
    outcome = do(command)
    assert outcome.status == WRONG and outcome.err.splitlines()[-1] == 'on the input [{"n": 2}, {"A": [7, 7]}]'


@pytest.mark.parametrize(
    "command",
    [
        "modes --sizes 2",
        "space --sizes 2",
        "cost --size 2",
        "run --size 2",
        "decode --size 2",
        "export --size 2",
        "compare --size 2",
    ],
)
def test_the_sidecar_is_blamed_for_what_it_draws(command: str, do: Do) -> None:
    generator(RIGHT, "def inputs(size, rng): return {'n': size}, {'A': [-7] * size}\n")
    outcome = do(f"{command} tiny.pram")
    assert outcome.status == WRONG and outcome.err.startswith("tiny.py:3:1: error: `inputs` returns a wrong input: A[0] = -7")
    Path("wrong.json").write_text('{"params": {"n": 1}, "arrays": {"A": [-7]}}')
    assert do("modes tiny.pram --input wrong.json").err.startswith("wrong.json:1:")


DRAWERS = ("run", "profile", "compare", "modes", "decode", "export", "verify", "space", "cost --exact", "theorems", "sweep")


@pytest.mark.parametrize("command", DRAWERS)
def test_every_command_that_draws_can_leave_the_sidecar_alone(command: str, do: Do) -> None:
    """Loading a sidecar runs its code."""
    Path("tiny.py").write_text("open('ran', 'w').close()\ndef inputs(size, rng): return {'n': size}, {'A': [1] * size}\n")
    size = " --sizes 2" if command in ("theorems", "sweep", "verify", "space") else " --size 2"
    name, _, flags = command.partition(" ")
    line = f"{name} tiny.pram {flags}{size}"
    assert do(f"{line} --no-sidecar").status == FINE and not Path("ran").exists()
    assert do(line).status == FINE and Path("ran").exists()
