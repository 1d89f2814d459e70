"""Theorems of "On Powerful Ways to Generate" (arXiv 2510.06190) as executable claims, one file each."""
