"""Proofs on the weights: what gates and attention compute, for all words."""
