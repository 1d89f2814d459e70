"""Errors in parameters, inputs and runs: each has its exact message and its place, in the program or the input file."""

import json
from pathlib import Path
from typing import Any

import pytest
from kit.lessons import rendered

import lockstep
from lockstep.pram.errors import InputError, PramError
from lockstep.pram.input_files import reading
from lockstep.pram.program import load, parse_program

CREW = "program t\nmode CREW\nparam n\nprocs n\nword 8\nshared A[n] : inout, s : output\n"
EREW, COMMON = CREW.replace("CREW", "EREW"), CREW.replace("CREW", "CRCW common")
EACH = "parallel for i in 0 .. n - 1 do "

#: n, program, LINE:COL, message.
SIZES: list[tuple[int, str, str, str]] = [
    (1, "program t\nparam n\nprocs 0\n", "3:7", "procs is 0 (with n = 1); a machine has at least one processor"),
    (
        1,
        "program t\nparam n, k = n + 1\nprocs n - 3\n",
        "3:9",
        "procs is -2 (with n = 1, k = 2); a machine has at least one processor: write `procs max(1, n - 3)`",
    ),
    (10**9, "program t\nparam n\nprocs n\n", "3:7", "procs is 1000000000 (with n = 1000000000); the limit is 16777216"),
    (
        1 << 24,
        "program t\nparam n\nprocs n\n" + "".join(f"local x{i} := pid\n" for i in range(9)),
        "3:7",
        "16777216 processors (with n = 16777216) with 9 registers each: the limit is 134217728 registers in all",
    ),
    (
        5000,
        "program t\nparam n\nshared B[n, n], C\n",
        "3:8",
        "shared memory of 25000000 cells (with n = 5000); the limit is 16777216",
    ),
    (
        10**9,
        "program t\nparam n\nshared B[n]\n",
        "3:10",
        "array `B` has extent 1000000000 (with n = 1000000000); it must be in 0 .. 16777216",
    ),
    (5, "program t\nparam n\nshared B[n - 7]\n", "3:12", "array `B` has extent -2 (with n = 5); it must be in 0 .. 16777216"),
    (1 << 70, "program t\nparam n\n", "2:7", "parameter `n` = 1180591620717411303424 is not in 0 .. 2^63 - 1"),
    (-1, "program t\nparam n\n", "2:7", "parameter `n` = -1 is not in 0 .. 2^63 - 1"),
    (0, "program t\nparam n, k = lg(n)\n", "2:14", "lg(0) is not defined; lg takes numbers from 1 (with n = 0)"),
    (0, "program t\nparam n, k = 7 / n\n", "2:16", "division by zero: 7 / 0 (with n = 0)"),
    (10**6, "program t\nparam n, k = 1 << n\n", "2:16", "value of more than 63 bits: 1 << 1000000 (with n = 1000000)"),
    (1, "program t\nparam n, k = 1 << 0 - n\n", "2:16", "shift by a negative number: 1 << -1 (with n = 1)"),
    (30, "program t\nparam n\nword n\n", "3:6", "word size 30 (with n = 30) is not in 2 .. 24"),
    (
        5,
        "program t\nparam n\nword 2\nprocs n\n",
        "3:6",
        "5 processors (with n = 5), but a pid is a word of 2 bits, so there can be at most 4",
    ),
    (
        5,
        "program t\nparam n\nword 2\nshared B[n]\n",
        "3:6",
        "5 cells (with n = 5), but an address is a word of 2 bits, so there can be at most 4",
    ),
]

ENDLESS = "step 100: no halt within 100 steps (--max-steps sets the limit)"

