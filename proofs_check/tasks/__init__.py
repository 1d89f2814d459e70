"""Checks of the paper's tasks that need more than a decode: all choices of a sampler, and gates for all neighbours."""
