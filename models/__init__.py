"""A standard transformer, generation processes and decoding. Imports nothing of ours and knows nothing of PRAMs."""
