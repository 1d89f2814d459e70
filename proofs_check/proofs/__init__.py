"""Proves on the weights that gates and attention compute what instructions mean, for all words."""
