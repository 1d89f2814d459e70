"""The mistakes of docs/errors.md, in several forms, each with the whole text of its error."""

from __future__ import annotations

from typing import NamedTuple


class Lesson(NamedTuple):
    """A mistake: its number, the program, LINE:COL, the message and the input file. `where`: the file that is wrong."""

    number: int
    program: str
    place: str
    message: str
    inputs: str = '{"params": {"n": 3}, "arrays": {"A": [1, 2, 3]}}'
    where: str = "t.pram"
    flags: str = ""


HEAD = "program t\nmode EREW\nparam n\nword 8\nprocs n\nshared A[n] : inout, s : output\n\n"
EACH = "parallel for i in 0 .. n - 1 do\n"
CREW = HEAD.replace("EREW", "CREW")
RULES = "`CRCW common`, `CRCW arbitrary`, `CRCW priority`, `CRCW max`, `CRCW min` or `CRCW sum`"
COMMON = HEAD.replace("EREW", "CRCW common")


def given(n: str = "3", a: str = "[1, 2, 3]", more_params: str = "", more: str = "") -> str:
    return f'{{"params": {{"n": {n}{more_params}}}, "arrays": {{"A": {a}{more}}}}}'


def wrong_input(number: int, column: int, message: str, inputs: str, program: str = HEAD) -> Lesson:
    return Lesson(number, program, f"1:{column}", message, inputs, "in.json")


DISAGREE = "code outside `parallel` runs on all processors"

