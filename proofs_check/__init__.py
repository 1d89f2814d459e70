"""Checks that compiled models compute what the machine computes: agreement, certificates, theorems, proofs, random programs."""
