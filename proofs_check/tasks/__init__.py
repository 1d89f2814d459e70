"""Proofs about models of tasks that no circuit describes: their weights were learned."""