LESSONS = [
    # 1 missing `end`
    Lesson(1, HEAD + EACH + "  A[i] := 0\n", "8:1", "missing `end`: `parallel` opened here is never closed"),
    Lesson(1, HEAD + EACH + "  if A[i] > 1 then\n    A[i] := 0\nend\n", "9:3",
           "missing `end`: by its indentation, `if` opened here is never closed"),
    Lesson(1, HEAD + "if n > 2 then halt else if n > 1 then halt end\n", "8:25",
           "missing `end`: `if` after `else` needs one of its own; or write `elif`"),
    # 2 a misspelt word
    Lesson(2, HEAD + "parrallel for i in 0 .. n - 1 do\n  A[i] := 0\nend\n", "8:1", "unknown word `parrallel`; did you mean `parallel`?"),
    Lesson(2, HEAD + EACH + "  A[i] := 0\nendif\n", "10:1", "`endif` cannot stand here; every block ends with `end`"),
    # 3 characters that the language does not have
    Lesson(3, HEAD + "local m := n\nwhile m ≤ 3 do m := m + 1 end\n", "9:9",
           "unexpected character '≤' (LESS-THAN OR EQUAL TO); write `<=`"),
    Lesson(3, HEAD + "single do s := а + 1 end\n", "8:16",
           "unexpected character 'а' (CYRILLIC SMALL LETTER A); write `a`, a Latin letter"),
    Lesson(3, HEAD + "local größe := 1\n", "8:9",
           "unexpected character 'ö' (LATIN SMALL LETTER O WITH DIAERESIS); names are written in ASCII letters, digits and `_`"),
    Lesson(3, HEAD + "local\u00a0m := 1\n", "8:6", "unexpected character '\\xa0' (NO-BREAK SPACE); write a plain space"),
    Lesson(3, HEAD + "local m := ２\n", "8:12", "unexpected character '２' (FULLWIDTH DIGIT TWO); write `2`"),
    # 4 undeclared name
    Lesson(4, HEAD + "local count := 1\nsingle do s := cuont end\n", "9:16", "undeclared name `cuont`; did you mean `count`?"),
    Lesson(4, HEAD + "m := 1\n", "8:1", "undeclared name `m`; to make a new local, write `local m := ...`"),
    # 5 duplicate name
    Lesson(5, HEAD + "local n := 1\n", "8:7", "`n` is declared twice; first at 3:7 (no name hides another)"),
    # 6 no processors
    Lesson(6, "program t\nparam n, k = n / 4\nprocs k\n", "3:7",
           "procs is 0 (with n = 3, k = 0); a machine has at least one processor: write `procs max(1, k)`", '{"params": {"n": 3}}'),
    Lesson(6, "program t\nparam n\nprocs n - 5\n", "3:9",
           "procs is -2 (with n = 3); a machine has at least one processor: write `procs max(1, n - 5)`",
           '{"params": {"n": 3}}'),
    # 7 parameters
    wrong_input(7, 12, "missing parameter `n`", '{"params": {}, "arrays": {}}'),
    wrong_input(7, 21, "this program has no parameter `m`; its parameters are n", given(more_params=', "m": 4')),
    wrong_input(7, 18, "parameter `n` must be an integer, not 2.5", given("2.5")),
    wrong_input(7, 18, 'parameter `n` must be an integer, not "3"', given('"3"')),
    # 8 access modes
    Lesson(8, HEAD.replace("EREW", "CRWC"), "2:6",
           f"unknown access mode `CRWC`; did you mean {RULES}?"),
    Lesson(8, HEAD.replace("EREW", "CRCW"), "2:6", f"CRCW needs a write rule: {RULES}"),
    # 9 a function that does not exist
    Lesson(9, HEAD + "single do s := largest(A[0], 2) end\n", "8:16",
           "there is no function `largest`; the functions are lg, max, min, ctz, popcount, sqrt, floor, ceil, log"),
    # 10 parallel inside parallel
    Lesson(10, HEAD + EACH + "  parallel for j in 0 .. 1 do A[i] := j end\nend\n", "9:3",
           "`parallel` cannot stand inside `parallel`: there is one level of processors; for pairs, write two ranges: `i in .., j in ..`"),
    # 11 while inside parallel
    Lesson(11, HEAD + EACH + "  while A[i] > 0 do A[i] := A[i] - 1 end\nend\n", "9:3",
           "`while` inside `parallel` needs `atmost`: write `while A[i] > 0 atmost B do`, with B rounds enough for every processor; "
           "only the modes CRCW find by themselves when all are done"),
    # 12 loop bounds
    Lesson(12, HEAD + "local x := 2\nlocal y := 0\nx := pid\nfor j in 0 .. x do y := j end\n", "11:15",
           "loop bound differs per processor: `x`, from line 10, is not the same on all processors; write `atmost B` before `do`, "
           "with B rounds enough for every processor"),
    Lesson(12, HEAD + EACH + "  for j in 0 .. A[i] do A[i] := j end\nend\n", "9:17",
           "a loop bound here cannot read shared memory: idle processors run the loop too; write `atmost B` before `do`, "
           "with B rounds enough for every processor"),
    Lesson(12, HEAD + "local x := pid\nparallel for i in 0 .. x do A[i] := 0 end\n", "9:24",
           "the range of a `parallel for` differs per processor: `x`, from line 8, is not the same on all processors"),
    # 13 constant index
    Lesson(13, "program t\nshared s : output, B[4]\n\nsingle do s := B[4] end\n", "4:18", "index 4 is outside `B` (0 .. 3)", ""),
    # 14 subscripts
    Lesson(14, HEAD + "single do s := A[0, 1] end\n", "8:16", "`A` takes 1 subscript, not 2"),
    # 15 inputs of a wrong length or name
    wrong_input(15, 38, "input `A` is too long: length 4, not 3", given(a="[1, 2, 3, 4]")),
    wrong_input(15, 38, "input `A` is too short: length 2, not 3", given(a="[1, 2]")),
    wrong_input(15, 32, "missing input array `A`", '{"params": {"n": 3}, "arrays": {}}'),
    wrong_input(15, 49, "array `B` is not an input of this program; its inputs are A", given(more=', "B": [1]')),
    # 16 values that are not words
    wrong_input(16, 45, "A[2] = -1 is not a word: words are integers from 0; `word N signed` has negative words", given(a="[1, 2, -1]")),
    wrong_input(16, 45, "A[2] = 1.5 is not an integer", given(a="[1, 2, 1.5]")),
    wrong_input(16, 45, "A[2] = null is not an integer", given(a="[1, 2, null]")),
    wrong_input(16, 45, "A[2] = 300 does not fit a word of 8 bits", given(a="[1, 2, 300]")),
    wrong_input(16, 45, "A[2] = 10 is outside its declared range 0 .. 9", given(a="[1, 2, 10]"),
                HEAD.replace("inout", "inout in 0 .. 9")),
    # 17 far too large
    Lesson(17, HEAD, "5:7", "procs is 1000000000 (with n = 1000000000); the limit is 16777216", given("1000000000")),
    Lesson(17, HEAD.replace("procs n\n", ""), "5:10",
           "array `A` has extent 1000000000 (with n = 1000000000); it must be in 0 .. 16777216", given("1000000000")),
    # 18 index out of range in a run
    Lesson(18, HEAD + EACH + "  A[i] := A[i + 1]\nend\n", "9:11", "step 5: processor 2: index 3 is outside `A` (0 .. 2)"),
    # 19 concurrent read under EREW
    Lesson(19, HEAD + EACH + "  A[i] := A[0]\nend\n", "9:11", "step 4: processors 0 and 2 read A[0] (mode EREW)"),
    # 20 shared read by all under EREW
    Lesson(20, HEAD + "local x := A[0]\n", "8:12",
           f"step 1: processors 0 and 2 read A[0] (mode EREW); {DISAGREE}: CREW lets them read one cell, EREW takes a copy for each"),
    # 21 concurrent write under CREW
    Lesson(21, CREW + EACH + "  s := A[i]\nend\n", "9:3", "step 5: processors 0 and 2 write s (mode CREW)"),
    Lesson(21, CREW + "s := 1\n", "8:1",
           f"step 1: processors 0 and 2 write s (mode CREW); {DISAGREE}: `single do ... end` is run by one"),
    # 22 different values under common
    Lesson(22, COMMON + EACH + "  s := A[i]\nend\n", "9:3",
           "step 5: processors 0 and 2 write different values, 1 and 3, to s (mode CRCW common)"),
    # 23 overflow and underflow
    Lesson(23, HEAD + EACH + "  A[i] := A[i] * 100\nend\n", "9:16",
           "step 5: processor 2: overflow: 3 * 100 does not fit a word of 8 bits"),
    Lesson(23, HEAD + EACH + "  A[i] := A[i] - 2\nend\n", "9:16",
           "step 5: processor 0: underflow: 1 - 2 is negative; `word 8 signed` has negative words"),
    # 24 shifts
    Lesson(24, HEAD + EACH + "  A[i] := A[i] >> 8\nend\n", "9:16", "step 5: processor 0: shift by 8 in words of 8 bits: 1 >> 8"),
    # 25 no end
    Lesson(25, HEAD + "local m := n\nwhile m > 0 do\n  for j in 0 .. 4 do m := m + j - j end\nend\n", "9:1",
           "step 1000: no halt within 1000 steps (--max-steps sets the limit): "
           "it was in round 28 of this `while`, round 5 of the `for` of line 10", flags="--max-steps 1000"),
    # 26 more items than processors
    Lesson(26, HEAD + "parallel for i in 0 .. n do\n  A[i] := 0\nend\n", "8:14",
           "step 2: 4 processors are needed for these items, but procs is 3; the last item of a range belongs to it, "
        "and `on 3` gives a processor several items"),
    # 27 processors disagree
    Lesson(27, HEAD + "while A[pid] > 1 do A[pid] := 0 end\n", "8:1",
           "step 3: processors 0 and 1 disagree on this `while` condition: 0 and 1"),
    # 28 reading what nothing has written
    Lesson(28, HEAD.replace("inout, ", "inout, B[n], ") + EACH + "  A[i] := B[i]\nend\n", "9:11",
           "step 4: processor 0 reads B[0], which nothing has written (it holds 0)", flags="--strict"),
    # 29 files without a program; test_teaching.py has more
    Lesson(29, "", "1:1", "there is no program here; one starts with `program NAME`"),
    Lesson(29, "# all comment\n", "1:1", "there is no program here; one starts with `program NAME`"),
    # 31 a cell of another owner
    Lesson(31, HEAD.replace("EREW", "CROW") + EACH + "  A[i] := i\nend\nsingle do A[n - 1] := 0 end\n", "11:11",
           "step 8: processor 0 writes A[2], which processor 2 owns as the first to write it (mode CROW)"),
    # 32 a sum that is no word
    Lesson(32, HEAD.replace("EREW", "CRCW sum") + EACH + "  s := A[i] + 100\nend\n", "9:3",
           "step 6: processors 0, 1 and 2 write 101, 102 and 103 to s: the sum 306 does not fit a word of 8 bits (mode CRCW sum)"),
    # 33 Too few rounds for `atmost`
    Lesson(33, HEAD + "parallel for i in 0 .. n - 1 do\n  while A[i] > 0 atmost 2 do A[i] := A[i] - 1 end\nend\n", "9:3",
           "step 23: processor 2 is not done after 2 rounds of this `while`; `atmost` must allow more"),
    # 34 Division by zero
    Lesson(34, HEAD + "parallel for i in 0 .. n - 1 do\n  A[i] := 7 / (A[i] - 1)\nend\n", "9:13",
           "step 6: processor 0: division of 7 by zero"),
    # 35 A procedure
    Lesson(35, HEAD + "proc half(x)\n  if x > 1 then half(x / 2) end\nend\nhalf(n)\n", "9:17",
           "`half` calls itself: the code of a program is the same for every n, so it cannot hold a recursion as deep as n asks for; write "
           "its levels as a loop, as in `for level in 0 .. lg(n) - 1 do parallel for i in 0 .. n - 1 do ... end end`"),
    Lesson(35, HEAD + "swap(A[0], n)\n", "8:12",
           "`out b` of `swap` takes a variable, such as a local or a cell; `n` is a parameter"),
    # 36 A word of another language
    Lesson(36, HEAD + "parallel for i in 0 .. n - 1 do\n  if A[i] > 1 then exit end\nend\n", "9:20",
           "`exit` cannot stand here; write `return` to end an item, `break` to leave a loop, `halt` to end the program"),
    # 37 An array whose kind is missing
    Lesson(37, "program t\nparam n\nprocs n\nshared B[n], A[n] : input\n\nhalt\n", "4:8",
           "`B` has no kind: `: input` holds for `A` only; write `: input` after `B`, too, or declare it in a `shared` of its own"),
    # 38 `break` outside a loop
    Lesson(38, HEAD + "if n > 2 then break end\n", "8:15",
           "`break` leaves a loop, but there is none around it here"),
    # 39 A step of 0
    Lesson(39, HEAD + "for i in 0 .. 2 step n - 3 do single do s := i end end\n", "8:1",
           "step 8: processor 0: the step of this `for` is 0"),
    # 40 Several values
    Lesson(40, HEAD + "local a, b := 1\n", "8:7",
           "2 names on the left of `:=`, but 1 value on the right"),
    # 41 A negative number among unsigned words
    Lesson(41, HEAD + "parallel for i in 0 .. n - 1 do\n  A[i] := -1\nend\n", "9:3",
           "step 4: the number -1 used here is negative; `word 8 signed` has negative words"),
    # 42 A signed word that is too large
    Lesson(42, "program t\nword 8 signed\nparam n\nprocs n\nshared A[n] : inout\n\n" + EACH + "  A[i] := A[i] * -100\nend\n", "8:16",
           "step 5: processor 1: underflow: 2 * -100 is below -128, the least word of 8 bits, signed"),
    # 43 A logarithm
    Lesson(43, HEAD + "local k := log(n)\n", "8:12",
           "a logarithm is no integer: write `lg(x)` or `ceil(log(x))`, rounded up, or `floor(log(x))`"),
    # 44 A list
    Lesson(44, HEAD + "for i in 1, 2, 5 do\n  single do s := i end\nend\n", "8:11",
           "unexpected `,`; a list is written in brackets, as in `for i in [1, 2, 5] do`"),
    Lesson(44, HEAD + "parallel for i in [A[0], 2] do A[i] := 1 end\n", "8:20",
           "a list holds no shared memory: read it into a local first, and write its name"),
    # 45 A processor that is done
    Lesson(45, HEAD + EACH + "  if A[i] == 1 then halt end\n  A[i] := 0\nend\n", "9:21",
           "`halt` cannot stand inside `parallel`: idle processors could not follow it; `return` ends the item of one processor"),
    Lesson(45, HEAD + "if n > 4 then return end\n", "8:15",
           "`return` ends an item of a `parallel for` or a `single`, but there is none around it; write `halt`"),
    # 46 A prefix sum
    Lesson(46, HEAD + EACH + "  psm(A[i], s)\nend\n", "9:3",
           "`psm` takes a local and a shared cell: write `psm(x, s)` or `psm(x, A[i])`"),
    Lesson(46, HEAD + "local x := 1\nps(x, n)\n", "9:7",
           "`n` is no shared cell: the second argument is what all processors add to"),
    # 47 A write rule where writes are not combined
    Lesson(47, HEAD + EACH + "  combine max s := A[i]\nend\n", "9:15",
           "`combine` needs a mode that combines writes: `CRCW max`, `CRCW min`, `CRCW sum`; the mode is EREW"),
    Lesson(47, HEAD.replace("EREW", "CRCW max") + EACH + "  combine sum s := A[i]\nend\n", "9:11",
           "`sum` is no write rule; did you mean `+`?"),
    # 48 A contract that does not hold
    Lesson(48, HEAD + EACH + "  assert A[i] < 3\n  A[i] := A[i] + 1\nend\n", "9:3",
           "before step 4: processor 2: `assert` does not hold: A[i] is 3"),
    Lesson(48, HEAD + "assert forall i in 0 .. n - 1 : A[i] <= A[i + 1]\n", "8:41",
           "before step 1: `assert` has no value: index 3 is outside `A` (0 .. 2)"),
    # 49 A word of contracts in a statement
    Lesson(49, HEAD + "single do s := sum(i in 0 .. n - 1 : A[i]) end\n", "8:16",
           "`sum` stands in contracts only: `requires`, `ensures`, `assert` and `invariant`"),
    Lesson(49, HEAD + "parallel for i in 0 .. n - 1 do invariant i < n A[i] := 1 end\n", "8:33",
           "unexpected `invariant`; it belongs to a `while`, `repeat` or `for`, and stands before `do`, or after `repeat`; elsewhere "
           "write `assert`"),
]  # fmt: skip
#: The mistakes in the program text that are found without an input.
IN_THE_TEXT = [lesson for lesson in LESSONS if lesson.number in {1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 29}]


def rendered(text: str, place: str, message: str, name: str = "t.pram") -> str:
    """Return the whole text of an error: place and message, the source line, a caret."""
    line, column = map(int, place.split(":"))
    shown = [*text.splitlines(), ""][line - 1]
    caret = f"\n  {shown}\n  {' ' * (column - 1)}^" if shown else ""
    return f"{name}:{place}: error: {message}{caret}"
