"""`lockstep verify`: command.py its options, table.py its report."""
