"""Second implementations, which share no code with what they check."""
