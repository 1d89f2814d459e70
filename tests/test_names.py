"""Names of options that are types, against the tables that they are keys of."""

from __future__ import annotations

from typing import get_args

from lockstep.compiler.compile import CONSTRUCTIONS
from lockstep.compiler.names import PARTS, PROCESSES, SCHEDULES, construction_of
from lockstep.models.editing import ORDERS
from lockstep.models.engines import ENGINES
from lockstep.models.names import DtypeName, EngineName, OrderName, ProcessName
from lockstep.models.processes import PROCESSES as PROCESS_TABLE
from lockstep.models.transformer import DTYPES


def test_names_are_the_keys_of_their_tables() -> None:
    assert get_args(DtypeName) == tuple(DTYPES)
    assert get_args(ProcessName) == PROCESSES == tuple(PROCESS_TABLE)
    assert get_args(OrderName) == tuple(ORDERS)
    assert get_args(EngineName) == ("auto", *ENGINES)


def test_constructions_are_named_by_process_and_schedule() -> None:
    assert list(PARTS) == list(CONSTRUCTIONS)
    assert {name: row.process for name, row in CONSTRUCTIONS.items()} == {name: parts.process for name, parts in PARTS.items()}
    found = {(process, schedule): construction_of(process, schedule) for process in PROCESSES for schedule in SCHEDULES}
    assert found == {("mdm", "two-step"): "mdm", ("mdm", "one-step"): None, ("ap-mdm", "two-step"): "ap-mdm",
                     ("ap-mdm", "one-step"): "ap-mdm one-step"}  # fmt: skip
