"""The native engine: weights become tapes of word operations over bit planes, which C++ runs on many rows at a time."""
