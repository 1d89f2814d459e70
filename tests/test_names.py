"""Names of options that are types, against the tables that they are keys of."""

from __future__ import annotations

from typing import get_args

from lockstep.compiler.compile import CONSTRUCTIONS, DERIVED_CONSTRUCTIONS
from lockstep.compiler.names import DERIVED, EVERY, PARTS, PROCESSES, SCHEDULES, construction_of
from lockstep.models.engines import ENGINES
from lockstep.models.names import DtypeName, EngineName, FixedOrderName, OrderName, ParallelName, ProcessName
from lockstep.models.orders import ORDERS
from lockstep.models.processes import PROCESSES as PROCESS_TABLE
from lockstep.models.transformer import DTYPES


def test_names_are_the_keys_of_their_tables() -> None:
    assert get_args(DtypeName) == tuple(DTYPES)
    assert get_args(ProcessName) == PROCESSES == tuple(PROCESS_TABLE)
    assert get_args(OrderName) == tuple(ORDERS)
    assert get_args(FixedOrderName) == tuple(name for name, order in ORDERS.items() if order.turns is not None)
    assert get_args(ParallelName) == tuple(name for name, process in PROCESS_TABLE.items() if "parallel" in process.orders)
    assert get_args(EngineName) == ("auto", *ENGINES)


def test_constructions_are_named_by_process_and_schedule() -> None:
    assert list(PARTS) == list(CONSTRUCTIONS) and list(DERIVED) == list(DERIVED_CONSTRUCTIONS) and {**PARTS, **DERIVED} == EVERY
    made = CONSTRUCTIONS | DERIVED_CONSTRUCTIONS
    assert {name: (row.name, row.process) for name, row in made.items()} == {name: (name, EVERY[name].process) for name in EVERY}
    found = {(process, schedule): construction_of(process, schedule) for process in PROCESSES for schedule in SCHEDULES}
    assert {pair: name for pair, name in found.items() if name} == {
        ("mdm", "two-step"): "mdm", ("ap-mdm", "two-step"): "ap-mdm", ("ap-mdm", "one-step"): "ap-mdm one-step",
        ("ao-mdm", "two-step"): "ao-mdm", ("masked-arm", "two-step"): "masked-arm", ("arm", "two-step"): "arm",
        ("arm", "erasing"): "arm erasing", ("revision", "two-step"): "revision",
        ("revision", "3-copies"): "revision 3-copies", ("revision", "5-copies"): "revision 5-copies",
    }  # fmt: skip
