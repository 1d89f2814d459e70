"""Evidence that compiled models compute what the machine computes: random programs, agreement, certificates."""