#: Program, LINE:COL, message of a run with n = 3, A = [1, 2, 3].
RUNS: list[tuple[str, str, str]] = [
    (CREW + EACH + "A[i] := A[i + 1] end\n", "7:41", "step 5: processor 2: index 3 is outside `A` (0 .. 2)"),
    (CREW + EACH + "A[A[i]] := 1 end\n", "7:33", "step 5: processor 2: index 3 is outside `A` (0 .. 2)"),
    (CREW + "A[n - 4] := 1\n", "7:1", "step 1: processor 0: index -1 is outside `A` (0 .. 2)"),
    (
        CREW + EACH + "while A[i] > 1 atmost 1 do A[i] -= 1 end end\n",
        "7:33",
        "step 14: processor 2 is not done after 1 rounds of this `while`; `atmost` must allow more",
    ),
    (
        CREW + EACH + "repeat A[i] -= 1 until A[i] == 0 atmost 2 end\n",
        "7:33",
        "step 23: processor 2 is not done after 2 rounds of this `repeat`; `atmost` must allow more",
    ),
    (
        CREW + EACH + "for j in 1 .. A[i] atmost 1 do end end\n",
        "7:33",
        "step 13: processor 1 is not done after 1 rounds of this `for`; `atmost` must allow more",
    ),
    (CREW + "for j in 0 .. pid step n - 3 do end\n", "7:1", "step 6: processor 0: the step of this `for` is 0"),
    (CREW + EACH + "A[i] := 7 / (A[i] & 2) end\n", "7:43", "step 6: processor 0: division of 7 by zero"),
    (CREW + EACH + "A[i] %= A[i] >> 1 end\n", "7:38", "step 7: processor 0: division of 1 by zero"),
    (CREW + "A[n] := 1\n", "7:1", "step 1: processor 0: index 3 is outside `A` (0 .. 2)"),
    (EREW + EACH + "A[i] := A[0] end\n", "7:41", "step 4: processors 0 and 2 read A[0] (mode EREW)"),
    (EREW + EACH + "A[0] := i end\n", "7:33", "step 4: processors 0 and 2 write A[0] (mode EREW)"),
    (
        EREW + "s := 1\n",
        "7:1",
        "step 1: processors 0 and 2 write s (mode EREW); code outside `parallel` runs on all processors: `single do ... end` is run by one",
    ),
    (CREW + EACH + "s := 1 end\n", "7:33", "step 4: processors 0 and 2 write s (mode CREW)"),
    (
        COMMON + EACH + "s := i end\n",
        "7:33",
        "step 4: processors 0 and 2 write different values, 0 and 2, to s (mode CRCW common)",
    ),
    (
        CREW.replace("CREW", "CROW") + EACH + "A[n - 1 - i] := i end\nsingle do A[0] := 1 end\n",
        "8:11",
        "step 9: processor 0 writes A[0], which processor 2 owns as the first to write it (mode CROW)",
    ),
    (
        CREW.replace("CREW", "CRCW sum") + EACH + "s := A[i] * 50 end\n",
        "7:33",
        "step 6: processors 0, 1 and 2 write 50, 100 and 150 to s: the sum 300 does not fit a word of 8 bits (mode CRCW sum)",
    ),
    (
        CREW.replace("CREW", "CRCW sum").replace("word 8", "word 8 wrap") + EACH + "s := A[i] * 50 end\n",
        "7:33",
        "step 6: processors 0, 1 and 2 write 50, 100 and 150 to s: the sum 300 does not fit a word of 8 bits (mode CRCW sum)",
    ),
    (
        CREW.replace("CREW", "ERCW priority") + EACH + "s := A[0] end\n",
        "7:38",
        "step 4: processors 0 and 2 read A[0] (mode ERCW priority)",
    ),
    (CREW + EACH + "A[i] := A[i] * 100 end\n", "7:46", "step 5: processor 2: overflow: 3 * 100 does not fit a word of 8 bits"),
    (CREW + EACH + "A[i] := A[i] << 7 end\n", "7:46", "step 5: processor 1: overflow: 2 << 7 does not fit a word of 8 bits"),
    (
        CREW + EACH + "A[i] := A[i] - 2 end\n",
        "7:46",
        "step 5: processor 0: underflow: 1 - 2 is negative; `word 8 signed` has negative words",
    ),
    (
        CREW + EACH + "A[i] := A[i] - 6 + (i + 1) end\n",
        "7:50",
        "step 7: processor 0: underflow: `A[i] - 6 + (i + 1)` is -4, which is negative; `word 8 signed` has negative words",
    ),
    (
        CREW + EACH + "A[i] := max(A[i] - 6, i - 1) end\n",
        "7:41",
        "step 9: processor 0: underflow: `max(A[i] - 6, i - 1)` is -1, which is negative; `word 8 signed` has negative words",
    ),
    (
        CREW + EACH + "A[i] := A[i] + (n << 40) end\n",
        "7:46",
        f"step 5: the number {3 << 40} used here is too large: a term of a sum is at most 2^40",
    ),
    (CREW + EACH + "A[i] := A[i] >> 8 end\n", "7:46", "step 5: processor 0: shift by 8 in words of 8 bits: 1 >> 8"),
    (
        CREW + "local x := 1\nwhile x == 1 do\n  x := 1\nend\n",
        "8:1",
        ENDLESS + ": it was in round 25 of this `while`",  # 1 step, then 4 a round
    ),
    (
        CREW + "for i in 0 .. 1 do\n  local x := 1\n  repeat x := x until x == 0\nend\n",
        "9:3",
        ENDLESS + ": it was in round 1 of the `for` of line 7, round 33 of this `repeat`",  # 4 steps, then 3 a round
    ),
    (
        CREW + "while 1 do\n  for i in 0 .. 1 do\n    local x := i\n  end\n  for j in 0 .. 2 do end\nend\n",
        "7:1",  # a round takes 1 + 13 + 15 + 1 steps
        ENDLESS + ": it was in round 4 of this `while`, round 2 of the `for` of line 8",
    ),
    (CREW + "local x := 1\n" + "x := 1\n" * 100, "107:1", ENDLESS),
    (
        CREW + "parallel for i in 0 .. n do A[0] := 1 end\n",
        "7:14",
        "step 2: 4 processors are needed for these items, but procs is 3; the last item of a range belongs to it, "
        "and `on 3` gives a processor several items",
    ),
    (
        CREW + "parallel for i in 0 .. 1, j in 0 .. 1 do A[i] := 1 end\n",
        "7:14",
        "step 6: 4 processors are needed for these items, but procs is 3",
    ),
    (
        CREW + "while A[pid] > 1 do A[pid] := 0 end\n",
        "7:1",
        "step 3: processors 0 and 1 disagree on this `while` condition: 0 and 1",
    ),
    (
        CREW + "local x := pid\nrepeat x := x + 1 until x > 1\n",
        "8:1",
        "step 4: processors 0 and 1 disagree on this `repeat` condition: 0 and 1",
    ),
    (
        CREW + EACH + "A[i] := n - 4 end\n",
        "7:33",
        "step 4: the number -1 used here is negative; `word 8 signed` has negative words",
    ),
    (CREW + EACH + "A[i] := 300 end\n", "7:33", "step 4: the number 300 used here does not fit a word of 8 bits"),
    (
        CREW + "parallel for i in n - 4 .. 0 do s := 1 end\n",
        "7:14",
        "step 2: item -1 is negative; `word 8 signed` has negative words",
    ),
    (CREW + "parallel for i in 255 .. 256 do s := 1 end\n", "7:14", "step 2: item 256 does not fit a word of 8 bits"),
    (
        CREW + "parallel for i in 0 .. 0, j in 0 .. (1 << 62) + n do s := 1 end\n",
        "7:14",
        "step 6: 4611686018427387908 processors are needed for these items, but procs is 3",
    ),
    (
        "program t\nparam n\nshared A[n] : inout, B[n]\nB[9223372036854775807] := 1\n",
        "4:3",
        "value of more than 63 bits (with n = 3)",
    ),
    (
        CREW + "parallel for i in n + 250 .. 255 do A[0] := 1 end\n",
        "7:14",
        "step 2: the range ends at 255, the largest word of 8 bits (`word` sets the size): its end + 1 is not a word",
    ),
    (
        CREW + "local x := 254\nparallel for i in x .. x + 1 do A[0] := 1 end\n",
        "8:14",
        "step 4: the range ends at 255, the largest word of 8 bits (`word` sets the size): "
        "processor 2, past its end, has no word for its item",
    ),
    (
        CREW.replace("8", "24") + "local x := 1 << 23\nparallel for i in x - 1 + x .. x - 1 + x do A[0] := 1 end\n",
        "8:38",
        "step 4: processor 0: overflow: 8388608 + 8388608 does not fit a word of 24 bits",
    ),
    (
        CREW.replace("8", "24") + "local x := inf\nparallel for i in x .. x do A[0] := 1 end\n",
        "8:14",
        "step 3: the range ends at 16777215, the largest word of 24 bits (words cannot be longer): "
        "processor 1, past its end, has no word for its item",
    ),
    (
        "program t\nparam n\nword 8\nshared R[n, n] : input, s : output\nlocal k := 2\ns := R[k, k + 1]\n",
        "6:6",
        "step 4: processor 0: column index 3 is outside `R` (0 .. 2)",
    ),
    (
        "program t\nparam n\nword 8\nshared R[n, n] : input, s : output\nlocal k := 2\ns := R[k + 1, k]\n",
        "6:6",
        "step 3: processor 0: row index 3 is outside `R` (0 .. 2)",
    ),
]

