"""Random programs: writes them, checks them beside their models, counts what they contain, and shrinks those that fail."""
