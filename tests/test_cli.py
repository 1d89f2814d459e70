"""The commands: what they print, their exit status, and that nothing is left half written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from kit.commands import EARLIER, FINE, GOOD, INPUTS, MDM_CHECKS, MISUSED, REFUTED, SIDECAR, WRONG, Do, rows

from lockstep.compiler.names import EVERY
from lockstep.models.engines import pick


def test_run_prints_inputs_outputs_and_costs(do: Do) -> None:
    outcome = do("run tiny.pram --input in.json")
    assert outcome.status == FINE and outcome.err == ""
    assert rows(outcome.out) == [
        ["n (parameter)", "4"],
        ["A (input)", "[3, 1, 4, 1]"],
        ["A (output)", "[4, 2, 5, 2]"],
        ["time", "8"],
        ["work", "32"],
        ["shared accesses", "8"],
        ["processors", "4"],
        ["word bits", "8"],
        ["mode", "EREW"],
        ["space allocated", "4"],
        ["space touched", "4"],
        ["space registers", "16"],
    ]


def test_run_json_has_the_documented_shape(do: Do) -> None:
    outcome = do("run tiny.pram --input in.json --json")
    assert (outcome.status, outcome.err) == (FINE, "")
    space = '"space": {"allocated": 4, "touched": 4, "registers": 16}'
    costs = '"time": 8, "work": 32, "shared_accesses": 8, "processors": 4'
    assert outcome.out == f'{{"outputs": {{"A": [4, 2, 5, 2]}}, {costs}, {space}, "word_bits": 8, "mode": "EREW"}}\n'
    assert json.loads(do("run plain.pram --json").out)["outputs"] == {"s": 3}


def test_run_draws_the_same_input_for_the_same_seed(do: Do) -> None:
    first, again, other = (do(f"run tiny.pram --size 5 --seed {seed} --json").out for seed in (1, 1, 2))
    assert first == again != other


def test_asm_prints_code_beside_its_source(do: Do) -> None:
    assert do("asm plain.pram").out.splitlines() == [
        "plain: 7 instructions, 1 register, 1 parameter",
        "    0  eq       r0, pid, 0        3  single do s := 3 end",
        "    1  jz       r0, 4",
        "    2  store    [{&s} + 0], 3",
        "    3  jmp      6",
        "    4  nop",
        "    5  nop",
        "    6  halt",
    ]
    code = json.loads(do("asm plain.pram --json").out)
    assert code[2] == {"index": 2, "instruction": "store    [{&s} + 0], 3", "line": 3}


def test_compile_then_decode(do: Do) -> None:
    made = do("compile tiny.pram --out tiny.safetensors --word-bits 8 --time-bits 4 --pid-bits 2 --json")
    record = json.loads(made.out)
    assert (made.status, record["file"], record["word_bits"], record["depth"]) == (FINE, "tiny.safetensors", 8, 3)
    for file in ("tiny.safetensors", "tiny.pram"):
        outcome = do(f"decode {file} --input in.json --json")
        assert (outcome.status, json.loads(outcome.out)) == (
            FINE,
            {
                "outputs": {"A": [4, 2, 5, 2]},
                "decoding_steps": 9,
                "context": 107,
                "time": 8,
                "process": "mdm",
                "order": "parallel",
                "engine": pick(107, 9),
            },
        )
    small = do("decode tiny.safetensors --size 5")
    assert small.status == WRONG
    assert small.err.startswith("tiny.pram: error: this model is too small for the run: 8 steps of 5 processors do not fit")


def test_verify_json(do: Do) -> None:
    outcome = do("verify tiny.pram --input in.json --process mdm --json")
    report = json.loads(outcome.out)
    assert (outcome.status, report["program"], report["holds"], report["divergence"]) == (FINE, "tiny", True, None)
    checks = {check["what"]: check for check in report["checks"]}
    claim = {"what": "claim time", "on": "1 run, n 4", "bound": "== 8", "measured": "8", "verdict": "checked"}
    assert claim.items() <= checks["claim time"].items()
    assert checks.keys() >= MDM_CHECKS and checks["float64 arithmetic"]["verdict"] == "certified"


def test_verify_refutes_a_claim(do: Do) -> None:
    outcome = do("verify liar.pram --sizes 1 --random 1 --json")
    report = json.loads(outcome.out)
    assert (outcome.status, report["holds"]) == (REFUTED, False)
    assert [c["what"] for c in report["checks"] if c["verdict"] == "FAILED"] == ["claim time"]


@pytest.mark.parametrize(
    ("oracle", "flags", "status"),
    [
        ('{"A": [2] * params["n"]}', "", FINE),
        ('{"A": [1] * params["n"]}', "", REFUTED),
        ('{"A": [1] * params["n"]}', "--no-sidecar", FINE),
    ],
)
def test_verify_asks_the_sidecar(oracle: str, flags: str, status: int, do: Do) -> None:
    Path("tiny.py").write_text(SIDECAR.format(inputs=GOOD, oracle=oracle))
    outcome = do(f"verify tiny.pram --sizes 2 --random 1 --max-context 0 {flags}")
    assert outcome.status == status
    assert ("oracle in tiny.py" in outcome.out) == (flags == "")


@pytest.mark.parametrize("oracle", ["a + 1", "[*(a + 1)]", "torch.tensor(a + 1)", "[torch.tensor(x + 1) for x in a]"])
@pytest.mark.parametrize(("more", "status"), [("1", FINE), ("2", REFUTED)])
def test_an_oracle_may_return_arrays(oracle: str, more: str, status: int, do: Do) -> None:
    """Of a program with outputs in one and in two dimensions."""
    Path("grid.pram").write_text(
        "program grid\nparam n\nprocs n\nshared A[n, 2] : inout, s[n] : output\nA[pid, 0] := A[pid, 0] + 1\nA[pid, 1] := A[pid, 1] + 1\n"
        "s[pid] := 7\n"
    )
    Path("grid.py").write_text(
        "import numpy as np\nimport torch\n"
        "def inputs(size, rng): return {'n': size}, {'A': rng.integers(0, 5, (size, 2)).tolist()}\n"
        "def oracle(params, arrays):\n    a = np.array(arrays['A'])\n"
        f"    return {{'A': {oracle.replace('1', more)}, 's': np.full(params['n'], 7)}}\n"
    )
    outcome = do("verify grid.pram --sizes 2 --random 2 --max-context 0 --shrink 0")
    assert (outcome.status, outcome.err.startswith("FAILED: n 2: oracle says ")) == (status, status == REFUTED)
    assert ("2 of 2" if status == FINE else "0 of 2") in outcome.out


def test_verify_says_what_it_left_out(do: Do) -> None:
    """Some runs left out are said; all of them are no success, unless asked for."""
    some = do("verify tiny.pram --sizes 1,20 --random 1 --max-context 100")
    assert some.status == FINE
    assert ["runs left undecoded", "context <= 100", "1 longer", "skipped"] in rows(some.out)
    assert some.out.endswith("1 of 2 inputs not decoded in mdm: --max-context 523 would decode them\n")
    assert " checks hold on what was decoded; 1 of 2" in some.out
    assert do("verify tiny.pram --sizes 1 --random 1").out.rstrip().endswith(" checks hold")
    none = do("verify tiny.pram --sizes 2 --random 1 --max-context 10")
    assert none.status == REFUTED
    assert ["runs left undecoded", "context <= 10", "1 longer: --max-context 55", "FAILED"] in rows(none.out)
    last = none.out.rstrip().splitlines()[-1]
    assert last == "FAILED: 1 of 3 checks; 1 of 1 inputs not decoded in mdm: --max-context 55 would decode them"
    assert do("verify tiny.pram --sizes 2 --random 1 --max-context 0").status == FINE


DRAWN = "(size 1, input 0, seed 0)"
KEPT = " fails on tiny-failing.json (n 1, 1 cell); to repeat it:\nlockstep verify tiny.pram --input tiny-failing.json --process mdm\n"
SIDECARS = [
    ("x = 1 / 0\n", "tiny.py:1:5: error: sidecar does not load: ZeroDivisionError: division by zero\n  x = 1 / 0\n      ^\n"),
    ("x = 1\n", "tiny.py: error: sidecar has none of the functions `inputs`, `oracle` and `accepts`\n"),
    (
        "def inputs(size, rng): pass\ndef oracel(params, arrays): pass\n",
        "tiny.py:2:5: error: a sidecar has no function `oracel`; did you mean `oracle`?\n  def oracel(params, arrays): pass\n      ^\n",
    ),
    (
        "def inputs(size, rng): pass\n",
        f"tiny.py:1:1: error: `inputs` must return two dictionaries, params and arrays, not None {DRAWN}\n"
        "  def inputs(size, rng): pass\n  ^\n",
    ),
    (
        SIDECAR.format(inputs=GOOD, oracle='arrays["B"]'),
        f"tiny.py:5:12: error: `oracle` fails: KeyError: 'B'\n      return arrays[\"B\"]\n             ^\n`oracle`{KEPT}",
    ),
    (
        SIDECAR.format(inputs='{"n": size}, {"A": [1.5]}', oracle="{}"),
        "tiny.py:1:1: error: `inputs` returns a wrong input: A[0] = 1.5 is not an integer\n  def inputs(size, rng):\n  ^\n",
    ),
    (
        SIDECAR.format(inputs=GOOD, oracle="{}") + "import numpy as np\ndef accepts(*given): return np.array([True, True])\n",
        "tiny.py:7:1: error: `accepts` returns a list; it must return True or False\n"
        f"  def accepts(*given): return np.array([True, True])\n  ^\n`accepts`{KEPT}",
    ),
]


@pytest.mark.parametrize(("text", "message"), SIDECARS)
def test_a_sidecar_that_is_wrong(text: str, message: str, do: Do) -> None:
    Path("tiny.py").write_text(text)
    outcome = do("verify tiny.pram --sizes 1 --random 1")
    assert outcome == (WRONG, "", message)


def test_an_oracle_that_works_in_place_changes_no_input(do: Do) -> None:
    Path("tiny.py").write_text(
        SIDECAR.format(inputs='{"n": 3}, {"A": [5, 3, 4]}', oracle='arrays["A"].sort() or {"A": [0, 0, 0]}')
    )
    outcome = do("verify tiny.pram --sizes 3 --random 1 --max-context 0 --shrink 0")
    assert outcome.status == REFUTED and '"A": [5, 3, 4]' in Path("tiny-failing.json").read_text()


@pytest.mark.parametrize("command", ["run", "decode", "verify", "export"])
def test_a_wrong_input_is_shown_in_its_file(command: str, do: Do) -> None:
    line = INPUTS["negative"]
    head = "negative.json:1:45: error: A[2] = -4 is not a word: words are integers from 0; `word N signed` has negative words"
    assert do(f"{command} tiny.pram --input negative.json") == (WRONG, "", f"{head}\n  {line}\n{' ' * 46}^\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run no.pram --size 1", "no.pram: error: no such file"),
        ("run tiny.pram --input no.json", "no.json: error: no such file"),
        ("run stuck.pram --max-steps 10", "stuck.pram:2:1: error: step 10: no halt within 10 steps (--max-steps sets the limit)"),
        ("run tiny.pram --size 2 --word-bits 1", "tiny.pram: error: word size 1 is not in 2 .. 24"),
        ("decode no.safetensors --size 1", "no.safetensors: error: no such file"),
        ("decode in.json", "in.json:1:1: error: there is no program here; one starts with `program NAME`\n  {"),
        ("decode tiny.pram --input in.json --time 3", "tiny.pram: error: decoding step 4: no room for more steps"),
        ("verify tiny.pram --sizes 1 --dtype float32 --word-bits 24", "error: float32 is not exact here"),
    ],
)
def test_what_is_wrong_ends_with_status_1(line: str, message: str, do: Do) -> None:
    outcome = do(line)
    assert (outcome.status, outcome.out) == (WRONG, "")
    assert outcome.err.startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "Usage: lockstep"),
        ("frobnicate", "No such command 'frobnicate'"),
        ("run", "Missing argument"),
        ("run tiny.pram", "an input is missing; give --input FILE or --size N"),
        ("run tiny.pram --size 1 --input in.json", "give --input FILE or --size N"),
        ("run tiny.pram --size 0", "--size"),
        ("run tiny.pram --frob 0", "--frob"),
        ("verify tiny.pram --sizes 3..1", "--sizes: 3..1 is an empty range: write the smaller size first"),
        ("verify tiny.pram --sizes a", "--sizes: 'a' is not a size, a range 1..64 or a list 1,2,4"),
        (
            "verify tiny.pram --order sideways",
            "'sideways' is not one of 'parallel', 'left-to-right', 'right-to-left', 'permutation', ",
        ),
        ("verify tiny.pram --max-context -1", "--max-context"),
        ("space tiny.pram --max-context -1", "--max-context"),
        ("space tiny.pram --max-decoding-steps -1", "--max-decoding-steps"),
        ("compile tiny.pram --dtype float16", "'float16' is not one of 'float64', 'float32'"),
        ("compile tiny.pram --word-bits 25", "--word-bits"),
        ("compile tiny.pram --out nowhere/x", "--out: there is no directory nowhere"),
        ("compile tiny.pram --out .", "--out: . is a directory"),
        ("export tiny.pram --size 1 --out nowhere/x", "--out: there is no directory nowhere"),
    ],
)
def test_misuse_ends_with_status_2(line: str, message: str, do: Do) -> None:
    outcome = do(line)
    assert outcome.status == MISUSED
    assert message in outcome.out + outcome.err


@pytest.mark.parametrize(
    "line",
    [
        "compile tiny.pram --out made --dtype float32 --word-bits 24",
        "export tiny.pram --size 2 --out made --dtype float32 --word-bits 24",
        "export tiny.pram --size 2 --out made --word-bits 24",
        "export tiny.pram --input negative.json --out made",
        "export tiny.pram --size 2 --max-steps 2 --out made",
    ],
)
def test_nothing_is_half_written(line: str, do: Do) -> None:
    before = set(Path().iterdir())
    assert do(line).status == WRONG
    assert set(Path().iterdir()) == before
    Path("made").write_bytes(EARLIER)
    assert do(line).status == WRONG
    assert Path("made").read_bytes() == EARLIER


QUICK = ["--help", "run --help", "run tiny.pram --size 3", "asm tiny.pram", "profile tiny.pram --size 3", "modes tiny.pram --size 2",
         "check tiny.pram", "fmt --stdout tiny.pram", "new first"]  # fmt: skip


@pytest.mark.parametrize("line", QUICK)
def test_quick_commands_import_neither_torch_nor_sympy(line: str, do: Do) -> None:
    code = f"import sys; sys.argv = {['lockstep', *line.split()]!r}\nfrom lockstep.cli import main\n"
    code += "try: main()\nfinally: print('LOADED', [m for m in ('torch', 'sympy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (FINE, "")
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_a_declared_word_size_is_the_models(do: Do) -> None:
    """A program that wraps at 8 bits must not be generated with 16."""
    Path("wraps.pram").write_text("program wraps word 8 wrap shared s : output local x := 255 s := x + 1")
    made = json.loads(do("compile wraps.pram --out wraps.safetensors --json").out)
    assert made["word_bits"] == 8
    assert json.loads(do("decode wraps.safetensors --json").out)["outputs"] == {"s": 0}
    do("compile wraps.pram --out wide.safetensors --word-bits 16")
    assert do("decode wide.safetensors").status == WRONG


@pytest.mark.parametrize("seed", ["-1", "99999999999999999999999"])
def test_seeds_out_of_range_are_usage_errors(seed: str, do: Do) -> None:
    assert do(f"verify tiny.pram --seed {seed}").status == 2


def test_space_shows_contexts_and_decodes_what_fits(do: Do) -> None:
    source = Path(__file__).parent.parent / "examples" / "programs" / "counter.pram"
    record = json.loads(do(f"space {source} --sizes 1..6 --max-decoding-steps 100 --json").out)
    assert [row["time"] for row in record] == [4 + (1 << b) * (8 * b + 7) for b in range(1, 7)]
    assert [row["contexts"]["ap-mdm"] for row in record] == [15, 16, 17, 18, 19, 20]
    assert [row["contexts"]["ap-mdm one-step"] for row in record] == [19, 21, 23, 25, 27, 29]
    assert [row["contexts"]["revision"] for row in record] == [10, 11, 12, 13, 14, 15]
    processes = ("mdm", "ap-mdm", "ap-mdm one-step", "revision")
    assert [row["contexts"]["arm erasing"] for row in record] == [30, 32, 34, 39, 41, 43]
    token_by_token = dict.fromkeys(("arm", "arm erasing"), "computed")
    assert record[0]["verdicts"] == dict.fromkeys(processes, "agrees") | token_by_token
    assert record[5]["verdicts"] == dict.fromkeys(processes, "computed") | token_by_token

    table = do(f"space {source} --sizes 1 --max-context 0").out
    rows = [line.split() for line in table.splitlines()]
    assert [row for row in rows if row[:2] == ["b", "1"]] == [
        ["b", "1", "34", "7", "106*", "15*", "19*", "106*", "30*", "10*"],
        ["b", "1", "34", "7", "15.1*", "2.1*", "2.7*", "15.1*", "4.3*", "1.4*"],
        ["b", "1", "34", "7", "35*", "76*", "41*", "103*", "228*", "34*"],
    ]
    assert "* computed from the closed form" in table


def test_the_one_step_schedule_from_compile_to_export(do: Do) -> None:
    flags = "--process ap-mdm --schedule one-step"
    record = json.loads(do(f"verify tiny.pram --sizes 1,2 --random 1 {flags} --json").out)
    assert record["holds"] and {row["process"] for row in record["checks"]} == {"", "ap-mdm one-step"}
    every = json.loads(do("verify tiny.pram --sizes 1 --random 1 --process all --schedule all --json").out)
    assert {row["process"] for row in every["checks"]} == {"", *EVERY}
    decoded = json.loads(do(f"decode tiny.pram --input in.json {flags} --json").out)
    do(f"compile tiny.pram --out m.safetensors {flags}")
    assert json.loads(do("decode m.safetensors --input in.json --json").out) == decoded
    assert decoded["process"] == "ap-mdm one-step"
    assert json.loads(do(f"export tiny.pram --input in.json --out job.safetensors {flags} --json").out)["process"] == "ap-mdm"


@pytest.mark.parametrize("flags", ["", "--process ap-mdm"])
@pytest.mark.parametrize("schedule", ["two-step", "one-step"])
def test_the_order_must_suit_the_model_file(schedule: str, flags: str, do: Do) -> None:
    do(f"compile tiny.pram --out m.safetensors --process ap-mdm --schedule {schedule}")
    Path("in.jsonl").write_text(INPUTS["in"])
    refused = do("decode tiny.pram --size 2 --process ap-mdm --order random")
    assert (refused.status, refused.out) == (MISUSED, "") and "its only order is parallel" in refused.err
    for given in ("--size 2", "--input in.json", "--input in.jsonl"):
        assert do(f"decode m.safetensors {given} --order random {flags}") == refused
    assert do("decode m.safetensors --size 2 --order parallel").status == FINE


@pytest.mark.parametrize("file", ["tiny.pram --process ap-mdm", "m.safetensors"])
def test_only_mdm_lays_out_blocks(file: str, do: Do) -> None:
    do("compile tiny.pram --out m.safetensors --process ap-mdm")
    refused = do(f"decode {file} --size 2 --time 40")
    assert (refused.status, refused.out) == (MISUSED, "") and "--time: the context of ap-mdm grows as it needs" in refused.err
    assert do(f"decode {file} --size 2").status == do("decode tiny.pram --size 2 --time 40").status == FINE


def test_a_model_file_of_mdm_takes_any_order(do: Do) -> None:
    do("compile tiny.pram --out m.safetensors")
    record = json.loads(do("decode m.safetensors --input in.json --order random --json").out)
    assert (record["outputs"], record["order"]) == ({"A": [4, 2, 5, 2]}, "random")


@pytest.mark.parametrize(
    "flags", ["--schedule one-step", "--process arm --schedule one-step", "--process ap-mdm --schedule three-step"]
)
def test_schedules_are_those_of_the_process(flags: str, do: Do) -> None:
    outcome = do(f"verify tiny.pram {flags}")
    assert outcome.status == 2 and "--schedule" in outcome.err


def test_all_schedules_of_a_process_that_has_one(do: Do) -> None:
    assert do("verify tiny.pram --sizes 1 --random 1 --schedule all") == do("verify tiny.pram --sizes 1 --random 1")


@pytest.mark.parametrize("flags", ["--device tpu", *([] if torch.cuda.is_available() else ["--device cuda"])])
def test_a_device_that_is_not_there_is_a_usage_error(flags: str, do: Do) -> None:
    for command in ("decode tiny.pram --input in.json", "verify tiny.pram"):
        outcome = do(f"{command} {flags}")
        assert outcome.status == MISUSED and "--device" in outcome.err
