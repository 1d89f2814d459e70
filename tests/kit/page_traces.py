"""The traces that tests of the page show. Each is made once."""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import cache, reduce
from operator import add, and_, or_
from typing import Any

from kit.jobs import DIRECTORY
from kit.traced_runs import Traced, Wanted, traced
from lockstep.common.tracing.tasks import Shown, trace_task
from lockstep.models.decode import Decoder
from lockstep.models.sampling import Sampling
from lockstep.pram.program import load, parse_program
from lockstep.tasks.editor import Edit, editor, picture_of
from lockstep.tasks.parity import KINDS, PICTURE, at_once
from lockstep.tasks.pictures import Region

INPUT = [3, 1, 4, 1]
EVERY_PROCESS = [
    Wanted("mdm"), Wanted("ap-mdm"), Wanted("ap-mdm one-step"), Wanted("arm"), Wanted("arm erasing"),
    Wanted("ao-mdm", "right-to-left"), Wanted("masked-arm", "left-to-right"), Wanted("mdm", "random-subsets"),
]  # fmt: skip
#: All processors read A[0] in step 6. Names and comments try to leave the text.
FAILS = (
    "program all_read # </script><img src=x onerror=alert(1)> \"quotes\" 'and' <!-- @HEADER@ @COLUMNS@ &lt; \u2028 \u0001\n"
    "mode EREW\nparam n\nprocs n\nshared A[n] : inout\nparallel for i in 0 .. n - 1 do\n  local x := A[i] + 1\n  A[i] := x + A[0]\nend\n"
)
SUMS = (
    "program sums\nmode CRCW sum\nparam n\nprocs n\nshared A[n] : input, s : output\n"
    "parallel for i in 0 .. n - 1 do\n  s := A[i]\n  s := A[i] + 1\nend\n"
)
WINS = SUMS.replace("program sums", "program wins").replace("CRCW sum", "CRCW priority")
CONCURRENT = (SUMS, WINS)


@cache
def tree_sum() -> Traced:
    return traced(load(DIRECTORY / "tree_sum.pram"), {"n": 4}, {"A": INPUT}, EVERY_PROCESS)


@cache
def pair() -> Traced:
    """Two processes side by side, with what their heads found."""
    return traced(load(DIRECTORY / "tree_sum.pram"), {"n": 4}, {"A": INPUT}, EVERY_PROCESS[:2])


@cache
def failing() -> Traced:
    return traced(parse_program(FAILS), {"n": 4}, {"A": INPUT}, [])


@cache
def concurrent(text: str) -> Traced:
    return traced(parse_program(text), {"n": 4}, {"A": [7, 3, 5, 3]}, [Wanted("mdm", heads=False)])  # `and` leaves a 1


@cache
def ruled(rule: str) -> Traced:
    """The trace of WINS as if its stores had a rule; what they leave is computed from the accesses."""
    trace = concurrent(WINS)
    code = [part | ({"rule": rule} if part["text"].startswith("store") else {}) for part in trace.header["code"]]
    memory = [trace.memory[0]]
    for step in range(1, len(trace.memory)):
        after = memory[-1].copy()
        for cell in {c for t, _, writes, _, c in trace.accesses if writes and t == step}:
            values = [v for t, _, writes, v, c in trace.accesses if writes and (t, c) == (step, cell)]
            after[cell] = reduce({"+": add, "and": and_, "or": or_}[rule], values)
        memory.append(after)
    return replace(trace, header=trace.header | {"code": code}, memory=memory)


@cache
def broken() -> Traced:
    """A model in which one gate of layer 2 does nothing."""

    def drop(model: Any) -> None:
        model.layers[1].w_out[:, 50] = 0

    return traced(load(DIRECTORY / "tree_sum.pram"), {"n": 4}, {"A": INPUT}, [Wanted("mdm", broken=drop), "ap-mdm"])


@cache
def wide() -> Traced:
    """64 processors: tables and grids show parts."""
    return traced(
        load(DIRECTORY / "tree_sum.pram"), {"n": 128}, {"A": list(range(128))}, [Wanted("mdm", heads=False)], keep=False
    )


TASK_WORD = (1, 1, 0, 1, 0, 1, 0, 0, 1, 1)


@cache
def task() -> Traced:
    """Parity of a word, in which no machine runs. Its sequences come from a decoder that is not watched."""
    made, sampling = at_once(4), Sampling("parallel", engine="indexed")
    tokens = made.tokens(KINDS[bit] for bit in TASK_WORD)
    shown = Shown(
        "parity </script>", ["odd False"], {"decoding steps": ("2 + 2", 4)}, replace(PICTURE, regions=(Region("sink", 1),))
    )
    trace = trace_task(made, tokens, len(tokens), shown, sampling)
    decoder = Decoder(made.model(), tokens, made.positions(len(tokens)), "ap-mdm", sampling)
    sequences = [tokens.tolist(), *(step.tokens.tolist() for step in decoder)]
    return Traced(trace.header, base64.b64encode(trace.packed).decode(), sequences=[sequences])


@cache
def edits() -> Traced:
    """An editor's script, whose tokens hold a place and a letter: `+1h` inserts an h behind place 1, `=2b` replaces."""
    made, alphabet = editor(2, 2, 4), "abch"
    start = made.start([Edit("INSERT", 1, 3), Edit("REPLACE", 2, 1)], [2, 0])
    trace = trace_task(made, start, 8, Shown("edits", picture=picture_of(made, alphabet)), Sampling("parallel", engine="indexed"))
    return Traced(trace.header, base64.b64encode(trace.packed).decode())
