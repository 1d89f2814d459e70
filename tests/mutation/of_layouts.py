"""Mutants of where everything stands: position encodings, start sequences, and how sequences are read."""

from __future__ import annotations

from typing import Any

from lockstep.compiler import in_place, mdm, one_step, state, two_step
from lockstep.compiler.blocks import BlockLayout
from lockstep.compiler.position_fields import PositionFields
from lockstep.models.positions import Positions
from mutation.planting import Rewrite
from mutation.table import Mutant

LAYOUT = "layouts and positions"
MDM, TWO, ONE = "agreement of mdm", "agreement of ap-mdm", "agreement of ap-mdm one-step"
BLOCKS, GIVEN, OF_MDM = BlockLayout._trace_positions, BlockLayout._given_positions, mdm.Layout.positions
IN_PLACE = in_place.Layout.positions


def row(breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant(LAYOUT, breaks, Rewrite(function, old, new), check, equivalent)


MUTANTS = (
    row(
        "fields that share a byte erase each other",
        PositionFields._write,
        "column & np.uint8(0xFF ^ mask << shift) | written",
        "written",
        MDM,
    ),
    row(
        "bits of a field are its lowest ones in each byte",
        PositionFields._write,
        "values >> (first - start) & mask",
        "values & mask",
        MDM,
    ),
    row("columns of a byte are read in the wrong order", Positions.unpacked, '"little"', '"big"', MDM),
    row(
        "mdm: the previous step is the step itself",
        OF_MDM,
        '"time.previous", blocks, step - 1',
        '"time.previous", blocks, step',
        MDM,
    ),
    row("mdm: the highest pid wins", BLOCKS, "step * processors - precedence[pid]", "step * processors + precedence[pid]", MDM),
    row(
        "mdm: writes of one step are equally recent",
        BLOCKS,
        "step * processors - precedence[pid]",
        "step * processors",
        "residuals of mdm",
    ),
    row(
        "mdm: recency leaves room for all pids of its bits",
        BLOCKS,
        "step * processors - precedence[pid]",
        "(step << self.widths.pid) - precedence[pid]",
        MDM,
        "the order of two writes is the same with any factor that is at least P",
    ),
    row(
        "mdm: recency of registers counts from 0",
        BLOCKS,
        'fields.set("step", blocks, step)',
        'fields.set("step", blocks, step - 1)',
        MDM,
        "of rows that one query may find only the order decides",
    ),
    row("mdm: places in a block are not unique", OF_MDM, "3 * pid + role + 1", "pid + 1", "residuals of mdm"),
    row(
        "mdm: every V row holds its pid",
        OF_MDM,
        'fields.set("first", blocks, source)',
        'fields.set("first", blocks, role == BLOCK_ROLES.index("V"))',
        MDM,
    ),
    row("mdm: rows that publish pids count them from 1", OF_MDM, "np.where(source, pid, 0)", "np.where(source, pid + 1, 0)", MDM),
    row("mdm: C rows of every block are last", BLOCKS, "(step == self.time) & (role", "(step >= 1) & (role", MDM),
    row("mdm: roles in a block are exchanged", BLOCKS, "role == number)", "role == 2 - number)", MDM),
    row(
        "mdm: inputs stand one cell later",
        GIVEN,
        'fields.set_bits("address", here, indices)',
        'fields.set_bits("address", here, indices + (role == "input"))',
        MDM,
    ),
    row(
        "mdm: parameters are numbered from 1",
        GIVEN,
        'fields.set_bits("address", here, indices)',
        'fields.set_bits("address", here, indices + (role == "parameter"))',
        MDM,
    ),
    row(
        "mdm: outputs read the first cells",
        OF_MDM,
        "np.arange(job.outputs.start, job.outputs.stop)",
        "np.arange(len(job.outputs))",
        "small layouts of mdm",
    ),
    row(
        "mdm: inputs are laid out backwards",
        BlockLayout.given,
        "job.memory[: job.inputs].tolist()",
        "job.memory[: job.inputs].tolist()[::-1]",
        MDM,
    ),
    row(
        "mdm: more blocks than the widths allow pass",
        BlockLayout.__post_init__,
        "self.time.bit_length() > self.widths.time or",
        "",
        "refused decodes",
    ),
    row("mdm: one processor's HALT ends the run", BlockLayout.halted, ".all()", ".any()", "refused decodes"),
    row(
        "mdm: outputs are read one position later",
        BlockLayout.final_position,
        "self.first_output + cell",
        "self.first_output + 1 + cell",
        "foreign decoder",
    ),
    row("mdm: block numbers are one too low", BlockLayout.locate, "row // 3 + 1", "row // 3", "agreement finds"),
    row(
        "in place: the full length is one less",
        in_place.Layout.set_owners,
        'fields.set("full", slice(1, None), n)',
        'fields.set("full", slice(1, None), n - 1)',
        TWO,
    ),
    row(
        "in place: cells are numbered from 1",
        IN_PLACE,
        "np.arange(here.stop - here.start) // each",
        "np.arange(here.stop - here.start) // each + (role == 'cell')",
        TWO,
    ),
    row("in place: both slots of a cell count as cells", IN_PLACE, "// each", "", ONE),
    row(
        "in place: a program without outputs has one",
        in_place.Layout.own_parameters,
        "else [1, 0]",
        "else [0, 0]",
        "small layouts of ap-mdm",
    ),
    row("in place: the last output is one cell later", in_place.Layout.own_parameters, "outputs.stop - 1", "outputs.stop", ONE),
    row(
        "in place: the sequence ends anywhere",
        in_place.Layout.halted,
        "len(tokens) == 2 + len(self.job.outputs) and",
        "",
        "refused decodes",
    ),
    row("in place: outputs are read from BOS on", in_place.Layout.final_position, "1 + cell", "cell", TWO),
    row("in place: every processor has the first PC", in_place.Layout.set_owners, "(place == 0) & (pid == 0)", "place == 0", TWO),
    row(
        "ap-mdm: rows that publish pids lack them",
        two_step.Layout.set_processors,
        'BUFFERS.index("DST"), pid, 0)',
        'BUFFERS.index("VAL"), pid, 0)',
        TWO,
    ),
    row("in place: registers are numbered from 1", state.StateLayout.set_owners, "place - 1, 0)", "place, 0)", TWO),
    row(
        "one-step: second slots are first",
        one_step.Layout.set_processors,
        "np.arange(2 * job.space) % 2",
        "1 - np.arange(2 * job.space) % 2",
        ONE,
    ),
    row(
        "one-step: rows that publish pids count them from 1",
        one_step.Layout.set_processors,
        "np.where(place == 0, pid, 0)",
        "np.where(place == 0, pid ^ 1, 0)",
        ONE,
    ),
)
