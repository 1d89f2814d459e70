"""Checks of the paper's tasks beyond a decode: all choices of a sampler, gates for all neighbours, proofs of learned weights."""
