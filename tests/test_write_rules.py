"""Write rules of single writes and of arrays: what they leave, whom they refuse, and how they are written."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from kit.runs import assert_same, assert_same_run
from oracles.all_winners import by_two_rules, fight
from oracles.evaluator import evaluate
from oracles.plain import Trap
from oracles.scalar_machine import ScalarConflict, ScalarRefusal, run_scalar

from lockstep.pram.access import MODES, RULES
from lockstep.pram.errors import PramError
from lockstep.pram.format import format_text
from lockstep.pram.listing import listing
from lockstep.pram.machine import run
from lockstep.pram.parser import parse
from lockstep.pram.program import load, parse_program

COMBINED = [name for name, mode in MODES.items() if mode.combines]
HEAD = "program p\nmode CRCW sum\nparam n\nword 8\nprocs n\n"
#: What is left of 6, 3 and 7, by hand.
LEFT = {"+": 16, "max": 7, "min": 3, "and": 2, "or": 7}


def outputs(text: str, mode: str = "CRCW sum", words: tuple[int, ...] = (6, 3, 7)) -> dict[str, object]:
    program = parse_program(HEAD.replace("CRCW sum", mode) + text)
    return dict(run(program.instantiate({"n": len(words)}, {"A": list(words)})).outputs)


# -- what is left ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", COMBINED)
@pytest.mark.parametrize("rule", RULES)
def test_a_write_has_its_own_rule(rule: str, mode: str) -> None:
    """Whatever the mode says; the words in the cell before do not count."""
    text = f"shared A[n] : input, s : output s := 1 combine {rule} s := A[pid]"
    assert outputs(text, mode) == {"s": LEFT[rule]}


@pytest.mark.parametrize("mode", COMBINED)
@pytest.mark.parametrize("rule", RULES)
def test_an_array_has_a_rule_that_a_write_may_replace(rule: str, mode: str) -> None:
    text = f"shared A[n] : input, combine {rule} s : output, combine {rule} B[2] : output, t : output\n"
    body = "s := A[pid] B[1] := A[pid] combine and B[0] := A[pid] t := A[pid]"
    of_mode = {"CRCW max": "max", "CRCW min": "min", "CRCW sum": "+"}[mode]
    assert outputs(text + body, mode) == {"s": LEFT[rule], "B": [LEFT["and"], LEFT[rule]], "t": LEFT[of_mode]}


def test_several_values_copies_and_operators_take_the_rule_of_the_array() -> None:
    head = "shared A[n] : input, combine or s : output, combine min t : output, combine max B[n] : output, C[n] : output\n"
    found = outputs(head + "s, t := A[pid], A[pid] B := A C[pid] := A[pid] s |= 8")
    assert found == {"s": 15, "t": 3, "B": [6, 3, 7], "C": [6, 3, 7]}


def test_a_cell_that_one_processor_writes_holds_its_word() -> None:
    for rule in RULES:
        assert outputs(f"shared A[n] : input, s : output if pid == 1 then combine {rule} s := A[pid] end") == {"s": 3}


def test_a_write_with_a_rule_takes_a_step_as_any_other() -> None:
    text = HEAD + "shared A[n] : input, s : output {}s := A[pid]"
    plain, combined = (run(parse_program(text.format(c)).instantiate({"n": 3}, {"A": [1, 2, 4]})) for c in ("", "combine or "))
    assert plain.costs == combined.costs and combined.outputs == {"s": 7}


def test_other_modes_go_by_their_own_rule() -> None:
    """`modes` runs the code under every mode; a rule counts only where writes are combined."""
    for seed in range(20):
        for mode in ("CRCW priority", "CRCW common", "EREW"):
            with_rules, without = fight(seed, mode=mode, rules=("and", "sum")), fight(seed, mode=mode)
            try:
                expected = run(without, max_steps=16).memory.tolist()
            except PramError as refused:
                with pytest.raises(PramError) as error:
                    run(with_rules, max_steps=16)
                assert error.value.message == refused.message
            else:
                assert run(with_rules, max_steps=16).memory.tolist() == expected


# -- against the oracles -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", COMBINED)
def test_random_machine_code_agrees_with_the_scalar_machine(mode: str) -> None:
    found: Counter[str] = Counter()
    rules = (None, *RULES.values())
    jobs = [
        *(fight(seed, mode=mode, rules=rules) for seed in range(100)),
        *(by_two_rules(mode, *of) for of in product(rules, rules, (False, True))),
    ]
    for job in jobs:
        try:
            scalar = run_scalar(job, 16)
        except ScalarRefusal as refusal:
            with pytest.raises(PramError) as error:
                run(job, max_steps=16)
            text = error.value.message.split(": ", 1)[1]
            assert text in refusal.texts
            found[
                "rules" if "by different rules" in text else "conflict" if isinstance(refusal, ScalarConflict) else "other"
            ] += 1
        else:
            assert_same_run(run(job, max_steps=16, trace=True), scalar)
            found["ran"] += 1
    assert found["ran"] >= 80 and found["rules"] >= 28, found  # two of six, where the mode's rule is one of the five


@pytest.mark.parametrize("mode", COMBINED)
@pytest.mark.parametrize("rule", RULES)
def test_the_evaluator_agrees(rule: str, mode: str) -> None:
    text = (
        f"shared A[n] : input, combine {rule} B[2] : output, s : output, C[n] : output\n"
        f"parallel for i in 0 .. n - 1 do B[i & 1] := A[i] if A[i] > 2 then combine {rule} s := A[i] end end\n"
        f"C := A combine or B[0] := A[pid] B[1], s := A[pid], 7"
    )
    text = HEAD.replace("CRCW sum", mode) + text
    for words in ((6, 3, 7), (1, 2), (200, 100)):
        job = parse_program(text).instantiate({"n": len(words)}, {"A": list(words)})
        try:
            theirs = evaluate(parse(text)[0], {"n": len(words)}, {"A": list(words)})
        except Trap:
            with pytest.raises(PramError, match="does not fit a word"):
                run(job)
        else:
            assert_same(run(job), theirs)


def test_the_program_of_the_notes_runs_as_it_stands() -> None:
    program = load(Path(__file__).parent / "outside" / "substr.pram")
    found = run(program.instantiate({"n": 6, "m": 2}, {"T": [1, 0, 1, 0, 0, 1], "P": [1, 0]})).outputs
    assert found == {"count": 2}


# -- errors and text ---------------------------------------------------------------------------------

MODES_TEXT = "`CRCW max`, `CRCW min`, `CRCW sum`"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("mode EREW\nshared s : output\ncombine + s := pid", "4:11",
         f"`combine` needs a mode that combines writes: {MODES_TEXT}; the mode is EREW"),
        ("mode CRCW common\nshared combine or s : output", "3:19",
         f"`combine` needs a mode that combines writes: {MODES_TEXT}; the mode is CRCW common"),
        ("mode CRCW sum\nlocal x := 1\ncombine + x := 2", "4:11", "`combine` writes to shared memory, and `x` is a local"),
        ("mode CRCW sum\nparam x\ncombine + x := 2", "4:11", "`x` cannot be assigned: it is a parameter"),
        ("mode CRCW sum\nshared s\ncombine xor s := 2", "4:9",
         "`xor` is no write rule; the rules are `+`, `max`, `min`, `and`, `or`"),
        ("mode CRCW sum\nshared combine sum s", "3:16", "`sum` is no write rule; did you mean `+`?"),
        ("mode CRCW sum\nshared s\ncombine s := 2", "4:11", "unexpected `:=`; expected a name"),
        ("mode CRCW sum\nshared s, t\ncombine + s, t := 1, 2", "4:12", "unexpected `,`; expected `:=`"),
        ("mode CRCW sum\nshared A[3], B[3]\ncombine + A := B", "4:11", "`A` is an array and needs 1 subscript"),
        ("mode CRCW sum\nlocal combine := 1", "3:7", "unexpected `combine`: it is a reserved word and cannot be a name"),
    ],
)  # fmt: skip
def test_errors(text: str, place: str, message: str) -> None:
    with pytest.raises(PramError) as error:
        parse_program(f"program p\n{text}\n", "p.pram")
    assert str(error.value).splitlines()[0] == f"p.pram:{place}: error: {message}"


def test_layout() -> None:
    text = "program p mode CRCW max shared combine   and A[ 3 ], combine +   s combine or A[0]:=1 combine max s :=2"
    lines = [
        "program p",
        "mode   CRCW max",
        "shared combine and A[3], combine + s",
        "",
        "combine or A[0] := 1",
        "combine max s := 2",
        "",
    ]
    assert format_text(text) == "\n".join(lines)
    long = f"combine and A[if pid == 1 then 0 else 1] := {' + '.join(['A[0]'] * 20)}"
    broken = format_text(f"program p mode CRCW max shared A[3] {long}").splitlines()
    assert broken[4].startswith("combine and A[if pid == 1 then 0 else 1] := A[0]") and broken[5].startswith("    + A[0]")


def test_a_first_statement_is_no_part_of_the_declaration_before_it() -> None:
    """The rule of an array stands before its name: after it, nobody could tell it from a statement."""
    program = parse_program("program p\nmode CRCW sum\nprocs 3\nshared s\ncombine max s := pid\n")
    assert program.symbols.arrays["s"].rule == "" and run(program.instantiate({})).memory.tolist() == [2]


def test_the_listing_shows_the_rule() -> None:
    program = parse_program("program p\nmode CRCW sum\nshared s, combine min t\ncombine + s := pid s := 1 t := 2\n")
    texts = [text for _, text, _, _ in listing(program.code, program.source) if text.startswith("store")]
    assert texts == ["store    [{&s} + 0], pid by +", "store    [{&s} + 0], 1", "store    [{&t} + 0], 2 by min"]
