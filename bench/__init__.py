"""Benchmarks, printed by `make bench`. They are no tests."""
