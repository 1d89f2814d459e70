"""Who wins on the command line: --winner, --seed, input files, model files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit.commands import FINE, MISUSED, WRONG, Do, Outcome
from safetensors import safe_open

import lockstep
from lockstep.compiler.storage import load_program_or_model
from lockstep.models.files import load_model, save_model
from lockstep.pram.errors import PramError
from lockstep.pram.input_files import reading, winner_given
from lockstep.pram.program import load
from lockstep.pram.winners import HIGHEST, by_choices

WIN = "program win\nmode CRCW arbitrary\nparam n\nprocs n\nshared win : output\nparallel for i in 0 .. n - 1 do win := i end\n"
PRIORITY = WIN.replace("arbitrary", "priority")
FORMS = "lowest, highest, a seed N, random:N or choices:PID,PID,.."


@pytest.fixture
def win(do: Do) -> Do:
    """The same command lines, with win.pram, priority.pram and input files that name winners."""
    Path("win.pram").write_text(WIN)
    Path("priority.pram").write_text(PRIORITY)
    Path("4.json").write_text('{"params": {"n": 4}}')
    for name, winner in (("high", "highest"), ("choice", "choices:2"), ("bad", "best")):
        Path(f"{name}.json").write_text(json.dumps({"params": {"n": 4}, "winner": winner}))
    return do


def won(outcome: Outcome) -> tuple[int, str]:
    """Who won, and which winner the record names."""
    assert outcome.status == FINE, outcome.err
    record = json.loads(outcome.out)
    return record["outputs"]["win"], record["winner"]


# -- run ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--input 4.json", (3, "random:0")),
        *((f"--input 4.json --seed {seed}", (value, f"random:{seed}")) for seed, value in ((0, 3), (1, 3), (2, 1))),
        ("--input 4.json --winner lowest", (0, "lowest")),
        ("--input 4.json --winner highest", (3, "highest")),
        ("--input 4.json --winner 2", (2, "2")),
        ("--input 4.json --winner random:2", (1, "random:2")),
        ("--input 4.json --winner choices:2", (2, "choices:2")),
        ("--input high.json", (3, "highest")),
        ("--input choice.json", (2, "choices:2")),
        ("--input choice.json --winner lowest", (0, "lowest")),
        ("--input choice.json --seed 2", (1, "random:2")),
        ("--size 4 --seed 2", (1, "random:2")),
        ("--size 4 --seed 2 --winner lowest", (0, "lowest")),
    ],
)
def test_run_under_a_winner(options: str, expected: tuple[int, str], win: Do) -> None:
    """An option wins over the file; a seed alone is short for random:SEED; with --size the seed draws the input."""
    assert won(win(f"run win.pram {options} --json")) == expected


def test_profile_under_a_winner(do: Do) -> None:
    """The winner decides how many rounds a loop takes."""
    Path("loop.pram").write_text(
        "program loop\nmode CRCW arbitrary\nprocs 3\nshared s\ns := pid\nlocal x := s\nwhile x > 0 do x := x - 1 end\n"
    )
    times = [json.loads(do(f"profile loop.pram --winner {w} --json").out)["time"] for w in ("lowest", "choices:1", "highest")]
    assert times == [5, 9, 13]


@pytest.mark.parametrize("command", ["run", "profile", "decode", "export"])
def test_a_winner_where_none_is_open(command: str, win: Do) -> None:
    outcome = win(f"{command} priority.pram --input 4.json --winner lowest")
    assert outcome.status == MISUSED
    assert "mode CRCW priority of this program leaves no winner open" in " ".join(outcome.err.replace("│", "").split())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run win.pram --input 4.json --winner best", f"'best' is not {FORMS}"),
        ("run win.pram --input 4.json --winner 1 --seed 2", "--winner and --seed both say who wins concurrent writes; give one"),
        ("decode win.pram --input 4.json --winner random:1", "random:1 is no fixed order of the processors, and a model has one"),
        (
            "export win.pram --input 4.json --winner choices:1",
            "choices:1 is no fixed order of the processors, and a model has one",
        ),
        ("compile win.pram --winner choices:1", "choices:1 is no fixed order of the processors, and a model has one"),
        ("compile priority.pram --winner highest", "mode CRCW priority of this program leaves no winner open"),
    ],
)
def test_usage_errors(line: str, message: str, win: Do) -> None:
    outcome = win(line)
    assert (outcome.status, outcome.out) == (MISUSED, "")
    assert message in " ".join(outcome.err.replace("│", "").split())
    assert not list(Path().glob("*.safetensors"))


def test_choices_that_do_not_fit_the_run(win: Do) -> None:
    outcome = win("run win.pram --input 4.json --winner choices:4")
    assert outcome.status == WRONG
    assert outcome.err.startswith(
        "win.pram:6:33: error: step 4: choice 1 of the winner choices:4 is processor 4, "
        "but win is written by processors 0, 1, 2 and 3\n"
    )


def test_a_mode_that_leaves_no_winner_open_names_none(win: Do) -> None:
    assert "winner" not in json.loads(win("run priority.pram --input 4.json --json").out)


# -- input files -------------------------------------------------------------------------------------


def test_what_an_input_file_holds(win: Do) -> None:
    Path("expecting.json").write_text(json.dumps({"params": {"n": 4}, "winner": "choices:2", "expected": {"win": 0}}))
    with reading(Path("expecting.json")) as given:
        assert given is not None
        assert (given.inputs, given.winner, given.expected) == (({"n": 4}, {}), by_choices(2), {"win": 0})
        assert winner_given(load("win.pram"), given) == by_choices(2)
    with reading(Path("4.json")) as given:
        assert given is not None and (given.winner, given.expected) == (None, None)
        assert winner_given(load("priority.pram"), given) is None


def test_a_winner_in_a_file_that_cannot_be_read(win: Do) -> None:
    outcome = win("run win.pram --input bad.json")
    assert outcome.status == WRONG
    assert outcome.err.startswith(f"bad.json:1:32: error: \"winner\": 'best' is not {FORMS}\n")


@pytest.mark.parametrize("command", ["run", "profile", "decode", "export"])
def test_a_winner_in_a_file_where_none_is_open(command: str, win: Do) -> None:
    outcome = win(f"{command} priority.pram --input high.json")
    assert outcome.status == WRONG
    message = 'high.json:1:32: error: "winner": mode CRCW priority leaves no winner open; take it out of the file\n'
    assert outcome.err.startswith(message)


def test_a_model_has_a_fixed_order_of_a_file(win: Do) -> None:
    assert won(win("decode win.pram --input high.json --json")) == (3, "highest")
    assert won(win("decode win.pram --input high.json --winner 2 --json")) == (2, "2")
    outcome = win("decode win.pram --input choice.json")
    assert outcome.status == WRONG and "the winner choices:2 is no fixed order of the processors" in outcome.err


def test_lines_name_their_winners(win: Do) -> None:
    Path("many.jsonl").write_text(
        '{"params": {"n": 4}, "winner": "highest"}\n{"params": {"n": 4}}\n{"params": {"n": 3}, "winner": "2"}\n'
    )

    def lines(options: str) -> list[tuple[int, str]]:
        out = win(f"decode win.pram --input many.jsonl {options} --json").out
        return [(r["outputs"]["win"], r["winner"]) for r in map(json.loads, out.splitlines())]

    assert lines("") == [(3, "highest"), (0, "lowest"), (1, "2")]
    assert lines("--winner highest") == [(3, "highest"), (3, "highest"), (2, "highest")]
    Path("many.jsonl").write_text('{"params": {"n": 4}}\n{"params": {"n": 4}, "winner": 7}\n')
    outcome = win("decode win.pram --input many.jsonl")
    assert outcome.status == WRONG
    assert outcome.err.startswith('many.jsonl:2:32: error: "winner" must be a string, such as "highest", not 7\n')


# -- models ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", ["mdm", "ap-mdm", "ap-mdm --schedule one-step"])
def test_a_model_file_keeps_its_winner(process: str, win: Do) -> None:
    assert won(win(f"decode win.pram --input 4.json --process {process} --json")) == (0, "lowest")
    made = json.loads(win(f"compile win.pram --out m.safetensors --winner 2 --process {process} --word-bits 8 --json").out)
    assert made["winner"] == "2"
    assert won(win("decode m.safetensors --input 4.json --json")) == (2, "2")
    assert won(win("decode m.safetensors --input 4.json --winner 2 --json")) == (2, "2")
    refused = win("decode m.safetensors --input high.json --json")
    assert refused.status == WRONG and 'error: "winner": this model was compiled for the winner 2' in refused.err
    Path("both.jsonl").write_text(Path("4.json").read_text().strip() + "\n" + Path("high.json").read_text().strip() + "\n")
    refused = win("decode m.safetensors --input both.jsonl --json")
    assert (refused.status, refused.out) == (WRONG, "") and "both.jsonl:2:" in refused.err
    outcome = win("decode m.safetensors --input 4.json --winner highest")
    assert outcome.status == MISUSED and "this model was compiled for the winner 2" in " ".join(outcome.err.split())


def test_a_model_file_that_was_told_no_winner_takes_any(win: Do) -> None:
    assert "winner" not in json.loads(win("compile win.pram --out m.safetensors --word-bits 8 --json").out)
    assert won(win("decode m.safetensors --input 4.json --json")) == (0, "lowest")
    assert won(win("decode m.safetensors --input 4.json --winner highest --json")) == (3, "highest")
    assert won(win("decode m.safetensors --input high.json --json")) == (3, "highest")


@pytest.mark.parametrize(
    ("winner", "message"),
    [
        ("best", f"its metadata is incomplete: 'best' is not {FORMS}"),
        ("choices:1", "its metadata is wrong: a model of mode CRCW arbitrary cannot let the winner be choices:1"),
    ],
)
def test_a_model_file_with_a_winner_that_it_cannot_have(winner: str, message: str, win: Do) -> None:
    win("compile win.pram --out m.safetensors --word-bits 8")
    model, metadata = load_model(Path("m.safetensors"))
    save_model(Path("m.safetensors"), model, metadata | {"winner": winner})
    with pytest.raises(PramError) as error:
        load_program_or_model(Path("m.safetensors"))
    assert error.value.message == message


def test_an_exported_job_names_its_winner(win: Do) -> None:
    for options, winner, value in (("--winner highest", "highest", 3), ("", "lowest", 0)):
        assert win(f"export win.pram --input 4.json --out j.safetensors {options}").status == FINE
        with safe_open("j.safetensors", framework="np") as file:
            assert (file.metadata()["winner"], json.loads(file.metadata()["expected"])) == (winner, {"win": [value]})


# -- from Python -------------------------------------------------------------------------------------


def test_run_from_python(win: Do) -> None:
    program = lockstep.load("win.pram")
    assert lockstep.run(program, {"n": 4}).outputs == {"win": 0}
    assert lockstep.run(program, {"n": 4}, winner="highest").outputs == {"win": 3}
    assert lockstep.run(program, {"n": 4}, seed=2).outputs == {"win": 1}
    assert lockstep.run(program, {"n": 4}, winner="highest").job.winner == HIGHEST
    with pytest.raises(ValueError, match="winner and seed both say who wins concurrent writes; give one"):
        lockstep.run(program, {"n": 4}, winner="lowest", seed=2)
