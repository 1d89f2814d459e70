"""Mutants: each breaks one thing, and each is caught by the check that it names, or is shown to be equivalent.

    make mutants            plants every mutant and prints what caught it; exit status 3 if one survives

| file                                    | what is in it                                                      |
|-----------------------------------------|--------------------------------------------------------------------|
| `of_*.py`                               | the mutants, by what is mutated                                    |
| `on_*.py`                               | the checks, by what they run on                                    |
| `planting.py`, `circuits.py`            | how mutants are put in place, and taken out again                  |
| `table.py`, `verdicts.py`, `show.py`    | a row of either table; the judge; verdicts as tables, and Markdown |

To add a mutant, add a row: docs/development.md.
"""

from __future__ import annotations

from mutation import (
    of_arm,
    of_certificates,
    of_checks,
    of_circuits,
    of_combining,
    of_comparisons,
    of_copies,
    of_dyck,
    of_editing,
    of_engines,
    of_erasing,
    of_faults,
    of_generation,
    of_graphs,
    of_language,
    of_layouts,
    of_lowering,
    of_machine,
    of_masked_arm,
    of_operations,
    of_reached,
    of_revision,
    of_rounds,
    of_rows,
    of_sampler_verdicts,
    of_samplers,
    of_sudoku,
    of_sums,
    of_sweeps,
    of_tasks,
    of_telling,
    of_traces,
    of_verdicts,
    of_weights,
    of_winners,
    on_causal,
    on_certificates,
    on_checks,
    on_combining,
    on_comparisons,
    on_copies,
    on_dyck,
    on_erasing,
    on_faults,
    on_generation,
    on_graphs,
    on_machine,
    on_masked_arm,
    on_models,
    on_operations,
    on_proofs,
    on_reached,
    on_rounds,
    on_rows,
    on_rules,
    on_sampler_verdicts,
    on_samplers,
    on_sudoku,
    on_sweeps,
    on_tasks,
    on_telling,
    on_traces,
    on_verdicts,
    on_winners,
)
from mutation.table import Check, Mutant

CHECKS: dict[str, Check] = {
    check.name: check
    for part in (
        on_machine,
        on_winners,
        on_combining,
        on_models,
        on_rules,
        on_generation,
        on_telling,
        on_traces,
        on_copies,
        on_masked_arm,
        on_causal,
        on_erasing,
        on_faults,
        on_certificates,
        on_proofs,
        on_checks,
        on_operations,
        on_comparisons,
        on_reached,
        on_rounds,
        on_sweeps,
        on_tasks,
        on_dyck,
        on_samplers,
        on_graphs,
        on_sudoku,
        on_rows,
        on_sampler_verdicts,
        on_verdicts,
    )
    for check in part.CHECKS
}

MUTANTS: tuple[Mutant, ...] = (
    *of_machine.MUTANTS,
    *of_winners.MUTANTS,
    *of_combining.MUTANTS,
    *of_lowering.MUTANTS,
    *of_language.MUTANTS,
    *of_rounds.MUTANTS,
    *of_circuits.MUTANTS,
    *of_editing.MUTANTS,
    *of_revision.MUTANTS,
    *of_copies.MUTANTS,
    *of_layouts.MUTANTS,
    *of_arm.MUTANTS,
    *of_erasing.MUTANTS,
    *of_faults.MUTANTS,
    *of_generation.MUTANTS,
    *of_telling.MUTANTS,
    *of_traces.MUTANTS,
    *of_masked_arm.MUTANTS,
    *of_weights.MUTANTS,
    *of_certificates.MUTANTS,
    *of_checks.MUTANTS,
    *of_operations.MUTANTS,
    *of_comparisons.MUTANTS,
    *of_verdicts.MUTANTS,
    *of_engines.MUTANTS,
    *of_sums.MUTANTS,
    *of_reached.MUTANTS,
    *of_sweeps.MUTANTS,
    *of_tasks.MUTANTS,
    *of_dyck.MUTANTS,
    *of_samplers.MUTANTS,
    *of_graphs.MUTANTS,
    *of_sudoku.MUTANTS,
    *of_rows.MUTANTS,
    *of_sampler_verdicts.MUTANTS,
)

__all__ = ["CHECKS", "MUTANTS"]
