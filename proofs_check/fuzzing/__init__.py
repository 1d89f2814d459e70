"""Random programs: how they are written, run beside their models, counted, and made small where they fail."""