HEAD = "program t\nparam n, k = n + 1\nprocs max(1, n)\nword 8\n"
INPUTS = HEAD + "shared A[n] : input, R[n, n] : input, q : input in 0 .. 3, s : output\n"
ROWS = "[[1, 2], [3, 4]]"


def given(params: str = '"n": 2', a: str = "[1, 2]", r: str = ROWS, more: str = "") -> str:
    """Return an input file for INPUTS in which each value ends a line."""
    return f'{{"params": {{{params}}},\n "arrays": {{\n  "A": {a},\n  "R": {r},\n  "q": 1{more}}}}}\n'


#: Input file, LINE:COL, message.
FILES: list[tuple[str, str, str]] = [
    ("", "1:1", 'the file is empty; an input file is an object: {"params": {...}, "arrays": {...}}'),
    ("[1]", "1:1", 'an input file is an object: {"params": {...}, "arrays": {...}}'),
    ('{"params": 3}', "1:12", '"params" must be an object'),
    ('{"params": {}, "array": {}}', "1:16",
     'unknown key "array"; an input file has "params" and "arrays", and may have "winner" and "expected"'),
    ('{"expected": [3]}', "1:14", '"expected" must be an object'),
    ('{"expected": {"s": 1,\n "s": 2}}', "2:2", '"s" is given twice'),
    ('{"winner": 3}', "1:12", '"winner" must be a string, such as "highest", not 3'),
    ('{"params": {},\n "winner": "best"}', "2:12", "\"winner\": 'best' is not lowest, highest, a seed N, random:N or choices:PID,PID,.."),
    ('{"params": {"n": 1, "n": 2}}', "1:21", '"n" is given twice'),
    ('{"params": {"n": 1},\n "params": {"n": 2}}', "2:2", '"params" is given twice'),
    ('{"params": {"n": 1,}}', "1:20", "not JSON: Expecting property name enclosed in double quotes"),
    ('{"params": {"n": 1}} and', "1:22", "not JSON: Extra data"),
    ('{"params": {"n": 1},\n', "1:21", "not JSON: Expecting property name enclosed in double quotes"),
    ('{"params":\n {"n": 1 \n\n', "2:9", "not JSON: Expecting ',' delimiter"),
    (given() + "\n" + given(), "7:1", "not JSON: Extra data; only `decode` takes many inputs, each on a line of a NAME.jsonl"),
    (given('"n": 1' + "0" * 5000), "1:18", "number of more than 4300 digits"),
    (given(""), "1:12", "missing parameter `n`"),
    ("{}", "1:1", "missing parameter `n`"),
    (given('"n": 2, "m": 3'), "1:21", "this program has no parameter `m`; its parameters are n"),
    (given('"n": 2, "k": 3'), "1:21", "parameter `k` is computed by the program and cannot be given"),
    (given('"n": "2"'), "1:18", 'parameter `n` must be an integer, not "2"'),
    (given('"n": 2.0'), "1:18", "parameter `n` must be an integer, not 2.0"),
    (given('"n": true'), "1:18", "parameter `n` must be an integer, not true"),
    (given('"n": null'), "1:18", "parameter `n` must be an integer, not null"),
    (given('"n": NaN'), "1:18", "parameter `n` must be an integer, not NaN"),
    (given('"n": -2'), "1:18", "parameter `n` = -2 is not in 0 .. 2^63 - 1"),
    ('{"params": {"n": 2}, "arrays": {"A": [1, 2]}}', "1:32", "missing input array `R`"),
    ('{"params": {"n": 0}, "arrays": {"A": [], "R": []}}', "1:32", "missing input number `q`"),
    (given(more=', "B": [1]'), "5:11", "array `B` is not an input of this program; its inputs are A, R, q"),
    (given(more=', "s": 1'), "5:11", "array `s` is not an input of this program; its inputs are A, R, q"),
    (given(a="[1, 2, 3]"), "3:8", "input `A` is too long: length 3, not 2"),
    (given(a="[1]"), "3:8", "input `A` is too short: length 1, not 2"),
    (given(a="7"), "3:8", "input `A` must be a list, not 7"),
    (given(a="[1, -1]"), "3:12", "A[1] = -1 is not a word: words are integers from 0; `word N signed` has negative words"),
    (given(a="[1, 1e400]"), "3:12", "A[1] = Infinity is not an integer"),
    (given(a="[1,\n\n   1.5]"), "5:4", "A[1] = 1.5 is not an integer"),
    (given(a="[1, null]"), "3:12", "A[1] = null is not an integer"),
    (given(a="[1, true]"), "3:12", "A[1] = true is not an integer"),
    (given(a='["é", 2]'), "3:9", 'A[0] = "\\u00e9" is not an integer'),
    (given(a='[{"x": [1, {}]}, 2]'), "3:9", 'A[0] = {"x": [1, {}]} is not an integer'),
    (given(a="[1, 300]"), "3:12", "A[1] = 300 does not fit a word of 8 bits"),
    (given(r="[[1, 2]]"), "4:8", "input `R` must be 2 rows, not 1"),
    (given(r="[[1, 2], [3]]"), "4:17", "row 1 of input `R` must be a list of 2 values"),
    (given(r="[[1, 2], 3]"), "4:17", "row 1 of input `R` must be a list of 2 values"),
    (given(r="[[1, 2], [3, -4]]"), "4:21", "R[1, 1] = -4 is not a word: words are integers from 0; `word N signed` has negative words"),
    (given(r="[1, 2, 300, 4]"), "4:15", "R[1, 0] = 300 does not fit a word of 8 bits"),
    (given().replace('"q": 1', '"q": 4'), "5:8", "q = 4 is outside its declared range 0 .. 3"),
    (given().replace('"q": 1', '"q": [1]'), "5:8", "q = [1] is not an integer"),
]  # fmt: skip


