"""Checks of what concurrent writes leave: the machine under every mode, models of the largest, smallest and sum, and their certificates."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from kit.cases import job as made
from kit.decoding import FASTEST
from kit.runs import assert_same, assert_same_run
from kit.winners import ends
from oracles.all_winners import by_two_rules, every_end, fight
from oracles.evaluator import evaluate
from oracles.scalar_machine import ScalarRefusal, run_scalar

from lockstep.commands.modes.trying import try_modes, weakest
from lockstep.compiler.circuit import Pool, Threshold
from lockstep.compiler.compile import CONSTRUCTIONS, compile_code, compile_job
from lockstep.compiler.invariants import CircuitError, check_circuit
from lockstep.compiler.linear import Linear
from lockstep.compiler.names import NotConstructed, lacking
from lockstep.compiler.processor import Code
from lockstep.compiler.storage import load_program_or_model, save_compiled
from lockstep.models.editing import NotFinished, OutOfPositions
from lockstep.models.files import load_model, save_model
from lockstep.pram.access import MODES, RULES, Combining, weaker_modes
from lockstep.pram.errors import PramError
from lockstep.pram.format import format_text
from lockstep.pram.instructions import Instruction, Operand
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.parser import parse
from lockstep.pram.program import parse_program
from lockstep.pram.winners import run_winners
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.certificate import certify
from lockstep.proofs_check.closed_forms import letters_of_model
from lockstep.proofs_check.proofs.prove import prove
from lockstep.proofs_check.proofs.solver import Lemmas
from lockstep.proofs_check.theorems.width import WIDTHS
from mutation.table import Check

COMBINED = ("CRCW max", "CRCW min", "CRCW sum")
TEXT = "program p\nmode {}\nparam n\nprocs n\nshared A[n] : input, s : output\nparallel for i in 0 .. n - 1 do s := A[i] end\n"


def text_job(mode: str, *words: int) -> Job:
    return parse_program(TEXT.format(mode)).instantiate({"n": len(words)}, {"A": list(words)}, 6)


def one_after_the_other(mode: str) -> tuple[Job, ...]:
    """Processor 1 stores to a cell, then processor 0 stores to it, or the other way round; then all to their own, twice."""
    pid, cell, zero = Operand("pid"), Operand("constant", 3), Operand("constant", 0)
    store, own = Instruction("store", cell, zero, pid), Instruction("store", pid, zero, cell)
    first = Instruction("jz", pid, target=3), store, Instruction("halt"), Instruction("nop"), store
    last = Instruction("jz", pid, target=4), Instruction("nop"), store, Instruction("halt"), store
    return tuple(made(*code, processors=2, mode=mode) for code in (first, last, (own, own)))


def rules() -> None:
    """Random jobs whose processors fight over two cells, under every mode, also by different rules: all steps, or the same
    refusal; all ends."""
    rules = (None, *RULES.values())
    for mode in MODES:
        fights = *(fight(seed, mode=mode) for seed in range(40)), *(fight(seed, mode=mode, rules=rules) for seed in range(20))
        meeting = (by_two_rules(mode, *of) for of in product(rules, rules, (False, True)) if MODES[mode].combines)
        for job in (*one_after_the_other(mode), *fights, *meeting):
            _same_as_scalar(job)
            found = run_winners(job, max_steps=16)
            assert not found.every or ends(found) == every_end(job, 16), f"{mode}: other ends"


def _same_as_scalar(job: Job) -> None:
    try:
        theirs = run_scalar(job, 16)
    except ScalarRefusal as refusal:
        try:
            run(job, max_steps=16)
        except PramError as refused:
            assert refused.message.split(": ", 1)[1] in refusal.texts, f"{refused.message}, not {refusal}"
            return
        raise AssertionError(f"{job.mode}: the machine runs what the scalar machine refuses: {refusal}") from None
    assert_same_run(run(job, max_steps=16, trace=True), theirs)


def rules_of_arrays() -> None:
    """A program whose arrays have rules, against the evaluator: writes with and without a rule, several at once, and copies."""
    text = (
        "program p mode CRCW sum param n procs n word 8 shared A[n] : input, "
        "combine {0} B[2] : output, combine {0} C[2] : output, s : output "
        "B[pid & 1] := A[pid] s := A[pid] combine or C[1] := A[pid] B[0], C[0] := A[pid], A[pid] B := C"
    )
    for rule in RULES:
        program = parse_program(text.format(rule))
        for words in ((6, 3, 7), (5, 1, 2, 12)):
            given = {"n": len(words)}, {"A": list(words)}
            assert_same(run(program.instantiate(*given)), evaluate(parse(text.format(rule))[0], *given))


def rules_in_texts() -> None:
    """What is refused of rules in a program, and how a write with a rule is laid out."""
    for mode, text, message in (
        ("CRCW sum", "local x := 1 combine + x := 2", "`combine` writes to shared memory, and `x` is a local"),
        ("CRCW common", "combine + s := 2", "`combine` needs a mode that combines writes"),
        ("CRCW max", "combine xor s := 2", "`xor` is no write rule"),
    ):
        try:
            parse_program(f"program p mode {mode} shared s {text}")
            raise AssertionError(f"{text} is a program")
        except PramError as error:
            assert message in str(error), str(error)
    assert format_text("program p mode CRCW max shared s combine and s:=1").splitlines()[-1] == "combine and s := 1"


def order_of_modes() -> None:
    """Every weakest mode of a program, none that is stronger than another; a sum is not taken for one of its values."""
    for mode, below in (("CRCW sum", {"EREW", "CROW", "CREW"}), ("ERCW priority", {"ERCW arbitrary", "ERCW common", "EREW"})):
        assert weaker_modes(mode) == below, f"{mode}: {weaker_modes(mode)}"
    for text, names in (
        ("A[pid] := pid", ["EREW", "CROW"]),
        ("local x := A[0]", ["CROW"]),
        ("s := 5", ["ERCW common"]),
        ("local x := A[0] s := 5", ["CRCW common"]),
    ):
        program = parse_program(f"program p mode CRCW common procs 3 shared A[3] : inout, s : output {text}")
        found = [result.mode for result in weakest(try_modes(program, [({}, {"A": [7, 8, 9]})]))]
        assert found == names, f"{text}: {found}, not {names}"


def combined_tokens(construction: str) -> None:
    """Every token beside the machine, of the models of max, min and sum that the construction has."""
    for mode in COMBINED:
        if lacking(construction, [MODES[mode].combining]):
            continue
        given = [text_job(mode, *words) for words in ((5, 9, 2, 9, 4), (2, 1), (1, 2, 3))]
        two = parse_program(TEXT.format(mode).replace("s : output", "T[2] : output").replace("s :=", "T[i & 1] :="))
        given.append(two.instantiate({"n": 4}, {"A": [5, 9, 2, 4]}, 6))
        fights = [fight(seed, mode=mode) for seed in (5, 12, 23)]
        for job in (*given, *fights):
            try:
                time = run(job, max_steps=20).time
            except PramError:
                continue
            _every_token(job, time, construction)
    for rules in MIXTURES:
        job = by_rules(rules)
        if not lacking(construction, job.rules):
            _every_token(job, run(job, max_steps=20).time, construction)


def _every_token(job: Job, time: int, construction: str) -> None:
    """Compare all tokens with the machine, and the width with its closed form."""
    compiled = compile_job(job, time, construction=construction)
    found = check_agreement(compiled, job, time, FASTEST)
    assert found.divergence is None and found.outputs_agree, f"{job.rules}: {found.divergence}"
    width = WIDTHS[construction](letters_of_model(compiled.code, compiled.widths))
    assert compiled.model.width == width, f"{job.rules}: d_model {compiled.model.width}, not {width}"


#: Rules of the stores of jobs: of all but sums, of sums and others, of one rule that counts writers.
MIXTURES: tuple[tuple[Combining, ...], ...] = (("max", "or", "and", "min"), ("sum", "and", "max"), ("and",), ("or", "min"))


def by_rules(rules: tuple[Combining, ...]) -> Job:
    """Three processors load a word, and store it to a cell by each rule, one after the other. Processor 1 alone stores by the first."""
    pid, word, zero = Operand("pid"), Operand("register", 0), Operand("constant", 0)
    code = [Instruction("load", pid, zero, rd=0)]
    code += [Instruction("store", Operand("constant", 4 + n), zero, word, rule=rule) for n, rule in enumerate(rules)]
    code += [
        Instruction("eq", pid, Operand("constant", 1), rd=1),
        Instruction("jz", Operand("register", 1), target=len(code) + 3),
    ]
    code += [Instruction("store", Operand("constant", 3), zero, word, rule=rules[0]), Instruction("halt")]
    return Job(tuple(code), 2, 3, 4, "CRCW sum", np.array([5, 3, 6, *(0,) * 5], np.int64), (), 3, range(8))


def combined_proofs() -> None:
    """The proofs of all models of max, min and sum, for a program that loads and stores; of several rules, too.

    What is proved of one model, with the same gates in the same places, is not proved again of another.
    """
    jobs = [(str(rules), by_rules(rules)) for rules in MIXTURES[:2]] + [(mode, text_job(mode, 5, 9)) for mode in COMBINED]
    lemmas = Lemmas()
    for (name, each), construction in product(jobs, CONSTRUCTIONS):
        if not lacking(construction, each.rules):
            proof = prove(compile_job(each, 8, construction=construction), lemmas, until_failure=True)
            assert proof.holds, next(f"{name}: {o.what}: {o.trouble}" for o in proof.obligations if not o.holds)


def share_certificate() -> None:
    """The distance of a share, added up by hand, in both dtypes; a model whose pool weighs too much is refused."""
    code, row = Code.of(text_job("CRCW sum", 1)), CONSTRUCTIONS["mdm"]
    for dtype, unit in (("float64", 2.0**-52), ("float32", 2.0**-23)):
        for word, pid, holds in ((4, 2, True), (8, 6, True), (11, 9, dtype == "float64"), (12, 12, dtype == "float64")):
            compiled = compile_code(code, row.of_bits(word, 5, pid), dtype)
            (line,) = [x for x in certify(compiled.model, compiled.circuit).lines if "share" in x.what]
            (pool,) = [x for x in compiled.circuit.layers[1].lookups if isinstance(x, Pool)]
            weight = 2.718281828459045**-pool.exponent
            least = ((1 << word) - 1) * ((1 << pid) * weight + ((2 << pid) + 16) * unit)
            assert least <= line.found <= 1.5 * least and line.holds == holds == (line.found < 0.25), f"{line}, at least {least}"
            assert 1 / 64 < ((1 << word + pid) * weight) <= 1 / 16, f"exponent {pool.exponent}"
    for pool in (
        x for x in row.build(Code.of(by_rules(("or", "and"))), row.of_bits(4, 5, 6)).layers[1].lookups if isinstance(x, Pool)
    ):
        assert 1 / 64 < (1 << 12) * 2.718281828459045**-pool.exponent <= 1 / 16, f"exponent {pool.exponent} of {pool.name}"


def share_readers() -> None:
    """Thresholds of other forms than 4 share + 1, and lookups by a share, are no circuits."""
    code, row = Code.of(text_job("CRCW sum", 1)), CONSTRUCTIONS["mdm"]
    rest, share = Linear({("rest", 0): 1}), Linear({("share", 0): 1})
    for number, gate in ((2, Threshold(rest - 1, {("out", 0): 1})), (2, Threshold(rest * 4 - 4, {("out", 0): 1})),
                         (1, Threshold(share * 8 - 3, {("out", 0): 1}))):  # fmt: skip
        circuit = row.build(code, row.of_bits(4, 4, 2))
        circuit.layers[number].gates.append(gate)
        _is_no_circuit(circuit)
    circuit = row.build(code, row.of_bits(4, 4, 2))
    lookups = circuit.layers[2].lookups
    lookups[0] = replace(lookups[0], recency=share, recency_max=15)
    _is_no_circuit(circuit)


def _is_no_circuit(circuit: object) -> None:
    try:
        check_circuit(circuit)  # type: ignore[arg-type]
    except CircuitError:
        return
    raise AssertionError("a share is read where it may not be")


def other_modes() -> None:
    """A model of one rule refuses runs of another; so does a construction, and a file whose rule is not its program's."""
    compiled = compile_job(text_job("CRCW max", 3, 5), 12)
    try:
        compiled.layout(text_job("CRCW min", 3, 5), 12)
        raise AssertionError("a model of CRCW max is laid out for CRCW min")
    except PramError as error:
        assert "concurrent writes leave the largest value, and under CRCW min the smallest value" in str(error), str(error)
    try:
        compile_job(text_job("CRCW sum", 3, 5), 12, construction="ap-mdm one-step")
        raise AssertionError("a sum is compiled in one step")
    except NotConstructed as error:
        assert "no models of the write rule `+`" in str(error)
    with TemporaryDirectory() as folder:
        file, program = Path(folder) / "m.safetensors", parse_program(TEXT.format("CRCW max"))
        save_compiled(file, program, compile_code(Code.of_program(program), CONSTRUCTIONS["mdm"].of_bits(4, 4, 2)))
        model, metadata = load_model(file)
        assert load_program_or_model(file)[1] is not None
        save_model(file, model, {**metadata, "combining": "min"})
        try:
            load_program_or_model(file)
        except PramError:
            return
        raise AssertionError("a file of another write rule is read")


REFUSALS = (NotFinished, OutOfPositions, ValueError, CircuitError)
CHECKS = (
    Check(
        "write rules",
        "random jobs under every mode and rule on the machine, against plain Python; all their ends",
        rules,
        (PramError,),
    ),
    Check("rules of arrays", "a program whose arrays have write rules, against the evaluator", rules_of_arrays, (PramError,)),
    Check("rules in texts", "errors and the layout of writes with rules", rules_in_texts, (PramError, KeyError)),
    Check("order of modes", "every weakest mode of small programs", order_of_modes),
    *(
        Check(
            f"combined writes of {construction}",
            "every token of models of CRCW max, min and sum, against the machine",
            partial(combined_tokens, construction),
            REFUSALS,
        )
        for construction in CONSTRUCTIONS
    ),
    Check("combined proofs", "the proofs of models of CRCW max, min and sum", combined_proofs, REFUSALS),
    Check("share certificate", "how far a share is from its sum, added up by hand", share_certificate),
    Check("share readers", "circuits that read a share where they may not", share_readers),
    Check("other write rules", "models, constructions and files refuse runs of another write rule", other_modes, (PramError,)),
)
