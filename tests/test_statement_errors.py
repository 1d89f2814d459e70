"""The whole text of the errors of lists, `print`, `barrier` and `return`."""

from __future__ import annotations

import pytest
from kit.lessons import rendered

from lockstep.pram.errors import PramError
from lockstep.pram.program import parse_program

HEAD = "program t\nparam n\nprocs n\nshared A[n] : inout, s : output\n"
NO_MEMORY = "a list holds no shared memory: read it into a local first, and write its name"
IN_A_PRINT = "a text stands in a `print`, right after the word or a comma"
BARRIER = "all processors are in step anyway: write `barrier`, which takes no step, or leave it out"

ERRORS = [
    # lists
    ("for i in [] do s := i end", "5:11", "unexpected `]`; a list has at least one item"),
    ("for i in [1 .. 3] do s := i end", "5:13", "unexpected `..`; a range has no brackets: `for i in 0 .. 3 do`"),
    ("for i in 1, 2 do s := i end", "5:11", "unexpected `,`; a list is written in brackets, as in `for i in [1, 2, 5] do`"),
    ("parallel for i in 1, 2 do end", "5:20", "unexpected `,`; a list is written in brackets, as in `for i in [1, 2, 5] do`"),
    ("for i in [1, 2] step 2 do s := i end", "5:17", "unexpected `step`; a list of values has no `step`"),
    ("for i in [1, 3] do i := 2 end", "5:20", "loop variable `i` cannot be assigned"),
    ("parallel for i in [1, 3] do i := 2 end", "5:29", "loop variable `i` cannot be assigned"),
    ("for i in [q, 3] do s := i end", "5:11", "undeclared name `q`"),
    ("for i in [1, 3] do local i := 2 end", "5:26", "`i` is declared twice; first at 5:1 (no name hides another)"),
    ("local x := 3\nfor i in [1, x + 2] do x := i end", "6:24",
     "`x` is in the list of the `for` of line 6 and cannot be assigned in it"),
    ("for i in [1, s] do s := i end", "5:14", NO_MEMORY),
    ("parallel for i in [A[0], 2] do A[i] := i end", "5:20", NO_MEMORY),
    ("parallel for i in [1, pid + 3] do A[i] := 2 end", "5:23",
     "the list of a `parallel for` differs per processor: `pid` is not the same on all processors"),
    # barrier
    ("barrier(2)", "5:8", "unexpected `(`"),
    ("sync", "5:1", f"`sync` cannot stand here; {BARRIER}"),
    # return
    ("return", "5:1", "`return` ends an item of a `parallel for` or a `single`, but there is none around it; write `halt`"),
    ("while s > 0 do if pid == 1 then return end end", "5:33",
     "`return` ends an item of a `parallel for` or a `single`, but there is none around it; write `halt`"),
    ("return s", "5:8", "`return` takes no value: it ends the item of a processor"),
    ("single do return s end", "5:18", "`return` takes no value: it ends the item of a processor"),
    ("single do halt end", "5:11",
     "`halt` cannot stand inside `single`: idle processors could not follow it; `return` ends the `single`"),
    ("exit", "5:1", "`exit` cannot stand here; write `return` to end an item, `break` to leave a loop, `halt` to end the program"),
    # print
    ('s := "a"', "5:6", f'unexpected `"a"`; {IN_A_PRINT}'),
    ('print s "a"', "5:9", f'unexpected `"a"`; {IN_A_PRINT}'),
    ('print "a', "5:7", 'unexpected `"`; a text stands in a `print`, and ends on its line'),
    ("print 'a'", "5:7", "unexpected `'`; a text stands in a `print`, between two `\"`"),
    ("print", "5:6", "the program breaks off after `print`"),
    ("println s", "5:1", "`println` cannot stand here; write `print x`, which `lockstep run --trace` shows"),
    ('print "s", B[1]', "5:12", "undeclared array `B`"),
    ("print A", "5:7", "`A` is an array and needs 1 subscript"),
    ("print s and n == 1", "5:7", "`and` takes truth values; compare the word first, as in `s != 0 and n == 1`"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "place", "message"), ERRORS)
def test_the_error_says_what_to_write(statement: str, place: str, message: str) -> None:
    text = f"{HEAD}{statement}\n"
    with pytest.raises(PramError) as caught:
        parse_program(text, "t.pram")
    assert str(caught.value) == rendered(text, place, message)
