"""PRAM programs: text, analysis, machine code and the exact lock-step machine. Imports nothing of ours."""
