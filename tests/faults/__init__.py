"""Faults that tests plant: in constructions, circuits, weights, decoders, and in columns that proofs are told of."""
