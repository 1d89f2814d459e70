"""Names of options that are types, against the tables that they are keys of."""

from __future__ import annotations

from typing import get_args

from lockstep.common.arguments import PROCESSES, SCHEDULES
from lockstep.compiler.compile import CONSTRUCTIONS
from lockstep.compiler.names import ScheduleName
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
    first, *others = get_args(ScheduleName)
    named = [*PROCESSES, *(f"ap-mdm {schedule}" for schedule in others)]
    assert (first, *others) == SCHEDULES and list(CONSTRUCTIONS) == named
