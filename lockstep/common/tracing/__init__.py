"""A run and its decodes as data (docs/trace.md): what `show` plays, and what `run --trace` and `decode --trace` print."""
