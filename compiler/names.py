"""Names and limits that are needed where torch is not: what constructions are called, and how many bits models have."""

from __future__ import annotations

from typing import Literal

from lockstep.pram.word import MAX_BITS, MIN_BITS

#: Least and most bits that models are compiled for: of a word, a step number (mdm), a position (ap-mdm) and a pid.
MODEL_BITS = {"word": (MIN_BITS, MAX_BITS), "time": (1, 40), "length": (4, 40), "pid": (1, 24)}

#: Schedules of ap-mdm; mdm has the first one only.
ScheduleName = Literal["two-step", "one-step"]
