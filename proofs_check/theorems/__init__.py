"""Theorems of "On Powerful Ways to Generate" (arXiv 2510.06190) as executable claims, one file each.

A file that bounds decodes of a process offers PROCESS, `checks(rows, on, order)`, `steps(job, time)` and
`peak_context(job, time)`.
"""

from __future__ import annotations

from proofs_check.theorems import theorem1, theorem4

#: The theorem that bounds each generation process.
BOUNDS = {theorem.PROCESS: theorem for theorem in (theorem1, theorem4)}
