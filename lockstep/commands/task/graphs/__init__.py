"""Graphs of tasks: read from files, and solved by example programs."""
