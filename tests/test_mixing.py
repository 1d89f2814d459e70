"""Models of programs whose writes have several rules, or `and` or `or`: token by token beside the machine, sizes, certificates."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from oracles.all_winners import by_two_rules, fight

from lockstep.compiler.circuit import Pool
from lockstep.compiler.compile import CONSTRUCTIONS, DERIVED_CONSTRUCTIONS, compile_code, compile_job, least_widths
from lockstep.compiler.names import PARTS, lacking, process_of
from lockstep.compiler.processor import Code
from lockstep.models.decode import decode
from lockstep.models.sampling import Sampling
from lockstep.pram.access import MODES, NUMBERS, RULES, Combining
from lockstep.pram.errors import PramError
from lockstep.pram.instructions import Instruction, Operand
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.certificate import certify, require_certificate
from lockstep.proofs_check.closed_forms import letters_of_model
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.proofs.prove import prove

COMBINED = [name for name, mode in MODES.items() if mode.combines]
SUBSETS = [tuple(rules) for size in range(1, 6) for rules in combinations(NUMBERS, size)]
EVERY = {**CONSTRUCTIONS, **DERIVED_CONSTRUCTIONS}


def storing(rules: tuple[Combining, ...], mode: str = "CRCW sum", words: tuple[int, ...] = (5, 3, 6)) -> Job:
    """Each processor loads its word, stores it to a cell by each rule, and loads the first of these cells."""
    pid, word, zero = Operand("pid"), Operand("register", 0), Operand("constant", 0)
    code = [Instruction("load", pid, zero, rd=0)]
    code += [Instruction("store", Operand("constant", 3 + n), zero, word, rule=rule) for n, rule in enumerate(rules)]
    code += [Instruction("load", Operand("constant", 3), zero, rd=0), Instruction("halt")]
    memory = np.array([*words, *(0,) * 5], np.int64)
    return Job(tuple(code), 1, 3, 4, mode, memory, (), 3, range(3, 8))


def agrees(job: Job, construction: str, order: str = "", dtype: str = "float64") -> Code:
    time = run(job, max_steps=20).time
    sampling = Sampling(order, 1) if order else Sampling()
    compiled = compile_job(job, time, dtype, construction, sampling)
    found = check_agreement(compiled, job, time, sampling)
    assert found.divergence is None and found.outputs_agree, found.divergence
    require_certificate(compiled)
    return compiled.code


# -- beside the machine ------------------------------------------------------------------------------


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_random_code_with_several_rules(construction: str) -> None:
    """Every token. Processors fight over two cells, with rules of their own; some store by two rules to two cells in one step."""
    found: Counter[str] = Counter()
    rules = (None, *RULES.values())
    fights = [fight(seed, mode=COMBINED[seed % 3], rules=rules) for seed in range(60)]
    apart = [by_two_rules(COMBINED[n % 3], *two, True) for n, two in enumerate(combinations(RULES.values(), 2))]
    for job in (*fights, *apart):
        if lacking(construction, job.rules):
            continue
        try:
            run(job, max_steps=20)
        except PramError:
            continue
        found.update(agrees(job, construction).rules)
        found["jobs"] += 1
    least = {rule: 5 for rule in NUMBERS if not lacking(construction, [rule])}
    assert found["jobs"] >= 12 and all(found[rule] >= n for rule, n in least.items()), found


@pytest.mark.parametrize("rules", SUBSETS, ids="-".join)
def test_every_set_of_rules(rules: tuple[Combining, ...]) -> None:
    for construction in ("mdm", "ap-mdm", "arm"):
        assert set(agrees(storing(rules), construction).rules) == set(rules)
    if "sum" not in rules:
        agrees(storing(rules), "ap-mdm one-step")


@pytest.mark.parametrize("construction", DERIVED_CONSTRUCTIONS)
def test_derived_constructions(construction: str) -> None:
    if process_of(construction) == "revision":
        agrees(storing(("and", "or")), construction)
        agrees(storing(("or", "max", "min")), construction)
        return
    agrees(storing(("sum", "and")), construction, "left-to-right")
    agrees(storing(("or", "max", "min")), construction, "right-to-left")


@pytest.mark.parametrize("order", ["left-to-right", "random", "random-subsets"])
def test_any_order(order: str) -> None:
    agrees(storing(("sum", "max", "min", "and", "or")), "mdm", order)


@pytest.mark.parametrize("construction", ["mdm", "ap-mdm", "arm"])
def test_float32(construction: str) -> None:
    agrees(storing(("sum", "and", "or")), construction, dtype="float32")


def test_weights_of_another_rule_give_other_outputs() -> None:
    """The control: the same rules at other stores."""
    job, other = storing(("and", "sum", "or")), storing(("or", "and", "sum"))
    time = run(job).time
    wrong = compile_code(Code.of(other), least_widths("mdm", job, time))
    layout = compile_job(job, time).layout(job, time)
    decoding = decode(wrong.model, layout.tokens(), layout.positions(), wrong.process)
    assert layout.output_words(decoding.tokens).tolist() == run(other).memory[3:].tolist() != run(job).memory[3:].tolist()


# -- what models are made of --------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["max", "min", "sum"])
@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_one_rule_has_the_weights_of_its_mode(construction: str, rule: Combining) -> None:
    """It does not matter whether the writes or the mode say it."""
    if lacking(construction, [rule]):
        return
    said, mode = storing((rule,), "CRCW max" if rule != "max" else "CRCW sum"), storing((rule,), f"CRCW {rule}")
    plain = replace(mode, code=tuple(replace(i, rule=None) for i in mode.code))
    one, other = (dict(compile_job(job, 8, construction=construction).model.tensors()) for job in (said, plain))
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("construction", EVERY)
def test_widths(construction: str) -> None:
    """d_model is the closed form for every set of rules, and for every width of words."""
    for rules in SUBSETS:
        for word in (2, 4, 7):
            code = Code.of(storing(rules))
            if lacking(construction, rules):
                continue
            job = replace(storing(rules, words=(1, 1, 1)), word_bits=max(word, 3))
            widths = least_widths(construction, job, 9)
            circuit = EVERY[construction].build(code, widths)
            assert circuit.width == FACTS[construction].width(letters_of_model(code, widths)), rules


def test_heads_and_gates() -> None:
    """Each rule adds its own: `or` a head and a gate for each bit, `and` one gate more, values that decide w or 2 w gates."""
    row, word = CONSTRUCTIONS["mdm"], 5
    sizes = {}
    for rules in SUBSETS:
        circuit = row.build(Code.of(storing(rules)), row.of_bits(word, 4, 2))
        sizes[rules] = (len(circuit.layers[1].lookups), len(circuit.layers[1].gates))
    heads, gates = sizes["or",]
    assert sizes["and",] == (heads, gates + 1) and sizes["and", "or"] == (heads + 1, gates + word + 1)
    assert sizes["max", "or"] == (heads, gates + word) and sizes["min", "or"] == (heads, gates + 2 * word)
    assert sizes["sum", "or"] == (heads + 1, gates + (1 << word - word // 2) - 1)


def test_shares_that_count_writers_are_certified() -> None:
    """They hold up to 2^pids, so their head weighs less than that of a sum only if words are longer than pids."""
    row = CONSTRUCTIONS["mdm"]
    for pid, dtype, holds in ((2, "float64", True), (12, "float64", True), (8, "float32", True), (11, "float32", False)):
        compiled = compile_code(Code.of(storing(("and", "or"))), row.of_bits(4, 4, pid), dtype)
        lines = [line for line in certify(compiled.model, compiled.circuit).lines if "share" in line.what]
        assert [line.what.split()[3] for line in lines] == ["combine.or:", "combine.and:"]
        assert [line.holds for line in lines] == [holds, holds]
        pools = [x for x in compiled.circuit.layers[1].lookups if isinstance(x, Pool)]
        assert all(pool.most == 1 << pid and 1 / 64 < 4**pid * 2.718281828459045**-pool.exponent <= 1 / 16 for pool in pools)


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_proofs(construction: str) -> None:
    for rules in (("and",), ("max", "min", "or"), ("sum", "and", "or"), ("sum", "max", "min", "and", "or")):
        if not lacking(construction, rules):
            proof = prove(compile_job(storing(rules), 8, construction=construction))
            assert proof.holds, next(f"{o.what}: {o.trouble}" for o in proof.obligations if not o.holds)


def test_sums_are_lacking_where_cells_find_writes_in_the_last_layer() -> None:
    why = "a cell finds its writes in layer 3, and the gates that take a sum apart would need layer 4"
    for name in PARTS:
        for rules in SUBSETS:
            found = lacking(name, rules)
            text = f"{name} has no models of the write rule `+`: {why}"
            assert found == (text if name in ("ap-mdm one-step", "revision") and "sum" in rules else "")


def test_a_program() -> None:
    text = (
        "program p mode CRCW max param n procs n shared A[n] : input, combine or s : output, t : output, c : output "
        "parallel for i in 0 .. n - 1 do s := A[i] t := A[i] combine + c := 1 combine and A[0] := A[i] end"
    )
    job = parse_program(text).instantiate({"n": 3}, {"A": [6, 3, 7]}, 6)
    assert run(job).outputs == {"s": 7, "t": 7, "c": 3} and run(job).memory[0] == 2
    for construction in ("mdm", "ap-mdm", "arm", "arm erasing"):
        agrees(job, construction)
