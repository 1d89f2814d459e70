"""Any-order masked diffusion (`lockstep.compiler.ao_mdm`): what masked diffusion writes, one token in a decoding step."""

from __future__ import annotations

from dataclasses import replace

from lockstep.proofs_check.closed_forms import Bound
from lockstep.proofs_check.constructions import mdm
from lockstep.proofs_check.constructions.facts import Letters, Phase


def phases(values: Letters, bound: Bound, running: float, written: float) -> list[Phase]:
    """Each step computes the masked rows of a block and of the one after it, at most."""
    context, blocks = bound.context(values), 6 * values["P"]
    return [Phase(1, context, context, context), Phase(bound.decoding_steps(values), context, blocks, blocks)]


FACTS = replace(mdm.FACTS, phases=phases)
