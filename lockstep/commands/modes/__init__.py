"""`lockstep modes`: command.py its options, trying.py the runs under each mode, table.py what they came to."""
