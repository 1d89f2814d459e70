"""Machine code -> circuit of named fields -> weights of a transformer. Imports `pram` and `models`."""
