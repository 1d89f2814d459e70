"""Any-order masked diffusion: the models of `lockstep.compiler.mdm`, which are right in any order, one token in a decoding step."""

from __future__ import annotations

from dataclasses import replace

from lockstep.compiler import mdm
from lockstep.compiler.names import AO_MDM

CONSTRUCTION = replace(mdm.CONSTRUCTION, name=AO_MDM)
