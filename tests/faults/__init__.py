"""Faults that tests plant: in constructions, circuits, weights, and in what the proofs are told of a column."""