def numbered(rows: list[Any]) -> list[object]:
    return [pytest.param(*row, id=f"{number:02d}") for number, row in enumerate(rows, 1)]


@pytest.mark.parametrize(("n", "text", "place", "message"), numbered(SIZES))
def test_sizes(n: int, text: str, place: str, message: str) -> None:
    with pytest.raises(PramError) as caught:
        parse_program(text, "t.pram").instantiate({"n": n})
    assert str(caught.value) == rendered(text, place, message)


@pytest.mark.parametrize(("text", "place", "message"), numbered(RUNS))
def test_runs(text: str, place: str, message: str) -> None:
    arrays = {"R": [1] * 9} if "R[" in text else {"A": [1, 2, 3]}
    with pytest.raises(PramError) as caught:
        lockstep.run(parse_program(text, "t.pram"), {"n": 3}, arrays, max_steps=100)
    assert str(caught.value) == rendered(text, place, message)


@pytest.mark.parametrize(("text", "place", "message"), numbered(FILES))
def test_input_files(text: str, place: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.json").write_text(text)
    with pytest.raises(PramError) as caught, reading(Path("in.json")) as given:
        assert given is not None
        parse_program(INPUTS, "t.pram").instantiate(*given.inputs)
    expected = rendered(text, place, message, "in.json")
    if len(text) > 200:  # of a long line only a part is shown
        assert str(caught.value).splitlines()[0] == expected.splitlines()[0]
    else:
        assert str(caught.value) == expected


def test_input_file_with_byte_order_mark_and_line_ends(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_bytes(b"\xef\xbb\xbf" + given().replace("\n", "\r\n").encode())
    with reading(tmp_path / "in.json") as inputs:
        assert inputs is not None and inputs.inputs == ({"n": 2}, {"A": [1, 2], "R": [[1, 2], [3, 4]], "q": 1})


@pytest.mark.parametrize(
    ("params", "arrays", "place", "message", "path"),
    [
        ({}, {}, "2:7", "missing parameter `n`", ("params",)),
        ({"n": 2, "m": 1}, {}, "1:9", "this program has no parameter `m`; its parameters are n", ("params", "m")),
        ({"n": 2}, {}, "5:8", "missing input array `A`", ("arrays",)),
        ({"n": 1}, {"A": [{1}], "R": [1], "q": 1}, "5:8", "A[0] = {1} is not an integer", ("arrays", "A", 0)),
        ({"n": 1}, {"A": [1], "R": [[-1]], "q": 1}, "5:22",
         "R[0, 0] = -1 is not a word: words are integers from 0; `word N signed` has negative words",
         ("arrays", "R", 0, 0)),
        ({"n": 1}, {"A": [1], "R": [256], "q": 1}, "5:22", "R[0, 0] = 256 does not fit a word of 8 bits", ("arrays", "R", 0)),
        ({"n": 1}, {"A": [1], "R": [1], "q": 7}, "5:39", "q = 7 is outside its declared range 0 .. 3", ("arrays", "q")),
    ],
)  # fmt: skip
def test_without_a_file_the_program_is_the_place(
    params: dict[str, Any], arrays: dict[str, Any], place: str, message: str, path: tuple[object, ...]
) -> None:
    with pytest.raises(InputError) as caught:
        parse_program(INPUTS, "t.pram").instantiate(params, arrays)
    assert str(caught.value) == rendered(INPUTS, place, message)
    assert caught.value.path == path


@pytest.mark.parametrize("depth", [10, 100, *range(600, 1100), 100_000])
def test_inputs_that_are_nested_deep(depth: int, tmp_path: Path) -> None:
    """Python's `json` recurses, so nesting has a limit."""
    (tmp_path / "in.json").write_text('{"params": {"n": 1}, "arrays": {"A": [' + "[" * depth + "]" * depth + "]}}")
    with pytest.raises(PramError) as caught, reading(tmp_path / "in.json") as given:
        assert given is not None
        parse_program("program t\nparam n\nshared A[n] : input\n").instantiate(*given.inputs)
    assert len(caught.value.message) < 100
    if depth <= 100:
        assert caught.value.message == f"A[0] = {'[' * min(depth, 60)}{']' * depth if depth < 60 else '...'} is not an integer"


def test_an_input_of_many_values_is_placed(tmp_path: Path) -> None:
    (tmp_path / "t.pram").write_text("program t\nparam n\nshared A[n] : input\n")
    (tmp_path / "in.json").write_text(json.dumps({"arrays": {"A": [1] * 99_999 + [-1]}, "params": {"n": 100_000}}))
    with pytest.raises(PramError, match=r"in.json:1:300016: error: A\[99999\] = -1 is not a word"):
        with reading(tmp_path / "in.json") as given:
            assert given is not None
            load(tmp_path / "t.pram").instantiate(*given.inputs)
